//! Real Home Assistants: installed, started, furnished and driven, for tests and for `make demo`.
//!
//! ```no_run
//! # async fn story() -> Result<(), vestibule_dev::real::RealError> {
//! use vestibule_dev::real::{NEWEST, Options, RealHome};
//! let mut home = RealHome::start(Options::new(NEWEST).entities(1_200)).await?;
//! let states = home.call(serde_json::json!({"type": "get_states"})).await?;
//! home.restart().await?;
//! home.stop().await?;
//! # Ok(()) }
//! ```
//!
//! A home lives in a temporary folder on a free loopback port and is gone when the value is dropped, unless it was told where to
//! live. The first start of a version and size furnishes it and keeps the folder as a template; later starts copy that and take
//! seconds.

mod error;
mod folder;
mod furnish;
mod onboard;
mod process;
mod session;

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

pub use error::{RealError, skip_reason};
pub use onboard::{OWNER_NAME, OWNER_PASSWORD, Tokens};
pub use session::Session;

use folder::Place;
use process::Process;

/// The oldest Home Assistant that Vestibule supports.
pub const OLDEST: &str = "2024.3.3";
/// The newest Home Assistant that Vestibule is tested with.
pub const NEWEST: &str = "2026.11.0";
/// The newest one that a Python already on this machine can run; never needs root or a chroot.
pub const NEWEST_HERE: &str = "newest";

/// How many entities the example house has in `make demo`.
pub const DEMO_ENTITIES: u32 = 60;
/// How many it has in tests: enough for a thousand real entities over more than 25 domains.
pub const TEST_ENTITIES: u32 = 1_200;

/// Ten thousand entities take a slow machine some tens of seconds, and tests may share it with a compiler.
const START_WITHIN: Duration = Duration::from_secs(300);
/// Home Assistant gives its own parts up to a minute and a half to write their last files.
const STOP_WITHIN: Duration = Duration::from_secs(100);

/// Which Home Assistant to start, and how big.
#[derive(Debug, Clone)]
pub struct Options {
    version: String,
    entities: u32,
    furnished: bool,
    kept_in: Option<PathBuf>,
    port: Option<u16>,
}

impl Options {
    /// A test-sized, furnished home of a version: [`OLDEST`], [`NEWEST`] or [`NEWEST_HERE`].
    #[must_use]
    pub fn new(version: &str) -> Self {
        Self {
            version: version.to_owned(),
            entities: TEST_ENTITIES,
            furnished: true,
            kept_in: None,
            port: None,
        }
    }

    /// About how many entities the example house makes; Home Assistant's own integrations add some eighty more.
    #[must_use]
    pub fn entities(mut self, entities: u32) -> Self {
        self.entities = entities;
        self
    }

    /// Without floors, areas, labels, dashboards and renamed things: only what integrations bring.
    #[must_use]
    pub fn bare(mut self) -> Self {
        self.furnished = false;
        self
    }

    /// Lives in this folder, which outlives the value: the next start finds the home as it was left. A home there that was made
    /// from something else, such as another version, is replaced.
    #[must_use]
    pub fn kept_in(mut self, folder: &Path) -> Self {
        self.kept_in = Some(folder.to_owned());
        self
    }

    /// Answers on this loopback port, which the caller knows to be free.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }
}

/// A running Home Assistant of our own. Dropping it kills it and removes its folder (but for [`Options::kept_in`]).
#[derive(Debug)]
pub struct RealHome {
    // First, so that it is dropped before the folder is.
    process: Option<Process>,
    folder: Place,
    version: String,
    port: u16,
    tokens: Tokens,
}

impl RealHome {
    /// Starts a home and waits until Home Assistant says it is running.
    ///
    /// Installs that version first when it is missing, which takes minutes and needs PyPI.
    ///
    /// # Errors
    /// [`RealError::NotInstalled`] when the version cannot be had on this machine; others when it does not start.
    pub async fn start(options: Options) -> Result<Self, RealError> {
        let version = process::install(&options.version).await?;
        let template = folder::Template::of(&version, options.entities, options.furnished)?;
        let guard = template.lock().await?;
        if !template.exists() {
            let (folder, port) = folder::fresh(&version, options.entities)?;
            let mut process = Process::start(&version, folder.path(), port)?;
            let tokens = onboard::onboard(&mut process, START_WITHIN).await?;
            process.wait_until_running(&tokens.admin, START_WITHIN).await?;
            if options.furnished {
                furnish::furnish(&mut Session::open(port, &tokens.admin).await?).await?;
            }
            process.stop(STOP_WITHIN).await?;
            template.keep(folder.path(), &tokens)?;
        }
        let (folder, tokens) = match &options.kept_in {
            Some(place) => template.copy_once_to(place)?,
            None => template.copy()?,
        };
        drop(guard);
        let port = options.port.map_or_else(folder::free_port, Ok)?;
        let mut process = Process::start(&version, folder.path(), port)?;
        process.wait_until_running(&tokens.admin, START_WITHIN).await?;
        Ok(Self { process: Some(process), folder, version, port, tokens })
    }

