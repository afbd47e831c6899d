//! The ledger: every message that leaves the house or comes in, exactly as sent, in an append-only hash chain.
//!
//! A row's hash covers the row before it, so that nothing can be changed, inserted or removed in the middle without
//! [`verify`](super::Reader::verify) naming the place. What happened to an outbound row (its mark) is known only later: it
//! is written in the same transaction as the next row, and that row's hash covers it. Rows expire from the beginning
//! after 90 days and leave a checkpoint from which the chain goes on.

mod append;
mod expire;
mod read;
mod verify;

use std::fmt;
use std::sync::Arc;

pub(crate) use append::{Book, local};
pub use read::{Entry, Page, Row, Usage};
pub(crate) use read::{export, get, list, usage, usage_by};
pub(crate) use verify::verify;
pub use verify::{Checkpoint, Verification};

/// How long rows are kept (R26).
pub const KEEP_MS: i64 = 90 * DAY_MS;
/// A day in milliseconds.
pub(crate) const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// Inbound bodies up to this size are kept whole, larger ones only where asked (R22).
pub const INBOUND_WHOLE: usize = 4 * 1024;
/// What is kept of larger ones, beside their hash.
pub const INBOUND_PREFIX: usize = 256;

/// How much the ledger may take up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LedgerLimits {
    /// Bytes of the ledger in all, on disk (without its write-ahead log, which stays below 2 MiB).
    pub cap: u64,
    /// Bytes of inbound bodies; the oldest are let go first, their hashes stay.
    pub inbound_bytes: u64,
    /// Inbound rows a day; further ones are only counted (R22).
    pub inbound_rows_a_day: u64,
}

impl Default for LedgerLimits {
    fn default() -> Self {
        Self { cap: 256 << 20, inbound_bytes: 32 << 20, inbound_rows_a_day: 5_000 }
    }
}

/// Which way a message went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the home to the portal.
    Out,
    /// From the portal to the home.
    In,
    /// Nowhere: a note of the ledger about itself, such as `chain-start`.
    Local,
}

/// What became of an outbound row (R25).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// Completely handed to the connection.
    Sent,
    /// Not one byte was handed to the connection.
    Unsent,
    /// The link was cut, or the program ended, in between.
    Unknown,
}

/// How much of a body is still here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stored {
    /// All of it.
    Whole,
    /// The first [`INBOUND_PREFIX`] bytes, and the hash of the whole.
    Prefix,
    /// Only the hash: it was let go to make room.
    HashOnly,
}

/// A row to be written. `Debug` hides the bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct NewRow {
    /// Unix milliseconds.
    pub time: i64,
    /// Which way the message goes.
    pub direction: Direction,
    /// Kind of message, such as `push`.
    pub kind: String,
    /// The exact frame. Shared, so that the caller can send the same allocation once the row is durable.
    pub bytes: Arc<Vec<u8>>,
    /// Inbound only: keep the body whole whatever its size (accepted deployments, R22).
    pub keep: bool,
    /// May use the megabyte kept back for when the ledger is full: withdrawals and erasures must still get out.
    pub essential: bool,
}

impl NewRow {
    /// An outbound row.
    #[must_use]
    pub fn out(time: i64, kind: &str, bytes: Arc<Vec<u8>>) -> Self {
        Self { time, direction: Direction::Out, kind: kind.to_owned(), bytes, keep: false, essential: false }
    }

    /// An inbound row.
    #[must_use]
    pub fn inbound(time: i64, kind: &str, bytes: Arc<Vec<u8>>) -> Self {
        Self { direction: Direction::In, ..Self::out(time, kind, bytes) }
    }
}

impl fmt::Debug for NewRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NewRow {{ {:?} {} of {} bytes }}", self.direction, self.kind, self.bytes.len())
    }
}

impl Direction {
    /// `out`, `in` or `local`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Out => "out",
            Self::In => "in",
            Self::Local => "local",
        }
    }

    pub(crate) const fn number(self) -> u8 {
        match self {
            Self::Out => 0,
            Self::In => 1,
            Self::Local => 2,
        }
    }

    pub(crate) const fn of(number: i64) -> Option<Self> {
        match number {
            0 => Some(Self::Out),
            1 => Some(Self::In),
            2 => Some(Self::Local),
            _ => None,
        }
    }
}

