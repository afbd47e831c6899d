//! The names of things: for the portal by a tenant's key (R8), and for notes that stay at home.

use vestibule_protocol::id::{OpaqueId, Thing};

use crate::identity::{IdKey, IdSource};
use crate::outbound::inventory::Home;
use crate::outbound::reading::{RawEntity, RegistryId, Shared, Text};

/// Of an entity, or of the automation, script or scene that it stands for.
pub(super) fn entity(key: &IdKey, thing: Thing, entity: &RawEntity) -> OpaqueId {
    match &entity.id {
        Some(id) => key.opaque(thing, IdSource::Registry(id.0.reveal_to_privacy())),
        None => key.opaque(thing, IdSource::Text(entity.entity_id.reveal_to_privacy())),
    }
}

/// Of a device.
pub(super) fn device(key: &IdKey, id: &RegistryId) -> OpaqueId {
    key.opaque(Thing::Device, IdSource::Registry(id.0.reveal_to_privacy()))
}

/// Of whatever has a text for its id: area, floor, label, dashboard, resource.
pub(super) fn text(key: &IdKey, thing: Thing, id: &Shared) -> OpaqueId {
    key.opaque(thing, IdSource::Text(id.reveal_to_privacy()))
}

/// Of an automation, script or scene, by the registry id of its entity.
pub(crate) fn registered(key: &IdKey, thing: Thing, id: &RegistryId) -> OpaqueId {
    key.opaque(thing, IdSource::Registry(id.0.reveal_to_privacy()))
}

/// Of whatever has a text for its id.
pub(crate) fn named(key: &IdKey, thing: Thing, id: &Text) -> OpaqueId {
    key.opaque(thing, IdSource::Text(id.reveal_to_privacy()))
}

/// The owner's own words for what a tenant knows by `id`: for the owner's terminal and page only (R17). Looks at everything, so it is
/// for a person's question, not for a loop.
#[must_use]
pub fn own_words(home: &Home, key: &IdKey, id: OpaqueId) -> Option<Text> {
    let named = |own: &Option<Text>, other: &Option<Text>| own.clone().or_else(|| other.clone());
    match id.thing {
        Thing::Entity | Thing::Automation | Thing::Script | Thing::Scene => {
            let raw = home.entities.iter().find(|raw| entity(key, id.thing, raw) == id)?;
            named(&raw.name, &raw.original_name).or_else(|| Some(raw.entity_id.clone()))
        }
        Thing::Device => {
            let raw = home.devices.iter().find(|raw| device(key, &raw.id) == id)?;
            named(&raw.name_by_user, &raw.name)
        }
        Thing::Area => {
            home.areas.iter().find(|raw| text(key, id.thing, &raw.id) == id).map(|raw| raw.name.clone())
        }
        Thing::Floor => {
            home.floors.iter().find(|raw| text(key, id.thing, &raw.id) == id).map(|raw| raw.name.clone())
        }
        Thing::Label => {
            home.labels.iter().find(|raw| text(key, id.thing, &raw.id) == id).map(|raw| raw.name.clone())
        }
        Thing::Dashboard => {
            let raw = home.dashboards.iter().find(|raw| text(key, id.thing, &raw.id) == id)?;
            named(&raw.title, &raw.url_path)
        }
        // Only its address would tell what it is, and that the owner finds in Home Assistant.
        Thing::Resource => None,
    }
}

/// A name for notes that stay at home (delays, orphans): the same for every tenant, and never sent.
pub(in crate::outbound) fn local(entity: &RawEntity) -> u64 {
    let bytes = match &entity.id {
        Some(id) => *id.0.reveal_to_privacy(),
        None => {
            let hash = blake3::hash(entity.entity_id.reveal_to_privacy().as_bytes());
            std::array::from_fn(|i| hash.as_bytes()[i])
        }
    };
    // Both halves, because ids of some versions begin with a time stamp.
    let whole = u128::from_be_bytes(bytes);
    (whole >> 64) as u64 ^ whole as u64
}
