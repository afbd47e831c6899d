//! The stage of one simulation: the network with its hosts, the owner's desk, copies of data folders, and the diary of what happened.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::mpsc;
use turmoil::Sim;
use vestibule::agent::Status;
use vestibule::control::{Answer, Reply, Request};
use vestibule::store::Folder;
use vestibule_dev::fake_home::{FakeHome, Version};
use vestibule_portal::data::Data;
use vestibule_protocol::id::{Fingerprint, TenantId};

use super::check::{self, Portal, Records};
use super::hosts::{self, BEGIN_MS, Counter, Desk};
use crate::support::dice::Seeded;

/// One step of the network. Every message takes one at least; longer steps make a simulation of minutes affordable.
pub(super) const TICK: Duration = Duration::from_millis(40);
/// The slowest message on an ordinary day.
pub(super) const LATENCY: Duration = Duration::from_millis(100);
/// More simulated time than any story needs; one that takes longer has got stuck.
const ENOUGH: Duration = Duration::from_secs(24 * 3600);
/// Segments that may wait on a connection.
const SEGMENTS: usize = 4096;

/// A host, by its name on the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Host {
    Agent,
    Portal,
    Home,
}

impl Host {
    pub(super) const ALL: [Self; 3] = [Self::Agent, Self::Portal, Self::Home];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Portal => "portal",
            Self::Home => "home",
        }
    }
}

/// A request that is under way.
pub(super) struct Asked(mpsc::Receiver<Answer>);

pub(super) struct Stage {
    pub(super) sim: Sim<'static>,
    pub(super) home: FakeHome,
    pub(super) tenant: TenantId,
    pub(super) invite: String,
    folder: tempfile::TempDir,
    desk: Desk,
    counter: Counter,
    /// How long the next start of Home Assistant takes.
    starting: Arc<Mutex<Duration>>,
    world: vestibule_portal::world::World,
    /// What happened, in words that are the same for the same seed.
    pub(super) diary: Vec<String>,
}

impl Stage {
    pub(super) fn new(seed: u64, version: Version, entities: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let home = FakeHome::of_size(version, entities);
        let portal_dice = Arc::new(Mutex::new(Seeded::new(seed, "portal")));
        let (tenant, invite) = hosts::invite(&folder.path().join("portal"), &portal_dice);
        let mut sim = turmoil::Builder::new()
            .rng_seed(seed)
            .tick_duration(TICK)
            .simulation_duration(ENOUGH)
            .min_message_latency(Duration::from_millis(1))
            .max_message_latency(LATENCY)
            .tcp_capacity(SEGMENTS)
            .enable_random_order()
            .build();
        let starting = Arc::new(Mutex::new(Duration::ZERO));
        let (house, starts) = (home.clone(), Arc::clone(&starting));
        sim.host("home", move || hosts::home(house.clone(), *starts.lock().unwrap()));
        let world = hosts::world(portal_dice);
        let (path, outside) = (folder.path().join("portal"), world.clone());
        let counter = Counter::default();
        let running = Arc::clone(&counter);
        sim.host("portal", move || hosts::portal(path.clone(), outside.clone(), Arc::clone(&running)));
        let (desk, dice) = (Desk::default(), Arc::new(Mutex::new(Seeded::new(seed, "agent"))));
        let (path, asked) = (folder.path().join("agent"), Arc::clone(&desk));
        sim.host("agent", move || hosts::agent(path.clone(), Arc::clone(&dice), Arc::clone(&asked)));
        let diary = Vec::new();
        Self { sim, home, tenant, invite, folder, desk, counter, starting, world, diary }
    }

    /// Lets time pass.
    pub(super) fn run(&mut self, time: Duration) {
        for _ in 0..time.as_millis().div_ceil(TICK.as_millis()) {
            self.step();
        }
    }

    pub(super) fn step(&mut self) {
        if let Err(error) = self.sim.step() {
            panic!("a host failed: {error}");
        }
    }

    pub(super) fn note(&mut self, what: impl std::fmt::Display) {
        let line = format!("{:>9} ms  {what}", self.sim.elapsed().as_millis());
        if std::env::var_os(super::ALONE).is_some() {
            eprintln!("{line}");
        }
        self.diary.push(line);
    }

    pub(super) fn now_ms(&self) -> i64 {
        BEGIN_MS + i64::try_from(self.sim.elapsed().as_millis()).unwrap()
    }

    /// Asks the agent something; `None` while it is down.
    pub(super) fn ask(&self, request: Request) -> Option<Asked> {
        let (reply, answers) = Reply::channel();
        self.desk.lock().unwrap().as_ref()?.try_send((request, reply)).ok()?;
        Some(Asked(answers))
    }

