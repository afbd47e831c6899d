//! What the owner says: yes, no, take it back, go on after a restore. Durable before it takes effect.

use std::collections::BTreeSet;

use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::consent::{Change as Kind, Policy};
use vestibule_protocol::deployment::DeploymentId;
use vestibule_protocol::problem::Problem;

use super::Agent;
use super::views::{DeploymentView, show};
use crate::control::Reply;
use crate::inbound::apply::{Way, Why};
use crate::kill::kill_point;
use crate::problem;
use crate::store::{Commit, DeploymentRow, DeploymentState, JournalChange, Trusting, Work};

/// The owner said no.
const DECLINED: &str = "declined";
/// No deadline: what is taken back is taken back, however long it takes.
const NO_DEADLINE: i64 = i64::MAX;

impl Agent {
    /// The owner's yes, to exactly this plan.
    pub(in crate::agent) async fn approve(
        &mut self,
        id: DeploymentId,
        plan_hash: Option<Fixed<32>>,
        hosts: &BTreeSet<String>,
        files: BTreeSet<String>,
    ) -> Result<DeploymentView, Problem> {
        let row = self.known(id)?.clone();
        if row.state == DeploymentState::Approved || row.state == DeploymentState::Applying {
            return self.view(id).await;
        }
        if row.state != DeploymentState::Waiting {
            return Err(problem::not_waiting(row.state.name()));
        }
        let Some(hash) = row.plan_hash else { return Err(problem::not_planned_yet(row.code.as_deref())) };
        if plan_hash.is_some_and(|seen| seen != hash) {
            return Err(problem::plan_changed());
        }
        let shown = self.view(id).await?;
        if let Some(host) = shown.refused_hosts.iter().find(|host| !hosts.contains(*host)) {
            return Err(problem::host_not_allowed(host));
        }
        if let Some(file) = shown.files.difference(&files).next() {
            return Err(problem::file_not_agreed(file));
        }
        let row = DeploymentRow {
            state: DeploymentState::Approved,
            code: None,
            approved: Some(hash),
            hosts: row.hosts.iter().chain(hosts).cloned().collect(),
            changed_ms: self.clock.now_ms(),
            ..row
        };
        let mut change = self.change();
        change.say(row);
        if !shown.files.is_empty() {
            // Asked before the first write to a file, and not again.
            let mut trusting = self.state.desk.trusting.clone();
            trusting.files.extend(shown.files);
            change.trusting = Some(trusting);
        }
        self.keep(change).await?;
        kill_point("deploy.approved");
        self.view(id).await
    }

    /// The owner's no.
    pub(in crate::agent) async fn reject(&mut self, id: DeploymentId) -> Result<DeploymentView, Problem> {
        let row = self.known(id)?.clone();
        if !matches!(row.state, DeploymentState::Waiting | DeploymentState::Approved) {
            return Err(problem::not_waiting(row.state.name()));
        }
        let code = Some(DECLINED.to_owned());
        let changed_ms = self.clock.now_ms();
        let mut change = self.change();
        change.say(DeploymentRow { state: DeploymentState::Refused, code, changed_ms, ..row });
        self.keep(change).await?;
        self.view(id).await
    }

    /// Takes back what a deployment has done. Answers when that has ended, where the home can be reached.
    pub(in crate::agent) async fn undo(
        &mut self,
        id: DeploymentId,
        overwrite: bool,
        reply: Reply,
    ) -> Result<(), Problem> {
        match self.begin_undo(id, overwrite).await {
            Ok(()) if self.desk_is_open().is_ok() => self.deployments.undoing.push((id, reply)),
            Ok(()) => reply.result(self.view(id).await).await,
            Err(problem) => reply.result(Err::<DeploymentView, _>(problem)).await,
        }
        Ok(())
    }

    /// Whether something can be done at the desk right now.
    pub(super) fn desk_is_open(&self) -> Result<(), Problem> {
        if self.deployments.door.is_none() {
            return Err(problem::no_daemon());
        }
        let ready = self.home.complete && self.home.trouble.is_none();
        if ready { Ok(()) } else { Err(problem::home_not_ready(self.home.trouble)) }
    }

    /// Whether something is being written or taken back at this moment.
    pub(in crate::agent) fn is_writing(&self) -> bool {
        let applying = |row: &DeploymentRow| row.state == DeploymentState::Applying;
        self.state.desk.deployments.iter().any(applying) && self.desk_is_open().is_ok()
    }

