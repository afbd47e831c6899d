//! The image as an app: on a network like the Supervisor's, with its token and options, under stricter limits than it will have.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::{Duration, Instant};

use tokio::process::Command;
use tokio::time::sleep;
use vestibule_dev::fake_home::{FakeHome, TOKEN as HOME_TOKEN, Version};
use vestibule_dev::fake_supervisor::{Core, FakeSupervisor, TOKEN};
use vestibule_dev::real::{NEWEST, OLDEST, Options, RealHome, TEST_ENTITIES, skip_reason};

use super::engine::Engine;
use super::image::TAG;
use super::{Failure, Table, line, output_of, profile};

/// The network of the Supervisor and its apps.
const NETWORK: &str = "172.30.32.0/23";
const GATEWAY: &str = "172.30.32.1";
const SUPERVISOR: Ipv4Addr = Ipv4Addr::new(172, 30, 32, 2);
const APP: Ipv4Addr = Ipv4Addr::new(172, 30, 33, 5);
const PAGE_PORT: u16 = 8099;
/// Names that nobody else has.
const NAME: &str = "vestibule-image-check";
const BRIDGE: &str = "vestibule-check";
/// Nothing here takes longer.
const WITHIN: Duration = Duration::from_secs(60);
const LOOK_AGAIN: Duration = Duration::from_millis(200);
/// The Supervisor would wait for 30 s (config.yaml).
const END_WITHIN: f64 = 5.0;
/// After this the first reading is over and memory has settled.
const SETTLED: Duration = Duration::from_secs(6);

/// Everything that is seen of the running app.
pub(crate) async fn run(table: &mut Table, engine: &Engine) -> Result<(), Failure> {
    let home = home(table).await?;
    let network = run_docker(engine, &network()).await;
    let checked = async {
        network?;
        output_of(Command::new("ip").args(["addr", "add", &format!("{SUPERVISOR}/32"), "dev", BRIDGE]))
            .await?;
        let supervisor =
            FakeSupervisor::listen(SocketAddr::from((SUPERVISOR, 80)), home.core.clone()).await?;
        supervisor.app_at(SocketAddr::from((APP, PAGE_PORT)));
        strange_option(table, engine).await?;
        life(table, engine, &supervisor, &home.name).await
    }
    .await;
    // Whatever happened, nothing is left behind.
    for leftover in [&["rm", "-f", NAME][..], &["network", "rm", NAME]] {
        let _ = output_of(engine.docker().args(leftover)).await;
    }
    if profile::is_enforced() {
        profile::denials(table).await?;
    }
    checked
}

/// The home behind the Supervisor, kept alive by its owner.
struct Home {
    core: Core,
    name: String,
    _real: Option<RealHome>,
    _fake: Option<(FakeHome, vestibule_dev::fake_home::Listening)>,
}

/// A real home if there can be one, otherwise the fake.
async fn home(table: &mut Table) -> Result<Home, Failure> {
    for version in [NEWEST, OLDEST] {
        match RealHome::start(Options::new(version).entities(TEST_ENTITIES)).await {
            Ok(real) => {
                let address = SocketAddr::from(([127, 0, 0, 1], real.port()));
                let (token, version) = (real.token().to_owned(), real.version().to_owned());
                let name = format!("real {version}");
                let core = Core { address, token, version };
                return Ok(Home { core, name, _real: Some(real), _fake: None });
            }
            Err(error) => match skip_reason(&error) {
                Some(why) => table.skipped(&format!("Home Assistant {version}"), &why),
                None => return Err(error.into()),
            },
        }
    }
    let fake = FakeHome::of_size(Version::V2026_11, 1_200);
    let listening = fake.listen().await?;
    let core =
        Core { address: listening.address(), token: HOME_TOKEN.to_owned(), version: "2026.11.0".to_owned() };
    Ok(Home { core, name: "fake".to_owned(), _real: None, _fake: Some((fake, listening)) })
}

async fn run_docker(engine: &Engine, arguments: &[&str]) -> Result<String, Failure> {
    output_of(engine.docker().args(arguments)).await
}

fn network() -> [&'static str; 9] {
    let bridge = "com.docker.network.bridge.name=vestibule-check";
    ["network", "create", "--subnet", NETWORK, "--gateway", GATEWAY, "--opt", bridge, NAME]
}

/// As the Supervisor starts it, and stricter: a file system that cannot be written, no capability.
async fn start(engine: &Engine, data: &Path, options: &str) -> Result<(), Failure> {
    std::fs::write(data.join("options.json"), options)?;
    let mut command = engine.docker();
    command.args(["run", "-d", "--name", NAME, "--network", NAME, "--ip", &APP.to_string()]);
    command.args(["--add-host", &format!("supervisor:{SUPERVISOR}")]);
    command.args(["-e", &format!("SUPERVISOR_TOKEN={TOKEN}"), "-e", "TZ=Europe/Amsterdam"]);
    command.args(["--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"]);
    command.args(["--health-interval", "2s", "--health-start-period", "0s"]);
    if profile::is_enforced() {
        command.args(["--security-opt", "apparmor=vestibule"]);
    }
    command.arg("-v").arg(format!("{}:/data", data.display())).arg(TAG);
    output_of(&mut command).await?;
    Ok(())
}

async fn inspect(engine: &Engine, format: &str) -> Result<String, Failure> {
    run_docker(engine, &["inspect", "--format", format, NAME]).await
}

