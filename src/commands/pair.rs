//! `vestibule pair`: meet the portal, see everything, say yes.

use vestibule_protocol::problem::Problem;

use super::output::{Output, ask, note};
use crate::agent::{Hand, Meeting, Paired};
use crate::control::Request;
use crate::problem;
use crate::settings::Settings;

pub(super) async fn pair(
    settings: &Settings,
    output: Output,
    portal: &str,
    invite: &str,
    yes: bool,
) -> Result<(), Problem> {
    let hand = Hand::take(settings, true).await?;
    let outcome = converse(&hand, output, portal, invite, yes).await;
    hand.put_back().await;
    let paired = outcome?;
    output.show(&paired, Paired::words);
    Ok(())
}

async fn converse(
    hand: &Hand,
    output: Output,
    portal: &str,
    invite: &str,
    yes: bool,
) -> Result<Paired, Problem> {
    note("Reading the home and contacting the portal; nothing is sent yet.");
    let mut preview = Vec::new();
    let mut meeting = None;
    let request = Request::Meet { portal: portal.to_owned(), invite: invite.to_owned() };
    hand.each(&request, |line| match serde_json::from_str::<Meeting>(line) {
        Ok(found) => meeting = Some(found),
        Err(_) => preview.push(line.to_owned()),
    })
    .await?;
    let meeting = meeting.ok_or_else(problem::daemon_gone)?;
    if !yes {
        for line in &preview {
            note(line);
        }
    }
    note(&meeting.words_for_the_owner(preview.len()));
    if !yes {
        if output.json {
            note("With --json there is nobody to ask; add --yes to accept.");
            return Err(problem::declined());
        }
        if !ask("Do the eight words match what the company gave you, and may this leave?") {
            return Err(problem::declined());
        }
    }
    hand.one(&Request::Pair { invite: invite.to_owned(), preview: meeting.preview.clone() }).await
}
