//! The link: one WebSocket per home (DESIGN section 6).
//!
//! [`upgrade`] accepts it, [`hello`] and [`enrol`] find out who is there, [`session`] does what is asked, [`desk`] is about deployments and questions, [`wire`] reads and writes frames.

mod desk;
mod enrol;
mod hello;
mod intake;
pub mod registry;
mod session;
mod wire;

use std::time::Duration;

use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{WebSocket, WebSocketUpgrade};
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::id::TenantId;
use vestibule_protocol::limits::{FRAME_WIRE, NONCE_SECONDS};
use vestibule_protocol::message::{Challenge, FromAgent, Refusal, RefusalCode, SUBPROTOCOL};
use vestibule_protocol::statement::Statement;

use crate::api::error::Answer;
use crate::app::App;
use crate::problem;
use crate::store::Stop;
use crate::store::tenants::{self, Tenant};
use wire::{Incoming, Wire};

/// Ten thousand homes are connected at once, so what each reserves is small; longer messages grow it for a moment.
const READ_BUFFER: usize = 4096;

/// How soon a home should come back when the portal cannot serve it, in seconds.
const UNAVAILABLE_AFTER: u32 = 5;

/// How a link ends.
#[derive(Debug)]
pub(crate) enum End {
    /// The other side is gone or silent.
    Closed,
    /// With a reason.
    Refused(RefusalCode, Option<u32>),
}

impl From<RefusalCode> for End {
    fn from(code: RefusalCode) -> Self {
        Self::Refused(code, None)
    }
}

impl From<Stop> for End {
    fn from(stop: Stop) -> Self {
        let code = match stop {
            Stop::Replaced => RefusalCode::Replaced,
            Stop::Erased => RefusalCode::Erased,
            Stop::TooMuch => RefusalCode::TooMuch,
            Stop::BadMessage => RefusalCode::BadMessage,
            Stop::BadRecord => RefusalCode::BadRecord,
            Stop::InviteRefused => RefusalCode::InviteRefused,
            Stop::Database(_)
            | Stop::File(_)
            | Stop::NotStored
            | Stop::NotFound
            | Stop::Forbidden
            | Stop::Gone
            | Stop::Mismatch(_)
            | Stop::Problem(_) => {
                tracing::warn!(code = "link_unavailable", reason = stop.code());
                return Self::Refused(RefusalCode::Unavailable, Some(UNAVAILABLE_AFTER));
            }
        };
        code.into()
    }
}

/// `GET /v1/link/{tenant}`
pub(crate) async fn upgrade(
    State(app): State<App>,
    Path(tenant): Path<String>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let Ok(tenant) = tenant.parse::<TenantId>() else { return Answer::from(Stop::NotFound).into_response() };
    let tenant = match app.store.read(move |db| tenants::get(db, &tenant)).await {
        Ok(tenant) => tenant,
        Err(stop) => return Answer::from(stop).into_response(),
    };
    let offered = upgrade.ok().map(|upgrade| upgrade.protocols([SUBPROTOCOL]));
    match offered.filter(|upgrade| upgrade.selected_protocol().is_some()) {
        Some(upgrade) => upgrade
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(0)
            .max_message_size(FRAME_WIRE)
            .max_frame_size(FRAME_WIRE)
            .on_upgrade(move |socket| run(app, tenant, socket)),
        None => Answer::bad_request(problem::bad_request()).into_response(),
    }
}

async fn run(app: App, tenant: Tenant, socket: WebSocket) {
    let mut wire = Wire::new(socket);
    if let Err(End::Refused(code, after_s)) = Box::pin(talk(&app, tenant, &mut wire)).await {
        let _ = wire.send(Refusal { code, after_s }).await;
    }
    wire.close().await;
}

async fn talk(app: &App, tenant: Tenant, wire: &mut Wire) -> Result<(), End> {
    let nonce = app.store.world().random::<32>().map_err(|problem| End::from(Stop::from(problem)))?;
    let origin = origin(&tenant)?;
    wire.send(Challenge { nonce: Fixed(nonce), statement: tenant.statement.clone() }).await?;
    // R5: the nonce belongs to this connection, is answered once, and only for so long.
    let limit = Duration::from_secs(NONCE_SECONDS);
    let first = tokio::select! {
        biased;
        () = app.stop.cancelled() => return Err(RefusalCode::Unavailable.into()),
        first = tokio::time::timeout(limit, wire.next_frame()) => first.map_err(|_| End::Closed)??,
    };
    let Incoming::Frame(frame) = first else { return Err(End::Closed) };
    match wire::read(&frame)? {
        FromAgent::Enrol(enrol) => enrol::answer(app, &tenant, &origin, &nonce, enrol, wire).await,
        FromAgent::Hello(hello) => {
            let open = hello::answer(app, &tenant, &origin, &nonce, hello, wire).await?;
            drop((frame, origin));
            session::run(app, tenant.tenant, open, wire).await
        }
        FromAgent::Push(_)
        | FromAgent::Buckets(_)
        | FromAgent::Batch(_)
        | FromAgent::Commit(_)
        | FromAgent::ConsentChanged(_)
        | FromAgent::Erase(_)
        | FromAgent::Report(_)
        | FromAgent::Request(_)
        | FromAgent::Answer(_)
        | FromAgent::Support(_) => Err(RefusalCode::BadMessage.into()),
    }
}

/// The origin that homes of this tenant sign for: the one in its statement.
fn origin(tenant: &Tenant) -> Result<String, End> {
    tenant
        .statement
        .unverified_payload()
        .ok()
        .and_then(|payload| serde_json::from_slice::<Statement>(&payload).ok())
        .map(|statement| statement.origin)
        .ok_or(End::Refused(RefusalCode::Unavailable, None))
}
