//! Changing what is held of a home: each change keeps the record's former body, rehashes only the buckets that it touches, and
//! becomes a version only if the computed root is the announced one.

use std::collections::BTreeSet;

use rusqlite::{OptionalExtension as _, params};
use vestibule_protocol::limits;
use vestibule_protocol::tree::{BUCKETS, BucketHash, Entry, KeyHash, RecordHash, Root, bucket_hash};

use super::homes::Linked;
use super::{Stop, Tx, staging};

/// Buckets in one row.
const PART: usize = 16;

/// A record that has been checked, ready to be stored.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// Hash of the key.
    pub place: KeyHash,
    /// Key.
    pub key: String,
    /// Hash of key and body.
    pub hash: RecordHash,
    /// Canonical body.
    pub body: String,
}

/// A key hash as SQLite orders it.
pub(super) fn column(place: KeyHash) -> i64 {
    (place.0 ^ (1 << 63)).cast_signed()
}

/// The key hash of a column.
pub(super) fn place(column: i64) -> KeyHash {
    KeyHash(column.cast_unsigned() ^ (1 << 63))
}

/// One new version in the making.
pub struct Edit<'t, 'h> {
    tx: &'t Tx<'t>,
    home: &'h mut Linked,
    touched: BTreeSet<u8>,
}

impl<'t, 'h> Edit<'t, 'h> {
    /// Begins.
    pub fn of(tx: &'t Tx<'t>, home: &'h mut Linked) -> Self {
        home.version += 1;
        Self { tx, home, touched: BTreeSet::new() }
    }

    /// Adds or replaces one record.
    ///
    /// # Errors
    /// [`Stop::BadRecord`] when two keys share a hash, [`Stop::TooMuch`] beyond the limit.
    pub fn put(&mut self, record: &Prepared) -> Result<(), Stop> {
        self.put_parts(record.place, &record.key, &record.hash, &record.body)
    }

    pub(super) fn put_parts(
        &mut self,
        place: KeyHash,
        key: &str,
        hash: &RecordHash,
        body: &str,
    ) -> Result<(), Stop> {
        let before: Option<(String, [u8; 16], String)> = self
            .tx
            .db
            .prepare_cached("SELECT key, hash, body FROM record WHERE home = ?1 AND place = ?2")?
            .query_row(params![self.home.id, column(place)], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })
            .optional()?;
        if before.as_ref().is_some_and(|before| before.0 != key) {
            return Err(Stop::BadRecord);
        }
        if before.as_ref().is_some_and(|before| before.1 == hash.0) {
            return Ok(());
        }
        if before.is_none() {
            self.home.records += 1;
            if self.home.records > limits::RECORDS {
                return Err(Stop::TooMuch);
            }
        }
        self.remember(place, key, before.as_ref().map(|before| before.2.as_str()))?;
        self.tx
            .db
            .prepare_cached(
                "INSERT OR REPLACE INTO record (home, place, key, hash, body) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![self.home.id, column(place), key, hash.0, body])?;
        self.touched.insert(bucket(place));
        Ok(())
    }

    /// Removes one record, if it is there.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn delete(&mut self, place: KeyHash) -> Result<(), Stop> {
        let before: Option<(String, String)> = self
            .tx
            .db
            .prepare_cached("DELETE FROM record WHERE home = ?1 AND place = ?2 RETURNING key, body")?
            .query_row(params![self.home.id, column(place)], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        if let Some((key, body)) = before {
            self.remember(place, &key, Some(&body))?;
            self.home.records = self.home.records.saturating_sub(1);
            self.touched.insert(bucket(place));
        }
        Ok(())
    }

    /// Within one version, what was there first is what counts.
    fn remember(&self, place: KeyHash, key: &str, body: Option<&str>) -> Result<(), Stop> {
        self.tx
            .db
            .prepare_cached(
                "INSERT OR IGNORE INTO change (home, n, place, key, body) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![self.home.id, self.home.version, column(place), key, body])?;
        Ok(())
    }

    /// Ends an edit whose root was announced.
    ///
    /// # Errors
    /// [`Stop::Mismatch`] with the stored root when the computed one differs; then the transaction must change nothing.
    pub fn finish(self, announced: Root) -> Result<Root, Stop> {
        let before = self.home.root;
        let computed = self.root()?;
        if computed == announced { self.keep(computed) } else { Err(Stop::Mismatch(before)) }
    }

    /// Ends an edit of the portal's own, such as a withdrawal; `all` buckets are hashed anew if records were removed by class.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn finish_unannounced(mut self, all: bool) -> Result<Root, Stop> {
        if all {
            self.touched = (0..=255).collect();
            self.home.records =
                self.tx
                    .db
                    .prepare_cached("SELECT count(*) FROM record WHERE home = ?1")?
                    .query_row([self.home.id], |row| row.get::<_, u32>(0))? as usize;
        }
        let root = self.root()?;
        self.keep(root)
    }