impl Mark {
    /// `sent`, `unsent` or `unknown`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Unsent => "unsent",
            Self::Unknown => "unknown",
        }
    }

    pub(crate) const fn number(self) -> u8 {
        match self {
            Self::Sent => 1,
            Self::Unsent => 2,
            Self::Unknown => 3,
        }
    }

    pub(crate) const fn of(number: i64) -> Option<Self> {
        match number {
            1 => Some(Self::Sent),
            2 => Some(Self::Unsent),
            3 => Some(Self::Unknown),
            _ => None,
        }
    }
}

/// Column `stored`: the body is in `bodies`.
pub(crate) const WHOLE: i64 = 0;
/// Column `stored`: only the prefix was ever kept, in column `prefix`.
pub(crate) const PREFIX: i64 = 1;
/// Column `stored`: the prefix was let go, column `prefix` holds its hash.
pub(crate) const PREFIX_GONE: i64 = 2;
/// Column `stored`: the body was let go.
pub(crate) const WHOLE_GONE: i64 = 3;

/// A BLAKE3 hash.
pub(crate) type Hash = [u8; 32];
/// The row before the first one.
pub(crate) const GENESIS: Hash = [0; 32];

/// What a row's hash covers, besides the hash of the row before.
pub(crate) struct Sealed<'a> {
    pub(crate) seq: u64,
    pub(crate) time: i64,
    pub(crate) direction: u8,
    pub(crate) kind: &'a str,
    pub(crate) size: u64,
    pub(crate) body: &'a [u8],
    /// BLAKE3 of the prefix where only that was kept.
    pub(crate) prefix: Option<Hash>,
    /// Marks of earlier rows, nine bytes each: number of the row, mark.
    pub(crate) settles: &'a [u8],
}

/// The hash of a row. Every part has a fixed length or is preceded by it, so that no two rows read alike.
pub(crate) fn seal(previous: &[u8], row: &Sealed<'_>) -> Hash {
    let mut hasher = blake3::Hasher::new_derive_key("vestibule 2026-11 v1 ledger row");
    hasher.update(previous);
    hasher.update(&row.seq.to_le_bytes());
    hasher.update(&row.time.to_le_bytes());
    hasher.update(&[row.direction]);
    hasher.update(&(row.kind.len() as u64).to_le_bytes());
    hasher.update(row.kind.as_bytes());
    hasher.update(&row.size.to_le_bytes());
    hasher.update(row.body);
    hasher.update(&[u8::from(row.prefix.is_some())]);
    hasher.update(&row.prefix.unwrap_or(GENESIS));
    hasher.update(&(row.settles.len() as u64).to_le_bytes());
    hasher.update(row.settles);
    *hasher.finalize().as_bytes()
}

/// The hash of a checkpoint, over all of its fields.
pub(crate) fn seal_checkpoint(first_seq: u64, previous: &[u8], dropped: u64, dropped_until: i64) -> Hash {
    let mut hasher = blake3::Hasher::new_derive_key("vestibule 2026-11 v1 ledger checkpoint");
    hasher.update(&first_seq.to_le_bytes());
    hasher.update(previous);
    hasher.update(&dropped.to_le_bytes());
    hasher.update(&dropped_until.to_le_bytes());
    *hasher.finalize().as_bytes()
}

/// The hash of a body or prefix.
pub(crate) fn digest(bytes: &[u8]) -> Hash {
    *blake3::hash(bytes).as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::hex;

    /// Ledgers outlive the program that wrote them: what is hashed, and how, may never change.
    #[test]
    fn the_hashes_are_what_they_always_were() {
        let row = Sealed {
            seq: 7,
            time: 1_790_000_000_000,
            direction: Direction::Out.number(),
            kind: "push",
            size: 5,
            body: &digest(b"hello"),
            prefix: None,
            settles: &[6, 0, 0, 0, 0, 0, 0, 0, 1],
        };
        assert_eq!(
            hex(&seal(&GENESIS, &row)),
            "182ab346c413665218100cb245bdd95ad9f94537dbe78df77c17dc60ee90594b"
        );
        assert_eq!(
            hex(&seal_checkpoint(8, &GENESIS, 7, 1_790_000_000_000)),
            "dbded6617ab78254eed64a258aec6f9f121999f45c2a8afcdabd033c23ed3dc3"
        );
    }
}
