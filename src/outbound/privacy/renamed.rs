//! From the ids of one key to those of another: what the owner decided about single things outlives a change of identity.

use std::collections::{BTreeMap, BTreeSet};

use vestibule_protocol::id::{OpaqueId, Thing};

use super::ids;
use crate::identity::IdKey;
use crate::outbound::inventory::Home;

/// For each of these ids of `from` the id that `to` makes of the same thing. An area, label, device or entity that is not there now has
/// none. Looks at everything, so it is for a person's decision, not for a loop.
#[must_use]
pub fn renamed(
    home: &Home,
    from: &IdKey,
    to: &IdKey,
    wanted: &BTreeSet<OpaqueId>,
) -> BTreeMap<OpaqueId, OpaqueId> {
    let areas = home.areas.iter().map(|area| id_pair(from, to, |key| ids::text(key, Thing::Area, &area.id)));
    let labels =
        home.labels.iter().map(|label| id_pair(from, to, |key| ids::text(key, Thing::Label, &label.id)));
    let devices = home.devices.iter().map(|device| id_pair(from, to, |key| ids::device(key, &device.id)));
    let entities =
        home.entities.iter().map(|entity| id_pair(from, to, |key| ids::entity(key, Thing::Entity, entity)));
    areas.chain(labels).chain(devices).chain(entities).filter(|(old, _)| wanted.contains(old)).collect()
}

fn id_pair(from: &IdKey, to: &IdKey, id: impl Fn(&IdKey) -> OpaqueId) -> (OpaqueId, OpaqueId) {
    (id(from), id(to))
}
