//! Tenants, and the few settings of the whole portal.

use rusqlite::{Connection, OptionalExtension as _, params};
use vestibule_protocol::dsse::Envelope;
use vestibule_protocol::id::TenantId;

use super::{Stop, Tx};

/// A tenant.
#[derive(Debug, Clone)]
pub struct Tenant {
    /// Row.
    pub id: i64,
    /// Public id.
    pub tenant: TenantId,
    /// Display name.
    pub name: String,
    /// The signed statement.
    pub statement: Envelope,
    /// Unix time in seconds.
    pub created: u64,
}

const COLUMNS: &str = "SELECT id, tenant, name, statement, created FROM tenant";

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Tenant> {
    let statement: String = row.get(3)?;
    Ok(Tenant {
        id: row.get(0)?,
        tenant: TenantId(row.get(1)?),
        name: row.get(2)?,
        statement: serde_json::from_str(&statement).map_err(|error| {
            rusqlite::Error::FromSqlConversionFailure(3, rusqlite::types::Type::Text, Box::new(error))
        })?,
        created: row.get(4)?,
    })
}

/// One tenant.
///
/// # Errors
/// [`Stop::NotFound`] when it is not served here.
pub fn get(db: &Connection, tenant: &TenantId) -> Result<Tenant, Stop> {
    db.prepare_cached(&format!("{COLUMNS} WHERE tenant = ?1"))?
        .query_row([tenant.0], read)
        .optional()?
        .ok_or(Stop::NotFound)
}

/// All tenants, in the order of their creation.
///
/// # Errors
/// When the database cannot be read.
pub fn list(db: &Connection) -> Result<Vec<Tenant>, Stop> {
    Ok(db
        .prepare_cached(&format!("{COLUMNS} ORDER BY id"))?
        .query_map([], read)?
        .collect::<Result<_, _>>()?)
}

/// Adds a tenant, or replaces its name and statement.
///
/// # Errors
/// When the database cannot be written.
pub fn put(tx: &Tx<'_>, tenant: &TenantId, name: &str, statement: &Envelope) -> Result<(), Stop> {
    let statement = serde_json::to_string(statement).map_err(|_| Stop::BadMessage)?;
    tx.db.execute(
        "INSERT INTO tenant (tenant, name, statement, created) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (tenant) DO UPDATE SET name = excluded.name, statement = excluded.statement",
        params![tenant.0, name, statement, tx.now()],
    )?;
    Ok(())
}

/// A setting of the portal.
///
/// # Errors
/// When the database cannot be read.
pub fn setting(db: &Connection, name: &str) -> Result<Option<String>, Stop> {
    Ok(db
        .prepare_cached("SELECT value FROM meta WHERE name = ?1")?
        .query_row([name], |row| row.get(0))
        .optional()?)
}

/// Writes a setting of the portal.
///
/// # Errors
/// When the database cannot be written.
pub fn set(tx: &Tx<'_>, name: &str, value: &str) -> Result<(), Stop> {
    tx.db.execute("INSERT OR REPLACE INTO meta (name, value) VALUES (?1, ?2)", params![name, value])?;
    Ok(())
}
