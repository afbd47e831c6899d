//! A Supervisor as an app sees it: the proxy to Home Assistant with its token, `/addons/self/info`, and ingress with its headers.
//!
//! It listens wherever it is told to. An app looks for it under the name `supervisor` at port 80, and believes requests for its page
//! only from its address (facts: supervisor/api/proxy.py and ingress.py).

mod forward;
mod websocket;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Json, Response};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// What the app finds in its environment as `SUPERVISOR_TOKEN`. A real one is new at every start.
pub const TOKEN: &str = "fake-supervisor-token";
/// The part of ingress addresses that stays the same for an installation.
pub const INGRESS_TOKEN: &str = "fake-ingress-token";

/// The Home Assistant behind the Supervisor.
#[derive(Debug, Clone)]
pub struct Core {
    /// Host and port, such as `127.0.0.1:8123`.
    pub address: SocketAddr,
    /// The Supervisor's own way in, an administrator's.
    pub token: String,
    /// The version that is installed, which the Supervisor says itself.
    pub version: String,
}

/// A running Supervisor. It stops listening when this is dropped.
#[derive(Debug)]
pub struct FakeSupervisor {
    shared: Arc<Shared>,
    accept: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    address: SocketAddr,
    core: Core,
    client: reqwest::Client,
    core_runs: AtomicBool,
    app: Mutex<Option<SocketAddr>>,
    seen: Mutex<BTreeMap<String, u64>>,
}

impl Drop for FakeSupervisor {
    fn drop(&mut self) {
        self.accept.abort();
    }
}

impl FakeSupervisor {
    /// Listens at this address, and calls the app's page from there.
    ///
    /// # Errors
    /// If the address is taken or is not this machine's.
    pub async fn listen(address: SocketAddr, core: Core) -> std::io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        // The client wants a provider of cryptography although it never speaks TLS. A second one is refused, which is as good.
        drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
        let client = reqwest::Client::builder()
            .no_proxy()
            .local_address(address.ip())
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(std::io::Error::other)?;
        let shared = Arc::new(Shared {
            address,
            core,
            client,
            core_runs: AtomicBool::new(true),
            app: Mutex::default(),
            seen: Mutex::default(),
        });
        let router = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        let accept = tokio::spawn(async move {
            // Serving ends with the process only.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { shared, accept })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.shared.address
    }

    /// Whether Home Assistant is running. While it is not, its proxy answers 502.
    pub fn core_runs(&self, runs: bool) {
        self.shared.core_runs.store(runs, Ordering::SeqCst);
    }

    /// Where the app's page is, for ingress.
    pub fn app_at(&self, address: SocketAddr) {
        *self.shared.app.lock().unwrap_or_else(PoisonError::into_inner) = Some(address);
    }

    /// What was asked for, and how often: `websocket`, `core/api`, `info`, `ingress`, `unauthorized`, `not running`.
    #[must_use]
    pub fn seen(&self) -> BTreeMap<String, u64> {
        self.shared.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Shared {
    fn saw(&self, what: &str) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        *seen.entry(what.to_owned()).or_default() += 1;
    }

    fn app(&self) -> Option<SocketAddr> {
        *self.app.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As the real one asks before it passes anything on. A home that does not know the question is taken to be running.
    async fn is_running(&self) -> bool {
        if !self.core_runs.load(Ordering::SeqCst) {
            return false;
        }
        let url = format!("http://{}/api/core/state", self.core.address);
        match self.client.get(url).bearer_auth(&self.core.token).send().await {
            Ok(answer) if answer.status().is_success() => answer
                .text()
                .await
                .ok()
                .and_then(|text| serde_json::from_str::<serde_json::Value>(&text).ok())
                .is_none_or(|value| value["state"] == "RUNNING"),
            Ok(_) => true,
            Err(error) => !error.is_connect(),
        }
    }
}

/// The app's token, in either of the two forms.
fn has_token(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let bearer = text(header::AUTHORIZATION.as_str()).and_then(|value| value.strip_prefix("Bearer "));
    bearer == Some(TOKEN) || text("X-Supervisor-Token") == Some(TOKEN)
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    if path == "/supervisor/ping" {
        return Json(json!({"result": "ok", "data": {}})).into_response();
    }
    // The second is Home Assistant's own address for it, as a browser knows it; Home Assistant passes it on to the first.
    let ingress = ["/ingress/", "/api/hassio_ingress/"].iter().find_map(|place| path.strip_prefix(place));
    if let Some(rest) = ingress.and_then(|rest| rest.strip_prefix(INGRESS_TOKEN)) {
        shared.saw("ingress");
        let rest = rest.to_owned();
        return forward::to_app(&shared, &rest, request).await;
    }
    // The token of a WebSocket comes in its first message.
    if path == "/core/websocket" {
        shared.saw("websocket");
        if !shared.is_running().await {
            shared.saw("not running");
            return StatusCode::BAD_GATEWAY.into_response();
        }
        return websocket::upgrade(shared, request).await;
    }
    if !has_token(request.headers()) {
        shared.saw("unauthorized");
        return StatusCode::UNAUTHORIZED.into_response();
    }
    if path == "/addons/self/info" {
        shared.saw("info");
        return Json(json!({"result": "ok", "data": info(&shared)})).into_response();
    }
    let Some(rest) = path.strip_prefix("/core/api/") else {
        return StatusCode::FORBIDDEN.into_response();
    };
    shared.saw("core/api");
    if rest.starts_with("hassio") {
        return StatusCode::FORBIDDEN.into_response();
    }
    if !shared.is_running().await {
        shared.saw("not running");
        return StatusCode::BAD_GATEWAY.into_response();
    }
    let rest = rest.to_owned();
    forward::to_core(&shared, &rest, request).await
}

fn info(shared: &Shared) -> serde_json::Value {
    json!({
        "name": "Vestibule",
        "slug": "0a1b2c3d_vestibule",
        "hostname": "0a1b2c3d-vestibule",
        "state": "started",
        "rating": 8,
        "apparmor": "profile",
        "ingress_url": format!("/api/hassio_ingress/{INGRESS_TOKEN}/"),
        "ingress_entry": format!("/api/hassio_ingress/{INGRESS_TOKEN}"),
        "ingress_port": shared.app().map(|app| app.port()),
        "ingress_panel": true,
        "ip_address": shared.app().map(|app| app.ip().to_string()),
        "watchdog": false,
        "protected": true,
    })
}
