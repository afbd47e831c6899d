//! Does this text make a browser call another computer? Every spelling that a browser takes for an absolute address counts (R37).
//!
//! It errs towards yes: what is found wrongly, the owner can allow; what is missed carries data out of the home.

/// Schemes whose addresses need no slashes before the host.
const SPECIAL: [&str; 6] = ["http:", "https:", "ws:", "wss:", "ftp:", "file:"];
/// Schemes that Home Assistant itself gives a meaning to.
const OWN: [&str; 2] = ["media-source", "homeassistant"];
/// A host that only shows when a template or code has run.
pub(super) const ANY: &str = "any host";
/// An address without a host of its own: another page of the same Home Assistant.
pub(super) const HERE: &str = "this home";

/// The hosts that the text names, in lower case, without port; [`ANY`] where it cannot be told, or where style sheets are given an address.
pub(super) fn named(text: &str) -> Vec<String> {
    // Nearly all texts.
    if text.is_ascii() && !text.contains(['/', '\\', ':', '&', '(']) {
        return Vec::new();
    }
    let plain = flattened(text);
    let mut hosts = Vec::new();
    for (at, _) in plain.match_indices("//") {
        // `///host` and `////host` are taken like `//host`; each run once.
        if plain[..at].ends_with('/') {
            continue;
        }
        let scheme = plain[..at].strip_suffix(':').map(last_word);
        if scheme.is_some_and(|scheme| OWN.contains(&scheme)) {
            continue;
        }
        hosts.extend(host_at(plain[at..].trim_start_matches('/')));
    }
    for scheme in SPECIAL {
        for (at, _) in plain.match_indices(scheme) {
            let after = &plain[at + scheme.len()..];
            let begins = !plain[..at].ends_with(|c: char| c.is_ascii_alphanumeric());
            if begins && !after.starts_with("//") {
                hosts.extend(host_at(after.trim_start_matches('/')));
            }
        }
    }
    if plain.contains("url(") || plain.contains("@import") || plain.contains("image-set(") {
        // An address without a host in it is this home's own, unless escapes hide one.
        let inside = plain.split("url(").skip(1).map(|rest| rest.trim_start_matches([' ', '"', '\'']));
        let own = |rest: &str| rest.starts_with('/') && !rest.starts_with("//") && !text.contains('\\');
        if hosts.is_empty() && !(plain.contains("url(") && inside.clone().all(own)) {
            hosts.push(ANY.to_owned());
        }
    }
    hosts.sort_unstable();
    hosts.dedup();
    hosts
}

/// A scheme that runs code or shows a document of its own, at the start of a word: `javascript:`, `data:text/html`.
pub(super) fn runs_code(text: &str) -> Option<&'static str> {
    if text.is_ascii() && !text.contains([':', '&']) {
        return None;
    }
    let plain = flattened(text);
    let begins = |at: usize| {
        !plain[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
    };
    let starts = |scheme: &str| plain.match_indices(scheme).any(|(at, _)| begins(at));
    if starts("javascript:") {
        return Some("javascript:");
    }
    if starts("vbscript:") {
        return Some("vbscript:");
    }
    if starts("blob:") {
        return Some("blob:");
    }
    let documents = plain.match_indices("data:").any(|(at, _)| {
        let after = plain[at + 5..].trim_start();
        let media = after.split([',', ';']).next().unwrap_or_default();
        begins(at) && media.contains('/') && !media.starts_with("image/")
    });
    documents.then_some("data:")
}

/// As a browser reads addresses: without tabs and line ends, with `\` for `/`, without capitals, with character references resolved.
fn flattened(text: &str) -> String {
    let resolved = if text.contains('&') { references(text) } else { text.to_owned() };
    resolved
        .chars()
        .filter(|c| {
            !c.is_control() && !matches!(c, '\u{ad}' | '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}')
        })
        .map(|c| match c {
            '\\' | '\u{ff0f}' | '\u{2044}' => '/',
            '\u{ff1a}' => ':',
            '\u{3002}' | '\u{ff0e}' => '.',
            other => other.to_ascii_lowercase(),
        })
        .collect()
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
    const NAMED: [(&str, char); 12] = [
        ("sol", '/'),
        ("bsol", '\\'),
        ("colon", ':'),
        ("period", '.'),
        ("tab", '\t'),
        ("newline", '\n'),
        ("lpar", '('),
        ("rpar", ')'),
        ("amp", '&'),
        ("commat", '@'),
        ("quot", '"'),
        ("num", '#'),
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
    let (name, _) = after.split_once(';')?;
    let known = NAMED.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))?;
    Some((known.1, name.len() + 1))
}

