//! Invites: single use, 24 hours; the same code with the same device key again gets the same answer (R3).

use rusqlite::{Connection, OptionalExtension as _, params};
use vestibule_protocol::invite::Invite;
use vestibule_protocol::limits::INVITE_SECONDS;
use vestibule_protocol::message::EnrolBody;

use super::tenants::Tenant;
use super::{Stop, Tx, homes};
use crate::world::Seconds;

/// An invite as the operator sees it; the code itself was shown once.
#[derive(Debug, Clone)]
pub struct InviteRow {
    /// Number.
    pub id: i64,
    /// Label that the home will carry at the portal.
    pub label: Option<String>,
    /// Unix time in seconds.
    pub created: Seconds,
    /// Unix time in seconds.
    pub expires: Seconds,
    /// When it was used, in unix seconds.
    pub used: Option<Seconds>,
}

/// Adds an invite.
///
/// # Errors
/// When the database cannot be written.
pub fn add(tx: &Tx<'_>, tenant: i64, secret: &[u8; 16], label: Option<&str>) -> Result<Seconds, Stop> {
    let now = tx.now();
    let expires = now + INVITE_SECONDS;
    tx.db.execute(
        "INSERT INTO invite (tenant, secret_hash, label, created, expires) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![tenant, Invite::secret_hash(secret), label, now, expires],
    )?;
    Ok(expires)
}

/// All invites of a tenant, newest first.
///
/// # Errors
/// When the database cannot be read.
pub fn list(db: &Connection, tenant: i64) -> Result<Vec<InviteRow>, Stop> {
    Ok(db
        .prepare_cached(
            "SELECT id, label, created, expires, used FROM invite WHERE tenant = ?1 ORDER BY id DESC",
        )?
        .query_map([tenant], |row| {
            Ok(InviteRow {
                id: row.get(0)?,
                label: row.get(1)?,
                created: row.get(2)?,
                expires: row.get(3)?,
                used: row.get(4)?,
            })
        })?
        .collect::<Result<_, _>>()?)
}

/// Uses an invite and enrols the home; its signature has been checked.
///
/// # Errors
/// [`Stop::InviteRefused`] when the invite is unknown, expired or used by another, or the fingerprint belongs to another key.
pub fn redeem(tx: &Tx<'_>, tenant: &Tenant, body: &EnrolBody) -> Result<(), Stop> {
    type Row = (i64, Option<String>, Seconds, Option<Seconds>, Option<[u8; 32]>);
    let now = tx.now();
    let found: Option<Row> = tx
        .db
        .prepare_cached(
            "SELECT id, label, expires, used, device_key FROM invite WHERE tenant = ?1 AND secret_hash = ?2",
        )?
        .query_row(params![tenant.id, Invite::secret_hash(&body.secret.0)], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
        })
        .optional()?;
    let (invite, label, expires, used, device_key) = found.ok_or(Stop::InviteRefused)?;
    if used.is_some() {
        let same = device_key == Some(body.device_key.0)
            && homes::device_key(tx.db, tenant.id, &body.fingerprint)? == device_key;
        return if same { Ok(()) } else { Err(Stop::InviteRefused) };
    }
    if expires <= now {
        return Err(Stop::InviteRefused);
    }
    homes::enrol(tx, tenant, body, label.as_deref())?;
    tx.db.execute(
        "UPDATE invite SET used = ?2, device_key = ?3 WHERE id = ?1",
        params![invite, now, body.device_key.0],
    )?;
    Ok(())
}
