//! What homes say about deployments. Each item of an outbox counts once (R24); a report that does not fit what is known changes nothing.

use rusqlite::params;
use vestibule_protocol::limits;
use vestibule_protocol::message::{ItemReport, Report};

use super::homes::Linked;
use super::{Stop, Tx, deployments, handled, sessions};
use crate::life::State;

/// Longest code in a report, in bytes.
const CODE_BYTES: usize = 64;

/// With this code a home refuses what was withdrawn before it was carried out.
const WITHDRAWN: &str = "withdrawn";

/// Whether a report is one that an agent can send: codes and opaque ids only (R15).
#[must_use]
pub fn is_sound(report: &Report) -> bool {
    let is_code = |code: &Option<String>| {
        code.as_ref().is_none_or(|code| {
            (1..=CODE_BYTES).contains(&code.len())
                && code.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        })
    };
    let places: std::collections::BTreeSet<u32> = report.items.iter().map(|item| item.item).collect();
    is_code(&report.code)
        && report.items.iter().all(|item| is_code(&item.code))
        && report.items.iter().all(|item| (item.item as usize) < limits::ITEMS)
        && places.len() == report.items.len()
}

/// Takes a report.
///
/// # Errors
/// When the database cannot be written.
pub fn take(tx: &Tx<'_>, home: &Linked, tenant: i64, report: &Report) -> Result<(), Stop> {
    if handled::before(tx, home.id, &report.id)?.is_some() {
        return Ok(());
    }
    handled::note(tx, home.id, &report.id, &[])?;
    // A database that was put back may not know it; the home must not repeat itself for ever because of that.
    let Some(mut row) = deployments::find(tx.db, tenant, &report.deployment)?
        .filter(|row| row.home == home.id && row.handed.is_some())
    else {
        return Ok(());
    };
    let (next, implied) = State::reported(report.state);
    let code = report.code.as_deref().or(implied);
    // The home has heard that staff took it back: that is what became of it, and need not be told again.
    let heard = next == State::Refused && code == Some(WITHDRAWN);
    let anew = row.state.may_be_decided_anew(next)
        && sessions::restored_at(tx.db, home.id)?.is_some_and(|at| at >= row.changed);
    let legal = row.state.may_be_reported(next) || anew || heard && row.state == State::Withdrawn;
    let next = if heard { State::Withdrawn } else { next };
    let items = merged(&row.items, &report.items);
    // Told again after one of the two was put back to an earlier state (R6).
    if next == row.state && code == row.code.as_deref() && items == row.items {
        return Ok(());
    }
    if !legal {
        return deployments::act(tx, &row, "home", "report_out_of_order");
    }
    if items != row.items {
        let text = serde_json::to_string(&items).map_err(|_| Stop::NotStored)?;
        tx.db.execute("UPDATE deployment SET items = ?2 WHERE id = ?1", params![row.id, text])?;
    }
    deployments::enter(tx, &mut row, next, code, "home", "report")
}

/// What is known of each item: a later report says what is new, and the code as it is now.
fn merged(known: &[ItemReport], new: &[ItemReport]) -> Vec<ItemReport> {
    let mut items = known.to_vec();
    for item in new {
        match items.iter_mut().find(|known| known.item == item.item) {
            Some(known) => {
                known.thing = item.thing.or(known.thing);
                known.base = item.base.or(known.base);
                known.code.clone_from(&item.code);
            }
            None => items.push(item.clone()),
        }
    }
    items.sort_by_key(|item| item.item);
    items
}
