//! On the way out: ids become tokens, and whatever the portal may not read becomes one that only this document can undo (R10, R12).

use std::borrow::Cow;

use vestibule_protocol::vocabulary::{is_content_key, is_content_value};

use super::json::{self, Literal, Spelling, Visit};
use super::place::Place;
use super::reference::{self, Found};
use super::token::{self, Token};
use super::{ContentError, Contents, Ids, template};
use crate::identity::{HiddenTexts, IdKey};
use crate::outbound::privacy::looks_secret;

/// Contents as they may leave. With `names`, texts pass, unless they have the form of a secret or stand where somebody's belong;
/// without, every key and string outside the closed vocabulary becomes a token.
///
/// # Errors
/// `NotJson`, `LoneSurrogate`, `TooLarge`, `TooDeep`, `DuplicateKey`: then the contents stay at home.
pub fn rewrite(doc: &Contents<'_>, ids: &impl Ids, key: &IdKey, names: bool) -> Result<String, ContentError> {
    let mut hide = Hide { ids, texts: key.hidden(doc.thing), names };
    json::walk(doc.text, &mut hide)
}

struct Hide<'a, I> {
    ids: &'a I,
    texts: HiddenTexts,
    names: bool,
}

impl<I: Ids> Visit for Hide<'_, I> {
    fn key<'t>(
        &mut self,
        place: &Place<'_>,
        key: &Literal<'t>,
    ) -> Result<(Spelling, Cow<'t, str>), ContentError> {
        let spelling = self.decide(place, key, is_content_key);
        Ok((spelling, key.text.clone()))
    }

    fn string(&mut self, place: &Place<'_>, literal: &Literal<'_>) -> Result<Spelling, ContentError> {
        if place.is_personal() && !literal.text.is_empty() {
            return Ok(self.hidden(literal));
        }
        Ok(self.decide(place, literal, is_content_value))
    }

    fn number(&mut self, place: &Place<'_>, number: &str) -> Result<Spelling, ContentError> {
        let tells = place.is_personal() || template::is_telling(number);
        Ok(if tells { Spelling::Text(number_token(&self.texts, number).spelled()) } else { Spelling::Same })
    }
}

impl<I: Ids> Hide<'_, I> {
    fn hidden(&self, literal: &Literal<'_>) -> Spelling {
        Spelling::Text(string_token(&self.texts, literal).spelled())
    }

    fn decide(&self, place: &Place<'_>, literal: &Literal<'_>, is_known: fn(&str) -> bool) -> Spelling {
        let text = &*literal.text;
        if text.is_empty() {
            return Spelling::Same;
        }
        // A token has one spelling, so a string that could not be spelled again from its text is hidden as it stands.
        if !literal.is_plain() {
            return self.hidden(literal);
        }
        if let Some(kind) = place.ids {
            return match self.ids.token_of(text, kind) {
                Some(id) => Spelling::Text(Token::Thing(id).spelled()),
                None if matches!(text, "all" | "none") => Spelling::Same,
                None => self.hidden(literal),
            };
        }
        let found = reference::all(text, self.ids);
        if found.is_empty() && is_known(text) {
            return Spelling::Same;
        }
        if found.iter().any(|one| one.id.is_none() || text[..one.at.start].ends_with('@')) {
            return self.hidden(literal);
        }
        let rest = reference::residue(text, &found);
        if self.may_pass(&rest, !found.is_empty()) { replaced(text, &found) } else { self.hidden(literal) }
    }

    /// Whether what stands around the references may be read.
    fn may_pass(&self, rest: &str, references: bool) -> bool {
        let only_references = references && rest.chars().all(|c| matches!(c, ' ' | ','));
        only_references
            || ((self.names || template::is_plain(rest)) && !looks_secret(rest) && !self.ids.is_private(rest))
    }
}

/// The text with tokens for its references, which all have one, and with its own `@` written so that none reads as a token.
fn replaced(text: &str, found: &[Found]) -> Spelling {
    let mut out = String::with_capacity(text.len() + 16);
    let mut from = 0;
    for one in found {
        token::append_literal(&mut out, &text[from..one.at.start]);
        if let Some(id) = one.id {
            Token::Thing(id).append_to(&mut out);
        }
        from = one.at.end;
    }
    token::append_literal(&mut out, &text[from..]);
    if out == text { Spelling::Same } else { Spelling::Text(out) }
}

/// What stands for a string: by its text where that gives the spelling again, else by its spelling.
pub(super) fn string_token(texts: &HiddenTexts, literal: &Literal<'_>) -> Token {
    Token::Hidden(if literal.is_plain() {
        texts.number(b't', &literal.text)
    } else {
        texts.number(b'r', literal.raw)
    })
}

/// What stands for a number.
pub(super) fn number_token(texts: &HiddenTexts, number: &str) -> Token {
    Token::Hidden(texts.number(b'n', number))
}
