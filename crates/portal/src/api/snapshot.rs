//! Snapshots as JSON lines, what changed between two of them, and which there are.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use vestibule_protocol::tree::Root;

use super::auth::{was_looked_at, was_read};
use super::error::{Answer, ProblemBody};
use super::instances::fingerprint;
use crate::app::App;
use crate::problem;
use crate::store::history::{self, Line};
use crate::store::staff::Staff;
use crate::store::{Stop, homes};

/// Versions in one answer.
const VERSIONS: u32 = 1000;

/// zstd level of answers: the sender waits for it.
const LEVEL: i32 = 3;

/// Which snapshot.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct At {
    /// An earlier root; without it, what is held now.
    root: Option<String>,
}

/// Since when.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct Since {
    /// A root that was fetched before.
    since: String,
}

/// A line of a snapshot or of changes.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes a line in the OpenAPI document; lines are written as text")]
pub struct SnapshotLine {
    /// `KIND/ID`
    key: String,
    /// The record; absent when it is gone.
    record: Option<serde_json::Value>,
    /// `true` when the record is gone; only in changes.
    deleted: Option<bool>,
}

/// A version.
#[derive(Debug, Serialize, ToSchema)]
pub struct VersionBody {
    root: String,
    at: u64,
    gone: bool,
}

/// The versions of a home.
#[derive(Debug, Serialize, ToSchema)]
pub struct History {
    /// Newest first.
    versions: Vec<VersionBody>,
}

/// A home's records, sorted by key; every read is an audit event.
#[utoipa::path(get, path = "/v1/instances/{fingerprint}/snapshot", tag = "snapshots", security(("token" = [])),
    params(("fingerprint" = String, Path, description = "The home"), At), responses(
    (status = 200, description = "JSON lines; the ETag is the root.", content_type = "application/jsonl", body = SnapshotLine),
    (status = 304, description = "Unchanged."),
    (status = 401, description = "No valid token.", body = ProblemBody),
    (status = 404, description = "Not a home of this tenant, or a root that never was.", body = ProblemBody),
    (status = 410, description = "The root has expired or was erased.", body = ProblemBody),
))]
pub(crate) async fn snapshot(
    State(app): State<App>,
    staff: Staff,
    Path(home): Path<String>,
    at: Result<Query<At>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Answer> {
    let Ok(Query(At { root: at })) = at else { return Err(Answer::bad_request(problem::bad_request())) };
    let at = at.map(|text| root(&text)).transpose()?;
    read(&app, staff, &home, &headers, "read_snapshot", move |db, home, now| match at {
        Some(at) if at != now => Ok((at, history::snapshot_at(db, home, at)?)),
        _ => Ok((now, history::snapshot(db, home)?)),
    })
    .await
}

/// What changed since an earlier root.
#[utoipa::path(get, path = "/v1/instances/{fingerprint}/changes", tag = "snapshots", security(("token" = [])),
    params(("fingerprint" = String, Path, description = "The home"), Since), responses(
    (status = 200, description = "JSON lines from that root to the one in the ETag.", content_type = "application/jsonl", body = SnapshotLine),
    (status = 400, description = "No root was given.", body = ProblemBody),
    (status = 401, description = "No valid token.", body = ProblemBody),
    (status = 404, description = "Not a home of this tenant, or a root that never was.", body = ProblemBody),
    (status = 410, description = "The root has expired or was erased: fetch the snapshot.", body = ProblemBody),
))]
pub(crate) async fn changes(
    State(app): State<App>,
    staff: Staff,
    Path(home): Path<String>,
    since: Result<Query<Since>, QueryRejection>,
    mut headers: HeaderMap,
) -> Result<Response, Answer> {
    let Ok(Query(Since { since })) = since else { return Err(Answer::bad_request(problem::bad_request())) };
    let since = root(&since)?;
    // The same current root has different changes for different askers.
    headers.remove(header::IF_NONE_MATCH);
    read(&app, staff, &home, &headers, "read_changes", move |db, home, now| {
        Ok((now, history::changes(db, home, since)?))
    })
    .await
}

/// Which versions a home had.
#[utoipa::path(get, path = "/v1/instances/{fingerprint}/history", tag = "snapshots", security(("token" = [])),
    params(("fingerprint" = String, Path, description = "The home")), responses(
    (status = 200, description = "Roots and their times.", body = History),
    (status = 401, description = "No valid token.", body = ProblemBody),
    (status = 404, description = "Not a home of this tenant.", body = ProblemBody),
))]
pub(crate) async fn history(
    State(app): State<App>,
    staff: Staff,
    Path(home): Path<String>,
) -> Result<Json<History>, Answer> {
    let (home, tenant) = (fingerprint(&home)?, staff.tenant);
    let (row, versions) = app
        .store
        .read(move |db| {
            let home = homes::get(db, tenant, &home)?.id;
            Ok((home, history::versions(db, home, VERSIONS)?))
        })
        .await?;
    was_looked_at(&app, &staff, row, "read_history").await?;
    let versions = versions
        .into_iter()
        .map(|version| VersionBody { root: version.root.to_string(), at: version.at, gone: version.gone })
        .collect();
    Ok(Json(History { versions }))
}

