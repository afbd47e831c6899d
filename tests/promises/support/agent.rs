//! An agent with a data folder of its own: the daemon, and the commands beside it.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use serde_json::Value;
use tempfile::TempDir;
use tokio::process::{Child, Command};

use super::{SOON, programs, until};

/// An agent. What its daemon and its commands say on stderr is kept, for tests that search it.
pub(crate) struct Agent {
    child: Option<Child>,
    daemon: PathBuf,
    folder: TempDir,
    data: PathBuf,
    environment: Vec<(String, String)>,
}

/// What a command did.
#[derive(Debug, Clone)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    /// Everything on stdout as one JSON value.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The command has done what it was asked.
    pub(crate) fn ok(self) -> Self {
        assert_eq!(self.code, 0, "{self:?}");
        self
    }
}

impl Agent {
    /// An agent of this home that does not run yet.
    pub(crate) fn of(url: &str, token: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let daemon = programs::agent().to_owned();
        let mut agent = Self { child: None, daemon, folder, data, environment: Vec::new() };
        // What is not said at this level is not said at all.
        agent.set("VESTIBULE_LOG", "trace");
        // Many agents run at once, and there is one default port.
        agent.set("VESTIBULE_PAGE__LISTEN", "off");
        agent.set("VESTIBULE_HOME_ASSISTANT__URL", url);
        agent.set("VESTIBULE_HOME_ASSISTANT__TOKEN", token);
        agent
    }

    /// Another agent on the same data folder.
    pub(crate) fn beside_of(other: &Self) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (daemon, environment) = (other.daemon.clone(), other.environment.clone());
        Self { child: None, daemon, folder, data: other.data.clone(), environment }
    }

    /// Sets a variable for what is started from now on.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.environment.retain(|(known, _)| known != name);
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// The data folder.
    pub(crate) fn data(&self) -> PathBuf {
        self.data.clone()
    }

    /// A place beside the data folder.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Forgets a variable that was set.
    pub(crate) fn unset(&mut self, name: &str) {
        self.environment.retain(|(known, _)| known != name);
    }

    /// From its next start on the daemon is another build of the program.
    pub(crate) fn becomes(&mut self, daemon: &Path) {
        daemon.clone_into(&mut self.daemon);
    }

    fn program(&self, program: &Path, arguments: &[&str]) -> Command {
        let mut command = programs::command(program, self.folder.path());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.env("VESTIBULE_DATA_DIR", self.data()).args(arguments);
        command
    }

    /// Starts the daemon without waiting for it.
    pub(crate) fn start(&mut self) {
        assert!(self.child.is_none(), "it runs already");
        let log = programs::append(&self.folder.path().join("daemon.log"));
        let child = self
            .program(&self.daemon, &["run"])
            .stdout(Stdio::from(log.try_clone().unwrap()))
            .stderr(log)
            .spawn();
        self.child = Some(child.unwrap());
    }

    /// Starts the daemon and waits until it answers.
    pub(crate) async fn run(&mut self) {
        self.start();
        until("the daemon answers", SOON, async || {
            let ran = self.command(&["health"]).await;
            if ran.code == 0 { Ok(()) } else { Err(self.log()) }
        })
        .await;
    }

    /// Kills the daemon on the spot.
    pub(crate) async fn kill(&mut self) {
        programs::kill(&mut self.child).await;
    }

    /// How the daemon has ended by itself, if it has.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        let status = self.child.as_mut()?.try_wait().unwrap();
        if status.is_some() {
            self.child = None;
        }
        status
    }

    /// Asks the daemon to end; its exit code.
    pub(crate) async fn stop(&mut self) -> Option<i32> {
        programs::stop(&mut self.child).await
    }

    /// Runs a command.
    pub(crate) async fn command(&self, arguments: &[&str]) -> Ran {
        self.answering("", arguments).await
    }

    /// Runs a command that is given this on stdin.
    pub(crate) async fn answering(&self, stdin: &str, arguments: &[&str]) -> Ran {
        let output = programs::output(self.program(programs::agent(), arguments), stdin).await;
        let err = String::from_utf8(output.stderr).unwrap();
        let mut kept = programs::append(&self.folder.path().join("commands.log"));
        std::io::Write::write_all(&mut kept, err.as_bytes()).unwrap();
        let code = output.status.code().expect("a command that was killed");
        Ran { code, out: String::from_utf8(output.stdout).unwrap(), err }
    }

    /// Runs a command that succeeds, with `--json`.
    pub(crate) async fn json(&self, arguments: &[&str]) -> Value {
        self.command(&[arguments, &["--json"]].concat()).await.ok().json()
    }

    pub(crate) async fn status(&self) -> Value {
        self.json(&["status"]).await
    }

    /// What the daemon has logged.
    pub(crate) fn log(&self) -> String {
        read(&self.folder.path().join("daemon.log"))
    }

    /// What the commands have said on stderr.
    pub(crate) fn said(&self) -> String {
        read(&self.folder.path().join("commands.log"))
    }
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}
