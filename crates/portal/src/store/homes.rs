//! Homes: who they are, and what their link may write.

use rusqlite::{Connection, OptionalExtension as _, params};
use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::consent::Consent;
use vestibule_protocol::id::Fingerprint;
use vestibule_protocol::message::EnrolBody;
use vestibule_protocol::schema;
use vestibule_protocol::tree::{BUCKETS, BucketHash, Root, bucket_hash};

use super::tenants::Tenant;
use super::{Stop, Tx, audit, edit};
use crate::journal;
use crate::world::Seconds;

/// A home as a write transaction of its link sees it.
#[derive(Debug, Clone)]
pub struct Linked {
    /// Row.
    pub id: i64,
    /// What is held.
    pub root: Root,
    /// Schema under which the root is computed.
    pub schema: u32,
    /// What the owner allows.
    pub consent: Consent,
    /// Number of the newest version; 0 before the first hello.
    pub version: u64,
    /// How many records are held.
    pub records: usize,
}

/// A home as staff see it.
#[derive(Debug, Clone)]
pub struct Instance {
    /// Row.
    pub id: i64,
    /// Fingerprint.
    pub fingerprint: Fingerprint,
    /// Label of its invite.
    pub label: Option<String>,
    /// Version of the agent.
    pub agent: String,
    /// Unix time in seconds.
    pub enrolled: Seconds,
    /// Last link or change, in unix seconds.
    pub last_seen: Seconds,
    /// Schema of the root.
    pub schema: u32,
    /// What the owner allows.
    pub consent: Consent,
    /// What is held.
    pub root: Root,
    /// How many records.
    pub records: u64,
    /// When it was last seen restored from a backup.
    pub restored: Option<Seconds>,
    /// When it was last seen to have a double.
    pub cloned: Option<Seconds>,
    /// When its erasure for silence was announced.
    pub notice: Option<Seconds>,
}

/// The one link that may write for a home.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Right {
    /// Row of the home.
    pub home: i64,
    /// Rises with each link.
    pub generation: u64,
}

/// The home, if `right` is still the newest link's.
///
/// # Errors
/// [`Stop::Replaced`] and [`Stop::Erased`].
pub fn linked(tx: &Tx<'_>, right: Right) -> Result<Linked, Stop> {
    let found: Option<(u64, Linked)> = tx
        .db
        .prepare_cached("SELECT generation, root, schema, consent, version, records FROM home WHERE id = ?1")?
        .query_row([right.home], |row| {
            let linked = Linked {
                id: right.home,
                root: Root(Fixed(row.get(1)?)),
                schema: row.get(2)?,
                consent: consent_column(row, 3)?,
                version: row.get(4)?,
                records: row.get::<_, u32>(5)? as usize,
            };
            Ok((row.get(0)?, linked))
        })
        .optional()?;
    match found {
        None => Err(Stop::Erased),
        Some((generation, _)) if generation != right.generation => Err(Stop::Replaced),
        Some((_, linked)) => Ok(linked),
    }
}

pub(super) fn consent_column(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<Consent> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(error))
    })
}

/// The device key under which a home enrolled.
///
/// # Errors
/// When the database cannot be read.
pub fn device_key(db: &Connection, tenant: i64, home: &Fingerprint) -> Result<Option<[u8; 32]>, Stop> {
    Ok(db
        .prepare_cached("SELECT device_key FROM home WHERE tenant = ?1 AND fingerprint = ?2")?
        .query_row(params![tenant, home.0], |row| row.get(0))
        .optional()?)
}

/// Whether a home of this name in the journal has been erased and not enrolled again.
///
/// # Errors
/// When the database cannot be read.
pub fn is_erased(db: &Connection, tag: &journal::Tag) -> Result<bool, Stop> {
    Ok(db.prepare_cached("SELECT 1 FROM erased WHERE tag = ?1")?.exists([tag])?)
}

