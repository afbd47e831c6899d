//! Bodies of requests: JSON, whatever the content type says, and filters that several lists share.

use axum::body::Bytes;
use axum::extract::Query;
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::http::StatusCode;
use rusqlite::Connection;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use utoipa::{IntoParams, ToSchema};

use super::error::Answer;
use crate::problem;
use crate::store::{Stop, homes};

/// Things in one answer.
pub(super) const LISTED: u32 = 1000;

/// A DSSE envelope.
#[derive(ToSchema)]
#[schema(as = Envelope)]
#[expect(dead_code, reason = "describes a type of another crate in the OpenAPI document")]
pub struct EnvelopeBody {
    /// The signed bytes, in base64 with padding.
    payload: String,
    /// What the bytes are.
    #[schema(rename = "payloadType")]
    payload_type: String,
    /// Signatures over both.
    signatures: Vec<SignatureBody>,
}

/// A signature.
#[derive(ToSchema)]
#[schema(as = Signature)]
#[expect(dead_code, reason = "describes a type of another crate in the OpenAPI document")]
pub struct SignatureBody {
    /// A hint, never trusted.
    keyid: Option<String>,
    /// Ed25519, in base64 with padding.
    sig: String,
}

/// What a list is limited to.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    /// Fingerprint of a home; without it, all homes of the tenant.
    instance: Option<String>,
}

/// The filter that was given.
pub(super) fn filter(query: Result<Query<Filter>, QueryRejection>) -> Result<Option<String>, Answer> {
    query.map(|Query(filter)| filter.instance).map_err(|_| Answer::bad_request(problem::bad_request()))
}

/// Row of the home that a filter names.
pub(super) fn home(db: &Connection, tenant: i64, filter: Option<&String>) -> Result<Option<i64>, Stop> {
    let Some(text) = filter else { return Ok(None) };
    let home = text.parse().map_err(|_| Stop::NotFound)?;
    Ok(Some(homes::get(db, tenant, &home)?.id))
}

/// Reads a body; what is too long or of another form is told apart.
pub(super) fn read<T: DeserializeOwned>(body: Result<Bytes, BytesRejection>) -> Result<T, Answer> {
    let bytes = body.map_err(|rejection| {
        if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            Answer::too_large(problem::deployment_too_large())
        } else {
            Answer::bad_request(problem::bad_request())
        }
    })?;
    serde_json::from_slice(&bytes).map_err(|_| Answer::bad_request(problem::bad_request()))
}
