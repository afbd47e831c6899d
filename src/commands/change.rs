//! Commands that change what the owner allows.

use vestibule_protocol::consent::{Change, Class, Policy};
use vestibule_protocol::problem::Problem;

use super::output::Output;
use crate::agent::{ConsentView, Hand};
use crate::control::Request;
use crate::settings::Settings;

pub(super) async fn grant(settings: &Settings, output: Output, class: Class) -> Result<(), Problem> {
    consent(settings, output, Request::Grant { class }).await
}

pub(super) async fn withdraw(settings: &Settings, output: Output, class: Class) -> Result<(), Problem> {
    consent(settings, output, Request::Withdraw { class }).await
}

pub(super) async fn exclude(settings: &Settings, output: Output, thing: &str) -> Result<(), Problem> {
    consent(settings, output, Request::Exclude { thing: thing.to_owned() }).await
}

pub(super) async fn include(settings: &Settings, output: Output, thing: &str) -> Result<(), Problem> {
    consent(settings, output, Request::Include { thing: thing.to_owned() }).await
}

pub(super) async fn restrict(settings: &Settings, output: Output, on: bool) -> Result<(), Problem> {
    consent(settings, output, Request::Restrict { on }).await
}

pub(super) async fn set(
    settings: &Settings,
    output: Output,
    change: Change,
    policy: Option<Policy>,
) -> Result<(), Problem> {
    consent(settings, output, Request::SetChange { change, policy }).await
}

async fn consent(settings: &Settings, output: Output, request: Request) -> Result<(), Problem> {
    let hand = Hand::take(settings, false).await?;
    let view: ConsentView = hand.one(&request).await?;
    hand.put_back().await;
    output.show(&view, ConsentView::words);
    Ok(())
}