/// Waits until a command's answer fits.
async fn until(
    what: &str,
    mut look: impl AsyncFnMut() -> Result<(bool, String), Failure>,
) -> Result<Duration, Failure> {
    let begun = Instant::now();
    loop {
        let (fits, seen) = match look().await {
            Ok(answer) => answer,
            Err(failure) => (false, failure.to_string()),
        };
        if fits {
            return Ok(begun.elapsed());
        }
        if begun.elapsed() > WITHIN {
            return Err(format!("{what}: not within {WITHIN:?}: {seen}").into());
        }
        sleep(LOOK_AGAIN).await;
    }
}

/// An option that is none: the app says which, and ends.
async fn strange_option(table: &mut Table, engine: &Engine) -> Result<(), Failure> {
    let data = tempfile::tempdir()?;
    start(engine, data.path(), r#"{"log":"info","colour":"blue"}"#).await?;
    let code = run_docker(engine, &["wait", NAME]).await?;
    let logs = engine.docker().args(["logs", NAME]).output().await?;
    let said = [logs.stdout, logs.stderr].concat();
    let named = String::from_utf8_lossy(&said).contains("colour");
    let right = code == "1" && named;
    table.most("unknown options that are not named", "amd64", f64::from(u8::from(!right)), "", 0.0);
    run_docker(engine, &["rm", "-f", NAME]).await?;
    Ok(())
}

/// From the start to SIGTERM.
async fn life(
    table: &mut Table,
    engine: &Engine,
    supervisor: &FakeSupervisor,
    home: &str,
) -> Result<(), Failure> {
    let data = tempfile::tempdir()?;
    start(engine, data.path(), r#"{"log":"debug"}"#).await?;
    let took = until("healthy", async || {
        let health = inspect(engine, "{{.State.Health.Status}}").await?;
        Ok((health == "healthy", health))
    })
    .await?;
    table.shown("start until the engine calls it healthy", home, took.as_secs_f64(), "s");
    let connected = async |wanted: bool| {
        let status = run_docker(engine, &["exec", NAME, "/usr/bin/vestibule", "status", "--json"]).await?;
        let value: serde_json::Value = serde_json::from_str(&status)?;
        Ok((value["home"]["connected"] == wanted, status))
    };
    let took = until("the home is read through the Supervisor", async || connected(true).await).await?;
    table.shown("healthy until the home is read", home, took.as_secs_f64(), "s");
    page(table, supervisor, home).await;

    sleep(SETTLED).await;
    let process = inspect(engine, "{{.State.Pid}}").await?;
    let memory = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    for (field, what) in [("VmRSS:", "resident memory, unpaired"), ("VmHWM:", "peak, unpaired")] {
        let kib = memory.lines().find_map(|line| line.strip_prefix(field)?.trim().strip_suffix(" kB"));
        table.shown(what, home, kib.ok_or("no figure for memory")?.trim().parse::<f64>()? / 1024.0, "MiB");
    }

    // Home Assistant restarts: the proxy answers 502, and the process is as healthy as before.
    supervisor.core_runs(false);
    run_docker(engine, &["restart", "-t", "30", NAME]).await?;
    until("the proxy has said 502", async || {
        let seen = supervisor.seen();
        Ok((seen.contains_key("not running"), format!("{seen:?}")))
    })
    .await?;
    until("healthy without Home Assistant", async || {
        let health = inspect(engine, "{{.State.Health.Status}}").await?;
        Ok((health == "healthy", health))
    })
    .await?;
    supervisor.core_runs(true);
    let took = until("the home is read again", async || connected(true).await).await?;
    table.shown("Home Assistant is back until it is read", home, took.as_secs_f64(), "s");

    let begun = Instant::now();
    run_docker(engine, &["stop", "-t", "30", NAME]).await?;
    let took = begun.elapsed().as_secs_f64();
    let code: f64 = inspect(engine, "{{.State.ExitCode}}").await?.parse()?;
    table.most("exit code on SIGTERM", home, code, "", 0.0);
    table.most("from SIGTERM to the end", home, took, "s", END_WITHIN);
    line(&format!("the Supervisor was asked for: {:?}", supervisor.seen()));
    let unauthorized = supervisor.seen().get("unauthorized").copied().unwrap_or_default();
    table.most("requests without its token", home, unauthorized as f64, "", 0.0);
    Ok(())
}

/// The page through ingress, where this build has one; other addresses must be refused.
async fn page(table: &mut Table, supervisor: &FakeSupervisor, home: &str) {
    let ask = async |url: String| {
        let client = reqwest::Client::builder().tls_certs_only([]).build()?;
        Ok::<_, reqwest::Error>(client.get(url).timeout(WITHIN).send().await?.status().as_u16())
    };
    let token = vestibule_dev::fake_supervisor::INGRESS_TOKEN;
    let through = ask(format!("http://{}/ingress/{token}/", supervisor.address())).await;
    let Ok(status) = through.map(|status| if status == 502 { None } else { Some(status) }) else {
        table.failed("page through ingress", "the Supervisor does not answer");
        return;
    };
    match status {
        Some(status) => table.most("page through ingress, status", home, f64::from(status), "", 299.0),
        None => table.skipped("page through ingress", "nothing listens at the ingress port in this build"),
    }
    if status.is_some() {
        // From the gateway's address, which is not the Supervisor's.
        let status = ask(format!("http://{APP}:{PAGE_PORT}/")).await.unwrap_or(403);
        table.least("page asked directly, status", home, f64::from(status), "", 400.0);
    }
}
