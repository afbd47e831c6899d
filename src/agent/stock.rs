//! The inventory with everything that has to outlive a restart: ordinals, delays, orphans. Takes stock and renders what leaves.
//!
//! The decisions are `outbound`'s; this is where its values are kept between them.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;

use serde_json::value::RawValue;
use std::sync::{Arc, Mutex, PoisonError};
use vestibule_protocol::consent::Class;
use vestibule_protocol::frame;
use vestibule_protocol::id::{OpaqueId, Thing};
use vestibule_protocol::limits;
use vestibule_protocol::message::{Batch, Commit as CommitMessage, Entries, FromAgent, Hashes, Puts, Want};
use vestibule_protocol::problem::Problem;
use vestibule_protocol::tree::{KeyHash, Root};

use crate::identity::IdKey;
use crate::outbound::diff::Diff;
use crate::outbound::inventory::Home;
use crate::outbound::inventory::delays::{DelayRow, Delays};
use crate::outbound::inventory::ordinals::{OrdinalRow, Ordinals, ScopeRow};
use crate::outbound::inventory::orphans::Orphans;
use crate::outbound::privacy::owner::{self, OwnRoom, OwnThing, Wanted};
use crate::outbound::privacy::{
    Exclusions, KindOverrides, Known, Memo, Policy, Record, View, own_words, renamed,
};
use crate::outbound::reading::{Reading, Text};
use crate::outbound::snapshot::Snapshot;
use crate::portal::link::ToLink;
use crate::portal::rooted::Rooted;
use crate::store::{AgentState, AreaKinds, Commit, Delay, Grants, Ordinal, Orphans as StoredOrphans};

/// How [`KindOverrides`] spells a room whose kind is not told.
pub(super) const HIDDEN: &str = "hidden";

/// The home, and what is remembered about its things.
pub struct Stock {
    home: Home,
    ordinals: Ordinals,
    orphans: Option<Orphans>,
    kinds: KindOverrides,
    own_hosts: Vec<Text>,
    delays_stored: Vec<DelayRow>,
    /// As of the last taking of stock, so that it is told once.
    left_out: Vec<Problem>,
    /// Contents as they were rewritten last.
    memo: Mutex<Memo>,
}

/// An inventory, and what must be durable before anything of it leaves.
pub struct Taken {
    /// Hashes of everything that may leave.
    pub snapshot: Arc<Rooted>,
    /// New ordinals, delays and orphans.
    pub commit: Commit,
    /// What could not leave.
    pub left_out: Vec<Problem>,
}

/// What a transfer has to send.
pub struct Plan {
    puts: Vec<KeyHash>,
    deletes: Vec<KeyHash>,
    frozen: Arc<Rooted>,
}

/// A rendered transfer.
pub struct Batches {
    frames: Vec<Vec<u8>>,
    count: u32,
}

impl Stock {
    /// An empty home with what the store remembers; takes that out of `state`, so that it is not held twice.
    #[must_use]
    pub fn new(state: &mut AgentState, own_hosts: Vec<Text>) -> Self {
        let rows = std::mem::take(&mut state.delays).into_iter().map(|delay| DelayRow {
            id: delay.id,
            since: seconds(delay.since),
            going: delay.going,
        });
        let delays_stored: Vec<DelayRow> = rows.collect();
        let mut stock = Self {
            home: Home::new(Delays::load(delays_stored.iter().copied())),
            ordinals: Ordinals::default(),
            orphans: None,
            kinds: KindOverrides::default(),
            own_hosts,
            delays_stored,
            left_out: Vec::new(),
            memo: Mutex::default(),
        };
        stock.remember(state);
        stock
    }

    /// Forgets what belonged to a tenant; the home itself stays known.
    pub fn forget_tenant(&mut self, state: &mut AgentState) {
        self.forget_rewritten(|_| true);
        self.remember(state);
    }

