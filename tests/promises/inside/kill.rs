//! The program dies right after (and right before) each thing it makes durable, and comes again: nothing is lost, nothing is doubled.
//!
//! The agent is a process of its own, built with the feature `kill-points` into a target folder of its own; home and portal are in this
//! one, behind real sockets. Each story is a whole life: pair, grant, withdraw, a change at home, forget.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use futures_util::StreamExt as _;
use serde::de::DeserializeOwned;
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};
use vestibule::agent::{DeploymentView, Meeting, Status};
use vestibule::control::{Daemon, Request};
use vestibule::kill::KILL_POINTS;
use vestibule::store::{Folder, Reader, Verification};
use vestibule_dev::fake_home::{Domain, EntityKind, FakeHome, Listening, TOKEN, Version};
use vestibule_protocol::consent::{Change, Class, Policy};
use vestibule_protocol::deployment::{Base, DeploymentId, Item, RoutinePut};
use vestibule_protocol::problem::Problem;

use super::real::RealPortal;
use super::world::{difference, preview};
use crate::support::{both_files, programs};

/// Lives at the same time: most of a life is waiting.
const AT_ONCE: usize = 6;
/// Longest wait for anything, in real time; reached only when the test fails.
const PATIENCE: Duration = Duration::from_secs(60);
/// How soon to look again.
const REST: Duration = Duration::from_millis(25);
/// Points that are passed many times in a life, each time in another situation; how many of these are tried.
const OFTEN: [(&str, u64); 12] = [
    ("link.recorded", 9),
    ("link.sent", 9),
    ("store.ledger.appended", 9),
    ("store.agent.written", 6),
    ("store.agent.committed", 6),
    ("agent.outbox", 4),
    ("agent.welcomed", 3),
    ("deploy.kept", 8),
    ("deploy.noted", 12),
    ("desk.looked", 9),
    ("desk.written", 3),
    ("desk.restored", 3),
];

/// One life.
struct Life {
    point: String,
    program: PathBuf,
    folder: TempDir,
    home: FakeHome,
    listening: Listening,
    portal: RealPortal,
    child: Child,
    killed: bool,
}

impl Life {
    async fn begin(program: PathBuf, point: String) -> Self {
        let folder = tempfile::tempdir().unwrap();
        if point.starts_with("store.damaged.moved") {
            let damaged = "damaged, and long enough to be read as a header";
            std::fs::write(folder.path().join("agent.db"), damaged).unwrap();
        }
        let home = FakeHome::of_size(Version::V2026_11, 30);
        let listening = home.listen().await.unwrap();
        let portal = RealPortal::listen().await;
        let child = spawn(&program, folder.path(), &listening, Some(&point));
        Self { point, program, folder, home, listening, portal, child, killed: false }
    }

