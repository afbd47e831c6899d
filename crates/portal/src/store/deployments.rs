//! Deployments as rows: one for each, with its history; every step is an audit row and an event.

use std::fmt;

use rusqlite::{Connection, OptionalExtension as _, Row as SqlRow, params};
use serde_json::json;
use vestibule_protocol::deployment::DeploymentId;
use vestibule_protocol::dsse::Envelope;
use vestibule_protocol::id::Fingerprint;
use vestibule_protocol::message::ItemReport;

use super::{Stop, Tx, audit, events};
use crate::life::State;
use crate::world::Seconds;

/// How long one that is over is kept, in seconds (90 days, as the history of snapshots).
pub const KEPT_SECONDS: Seconds = 90 * 24 * 3600;

/// Steps that are kept of one deployment; a home that reports more often changes the state, not the history.
const STEPS: u32 = 256;

/// A deployment without its envelope.
#[derive(Debug, Clone)]
pub struct Row {
    /// Row.
    pub id: i64,
    /// Row of the tenant.
    pub tenant: i64,
    /// Row of the home.
    pub home: i64,
    /// The home.
    pub fingerprint: Fingerprint,
    /// The id inside the payload.
    pub deployment: DeploymentId,
    /// Rising for each home (R32).
    pub sequence: u64,
    /// Unix time in seconds, as the payload has it.
    pub expires: Seconds,
    /// For the owner.
    pub title: String,
    /// Whose approval does not count.
    pub author: String,
    /// How it stands.
    pub state: State,
    /// Why, or how far.
    pub code: Option<String>,
    /// What the home said of its items.
    pub items: Vec<ItemReport>,
    /// Who handed it in, as in the audit trail.
    pub submitted: String,
    /// Unix time in seconds.
    pub created: Seconds,
    /// Unix time in seconds.
    pub changed: Seconds,
    /// When the home's link was first given it, in unix seconds.
    pub handed: Option<Seconds>,
}

/// One step of a history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What it became.
    pub state: State,
    /// Unix time in seconds.
    pub at: Seconds,
    /// Why, or how far.
    pub code: Option<String>,
}

/// A value of ours that cannot be read back: a damaged database.
fn damaged(column: usize, error: impl fmt::Display) -> rusqlite::Error {
    let error = std::io::Error::other(error.to_string());
    rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(error))
}

fn state(row: &SqlRow<'_>, column: usize) -> rusqlite::Result<State> {
    let text: String = row.get(column)?;
    text.parse().map_err(|()| damaged(column, "no state"))
}

const ROW: &str =
    "SELECT d.id, d.tenant, d.home, h.fingerprint, d.deployment, d.sequence, d.expires, d.title, d.author,
    d.state, d.code, d.items, d.submitted, d.created, d.changed, d.handed
    FROM deployment d JOIN home h ON h.id = d.home";

fn read(row: &SqlRow<'_>) -> rusqlite::Result<Row> {
    let items: String = row.get(11)?;
    Ok(Row {
        id: row.get(0)?,
        tenant: row.get(1)?,
        home: row.get(2)?,
        fingerprint: Fingerprint(row.get(3)?),
        deployment: DeploymentId(row.get(4)?),
        sequence: row.get(5)?,
        expires: row.get(6)?,
        title: row.get(7)?,
        author: row.get(8)?,
        state: state(row, 9)?,
        code: row.get(10)?,
        items: serde_json::from_str(&items).map_err(|error| damaged(11, error))?,
        submitted: row.get(12)?,
        created: row.get(13)?,
        changed: row.get(14)?,
        handed: row.get(15)?,
    })
}

/// Those of a tenant, or of one of its homes, newest first.
///
/// # Errors
/// When the database cannot be read.
pub fn list(db: &Connection, tenant: i64, home: Option<i64>, most: u32) -> Result<Vec<Row>, Stop> {
    Ok(db
        .prepare_cached(&format!(
            "{ROW} WHERE d.tenant = ?1 AND (?2 IS NULL OR d.home = ?2) ORDER BY d.id DESC LIMIT ?3"
        ))?
        .query_map(params![tenant, home, most], read)?
        .collect::<Result<_, _>>()?)
}

/// One of a tenant.
///
/// # Errors
/// [`Stop::NotFound`], also for one of another tenant.
pub fn get(db: &Connection, tenant: i64, id: &DeploymentId) -> Result<Row, Stop> {
    find(db, tenant, id)?.ok_or(Stop::NotFound)
}

pub(super) fn find(db: &Connection, tenant: i64, id: &DeploymentId) -> Result<Option<Row>, Stop> {
    Ok(db
        .prepare_cached(&format!("{ROW} WHERE d.tenant = ?1 AND d.deployment = ?2"))?
        .query_row(params![tenant, id.0], read)
        .optional()?)
}

