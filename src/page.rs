//! The owner's page: what leaves, what it is, and the switches, in any browser, with or without JavaScript.
//!
//! [`server`] speaks HTTP, [`guard`] decides who comes in, `people` who may decide, `answer` finds the page, and the other files are a page
//! each. Everything is asked of the loop by the same requests as the commands' ([`crate::control::Request`]); only the ledger is read
//! from its file, as the commands do. Templates, style and sentences lie in `addon/`.

mod answer;
mod ask;
mod body;
mod connection;
mod deployments;
mod form;
mod frame;
pub mod guard;
mod leaves;
mod ledger;
mod never;
mod people;
mod questions;
mod reads;
pub mod server;
mod show;
mod status;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::mpsc;
use vestibule_protocol::problem::Problem;

use crate::clock::{Clock, Dice};
use crate::control::Asked;
use crate::home::Endpoint;
use crate::net::{Dial, Listener};
use crate::problem;
use crate::settings::Settings;
use crate::words;
use guard::{Front, Guard};
use people::People;

/// The port of ingress, as in the app's `config.yaml`.
const INGRESS_PORT: u16 = 8099;
/// The port on loopback, where there is no Supervisor.
const LOOPBACK_PORT: u16 = 8098;

/// Everything that all requests share.
pub struct Page {
    guard: Guard,
    people: People,
    requests: mpsc::Sender<Asked>,
    folder: PathBuf,
    clock: Clock,
    dice: Dice,
}

/// What a page is made of.
pub struct Parts {
    /// Where the owner comes from.
    pub front: Front,
    /// The way to the home, for asking who is an administrator.
    pub to_home: Arc<dyn Dial>,
    /// Where the home is.
    pub home: Endpoint,
    /// The loop.
    pub requests: mpsc::Sender<Asked>,
    /// The data folder, whose ledger is read.
    pub folder: PathBuf,
    /// Its time.
    pub clock: Clock,
    /// Its randomness.
    pub dice: Dice,
}

impl Page {
    /// A page that is not served yet.
    #[must_use]
    pub fn new(parts: Parts) -> Arc<Self> {
        let Parts { front, to_home, home, requests, folder, clock, dice } = parts;
        let people = People::new(to_home, home, dice.bytes());
        Arc::new(Self { guard: Guard::new(front, &dice), people, requests, folder, clock, dice })
    }

    /// A new one-time link for a page that is served at `address`; the one before is void.
    #[must_use]
    pub fn link(&self, address: SocketAddr) -> String {
        format!("http://{address}/open/{}", self.guard.new_link(&self.dice))
    }
}

/// Where the settings want the page; `None` if they want none.
///
/// # Errors
/// `page_listen` for what is no address, or not on loopback where there is no Supervisor.
fn place(settings: &Settings) -> Result<Option<(SocketAddr, Front)>, Problem> {
    let supervised = settings.supervisor_token.is_some();
    let given = match settings.page.listen.as_deref().map(str::trim) {
        Some("off") => return Ok(None),
        Some(text) => Some(text.parse::<SocketAddr>().map_err(|_| problem::page_listen())?),
        None => None,
    };
    if supervised {
        let everywhere = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), INGRESS_PORT);
        return Ok(Some((given.unwrap_or(everywhere), Front::Ingress(guard::SUPERVISOR))));
    }
    let here = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), LOOPBACK_PORT);
    let address = given.unwrap_or(here);
    if address.ip().is_loopback() {
        Ok(Some((address, Front::Loopback)))
    } else {
        Err(problem::page_listen())
    }
}

/// Where the owner finds the page, so that a notification can lead there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Within Home Assistant, under the app's slug.
    App(String),
    /// On this machine.
    Here(SocketAddr),
}

impl Place {
    /// According to the settings; `None` where there is no page, or nothing tells how it is reached.
    #[must_use]
    pub fn of(settings: &Settings) -> Option<Self> {
        match place(settings).ok()?? {
            (_, Front::Ingress(_)) => settings.app.clone().map(Self::App),
            (address, Front::Loopback) => Some(Self::Here(address)),
        }
    }
}

/// Starts the page beside a daemon, if the settings want one; `say` tells the owner the one-time link. A port that is taken is logged,
/// and everything else goes on.
///
/// # Errors
/// What the settings say.
pub async fn start(
    settings: &Settings,
    requests: mpsc::Sender<Asked>,
    say: impl FnOnce(&str),
) -> Result<(), Problem> {
    let Some((address, front)) = place(settings)? else { return Ok(()) };
    let home = crate::agent::endpoint(settings)?;
    let network =
        crate::agent::network(settings.home_assistant.ca_file.as_deref(), "home_assistant.ca_file")?;
    let listener = match Listener::bind(address).await {
        Ok(listener) => listener,
        Err(error) => {
            tracing::error!(code = "page_port", kind = ?error.kind(), "there is no page: its port cannot be used");
            return Ok(());
        }
    };
    let page = Page::new(Parts {
        front,
        to_home: Arc::new(network),
        home,
        requests,
        folder: settings.data_dir.clone(),
        clock: Clock::system(),
        dice: Dice::system(),
    });
    if front == Front::Loopback
        && let Ok(address) = listener.address()
    {
        say(&page.link(address));
    }
    tokio::spawn(server::serve(listener, page));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Page as PageSettings, Secret};

    fn settings(listen: Option<&str>, supervised: bool) -> Settings {
        Settings {
            page: PageSettings { listen: listen.map(str::to_owned) },
            supervisor_token: supervised.then(|| Secret::new("t".into())),
            ..Settings::default()
        }
    }

    #[test]
    fn the_page_is_for_the_supervisor_or_for_this_machine() {
        let at = |listen, supervised| place(&settings(listen, supervised)).map_err(|problem| problem.code);
        let ingress = Front::Ingress(guard::SUPERVISOR);
        assert_eq!(at(None, true).unwrap(), Some(("0.0.0.0:8099".parse().unwrap(), ingress)));
        assert_eq!(at(None, false).unwrap(), Some(("127.0.0.1:8098".parse().unwrap(), Front::Loopback)));
        assert_eq!(at(Some("[::1]:9"), false).unwrap(), Some(("[::1]:9".parse().unwrap(), Front::Loopback)));
        assert_eq!(at(Some("off"), true).unwrap(), None);
        assert_eq!(at(Some("0.0.0.0:8098"), false).unwrap_err(), "page_listen");
        assert_eq!(at(Some("somewhere"), false).unwrap_err(), "page_listen");
    }
}
