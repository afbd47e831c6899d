//! Homes of the tenant: who is there, and what an administrator may do with one.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use vestibule_protocol::id::Fingerprint;

use super::auth::{actor, at_least, was_looked_at};
use super::error::{Answer, ProblemBody};
use crate::app::App;
use crate::link::registry::Control;
use crate::problem;
use crate::role::Role;
use crate::store::homes::{self, Instance};
use crate::store::staff::Staff;
use crate::store::{Stop, audit, erase};

/// Rows of the audit trail in one answer.
const AUDIT_ROWS: u32 = 1000;

/// A home.
#[derive(Debug, Serialize, ToSchema)]
pub struct InstanceBody {
    /// What the home is called here.
    pub fingerprint: String,
    /// Label of its invite.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Whether it is connected; absent in the output of commands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connected: Option<bool>,
    /// Root of what is held.
    pub root: String,
    /// How many records are held.
    pub records: u64,
    /// How many of each kind; only for a single home.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kinds: Option<BTreeMap<String, u64>>,
    /// Classes that the owner grants.
    pub classes: Vec<String>,
    /// The owner has asked for a pause.
    pub restricted: bool,
    /// Version of the agent.
    pub agent: String,
    /// Schema of the records.
    pub schema: u32,
    /// Unix time in seconds.
    pub enrolled: u64,
    /// Unix time in seconds.
    pub last_seen: u64,
    /// When it was last seen restored from a backup, in unix seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restored: Option<u64>,
    /// When it was last seen to have a double, in unix seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cloned: Option<u64>,
    /// When it was announced that it will be erased because it is silent, in unix seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notice: Option<u64>,
}

impl From<Instance> for InstanceBody {
    fn from(home: Instance) -> Self {
        Self {
            fingerprint: home.fingerprint.to_string(),
            label: home.label,
            connected: None,
            root: home.root.to_string(),
            records: home.records,
            kinds: None,
            classes: home.consent.classes.iter().map(ToString::to_string).collect(),
            restricted: home.consent.restricted,
            agent: home.agent,
            schema: home.schema,
            enrolled: home.enrolled,
            last_seen: home.last_seen,
            restored: home.restored,
            cloned: home.cloned,
            notice: home.notice,
        }
    }
}

/// All homes.
#[derive(Debug, Serialize, ToSchema)]
pub struct Instances {
    /// In the order of their enrolment.
    pub instances: Vec<InstanceBody>,
}

/// A row of the audit trail.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditRow {
    at: u64,
    actor: String,
    verb: String,
    subject: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<String>,
}

/// Rows of the audit trail.
#[derive(Debug, Serialize, ToSchema)]
pub struct Audit {
    /// Newest first.
    audit: Vec<AuditRow>,
}

/// The home that an address names, within the tenant; anything else is not found, also what is no fingerprint.
pub(super) fn fingerprint(text: &str) -> Result<Fingerprint, Answer> {
    text.parse().map_err(|_| Stop::NotFound.into())
}

/// All homes of the tenant.
#[utoipa::path(get, path = "/v1/instances", tag = "homes", security(("token" = [])), responses(
    (status = 200, description = "All homes.", body = Instances),
    (status = 401, description = "No valid token.", body = ProblemBody),
))]
pub(crate) async fn list(State(app): State<App>, staff: Staff) -> Result<Json<Instances>, Answer> {
    let homes = app.store.read(move |db| homes::list(db, staff.tenant)).await?;
    let instances = homes
        .into_iter()
        .map(|home| {
            let connected = Some(app.links.has(home.id));
            InstanceBody { connected, ..home.into() }
        })
        .collect();
    Ok(Json(Instances { instances }))
}

