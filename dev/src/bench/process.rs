//! The real programs, started as a person would start them, and what the kernel says of them.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use super::Failure;

/// Nothing we wait for takes longer on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(240);
/// Between two looks at something that gives no sign by itself.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// A program from the folder of this one.
fn program(name: &str) -> Result<PathBuf, Failure> {
    let path = std::env::current_exe()?.with_file_name(name);
    if path.exists() {
        Ok(path)
    } else {
        Err(format!("{} is missing: build it first", path.display()).into())
    }
}

/// Runs a program to its end and gives what it printed.
async fn run(mut command: Command) -> Result<String, Failure> {
    let output = command.stdin(Stdio::null()).output().await?;
    if !output.status.success() {
        let said = [output.stdout, output.stderr].concat();
        return Err(format!("{command:?}: {}", String::from_utf8_lossy(&said)).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// Where a home is and how to get in.
#[derive(Debug, Clone)]
pub(crate) struct Home {
    /// URL.
    pub(crate) url: String,
    /// Access token.
    pub(crate) token: String,
}

/// The portal, with one tenant.
pub(crate) struct Portal {
    _child: Child,
    folder: PathBuf,
    origin: String,
    tenant: String,
}

impl Portal {
    /// Starts it on a free port, in this folder.
    pub(crate) async fn start(folder: &Path) -> Result<Self, Failure> {
        let address = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let mut command = Command::new(program("vestibule-portal")?);
        command.args(["serve", "--listen", &address.to_string(), "--data"]).arg(folder);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        let child = command.spawn()?;
        let answers = async {
            while tokio::net::TcpStream::connect(address).await.is_err() {
                sleep(LOOK_AGAIN).await;
            }
        };
        timeout(PATIENCE, answers).await?;
        let mut portal = Self {
            _child: child,
            folder: folder.to_owned(),
            origin: format!("http://{address}"),
            tenant: String::new(),
        };
        let key = portal.root_key();
        let made = portal.ask(&["tenant", "create", "Bench", "--root-key", &key], "tenant").await?;
        portal.tenant = made;
        Ok(portal)
    }

    async fn ask(&self, arguments: &[&str], field: &str) -> Result<String, Failure> {
        let data = self.folder.to_string_lossy();
        let answer = self.command(&[arguments, &["--data", &data]].concat()).await?;
        Ok(answer[field].as_str().ok_or("the portal's command answered something else")?.to_owned())
    }

    /// Runs one of its commands, which do not all need its folder; gives the object that it prints.
    pub(crate) async fn command(&self, arguments: &[&str]) -> Result<Value, Failure> {
        let mut command = Command::new(program("vestibule-portal")?);
        command.args(arguments).arg("--json");
        Ok(serde_json::from_str(&run(command).await?)?)
    }

    /// A token for staff who may do everything.
    pub(crate) async fn staff(&self) -> Result<String, Failure> {
        self.ask(&["staff", "add", "bench", "--tenant", &self.tenant, "--role", "admin"], "token").await
    }

    /// Its data folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where it answers.
    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// Its one tenant.
    pub(crate) fn tenant(&self) -> &str {
        &self.tenant
    }

    /// File with the tenant's root key.
    pub(crate) fn root_key(&self) -> String {
        self.folder.with_extension("root.key").to_string_lossy().into_owned()
    }

    async fn invite(&self) -> Result<String, Failure> {
        self.ask(&["invite", "create", "--tenant", &self.tenant], "code").await
    }
}

/// The agent's data folder and home: everything but the running program.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// Data folder.
    pub(crate) data: PathBuf,
    /// The home it reads.
    pub(crate) home: Home,
}

impl Place {
    fn command(&self) -> Result<Command, Failure> {
        let mut command = Command::new(program("vestibule")?);
        // As the image and the service unit start it.
        command.env("MIMALLOC_PURGE_DELAY", "0");
        command.env("VESTIBULE_DATA_DIR", &self.data);
        command.env("VESTIBULE_HOME_ASSISTANT__URL", &self.home.url);
        command.env("VESTIBULE_HOME_ASSISTANT__TOKEN", &self.home.token);
        command.env("VESTIBULE_PAGE__LISTEN", "127.0.0.1:0");
        Ok(command)
    }

    /// Runs a command of the agent with `--json`; gives its lines.
    pub(crate) async fn ask(&self, arguments: &[&str]) -> Result<Vec<Value>, Failure> {
        let text = self.text(arguments).await?;
        text.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
    }

    /// The same as text.
    pub(crate) async fn text(&self, arguments: &[&str]) -> Result<String, Failure> {
        let mut command = self.command()?;
        command.args(arguments).arg("--json");
        run(command).await
    }

    /// Pairs with a portal.
    pub(crate) async fn pair(&self, portal: &Portal) -> Result<(), Failure> {
        let code = portal.invite().await?;
        self.text(&["pair", "--portal", &portal.origin, "--invite", &code, "--yes"]).await.map(drop)
    }

    /// Starts the daemon.
    pub(crate) fn start(&self) -> Result<Agent, Failure> {
        let mut command = self.command()?;
        command
            .arg("run")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let started = Instant::now();
        let mut child = command.spawn()?;
        let pid = child.id().ok_or("the agent ended at once")?;
        let said = child.stderr.take().ok_or("the agent has no standard error")?;
        let (to, lines) = mpsc::unbounded_channel();
        let link = Arc::new(OnceLock::new());
        let found = Arc::clone(&link);
        tokio::spawn(async move {
            let mut said = BufReader::new(said).lines();
            while let Ok(Some(line)) = said.next_line().await {
                if let Some((_, link)) = line.split_once("at: http://") {
                    // The first is the one of this start.
                    let _ = found.set(link.trim().to_owned());
                }
                if to.send((Instant::now(), line)).is_err() {
                    break;
                }
            }
        });
        Ok(Agent { child, pid, started, lines, link })
    }
}

/// A running daemon.
pub(crate) struct Agent {
    child: Child,
    pid: u32,
    started: Instant,
    lines: mpsc::UnboundedReceiver<(Instant, String)>,
    link: Arc<OnceLock<String>>,
}

impl Agent {
    /// The one-time link to its page, without `http://`, once it has been printed.
    pub(crate) fn link(&self) -> Option<String> {
        self.link.get().cloned()
    }

    /// When it was started.
    pub(crate) fn started(&self) -> Instant {
        self.started
    }

    /// Waits until it says this; gives the moment.
    pub(crate) async fn says(&mut self, words: &str) -> Result<Instant, Failure> {
        let mut last = String::new();
        let found = timeout(PATIENCE, async {
            while let Some((at, line)) = self.lines.recv().await {
                if line.contains(words) {
                    return Some(at);
                }
                last = line;
            }
            None
        });
        match found.await {
            Ok(Some(at)) => Ok(at),
            Ok(None) | Err(_) => Err(format!("the agent never said “{words}”, but at last “{last}”").into()),
        }
    }

    /// Drops what it has said so far.
    pub(crate) fn ignore_said(&mut self) {
        while self.lines.try_recv().is_ok() {}
    }

    /// A line of `/proc/PID/status` in MiB, such as `VmRSS`.
    pub(crate) fn mebibytes(&self, field: &str) -> Result<f64, Failure> {
        Ok(self.number("status", field)? / 1024.0)
    }

    /// Lets the kernel's count of the most memory (`VmHWM`) begin anew.
    pub(crate) fn forget_peak(&self) -> Result<(), Failure> {
        Ok(std::fs::write(format!("/proc/{}/clear_refs", self.pid), "5")?)
    }

    /// Bytes that it has had written to the disk.
    pub(crate) fn disk_writes(&self) -> Result<f64, Failure> {
        self.number("io", "write_bytes")
    }

    fn number(&self, file: &str, field: &str) -> Result<f64, Failure> {
        let text = std::fs::read_to_string(format!("/proc/{}/{file}", self.pid))?;
        let line = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        let number = line.and_then(|line| line.split_whitespace().next()).ok_or("the kernel does not say")?;
        Ok(number.parse()?)
    }

    /// Ends it as an operating system would.
    pub(crate) async fn stop(mut self) -> Result<(), Failure> {
        let mut kill = Command::new("kill");
        kill.arg(self.pid.to_string());
        run(kill).await?;
        timeout(PATIENCE, self.child.wait()).await??;
        Ok(())
    }
}

/// A bare Python client; `None` where no Python with aiohttp is installed.
pub(crate) struct Peer(PathBuf);

impl Peer {
    /// Finds the Python of an installed Home Assistant.
    pub(crate) fn find() -> Option<Self> {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
        let base = std::env::var_os("VESTIBULE_TEST_HOME_ASSISTANT_DIR")
            .map_or_else(|| manifest.join("../target/home-assistant"), PathBuf::from);
        let mut versions: Vec<PathBuf> =
            std::fs::read_dir(base).ok()?.flatten().map(|entry| entry.path()).collect();
        versions.sort();
        versions
            .into_iter()
            .map(|version| version.join("venv/bin/python"))
            .find(|path| path.exists())
            .map(Self)
    }

    /// Seconds that it needs, with its own parser and with the fast one.
    pub(crate) async fn read(&self, home: &Home) -> Result<(f64, Option<f64>), Failure> {
        let mut command = Command::new(&self.0);
        command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("bench/peer.py"));
        command.args([&home.url, &home.token, "1"]);
        let said: Value = serde_json::from_str(&run(command).await?)?;
        Ok((said["seconds"].as_f64().ok_or("the peer says no time")?, said["fast_seconds"].as_f64()))
    }
}

/// A loopback proxy that counts what the home sends: data frames and their bytes. Pings do not count.
pub(crate) struct Counting {
    /// Where to connect.
    pub(crate) url: String,
    counts: std::sync::Arc<std::sync::Mutex<(u64, u64)>>,
    accept: tokio::task::JoinHandle<()>,
}

impl Drop for Counting {
    fn drop(&mut self) {
        self.accept.abort();
    }
}

impl Counting {
    /// Stands before this port of the loopback interface.
    pub(crate) async fn before(port: u16) -> Result<Self, Failure> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let counts = std::sync::Arc::new(std::sync::Mutex::new((0, 0)));
        let counting = std::sync::Arc::clone(&counts);
        let accept = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let counts = std::sync::Arc::clone(&counting);
                tokio::spawn(async move {
                    // However the connection ends, it has ended.
                    let _ = pass(client, port, &counts).await;
                });
            }
        });
        Ok(Self { url, counts, accept })
    }

    /// Data frames and bytes so far.
    pub(crate) fn so_far(&self) -> (u64, u64) {
        *self.counts.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

async fn pass(
    client: tokio::net::TcpStream,
    port: u16,
    counts: &std::sync::Mutex<(u64, u64)>,
) -> std::io::Result<()> {
    let server = tokio::net::TcpStream::connect(("127.0.0.1", port)).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (mut from_client, mut to_client) = client.into_split();
    let (from_server, mut to_server) = server.into_split();
    let up = tokio::spawn(async move { tokio::io::copy(&mut from_client, &mut to_server).await });
    let mut from_server = BufReader::new(from_server);
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if from_server.read_until(b'\n', &mut head).await? == 0 {
            break;
        }
    }
    to_client.write_all(&head).await?;
    let result = frames(&mut from_server, &mut to_client, counts).await;
    up.abort();
    result
}

/// Passes frames on (RFC 6455, section 5.2; a server's frames are not masked).
async fn frames(
    from: &mut (impl tokio::io::AsyncRead + Unpin),
    to: &mut (impl tokio::io::AsyncWrite + Unpin),
    counts: &std::sync::Mutex<(u64, u64)>,
) -> std::io::Result<()> {
    use tokio::io::AsyncReadExt as _;
    loop {
        let mut header = [0; 10];
        from.read_exact(&mut header[..2]).await?;
        let (length, size) = match header[1] & 0x7f {
            126 => {
                from.read_exact(&mut header[2..4]).await?;
                (u64::from(u16::from_be_bytes([header[2], header[3]])), 4)
            }
            127 => {
                from.read_exact(&mut header[2..10]).await?;
                (header[2..10].iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)), 10)
            }
            short => (u64::from(short), 2),
        };
        to.write_all(&header[..size]).await?;
        tokio::io::copy(&mut (&mut *from).take(length), to).await?;
        // Opcodes from 8 on are control frames.
        if header[0] & 0x0f < 8 {
            let mut counts = counts.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            *counts = (counts.0 + 1, counts.1 + length);
        }
    }
}
