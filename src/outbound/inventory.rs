//! What the home is: a plain model, brought up to date by readings. It decides nothing about what may leave.
//!
//! [`delays`]: entities without registry entry come and go while integrations load, so they are believed late (R8).
//! [`ordinals`]: numbers that tell alike things apart. [`orphans`]: who is provided by nobody, looked at daily.

pub mod delays;
pub mod ordinals;
pub mod orphans;

use std::collections::{BTreeMap, HashSet};

use self::delays::Delays;
use super::privacy;
use super::reading::{
    RawArea, RawConfig, RawContents, RawDashboard, RawDevice, RawDocument, RawEntity, RawFloor,
    RawIntegration, RawLabel, RawResource, Reading, RegistryId, Text,
};

/// The home as last read. 50 000 entities take about 360 bytes each, their texts included.
#[derive(Debug, Default)]
pub struct Home {
    pub(super) config: Option<RawConfig>,
    /// In the owner's order.
    pub(super) floors: Vec<RawFloor>,
    /// In the owner's order.
    pub(super) areas: Vec<RawArea>,
    pub(super) labels: Vec<RawLabel>,
    /// Sorted by registry id.
    pub(super) devices: Vec<RawDevice>,
    /// Sorted by entity id; only those that are believed to exist.
    pub(super) entities: Vec<RawEntity>,
    pub(super) integrations: Vec<RawIntegration>,
    pub(super) dashboards: Vec<RawDashboard>,
    pub(super) resources: Vec<RawResource>,
    /// Sorted by the dashboard's id; `None` as long as they were not read.
    contents: Option<Vec<RawContents>>,
    /// By registry id; `None` as long as they were not read.
    routines: Option<BTreeMap<RegistryId, RawDocument>>,
    /// New ones without registry entry, sorted by entity id, that are not believed yet.
    waiting: Vec<RawEntity>,
    entities_read: bool,
    delays: Delays,
}

impl Home {
    /// An empty home; `delays` are those stored by an earlier run.
    #[must_use]
    pub fn new(delays: Delays) -> Self {
        Self { delays, ..Self::default() }
    }

    /// What must be stored so that a restart does not forget who is waiting.
    #[must_use]
    pub const fn delays(&self) -> &Delays {
        &self.delays
    }

    /// Number of entities that are believed to exist.
    #[must_use]
    pub const fn entities(&self) -> usize {
        self.entities.len()
    }

    /// Applies one reading; `now` is in seconds. Says when everything has to be read again because somebody waits (R8).
    pub fn apply(&mut self, reading: Reading, now: u64) -> Option<u64> {
        match reading {
            Reading::Config(config) => self.config = Some(config),
            Reading::Floors(mut floors) => {
                // Of two with one id the first stays, as in all lists: a record has one key.
                let mut seen = HashSet::new();
                floors.retain(|floor| seen.insert(floor.id.clone()));
                self.floors = floors;
            }
            Reading::Areas(areas) => self.areas = areas,
            Reading::Labels(mut labels) => {
                labels.sort_unstable_by(|a, b| a.id.cmp(&b.id));
                self.labels = labels;
            }
            Reading::Devices(mut devices) => {
                devices.sort_unstable_by_key(|device| device.id);
                self.devices = devices;
            }
            Reading::Entities(entities) => self.all_entities(entities, now),
            Reading::SomeEntities { now: fresh, gone } => self.some_entities(fresh, &gone, now),
            Reading::Integrations(integrations) => self.integrations = integrations,
            Reading::Dashboards(dashboards) => self.dashboards = dashboards,
            Reading::Resources(resources) => self.resources = resources,
            Reading::Contents(mut contents) => {
                contents.sort_unstable_by(|a, b| a.id.cmp(&b.id));
                self.contents = Some(contents);
            }
            Reading::SomeContents(contents) => self.some_contents(contents),
            Reading::Routines(all) => {
                self.routines = Some(all.into_iter().map(|one| (one.entity, one.document)).collect());
            }
            Reading::SomeRoutines(some) => {
                // Before all were read, some do not count.
                if let Some(routines) = &mut self.routines {
                    routines.extend(some.into_iter().map(|one| (one.entity, one.document)));
                }
            }
        }
        self.delays.look_again()
    }

    /// Does something while those are set aside who vanished and are not believed gone yet (R8): what a fresh reading would show.
    pub fn without_leaving<T>(&mut self, work: impl FnOnce(&Self) -> T) -> T {
        let delays = &self.delays;
        let leaves =
            |entity: &mut RawEntity| entity.id.is_none() && delays.is_leaving(privacy::local_id(entity));
        let mut aside: Vec<RawEntity> = self.entities.extract_if(.., leaves).collect();
        let done = work(self);
        self.entities.append(&mut aside);
        sort(&mut self.entities);
        done
    }

    /// The contents of a dashboard, as far as they are known and there are any.
    pub(super) fn contents(&self, dashboard: &RawDashboard) -> Option<&RawDocument> {
        let contents = self.contents.as_deref()?;
        let at = contents.binary_search_by(|known| known.id.cmp(&dashboard.id)).ok()?;
        Some(&contents[at].document).filter(|document| **document != RawDocument::Absent)
    }

