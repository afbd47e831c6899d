//! The outbox: intents that must not be lost (consent changes, erasures, answers, reports), and what may happen to them.
//!
//! An intent says what is to be told, not the words: contents are rendered under the grants at the moment of sending
//! (R24). Its id stays the same over all attempts, so that the portal can tell a repetition.

use std::fmt;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::error::{AGENT_DB, StoreError, sql};

/// How long an acknowledged intent is kept: as long as the portal remembers its id (R24).
const KEEP_ACKNOWLEDGED_MS: i64 = 90 * 24 * 60 * 60 * 1000;
/// How many intents may wait. The owner makes a handful a day; a portal that asks for more is not worth the disk.
pub const MAX_WAITING: u64 = 1_000;

/// The id of an intent: 16 random bytes, drawn by whoever adds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IntentId(pub [u8; 16]);

impl IntentId {
    /// 32 lower-case hexadecimal digits, as the id goes over the wire.
    #[must_use]
    pub fn to_hex(&self) -> String {
        super::hex(&self.0)
    }

    /// Reads [`Self::to_hex`] back; `None` for anything else.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        super::unhex(text)?.try_into().ok().map(Self)
    }
}

/// Where an intent stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Waits to be sent.
    Queued,
    /// Has been handed to the link; no answer yet.
    InFlight,
    /// The portal has it durably.
    Acknowledged,
    /// Cannot be delivered; stays visible with its reason until the owner retries or discards it.
    Wedged,
}

/// What can happen to an intent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// It is about to be sent.
    Send,
    /// The link was lost, or the program started anew: nobody knows whether it arrived.
    Lost,
    /// The portal confirmed it.
    Acknowledge,
    /// It was refused for good, or cannot be rendered.
    Wedge,
    /// The owner wants it tried again.
    Retry,
    /// The owner gives it up.
    Discard,
}

/// What becomes of an intent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is now in this state.
    Now(State),
    /// It is removed.
    Gone,
}

/// The whole life of an intent in one table.
///
/// # Errors
/// [`StoreError::OutboxIllegal`] for everything that is not in the table.
pub const fn step(from: State, event: Event) -> Result<Outcome, StoreError> {
    Ok(Outcome::Now(match (from, event) {
        (State::Queued, Event::Send) => State::InFlight,
        (State::InFlight, Event::Lost) | (State::Wedged, Event::Retry) => State::Queued,
        (State::InFlight, Event::Acknowledge) => State::Acknowledged,
        (State::Queued | State::InFlight, Event::Wedge) => State::Wedged,
        (State::Queued | State::Wedged, Event::Discard) => return Ok(Outcome::Gone),
        (State::Queued, Event::Lost | Event::Acknowledge | Event::Retry)
        | (State::InFlight, Event::Send | Event::Retry | Event::Discard)
        | (State::Acknowledged, _)
        | (State::Wedged, Event::Send | Event::Lost | Event::Acknowledge | Event::Wedge) => {
            return Err(StoreError::OutboxIllegal { from, event });
        }
    }))
}

/// A change to the outbox, as part of a [`super::Commit`]. `Debug` hides the intent.
#[derive(Clone, PartialEq, Eq)]
pub enum OutboxChange {
    /// A new intent, queued behind the others.
    Add {
        /// Fresh random id.
        id: IntentId,
        /// Such as `consent` or `erase`.
        kind: String,
        /// The intent as JSON.
        intent: String,
    },
    /// It is about to be sent; counts an attempt.
    MarkInFlight(IntentId),
    /// The link it was sent on is gone: it waits again, in its old place.
    Requeue(IntentId),
    /// The portal confirmed it.
    Acknowledge(IntentId),
    /// It cannot be delivered, for this reason (a stable code).
    Wedge(IntentId, String),
    /// The owner wants it tried again.
    Retry(IntentId),
    /// The owner gives it up.
    Discard(IntentId),
}

impl fmt::Debug for OutboxChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Add { kind, .. } => write!(f, "Add({kind})"),
            Self::MarkInFlight(_) => f.write_str("MarkInFlight"),
            Self::Requeue(_) => f.write_str("Requeue"),
            Self::Acknowledge(_) => f.write_str("Acknowledge"),
            Self::Wedge(_, reason) => write!(f, "Wedge({reason})"),
            Self::Retry(_) => f.write_str("Retry"),
            Self::Discard(_) => f.write_str("Discard"),
        }
    }
}

