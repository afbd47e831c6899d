//! Fields of a query or a form, as browsers encode them.

/// Most fields; the longest form of ours is a request with a tick for each room.
const FIELDS: usize = 256;

/// Decoded fields, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    /// Reads `a=b&c=d`. What is not valid UTF-8 or has too many fields reads as an empty form.
    pub(super) fn parse(text: &[u8]) -> Self {
        let fields: Option<Vec<_>> = text
            .split(|byte| *byte == b'&')
            .filter(|field| !field.is_empty())
            .take(FIELDS + 1)
            .map(|field| {
                let at = field.iter().position(|byte| *byte == b'=').unwrap_or(field.len());
                let value = field.get(at + 1..).unwrap_or_default();
                Some((decoded(&field[..at])?, decoded(value)?))
            })
            .collect();
        Self(fields.filter(|fields| fields.len() <= FIELDS).unwrap_or_default())
    }

    /// The first field of this name.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// All fields of this name.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The same, where an empty one counts as absent.
    pub(super) fn some(&self, name: &str) -> Option<&str> {
        self.get(name).map(str::trim).filter(|value| !value.is_empty())
    }

    /// A number.
    pub(super) fn number(&self, name: &str) -> Option<u64> {
        self.some(name)?.parse().ok()
    }
}

/// `+` and `%xx` undone.
fn decoded(text: &[u8]) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.iter();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(*rest.next()?).to_digit(16);
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            other => *other,
        });
    }
    String::from_utf8(bytes).ok()
}

/// A value as it stands in a query.
pub(super) fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'/') {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.extend(
                [byte >> 4, byte & 15].map(|nibble| {
                    char::from_digit(u32::from(nibble), 16).unwrap_or('0').to_ascii_uppercase()
                }),
            );
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn fields_are_decoded() {
        let form = Form::parse(b"a=1&b=x+y%20z&c&d=%C3%A4&b=second");
        assert_eq!(form.get("a"), Some("1"));
        assert_eq!(form.get("b"), Some("x y z"));
        assert_eq!(form.get("c"), Some(""));
        assert_eq!(form.some("c"), None);
        assert_eq!(form.get("d"), Some("ä"));
        assert_eq!(form.number("a"), Some(1));
    }

    #[test]
    fn what_makes_no_sense_is_an_empty_form() {
        for text in [&b"a=%"[..], b"a=%4", b"a=%zz", b"a=%ff", b"a=\xff"] {
            assert_eq!(Form::parse(text), Form::default(), "{text:?}");
        }
        let many = "a=1&".repeat(FIELDS + 1);
        assert_eq!(Form::parse(many.as_bytes()), Form::default());
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(text in ".*") {
            let form = Form::parse(format!("q={}", encoded(&text)).as_bytes());
            prop_assert_eq!(form.get("q"), Some(text.as_str()));
        }
    }
}
