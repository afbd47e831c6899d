//! Changes to the journal, as part of a commit.

use std::fmt;

use rusqlite::{Connection, params};
use serde::Serialize;
use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::deployment::DeploymentId;

use super::rows::{DeploymentRow, QuestionRow, ReadRow, RequestRow, Work};
use super::steps::{StepRow, StepState};
use super::{READS, images, squeeze};
use crate::inbound::plan::{Image, Target};
use crate::outbound::reading::Text;
use crate::store::error::{AGENT_DB, StoreError, sql};

/// A change to the journal. `Debug` shows no text.
#[derive(Clone, PartialEq, Eq)]
pub enum JournalChange {
    /// A deployment that is new or has changed.
    Deployment(Box<DeploymentRow>),
    /// What is being done with a deployment's journal (its row exists).
    Work(DeploymentId, Work),
    /// The signed bytes of a deployment (its row exists).
    Envelope(DeploymentId, Vec<u8>),
    /// What the owner is shown of its plan, as JSON; `None` when there is nothing to show any more.
    Plan(DeploymentId, Option<Text>),
    /// A deployment is remembered no longer.
    Drop(DeploymentId),
    /// The steps of a deployment, in place of any that there were.
    Steps(DeploymentId, Vec<StepRow>),
    /// How far a step got, with what has become known on the way.
    Step(DeploymentId, StepNote),
    /// The images of a deployment go: it cannot be undone any more.
    DropSteps(DeploymentId),
    /// A question that is new or has changed.
    Question(QuestionRow),
    /// A question is remembered no longer.
    DropQuestion(Fixed<16>),
    /// A request that is new or has changed.
    Request(RequestRow),
    /// A request is remembered no longer.
    DropRequest(Fixed<16>),
    /// Readings of staff.
    Reads(Vec<ReadRow>),
}

/// How far a step got, with what has become known on the way. What is `None` stays as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepNote {
    /// The step.
    pub n: u32,
    /// Its new small part.
    pub state: StepState,
    /// Where it writes, when that has become known better.
    pub target: Option<Target>,
    /// What goes with the image before.
    pub beside: Option<Text>,
    /// The after-image as it was read back.
    pub after: Option<Image>,
    /// What was found instead.
    pub found: Option<Image>,
}

impl StepNote {
    /// The small part of a step, and nothing else.
    #[must_use]
    pub fn of(step: &StepRow) -> Self {
        let state = step.state.clone();
        Self { n: step.n, state, target: None, beside: None, after: None, found: None }
    }
}

impl fmt::Debug for JournalChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deployment(row) => row.fmt(f),
            Self::Work(id, work) => write!(f, "Work({id}, {work:?})"),
            Self::Envelope(id, _) => write!(f, "Envelope({id})"),
            Self::Plan(id, plan) => write!(f, "Plan({id}, {})", plan.is_some()),
            Self::Drop(id) => write!(f, "Drop({id})"),
            Self::Steps(id, steps) => write!(f, "Steps({id}, {})", steps.len()),
            Self::Step(id, note) => write!(f, "Step({id}, {}, {:?})", note.n, note.state),
            Self::DropSteps(id) => write!(f, "DropSteps({id})"),
            Self::Question(row) => row.fmt(f),
            Self::DropQuestion(_) => f.write_str("DropQuestion"),
            Self::Request(row) => row.fmt(f),
            Self::DropRequest(_) => f.write_str("DropRequest"),
            Self::Reads(rows) => write!(f, "Reads({})", rows.len()),
        }
    }
}