    /// The daemon; after its violent death, another one.
    async fn daemon(&mut self) -> Daemon {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                assert!(status.code().is_none() && !self.killed, "{}: it ended with {status}", self.point);
                self.killed = true;
                self.child = spawn(&self.program, self.folder.path(), &self.listening, None);
            }
            if let Some(daemon) = Daemon::at(self.folder.path()).await {
                return daemon;
            }
            assert!(Instant::now() < deadline, "{}: no daemon", self.point);
            sleep(REST).await;
        }
    }

    async fn ask(&mut self, request: &Request) -> Result<Vec<String>, Problem> {
        let daemon = self.daemon().await;
        let mut values = Vec::new();
        daemon.ask(request, |value| values.push(value.to_owned())).await?;
        Ok(values)
    }

    async fn last<T: DeserializeOwned>(&mut self, request: &Request) -> Result<T, Problem> {
        let mut values = self.ask(request).await?;
        Ok(serde_json::from_str(&values.pop().unwrap()).unwrap())
    }

    /// Asks as often as the daemon dies under it.
    async fn insist<T: DeserializeOwned>(&mut self, request: &Request) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.last(request).await {
                Ok(value) => return value,
                Err(problem) => assert!(
                    problem.code == "daemon_gone" && Instant::now() < deadline,
                    "{}: {problem}",
                    self.point
                ),
            }
            sleep(REST).await;
        }
    }

    async fn until(&mut self, what: &str, wanted: impl Fn(&Status) -> bool) -> Status {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let status: Status = self.insist(&Request::Status).await;
            if wanted(&status) {
                return status;
            }
            assert!(Instant::now() < deadline, "{}: never {what}: {status:#?}", self.point);
            sleep(REST).await;
        }
    }

    async fn pair(&mut self) {
        let (portal, invite) = (self.portal.origin().to_owned(), self.portal.invite());
        let deadline = Instant::now() + PATIENCE;
        while self.insist::<Status>(&Request::Status).await.fingerprint.is_none() {
            assert!(Instant::now() < deadline, "{}: never paired", self.point);
            let meet = Request::Meet { portal: portal.clone(), invite: invite.clone() };
            let Ok(meeting) = self.last::<Meeting>(&meet).await else { continue };
            let pair = Request::Pair { invite: invite.clone(), preview: meeting.preview };
            // Whether it came about shows the status.
            let _ = self.ask(&pair).await;
        }
    }

    /// Waits until the portal holds exactly what the home has, and checks that neither noticed a double or a backup.
    async fn converge(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let status = self.until("in sync", |status| status.in_sync).await;
            let (held, shown) = (self.portal.lines(), preview(self.folder.path(), &self.home).await);
            let differs = difference(&held, &shown);
            if differs.is_empty() {
                assert!(!status.restored && !status.cloned, "{}: {status:#?}", self.point);
                return;
            }
            assert!(Instant::now() < deadline, "{}: {differs:#?}", self.point);
            sleep(REST).await;
        }
    }

    fn reader(&self) -> Reader {
        Reader::open(&Folder::existing(self.folder.path()).unwrap()).unwrap()
    }

    fn assert_ledger_is_sound(&self) {
        let verdict = self.reader().verify().unwrap();
        assert!(matches!(verdict, Verification::Sound { .. }), "{}: {verdict:?}", self.point);
    }

    /// A deployment from its approval to its undoing: old or new after each death, never something between.
    async fn deploy(&mut self) {
        const CONTENT: &str = r#"{"views":[{"title":"Hall","cards":[]}]}"#;
        const WAKE: &str = r#"{"alias":"Wake","triggers":[],"conditions":[],"actions":[]}"#;
        self.portal.charter().await;
        let deadline = Instant::now() + PATIENCE;
        while self.reader().load().unwrap().desk.trusting.charter.is_none() {
            assert!(Instant::now() < deadline, "{}: no charter", self.point);
            self.daemon().await;
            sleep(REST).await;
        }
        for change in [Change::Dashboards, Change::Automations] {
            let allow = Request::SetChange { change, policy: Some(Policy::Ask) };
            let _: serde_json::Value = self.insist(&allow).await;
        }
        let automation = RoutinePut {
            existing: None,
            id: Some("acme_wake".into()),
            base: Base::None,
            content: WAKE.into(),
        };
        let items = vec![super::deploy::dashboard("acme-hall", CONTENT), Item::AutomationPut(automation)];
        let id = self.portal.submit(&self.portal.draft(items)).await;
        let approve = Request::Approve { id, plan_hash: None, hosts: BTreeSet::new(), files: both_files() };
        self.deployment(id, Some(&approve), |view| matches!(&*view.state, "verified" | "settled")).await;
        let contents = self.home.model(|model| model.contents.get("acme-hall").cloned());
        assert_eq!(contents.as_deref(), Some(CONTENT), "{}", self.point);
        let enable = Request::Enable { id, item: 1 };
        self.deployment(id, Some(&enable), |view| view.items[1].enabled).await;
        let undo = Request::Undo { id, overwrite: false };
        self.deployment(id, Some(&undo), |view| view.state == "undone").await;
        let left = self.home.model(|model| {
            let listed = model.dashboards.iter().any(|dashboard| dashboard["url_path"] == "acme-hall");
            (listed, model.contents.contains_key("acme-hall"), model.routines.ids(Domain::Automation))
        });
        assert_eq!(left, (false, false, Vec::new()), "{}", self.point);
    }

    /// Asks for something as often as it takes until a deployment is as wanted.
    async fn deployment(
        &mut self,
        id: DeploymentId,
        ask: Option<&Request>,
        wanted: impl Fn(&DeploymentView) -> bool,
    ) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let seen = self.last::<DeploymentView>(&Request::Deployment { id }).await;
            if seen.as_ref().is_ok_and(&wanted) {
                return;
            }
            assert!(Instant::now() < deadline, "{}: {ask:?}: {seen:#?}", self.point);
            // Whether it came about shows the next look.
            if let (Some(ask), Ok(seen)) = (ask, &seen)
                && matches!(&*seen.state, "waiting" | "verified" | "settled")
            {
                let _ = self.ask(ask).await;
            }
            sleep(REST).await;
        }
    }

    async fn live(mut self) -> (String, bool) {
        self.pair().await;
        let _: serde_json::Value = self.insist(&Request::Grant { class: Class::Names }).await;
        self.converge().await;
        assert!(
            self.portal.lines().iter().any(|line| line.starts_with("{\"key\":\"name/")),
            "{}",
            self.point
        );
        let _: serde_json::Value = self.insist(&Request::Withdraw { class: Class::Names }).await;
        self.home.add_entity("light.afterwards", EntityKind::Light, None);
        self.converge().await;
        assert!(
            !self.portal.lines().iter().any(|line| line.starts_with("{\"key\":\"name/")),
            "{}",
            self.point
        );
        assert_eq!(self.portal.handled(), 2, "{}: each decision arrives once", self.point);
        self.assert_ledger_is_sound();
        self.deploy().await;
        let forget = Request::Forget { give_up: false };
        let deadline = Instant::now() + PATIENCE;
        // Asking is over once it is durable, whether or not the answer arrived.
        while self.insist::<Status>(&Request::Status).await.fingerprint.is_some() {
            assert!(Instant::now() < deadline, "{}: never forgotten", self.point);
            let _ = self.ask(&forget).await;
        }
        self.until("forgotten", |status| !status.forgetting && status.fingerprint.is_none()).await;
        assert!(self.portal.is_erased(), "{}", self.point);
        assert_eq!(self.reader().load().unwrap().pairing, None);
        self.assert_ledger_is_sound();
        let _ = self.child.kill().await;
        (self.point, self.killed)
    }
}

