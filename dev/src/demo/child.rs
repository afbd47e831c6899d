//! Programs of ours: long-running ones that end with us, and commands that answer in JSON.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::time::timeout;

use crate::trouble::Trouble;

/// Runs a program in this process group and kills the group when standard input closes, which it does even when we are killed.
const WATCH: &str = r#"(cat; kill -KILL -- "-$$") <&0 >/dev/null 2>&1 & exec "$@" </dev/null"#;
/// How long a program may take to start or to end.
const PATIENCE: Duration = Duration::from_secs(30);
/// How much of a log an error quotes, in lines.
const QUOTED_LINES: usize = 12;

/// A long-running program. Dropping it kills it.
pub(crate) struct Running {
    name: &'static str,
    log: PathBuf,
    child: Child,
    // Apart from the child, because waiting for that would close it.
    _alive: Option<ChildStdin>,
}

impl Running {
    /// Starts a program; what it prints as problems goes to the end of `log`.
    pub(crate) fn start(
        name: &'static str,
        mut command: Vec<String>,
        program: &Path,
        log: PathBuf,
        environment: &[(String, String)],
    ) -> Result<Self, Trouble> {
        let file = OpenOptions::new().create(true).append(true).open(&log);
        let file = file.map_err(Trouble::file(format!("Opening {}", log.display())))?;
        command.insert(0, program.to_string_lossy().into_owned());
        let mut child = clean("bash")
            .args(["-c", WATCH, "bash"])
            .args(command)
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(file)
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(Trouble::file(format!("Starting {name}")))?;
        let alive = child.stdin.take();
        Ok(Self { name, log, child, _alive: alive })
    }

    /// Waits for its first line on stdout, as JSON.
    pub(crate) async fn first_line(&mut self) -> Result<Value, Trouble> {
        let Some(out) = self.child.stdout.take() else { return Ok(Value::Null) };
        let mut line = String::new();
        let mut out = BufReader::new(out);
        let read = timeout(PATIENCE, out.read_line(&mut line)).await;
        let value: Value = serde_json::from_str(&line).unwrap_or_default();
        if let Some(problem) = problem(&value) {
            return Err(problem);
        }
        // Kept open: whoever prints later must not be told that nobody listens.
        self.child.stdout = Some(out.into_inner());
        match read {
            Ok(Ok(1..)) => Ok(value),
            _ => Err(self.ended("did not start")),
        }
    }

    /// Fails if it has ended.
    pub(crate) fn look(&mut self) -> Result<(), Trouble> {
        match self.child.try_wait() {
            Ok(None) => Ok(()),
            _ => Err(self.ended("has ended by itself")),
        }
    }

    /// Asks it to end and waits until it has.
    pub(crate) async fn stop(mut self) -> Result<(), Trouble> {
        if let Some(id) = self.child.id() {
            // A program, because the call itself would need `unsafe`.
            let sent =
                Command::new("kill").args(["-TERM", &id.to_string()]).stderr(Stdio::null()).status().await;
            sent.map_err(Trouble::file("Running kill"))?;
        }
        match timeout(PATIENCE, self.child.wait()).await {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => Err(self.ended(&format!("ended with {status}"))),
            _ => Err(self.ended("did not stop when asked")),
        }
    }

    fn ended(&self, how: &str) -> Trouble {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let quoted = lines.get(lines.len().saturating_sub(QUOTED_LINES)..).unwrap_or_default().join("\n");
        Trouble::new(
            format!("{} {how}. The end of its log:\n{quoted}", self.name),
            format!("The whole log is {}.", self.log.display()),
        )
    }
}

/// Runs a command and returns what it prints, line by line.
pub(crate) async fn lines(
    program: &Path,
    arguments: &[&str],
    environment: &[(String, String)],
) -> Result<Vec<String>, Trouble> {
    let output = clean(program)
        .args(arguments)
        .arg("--json")
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .map_err(Trouble::file(format!("Running {}", program.display())))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(text.lines().map(str::to_owned).collect());
    }
    let said = text.lines().find_map(|line| problem(&serde_json::from_str(line).ok()?));
    Err(said.unwrap_or_else(|| {
        let what = format!("{} {} failed ({})", program.display(), arguments.join(" "), output.status);
        Trouble::new(what, String::from_utf8_lossy(&output.stderr))
    }))
}

/// Runs a command that prints one JSON object.
pub(crate) async fn value(
    program: &Path,
    arguments: &[&str],
    environment: &[(String, String)],
) -> Result<Value, Trouble> {
    let lines = lines(program, arguments, environment).await?;
    let broken =
        || Trouble::new(format!("{} printed no JSON.", arguments.join(" ")), "That is a bug in Vestibule.");
    serde_json::from_str(lines.first().ok_or_else(broken)?).map_err(|_| broken())
}

/// A command that sees none of the person's own Vestibule settings.
fn clean(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("VESTIBULE_") || text == "SUPERVISOR_TOKEN" {
            command.env_remove(&name);
        }
    }
    command
}

fn problem(value: &Value) -> Option<Trouble> {
    let problem = value.get("problem")?;
    let text = |key: &str| problem[key].as_str().unwrap_or_default().to_owned();
    Some(Trouble::new(format!("{} ({})", text("what"), text("code")), text("next")))
}
