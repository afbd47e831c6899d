//! The task that keeps the agent in the picture: connects, reads everything, reads again what changed, and starts over for ever.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout_at};

use super::address::Endpoint;
use super::commands::{Command, EventType};
use super::read::{Plan, re_read_after, retry_after};
use super::reader::{self, Keeper, Reach};
use super::session::{Refusal, Session};
use super::socket::Socket;
use super::wishes::Wishes;
use crate::net::Dial;
use crate::outbound::reading::{HomeEvent, HomeTrouble};

/// How often we look whether Home Assistant has finished starting, should the event that says so be missed.
const STARTING_LOOK: Duration = Duration::from_secs(5);
/// The same in recovery and safe mode, which only a restart ends, and a restart ends the connection too.
const CRIPPLED_LOOK: Duration = Duration::from_secs(60);

/// Why a connection, or the whole task, ended.
enum End {
    /// Connect again later.
    Trouble(HomeTrouble),
    /// The receiver is gone: nobody is interested any more.
    NobodyListens,
}

impl From<HomeTrouble> for End {
    fn from(trouble: HomeTrouble) -> Self {
        Self::Trouble(trouble)
    }
}

/// Where events go. Repeated troubles are told once.
struct Report {
    to: mpsc::Sender<HomeEvent>,
    lost: Option<HomeTrouble>,
}

impl Report {
    async fn tell(&mut self, event: HomeEvent) -> Result<(), End> {
        self.lost = if let HomeEvent::Lost(trouble) = event { Some(trouble) } else { None };
        self.to.send(event).await.map_err(|_| End::NobodyListens)
    }

    async fn lost(&mut self, trouble: HomeTrouble) -> Result<(), End> {
        if self.lost == Some(trouble) {
            return Ok(());
        }
        tracing::warn!(?trouble, "the home cannot be read");
        self.tell(HomeEvent::Lost(trouble)).await
    }
}

/// Reads the home until the receiver of the events is dropped.
///
/// Time is tokio's, so a simulation can drive it; `jitter` gives numbers in `0..1` that spread waits. The task sends
/// [`HomeEvent::Connected`] once Home Assistant can be believed, then one complete [`HomeEvent::Read`], then for each batch of changes
/// [`HomeEvent::Stale`] and [`HomeEvent::Read`], and [`HomeEvent::Lost`] when that ends; a trouble that goes on is sent once.
/// While the receiver does not take events, the socket is not read. `wishes` may change at any time.
pub async fn run(
    endpoint: Endpoint,
    dial: impl Dial,
    mut jitter: impl FnMut() -> f64 + Send,
    wishes: Arc<Wishes>,
    events: mpsc::Sender<HomeEvent>,
) {
    let mut report = Report { to: events, lost: None };
    let mut keeper = Keeper::default();
    let mut failures = 0;
    loop {
        let connection =
            connection(&endpoint, &dial, &mut jitter, &wishes, &mut keeper, &mut report, &mut failures);
        let Err(End::Trouble(trouble)) = connection.await else { return };
        if report.lost(trouble).await.is_err() {
            return;
        }
        let wait = retry_after(trouble, failures, jitter().clamp(0.0, 1.0));
        failures += 1;
        tracing::debug!(?trouble, failures, wait_ms = wait.as_millis(), "connecting again later");
        tokio::select! {
            biased;
            () = report.to.closed() => return,
            () = sleep(wait) => {}
        }
    }
}