fn spawn(program: &Path, folder: &Path, home: &Listening, point: Option<&str>) -> Child {
    let mut command = Command::new(program);
    command
        .args(["run", "--data"])
        .arg(folder)
        .env("VESTIBULE_HOME_ASSISTANT__URL", home.url())
        .env("VESTIBULE_HOME_ASSISTANT__TOKEN", TOKEN)
        .env_remove("VESTIBULE_TEST_KILL_AT")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    if let Some(point) = point {
        command.env("VESTIBULE_TEST_KILL_AT", point);
    }
    command.spawn().unwrap()
}

/// S: `kill -9` at every outbox and store step, and at every step of the loop that is durable.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_that_dies_at_any_durable_step_loses_and_doubles_nothing() {
    let program = tokio::task::spawn_blocking(programs::mortal_agent).await.unwrap().to_owned();
    let mut stories = Vec::new();
    for point in KILL_POINTS {
        let often = OFTEN.iter().find(|(name, _)| name == point).map_or(2, |(_, times)| *times);
        stories.extend((1..=often).map(|nth| format!("{point}:{nth}")));
    }
    let lives = stories.into_iter().map(|point| {
        let program = program.clone();
        // A task of its own, so that a failed one ends the test with its words.
        async { tokio::spawn(async { Life::begin(program, point).await.live().await }).await.unwrap() }
    });
    let ended: Vec<(String, bool)> =
        futures_util::stream::iter(lives).buffer_unordered(AT_ONCE).collect().await;
    let missed: Vec<&String> = ended
        .iter()
        .filter(|(point, killed)| !killed && point.ends_with(":1"))
        .map(|(point, _)| point)
        .collect();
    assert_eq!(missed, Vec::<&String>::new(), "points that no life passes");
}
