//! `cargo bench --package vestibule-portal --bench load`: ten thousand homes at one portal, and how many changes a second it takes in on
//! one core (DESIGN section 12). The portal is the released program in a process of its own; the homes are the small agent of its tests.

#[expect(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "made for tests, which need more of it"
)]
#[path = "../tests/portal/agent.rs"]
mod agent;
#[expect(dead_code, clippy::unwrap_used, reason = "likewise")]
#[path = "../tests/portal/desk.rs"]
mod desk;

use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ed25519_dalek::SigningKey;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use tokio::time::sleep;
use vestibule_portal::data::Data;
use vestibule_portal::store::{Tx, homes, tenants};
use vestibule_portal::world::World;
use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::id::TenantId;
use vestibule_protocol::message::{EnrolBody, FromPortal};
use vestibule_protocol::statement::Statement;

use agent::{Home, Link};
use desk::{DAY, Tenant, random};

/// Homes that are connected at once.
const HOMES: usize = 10_000;
/// Memory for them, in MiB.
const MEMORY: f64 = 256.0;
/// Changes a second on one core.
const CHANGES: f64 = 2_000.0;
/// Homes that change all the time, each waiting for its acknowledgement.
const BUSY: usize = 256;
/// Records of a busy home.
const ENTITIES: u64 = 40;
const DURING: Duration = Duration::from_secs(10);
/// Connections that are made at once.
const AT_ONCE: usize = 64;
/// After so long nothing is left of the connecting.
const SETTLE: Duration = Duration::from_secs(10);
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// Ticks of the kernel's clock in a second, as Linux shows times.
const TICKS: f64 = 100.0;

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let (tenant, all) = furnish(folder.path(), &format!("http://{address}")).await?;
    let portal = Program::start(folder.path(), address).await?;

    let began = Instant::now();
    let connect = |mut home: Home| {
        let tenant = tenant.clone();
        async move {
            let mut link = Link::reach(address, &tenant, now()).await;
            let FromPortal::Welcome(welcome) = link.hello(&home).await else {
                return Err(Failure::from("a home is not welcome"));
            };
            home.session = Some(welcome.session);
            Ok((home, link))
        }
    };
    let mut linked: Vec<(Home, Link)> =
        stream::iter(all).map(connect).buffer_unordered(AT_ONCE).try_collect().await?;
    let rate = per_second(HOMES as u64, began.elapsed());
    row("homes connected a second", rate, "", None);
    sleep(SETTLE).await;
    let memory = portal.mebibytes()?;
    let missed = row(&format!("memory with {HOMES} homes connected"), memory, "MiB", Some(memory <= MEMORY));

    let (count, cpu) = (Arc::new(AtomicU64::new(0)), portal.cpu_seconds()?);
    let began = Instant::now();
    let busy: Vec<_> = linked
        .drain(..BUSY)
        .map(|(home, link)| tokio::spawn(change(home, link, began + DURING, Arc::clone(&count))))
        .collect();
    for one in busy {
        one.await??;
    }
    let (took, done) = (began.elapsed(), count.load(Ordering::Relaxed));
    let rate = per_second(done, took);
    let slow = row("changes acknowledged a second, portal on one core", rate, "", Some(rate >= CHANGES));
    row(
        "  of that core, the portal used",
        (portal.cpu_seconds()? - cpu) / took.as_secs_f64() * 100.0,
        "%",
        None,
    );
    if missed || slow { Err("a limit was missed".into()) } else { Ok(()) }
}

/// Changes one record after another.
async fn change(
    mut home: Home,
    mut link: Link,
    until: Instant,
    count: Arc<AtomicU64>,
) -> Result<(), Failure> {
    link.sync(&home).await;
    let keys: Vec<String> = home.records.keys().cloned().collect();
    for (n, key) in keys.iter().cycle().enumerate() {
        if Instant::now() >= until {
            break;
        }
        let mut after = home.clone();
        after.records.insert(key.clone(), format!("{{\"domain\":\"light\",\"ordinal\":{}}}", n + 1_000));
        let FromPortal::Ack(_) = link.push(&home, &after).await else {
            return Err("a change was not acknowledged".into());
        };
        count.fetch_add(1, Ordering::Relaxed);
        home = after;
    }
    Ok(())
}

