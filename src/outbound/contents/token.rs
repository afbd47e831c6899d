//! Tokens in a text: how they are spelled, read and told from an owner's own `@` (R12).

use vestibule_protocol::id::{OpaqueId, Thing};

use super::ContentError;

/// Characters of an id after its letter and underscore.
const SPELLED: usize = 13;

/// What stands in a designed text for something of the home.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token {
    /// `@e_…` and its like: a thing by its own id.
    Thing(OpaqueId),
    /// `@n_a_…`, `@n_e_…`: the owner's word for a thing.
    Name(OpaqueId),
    /// `@x_…`: a text of the base document.
    Hidden(u64),
}

/// Whether a letter and `_` after `@` begin a token.
const fn is_kind(letter: u8) -> bool {
    matches!(letter, b'e' | b'd' | b'a' | b'f' | b'l' | b'b' | b'm' | b's' | b'c' | b'r' | b'x' | b'n')
}

/// Whether this byte would continue a word.
pub(super) const fn in_word(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_')
}

/// Whether a token begins at the start of this text, after its `@`.
fn begins(after: &[u8]) -> bool {
    matches!(after, [letter, b'_', ..] if is_kind(*letter))
}

impl Token {
    /// `@` and the rest.
    pub(super) fn append_to(self, text: &mut String) {
        text.push('@');
        match self {
            Self::Thing(id) => id.append_to(text),
            Self::Name(id) => {
                text.push_str("n_");
                id.append_to(text);
            }
            Self::Hidden(bits) => {
                text.push_str("x_");
                vestibule_protocol::base32::append(&bits.to_be_bytes(), text);
            }
        }
    }

    /// The token alone.
    pub(super) fn spelled(self) -> String {
        let mut text = String::with_capacity(18);
        self.append_to(&mut text);
        text
    }

    /// Reads the token after an `@`, and says how many bytes it has.
    fn read(after: &str) -> Option<(Self, usize)> {
        let id = |text: &str| text.get(..SPELLED + 2)?.parse::<OpaqueId>().ok();
        let (token, length) = if let Some(tail) = after.strip_prefix("x_") {
            let bytes = vestibule_protocol::base32::decode(tail.get(..SPELLED)?)?;
            (Self::Hidden(u64::from_be_bytes(bytes.try_into().ok()?)), SPELLED + 2)
        } else if let Some(named) = after.strip_prefix("n_") {
            let id = id(named).filter(|id| matches!(id.thing, Thing::Area | Thing::Entity))?;
            (Self::Name(id), SPELLED + 4)
        } else {
            (Self::Thing(id(after)?), SPELLED + 2)
        };
        let ends = after.as_bytes().get(length).is_none_or(|byte| !in_word(*byte));
        ends.then_some((token, length))
    }
}

/// Writes an owner's text so that none of it reads as a token.
pub(super) fn append_literal(out: &mut String, text: &str) {
    let mut from = 0;
    for (at, _) in text.match_indices('@') {
        if begins(&text.as_bytes()[at + 1..]) {
            out.push_str(&text[from..=at]);
            from = at;
        }
    }
    out.push_str(&text[from..]);
}

/// A piece of a designed text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece<'t> {
    /// As it stands.
    Text(&'t str),
    /// To be replaced.
    Token(Token),
}

/// Takes a designed text apart.
///
/// # Errors
/// `BadToken` for an `@` with a kind letter and an underscore after it that is neither a token nor written twice.
pub(super) fn pieces(text: &str) -> Result<Vec<Piece<'_>>, ContentError> {
    let mut list = Vec::new();
    let bytes = text.as_bytes();
    let (mut from, mut at) = (0, 0);
    while let Some(found) = text[at..].find('@').map(|found| at + found) {
        let after = &bytes[found + 1..];
        if after.first() == Some(&b'@') && begins(&after[1..]) {
            // Written twice: one of them, and the letter behind it begins nothing.
            list.push(Piece::Text(&text[from..=found]));
            from = found + 2;
            at = from;
        } else if begins(after) {
            let open = found == 0 || !in_word(bytes[found - 1]);
            let (token, length) =
                Token::read(&text[found + 1..]).filter(|_| open).ok_or(ContentError::BadToken)?;
            list.push(Piece::Text(&text[from..found]));
            list.push(Piece::Token(token));
            from = found + 1 + length;
            at = from;
        } else {
            at = found + 1;
        }
    }
    list.push(Piece::Text(&text[from..]));
    list.retain(|piece| *piece != Piece::Text(""));
    Ok(list)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r12_a_literal_at_sign_is_written_twice() {
        for (text, written) in [
            ("me@home", "me@home"),
            ("@e_aaaaaaaaaaaaa", "@@e_aaaaaaaaaaaaa"),
            ("@@x_", "@@@x_"),
            ("a@s_b@z_c", "a@@s_b@z_c"),
            ("@", "@"),
        ] {
            let mut out = String::new();
            append_literal(&mut out, text);
            assert_eq!(out, written);
            let back: String = pieces(&out)
                .unwrap()
                .into_iter()
                .map(|piece| match piece {
                    Piece::Text(text) => text,
                    Piece::Token(_) => panic!("{out}"),
                })
                .collect();
            assert_eq!(back, text);
        }
    }

    #[test]
    fn r12_tokens_have_one_spelling_and_borders() {
        let id: OpaqueId = "a_aaaaaaaaaaaaa".parse().unwrap();
        assert_eq!(
            pieces("The @n_a_aaaaaaaaaaaaa, @a_aaaaaaaaaaaaa"),
            Ok(vec![
                Piece::Text("The "),
                Piece::Token(Token::Name(id)),
                Piece::Text(", "),
                Piece::Token(Token::Thing(id)),
            ])
        );
        for bad in [
            "@e_short",
            "x@e_aaaaaaaaaaaaa",
            "@e_aaaaaaaaaaaaab",
            "@e_aaaaaaaaaaaaa_",
            "@n_d_aaaaaaaaaaaaa",
            "@n_name",
            "@e_aaaaaaaaaaaab",
            "@x_0000000000000",
        ] {
            assert_eq!(pieces(bad), Err(ContentError::BadToken), "{bad}");
        }
    }

    proptest::proptest! {
        #[test]
        fn r12_any_owners_text_reads_back(text in "[@exn_a7 ]{0,40}") {
            let mut out = String::new();
            append_literal(&mut out, &text);
            let read: String = pieces(&out).unwrap().into_iter().map(|piece| match piece {
                Piece::Text(text) => text,
                Piece::Token(_) => "token",
            }).collect();
            proptest::prop_assert_eq!(read, text);
        }
    }
}
