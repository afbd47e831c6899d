//! Session tokens, and what was carried out last: how a home or a portal that was put back from a backup, or a home that has a double, is
//! noticed (R6).
//!
//! Every token belongs to a lineage. A hello with a known token goes on with its lineage; one with a token that was forgotten starts
//! a new lineage. When two lineages take turns within a day, there are two homes.
//!
//! A copy that was taken and put back while one link lasted has the right token still. So a home also says which items of its outbox it
//! knows to be carried out, or may be: the last one that was carried out here must be among them.

use rusqlite::{Connection, OptionalExtension as _, params};
use vestibule_protocol::bytes::Fixed;

use super::{Stop, Tx, handled};
use crate::world::Seconds;

/// Two lineages that take turns within this time are a clone, in seconds.
const CLONE_SECONDS: Seconds = 24 * 3600;

/// What a home remembers of the link before.
#[derive(Debug, Clone)]
pub struct Presented {
    /// The session token.
    pub token: Option<Fixed<16>>,
    /// The outbox item that was carried out last, as far as the home knows.
    pub done: Option<Fixed<16>>,
    /// Those that it has sent since.
    pub sent: Vec<Fixed<16>>,
}

/// What that told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// It does not fit what is known here.
    pub restored: bool,
    /// There is a double.
    pub cloned: bool,
}

fn hash(token: &Fixed<16>) -> [u8; 32] {
    blake3::derive_key("vestibule 2026-11 v1 session token", &token.0)
}

/// Judges what was presented, stores a new token, and forgets all but these two and those issued since the presented one was first
/// presented.
///
/// # Errors
/// When the database cannot be written.
pub fn renew(tx: &Tx<'_>, home: i64, presented: &Presented, new: &Fixed<16>) -> Result<Verdict, Stop> {
    let now = tx.now();
    let (ever, last, last_at): (bool, u64, Seconds) = tx
        .db
        .prepare_cached("SELECT presented, lineage, lineage_at FROM home WHERE id = ?1")?
        .query_row([home], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let known: Option<(u64, u64)> = match &presented.token {
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
    let strange = if presented.token.is_none() { ever } else { known.is_none() };
    let lineage = match known {
        Some((_, lineage)) => lineage,
        None if strange => newest.1.max(last) + 1,
        None => last,
    };
    let restored = strange || !fits(handled::last(tx.db, home)?, presented);
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
        .execute(params![home, ever || presented.token.is_some(), lineage, now, restored, cloned])?;
    Ok(Verdict { restored, cloned })
}

/// When it was last noticed that home or portal had been put back.
///
/// # Errors
/// When the database cannot be read.
pub fn restored_at(db: &Connection, home: i64) -> Result<Option<Seconds>, Stop> {
    Ok(db
        .prepare_cached("SELECT restored_at FROM home WHERE id = ?1")?
        .query_row([home], |row| row.get(0))?)
}

/// Whether the home knows what was carried out last, and this portal what the home knows to be carried out.
fn fits(last: Option<Fixed<16>>, presented: &Presented) -> bool {
    last == presented.done || last.is_some_and(|last| presented.sent.contains(&last))
}
