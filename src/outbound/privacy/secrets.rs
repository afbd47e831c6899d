//! Does this text look like a secret? The second net behind the grants: it finds known forms, not all (R10).
//!
//! A text with a hit does not leave, whatever was granted: addresses of the net (URLs, IP and MAC addresses, host names), tokens,
//! e-mail addresses, phone numbers, coordinates. Every check is one pass over the text without allocation.

/// Ends of names of hosts as they occur in homes; with a dot before them they make a host name of the words before.
const HOST_ENDS: [&str; 42] = [
    "app",
    "arpa",
    "at",
    "be",
    "biz",
    "box",
    "casa",
    "ch",
    "cloud",
    "com",
    "corp",
    "cz",
    "de",
    "dev",
    "dk",
    "es",
    "eu",
    "fr",
    "home",
    "info",
    "internal",
    "intra",
    "io",
    "it",
    "lan",
    "link",
    "local",
    "localdomain",
    "localhost",
    "me",
    "net",
    "network",
    "nl",
    "no",
    "nu",
    "onion",
    "org",
    "pl",
    "pt",
    "se",
    "uk",
    "us",
];

/// Beginnings of tokens that well-known services hand out.
const TOKEN_STARTS: [&str; 12] = [
    "AIza",
    "AKIA",
    "Bearer ",
    "eyJ",
    "ghp_",
    "gho_",
    "github_pat_",
    "glpat-",
    "sk-",
    "sk_live_",
    "xoxb-",
    "xoxp-",
];

/// Whether the text has the form of something that never leaves.
pub(in crate::outbound) fn looks_secret(text: &str) -> bool {
    // Most texts are a few words: nothing below can fit without one of these.
    let bytes = text.as_bytes();
    let digits = bytes.iter().filter(|b| b.is_ascii_digit()).count();
    let marked = bytes.iter().any(|b| matches!(b, b':' | b'@' | b'.' | b'/' | b'\\'));
    let long = bytes.len() >= 16;
    (marked && (is_url(text) || is_mail(text) || text.split(breaks_host).any(is_host)))
        || (digits >= 3 && marked && text.split(breaks_address).any(is_ip))
        || (digits >= 3 && has_coordinates(text))
        || (bytes.len() >= 11 && has_mac(text))
        || (digits >= 7 && has_phone(text))
        || (long && has_token(text))
}

fn is_url(text: &str) -> bool {
    text.contains("://") || text.contains("www.") || text.starts_with("//") || text.starts_with("\\\\")
}

fn is_mail(text: &str) -> bool {
    text.match_indices('@').any(|(at, _)| {
        let before =
            text[..at].ends_with(|c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '+'));
        let after = text[at + 1..].split(|c: char| !(c.is_alphanumeric() || c == '.' || c == '-')).next();
        before && after.is_some_and(|domain| domain.trim_end_matches('.').contains('.'))
    })
}

const fn breaks_host(c: char) -> bool {
    !(c.is_ascii_alphanumeric() || c == '.' || c == '-')
}

/// `homeassistant.local`, `my-house.duckdns.org`
fn is_host(word: &str) -> bool {
    word.trim_matches('.').rsplit_once('.').is_some_and(|(before, end)| {
        before.ends_with(|c: char| c.is_ascii_alphanumeric())
            && HOST_ENDS.iter().any(|known| known.eq_ignore_ascii_case(end))
    })
}

const fn breaks_address(c: char) -> bool {
    !(c.is_ascii_hexdigit() || c == '.' || c == ':')
}

/// An IPv4 or IPv6 address, also with a port.
fn is_ip(word: &str) -> bool {
    let word = word.trim_matches('.');
    if word.len() < 3 {
        return false;
    }
    // With a port after it, or with the end of a word before it.
    word.split(':').any(|part| part.trim_matches('.').parse::<std::net::Ipv4Addr>().is_ok())
        || (word.matches(':').count() >= 2
            && word.trim_end_matches(':').len() > 2
            && (word.parse::<std::net::Ipv6Addr>().is_ok()
                || word.trim_end_matches(':').parse::<std::net::Ipv6Addr>().is_ok()))
}

/// Twelve hexadecimal digits: in pairs, in fours, or in one piece with both letters and digits.
fn has_mac(text: &str) -> bool {
    text.split(|c: char| !(c.is_ascii_hexdigit() || matches!(c, ':' | '-' | '.'))).any(|run| {
        [':', '-', '.'].iter().any(|between| {
            let parts = run.split(*between);
            let (mut pairs, mut fours) = (0, 0);
            for part in parts {
                pairs = if part.len() == 2 { pairs + 1 } else { 0 };
                fours = if part.len() == 4 { fours + 1 } else { 0 };
                if pairs == 6 || fours == 3 {
                    return run.bytes().any(|b| b.is_ascii_digit());
                }
            }
            false
        })
    }) || text.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| {
        // `shelly1-A4CF12F3E2B1`, `lywsd03_a4c138112233`
        word.len() >= 12
            && word.bytes().rev().take_while(u8::is_ascii_hexdigit).count() >= 12
            && word.bytes().rev().take(12).filter(u8::is_ascii_digit).count() >= 2
    })
}

