//! What to read again, and when: the decisions, without input or output.
//!
//! Events only say that something changed. They are collected until there is a short quiet spell (or a maximum wait is over,
//! since reloading an integration sends hundreds in a row), and then just what changed is read again.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;

use super::commands::EventType;
use super::desk::RoutineKind;
use super::wire::event::EntityChange;
use crate::outbound::reading::HomeTrouble;

/// A spell without events after which we read.
const QUIET: Duration = Duration::from_millis(50);
/// However busy it is, we read after so long.
const MAX_WAIT: Duration = Duration::from_secs(1);
/// The same for loading integrations, which takes its time and touches everything.
const SLOW_QUIET: Duration = Duration::from_secs(2);
/// However many integrations load, we read after so long.
const SLOW_MAX_WAIT: Duration = Duration::from_secs(10);
/// Entities up to this number are read one by one, more of them by reading the lists again.
pub(super) const HANDFUL: usize = 64;
/// Entities asked for at a time. An entity id has at most 255 bytes, so a request stays far below 4 MiB.
pub(super) const BATCH: usize = 1_000;
/// Everything is read again after so long, even if no event came: some changes send none.
const RE_READ: Duration = Duration::from_secs(60 * 60);
/// The same where we do not see all events: unregistered entities come and go unseen.
const RE_READ_BLIND: Duration = Duration::from_secs(10 * 60);
/// First wait before connecting again.
const FIRST_RETRY: Duration = Duration::from_secs(1);
/// Longest wait before connecting again. A restart of Home Assistant takes a quarter of a minute or more, and nobody else is waiting at its
/// door: a longer pause would only keep the owner waiting.
const LAST_RETRY: Duration = Duration::from_secs(10);
/// Wait after a refused token. Each try counts as a failed login, which can get our address banned.
const REFUSED_RETRY: Duration = Duration::from_secs(5 * 60);

/// What is to be read again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Plan {
    /// The configuration.
    pub(super) config: bool,
    /// Floors.
    pub(super) floors: bool,
    /// Areas.
    pub(super) areas: bool,
    /// Labels.
    pub(super) labels: bool,
    /// Devices, and the config entries they belong to.
    pub(super) devices: bool,
    /// Entities.
    pub(super) entities: Entities,
    /// Loaded integrations.
    pub(super) integrations: bool,
    /// Dashboards and resources.
    pub(super) dashboards: bool,
    /// Contents of dashboards, as far as they are wished for.
    pub(super) contents: Contents,
    /// Kinds of documents that were loaded anew, as far as they are wished for. Which of them changed nobody says: the entity of a
    /// registered one does not vanish.
    pub(super) routines: BTreeSet<RoutineKind>,
    /// Automations, scripts and scenes that are known have not changed: a change would have been told.
    pub(super) routines_known: bool,
}

/// Contents of which dashboards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Contents {
    /// Those with these paths, perhaps none.
    Some(BTreeSet<Box<str>>),
    /// All.
    All,
}

impl Default for Contents {
    fn default() -> Self {
        Self::Some(BTreeSet::new())
    }
}

/// Which entities.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Entities {
    /// These; the value says that the registry reported the entity as removed. At most [`HANDFUL`], perhaps none.
    Some(BTreeMap<Box<str>, bool>),
    /// All.
    All,
}

impl Default for Entities {
    fn default() -> Self {
        Self::Some(BTreeMap::new())
    }
}

impl Entities {
    fn note(&mut self, id: &str, removed: bool) {
        if let Self::Some(ids) = self {
            ids.insert(id.into(), removed);
            if ids.len() > HANDFUL {
                *self = Self::All;
            }
        }
    }
}

impl Plan {
    /// Everything.
    pub(super) const fn everything() -> Self {
        Self {
            config: true,
            floors: true,
            areas: true,
            labels: true,
            devices: true,
            entities: Entities::All,
            integrations: true,
            dashboards: true,
            contents: Contents::All,
            routines: BTreeSet::new(),
            routines_known: false,
        }
    }

    /// Everything that could have changed without a word; `sees_everything` says that little can.
    pub(super) fn once_more(sees_everything: bool) -> Self {
        Self { routines_known: sees_everything, ..Self::everything() }
    }

    fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What either of the two asks for.
    fn and(mut self, other: Self) -> Self {
        self.config |= other.config;
        self.floors |= other.floors;
        self.areas |= other.areas;
        self.labels |= other.labels;
        self.devices |= other.devices;
        self.integrations |= other.integrations;
        self.dashboards |= other.dashboards;
        self.routines.extend(other.routines);
        match (&mut self.contents, other.contents) {
            (Contents::Some(paths), Contents::Some(more)) => paths.extend(more),
            (contents, _) => *contents = Contents::All,
        }
        match other.entities {
            Entities::All => self.entities = Entities::All,
            Entities::Some(ids) => ids.iter().for_each(|(id, removed)| self.entities.note(id, *removed)),
        }
        self
    }
}

