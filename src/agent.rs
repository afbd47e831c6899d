//! The one event loop: it owns all state, takes what home, portal and owner say one after another, and decides what follows.
//!
//! Nothing here talks to a socket or a file itself: [`crate::home`] reads, [`crate::portal`] sends, [`crate::store`] remembers. What a
//! person changes is made durable first and takes effect then.

mod deliver;
mod deployments;
mod forget;
mod hand;
mod notices;
pub mod offline;
mod owner;
mod pairing;
mod stock;
mod support;
mod sync;
mod things;
mod views;

pub use deployments::{
    AbilityView, CandidateView, DeploymentView, DiffRow, Door, ItemDiffView, ItemView, QuestionView,
    RequestView,
};
pub use hand::Hand;
pub use notices::Notices;

/// Looking at deployments, questions and requests without a daemon.
pub mod desk {
    pub use super::deployments::{deployment, deployments, questions, reads, requests};
}
pub use stock::Stock;
pub use things::{CarriedView, ConnectionView, PreviewKind, PreviewView, RoomView, ThingView};
pub use views::{ConsentView, Forgotten, Meeting, Paired, Rotated, Side, Status, Traffic, Waiting};

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use vestibule_protocol::problem::Problem;

use crate::clock::{Clock, Dice};
use crate::control::{self, Asked};
use crate::home::{self, Wishes};
use crate::identity::{HomeSecret, TenantKeys};
use crate::net::{Dial, Network, Trust};
use crate::outbound::reading::{HomeEvent, HomeTrouble, Reading, Text};
use crate::portal::link::{FromLink, Link, LinkTrouble};
use crate::portal::recorder::Recorder;
use crate::portal::rooted::Rooted;
use crate::portal::session::{Acknowledged, Session};
use crate::private::Private;
use crate::problem;
use crate::settings::{Secret, Settings};
use crate::store::{AgentState, Folder, Intent, Lock, Store, StoreOptions};

/// Requests that may wait for the loop.
const REQUESTS: usize = 16;
/// Readings are large; the home client waits while the loop works.
const HOME_EVENTS: usize = 2;
/// Inbound ledger rows are written together with the next outbound one, or after this rest.
const LAZY_FLUSH: Duration = Duration::from_secs(5);
/// A re-read that was asked for and did not come is asked for again after this time.
const ASK_AGAIN_MS: i64 = 60_000;
/// A portal that is alive and does not answer is given up after this time; the largest transfer over a slow line takes less.
const ANSWER: Duration = Duration::from_secs(30 * 60);
/// Readings that wait while the inventory must not change; then the home waits.
const HELD: usize = 4;
/// A command without a daemon waits so long for the portal to take what the owner decided; later the daemon delivers it.
const DELIVERY: Duration = Duration::from_secs(10);

/// What an agent is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Everything, for as long as it is not stopped; answers on the control socket.
    Daemon,
    /// One pairing: reads the home, and ends.
    Pairing,
    /// One change of what the owner allows: does not read the home, delivers if the portal answers, and ends.
    Change,
}

/// The home's side of the loop.
#[derive(Debug, Default)]
struct HomeSide {
    events: Option<mpsc::Receiver<HomeEvent>>,
    /// What is to be read.
    wishes: Arc<Wishes>,
    /// When everything was last asked for once more, so that it is asked once for each thing that waits.
    asked_at: Option<i64>,
    connected_since: Option<i64>,
    trouble: Option<HomeTrouble>,
    /// Everything has been read since the connection was made.
    complete: bool,
    /// An event has come whose re-read has not.
    stale: bool,
    /// Readings that came while the inventory had to stay as it was (R19).
    held: Vec<(Vec<Reading>, bool)>,
}

/// The portal's side of the loop.
#[derive(Debug, Default)]
struct PortalSide {
    link: Option<Link>,
    session: Session,
    welcomed_since: Option<i64>,
    /// Since when it has been tried without success.
    tried_since: Option<Instant>,
    problem: Option<Problem>,
    retry_at: Option<Instant>,
    attempt: u32,
    /// When the attempts were last counted from nothing again.
    eased: Vec<Instant>,
    /// The last inventory that the portal acknowledged.
    acknowledged: Acknowledged,
    /// The last inventory that was sent whole: what of it is sent again counts against the budget (R22).
    sent: Option<Arc<Rooted>>,
    flush_at: Option<Instant>,
    /// When an answer that is waited for is waited for no longer.
    answer_by: Option<Instant>,
}

