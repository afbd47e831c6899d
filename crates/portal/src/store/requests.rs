//! What owners wish for, in their own words: sent because they wrote it for this, and emptied when they take it back.

use rusqlite::{Connection, OptionalExtension as _, params};
use serde_json::json;
use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::id::{Fingerprint, OpaqueId, Thing};
use vestibule_protocol::limits;
use vestibule_protocol::message;

use super::deployments::KEPT_SECONDS;
use super::homes::Linked;
use super::questions::ids;
use super::{Stop, Tx, audit, events, handled};
use crate::world::Seconds;

/// Requests that are kept of one home.
const KEPT: u32 = 256;

/// A request as staff see it.
#[derive(Debug, Clone)]
pub struct Request {
    /// Its id on the link.
    pub id: Fixed<16>,
    /// The home.
    pub fingerprint: Fingerprint,
    /// The owner's words; empty when they were taken back.
    pub text: String,
    /// Rooms that it is about.
    pub rooms: Vec<OpaqueId>,
    /// When it came, in unix seconds.
    pub at: Seconds,
    /// `open`, `taken`, `done` or `withdrawn`.
    pub state: String,
}

/// Whether a request is one that an agent can send.
#[must_use]
pub fn is_sound(request: &message::Request) -> bool {
    request.text.chars().count() <= limits::SUMMARY_CHARS
        && !request.text.chars().any(|c| c.is_control() && c != '\n')
        && request.rooms.len() <= limits::CANDIDATES
        && request.rooms.iter().all(|room| room.thing == Thing::Area)
}

/// Requests of a tenant or of one of its homes, newest first.
///
/// # Errors
/// When the database cannot be read.
pub fn list(db: &Connection, tenant: i64, home: Option<i64>, most: u32) -> Result<Vec<Request>, Stop> {
    Ok(db
        .prepare_cached(
            "SELECT r.request, h.fingerprint, r.text, r.rooms, r.at, r.state
             FROM request r JOIN home h ON h.id = r.home
             WHERE r.tenant = ?1 AND (?2 IS NULL OR r.home = ?2) ORDER BY r.id DESC LIMIT ?3",
        )?
        .query_map(params![tenant, home, most], |row| {
            Ok(Request {
                id: Fixed(row.get(0)?),
                fingerprint: Fingerprint(row.get(1)?),
                text: row.get(2)?,
                rooms: ids(row, 3)?,
                at: row.get(4)?,
                state: row.get(5)?,
            })
        })?
        .collect::<Result<_, _>>()?)
}

/// Takes a request, or notes that the owner took one back: both carry the same id, so each counts once by its state (R24).
///
/// # Errors
/// [`Stop::TooMuch`] when a home has sent more than is kept.
pub fn take(
    tx: &Tx<'_>,
    home: &Linked,
    tenant: i64,
    fingerprint: &Fingerprint,
    request: &message::Request,
) -> Result<(), Stop> {
    let known: Option<String> = tx
        .db
        .prepare_cached("SELECT state FROM request WHERE home = ?1 AND request = ?2")?
        .query_row(params![home.id, request.id.0], |row| row.get(0))
        .optional()?;
    let handled_before = handled::before(tx, home.id, &request.id)?.is_some();
    if !handled_before {
        handled::note(tx, home.id, &request.id, &[])?;
    }
    let (verb, state) = match (known.as_deref(), request.withdrawn) {
        (Some("withdrawn"), _) | (Some(_), false) | (None, true) => return Ok(()),
        (None, false) if handled_before => return Ok(()),
        (Some(_), true) => {
            tx.db.execute(
                "UPDATE request SET state = 'withdrawn', text = '', rooms = '[]', changed = ?3
                 WHERE home = ?1 AND request = ?2",
                params![home.id, request.id.0, tx.now()],
            )?;
            tx.scrub_afterwards();
            ("withdraw", "withdrawn")
        }
        (None, false) => {
            insert(tx, home, tenant, request)?;
            ("request", "open")
        }
    };
    told(tx, tenant, home.id, fingerprint, &request.id, state)?;
    act(tx, tenant, home.id, "owner", verb, &request.id)
}

fn insert(tx: &Tx<'_>, home: &Linked, tenant: i64, request: &message::Request) -> Result<(), Stop> {
    let count: u32 =
        tx.db.query_row("SELECT count(*) FROM request WHERE home = ?1", [home.id], |row| row.get(0))?;
    if count >= KEPT {
        return Err(Stop::TooMuch);
    }
    let rooms = serde_json::to_string(&request.rooms).map_err(|_| Stop::NotStored)?;
    tx.db.execute(
        "INSERT INTO request (tenant, home, request, text, rooms, state, at, changed)
         VALUES (?1, ?2, ?3, ?4, ?5, 'open', ?6, ?6)",
        params![tenant, home.id, request.id.0, request.text, rooms, tx.now()],
    )?;
    Ok(())
}

/// Deletes those that have been closed for as long as deployments are kept.
pub(super) fn expire(tx: &Tx<'_>) -> Result<(), Stop> {
    tx.db.execute(
        "DELETE FROM request WHERE state IN ('done', 'withdrawn') AND changed <= ?1",
        [tx.now().saturating_sub(KEPT_SECONDS)],
    )?;
    Ok(())
}

/// Whether there is such a request to this tenant.
///
/// # Errors
/// [`Stop::NotFound`], also for one to another tenant.
pub fn exists(db: &Connection, tenant: i64, id: &Fixed<16>) -> Result<(), Stop> {
    let there = db
        .prepare_cached("SELECT 1 FROM request WHERE tenant = ?1 AND request = ?2")?
        .exists(params![tenant, id.0])?;
    if there { Ok(()) } else { Err(Stop::NotFound) }
}

/// Marks a request as taken up or done.
///
/// # Errors
/// [`Stop::NotFound`]; a `Problem` when the owner has taken it back.
pub fn mark(tx: &Tx<'_>, tenant: i64, id: &Fixed<16>, state: &str, actor: &str) -> Result<(), Stop> {
    let found: Option<(i64, Fingerprint, String)> = tx
        .db
        .prepare_cached(
            "SELECT r.home, h.fingerprint, r.state FROM request r JOIN home h ON h.id = r.home
             WHERE r.tenant = ?1 AND r.request = ?2",
        )?
        .query_row(params![tenant, id.0], |row| Ok((row.get(0)?, Fingerprint(row.get(1)?), row.get(2)?)))
        .optional()?;
    let (home, fingerprint, before) = found.ok_or(Stop::NotFound)?;
    if before == state {
        return Ok(());
    }
    if before == "withdrawn" || before == "done" {
        return Err(crate::problem::request_over().into());
    }
    tx.db.execute(
        "UPDATE request SET state = ?3, changed = ?4 WHERE home = ?1 AND request = ?2",
        params![home, id.0, state, tx.now()],
    )?;
    told(tx, tenant, home, &fingerprint, id, state)?;
    act(tx, tenant, home, actor, state, id)
}

fn told(
    tx: &Tx<'_>,
    tenant: i64,
    home: i64,
    fingerprint: &Fingerprint,
    id: &Fixed<16>,
    state: &str,
) -> Result<(), Stop> {
    let body = json!({ "id": id, "instance": fingerprint, "state": state });
    events::add(tx, tenant, Some(home), "request", &body)
}

fn act(tx: &Tx<'_>, tenant: i64, home: i64, actor: &str, verb: &str, id: &Fixed<16>) -> Result<(), Stop> {
    let details = json!({ "request": id }).to_string();
    audit::write(tx, Some(tenant), actor, verb, "request", Some(home), &details)
}