/// When the first and the last event of a batch arrived.
#[derive(Debug, Clone, Copy)]
struct Batch {
    first: Instant,
    last: Instant,
}

impl Batch {
    fn note(batch: &mut Option<Self>, now: Instant) {
        *batch = Some(Self { first: batch.map_or(now, |batch| batch.first), last: now });
    }

    fn due(self, quiet: Duration, max_wait: Duration) -> Instant {
        (self.last + quiet).min(self.first + max_wait)
    }
}

/// Changes that were announced and not read yet.
#[derive(Debug, Default)]
pub(super) struct Changes {
    plan: Plan,
    batch: Option<Batch>,
    /// An integration was loaded or unloaded: integrations, and all entities.
    loading: Option<Batch>,
}

impl Changes {
    /// Notes an event that says no more than its type. Entities have their own, [`Changes::entity`].
    pub(super) fn event(&mut self, kind: EventType, now: Instant) {
        match kind {
            EventType::Devices => self.plan.devices = true,
            EventType::Areas => self.plan.areas = true,
            EventType::Floors => self.plan.floors = true,
            EventType::Labels => self.plan.labels = true,
            EventType::Lovelace | EventType::Panels => {
                self.plan.dashboards = true;
                self.plan.contents = Contents::All;
            }
            EventType::CoreConfig => self.plan.config = true,
            EventType::Entities => self.plan.entities = Entities::All,
            EventType::Automations => return self.routines(RoutineKind::Automation, now),
            EventType::Scenes => return self.routines(RoutineKind::Scene, now),
            EventType::Components => return self.loading(now),
        }
        Batch::note(&mut self.batch, now);
    }

    /// Notes that the contents of a dashboard were saved or deleted; of an unnamed one we know no path, and so it is looked for.
    pub(super) fn dashboard(&mut self, path: Option<Box<str>>, now: Instant) {
        let Some(path) = path else { return self.event(EventType::Lovelace, now) };
        self.plan.dashboards = true;
        if let Contents::Some(paths) = &mut self.plan.contents {
            paths.insert(path);
        }
        Batch::note(&mut self.batch, now);
    }

    /// Notes that dashboard resources changed: the lists are read again, no contents.
    pub(super) fn resources(&mut self, now: Instant) {
        self.plan.dashboards = true;
        Batch::note(&mut self.batch, now);
    }

    /// Notes that documents of a kind were loaded anew.
    pub(super) fn routines(&mut self, kind: RoutineKind, now: Instant) {
        self.plan.routines.insert(kind);
        Batch::note(&mut self.batch, now);
    }

    /// Notes a change of an entity's registry entry.
    pub(super) fn entity(&mut self, change: &EntityChange<'_>, now: Instant) {
        if let Some(old) = &change.renamed_from {
            self.plan.entities.note(old, true);
        }
        self.plan.entities.note(&change.entity_id, change.removed);
        Batch::note(&mut self.batch, now);
    }

    /// Notes an entity that appeared or vanished without the registry.
    pub(super) fn appeared_or_vanished(&mut self, id: &str, now: Instant) {
        // What the registry said of it, that is of a removal, stays.
        let removed = match &self.plan.entities {
            Entities::Some(ids) => ids.get(id).copied().unwrap_or(false),
            Entities::All => return,
        };
        self.plan.entities.note(id, removed);
        Batch::note(&mut self.batch, now);
    }

    /// Notes that integrations load or unload.
    pub(super) fn loading(&mut self, now: Instant) {
        Batch::note(&mut self.loading, now);
    }

    /// When to read, if there is anything to read.
    pub(super) fn due(&self) -> Option<Instant> {
        let soon = self.batch.map(|batch| batch.due(QUIET, MAX_WAIT));
        let later = self.loading.map(|batch| batch.due(SLOW_QUIET, SLOW_MAX_WAIT));
        match (soon, later) {
            (Some(soon), Some(later)) => Some(soon.min(later)),
            (due, None) | (None, due) => due,
        }
    }

    /// Something was announced that has not been read yet.
    pub(super) const fn pending(&self) -> bool {
        self.batch.is_some() || self.loading.is_some()
    }

    /// Takes what is due now.
    pub(super) fn take_due(&mut self, now: Instant) -> Option<Plan> {
        let mut plan = Plan::default();
        if self.loading.is_some_and(|batch| batch.due(SLOW_QUIET, SLOW_MAX_WAIT) <= now) {
            self.loading = None;
            plan.integrations = true;
            plan.devices = true;
            plan.entities = Entities::All;
        }
        // Once we read at all, we take everything that is known to have changed.
        if !plan.is_empty() || self.batch.is_some_and(|batch| batch.due(QUIET, MAX_WAIT) <= now) {
            self.batch = None;
            plan = plan.and(std::mem::take(&mut self.plan));
        }
        (!plan.is_empty()).then_some(plan)
    }

