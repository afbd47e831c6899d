//! On the way back: tokens become what they stand for at home, or the whole design is refused (R12, R13, R15).

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use vestibule_protocol::id::Thing;

use super::hide::{number_token, string_token};
use super::json::{self, Literal, Spelling, Visit};
use super::place::Place;
use super::reference;
use super::token::{self, Piece, Token};
use super::{ContentError, Contents, Ids};
use crate::identity::{HiddenTexts, IdKey};
use crate::private::Private;

/// What is written to Home Assistant for a designed text. `base` is what it holds of the same document now, if it holds anything: it yields
/// the texts behind `@x_…`, each only where it stood, whatever was granted when it left.
///
/// # Errors
/// Every [`ContentError`]; `SecretMoved` also for an `@x_…` that the base does not know.
pub fn resolve(
    designed: &str,
    base: Option<&Contents<'_>>,
    ids: &impl Ids,
    key: &IdKey,
) -> Result<Private<Box<str>>, ContentError> {
    let mut hidden = HashMap::new();
    if let Some(base) = base {
        let mut collect = Collect { texts: key.hidden(base.thing), hidden };
        json::walk(base.text, &mut collect)?;
        hidden = collect.hidden;
    }
    let mut reveal = Reveal { ids, hidden };
    json::walk(designed, &mut reveal).map(|text| Private::new(text.into_boxed_str()))
}

/// A text of the base document, and where it stands.
struct Hidden {
    /// As it is spelled.
    raw: Box<str>,
    /// What it says; of a number, its spelling.
    text: Box<str>,
    /// Keys above it.
    values: HashSet<Box<str>>,
    /// Keys above the object in which it is a key.
    keys: HashSet<Box<str>>,
}

/// Notes every string and number of the base. A token names one of them only to those who were given it.
struct Collect {
    texts: HiddenTexts,
    hidden: HashMap<u64, Hidden>,
}

impl Collect {
    fn note(&mut self, token: Token, raw: &str, text: &str) -> Option<&mut Hidden> {
        let Token::Hidden(bits) = token else { return None };
        let new =
            || Hidden { raw: raw.into(), text: text.into(), values: HashSet::new(), keys: HashSet::new() };
        Some(self.hidden.entry(bits).or_insert_with(new))
    }
}

impl Visit for Collect {
    fn key<'t>(
        &mut self,
        place: &Place<'_>,
        key: &Literal<'t>,
    ) -> Result<(Spelling, Cow<'t, str>), ContentError> {
        let token = string_token(&self.texts, key);
        if let Some(hidden) = self.note(token, key.raw, &key.text) {
            hidden.keys.insert(place.key.into());
        }
        Ok((Spelling::Same, key.text.clone()))
    }

    fn string(&mut self, place: &Place<'_>, literal: &Literal<'_>) -> Result<Spelling, ContentError> {
        let token = string_token(&self.texts, literal);
        if let Some(hidden) = self.note(token, literal.raw, &literal.text) {
            hidden.values.insert(place.key.into());
        }
        Ok(Spelling::Same)
    }

    fn number(&mut self, place: &Place<'_>, number: &str) -> Result<Spelling, ContentError> {
        let token = number_token(&self.texts, number);
        if let Some(hidden) = self.note(token, number, number) {
            hidden.values.insert(place.key.into());
        }
        Ok(Spelling::Same)
    }
}

struct Reveal<'a, I> {
    ids: &'a I,
    hidden: HashMap<u64, Hidden>,
}

