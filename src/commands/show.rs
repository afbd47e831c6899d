//! Commands that only look: with a daemon they ask it, without one they read the store and never take its lock.

use std::io::Write as _;
use std::path::Path;

use serde::Serialize;
use vestibule_protocol::problem::Problem;

use super::output::{Output, target};
use crate::agent::{ConsentView, Status, offline};
use crate::clock::Clock;
use crate::control::Request;
use crate::problem;
use crate::settings::Settings;
use crate::store::{Folder, Reader};

pub(super) async fn status(settings: &Settings, output: Output) -> Result<(), Problem> {
    let status: Status = match offline::daemon(settings).await {
        Some(daemon) => offline::parse(&daemon.ask_one(&Request::Status).await?)?,
        None => offline::status(settings, &Clock::system())?,
    };
    output.show(&status, Status::words);
    Ok(())
}

pub(super) async fn consent(settings: &Settings, output: Output) -> Result<(), Problem> {
    let view: ConsentView = match offline::daemon(settings).await {
        Some(daemon) => offline::parse(&daemon.ask_one(&Request::Consent).await?)?,
        None => offline::consent(settings)?,
    };
    output.show(&view, ConsentView::words);
    Ok(())
}

pub(super) fn fingerprint(settings: &Settings, output: Output) -> Result<(), Problem> {
    #[derive(Serialize)]
    struct Shown {
        fingerprint: String,
        tenant: String,
    }
    let pairing =
        offline::state(settings)?.and_then(|state| state.pairing).ok_or_else(problem::not_paired)?;
    let shown = Shown { fingerprint: pairing.fingerprint.to_string(), tenant: pairing.tenant.to_string() };
    output.show(&shown, |shown| shown.fingerprint.clone());
    Ok(())
}

pub(super) async fn health(settings: &Settings, output: Output) -> Result<(), Problem> {
    #[derive(Serialize)]
    struct Healthy {
        healthy: bool,
    }
    let daemon = offline::daemon(settings).await.ok_or_else(problem::no_daemon)?;
    daemon.ask_one(&Request::Health).await?;
    output.show(&Healthy { healthy: true }, |_| "A daemon answers.".to_owned());
    Ok(())
}

/// S29: a copy of everything held, except keys and tokens, which are of use to nobody but this installation.
pub(super) async fn export(settings: &Settings, _output: Output, out: Option<&Path>) -> Result<(), Problem> {
    let mut file = target(out)?;
    let mut line = |kind: &str, value: &dyn erased::Value| {
        writeln!(file, "{{\"kind\":\"{kind}\",\"value\":{}}}", value.json())
            .map_err(|error| problem::output(&error))
    };
    if let Some(state) = offline::state(settings)? {
        line("pairing", &state.pairing)?;
        line("consent", &offline::view(&state))?;
        line("ordinals", &state.ordinals.given.len())?;
        line("orphans", &state.orphans.ids.len())?;
        line("trusting", &state.desk.trusting)?;
        for row in &state.desk.deployments {
            line("deployment", row)?;
        }
        for row in &state.desk.questions {
            line("question", row)?;
        }
        for row in &state.desk.requests {
            line("request", row)?;
        }
    }
    let folder = Folder::existing(&settings.data_dir).map_err(|error| problem::store(&error))?;
    let reader = Reader::open(&folder).map_err(|error| problem::store(&error))?;
    for read in reader.reads().map_err(|error| problem::store(&error))? {
        line("read", &read)?;
    }
    for intent in reader.outbox().map_err(|error| problem::store(&error))? {
        line("outbox", &(intent.kind, intent.intent, intent.queued_at))?;
    }
    let marks = offline::marks(settings).await;
    reader.export(&marks, &mut file).map_err(|error| problem::store(&error))?;
    file.flush().map_err(|error| problem::output(&error))
}

/// Serialisation behind a reference, so that one closure can write values of any type.
mod erased {
    pub(super) trait Value {
        fn json(&self) -> String;
    }
    impl<T: serde::Serialize> Value for T {
        fn json(&self) -> String {
            serde_json::to_string(self).unwrap_or_else(|_| "null".to_owned())
        }
    }
}
