//! Numbers that tell alike things apart: the second bedroom, the third sensor of a device.
//!
//! They follow the order of creation, never come from names, and are never given twice (DESIGN section 4). A batch that is new at
//! once, such as a whole home at its first reading or after the store was lost, is numbered in the order of opaque ids.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// One thing's number, as stored. Opaque ids differ by tenant, so these rows do too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrdinalRow {
    /// The 64 bits of its opaque id.
    pub id: u64,
    /// Among whom it is numbered.
    pub scope: u64,
    /// From 1.
    pub number: u32,
}

/// The next free number of a scope, as stored: numbers of things that moved away are not given again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScopeRow {
    /// Among whom.
    pub scope: u64,
    /// The next number.
    pub next: u32,
}

/// Rows that must be stored before the numbers are used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewOrdinals {
    /// Rows to insert, or to replace by id.
    pub ordinals: Vec<OrdinalRow>,
    /// Rows to insert, or to replace by scope.
    pub scopes: Vec<ScopeRow>,
}

impl NewOrdinals {
    /// Whether there is nothing to store.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.ordinals.is_empty()
    }
}

/// Ids and scopes are hashes already.
#[derive(Debug, Default, Clone, Copy)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }
    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

type Map<V> = HashMap<u64, V, BuildHasherDefault<Hashed>>;

/// All numbers given so far.
#[derive(Debug, Clone, Default)]
pub struct Ordinals {
    given: Map<(u64, u32)>,
    next: Map<u32>,
}

impl Ordinals {
    /// From stored rows.
    pub fn load(
        ordinals: impl IntoIterator<Item = OrdinalRow>,
        scopes: impl IntoIterator<Item = ScopeRow>,
    ) -> Self {
        let mut loaded = Self::default();
        for row in ordinals {
            loaded.given.insert(row.id, (row.scope, row.number));
            let next = loaded.next.entry(row.scope).or_insert(1);
            *next = (*next).max(row.number.saturating_add(1));
        }
        for row in scopes {
            let next = loaded.next.entry(row.scope).or_insert(1);
            *next = (*next).max(row.next);
        }
        loaded
    }

    /// The number of a thing; 1 for one that never got any, so that a lost row shows as a wrong number and not as a crash.
    #[must_use]
    pub fn of(&self, id: u64) -> u32 {
        self.given.get(&id).map_or(1, |(_, number)| *number)
    }

    /// Numbers everything that has no number in its scope yet: pairs of id and scope, in any order.
    pub(in crate::outbound) fn assign(&mut self, things: impl Iterator<Item = (u64, u64)>) -> NewOrdinals {
        let mut fresh: Vec<(u64, u64)> =
            things.filter(|(id, scope)| self.given.get(id).is_none_or(|(known, _)| known != scope)).collect();
        fresh.sort_unstable();
        fresh.dedup_by_key(|(id, _)| *id);
        let mut new = NewOrdinals::default();
        for (id, scope) in fresh {
            let next = self.next.entry(scope).or_insert(1);
            let number = *next;
            *next = next.saturating_add(1);
            self.given.insert(id, (scope, number));
            new.ordinals.push(OrdinalRow { id, scope, number });
        }
        let mut scopes: Vec<u64> = new.ordinals.iter().map(|row| row.scope).collect();
        scopes.sort_unstable();
        scopes.dedup();
        new.scopes = scopes
            .into_iter()
            .map(|scope| ScopeRow { scope, next: self.next.get(&scope).copied().unwrap_or(1) })
            .collect();
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(new: &NewOrdinals) -> Vec<(u64, u32)> {
        new.ordinals.iter().map(|row| (row.id, row.number)).collect()
    }

    #[test]
    fn a_batch_is_numbered_by_id_and_later_ones_follow() {
        let mut ordinals = Ordinals::default();
        let new = ordinals.assign([(9, 1), (3, 1), (5, 2)].into_iter());
        assert_eq!(numbers(&new), [(3, 1), (5, 1), (9, 2)]);
        assert_eq!(new.scopes, [ScopeRow { scope: 1, next: 3 }, ScopeRow { scope: 2, next: 2 }]);
        assert!(ordinals.assign([(3, 1), (9, 1)].into_iter()).is_empty());
        assert_eq!(numbers(&ordinals.assign([(1, 1)].into_iter())), [(1, 3)]);
        assert_eq!((ordinals.of(3), ordinals.of(9), ordinals.of(1)), (1, 2, 3));
    }

    #[test]
    fn a_number_is_never_given_twice_also_after_a_restart() {
        let mut ordinals = Ordinals::default();
        let first = ordinals.assign([(7, 1)].into_iter());
        let moved = ordinals.assign([(7, 2)].into_iter());
        assert_eq!(numbers(&moved), [(7, 1)]);
        // Stored as a database would: later rows replace earlier ones of the same key.
        let mut restarted = Ordinals::load(moved.ordinals, first.scopes.into_iter().chain(moved.scopes));
        assert_eq!(numbers(&restarted.assign([(8, 1), (7, 2)].into_iter())), [(8, 2)]);
        assert_eq!(numbers(&restarted.assign([(7, 1)].into_iter())), [(7, 3)]);
    }
}
