//! `vestibule run`

use std::pin::pin;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, sleep};
use vestibule_protocol::problem::Problem;

use crate::agent::{Agent, Scope};
use crate::problem;
use crate::settings::Settings;
use crate::store::{Folder, Lock};

/// A daemon that finds the data folder in use waits so long for it: the one before may just be ending.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Runs until SIGTERM or SIGINT, and ends with exit code 0 then.
pub(super) async fn run(settings: &Settings) -> Result<(), Problem> {
    // First of all: in a container this is process 1, which the kernel ends for a signal only once it listens.
    let mut terminate = signal(SignalKind::terminate()).map_err(|error| problem::output(&error))?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|error| problem::output(&error))?;
    let mut stop = pin!(async move {
        tokio::select! {
            biased;
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    });
    let folder = Folder::create(&settings.data_dir).map_err(|error| problem::store(&error))?;
    let lock = tokio::select! {
        biased;
        () = &mut stop => return Ok(()),
        lock = wait_for_lock(&folder) => lock?,
    };
    let agent = Agent::open(settings, folder, lock, Scope::Daemon).await?;
    crate::page::start(settings, agent.requests(), |link| {
        super::output::note(&format!("Open the page, once, at: {link}"));
    })
    .await?;
    agent.run(stop).await
}

async fn wait_for_lock(folder: &Folder) -> Result<Lock, Problem> {
    let give_up = Instant::now() + PATIENCE;
    let mut told = false;
    loop {
        if let Some(lock) = Lock::try_acquire(folder).map_err(|error| problem::store(&error))? {
            return Ok(lock);
        }
        if Instant::now() > give_up {
            return Err(problem::data_busy());
        }
        if !std::mem::replace(&mut told, true) {
            tracing::info!("another Vestibule uses the data folder; waiting for it to end");
        }
        sleep(LOOK_AGAIN).await;
    }
}
