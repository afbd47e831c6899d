//! Does this text make a browser call another computer? Every spelling that a browser takes for an absolute address counts (R37).
//!
//! It errs towards yes: what is found wrongly, the owner can allow; what is missed carries data out of the home.

use super::readings::readings;

/// Schemes whose addresses need no slashes before the host.
const SPECIAL: [&str; 6] = ["http:", "https:", "ws:", "wss:", "ftp:", "file:"];
/// Schemes that Home Assistant itself gives a meaning to.
const OWN: [&str; 2] = ["media-source", "homeassistant"];
/// The one media source that is a directory in which everybody can enter a station, and that answers with the station's address.
const PUBLIC_SOURCE: &str = "radio_browser";
/// What markdown makes a link of without any scheme.
const AUTOLINK: &str = "www.";
/// A host that only shows when a template or code has run, or that cannot be told from what stands around it.
pub(super) const ANY: &str = "any host";
/// An address without a host of its own: another page of the same Home Assistant.
pub(super) const HERE: &str = "this home";

/// The hosts that the text names, in lower case, without port; [`ANY`] where it cannot be told, or where style sheets are given an address.
pub(super) fn named(text: &str) -> Vec<String> {
    // Nearly all texts.
    if text.is_ascii() && !text.contains(['/', '\\', ':', '&', '(', '%']) && !has_autolink(text) {
        return Vec::new();
    }
    let mut hosts = Vec::new();
    let (readings, all) = readings(text);
    readings.iter().for_each(|reading| look(&flattened(reading), text, &mut hosts));
    if !all {
        hosts.push(ANY.to_owned());
    }
    hosts.sort_unstable();
    hosts.dedup();
    hosts
}

fn has_autolink(text: &str) -> bool {
    text.as_bytes().windows(AUTOLINK.len()).any(|word| word.eq_ignore_ascii_case(AUTOLINK.as_bytes()))
}

/// Looks through one reading of the text.
fn look(plain: &str, text: &str, hosts: &mut Vec<String>) {
    for (at, _) in plain.match_indices("//") {
        // `///host` and `////host` are taken like `//host`; each run once.
        if plain[..at].ends_with('/') {
            continue;
        }
        let after = plain[at..].trim_start_matches('/');
        let scheme = plain[..at].strip_suffix(':').map(last_word);
        if scheme.is_some_and(|scheme| OWN.contains(&scheme)) && !after.starts_with(PUBLIC_SOURCE) {
            continue;
        }
        hosts_at(after, hosts);
    }
    for scheme in SPECIAL {
        for (at, _) in plain.match_indices(scheme) {
            let after = &plain[at + scheme.len()..];
            let begins = !plain[..at].ends_with(|c: char| c.is_ascii_alphanumeric());
            if begins && !after.starts_with("//") {
                hosts_at(after.trim_start_matches('/'), hosts);
            }
        }
    }
    for (at, _) in plain.match_indices(AUTOLINK) {
        let mut linked = Vec::new();
        hosts_at(&plain[at..], &mut linked);
        // Most often it stands in an address that has been found.
        linked.retain(|host| !hosts.iter().any(|known| known.ends_with(host.as_str())));
        hosts.extend(linked);
    }
    if plain.contains("url(") || plain.contains("@import") || plain.contains("image-set(") {
        // An address without a host in it is this home's own, unless escapes hide one.
        let inside = plain.split("url(").skip(1).map(|rest| rest.trim_start_matches([' ', '"', '\'']));
        let own = |rest: &str| rest.starts_with('/') && !rest.starts_with("//") && !text.contains('\\');
        if hosts.is_empty() && !(plain.contains("url(") && inside.clone().all(own)) {
            hosts.push(ANY.to_owned());
        }
    }
}

/// A scheme that runs code or shows a document of its own, at the start of a word: `javascript:`, `data:text/html`.
pub(super) fn runs_code(text: &str) -> Option<&'static str> {
    if text.is_ascii() && !text.contains([':', '&']) {
        return None;
    }
    readings(text).0.iter().find_map(|reading| code_in(&flattened(reading)))
}

fn code_in(plain: &str) -> Option<&'static str> {
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

/// The scheme at the start of an address, with its colon, where it is none of the web's: `tel:`, `intent:`, `data:`.
pub(super) fn other_scheme(address: &str) -> Option<String> {
    let plain = flattened(address);
    let (scheme, _) = plain.trim_start().split_once(':')?;
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    let scheme = format!("{scheme}:");
    (is_scheme && !SPECIAL.contains(&&*scheme)).then_some(scheme)
}

/// Whether it is the address of a webhook of this home. A picture with such an address would start an automation by being shown.
pub(super) fn calls_webhook(text: &str) -> bool {
    text.contains(['/', '\\', '%', '&'])
        && readings(text).0.iter().map(|reading| flattened(reading)).any(|plain| {
            // However it is wrapped, `api/x/../webhook/y` included.
            plain.contains("api/") && plain.contains("webhook/")
        })
}