fn last_word(text: &str) -> &str {
    let is_scheme = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    let start = text.char_indices().rev().take_while(|(_, c)| is_scheme(*c)).last();
    start.map_or("", |(at, _)| &text[at..])
}

/// The host at the start of what follows the slashes; nothing where a blank, or nothing, follows.
fn host_at(rest: &str) -> Option<String> {
    if rest.starts_with(char::is_whitespace) || rest.is_empty() {
        return None;
    }
    let ends = |c: char| {
        c.is_whitespace()
            || matches!(c, '/' | '?' | '#' | '"' | '\'' | ')' | '(' | '<' | '>' | ',' | ';' | '`' | '|')
    };
    let authority = rest.split(ends).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let host = match host.strip_prefix('[') {
        Some(inner) => inner.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let host = host.trim_end_matches('.');
    if host.is_empty() || host.contains(['{', '}', '%', '$', '[', ']']) {
        // Also where only punctuation follows: better asked once too often.
        return (!authority.is_empty()).then(|| ANY.to_owned());
    }
    Some(host.chars().take(120).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r37_every_spelling_of_an_address_is_found() {
        for text in [
            "https://evil.example/x",
            "HTTPS://EVIL.EXAMPLE",
            "//evil.example/x.png",
            "///evil.example",
            "\\\\evil.example\\x",
            "/\\evil.example",
            "/\t/evil.example",
            "ht\ntps://evil.example",
            "https:/evil.example",
            "https:evil.example",
            "wss://user:pass@evil.example:8443/x",
            "![x](https://evil.example/x.png)",
            "![x](//evil.example)",
            "![x]( \\/\\/evil.example)",
            "<img src=//evil.example>",
            "[x]: https&colon;//evil.example",
            "<img src=\"&#47;&#x2F;evil.example/\">",
            "<img src=&sol;&sol;evil.example>",
            "background: url('https://evil.example/?x')",
            "rtsp://evil.example/stream",
            "see ftp://evil.example.",
            "https://evil.example{{ states('x.y') }}".split("{{").next().unwrap(),
            "\u{ff0f}\u{ff0f}evil.example",
        ] {
            assert_eq!(named(text), ["evil.example"], "{text:?}");
        }
        assert_eq!(named("https://{{ states('sensor.x') }}.evil.example/"), [ANY]);
        assert_eq!(named("https://[2001:db8::1]:8123/"), ["2001:db8::1"]);
        assert_eq!(named("background: \\75rl(x)"), [ANY; 0], "no address without slashes");
        assert_eq!(named("background: url(x.png)"), [ANY]);
        assert_eq!(named("background: url(/\\2f evil.example)"), ["2f"]);
        assert_eq!(named("http://a.example http://b.example"), ["a.example", "b.example"]);
    }

    #[test]
    fn ordinary_texts_name_no_host() {
        for text in [
            "Kitchen",
            "mdi:lightbulb",
            "/local/house.png",
            "/lovelace/kitchen",
            "url(/local/x.png)",
            "12:30",
            "left/right",
            "// a comment",
            "and/or: yes",
            "media-source://media_source/local/bell.mp3",
            "{{ states('sensor.x') }}",
            "Bed & Breakfast",
            "a & b; c",
            "Temperatur: 20 °C",
        ] {
            assert_eq!(named(text), [""; 0], "{text:?}");
            assert_eq!(runs_code(text), None, "{text:?}");
        }
    }

    #[test]
    fn r37_addresses_that_are_code_are_found() {
        for (text, what) in [
            ("javascript:alert(1)", "javascript:"),
            (" java\nscript:alert(1)", "javascript:"),
            ("[x](javascript&colon;alert(1))", "javascript:"),
            ("data:text/html,<script>", "data:"),
            ("data:application/xhtml+xml;base64,AA", "data:"),
        ] {
            assert_eq!(runs_code(text), Some(what), "{text:?}");
        }
        assert_eq!(runs_code("data:image/png;base64,AAAA"), None);
        assert_eq!(runs_code("metadata: x/y"), None);
    }

    proptest::proptest! {
        #[test]
        fn any_text_gets_an_answer(text: String) {
            let _ = (named(&text), runs_code(&text));
        }

        #[test]
        fn r37_an_address_is_found_in_any_company(before in "[^/:\\\\&]{0,12}", host in "[a-z]{1,9}\\.example", after in "[ /\"')]\\PC{0,9}") {
            let text = format!("{before} https://{host}{after}");
            proptest::prop_assert!(named(&text).contains(&host), "{:?}", text);
        }
    }
}
