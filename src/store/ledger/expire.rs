//! What the ledger lets go: rows after 90 days, and inbound bodies when they take up too much.

use rusqlite::{Connection, OptionalExtension, params};

use super::append::Head;
use super::{DAY_MS, Hash, KEEP_MS, PREFIX, PREFIX_GONE, WHOLE, WHOLE_GONE, digest, seal_checkpoint};
use crate::store::error::{LEDGER_DB, StoreError, sql};

/// Rows dropped in one transaction: a home that was off for months does not stall its first send.
const ROWS_AT_ONCE: i64 = 5_000;

/// Drops rows that are old enough from the beginning of the chain; returns how many.
///
/// A row whose time lies in the future (the clock was wrong then, or is now) says nothing about age: it goes with its
/// neighbours, and never makes others go.
pub(super) fn expire(ledger: &Connection, head: &mut Head, now: i64) -> Result<u64, StoreError> {
    let Some((first, last)) = expired_run(ledger, now)? else {
        head.expired_at = Some(now);
        return Ok(0);
    };
    let one = |text, run: &dyn Fn(&rusqlite::Row<'_>) -> rusqlite::Result<i64>| {
        ledger.query_row(text, [last], run).map_err(sql(LEDGER_DB))
    };
    let until = one("SELECT max(time) FROM rows WHERE seq <= ?1", &|row| row.get(0))?;
    let inbound = one(
        "SELECT coalesce(sum(CASE stored WHEN 0 THEN size WHEN 1 THEN length(prefix) ELSE 0 END), 0)
         FROM rows WHERE seq <= ?1 AND direction = 1",
        &|row| row.get(0),
    )?;
    let previous: Hash = ledger
        .query_row("SELECT hash FROM rows WHERE seq = ?1", [last], |row| row.get(0))
        .map_err(sql(LEDGER_DB))?;
    let before: Option<(i64, i64)> = ledger
        .query_row("SELECT dropped, dropped_until FROM checkpoint", [], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()
        .map_err(sql(LEDGER_DB))?;
    let (dropped_before, until_before) = before.unwrap_or((0, i64::MIN));

    let bodies: Vec<(Hash, i64)> = {
        let mut statement = ledger
            .prepare("SELECT body, count(*) FROM rows WHERE seq <= ?1 AND stored = 0 GROUP BY body")
            .map_err(sql(LEDGER_DB))?;
        let rows = statement.query_map([last], |row| Ok((row.get(0)?, row.get(1)?)));
        rows.and_then(Iterator::collect).map_err(sql(LEDGER_DB))?
    };
    for (body, count) in bodies {
        release(ledger, &body, count)?;
    }
    let gone = ledger.execute("DELETE FROM rows WHERE seq <= ?1", [last]).map_err(sql(LEDGER_DB))? as u64;
    let (first_seq, dropped, until) =
        ((last + 1).cast_unsigned(), dropped_before.cast_unsigned() + gone, until.max(until_before));
    let seal = seal_checkpoint(first_seq, &previous, dropped, until);
    ledger
        .execute(
            "INSERT INTO checkpoint (only, first_seq, previous, dropped, dropped_until, hash)
             VALUES (1, ?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (only) DO UPDATE SET first_seq = ?1, previous = ?2, dropped = ?3, dropped_until = ?4, hash = ?5",
            params![first_seq.cast_signed(), previous, dropped.cast_signed(), until, seal],
        )
        .map_err(sql(LEDGER_DB))?;
    head.inbound_bytes = head.inbound_bytes.saturating_sub(inbound.cast_unsigned());
    // If there may be more, the next write goes on with it.
    head.expired_at = (last - first + 1 < ROWS_AT_ONCE).then_some(now);
    Ok(gone)
}

/// First and last row of those that can go now.
fn expired_run(ledger: &Connection, now: i64) -> Result<Option<(i64, i64)>, StoreError> {
    let cutoff = now.saturating_sub(KEEP_MS);
    let mut statement =
        ledger.prepare("SELECT seq, time FROM rows ORDER BY seq LIMIT ?1").map_err(sql(LEDGER_DB))?;
    let mut rows = statement.query([ROWS_AT_ONCE]).map_err(sql(LEDGER_DB))?;
    let (mut first, mut last) = (None, None);
    while let Some(row) = rows.next().map_err(sql(LEDGER_DB))? {
        let (seq, time): (i64, i64) =
            (row.get(0).map_err(sql(LEDGER_DB))?, row.get(1).map_err(sql(LEDGER_DB))?);
        first = first.or(Some(seq));
        if time < cutoff {
            last = Some(seq);
        } else if time <= now.saturating_add(DAY_MS) {
            break;
        }
    }
    Ok(first.zip(last))
}

/// Lets go of the oldest inbound bodies until at most `target` bytes of them remain. Their hashes stay in the chain.
pub(super) fn trim_inbound(ledger: &Connection, head: &mut Head, target: u64) -> Result<(), StoreError> {
    const AT_ONCE: usize = 256;
    while head.inbound_bytes > target {
        let mut statement = ledger
            .prepare_cached(
                "SELECT seq, stored, size, body, prefix FROM rows
                 WHERE seq > ?1 AND direction = 1 AND stored IN (0, 1) ORDER BY seq LIMIT 256",
            )
            .map_err(sql(LEDGER_DB))?;
        type Old = (i64, i64, i64, Hash, Option<Vec<u8>>);
        let read =
            |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?));
        let oldest: Vec<Old> = statement
            .query_map([head.trimmed_to.cast_signed()], read)
            .and_then(Iterator::collect)
            .map_err(sql(LEDGER_DB))?;
        for (seq, stored, size, body, prefix) in &oldest {
            if head.inbound_bytes <= target {
                return Ok(());
            }
            let freed = if *stored == WHOLE {
                release(ledger, body, 1)?;
                keep_hash(ledger, *seq, WHOLE_GONE, None)?;
                size.cast_unsigned()
            } else {
                debug_assert_eq!(*stored, PREFIX, "the query asks for nothing else");
                let prefix = prefix.as_deref().unwrap_or_default();
                keep_hash(ledger, *seq, PREFIX_GONE, Some(digest(prefix)))?;
                prefix.len() as u64
            };
            head.inbound_bytes = head.inbound_bytes.saturating_sub(freed);
            head.trimmed_to = seq.cast_unsigned();
        }
        if oldest.len() < AT_ONCE {
            break;
        }
    }
    Ok(())
}

