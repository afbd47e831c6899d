//! The company's people, with the portal's own commands: one who designs, and one who approves where her key is.

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{House, SOON, programs, until};

/// They work for one home.
pub(super) struct Company {
    folder: TempDir,
    portal: String,
    token: String,
    fingerprint: String,
}

impl Company {
    /// Hands in a charter by which one approver is enough, and has the owner allow what it is for.
    pub(super) async fn of(house: &House) -> Self {
        let tenant = &house.tenant.id;
        let added = ["staff", "add", "Company", "--tenant", tenant, "--role", "admin"];
        let token = house.portal.command(&added).await["token"].as_str().unwrap().to_owned();
        let portal = format!("http://{}", house.portal.address());
        let folder = tempfile::tempdir().unwrap();
        let company = Self { folder, portal, token, fingerprint: house.fingerprint.clone() };
        let (key, charter) = (company.path("ada.key"), company.path("charter.json"));
        company.ran(&["key", "new", "--person", "Ada Example", "--no-passphrase", "--out", &key]).await;
        let root = house.portal.beside("Example.root.key");
        let public = format!("{key}.pub");
        let new = ["charter", "new", "--tenant", tenant, "--root-key", root.to_str().unwrap()];
        let approvers = ["--approver", &public, "--threshold", "1", "--out", &charter];
        company.ran(&[&new[..], &approvers].concat()).await;
        company.online(&["charter", "submit", &charter]).await;
        for change in ["deploy.dashboards", "deploy.cards"] {
            // It can be allowed once the charter has arrived.
            until(change, SOON, async || {
                let ran = house.agent.command(&["consent", "set", change, "ask"]).await;
                if ran.code == 0 { Ok(()) } else { Err(ran.err) }
            })
            .await;
        }
        company
    }

    /// Writes a file; its path.
    pub(super) fn file(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// The arguments that put a new dashboard into a deployment.
    pub(super) fn dashboard(&self, path: &str, contents: &str) -> [String; 4] {
        let file = self.file(&format!("{path}.json"), contents);
        ["--dashboard".to_owned(), file, "--url-path".to_owned(), path.to_owned()]
    }

    /// Puts a deployment together, signs it and hands it in; its id.
    pub(super) async fn deploy(&self, title: &str, items: &[String]) -> String {
        let (file, key) = (self.path(&format!("{title}.json")), self.path("ada.key"));
        let new = ["deployment", "new", "--instance", &self.fingerprint, "--title", title];
        let items: Vec<&str> = items.iter().map(String::as_str).collect();
        let rest = ["--author", "Cleo Example", "--out", &file];
        let made = self.online(&[&new[..], &items, &rest].concat()).await;
        self.ran(&["deployment", "sign", &file, "--key", &key, "--yes"]).await;
        self.online(&["deployment", "submit", &file]).await;
        made["id"].as_str().unwrap().to_owned()
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    async fn online(&self, arguments: &[&str]) -> Value {
        self.ran(&[arguments, &["--portal", &self.portal, "--token", &self.token]].concat()).await
    }

    async fn ran(&self, arguments: &[&str]) -> Value {
        let mut command = programs::command(programs::portal(), self.folder.path());
        command.args(arguments).arg("--json");
        let output = programs::output(command, "").await;
        let out = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{arguments:?}: {out}{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_str(&out).unwrap()
    }
}