/// Enrols a home, or one that comes again with a new invite and the same device key.
///
/// # Errors
/// [`Stop::InviteRefused`] when the fingerprint belongs to another device key.
pub fn enrol(tx: &Tx<'_>, tenant: &Tenant, body: &EnrolBody, label: Option<&str>) -> Result<(), Stop> {
    let now = tx.now();
    let journal_at = tx.journal.length()?;
    if let Some(known) = device_key(tx.db, tenant.id, &body.fingerprint)? {
        if known != body.device_key.0 {
            return Err(Stop::InviteRefused);
        }
        tx.db.execute(
            "UPDATE home SET recovery_hash = ?3, label = ?4, agent = ?5, last_seen = ?6, presented = 0, notice = NULL
             WHERE tenant = ?1 AND fingerprint = ?2",
            params![tenant.id, body.fingerprint.0, body.recovery_hash.0, label, body.agent, now],
        )?;
        tx.db.execute(
            "DELETE FROM session WHERE home IN (SELECT id FROM home WHERE tenant = ?1 AND fingerprint = ?2)",
            params![tenant.id, body.fingerprint.0],
        )?;
        return Ok(());
    }
    let tag = journal::tag(&tenant.tenant, &body.fingerprint);
    let consent = serde_json::to_string(&Consent::default()).map_err(|_| Stop::BadMessage)?;
    let empty: Vec<BucketHash> = vec![bucket_hash([]); BUCKETS];
    let root = Root::of(schema::VERSION, &[], &empty);
    tx.db.execute(
        "INSERT INTO home (tenant, fingerprint, tag, device_key, recovery_hash, label, agent, enrolled, last_seen,
                           journal_at, schema, consent, epoch, root)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8, ?9, ?10, ?11, 0, ?12)",
        params![
            tenant.id,
            body.fingerprint.0,
            tag,
            body.device_key.0,
            body.recovery_hash.0,
            label,
            body.agent,
            now,
            journal_at,
            schema::VERSION,
            consent,
            root.0.0
        ],
    )?;
    let home = tx.db.last_insert_rowid();
    edit::write_buckets(tx, home, &empty, &(0..=255).collect())?;
    tx.db.execute("DELETE FROM erased WHERE tag = ?1", [tag])?;
    let details = format!("{{\"fingerprint\":\"{}\"}}", body.fingerprint);
    audit::write(tx, Some(tenant.id), "owner", "enrol", "home", Some(home), &details)
}

/// Notes a hello of an authenticated home; older links may not write any more (R5).
///
/// # Errors
/// [`Stop::Erased`] when it is gone.
pub fn take_over(tx: &Tx<'_>, tenant: i64, home: &Fingerprint, agent: &str) -> Result<Right, Stop> {
    tx.db
        .prepare_cached(
            "UPDATE home SET generation = generation + 1, last_seen = ?3, agent = ?4, notice = NULL
             WHERE tenant = ?1 AND fingerprint = ?2 RETURNING id, generation",
        )?
        .query_row(params![tenant, home.0, tx.now(), agent], |row| {
            Ok(Right { home: row.get(0)?, generation: row.get(1)? })
        })
        .optional()?
        .ok_or(Stop::Erased)
}

const INSTANCE: &str =
    "SELECT id, fingerprint, label, agent, enrolled, last_seen, schema, consent, root, records,
    restored_at, cloned_at, notice FROM home WHERE tenant = ?1";

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Instance> {
    Ok(Instance {
        id: row.get(0)?,
        fingerprint: Fingerprint(row.get(1)?),
        label: row.get(2)?,
        agent: row.get(3)?,
        enrolled: row.get(4)?,
        last_seen: row.get(5)?,
        schema: row.get(6)?,
        consent: consent_column(row, 7)?,
        root: Root(Fixed(row.get(8)?)),
        records: row.get(9)?,
        restored: row.get(10)?,
        cloned: row.get(11)?,
        notice: row.get(12)?,
    })
}

/// All homes of a tenant, in the order of their enrolment.
///
/// # Errors
/// When the database cannot be read.
pub fn list(db: &Connection, tenant: i64) -> Result<Vec<Instance>, Stop> {
    Ok(db
        .prepare_cached(&format!("{INSTANCE} ORDER BY id"))?
        .query_map([tenant], read)?
        .collect::<Result<_, _>>()?)
}

/// Rows of all homes of a tenant.
///
/// # Errors
/// When the database cannot be read.
pub fn rows(db: &Connection, tenant: i64) -> Result<Vec<i64>, Stop> {
    Ok(db
        .prepare_cached("SELECT id FROM home WHERE tenant = ?1")?
        .query_map([tenant], |row| row.get(0))?
        .collect::<Result<_, _>>()?)
}

/// One home of a tenant.
///
/// # Errors
/// [`Stop::NotFound`], also for a home of another tenant.
pub fn get(db: &Connection, tenant: i64, home: &Fingerprint) -> Result<Instance, Stop> {
    db.prepare_cached(&format!("{INSTANCE} AND fingerprint = ?2"))?
        .query_row(params![tenant, home.0], read)
        .optional()?
        .ok_or(Stop::NotFound)
}

/// How many records of each kind a home has.
///
/// # Errors
/// When the database cannot be read.
pub fn kinds(db: &Connection, home: i64) -> Result<Vec<(String, u64)>, Stop> {
    Ok(db
        .prepare_cached(
            "SELECT substr(key, 1, instr(key, '/') - 1) AS kind, count(*) FROM record WHERE home = ?1
             GROUP BY kind ORDER BY kind",
        )?
        .query_map([home], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?)
}
