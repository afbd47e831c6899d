//! Looking at deployments, questions and requests without a daemon: the store is read, never locked.

use vestibule_protocol::deployment::DeploymentId;
use vestibule_protocol::problem::Problem;

use super::views::{CandidateView, DeploymentView, QuestionView, RequestView, list, show};
use crate::agent::offline::reader;
use crate::problem;
use crate::settings::Settings;
use crate::store::{Desk, ReadRow, Reader};

/// All deployments, newest first.
///
/// # Errors
/// What the store says.
pub fn deployments(settings: &Settings) -> Result<Vec<DeploymentView>, Problem> {
    let Some((reader, desk)) = open(settings)? else { return Ok(Vec::new()) };
    let view = |row: &crate::store::DeploymentRow| {
        let plan = reader.plan(row.id).map_err(|error| problem::store(&error))?;
        Ok(list(row, &desk, plan.as_ref()))
    };
    desk.deployments.iter().rev().map(view).collect()
}

/// One deployment.
///
/// # Errors
/// `no_such_deployment`, or what the store says.
pub fn deployment(settings: &Settings, id: DeploymentId) -> Result<DeploymentView, Problem> {
    let (reader, desk) = open(settings)?.ok_or_else(problem::no_such_deployment)?;
    let row = desk.deployments.iter().find(|row| row.id == id).ok_or_else(problem::no_such_deployment)?;
    let plan = reader.plan(id).map_err(|error| problem::store(&error))?;
    Ok(show(row, &desk, plan.as_ref()))
}

/// All questions; the owner's names for the candidates are known only while the home is read.
///
/// # Errors
/// What the store says.
pub fn questions(settings: &Settings) -> Result<Vec<QuestionView>, Problem> {
    let Some((_, desk)) = open(settings)? else { return Ok(Vec::new()) };
    let view = |row: &crate::store::QuestionRow| {
        let candidates =
            row.candidates.iter().map(|id| CandidateView { id: id.to_string(), name: None }).collect();
        QuestionView::of(row, candidates)
    };
    Ok(desk.questions.iter().map(view).collect())
}

/// All requests.
///
/// # Errors
/// What the store says.
pub fn requests(settings: &Settings) -> Result<Vec<RequestView>, Problem> {
    let Some((_, desk)) = open(settings)? else { return Ok(Vec::new()) };
    Ok(desk.requests.iter().map(RequestView::of).collect())
}

/// Who of the company's staff has read what, newest first.
///
/// # Errors
/// What the store says.
pub fn reads(settings: &Settings) -> Result<Vec<ReadRow>, Problem> {
    let Some((reader, _)) = open(settings)? else { return Ok(Vec::new()) };
    reader.reads().map_err(|error| problem::store(&error))
}

fn open(settings: &Settings) -> Result<Option<(Reader, Desk)>, Problem> {
    let Some(reader) = reader(settings)? else { return Ok(None) };
    let desk = reader.load().map_err(|error| problem::store(&error))?.desk;
    Ok(Some((reader, desk)))
}