impl<I: Ids> Visit for Reveal<'_, I> {
    fn key<'t>(
        &mut self,
        place: &Place<'_>,
        key: &Literal<'t>,
    ) -> Result<(Spelling, Cow<'t, str>), ContentError> {
        if let Some(bits) = hidden_in(&key.text)? {
            let known = self.hidden.get(&bits).filter(|known| known.keys.contains(place.key));
            // A number cannot be a key, and no number was noted as one.
            let known = known.ok_or(ContentError::SecretMoved)?;
            return Ok((Spelling::Raw(known.raw.clone()), Cow::Owned(known.text.to_string())));
        }
        Ok(match self.text(place, &key.text)? {
            Some(text) => (Spelling::Text(text.clone()), Cow::Owned(text)),
            None => (Spelling::Same, key.text.clone()),
        })
    }

    fn string(&mut self, place: &Place<'_>, literal: &Literal<'_>) -> Result<Spelling, ContentError> {
        if let Some(bits) = hidden_in(&literal.text)? {
            let known = self.hidden.get(&bits).filter(|known| known.values.contains(place.key));
            return Ok(Spelling::Raw(known.ok_or(ContentError::SecretMoved)?.raw.clone()));
        }
        Ok(self.text(place, &literal.text)?.map_or(Spelling::Same, Spelling::Text))
    }

    fn number(&mut self, _: &Place<'_>, _: &str) -> Result<Spelling, ContentError> {
        Ok(Spelling::Same)
    }
}

/// The hidden text that a string stands for. It is always the whole string; within another it would be moved.
fn hidden_in(text: &str) -> Result<Option<u64>, ContentError> {
    if !text.contains('@') {
        return Ok(None);
    }
    let pieces = token::pieces(text)?;
    if let [Piece::Token(Token::Hidden(bits))] = pieces[..] {
        return Ok(Some(bits));
    }
    let moved = pieces.iter().any(|piece| matches!(piece, Piece::Token(Token::Hidden(_))));
    if moved { Err(ContentError::SecretMoved) } else { Ok(None) }
}

impl<I: Ids> Reveal<'_, I> {
    /// What a designed string means at home; `None` if it stays as it is.
    fn text(&self, place: &Place<'_>, text: &str) -> Result<Option<String>, ContentError> {
        let pieces = token::pieces(text)?;
        let mut out = String::with_capacity(text.len());
        // What staff wrote themselves, in which no id may be written out.
        let mut own = String::with_capacity(text.len());
        for piece in pieces {
            match piece {
                Piece::Text(text) => {
                    self.append(&mut out, text);
                    own.push_str(text);
                }
                Piece::Token(token) => {
                    let value = match token {
                        Token::Thing(id) => self.ids.reference_of(id),
                        Token::Name(id) => self.ids.name_of(id),
                        Token::Hidden(_) => return Err(ContentError::SecretMoved),
                    };
                    out.push_str(value.ok_or(ContentError::UnknownReference)?.reveal_to_privacy());
                    own.push(' ');
                }
            }
        }
        if self.names_things(place, &own) {
            return Err(ContentError::UseTokens);
        }
        Ok((out != text).then_some(out))
    }

    /// Appends what staff wrote, with what comes along as it is called at home.
    fn append(&self, out: &mut String, text: &str) {
        let mut from = 0;
        for found in reference::all(text, self.ids) {
            if let Some(entity_id) = self.ids.arriving(&text[found.at.clone()]) {
                out.push_str(&text[from..found.at.start]);
                out.push_str(entity_id.reveal_to_privacy());
                from = found.at.end;
            }
        }
        out.push_str(&text[from..]);
    }

    /// Whether a text holds an id of the home, or what has the form of one: known or not makes no difference to the answer (R15).
    fn names_things(&self, place: &Place<'_>, own: &str) -> bool {
        let slug = || !own.is_empty() && own.bytes().all(token::in_word) && !matches!(own, "all" | "none");
        matches!(place.ids, Some(Thing::Area | Thing::Floor)) && slug()
            || reference::all(own, self.ids).into_iter().any(|found| {
                let word = &own[found.at.clone()];
                // A service may have the name of an entity, and 32 digits that name no device can be anything.
                !(reference::is_service(word)
                    || self.ids.arriving(word).is_some()
                    || (found.id.is_none() && reference::is_long_id(word)))
            })
    }
}
