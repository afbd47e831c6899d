//! Charters of a tenant, each checked against the one before it (R31): the portal keeps and hands them out, it can make none.

use rusqlite::{Connection, OptionalExtension as _, params};
use vestibule_protocol::charter::Charter;
use vestibule_protocol::dsse::Envelope;
use vestibule_protocol::id::TenantId;

use super::{Stop, Tx, audit, events, submit};
use crate::problem;
use crate::world::Seconds;

/// One version as it is kept.
#[derive(Debug, Clone)]
pub struct Kept {
    /// What it says.
    pub charter: Charter,
    /// When it came, in unix seconds.
    pub at: Seconds,
    /// As it was signed.
    pub envelope: Envelope,
}

/// The public id of a tenant's row.
///
/// # Errors
/// When the database cannot be read.
pub fn tenant_id(db: &Connection, tenant: i64) -> Result<TenantId, Stop> {
    let id = db
        .prepare_cached("SELECT tenant FROM tenant WHERE id = ?1")?
        .query_row([tenant], |row| row.get(0))
        .optional()?;
    id.map(TenantId).ok_or(Stop::NotFound)
}

/// All versions, oldest first; only those after `after`, if it is given.
///
/// # Errors
/// When the database cannot be read.
pub fn list(db: &Connection, tenant: i64, after: Option<u32>) -> Result<Vec<Kept>, Stop> {
    let rows: Vec<(Seconds, String)> = db
        .prepare_cached(
            "SELECT at, envelope FROM charter WHERE tenant = ?1 AND version > ?2 ORDER BY version",
        )?
        .query_map(params![tenant, after.unwrap_or(0)], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    rows.into_iter()
        .map(|(at, text)| {
            // They were checked when they came; what cannot be read now is a damaged database.
            let envelope: Envelope = serde_json::from_str(&text).map_err(|_| Stop::NotStored)?;
            let payload = envelope.unverified_payload().map_err(|_| Stop::NotStored)?;
            let charter = serde_json::from_slice(&payload).map_err(|_| Stop::NotStored)?;
            Ok(Kept { charter, at, envelope })
        })
        .collect()
}

/// Number of the version in force; 0 without one.
///
/// # Errors
/// When the database cannot be read.
pub fn newest(db: &Connection, tenant: i64) -> Result<u32, Stop> {
    Ok(db
        .prepare_cached("SELECT coalesce(max(version), 0) FROM charter WHERE tenant = ?1")?
        .query_row([tenant], |row| row.get(0))?)
}

/// The version in force, whether or not it has expired.
///
/// # Errors
/// When the database cannot be read.
pub fn current(db: &Connection, tenant: i64) -> Result<Option<Charter>, Stop> {
    let before = newest(db, tenant)?.checked_sub(1);
    match before {
        None => Ok(None),
        Some(before) => Ok(list(db, tenant, Some(before))?.pop().map(|kept| kept.charter)),
    }
}

/// Takes the next version, or the newest one again; says which version that is.
///
/// Deployments that have not been handed out and are no longer approved by enough persons wait for signatures again.
///
/// # Errors
/// A `Problem` when it does not follow the one in force, or has expired.
pub fn put(tx: &Tx<'_>, tenant: i64, actor: &str, envelope: &Envelope) -> Result<u32, Stop> {
    let id = tenant_id(tx.db, tenant)?;
    let kept = list(tx.db, tenant, newest(tx.db, tenant)?.checked_sub(1))?.pop();
    if let Some(kept) = kept.as_ref().filter(|kept| kept.envelope.payload == envelope.payload) {
        return Ok(kept.charter.version);
    }
    let charter = match &kept {
        Some(kept) => kept.charter.next(envelope),
        None => Charter::first(envelope, &id),
    }
    .map_err(|bad| problem::charter_refused(&bad))?;
    if !charter.is_valid(tx.now()) {
        return Err(problem::charter_expired().into());
    }
    let text = serde_json::to_string(envelope).map_err(|_| Stop::NotStored)?;
    tx.db.execute(
        "INSERT INTO charter (tenant, version, at, envelope) VALUES (?1, ?2, ?3, ?4)",
        params![tenant, charter.version, tx.now(), text],
    )?;
    let details = format!("{{\"version\":{}}}", charter.version);
    audit::write(tx, Some(tenant), actor, "take_charter", "charter", None, &details)?;
    events::add(tx, tenant, None, "charter", &serde_json::json!({ "version": charter.version }))?;
    submit::approve_anew(tx, tenant, &charter)?;
    Ok(charter.version)
}
