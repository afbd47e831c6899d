//! Which ids exist for the tenant, looked up by either name: what contents are rewritten with.

use std::cell::OnceCell;
use std::collections::HashMap;

use vestibule_protocol::id::{OpaqueId, Thing};

use super::names::Gate;
use super::view::View;
use super::{ids, own_words};
use crate::outbound::contents::Ids;
use crate::outbound::reading::{RegistryId, Shared, Text};
use crate::private::Private;

/// No entity with this place exists for the portal.
const ABSENT: u64 = 0;

/// The ids of a view, both ways. Takes 8 bytes an entity and a pass over them; the way back is worked out when it is first asked for.
pub struct Known<'v, 'a> {
    view: &'v View<'a>,
    /// Bits by place in the home's list.
    entities: Vec<u64>,
    things: HashMap<(Thing, &'v str), OpaqueId>,
    back: OnceCell<HashMap<OpaqueId, Back<'v>>>,
}

/// Where a thing is found again.
#[derive(Clone, Copy)]
enum Back<'v> {
    Entity(usize),
    Device(usize),
    Word(&'v str),
}

impl<'v, 'a> Known<'v, 'a> {
    /// Looks through a view.
    #[must_use]
    pub fn new(view: &'v View<'a>) -> Self {
        let mut entities = vec![ABSENT; view.home.entities.len()];
        for seen in &view.entities {
            entities[seen.at as usize] = seen.id.bits;
        }
        let word = |id: &'v Shared| -> &'v str { id.reveal_to_privacy() };
        let areas = view.home.areas.iter().zip(&view.areas);
        let areas = areas.filter_map(|(area, seen)| Some(((Thing::Area, word(&area.id)), (*seen)?.id)));
        let floors = view
            .home
            .floors
            .iter()
            .filter_map(|floor| Some(((Thing::Floor, word(&floor.id)), view.floor(Some(&floor.id))?)));
        let labels = view.home.labels.iter().filter(|label| view.label_exists(&label.id));
        let labels = labels
            .map(|label| ((Thing::Label, word(&label.id)), ids::text(view.key, Thing::Label, &label.id)));
        Self { view, entities, things: areas.chain(floors).chain(labels).collect(), back: OnceCell::new() }
    }

    /// As [`Ids::token_of`], of a text that came from the home.
    #[must_use]
    pub fn token_of_text(&self, reference: &Text, kind: Thing) -> Option<OpaqueId> {
        self.token_of(reference.reveal_to_privacy(), kind)
    }

    /// A hash over everything that answers here depend on, but for the way back.
    pub(super) fn digest(&self) -> [u8; 32] {
        let view = self.view;
        let mut hasher = blake3::Hasher::new();
        let mut add = |word: &[u8], bits: Option<u64>| {
            hasher.update(&word.len().to_le_bytes()).update(word);
            hasher.update(&[u8::from(bits.is_some())]).update(&bits.unwrap_or_default().to_le_bytes());
        };
        for (raw, bits) in view.home.entities.iter().zip(&self.entities) {
            add(raw.entity_id.reveal_to_privacy().as_bytes(), Some(*bits));
        }
        add(b"", None);
        for (raw, seen) in view.home.devices.iter().zip(&view.devices) {
            add(raw.id.0.reveal_to_privacy(), seen.map(|seen| seen.id.bits));
        }
        add(b"", None);
        let mut things: Vec<_> = self.things.iter().map(|((_, word), id)| (*id, *word)).collect();
        things.sort_unstable_by_key(|(id, _)| (id.thing, id.bits));
        for (id, word) in things {
            add(word.as_bytes(), Some(id.bits));
        }
        add(b"", None);
        for host in view.policy.own_hosts {
            add(host.reveal_to_privacy().as_bytes(), None);
        }
        *hasher.finalize().as_bytes()
    }

    fn entity(&self, entity_id: &str) -> Option<usize> {
        let entities = &self.view.home.entities;
        entities.binary_search_by(|raw| (**raw.entity_id.reveal_to_privacy()).cmp(entity_id)).ok()
    }

    fn back(&self, id: OpaqueId) -> Option<Back<'v>> {
        let view = self.view;
        let all = || {
            let entities = view.entities.iter().map(|seen| (seen.id, Back::Entity(seen.at as usize)));
            let devices = view.devices.iter().enumerate();
            let devices = devices.filter_map(|(at, seen)| Some(((*seen)?.id, Back::Device(at))));
            let words = self.things.iter().map(|((_, word), id)| (*id, Back::Word(word)));
            entities.chain(devices).chain(words).collect()
        };
        self.back.get_or_init(all).get(&id).copied()
    }
}

