//! The owner's requests about deployments, one by one.

use vestibule_protocol::problem::Problem;

use super::Agent;
use super::views::{DeploymentView, RequestView, list};
use crate::control::{Reply, Request};
use crate::problem;

impl Agent {
    pub(in crate::agent) async fn on_desk_request(
        &mut self,
        request: Request,
        reply: Reply,
    ) -> Result<(), Problem> {
        let now = self.clock.now_ms();
        match request {
            Request::SetChange { change, policy } => {
                let answer = match self.may_set(change, policy) {
                    Err(problem) => Err(problem),
                    Ok(()) => {
                        let mut grants = self.state.grants.clone();
                        let changed = grants.consent.set_change(change, policy);
                        self.decide(grants, changed, true).await
                    }
                };
                reply.result(answer).await;
            }
            Request::Deployments => reply.result(self.list().await).await,
            Request::Deployment { id } => reply.result(self.view(id).await).await,
            Request::Approve { id, plan_hash, hosts, files } => {
                let answer = self.approve(id, plan_hash, &hosts, files).await;
                reply.result(answer).await;
            }
            Request::Reject { id } => {
                let answer = self.reject(id).await;
                reply.result(answer).await;
            }
            Request::Undo { id, overwrite } => self.undo(id, overwrite, reply).await?,
            Request::Enable { id, item } => self.enable(id, item, reply).await?,
            Request::ConfirmRestored => {
                let answer = self.confirm_restored().await;
                reply.result(answer).await;
            }
            Request::Block { key, on } => {
                let answer = self.block(key, on).await;
                reply.result(answer).await;
            }
            Request::Questions => reply.value(&self.question_views()).await,
            Request::AnswerQuestion { id, choice } => {
                let answer = self.answer(id, choice).await;
                reply.result(answer).await;
            }
            Request::Identify { thing } => self.identify(thing, reply).await,
            Request::Requests => {
                let views: Vec<RequestView> = self.state.desk.requests.iter().map(RequestView::of).collect();
                reply.value(&views).await;
            }
            Request::NewRequest { text, rooms } => {
                let answer = self.new_request(text, rooms).await;
                reply.result(answer).await;
            }
            Request::WithdrawRequest { id } => {
                let answer = self.withdraw_request(id).await;
                reply.result(answer).await;
            }
            Request::Reads => {
                let reads = self.store.reads(now).await.map_err(|error| problem::store(&error));
                reply.result(reads).await;
            }
            Request::Health
            | Request::Status
            | Request::Consent
            | Request::Grant { .. }
            | Request::Withdraw { .. }
            | Request::Exclude { .. }
            | Request::Include { .. }
            | Request::Restrict { .. }
            | Request::Meet { .. }
            | Request::Pair { .. }
            | Request::Forget { .. }
            | Request::Rotate
            | Request::Leaving
            | Request::Connection
            | Request::Preview { .. }
            | Request::Rooms
            | Request::RoomKind { .. }
            | Request::Things { .. }
            | Request::Report
            | Request::SendReport { .. }
            | Request::TakeReportsBack
            | Request::Marks => reply.result(Err::<bool, _>(problem::bad_request())).await,
        }
        Ok(())
    }

    async fn list(&self) -> Result<Vec<DeploymentView>, Problem> {
        let now = self.clock.now_ms();
        let mut views = Vec::new();
        for row in self.state.desk.deployments.iter().rev() {
            let plan = self.store.plan(now, row.id).await.map_err(|error| problem::store(&error))?;
            views.push(list(row, &self.state.desk, plan.as_ref()));
        }
        Ok(views)
    }
}
