//! The inventory as hashes: enough to say what changed, and to name what is gone, without keeping a single record (DESIGN section 5).

use vestibule_protocol::consent::Class;
use vestibule_protocol::id::{OpaqueId, Thing};
use vestibule_protocol::problem::Problem;
use vestibule_protocol::record::{Key, RecordKind};
use vestibule_protocol::tree::{BucketHash, Entry, KeyHash, RecordHash, RecordHasher, Root, bucket_hashes};
use vestibule_protocol::vocabulary::{CUSTOM, List, OTHER};

use super::inventory::ordinals::Ordinals;
use super::inventory::orphans::Orphans;
use super::privacy::{Record, View};

/// What is needed to spell a key again: 16 bytes instead of a text of 22 on the heap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Tag {
    kind: RecordKind,
    thing: Option<Thing>,
    bits: u64,
}

/// A set of records, known by their hashes: 40 bytes a record.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Sorted by key hash.
    entries: Vec<Entry>,
    /// In the same order.
    tags: Vec<Tag>,
}

/// Collects records in any order.
#[derive(Default)]
pub struct Builder {
    hasher: RecordHasher,
    lines: Vec<(Entry, Tag)>,
}

impl Builder {
    /// Adds one record.
    pub fn add(&mut self, record: Record<'_>) {
        let entry = (KeyHash::of(record.key), self.hasher.hash(record.key, record.body));
        let tag = Tag {
            kind: record.kind,
            thing: record.id.map(|id| id.thing),
            bits: record.id.map_or(0, |id| id.bits),
        };
        self.lines.push((entry, tag));
    }

    /// The snapshot, and a problem for every record that had to be refused because its key hash was taken (R8).
    #[must_use]
    pub fn finish(mut self) -> (Snapshot, Vec<Problem>) {
        // Stable, so that of two records with one key hash the first in home order stays.
        self.lines.sort_by_key(|((key, _), _)| *key);
        let before = self.lines.len();
        self.lines.dedup_by_key(|((key, _), _)| *key);
        let problems = (self.lines.len()..before).map(|_| collision()).collect();
        let (entries, tags) = self.lines.into_iter().unzip();
        (Snapshot { entries, tags }, problems)
    }
}

impl Snapshot {
    /// Renders a view and hashes what comes out.
    #[must_use]
    pub fn of(view: &View<'_>, ordinals: &Ordinals, orphans: &Orphans) -> (Self, Vec<Problem>) {
        let mut builder = Builder { lines: Vec::with_capacity(view.entities() + 64), ..Builder::default() };
        view.render(ordinals, orphans, &mut |record| builder.add(record));
        builder.finish()
    }

    /// All lines, sorted by key hash.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Number of records.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Number of records by kind.
    #[must_use]
    pub fn counts(&self) -> std::collections::BTreeMap<String, u64> {
        let mut counts = std::collections::BTreeMap::new();
        for tag in &self.tags {
            *counts.entry(tag.kind.name().to_owned()).or_default() += 1;
        }
        counts
    }

    /// Whether there are no records.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The lines of one bucket.
    #[must_use]
    pub fn bucket(&self, bucket: u8) -> &[Entry] {
        let bucket = usize::from(bucket);
        let start = self.entries.partition_point(|(key, _)| key.bucket() < bucket);
        let end = self.entries.partition_point(|(key, _)| key.bucket() <= bucket);
        &self.entries[start..end]
    }

    /// Hashes of all buckets.
    #[must_use]
    pub fn buckets(&self) -> Vec<BucketHash> {
        bucket_hashes(&self.entries)
    }

    /// The root under a schema and the granted classes, sorted.
    #[must_use]
    pub fn root(&self, schema: u32, classes: &[Class]) -> Root {
        Root::of(schema, classes, &self.buckets())
    }

    /// The hash of a record.
    #[must_use]
    pub fn get(&self, key: KeyHash) -> Option<RecordHash> {
        self.place(key).map(|at| self.entries[at].1)
    }

    /// The key with this hash, spelled again; `None` if there is no such record.
    #[must_use]
    pub fn key(&self, key: KeyHash) -> Option<Key> {
        let tag = self.tags.get(self.place(key)?)?;
        match (tag.kind, tag.thing) {
            (kind, Some(thing)) => Some(Key::of(kind, OpaqueId { thing, bits: tag.bits })),
            (RecordKind::Integration, None) => List::Integration
                .words()
                .chain([CUSTOM, OTHER])
                .map(Key::integration)
                .find(|known| KeyHash::of(known.as_str()) == key),
            (_, None) => Some(Key::home()),
        }
    }

    /// Puts and deletes lines, as a portal does with a push; for tests and for what is staged at home.
    #[must_use]
    pub fn apply(&self, diff: &super::diff::Diff, source: &Self) -> Self {
        let mut lines: Vec<(Entry, Tag)> = self
            .entries
            .iter()
            .copied()
            .zip(self.tags.iter().copied())
            .filter(|((key, _), _)| {
                diff.changed.binary_search(key).is_err() && diff.gone.binary_search(key).is_err()
            })
            .collect();
        let changed = diff.changed.iter().filter_map(|key| source.place(*key));
        lines.extend(changed.map(|at| (source.entries[at], source.tags[at])));
        lines.sort_by_key(|((key, _), _)| *key);
        let (entries, tags) = lines.into_iter().unzip();
        Self { entries, tags }
    }

    fn place(&self, key: KeyHash) -> Option<usize> {
        self.entries.binary_search_by_key(&key, |(known, _)| *known).ok()
    }
}

fn collision() -> Problem {
    Problem::new(
        "id_collision",
        "Two things in this home would have the same name at the portal; the second of them was left out.",
        "Nothing needs to be done for the others. A rotated identity gives every thing a new name.",
    )
}