/// One connection, from the first byte to the trouble that ends it.
async fn connection(
    endpoint: &Endpoint,
    dial: &impl Dial,
    jitter: &mut (impl FnMut() -> f64 + Send),
    wishes: &Wishes,
    keeper: &mut Keeper,
    report: &mut Report,
    failures: &mut u32,
) -> Result<std::convert::Infallible, End> {
    let listener = report.to.clone();
    let opened = tokio::select! {
        biased;
        () = listener.closed() => return Err(End::NobodyListens),
        opened = Socket::open(dial, endpoint) => opened,
    };
    let (socket, _) = opened?;
    let mut session = Session::new(socket);
    let version = until_running(&mut session, keeper, report).await?;
    let admin = session
        .ask(&Command::CurrentUser, super::wire::lists::is_admin)
        .await?
        .map_err(|_| HomeTrouble::Protocol)?;
    let subscriptions = subscriptions(admin, &version);
    report.tell(HomeEvent::Connected { version, admin }).await?;

    let reach = Reach { wishes, dial, endpoint };
    let sees_everything = subscribe(&mut session, &subscriptions).await? && admin;
    wishes.begin();
    let readings = reader::read(&mut session, keeper, &Plan::everything(), reach).await?;
    subscribe_resources(&mut session).await?;
    report.tell(HomeEvent::Read { readings, complete: true }).await?;
    *failures = 0;

    let mut re_read_at = Instant::now() + re_read_after(sees_everything, jitter());
    let (mut announced, mut asked) = (false, false);
    loop {
        if session.changes.pending() && !announced {
            report.tell(HomeEvent::Stale).await?;
            announced = true;
        }
        let wake = session.changes.due().map_or(re_read_at, |due| due.min(re_read_at));
        tokio::select! {
            biased;
            () = listener.closed() => return Err(End::NobodyListens),
            () = wishes.notified() => (re_read_at, asked) = (Instant::now(), true),
            heard = timeout_at(wake, session.idle()) => if let Ok(heard) = heard { heard?; },
        }
        let now = Instant::now();
        let plan = if now >= re_read_at {
            re_read_at = now + re_read_after(sees_everything, jitter());
            session.changes.clear();
            // Whoever asks has a reason not to believe what is known.
            let asked = std::mem::take(&mut asked);
            Some(if asked { Plan::everything() } else { Plan::once_more(sees_everything) })
        } else {
            session.changes.take_due(now)
        };
        if let Some(plan) = plan {
            let readings = reader::read(&mut session, keeper, &plan, reach).await?;
            report.tell(HomeEvent::Read { readings, complete: true }).await?;
            announced = false;
        }
    }
}

/// Waits on the open connection until Home Assistant's lists can be believed; gives its version.
async fn until_running(
    session: &mut Session,
    keeper: &mut Keeper,
    report: &mut Report,
) -> Result<String, End> {
    // Before the first look, so that a start that ends right after it is not missed.
    let core = [Command::SubscribeEvents(EventType::CoreConfig)];
    session.subscribe(&core).await?;
    loop {
        let trouble = match reader::config(session, keeper).await {
            Ok(config) => {
                session.changes.clear();
                return Ok(config.version);
            }
            Err(trouble) => trouble,
        };
        let look = match trouble {
            HomeTrouble::NotRunning => STARTING_LOOK,
            HomeTrouble::RecoveryMode | HomeTrouble::SafeMode => CRIPPLED_LOOK,
            HomeTrouble::Unreachable
            | HomeTrouble::NameUnknown
            | HomeTrouble::Tls
            | HomeTrouble::NotHomeAssistant
            | HomeTrouble::TokenRefused
            | HomeTrouble::TooOld
            | HomeTrouble::Silent
            | HomeTrouble::Protocol => return Err(trouble.into()),
        };
        report.lost(trouble).await?;
        session.changes.clear();
        let next_look = Instant::now() + look;
        while !session.changes.pending() {
            let listener = report.to.clone();
            tokio::select! {
                biased;
                () = listener.closed() => return Err(End::NobodyListens),
                heard = timeout_at(next_look, session.idle()) => match heard {
                    Ok(heard) => heard?,
                    Err(_) => break,
                },
            }
        }
    }
}

/// Everything that tells of changes, as far as we may hear it.
fn subscriptions(admin: bool, version: &str) -> Vec<Command<'static>> {
    // 2024.3 refuses these two to other users, and writes an error into its log each time.
    let refused = |kind: EventType| {
        let late = version.starts_with("2024.3.") && matches!(kind, EventType::Floors | EventType::Labels);
        !admin && (late || kind.is_for_administrators())
    };
    let events = EventType::ALL.into_iter().filter(|kind| *kind != EventType::CoreConfig && !refused(*kind));
    let mut commands: Vec<Command<'_>> = events.map(Command::SubscribeEvents).collect();
    commands.push(Command::SubscribeConfigEntries);
    if admin {
        commands.extend([
            Command::SubscribeAppearing,
            Command::SubscribeVanishing,
            Command::SubscribeScripts,
        ]);
    }
    commands
}

/// Subscribes; says whether nothing was refused.
async fn subscribe(session: &mut Session, commands: &[Command<'_>]) -> Result<bool, HomeTrouble> {
    let answers = session.subscribe(commands).await?;
    let refused = answers.iter().filter(|answer| answer.is_err()).count();
    if refused > 0 {
        tracing::debug!(refused, "some subscriptions were refused; the home is read again more often");
    }
    if answers.contains(&Err(Refusal::Other)) {
        return Err(HomeTrouble::Protocol);
    }
    Ok(refused == 0)
}

/// Newer versions tell of changed dashboard resources. Only after the list was asked for: before, they believe it to be empty.
async fn subscribe_resources(session: &mut Session) -> Result<(), HomeTrouble> {
    session.subscribe(&[Command::SubscribeResources]).await.map(drop)
}
