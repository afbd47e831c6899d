//! Which job comes next: found from what is remembered, so that a restart changes nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;
use vestibule_protocol::deployment::{self, DeploymentId};
use vestibule_protocol::problem::Problem;

use super::receive::is_held;
use super::walk::Journal;
use super::work::{Job, Running};
use super::{Agent, Errand};
use crate::identity::IdKey;
use crate::inbound::apply::{Phase, Way};
use crate::inbound::images::place;
use crate::inbound::plan::needs;
use crate::inbound::settle::SETTLE_MS;
use crate::problem;
use crate::store::{DeploymentRow, DeploymentState, StepRow};

/// Home Assistant may be starting: the desk is left alone for a moment, and longer each time.
const PAUSES: [u64; 5] = [1, 2, 5, 15, 60];
/// How often what is held is looked at again: a clock may have been set.
const RECONSIDER: Duration = Duration::from_secs(60);
/// Its time has passed.
const EXPIRED: &str = "expired";

impl Agent {
    /// Starts the next job, if the desk is free and the home is there. Called after every input.
    pub(in crate::agent) async fn work_on(&mut self) -> Result<(), Problem> {
        let paired = self.state.pairing.is_some() && self.state.forget_stub.is_none();
        if paired {
            self.expire().await?;
            if self.deployments.reconsider_at.is_none_or(|at| at <= Instant::now()) {
                self.deployments.reconsider_at = Some(Instant::now() + RECONSIDER);
                self.reconsider().await?;
            }
        }
        let rests = self.deployments.retry_at.is_some_and(|at| at > Instant::now());
        let ready = self.home.complete && self.home.trouble.is_none();
        if self.deployments.job.is_some() || rests || !ready {
            return Ok(());
        }
        let Some(door) = self.deployments.door.clone() else { return Ok(()) };
        let job = if paired { self.next_job().await? } else { None };
        if let Some(job) = job.or_else(|| self.telling().map(Job::Tell)) {
            self.deployments.job = Some(Running::start(door, job));
        }
        Ok(())
    }

    async fn next_job(&mut self) -> Result<Option<Job>, Problem> {
        let rows = &self.state.desk.deployments;
        let first = |state: DeploymentState| rows.iter().find(|row| row.state == state).map(|row| row.id);
        if let Some(id) = first(DeploymentState::Applying) {
            return self.walk_job(id).await;
        }
        if let Some(errand) = self.deployments.errands.pop_front() {
            let with = match (&errand, &self.keys) {
                (Errand::Enable(id, item, _), Some(keys)) => {
                    let journal = self.desk_journal(*id, keys.id_key.clone());
                    let step = self.steps(*id).await?.into_iter().find(|step| step.state.item == *item);
                    Some((Box::new(journal), step))
                }
                (Errand::Enable(..), None) | (Errand::Identify(..), _) => None,
            };
            return Ok(Some(Job::Errand(errand, with)));
        }
        // What is restricted stays as it is; what had begun is brought to its end above.
        if self.state.grants.consent.restricted {
            return Ok(None);
        }
        // R6: until the owner has confirmed, nothing new is begun.
        let held = self.is_held();
        let unplanned = |row: &&DeploymentRow| is_unplanned(row) && row.code.is_none();
        let next = rows.iter().find(unplanned).map(|row| row.id);
        if let Some(id) = first(DeploymentState::Approved).or(next).filter(|_| !held) {
            return self.gather_job(id).await;
        }
        if let Some(job) = self.look_job().await? {
            return Ok(Some(job));
        }
        if self.renames_are_due() {
            self.look_for_renames().await?;
            let offered = self.state.desk.deployments.iter().find(unplanned).map(|row| row.id);
            if let Some(id) = offered {
                return self.gather_job(id).await;
            }
        }
        Ok(None)
    }

    async fn gather_job(&mut self, id: DeploymentId) -> Result<Option<Job>, Problem> {
        let Some(keys) = &self.keys else { return Ok(None) };
        let key = keys.id_key.clone();
        if let Some(needs) = self.repair_needs(id).await? {
            return Ok(Some(Job::Gather(id, needs, key)));
        }
        let read = self.envelope(id).await?.and_then(|envelope| deployment::read(&envelope).ok());
        Ok(read.map(|deployment| Job::Gather(id, needs(&deployment), key)))
    }

    fn desk_journal(&self, id: DeploymentId, key: IdKey) -> Journal {
        Journal { store: self.store.clone(), clock: self.clock.clone(), key, id }
    }

    async fn walk_job(&mut self, id: DeploymentId) -> Result<Option<Job>, Problem> {
        let Some(keys) = &self.keys else { return Ok(None) };
        let journal = self.desk_journal(id, keys.id_key.clone());
        // A walk that was interrupted may have turned: the journal knows, the loop does not.
        let now = self.clock.now_ms();
        let stored = self.store.deployment(now, id).await.map_err(|error| problem::store(&error))?;
        let first = stored.as_ref().is_some_and(|row| row.ended.is_none());
        let Some(work) = stored.and_then(|row| row.work) else { return Ok(None) };
        let mut steps = self.steps(id).await?;
        if first && work.way == Way::Forward {
            // R42: what was written before this was interrupted may be lost, where Home Assistant died as well. It is looked at again.
            for step in steps.iter_mut().filter(|step| step.state.phase == Phase::Written) {
                step.state.phase = Phase::Writing;
            }
        }
        Ok(Some(Job::Walk(Box::new(journal), steps, work)))
    }