    fn remember(&mut self, state: &mut AgentState) {
        let stored = std::mem::take(&mut state.ordinals);
        let ordinals =
            stored.given.iter().map(|row| OrdinalRow { id: row.id, scope: row.scope, number: row.n });
        let scopes = stored.scopes.iter().map(|(scope, next)| ScopeRow { scope: *scope, next: *next });
        self.ordinals = Ordinals::load(ordinals, scopes);
        let orphans = std::mem::take(&mut state.orphans);
        self.orphans = orphans.refreshed_at.map(|at| Orphans::load(orphans.ids, seconds(at)));
        self.set_kinds(&state.area_kinds);
    }

    /// Takes the kinds of rooms that the owner chose. One that this version no longer knows counts as not chosen.
    pub fn set_kinds(&mut self, chosen: &AreaKinds) {
        self.kinds = KindOverrides::default();
        for (area, kind) in &chosen.0 {
            if let Ok(area) = area.parse() {
                let _ = self.kinds.set(area, kind.as_deref().unwrap_or(HIDDEN));
            }
        }
    }

    /// Takes in what was read.
    pub fn take_in(&mut self, readings: Vec<Reading>, now_ms: i64) {
        for reading in readings {
            self.home.apply(reading, seconds(now_ms));
        }
    }

    /// Whether the contents of a class were read; there is nothing more to read for the others.
    #[must_use]
    pub const fn knows_contents(&self, class: Class) -> bool {
        match class {
            Class::Dashboards => self.home.knows_contents(),
            Class::Automations => self.home.knows_routines(),
            Class::Structure | Class::Names => true,
        }
    }

    /// Whether contents are granted that were not read yet.
    #[must_use]
    pub fn awaits_contents(&self, grants: &Grants) -> bool {
        (grants.consent.grants(Class::Dashboards) && !self.home.knows_contents())
            || (grants.consent.grants(Class::Automations) && !self.home.knows_routines())
    }

    /// Lets go of contents of these classes, which nobody may have any more.
    pub fn forget_contents(&mut self, class: Class) {
        match class {
            Class::Dashboards => {
                self.home.forget_contents();
                self.forget_rewritten(|thing| thing == Thing::Dashboard);
            }
            Class::Automations => {
                self.home.forget_routines();
                self.forget_rewritten(|thing| thing != Thing::Dashboard);
            }
            Class::Structure | Class::Names => {}
        }
    }

    fn forget_rewritten(&mut self, which: impl Fn(Thing) -> bool) {
        self.memo.get_mut().unwrap_or_else(PoisonError::into_inner).forget(which);
    }

    /// How long until something is believed that was only seen so far; `None` if nothing waits.
    #[must_use]
    pub fn look_again(&self, now_ms: i64) -> Option<Duration> {
        let at = self.home.delays().look_again()?;
        Some(Duration::from_secs(at.saturating_sub(seconds(now_ms))))
    }

    /// Computes the inventory of this moment for one tenant.
    pub fn take(&mut self, key: &IdKey, grants: &Grants, now_ms: i64) -> Taken {
        let mut commit = Commit::at(now_ms);
        if let Some(fresh) = Orphans::refreshed(self.orphans.as_ref(), &self.home, seconds(now_ms)) {
            commit.orphans = Some(StoredOrphans { ids: fresh.ids().to_vec(), refreshed_at: Some(now_ms) });
            self.orphans = Some(fresh);
        }
        let delays: Vec<DelayRow> = self.home.delays().rows().collect();
        if delays != self.delays_stored {
            let stored =
                |row: &DelayRow| Delay { id: row.id, since: milliseconds(row.since), going: row.going };
            commit.delays = Some(delays.iter().map(stored).collect());
            self.delays_stored = delays;
        }
        let exclusions = exclusions(grants);
        let policy = Policy {
            consent: &grants.consent,
            exclusions: &exclusions,
            kinds: &self.kinds,
            own_hosts: &self.own_hosts,
        };
        let view = View::new(&self.home, policy, key).remembering(&self.memo);
        let new = view.number(&mut self.ordinals);
        commit.ordinals =
            new.ordinals.iter().map(|row| Ordinal { id: row.id, scope: row.scope, n: row.number }).collect();
        let orphans = self.orphans.clone().unwrap_or_default();
        let (snapshot, refused) = Snapshot::of(&view, &self.ordinals, &orphans);
        let left_out: Vec<Problem> =
            view.problems().iter().cloned().chain(refused).chain(view.left_out()).collect();
        if left_out != self.left_out {
            for problem in &left_out {
                tracing::warn!(code = %problem.code, "a thing of the home was left out");
            }
            self.left_out.clone_from(&left_out);
        }
        Taken { snapshot: Arc::new(Rooted::new(snapshot, &grants.consent.classes)), commit, left_out }
    }

