//! How both sides know that they hold the same: record hashes, 256 buckets, one root (DESIGN section 5).
//!
//! ```text
//! key hash    = first 8 bytes of blake3(key), as a big-endian number
//! record hash = first 16 bytes of blake3 derive_key("vestibule 2026-11 v1 record", key ‖ 0x00 ‖ canonical bytes)
//! bucket      = blake3 derive_key("vestibule 2026-11 v1 bucket", (key hash ‖ record hash) …) in key-hash order;
//!               a record belongs to the bucket of its key hash's first byte
//! root        = first 16 bytes of blake3 derive_key("vestibule 2026-11 v1 root", schema u32 be ‖ classes ‖ 256 buckets)
//! ```
//!
//! 64 bits tell keys of one home apart; a collision is noticed by both sides and refused (R8). 128 bits of record hash and root are
//! enough against accidents and against a home that would only fool its own portal.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::bytes::Fixed;
use crate::consent::Class;

/// Number of buckets.
pub const BUCKETS: usize = 256;

/// Hash of a key: place of the record in every list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyHash(pub u64);

impl KeyHash {
    /// Hash of a key's text.
    #[must_use]
    pub fn of(key: &str) -> Self {
        let mut first = [0; 8];
        first.copy_from_slice(&blake3::hash(key.as_bytes()).as_bytes()[..8]);
        Self(u64::from_be_bytes(first))
    }

    /// The bucket it falls into.
    #[must_use]
    pub const fn bucket(self) -> usize {
        (self.0 >> 56) as usize
    }
}

/// Hash of a record, its key included.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordHash(pub [u8; 16]);

impl fmt::Debug for RecordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RecordHash({})", Fixed(self.0))
    }
}

/// Makes record hashes; keeps the derived context, which is a third of the work for a small record.
#[derive(Clone)]
pub struct RecordHasher(blake3::Hasher);

impl Default for RecordHasher {
    fn default() -> Self {
        Self(blake3::Hasher::new_derive_key("vestibule 2026-11 v1 record"))
    }
}

impl RecordHasher {
    /// Hash of one record.
    #[must_use]
    pub fn hash(&self, key: &str, canonical: &[u8]) -> RecordHash {
        let mut hasher = self.0.clone();
        hasher.update(key.as_bytes()).update(&[0]).update(canonical);
        let mut short = [0; 16];
        short.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        RecordHash(short)
    }
}

/// One line of a bucket.
pub type Entry = (KeyHash, RecordHash);

/// Hash of a bucket.
pub type BucketHash = [u8; 32];

/// Hash of one bucket; `entries` come in key-hash order.
#[must_use]
pub fn bucket_hash<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> BucketHash {
    let mut hasher = blake3::Hasher::new_derive_key("vestibule 2026-11 v1 bucket");
    for (key, record) in entries {
        hasher.update(&key.0.to_be_bytes()).update(&record.0);
    }
    *hasher.finalize().as_bytes()
}

/// Hashes of all buckets of a list in key-hash order.
#[must_use]
pub fn bucket_hashes(sorted: &[Entry]) -> Vec<BucketHash> {
    let mut rest = sorted;
    (0..BUCKETS)
        .map(|bucket| {
            let (mine, later) = rest.split_at(rest.partition_point(|(key, _)| key.bucket() <= bucket));
            rest = later;
            bucket_hash(mine)
        })
        .collect()
}

/// The name of a whole inventory under one schema and one set of granted classes; 16 bytes, 22 characters.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Root(pub Fixed<16>);

impl Root {
    /// Computes the root. `classes` are sorted, as in [`crate::consent::Consent`].
    #[must_use]
    pub fn of(schema: u32, classes: &[Class], buckets: &[BucketHash]) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("vestibule 2026-11 v1 root");
        hasher.update(&schema.to_be_bytes());
        for class in classes {
            hasher.update(class.name().as_bytes()).update(&[0]);
        }
        for bucket in buckets {
            hasher.update(bucket);
        }
        let mut short = [0; 16];
        short.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        Self(Fixed(short))
    }

    /// Reads the text form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Fixed::parse(text).map(Self)
    }
}

impl fmt::Display for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Root({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entries(keys: &[&str]) -> Vec<Entry> {
        let hasher = RecordHasher::default();
        let mut entries: Vec<Entry> =
            keys.iter().map(|key| (KeyHash::of(key), hasher.hash(key, b"{}"))).collect();
        entries.sort_unstable();
        entries
    }

    #[test]
    fn known_answers() {
        let list = entries(&["area/a_aaaaaaaaaaaaa", "home/home"]);
        insta::assert_debug_snapshot!(list);
        insta::assert_snapshot!(Root::of(1, &[Class::Structure], &bucket_hashes(&list)).to_string());
    }

    #[test]
    fn r18_schema_and_classes_are_part_of_the_root() {
        let buckets = bucket_hashes(&[]);
        let root = Root::of(1, &[Class::Structure], &buckets);
        assert_ne!(root, Root::of(2, &[Class::Structure], &buckets));
        assert_ne!(root, Root::of(1, &[Class::Structure, Class::Names], &buckets));
        assert_eq!(Root::parse(&root.to_string()), Some(root));
    }

    proptest! {
        #[test]
        fn one_record_changes_one_bucket(keys in proptest::collection::btree_set("[a-z]{1,8}", 1..60)) {
            let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
            let all = bucket_hashes(&entries(&keys));
            let fewer = bucket_hashes(&entries(&keys[1..]));
            let changed: Vec<usize> = (0..BUCKETS).filter(|i| all[*i] != fewer[*i]).collect();
            prop_assert_eq!(changed, vec![KeyHash::of(keys[0]).bucket()]);
        }
    }
}
