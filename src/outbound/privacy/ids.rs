//! The names of things: for the portal by a tenant's key (R8), and for notes that stay at home.

use vestibule_protocol::id::{OpaqueId, Thing};

use crate::identity::{IdKey, IdSource};
use crate::outbound::reading::{RawEntity, RegistryId, Shared};

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
