//! What exists for the portal: the home without what is excluded and what never leaves, with the names that the tenant knows.
//!
//! An excluded thing is absent, and so is every reference to it; so the portal cannot tell it from one that never was.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::sync::Mutex;

use vestibule_protocol::id::{OpaqueId, Thing};
use vestibule_protocol::problem::Problem;
use vestibule_protocol::vocabulary::{CUSTOM, List, OTHER};

use super::memo::Memo;
use super::policy::Policy;
use super::{ids, rooms, words};
use crate::identity::IdKey;
use crate::outbound::inventory::Home;
use crate::outbound::inventory::ordinals::{NewOrdinals, Ordinals};
use crate::outbound::reading::{RawDevice, RawEntity, RegistryId, Shared};

/// Parents of parents are followed this far; Home Assistant itself allows one level.
const DEPTH: usize = 8;

/// An area that exists for the portal.
#[derive(Debug, Clone, Copy)]
pub(super) struct SeenArea {
    pub(super) id: OpaqueId,
    pub(super) kind: &'static str,
}

/// A device that exists for the portal.
#[derive(Debug, Clone, Copy)]
pub(super) struct SeenDevice {
    pub(super) id: OpaqueId,
    pub(super) integration: Option<&'static str>,
}

/// An entity that exists for the portal.
#[derive(Debug, Clone, Copy)]
pub(super) struct SeenEntity {
    pub(super) id: OpaqueId,
    /// Place in the home's list.
    pub(super) at: u32,
    /// Place of its device in the home's list.
    pub(super) device: Option<u32>,
    pub(super) domain: &'static str,
    pub(super) integration: Option<&'static str>,
}

/// The home as one tenant may see it.
pub struct View<'a> {
    pub(super) home: &'a Home,
    pub(super) policy: Policy<'a>,
    pub(super) key: &'a IdKey,
    /// By place in the home's list; `None` does not exist for the portal.
    pub(super) areas: Vec<Option<SeenArea>>,
    /// Likewise.
    pub(super) devices: Vec<Option<SeenDevice>>,
    /// In the order in which they are rendered.
    pub(super) entities: Vec<SeenEntity>,
    problems: Vec<Problem>,
    /// Contents that could not be rendered.
    pub(super) left_out: RefCell<Vec<Problem>>,
    /// Contents of the rendering before, where they are kept.
    pub(super) memo: Option<&'a Mutex<Memo>>,
    floor_at: HashMap<&'a Shared, OpaqueId>,
    area_at: HashMap<&'a Shared, usize>,
    integrations: HashMap<&'a str, &'static str>,
    /// Domains of excluded integrations.
    without: HashSet<&'a str>,
    /// Excluded labels.
    labels: HashSet<&'a Shared>,
    /// A home repeats a few hundred words tens of thousands of times.
    looked_up: RefCell<HashMap<(List, &'a str), Option<&'static str>>>,
}

impl<'a> View<'a> {
    /// Works out what exists. Costs a few milliseconds for 10 000 entities.
    #[must_use]
    pub fn new(home: &'a Home, policy: Policy<'a>, key: &'a IdKey) -> Self {
        let excluded_label = |label: &&Shared| policy.exclusions.thing(ids::text(key, Thing::Label, label));
        let mut view = Self {
            home,
            policy,
            key,
            areas: Vec::new(),
            devices: Vec::new(),
            entities: Vec::with_capacity(home.entities.len()),
            problems: Vec::new(),
            left_out: RefCell::default(),
            memo: None,
            floor_at: home
                .floors
                .iter()
                .map(|floor| (&floor.id, ids::text(key, Thing::Floor, &floor.id)))
                .collect(),
            area_at: home.areas.iter().enumerate().map(|(at, area)| (&area.id, at)).collect(),
            integrations: home
                .integrations
                .iter()
                .map(|integration| {
                    let domain: &str = integration.domain.reveal_to_privacy();
                    (domain, integration_word(domain, Some(integration.built_in)))
                })
                .collect(),
            without: policy.exclusions.integrations().collect(),
            labels: home.labels.iter().map(|label| &label.id).filter(excluded_label).collect(),
            looked_up: RefCell::default(),
        };
        view.see_areas();
        view.see_devices();
        view.see_entities();
        view
    }

    /// The same, which takes contents from the rendering before where nothing about them has changed.
    #[must_use]
    pub const fn remembering(mut self, memo: &'a Mutex<Memo>) -> Self {
        self.memo = Some(memo);
        self
    }

