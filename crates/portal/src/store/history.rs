//! Snapshots and what changed between them: the current records, and for each version what its records were before.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use rusqlite::{Connection, OptionalExtension as _, params};
use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::tree::Root;

use super::Stop;
use crate::world::Seconds;

/// One line: a key, and its record unless it is gone.
pub type Line = (String, Option<String>);

/// One version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version {
    /// Root.
    pub root: Root,
    /// Unix time in seconds.
    pub at: Seconds,
    /// It has expired or was erased.
    pub gone: bool,
}

/// The versions of a home, newest first.
///
/// # Errors
/// When the database cannot be read.
pub fn versions(db: &Connection, home: i64, most: u32) -> Result<Vec<Version>, Stop> {
    Ok(db
        .prepare_cached("SELECT root, at, gone FROM version WHERE home = ?1 ORDER BY n DESC LIMIT ?2")?
        .query_map(params![home, most], |row| {
            Ok(Version { root: Root(Fixed(row.get(0)?)), at: row.get(1)?, gone: row.get(2)? })
        })?
        .collect::<Result<_, _>>()?)
}

/// Number of the newest version with this root.
fn find(db: &Connection, home: i64, root: Root) -> Result<u64, Stop> {
    let (n, gone): (u64, bool) = db
        .prepare_cached(
            "SELECT n, gone FROM version WHERE home = ?1 AND root = ?2 ORDER BY gone, n DESC LIMIT 1",
        )?
        .query_row(params![home, root.0.0], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?
        .ok_or(Stop::NotFound)?;
    if gone { Err(Stop::Gone) } else { Ok(n) }
}

/// All records, sorted by key.
///
/// # Errors
/// When the database cannot be read.
pub fn snapshot(db: &Connection, home: i64) -> Result<Vec<Line>, Stop> {
    let mut lines: Vec<Line> = db
        .prepare_cached("SELECT key, body FROM record WHERE home = ?1")?
        .query_map([home], |row| Ok((row.get(0)?, Some(row.get(1)?))))?
        .collect::<Result<_, _>>()?;
    lines.sort_unstable();
    Ok(lines)
}

/// All records as they were at an earlier root, sorted by key.
///
/// # Errors
/// [`Stop::NotFound`] for a root that never was, [`Stop::Gone`] for one that has expired or was erased.
pub fn snapshot_at(db: &Connection, home: i64, root: Root) -> Result<Vec<Line>, Stop> {
    let mut lines: BTreeMap<String, Option<String>> = snapshot(db, home)?.into_iter().collect();
    for (key, (body, _)) in since(db, home, find(db, home, root)?)? {
        match body {
            Some(body) => lines.insert(key, Some(body)),
            None => lines.remove(&key),
        };
    }
    Ok(lines.into_iter().collect())
}

/// What changed from an earlier root to now, sorted by key.
///
/// # Errors
/// As [`snapshot_at`].
pub fn changes(db: &Connection, home: i64, root: Root) -> Result<Vec<Line>, Stop> {
    let since = since(db, home, find(db, home, root)?)?;
    Ok(since
        .into_iter()
        .filter(|(_, (before, now))| before != now)
        .map(|(key, (_, now))| (key, now))
        .collect())
}

/// Bodies after version `n` and now, of everything that was touched since.
#[expect(clippy::type_complexity, reason = "a pair of optional bodies by key, used here only")]
fn since(
    db: &Connection,
    home: i64,
    n: u64,
) -> Result<BTreeMap<String, (Option<String>, Option<String>)>, Stop> {
    let mut touched = BTreeMap::new();
    let mut changes = db.prepare_cached(
        "SELECT c.key, c.body, r.body FROM change c LEFT JOIN record r ON r.home = c.home AND r.place = c.place
         WHERE c.home = ?1 AND c.n > ?2 ORDER BY c.n",
    )?;
    let mut rows = changes.query(params![home, n])?;
    while let Some(row) = rows.next()? {
        if let Entry::Vacant(first) = touched.entry(row.get::<_, String>(0)?) {
            first.insert((row.get(1)?, row.get(2)?));
        }
    }
    Ok(touched)
}
