//! Charters: who may approve for the tenant.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use serde::Serialize;
use utoipa::ToSchema;
use vestibule_protocol::dsse::Envelope;

use super::auth::{actor, at_least};
use super::body::{self, EnvelopeBody};
use super::error::{Answer, ProblemBody};
use crate::app::App;
use crate::role::Role;
use crate::store::charters::{self, Kept};
use crate::store::homes;
use crate::store::staff::Staff;

/// A key that may approve.
#[derive(Debug, Serialize, ToSchema)]
pub struct ApproverBody {
    person: String,
    key: String,
}

/// A version of the charter.
#[derive(Debug, Serialize, ToSchema)]
pub struct CharterBody {
    /// From 1, rising by one.
    version: u32,
    /// Unix time in seconds.
    issued: u64,
    /// Unix time in seconds.
    expires: u64,
    /// How many distinct persons an approval takes.
    threshold: u32,
    /// Who may approve.
    approvers: Vec<ApproverBody>,
    /// Keys that may sign the next version.
    roots: Vec<String>,
    /// How many of them it takes.
    root_threshold: u32,
    /// When it came, in unix seconds.
    at: u64,
    /// As it was signed.
    #[schema(value_type = EnvelopeBody)]
    envelope: Envelope,
}

/// The charters.
#[derive(Debug, Serialize, ToSchema)]
pub struct Charters {
    /// Oldest first; the last one is in force.
    charters: Vec<CharterBody>,
}

/// What was taken.
#[derive(Debug, Serialize, ToSchema)]
pub struct CharterTaken {
    /// The version in force.
    version: u32,
}

impl From<Kept> for CharterBody {
    fn from(kept: Kept) -> Self {
        let charter = kept.charter;
        let approvers = charter.approvers.into_iter();
        Self {
            version: charter.version,
            issued: charter.issued,
            expires: charter.expires,
            threshold: charter.threshold,
            approvers: approvers
                .map(|one| ApproverBody { person: one.person, key: one.key.to_string() })
                .collect(),
            roots: charter.roots.iter().map(ToString::to_string).collect(),
            root_threshold: charter.root_threshold,
            at: kept.at,
            envelope: kept.envelope,
        }
    }
}

/// All versions of the tenant's charter.
#[utoipa::path(get, path = "/v1/charters", tag = "deployments", security(("token" = [])), responses(
    (status = 200, description = "All versions.", body = Charters),
    (status = 401, description = "No valid token.", body = ProblemBody),
))]
pub(crate) async fn list(State(app): State<App>, staff: Staff) -> Result<Json<Charters>, Answer> {
    let kept = app.store.read(move |db| charters::list(db, staff.tenant, None)).await?;
    Ok(Json(Charters { charters: kept.into_iter().map(CharterBody::from).collect() }))
}

/// Hands in the next version. Who may sign it stands in the version before, not in a role.
#[utoipa::path(post, path = "/v1/charters", tag = "deployments", security(("token" = [])),
    request_body = EnvelopeBody, responses(
    (status = 200, description = "It is in force, and goes to the homes.", body = CharterTaken),
    (status = 400, description = "Not an envelope.", body = ProblemBody),
    (status = 401, description = "No valid token.", body = ProblemBody),
    (status = 403, description = "Not an administrator.", body = ProblemBody),
    (status = 409, description = "It does not follow the one in force, or has expired.", body = ProblemBody),
    (status = 413, description = "Too large.", body = ProblemBody),
))]
pub(crate) async fn submit(
    State(app): State<App>,
    staff: Staff,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<CharterTaken>, Answer> {
    at_least(&staff, Role::Admin)?;
    let envelope: Envelope = body::read(body)?;
    let (version, homes) = app
        .store
        .write(move |tx| {
            let version = charters::put(tx, staff.tenant, &actor(&staff), &envelope)?;
            Ok((version, homes::rows(tx.db, staff.tenant)?))
        })
        .await?;
    app.live.stored();
    homes.into_iter().for_each(|home| app.links.ring(home));
    Ok(Json(CharterTaken { version }))
}
