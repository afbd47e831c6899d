//! The reference portal, at the other end of the pipe or behind a real socket.

use ed25519_dalek::SigningKey;
use rusqlite::Connection;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use vestibule_portal::app::App;
use vestibule_portal::data::Data;
use vestibule_portal::role::Role;
use vestibule_portal::serve::{self, Options, Running, upkeep};
use vestibule_portal::store::staff::Staff;
use vestibule_portal::store::{
    Stop, charters, deployments, history, homes, invites, questions, requests, submit, support, tenants,
};
use vestibule_portal::world::World as Outside;
use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::deployment::{Deployment, DeploymentId, Item};
use vestibule_protocol::dsse::Envelope;
use vestibule_protocol::id::{Fingerprint, OpaqueId, TenantId};
use vestibule_protocol::invite::Invite;
use vestibule_protocol::message::Ask;
use vestibule_protocol::statement::{LIFETIME_SECONDS, Statement};

use super::world::{ORIGIN, World};
use crate::support::signing;

/// Secret of the one invite.
const SECRET: [u8; 16] = [8; 16];

/// A portal with one tenant and one invite.
pub(super) struct RealPortal {
    app: App,
    tenant: TenantId,
    origin: String,
    _running: Option<Running>,
    _folder: TempDir,
}

impl RealPortal {
    /// Starts one that answers whoever the agent of this world dials.
    pub(super) async fn start(world: &World) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let wall = world.clock.clone();
        let clock = move || u64::try_from(wall.now_ms() / 1000).unwrap();
        let outside = Outside::with(clock, |bytes| getrandom::fill(bytes).is_ok());
        let data = Data::at(folder.path(), None).unwrap();
        let store = data.inline_store(outside.clone()).unwrap();
        let key = data.signing_key(&outside).unwrap();
        let portal = Self::of(App::new(store, key, CancellationToken::new()), ORIGIN, None, folder).await;
        portal.answer(world);
        portal
    }

    /// Starts one that listens on a port.
    pub(super) async fn listen() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let running = serve::start(Options::local(folder.path().to_owned())).await.unwrap();
        let (app, origin) = (running.app.clone(), running.origin.clone());
        Self::of(app, &origin, Some(running), folder).await
    }

    /// Makes tenant and invite.
    async fn of(app: App, origin: &str, running: Option<Running>, folder: TempDir) -> Self {
        let root = SigningKey::from_bytes(&signing::ROOT);
        let tenant = TenantId::of_root_key(root.verifying_key().as_bytes());
        let statement = Statement {
            name: "Example Dashboards".into(),
            origin: origin.to_owned(),
            portal_key: Fixed(*app.key.verifying_key().as_bytes()),
            root_key: Fixed(*root.verifying_key().as_bytes()),
            issued: app.store.now(),
            expires: app.store.now() + LIFETIME_SECONDS,
        };
        let signed = statement.sign(&root).unwrap();
        let made = app.store.write(move |tx| {
            tenants::put(tx, &tenant, &statement.name, &signed)?;
            let row = tenants::get(tx.db, &tenant)?.id;
            invites::add(tx, row, &SECRET, None)
        });
        made.await.unwrap();
        Self { app, tenant, origin: origin.to_owned(), _running: running, _folder: folder }
    }

    /// Paired with the agent of a world, and both in sync.
    pub(super) async fn in_sync_with(world: &World) -> Self {
        let portal = Self::start(world).await;
        world.pair(&portal.invite()).await.unwrap();
        world.converge(&portal).await;
        portal
    }

    /// Takes connections, again after [`super::pipes::ToPortal::hang_up`].
    pub(super) fn answer(&self, world: &World) {
        let arriving = world.to_portal.answer();
        tokio::spawn(serve::accept(self.app.clone(), arriving, None, TaskTracker::new()));
    }

    /// Under which homes reach it.
    pub(super) fn origin(&self) -> &str {
        &self.origin
    }

    pub(super) fn invite(&self) -> String {
        Invite { secret: SECRET, tenant: self.tenant, origin: self.origin.clone() }.code()
    }

    /// A second invite, for a home that has used the first up.
    pub(super) async fn another_invite(&self) -> String {
        const ANOTHER: [u8; 16] = [7; 16];
        let tenant = self.tenant;
        let made = self.app.store.write(move |tx| {
            let row = tenants::get(tx.db, &tenant)?.id;
            invites::add(tx, row, &ANOTHER, None)
        });
        made.await.unwrap();
        Invite { secret: ANOTHER, tenant, origin: self.origin.clone() }.code()
    }

    /// The tenant's statement, which anybody may have heard.
    pub(super) fn statement(&self) -> Envelope {
        self.read(|db| Ok(tenants::get(db, &self.tenant)?.statement))
    }

    fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T, Stop>) -> T {
        self.app.store.read_now(work).unwrap()
    }

    /// Row of the only home; `None` when it has never enrolled or is erased.
    fn home(&self) -> Option<i64> {
        let homes: Vec<i64> = self.read(|db| {
            Ok(db
                .prepare("SELECT id FROM home")?
                .query_map([], |row| row.get(0))?
                .collect::<Result<_, _>>()?)
        });
        assert!(homes.len() <= 1, "a home is doubled");
        homes.first().copied()
    }

    /// The tenant says who may approve: Ada and Bo, one of them is enough, and Cleo makes.
    pub(super) async fn charter(&self) {
        let (tenant, envelope) = (self.tenant, signing::charter(self.tenant, self.app.store.now()));
        let put = self.app.store.write(move |tx| {
            let row = tenants::get(tx.db, &tenant)?.id;
            charters::put(tx, row, "test", &envelope)
        });
        put.await.unwrap();
        if let Some(home) = self.home() {
            self.app.links.ring(home);
        }
    }

    /// A deployment of these items for the only home, not signed by anybody.
    pub(super) fn draft(&self, items: Vec<Item>) -> Deployment {
        signing::draft(self.tenant, self.fingerprint(), self.app.store.now(), items)
    }

    /// Ada approves, and the portal gets it.
    pub(super) async fn submit(&self, deployment: &Deployment) -> DeploymentId {
        self.hand_in(deployment, signing::approved(deployment)).await
    }

    /// The portal gets a deployment with whoever's approval.
    pub(super) async fn hand_in(&self, deployment: &Deployment, envelope: Envelope) -> DeploymentId {
        let (tenant, fingerprint) = (self.tenant, self.fingerprint());
        let deployment = deployment.clone();
        let id = deployment.id;
        let submitted = self.app.store.write(move |tx| {
            let tenant = tenants::get(tx.db, &tenant)?.id;
            let home = homes::get(tx.db, tenant, &fingerprint)?;
            let staff =
                Staff { id: 1, tenant, name: "ada".into(), role: Role::Approver, created: 0, last_used: 0 };
            submit::submit(tx, &staff, "staff:1", &home, &envelope, &deployment)
        });
        submitted.await.unwrap();
        self.app.links.ring(self.home().unwrap());
        id
    }

    /// Staff take a deployment back.
    pub(super) async fn withdraw(&self, id: DeploymentId) {
        let tenant = self.tenant;
        let withdrawn = self.app.store.write(move |tx| {
            let tenant = tenants::get(tx.db, &tenant)?.id;
            deployments::withdraw(tx, tenant, &id, "staff:1").map(drop)
        });
        withdrawn.await.unwrap();
        self.app.links.ring(self.home().unwrap());
    }

    /// What happens at a portal without anybody asking for it, such as that questions expire.
    pub(super) async fn upkeep(&self) {
        upkeep::run(&self.app, 90).await.unwrap();
    }

    /// A question about these things.
    pub(super) async fn ask(&self, question: &str, candidates: Vec<OpaqueId>) -> Fixed<16> {
        let (tenant, fingerprint) = (self.tenant, self.fingerprint());
        let id = Fixed([u8::try_from(question.len() % 250).unwrap(); 16]);
        let ask =
            Ask { id, question: question.to_owned(), candidates, expires: self.app.store.now() + 24 * 3600 };
        let asked = self.app.store.write(move |tx| {
            let tenant = tenants::get(tx.db, &tenant)?.id;
            let home = homes::get(tx.db, tenant, &fingerprint)?;
            questions::ask(tx, tenant, "staff:1", &home, &ask)
        });
        asked.await.unwrap();
        self.app.links.ring(self.home().unwrap());
        id
    }

    /// State and code of a deployment, as the portal has it.
    pub(super) fn deployment(&self, id: DeploymentId) -> (String, Option<String>) {
        let row = self.read(|db| deployments::get(db, tenants::get(db, &self.tenant)?.id, &id));
        (row.state.name().to_owned(), row.code)
    }

    /// Questions with their state and choice.
    pub(super) fn questions(&self) -> Vec<questions::Question> {
        self.read(|db| questions::list(db, tenants::get(db, &self.tenant)?.id, None, 100))
    }

    /// Requests with their state.
    pub(super) fn requests(&self) -> Vec<requests::Request> {
        self.read(|db| requests::list(db, tenants::get(db, &self.tenant)?.id, None, 100))
    }

    /// Texts of the support reports that are kept, newest first.
    pub(super) fn reports(&self) -> Vec<String> {
        let Some(home) = self.home() else { return Vec::new() };
        self.read(|db| support::list(db, home)).into_iter().map(|report| report.text).collect()
    }

    /// The only home's fingerprint.
    pub(super) fn fingerprint(&self) -> Fingerprint {
        let bytes: [u8; 32] =
            self.read(|db| Ok(db.query_row("SELECT fingerprint FROM home", [], |row| row.get(0))?));
        Fingerprint(bytes)
    }

    /// Every record that is held, as the lines of a preview, sorted.
    pub(super) fn lines(&self) -> Vec<String> {
        let Some(home) = self.home() else { return Vec::new() };
        let records = self.read(|db| history::snapshot(db, home));
        let line = |(key, body): (String, Option<String>)| {
            format!("{{\"key\":\"{key}\",\"record\":{}}}", body.unwrap())
        };
        let mut lines: Vec<String> = records.into_iter().map(line).collect();
        lines.sort_unstable();
        lines
    }

    /// The root of what is held.
    pub(super) fn root(&self) -> Option<String> {
        let home = self.home()?;
        self.read(|db| history::versions(db, home, 1)).first().map(|version| version.root.to_string())
    }

    /// Outbox items that were carried out.
    pub(super) fn handled(&self) -> u64 {
        self.read(|db| Ok(db.query_row("SELECT count(*) FROM handled", [], |row| row.get(0))?))
    }

    /// Whether nothing is held of any home.
    pub(super) fn is_erased(&self) -> bool {
        self.home().is_none()
    }
}
