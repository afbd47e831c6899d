//! `vestibule deployments …`: what waits for the owner, what it would do, and the owner's word.

use std::collections::BTreeSet;

use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::deployment::DeploymentId;
use vestibule_protocol::problem::Problem;

use super::output::{Output, ask};
use crate::agent::{DeploymentView, Hand, desk, offline};
use crate::control::Request;
use crate::problem;
use crate::settings::Settings;

const APPROVE: &str = "Carry this out?";
const UNDO: &str = "Put back what was there before this deployment?";

pub(super) async fn list(settings: &Settings, output: Output) -> Result<(), Problem> {
    let all: Vec<DeploymentView> = match offline::daemon(settings).await {
        Some(daemon) => offline::parse(&daemon.ask_one(&Request::Deployments).await?)?,
        None => desk::deployments(settings)?,
    };
    output.show(&all, |all| {
        if all.is_empty() {
            return "There are no deployments.".to_owned();
        }
        all.iter().map(DeploymentView::line).collect::<Vec<_>>().join("\n")
    });
    Ok(())
}

pub(super) async fn show(settings: &Settings, output: Output, id: DeploymentId) -> Result<(), Problem> {
    output.show(&look(settings, id).await?, DeploymentView::words);
    Ok(())
}

async fn look(settings: &Settings, id: DeploymentId) -> Result<DeploymentView, Problem> {
    match offline::daemon(settings).await {
        Some(daemon) => offline::parse(&daemon.ask_one(&Request::Deployment { id }).await?),
        None => desk::deployment(settings, id),
    }
}

/// The yes is bound to the plan that was shown (R36).
pub(super) async fn approve(
    settings: &Settings,
    output: Output,
    id: DeploymentId,
    yes: bool,
    hosts: BTreeSet<String>,
) -> Result<(), Problem> {
    let shown = look(settings, id).await?;
    let plan_hash = shown.plan_hash.as_deref().and_then(Fixed::parse);
    if !yes {
        super::output::note(&shown.words());
        if output.json || !ask(APPROVE) {
            return Err(problem::declined());
        }
        // R40: a yes of its own, the first time.
        for file in &shown.files {
            if !ask(&format!(
                "Home Assistant will write {file} anew: its comments and formatting are lost, and missing ids are added. Is that all right?"
            )) {
                return Err(problem::declined());
            }
        }
    }
    one(settings, output, Request::Approve { id, plan_hash, hosts, files: shown.files }).await
}

pub(super) async fn reject(settings: &Settings, output: Output, id: DeploymentId) -> Result<(), Problem> {
    one(settings, output, Request::Reject { id }).await
}

pub(super) async fn undo(
    settings: &Settings,
    output: Output,
    id: DeploymentId,
    yes: bool,
    overwrite: bool,
) -> Result<(), Problem> {
    if !yes && !output.json && !ask(UNDO) {
        return Err(problem::declined());
    }
    one(settings, output, Request::Undo { id, overwrite }).await
}

pub(super) async fn enable(
    settings: &Settings,
    output: Output,
    id: DeploymentId,
    item: u32,
) -> Result<(), Problem> {
    one(settings, output, Request::Enable { id, item: item.saturating_sub(1) }).await
}

pub(super) async fn confirm(settings: &Settings, output: Output) -> Result<(), Problem> {
    let done: bool = ask_hand(settings, &Request::ConfirmRestored).await?;
    output.show(&done, |done| {
        if *done { "Deployments go on." } else { "Nothing was held: this home was not restored or copied." }
            .to_owned()
    });
    Ok(())
}

pub(super) async fn block(
    settings: &Settings,
    output: Output,
    key: Fixed<32>,
    on: bool,
) -> Result<(), Problem> {
    let changed: bool = ask_hand(settings, &Request::Block { key, on }).await?;
    output.show(&changed, |changed| if *changed { "Done." } else { "It was so already." }.to_owned());
    Ok(())
}

async fn one(settings: &Settings, output: Output, request: Request) -> Result<(), Problem> {
    let view: DeploymentView = ask_hand(settings, &request).await?;
    output.show(&view, DeploymentView::line);
    Ok(())
}

pub(super) async fn ask_hand<T: serde::de::DeserializeOwned>(
    settings: &Settings,
    request: &Request,
) -> Result<T, Problem> {
    let hand = Hand::take(settings, false).await?;
    let answer = hand.one(request).await;
    hand.put_back().await;
    answer
}
