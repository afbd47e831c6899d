//! `vestibule forget`

use vestibule_protocol::problem::Problem;

use super::output::{Output, ask};
use crate::agent::{Forgotten, Hand};
use crate::control::Request;
use crate::problem;
use crate::settings::Settings;

const QUESTION: &str = "Erase everything that Vestibule keeps here, the ledger included, and what the portal holds of this home?";

pub(super) async fn forget(
    settings: &Settings,
    output: Output,
    yes: bool,
    give_up: bool,
) -> Result<(), Problem> {
    if !yes && !give_up && (output.json || !ask(QUESTION)) {
        return Err(problem::not_forgotten());
    }
    let hand = Hand::take(settings, false).await?;
    let forgotten: Result<Forgotten, Problem> = hand.one(&Request::Forget { give_up }).await;
    hand.put_back().await;
    output.show(&forgotten?, Forgotten::words);
    Ok(())
}
