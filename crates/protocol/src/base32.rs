//! Base32 as RFC 4648 section 6 has it, in lower case and without padding: the spelling of every identifier.

const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// Spells `bytes`; `n` bytes make `ceil(8 n / 5)` characters.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(5) * 8);
    append(bytes, &mut text);
    text
}

/// Spells `bytes` at the end of `text`.
pub fn append(bytes: &[u8], text: &mut String) {
    let (mut window, mut bits) = (0_u32, 0);
    for byte in bytes {
        window = window << 8 | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(char::from(ALPHABET[(window >> bits & 31) as usize]));
        }
    }
    if bits > 0 {
        text.push(char::from(ALPHABET[(window << (5 - bits) & 31) as usize]));
    }
}

/// Reads what [`encode`] writes; `None` for any other character, length or a last character with stray bits, so that
/// every value has exactly one spelling.
#[must_use]
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() * 5 / 8);
    let (mut window, mut bits) = (0_u32, 0);
    for letter in text.bytes() {
        let value = match letter {
            b'a'..=b'z' => letter - b'a',
            b'2'..=b'7' => letter - b'2' + 26,
            _ => return None,
        };
        window = (window << 5 | u32::from(value)) & 0xfff;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push((window >> bits & 0xff) as u8);
        }
    }
    (bits < 5 && window & ((1 << bits) - 1) == 0).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn agrees_with_the_vectors_of_rfc_4648() {
        let vectors = [
            ("", ""),
            ("f", "my"),
            ("fo", "mzxq"),
            ("foo", "mzxw6"),
            ("foob", "mzxw6yq"),
            ("fooba", "mzxw6ytb"),
            ("foobar", "mzxw6ytboi"),
        ];
        for (plain, spelled) in vectors {
            assert_eq!(encode(plain.as_bytes()), spelled);
            assert_eq!(decode(spelled).as_deref(), Some(plain.as_bytes()));
        }
    }

    #[test]
    fn refuses_what_it_would_not_have_written() {
        for wrong in ["a", "abc", "my======", "MY", "m1", "mz"] {
            assert_eq!(decode(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn reads_back_what_it_writes(bytes: Vec<u8>) {
            prop_assert_eq!(decode(&encode(&bytes)), Some(bytes));
        }

        #[test]
        fn gives_every_value_one_spelling(text in "[a-z2-7]{0,40}") {
            if let Some(bytes) = decode(&text) {
                prop_assert_eq!(encode(&bytes), text);
            }
        }
    }
}