/// Carries out one change, inside the caller's transaction.
pub(crate) fn change(agent: &Connection, change: &JournalChange) -> Result<(), StoreError> {
    match change {
        JournalChange::Deployment(row) => put(agent, Table::Deployments, &row.id.0, row.received_ms, &**row),
        JournalChange::Work(id, work) => run(
            agent,
            "UPDATE deployments SET json = json_set(json, '$.work', json(?2)) WHERE id = ?1",
            params![id.0, json(work)?],
        ),
        JournalChange::Envelope(id, bytes) => {
            run(agent, "UPDATE deployments SET envelope = ?2 WHERE id = ?1", params![id.0, squeeze(bytes)?])
        }
        JournalChange::Plan(id, plan) => {
            let plan = plan.as_ref().map(text).transpose()?;
            run(agent, "UPDATE deployments SET plan = ?2 WHERE id = ?1", params![id.0, plan])
        }
        JournalChange::Drop(id) => {
            run(agent, "DELETE FROM steps WHERE deployment = ?1", params![id.0])?;
            run(agent, "DELETE FROM deployments WHERE id = ?1", params![id.0])
        }
        JournalChange::Steps(id, steps) => {
            run(agent, "DELETE FROM steps WHERE deployment = ?1", params![id.0])?;
            steps.iter().try_for_each(|step| add_step(agent, *id, step))
        }
        JournalChange::Step(id, note) => run(
            agent,
            "UPDATE steps SET json = ?3, after = coalesce(?4, after), found = coalesce(?5, found),
                 target = coalesce(?6, target), beside = coalesce(?7, beside)
             WHERE deployment = ?1 AND n = ?2",
            params![
                id.0,
                note.n,
                json(&note.state)?,
                note.after.as_ref().map(images::image).transpose()?,
                note.found.as_ref().map(images::image).transpose()?,
                note.target.as_ref().map(images::target).transpose()?,
                note.beside.as_ref().map(text).transpose()?
            ],
        ),
        JournalChange::DropSteps(id) => run(agent, "DELETE FROM steps WHERE deployment = ?1", params![id.0]),
        JournalChange::Question(row) => put(agent, Table::Questions, &row.id.0, row.received_ms, row),
        JournalChange::DropQuestion(id) => run(agent, "DELETE FROM questions WHERE id = ?1", params![id.0]),
        JournalChange::Request(row) => put(agent, Table::Requests, &row.id.0, row.made_ms, row),
        JournalChange::DropRequest(id) => run(agent, "DELETE FROM requests WHERE id = ?1", params![id.0]),
        JournalChange::Reads(rows) => add_reads(agent, rows),
    }
}

/// Tables of one kind: an id, a place in time, and JSON.
#[derive(Clone, Copy)]
enum Table {
    Deployments,
    Questions,
    Requests,
}

fn put(
    agent: &Connection,
    table: Table,
    id: &[u8; 16],
    at: i64,
    row: &impl Serialize,
) -> Result<(), StoreError> {
    let text = match table {
        Table::Deployments => {
            "INSERT INTO deployments (id, position, json) VALUES (?1, ?2, ?3)
             ON CONFLICT (id) DO UPDATE SET json = excluded.json"
        }
        Table::Questions => {
            "INSERT INTO questions (id, position, json) VALUES (?1, ?2, ?3)
             ON CONFLICT (id) DO UPDATE SET json = excluded.json"
        }
        Table::Requests => {
            "INSERT INTO requests (id, position, json) VALUES (?1, ?2, ?3)
             ON CONFLICT (id) DO UPDATE SET json = excluded.json"
        }
    };
    run(agent, text, params![id, at, json(row)?])
}

fn add_step(agent: &Connection, id: DeploymentId, step: &StepRow) -> Result<(), StoreError> {
    run(
        agent,
        "INSERT INTO steps (deployment, n, json, target, before, after, beside, found)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            id.0,
            step.n,
            json(&step.state)?,
            images::target(&step.target)?,
            images::image(&step.before)?,
            images::image(&step.after)?,
            step.beside.as_ref().map(text).transpose()?,
            step.found.as_ref().map(images::image).transpose()?
        ],
    )
}

fn add_reads(agent: &Connection, rows: &[ReadRow]) -> Result<(), StoreError> {
    for row in rows {
        run(
            agent,
            "INSERT OR REPLACE INTO reads (n, time, who, what) VALUES (?1, ?2, ?3, ?4)",
            params![row.n.cast_signed(), row.time.cast_signed(), row.who, row.what],
        )?;
    }
    run(
        agent,
        "DELETE FROM reads WHERE n NOT IN (SELECT n FROM reads ORDER BY n DESC LIMIT ?1)",
        params![READS],
    )
}

fn run(agent: &Connection, text: &str, with: impl rusqlite::Params) -> Result<(), StoreError> {
    agent.execute(text, with).map(drop).map_err(sql(AGENT_DB))
}

fn json(value: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|_| StoreError::BadValue { key: "journal".to_owned() })
}

fn text(text: &Text) -> Result<Vec<u8>, StoreError> {
    squeeze(text.reveal_to_journal().as_bytes())
}