fn root(text: &str) -> Result<Root, Answer> {
    // What cannot be a root never was one.
    Root::parse(text.trim_matches('"')).ok_or_else(|| Stop::NotFound.into())
}

async fn read(
    app: &App,
    staff: Staff,
    home: &str,
    headers: &HeaderMap,
    verb: &'static str,
    lines: impl FnOnce(&rusqlite::Connection, i64, Root) -> Result<(Root, Vec<Line>), Stop> + Send + 'static,
) -> Result<Response, Answer> {
    let fingerprint = fingerprint(home)?;
    let known: Vec<String> = headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|tag| tag.trim().trim_start_matches("W/").to_owned())
        .collect();
    let zstd = offers_zstd(headers);
    let _turn = app.heavy.acquire().await.map_err(|_| Answer::from(Stop::NotStored))?;
    let tenant = staff.tenant;
    let (row, root, body) = app
        .store
        .read(move |db| {
            let home = homes::get(db, tenant, &fingerprint)?;
            if verb == "read_snapshot" && known.contains(&format!("\"{}\"", home.root)) {
                return Ok((home.id, home.root, None));
            }
            let (root, lines) = lines(db, home.id, home.root)?;
            let text = text(&lines);
            let body = if zstd { zstd::bulk::compress(&text, LEVEL)? } else { text };
            Ok((home.id, root, Some(body)))
        })
        .await?;
    let Some(body) = body else { return Ok(answer(StatusCode::NOT_MODIFIED, root, zstd, Vec::new())) };
    // R30: the owner can see who has read; the row is there before the answer.
    let details = format!("{{\"fingerprint\":\"{fingerprint}\",\"root\":\"{root}\"}}");
    was_read(app, &staff, row, verb, details).await?;
    Ok(answer(StatusCode::OK, root, zstd, body))
}

fn text(lines: &[Line]) -> Vec<u8> {
    let size = lines.iter().map(|(key, body)| key.len() + body.as_ref().map_or(4, String::len) + 24).sum();
    let mut text = Vec::with_capacity(size);
    for (key, body) in lines {
        // Keys are letters, digits, `_` and `/`; bodies are JSON already.
        text.extend_from_slice(b"{\"key\":\"");
        text.extend_from_slice(key.as_bytes());
        match body {
            Some(body) => {
                text.extend_from_slice(b"\",\"record\":");
                text.extend_from_slice(body.as_bytes());
                text.extend_from_slice(b"}\n");
            }
            None => text.extend_from_slice(b"\",\"deleted\":true}\n"),
        }
    }
    text
}

fn answer(status: StatusCode, root: Root, zstd: bool, body: Vec<u8>) -> Response {
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_TYPE);
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{root}\"")) {
        headers.insert(header::ETAG, tag);
    }
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    if status == StatusCode::OK {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/jsonl"));
        if zstd {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("zstd"));
        }
    }
    response
}

/// Whether the request offers zstd, and not with a weight of nothing.
fn offers_zstd(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|offer| {
            let mut parts = offer.split(';').map(str::trim);
            let is_zstd = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("zstd"));
            let nothing = parts.any(|weight| {
                weight.strip_prefix("q=").and_then(|q| q.parse::<f32>().ok()).is_some_and(|q| q <= 0.0)
            });
            is_zstd && !nothing
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zstd_only_where_it_is_offered() {
        let offers = |text: &'static str| {
            offers_zstd(&[(header::ACCEPT_ENCODING, HeaderValue::from_static(text))].into_iter().collect())
        };
        assert!(offers("gzip, zstd") && offers("zstd;q=0.5") && offers("ZSTD"));
        assert!(!offers("gzip") && !offers("zstd;q=0") && !offers("*") && !offers_zstd(&HeaderMap::new()));
    }

    #[test]
    fn lines_are_json() {
        let lines = [
            ("area/a_aaaaaaaaaaaaa".to_owned(), Some("{\"kind\":\"other\"}".to_owned())),
            ("home/home".to_owned(), None),
        ];
        assert_eq!(
            String::from_utf8(text(&lines)).unwrap(),
            "{\"key\":\"area/a_aaaaaaaaaaaaa\",\"record\":{\"kind\":\"other\"}}\n{\"key\":\"home/home\",\"deleted\":true}\n"
        );
    }
}
