//! What contents look like on their way out and back; see the branch `contents`, which brings the whole of it.

use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::id::{OpaqueId, Thing};

use crate::identity::IdKey;
use crate::outbound::reading::Text;
use crate::private::Private;

/// Knows which ids exist for the tenant; excluded things are unknown.
pub trait Ids {
    /// By Home Assistant's own id.
    fn token_of(&self, reference: &str, kind: Thing) -> Option<OpaqueId>;
    /// Back.
    fn reference_of(&self, id: OpaqueId) -> Option<Text>;
    /// The owner's own word.
    fn name_of(&self, id: OpaqueId) -> Option<Text>;
    /// Also excluded ones.
    fn known_entity_id(&self, text: &str) -> bool;
}

/// What a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DocumentKind {
    /// A dashboard.
    Dashboard,
    /// An automation.
    Automation,
    /// A script.
    Script,
    /// A scene.
    Scene,
}

/// A document of the home.
#[derive(Debug, Clone, Copy)]
pub struct Contents<'a> {
    /// Which.
    pub thing: OpaqueId,
    /// What it is.
    pub kind: DocumentKind,
    /// Home Assistant's JSON text.
    pub text: &'a str,
}

/// Why contents cannot leave or come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContentError {
    /// No JSON.
    NotJson,
    /// A thing that does not exist for the tenant.
    UnknownReference,
}

impl ContentError {
    /// Stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotJson => "not_json",
            Self::UnknownReference => "unknown_reference",
        }
    }
}

/// Designed text to Home Assistant's.
///
/// # Errors
/// See [`ContentError`].
pub fn resolve(
    designed: &str,
    _base: Option<&Contents<'_>>,
    ids: &impl Ids,
    _key: &IdKey,
    _names: bool,
) -> Result<Private<Box<str>>, ContentError> {
    let mut text = String::new();
    let mut rest = designed;
    while let Some((before, after)) = rest.split_once('@') {
        text.push_str(before);
        match after.get(..15).and_then(|id| id.parse().ok()) {
            Some(id) => {
                let known = ids.reference_of(id).ok_or(ContentError::UnknownReference)?;
                text.push_str(known.reveal_to_privacy());
                rest = &after[15..];
            }
            None => {
                text.push('@');
                rest = after;
            }
        }
    }
    text.push_str(rest);
    serde_json::from_str::<serde_json::Value>(&text).map_err(|_| ContentError::NotJson)?;
    Ok(Private::new(text.into()))
}

/// R16.
#[must_use]
pub fn base_hash(_key: &IdKey, thing: OpaqueId, text: &str) -> Fixed<32> {
    let mut hasher = blake3::Hasher::new();
    hasher.update(thing.to_string().as_bytes()).update(text.as_bytes());
    Fixed(*hasher.finalize().as_bytes())
}