impl Ids for Known<'_, '_> {
    fn token_of(&self, reference: &str, kind: Thing) -> Option<OpaqueId> {
        match kind {
            Thing::Entity => {
                let bits = self.entities[self.entity(reference)?];
                (bits != ABSENT).then_some(OpaqueId { thing: Thing::Entity, bits })
            }
            Thing::Device => {
                // Another form of id is kept as a hash, which does not lead back.
                let drawn = reference.len() == 32 && reference.bytes().all(|b| b.is_ascii_hexdigit());
                let at = self.view.device_at(&RegistryId::parse(reference)).filter(|_| drawn)?;
                self.view.devices[at].map(|seen| seen.id)
            }
            Thing::Area | Thing::Floor | Thing::Label => self.things.get(&(kind, reference)).copied(),
            Thing::Dashboard | Thing::Automation | Thing::Script | Thing::Scene | Thing::Resource => None,
        }
    }

    fn reference_of(&self, id: OpaqueId) -> Option<Text> {
        let home = self.view.home;
        Some(match self.back(id)? {
            Back::Entity(at) => home.entities[at].entity_id.clone(),
            Back::Device(at) => Private::new(hexadecimal(&home.devices[at].id)),
            Back::Word(word) => Private::new(word.into()),
        })
    }

    fn name_of(&self, id: OpaqueId) -> Option<Text> {
        self.back(id)?;
        own_words(self.view.home, self.view.key, id)
    }

    fn known_entity_id(&self, text: &str) -> bool {
        self.entity(text).is_some()
    }

    fn is_private(&self, text: &str) -> bool {
        Gate { own_hosts: self.view.policy.own_hosts }.names_own_host(text)
    }
}

/// Home Assistant's spelling of a registry id.
fn hexadecimal(id: &RegistryId) -> Box<str> {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('0');
    id.0.reveal_to_privacy()
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect::<String>()
        .into()
}

#[cfg(test)]
mod tests {
    use vestibule_protocol::consent::{Class, Consent};

    use super::*;
    use crate::identity::HomeSecret;
    use crate::outbound::example;
    use crate::outbound::inventory::Home;
    use crate::outbound::privacy::{Exclusions, KindOverrides, Policy, policy::Excluded};

    #[test]
    fn r15_what_exists_is_found_both_ways_and_nothing_else() {
        let mut home = Home::default();
        for reading in example::home(2_000) {
            home.apply(reading, 0);
        }
        let key = HomeSecret::new([1; 32]).tenant(&vestibule_protocol::id::TenantId([2; 32])).id_key;
        let mut consent = Consent::default();
        consent.grant(Class::Structure);
        let excluded = ids::device(&key, &home.devices[3].id);
        let exclusions: Exclusions = [excluded].into_iter().map(Excluded::Thing).collect();
        let policy = Policy {
            consent: &consent,
            exclusions: &exclusions,
            kinds: &KindOverrides::default(),
            own_hosts: &[],
        };
        let view = View::new(&home, policy, &key);
        let known = Known::new(&view);
        let (mut seen, mut hidden) = (0, 0);
        for raw in &home.entities {
            let entity_id = raw.entity_id.reveal_to_privacy();
            assert!(known.known_entity_id(entity_id));
            if let Some(id) = known.token_of(entity_id, Thing::Entity) {
                assert_eq!(known.reference_of(id).as_ref(), Some(&raw.entity_id));
                assert!(known.name_of(id).is_some());
                seen += 1;
            } else {
                assert_eq!(known.reference_of(ids::entity(&key, Thing::Entity, raw)), None);
                assert_eq!(known.name_of(ids::entity(&key, Thing::Entity, raw)), None);
                hidden += 1;
            }
        }
        assert!(seen > 1_500 && hidden > 0);
        for (at, raw) in home.devices.iter().enumerate() {
            let hex = hexadecimal(&raw.id);
            let id = known.token_of(&hex, Thing::Device);
            assert_eq!(id.is_none(), at == 3);
            let back = id.and_then(|id| known.reference_of(id));
            assert_eq!(back, id.map(|_| Private::new(hex)));
        }
        let kitchen = known.token_of("area_1", Thing::Area).unwrap();
        assert_eq!(known.name_of(kitchen), Some(home.areas[1].name.clone()));
        assert_eq!(known.reference_of(kitchen), Some(Private::new("area_1".into())));
        assert!(
            known.token_of("floor_0", Thing::Floor).is_some()
                && known.token_of("good", Thing::Label).is_some()
        );
        assert_eq!(known.token_of("area_1", Thing::Floor), None);
        assert!(!known.known_entity_id("light.never"));
    }
}
