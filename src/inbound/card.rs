//! Custom cards: one ES module each, kept in the resource list itself as a `data:` URL, so that nothing is fetched from anywhere (R39).
//!
//! ```text
//! data:text/javascript;vestibule=ELEMENT,PERCENT-ENCODED      or
//! data:text/javascript;vestibule=ELEMENT;base64,BASE64        whichever is shorter
//! ```
//!
//! The parameter says whose row it is and which element it defines; browsers pass over parameters that they do not know (Chromium 156 loads
//! both spellings as a module). The content address is computed from the row, so it needs no memory.

mod lexer;
mod scan;

pub use scan::{Scan, scan};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use vestibule_protocol::bytes::Fixed;

/// How every row of ours begins.
pub const PREFIX: &str = "data:text/javascript;vestibule=";

/// A card as it stands in the resource list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// The custom element.
    pub element: String,
    /// The module.
    pub module: String,
}

/// The content address of a module.
#[must_use]
pub fn address(module: &str) -> Fixed<32> {
    Fixed(*blake3::hash(module.as_bytes()).as_bytes())
}

/// The URL of the row that holds a module. Its length is that of the shorter of the two spellings, as it stands in JSON.
#[must_use]
pub fn url(element: &str, module: &str) -> String {
    let percent = percent_encoded(module);
    // In JSON, quotes and backslashes take two bytes.
    let escaped = percent.bytes().filter(|byte| matches!(byte, b'"' | b'\\')).count();
    if percent.len() + escaped <= ";base64".len() + module.len().div_ceil(3) * 4 {
        format!("{PREFIX}{element},{percent}")
    } else {
        format!("{PREFIX}{element};base64,{}", STANDARD.encode(module))
    }
}

/// Reads what [`url`] writes; `None` for every other URL.
#[must_use]
pub fn read(url: &str) -> Option<Installed> {
    let (head, data) = url.strip_prefix(PREFIX)?.split_once(',')?;
    let (element, bytes) = match head.strip_suffix(";base64") {
        Some(element) => (element, STANDARD.decode(data).ok()?),
        None => (head, percent_decoded(data)?),
    };
    let module = String::from_utf8(bytes).ok()?;
    Some(Installed { element: element.to_owned(), module })
}

/// What a URL parser would cut off, strip or take for an escape is encoded; the rest stands as it is, which the URL standard allows in a
/// path without slashes.
fn percent_encoded(text: &str) -> String {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut out = String::with_capacity(text.len() + text.len() / 16);
    let bytes = text.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        // A blank is cut off at the end only; browsers differ on one before `?`.
        let cut = *byte == b' ' && bytes.get(at + 1).is_none_or(|next| matches!(next, b' ' | b'?'));
        if cut || matches!(byte, b'%' | b'#' | 0..=0x1f | 0x7f..) {
            out.push('%');
            out.push(char::from(HEX[usize::from(byte >> 4)]));
            out.push(char::from(HEX[usize::from(byte & 15)]));
        } else {
            out.push(char::from(*byte));
        }
    }
    out
}

fn percent_decoded(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let digits = [bytes.next()?, bytes.next()?];
            out.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
        } else {
            out.push(byte);
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r39_the_shorter_spelling_is_taken() {
        let plain = url("acme-clock", "customElements.define('acme-clock', class extends HTMLElement {});\n");
        assert_eq!(
            plain,
            "data:text/javascript;vestibule=acme-clock,customElements.define('acme-clock', class extends HTMLElement {});%0A"
        );
        let odd = url("acme-clock", "ä\n%#\"\\ö\nü");
        assert!(odd.starts_with("data:text/javascript;vestibule=acme-clock;base64,"), "{odd}");
    }

    #[test]
    fn other_rows_are_not_ours() {
        for other in [
            "/hacsfiles/button-card/button-card.js",
            "data:text/javascript;base64,AAAA",
            "data:text/javascript,x",
            "data:text/javascript;vestibule=a-b",
            "data:text/javascript;vestibule=a-b,%4",
            "data:text/javascript;vestibule=a-b;base64,%%",
            "data:text/javascript;vestibule=a-b;base64,/w==",
        ] {
            assert_eq!(read(other), None, "{other}");
        }
    }

    proptest::proptest! {
        #[test]
        fn r39_a_module_comes_back_from_its_row(module in "\\PC{0,40}[ -~\n\t]{0,80} ?") {
            let row = url("acme-clock", &module);
            proptest::prop_assert!(!row.contains(['#', '\n', '\t']) && !row.ends_with(' '));
            let expected = Installed { element: "acme-clock".to_owned(), module };
            proptest::prop_assert_eq!(read(&row), Some(expected));
        }
    }
}
