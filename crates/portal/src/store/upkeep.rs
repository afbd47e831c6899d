//! What time does: history, staging and handled ids expire; homes that stay silent are announced and then erased (R47).

use rusqlite::params;
use vestibule_protocol::limits::{OUTBOX_ID_SECONDS, STAGED_SECONDS};
use vestibule_protocol::schema::HISTORY_DAYS;

use super::{Stop, Tx, audit, deployments, erase, events, questions, requests, support, writer};
use crate::world::Seconds;

const DAY: Seconds = 24 * 3600;

/// How long before its erasure a silent home is announced, in seconds.
pub const NOTICE_SECONDS: Seconds = 7 * DAY;

/// What one run did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Done {
    /// Homes whose erasure was announced.
    pub announced: usize,
    /// Rows of homes that were erased.
    pub erased: Vec<i64>,
}

/// One run, daily. `linked` are the homes that are connected: they are not silent.
///
/// # Errors
/// When the database cannot be written.
pub fn run(tx: &Tx<'_>, silent_days: u32, linked: &[i64]) -> Result<Done, Stop> {
    let now = tx.now();
    for home in linked {
        tx.db
            .prepare_cached("UPDATE home SET last_seen = max(last_seen, ?2), notice = NULL WHERE id = ?1")?
            .execute(params![home, now])?;
    }
    expire(tx, now)?;
    silent(tx, now, Seconds::from(silent_days) * DAY)
}

fn expire(tx: &Tx<'_>, now: Seconds) -> Result<(), Stop> {
    let history = now.saturating_sub(Seconds::from(HISTORY_DAYS) * DAY);
    // A version's changes hold what was removed with it, so they may stay as long as that was less than the limit ago.
    let expired = tx.db.execute(
        "DELETE FROM change WHERE EXISTS
           (SELECT 1 FROM version v WHERE v.home = change.home AND v.n = change.n AND v.at <= ?1)",
        [history],
    )?;
    // Whoever asks for an older root needs those changes, so every version before one that has expired is gone.
    tx.db.execute(
        "UPDATE version SET gone = 1 WHERE gone = 0 AND n < (SELECT max(n) FROM version v
           WHERE v.home = version.home AND v.at <= ?1)",
        [history],
    )?;
    // Their roots are remembered as gone for as long again.
    tx.db.execute(
        "DELETE FROM version WHERE gone = 1 AND at <= ?1",
        [history.saturating_sub(Seconds::from(HISTORY_DAYS) * DAY)],
    )?;
    tx.db.execute(
        "DELETE FROM staged WHERE home IN (SELECT home FROM staging WHERE since <= ?1)",
        [now.saturating_sub(STAGED_SECONDS)],
    )?;
    tx.db.execute("DELETE FROM staging WHERE since <= ?1", [now.saturating_sub(STAGED_SECONDS)])?;
    tx.db.execute("DELETE FROM handled WHERE at <= ?1", [now.saturating_sub(OUTBOX_ID_SECONDS)])?;
    deployments::expire(tx)?;
    questions::expire(tx)?;
    requests::expire(tx)?;
    events::expire(tx)?;
    let reports = support::expire(tx)?;
    // A large file is not rewritten every day: SQLite overwrites what is deleted, and erasures rewrite it anyway.
    if (expired > 0 || reports) && writer::size(tx.db) <= writer::SCRUB_AT_ONCE {
        tx.scrub_afterwards();
    }
    Ok(())
}

fn silent(tx: &Tx<'_>, now: Seconds, limit: Seconds) -> Result<Done, Stop> {
    let rows = |sql: &str, before: Seconds| -> Result<Vec<(i64, i64)>, Stop> {
        Ok(tx
            .db
            .prepare(sql)?
            .query_map([before], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?)
    };
    let due = rows(
        "SELECT id, tenant FROM home WHERE notice IS NOT NULL AND notice <= ?1",
        now.saturating_sub(NOTICE_SECONDS),
    )?;
    let mut done = Done::default();
    for (home, _) in due {
        erase::all(tx, home, "portal")?;
        done.erased.push(home);
    }
    let silent = rows(
        "SELECT id, tenant FROM home WHERE notice IS NULL AND last_seen <= ?1",
        now.saturating_sub(limit),
    )?;
    for (home, tenant) in silent {
        tx.db.execute("UPDATE home SET notice = ?2 WHERE id = ?1", params![home, now])?;
        audit::write(tx, Some(tenant), "portal", "announce_erasure", "home", Some(home), "{}")?;
        done.announced += 1;
    }
    Ok(done)
}