    /// R43, and drift: what is in place is read again when there is a reason to.
    async fn look_job(&mut self) -> Result<Option<Job>, Problem> {
        let now = self.clock.now_ms();
        let due = self.state.desk.deployments.iter().any(|row| settles_at(row).is_some_and(|at| at <= now));
        if !due && !self.deployments.look {
            return Ok(None);
        }
        let mut all = self.in_place().await?;
        self.deployments.look = false;
        all.retain(|(_, steps)| !steps.is_empty());
        // What has nothing of its own in place any more has nothing that could be lost.
        let over: Vec<DeploymentRow> = self
            .state
            .desk
            .deployments
            .iter()
            .filter(|row| settles_at(row).is_some_and(|at| at <= now))
            .filter(|row| all.iter().all(|(id, _)| *id != row.id))
            .cloned()
            .collect();
        for row in over {
            let mut change = self.change();
            change.say(DeploymentRow { state: DeploymentState::Settled, changed_ms: now, ..row });
            self.keep(change).await?;
        }
        let unsettled = |row: &&DeploymentRow| row.state == DeploymentState::Verified;
        let unsettled = self.state.desk.deployments.iter().filter(unsettled).map(|row| row.id).collect();
        Ok((!all.is_empty()).then_some(Job::Look(all, unsettled)))
    }

    /// The steps of everything that is in place and can be undone, without those whose place a later one has taken over.
    pub(super) async fn in_place(&self) -> Result<Vec<(DeploymentId, Vec<StepRow>)>, Problem> {
        let rows: Vec<DeploymentId> = self
            .state
            .desk
            .deployments
            .iter()
            .filter(|row| row.undoable && row.state.is_in_place())
            .map(|row| row.id)
            .collect();
        let mut owners: BTreeMap<String, usize> = BTreeMap::new();
        let mut all = Vec::new();
        for (nth, id) in rows.into_iter().enumerate() {
            let steps = self.steps(id).await?;
            for step in &steps {
                owners.insert(place(&step.target), nth);
            }
            all.push((id, steps));
        }
        for (nth, (_, steps)) in all.iter_mut().enumerate() {
            steps.retain(|step| owners.get(&place(&step.target)) == Some(&nth));
        }
        Ok(all)
    }

    pub(super) async fn steps(&self, id: DeploymentId) -> Result<Vec<StepRow>, Problem> {
        self.store.steps(self.clock.now_ms(), id).await.map_err(|error| problem::store(&error))
    }

    /// Ends what waits for longer than it may.
    async fn expire(&mut self) -> Result<(), Problem> {
        let now = self.clock.now_s().max(self.state.desk.trusting.clock_floor);
        let over = |row: &&DeploymentRow| {
            matches!(row.state, DeploymentState::Waiting | DeploymentState::Approved) && row.expires <= now
        };
        let over: Vec<DeploymentRow> = self.state.desk.deployments.iter().filter(over).cloned().collect();
        for row in over {
            let mut change = self.change();
            let code = Some(EXPIRED.to_owned());
            change.say(DeploymentRow { state: DeploymentState::Expired, code, ..row });
            self.keep(change).await?;
        }
        self.expire_questions(now).await
    }

    /// The desk is left alone for a moment.
    pub(super) fn rest(&mut self) {
        let nth = usize::try_from(self.deployments.attempts).unwrap_or_default().min(PAUSES.len() - 1);
        self.deployments.attempts = self.deployments.attempts.saturating_add(1);
        self.deployments.retry_at = Some(Instant::now() + Duration::from_secs(PAUSES[nth]));
    }

    /// When there is something to do although nothing comes from outside.
    pub(in crate::agent) fn desk_wakes_at(&self) -> Option<Instant> {
        let desk = &self.state.desk;
        if self.state.pairing.is_none() || self.deployments.door.is_none() {
            return None;
        }
        let now = self.clock.now_ms();
        let in_ms = |at: i64| {
            Instant::now() + Duration::from_millis(u64::try_from((at - now).max(0)).unwrap_or_default())
        };
        let settles = desk.deployments.iter().filter_map(settles_at).min().map(in_ms);
        let expires = desk
            .deployments
            .iter()
            .filter(|row| matches!(row.state, DeploymentState::Waiting | DeploymentState::Approved))
            .filter(|row| row.repairs.is_none())
            .map(|row| i64::try_from(row.expires).unwrap_or(i64::MAX / 1000).saturating_mul(1000))
            .min()
            .map(in_ms);
        let held = desk.deployments.iter().any(|row| is_held(row) || is_unplanned(row));
        let reconsider = self.deployments.reconsider_at.filter(|_| held);
        let retry = self.deployments.retry_at.filter(|at| *at > Instant::now());
        let ready = self.home.complete
            && self.home.trouble.is_none()
            && self.deployments.job.is_none()
            && !self.state.grants.consent.restricted;
        let rested = |at: Instant| retry.map_or(at, |retry| at.max(retry));
        let settles = settles.filter(|_| ready).map(rested);
        let renames = self.deployments.renames_at.filter(|_| ready && self.may_offer()).map(rested);
        [settles, expires, reconsider, retry, renames].into_iter().flatten().min()
    }
}

/// Believed, and without a plan; with a code, it cannot be planned before something has changed.
pub(super) fn is_unplanned(row: &DeploymentRow) -> bool {
    row.state == DeploymentState::Waiting && row.plan_hash.is_none() && !is_held(row)
}

/// When a deployment is to be read again (R43), in Unix milliseconds.
fn settles_at(row: &DeploymentRow) -> Option<i64> {
    let ended = row.ended.filter(|_| row.state == DeploymentState::Verified)?;
    Some(ended.verified_ms + SETTLE_MS)
}
