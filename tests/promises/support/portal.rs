//! A portal that serves behind a recording proxy, with a folder of its own.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;

use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Child;
use vestibule_dev::proxy::Recorder;

use super::http::{self, Answer};
use super::{SOON, programs, until};

/// A running portal. Homes reach it through the proxy only; the API is asked directly.
pub(crate) struct Portal {
    child: Option<Child>,
    folder: TempDir,
    address: SocketAddr,
    pub(crate) recorder: Recorder,
}

/// A tenant with somebody who may read.
#[derive(Debug, Clone)]
pub(crate) struct Tenant {
    pub(crate) id: String,
    pub(crate) token: String,
    /// File of the key that signs charters.
    pub(crate) root_key: PathBuf,
}

/// A one-time code.
#[derive(Debug, Clone)]
pub(crate) struct Invite {
    pub(crate) code: String,
    pub(crate) words: String,
}

impl Portal {
    /// Starts a portal on an empty folder.
    pub(crate) async fn start() -> Self {
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let recorder = Recorder::listen(nowhere).await.unwrap();
        let mut portal =
            Self { child: None, folder: tempfile::tempdir().unwrap(), address: nowhere, recorder };
        portal.serve().await;
        portal
    }

    /// Starts it, again on the same port if it had one.
    pub(crate) async fn serve(&mut self) {
        assert!(self.child.is_none(), "it runs already");
        let out = self.folder.path().join("serve.out");
        let mut command = programs::command(programs::portal(), self.folder.path());
        command.args(["serve", "--json", "--listen", &self.address.to_string()]);
        command.args(["--origin", &self.origin()]).arg("--data").arg(self.data());
        command.stdout(Stdio::from(std::fs::File::create(&out).unwrap()));
        command.stderr(programs::append(&self.folder.path().join("serve.log")));
        let mut child = command.spawn().unwrap();
        let listening = until("the portal serves", SOON, async || {
            assert_eq!(child.try_wait().unwrap(), None, "the portal has ended: {}", self.log());
            let text = std::fs::read_to_string(&out).unwrap();
            let line: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
            Ok(line["listening"].as_str().unwrap().to_owned())
        })
        .await;
        self.address = listening.strip_prefix("http://").unwrap().parse().unwrap();
        self.recorder.pass_to(self.address);
        self.child = Some(child);
    }

    pub(crate) async fn kill(&mut self) {
        programs::kill(&mut self.child).await;
    }

    /// Where homes reach it: the proxy.
    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.recorder.address())
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its data folder.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A folder beside it, for copies.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("serve.log")).unwrap_or_default()
    }

    /// Runs a command of the operator, also while it serves.
    pub(crate) async fn command(&self, arguments: &[&str]) -> Value {
        let mut command = programs::command(programs::portal(), self.folder.path());
        command.args(arguments).arg("--json").arg("--data").arg(self.data());
        let output = programs::output(command, "").await;
        let out = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{arguments:?}: {out}{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_str(&out).unwrap()
    }

    pub(crate) async fn tenant(&self, name: &str) -> Tenant {
        let root_key = self.beside(&format!("{name}.root.key"));
        let created =
            self.command(&["tenant", "create", name, "--root-key", root_key.to_str().unwrap()]).await;
        let id = created["tenant"].as_str().unwrap().to_owned();
        let staff = self.command(&["staff", "add", "Reader", "--tenant", &id, "--role", "viewer"]).await;
        Tenant { id, token: staff["token"].as_str().unwrap().to_owned(), root_key }
    }

    pub(crate) async fn invite(&self, tenant: &Tenant) -> Invite {
        let made = self.command(&["invite", "create", "--tenant", &tenant.id, "--label", "unit 12"]).await;
        let text = |key: &str| made[key].as_str().unwrap().to_owned();
        Invite { code: text("code"), words: text("words") }
    }

    /// Asks the API.
    pub(crate) async fn get(&self, tenant: &Tenant, path: &str) -> Answer {
        let bearer = format!("Bearer {}", tenant.token);
        http::get(self.address, path, &[("Authorization", &bearer)]).await.unwrap()
    }

    pub(crate) async fn instance(&self, tenant: &Tenant, fingerprint: &str) -> Value {
        self.get(tenant, &format!("/v1/instances/{fingerprint}")).await.json()
    }

    /// What it holds of a home, as JSON lines.
    pub(crate) async fn snapshot(&self, tenant: &Tenant, fingerprint: &str) -> String {
        let answer = self.get(tenant, &format!("/v1/instances/{fingerprint}/snapshot")).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.text()
    }
}