/// The loop and everything it owns.
pub struct Agent {
    scope: Scope,
    clock: Clock,
    dice: Dice,
    folder: Folder,
    store: Store,
    recorder: Recorder,
    to_portal: Arc<dyn Dial>,
    /// What the store holds, as of the last commit.
    state: AgentState,
    secret: HomeSecret,
    keys: Option<TenantKeys>,
    outbox: Vec<Intent>,
    stock: Stock,
    current: Option<Arc<Rooted>>,
    /// What could not leave although it was granted.
    left_out: Vec<Problem>,
    home: HomeSide,
    portal: PortalSide,
    meeting: pairing::Meetings,
    deployments: deployments::Deployments,
    /// What the owner has been told through Home Assistant; the store has what must outlive a restart.
    notices: Notices,
    receipt: Option<vestibule_protocol::receipt::Receipt>,
    ask: mpsc::Sender<Asked>,
    asked: mpsc::Receiver<Asked>,
    /// Support reports that the owner was shown.
    shown: support::Shown,
    /// When it was started, Unix milliseconds.
    started_at: i64,
    /// Previews of contents, which are read for the owner's eyes only while nobody may have them.
    previews: things::Previews,
}

/// What an agent is made of.
pub struct Parts {
    /// What it is for.
    pub scope: Scope,
    /// Its time.
    pub clock: Clock,
    /// Its randomness.
    pub dice: Dice,
    /// Where it keeps what it keeps.
    pub folder: Folder,
    /// The same, open.
    pub store: Store,
    /// Its way to the portal.
    pub to_portal: Arc<dyn Dial>,
    /// What its home tells.
    pub events: Option<mpsc::Receiver<HomeEvent>>,
    /// What it wishes to be read of its home.
    pub wishes: Arc<Wishes>,
    /// Names and addresses by which the home is reached: no text that contains one leaves.
    pub own_hosts: Vec<Text>,
    /// The way to the desk at which deployments are carried out; without one they wait.
    pub door: Option<Door>,
}

/// Something that came from outside.
enum Input {
    Home(HomeEvent),
    Portal(FromLink),
    Owner(Asked),
    Desk(deployments::Brought),
    Time,
    Stop,
}

impl Agent {
    /// Opens the store and starts reading the home, if the scope needs it.
    ///
    /// # Errors
    /// What settings or store say.
    pub async fn open(
        settings: &Settings,
        folder: Folder,
        lock: Lock,
        scope: Scope,
    ) -> Result<Self, Problem> {
        let clock = Clock::system();
        let dice = Dice::system();
        let to_portal = Arc::new(network(settings.portal.ca_file.as_deref(), "portal.ca_file")?);
        let wishes = Arc::new(Wishes::default());
        let events = if scope == Scope::Change { None } else { Some(start_home(settings, &dice, &wishes)?) };
        let store = |error| problem::store(&error);
        let now = clock.now_ms();
        let (opened_store, opened) =
            Store::open(folder.clone(), lock, StoreOptions::default(), now).map_err(store)?;
        for file in &opened.damaged {
            tracing::error!(file, "a damaged database was moved aside; a new one was made");
        }
        let parts = Parts {
            scope,
            clock,
            dice,
            folder,
            store: opened_store,
            to_portal,
            events,
            wishes,
            own_hosts: own_hosts(settings),
            door: if scope == Scope::Daemon { Some(door(settings)?) } else { None },
        };
        Self::with(parts).await
    }

    /// An agent made of parts, which a simulation brings itself.
    ///
    /// # Errors
    /// What the store says.
    pub async fn with(parts: Parts) -> Result<Self, Problem> {
        let Parts { scope, clock, dice, folder, store, to_portal, events, wishes, own_hosts, door } = parts;
        let fails = |error| problem::store(&error);
        let now = clock.now_ms();
        let secret = store.home_secret(dice.bytes()).await.map_err(fails)?;
        let mut state = store.load(now).await.map_err(fails)?;
        let outbox = store.outbox(now).await.map_err(fails)?;
        let keys = state.pairing.as_ref().map(|pairing| secret.tenant(&pairing.tenant));
        let stock = Stock::new(&mut state, own_hosts);
        let (ask, asked) = mpsc::channel(REQUESTS);
        let deployments = deployments::Deployments::new(door, &state.desk);
        let notices = state.notices.clone();
        let mut agent = Self {
            scope,
            recorder: Recorder::new(store.clone(), clock.clone()),
            clock,
            dice,
            folder,
            store,
            to_portal,
            state,
            secret,
            keys,
            outbox,
            stock,
            current: None,
            left_out: Vec::new(),
            home: HomeSide { events, wishes, ..HomeSide::default() },
            portal: PortalSide::default(),
            meeting: pairing::Meetings::default(),
            deployments,
            notices,
            receipt: None,
            ask,
            asked,
            shown: support::Shown::default(),
            started_at: now,
            previews: things::Previews::default(),
        };
        agent.portal.retry_at = Some(Instant::now());
        Ok(agent)
    }

