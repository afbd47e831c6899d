//! The reference portal, at the other end of the pipe or behind a real socket.

use rusqlite::Connection;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use vestibule_portal::app::App;
use vestibule_portal::data::Data;
use vestibule_portal::serve::{self, Options, Running};
use vestibule_portal::store::{Stop, history, invites, tenants};
use vestibule_portal::world::World as Outside;
use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::dsse::Envelope;
use vestibule_protocol::id::TenantId;
use vestibule_protocol::invite::Invite;
use vestibule_protocol::statement::{LIFETIME_SECONDS, Statement};

use super::world::{ORIGIN, World};

/// Secret of the one invite.
const SECRET: [u8; 16] = [8; 16];
/// Seed of the tenant's root key.
const ROOT: [u8; 32] = [9; 32];

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
        let root = ed25519_dalek::SigningKey::from_bytes(&ROOT);
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
