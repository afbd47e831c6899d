//! A home, an agent and a portal in one process.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use serde::de::DeserializeOwned;
use tempfile::TempDir;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use vestibule::agent::{Agent, Door, Meeting, Parts, Scope, Status, Stock};
use vestibule::clock::{Clock, Dice};
use vestibule::control::{Answer, Asked, Reply, Request};
use vestibule::home::{self, Endpoint, Token, Wishes};
use vestibule::outbound::reading::{HomeEvent, Text};
use vestibule::page::Place;
use vestibule::private::Private;
use vestibule::store::{Direction, Folder, Lock, Page, Reader, Row, Store, StoreOptions, Verification};
use vestibule_dev::fake_home::{FakeHome, TOKEN, Version};
use vestibule_protocol::consent::Class;
use vestibule_protocol::id::TenantId;
use vestibule_protocol::problem::Problem;

use super::pipes::{ToHome, ToPortal};
use super::real::RealPortal;

/// Where every portal of these tests says that it is.
pub(super) const ORIGIN: &str = "http://127.0.0.1:4711";
/// By what name the agent reaches the home.
const HOME_URL: &str = "http://127.0.0.1:8123";
/// The first moment of every test, Unix milliseconds.
const BEGINNING: i64 = 1_800_000_000_000;
/// Longest wait for anything, on the test's clock: a full send may have to wait a day (R22).
const PATIENCE: Duration = Duration::from_secs(26 * 3600);

/// The wall clock: goes with tokio's, and jumps when a test says so.
#[derive(Clone)]
pub(super) struct WallClock {
    start: Instant,
    jumped: Arc<AtomicI64>,
}

impl WallClock {
    fn new() -> Self {
        Self { start: Instant::now(), jumped: Arc::default() }
    }

    pub(super) fn now_ms(&self) -> i64 {
        let passed = i64::try_from(self.start.elapsed().as_millis()).unwrap();
        BEGINNING + passed + self.jumped.load(Ordering::SeqCst)
    }

    /// The wall clock is set forward, or back.
    pub(super) fn jump(&self, seconds: i64) {
        self.jumped.fetch_add(seconds * 1000, Ordering::SeqCst);
    }
}

/// A running agent.
struct Running {
    requests: mpsc::Sender<Asked>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), Problem>>,
}

/// Everything.
pub(super) struct World {
    pub(super) clock: WallClock,
    pub(super) home: FakeHome,
    pub(super) to_portal: ToPortal,
    pub(super) options: StoreOptions,
    folder: TempDir,
    agent: Option<Running>,
}

impl World {
    /// A home of so many entities and an agent that has never met a portal.
    pub(super) async fn new(entities: usize) -> Self {
        Self::of(FakeHome::of_size(Version::V2026_11, entities), StoreOptions::default()).await
    }

    pub(super) async fn of(home: FakeHome, options: StoreOptions) -> Self {
        let mut world = Self {
            clock: WallClock::new(),
            home,
            to_portal: ToPortal::default(),
            // Nothing here loses power.
            options: StoreOptions { durable: false, ..options },
            folder: tempfile::tempdir().unwrap(),
            agent: None,
        };
        world.start().await;
        world
    }

    /// The agent's data folder.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A copy of the data folder as it is now, while the agent is stopped.
    pub(super) fn copy(&self) -> TempDir {
        let copy = tempfile::tempdir().unwrap();
        for (name, bytes) in files(self.folder.path()) {
            std::fs::write(copy.path().join(name), bytes).unwrap();
        }
        copy
    }

    /// The data folder is put back to a copy, while the agent is stopped.
    pub(super) fn put_back(&self, copy: &TempDir) {
        for (name, _) in files(self.folder.path()) {
            std::fs::remove_file(self.folder.path().join(name)).unwrap();
        }
        for (name, bytes) in files(copy.path()) {
            std::fs::write(self.folder.path().join(name), bytes).unwrap();
        }
    }

    /// A second agent with a copy of the first one's data folder, for the same home.
    pub(super) async fn twin(&self, folder: TempDir) -> Self {
        let mut twin = Self {
            clock: self.clock.clone(),
            home: self.home.clone(),
            to_portal: ToPortal::default(),
            options: self.options,
            folder,
            agent: None,
        };
        twin.start().await;
        twin
    }

    /// What the agent remembers of deployments.
    pub(super) fn desk(&self) -> vestibule::store::Desk {
        self.reader().load().unwrap().desk
    }

    /// Home Assistant starts again: every state is new, and connections end.
    pub(super) fn restart_home(&self) {
        let now = jiff::Timestamp::from_millisecond(self.clock.now_ms()).unwrap();
        self.home.started_at(&now.to_string());
        self.home.cut_connections();
    }

