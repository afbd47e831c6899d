//! Serving: put together, started, stopped. Used by the command, by tests and by simulations alike.

mod accept;
mod listen;
pub mod tls;
pub mod upkeep;

use std::fs::File;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use axum::serve::ListenerExt as _;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use vestibule_protocol::problem::Problem;

pub use accept::accept;

use crate::app::App;
use crate::data::Data;
use crate::store::{Stop, erase, tenants};
use crate::world::World;
use crate::{origin, problem};

/// After how many days of silence a home's erasure is announced.
pub const SILENT_DAYS: u32 = 90;

/// How long a stop waits for answers under way.
const STOP: Duration = Duration::from_secs(3);

/// What to serve, and where.
#[derive(Debug, Clone)]
pub struct Options {
    /// Data folder; created if missing.
    pub data: PathBuf,
    /// Address to listen on; port 0 for any.
    pub listen: SocketAddr,
    /// Origin under which homes reach the portal.
    pub origin: Option<String>,
    /// Certificate chain and key, as PEM files.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// A proxy in front encrypts.
    pub behind_proxy: bool,
    /// See [`SILENT_DAYS`].
    pub silent_days: u32,
    /// Erasure journal, if not in the data folder.
    pub erasure_journal: Option<PathBuf>,
    /// Clock and randomness.
    pub world: World,
}

impl Options {
    /// On a free port of this machine, with everything else as usual.
    #[must_use]
    pub fn local(data: PathBuf) -> Self {
        Self {
            data,
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            origin: None,
            tls: None,
            behind_proxy: false,
            silent_days: SILENT_DAYS,
            erasure_journal: None,
            world: World::real(),
        }
    }
}

/// A portal at work.
pub struct Running {
    /// Where it listens.
    pub addr: SocketAddr,
    /// What it recorded as its origin.
    pub origin: String,
    /// For tests and simulations: what the requests see.
    pub app: App,
    tasks: TaskTracker,
    _lock: File,
}

/// Starts a portal.
///
/// # Errors
/// A `Problem` that says which setting, file or port is wrong.
pub async fn start(options: Options) -> Result<Running, Problem> {
    if !options.listen.ip().is_loopback() && options.tls.is_none() && !options.behind_proxy {
        return Err(problem::tls_needed());
    }
    let given = options.origin.as_deref().map(origin::read).transpose()?;
    let tls = match &options.tls {
        Some((certificate, key)) => Some(tls::acceptor(certificate, key)?),
        None => None,
    };
    let data = Data::at(&options.data, options.erasure_journal.as_deref())?;
    let lock = data.lock().await?;
    let store = data.store(options.world.clone())?;
    let key = data.signing_key(&options.world)?;
    // R28: what was erased is erased again, before anybody can ask.
    let replayed = store.write(erase::replay).await.map_err(|stop| not_started(&stop))?;
    if replayed > 0 {
        tracing::info!(code = "erasures_replayed", count = replayed);
    }
    let listener = listen::bind(options.listen).await?;
    let addr = listener.local_addr().map_err(|_| problem::listen_failed())?;
    let guess = addr.ip().is_loopback().then(|| origin::of_address(addr, options.tls.is_some()));
    let origin = settle_origin(&store, given, guess, options.behind_proxy).await?;

    let stop = CancellationToken::new();
    let app = App::new(store, key, stop);
    let tasks = TaskTracker::new();
    let listener = listener.tap_io(|stream| {
        // Small messages must not wait for more; a failure only costs time.
        let _ = stream.set_nodelay(true);
    });
    tasks.spawn(accept(app.clone(), listener, tls, tasks.clone()));
    tasks.spawn(upkeep::daily(app.clone(), options.silent_days));
    tracing::info!(code = "serving");
    Ok(Running { addr, origin, app, tasks, _lock: lock })
}

impl Running {
    /// Ends links and requests, writes what is queued, and closes the database.
    pub async fn stop(self) {
        self.app.stop.cancel();
        self.tasks.close();
        let _ = tokio::time::timeout(STOP, self.tasks.wait()).await;
        self.app.store.close().await;
        tracing::info!(code = "stopped");
    }
}

fn not_started(stop: &Stop) -> Problem {
    tracing::error!(code = "not_started", reason = stop.code());
    problem::unavailable()
}

/// An origin that somebody gave counts, now or at an earlier start; otherwise the address itself, if only this machine can reach it.
async fn settle_origin(
    store: &crate::store::Store,
    given: Option<String>,
    guess: Option<String>,
    behind_proxy: bool,
) -> Result<String, Problem> {
    store
        .write(move |tx| {
            let recorded = tenants::setting(tx.db, origin::SETTING)?;
            let was_given = tenants::setting(tx.db, origin::GIVEN)?.is_some();
            let before = recorded.filter(|_| was_given);
            let guess = if behind_proxy { None } else { guess };
            let given_now = given.is_some();
            let origin = given.or(before).or(guess).ok_or_else(problem::origin_needed)?;
            tenants::set(tx, origin::SETTING, &origin)?;
            if given_now {
                tenants::set(tx, origin::GIVEN, "yes")?;
            }
            Ok(origin)
        })
        .await
        .map_err(problem::of_stop)
}