/// One home.
#[utoipa::path(get, path = "/v1/instances/{fingerprint}", tag = "homes", security(("token" = [])),
    params(("fingerprint" = String, Path, description = "The home")), responses(
    (status = 200, description = "The home.", body = InstanceBody),
    (status = 401, description = "No valid token.", body = ProblemBody),
    (status = 404, description = "Not a home of this tenant.", body = ProblemBody),
))]
pub(crate) async fn show(
    State(app): State<App>,
    staff: Staff,
    Path(home): Path<String>,
) -> Result<Json<InstanceBody>, Answer> {
    let (home, tenant) = (fingerprint(&home)?, staff.tenant);
    let (home, kinds) = app
        .store
        .read(move |db| {
            let home = homes::get(db, tenant, &home)?;
            let kinds = homes::kinds(db, home.id)?;
            Ok((home, kinds))
        })
        .await?;
    was_looked_at(&app, &staff, home.id, "read_instance").await?;
    let connected = Some(app.links.has(home.id));
    Ok(Json(InstanceBody { connected, kinds: Some(kinds.into_iter().collect()), ..home.into() }))
}

/// Erases a home; it has to be paired again.
#[utoipa::path(delete, path = "/v1/instances/{fingerprint}", tag = "homes", security(("token" = [])),
    params(("fingerprint" = String, Path, description = "The home")), responses(
    (status = 204, description = "Erased."),
    (status = 401, description = "No valid token.", body = ProblemBody),
    (status = 403, description = "Not an administrator.", body = ProblemBody),
    (status = 404, description = "Not a home of this tenant.", body = ProblemBody),
))]
pub(crate) async fn erase(
    State(app): State<App>,
    staff: Staff,
    Path(home): Path<String>,
) -> Result<StatusCode, Answer> {
    at_least(&staff, Role::Admin)?;
    let home = fingerprint(&home)?;
    let erased = app
        .store
        .write(move |tx| {
            let home = homes::get(tx.db, staff.tenant, &home)?;
            erase::all(tx, home.id, &actor(&staff))?;
            Ok(home.id)
        })
        .await?;
    app.links.tell(erased, Control::Erased);
    Ok(StatusCode::NO_CONTENT)
}

/// Asks a home to send its inventory anew.
#[utoipa::path(post, path = "/v1/instances/{fingerprint}/pull", tag = "homes", security(("token" = [])),
    params(("fingerprint" = String, Path, description = "The home")), responses(
    (status = 202, description = "The home was asked; it decides when it sends."),
    (status = 401, description = "No valid token.", body = ProblemBody),
    (status = 403, description = "A viewer may not ask.", body = ProblemBody),
    (status = 404, description = "Not a home of this tenant.", body = ProblemBody),
    (status = 409, description = "The home is not connected, or its owner has asked for a pause.", body = ProblemBody),
))]
pub(crate) async fn pull(
    State(app): State<App>,
    staff: Staff,
    Path(home): Path<String>,
) -> Result<StatusCode, Answer> {
    at_least(&staff, Role::Author)?;
    let home = fingerprint(&home)?;
    let home = app.store.read(move |db| homes::get(db, staff.tenant, &home)).await?;
    if home.consent.restricted {
        Err(Answer::conflict(problem::restricted()))
    } else if app.links.tell(home.id, Control::Pull) {
        Ok(StatusCode::ACCEPTED)
    } else {
        Err(Answer::conflict(problem::not_connected()))
    }
}

/// Who did what with a home.
#[utoipa::path(get, path = "/v1/instances/{fingerprint}/audit", tag = "homes", security(("token" = [])),
    params(("fingerprint" = String, Path, description = "The home")), responses(
    (status = 200, description = "The latest rows of the audit trail.", body = Audit),
    (status = 401, description = "No valid token.", body = ProblemBody),
    (status = 404, description = "Not a home of this tenant.", body = ProblemBody),
))]
pub(crate) async fn audit(
    State(app): State<App>,
    staff: Staff,
    Path(home): Path<String>,
) -> Result<Json<Audit>, Answer> {
    let home = fingerprint(&home)?;
    let rows = app
        .store
        .read(move |db| {
            let home = homes::get(db, staff.tenant, &home)?;
            audit::of_home(db, staff.tenant, home.id, AUDIT_ROWS)
        })
        .await?;
    let audit = rows
        .into_iter()
        .map(|row| AuditRow {
            at: row.at,
            actor: row.actor,
            verb: row.verb,
            subject: row.subject,
            details: row.details,
        })
        .collect();
    Ok(Json(Audit { audit }))
}
