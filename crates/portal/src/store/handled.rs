//! Outbox items that were carried out: told again, not done again (R24); which was the last (R6); and the receipts for what was erased
//! (R29).

use ed25519_dalek::SigningKey;
use rusqlite::{Connection, OptionalExtension as _, params};
use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::dsse::Envelope;
use vestibule_protocol::id::{Fingerprint, TenantId};
use vestibule_protocol::receipt::{Receipt, Scope};

use super::{Stop, Tx};

/// What stays after an erasure: audit rows without details, the hash in the journal, and the mark that the home was erased.
pub const REMAINS: [&str; 2] = ["audit_digests", "erasure_journal"];

/// The receipts given for an item, if it was carried out before. Then it is the last one again: the home takes it for that.
///
/// # Errors
/// When the database cannot be read or written.
pub fn before(tx: &Tx<'_>, home: i64, id: &Fixed<16>) -> Result<Option<Vec<Envelope>>, Stop> {
    let answer: Option<String> = tx
        .db
        .prepare_cached("SELECT answer FROM handled WHERE home = ?1 AND id = ?2")?
        .query_row(params![home, id.0], |row| row.get(0))
        .optional()?;
    if answer.is_some() {
        is_last(tx, home, id)?;
    }
    Ok(answer.map(|answer| serde_json::from_str(&answer).unwrap_or_default()))
}

/// Notes that an item was carried out.
///
/// # Errors
/// When the database cannot be written.
pub fn note(tx: &Tx<'_>, home: i64, id: &Fixed<16>, receipts: &[Envelope]) -> Result<(), Stop> {
    let answer = serde_json::to_string(receipts).map_err(|_| Stop::NotStored)?;
    tx.db
        .prepare_cached("INSERT INTO handled (home, id, at, answer) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![home, id.0, tx.now(), answer])?;
    is_last(tx, home, id)
}

/// The item that was carried out last; `None` when none was.
///
/// # Errors
/// When the database cannot be read.
pub fn last(db: &Connection, home: i64) -> Result<Option<Fixed<16>>, Stop> {
    let last: Option<[u8; 16]> =
        db.prepare_cached("SELECT done FROM home WHERE id = ?1")?.query_row([home], |row| row.get(0))?;
    Ok(last.map(Fixed))
}

fn is_last(tx: &Tx<'_>, home: i64, id: &Fixed<16>) -> Result<(), Stop> {
    tx.db.prepare_cached("UPDATE home SET done = ?2 WHERE id = ?1")?.execute(params![home, id.0])?;
    Ok(())
}

/// Signs a receipt.
///
/// # Errors
/// Only if serialisation fails.
pub fn receipt(
    tx: &Tx<'_>,
    key: &SigningKey,
    id: Fixed<16>,
    tenant: TenantId,
    fingerprint: Fingerprint,
    scope: Scope,
) -> Result<Envelope, Stop> {
    let remains = REMAINS.map(str::to_owned).to_vec();
    Receipt { id, tenant, fingerprint, scope, time: tx.now(), remains }.sign(key).map_err(|_| Stop::NotStored)
}
