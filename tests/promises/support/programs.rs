//! Where the two programs are, and how they are started and ended.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use tokio::process::{Child, Command};
use tokio::time::timeout;

/// No command of ours takes longer: the longest patience in the programs is a minute.
const COMMAND_WITHIN: Duration = Duration::from_secs(180);
/// A program that was asked to end has ended by then.
const END_WITHIN: Duration = Duration::from_secs(60);

/// The agent.
pub(crate) fn agent() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_vestibule"))
}

/// The portal, from the same target folder. Built first if it is missing or older than its sources.
pub(crate) fn portal() -> &'static Path {
    static PORTAL: OnceLock<PathBuf> = OnceLock::new();
    PORTAL.get_or_init(|| {
        let path = agent().with_file_name("vestibule-portal");
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let sources = ["crates/portal/src", "crates/protocol/src"].map(|folder| newest(&root.join(folder)));
        let built = modified(&path);
        if built.is_none_or(|built| sources.iter().any(|source| *source > built)) {
            let mut cargo = std::process::Command::new(env!("CARGO"));
            cargo.current_dir(root).args(["build", "--locked", "--workspace", "--bin", "vestibule-portal"]);
            if path.parent().is_some_and(|folder| folder.ends_with("release")) {
                cargo.arg("--release");
            }
            assert!(cargo.status().unwrap().success(), "the portal does not build");
        }
        path
    })
}

/// The agent with the feature `kill-points`, in a target folder of its own; built on first use.
pub(crate) fn mortal_agent() -> &'static Path {
    static AGENT: OnceLock<PathBuf> = OnceLock::new();
    AGENT.get_or_init(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let target = root.join("target/kill-points");
        let mut cargo = std::process::Command::new(env!("CARGO"));
        cargo.current_dir(root).args(["build", "--quiet", "--locked", "--bin", "vestibule"]);
        let built = cargo.args(["--features", "kill-points", "--target-dir"]).arg(&target).status().unwrap();
        assert!(built.success(), "the agent with kill points cannot be built");
        target.join("debug/vestibule")
    })
}

fn modified(path: &Path) -> Option<SystemTime> {
    path.metadata().and_then(|data| data.modified()).ok()
}

fn newest(folder: &Path) -> SystemTime {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let times = entries.map(|path| if path.is_dir() { newest(&path) } else { modified(&path).unwrap() });
    times.max().unwrap_or(SystemTime::UNIX_EPOCH)
}

/// A command with nothing of this process's environment but the path and a home folder of its own.
pub(crate) fn command(program: &Path, home: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("HOME", home).current_dir(home).kill_on_drop(true).stdin(Stdio::null());
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    command
}

/// A file to which output is appended.
pub(crate) fn append(path: &Path) -> File {
    OpenOptions::new().create(true).append(true).open(path).unwrap()
}

/// Runs a command to its end.
pub(crate) async fn output(command: Command, stdin: &str) -> std::process::Output {
    output_within(command, stdin, COMMAND_WITHIN).await
}

/// Runs a command to its end, which comes within this time.
pub(crate) async fn output_within(
    mut command: Command,
    stdin: &str,
    within: Duration,
) -> std::process::Output {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    // A command that does not ask has ended before it could be told anything.
    let _ = tokio::io::AsyncWriteExt::write_all(&mut pipe, stdin.as_bytes()).await;
    drop(pipe);
    timeout(within, child.wait_with_output()).await.expect("a command that does not end").unwrap()
}

/// Ends a program on the spot, as a power cut would.
pub(crate) async fn kill(child: &mut Option<Child>) {
    if let Some(mut child) = child.take() {
        child.kill().await.unwrap();
    }
}

/// Asks a program to end, and gives its exit code.
pub(crate) async fn stop(child: &mut Option<Child>) -> Option<i32> {
    let mut child = child.take()?;
    let id = child.id()?.to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().await.unwrap().success());
    timeout(END_WITHIN, child.wait()).await.expect("a program that does not end").unwrap().code()
}
