//! Looking without a daemon: the store is read, never locked.

use std::io::Write;

use serde::Serialize;
use serde::de::DeserializeOwned;
use vestibule_protocol::problem::Problem;

use super::views::{ConsentView, Side, Status, Traffic, Waiting};
use crate::clock::Clock;
use crate::control::{Daemon, Request};
use crate::problem;
use crate::settings::Settings;
use crate::store::{
    AgentState, DeploymentRow, DeploymentState, Folder, Intent, Mark, QuestionRow, QuestionState, Reader,
    State, Usage,
};

/// What `last_day` covers.
pub(super) const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// The daemon of the data folder, if one answers.
pub async fn daemon(settings: &Settings) -> Option<Daemon> {
    Daemon::at(&settings.data_dir).await
}

/// Reads an answer.
///
/// # Errors
/// `daemon_gone` when daemon and command are of versions that do not fit.
pub fn parse<T: DeserializeOwned>(json: &str) -> Result<T, Problem> {
    serde_json::from_str(json).map_err(|_| problem::bad_request())
}

/// Marks that only a running daemon knows.
pub async fn marks(settings: &Settings) -> Vec<(u64, Mark)> {
    let Some(daemon) = daemon(settings).await else { return Vec::new() };
    let Ok(json) = daemon.ask_one(&Request::Marks).await else { return Vec::new() };
    read_marks(&json)
}

/// Reads the answer to [`Request::Marks`].
#[must_use]
pub fn read_marks(json: &str) -> Vec<(u64, Mark)> {
    let rows: Vec<(u64, String)> = serde_json::from_str(json).unwrap_or_default();
    rows.into_iter()
        .map(|(row, mark)| (row, if mark == Mark::Sent.name() { Mark::Sent } else { Mark::Unknown }))
        .collect()
}

pub(super) fn reader(settings: &Settings) -> Result<Option<Reader>, Problem> {
    if !settings.data_dir.exists() {
        return Ok(None);
    }
    let folder = Folder::existing(&settings.data_dir).map_err(|error| problem::store(&error))?;
    Reader::open(&folder).map(Some).map_err(|error| problem::store(&error))
}

/// What the store holds; `None` where there is none yet.
///
/// # Errors
/// What the store says.
pub fn state(settings: &Settings) -> Result<Option<AgentState>, Problem> {
    reader(settings)?.map(|reader| reader.load().map_err(|error| problem::store(&error))).transpose()
}

/// What the owner allows.
///
/// # Errors
/// What the store says.
pub fn consent(settings: &Settings) -> Result<ConsentView, Problem> {
    Ok(state(settings)?.map(|state| view(&state)).unwrap_or_default())
}

/// What the owner allows, of a state.
#[must_use]
pub fn view(state: &AgentState) -> ConsentView {
    ConsentView {
        consent: state.grants.consent.clone(),
        excluded: state.grants.excluded.iter().cloned().collect(),
    }
}

/// Writes a copy of everything held as JSON lines, except keys and tokens, which are of use to nobody but this installation (S29).
///
/// # Errors
/// What the store says, or `output`.
pub fn export(folder: &Folder, marks: &[(u64, Mark)], out: &mut dyn Write) -> Result<(), Problem> {
    let fails = |error| problem::store(&error);
    let reader = Reader::open(folder).map_err(fails)?;
    let state = reader.load().map_err(fails)?;
    if state.pairing.is_some() {
        line(out, "pairing", &state.pairing)?;
    }
    line(out, "consent", &view(&state))?;
    line(out, "area_kinds", &state.area_kinds)?;
    if let Some(carried) = &state.carried {
        line(out, "carried_over", &(&carried.excluded, &carried.kinds))?;
    }
    line(out, "ordinals", &state.ordinals.given.len())?;
    line(out, "orphans", &state.orphans.ids.len())?;
    line(out, "trusting", &state.desk.trusting)?;
    for row in &state.desk.deployments {
        line(out, "deployment", row)?;
    }
    for row in &state.desk.questions {
        line(out, "question", row)?;
    }
    for row in &state.desk.requests {
        line(out, "request", row)?;
    }
    for read in reader.reads().map_err(fails)? {
        line(out, "read", &read)?;
    }
    for intent in reader.outbox().map_err(fails)? {
        line(out, "outbox", &(intent.kind, intent.intent, intent.queued_at))?;
    }
    reader.export(marks, out).map_err(fails)?;
    out.flush().map_err(|error| problem::output(&error))
}

fn line(out: &mut dyn Write, kind: &str, value: &impl Serialize) -> Result<(), Problem> {
    let json = serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned());
    writeln!(out, "{{\"kind\":\"{kind}\",\"value\":{json}}}").map_err(|error| problem::output(&error))
}

/// How things stand while no daemon runs.
///
/// # Errors
/// What the store says.
pub fn status(settings: &Settings, clock: &Clock) -> Result<Status, Problem> {
    let resting = Side { problem: Some(problem::no_daemon()), ..Side::default() };
    let mut status = Status { home: resting.clone(), portal: resting, ..Status::default() };
    let Some(reader) = reader(settings)? else { return Ok(status) };
    let state = reader.load().map_err(|error| problem::store(&error))?;
    fill(&mut status, &state);
    let usage = reader.usage(clock.now_ms() - DAY_MS, &[]).map_err(|error| problem::store(&error))?;
    status.last_day = traffic(&usage);
    status.outbox = waiting(&reader.outbox().map_err(|error| problem::store(&error))?);
    Ok(status)
}

/// What stands in the store already.
pub(super) fn fill(status: &mut Status, state: &AgentState) {
    if let Some(pairing) = &state.pairing {
        status.fingerprint = Some(pairing.fingerprint.to_string());
        status.tenant = Some(pairing.tenant.to_string());
        status.tenant_name = Some(pairing.tenant_name.clone());
    }
    status.restricted = state.grants.consent.restricted;
    status.forgetting = state.forget_stub.is_some();
    let waits = |row: &&DeploymentRow| row.state == DeploymentState::Waiting;
    status.waiting = state.desk.deployments.iter().filter(waits).count() as u64;
    let open = |row: &&QuestionRow| row.state == QuestionState::Open;
    status.questions = state.desk.questions.iter().filter(open).count() as u64;
}

pub(super) fn traffic(usage: &Usage) -> Traffic {
    Traffic {
        frames_out: usage.out_frames,
        bytes_out: usage.out_bytes,
        frames_in: usage.in_frames,
        bytes_in: usage.in_bytes,
    }
}

pub(super) fn waiting(intents: &[Intent]) -> Vec<Waiting> {
    let state = |state| match state {
        State::Queued => Some("queued"),
        State::InFlight => Some("in_flight"),
        State::Wedged => Some("wedged"),
        State::Acknowledged => None,
    };
    intents
        .iter()
        .filter_map(|intent| {
            let state = state(intent.state)?.to_owned();
            Some(Waiting { kind: intent.kind.clone(), state, reason: intent.reason.clone() })
        })
        .collect()
}
