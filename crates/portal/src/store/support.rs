//! Support reports of owners: kept for a while, few of each home, and gone when the owner takes them back.

use rusqlite::{Connection, OptionalExtension as _, params};
use serde_json::json;
use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::id::Fingerprint;
use vestibule_protocol::limits::{SUPPORT_BYTES, SUPPORT_REPORTS, SUPPORT_SECONDS};
use vestibule_protocol::message::Support;
use vestibule_protocol::receipt::Scope;

use super::homes::Linked;
use super::{Stop, Tx, audit, events, handled};
use crate::journal::{Entry, Tag};
use crate::world::Seconds;

/// A report as staff see it.
#[derive(Debug, Clone)]
pub struct Report {
    /// Its id on the link.
    pub id: Fixed<16>,
    /// As the owner read it.
    pub text: String,
    /// When it came, in unix seconds.
    pub at: Seconds,
}

/// Whether a report is one that an agent can send.
#[must_use]
pub fn is_sound(support: &Support) -> bool {
    (1..=SUPPORT_BYTES).contains(&support.text.len())
        && !support.text.chars().any(|c| c.is_control() && c != '\n')
}

/// The reports of a home, newest first.
///
/// # Errors
/// When the database cannot be read.
pub fn list(db: &Connection, home: i64) -> Result<Vec<Report>, Stop> {
    Ok(db
        .prepare_cached("SELECT report, text, at FROM support WHERE home = ?1 ORDER BY id DESC")?
        .query_map([home], |row| Ok(Report { id: Fixed(row.get(0)?), text: row.get(1)?, at: row.get(2)? }))?
        .collect::<Result<_, _>>()?)
}

/// Takes a report, once (R24). The oldest gives way when there are too many.
///
/// # Errors
/// When the database cannot be written.
pub fn take(
    tx: &Tx<'_>,
    home: &Linked,
    tenant: i64,
    fingerprint: &Fingerprint,
    support: &Support,
) -> Result<(), Stop> {
    if handled::before(tx, home.id, &support.id)?.is_some() {
        return Ok(());
    }
    handled::note(tx, home.id, &support.id, &[])?;
    tx.db.execute(
        "INSERT INTO support (tenant, home, report, text, at) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![tenant, home.id, support.id.0, support.text, tx.now()],
    )?;
    let old = tx.db.execute(
        "DELETE FROM support WHERE home = ?1
           AND id NOT IN (SELECT id FROM support WHERE home = ?1 ORDER BY id DESC LIMIT ?2)",
        params![home.id, SUPPORT_REPORTS],
    )?;
    if old > 0 {
        tx.scrub_afterwards();
    }
    let body = json!({ "id": support.id, "instance": fingerprint });
    events::add(tx, tenant, Some(home.id), "support", &body)?;
    let details = json!({ "report": support.id }).to_string();
    audit::write(tx, Some(tenant), "owner", "send", "support", Some(home.id), &details)
}

/// The owner takes back every report. The journal comes first, as for everything that is erased (R28).
///
/// # Errors
/// When journal or database cannot be written.
pub fn take_back(tx: &Tx<'_>, home: &Linked, tenant: i64) -> Result<(), Stop> {
    let tag: Tag = tx
        .db
        .prepare_cached("SELECT tag FROM home WHERE id = ?1")?
        .query_row([home.id], |row| row.get(0))
        .optional()?
        .ok_or(Stop::Erased)?;
    tx.journal.append(&Entry { home: Fixed(tag), scope: Scope::Support, time: tx.now() })?;
    forget(tx, home.id, tx.now())?;
    audit::write(tx, Some(tenant), "owner", "withdraw", "support", Some(home.id), "{}")
}

/// Deletes the reports of a home that came until then; says whether there were any.
pub(super) fn forget(tx: &Tx<'_>, home: i64, until: Seconds) -> Result<bool, Stop> {
    let gone = tx.db.execute("DELETE FROM support WHERE home = ?1 AND at <= ?2", params![home, until])?;
    if gone > 0 {
        tx.scrub_afterwards();
    }
    Ok(gone > 0)
}

/// Deletes those that were kept long enough; says whether there were any.
pub(super) fn expire(tx: &Tx<'_>) -> Result<bool, Stop> {
    let before = tx.now().saturating_sub(SUPPORT_SECONDS);
    Ok(tx.db.execute("DELETE FROM support WHERE at <= ?1", [before])? > 0)
}