    /// Starts the agent, as soon as the one before has let go of the folder.
    pub(super) async fn start(&mut self) {
        let folder = Folder::create(self.folder.path()).unwrap();
        let lock = loop {
            match Lock::try_acquire(&folder).unwrap() {
                Some(lock) => break lock,
                None => sleep(Duration::from_millis(1)).await,
            }
        };
        let (store, opened) =
            Store::open_inline(folder.clone(), lock, self.options, self.clock.now_ms()).unwrap();
        assert!(opened.damaged.is_empty(), "{opened:?}");
        let wishes = Arc::new(Wishes::default());
        let wall = self.clock.clone();
        let parts = Parts {
            scope: Scope::Daemon,
            clock: Clock::new(move || wall.now_ms()),
            dice: Dice::system(),
            folder,
            store,
            to_portal: Arc::new(self.to_portal.clone()),
            events: Some(read_home(&self.home, &wishes)),
            wishes,
            own_hosts: own_hosts(),
            door: Some(door(&self.home)),
        };
        let agent = Agent::with(parts).await.unwrap();
        let requests = agent.requests();
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(agent.run(async move {
            let _ = stopped.await;
        }));
        self.agent = Some(Running { requests, stop, task });
    }

    /// Ends the agent as SIGTERM does.
    pub(super) async fn stop(&mut self) {
        let Running { stop, task, .. } = self.agent.take().unwrap();
        stop.send(()).unwrap();
        task.await.unwrap().unwrap();
    }

    /// Ends the agent in the middle of whatever it does.
    pub(super) fn crash(&mut self) {
        self.agent.take().unwrap().task.abort();
    }

    /// All values of an answer, as JSON.
    pub(super) async fn ask(&self, request: Request) -> Result<Vec<String>, Problem> {
        let (reply, mut answers) = Reply::channel();
        let agent = self.agent.as_ref().unwrap();
        assert!(agent.requests.send((request, reply)).await.is_ok(), "the agent has ended");
        let mut values = Vec::new();
        while let Some(answer) = answers.recv().await {
            match answer {
                Answer::Value(value) => values.push(value.get().to_owned()),
                Answer::Problem(problem) => return Err(problem),
            }
        }
        Ok(values)
    }

    /// The only value of an answer.
    pub(super) async fn ask_one<T: DeserializeOwned>(&self, request: Request) -> T {
        let values = self.ask(request).await.unwrap();
        assert_eq!(values.len(), 1);
        serde_json::from_str(&values[0]).unwrap()
    }

    pub(super) async fn status(&self) -> Status {
        self.ask_one(Request::Status).await
    }

    /// Meets a portal and says yes.
    pub(super) async fn pair(&self, invite: &str) -> Result<(), Problem> {
        let meeting = self.meet(invite).await?;
        let preview = meeting.preview;
        self.ask(Request::Pair { invite: invite.to_owned(), preview }).await.map(drop)
    }

    pub(super) async fn meet(&self, invite: &str) -> Result<Meeting, Problem> {
        let mut values =
            self.ask(Request::Meet { portal: ORIGIN.to_owned(), invite: invite.to_owned() }).await?;
        Ok(serde_json::from_str(&values.pop().unwrap()).unwrap())
    }

    pub(super) async fn grant(&self, class: Class) {
        self.ask(Request::Grant { class }).await.unwrap();
    }

    pub(super) async fn withdraw(&self, class: Class) {
        self.ask(Request::Withdraw { class }).await.unwrap();
    }

    /// Waits until the status is as wanted.
    pub(super) async fn until(&self, what: &str, wanted: impl Fn(&Status) -> bool) -> Status {
        let deadline = Instant::now() + PATIENCE;
        let mut rest = Duration::from_millis(20);
        loop {
            let status = self.status().await;
            if wanted(&status) {
                return status;
            }
            assert!(Instant::now() < deadline, "never: {what}; last {status:#?}");
            sleep(rest).await;
            rest = (rest * 2).min(Duration::from_secs(30));
        }
    }

    /// Waits until the agent shows this problem with its portal.
    pub(super) async fn until_problem(&self, code: &str) -> Status {
        self.until(code, |status| problem_of(status) == Some(code)).await
    }

    /// Waits until agent and portal say that they agree, and checks that the portal holds exactly what the home, read afresh, would
    /// show: nothing is lost, nothing doubled, no ghost remains.
    pub(super) async fn converge(&self, portal: &RealPortal) -> Status {
        let deadline = Instant::now() + PATIENCE;
        loop {
            self.until("in sync", |status| status.in_sync).await;
            let (held, shown) = (portal.lines(), self.preview().await);
            let status = self.status().await;
            if status.in_sync && portal.lines() == shown {
                assert!(status.outbox.is_empty(), "{:?}", status.outbox);
                assert_eq!(status.root, portal.root(), "the roots are those of the same records");
                return status;
            }
            // In sync with what the agent knew; the fresh reading may be newer by a moment.
            assert!(Instant::now() < deadline, "the portal differs: {:#?}", difference(&held, &shown));
            sleep(Duration::from_secs(30)).await;
        }
    }

    /// What the portal should hold, from a fresh reading of the home.
    pub(super) async fn preview(&self) -> Vec<String> {
        preview_at(self.folder.path(), &self.home, self.clock.now_ms()).await
    }

