//! Who appeared or vanished, and since when: entities without registry entry are believed after ten minutes and a re-read (R8).

use std::collections::BTreeMap;

/// How long to wait before an appearance or a disappearance is believed, in seconds.
pub const BELIEVE_AFTER: u64 = 600;

/// A value that is stored, so that a restart does not start the waiting anew. Ids are local names, never sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Delays {
    coming: BTreeMap<u64, u64>,
    going: BTreeMap<u64, u64>,
}

/// One stored row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DelayRow {
    /// Local name.
    pub id: u64,
    /// Seconds since the epoch.
    pub since: u64,
    /// It vanished; otherwise it appeared.
    pub going: bool,
}

impl Delays {
    /// From stored rows.
    pub fn load(rows: impl IntoIterator<Item = DelayRow>) -> Self {
        let mut delays = Self::default();
        for row in rows {
            let list = if row.going { &mut delays.going } else { &mut delays.coming };
            list.insert(row.id, row.since);
        }
        delays
    }

    /// All rows, to be stored.
    pub fn rows(&self) -> impl Iterator<Item = DelayRow> {
        let rows = |list: &'_ BTreeMap<u64, u64>, going| {
            list.iter().map(|(id, since)| DelayRow { id: *id, since: *since, going }).collect::<Vec<_>>()
        };
        rows(&self.coming, false).into_iter().chain(rows(&self.going, true))
    }

    /// When everything should be read again; `None` while nobody waits.
    #[must_use]
    pub fn look_again(&self) -> Option<u64> {
        self.coming.values().chain(self.going.values()).min().map(|since| since.saturating_add(BELIEVE_AFTER))
    }

    /// Whether it was waiting to be believed.
    pub(super) fn awaits(&self, id: u64) -> bool {
        self.coming.contains_key(&id)
    }

    /// Whether it vanished and is not believed gone yet.
    pub(super) fn is_leaving(&self, id: u64) -> bool {
        self.going.contains_key(&id)
    }

    /// It is there and not believed yet; says whether it is now.
    pub(super) fn admit(&mut self, id: u64, now: u64) -> bool {
        waited(self.coming.entry(id).or_insert(now), now)
    }

    /// It is not there; says whether that is believed now.
    pub(super) fn dismiss(&mut self, id: u64, now: u64) -> bool {
        waited(self.going.entry(id).or_insert(now), now)
    }

    /// It is settled: it waits for nothing any more.
    pub(super) fn came(&mut self, id: u64) {
        self.coming.remove(&id);
        self.going.remove(&id);
    }

    /// Forgets everybody who waits no longer.
    pub(super) fn keep_only(&mut self, mut coming: Vec<u64>, mut going: Vec<u64>) {
        coming.sort_unstable();
        going.sort_unstable();
        self.coming.retain(|id, _| coming.binary_search(id).is_ok());
        self.going.retain(|id, _| going.binary_search(id).is_ok());
    }
}

/// Whether the wait is over. A `since` in the future means that the clock was set back: the wait starts anew.
fn waited(since: &mut u64, now: u64) -> bool {
    *since = (*since).min(now);
    now >= since.saturating_add(BELIEVE_AFTER)
}
