//! The three hosts on a simulated network: the real agent, the real portal, and the fake home. Nothing below runs in another thread.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ed25519_dalek::SigningKey;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use turmoil::net::{TcpListener, TcpStream};
use vestibule::agent::{Agent, Door, Parts, Scope};
use vestibule::clock::{Clock, Dice};
use vestibule::control::Asked;
use vestibule::home::{Endpoint, Token, Wishes};
use vestibule::net::{BoxedStream, Dial, DialError, Dialling, Target};
use vestibule::store::{Folder, Lock, Store, StoreOptions};
use vestibule_dev::fake_home::{FakeHome, TOKEN};
use vestibule_portal::app::App;
use vestibule_portal::data::Data;
use vestibule_portal::serve::{accept, upkeep};
use vestibule_portal::store::{erase, invites, tenants};
use vestibule_portal::world::World;
use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::id::TenantId;
use vestibule_protocol::invite::Invite;
use vestibule_protocol::statement::{LIFETIME_SECONDS, Statement};

use crate::support::dice::Seeded;
use crate::support::signing;

/// Where the portal is, as the agent is told. Plain HTTP needs a loopback address; the simulated network looks at the port.
pub(super) const ORIGIN: &str = "http://127.0.0.1:7443";
const PORTAL_PORT: u16 = 7443;
const HOME_PORT: u16 = 8123;
/// When every simulation begins, in Unix milliseconds.
pub(super) const BEGIN_MS: i64 = 1_795_000_000_000;
/// As `vestibule::net` waits for a connection.
const PATIENCE: Duration = Duration::from_secs(10);
/// A portal's notice to silent homes plays no part in minutes.
const SILENT_DAYS: u32 = 90;

/// Where the owner's requests go; empty while the agent is down.
pub(super) type Desk = Arc<Mutex<Option<mpsc::Sender<Asked>>>>;

/// The portal as it runs; empty while it is down.
pub(super) type Counter = Arc<Mutex<Option<App>>>;

/// A failure that ends the simulation.
type Failure = Box<dyn Error>;

fn failed(error: impl std::fmt::Debug) -> Failure {
    format!("{error:?}").into()
}

