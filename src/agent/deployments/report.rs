//! What the portal is told of deployments, wishes and answers: codes and opaque ids (R15), rendered at the moment of sending (R24).

use serde::{Deserialize, Serialize};
use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::consent::Class;
use vestibule_protocol::deployment::DeploymentId;
use vestibule_protocol::id::OpaqueId;
use vestibule_protocol::message::{Answer, ItemReport, Report, ReportState, Request};
use vestibule_protocol::problem::Problem;

use super::Agent;
use crate::portal::session;
use crate::problem;
use crate::store::{
    Commit, DeploymentRow, DeploymentState, IntentId, JournalChange, MAX_WAITING, OutboxChange, RequestState,
    State,
};

/// Kinds of intents.
pub(super) const REPORT: &str = "report";
/// A wish of the owner.
pub(super) const REQUEST: &str = "request";
/// The owner's answer.
pub(super) const ANSWER: &str = "answer";

/// Kept back for what the owner decides: reports stop before the outbox is full.
const ROOM: u64 = 100;

/// How a deployment stands, as an intent. It holds codes and ids only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Said {
    deployment: DeploymentId,
    state: ReportState,
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    items: Vec<ItemReport>,
    time: u64,
}

/// An answer, as an intent.
#[derive(Serialize, Deserialize)]
pub(super) struct Answered {
    pub(super) question: Fixed<16>,
    pub(super) choice: Option<OpaqueId>,
}

/// A wish, as an intent: the words are looked up at the moment of sending.
#[derive(Serialize, Deserialize)]
pub(super) struct Wished {
    pub(super) request: Fixed<16>,
}

impl Said {
    /// Of a row as it is. Applying is told as approved: it is no state that lasts.
    pub(super) fn of(row: &DeploymentRow, now_ms: i64) -> Self {
        let item = |(n, item): (usize, &crate::store::ItemRow)| {
            let report = ItemReport {
                item: u32::try_from(n).unwrap_or(u32::MAX),
                thing: item.thing,
                base: item.base,
                code: item.code.clone(),
            };
            (item.thing.is_some() || item.base.is_some() || item.code.is_some()).then_some(report)
        };
        let state = match row.state {
            DeploymentState::Waiting => ReportState::Waiting,
            DeploymentState::Approved | DeploymentState::Applying => ReportState::Approved,
            DeploymentState::Verified => ReportState::Verified,
            DeploymentState::Settled => ReportState::Settled,
            DeploymentState::Refused => ReportState::Refused,
            DeploymentState::Conflict => ReportState::Conflict,
            DeploymentState::RolledBack => ReportState::RolledBack,
            DeploymentState::Undone => ReportState::Undone,
            DeploymentState::NeedsOwner => ReportState::NeedsOwner,
            DeploymentState::Expired => ReportState::Expired,
            DeploymentState::Superseded => ReportState::Superseded,
        };
        Self {
            deployment: row.id,
            state,
            code: row.code.clone(),
            items: row.items.iter().enumerate().filter_map(item).collect(),
            time: u64::try_from(now_ms / 1000).unwrap_or_default(),
        }
    }

    /// The same, as edited at home.
    pub(super) fn drifted(mut self) -> Self {
        self.state = ReportState::Drifted;
        self.items.retain(|item| item.code.is_some());
        self
    }
}

impl Agent {
    /// Reports as changes of the outbox, as far as there is room: a portal that makes us talk must not fill the disk.
    pub(super) fn room_for(&self, reports: Vec<Said>) -> Vec<OutboxChange> {
        let waiting = self.outbox.iter().filter(|intent| intent.state != State::Acknowledged).count();
        let room = MAX_WAITING.saturating_sub(ROOM).saturating_sub(waiting as u64);
        let add = |said: Said| self.intent(REPORT, &said).ok();
        reports.into_iter().filter_map(add).take(usize::try_from(room).unwrap_or_default()).collect()
    }

    /// An intent of ours, under an id of its own.
    pub(super) fn intent(&self, kind: &str, said: &impl Serialize) -> Result<OutboxChange, Problem> {
        let intent = serde_json::to_string(said).map_err(|_| problem::bad_request())?;
        Ok(OutboxChange::Add { id: IntentId(self.dice.bytes()), kind: kind.to_owned(), intent })
    }

    /// Whether a report of this deployment still waits to be sent.
    pub(super) fn report_waits(&self, id: DeploymentId) -> bool {
        self.outbox.iter().any(|intent| {
            intent.kind == REPORT
                && matches!(intent.state, State::Queued | State::InFlight)
                && serde_json::from_str::<Said>(&intent.intent).is_ok_and(|said| said.deployment == id)
        })
    }

    /// Renders an intent of ours; `None` when there is nothing to send any more.
    pub(in crate::agent) fn render(&self, id: IntentId, kind: &str, intent: &str) -> Option<session::Intent> {
        let fixed = Fixed(id.0);
        match kind {
            REPORT => {
                let said: Said = serde_json::from_str(intent).ok()?;
                if said.state == ReportState::Drifted && !self.tells_of_drift(&said) {
                    return None;
                }
                let Said { deployment, state, code, items, time } = said;
                Some(session::Intent::Report(Report { id: fixed, deployment, state, code, items, time }))
            }
            ANSWER => {
                let Answered { question, choice } = serde_json::from_str(intent).ok()?;
                Some(session::Intent::Answer(Answer { id: fixed, question, choice }))
            }
            REQUEST => {
                let Wished { request } = serde_json::from_str(intent).ok()?;
                let row = self.state.desk.requests.iter().find(|row| row.id == request)?;
                let withdrawn = row.state == RequestState::Withdrawn;
                Some(session::Intent::Request(Request {
                    id: request,
                    text: if withdrawn { String::new() } else { row.text.clone() },
                    rooms: if withdrawn { Vec::new() } else { row.rooms.clone() },
                    withdrawn,
                    time: u64::try_from(row.made_ms / 1000).unwrap_or_default(),
                }))
            }
            _ => None,
        }
    }

    /// R15: that something was edited at home is told only where its contents may leave anyway.
    fn tells_of_drift(&self, said: &Said) -> bool {
        let class = match self.deployment(said.deployment) {
            Some(row) if row.items.iter().all(|item| item.kind.starts_with("dashboard")) => Class::Dashboards,
            Some(_) | None => Class::Automations,
        };
        self.state.grants.consent.grants(class)
    }

    /// Drops what waits and cannot be sent any more.
    pub(in crate::agent) async fn drop_unsendable(&mut self) -> Result<(), Problem> {
        let ours = |kind: &str| matches!(kind, REPORT | ANSWER | REQUEST);
        let dead: Vec<IntentId> = self
            .outbox
            .iter()
            .filter(|intent| intent.state == State::Queued && ours(&intent.kind))
            .filter(|intent| self.render(intent.id, &intent.kind, &intent.intent).is_none())
            .map(|intent| intent.id)
            .collect();
        for id in dead {
            self.change_outbox(OutboxChange::Discard(id)).await?;
        }
        Ok(())
    }

    /// The portal has a wish.
    pub(in crate::agent) async fn wish_delivered(&mut self, id: IntentId) -> Result<(), Problem> {
        let Some(row) = self
            .state
            .desk
            .requests
            .iter_mut()
            .find(|row| row.id.0 == id.0 && row.state == RequestState::Made)
        else {
            return Ok(());
        };
        row.state = RequestState::Delivered;
        let change = JournalChange::Request(row.clone());
        let commit = Commit { journal: vec![change], ..Commit::at(self.clock.now_ms()) };
        self.store.commit(commit).await.map(drop).map_err(|error| problem::store(&error))
    }
}