/// One intent as stored. `Debug` hides its text.
#[derive(Clone, PartialEq, Eq)]
pub struct Intent {
    /// Its id.
    pub id: IntentId,
    /// Such as `consent` or `erase`.
    pub kind: String,
    /// The intent as JSON.
    pub intent: String,
    /// Where it stands.
    pub state: State,
    /// Why it is wedged.
    pub reason: Option<String>,
    /// How often it has been handed to the link.
    pub attempts: u32,
    /// When it was added, Unix milliseconds.
    pub queued_at: i64,
    /// When its state last changed, Unix milliseconds.
    pub changed_at: i64,
}

impl fmt::Debug for Intent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, state, reason, attempts, .. } = self;
        write!(f, "Intent {{ {kind}, {state:?}, reason: {reason:?}, attempts: {attempts} }}")
    }
}

/// All intents, oldest first; acknowledged ones included while they are kept.
pub(crate) fn all(agent: &Connection) -> Result<Vec<Intent>, StoreError> {
    select(agent, "ORDER BY position")
}

/// The oldest intent that waits to be sent. Wedged ones do not hold up those behind them.
pub(crate) fn next(agent: &Connection) -> Result<Option<Intent>, StoreError> {
    Ok(select(agent, "WHERE state = 0 ORDER BY position LIMIT 1")?.pop())
}

/// On start: what was in flight when the program ended is sent again, under the same id.
pub(crate) fn requeue_all(agent: &Connection) -> Result<(), StoreError> {
    agent.execute("UPDATE outbox SET state = 0 WHERE state = 1", []).map(drop).map_err(sql(AGENT_DB))
}

/// Carries out one change, inside the caller's transaction.
pub(crate) fn change(agent: &Connection, change: &OutboxChange, now: i64) -> Result<(), StoreError> {
    match change {
        OutboxChange::Add { id, kind, intent } => add(agent, *id, kind, intent, now),
        OutboxChange::MarkInFlight(id) => advance(agent, *id, Event::Send, None, now),
        OutboxChange::Requeue(id) => advance(agent, *id, Event::Lost, None, now),
        OutboxChange::Acknowledge(id) => advance(agent, *id, Event::Acknowledge, None, now),
        OutboxChange::Wedge(id, reason) => advance(agent, *id, Event::Wedge, Some(reason), now),
        OutboxChange::Retry(id) => advance(agent, *id, Event::Retry, None, now),
        OutboxChange::Discard(id) => advance(agent, *id, Event::Discard, None, now),
    }
}

/// Drops what was acknowledged long ago. Runs with other changes to the outbox, so that it never costs a write of its own.
pub(crate) fn expire(agent: &Connection, now: i64) -> Result<(), StoreError> {
    let before = now.saturating_sub(KEEP_ACKNOWLEDGED_MS);
    agent
        .execute("DELETE FROM outbox WHERE state = 2 AND changed_at < ?1", [before])
        .map(drop)
        .map_err(sql(AGENT_DB))
}

fn add(agent: &Connection, id: IntentId, kind: &str, intent: &str, now: i64) -> Result<(), StoreError> {
    if find(agent, id)?.is_some() {
        return Err(StoreError::OutboxDuplicate);
    }
    let waiting: i64 = agent
        .query_row("SELECT count(*) FROM outbox WHERE state <> 2", [], |row| row.get(0))
        .map_err(sql(AGENT_DB))?;
    if waiting.cast_unsigned() >= MAX_WAITING {
        return Err(StoreError::OutboxFull);
    }
    agent
        .execute(
            "INSERT INTO outbox (id, kind, intent, state, attempts, queued_at, changed_at)
             VALUES (?1, ?2, ?3, 0, 0, ?4, ?4)",
            params![id.0, kind, intent, now],
        )
        .map(drop)
        .map_err(sql(AGENT_DB))
}

