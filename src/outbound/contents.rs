//! Contents of dashboards, automations, scripts and scenes: how they leave as text without words of the home, and how they come back.
//!
//! [`rewrite()`] replaces every id by a token, and every text outside the closed vocabulary by another (R10, R12); [`resolve()`] puts back what
//! they stand for. Both work on Home Assistant's own JSON text and leave the rest of it as it is, byte for byte (R14). Nothing is stored:
//! an `@x_…` is a keyed hash of document and text, and the document itself yields the text again (R13).

mod hide;
mod json;
mod mentions;
mod place;
mod reference;
mod resolve;
mod template;
mod token;

use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::id::{OpaqueId, Thing};

use super::reading::Text;
use crate::identity::IdKey;

pub use hide::rewrite;
pub use mentions::{Mention, mentions};
pub use resolve::resolve;

/// Which ids exist for the tenant. What is excluded is unknown; so the portal cannot tell the two apart (R15).
pub trait Ids {
    /// What the tenant calls a thing, by Home Assistant's own id of it: an entity id, a device's 32 hexadecimal digits, the id of an area,
    /// a floor or a label.
    fn token_of(&self, reference: &str, kind: Thing) -> Option<OpaqueId>;
    /// Home Assistant's own id of a thing.
    fn reference_of(&self, id: OpaqueId) -> Option<Text>;
    /// The owner's word for an area or an entity.
    fn name_of(&self, id: OpaqueId) -> Option<Text>;
    /// Whether an entity has this id, excluded or not.
    fn known_entity_id(&self, text: &str) -> bool;
    /// The entity id that stands at home for one that a design writes out, because it belongs to an automation or script that comes along
    /// in the same deployment and has no token yet.
    fn arriving(&self, entity_id: &str) -> Option<Text> {
        let _ = entity_id;
        None
    }
    /// Whether a text names something that never leaves although it has no form of a secret, such as the home's own address.
    fn is_private(&self, text: &str) -> bool {
        let _ = text;
        false
    }
}

/// What a text is the contents of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DocumentKind {
    /// A dashboard in storage mode.
    Dashboard,
    /// An automation.
    Automation,
    /// A script.
    Script,
    /// A scene.
    Scene,
}

/// The contents of one thing.
#[derive(Clone, Copy)]
pub struct Contents<'a> {
    /// What the tenant calls it; tokens of one document mean nothing in another.
    pub thing: OpaqueId,
    /// What it is.
    pub kind: DocumentKind,
    /// Home Assistant's JSON text.
    pub text: &'a str,
}

/// Why contents cannot leave, or a design cannot be put in their place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ContentError {
    /// The text is no JSON.
    #[error("the text is not JSON")]
    NotJson,
    /// A string has half of a character that takes two (R14).
    #[error("a string holds half a character")]
    LoneSurrogate,
    /// Longer than [`limits::CONTENT_BYTES`](vestibule_protocol::limits::CONTENT_BYTES), before or after.
    #[error("the text is too long")]
    TooLarge,
    /// Nested deeper than [`limits::JSON_DEPTH`](vestibule_protocol::limits::JSON_DEPTH).
    #[error("the text is nested too deeply")]
    TooDeep,
    /// An object has a key twice (R14).
    #[error("a key is repeated")]
    DuplicateKey,
    /// A token names what does not exist, or is excluded (R15).
    #[error("a token names nothing that is known")]
    UnknownReference,
    /// An `@x_…` stands where it did not come from (R13).
    #[error("a hidden text was moved")]
    SecretMoved,
    /// An id of the home is written out (R15).
    #[error("an id is written out where its token belongs")]
    UseTokens,
    /// Something begins like a token and is none (R12).
    #[error("a token is misspelled")]
    BadToken,
}

impl ContentError {
    /// What reports say.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotJson => "not_json",
            Self::LoneSurrogate => "lone_surrogate",
            Self::TooLarge => "too_large",
            Self::TooDeep => "too_deep",
            Self::DuplicateKey => "duplicate_key",
            Self::UnknownReference => "unknown_reference",
            Self::SecretMoved => "secret_moved",
            Self::UseTokens => "use_tokens",
            Self::BadToken => "bad_token",
        }
    }
}

/// By which a deployment names the contents that it was designed against (R16): a keyed hash of the document and Home Assistant's text.
#[must_use]
pub fn base_hash(key: &IdKey, thing: OpaqueId, text: &str) -> Fixed<32> {
    Fixed(key.base_hash(thing, text))
}

#[cfg(test)]
mod tests;