    /// Forgets all: everything is about to be read.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

/// When everything is read again. `jitter` is in `0..1`.
pub(super) fn re_read_after(sees_everything: bool, jitter: f64) -> Duration {
    let base = if sees_everything { RE_READ } else { RE_READ_BLIND };
    base.mul_f64(0.9 + 0.2 * jitter)
}

/// How long to wait before connecting again after so many failures in a row (0 for the first). `jitter` is in `0..1`.
pub(super) fn retry_after(trouble: HomeTrouble, failures: u32, jitter: f64) -> Duration {
    if trouble == HomeTrouble::TokenRefused {
        return REFUSED_RETRY.mul_f64(1.0 + 0.2 * jitter);
    }
    let ceiling = FIRST_RETRY.saturating_mul(1 << failures.min(6)).min(LAST_RETRY);
    ceiling.mul_f64(jitter)
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;

    fn change(id: &str) -> EntityChange<'_> {
        EntityChange { entity_id: Cow::Borrowed(id), renamed_from: None, removed: false }
    }

    fn at(start: Instant, ms: u64) -> Instant {
        start + Duration::from_millis(ms)
    }

    #[test]
    fn we_wait_for_a_quiet_spell_but_not_for_ever() {
        let start = Instant::now();
        let mut changes = Changes::default();
        assert_eq!((changes.due(), changes.pending()), (None, false));
        changes.event(EventType::Areas, start);
        assert!(changes.pending());
        assert_eq!(changes.take_due(at(start, 49)), None);
        changes.event(EventType::Areas, at(start, 49));
        assert_eq!(changes.due(), Some(at(start, 99)));
        for ms in (60..1_000).step_by(20) {
            changes.event(EventType::Areas, at(start, ms));
        }
        assert_eq!(changes.due(), Some(at(start, 1_000)));
        let plan = changes.take_due(at(start, 1_000)).unwrap();
        assert_eq!(plan, Plan { areas: true, ..Plan::default() });
        assert_eq!((changes.take_due(at(start, 1_000)), changes.pending()), (None, false));
    }

    #[test]
    fn a_handful_of_entities_is_read_one_by_one_and_more_by_list() {
        let now = Instant::now();
        let mut changes = Changes::default();
        for i in 0..HANDFUL {
            changes.entity(&change(&format!("light.l{i}")), now);
            changes.entity(&change(&format!("light.l{i}")), now);
        }
        let Entities::Some(ids) = &changes.plan.entities else { panic!("too early") };
        assert_eq!(ids.len(), HANDFUL);
        changes.entity(&change("light.one_more"), now);
        assert_eq!(changes.plan.entities, Entities::All);
    }

    #[test]
    fn a_rename_takes_the_old_id_along_as_removed() {
        let now = Instant::now();
        let mut changes = Changes::default();
        let rename = EntityChange { renamed_from: Some("light.old".into()), ..change("light.new") };
        changes.entity(&rename, now);
        // The states of both come and go too, which must not make the old one look alive.
        changes.appeared_or_vanished("light.old", now);
        changes.appeared_or_vanished("light.new", now);
        let expected = BTreeMap::from([("light.new".into(), false), ("light.old".into(), true)]);
        assert_eq!(changes.plan.entities, Entities::Some(expected));
        // Renamed back before we read.
        let back = EntityChange { renamed_from: Some("light.new".into()), ..change("light.old") };
        changes.entity(&back, now);
        let expected = BTreeMap::from([("light.new".into(), true), ("light.old".into(), false)]);
        assert_eq!(changes.plan.entities, Entities::Some(expected));
    }

    #[test]
    fn loading_integrations_are_given_time_and_do_not_delay_others() {
        let start = Instant::now();
        let mut changes = Changes::default();
        changes.event(EventType::Components, start);
        changes.event(EventType::Labels, start);
        assert_eq!(changes.take_due(at(start, 50)), Some(Plan { labels: true, ..Plan::default() }));
        assert!(changes.pending());
        assert_eq!(changes.due(), Some(at(start, 2_000)));
        changes.event(EventType::Floors, at(start, 1_990));
        let plan = changes.take_due(at(start, 2_000)).unwrap();
        assert_eq!(
            plan,
            Plan {
                floors: true,
                integrations: true,
                devices: true,
                entities: Entities::All,
                ..Plan::default()
            }
        );
    }

    #[test]
    fn waits_grow_stay_bounded_and_a_refused_token_is_not_tried_often() {
        for failures in 0..100 {
            let longest = retry_after(HomeTrouble::Unreachable, failures, 1.0);
            assert!(longest >= FIRST_RETRY && longest <= LAST_RETRY);
            assert_eq!(retry_after(HomeTrouble::Silent, failures, 0.0), Duration::ZERO);
            assert!(retry_after(HomeTrouble::TokenRefused, failures, 0.0) >= Duration::from_secs(300));
        }
        assert_eq!(retry_after(HomeTrouble::Unreachable, 3, 0.5), Duration::from_secs(4));
        assert!(re_read_after(false, 1.0) < re_read_after(true, 0.0));
    }
}
