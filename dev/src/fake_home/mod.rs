//! A fake Home Assistant that speaks the real WebSocket protocol, for tests and benchmarks; with switches for everything that goes wrong.
//!
//! It holds a small model of a house (see `model`), answers the commands that Vestibule knows like 2024.3 or 2026.11 would (see `answer`, `writing`, and
//! `rest` for automations, scripts and scenes),
//! sends the events that the real one sends when something changes (see `changes`), and counts what comes and goes. It listens on
//! loopback ([`FakeHome::listen`]) or serves any stream ([`FakeHome::serve`]), so a simulation can put it on a simulated network.

mod ahead;
mod answer;
mod build;
mod changes;
mod connection;
mod faults;
mod model;
mod ordered;
mod people;
mod rest;
mod routines;
mod writing;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};

pub use build::EntityKind;
pub use faults::{Cut, Fail, Faults, When};
pub use model::{Model, State, Version};
pub use people::Overwritten;
pub use routines::{Domain, Routines, Stored};

use connection::BusEvent;

/// The token that the fake accepts.
pub const TOKEN: &str = "fake-home-token";

/// A fake home. Clones are the same home.
#[derive(Clone)]
pub struct FakeHome {
    inner: Arc<Inner>,
}

struct Inner {
    model: Mutex<Model>,
    faults: Mutex<Faults>,
    listeners: Mutex<Vec<mpsc::UnboundedSender<Arc<BusEvent>>>>,
    /// Raised to cut all open connections.
    cut: watch::Sender<u64>,
    counters: Counters,
    /// Commands received, by type.
    commands: Mutex<BTreeMap<String, u64>>,
    /// Things no good client does.
    violations: Mutex<Vec<String>>,
    /// What happens just before some commands are carried out.
    hooks: Mutex<Vec<Hook>>,
}

/// Something that somebody else does in the home at the worst moment.
struct Hook {
    command: String,
    nth: u64,
    run: Box<dyn FnOnce(&FakeHome) + Send>,
}

#[derive(Default)]
struct Counters {
    connections: AtomicU64,
    frames: AtomicU64,
    bytes: AtomicU64,
}

/// A home that can be reached over the network. It stops listening, and cuts its connections, when this is dropped.
pub struct Listening {
    address: SocketAddr,
    tls: bool,
    authority: Option<String>,
    home: FakeHome,
    accept: tokio::task::JoinHandle<()>,
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.accept.abort();
        self.home.cut_connections();
    }
}

impl Listening {
    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// URL for the agent's settings.
    #[must_use]
    pub fn url(&self) -> String {
        let port = self.address.port();
        if self.tls { format!("https://localhost:{port}") } else { format!("http://127.0.0.1:{port}") }
    }

    /// The certificate that signs a TLS home's certificate, in PEM.
    #[must_use]
    pub fn authority(&self) -> Option<&str> {
        self.authority.as_deref()
    }
}

impl FakeHome {
    /// A home with the given contents.
    #[must_use]
    pub fn new(model: Model) -> Self {
        Self {
            inner: Arc::new(Inner {
                model: Mutex::new(model),
                faults: Mutex::default(),
                listeners: Mutex::default(),
                cut: watch::Sender::new(0),
                counters: Counters::default(),
                commands: Mutex::default(),
                violations: Mutex::default(),
                hooks: Mutex::default(),
            }),
        }
    }

    /// A home of about so many entities, always the same for the same number (see [`Model::generate`]).
    #[must_use]
    pub fn of_size(version: Version, entities: usize) -> Self {
        Self::new(Model::generate(version, entities))
    }

    /// Listens on a free port of the loopback interface.
    ///
    /// # Errors
    /// If there is no free port.
    pub async fn listen(&self) -> std::io::Result<Listening> {
        self.listen_at("127.0.0.1:0".parse().map_err(std::io::Error::other)?).await
    }

