//! Is the portal able to work?

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::error::{Answer, ProblemBody};
use crate::app::App;
use crate::store::tenants;

/// The answer of a portal that works.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// Always `true`.
    ok: bool,
    /// Version of the portal.
    version: &'static str,
}

/// Whether the portal works; needs no token.
#[utoipa::path(get, path = "/v1/health", tag = "portal", responses(
    (status = 200, description = "It works.", body = Health),
    (status = 503, description = "It cannot read its data.", body = ProblemBody),
))]
pub(crate) async fn health(State(app): State<App>) -> Result<Json<Health>, Answer> {
    app.store.read(|db| tenants::setting(db, crate::origin::SETTING)).await?;
    Ok(Json(Health { ok: true, version: env!("CARGO_PKG_VERSION") }))
}