/// `+49 171 2345678`, `(030) 12345678`, `0171/2345678`, and any other nine digits in a row.
fn has_phone(text: &str) -> bool {
    text.split(|c: char| !(c.is_ascii_digit() || matches!(c, '+' | ' ' | '-' | '/' | '(' | ')' | '.'))).any(
        |run| {
            let run = run.trim_matches([' ', '-', '/', '.']);
            let digits = run.bytes().filter(u8::is_ascii_digit).count();
            digits >= 9 || (digits >= 7 && run.starts_with(['+', '0', '(']))
        },
    )
}

/// Two decimal numbers with three and more places after the point, or degrees with minutes.
fn has_coordinates(text: &str) -> bool {
    let precise = text
        .split(|c: char| !(c.is_ascii_digit() || c == '.'))
        .filter(|number| {
            number.split_once('.').is_some_and(|(whole, places)| {
                (1..=3).contains(&whole.len())
                    && places.len() >= 3
                    && places.bytes().all(|b| b.is_ascii_digit())
            })
        })
        .count();
    precise >= 2
        || text.match_indices('°').any(|(at, _)| {
            text[at + '°'.len_utf8()..].trim_start().starts_with(|c: char| c.is_ascii_digit())
                && text[at..].contains(['\'', '′', '’'])
        })
}

/// A piece of what only a machine would choose: long, without spaces, with digits and letters mixed.
fn has_token(text: &str) -> bool {
    if TOKEN_STARTS.iter().any(|start| {
        text.match_indices(start).any(|(at, _)| {
            text[at + start.len()..]
                .bytes()
                .take_while(|b| b.is_ascii_alphanumeric() || *b == b'_' || *b == b'-')
                .count()
                >= 12
                && !text[..at].ends_with(|c: char| c.is_ascii_alphanumeric())
        })
    }) {
        return true;
    }
    let mixed = |word: &str, least: usize| {
        let count = |is: fn(&u8) -> bool| word.as_bytes().iter().filter(|byte| is(byte)).count();
        let (digits, lower, upper) =
            (count(u8::is_ascii_digit), count(u8::is_ascii_lowercase), count(u8::is_ascii_uppercase));
        word.len() >= least && digits >= 3 && lower + upper >= 3
    };
    text.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| mixed(word, 20))
        || text.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '_' | '-' | '='))).any(
            |word| {
                // An entity id is never in capitals, so words joined by `_` do not count.
                mixed(word, 24)
                    && word.bytes().filter(u8::is_ascii_uppercase).count() >= 3
                    && word.bytes().filter(u8::is_ascii_lowercase).count() >= 3
            },
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r9_known_forms_of_secrets_are_found() {
        for secret in [
            "http://192.168.1.20:8123",
            "https://user:pass@example.com/x",
            "rtsp://admin:1234@cam/stream",
            "Camera 192.168.1.20",
            "Router (10.0.0.1)",
            "cam:10.0.0.2.",
            "192.168.1.20:8123",
            "203.0.113.9",
            "fe80::1",
            "2001:db8:0:1::42",
            "homeassistant.local",
            "my-house.duckdns.org",
            "Fritz fritz.box",
            "nas.lan",
            "abc.ui.nabu.casa",
            "a4:cf:12:f3:e2:b1",
            "A4-CF-12-F3-E2-B1",
            "a4cf.12f3.e2b1",
            "shelly1-A4CF12F3E2B1",
            "sensor_lywsd03_a4c138112233",
            "+49 171 2345678",
            "Call (030) 123456-78",
            "0171/2345678",
            "555-123-4567",
            "grandma@example.org",
            "first.last+home@mail.example.co.uk",
            "52.5200, 13.4050",
            "Home 52.520008 13.404954",
            "52° 31' 12\" N",
            "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9",
            "ghp_abcdefghijklmnop1234",
            "Bearer abcdefghijklmnop",
            "6f9619ff8b86d011b42d00cf4fc964ff",
            "key QmFzZTY0IGlzIG5vdCBhIHNlY3JldA1234",
            "SN 123456789012",
            "\\\\nas\\share",
        ] {
            assert!(looks_secret(secret), "{secret}");
        }
    }

    #[test]
    fn ordinary_names_pass() {
        for name in [
            "Kitchen",
            "Grandmother's room",
            "Living Room Lamp 2",
            "sensor.living_room_temperature_2",
            "light.kitchen",
            "binary_sensor.front_door_contact_battery_low",
            "TRADFRI bulb E27 WS opal 1000lm",
            "Hue white A60 bulb E27 1100lm (LCA006)",
            "SNZB-02D",
            "WXKG11LM",
            "Version 2026.11.0",
            "mdi:lightbulb-group",
            "mdi:home-floor-1",
            "20:00 alarm",
            "Boiler 22.5 °C",
            "21.5",
            "1.5/2.5",
            "Küche @ home",
            "Dr. No",
            "Energy 2024-01-01",
            "Bed & Breakfast, left/right",
            "automation.turn_on_the_lights_when_somebody_comes_home_in_the_evening",
            "No. 5",
            "décor",
            "",
        ] {
            assert!(!looks_secret(name), "{name}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_gets_an_answer(text: String) {
            let _ = looks_secret(&text);
        }

        #[test]
        fn any_address_is_found(a: u32, before in "[a-zA-Z ]{0,10} ", after in " [a-zA-Z ]{0,10}") {
            let text = format!("{before}{}{after}", std::net::Ipv4Addr::from(a));
            proptest::prop_assert!(looks_secret(&text), "{}", text);
        }
    }
}