    /// Whether contents of dashboards were read.
    #[must_use]
    pub const fn knows_contents(&self) -> bool {
        self.contents.is_some()
    }

    /// The document of an automation, a script or a scene.
    pub(super) fn routine(&self, entity: &RawEntity) -> Option<&RawDocument> {
        self.routines.as_ref()?.get(entity.id.as_ref()?)
    }

    /// Whether automations, scripts and scenes were read.
    #[must_use]
    pub const fn knows_routines(&self) -> bool {
        self.routines.is_some()
    }

    /// Lets go of them.
    pub fn forget_routines(&mut self) {
        self.routines = None;
    }

    /// Lets go of the contents, which nobody may have any more.
    pub fn forget_contents(&mut self) {
        self.contents = None;
    }

    fn some_contents(&mut self, fresh: Vec<RawContents>) {
        // Before all were read, some do not count.
        let Some(contents) = &mut self.contents else { return };
        for one in fresh {
            match contents.binary_search_by(|known| known.id.cmp(&one.id)) {
                Ok(at) => contents[at] = one,
                Err(at) => contents.insert(at, one),
            }
        }
    }

    fn all_entities(&mut self, mut list: Vec<RawEntity>, now: u64) {
        sort(&mut list);
        let before = std::mem::take(&mut self.entities);
        let delays = &mut self.delays;
        let first = !self.entities_read;
        self.entities_read = true;

        // Who is new and unregistered waits. At the first reading of a run everybody is old, except those who waited before.
        let waits = |entity: &mut RawEntity| {
            if entity.id.is_some() {
                return false;
            }
            let id = privacy::local_id(entity);
            let known = find(&before, &entity.entity_id).is_ok() || (first && !delays.awaits(id));
            if known || delays.admit(id, now) {
                delays.came(id);
                return false;
            }
            true
        };
        // Where they lie: a second list beside this one would be the largest thing in memory.
        let waiting: Vec<RawEntity> = list.extract_if(.., waits).collect();
        let mut believed = list;
        // Who is missing and unregistered stays for a while.
        let mut staying: Vec<RawEntity> = Vec::new();
        for entity in before {
            if entity.id.is_none() && find(&believed, &entity.entity_id).is_err() {
                let id = privacy::local_id(&entity);
                if !delays.dismiss(id, now) {
                    staying.push(entity);
                }
            }
        }
        delays.keep_only(
            waiting.iter().map(privacy::local_id).collect(),
            staying.iter().map(privacy::local_id).collect(),
        );
        if !staying.is_empty() {
            believed.reserve_exact(staying.len());
            believed.append(&mut staying);
            sort(&mut believed);
        }
        believed.shrink_to_fit();
        (self.entities, self.waiting) = (believed, waiting);
    }

    fn some_entities(&mut self, fresh: Vec<RawEntity>, gone: &[Text], now: u64) {
        for entity_id in gone {
            if let Ok(at) = find(&self.entities, entity_id) {
                if self.entities[at].id.is_some() {
                    self.entities.remove(at);
                } else {
                    let id = privacy::local_id(&self.entities[at]);
                    self.delays.dismiss(id, now);
                }
            } else if let Ok(at) = find(&self.waiting, entity_id) {
                self.delays.came(privacy::local_id(&self.waiting.remove(at)));
            }
        }
        // A renamed entity is found by its registry id; two may have swapped their entity ids, so all old places are cleared first.
        let mut moved = Vec::new();
        for entity in fresh {
            let place = find(&self.entities, &entity.entity_id);
            if let Ok(at) = place
                && self.entities[at].id == entity.id
            {
                if entity.id.is_none() {
                    self.delays.came(privacy::local_id(&entity));
                }
                self.entities[at] = entity;
            } else {
                moved.push(entity);
            }
        }
        if moved.is_empty() {
            return;
        }
        let stays = |old: &RawEntity| {
            !moved.iter().any(|new| (new.id.is_some() && new.id == old.id) || new.entity_id == old.entity_id)
        };
        let known: Vec<bool> = moved.iter().map(|new| find(&self.entities, &new.entity_id).is_ok()).collect();
        self.entities.retain(stays);
        self.waiting.retain(stays);
        for (entity, known) in moved.into_iter().zip(known) {
            let id = privacy::local_id(&entity);
            if entity.id.is_some() || known {
                self.delays.came(id);
                self.entities.push(entity);
            } else if self.entities_read && !self.delays.admit(id, now) {
                self.waiting.push(entity);
            } else {
                self.delays.came(id);
                self.entities.push(entity);
            }
        }
        sort(&mut self.entities);
        sort(&mut self.waiting);
    }
}

fn sort(entities: &mut [RawEntity]) {
    if !entities.is_sorted_by(|a, b| a.entity_id <= b.entity_id) {
        entities.sort_unstable_by(|a, b| a.entity_id.cmp(&b.entity_id));
    }
}

fn find(entities: &[RawEntity], entity_id: &Text) -> Result<usize, usize> {
    entities.binary_search_by(|entity| entity.entity_id.cmp(entity_id))
}

#[cfg(test)]
mod tests;