/// As a browser reads addresses: without tabs and line ends, with `\` for `/`, without capitals.
fn flattened(text: &str) -> String {
    text.chars()
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

fn last_word(text: &str) -> &str {
    let is_scheme = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    let start = text.char_indices().rev().take_while(|(_, c)| is_scheme(*c)).last();
    start.map_or("", |(at, _)| &text[at..])
}

/// The host at the start of what follows the slashes; nothing where a blank, or nothing, follows. Prose, HTML and CSS end an address at
/// quotes and the like; a browser that is handed the whole text takes all of it, up to the next slash, for user, host and port.
fn hosts_at(rest: &str, hosts: &mut Vec<String>) {
    let ends = |c: char| {
        c.is_whitespace() || matches!(c, '"' | '\'' | ')' | '(' | '<' | '>' | ',' | ';' | '`' | '|')
    };
    let whole = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let authority = whole.split(ends).next().unwrap_or_default();
    hosts.extend(host_of(authority));
    let more = &whole[authority.len()..];
    if let Some((_, host)) = more.rsplit_once('@') {
        // `a.example,@evil.example`: everything before the sign is a name to log in with.
        hosts.push(host_of(host.split(ends).next().unwrap_or_default()).unwrap_or_else(|| ANY.to_owned()));
    } else if more.contains(char::is_alphanumeric)
        && !more.contains(|c: char| c.is_whitespace() || "<>|".contains(c))
    {
        // `a.example,evil.example` is one name for a browser, and two for a reader.
        hosts.push(ANY.to_owned());
    }
}

fn host_of(authority: &str) -> Option<String> {
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
        assert_eq!(named("background: \\75rl(x)"), [ANY]);
        assert_eq!(named("background: url(x.png)"), [ANY]);
        assert_eq!(named("background: url(/\\2f evil.example)"), ["2f", "evil.example"]);
        assert_eq!(named("http://a.example http://b.example"), ["a.example", "b.example"]);
        assert_eq!(
            named("a page (https://a.example), <a href=\"https://b.example\">one</a>"),
            ["a.example", "b.example"]
        );
    }

    /// Past what was looked for at first; most of them were seen to reach another host from a real dashboard.
    #[test]
    fn r37_addresses_in_disguise_are_found() {
        for text in [
            // Markdown resolves references twice.
            "<img src=\"/&#38;#47;evil.example/x\">",
            "![x](/&#38;sol;evil.example/x)",
            // Style sheets, in whatever key they stand.
            "center u\\72l(\\2f\\2f evil.example/x)",
            "center url('\\68ttp\\3a\\2f\\2f evil.example/x')",
            // A link without a scheme.
            "www.evil.example",
            "see WWW.evil.example?x",
            "xwww.evil.example",
            // The login page hands the way in to whoever stands in its address.
            "/auth/authorize?client_id=https%3A%2F%2Fevil.example&redirect_uri=https%3a%2f%2fevil.example%2fx",
            // Names to log in with.
            "//;@evil.example/x",
            "//\"@evil.example/x",
        ] {
            let hosts = named(text);
            assert!(
                hosts.iter().any(|host| host.trim_start_matches("www.") == "evil.example"),
                "{text}: {hosts:?}"
            );
        }
        assert_eq!(named("https://a.example,@evil.example/x"), ["a.example", "evil.example"]);
        assert_eq!(named("https://a.example @evil.example/x"), ["a.example", "evil.example"]);
        // One name for a browser, which asks the last part of it.
        assert_eq!(named("//a.example,x.evil.example/x"), ["a.example", ANY]);
        assert_eq!(named("//'x.evil.example/x"), [ANY]);
        assert_eq!(named("www.{{ states('lock.door') }}.evil.example"), [ANY]);
        assert_eq!(named("media-source://radio_browser/0"), ["radio_browser"]);
        assert_eq!(named(&format!("%{}2f", "25".repeat(60))), [ANY]);
    }

    #[test]
    fn webhooks_are_told_from_pages() {
        for address in
            ["/api/webhook/x", "![x](/api/x/../%77ebhook/y)", "\\api\\webhook\\x", "/API/WebHook/x"]
        {
            assert!(calls_webhook(address), "{address}");
        }
        for address in ["/lovelace/webhook", "about webhooks", "/api/image/serve/x"] {
            assert!(!calls_webhook(address), "{address}");
        }
    }

    #[test]
    fn other_schemes_are_told_from_pages() {
        for (address, scheme) in [
            ("tel:+49900", "tel:"),
            (" in\ttent://x#Intent;end", "intent:"),
            ("homeassistant://call_service/lock.unlock", "homeassistant:"),
            ("data:image/svg+xml;base64,AA", "data:"),
        ] {
            assert_eq!(other_scheme(address).as_deref(), Some(scheme));
        }
        for address in ["/lovelace/0", "kitchen", "https://a.example", "//a.example", "/a?b=c:d", ""] {
            assert_eq!(other_scheme(address), None);
        }
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