    /// Listens on this address, for instance the one it had before a restart.
    ///
    /// # Errors
    /// If the address is taken.
    pub async fn listen_at(&self, address: SocketAddr) -> std::io::Result<Listening> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let home = self.clone();
        let accept = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let home = home.clone();
                // As Home Assistant's own server does.
                let _ = stream.set_nodelay(true);
                tokio::spawn(async move { home.serve(stream).await });
            }
        });
        Ok(Listening { address, tls: false, authority: None, home: self.clone(), accept })
    }

    /// Listens with TLS, under a certificate for `localhost` made for the occasion.
    ///
    /// # Errors
    /// If there is no free port, or no certificate can be made.
    pub async fn listen_tls(&self) -> std::io::Result<Listening> {
        let made =
            rcgen::generate_simple_self_signed(["localhost".to_owned()]).map_err(std::io::Error::other)?;
        let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der())
            .map_err(std::io::Error::other)?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(std::io::Error::other)?
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .map_err(std::io::Error::other)?;
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let home = self.clone();
        let accept = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (home, acceptor) = (home.clone(), acceptor.clone());
                let _ = stream.set_nodelay(true);
                tokio::spawn(async move {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        home.serve(stream).await;
                    }
                });
            }
        });
        Ok(Listening { address, tls: true, authority: Some(made.cert.pem()), home: self.clone(), accept })
    }

    /// Looks at the model.
    pub fn model<T>(&self, look: impl FnOnce(&Model) -> T) -> T {
        look(&lock(&self.inner.model))
    }

    /// Changes the model behind everybody's back: no event is sent.
    pub fn change_silently<T>(&self, change: impl FnOnce(&mut Model) -> T) -> T {
        change(&mut lock(&self.inner.model))
    }

    /// Sets fault switches; those of connections that are open take effect at once.
    pub fn fault(&self, set: impl FnOnce(&mut Faults)) {
        set(&mut lock(&self.inner.faults));
    }

    /// Does something just before the `nth` command of this type, counted from 1 since the home was made, is carried out: an edit between
    /// somebody's reading and saving, for instance. REST requests count as `rest/DOMAIN/METHOD`, such as `rest/automation/post`.
    pub fn before(&self, command: &str, nth: u64, run: impl FnOnce(&Self) + Send + 'static) {
        lock(&self.inner.hooks).push(Hook { command: command.to_owned(), nth, run: Box::new(run) });
    }

    fn run_hooks(&self, command: &str, nth: u64) {
        let due = |hook: &mut Hook| hook.command == command && hook.nth == nth;
        let due: Vec<Hook> = lock(&self.inner.hooks).extract_if(.., due).collect();
        due.into_iter().for_each(|hook| (hook.run)(self));
    }

    /// What people had saved and a client has written over, in that order.
    #[must_use]
    pub fn overwritten(&self) -> Vec<Overwritten> {
        self.model(|model| model.people.overwritten.clone())
    }

    /// Home Assistant has started at this time (RFC 3339): no state is older. The connections are cut by whoever wants it.
    pub fn started_at(&self, time: &str) {
        self.change_silently(|model| time.clone_into(&mut model.since));
    }

    /// Cuts all open connections, without a word.
    pub fn cut_connections(&self) {
        self.inner.cut.send_modify(|cuts| *cuts += 1);
    }

    /// Connections that wanted a WebSocket, or got no further than TCP.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.inner.counters.connections.load(Ordering::SeqCst)
    }

    /// WebSocket frames sent to clients since the start.
    #[must_use]
    pub fn frames_sent(&self) -> u64 {
        self.inner.counters.frames.load(Ordering::SeqCst)
    }

    /// Bytes of these frames' payloads.
    #[must_use]
    pub fn bytes_sent(&self) -> u64 {
        self.inner.counters.bytes.load(Ordering::SeqCst)
    }

    /// Commands received so far, by type, `auth` included.
    #[must_use]
    pub fn commands(&self) -> BTreeMap<String, u64> {
        lock(&self.inner.commands).clone()
    }

    /// What clients did that no good client does: unknown commands, ids that do not increase, a second `auth`, strange parameters,
    /// subscriptions to the whole stream of states.
    #[must_use]
    pub fn violations(&self) -> Vec<String> {
        lock(&self.inner.violations).clone()
    }

    fn violation(&self, what: String) {
        lock(&self.inner.violations).push(what);
    }

    fn faults(&self) -> Faults {
        lock(&self.inner.faults).clone()
    }

    /// Sends an event to all connections.
    fn emit(&self, event: BusEvent) {
        let event = Arc::new(event);
        lock(&self.inner.listeners).retain(|listener| listener.send(Arc::clone(&event)).is_ok());
    }
}

/// A poisoned lock only means that a test has failed already.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