    /// What lies in the ledger, oldest first.
    pub(super) fn ledger(&self) -> Vec<Row> {
        let page = Page { from: None, limit: u32::MAX, direction: None, newest_first: false };
        self.reader().list(&page, &[]).unwrap()
    }

    /// Rows of this kind that went out.
    pub(super) fn sent(&self, kind: &str) -> usize {
        self.ledger().iter().filter(|row| row.direction == Direction::Out && row.kind == kind).count()
    }

    /// Public half of the key with which the home proves to this tenant who it is.
    pub(super) fn device_key(&self, tenant: &TenantId) -> [u8; 32] {
        let secret = Folder::existing(self.folder.path()).unwrap().home_secret().unwrap().unwrap();
        *secret.tenant(tenant).device_key.verifying_key().as_bytes()
    }

    pub(super) fn assert_ledger_is_sound(&self) {
        let verdict = self.reader().verify().unwrap();
        assert!(matches!(verdict, Verification::Sound { .. }), "{verdict:?}");
    }

    pub(super) fn reader(&self) -> Reader {
        Reader::open(&Folder::existing(self.folder.path()).unwrap()).unwrap()
    }

    /// Bytes of all files in the data folder.
    pub(super) fn disk(&self) -> u64 {
        files(self.folder.path()).iter().map(|(_, bytes)| bytes.len() as u64).sum()
    }

    /// Files of the data folder in which one of these texts occurs.
    pub(super) fn occurrences(&self, texts: &[String]) -> Vec<String> {
        let holds = |bytes: &[u8]| {
            texts.iter().find(|text| bytes.windows(text.len()).any(|window| window == text.as_bytes()))
        };
        files(self.folder.path())
            .iter()
            .filter_map(|(name, bytes)| holds(bytes).map(|text| format!("{text} in {name}")))
            .collect()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(agent) = self.agent.take() {
            agent.task.abort();
        }
    }
}

pub(super) fn problem_of(status: &Status) -> Option<&str> {
    status.portal.problem.as_ref().map(|problem| &*problem.code)
}

fn own_hosts() -> Vec<Text> {
    vec![Private::new("127.0.0.1".into())]
}

/// The lines of `vestibule preview`, sorted, at the machine's time.
pub(super) async fn preview(folder: &Path, home: &FakeHome) -> Vec<String> {
    preview_at(folder, home, Clock::system().now_ms()).await
}

async fn preview_at(folder: &Path, home: &FakeHome, now_ms: i64) -> Vec<String> {
    let folder = Folder::existing(folder).unwrap();
    let state = Reader::open(&folder).unwrap().load().unwrap();
    let Some(pairing) = &state.pairing else { return Vec::new() };
    let keys = folder.home_secret().unwrap().unwrap().tenant(&pairing.tenant);
    let mut state = state.clone();
    let mut stock = Stock::new(&mut state, own_hosts());
    let wishes = Arc::new(Wishes::default());
    wishes.want_dashboards(state.grants.consent.grants(Class::Dashboards));
    wishes.want_routines(state.grants.consent.grants(Class::Automations));
    let mut events = read_home(home, &wishes);
    loop {
        if let HomeEvent::Read { readings, complete } = events.recv().await.unwrap() {
            stock.take_in(readings, now_ms);
            if complete {
                break;
            }
        }
    }
    let lines = stock.preview(&keys.id_key, &state.grants, now_ms);
    let mut lines: Vec<String> = lines.into_iter().map(|line| line.get().to_owned()).collect();
    lines.sort_unstable();
    lines
}

/// The way to the desk.
fn door(home: &FakeHome) -> Door {
    let endpoint = Endpoint::from_url(HOME_URL, Token::new(TOKEN).unwrap()).unwrap();
    Door { dial: Arc::new(ToHome(home.clone())), endpoint, page: Some(Place::App("local_vestibule".into())) }
}

/// Starts reading the home.
fn read_home(home: &FakeHome, wishes: &Arc<Wishes>) -> mpsc::Receiver<HomeEvent> {
    let endpoint = Endpoint::from_url(HOME_URL, Token::new(TOKEN).unwrap()).unwrap();
    let (to, events) = mpsc::channel(2);
    let dice = Dice::system();
    tokio::spawn(home::run(endpoint, ToHome(home.clone()), move || dice.unit(), Arc::clone(wishes), to));
    events
}

fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let named = |path: std::path::PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        // A socket is no file, and a log may vanish while we look.
        std::fs::read(path).ok().map(|bytes| (name, bytes))
    };
    entries.filter_map(named).collect()
}

/// What only one of the two has.
pub(super) fn difference(held: &[String], shown: &[String]) -> Vec<String> {
    let only = |of: &[String], other: &[String], sign: &str| {
        of.iter()
            .filter(|line| !other.contains(line))
            .map(|line| format!("{sign} {line}"))
            .collect::<Vec<_>>()
    };
    [only(held, shown, "ghost"), only(shown, held, "lost")].concat()
}