    /// The version that runs, such as `2026.11.0`.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Where it answers, without a slash at the end: `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        process::url(self.port)
    }

    /// The loopback port it answers on; the same after a restart.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// A long-lived access token of its owner, an administrator.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.tokens.admin
    }

    /// A long-lived access token of a user who is no administrator.
    #[must_use]
    pub fn guest_token(&self) -> &str {
        &self.tokens.guest
    }

    /// Its configuration folder, for tests that look at or change files.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A WebSocket session as administrator, for subscriptions and for many commands.
    ///
    /// # Errors
    /// When Home Assistant does not answer.
    pub async fn session(&self) -> Result<Session, RealError> {
        Session::open(self.port, &self.tokens.admin).await
    }

    /// A WebSocket session as the user who is no administrator.
    ///
    /// # Errors
    /// When Home Assistant does not answer.
    pub async fn guest_session(&self) -> Result<Session, RealError> {
        Session::open(self.port, &self.tokens.guest).await
    }

    /// Sends one WebSocket command (without `id`) as administrator and returns its result.
    ///
    /// # Errors
    /// [`RealError::Refused`] with Home Assistant's own code; others when it does not answer.
    pub async fn call(&self, command: Value) -> Result<Value, RealError> {
        self.session().await?.call(command).await
    }

    /// Calls an action (a service) and waits until it is done.
    ///
    /// # Errors
    /// As [`RealHome::call`].
    pub async fn act(&self, domain: &str, action: &str, data: Value) -> Result<Value, RealError> {
        let command =
            json!({"type": "call_service", "domain": domain, "service": action, "service_data": data});
        self.call(command).await
    }

    /// Makes `count` state changes as fast as Home Assistant can, and waits for the last.
    ///
    /// # Errors
    /// As [`RealHome::call`].
    pub async fn churn(&self, count: u32) -> Result<(), RealError> {
        self.act("example_house", "churn", json!({"count": count})).await.map(drop)
    }

    /// Starts `rate` state changes a second in the background; 0 ends them.
    ///
    /// # Errors
    /// As [`RealHome::call`].
    pub async fn churn_steadily(&self, rate: f64) -> Result<(), RealError> {
        self.act("example_house", "churn", json!({"rate": rate})).await.map(drop)
    }

    /// Adds devices until there are at least `entities` entities more.
    ///
    /// # Errors
    /// As [`RealHome::call`].
    pub async fn add_entities(&self, entities: u32) -> Result<(), RealError> {
        self.act("example_house", "add", json!({"entities": entities})).await.map(drop)
    }

    /// Removes the newest devices of the example house with their entities.
    ///
    /// # Errors
    /// As [`RealHome::call`].
    pub async fn remove_devices(&self, devices: u32) -> Result<(), RealError> {
        self.act("example_house", "remove", json!({"devices": devices})).await.map(drop)
    }

    /// Stops it as an operating system would, and waits until it is gone. [`RealHome::restart`] starts it again.
    ///
    /// # Errors
    /// When it does not stop by itself in time; it is then killed.
    pub async fn stop(&mut self) -> Result<(), RealError> {
        match self.process.take() {
            Some(mut process) => process.stop(STOP_WITHIN).await,
            None => Ok(()),
        }
    }

    /// Kills it on the spot, as a power cut would. [`RealHome::restart`] starts it again.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Stops it if it runs, starts it again on the same port and waits until it is running.
    ///
    /// # Errors
    /// When it does not stop or start in time.
    pub async fn restart(&mut self) -> Result<(), RealError> {
        self.stop().await?;
        let mut process = Process::start(&self.version, self.folder.path(), self.port)?;
        process.wait_until_running(&self.tokens.admin, START_WITHIN).await?;
        self.process = Some(process);
        Ok(())
    }

    /// Restarts Home Assistant from inside, as its own restart button does, and waits until it is running again.
    ///
    /// # Errors
    /// When it does not go down or come up in time, or is not running now.
    pub async fn restart_core(&mut self) -> Result<(), RealError> {
        let mut witness = self.session().await?;
        self.session()
            .await?
            .send(json!({"type": "call_service", "domain": "homeassistant", "service": "restart"}))
            .await?;
        witness.wait_until_closed(STOP_WITHIN).await?;
        match self.process.as_mut() {
            Some(process) => process.wait_until_running(&self.tokens.admin, START_WITHIN).await,
            None => Err(RealError::Broken("Home Assistant is not running".to_owned())),
        }
    }

    /// Stops the clock for it: connections stay open and nothing answers, until [`RealHome::thaw`].
    pub fn freeze(&self) {
        if let Some(process) = &self.process {
            process.signal("STOP");
        }
    }

    /// Lets it run again after [`RealHome::freeze`].
    pub fn thaw(&self) {
        if let Some(process) = &self.process {
            process.signal("CONT");
        }
    }

    /// All that Home Assistant has logged since the folder was made, restarts included.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn log(&self) -> Result<String, RealError> {
        folder::log(self.folder.path())
    }

    /// The lines of the log at level ERROR, less those that only this machine is to blame for.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn errors(&self) -> Result<Vec<String>, RealError> {
        Ok(folder::errors(&self.log()?))
    }
}
