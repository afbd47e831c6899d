//! The OpenAPI document, generated from the code that answers.

use axum::Json;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi};

use super::{
    body, charters, deployments, error, events, health, instances, questions, recovery, requests, snapshot,
    support,
};
use crate::role::Role;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Vestibule portal",
        description = "Snapshots of homes as their owners release them, and deployments to them. Everything is seen through the tenant of the token; \
                       what belongs to another tenant is not found."
    ),
    paths(
        health::health,
        document,
        instances::list,
        instances::show,
        instances::erase,
        instances::audit,
        instances::pull,
        snapshot::snapshot,
        snapshot::changes,
        snapshot::history,
        support::list,
        charters::list,
        charters::submit,
        deployments::submit,
        deployments::list,
        deployments::show,
        deployments::withdraw,
        questions::ask,
        questions::list,
        requests::list,
        requests::mark,
        events::stream,
        recovery::recover,
    ),
    components(schemas(error::ProblemBody, snapshot::SnapshotLine, body::EnvelopeBody, Role)),
    modifiers(&Token)
)]
struct Document;

struct Token;

impl Modify for Token {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
    }
}

/// The document.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    Document::openapi()
}

/// This document; needs no token.
#[utoipa::path(get, path = "/v1/openapi.json", tag = "portal", responses(
    (status = 200, description = "The OpenAPI document.", content_type = "application/json"),
))]
pub(crate) async fn document() -> Json<utoipa::openapi::OpenApi> {
    Json(openapi())
}
