//! The parts of messages that can be long: records by key, and lists of hashes.

use std::fmt;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::bytes::Blob;
use crate::tree::{BUCKETS, BucketHash, Entry, KeyHash, RecordHash};

/// Records by key, each kept as the very text that was sent. Keys do not repeat.
#[derive(Debug, Clone, Default)]
pub struct Puts(pub Vec<(String, Box<RawValue>)>);

impl Puts {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds one record; `canonical` must be JSON, which everything rendered by a typed record is.
    ///
    /// # Errors
    /// When it is not.
    pub fn push(&mut self, key: &str, canonical: &[u8]) -> Result<(), serde_json::Error> {
        let text = String::from_utf8(canonical.to_vec()).map_err(serde_json::Error::custom)?;
        self.0.push((key.to_owned(), RawValue::from_string(text)?));
        Ok(())
    }

    /// Keys and texts.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, record)| (key.as_str(), record.get()))
    }
}

impl PartialEq for Puts {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Puts {}

impl Serialize for Puts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, record)| (key, record)))
    }
}

impl<'de> Deserialize<'de> for Puts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Records;
        impl<'de> Visitor<'de> for Records {
            type Value = Puts;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("records by key")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Puts, A::Error> {
                let mut records = Vec::new();
                while let Some(entry) = map.next_entry::<String, Box<RawValue>>()? {
                    records.push(entry);
                }
                let mut keys: Vec<&str> = records.iter().map(|(key, _)| key.as_str()).collect();
                keys.sort_unstable();
                if keys.windows(2).any(|pair| pair[0] == pair[1]) {
                    return Err(A::Error::custom("duplicate field `key`"));
                }
                Ok(Puts(records))
            }
        }
        deserializer.deserialize_map(Records)
    }
}

/// Hashes one after another, all of one length that the context gives.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Hashes(pub Blob);

/// Bytes of a bucket hash in the first attempt.
const SHORT: usize = 4;

impl Hashes {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.0.is_empty()
    }

    /// Bucket hashes, cut short or whole.
    #[must_use]
    pub fn of_buckets(buckets: &[BucketHash], whole: bool) -> Self {
        let length = if whole { 32 } else { SHORT };
        Self(Blob(buckets.iter().flat_map(|hash| &hash[..length]).copied().collect()))
    }

    /// Which of the receiver's `buckets` differ; `None` when the list is neither empty nor of a length that [`Self::of_buckets`] makes.
    #[must_use]
    pub fn differing(&self, buckets: &[BucketHash]) -> Option<Vec<u8>> {
        let bytes = &self.0.0;
        if bytes.is_empty() {
            return Some((0..=255).collect());
        }
        let length = bytes.len() / BUCKETS;
        if !bytes.len().is_multiple_of(BUCKETS) || (length != SHORT && length != 32) {
            return None;
        }
        let pairs = bytes.chunks_exact(length).zip(buckets);
        Some(
            (0..=255)
                .zip(pairs)
                .filter(|(_, (theirs, mine))| mine[..length] != **theirs)
                .map(|(index, _)| index)
                .collect(),
        )
    }

    /// Key hashes, 8 bytes each.
    #[must_use]
    pub fn of_keys(keys: impl IntoIterator<Item = KeyHash>) -> Self {
        Self(Blob(keys.into_iter().flat_map(|key| key.0.to_be_bytes()).collect()))
    }

    /// Reads key hashes; `None` for another length.
    #[must_use]
    pub fn keys(&self) -> Option<Vec<KeyHash>> {
        let (chunks, rest) = self.0.0.as_chunks::<8>();
        rest.is_empty().then(|| chunks.iter().map(|chunk| KeyHash(u64::from_be_bytes(*chunk))).collect())
    }
}

/// A bucket's lines: key hash (8 bytes) and the record hash, cut to 8 bytes or whole (16) after a mismatch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Entries {
    /// 16 bytes a line.
    Short(Hashes),
    /// 24 bytes a line.
    Whole {
        /// The lines.
        whole: Hashes,
    },
}

impl Entries {
    /// Writes lines.
    #[must_use]
    pub fn of(entries: &[Entry], whole: bool) -> Self {
        let length = if whole { 16 } else { 8 };
        let bytes = entries
            .iter()
            .flat_map(|(key, record)| {
                key.0.to_be_bytes().into_iter().chain(record.0[..length].iter().copied())
            })
            .collect();
        let hashes = Hashes(Blob(bytes));
        if whole { Self::Whole { whole: hashes } } else { Self::Short(hashes) }
    }

    /// Reads lines: key hash and as much of the record hash as was sent; `None` for a length that does not fit.
    #[must_use]
    pub fn lines(&self) -> Option<Vec<(KeyHash, &[u8])>> {
        let (bytes, length) = match self {
            Self::Short(hashes) => (&hashes.0.0, 16),
            Self::Whole { whole } => (&whole.0.0, 24),
        };
        bytes.len().is_multiple_of(length).then(|| {
            bytes
                .chunks_exact(length)
                .filter_map(|line| {
                    let (key, record) = line.split_first_chunk::<8>()?;
                    Some((KeyHash(u64::from_be_bytes(*key)), record))
                })
                .collect()
        })
    }

    /// Whether a line's record hash is that of `record`, as far as it was sent.
    #[must_use]
    pub fn same(line: &[u8], record: &RecordHash) -> bool {
        record.0.starts_with(line)
    }
}
