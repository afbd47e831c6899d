//! Erasing a home with its recovery code, without the agent and without a token.

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vestibule_protocol::recovery::recovery_hash;

use super::error::{Answer, ProblemBody};
use crate::app::App;
use crate::link::registry::Control;
use crate::problem;
use crate::store::{Stop, erase};

/// Longest code that is looked at, in bytes.
const CODE_BYTES: usize = 200;

/// What the owner was shown at pairing.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Recovery {
    /// The recovery code; spaces, dashes and capitals do not matter.
    code: String,
}

/// What was done.
#[derive(Debug, Serialize, ToSchema)]
pub struct Recovered {
    /// Always `true`.
    erased: bool,
}

/// Erases the home to which the recovery code belongs.
#[utoipa::path(post, path = "/v1/recovery", tag = "owners", request_body = Recovery, responses(
    (status = 200, description = "The home has been erased.", body = Recovered),
    (status = 400, description = "Not a recovery.", body = ProblemBody),
    (status = 404, description = "No home has this code.", body = ProblemBody),
    (status = 429, description = "Too many attempts.", body = ProblemBody),
))]
pub(crate) async fn recover(
    State(app): State<App>,
    body: Result<Json<Recovery>, JsonRejection>,
) -> Result<Json<Recovered>, Answer> {
    let now = app.store.now();
    if !app.recoveries.allows(now) {
        return Err(Answer::too_many());
    }
    let Ok(Json(Recovery { code })) = body else { return Err(Answer::bad_request(problem::bad_request())) };
    if code.len() > CODE_BYTES {
        return Err(Answer::bad_request(problem::bad_request()));
    }
    let Ok(hash) = recovery_hash(&code) else {
        app.recoveries.failed(now);
        return Err(Stop::NotFound.into());
    };
    match app.store.write(move |tx| erase::by_recovery(tx, &hash)).await {
        Ok(home) => {
            app.links.tell(home, Control::Erased);
            Ok(Json(Recovered { erased: true }))
        }
        Err(stop) => {
            if matches!(stop, Stop::NotFound) {
                app.recoveries.failed(now);
            }
            Err(stop.into())
        }
    }
}
