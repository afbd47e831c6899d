//! Would this text run code if a page took it for HTML? Home Assistant's markdown filters what it is given, but not everything that shows a
//! name does: charts of Home Assistant 2025.4 put the name of a line into the page as it stands (R37).

use super::readings::readings;

/// Elements that only show something, by themselves and without handlers. Every other one counts as code: frames, forms, styles, and
/// Home Assistant's own elements, which do things with their attributes.
const SHOWING: &str = "a abbr address article aside audio b bdi bdo big blockquote br caption center cite code col colgroup dd del \
    details dfn div dl dt em figcaption figure font footer h1 h2 h3 h4 h5 h6 ha-alert ha-icon ha-qr-code ha-svg-icon header hr i img input ins kbd \
    li mark nav ol p picture pre q s samp section small source span strike strong sub summary sup table tbody td tfoot th thead time tr \
    tt u ul var video";

/// Whether it has an element that does more than show something, or a handler (`onerror=`).
pub(super) fn runs(text: &str) -> bool {
    any_reading(text, |reading| {
        let mut elements = elements(reading).peekable();
        elements.peek().is_some()
            && (elements.any(|name| !SHOWING.split_whitespace().any(|known| known == name))
                || has_handler(reading))
    })
}

/// Whether it has any element. One text can begin what another, which stands behind it on the page, makes code of.
pub(super) fn begins(text: &str) -> bool {
    any_reading(text, |reading| elements(reading).next().is_some())
}

fn any_reading(text: &str, is: impl Fn(&str) -> bool) -> bool {
    text.contains(['<', '&', '\\', '%'])
        && readings(text).0.iter().any(|reading| is(&reading.to_ascii_lowercase()))
}

/// The names of the elements in a text of small letters.
fn elements(text: &str) -> impl Iterator<Item = &str> {
    text.split('<').skip(1).filter(|rest| rest.starts_with(|c: char| c.is_ascii_alphabetic())).map(|rest| {
        rest.split(|c: char| c.is_whitespace() || matches!(c, '/' | '>')).next().unwrap_or_default()
    })
}

/// `onerror=`, wherever an attribute may begin; quotes are not told apart, because a page may have opened one before.
fn has_handler(text: &str) -> bool {
    text.match_indices("on").any(|(at, _)| {
        let begins = !text[..at].ends_with(|c: char| c.is_alphanumeric() || matches!(c, '-' | '_'));
        let name = text[at + 2..].trim_start_matches(|c: char| c.is_ascii_alphabetic());
        begins && name.len() < text.len() - at - 2 && name.trim_start().starts_with('=')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r37_html_that_runs_code_is_found() {
        for text in [
            "<img src=x onerror=\"alert(1)\">",
            "<IMG/SRC=x/ONERROR\n=alert(1)",
            "<img src='x'onerror=alert(1)>",
            "Kitchen <svg onload=alert(1)>",
            "<iframe srcdoc=x>",
            "<script>alert(1)</script>",
            "<style>ha-card{display:none}</style>",
            "<base href=x>",
            "<hui-iframe-card>",
            "<custom-card>",
            "&lt;img src=x onerror=alert(1)&gt;",
            "<details open ontoggle=alert(1)>",
        ] {
            assert!(runs(text), "{text}");
        }
        for text in [
            "Kitchen",
            "a < b, c > d",
            "**bold** <br> <b>bold</b>",
            "<font color=\"red\">21 °C</font>",
            "<table><tr><td>x</td></tr></table>",
            "<ha-alert alert-type=\"info\">It is on.</ha-alert>",
            "<ha-icon icon='mdi:home'></ha-icon>",
            "<details><summary>More</summary>Text</details>",
            "<img src=\"/local/house.png\" width=\"20\">",
            "<3",
            "onerror=1",
            "<!-- a note -->",
        ] {
            assert!(!runs(text), "{text}");
        }
        for text in ["<b>", "<img title='", "&#60;a"] {
            assert!(begins(text), "{text}");
        }
        for text in ["a < b", "<3", "</b>", "<!-- x", "' onerror=alert(1)"] {
            assert!(!begins(text), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_gets_an_answer(text in "[<>a-z =/&\"'é]{0,30}") {
            proptest::prop_assert!(begins(&text) || !runs(&text));
        }
    }
}
