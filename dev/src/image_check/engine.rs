//! A container engine: the one that runs here, or one of our own that is stopped afterwards and leaves nothing behind.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::sleep;

use super::{Failure, line, output_of};

/// Debian's own client: it can build without a plug-in.
const CLIENT: &str = "/usr/bin/docker";
const SERVER: &str = "dockerd";
/// An engine that has not answered by then will not.
const START_WITHIN: Duration = Duration::from_secs(60);
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// An engine that answers.
pub(crate) struct Engine {
    client: PathBuf,
    own: Option<Own>,
}

/// An engine that we started, with a folder of its own.
struct Own {
    server: Child,
    folder: TempDir,
}

impl Engine {
    /// Finds one or starts one.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) async fn ready() -> Result<Self, Failure> {
        let client = PathBuf::from(if std::path::Path::new(CLIENT).exists() { CLIENT } else { "docker" });
        let mut engine = Self { client, own: None };
        match output_of(Command::new(&engine.client).arg("--version")).await {
            Ok(version) => line(&format!("client: {version}")),
            Err(_) => return Err("there is no docker on this machine".into()),
        }
        if let Ok(version) =
            output_of(engine.docker().args(["version", "--format", "{{.Server.Version}}"])).await
        {
            line(&format!("an engine runs here: {version}"));
            return Ok(engine);
        }
        line("no engine runs here; starting one, to be stopped afterwards");
        let folder = tempfile::tempdir()?;
        let log = std::fs::File::create(folder.path().join("log"))?;
        let path = |name: &str| folder.path().join(name);
        let server = Command::new(SERVER)
            .arg("--data-root")
            .arg(path("data"))
            .arg("--exec-root")
            .arg(path("exec"))
            .arg("--pidfile")
            .arg(path("pid"))
            .arg("--host")
            .arg(format!("unix://{}", path("socket").display()))
            // One network of our own is all that is needed: the machine's rules stay as they are.
            .args(["--bridge=none", "--iptables=false", "--ip-masq=false"])
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("{SERVER} cannot be started: {error}"))?;
        engine.own = Some(Own { server, folder });
        let deadline = Instant::now() + START_WITHIN;
        loop {
            match output_of(engine.docker().args(["version", "--format", "{{.Server.Version}}"])).await {
                Ok(version) => {
                    line(&format!("engine: {version}"));
                    return Ok(engine);
                }
                Err(_) if Instant::now() < deadline => sleep(LOOK_AGAIN).await,
                Err(failure) => {
                    let log = engine.own.as_ref().map(|own| own.folder.path().join("log"));
                    let log = log.and_then(|log| std::fs::read_to_string(log).ok()).unwrap_or_default();
                    let last: Vec<&str> = log.lines().rev().take(3).collect();
                    return Err(format!("the engine does not start: {failure} {last:?}").into());
                }
            }
        }
    }

    /// A command of the client.
    pub(crate) fn docker(&self) -> Command {
        let mut command = Command::new(&self.client);
        command.env("DOCKER_BUILDKIT", "1");
        if let Some(own) = &self.own {
            command.env("DOCKER_HOST", format!("unix://{}", own.folder.path().join("socket").display()));
        }
        command
    }

    /// Stops an engine that we started.
    pub(crate) async fn stop(mut self) -> Result<(), Failure> {
        if let Some(own) = &mut self.own {
            if let Some(id) = own.server.id() {
                output_of(Command::new("kill").args(["-TERM", &id.to_string()])).await?;
            }
            own.server.wait().await?;
            line("the engine is stopped");
        }
        Ok(())
    }
}
