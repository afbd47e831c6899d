//! Questions to owners.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::id::OpaqueId;
use vestibule_protocol::limits;
use vestibule_protocol::message;

use super::auth::{actor, at_least};
use super::body::{self, Filter, LISTED};
use super::error::{Answer, ProblemBody};
use super::instances::fingerprint;
use crate::app::App;
use crate::problem;
use crate::role::Role;
use crate::store::staff::Staff;
use crate::store::{Stop, homes, questions};

/// How long a question stands if nothing else is said, in seconds (14 days).
const STANDS_SECONDS: u64 = 14 * 24 * 3600;

/// How long a question may stand, in seconds (30 days).
const LONGEST_SECONDS: u64 = 30 * 24 * 3600;

/// A question.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewQuestion {
    /// Shown to the owner as the portal's words.
    question: String,
    /// Opaque ids that the owner can choose from; shown by their real names at home.
    #[schema(value_type = Vec<String>)]
    candidates: Vec<OpaqueId>,
    /// Unix time in seconds after which nobody needs the answer; 14 days from now without it.
    expires: Option<u64>,
}

/// What was asked.
#[derive(Debug, Serialize, ToSchema)]
pub struct Asked {
    /// The question's id.
    id: String,
}

/// A question and what became of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct QuestionBody {
    id: String,
    /// The home.
    instance: String,
    question: String,
    candidates: Vec<String>,
    /// `open`, `answered`, `declined` or `expired`.
    state: String,
    /// The candidate that was chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    choice: Option<String>,
    /// Unix time in seconds.
    created: u64,
    /// Unix time in seconds.
    expires: u64,
    /// Unix time in seconds.
    changed: u64,
}

/// Questions.
#[derive(Debug, Serialize, ToSchema)]
pub struct Questions {
    /// Newest first.
    questions: Vec<QuestionBody>,
}

impl From<questions::Question> for QuestionBody {
    fn from(question: questions::Question) -> Self {
        Self {
            id: question.id.to_string(),
            instance: question.fingerprint.to_string(),
            question: question.text,
            candidates: question.candidates.iter().map(ToString::to_string).collect(),
            state: question.state,
            choice: question.choice,
            created: question.created,
            expires: question.expires,
            changed: question.changed,
        }
    }
}

/// Whether a home would take it.
fn is_sound(ask: &message::Ask, now: u64) -> bool {
    let mut different = ask.candidates.clone();
    different.sort_unstable();
    different.dedup();
    !ask.question.trim().is_empty()
        && ask.question.chars().count() <= limits::SUMMARY_CHARS
        && !ask.question.chars().any(|c| c.is_control() && c != '\n')
        && (1..=limits::CANDIDATES).contains(&ask.candidates.len())
        && different.len() == ask.candidates.len()
        && ask.expires > now
        && ask.expires <= now + LONGEST_SECONDS
}

/// Asks the owner of a home.
#[utoipa::path(post, path = "/v1/instances/{fingerprint}/questions", tag = "questions", security(("token" = [])),
    params(("fingerprint" = String, Path, description = "The home")), request_body = NewQuestion, responses(
    (status = 200, description = "The question waits for the home, or is there already.", body = Asked),
    (status = 400, description = "Not a question.", body = ProblemBody),
    (status = 401, description = "No valid token.", body = ProblemBody),
    (status = 403, description = "A viewer may not ask.", body = ProblemBody),
    (status = 404, description = "Not a home of this tenant.", body = ProblemBody),
    (status = 409, description = "Too many questions wait.", body = ProblemBody),
))]
pub(crate) async fn ask(
    State(app): State<App>,
    staff: Staff,
    Path(home): Path<String>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Asked>, Answer> {
    at_least(&staff, Role::Author)?;
    let home = fingerprint(&home)?;
    app.store.read(move |db| homes::get(db, staff.tenant, &home)).await?;
    let asked: NewQuestion = body::read(body)?;
    let now = app.store.now();
    let ask = message::Ask {
        id: Fixed(app.store.world().random::<16>().map_err(Stop::from)?),
        question: asked.question,
        candidates: asked.candidates,
        expires: asked.expires.unwrap_or(now + STANDS_SECONDS),
    };
    if !is_sound(&ask, now) {
        return Err(Answer::bad_request(problem::question_unfit()));
    }
    let id = ask.id.to_string();
    let home = app
        .store
        .write(move |tx| {
            let home = homes::get(tx.db, staff.tenant, &home)?;
            questions::ask(tx, staff.tenant, &actor(&staff), &home, &ask)?;
            Ok(home.id)
        })
        .await?;
    app.live.stored();
    app.links.ring(home);
    Ok(Json(Asked { id }))
}

/// Questions and their answers.
#[utoipa::path(get, path = "/v1/questions", tag = "questions", security(("token" = [])), params(Filter), responses(
    (status = 200, description = "The newest ones.", body = Questions),
    (status = 401, description = "No valid token.", body = ProblemBody),
    (status = 404, description = "Not a home of this tenant.", body = ProblemBody),
))]
pub(crate) async fn list(
    State(app): State<App>,
    staff: Staff,
    query: Result<Query<Filter>, QueryRejection>,
) -> Result<Json<Questions>, Answer> {
    let filter = body::filter(query)?;
    let rows = app
        .store
        .read(move |db| {
            let home = body::home(db, staff.tenant, filter.as_ref())?;
            questions::list(db, staff.tenant, home, LISTED)
        })
        .await?;
    Ok(Json(Questions { questions: rows.into_iter().map(QuestionBody::from).collect() }))
}
