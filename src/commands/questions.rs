//! `vestibule questions …`, `vestibule requests …` and `vestibule reads`: what the company asks, what the owner wishes, who has looked.

use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::id::OpaqueId;
use vestibule_protocol::problem::Problem;

use super::deployments::ask_hand;
use super::output::Output;
use crate::agent::{QuestionView, RequestView, desk, offline};
use crate::control::Request;
use crate::settings::Settings;
use crate::store::ReadRow;

pub(super) async fn list(settings: &Settings, output: Output) -> Result<(), Problem> {
    let all: Vec<QuestionView> = match offline::daemon(settings).await {
        Some(daemon) => offline::parse(&daemon.ask_one(&Request::Questions).await?)?,
        None => desk::questions(settings)?,
    };
    output.show(&all, |all| lines(all.iter().map(QuestionView::words), "There are no questions."));
    Ok(())
}

pub(super) async fn answer(
    settings: &Settings,
    output: Output,
    id: Fixed<16>,
    choice: Option<OpaqueId>,
) -> Result<(), Problem> {
    let view: QuestionView = ask_hand(settings, &Request::AnswerQuestion { id, choice }).await?;
    output.show(&view, QuestionView::words);
    Ok(())
}

pub(super) async fn identify(settings: &Settings, output: Output, thing: OpaqueId) -> Result<(), Problem> {
    let done: bool = ask_hand(settings, &Request::Identify { thing }).await?;
    output.show(&done, |_| "Look around: it has just shown itself.".to_owned());
    Ok(())
}

pub(super) async fn requests(settings: &Settings, output: Output) -> Result<(), Problem> {
    let all: Vec<RequestView> = match offline::daemon(settings).await {
        Some(daemon) => offline::parse(&daemon.ask_one(&Request::Requests).await?)?,
        None => desk::requests(settings)?,
    };
    output.show(&all, |all| lines(all.iter().map(RequestView::words), "There are no requests."));
    Ok(())
}

pub(super) async fn wish(
    settings: &Settings,
    output: Output,
    text: &str,
    rooms: &[OpaqueId],
) -> Result<(), Problem> {
    let request = Request::NewRequest { text: text.to_owned(), rooms: rooms.to_vec() };
    let view: RequestView = ask_hand(settings, &request).await?;
    output.show(&view, RequestView::words);
    Ok(())
}

pub(super) async fn withdraw(settings: &Settings, output: Output, id: Fixed<16>) -> Result<(), Problem> {
    let view: RequestView = ask_hand(settings, &Request::WithdrawRequest { id }).await?;
    output.show(&view, RequestView::words);
    Ok(())
}

pub(super) async fn reads(settings: &Settings, output: Output) -> Result<(), Problem> {
    let all: Vec<ReadRow> = match offline::daemon(settings).await {
        Some(daemon) => offline::parse(&daemon.ask_one(&Request::Reads).await?)?,
        None => desk::reads(settings)?,
    };
    let line = |read: &ReadRow| format!("{}  {}  {}", read.time, read.who, read.what);
    output.show(&all, |all| lines(all.iter().map(line), "The portal has told of no reading."));
    Ok(())
}

fn lines(lines: impl Iterator<Item = String>, none: &str) -> String {
    let lines: Vec<String> = lines.collect();
    if lines.is_empty() { none.to_owned() } else { lines.join("\n") }
}
