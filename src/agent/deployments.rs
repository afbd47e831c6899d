//! Deployments, in the loop: what came, what the owner says to it, and what the desk's task shall do next.
//!
//! The loop decides and remembers; it never waits for the home. One task at a time sits at the desk ([`work`]): it reads for a plan, walks
//! through a journal, looks again, or tells the owner. A walk writes its own steps into the journal, each before and after the deed; all
//! else is written by the loop, together with the report that follows from it. Whatever was interrupted is found in the journal and goes on.

mod again;
mod ask;
mod decide;
mod enable;
mod ended;
mod next;
mod offline;
mod owner;
mod plan;
mod receive;
mod repair;
mod report;
mod views;
mod walk;
mod wishes;
mod work;

pub use offline::{deployment, deployments, questions, reads, requests};
pub use views::{
    AbilityView, CandidateView, DeploymentView, DiffRow, ItemDiffView, ItemView, QuestionView, RequestView,
};
pub(in crate::agent) use work::Brought;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use tokio::time::Instant;
use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::deployment::DeploymentId;
use vestibule_protocol::problem::Problem;

use super::Agent;
use crate::control::Reply;
use crate::home::Endpoint;
use crate::kill::kill_point;
use crate::net::Dial;
use crate::outbound::reading::Text;
use crate::page::Place;
use crate::problem;
use crate::store::{Commit, DeploymentRow, Desk, JournalChange, Trusting};
use work::Running;

/// Where the desk is: the way to the home, and the proof that we may come in.
#[derive(Clone)]
pub struct Door {
    /// The way there.
    pub dial: Arc<dyn Dial>,
    /// Address and token.
    pub endpoint: Endpoint,
    /// Where the owner finds our page, if that is known.
    pub page: Option<Place>,
}

/// Something small that the owner wants done at the desk now.
pub(in crate::agent) enum Errand {
    Identify(Text, Reply),
    Enable(DeploymentId, u32, Reply),
}

/// The loop's side of deployments. What has to outlive it is in [`crate::store::Desk`].
#[derive(Default)]
pub(super) struct Deployments {
    door: Option<Door>,
    job: Option<Running>,
    errands: VecDeque<Errand>,
    /// Who waits to hear how an undo ends.
    undoing: Vec<(DeploymentId, Reply)>,
    /// Deployments on this link that could not be believed.
    unbelieved: u32,
    /// What the portal has said beside the inventory in the last day: since when, and how often.
    heard: (i64, u32),
    /// What is in place has to be looked at again.
    look: bool,
    /// After trouble at the desk it is left alone until then.
    retry_at: Option<Instant>,
    attempts: u32,
    /// When what is held is looked at again.
    reconsider_at: Option<Instant>,
    /// When it is looked at whether what is in place still names everything as the home does.
    renames_at: Option<Instant>,
    /// What the deployments in place name.
    named: BTreeMap<DeploymentId, repair::Named>,
    /// Keys of approvers that the owner has blocked.
    blocked: BTreeSet<[u8; 32]>,
}

impl Deployments {
    /// Deployments of an agent that can reach its home through this door; without one, nothing is carried out.
    pub(super) fn new(door: Option<Door>, desk: &Desk) -> Self {
        let blocked = receive::blocked(&desk.trusting);
        Self { door, blocked, look: true, ..Self::default() }
    }

    /// The home has been connected to afresh: it may have started again.
    pub(super) const fn reconnected(&mut self) {
        self.look = true;
    }

    /// Everything about a tenant has been forgotten; the desk stays where it is.
    pub(super) fn forget(&mut self, desk: &Desk) {
        *self = Self::new(self.door.take(), desk);
    }

    /// Where the owner finds our page.
    pub(super) fn place(&self) -> Option<Place> {
        self.door.as_ref().and_then(|door| door.page.clone())
    }

    /// Some dashboard has changed.
    pub(super) const fn look_again(&mut self) {
        self.look = true;
    }

    /// A new link: what the last one was guilty of is forgotten.
    pub(super) const fn new_link(&mut self) {
        self.unbelieved = 0;
    }

    /// What the job under way has brought, once it has ended.
    pub(super) async fn ended(&mut self) -> work::Brought {
        match &mut self.job {
            Some(running) => running.end().await,
            None => std::future::pending().await,
        }
    }
}

impl Agent {
    /// Makes changes durable, then believes them.
    async fn keep(&mut self, change: Change) -> Result<(), Problem> {
        let Change { mut commit, rows, trusting, reports } = change;
        let fails = |error| problem::store(&error);
        if let Some(trusting) = &trusting {
            commit.put(trusting).map_err(fails)?;
        }
        for row in &rows {
            commit.journal.insert(0, JournalChange::Deployment(Box::new(row.clone())));
        }
        let dropped: Vec<DeploymentId> = commit
            .journal
            .iter()
            .filter_map(|change| if let JournalChange::Drop(id) = change { Some(*id) } else { None })
            .collect();
        let told = reports.len() + commit.outbox.len() > 0;
        commit.outbox.extend(self.room_for(reports));
        kill_point("deploy.keeping");
        self.store.commit(commit).await.map_err(fails)?;
        kill_point("deploy.kept");
        if let Some(trusting) = trusting {
            self.deployments.blocked = receive::blocked(&trusting);
            self.state.desk.trusting = trusting;
        }
        if !rows.is_empty() {
            self.deployments.rows_have_changed();
        }
        for row in rows {
            let all = &mut self.state.desk.deployments;
            match all.iter_mut().find(|known| known.id == row.id) {
                Some(known) => *known = row,
                None => all.push(row),
            }
        }
        self.state.desk.deployments.retain(|row| !dropped.contains(&row.id));
        if told {
            self.outbox = self.store.outbox(self.clock.now_ms()).await.map_err(fails)?;
        }
        Ok(())
    }

    /// The row of a deployment.
    fn deployment(&self, id: DeploymentId) -> Option<&DeploymentRow> {
        self.state.desk.deployments.iter().find(|row| row.id == id)
    }

    /// An empty change of this moment.
    fn change(&self) -> Change {
        Change {
            commit: Commit::at(self.clock.now_ms()),
            rows: Vec::new(),
            trusting: None,
            reports: Vec::new(),
        }
    }
}

/// Changes that become durable together.
struct Change {
    commit: Commit,
    rows: Vec<DeploymentRow>,
    trusting: Option<Trusting>,
    reports: Vec<report::Said>,
}

impl Change {
    /// A row as it is now, with a report of it. Of a repair the portal hears nothing: it did not propose it.
    fn say(&mut self, row: DeploymentRow) {
        if row.repairs.is_none() {
            self.reports.push(report::Said::of(&row, self.commit.now));
        }
        self.rows.push(row);
    }

    /// A row as it is now, of which the portal need not know.
    fn note(&mut self, row: DeploymentRow) {
        self.rows.push(row);
    }

    /// Another change of the journal, after the rows.
    fn with(&mut self, change: JournalChange) {
        self.commit.journal.push(change);
    }
}

/// A new id of 16 random bytes.
fn fresh(agent: &Agent) -> Fixed<16> {
    Fixed(agent.dice.bytes())
}
