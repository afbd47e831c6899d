//! Errors of the API: a status and a `Problem` as JSON.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;
use vestibule_protocol::problem::{Problem, Retry};

use crate::problem;
use crate::store::Stop;

/// An error answer.
#[derive(Debug)]
pub struct Answer(StatusCode, Problem);

/// The body of every error.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProblemBody {
    /// What is wrong.
    #[schema(value_type = ProblemFields)]
    pub problem: Problem,
}

/// What is wrong: a stable code, what happened, what to do next, and whether retrying helps.
#[derive(ToSchema)]
#[schema(as = Problem)]
#[expect(dead_code, reason = "describes a type of another crate in the OpenAPI document")]
pub struct ProblemFields {
    /// Stable name.
    code: String,
    /// What happened.
    what: String,
    /// What to do next.
    next: String,
    /// `yes` or `no`.
    retry: String,
}

impl Answer {
    /// 400
    #[must_use]
    pub const fn bad_request(problem: Problem) -> Self {
        Self(StatusCode::BAD_REQUEST, problem)
    }

    /// 401
    #[must_use]
    pub fn unauthorised() -> Self {
        Self(StatusCode::UNAUTHORIZED, problem::unauthorised())
    }

    /// 403
    #[must_use]
    pub fn forbidden() -> Self {
        Self(StatusCode::FORBIDDEN, problem::forbidden())
    }

    /// 409
    #[must_use]
    pub const fn conflict(problem: Problem) -> Self {
        Self(StatusCode::CONFLICT, problem)
    }

    /// 413
    #[must_use]
    pub const fn too_large(problem: Problem) -> Self {
        Self(StatusCode::PAYLOAD_TOO_LARGE, problem)
    }

    /// 429
    #[must_use]
    pub fn too_many() -> Self {
        Self(StatusCode::TOO_MANY_REQUESTS, problem::too_many())
    }
}

impl From<Stop> for Answer {
    fn from(stop: Stop) -> Self {
        let status = if matches!(stop, Stop::NotFound | Stop::Erased) {
            StatusCode::NOT_FOUND
        } else if matches!(stop, Stop::Forbidden) {
            StatusCode::FORBIDDEN
        } else if matches!(&stop, Stop::Problem(problem) if problem.retry == Retry::No) {
            // What was asked for does not go together with what is there.
            StatusCode::CONFLICT
        } else if matches!(stop, Stop::Gone) {
            StatusCode::GONE
        } else {
            tracing::warn!(code = "request_unavailable", reason = stop.code());
            StatusCode::SERVICE_UNAVAILABLE
        };
        Self(status, problem::of_stop(stop))
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = (self.0, Json(ProblemBody { problem: self.1 })).into_response();
        if self.0 == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

pub(crate) async fn no_such_address() -> Answer {
    Answer(StatusCode::NOT_FOUND, problem::not_found())
}

pub(crate) async fn no_such_method() -> Answer {
    Answer(StatusCode::METHOD_NOT_ALLOWED, problem::bad_request())
}
