//! What changed between two snapshots: one pass over two sorted lists.

use std::cmp::Ordering;

use vestibule_protocol::tree::KeyHash;

use super::inventory::ordinals::Ordinals;
use super::inventory::orphans::Orphans;
use super::privacy::{Record, View};
use super::snapshot::Snapshot;

/// What to put and what to delete, both sorted. Bodies of `changed` come from rendering again; keys of `gone` from the old snapshot.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diff {
    /// New records and records with other contents.
    pub changed: Vec<KeyHash>,
    /// Records that are no more.
    pub gone: Vec<KeyHash>,
}

impl Diff {
    /// What leads from `old` to `new`.
    #[must_use]
    pub fn between(old: &Snapshot, new: &Snapshot) -> Self {
        let mut diff = Self::default();
        let (mut old, mut new) = (old.entries(), new.entries());
        while let (Some(a), Some(b)) = (old.first(), new.first()) {
            match a.0.cmp(&b.0) {
                Ordering::Less => {
                    diff.gone.push(a.0);
                    old = &old[1..];
                }
                Ordering::Greater => {
                    diff.changed.push(b.0);
                    new = &new[1..];
                }
                Ordering::Equal => {
                    if a.1 != b.1 {
                        diff.changed.push(b.0);
                    }
                    (old, new) = (&old[1..], &new[1..]);
                }
            }
        }
        diff.gone.extend(old.iter().map(|(key, _)| *key));
        diff.changed.extend(new.iter().map(|(key, _)| *key));
        diff
    }

    /// Renders the view again and passes on the records that changed; the view must be the one of the new snapshot.
    pub fn bodies(
        &self,
        view: &View<'_>,
        ordinals: &Ordinals,
        orphans: &Orphans,
        visit: &mut dyn FnMut(Record<'_>),
    ) {
        if self.changed.is_empty() {
            return;
        }
        view.render(ordinals, orphans, &mut |record| {
            if self.changed.binary_search(&KeyHash::of(record.key)).is_ok() {
                visit(record);
            }
        });
    }

    /// Whether nothing changed.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.changed.is_empty() && self.gone.is_empty()
    }
}

#[cfg(test)]
mod tests;