/// A data folder with a tenant and its homes, all enrolled.
async fn furnish(folder: &Path, origin: &str) -> Result<(Tenant, Vec<Home>), Failure> {
    let world = World::real();
    let data = Data::at(folder, None).map_err(|problem| problem.what)?;
    let store = data.inline_store(world.clone()).map_err(|problem| problem.what)?;
    let root = SigningKey::from_bytes(&random());
    let id = TenantId::of_root_key(root.verifying_key().as_bytes());
    let key = data.signing_key(&world).map_err(|problem| problem.what)?;
    let statement = Statement {
        name: "Load".to_owned(),
        origin: origin.to_owned(),
        portal_key: Fixed(*key.verifying_key().as_bytes()),
        root_key: Fixed(*root.verifying_key().as_bytes()),
        issued: now(),
        expires: now() + 100 * DAY,
    };
    let signed = statement.sign(&root)?;
    let tenant = Tenant { id, origin: origin.to_owned() };
    let mut all: Vec<Home> = (0..HOMES).map(|_| Home::new(&tenant)).collect();
    let enrolments: Vec<EnrolBody> = all.iter().map(enrolment).collect();
    let write = move |tx: &Tx<'_>| {
        tenants::put(tx, &id, &statement.name, &signed)?;
        let row = tenants::get(tx.db, &id)?;
        enrolments.iter().try_for_each(|body| homes::enrol(tx, &row, body, None))
    };
    store.write(write).await.map_err(|stop| format!("{stop:?}"))?;
    all.iter_mut().take(BUSY).for_each(|home| home.furnish(ENTITIES));
    Ok((tenant, all))
}

fn enrolment(home: &Home) -> EnrolBody {
    EnrolBody {
        fingerprint: home.fingerprint,
        nonce: Fixed(random()),
        agent: "0.1.0".into(),
        device_key: Fixed(*home.key.verifying_key().as_bytes()),
        secret: Fixed(random()),
        recovery_hash: Fixed(home.recovery.hash()),
    }
}

/// The portal as it is released.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Program {
    /// On the first core alone, which needs the `taskset` of util-linux.
    async fn start(folder: &Path, address: SocketAddr) -> Result<Self, Failure> {
        let program = env!("CARGO_BIN_EXE_vestibule-portal");
        let mut command = Command::new("taskset");
        command.args(["-c", "0", program, "serve", "--listen", &address.to_string(), "--data"]).arg(folder);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut portal = Self(command.spawn()?);
        while tokio::net::TcpStream::connect(address).await.is_err() {
            if let Some(status) = portal.0.try_wait()? {
                return Err(format!("the portal ended: {status}").into());
            }
            sleep(LOOK_AGAIN).await;
        }
        Ok(portal)
    }

    fn mebibytes(&self) -> Result<f64, Failure> {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.0.id()))?;
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
        Ok(line.trim().trim_end_matches("kB").trim().parse::<f64>()? / 1024.0)
    }

    /// Time on the processor so far, its own and the kernel's for it.
    fn cpu_seconds(&self) -> Result<f64, Failure> {
        let text = std::fs::read_to_string(format!("/proc/{}/stat", self.0.id()))?;
        // After the name, which may hold anything, utime and stime are the twelfth and thirteenth.
        let fields = text.rsplit_once(") ").map(|(_, rest)| rest).ok_or("no fields")?;
        let ticks = fields.split(' ').skip(11).take(2).map(str::parse::<f64>).sum::<Result<f64, _>>()?;
        Ok(ticks / TICKS)
    }
}

fn now() -> u64 {
    World::real().now()
}

fn per_second(count: u64, took: Duration) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "at most some hundred thousand")]
    let count = count as f64;
    count / took.as_secs_f64()
}

/// Prints a figure; `true` if its limit is missed.
fn row(what: &str, value: f64, unit: &str, ok: Option<bool>) -> bool {
    let verdict = ok.map_or("", |ok| if ok { "ok" } else { "MISSED" });
    // A reader that hung up is no problem of ours.
    let _ = writeln!(std::io::stdout(), "{what:<58} {value:>10.1} {unit:<4} {verdict}");
    ok == Some(false)
}
