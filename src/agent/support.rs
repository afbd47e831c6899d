//! The support report on its way to the company: only what the owner has read, only when the owner says so, and back when the owner wants
//! that (class `support`: never granted, each time a decision of its own).

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::limits;
use vestibule_protocol::message::{Erase, Part, Support};
use vestibule_protocol::problem::Problem;

use super::Agent;
use crate::observe::report::Report;
use crate::portal::session;
use crate::problem;
use crate::store::{Commit, IntentId, OutboxChange, State};

/// A report, as an intent.
pub(super) const SUPPORT: &str = "support";
/// That every report be erased, as an intent.
pub(super) const TAKE_BACK: &str = "support_erase";
/// Reports that were shown and may still be sent: one for each page or command that is open.
const SHOWN: usize = 8;

/// What is to be sent is what was shown, so the words are kept, unlike those of other intents.
#[derive(Serialize, Deserialize)]
struct Sent {
    text: String,
    time: u64,
}

/// Reports that the owner was shown.
#[derive(Default)]
pub(super) struct Shown(VecDeque<(Fixed<32>, Sent)>);

impl Agent {
    /// A report of this moment, which may be sent from now on.
    pub(super) async fn show_report(&mut self) -> Result<Report, Problem> {
        let report = self.report().await?;
        let time = self.clock.now_s();
        self.shown.0.push_back((report.name(), Sent { text: report.words(), time }));
        while self.shown.0.len() > SHOWN {
            self.shown.0.pop_front();
        }
        Ok(report)
    }

    /// The owner wants a report sent that was shown.
    pub(super) async fn send_report(&mut self, name: Fixed<32>) -> Result<bool, Problem> {
        if self.state.pairing.is_none() {
            return Err(problem::not_paired());
        }
        let at = self.shown.0.iter().position(|(known, _)| *known == name);
        let (_, sent) = at.and_then(|at| self.shown.0.remove(at)).ok_or_else(problem::report_not_shown)?;
        if sent.text.len() > limits::SUPPORT_BYTES {
            return Err(problem::report_too_long());
        }
        let intent = serde_json::to_string(&sent).map_err(|_| problem::bad_request())?;
        let id = IntentId(self.dice.bytes());
        self.queue(vec![OutboxChange::Add { id, kind: SUPPORT.to_owned(), intent }]).await
    }

    /// The owner wants back every report that was sent; what has not left yet does not.
    pub(super) async fn take_reports_back(&mut self) -> Result<bool, Problem> {
        if self.state.pairing.is_none() {
            return Err(problem::not_paired());
        }
        let waiting = self
            .outbox
            .iter()
            .filter(|intent| intent.kind == SUPPORT && matches!(intent.state, State::Queued | State::Wedged));
        let mut changes: Vec<OutboxChange> = waiting.map(|intent| OutboxChange::Discard(intent.id)).collect();
        let id = IntentId(self.dice.bytes());
        changes.push(OutboxChange::Add { id, kind: TAKE_BACK.to_owned(), intent: "{}".to_owned() });
        self.queue(changes).await
    }

    async fn queue(&mut self, outbox: Vec<OutboxChange>) -> Result<bool, Problem> {
        let fails = |error| problem::store(&error);
        let now = self.clock.now_ms();
        self.store.commit(Commit { outbox, ..Commit::at(now) }).await.map_err(fails)?;
        self.outbox = self.store.outbox(now).await.map_err(fails)?;
        Ok(true)
    }
}

/// Renders an intent of ours.
pub(super) fn render(id: IntentId, kind: &str, intent: &str) -> Option<session::Intent> {
    let id = Fixed(id.0);
    match kind {
        SUPPORT => {
            let Sent { text, time } = serde_json::from_str(intent).ok()?;
            Some(session::Intent::Support(Support { id, text, time }))
        }
        TAKE_BACK => Some(session::Intent::Erase(Erase { id, only: Some(Part::Support) })),
        _ => None,
    }
}
