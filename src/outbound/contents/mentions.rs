//! Which things of the home a designed text names, by id or by the owner's word.

use std::borrow::Cow;
use std::collections::BTreeSet;

use vestibule_protocol::id::OpaqueId;

use super::json::{self, Literal, Spelling, Visit};
use super::place::Place;
use super::token::{self, Piece, Token};
use super::{ContentError, Ids};
use crate::outbound::reading::Text;

/// How a designed text names a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mention {
    /// `@e_…` and its like.
    Id(OpaqueId),
    /// `@n_a_…`, `@n_e_…`.
    Word(OpaqueId),
}

impl Mention {
    /// What stands at home for it now; `None` for what does not exist, or is excluded.
    #[must_use]
    pub fn meaning(self, ids: &impl Ids) -> Option<Text> {
        match self {
            Self::Id(id) => ids.reference_of(id),
            Self::Word(id) => ids.name_of(id),
        }
    }
}

/// Everything that a designed text names. Hidden texts name nothing.
///
/// # Errors
/// Whatever [`super::resolve()`] would say of the form of the text.
pub fn mentions(designed: &str) -> Result<BTreeSet<Mention>, ContentError> {
    let mut collect = Collect(BTreeSet::new());
    json::walk(designed, &mut collect)?;
    Ok(collect.0)
}

struct Collect(BTreeSet<Mention>);

impl Collect {
    fn text(&mut self, text: &str) -> Result<(), ContentError> {
        if !text.contains('@') {
            return Ok(());
        }
        for piece in token::pieces(text)? {
            match piece {
                Piece::Token(Token::Thing(id)) => drop(self.0.insert(Mention::Id(id))),
                Piece::Token(Token::Name(id)) => drop(self.0.insert(Mention::Word(id))),
                Piece::Token(Token::Hidden(_)) | Piece::Text(_) => {}
            }
        }
        Ok(())
    }
}

impl Visit for Collect {
    fn key<'t>(
        &mut self,
        _: &Place<'_>,
        key: &Literal<'t>,
    ) -> Result<(Spelling, Cow<'t, str>), ContentError> {
        self.text(&key.text)?;
        Ok((Spelling::Same, key.text.clone()))
    }

    fn string(&mut self, _: &Place<'_>, literal: &Literal<'_>) -> Result<Spelling, ContentError> {
        self.text(&literal.text)?;
        Ok(Spelling::Same)
    }

    fn number(&mut self, _: &Place<'_>, _: &str) -> Result<Spelling, ContentError> {
        Ok(Spelling::Same)
    }
}
