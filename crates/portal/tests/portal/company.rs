//! A company: a tenant with a charter of two persons, staff of every role, and deployments for its homes.

use ed25519_dalek::SigningKey;
use vestibule_portal::role::Role;
use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::charter::{Approver, Charter};
use vestibule_protocol::deployment::{Base, DashboardPut, Deployment, DeploymentId, Item};
use vestibule_protocol::dsse::Envelope;
use vestibule_protocol::message::{Report, ReportState};

use super::agent::Home;
use super::desk::{DAY, Portal, Reply, Tenant, random};

/// A company.
pub(crate) struct Company {
    seed: u8,
    pub(crate) tenant: Tenant,
    pub(crate) admin: String,
    pub(crate) approver: String,
    pub(crate) author: String,
    pub(crate) viewer: String,
    pub(crate) ada: SigningKey,
    pub(crate) bo: SigningKey,
    pub(crate) cy: SigningKey,
}

fn public(key: &SigningKey) -> Fixed<32> {
    Fixed(*key.verifying_key().as_bytes())
}

impl Company {
    /// Without a charter.
    pub(crate) async fn bare(portal: &Portal, seed: u8) -> Self {
        let tenant = portal.tenant(seed).await;
        Self {
            seed,
            admin: portal.staff(&tenant, Role::Admin).await,
            approver: portal.staff(&tenant, Role::Approver).await,
            author: portal.staff(&tenant, Role::Author).await,
            viewer: portal.staff(&tenant, Role::Viewer).await,
            tenant,
            ada: SigningKey::from_bytes(&[seed.wrapping_add(100); 32]),
            bo: SigningKey::from_bytes(&[seed.wrapping_add(101); 32]),
            cy: SigningKey::from_bytes(&[seed.wrapping_add(102); 32]),
        }
    }

    /// With a charter: two of Ada, Bo and Cy.
    pub(crate) async fn new(portal: &Portal, seed: u8) -> Self {
        let company = Self::bare(portal, seed).await;
        let reply = portal.post("/v1/charters", &company.admin, &company.charter(portal, 1)).await;
        assert_eq!((reply.status, reply.json()["version"].as_u64()), (200, Some(1)), "{}", reply.text());
        company
    }

    pub(crate) fn root(&self) -> SigningKey {
        SigningKey::from_bytes(&[self.seed; 32])
    }

    pub(crate) fn charter_of(&self, portal: &Portal, version: u32) -> Charter {
        let person = |name: &str, key| Approver { person: name.into(), key: public(key) };
        Charter {
            tenant: self.tenant.id,
            version,
            issued: portal.now(),
            expires: portal.now() + 100 * DAY,
            roots: vec![public(&self.root())],
            root_threshold: 1,
            approvers: vec![person("Ada", &self.ada), person("Bo", &self.bo), person("Cy", &self.cy)],
            threshold: 2,
        }
    }

    pub(crate) fn charter(&self, portal: &Portal, version: u32) -> Envelope {
        self.charter_of(portal, version).sign(&self.root()).unwrap()
    }

    /// By Ada, for one home, with a dashboard.
    pub(crate) fn deployment(&self, portal: &Portal, home: &Home, sequence: u64) -> Deployment {
        Deployment {
            id: DeploymentId::new(portal.now() * 1000 + sequence, random()),
            tenant: self.tenant.id,
            target: home.fingerprint,
            sequence,
            issued: portal.now(),
            not_before: portal.now(),
            expires: portal.now() + 10 * DAY,
            title: format!("canary kitchen {sequence}"),
            summary: String::new(),
            author: "Ada".into(),
            items: vec![Item::DashboardPut(DashboardPut {
                dashboard: None,
                url_path: Some("my-kitchen".into()),
                title: Some("Kitchen".into()),
                icon: None,
                sidebar: None,
                admin: None,
                base: Base::None,
                content: "{\"views\":[]}".into(),
            })],
        }
    }

    /// Signed by Bo and Cy.
    pub(crate) fn approved(&self, deployment: &Deployment) -> Envelope {
        let mut envelope = deployment.sign(&self.bo).unwrap();
        envelope.add_signature(&self.cy).unwrap();
        envelope
    }

    pub(crate) async fn submit(
        &self,
        portal: &Portal,
        home: &Home,
        token: &str,
        envelope: &Envelope,
    ) -> Reply {
        portal.post(&format!("/v1/instances/{}/deployments", home.fingerprint), token, envelope).await
    }

    /// Hands in an approved deployment.
    pub(crate) async fn deploy(&self, portal: &Portal, home: &Home, sequence: u64) -> DeploymentId {
        let deployment = self.deployment(portal, home, sequence);
        let reply = self.submit(portal, home, &self.approver, &self.approved(&deployment)).await;
        assert_eq!((reply.status, &reply.json()["state"]), (200, &"queued".into()), "{}", reply.text());
        deployment.id
    }

    pub(crate) async fn show(&self, portal: &Portal, id: &DeploymentId) -> serde_json::Value {
        portal.get(&format!("/v1/deployments/{id}"), &self.viewer).await.json()
    }

    pub(crate) async fn state(&self, portal: &Portal, id: &DeploymentId) -> String {
        self.show(portal, id).await["state"].as_str().unwrap().to_owned()
    }
}

/// What a home says of a deployment.
pub(crate) fn report(deployment: DeploymentId, state: ReportState, code: Option<&str>) -> Report {
    let code = code.map(str::to_owned);
    Report { id: Fixed(random()), deployment, state, code, items: Vec::new(), time: 1_800_000_000 }
}
