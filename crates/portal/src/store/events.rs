//! What `/v1/events` tells: rows in the order in which they became durable, kept for a week so that a reader may resume.

use rusqlite::{Connection, params};
use serde_json::Value;

use super::{Stop, Tx, tenants};
use crate::world::Seconds;

/// How long events are kept, in seconds.
pub const KEPT_SECONDS: Seconds = 7 * 24 * 3600;

/// The setting that holds the number of the newest event that was deleted.
const DELETED: &str = "events_deleted";

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Number; rises.
    pub n: u64,
    /// Unix time in seconds.
    pub at: Seconds,
    /// `deployment`, `question`, `request`, `support` or `charter`.
    pub kind: String,
    /// JSON object.
    pub body: String,
}

/// Adds an event.
///
/// # Errors
/// When the database cannot be written.
pub fn add(tx: &Tx<'_>, tenant: i64, home: Option<i64>, kind: &str, body: &Value) -> Result<(), Stop> {
    tx.db
        .prepare_cached("INSERT INTO event (tenant, home, at, kind, body) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![tenant, home, tx.now(), kind, body.to_string()])?;
    Ok(())
}

/// Up to `most` events of a tenant after number `after`.
///
/// # Errors
/// When the database cannot be read.
pub fn after(db: &Connection, tenant: i64, after: u64, most: u32) -> Result<Vec<Event>, Stop> {
    Ok(db
        .prepare_cached(
            "SELECT n, at, kind, body FROM event WHERE tenant = ?1 AND n > ?2 ORDER BY n LIMIT ?3",
        )?
        .query_map(params![tenant, after, most], |row| {
            Ok(Event { n: row.get(0)?, at: row.get(1)?, kind: row.get(2)?, body: row.get(3)? })
        })?
        .collect::<Result<_, _>>()?)
}

/// Number of the newest event of any tenant; 0 when there never was one.
///
/// # Errors
/// When the database cannot be read.
pub fn newest(db: &Connection) -> Result<u64, Stop> {
    Ok(db
        .prepare_cached("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'event'")?
        .query_row([], |row| row.get(0))?)
}

/// Whether events after number `n` may have been deleted.
///
/// # Errors
/// When the database cannot be read.
pub fn lost_after(db: &Connection, n: u64) -> Result<bool, Stop> {
    let deleted = tenants::setting(db, DELETED)?.and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
    Ok(n < deleted)
}

/// Deletes what is older than [`KEPT_SECONDS`].
///
/// # Errors
/// When the database cannot be written.
pub(super) fn expire(tx: &Tx<'_>) -> Result<(), Stop> {
    let before = tx.now().saturating_sub(KEPT_SECONDS);
    let deleted: Option<u64> =
        tx.db.query_row("SELECT max(n) FROM event WHERE at <= ?1", [before], |row| row.get(0))?;
    if let Some(deleted) = deleted {
        tx.db.execute("DELETE FROM event WHERE n <= ?1", [deleted])?;
        tenants::set(tx, DELETED, &deleted.to_string())?;
    }
    Ok(())
}
