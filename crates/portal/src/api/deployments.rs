//! Deployments: handed in as envelopes, followed through their life, taken back.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use serde::Serialize;
use utoipa::ToSchema;
use vestibule_protocol::deployment::{self, Deployment, DeploymentId, Item};
use vestibule_protocol::dsse::Envelope;
use vestibule_protocol::limits::FRAME_INFLATED;
use vestibule_protocol::message::ItemReport;

use super::auth::{actor, at_least};
use super::body::{self, EnvelopeBody, Filter, LISTED};
use super::error::{Answer, ProblemBody};
use super::instances::fingerprint;
use crate::app::App;
use crate::life;
use crate::problem;
use crate::role::Role;
use crate::store::deployments::{self, Row, Step};
use crate::store::staff::Staff;
use crate::store::{Stop, charters, homes, submit as submission};

/// What an envelope may take up, so that the message around it and signatures to come still fit into a frame.
const ENVELOPE_BYTES: usize = FRAME_INFLATED - (16 << 10);

/// What was handed in.
#[derive(Debug, Serialize, ToSchema)]
pub struct Submitted {
    /// The deployment's id.
    id: String,
    /// How it stands now.
    state: life::State,
}

/// An item of a deployment.
#[derive(Debug, Serialize, ToSchema)]
pub struct ItemBody {
    /// Such as `dashboard.put`.
    kind: &'static str,
    /// The thing at home, once there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    thing: Option<String>,
    /// What the next deployment names as its base.
    #[serde(skip_serializing_if = "Option::is_none")]
    base: Option<String>,
    /// What was wrong with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
}

/// A step of a life.
#[derive(Debug, Serialize, ToSchema)]
pub struct StepBody {
    state: life::State,
    /// Unix time in seconds.
    at: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
}

/// A deployment in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Listed {
    id: String,
    /// The home.
    instance: String,
    title: String,
    author: String,
    sequence: u64,
    state: life::State,
    /// Why, or how far: `verified`, `settled` and `drifted` with `applied`.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    /// Who handed it in, as in the audit trail.
    submitted_by: String,
    /// When it was handed in, in unix seconds.
    created: u64,
    /// When its state last changed, in unix seconds.
    changed: u64,
    /// When it expires, in unix seconds.
    expires: u64,
}

/// A deployment with its life.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeploymentBody {
    #[serde(flatten)]
    listed: Listed,
    items: Vec<ItemBody>,
    /// Persons of the charter in force whose approval counts.
    approved_by: Vec<String>,
    /// How many persons are missing.
    missing: usize,
    /// Oldest first.
    history: Vec<StepBody>,
    /// As it was handed in.
    #[schema(value_type = EnvelopeBody)]
    envelope: Envelope,
}

/// Deployments.
#[derive(Debug, Serialize, ToSchema)]
pub struct Deployments {
    /// Newest first.
    deployments: Vec<Listed>,
}

impl From<Row> for Listed {
    fn from(row: Row) -> Self {
        Self {
            id: row.deployment.to_string(),
            instance: row.fingerprint.to_string(),
            title: row.title,
            author: row.author,
            sequence: row.sequence,
            state: row.state,
            code: row.code,
            submitted_by: row.submitted,
            created: row.created,
            changed: row.changed,
            expires: row.expires,
        }
    }
}

impl From<Step> for StepBody {
    fn from(step: Step) -> Self {
        Self { state: step.state, at: step.at, code: step.code }
    }
}

/// An item as it was designed, and what the home said of it.
fn item(item: &Item, report: Option<&ItemReport>) -> ItemBody {
    let designed = match item {
        Item::DashboardPut(put) => put.dashboard,
        Item::AutomationPut(put) | Item::ScriptPut(put) => put.existing,
        Item::DashboardDelete(delete) | Item::AutomationDelete(delete) | Item::ScriptDelete(delete) => {
            Some(delete.existing)
        }
        Item::CardPut(_) | Item::CardDelete(_) => None,
    };
    ItemBody {
        kind: item.kind(),
        thing: report.and_then(|report| report.thing).or(designed).map(|thing| thing.to_string()),
        base: report.and_then(|report| report.base).map(|base| base.to_string()),
        code: report.and_then(|report| report.code.clone()),
    }
}

fn body(
    row: Row,
    envelope: Envelope,
    history: Vec<Step>,
    charter: Option<&vestibule_protocol::charter::Charter>,
) -> Result<DeploymentBody, Stop> {
    // It was read when it came.
    let payload: Deployment = deployment::read(&envelope).map_err(|_| Stop::NotStored)?;
    let approved_by =
        charter.map(|charter| submission::approved_by(&envelope, charter, &row.author)).unwrap_or_default();
    let missing = charter.map_or(1, |charter| submission::missing(&envelope, charter, &row.author));
    let reports = |at: usize| row.items.iter().find(|report| report.item as usize == at);
    Ok(DeploymentBody {
        items: payload.items.iter().enumerate().map(|(at, one)| item(one, reports(at))).collect(),
        approved_by: approved_by.into_iter().collect(),
        missing,
        history: history.into_iter().map(StepBody::from).collect(),
        envelope,
        listed: row.into(),
    })
}

/// The deployment that an address names; what is no id is not found.
fn id(text: &str) -> Result<DeploymentId, Answer> {
    text.parse().map_err(|_| Stop::NotFound.into())
}