    async fn begin_undo(&mut self, id: DeploymentId, overwrite: bool) -> Result<(), Problem> {
        let row = self.known(id)?.clone();
        let undoable = row.undoable && (row.state.is_in_place() || row.state == DeploymentState::NeedsOwner);
        if !undoable {
            return Err(problem::not_undoable());
        }
        // An undo that the owner insists on begins anew, with what was left before.
        let mut change = self.change();
        if row.state == DeploymentState::NeedsOwner {
            for step in self.steps(id).await? {
                if step.state.phase == crate::inbound::apply::Phase::Left {
                    let mut state = step.state;
                    state.phase = crate::inbound::apply::Phase::Written;
                    change.with(JournalChange::Step(
                        id,
                        crate::store::StepNote {
                            n: step.n,
                            state,
                            target: None,
                            beside: None,
                            after: None,
                            found: None,
                        },
                    ));
                }
            }
        }
        let way = Way::Back(Why::Undo { overwrite });
        let work = Some(Work { way, verified: true, deadline: NO_DEADLINE, stood: Some(row.state) });
        let changed_ms = self.clock.now_ms();
        change.note(DeploymentRow { state: DeploymentState::Applying, work, changed_ms, ..row });
        self.keep(change).await?;
        kill_point("deploy.undoing");
        Ok(())
    }

    /// Tells whoever waits how an undo has ended.
    pub(super) async fn answer_undo(&mut self, id: DeploymentId, unsafe_undo: bool) -> Result<(), Problem> {
        let (asked, rest) =
            std::mem::take(&mut self.deployments.undoing).into_iter().partition(|(of, _)| *of == id);
        self.deployments.undoing = rest;
        let asked: Vec<(DeploymentId, Reply)> = asked;
        for (_, reply) in asked {
            let answer = if unsafe_undo { Err(problem::edited_since()) } else { self.view(id).await };
            reply.result(answer).await;
        }
        Ok(())
    }

    /// R6: the owner knows that this home was restored or copied, and lets deployments go on.
    pub(in crate::agent) async fn confirm_restored(&mut self) -> Result<bool, Problem> {
        if !self.is_held() {
            return Ok(false);
        }
        let mut session = self.state.session.clone();
        (session.restored, session.cloned) = (false, false);
        let trusting = &self.state.desk.trusting;
        if trusting.restored_sequence.is_none() {
            return Err(problem::not_met_since());
        }
        // R32: only the owner's word makes the portal's number count.
        let trusting = Trusting {
            last_sequence: trusting.last_sequence.max(trusting.restored_sequence.unwrap_or_default()),
            restored_sequence: None,
            ..trusting.clone()
        };
        let fails = |error| problem::store(&error);
        let mut change = self.change();
        change.commit.put(&session).map_err(fails)?;
        change.trusting = Some(trusting);
        self.keep(change).await?;
        self.state.session = session;
        self.reconsider().await?;
        Ok(true)
    }

    /// R33: blocks an approver's key, or lets it count again.
    pub(in crate::agent) async fn block(&mut self, key: Fixed<32>, on: bool) -> Result<bool, Problem> {
        let mut trusting = self.state.desk.trusting.clone();
        let changed = if on { trusting.blocked.insert(key) } else { trusting.blocked.remove(&key) };
        let mut change = self.change();
        change.trusting = Some(trusting);
        self.keep(change).await?;
        Ok(changed)
    }

    /// Whether a kind of change may be allowed (R33, R38).
    pub(in crate::agent) fn may_set(&self, kind: Kind, policy: Option<Policy>) -> Result<(), Problem> {
        if policy.is_none() {
            return Ok(());
        }
        if self.state.desk.trusting.charter.is_none() {
            return Err(problem::no_charter());
        }
        if policy == Some(Policy::Trust) && kind != Kind::Dashboards {
            return Err(problem::trust_only_dashboards());
        }
        Ok(())
    }

    /// A deployment as the owner is shown it.
    pub(in crate::agent) async fn view(&self, id: DeploymentId) -> Result<DeploymentView, Problem> {
        let row = self.known(id)?;
        let plan = self.store.plan(self.clock.now_ms(), id).await.map_err(|error| problem::store(&error))?;
        Ok(show(row, &self.state.desk, plan.as_ref()))
    }

    fn known(&self, id: DeploymentId) -> Result<&DeploymentRow, Problem> {
        self.deployment(id).ok_or_else(problem::no_such_deployment)
    }

    /// After `welcome`: what the portal handed out before it noticed that this home was restored (R32).
    pub(in crate::agent) fn note_restored(
        &self,
        commit: &mut Commit,
        sequence: u64,
    ) -> Result<Option<Trusting>, Problem> {
        let trusting = &self.state.desk.trusting;
        if trusting.restored_sequence.is_some() {
            return Ok(None);
        }
        let trusting = Trusting { restored_sequence: Some(sequence), ..trusting.clone() };
        commit.put(&trusting).map_err(|error| problem::store(&error))?;
        Ok(Some(trusting))
    }
}