    /// Waits for the answer: its last value, or why there is none. `None` if it took too long, or the agent was killed meanwhile.
    pub(super) fn answer(&mut self, mut asked: Asked, patience: Duration) -> Option<Result<Value, String>> {
        let mut last = None;
        let until = self.sim.elapsed() + patience;
        while self.sim.elapsed() < until {
            loop {
                match asked.0.try_recv() {
                    Ok(Answer::Value(value)) => last = serde_json::from_str(value.get()).ok(),
                    Ok(Answer::Problem(problem)) => return Some(Err(problem.code.to_string())),
                    Err(mpsc::error::TryRecvError::Disconnected) => return last.map(Ok),
                    Err(mpsc::error::TryRecvError::Empty) => break,
                }
            }
            self.step();
        }
        None
    }

    /// Asks and waits for the answer.
    pub(super) fn owner(&mut self, request: Request) -> Option<Result<Value, String>> {
        let asked = self.ask(request)?;
        self.answer(asked, Duration::from_secs(90))
    }

    pub(super) fn status(&mut self) -> Option<Status> {
        serde_json::from_value(self.owner(Request::Status)?.ok()?).ok()
    }

    pub(super) fn is_up(&mut self, host: Host) -> bool {
        self.sim.is_host_running(host.name())
    }

    /// Kills a host's program. The other side sees its connections end.
    pub(super) fn kill(&mut self, host: Host) {
        if host == Host::Agent {
            self.desk.lock().unwrap().take();
        }
        if host == Host::Portal {
            self.counter.lock().unwrap().take();
        }
        self.sim.crash(host.name());
    }

    /// Lets a home's link know that there is something for it, if the portal runs.
    pub(super) fn ring(&self, home: i64) {
        if let Some(app) = &*self.counter.lock().unwrap() {
            app.links.ring(home);
        }
    }

    /// Starts a host's program again.
    pub(super) fn start(&mut self, host: Host, home_starts_in: Duration) {
        *self.starting.lock().unwrap() = home_starts_in;
        self.sim.bounce(host.name());
    }

    /// The agent's data folder.
    pub(super) fn agent_folder(&self) -> Folder {
        Folder::existing(&self.folder.path().join("agent")).unwrap()
    }

    pub(super) fn fingerprint(&self) -> Fingerprint {
        self.agent_folder().home_secret().unwrap().unwrap().tenant(&self.tenant).fingerprint
    }

    /// The portal's database, opened beside the portal.
    pub(super) fn portal(&self) -> Portal<'_> {
        let path = self.folder.path().join("portal");
        let data = Data::at(&path, None).unwrap();
        Portal {
            store: data.simulated_store(self.world.clone()).unwrap(),
            journal: vestibule_portal::journal::Journal::at(&data.journal),
            tenant: &self.tenant,
        }
    }

    /// What the portal should hold now.
    pub(super) fn expected(&self) -> Records {
        check::expected(&self.agent_folder(), &self.tenant, &self.home, self.now_ms())
    }

    fn backup(&self, host: Host) -> PathBuf {
        self.folder.path().join(format!("{}-yesterday", host.name()))
    }

    pub(super) fn has_copy(&self, host: Host) -> bool {
        self.backup(host).exists()
    }

    /// Copies a data folder. Between two steps nobody is in the middle of a transaction.
    pub(super) fn copy(&self, host: Host) {
        let to = self.backup(host);
        let _ = fs::remove_dir_all(&to);
        copy(&self.folder.path().join(host.name()), &to, |_| true);
    }

    /// Puts the copy of a folder back, while its program is not running. A portal's erasure journal lies elsewhere and stays (R28).
    pub(super) fn put_back(&self, host: Host) {
        let folder = self.folder.path().join(host.name());
        let stays = |name: &str| host == Host::Portal && name == "erasures.jsonl";
        for file in fs::read_dir(&folder).unwrap() {
            let file = file.unwrap();
            if !stays(&file.file_name().to_string_lossy()) {
                fs::remove_file(file.path()).unwrap();
            }
        }
        copy(&self.backup(host), &folder, |name| !stays(name));
    }
}

fn copy(from: &Path, to: &Path, wanted: impl Fn(&str) -> bool) {
    fs::create_dir_all(to).unwrap();
    for file in fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        let name = file.file_name().to_string_lossy().into_owned();
        // The shared memory is made anew from the write-ahead log.
        if wanted(&name) && !name.ends_with("-shm") {
            fs::copy(file.path(), to.join(&name)).unwrap();
        }
    }
}
