//! The task at the desk: one job, from opening the desk to closing it.

use std::collections::BTreeSet;

use tokio::task::JoinHandle;
use vestibule_protocol::deployment::DeploymentId;

use super::walk::{self, Journal, Stopped};
use super::{Door, Errand, enable};
use crate::agent::notices::{Notice, Telling};
use crate::control::Reply;
use crate::home::desk::{Desk, DeskError, HomeDesk as _};
use crate::home::gather::{Gathered, gather};
use crate::home::places;
use crate::identity::IdKey;
use crate::inbound::apply::{End, Seen};
use crate::inbound::images::compare;
use crate::inbound::plan::Needs;
use crate::outbound::reading::HomeTrouble;
use crate::store::{StepRow, StoreError, Work};

/// What is to be done.
pub(super) enum Job {
    /// Read what a plan needs.
    Gather(DeploymentId, Needs, IdKey),
    /// Walk through a journal.
    Walk(Box<Journal>, Vec<StepRow>, Work),
    /// Look again at what is in place; what of it could still have been lost in a crash of Home Assistant.
    Look(Vec<(DeploymentId, Vec<StepRow>)>, BTreeSet<DeploymentId>),
    /// Tell the owner something through Home Assistant, or take it away there.
    Tell(Telling),
    /// Something small for the owner.
    Errand(Errand, Option<(Box<Journal>, Option<StepRow>)>),
}

/// What came of it.
pub(in crate::agent) enum Brought {
    Gathered(DeploymentId, Box<Gathered>),
    Walked(DeploymentId, End, Vec<StepRow>),
    /// With the time since when Home Assistant runs at the latest, Unix milliseconds, where that matters and is known.
    Looked(Vec<(DeploymentId, Vec<Option<Seen>>)>, Option<i64>),
    Told(Vec<Notice>),
    Ran(Errand, Result<(), DeskError>),
    /// Nothing: the home cannot be reached, and it is tried again later.
    Trouble(HomeTrouble, Option<Errand>),
    /// The home answers, but does not let us do this for that deployment.
    Refused(Option<DeploymentId>, DeskError),
    /// The journal cannot be written.
    Store(StoreError),
}

/// A job under way; dropping it ends it.
pub(super) struct Running(JoinHandle<Brought>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Running {
    /// Starts a job.
    pub(super) fn start(door: Door, job: Job) -> Self {
        Self(tokio::spawn(perform(door, job)))
    }

    /// What it brought, once it has ended.
    pub(super) async fn end(&mut self) -> Brought {
        // A job that broke off has left its journal where it was: it is as if the connection had been lost.
        (&mut self.0).await.unwrap_or(Brought::Trouble(HomeTrouble::Unreachable, None))
    }
}

async fn perform(door: Door, job: Job) -> Brought {
    let mut desk = match Desk::open(door.dial.as_ref(), &door.endpoint).await {
        Ok(desk) => desk,
        Err(trouble) => {
            let errand = if let Job::Errand(errand, _) = job { Some(errand) } else { None };
            return Brought::Trouble(trouble, errand);
        }
    };
    match job {
        Job::Gather(id, needs, key) => match gather(&mut desk, &needs, &key).await {
            Ok(gathered) => Brought::Gathered(id, Box::new(gathered)),
            Err(error) => failed(Some(id), error),
        },
        Job::Walk(journal, steps, work) => match walk::walk(&mut desk, &journal, steps, work).await {
            Ok((end, steps)) => Brought::Walked(journal.id, end, steps),
            Err(Stopped::Desk(error)) => failed(Some(journal.id), error),
            Err(Stopped::Store(error)) => Brought::Store(error),
        },
        Job::Look(deployments, unsettled) => match look(&mut desk, deployments, &unsettled).await {
            Ok((seen, since)) => Brought::Looked(seen, since),
            Err(error) => failed(None, error),
        },
        Job::Tell(telling) => match telling.perform(&mut desk).await {
            Ok(notices) => Brought::Told(notices),
            Err(trouble) => Brought::Trouble(trouble, None),
        },
        Job::Errand(errand, step) => {
            let done = match (&errand, step) {
                (Errand::Identify(entity, _), _) => places::identify(&mut desk, entity).await,
                (Errand::Enable(..), Some((journal, step))) => {
                    enable::switch_on(&mut desk, &journal, step).await
                }
                (Errand::Enable(..), None) => Err(DeskError::NotFound),
            };
            Brought::Ran(errand, done)
        }
    }
}

fn failed(id: Option<DeploymentId>, error: DeskError) -> Brought {
    if let DeskError::Trouble(trouble) = error {
        return Brought::Trouble(trouble, None);
    }
    Brought::Refused(id, error)
}

async fn look(
    desk: &mut Desk<'_>,
    deployments: Vec<(DeploymentId, Vec<StepRow>)>,
    unsettled: &BTreeSet<DeploymentId>,
) -> Result<(Vec<(DeploymentId, Vec<Option<Seen>>)>, Option<i64>), DeskError> {
    let mut all = Vec::new();
    let mut doubtful = false;
    for (id, steps) in deployments {
        let mut seen = Vec::new();
        for step in &steps {
            seen.push(match places::look(desk, &step.target, &step.after).await {
                Ok(found) => Some(compare(&step.target, &found.image, &step.before, &step.after, true)),
                Err(error @ DeskError::Trouble(_)) => return Err(error),
                Err(_) => None,
            });
        }
        doubtful |= unsettled.contains(&id) && seen.contains(&Some(Seen::Before));
        all.push((id, seen));
    }
    // All states are a large answer, asked for only where it tells a crash from somebody's decision.
    if !doubtful {
        return Ok((all, None));
    }
    match desk.oldest_state().await {
        Ok(since) => Ok((all, since)),
        Err(error @ DeskError::Trouble(_)) => Err(error),
        Err(_) => Ok((all, None)),
    }
}

impl Errand {
    /// Where the answer goes.
    pub(super) const fn reply(&self) -> &Reply {
        match self {
            Self::Identify(_, reply) | Self::Enable(.., reply) => reply,
        }
    }
}
