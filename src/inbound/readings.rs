//! What a text may become on its way into a browser: character references, escapes of style sheets and percent signs are resolved by
//! somebody, and what comes of it by the next (R37). Home Assistant's markdown resolves references twice, for instance: once in its filter
//! of HTML, once in the browser.

/// More than any way through Home Assistant and a browser makes of one text; whoever nests deeper hides something.
const READINGS: usize = 40;
/// Of all of them together: a design is as long as its author likes.
const BYTES: usize = 4 << 20;

/// The text and whatever it may be read as, and whether that is all of it.
pub(super) fn readings(text: &str) -> (Vec<String>, bool) {
    let mut readings = vec![text.to_owned()];
    let (mut at, mut bytes) = (0, text.len());
    while at < readings.len() {
        for decoded in [references, escapes, percent].map(|decode| decode(&readings[at])) {
            if !readings.contains(&decoded) {
                bytes += decoded.len();
                readings.push(decoded);
            }
        }
        if readings.len() > READINGS || readings.len() > 1 && bytes > BYTES {
            return (readings, false);
        }
        at += 1;
    }
    (readings, true)
}

/// HTML character references, of which markdown and HTML make what they stand for.
fn references(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        match reference(after) {
            Some((c, length)) => {
                out.push(c);
                rest = &after[length..];
            }
            None => {
                out.push('&');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

/// The character that a reference stands for, and how long the reference is after its `&`.
fn reference(after: &str) -> Option<(char, usize)> {
    const OLD: [(&str, char); 6] =
        [("amp", '&'), ("AMP", '&'), ("quot", '"'), ("QUOT", '"'), ("lt", '<'), ("LT", '<')];
    const NAMED: [(&str, char); 11] = [
        ("sol", '/'),
        ("bsol", '\\'),
        ("colon", ':'),
        ("period", '.'),
        ("tab", '\t'),
        ("newline", '\n'),
        ("lpar", '('),
        ("rpar", ')'),
        ("commat", '@'),
        ("num", '#'),
        ("percnt", '%'),
    ];
    if let Some(number) = after.strip_prefix('#') {
        let (digits, radix, skipped) = match number.strip_prefix(['x', 'X']) {
            Some(digits) => (digits, 16, 2),
            None => (number, 10, 1),
        };
        let length = digits.bytes().take_while(|b| char::from(*b).is_digit(radix)).count();
        let c = u32::from_str_radix(&digits[..length], radix).ok().and_then(char::from_u32)?;
        let semicolon = usize::from(digits[length..].starts_with(';'));
        return Some((c, skipped + length + semicolon));
    }
    // The oldest ones do without a semicolon.
    if let Some((known, c)) = OLD.iter().find(|(known, _)| after.starts_with(known)) {
        return Some((*c, known.len() + usize::from(after[known.len()..].starts_with(';'))));
    }
    let (name, _) = after.split_once(';')?;
    let known = NAMED.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))?;
    Some((known.1, name.len() + 1))
}

/// Escapes of style sheets: `\2f ` is a slash, and before anything but a hexadecimal digit the backslash is dropped.
fn escapes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let digits = after.bytes().take(6).take_while(u8::is_ascii_hexdigit).count();
        rest = &after[digits..];
        match u32::from_str_radix(&after[..digits], 16) {
            Ok(code) => {
                out.push(char::from_u32(code).unwrap_or('\u{fffd}'));
                rest = rest.strip_prefix([' ', '\t', '\n', '\r', '\u{c}']).unwrap_or(rest);
            }
            // A line that ends with one goes on in the next.
            Err(_) => rest = rest.strip_prefix('\n').unwrap_or(rest),
        }
    }
    out.push_str(rest);
    out
}

/// `%2F`, as one address carries another.
fn percent(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let digits = bytes.get(at + 1..at + 3).filter(|_| *byte == b'%');
        let code = digits.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        out.push(code.unwrap_or(*byte));
        at += if code.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r37_a_text_is_read_in_every_way() {
        for (text, read) in [
            ("&#47;&#x2F;a", "//a"),
            ("&#38;#47;&amp;sol;a", "//a"),
            ("&amp#47/", "//"),
            ("\\2f\\00002fa", "//a"),
            ("u\\72l(\\2f \\2f x", "url(//x"),
            ("u\\rl", "url"),
            ("https%3A%2f%2Fa", "https://a"),
            ("%252F%2526%2523x2f;", "//"),
            ("%26bsol;2f x", "/x"),
        ] {
            assert!(readings(text).0.iter().any(|reading| reading == read), "{text}: {:?}", readings(text));
        }
        for text in ["Kitchen", "100 %", "Bed & Breakfast", "%zz%4", "&nothing;", "&#xd800;"] {
            assert_eq!(readings(text), (vec![text.to_owned()], true));
        }
        let nested = format!("%{}2f", "25".repeat(60));
        assert!(!readings(&nested).1, "too deep to be honest");
        let long = "x".repeat(BYTES);
        assert!(readings(&long).1 && !readings(&format!("{long}%25")).1, "too long to be read twice");
    }

    proptest::proptest! {
        #[test]
        fn any_text_gets_an_answer(text in "[&#x%\\\\0-9a-f; é]{0,30}") {
            let (readings, _) = readings(&text);
            proptest::prop_assert!(readings[0] == text && readings.len() <= READINGS + 3);
        }
    }
}
