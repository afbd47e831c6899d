//! A home of a few things, for tests of contents: what exists, what is excluded, and what a tenant calls it.

use vestibule_protocol::id::{OpaqueId, Thing};

use super::super::{ContentError, Contents, DocumentKind, Ids, resolve, rewrite};
use crate::identity::{HomeSecret, IdKey, IdSource};
use crate::outbound::reading::Text;
use crate::private::Private;

/// Devices' ids, the second of an excluded one.
pub(super) const DEVICE: &str = "0123456789abcdef0123456789abcdef";
pub(super) const HIDDEN_DEVICE: &str = "fedcba9876543210fedcba9876543210";

const THINGS: [(Thing, &str, &str); 9] = [
    (Thing::Entity, "light.kitchen", "Grandma's lamp"),
    (Thing::Entity, "sensor.temperature_2", "Heat \"here\""),
    (Thing::Entity, "script.good_night", "Good night"),
    (Thing::Entity, "odd_domain.thing", "Odd"),
    (Thing::Device, DEVICE, "Box"),
    (Thing::Area, "kitchen", "Emma's kitchen"),
    (Thing::Area, "living_room", "Parlour"),
    (Thing::Floor, "ground", "Ground"),
    (Thing::Label, "good", "Good"),
];

/// Entities that exist at home and not for the tenant.
const EXCLUDED: [&str; 3] = ["light.secret_room", "person.emma", "odd_domain.secret"];

pub(super) struct House(pub(super) IdKey);

impl House {
    pub(super) fn new() -> Self {
        let tenant = vestibule_protocol::id::TenantId([9; 32]);
        Self(HomeSecret::new([5; 32]).tenant(&tenant).id_key)
    }

    pub(super) fn id(&self, thing: Thing, reference: &str) -> OpaqueId {
        self.0.opaque(thing, IdSource::Text(reference))
    }

    /// `@e_…`
    pub(super) fn token(&self, thing: Thing, reference: &str) -> String {
        format!("@{}", self.id(thing, reference))
    }

    pub(super) fn doc<'t>(&self, text: &'t str) -> Contents<'t> {
        Contents { thing: self.id(Thing::Dashboard, "wall"), kind: DocumentKind::Dashboard, text }
    }

    pub(super) fn rewrite(&self, text: &str, names: bool) -> Result<String, ContentError> {
        rewrite(&self.doc(text), self, &self.0, names)
    }

    pub(super) fn resolve(&self, designed: &str, base: Option<&str>) -> Result<String, ContentError> {
        let base = base.map(|text| self.doc(text));
        resolve(designed, base.as_ref(), self, &self.0).map(|text| text.reveal_to_privacy().to_string())
    }

    /// What leaves, after seeing that it comes back.
    pub(super) fn there_and_back(&self, text: &str, names: bool) -> String {
        let gone = self.rewrite(text, names).unwrap();
        assert_eq!(self.resolve(&gone, Some(text)).as_deref(), Ok(text), "{gone}");
        gone
    }
}

impl Ids for House {
    fn token_of(&self, reference: &str, kind: Thing) -> Option<OpaqueId> {
        let known = THINGS.iter().find(|(thing, known, _)| *thing == kind && *known == reference)?;
        Some(self.id(known.0, known.1))
    }

    fn reference_of(&self, id: OpaqueId) -> Option<Text> {
        let known = THINGS.iter().find(|(thing, known, _)| self.id(*thing, known) == id)?;
        Some(Private::new(known.1.into()))
    }

    fn name_of(&self, id: OpaqueId) -> Option<Text> {
        let known = THINGS.iter().find(|(thing, known, _)| self.id(*thing, known) == id)?;
        Some(Private::new(known.2.into()))
    }

    fn known_entity_id(&self, text: &str) -> bool {
        EXCLUDED.contains(&text) || self.token_of(text, Thing::Entity).is_some()
    }

    fn is_private(&self, text: &str) -> bool {
        text.contains("our-own-host")
    }
}
