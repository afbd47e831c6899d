//! What a connected home has not heard yet: charters, who read it, deployments in the order of their sequence, questions.

use rusqlite::{Connection, params};
use vestibule_protocol::deployment::DeploymentId;
use vestibule_protocol::limits::PENDING;
use vestibule_protocol::message::{Ask, Read};

use super::charters::{self, Kept};
use super::deployments::{self, Of};
use super::homes::{self, Right};
use super::{Stop, Tx, questions};
use crate::life::State;
use crate::world::Seconds;

/// Readings told in one message.
const READS: u32 = 200;

/// What is due for a home.
#[derive(Debug, Default)]
pub struct Due {
    /// Deployments that it was given and has not reported on, by row, in the order of their sequence.
    pub deploys: Vec<i64>,
    /// Those that were taken back after it was given them.
    pub withdrawn: Vec<DeploymentId>,
    /// Questions that are open.
    pub asks: Vec<Ask>,
}

/// The highest sequence ever handed out to a home (R32).
///
/// # Errors
/// When the database cannot be read.
pub fn sequence(db: &Connection, home: i64) -> Result<u64, Stop> {
    Ok(db.prepare_cached("SELECT sequence FROM home WHERE id = ?1")?.query_row([home], |row| row.get(0))?)
}

/// What can be seen without a transaction that writes; most homes have nothing of all this.
#[derive(Debug)]
pub struct Glance {
    /// Charters that it lacks.
    pub charters: Vec<Kept>,
    /// Who has read its records (R30), oldest first.
    pub reads: Vec<Read>,
    /// Whether [`hand_out`] has anything to give.
    pub waiting: bool,
}

/// Looks for what a home with this version of the charter, and told of readings up to this position, has not heard.
///
/// # Errors
/// When the database cannot be read.
pub fn glance(
    db: &Connection,
    (tenant, home): (i64, i64),
    charter: u32,
    read: u64,
    now: Seconds,
) -> Result<Glance, Stop> {
    Ok(Glance {
        charters: charters::list(db, tenant, Some(charter))?,
        reads: reads(db, home, read)?,
        waiting: is_waiting(db, home, now)?,
    })
}

fn is_waiting(db: &Connection, home: i64, now: Seconds) -> Result<bool, Stop> {
    let due = |state| matches!(state, State::Approved | State::Queued | State::Delivered);
    Ok(!deployments::in_states(db, Of::Home(home), due)?.is_empty()
        || !withdrawn(db, home, now)?.is_empty()
        || !questions::open(db, home, now)?.is_empty())
}

/// Hands out what is queued, as far as the home has room for it; says what is to be sent, also what was handed out before and not
/// reported on since. What is durable here leaves afterwards, so that `welcome.sequence` never lies.
///
/// # Errors
/// [`Stop::Replaced`] and [`Stop::Erased`].
pub fn hand_out(tx: &Tx<'_>, right: Right) -> Result<Due, Stop> {
    let home = homes::linked(tx, right)?;
    if home.consent.restricted {
        return Ok(Due::default());
    }
    let now = tx.now();
    deployments::end(tx, Of::Home(home.id))?;
    for mut row in deployments::in_states(tx.db, Of::Home(home.id), |state| state == State::Approved)? {
        deployments::enter(tx, &mut row, State::Queued, None, "portal", "queue")?;
    }
    let pending = deployments::in_states(tx.db, Of::Home(home.id), State::is_pending)?.len();
    let queued = deployments::in_states(tx.db, Of::Home(home.id), |state| state == State::Queued)?;
    for mut row in queued.into_iter().take(PENDING.saturating_sub(pending)) {
        tx.db
            .prepare_cached("UPDATE deployment SET handed = ?2 WHERE id = ?1")?
            .execute(params![row.id, now])?;
        tx.db
            .prepare_cached("UPDATE home SET sequence = max(sequence, ?2) WHERE id = ?1")?
            .execute(params![home.id, row.sequence])?;
        deployments::enter(tx, &mut row, State::Delivered, None, "portal", "deliver")?;
    }
    supersede(tx, home.id)?;
    let delivered = deployments::in_states(tx.db, Of::Home(home.id), |state| state == State::Delivered)?;
    Ok(Due {
        deploys: delivered.iter().map(|row| row.id).collect(),
        withdrawn: withdrawn(tx.db, home.id, now)?,
        asks: questions::open(tx.db, home.id, now)?,
    })
}

/// The home may not know any more what waited there (R6): it is given it again, and told again what was taken back. One that does know
/// says how it stands.
///
/// # Errors
/// When the database cannot be written.
pub fn take_back(tx: &Tx<'_>, home: i64) -> Result<(), Stop> {
    let waits = |state: State| state != State::Delivered && state.is_pending();
    for mut row in deployments::in_states(tx.db, Of::Home(home), waits)? {
        deployments::enter(tx, &mut row, State::Delivered, None, "portal", "deliver_again")?;
    }
    for mut row in deployments::in_states(tx.db, Of::Home(home), |state| state == State::Withdrawn)? {
        if row.handed.is_some() && row.code.is_some() && row.expires > tx.now() {
            deployments::enter(tx, &mut row, State::Withdrawn, None, "portal", "withdraw_again")?;
        }
    }
    Ok(())
}

/// R32: what stands below the highest sequence that was handed out could not be applied any more.
fn supersede(tx: &Tx<'_>, home: i64) -> Result<(), Stop> {
    let floor = sequence(tx.db, home)?;
    for mut row in deployments::in_states(tx.db, Of::Home(home), State::is_open)? {
        if row.sequence < floor {
            deployments::enter(tx, &mut row, State::Superseded, None, "portal", "supersede")?;
        }
    }
    Ok(())
}

fn withdrawn(db: &Connection, home: i64, now: Seconds) -> Result<Vec<DeploymentId>, Stop> {
    let rows = deployments::in_states(db, Of::Home(home), |state| state == State::Withdrawn)?;
    Ok(rows
        .into_iter()
        .filter(|row| row.handed.is_some() && row.expires > now && row.code.is_none())
        .map(|row| row.deployment)
        .collect())
}

/// Who has read the home's records after position `after` of the audit trail, oldest first.
fn reads(db: &Connection, home: i64, after: u64) -> Result<Vec<Read>, Stop> {
    Ok(db
        .prepare_cached(
            "SELECT n, at, actor, verb FROM audit_detail JOIN audit USING (n)
             WHERE home = ?1 AND n > ?2 AND n > (SELECT reads_told FROM home WHERE id = ?1)
               AND substr(verb, 1, 5) = 'read_' ORDER BY n LIMIT ?3",
        )?
        .query_map(params![home, after, READS], |row| {
            let verb: String = row.get(3)?;
            let what = verb.trim_start_matches("read_").to_owned();
            Ok(Read { n: row.get(0)?, time: row.get(1)?, who: row.get(2)?, what })
        })?
        .collect::<Result<_, _>>()?)
}

/// Notes that the home has received what was read up to this position.
///
/// # Errors
/// [`Stop::Replaced`] and [`Stop::Erased`].
pub fn reads_told(tx: &Tx<'_>, right: Right, n: u64) -> Result<(), Stop> {
    homes::linked(tx, right)?;
    tx.db
        .prepare_cached("UPDATE home SET reads_told = max(reads_told, ?2) WHERE id = ?1")?
        .execute(params![right.home, n])?;
    Ok(())
}
