//! Anti-entropy: what is wanted, batches kept durably but out of sight, and the commit in one transaction (R19).

use rusqlite::{OptionalExtension as _, params};
use vestibule_protocol::limits::{STAGED_BYTES, STAGED_SECONDS};
use vestibule_protocol::message::{Buckets, Entries, Want};
use vestibule_protocol::tree::{KeyHash, RecordHash, Root};

use super::edit::{Edit, Prepared, column, lines, place, read_buckets};
use super::homes::Linked;
use super::{Stop, Tx};

/// Beyond this many lines a list would not fit one frame; then everything is asked for, and what does not come is removed.
const LINES: usize = 80_000;

/// Answers `buckets`: freezes a transfer, or goes on with the one of the same root.
///
/// # Errors
/// [`Stop::BadMessage`] when the list of hashes has an impossible length.
pub fn begin(tx: &Tx<'_>, home: &Linked, buckets: &Buckets) -> Result<Want, Stop> {
    let mine = read_buckets(tx.db, home.id)?;
    let differing = buckets.hashes.differing(&mine).ok_or(Stop::BadMessage)?;
    let whole = buckets.hashes.0.0.len() == mine.len() * 32;
    let mut want = Want::default();
    if home.records == 0 || (differing.len() == mine.len() && home.records > LINES) {
        want.all = true;
    } else {
        let mut count = 0;
        for bucket in differing {
            let lines = lines(tx.db, home.id, bucket)?;
            count += lines.len();
            want.buckets.push((bucket, Entries::of(&lines, whole)));
        }
        if count > LINES {
            want = Want { all: true, ..Want::default() };
        }
    }
    want.staged = resume(tx, home.id, buckets.root, whole, want.all)?;
    Ok(want)
}

fn resume(tx: &Tx<'_>, home: i64, root: Root, whole: bool, complete: bool) -> Result<u32, Stop> {
    let now = tx.now();
    let kept: Option<u32> = tx
        .db
        .prepare_cached(
            "SELECT batches FROM staging WHERE home = ?1 AND root = ?2 AND whole = ?3 AND complete = ?4 AND since > ?5",
        )?
        .query_row(
            params![home, root.0.0, whole, complete, now.saturating_sub(STAGED_SECONDS)],
            |row| row.get(0),
        )
        .optional()?;
    if let Some(batches) = kept {
        return Ok(batches);
    }
    forget(tx, home)?;
    tx.db.execute(
        "INSERT INTO staging (home, root, since, whole, complete) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![home, root.0.0, now, whole, complete],
    )?;
    Ok(0)
}

/// Keeps one batch.
///
/// # Errors
/// [`Stop::BadMessage`] when nothing was frozen or a batch is missing before it, [`Stop::TooMuch`] beyond the limit.
pub fn add(tx: &Tx<'_>, home: &Linked, n: u32, puts: &[Prepared], deletes: &[KeyHash]) -> Result<(), Stop> {
    let (batches, bytes): (u32, usize) = tx
        .db
        .prepare_cached("SELECT batches, bytes FROM staging WHERE home = ?1")?
        .query_row([home.id], |row| Ok((row.get(0)?, row.get::<_, u32>(1)? as usize)))
        .optional()?
        .ok_or(Stop::BadMessage)?;
    if n < batches {
        return Ok(());
    }
    let bytes =
        bytes + puts.iter().map(|put| put.key.len() + put.body.len()).sum::<usize>() + size_of_val(deletes);
    if n > batches {
        return Err(Stop::BadMessage);
    }
    if bytes > STAGED_BYTES {
        return Err(Stop::TooMuch);
    }
    let mut insert = tx.db.prepare_cached(
        "INSERT OR REPLACE INTO staged (home, place, key, hash, body) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    for put in puts {
        insert.execute(params![home.id, column(put.place), put.key, put.hash.0, put.body])?;
    }
    for delete in deletes {
        insert.execute(params![home.id, column(*delete), None::<&str>, None::<&[u8]>, None::<&str>])?;
    }
    tx.db
        .prepare_cached("UPDATE staging SET batches = batches + 1, bytes = ?2 WHERE home = ?1")?
        .execute(params![home.id, bytes as u64])?;
    Ok(())
}

/// Turns what is staged into a version.
///
/// # Errors
/// [`Stop::Mismatch`] when something else was staged or the computed root differs; the caller then forgets the staging.
pub fn commit(tx: &Tx<'_>, home: &mut Linked, root: Root, batches: u32) -> Result<Root, Stop> {
    let complete: bool = tx
        .db
        .prepare_cached("SELECT complete FROM staging WHERE home = ?1 AND root = ?2 AND batches = ?3")?
        .query_row(params![home.id, root.0.0, batches], |row| row.get(0))
        .optional()?
        .ok_or(Stop::Mismatch(home.root))?;
    let id = home.id;
    let mut unstaged = Vec::new();
    if complete {
        let mut statement = tx.db.prepare_cached(
            "SELECT place FROM record WHERE home = ?1
             AND place NOT IN (SELECT place FROM staged WHERE home = ?1 AND key IS NOT NULL)",
        )?;
        let mut rows = statement.query([id])?;
        while let Some(row) = rows.next()? {
            unstaged.push(place(row.get(0)?));
        }
    }
    let mut edit = Edit::of(tx, home);
    for gone in unstaged {
        edit.delete(gone)?;
    }
    let mut statement =
        tx.db.prepare_cached("SELECT place, key, hash, body FROM staged WHERE home = ?1 ORDER BY place")?;
    let mut rows = statement.query([id])?;
    while let Some(row) = rows.next()? {
        let at = place(row.get(0)?);
        match row.get_ref(1)?.as_str_or_null().map_err(|_| Stop::NotStored)? {
            None => edit.delete(at)?,
            Some(key) => {
                let body = row.get_ref(3)?.as_str().map_err(|_| Stop::NotStored)?;
                edit.put_parts(at, key, &RecordHash(row.get(2)?), body)?;
            }
        }
    }
    drop(rows);
    edit.finish(root)
}

/// Drops what is staged.
///
/// # Errors
/// When the database cannot be written.
pub fn forget(tx: &Tx<'_>, home: i64) -> Result<(), Stop> {
    let dropped = tx.db.prepare_cached("DELETE FROM staging WHERE home = ?1")?.execute([home])?;
    if dropped > 0 {
        tx.db.prepare_cached("DELETE FROM staged WHERE home = ?1")?.execute([home])?;
    }
    Ok(())
}