    /// Where requests are taken.
    #[must_use]
    pub fn requests(&self) -> mpsc::Sender<Asked> {
        self.ask.clone()
    }

    /// Runs until `stop`, then writes everything down.
    ///
    /// # Errors
    /// What the store says when it cannot go on, or `output` when the control socket cannot be made.
    pub async fn run(mut self, stop: impl Future<Output = ()>) -> Result<(), Problem> {
        let _listening = (self.scope == Scope::Daemon)
            .then(|| control::listen(self.folder.path(), self.ask.clone()))
            .transpose()
            .map_err(|error| problem::output(&error))?;
        if self.scope == Scope::Daemon {
            tracing::info!(
                version = env!("CARGO_PKG_VERSION"),
                paired = self.state.pairing.is_some(),
                "Vestibule is running"
            );
        }
        tokio::pin!(stop);
        let mut stopping: Option<Instant> = None;
        loop {
            self.settle().await?;
            self.expect_an_answer();
            let deliver = self.scope == Scope::Change && self.something_to_deliver();
            if stopping.is_some_and(|since| !deliver || since + DELIVERY < Instant::now()) {
                break;
            }
            let wake = self.wake_at().min(stopping.map_or_else(far_away, |since| since + DELIVERY));
            let input = tokio::select! {
                biased;
                () = &mut stop, if stopping.is_none() => Input::Stop,
                Some(asked) = self.asked.recv() => Input::Owner(asked),
                event = next_home(&mut self.home.events), if self.home.held.len() < HELD => Input::Home(event),
                told = next_link(&mut self.portal.link) => Input::Portal(told),
                brought = self.deployments.ended() => Input::Desk(brought),
                () = sleep_until(wake) => Input::Time,
            };
            match input {
                Input::Home(event) => self.on_home(event).await?,
                Input::Portal(FromLink::Message(message)) => self.on_message(message).await?,
                Input::Portal(FromLink::Closed(trouble)) => self.on_closed(trouble),
                Input::Desk(brought) => self.on_desk_job(brought).await?,
                Input::Owner((request, reply)) => self.on_request(request, reply).await?,
                Input::Time => self.on_time().await?,
                Input::Stop => stopping = Some(Instant::now()),
            }
        }
        self.portal.link = None;
        let now = self.clock.now_ms();
        self.recorder.flush().await.map_err(|error| problem::store(&error))?;
        self.store.close(now).await.map_err(|error| problem::store(&error))
    }

    /// When there is something to do although nothing comes from outside.
    fn wake_at(&self) -> Instant {
        let connect =
            if self.portal.link.is_none() && self.has_counterpart() { self.portal.retry_at } else { None };
        let now = self.clock.now_ms();
        // After asking, the answer is waited for a minute before asking again.
        let rest = self.home.asked_at.map_or(0, |asked| (asked + ASK_AGAIN_MS - now).max(0));
        let rest = Duration::from_millis(u64::try_from(rest).unwrap_or_default());
        let waits = self.stock.look_again(now).filter(|_| self.home.complete);
        let again = waits.map(|wait| Instant::now() + wait.max(rest));
        [
            connect,
            again,
            self.desk_wakes_at(),
            self.notices_wake_at(),
            self.portal.flush_at,
            self.portal.answer_by,
            self.meeting.deadline(),
            self.previews.deadline(),
        ]
        .into_iter()
        .flatten()
        .min()
        .unwrap_or_else(far_away)
    }

