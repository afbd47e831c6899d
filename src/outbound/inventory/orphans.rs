//! Which entities nobody provides now. Refreshed at most daily and stored, so that restarts and passing failures change nothing.

use super::Home;
use crate::outbound::privacy;

/// How long a set is kept, in seconds.
pub const REFRESH_AFTER: u64 = 24 * 3600;

/// A value that is stored. Ids are local names, never sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Orphans {
    /// Sorted.
    ids: Vec<u64>,
    refreshed_at: u64,
}

impl Orphans {
    /// From what was stored.
    #[must_use]
    pub fn load(mut ids: Vec<u64>, refreshed_at: u64) -> Self {
        ids.sort_unstable();
        Self { ids, refreshed_at }
    }

    /// The local names, sorted.
    #[must_use]
    pub fn ids(&self) -> &[u64] {
        &self.ids
    }

    /// When they were last worked out, in seconds since the epoch.
    #[must_use]
    pub const fn refreshed_at(&self) -> u64 {
        self.refreshed_at
    }

    /// Works them out anew if there is no earlier value or it is a day old; `None` means that the earlier one stays in force.
    #[must_use]
    pub fn refreshed(before: Option<&Self>, home: &Home, now: u64) -> Option<Self> {
        if before.is_some_and(|before| now.abs_diff(before.refreshed_at) < REFRESH_AFTER) {
            return None;
        }
        let orphaned = home.entities.iter().filter(|entity| entity.orphaned);
        Some(Self::load(orphaned.map(privacy::local_id).collect(), now))
    }

    /// Whether nobody provides it.
    #[must_use]
    pub fn contains(&self, id: u64) -> bool {
        self.ids.binary_search(&id).is_ok()
    }
}
