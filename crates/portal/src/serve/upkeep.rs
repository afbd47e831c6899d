//! The daily upkeep.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use crate::app::App;
use crate::link::registry::Control;
use crate::store::{Stop, upkeep};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Runs at the start and then daily, until the program ends.
pub(super) async fn daily(app: App, silent_days: u32) {
    let mut day = interval(DAY);
    day.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = app.stop.cancelled() => return,
            _ = day.tick() => {
                if let Err(stop) = run(&app, silent_days).await {
                    tracing::warn!(code = "upkeep_failed", reason = stop.code());
                }
            }
        }
    }
}

/// One run, at the clock's time.
///
/// # Errors
/// When the database cannot be read or written.
pub async fn run(app: &App, silent_days: u32) -> Result<upkeep::Done, Stop> {
    let linked = app.links.homes();
    let done = app.store.write(move |tx| upkeep::run(tx, silent_days, &linked)).await?;
    app.live.stored();
    for home in &done.erased {
        app.links.tell(*home, Control::Erased);
    }
    if done.announced > 0 || !done.erased.is_empty() {
        tracing::info!(code = "silent_homes", announced = done.announced, erased = done.erased.len());
    }
    app.store.scrub_if_due().await?;
    Ok(done)
}