/// Hands in a deployment, or more signatures for one that is here: the payload has to be the same then, and signatures are merged.
#[utoipa::path(post, path = "/v1/instances/{fingerprint}/deployments", tag = "deployments", security(("token" = [])),
    params(("fingerprint" = String, Path, description = "The home")), request_body = EnvelopeBody, responses(
    (status = 200, description = "Taken; with enough signatures it is queued for the home.", body = Submitted),
    (status = 400, description = "Not an envelope, or not a deployment that a home would accept.", body = ProblemBody),
    (status = 401, description = "No valid token.", body = ProblemBody),
    (status = 403, description = "A viewer may not draft; only an approver may hand in signatures.", body = ProblemBody),
    (status = 404, description = "Not a home of this tenant.", body = ProblemBody),
    (status = 409, description = "It does not go together with what is here.", body = ProblemBody),
    (status = 413, description = "Too large.", body = ProblemBody),
))]
pub(crate) async fn submit(
    State(app): State<App>,
    staff: Staff,
    Path(home): Path<String>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Submitted>, Answer> {
    at_least(&staff, Role::Author)?;
    let home = fingerprint(&home)?;
    // A foreign home is not found, whatever the body is.
    let home = app.store.read(move |db| homes::get(db, staff.tenant, &home)).await?;
    let turn = app.heavy.acquire().await.map_err(|_| Answer::from(Stop::NotStored))?;
    let (envelope, deployment) = app.store.aside(move || read(body)).await??;
    let submitted = app
        .store
        .write(move |tx| {
            let home = homes::get(tx.db, staff.tenant, &home.fingerprint)?;
            let row = submission::submit(tx, &staff, &actor(&staff), &home, &envelope, &deployment)?;
            Ok((row.home, Submitted { id: row.deployment.to_string(), state: row.state }))
        })
        .await;
    drop(turn);
    let (home, submitted) = submitted?;
    app.live.stored();
    app.links.ring(home);
    Ok(Json(submitted))
}

fn read(body: Result<Bytes, BytesRejection>) -> Result<(Envelope, Deployment), Answer> {
    let length = body.as_ref().map_or(0, Bytes::len);
    let envelope: Envelope = body::read(body)?;
    if length > ENVELOPE_BYTES {
        return Err(Answer::too_large(problem::deployment_too_large()));
    }
    match deployment::read(&envelope) {
        Ok(deployment) => Ok((envelope, deployment)),
        Err(unfit) => Err(Answer::bad_request(problem::deployment_unfit(&unfit))),
    }
}

/// Deployments of the tenant.
#[utoipa::path(get, path = "/v1/deployments", tag = "deployments", security(("token" = [])), params(Filter), responses(
    (status = 200, description = "The newest ones.", body = Deployments),
    (status = 401, description = "No valid token.", body = ProblemBody),
    (status = 404, description = "Not a home of this tenant.", body = ProblemBody),
))]
pub(crate) async fn list(
    State(app): State<App>,
    staff: Staff,
    query: Result<Query<Filter>, QueryRejection>,
) -> Result<Json<Deployments>, Answer> {
    let filter = body::filter(query)?;
    let rows = app
        .store
        .read(move |db| {
            let home = body::home(db, staff.tenant, filter.as_ref())?;
            deployments::list(db, staff.tenant, home, LISTED)
        })
        .await?;
    Ok(Json(Deployments { deployments: rows.into_iter().map(Listed::from).collect() }))
}

/// One deployment with its life and its envelope.
#[utoipa::path(get, path = "/v1/deployments/{id}", tag = "deployments", security(("token" = [])),
    params(("id" = String, Path, description = "The deployment")), responses(
    (status = 200, description = "The deployment.", body = DeploymentBody),
    (status = 401, description = "No valid token.", body = ProblemBody),
    (status = 404, description = "Not a deployment of this tenant.", body = ProblemBody),
))]
pub(crate) async fn show(
    State(app): State<App>,
    staff: Staff,
    Path(which): Path<String>,
) -> Result<Json<DeploymentBody>, Answer> {
    let id = id(&which)?;
    let found = app
        .store
        .read(move |db| {
            let row = deployments::get(db, staff.tenant, &id)?;
            let (envelope, history) = (deployments::envelope(db, row.id)?, deployments::history(db, row.id)?);
            body(row, envelope, history, charters::current(db, staff.tenant)?.as_ref())
        })
        .await?;
    Ok(Json(found))
}

/// Takes a deployment back, as long as it has not been applied.
#[utoipa::path(post, path = "/v1/deployments/{id}/withdraw", tag = "deployments", security(("token" = [])),
    params(("id" = String, Path, description = "The deployment")), responses(
    (status = 200, description = "Withdrawn; a home that has it already is told.", body = Submitted),
    (status = 401, description = "No valid token.", body = ProblemBody),
    (status = 403, description = "A viewer may not withdraw.", body = ProblemBody),
    (status = 404, description = "Not a deployment of this tenant.", body = ProblemBody),
    (status = 409, description = "Too late.", body = ProblemBody),
))]
pub(crate) async fn withdraw(
    State(app): State<App>,
    staff: Staff,
    Path(which): Path<String>,
) -> Result<Json<Submitted>, Answer> {
    at_least(&staff, Role::Author)?;
    let id = id(&which)?;
    let row = app.store.write(move |tx| deployments::withdraw(tx, staff.tenant, &id, &actor(&staff))).await?;
    app.live.stored();
    app.links.ring(row.home);
    Ok(Json(Submitted { id: row.deployment.to_string(), state: row.state }))
}
