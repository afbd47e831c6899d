//! Staff and their tokens: shown once, kept as SHA-256 (S40), gone after 30 days without use (S41).

use rusqlite::{Connection, OptionalExtension as _, params};
use sha2::{Digest as _, Sha256};

use super::{Stop, Tx};
use crate::role::Role;
use crate::world::Seconds;

/// How long an unused token stays valid, in seconds.
pub const IDLE_SECONDS: Seconds = 30 * 24 * 3600;

/// A token's last use is written at most this often, in seconds (R47).
const LAST_USE_SECONDS: Seconds = 3600;

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Staff {
    /// Row; the name in the audit trail.
    pub id: i64,
    /// Row of the tenant.
    pub tenant: i64,
    /// Name given by the operator.
    pub name: String,
    /// What may be done.
    pub role: Role,
    /// Unix time in seconds.
    pub created: Seconds,
    /// Unix time in seconds, to the hour.
    pub last_used: Seconds,
}

impl Staff {
    /// Whether the last use is old enough to be written anew.
    #[must_use]
    pub fn use_is_due(&self, now: Seconds) -> bool {
        now >= self.last_used + LAST_USE_SECONDS
    }
}

/// What is stored of a token.
#[must_use]
pub fn token_hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

const COLUMNS: &str = "SELECT id, tenant, name, role, created, last_used FROM staff";

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Staff> {
    let role: String = row.get(3)?;
    Ok(Staff {
        id: row.get(0)?,
        tenant: row.get(1)?,
        name: row.get(2)?,
        // A role of a newer version gives the least.
        role: role.parse().unwrap_or(Role::Viewer),
        created: row.get(4)?,
        last_used: row.get(5)?,
    })
}

/// Adds a person.
///
/// # Errors
/// A `Problem` when the name is taken.
pub fn add(tx: &Tx<'_>, tenant: i64, name: &str, role: Role, token: &str) -> Result<(), Stop> {
    let added = tx.db.execute(
        "INSERT OR IGNORE INTO staff (tenant, name, role, token_hash, created, last_used)
         VALUES (?1, ?2, ?3, ?4, ?5, ?5)",
        params![tenant, name, role.name(), token_hash(token), tx.now()],
    )?;
    if added == 1 { Ok(()) } else { Err(crate::problem::staff_exists().into()) }
}

/// Removes a person; the token stops working at once.
///
/// # Errors
/// [`Stop::NotFound`] when there is none of that name.
pub fn remove(tx: &Tx<'_>, tenant: i64, name: &str) -> Result<(), Stop> {
    let removed =
        tx.db.execute("DELETE FROM staff WHERE tenant = ?1 AND name = ?2", params![tenant, name])?;
    if removed == 1 { Ok(()) } else { Err(Stop::NotFound) }
}

/// Everybody of a tenant, by name.
///
/// # Errors
/// When the database cannot be read.
pub fn list(db: &Connection, tenant: i64) -> Result<Vec<Staff>, Stop> {
    Ok(db
        .prepare_cached(&format!("{COLUMNS} WHERE tenant = ?1 ORDER BY name"))?
        .query_map([tenant], read)?
        .collect::<Result<_, _>>()?)
}

/// The person whose token this is, unless it has been idle for too long.
///
/// # Errors
/// [`Stop::NotFound`] for an unknown or expired token.
pub fn by_token(db: &Connection, token: &str, now: Seconds) -> Result<Staff, Stop> {
    let staff = db
        .prepare_cached(&format!("{COLUMNS} WHERE token_hash = ?1"))?
        .query_row([token_hash(token)], read)
        .optional()?
        .ok_or(Stop::NotFound)?;
    if now <= staff.last_used + IDLE_SECONDS { Ok(staff) } else { Err(Stop::NotFound) }
}

/// Whether the person is still there: a stream outlives the request that opened it.
///
/// # Errors
/// [`Stop::NotFound`] when the person was removed.
pub fn is_there(db: &Connection, id: i64) -> Result<(), Stop> {
    let there = db.prepare_cached("SELECT 1 FROM staff WHERE id = ?1")?.exists([id])?;
    if there { Ok(()) } else { Err(Stop::NotFound) }
}

/// Writes the last use.
///
/// # Errors
/// When the database cannot be written.
pub fn used(tx: &Tx<'_>, id: i64) -> Result<(), Stop> {
    tx.db
        .prepare_cached("UPDATE staff SET last_used = max(last_used, ?2) WHERE id = ?1")?
        .execute(params![id, tx.now()])?;
    Ok(())
}
