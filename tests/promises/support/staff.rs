//! The company's people: an author who designs, an approver who signs where her key is, and a token of an administrator at the portal.
//!
//! Only the portal's own commands are used.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;
use tempfile::TempDir;

use super::house::House;
use super::portal::{Portal, Tenant};
use super::programs;

/// They work for one home.
pub(crate) struct Staff {
    folder: TempDir,
    portal: String,
    token: String,
    fingerprint: String,
    designed: AtomicU32,
}

impl Staff {
    /// Whoever works for a house.
    pub(crate) async fn of(house: &House) -> Self {
        Self::at(&house.portal, &house.tenant, house.fingerprint.clone()).await
    }

    /// A charter that says that one approver is enough, handed in.
    pub(crate) async fn at(portal: &Portal, tenant: &Tenant, fingerprint: String) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // Only an admin may hand a charter in.
        let added = ["staff", "add", "Company", "--tenant", &tenant.id, "--role", "admin"];
        let token = portal.command(&added).await["token"].as_str().unwrap().to_owned();
        let portal = format!("http://{}", portal.address());
        let staff = Self { folder, portal, token, fingerprint, designed: AtomicU32::new(1) };
        let (key, charter) = (staff.path("ada.key"), staff.path("charter.json"));
        staff.ran(&["key", "new", "--person", "Ada Example", "--no-passphrase", "--out", &key]).await;
        let root = tenant.root_key.to_str().unwrap();
        let public = format!("{key}.pub");
        let new = ["charter", "new", "--tenant", &tenant.id, "--root-key", root];
        let approvers = ["--approver", &public, "--threshold", "1", "--out", &charter];
        staff.ran(&[&new[..], &approvers].concat()).await;
        staff.online(&["charter", "submit", &charter]).await;
        staff
    }

    /// Where a file of theirs is.
    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    /// Writes a file; its path.
    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Puts a deployment together and signs it; its id and its file.
    pub(crate) async fn designed(&self, title: &str, items: &[&str]) -> (String, String) {
        let number = self.designed.fetch_add(1, Ordering::Relaxed);
        let file = self.path(&format!("deployment-{number}.json"));
        let new = ["deployment", "new", "--instance", &self.fingerprint, "--title", title];
        let rest = ["--author", "Cleo Example", "--out", &file];
        let made = self.online(&[&new[..], items, &rest].concat()).await;
        let key = self.path("ada.key");
        self.ran(&["deployment", "sign", &file, "--key", &key, "--yes"]).await;
        (made["id"].as_str().unwrap().to_owned(), file)
    }

    /// Hands a deployment in.
    pub(crate) async fn submit(&self, file: &str) {
        self.online(&["deployment", "submit", file]).await;
    }

    /// Designs, signs and hands in one dashboard; `more` are the arguments that say which. Gives the deployment's id.
    pub(crate) async fn dashboard(&self, title: &str, content: &str, more: &[&str]) -> String {
        let design = self.file("design.json", content);
        let (id, file) = self.designed(title, &[&["--dashboard", &design], more].concat()).await;
        self.submit(&file).await;
        id
    }

    /// Asks the owner.
    pub(crate) async fn ask(&self, question: &str, candidates: &[String]) {
        let mut arguments = vec!["ask", "new", "--instance", &self.fingerprint, "--question", question];
        arguments.extend(candidates.iter().flat_map(|candidate| ["--candidate", candidate]));
        self.online(&arguments).await;
    }

    /// How a deployment stands at the portal.
    pub(crate) async fn seen(&self, id: &str) -> Value {
        self.online(&["deployment", "show", id]).await
    }

    async fn online(&self, arguments: &[&str]) -> Value {
        self.ran(&[arguments, &["--portal", &self.portal, "--token", &self.token]].concat()).await
    }

    async fn ran(&self, arguments: &[&str]) -> Value {
        let home: &Path = self.folder.path();
        let mut command = programs::command(programs::portal(), home);
        command.args(arguments).arg("--json");
        let output = programs::output(command, "").await;
        let out = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{arguments:?}: {out}{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_str(&out).unwrap()
    }
}
