//! Tests of the store as a whole.

mod chain;
mod disk;
mod forgetting;
mod journal;
mod ledger;
mod life;
mod outbox;

#[cfg(feature = "kill-points")]
mod killed;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use tempfile::TempDir;

use super::*;

/// Some time in 2026.
const NOW: i64 = 1_790_000_000_000;
const HOUR: i64 = 60 * 60 * 1000;
const DAY: i64 = 24 * HOUR;

/// A folder in which stores are opened and dropped.
struct House {
    root: TempDir,
    options: StoreOptions,
}

impl House {
    fn new() -> Self {
        Self { root: tempfile::tempdir().unwrap(), options: StoreOptions::default() }
    }

    fn folder(&self) -> Folder {
        Folder::create(self.root.path()).unwrap()
    }

    fn lock(&self) -> Lock {
        Lock::try_acquire(&self.folder()).unwrap().expect("the lock is free")
    }

    fn open(&self) -> (Store, Opened) {
        self.open_at(NOW)
    }

    fn open_at(&self, now: i64) -> (Store, Opened) {
        Store::open_inline(self.folder(), self.lock(), self.options, now).unwrap()
    }

    fn databases(&self) -> databases::Databases {
        databases::Databases::open(self.folder(), self.lock(), self.options, NOW).unwrap().0
    }

    fn reader(&self) -> Reader {
        Reader::open(&self.folder()).unwrap()
    }

    /// Raw access, as somebody with an editor has it. No store may be open.
    fn sqlite(&self, file: &str) -> rusqlite::Connection {
        rusqlite::Connection::open(self.root.path().join(file)).unwrap()
    }

    /// All files but the lock with size, time of change and content.
    fn files(&self) -> BTreeMap<String, (u64, SystemTime, Vec<u8>)> {
        let one = |name: String| {
            let path = self.root.path().join(&name);
            let metadata = std::fs::metadata(&path).unwrap();
            (name, (metadata.len(), metadata.modified().unwrap(), std::fs::read(&path).unwrap()))
        };
        self.folder().names().unwrap().into_iter().filter(|name| name != "agent.lock").map(one).collect()
    }

    fn contains(&self, needle: &[u8]) -> Vec<String> {
        let hit = |bytes: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
        self.files().into_iter().filter(|(_, (_, _, bytes))| hit(bytes)).map(|(name, _)| name).collect()
    }

    fn copy_to(&self, other: &Path) {
        for (name, (_, _, bytes)) in self.files() {
            std::fs::write(other.join(name), bytes).unwrap();
        }
    }
}

fn out(time: i64, text: &str) -> NewRow {
    NewRow::out(time, "push", Arc::new(text.as_bytes().to_vec()))
}

fn inbound(time: i64, text: &str) -> NewRow {
    NewRow::inbound(time, "ack", Arc::new(text.as_bytes().to_vec()))
}

fn every() -> Page {
    Page { from: None, limit: 10_000, direction: None, newest_first: false }
}

/// The ledger in short: number, direction, kind, size, mark.
fn in_short(reader: &Reader) -> Vec<String> {
    let rows = reader.list(&every(), &[]).unwrap();
    let short = |row: Row| {
        let mark = row.mark.map_or("-", Mark::name);
        format!("{} {} {} {} {mark}", row.seq, row.direction.name(), row.kind, row.size)
    };
    rows.into_iter().map(short).collect()
}

fn assert_sound(reader: &Reader) -> u64 {
    match reader.verify().unwrap() {
        Verification::Sound { rows, .. } => rows,
        broken @ Verification::Broken { .. } => panic!("{broken:?}"),
    }
}

fn broken_at(verification: Verification) -> Option<u64> {
    match verification {
        Verification::Sound { .. } => None,
        Verification::Broken { seq, .. } => Some(seq),
    }
}

/// Grants that differ in their epoch.
fn epoch(epoch: u64) -> Grants {
    let consent = vestibule_protocol::consent::Consent { epoch, ..Default::default() };
    Grants { consent, ..Grants::default() }
}
