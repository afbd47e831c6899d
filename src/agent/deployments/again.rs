//! What is said once more when home or portal was put back to an earlier state (R6). Either may be the one, so the home says how things
//! stand here, and a portal that knows it already changes nothing.

use serde::Serialize;
use vestibule_protocol::limits;
use vestibule_protocol::problem::Problem;

use super::Agent;
use super::report::{ANSWER, Answered, REQUEST, Said, Wished};
use crate::problem;
use crate::store::{
    DeploymentRow, DeploymentState, OutboxChange, QuestionRow, QuestionState, RequestRow, RequestState, State,
};

/// For so long a portal knows a wish again, in milliseconds. What is older it may have deleted for its age, and shall not have once more.
const REMEMBERED_MS: i64 = limits::OUTBOX_ID_SECONDS.cast_signed() * 1000;

impl Agent {
    /// The portal hears once more what has become of everything that was carried out, and of the owner's wishes. What still waits it
    /// sends again itself, and what it asks again is answered again.
    pub(in crate::agent) async fn tell_again(&mut self) -> Result<(), Problem> {
        let mut change = self.change();
        let now = change.commit.now;
        let carried_out = |row: &&DeploymentRow| {
            row.repairs.is_none()
                && !row.state.is_pending()
                && (row.ended.is_some() || row.state == DeploymentState::NeedsOwner)
        };
        let rows = self.state.desk.deployments.iter().filter(carried_out);
        change.reports =
            rows.filter(|row| !self.report_waits(row.id)).map(|row| Said::of(row, now)).collect();
        change.commit.outbox = self.wishes()?;
        // A portal that always says so must not make us talk without end (R22).
        let all = change.reports.len() + change.commit.outbox.len();
        if all == 0 || self.hears_too_much(all) {
            return Ok(());
        }
        self.keep(change).await
    }

    /// The portal asks what the owner has answered already.
    pub(super) async fn answer_again(&mut self, row: &QuestionRow) -> Result<(), Problem> {
        let over = matches!(row.state, QuestionState::Answered | QuestionState::Declined);
        let answered = Answered { question: row.id, choice: row.choice };
        if !over || self.waits(ANSWER, &answered)? {
            return Ok(());
        }
        let mut change = self.change();
        change.commit.outbox.push(self.intent(ANSWER, &answered)?);
        self.keep(change).await
    }

    /// Those that the portal had, unless it may have deleted them since; and that they were taken back, which is always safe to say.
    fn wishes(&self) -> Result<Vec<OutboxChange>, Problem> {
        let since = self.clock.now_ms().saturating_sub(REMEMBERED_MS);
        let mut again = Vec::new();
        for RequestRow { id, state, made_ms, .. } in &self.state.desk.requests {
            let wished = Wished { request: *id };
            let said = match state {
                RequestState::Made => false,
                RequestState::Delivered => *made_ms > since,
                RequestState::Withdrawn => true,
            };
            if said && !self.waits(REQUEST, &wished)? {
                again.push(self.intent(REQUEST, &wished)?);
            }
        }
        Ok(again)
    }

    /// Whether an intent that says the same still waits to be sent.
    fn waits(&self, kind: &str, said: &impl Serialize) -> Result<bool, Problem> {
        let text = serde_json::to_string(said).map_err(|_| problem::bad_request())?;
        let waits = |state| matches!(state, State::Queued | State::InFlight);
        Ok(self.outbox.iter().any(|known| known.kind == kind && waits(known.state) && known.intent == text))
    }
}