    /// Numbers everything new. Store the rows before anything is rendered with them.
    pub fn number(&self, ordinals: &mut Ordinals) -> NewOrdinals {
        let areas = self.areas.iter().flatten().map(|area| (area.id.bits, scope(None, area.kind)));
        let entities = self.entities.iter().map(|entity| {
            let device = entity.device.and_then(|at| self.devices[at as usize]).map(|device| device.id);
            (entity.id.bits, scope(device, entity.domain))
        });
        ordinals.assign(areas.chain(entities))
    }

    /// What the owner should know, such as a thing that was refused.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Contents that stayed at home, as of the last rendering: why, and whose.
    #[must_use]
    pub fn left_out(&self) -> Vec<Problem> {
        self.left_out.borrow().clone()
    }

    /// Number of entities that exist for the portal.
    #[must_use]
    pub const fn entities(&self) -> usize {
        self.entities.len()
    }

    fn see_areas(&mut self) {
        let mut seen = Seen::default();
        for area in &self.home.areas {
            let id = ids::text(self.key, Thing::Area, &area.id);
            let excluded = self.policy.exclusions.thing(id) || self.labelled(&area.labels);
            let area = (!excluded && seen.is_new(id, &mut self.problems)).then(|| {
                let kind = self.policy.kinds.of(id).unwrap_or_else(|| {
                    rooms::kind_of(
                        area.name.reveal_to_privacy(),
                        area.aliases.iter().map(|alias| &**alias.reveal_to_privacy()),
                        area.icon.as_ref().map(|icon| &**icon.reveal_to_privacy()),
                    )
                });
                SeenArea { id, kind }
            });
            self.areas.push(area);
        }
    }

    fn see_devices(&mut self) {
        let home = self.home;
        let ids: Vec<OpaqueId> =
            home.devices.iter().map(|device| ids::device(self.key, &device.id)).collect();
        let mut seen = Seen::default();
        for (device, id) in home.devices.iter().zip(&ids) {
            let exists = self.device_exists(device, &ids) && seen.is_new(*id, &mut self.problems);
            self.devices
                .push(exists.then(|| SeenDevice { id: *id, integration: self.device_integration(device) }));
        }
    }

    /// Neither it nor a device that it is part of is excluded, nor the area they stand in.
    fn device_exists(&self, device: &RawDevice, ids: &[OpaqueId]) -> bool {
        let mut next = Some(device);
        for _ in 0..DEPTH {
            let Some(device) = next else { return true };
            let at = self.device_at(&device.id);
            let own = at.is_some_and(|at| self.policy.exclusions.thing(ids[at]))
                || self.labelled(&device.labels)
                || self.never_a_device(device)
                || device.area.as_ref().is_some_and(|area| self.area_is_hidden(area));
            if own {
                return false;
            }
            next = device
                .parent
                .as_ref()
                .and_then(|parent| self.device_at(parent))
                .map(|at| &self.home.devices[at]);
        }
        true
    }

    /// R9: phones with the companion app; and devices of which every integration is excluded.
    fn never_a_device(&self, device: &RawDevice) -> bool {
        let mut integrations = device.integrations.iter().map(|domain| &**domain.reveal_to_privacy());
        !device.integrations.is_empty()
            && integrations.all(|domain| domain == "mobile_app" || self.without.contains(domain))
    }

