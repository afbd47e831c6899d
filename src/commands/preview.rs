//! `vestibule preview`: what the portal should hold, read afresh from the home. Sends nothing, stores nothing, takes no lock.

use std::collections::HashSet;
use std::time::Duration;

use serde_json::value::RawValue;
use tokio::time::{Instant, timeout_at};
use vestibule_protocol::consent::Class;
use vestibule_protocol::id::TenantId;
use vestibule_protocol::problem::Problem;

use super::output::{Output, note};
use crate::agent::{Stock, offline, own_hosts, start_home};
use crate::clock::{Clock, Dice};
use crate::control::{Daemon, Request};
use crate::home::Wishes;
use crate::identity::HomeSecret;
use crate::outbound::reading::HomeEvent;
use crate::problem;
use crate::settings::Settings;
use crate::store::{Folder, Grants};

/// How long the home may take to be read.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) async fn preview(settings: &Settings, output: Output) -> Result<(), Problem> {
    let mut state = offline::state(settings)?.unwrap_or_default();
    let dice = Dice::system();
    let (keys, grants) = if let Some(pairing) = &state.pairing {
        (secret(settings)?.tenant(&pairing.tenant), state.grants.clone())
    } else {
        note("Not paired: the ids below belong to a throw-away tenant and will be others after pairing.");
        let mut grants = Grants::default();
        grants.consent.grant(Class::Structure);
        (HomeSecret::new(dice.bytes()).tenant(&TenantId(dice.bytes())), grants)
    };
    let clock = Clock::system();
    let mut stock = Stock::new(&mut state, own_hosts(settings));
    let wishes = std::sync::Arc::new(Wishes::default());
    wishes.want_dashboards(grants.consent.grants(Class::Dashboards));
    wishes.want_routines(grants.consent.grants(Class::Automations));
    let mut events = start_home(settings, &dice, &wishes)?;
    let deadline = Instant::now() + PATIENCE;
    let mut trouble = None;
    loop {
        let Ok(Some(event)) = timeout_at(deadline, events.recv()).await else {
            return Err(problem::home_not_ready(trouble));
        };
        match event {
            HomeEvent::Read { readings, complete } => {
                stock.take_in(readings, clock.now_ms());
                if complete {
                    break;
                }
            }
            HomeEvent::Lost(why) => {
                trouble = Some(why);
                if problem::home(why).retry == vestibule_protocol::problem::Retry::No {
                    return Err(problem::home(why));
                }
            }
            HomeEvent::Connected { .. } | HomeEvent::Stale => {}
        }
    }
    let fresh = stock.preview(&keys.id_key, &grants, clock.now_ms());
    for line in &fresh {
        output.line(line.get());
    }
    if state.pairing.is_some() {
        leaving(settings, &fresh, output).await?;
    }
    Ok(())
}

/// R8: what vanished a short while ago, so that no reading shows it, and what a running daemon still believes to be there.
async fn leaving(settings: &Settings, fresh: &[Box<RawValue>], output: Output) -> Result<(), Problem> {
    let folder = Folder::existing(&settings.data_dir).map_err(|error| problem::store(&error))?;
    let Some(daemon) = Daemon::at(folder.path()).await else { return Ok(()) };
    let mut believed: Vec<Box<RawValue>> = Vec::new();
    daemon.ask(&Request::Leaving, |lines| believed = serde_json::from_str(lines).unwrap_or_default()).await?;
    // It may have come back in the meantime.
    let shown: HashSet<&str> = fresh.iter().map(|line| line.get()).collect();
    for line in believed.iter().map(|line| line.get()).filter(|line| !shown.contains(line)) {
        output.line(line);
    }
    Ok(())
}

fn secret(settings: &Settings) -> Result<HomeSecret, Problem> {
    let folder = Folder::existing(&settings.data_dir).map_err(|error| problem::store(&error))?;
    folder.home_secret().map_err(|error| problem::store(&error))?.ok_or_else(problem::not_paired)
}