    async fn on_time(&mut self) -> Result<(), Problem> {
        let now = Instant::now();
        if self.portal.flush_at.is_some_and(|at| at <= now) {
            self.portal.flush_at = None;
            self.recorder.flush().await.map_err(|error| problem::store(&error))?;
        }
        if self.portal.answer_by.is_some_and(|at| at <= now) {
            self.on_closed(LinkTrouble::Lost);
        }
        let now = self.clock.now_ms();
        if self.home.complete && self.stock.look_again(now).is_some_and(|wait| wait.is_zero()) {
            // R8: believed after ten minutes and a re-read. The re-read's answer comes as any other.
            self.home.asked_at = Some(now);
            self.home.wishes.read_again();
        }
        Ok(())
    }

    /// Notes until when the portal has to answer, if it has to.
    fn expect_an_answer(&mut self) {
        let waiting =
            self.portal.link.is_some() && (self.portal.session.busy() || !self.portal.session.welcomed());
        self.portal.answer_by =
            self.portal.answer_by.or_else(|| Some(Instant::now() + ANSWER)).filter(|_| waiting);
    }

    /// Whether there is a portal to talk to: one that we are paired with, or one that still owes us a receipt.
    const fn has_counterpart(&self) -> bool {
        self.state.pairing.is_some() || self.state.forget_stub.is_some()
    }
}

/// A day from now: nothing is planned.
fn far_away() -> Instant {
    Instant::now() + Duration::from_secs(24 * 60 * 60)
}

async fn next_home(events: &mut Option<mpsc::Receiver<HomeEvent>>) -> HomeEvent {
    match events {
        Some(receiver) => match receiver.recv().await {
            Some(event) => event,
            None => std::future::pending().await,
        },
        None => std::future::pending().await,
    }
}

async fn next_link(link: &mut Option<Link>) -> FromLink {
    match link {
        Some(link) => link.next().await,
        None => std::future::pending().await,
    }
}

/// The network, with the owner's own authority where there is one.
pub(crate) fn network(ca_file: Option<&std::path::Path>, setting: &'static str) -> Result<Network, Problem> {
    let bad = |_| problem::bad_authority(setting);
    match ca_file {
        None => Network::new(Trust::Public).map_err(bad),
        Some(path) => {
            let pem = std::fs::read(path).map_err(|_| problem::bad_authority(setting))?;
            Network::new(Trust::Owner(&pem)).map_err(bad)
        }
    }
}

/// Where Home Assistant is, according to the settings.
pub(crate) fn endpoint(settings: &Settings) -> Result<home::Endpoint, Problem> {
    let token = |secret: &Secret| home::Token::new(secret.reveal()).map_err(problem::home_address);
    let given = &settings.home_assistant;
    if let (Some(url), Some(secret)) = (&given.url, &given.token) {
        let endpoint =
            home::Endpoint::from_url(url.reveal(), token(secret)?).map_err(problem::home_address)?;
        return Ok(endpoint);
    }
    match &settings.supervisor_token {
        Some(secret) => Ok(home::Endpoint::supervisor(token(secret)?)),
        None => Err(problem::no_home()),
    }
}

/// The host by which the home is reached, in lower case.
pub(crate) fn own_hosts(settings: &Settings) -> Vec<Text> {
    endpoint(settings)
        .map(|endpoint| vec![Private::new(endpoint.host().to_lowercase().into())])
        .unwrap_or_default()
}

/// The way to the desk.
fn door(settings: &Settings) -> Result<Door, Problem> {
    let network = network(settings.home_assistant.ca_file.as_deref(), "home_assistant.ca_file")?;
    let page = crate::page::Place::of(settings);
    Ok(Door { dial: Arc::new(network), endpoint: endpoint(settings)?, page })
}

/// Starts the task that reads the home.
pub(crate) fn start_home(
    settings: &Settings,
    dice: &Dice,
    wishes: &Arc<Wishes>,
) -> Result<mpsc::Receiver<HomeEvent>, Problem> {
    let endpoint = endpoint(settings)?;
    if settings.home_assistant.url.is_some() && !endpoint.tls() && !endpoint.is_loopback() {
        tracing::warn!("the home is read over plain http; keep that within your own network");
    }
    let network = network(settings.home_assistant.ca_file.as_deref(), "home_assistant.ca_file")?;
    let (to, from) = mpsc::channel(HOME_EVENTS);
    let dice = dice.clone();
    tokio::spawn(home::run(endpoint, network, move || dice.unit(), Arc::clone(wishes), to));
    Ok(from)
}
