//! Commands that only look: with a daemon they ask it, without one they read the store and never take its lock.

use std::path::Path;

use serde::Serialize;
use vestibule_protocol::problem::Problem;

use super::output::{Output, target};
use crate::agent::{ConsentView, Status, offline};
use crate::clock::Clock;
use crate::control::Request;
use crate::problem;
use crate::settings::Settings;
use crate::store::Folder;

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
    let marks = offline::marks(settings).await;
    let folder = Folder::existing(&settings.data_dir).map_err(|error| problem::store(&error))?;
    offline::export(&folder, &marks, &mut file)
}