fn advance(
    agent: &Connection,
    id: IntentId,
    event: Event,
    reason: Option<&str>,
    now: i64,
) -> Result<(), StoreError> {
    let from = find(agent, id)?.ok_or(StoreError::OutboxUnknown)?;
    let done = match step(from, event)? {
        Outcome::Gone => agent.execute("DELETE FROM outbox WHERE id = ?1", [id.0]),
        Outcome::Now(state) => agent.execute(
            "UPDATE outbox SET state = ?2, reason = ?3, attempts = attempts + ?4, changed_at = ?5 WHERE id = ?1",
            params![id.0, number(state), reason, i64::from(matches!(event, Event::Send)), now],
        ),
    };
    done.map(drop).map_err(sql(AGENT_DB))
}

fn find(agent: &Connection, id: IntentId) -> Result<Option<State>, StoreError> {
    let state: Option<i64> = agent
        .query_row("SELECT state FROM outbox WHERE id = ?1", [id.0], |row| row.get(0))
        .optional()
        .map_err(sql(AGENT_DB))?;
    state.map(|number| state_of(number).ok_or(StoreError::Damaged { file: AGENT_DB })).transpose()
}

fn select(agent: &Connection, clause: &str) -> Result<Vec<Intent>, StoreError> {
    let text = format!(
        "SELECT id, kind, intent, state, reason, attempts, queued_at, changed_at FROM outbox {clause}"
    );
    let read = |row: &Row<'_>| {
        let state = row.get(3)?;
        Ok(Intent {
            id: IntentId(row.get(0)?),
            kind: row.get(1)?,
            intent: row.get(2)?,
            state: state_of(state).ok_or(rusqlite::Error::IntegralValueOutOfRange(3, state))?,
            reason: row.get(4)?,
            attempts: row.get(5)?,
            queued_at: row.get(6)?,
            changed_at: row.get(7)?,
        })
    };
    let mut statement = agent.prepare(&text).map_err(sql(AGENT_DB))?;
    statement.query_map([], read).and_then(Iterator::collect).map_err(sql(AGENT_DB))
}

const fn number(state: State) -> i64 {
    match state {
        State::Queued => 0,
        State::InFlight => 1,
        State::Acknowledged => 2,
        State::Wedged => 3,
    }
}

const fn state_of(number: i64) -> Option<State> {
    match number {
        0 => Some(State::Queued),
        1 => Some(State::InFlight),
        2 => Some(State::Acknowledged),
        3 => Some(State::Wedged),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_transitions() {
        use Event::{Acknowledge, Discard, Lost, Retry, Send, Wedge};
        const EVENTS: [Event; 6] = [Send, Lost, Acknowledge, Wedge, Retry, Discard];
        let mut table = String::new();
        for from in [State::Queued, State::InFlight, State::Acknowledged, State::Wedged] {
            for event in EVENTS {
                let result = match step(from, event) {
                    Ok(Outcome::Now(state)) => format!("{state:?}"),
                    Ok(Outcome::Gone) => "gone".to_owned(),
                    Err(error) => {
                        assert_eq!(error, StoreError::OutboxIllegal { from, event });
                        continue;
                    }
                };
                table += &format!("{from:?} + {event:?} = {result}\n");
            }
        }
        assert_eq!(
            table,
            "Queued + Send = InFlight\n\
             Queued + Wedge = Wedged\n\
             Queued + Discard = gone\n\
             InFlight + Lost = Queued\n\
             InFlight + Acknowledge = Acknowledged\n\
             InFlight + Wedge = Wedged\n\
             Wedged + Retry = Queued\n\
             Wedged + Discard = gone\n"
        );
    }

    #[test]
    fn every_state_survives_storing() {
        for state in [State::Queued, State::InFlight, State::Acknowledged, State::Wedged] {
            assert_eq!(state_of(number(state)), Some(state));
        }
        assert_eq!(state_of(4), None);
    }

    #[test]
    fn ids_are_read_back_only_in_their_own_spelling() {
        let id = IntentId([0xa5; 16]);
        assert_eq!(IntentId::from_hex(&id.to_hex()), Some(id));
        for wrong in ["", "a5", &"A5".repeat(16), &"g5".repeat(16), &"a5".repeat(17)] {
            assert_eq!(IntentId::from_hex(wrong), None, "{wrong}");
        }
    }
}
