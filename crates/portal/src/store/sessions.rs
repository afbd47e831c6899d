//! Session tokens: how a home that was put back from a backup, or one that has a double, is noticed (R6).
//!
//! Every token belongs to a lineage. A hello with a known token goes on with its lineage; one with a token that was forgotten starts
//! a new lineage. When two lineages take turns within a day, there are two homes.

use rusqlite::{OptionalExtension as _, params};
use vestibule_protocol::bytes::Fixed;

use super::{Stop, Tx};
use crate::world::Seconds;

/// Two lineages that take turns within this time are a clone, in seconds.
const CLONE_SECONDS: Seconds = 24 * 3600;

/// What the token told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// It was not one that fits.
    pub restored: bool,
    /// There is a double.
    pub cloned: bool,
}

fn hash(token: &Fixed<16>) -> [u8; 32] {
    blake3::derive_key("vestibule 2026-11 v1 session token", &token.0)
}

/// Judges the presented token, stores a new one, and forgets all but these two and those issued since the presented one was first
/// presented.
///
/// # Errors
/// When the database cannot be written.
pub fn renew(
    tx: &Tx<'_>,
    home: i64,
    presented: Option<&Fixed<16>>,
    new: &Fixed<16>,
) -> Result<Verdict, Stop> {
    let now = tx.now();
    let (ever, last, last_at): (bool, u64, Seconds) = tx
        .db
        .prepare_cached("SELECT presented, lineage, lineage_at FROM home WHERE id = ?1")?
        .query_row([home], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let known: Option<(u64, u64)> = match presented {
        None => None,
        Some(token) => tx
            .db
            .prepare_cached("SELECT n, lineage FROM session WHERE home = ?1 AND hash = ?2")?
            .query_row(params![home, hash(token)], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?,
    };
    let newest: (u64, u64) = tx
        .db
        .prepare_cached("SELECT coalesce(max(n), 0), coalesce(max(lineage), 0) FROM session WHERE home = ?1")?
        .query_row([home], |row| Ok((row.get(0)?, row.get(1)?)))?;
    // As long as no token was ever presented, none is the one that fits.
    let restored = if presented.is_none() { ever } else { known.is_none() };
    let lineage = match known {
        Some((_, lineage)) => lineage,
        None if restored => newest.1.max(last) + 1,
        None => last,
    };
    let cloned = known.is_some() && lineage != last && now < last_at + CLONE_SECONDS;
    if let Some((n, lineage)) = known {
        let older = tx
            .db
            .prepare_cached("DELETE FROM session WHERE home = ?1 AND n < ?2")?
            .execute(params![home, n])?;
        if older > 0 {
            // Presented for the first time: what was issued beside it went to the same home and was lost, or went to its double.
            tx.db
                .prepare_cached("DELETE FROM session WHERE home = ?1 AND n > ?2 AND lineage = ?3")?
                .execute(params![home, n, lineage])?;
        }
    }
    tx.db
        .prepare_cached("INSERT INTO session (home, n, hash, lineage) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![home, newest.0 + 1, hash(new), lineage])?;
    tx.db
        .prepare_cached(
            "UPDATE home SET presented = ?2, lineage = ?3, lineage_at = ?4,
                    restored_at = iif(?5, ?4, restored_at), cloned_at = iif(?6, ?4, cloned_at)
             WHERE id = ?1",
        )?
        .execute(params![home, ever || presented.is_some(), lineage, now, restored, cloned])?;
    Ok(Verdict { restored, cloned })
}