    /// Every record that would leave, as lines `{"key","record"}`, numbered as at the first taking of stock; stores nothing.
    #[must_use]
    pub fn preview(&self, key: &IdKey, grants: &Grants, now_ms: i64) -> Vec<Box<RawValue>> {
        let mut lines = Vec::new();
        self.show(&self.home, key, grants, now_ms, &mut |record| lines.extend(line(record)));
        lines
    }

    /// Those lines of [`Self::preview`] that a fresh reading would not show: of what vanished a short while ago (R8).
    #[must_use]
    pub fn leaving(&mut self, key: &IdKey, grants: &Grants, now_ms: i64) -> Vec<Box<RawValue>> {
        let mut home = std::mem::take(&mut self.home);
        let remaining = home.without_leaving(|home| {
            let mut remaining = HashSet::new();
            self.show(home, key, grants, now_ms, &mut |record| {
                remaining.insert(KeyHash::of(record.key));
            });
            remaining
        });
        self.home = home;
        let mut lines = Vec::new();
        self.show(&self.home, key, grants, now_ms, &mut |record| {
            if !remaining.contains(&KeyHash::of(record.key)) {
                lines.extend(line(record));
            }
        });
        lines
    }

    fn show(
        &self,
        home: &Home,
        key: &IdKey,
        grants: &Grants,
        now_ms: i64,
        visit: &mut dyn FnMut(Record<'_>),
    ) {
        let mut ordinals = self.ordinals.clone();
        let fresh = Orphans::refreshed(self.orphans.as_ref(), home, seconds(now_ms));
        let orphans = fresh.or_else(|| self.orphans.clone()).unwrap_or_default();
        let exclusions = exclusions(grants);
        let policy = Policy {
            consent: &grants.consent,
            exclusions: &exclusions,
            kinds: &self.kinds,
            own_hosts: &self.own_hosts,
        };
        let view = View::new(home, policy, key);
        view.number(&mut ordinals);
        view.render(&ordinals, &orphans, visit);
    }

    /// Renders what one class alone would let leave, numbered as at the next taking of stock; stores nothing.
    pub fn preview_each(
        &self,
        key: &IdKey,
        grants: &Grants,
        class: Class,
        now_ms: i64,
        visit: &mut dyn FnMut(Record<'_>),
    ) {
        let mut alone = Grants { excluded: grants.excluded.clone(), ..Grants::default() };
        alone.consent.grant(class);
        self.show(&self.home, key, &alone, now_ms, visit);
    }

    /// All rooms, in the owner's words.
    #[must_use]
    pub fn rooms(&self, key: &IdKey, grants: &Grants) -> Vec<OwnRoom> {
        let exclusions = exclusions(grants);
        let policy = Policy {
            consent: &grants.consent,
            exclusions: &exclusions,
            kinds: &self.kinds,
            own_hosts: &self.own_hosts,
        };
        owner::own_rooms(&self.home, &policy, key)
    }

    /// Things that can be excluded, in the owner's words.
    #[must_use]
    pub fn things(&self, key: &IdKey, grants: &Grants, wanted: Wanted<'_>, limit: usize) -> Vec<OwnThing> {
        owner::own_things(&self.home, &exclusions(grants), key, wanted, limit)
    }

    /// The language of the installation.
    #[must_use]
    pub fn language(&self) -> Option<&'static str> {
        owner::own_language(&self.home)
    }

    /// Home Assistant's version and kind of installation.
    #[must_use]
    pub fn versions(&self) -> Option<(String, Option<&'static str>)> {
        owner::own_versions(&self.home)
    }

    fn each(&self, key: &IdKey, grants: &Grants, visit: &mut dyn FnMut(Record<'_>)) {
        let exclusions = exclusions(grants);
        let policy = Policy {
            consent: &grants.consent,
            exclusions: &exclusions,
            kinds: &self.kinds,
            own_hosts: &self.own_hosts,
        };
        let orphans = self.orphans.clone().unwrap_or_default();
        View::new(&self.home, policy, key).remembering(&self.memo).render(&self.ordinals, &orphans, visit);
    }

    /// Which ids exist for a tenant at this moment.
    pub fn with_ids<T>(&self, key: &IdKey, grants: &Grants, work: impl FnOnce(&Known<'_, '_>) -> T) -> T {
        let exclusions = exclusions(grants);
        let policy = Policy {
            consent: &grants.consent,
            exclusions: &exclusions,
            kinds: &self.kinds,
            own_hosts: &self.own_hosts,
        };
        let view = View::new(&self.home, policy, key);
        work(&Known::new(&view))
    }

    /// The owner's own word for a thing.
    #[must_use]
    pub fn own_word(&self, key: &IdKey, id: OpaqueId) -> Option<Text> {
        own_words(&self.home, key, id)
    }

    /// Exclusions and kinds of rooms, from the ids of one key to those of another. What is not there now is left out.
    #[must_use]
    pub fn translated(
        &self,
        from: &IdKey,
        to: &IdKey,
        grants: &Grants,
        kinds: &AreaKinds,
    ) -> (BTreeSet<String>, AreaKinds) {
        let ids = grants.excluded.iter().chain(kinds.0.keys()).filter_map(|id| id.parse().ok());
        let wanted: BTreeSet<OpaqueId> = ids.collect();
        let names =
            if wanted.is_empty() { Default::default() } else { renamed(&self.home, from, to, &wanted) };
        let name = |id: &String| match id.parse() {
            Ok(id) => names.get(&id).map(OpaqueId::to_string),
            // An integration is called the same everywhere.
            Err(_) => Some(id.clone()),
        };
        let kinds = kinds.0.iter().filter_map(|(id, kind)| Some((name(id)?, kind.clone()))).collect();
        (grants.excluded.iter().filter_map(name).collect(), AreaKinds(kinds))
    }

    /// What has to be put and deleted to come from one inventory to the next, which must be the one last taken.
    #[must_use]
    pub fn difference(
        &self,
        key: &IdKey,
        grants: &Grants,
        base: &Snapshot,
        target: &Snapshot,
    ) -> (Puts, Vec<String>) {
        let difference = Diff::between(base, target);
        let mut puts = Puts::default();
        self.each(key, grants, &mut |record| {
            if difference.changed.binary_search(&KeyHash::of(record.key)).is_ok() {
                // Every rendered record is JSON, so this does not fail.
                let _ = puts.push(record.key, record.body);
            }
        });
        let deletes =
            difference.gone.iter().filter_map(|hash| base.key(*hash)).map(|key| key.to_string()).collect();
        (puts, deletes)
    }

    /// Works out what a portal has to be sent and told to delete; `None` if its lists cannot be read.
    #[must_use]
    pub fn plan(frozen: &Arc<Rooted>, want: &Want) -> Option<Plan> {
        let mut plan = Plan { puts: Vec::new(), deletes: Vec::new(), frozen: Arc::clone(frozen) };
        if want.all {
            plan.puts = frozen.entries().iter().map(|(key, _)| *key).collect();
            return Some(plan);
        }
        for (bucket, theirs) in &want.buckets {
            let lines = theirs.lines()?;
            if lines.len() > limits::RECORDS {
                return None;
            }
            let known: HashMap<KeyHash, &[u8]> = lines.into_iter().collect();
            let mine = frozen.bucket(*bucket);
            let same =
                |(key, record): &(KeyHash, _)| known.get(key).is_some_and(|line| Entries::same(line, record));
            plan.puts.extend(mine.iter().filter(|entry| !same(entry)).map(|(key, _)| *key));
            plan.deletes.extend(
                known.keys().filter(|key| mine.binary_search_by_key(*key, |(mine, _)| *mine).is_err()),
            );
        }
        plan.puts.sort_unstable();
        plan.deletes.sort_unstable();
        Some(plan)
    }

    /// Renders a transfer in batches, each compressed as soon as it is full, so that only one is in memory uncompressed. The first
    /// `skip` batches are counted but not kept: the portal has them already.
    pub fn batches(
        &self,
        key: &IdKey,
        grants: &Grants,
        plan: &Plan,
        skip: u32,
    ) -> Result<Batches, frame::BadFrame> {
        let mut packer = Packer {
            skip,
            batch: empty(0),
            size: 0,
            batches: Batches { frames: Vec::new(), count: 0 },
            failed: None,
        };
        packer.batch.deletes = Hashes::of_keys(plan.deletes.iter().copied());
        self.each(key, grants, &mut |record| {
            if plan.puts.binary_search(&KeyHash::of(record.key)).is_ok() {
                packer.add(record);
            }
        });
        packer.finish()
    }
}

impl Plan {
    /// The share of the inventory that this sends again: what was part of the last inventory that was sent, or everything if that is
    /// not known (R22).
    #[must_use]
    pub fn sent_again(&self, sent: Option<&Snapshot>) -> f64 {
        let all = self.frozen.entries().len().max(1);
        let again = sent.map_or(self.puts.len(), |sent| {
            self.puts
                .iter()
                .filter(|key| sent.get(**key).is_some_and(|before| self.frozen.get(**key) == Some(before)))
                .count()
        });
        #[expect(clippy::cast_precision_loss, reason = "a share; nobody has 2^52 records")]
        let share = again as f64 / all as f64;
        share
    }
}

impl Batches {
    /// The frames in order, and the commit that ends them.
    pub fn into_messages(self, root: Root) -> impl Iterator<Item = ToLink> {
        let commit = FromAgent::from(CommitMessage { root, batches: self.count });
        self.frames.into_iter().map(|frame| ToLink::Frame("batch", frame)).chain([ToLink::Message(commit)])
    }
}

/// Fills one batch after another.
struct Packer {
    skip: u32,
    batch: Batch,
    size: usize,
    batches: Batches,
    failed: Option<frame::BadFrame>,
}

impl Packer {
    fn add(&mut self, record: Record<'_>) {
        let size = record.key.len() + record.body.len() + 6;
        if self.size + size > limits::BATCH_PLAIN && self.size > 0 {
            self.close();
        }
        self.size += size;
        let _ = self.batch.puts.push(record.key, record.body);
    }

    fn close(&mut self) {
        self.size = 0;
        self.batches.count += 1;
        let full = std::mem::replace(&mut self.batch, empty(self.batches.count));
        if full.n < self.skip {
            return;
        }
        let json = FromAgent::from(full).to_json().map_err(|_| frame::BadFrame::TooLarge);
        match json.and_then(|json| frame::encode(&json)) {
            Ok(frame) => self.batches.frames.push(frame),
            Err(error) => self.failed = Some(error),
        }
    }

    fn finish(mut self) -> Result<Batches, frame::BadFrame> {
        if !self.batch.puts.is_empty() || !self.batch.deletes.is_empty() {
            self.close();
        }
        self.failed.map_or(Ok(self.batches), Err)
    }
}

fn empty(n: u32) -> Batch {
    Batch { n, puts: Puts::default(), deletes: Hashes::default() }
}

fn exclusions(grants: &Grants) -> Exclusions {
    grants.excluded.iter().filter_map(|text| text.parse().ok()).collect()
}

pub(super) fn line(record: Record<'_>) -> Option<Box<RawValue>> {
    let body = std::str::from_utf8(record.body).ok()?;
    RawValue::from_string(format!("{{\"key\":\"{}\",\"record\":{body}}}", record.key)).ok()
}

fn seconds(ms: i64) -> u64 {
    u64::try_from(ms / 1000).unwrap_or_default()
}

fn milliseconds(s: u64) -> i64 {
    i64::try_from(s).unwrap_or(i64::MAX / 1000).saturating_mul(1000)
}
