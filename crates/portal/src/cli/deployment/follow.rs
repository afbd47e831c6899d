//! What becomes of a deployment at the portal: handed in, listed, shown, taken back.

use std::fmt::Write as _;
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use vestibule_protocol::deployment::DeploymentId;
use vestibule_protocol::id::Fingerprint;
use vestibule_protocol::problem::Problem;

use crate::author::shown::plain;
use crate::author::{files, shown};
use crate::cli::output::Output;
use crate::client::Client;
use crate::problem::authoring as problem;
use crate::when::date;

/// A deployment as the portal answers it; as far as it is shown in words; with `--json` all of it is passed on.
#[derive(Debug, Deserialize)]
struct Row {
    id: DeploymentId,
    instance: Fingerprint,
    title: String,
    #[serde(default)]
    author: String,
    sequence: u64,
    state: String,
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    items: Vec<RowItem>,
    #[serde(default)]
    approved_by: Vec<String>,
    #[serde(default)]
    missing: u32,
    #[serde(default)]
    history: Vec<Step>,
}

#[derive(Debug, Deserialize)]
struct RowItem {
    kind: String,
    #[serde(default)]
    thing: Option<String>,
    #[serde(default)]
    code: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Step {
    state: String,
    at: u64,
    #[serde(default)]
    code: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Rows {
    deployments: Vec<Row>,
}

#[derive(Debug, Deserialize)]
struct Accepted {
    id: DeploymentId,
    state: String,
}

pub(super) fn submit(file: &Path, portal: &Client, output: &Output) -> Result<(), Problem> {
    let envelope = files::envelope(file)?;
    let (deployment, _) = shown::deployment(&envelope)?;
    let body = serde_json::to_vec(&envelope).map_err(|_| problem::envelope_unreadable())?;
    let answer: Value = portal.post(&format!("/v1/instances/{}/deployments", deployment.target), body)?;
    let accepted: Accepted = read(&answer)?;
    output.answer(&answer, &format!("Deployment {} is {}.", accepted.id, plain(&accepted.state)));
    Ok(())
}

pub(super) fn list(instance: Option<Fingerprint>, portal: &Client, output: &Output) -> Result<(), Problem> {
    let filter = instance.map(|instance| format!("?instance={instance}")).unwrap_or_default();
    let answer: Value = portal.get(&format!("/v1/deployments{filter}"))?;
    let rows: Rows = read(&answer)?;
    let mut text = String::new();
    for row in &rows.deployments {
        let code = row.code.as_deref().map(|code| format!(" ({})", plain(code))).unwrap_or_default();
        let state = format!("{}{code}", plain(&row.state));
        let _ = writeln!(text, "{}  {state:<12}  {}  {}", row.id, row.instance, plain(&row.title));
    }
    output.answer(&answer, if text.is_empty() { "There are no deployments." } else { &text });
    Ok(())
}

pub(super) fn show(id: DeploymentId, portal: &Client, output: &Output) -> Result<(), Problem> {
    let answer: Value = portal.get(&format!("/v1/deployments/{id}"))?;
    output.answer(&answer, &read::<Row>(&answer)?.words());
    Ok(())
}

pub(super) fn withdraw(id: DeploymentId, portal: &Client, output: &Output) -> Result<(), Problem> {
    let answer: Value = portal.post(&format!("/v1/deployments/{id}/withdraw"), b"{}".to_vec())?;
    let answer = if answer.is_null() { serde_json::json!({ "id": id }) } else { answer };
    output.answer(&answer, "Withdrawn.");
    Ok(())
}

fn read<T: DeserializeOwned>(answer: &Value) -> Result<T, Problem> {
    T::deserialize(answer).map_err(|_| problem::portal_confused())
}

impl Row {
    fn words(&self) -> String {
        let mut text = format!("Deployment  {}\nTitle       {}\n", self.id, plain(&self.title));
        let _ = writeln!(text, "Author      {}\nHome        {}", plain(&self.author), self.instance);
        let _ = writeln!(text, "Sequence    {}\nState       {}", self.sequence, plain(&self.state));
        if let Some(code) = &self.code {
            let _ = writeln!(text, "Why         {}", plain(code));
        }
        let approved: Vec<String> = self.approved_by.iter().map(|person| plain(person)).collect();
        let by = if approved.is_empty() { "nobody yet".to_owned() } else { approved.join(", ") };
        let _ = writeln!(text, "Approved by {by}");
        if self.missing > 0 {
            let _ = writeln!(text, "Missing     {} more", self.missing);
        }
        text.push_str("\nItems\n");
        for (number, item) in (1..).zip(&self.items) {
            let words = [Some(item.kind.as_str()), item.thing.as_deref(), item.code.as_deref()];
            let words: Vec<String> = words.into_iter().flatten().map(plain).collect();
            let _ = writeln!(text, "{number:>4}  {}", words.join("  "));
        }
        text.push_str("\nHistory\n");
        for step in &self.history {
            let code = step.code.as_deref().map(|code| format!("  {}", plain(code))).unwrap_or_default();
            let _ = writeln!(text, "      {}  {}{code}", date(step.at), plain(&step.state));
        }
        text
    }
}