    fn root(&self) -> Result<Root, Stop> {
        let mut buckets = read_buckets(self.tx.db, self.home.id)?;
        for touched in &self.touched {
            buckets[usize::from(*touched)] = bucket_hash(&lines(self.tx.db, self.home.id, *touched)?);
        }
        write_buckets(self.tx, self.home.id, &buckets, &self.touched)?;
        Ok(Root::of(self.home.schema, &self.home.consent.classes, &buckets))
    }

    fn keep(self, root: Root) -> Result<Root, Stop> {
        let now = self.tx.now();
        let home = self.home;
        home.root = root;
        self.tx
            .db
            .prepare_cached(
                "UPDATE home SET root = ?2, version = ?3, records = ?4, last_seen = ?5 WHERE id = ?1",
            )?
            .execute(params![home.id, root.0.0, home.version, home.records as u64, now])?;
        self.tx
            .db
            .prepare_cached("INSERT INTO version (home, n, root, at) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![home.id, home.version, root.0.0, now])?;
        staging::forget(self.tx, home.id)?;
        Ok(root)
    }
}

fn bucket(place: KeyHash) -> u8 {
    u8::try_from(place.bucket()).unwrap_or(u8::MAX)
}

/// The lines of one bucket, in order.
pub(super) fn lines(db: &rusqlite::Connection, home: i64, bucket: u8) -> Result<Vec<Entry>, Stop> {
    let first = u64::from(bucket) << 56;
    let last = first | (u64::MAX >> 8);
    Ok(db
        .prepare_cached(
            "SELECT place, hash FROM record WHERE home = ?1 AND place BETWEEN ?2 AND ?3 ORDER BY place",
        )?
        .query_map(params![home, column(KeyHash(first)), column(KeyHash(last))], |row| {
            Ok((place(row.get(0)?), RecordHash(row.get(1)?)))
        })?
        .collect::<Result<_, _>>()?)
}

/// All bucket hashes of a home.
pub(super) fn read_buckets(db: &rusqlite::Connection, home: i64) -> Result<Vec<BucketHash>, Stop> {
    let mut buckets = Vec::with_capacity(BUCKETS);
    let mut statement = db.prepare_cached("SELECT hashes FROM bucket WHERE home = ?1 ORDER BY part")?;
    let mut rows = statement.query([home])?;
    while let Some(row) = rows.next()? {
        let part = row.get_ref(0)?.as_blob().map_err(|_| Stop::NotStored)?;
        buckets.extend(part.as_chunks::<32>().0);
    }
    // A home always has all parts; anything else is a damaged database.
    if buckets.len() == BUCKETS { Ok(buckets) } else { Err(Stop::NotStored) }
}

/// Writes the parts in which a bucket was touched.
pub(super) fn write_buckets(
    tx: &Tx<'_>,
    home: i64,
    buckets: &[BucketHash],
    touched: &BTreeSet<u8>,
) -> Result<(), Stop> {
    let parts: BTreeSet<usize> = touched.iter().map(|bucket| usize::from(*bucket) / PART).collect();
    let mut statement =
        tx.db.prepare_cached("INSERT OR REPLACE INTO bucket (home, part, hashes) VALUES (?1, ?2, ?3)")?;
    for part in parts {
        let hashes = buckets[part * PART..(part + 1) * PART].concat();
        statement.execute(params![home, part as u64, hashes])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_keep_the_order_of_key_hashes() {
        let hashes = [0, 1, (1 << 63) - 1, 1 << 63, u64::MAX].map(KeyHash);
        assert!(hashes.map(column).is_sorted());
        assert_eq!(hashes.map(column).map(place), hashes);
    }
}
