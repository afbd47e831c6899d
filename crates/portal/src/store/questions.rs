//! Questions of staff to an owner: open until answered, declined or over.

use rusqlite::{Connection, OptionalExtension as _, Row as SqlRow, params};
use serde_json::json;
use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::id::{Fingerprint, OpaqueId};
use vestibule_protocol::limits;
use vestibule_protocol::message::{Answer, Ask};

use super::deployments::KEPT_SECONDS;
use super::homes::{Instance, Linked};
use super::{Stop, Tx, audit, events, handled};
use crate::problem;
use crate::world::Seconds;

/// A question as staff see it.
#[derive(Debug, Clone)]
pub struct Question {
    /// Its id on the link.
    pub id: Fixed<16>,
    /// The home.
    pub fingerprint: Fingerprint,
    /// Words of staff.
    pub text: String,
    /// What can be chosen.
    pub candidates: Vec<OpaqueId>,
    /// `open`, `answered`, `declined` or `expired`.
    pub state: String,
    /// What was chosen.
    pub choice: Option<String>,
    /// Unix time in seconds.
    pub created: Seconds,
    /// Unix time in seconds.
    pub expires: Seconds,
    /// Unix time in seconds.
    pub changed: Seconds,
}

/// Questions of a tenant or of one of its homes, newest first.
///
/// # Errors
/// When the database cannot be read.
pub fn list(db: &Connection, tenant: i64, home: Option<i64>, most: u32) -> Result<Vec<Question>, Stop> {
    Ok(db
        .prepare_cached(
            "SELECT q.question, h.fingerprint, q.text, q.candidates, q.state, q.choice, q.created, q.expires, q.changed
             FROM question q JOIN home h ON h.id = q.home
             WHERE q.tenant = ?1 AND (?2 IS NULL OR q.home = ?2) ORDER BY q.id DESC LIMIT ?3",
        )?
        .query_map(params![tenant, home, most], |row| {
            Ok(Question {
                id: Fixed(row.get(0)?),
                fingerprint: Fingerprint(row.get(1)?),
                text: row.get(2)?,
                candidates: ids(row, 3)?,
                state: row.get(4)?,
                choice: row.get(5)?,
                created: row.get(6)?,
                expires: row.get(7)?,
                changed: row.get(8)?,
            })
        })?
        .collect::<Result<_, _>>()?)
}

/// A column with opaque ids as JSON.
pub(super) fn ids(row: &SqlRow<'_>, column: usize) -> rusqlite::Result<Vec<OpaqueId>> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(error))
    })
}

/// Those of a home that nobody has answered, oldest first.
pub(super) fn open(db: &Connection, home: i64, now: Seconds) -> Result<Vec<Ask>, Stop> {
    Ok(db
        .prepare_cached(
            "SELECT question, text, candidates, expires FROM question
             WHERE home = ?1 AND state = 'open' AND expires > ?2 ORDER BY id",
        )?
        .query_map(params![home, now], |row| {
            Ok(Ask {
                id: Fixed(row.get(0)?),
                question: row.get(1)?,
                candidates: ids(row, 2)?,
                expires: row.get(3)?,
            })
        })?
        .collect::<Result<_, _>>()?)
}

/// Asks.
///
/// # Errors
/// A `Problem` when too many wait.
pub fn ask(tx: &Tx<'_>, tenant: i64, actor: &str, home: &Instance, ask: &Ask) -> Result<(), Stop> {
    let now = tx.now();
    if open(tx.db, home.id, now)?.len() >= limits::QUESTIONS {
        return Err(problem::too_many_questions().into());
    }
    let candidates = serde_json::to_string(&ask.candidates).map_err(|_| Stop::NotStored)?;
    tx.db.execute(
        "INSERT INTO question (tenant, home, question, text, candidates, state, asked, created, expires, changed)
         VALUES (?1, ?2, ?3, ?4, ?5, 'open', ?6, ?7, ?8, ?7)",
        params![tenant, home.id, ask.id.0, ask.question, candidates, actor, now, ask.expires],
    )?;
    told(tx, tenant, home.id, &home.fingerprint, &ask.id, "open", None)?;
    act(tx, tenant, home.id, actor, "ask", &ask.id)
}

/// Takes an answer. One to a question that is not open, or with a choice that was none, changes nothing.
///
/// # Errors
/// When the database cannot be written.
pub fn answer(
    tx: &Tx<'_>,
    home: &Linked,
    tenant: i64,
    fingerprint: &Fingerprint,
    answer: &Answer,
) -> Result<(), Stop> {
    if handled::before(tx, home.id, &answer.id)?.is_some() {
        return Ok(());
    }
    handled::note(tx, home.id, &answer.id, &[])?;
    let candidates = tx
        .db
        .prepare_cached(
            "SELECT candidates FROM question WHERE home = ?1 AND question = ?2 AND state IN ('open', 'expired')",
        )?
        .query_row(params![home.id, answer.question.0], |row| ids(row, 0))
        .optional()?;
    let Some(candidates) = candidates else { return Ok(()) };
    if answer.choice.is_some_and(|choice| !candidates.contains(&choice)) {
        return Ok(());
    }
    let state = if answer.choice.is_some() { "answered" } else { "declined" };
    let choice = answer.choice.map(|choice| choice.to_string());
    tx.db
        .prepare_cached(
            "UPDATE question SET state = ?3, choice = ?4, changed = ?5 WHERE home = ?1 AND question = ?2",
        )?
        .execute(params![home.id, answer.question.0, state, choice, tx.now()])?;
    told(tx, tenant, home.id, fingerprint, &answer.question, state, choice.as_deref())?;
    act(tx, tenant, home.id, "owner", "answer", &answer.question)
}

/// Closes those whose time has passed, and deletes those that have been closed for as long as deployments are kept.
pub(super) fn expire(tx: &Tx<'_>) -> Result<(), Stop> {
    tx.db.execute(
        "DELETE FROM question WHERE state <> 'open' AND changed <= ?1",
        [tx.now().saturating_sub(KEPT_SECONDS)],
    )?;
    let over: Vec<(i64, i64, Fingerprint, Fixed<16>)> = tx
        .db
        .prepare(
            "UPDATE question SET state = 'expired', changed = ?1 WHERE state = 'open' AND expires <= ?1
             RETURNING tenant, home, (SELECT fingerprint FROM home WHERE id = question.home), question",
        )?
        .query_map([tx.now()], |row| {
            Ok((row.get(0)?, row.get(1)?, Fingerprint(row.get(2)?), Fixed(row.get(3)?)))
        })?
        .collect::<Result<_, _>>()?;
    for (tenant, home, fingerprint, question) in over {
        told(tx, tenant, home, &fingerprint, &question, "expired", None)?;
    }
    Ok(())
}

fn told(
    tx: &Tx<'_>,
    tenant: i64,
    home: i64,
    fingerprint: &Fingerprint,
    question: &Fixed<16>,
    state: &str,
    choice: Option<&str>,
) -> Result<(), Stop> {
    let mut body = json!({ "id": question, "instance": fingerprint, "state": state });
    if let Some(choice) = choice {
        body["choice"] = choice.into();
    }
    events::add(tx, tenant, Some(home), "question", &body)
}

fn act(tx: &Tx<'_>, tenant: i64, home: i64, actor: &str, verb: &str, id: &Fixed<16>) -> Result<(), Stop> {
    let details = json!({ "question": id }).to_string();
    audit::write(tx, Some(tenant), actor, verb, "question", Some(home), &details)
}