fn keep_hash(ledger: &Connection, seq: i64, stored: i64, prefix: Option<Hash>) -> Result<(), StoreError> {
    ledger
        .prepare_cached("UPDATE rows SET stored = ?2, prefix = ?3 WHERE seq = ?1")
        .and_then(|mut update| update.execute(params![seq, stored, prefix]))
        .map(drop)
        .map_err(sql(LEDGER_DB))
}

/// One or more rows no longer need this body.
fn release(ledger: &Connection, body: &Hash, count: i64) -> Result<(), StoreError> {
    let run = || {
        let refs: i64 = ledger
            .prepare_cached("SELECT refs FROM shared WHERE hash = ?1")?
            .query_row([body], |row| row.get(0))
            .optional()?
            .unwrap_or(1);
        let left = refs - count;
        if left > 1 {
            ledger
                .prepare_cached("UPDATE shared SET refs = ?2 WHERE hash = ?1")?
                .execute(params![body, left])?;
        } else {
            ledger.prepare_cached("DELETE FROM shared WHERE hash = ?1")?.execute([body])?;
        }
        if left < 1 {
            ledger.prepare_cached("DELETE FROM bodies WHERE hash = ?1")?.execute([body])?;
        }
        Ok(())
    };
    run().map_err(sql(LEDGER_DB))
}
