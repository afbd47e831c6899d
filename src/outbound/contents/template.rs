//! Is a template made of the template language and of ids alone? Then it may leave as it is; any other literal makes it one token (R10).

use vestibule_protocol::vocabulary::{List, is_content_value};

/// Digits of a number that says nothing: a longer one could be somebody's.
const DIGITS: usize = 6;
/// Places after the point of a number that is no position on a map.
const PLACES: usize = 3;

/// Whether a number, as it is written, could be a telephone number, an account or a coordinate.
pub(super) fn is_telling(number: &str) -> bool {
    let digits = number.bytes().filter(u8::is_ascii_digit).count();
    let places =
        number.split_once('.').map_or(0, |(_, places)| places.bytes().take_while(u8::is_ascii_digit).count());
    digits > DIGITS || places > PLACES
}

/// Whether this is a template at all.
pub(super) fn is_template(text: &str) -> bool {
    text.contains("{{") || text.contains("{%")
}

/// Whether a template, whose ids were blanked, holds nothing but words of the language, vocabulary in quotes, small numbers and signs.
pub(super) fn is_plain(rest: &str) -> bool {
    if !is_template(rest) || !rest.is_ascii() || rest.contains("{#") {
        return false;
    }
    let bytes = rest.as_bytes();
    let (mut at, mut inside) = (0, false);
    while at < bytes.len() {
        match &bytes[at..] {
            [b'{', b'{' | b'%', ..] => {
                inside = true;
                at += 2;
            }
            [b'}' | b'%', b'}', ..] => {
                inside = false;
                at += 2;
            }
            [quote @ (b'\'' | b'"'), ..] if inside => {
                let Some(length) = rest[at + 1..].find(char::from(*quote)) else { return false };
                let quoted = rest[at + 1..at + 1 + length].trim();
                if !quoted.is_empty() && !is_content_value(quoted) {
                    return false;
                }
                at += length + 2;
            }
            [byte, ..] if is_part_of_word(*byte) => {
                let length = bytes[at..].iter().take_while(|byte| is_part_of_word(**byte)).count();
                let word = &rest[at..at + length];
                if !inside || !(is_number(bytes, at, word) || List::TemplateWord.find(word).is_some()) {
                    return false;
                }
                at += length;
            }
            _ => at += 1,
        }
    }
    !inside
}

const fn is_part_of_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Digits alone, few enough, also together with those on the other side of a point.
fn is_number(bytes: &[u8], at: usize, word: &str) -> bool {
    let fraction = at > 1 && bytes[at - 1] == b'.' && bytes[at - 2].is_ascii_digit();
    word.bytes().all(|b| b.is_ascii_digit()) && word.len() <= if fraction { PLACES } else { DIGITS }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r10_a_template_of_known_words_is_plain() {
        for plain in [
            "{{ states(' ') | float(0) | round(1) }}",
            "{% if is_state(' ', 'on') %}{{ 21.5 }}{% else %}{{ state_attr(\" \", \"brightness\") }}{% endif %}",
            "{{ 1 }} / {{ 2 }}",
        ] {
            assert!(is_plain(plain), "{plain}");
        }
        for other in [
            "{{ 'Emma' }}",
            "{{ emma }}",
            "Emma {{ 1 }}",
            "{{ 1 }} 1234",
            "{{ 1234567 }}",
            "{{ 52.12345 }}",
            "{# Emma #}{{ 1 }}",
            "{{ 'ö' }}",
            "{{ 'on }}",
            "{{ 1",
            "{{ is_state(' ', 'Emma asleep') }}",
            "if is not",
        ] {
            assert!(!is_plain(other), "{other}");
        }
    }

    #[test]
    fn numbers_that_could_be_somebodys() {
        for telling in ["4917123456", "52.5200", "-13.40495", "1234567"] {
            assert!(is_telling(telling), "{telling}");
        }
        for plain in ["0", "21.5", "100000", "-1.25", "1e3"] {
            assert!(!is_telling(plain), "{plain}");
        }
    }
}
