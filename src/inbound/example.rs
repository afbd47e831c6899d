//! A home for the tests of this room: three lamps, one of them excluded, and two rooms.

use vestibule_protocol::id::{OpaqueId, Thing};

use crate::identity::{HomeSecret, IdKey};
use crate::outbound::contents::Ids;
use crate::outbound::reading::Text;
use crate::private::Private;

/// (kind, Home Assistant's id, the owner's word, exists for the tenant)
const THINGS: [(Thing, &str, &str, bool); 8] = [
    (Thing::Entity, "light.kitchen", "Ceiling", true),
    (Thing::Entity, "light.reading", "Reading lamp", true),
    (Thing::Entity, "light.hidden", "Nobody's", false),
    (Thing::Entity, "sensor.warmth", "Warmth", true),
    (Thing::Entity, "script.evening", "Evening", true),
    (Thing::Area, "kitchen", "Grandma's kitchen", true),
    (Thing::Area, "bath", "Bath", true),
    (Thing::Device, "0123456789abcdef0123456789abcdef", "Lamp", true),
];

/// The things of the example.
pub(super) struct Things;

impl Ids for Things {
    fn token_of(&self, reference: &str, kind: Thing) -> Option<OpaqueId> {
        let at =
            THINGS.iter().position(|(known, id, _, exists)| *known == kind && *id == reference && *exists)?;
        Some(OpaqueId { thing: kind, bits: at as u64 + 1 })
    }
    fn reference_of(&self, id: OpaqueId) -> Option<Text> {
        let (kind, reference, _, exists) = THINGS.get(usize::try_from(id.bits).ok()?.checked_sub(1)?)?;
        (*kind == id.thing && *exists).then(|| text(reference))
    }
    fn name_of(&self, id: OpaqueId) -> Option<Text> {
        self.reference_of(id)?;
        THINGS.get(usize::try_from(id.bits).ok()? - 1).map(|(_, _, name, _)| text(name))
    }
    fn known_entity_id(&self, text: &str) -> bool {
        THINGS.iter().any(|(kind, id, ..)| *kind == Thing::Entity && *id == text)
    }
}

/// What the tenant calls a thing of the example, with the `@` of a token.
pub(super) fn token(kind: Thing, reference: &str) -> String {
    format!("@{}", Things.token_of(reference, kind).expect("it exists"))
}

pub(super) fn text(text: &str) -> Text {
    Private::new(text.into())
}

pub(super) fn shown(text: &Text) -> String {
    text.reveal_to_inbound().to_string()
}

pub(super) fn key() -> IdKey {
    HomeSecret::new([7; 32]).tenant(&vestibule_protocol::id::TenantId([1; 32])).id_key
}
