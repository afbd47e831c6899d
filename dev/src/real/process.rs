//! The Home Assistant process: installing it, starting it, waiting for it, stopping it.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

use super::{RealError, folder};

/// How often we ask whether Home Assistant is up.
const ASK_EVERY: Duration = Duration::from_millis(100);
/// How much of the log an error quotes, in lines.
const QUOTED_LINES: usize = 15;

/// Where the scripts and the example house are.
pub(super) fn material() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("real")
}

/// Where installs and templates are kept; the scripts have the same rule.
pub(super) fn base() -> PathBuf {
    match std::env::var_os("VESTIBULE_TEST_HOME_ASSISTANT_DIR") {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/home-assistant"),
    }
}

/// The address of a home on a port.
pub(super) fn url(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

/// Installs a version where it is missing, and returns which it is. What the script says goes to the trace log.
pub(super) async fn install(version: &str) -> Result<String, RealError> {
    let script = material().join("install");
    let failed = |why: String| RealError::NotInstalled { version: version.to_owned(), why };
    let mut child = Command::new(&script)
        .arg(version)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| failed(format!("{}: {error}", script.display())))?;
    let mut group = Group(child.id());
    let said = child.stderr.take();
    let listening = async {
        let mut last = String::new();
        if let Some(said) = said {
            let mut lines = BufReader::new(said).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                tracing::info!("{line}");
                last = line;
            }
        }
        last
    };
    let (last, output) = tokio::join!(listening, child.wait_with_output());
    group.0 = None;
    let output = output.map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        return Err(failed(last));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The processes of an installation under way; they end when nobody waits for them any more.
struct Group(Option<u32>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            signal("KILL", group);
        }
    }
}

/// Sends a signal to a process group. A group that is gone is no error.
fn signal(name: &str, group: u32) {
    // A program, because the call itself would need `unsafe`.
    let sent = std::process::Command::new("kill")
        .args([&format!("-{name}"), "--", &format!("-{group}")])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if let Err(error) = sent {
        tracing::warn!("kill cannot be run: {error}");
    }
}

/// A started Home Assistant. Dropping it kills its whole process group.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    group: u32,
    folder: PathBuf,
    pub(super) port: u16,
    pub(super) http: reqwest::Client,
}

impl Process {
    /// Starts the version on the folder; what it prints is appended to the folder's log.
    pub(super) fn start(version: &str, folder: &Path, port: u16) -> Result<Self, RealError> {
        folder::write_port(version, folder, port)?;
        let log = OpenOptions::new().create(true).append(true).open(folder::log_path(folder));
        let log = log.map_err(RealError::file("opening the log of Home Assistant"))?;
        let also_log = log.try_clone().map_err(RealError::file("opening the log of Home Assistant"))?;
        let child = Command::new(material().join("start"))
            .arg(version)
            .arg(folder)
            .env("VESTIBULE_TEST_HOME_ASSISTANT_DIR", base())
            // The script kills all it started when this closes, even when we are killed ourselves.
            .stdin(Stdio::piped())
            .stdout(log)
            .stderr(also_log)
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(RealError::file("starting Home Assistant"))?;
        let group = child.id().ok_or_else(|| RealError::Broken("Home Assistant ended at once".to_owned()))?;
        Ok(Self { child, group, folder: folder.to_owned(), port, http: http_client()? })
    }

    /// Waits until `GET path` answers with success (with a token or without) and `done` likes the body.
    pub(super) async fn wait_for(
        &mut self,
        path: &str,
        token: Option<&str>,
        within: Duration,
        done: impl Fn(&Value) -> bool,
    ) -> Result<(), RealError> {
        let deadline = Instant::now() + within;
        let address = format!("{}{path}", url(self.port));
        loop {
            let mut request = self.http.get(&address);
            if let Some(token) = token {
                request = request.bearer_auth(token);
            }
            // Refused connections and errors are what a starting Home Assistant looks like.
            if let Ok(response) = request.send().await
                && response.status().is_success()
                && let Ok(body) = response.json::<Value>().await
                && done(&body)
            {
                return Ok(());
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(self.broken(&format!("Home Assistant ended ({status}) instead of starting")));
            }
            if Instant::now() > deadline {
                return Err(self.broken(&format!("Home Assistant was not up after {within:?}")));
            }
            sleep(ASK_EVERY).await;
        }
    }

    /// Waits until Home Assistant says its state is RUNNING.
    pub(super) async fn wait_until_running(
        &mut self,
        token: &str,
        within: Duration,
    ) -> Result<(), RealError> {
        self.wait_for("/api/core/state", Some(token), within, |body| body["state"] == "RUNNING").await
    }

    /// Asks it to stop and waits until the process is gone.
    pub(super) async fn stop(&mut self, within: Duration) -> Result<(), RealError> {
        self.signal("TERM");
        match timeout(within, self.child.wait()).await {
            Ok(_) => Ok(()),
            Err(_) => Err(self.broken(&format!("Home Assistant did not stop within {within:?}"))),
        }
    }

    /// Sends a signal to all its processes. A group that is gone is no error.
    pub(super) fn signal(&self, name: &str) {
        signal(name, self.group);
    }

    fn broken(&self, what: &str) -> RealError {
        let log = folder::log(&self.folder).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let quoted = lines.get(lines.len().saturating_sub(QUOTED_LINES)..).unwrap_or_default();
        RealError::Broken(format!("{what}. The end of its log:\n{}", quoted.join("\n")))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Once the leader has been waited for, its number may belong to somebody else.
        if matches!(self.child.try_wait(), Ok(None)) {
            self.signal("KILL");
        }
    }
}

fn http_client() -> Result<reqwest::Client, RealError> {
    // The client wants one even for plain HTTP. When another is there already, that one is as good.
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(60)).build();
    client.map_err(|error| RealError::Broken(format!("making an HTTP client: {error}")))
}
