//! Support reports that an owner has sent.

use axum::Json;
use axum::extract::{Path, State};
use serde::Serialize;
use utoipa::ToSchema;

use super::auth::was_read;
use super::error::{Answer, ProblemBody};
use super::instances::fingerprint;
use crate::app::App;
use crate::store::staff::Staff;
use crate::store::{homes, support};

/// A report.
#[derive(Debug, Serialize, ToSchema)]
pub struct SupportBody {
    id: String,
    /// As the owner read it before sending it.
    text: String,
    /// When it came, in unix seconds.
    at: u64,
}

/// The reports of a home.
#[derive(Debug, Serialize, ToSchema)]
pub struct SupportReports {
    /// Newest first.
    reports: Vec<SupportBody>,
}

impl From<Vec<support::Report>> for SupportReports {
    fn from(reports: Vec<support::Report>) -> Self {
        let body = |it: support::Report| SupportBody { id: it.id.to_string(), text: it.text, at: it.at };
        Self { reports: reports.into_iter().map(body).collect() }
    }
}

/// What an owner has sent for support; every read is an audit event.
#[utoipa::path(get, path = "/v1/instances/{fingerprint}/support", tag = "homes", security(("token" = [])),
    params(("fingerprint" = String, Path, description = "The home")), responses(
    (status = 200, description = "The reports that are kept.", body = SupportReports),
    (status = 401, description = "No valid token.", body = ProblemBody),
    (status = 404, description = "Not a home of this tenant.", body = ProblemBody),
))]
pub(crate) async fn list(
    State(app): State<App>,
    staff: Staff,
    Path(home): Path<String>,
) -> Result<Json<SupportReports>, Answer> {
    let home = fingerprint(&home)?;
    let (row, reports) = app
        .store
        .read(move |db| {
            let home = homes::get(db, staff.tenant, &home)?;
            Ok((home.id, support::list(db, home.id)?))
        })
        .await?;
    if !reports.is_empty() {
        was_read(&app, &staff, row, "read_support", "{}".to_owned()).await?;
    }
    Ok(Json(reports.into()))
}
