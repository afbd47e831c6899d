//! A company that changes homes: somebody who designs and asks, somebody who approves, each with the portal's own commands.

use serde_json::Value;

use super::portal::{Portal, Tenant};

/// Whoever works for a tenant.
pub(crate) struct Company {
    /// Where the portal is asked, which is not where homes reach it.
    portal: String,
    tenant: Tenant,
    /// May design, ask, and hand signatures in.
    token: String,
    key: String,
}

impl Company {
    /// Makes an approver's key and a charter by which one approval is enough, and hands it in.
    pub(crate) async fn of(portal: &Portal, tenant: &Tenant) -> Self {
        let file = |name: &str| portal.beside(name).to_str().unwrap().to_owned();
        // Only an admin may hand a charter in.
        let staff = ["staff", "add", "Cleo Example", "--tenant", &tenant.id, "--role", "admin"];
        let staff = portal.command(&staff).await;
        let company = Self {
            portal: format!("http://{}", portal.address()),
            tenant: tenant.clone(),
            token: staff["token"].as_str().unwrap().to_owned(),
            key: file("ada.key"),
        };
        let (public, charter) = (format!("{}.pub", company.key), file("charter.json"));
        let root = tenant.root_key.to_str().unwrap();
        let key = ["key", "new", "--person", "Ada Example", "--no-passphrase", "--out", &company.key];
        portal.command(&key).await;
        let new = ["charter", "new", "--tenant", &tenant.id, "--root-key", root];
        let who = ["--approver", &public, "--threshold", "1", "--out", &charter];
        portal.command(&[&new[..], &who].concat()).await;
        company.online(portal, &["charter", "submit", &charter]).await;
        company
    }

    async fn online(&self, portal: &Portal, arguments: &[&str]) -> Value {
        portal.command(&[arguments, &["--portal", &self.portal, "--token", &self.token]].concat()).await
    }

    /// Designs, signs and hands in a dashboard; `more` are the arguments that say which. Gives the deployment's id.
    pub(crate) async fn deploy(
        &self,
        portal: &Portal,
        fingerprint: &str,
        title: &str,
        content: &str,
        more: &[&str],
    ) -> String {
        let (design, file) = (portal.beside("design.json"), portal.beside("deployment.json"));
        std::fs::write(&design, content).unwrap();
        // A file that is there already is not overwritten.
        let _ = std::fs::remove_file(&file);
        let (design, file) = (design.to_str().unwrap(), file.to_str().unwrap());
        let new =
            ["deployment", "new", "--instance", fingerprint, "--title", title, "--author", "Cleo Example"];
        let out = ["--out", file];
        let made = self.online(portal, &[&new[..], &["--dashboard", design], more, &out].concat()).await;
        portal.command(&["deployment", "sign", file, "--key", &self.key, "--yes"]).await;
        self.online(portal, &["deployment", "submit", file]).await;
        made["id"].as_str().unwrap().to_owned()
    }

    /// Asks the owner of a home.
    pub(crate) async fn ask(
        &self,
        portal: &Portal,
        fingerprint: &str,
        question: &str,
        candidates: &[String],
    ) {
        let mut arguments = vec!["ask", "new", "--instance", fingerprint, "--question", question];
        arguments.extend(candidates.iter().flat_map(|candidate| ["--candidate", candidate]));
        self.online(portal, &arguments).await;
    }

    /// A deployment as the portal knows it.
    pub(crate) async fn deployment(&self, portal: &Portal, id: &str) -> Value {
        portal.get(&self.tenant, &format!("/v1/deployments/{id}")).await.json()
    }
}
