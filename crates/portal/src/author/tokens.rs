//! Tokens in designed texts, as a home reads them (R12): `@`, a kind, `_`, 13 characters. A literal `@` before such letters is doubled.

use vestibule_protocol::base32;
use vestibule_protocol::id::{OpaqueId, Thing};

/// Characters of an id after its letter and underscore.
const SPELLED: usize = 13;

/// What stands in a text for something of the home.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Token<'t> {
    /// `@e_…` and its like: a thing.
    Thing(OpaqueId),
    /// `@n_a_…`, `@n_e_…`: the owner's word for a thing.
    Name(OpaqueId),
    /// `@x_…`: a text of the base document.
    Hidden(&'t str),
    /// It begins like a token and is none.
    Bad(&'t str),
}

/// All tokens of a text, in their order.
#[must_use]
pub fn of(text: &str) -> Vec<Token<'_>> {
    let bytes = text.as_bytes();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(found) = text[at..].find('@').map(|found| at + found) {
        let after = &text[found + 1..];
        at = found + 1;
        if after.strip_prefix('@').is_some_and(begins) {
            at += 1;
        } else if begins(after) {
            let open = found == 0 || !in_word(bytes[found - 1]);
            let (token, length) = read(after).filter(|_| open).unwrap_or_else(|| {
                let end = after.find(|c: char| !(c.is_ascii() && in_word(c as u8))).unwrap_or(after.len());
                (Token::Bad(&text[found..=found + end]), end)
            });
            tokens.push(token);
            at += length;
        }
    }
    tokens
}

fn in_word(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_'
}

fn begins(after: &str) -> bool {
    let mut letters = after.chars();
    let kind = letters.next();
    let is_kind = |c| matches!(c, 'x' | 'n') || Thing::ALL.into_iter().any(|thing| thing.letter() == c);
    kind.is_some_and(is_kind) && letters.next() == Some('_')
}

fn read(after: &str) -> Option<(Token<'_>, usize)> {
    let id = |text: &str| text.get(..SPELLED + 2)?.parse::<OpaqueId>().ok();
    let (token, length) = if let Some(tail) = after.strip_prefix("x_") {
        base32::decode(tail.get(..SPELLED)?).filter(|bytes| bytes.len() == 8)?;
        (Token::Hidden(&after[..SPELLED + 2]), SPELLED + 2)
    } else if let Some(named) = after.strip_prefix("n_") {
        let id = id(named).filter(|id| matches!(id.thing, Thing::Area | Thing::Entity))?;
        (Token::Name(id), SPELLED + 4)
    } else {
        (Token::Thing(id(after)?), SPELLED + 2)
    };
    after.as_bytes().get(length).is_none_or(|byte| !in_word(*byte)).then_some((token, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r12_tokens_are_found_within_their_borders() {
        let entity: OpaqueId = "e_aaaaaaaaaaaaa".parse().unwrap();
        let area: OpaqueId = "a_aaaaaaaaaaaaa".parse().unwrap();
        assert_eq!(
            of("{{ states('@e_aaaaaaaaaaaaa') }} in @n_a_aaaaaaaaaaaaa: @x_aaaaaaaaaaaaa."),
            [Token::Thing(entity), Token::Name(area), Token::Hidden("x_aaaaaaaaaaaaa")]
        );
        for none in ["me@home", "@@e_aaaaaaaaaaaaa", "a@z_c", "@", "@ü"] {
            assert!(of(none).is_empty(), "{none}");
        }
        for bad in
            ["@e_short", "x@e_aaaaaaaaaaaaa", "@e_aaaaaaaaaaaaab", "@n_d_aaaaaaaaaaaaa", "@x_0000000000000"]
        {
            assert!(matches!(of(bad)[..], [Token::Bad(_)]), "{bad} {:?}", of(bad));
        }
        assert_eq!(of("@e_short, @e_aaaaaaaaaaaaa"), [Token::Bad("@e_short"), Token::Thing(entity)]);
    }
}