    fn device_integration(&self, device: &RawDevice) -> Option<&'static str> {
        let mut integrations = device.integrations.iter().map(|domain| &**domain.reveal_to_privacy());
        integrations.find(|domain| !self.without.contains(domain)).map(|domain| self.integration(domain))
    }

    fn see_entities(&mut self) {
        let mut seen = Seen::default();
        for (at, entity) in self.home.entities.iter().enumerate() {
            let Some(domain) = words::domain_of(entity.entity_id.reveal_to_privacy()) else { continue };
            let device = entity.device.as_ref().and_then(|device| self.device_at(device));
            if device.is_some_and(|at| self.devices[at].is_none()) || self.entity_is_excluded(entity) {
                continue;
            }
            let id = ids::entity(self.key, Thing::Entity, entity);
            if self.policy.exclusions.thing(id) || !seen.is_new(id, &mut self.problems) {
                continue;
            }
            let integration =
                entity.integration.as_ref().map(|domain| self.integration(domain.reveal_to_privacy()));
            let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
            self.entities.push(SeenEntity {
                id,
                at: place(at),
                device: device.map(place),
                domain,
                integration,
            });
        }
        // Alike records next to each other compress best: same device, then same domain, then same nature. The rest is decided by
        // opaque ids, never by texts or registry ids, whose order would tell something.
        let rank = self.device_ranks();
        let mut entities = std::mem::take(&mut self.entities);
        entities.sort_by_cached_key(|seen| {
            let raw = &self.home.entities[seen.at as usize];
            let device = seen.device.map(|at| rank[at as usize]);
            let category = words::category(raw);
            let class = self.word(List::DeviceClass, raw.device_class.as_ref());
            (seen.integration, device, seen.domain, category, class, seen.id.bits)
        });
        self.entities = entities;
    }

    /// The place of each device in the order of rendering, by its place in the home's list.
    fn device_ranks(&self) -> Vec<u32> {
        let mut ranks = vec![u32::MAX; self.devices.len()];
        for (rank, at) in (0..).zip(self.devices_in_order()) {
            ranks[at] = rank;
        }
        ranks
    }

    /// Places of the devices that exist, in the order of rendering.
    pub(super) fn devices_in_order(&self) -> Vec<usize> {
        let mut seen: Vec<(SeenDevice, usize)> =
            self.devices.iter().enumerate().filter_map(|(at, seen)| Some(((*seen)?, at))).collect();
        seen.sort_unstable_by_key(|(seen, _)| (seen.integration, seen.id.bits));
        seen.into_iter().map(|(_, at)| at).collect()
    }

    fn entity_is_excluded(&self, entity: &RawEntity) -> bool {
        self.labelled(&entity.labels)
            || entity.area.as_ref().is_some_and(|area| self.area_is_hidden(area))
            || entity
                .integration
                .as_ref()
                .is_some_and(|domain| self.without.contains(&**domain.reveal_to_privacy()))
    }

    fn labelled(&self, labels: &[Shared]) -> bool {
        !self.labels.is_empty() && labels.iter().any(|label| self.labels.contains(label))
    }

    /// Known, and excluded. An area that is not known at all hides nothing: its id may be a left-over.
    fn area_is_hidden(&self, area: &Shared) -> bool {
        self.area_at.get(area).is_some_and(|at| self.areas[*at].is_none())
    }

    pub(super) fn device_at(&self, id: &RegistryId) -> Option<usize> {
        self.home.devices.binary_search_by_key(id, |device| device.id).ok()
    }

    pub(super) fn label_exists(&self, label: &Shared) -> bool {
        !self.labels.contains(label)
    }

    /// The list's own copy of a text, if it is in the list.
    pub(super) fn word(&self, list: List, text: Option<&'a Shared>) -> Option<&'static str> {
        let text: &'a str = text?.reveal_to_privacy();
        *self.looked_up.borrow_mut().entry((list, text)).or_insert_with(|| list.find(text))
    }

    /// The name of an area that exists.
    pub(super) fn area(&self, area: Option<&Shared>) -> Option<OpaqueId> {
        self.area_at.get(area?).and_then(|at| self.areas[*at]).map(|area| area.id)
    }

    /// The name of a floor that exists.
    pub(super) fn floor(&self, floor: Option<&Shared>) -> Option<OpaqueId> {
        self.floor_at.get(floor?).copied()
    }

    /// The name of a device that exists.
    pub(super) fn device(&self, at: Option<u32>) -> Option<SeenDevice> {
        self.devices.get(at? as usize).copied().flatten()
    }

    /// The word for an integration; whether it is built in is known from the list of loaded ones, else taken from the vocabulary.
    pub(super) fn integration(&self, domain: &str) -> &'static str {
        self.integrations.get(domain).copied().unwrap_or_else(|| integration_word(domain, None))
    }

    pub(super) fn integration_is_excluded(&self, domain: &str) -> bool {
        self.without.contains(domain)
    }
}

/// A built-in integration of a Home Assistant newer than the vocabulary is `other`; a custom one that took a built-in name is `custom`.
fn integration_word(domain: &str, built_in: Option<bool>) -> &'static str {
    match (built_in, List::Integration.find(domain)) {
        (None | Some(true), Some(word)) => word,
        (Some(true), None) => OTHER,
        (Some(false), _) | (None, None) => CUSTOM,
    }
}

/// Among whom a thing is numbered.
fn scope(device: Option<OpaqueId>, word: &str) -> u64 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&device.map_or(0, |device| device.bits).to_be_bytes()).update(word.as_bytes());
    let mut short = [0; 8];
    short.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
    u64::from_be_bytes(short)
}

/// R8: two things with one name. The second does not leave, and the owner is told.
#[derive(Default)]
struct Seen(HashSet<u64>);

impl Seen {
    fn is_new(&mut self, id: OpaqueId, problems: &mut Vec<Problem>) -> bool {
        let new = self.0.insert(id.bits);
        if !new {
            problems.push(Problem::new(
                "id_collision",
                "Two things in this home would have the same name at the portal; the second of them was left out.",
                "Nothing needs to be done for the others. A rotated identity gives every thing a new name.",
            ));
        }
        new
    }
}
