//! What owners wish for.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vestibule_protocol::bytes::Fixed;

use super::auth::{actor, at_least};
use super::body::{self, Filter, LISTED};
use super::error::{Answer, ProblemBody};
use crate::app::App;
use crate::role::Role;
use crate::store::staff::Staff;
use crate::store::{Stop, requests};

/// What becomes of a request.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// Somebody works on it.
    Taken,
    /// It is done.
    Done,
}

/// A change of a request.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Marked {
    state: Mark,
}

/// A request.
#[derive(Debug, Serialize, ToSchema)]
pub struct RequestBody {
    id: String,
    /// The home.
    instance: String,
    /// The owner's words; empty when they were taken back.
    text: String,
    /// Opaque ids of rooms.
    rooms: Vec<String>,
    /// When it came, in unix seconds.
    at: u64,
    /// `open`, `taken`, `done` or `withdrawn`.
    state: String,
}

/// Requests.
#[derive(Debug, Serialize, ToSchema)]
pub struct Requests {
    /// Newest first.
    requests: Vec<RequestBody>,
}

impl From<requests::Request> for RequestBody {
    fn from(request: requests::Request) -> Self {
        Self {
            id: request.id.to_string(),
            instance: request.fingerprint.to_string(),
            text: request.text,
            rooms: request.rooms.iter().map(ToString::to_string).collect(),
            at: request.at,
            state: request.state,
        }
    }
}

/// What owners have asked for.
#[utoipa::path(get, path = "/v1/requests", tag = "questions", security(("token" = [])), params(Filter), responses(
    (status = 200, description = "The newest ones.", body = Requests),
    (status = 401, description = "No valid token.", body = ProblemBody),
    (status = 404, description = "Not a home of this tenant.", body = ProblemBody),
))]
pub(crate) async fn list(
    State(app): State<App>,
    staff: Staff,
    query: Result<Query<Filter>, QueryRejection>,
) -> Result<Json<Requests>, Answer> {
    let filter = body::filter(query)?;
    let rows = app
        .store
        .read(move |db| {
            let home = body::home(db, staff.tenant, filter.as_ref())?;
            requests::list(db, staff.tenant, home, LISTED)
        })
        .await?;
    Ok(Json(Requests { requests: rows.into_iter().map(RequestBody::from).collect() }))
}

/// Marks a request as taken up or done.
#[utoipa::path(post, path = "/v1/requests/{id}", tag = "questions", security(("token" = [])),
    params(("id" = String, Path, description = "The request")), request_body = Marked, responses(
    (status = 204, description = "Marked."),
    (status = 400, description = "Not a mark.", body = ProblemBody),
    (status = 401, description = "No valid token.", body = ProblemBody),
    (status = 403, description = "A viewer may not mark.", body = ProblemBody),
    (status = 404, description = "Not a request to this tenant.", body = ProblemBody),
    (status = 409, description = "It is done, or was taken back.", body = ProblemBody),
))]
pub(crate) async fn mark(
    State(app): State<App>,
    staff: Staff,
    Path(which): Path<String>,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Answer> {
    at_least(&staff, Role::Author)?;
    let id = Fixed::<16>::parse(&which).ok_or(Stop::NotFound)?;
    app.store.read(move |db| requests::exists(db, staff.tenant, &id)).await?;
    let marked: Marked = body::read(body)?;
    let state = match marked.state {
        Mark::Taken => "taken",
        Mark::Done => "done",
    };
    app.store.write(move |tx| requests::mark(tx, staff.tenant, &id, state, &actor(&staff))).await?;
    app.live.stored();
    Ok(StatusCode::NO_CONTENT)
}
