//! `vestibule identity rotate`

use vestibule_protocol::problem::Problem;

use super::forget::{Deployed, undo_first};
use super::output::{Output, ask, note};
use crate::agent::{Hand, Rotated, offline};
use crate::control::Request;
use crate::problem;
use crate::settings::Settings;

const WHAT: &str = "A new identity breaks with everything that the company knows of this home:
- The portal is asked to erase what it holds of it, history included, and gives a receipt. Only then can you pair again.
- You need a new invite. The company sees a new fingerprint and new ids, and cannot tell that it is the same home.
- Here the ledger, requests, answers and everything that waits for your decision are gone. Take a copy first: vestibule export
- Everything but the class structure has to be granted again.
What you excluded and the kinds of rooms you chose stay, and hold from the next pairing on.";
const QUESTION: &str = "Give this home a new identity?";

/// Needs the daemon: what the owner has decided is taken along by reading the home.
pub(super) async fn rotate(
    settings: &Settings,
    output: Output,
    yes: bool,
    deployed: Option<Deployed>,
) -> Result<(), Problem> {
    note(WHAT);
    if !yes && (output.json || !ask(QUESTION)) {
        return Err(problem::not_forgotten());
    }
    if offline::daemon(settings).await.is_none() {
        return Err(problem::no_daemon());
    }
    let hand = Hand::take(settings, false).await?;
    if let Err(problem) = undo_first(&hand, output, yes, deployed).await {
        hand.put_back().await;
        return Err(problem);
    }
    let rotated: Result<Rotated, Problem> = hand.one(&Request::Rotate).await;
    hand.put_back().await;
    output.show(&rotated?, Rotated::words);
    Ok(())
}
