//! `vestibule forget`

use vestibule_protocol::problem::Problem;

use super::output::{Output, ask};
use crate::agent::{DeploymentView, Forgotten, Hand};
use crate::control::Request;
use crate::problem;
use crate::settings::Settings;

const QUESTION: &str = "Erase everything that Vestibule keeps here, the ledger included, and what the portal holds of this home?";

/// What becomes of what deployments have put into the home.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deployed {
    /// It is undone first.
    Undo,
    /// It stays.
    Keep,
}

impl Deployed {
    /// As the flags `--undo` and `--keep` say.
    pub(super) const fn of(undo: bool, keep: bool) -> Option<Self> {
        match (undo, keep) {
            (true, _) => Some(Self::Undo),
            (_, true) => Some(Self::Keep),
            (false, false) => None,
        }
    }
}

const UNDO: &str = "Undo first what deployments have changed in your home?";

pub(super) async fn forget(
    settings: &Settings,
    output: Output,
    yes: bool,
    give_up: bool,
    deployed: Option<Deployed>,
) -> Result<(), Problem> {
    if !yes && !give_up && (output.json || !ask(QUESTION)) {
        return Err(problem::not_forgotten());
    }
    let hand = Hand::take(settings, false).await?;
    if !give_up && let Err(problem) = undo_first(&hand, output, yes, deployed).await {
        hand.put_back().await;
        return Err(problem);
    }
    let forgotten: Result<Forgotten, Problem> = hand.one(&Request::Forget { give_up }).await;
    hand.put_back().await;
    output.show(&forgotten?, Forgotten::words);
    Ok(())
}

/// Afterwards nothing is left from which it could be undone, so the owner decides now.
pub(super) async fn undo_first(
    hand: &Hand,
    output: Output,
    yes: bool,
    deployed: Option<Deployed>,
) -> Result<(), Problem> {
    let all: Vec<DeploymentView> = hand.one(&Request::Deployments).await?;
    let in_place: Vec<&DeploymentView> = all.iter().filter(|view| view.is_in_place()).collect();
    let deployed = match deployed {
        _ if in_place.is_empty() => return Ok(()),
        Some(deployed) => deployed,
        None if yes || output.json => return Err(problem::undo_or_keep(in_place.len())),
        None if ask(UNDO) => Deployed::Undo,
        None => Deployed::Keep,
    };
    if deployed == Deployed::Keep {
        return Ok(());
    }
    // Newest first, so that each finds what it left.
    for view in in_place {
        let id = view.id.parse().map_err(|_| problem::bad_request())?;
        let undone: DeploymentView = hand.one(&Request::Undo { id, overwrite: false }).await?;
        if undone.state != "undone" {
            return Err(problem::not_undone(&undone.state));
        }
    }
    Ok(())
}