/// Simulated Unix milliseconds.
pub(super) fn now_ms() -> i64 {
    let since = turmoil::sim_elapsed().unwrap_or_default();
    BEGIN_MS + i64::try_from(since.as_millis()).unwrap_or_default()
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The agent's way to both others: the simulated network.
struct Wires;

impl Dial for Wires {
    fn dial<'a>(&'a self, target: &'a Target) -> Dialling<'a> {
        Box::pin(async move {
            let host = if target.port == PORTAL_PORT { "portal" } else { "home" };
            let connecting = TcpStream::connect((host, target.port));
            match tokio::time::timeout(PATIENCE, connecting).await {
                Ok(Ok(stream)) => Ok(Box::new(stream) as BoxedStream),
                Ok(Err(_)) | Err(_) => Err(DialError::Unreachable),
            }
        })
    }
}

/// One run of the agent, until it is killed.
pub(super) async fn agent(path: PathBuf, dice: Arc<Mutex<Seeded>>, desk: Desk) -> Result<(), Failure> {
    let clock = Clock::new(now_ms);
    let dice = Dice::new(move |bytes| lock(&dice).fill(bytes));
    let folder = Folder::create(&path).map_err(failed)?;
    let held = Lock::try_acquire(&folder).map_err(failed)?.ok_or("the folder is still locked")?;
    let options = StoreOptions { durable: false, ..StoreOptions::default() };
    let (store, opened) =
        Store::open_inline(folder.clone(), held, options, clock.now_ms()).map_err(failed)?;
    if !opened.damaged.is_empty() {
        return Err(failed(opened));
    }
    let wishes = Arc::new(Wishes::default());
    let (to, events) = mpsc::channel(2);
    let token = Token::new(TOKEN).map_err(failed)?;
    let endpoint = Endpoint::from_url(&format!("http://127.0.0.1:{HOME_PORT}"), token).map_err(failed)?;
    let jitter = dice.clone();
    let door = Some(Door { dial: Arc::new(Wires), endpoint: endpoint.clone(), page: None });
    tokio::spawn(vestibule::home::run(endpoint, Wires, move || jitter.unit(), Arc::clone(&wishes), to));
    let parts = Parts {
        // Everything but the socket for commands: requests come from the desk.
        scope: Scope::Pairing,
        clock,
        dice,
        folder,
        store,
        to_portal: Arc::new(Wires),
        events: Some(events),
        wishes,
        own_hosts: Vec::new(),
        door,
    };
    let agent = Agent::with(parts).await.map_err(failed)?;
    *lock(&desk) = Some(agent.requests());
    agent.run(std::future::pending()).await.map_err(failed)
}

/// One run of the fake home; Home Assistant takes a while to start.
pub(super) async fn home(home: FakeHome, starting: Duration) -> Result<(), Failure> {
    let listener = TcpListener::bind(("0.0.0.0", HOME_PORT)).await?;
    home.set_core_state("STARTING");
    // No state outlives a start.
    let now = jiff::Timestamp::from_millisecond(now_ms()).map_err(failed)?;
    home.started_at(&now.to_string());
    let starts = home.clone();
    tokio::spawn(async move {
        tokio::time::sleep(starting).await;
        starts.set_core_state("RUNNING");
    });
    loop {
        let (stream, _) = listener.accept().await?;
        let home = home.clone();
        tokio::spawn(async move { home.serve(stream).await });
    }
}

/// Turmoil's listener as axum wants it.
struct Ear(TcpListener);

impl axum::serve::Listener for Ear {
    type Io = TcpStream;
    type Addr = std::net::SocketAddr;

    async fn accept(&mut self) -> (TcpStream, Self::Addr) {
        loop {
            if let Ok(accepted) = self.0.accept().await {
                return accepted;
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.0.local_addr()
    }
}

/// Clock and chance of the portal.
pub(super) fn world(dice: Arc<Mutex<Seeded>>) -> World {
    World::with(
        || u64::try_from(now_ms() / 1000).unwrap_or_default(),
        move |bytes| {
            lock(&dice).fill(bytes);
            true
        },
    )
}

/// One run of the portal, as `serve::start` does it, with a store that works in the calling thread.
pub(super) async fn portal(path: PathBuf, world: World, counter: Counter) -> Result<(), Failure> {
    let data = Data::at(&path, None).map_err(failed)?;
    let _held = data.lock().await.map_err(failed)?;
    let store = data.simulated_store(world.clone()).map_err(failed)?;
    let key = data.signing_key(&world).map_err(failed)?;
    store.write(erase::replay).await.map_err(failed)?;
    let app = App::new(store, key, CancellationToken::new());
    upkeep::run(&app, SILENT_DAYS).await.map_err(failed)?;
    *lock(&counter) = Some(app.clone());
    let listener = Ear(TcpListener::bind(("0.0.0.0", PORTAL_PORT)).await?);
    accept(app, listener, None, TaskTracker::new()).await;
    Ok(())
}

/// Makes a tenant and an invite, before the portal serves for the first time.
pub(super) fn invite(path: &Path, dice: &Arc<Mutex<Seeded>>) -> (TenantId, String) {
    let world = world(Arc::clone(dice));
    let data = Data::at(path, None).unwrap();
    let store = data.simulated_store(world.clone()).unwrap();
    let portal_key = data.signing_key(&world).unwrap();
    let root = SigningKey::from_bytes(&signing::ROOT);
    let tenant = TenantId::of_root_key(root.verifying_key().as_bytes());
    let statement = Statement {
        name: "Simulated Homes".to_owned(),
        origin: ORIGIN.to_owned(),
        portal_key: Fixed(*portal_key.verifying_key().as_bytes()),
        root_key: Fixed(*root.verifying_key().as_bytes()),
        issued: world.now(),
        expires: world.now() + LIFETIME_SECONDS,
    };
    let statement = statement.sign(&root).unwrap();
    let secret: [u8; 16] = lock(dice).bytes();
    store
        .write_now(|tx| {
            tenants::put(tx, &tenant, "Simulated Homes", &statement)?;
            let row = tenants::get(tx.db, &tenant)?.id;
            invites::add(tx, row, &secret, None).map(drop)
        })
        .unwrap();
    (tenant, Invite { secret, tenant, origin: ORIGIN.to_owned() }.code())
}