/// Those of a tenant or of a home that are in one of these states, in the order of their sequence.
pub(super) fn in_states(db: &Connection, of: Of, states: impl Fn(State) -> bool) -> Result<Vec<Row>, Stop> {
    let (condition, id) = match of {
        Of::All => ("?1 IS NULL", None),
        Of::Tenant(id) => ("d.tenant = ?1", Some(id)),
        Of::Home(id) => ("d.home = ?1", Some(id)),
    };
    let names: Vec<String> =
        State::ALL.into_iter().filter(|state| states(*state)).map(|state| format!("'{state}'")).collect();
    Ok(db
        .prepare_cached(&format!(
            "{ROW} WHERE {condition} AND d.state IN ({}) ORDER BY d.home, d.sequence",
            names.join(",")
        ))?
        .query_map([id], read)?
        .collect::<Result<_, _>>()?)
}

/// Whose deployments.
#[derive(Debug, Clone, Copy)]
pub(super) enum Of {
    All,
    Tenant(i64),
    Home(i64),
}

/// The envelope as it was handed in, with all signatures that came.
///
/// # Errors
/// [`Stop::NotFound`] when it is gone.
pub fn envelope(db: &Connection, row: i64) -> Result<Envelope, Stop> {
    let text: String = db
        .prepare_cached("SELECT envelope FROM deployment WHERE id = ?1")?
        .query_row([row], |row| row.get(0))
        .optional()?
        .ok_or(Stop::NotFound)?;
    serde_json::from_str(&text).map_err(|_| Stop::NotStored)
}

/// The steps so far, oldest first.
///
/// # Errors
/// When the database cannot be read.
pub fn history(db: &Connection, row: i64) -> Result<Vec<Step>, Stop> {
    Ok(db
        .prepare_cached("SELECT state, at, code FROM deployment_event WHERE deployment = ?1 ORDER BY n")?
        .query_map([row], |row| Ok(Step { state: state(row, 0)?, at: row.get(1)?, code: row.get(2)? }))?
        .collect::<Result<_, _>>()?)
}

/// Writes a step whose legality the caller has checked. `verb` is the word in the audit trail.
pub(super) fn enter(
    tx: &Tx<'_>,
    row: &mut Row,
    next: State,
    code: Option<&str>,
    actor: &str,
    verb: &str,
) -> Result<(), Stop> {
    tx.db
        .prepare_cached("UPDATE deployment SET state = ?2, code = ?3, changed = ?4 WHERE id = ?1")?
        .execute(params![row.id, next.name(), code, tx.now()])?;
    tx.db
        .prepare_cached(
            "INSERT INTO deployment_event (deployment, n, home, state, code, at)
             SELECT ?1, count(*), ?2, ?3, ?4, ?5 FROM deployment_event WHERE deployment = ?1 HAVING count(*) < ?6",
        )?
        .execute(params![row.id, row.home, next.name(), code, tx.now(), STEPS])?;
    (row.state, row.code) = (next, code.map(str::to_owned));
    act(tx, row, actor, verb)?;
    let mut body = json!({
        "id": row.deployment, "instance": row.fingerprint, "state": next, "title": row.title,
    });
    if let Some(code) = code {
        body["code"] = code.into();
    }
    events::add(tx, row.tenant, Some(row.home), "deployment", &body)
}

/// An audit row about a deployment.
pub(super) fn act(tx: &Tx<'_>, row: &Row, actor: &str, verb: &str) -> Result<(), Stop> {
    let details = json!({ "deployment": row.deployment, "state": row.state, "code": row.code });
    audit::write(tx, Some(row.tenant), actor, verb, "deployment", Some(row.home), &details.to_string())
}

/// Ends what is over by its own expiry and was not applied as far as the portal knows.
pub(super) fn end(tx: &Tx<'_>, of: Of) -> Result<(), Stop> {
    for mut row in in_states(tx.db, of, |state| state.may_become(State::Expired))? {
        if row.expires <= tx.now() {
            enter(tx, &mut row, State::Expired, None, "portal", "expire")?;
        }
    }
    Ok(())
}

/// Ends what is over, and deletes what has been over for [`KEPT_SECONDS`]. What is in place at home is kept as long as the home.
pub(super) fn expire(tx: &Tx<'_>) -> Result<(), Stop> {
    end(tx, Of::All)?;
    for row in in_states(tx.db, Of::All, State::is_over)? {
        if row.changed <= tx.now().saturating_sub(KEPT_SECONDS) {
            tx.db.execute("DELETE FROM deployment_event WHERE deployment = ?1", [row.id])?;
            tx.db.execute("DELETE FROM deployment WHERE id = ?1", [row.id])?;
        }
    }
    Ok(())
}

/// Takes one back on behalf of staff; one that has been withdrawn before stays so.
///
/// # Errors
/// [`Stop::NotFound`]; a `Problem` when it is too late.
pub fn withdraw(tx: &Tx<'_>, tenant: i64, id: &DeploymentId, actor: &str) -> Result<Row, Stop> {
    let mut row = get(tx.db, tenant, id)?;
    if row.state != State::Withdrawn {
        if !row.state.may_become(State::Withdrawn) {
            return Err(crate::problem::deployment_over(row.state).into());
        }
        enter(tx, &mut row, State::Withdrawn, None, actor, "withdraw")?;
    }
    Ok(row)
}
