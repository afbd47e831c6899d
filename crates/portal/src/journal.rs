//! The erasure journal: what was erased, kept outside the database, so that a restored backup is erased again (R28).
//!
//! JSON lines, appended and fsynced before the deletion itself. An entry names a home by a hash of its fingerprint only. A place in
//! the file (byte offset) is the order of things: a home remembers how long the journal was when it enrolled or last
//! consented, and only later entries concern it.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::id::{Fingerprint, TenantId};
use vestibule_protocol::receipt::Scope;

use crate::world::Seconds;

/// A home's name in the journal.
pub type Tag = [u8; 32];

/// The name of a home: a hash over tenant and fingerprint, both of which nobody can guess.
#[must_use]
pub fn tag(tenant: &TenantId, fingerprint: &Fingerprint) -> Tag {
    let mut bytes = [0; 64];
    bytes[..32].copy_from_slice(&tenant.0);
    bytes[32..].copy_from_slice(&fingerprint.0);
    blake3::derive_key("vestibule 2026-11 v1 erasure journal", &bytes)
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Which home.
    pub home: Fixed<32>,
    /// A class or all.
    pub scope: Scope,
    /// When, in unix seconds.
    pub time: Seconds,
}

/// The file.
#[derive(Debug, Clone)]
pub struct Journal {
    path: PathBuf,
}

impl Journal {
    /// The journal at `path`; the file is created with the first entry.
    #[must_use]
    pub fn at(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// Length of the file in bytes.
    ///
    /// # Errors
    /// When the file is there but cannot be looked at.
    pub fn length(&self) -> io::Result<u64> {
        match std::fs::metadata(&self.path) {
            Ok(metadata) => Ok(metadata.len()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
            Err(error) => Err(error),
        }
    }

    /// Appends one entry and returns when it is durable: the length of the file after it.
    ///
    /// # Errors
    /// When the file cannot be written; then nothing may be deleted.
    pub fn append(&self, entry: &Entry) -> io::Result<u64> {
        let created = !self.path.exists();
        let mut file =
            OpenOptions::new().create(true).append(true).read(true).mode(0o600).open(&self.path)?;
        // The serving program and a command may both append; the lock goes with the handle.
        file.lock()?;
        let mut line = serde_json::to_vec(entry)?;
        line.push(b'\n');
        if !ends_with_newline(&self.path)? {
            // A line torn by a crash: what it announced was not yet deleted. It must not swallow the next one.
            line.insert(0, b'\n');
        }
        file.write_all(&line)?;
        file.sync_all()?;
        if created && let Some(folder) = self.path.parent() {
            File::open(folder)?.sync_all()?;
        }
        self.length()
    }

    /// All entries with the place where each begins. A torn line is left out.
    ///
    /// # Errors
    /// When the file is there but cannot be read.
    pub fn entries(&self) -> io::Result<Vec<(u64, Entry)>> {
        let text = match std::fs::read(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut at = 0;
        let mut entries = Vec::new();
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            if let Ok(entry) = serde_json::from_slice(line) {
                entries.push((at, entry));
            }
            at += line.len() as u64;
        }
        Ok(entries)
    }
}

fn ends_with_newline(path: &Path) -> io::Result<bool> {
    use std::io::Seek as _;
    let mut file = File::open(path)?;
    if file.metadata()?.len() == 0 {
        return Ok(true);
    }
    file.seek(io::SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use vestibule_protocol::consent::Class;

    fn entry(byte: u8, scope: Scope) -> Entry {
        Entry { home: Fixed([byte; 32]), scope, time: 5 }
    }

    #[test]
    fn r28_entries_come_back_with_their_places() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::at(&folder.path().join("erasures.jsonl"));
        assert_eq!(journal.length().unwrap(), 0);
        let first = journal.append(&entry(1, Scope::All)).unwrap();
        let second = journal.append(&entry(2, Scope::Class(Class::Names))).unwrap();
        assert_eq!(
            journal.entries().unwrap(),
            [(0, entry(1, Scope::All)), (first, entry(2, Scope::Class(Class::Names)))]
        );
        assert_eq!(journal.length().unwrap(), second);
    }

    #[test]
    fn r28_a_torn_line_does_not_swallow_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("erasures.jsonl");
        std::fs::write(&path, "{\"home\":\"AAA").unwrap();
        let journal = Journal::at(&path);
        journal.append(&entry(3, Scope::All)).unwrap();
        let entries = journal.entries().unwrap();
        assert_eq!(entries.len(), 1);
        assert_eq!(entries[0].1, entry(3, Scope::All));
    }

    #[test]
    fn r28_tags_do_not_show_the_fingerprint() {
        let one = tag(&TenantId([1; 32]), &Fingerprint([2; 32]));
        assert_ne!(one, tag(&TenantId([3; 32]), &Fingerprint([2; 32])));
        assert_ne!(one, [2; 32]);
    }
}
