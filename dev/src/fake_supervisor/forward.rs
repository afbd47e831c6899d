//! HTTP through the Supervisor: from the app to Home Assistant's REST API, and from a browser to the app's page.

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};

use super::{INGRESS_TOKEN, Shared};

/// Bodies are read as a whole, as the real one does.
const BODY: usize = 16 << 20;
/// What an app's request keeps of its heads on the way to Home Assistant.
const TO_CORE: [&str; 3] = ["accept", "content-type", "last-event-id"];
/// What belongs to one connection, or is the Supervisor's to say.
const NOT_TO_APP: [&str; 6] =
    ["host", "connection", "transfer-encoding", "content-length", "upgrade", "authorization"];

/// Passes a request to `/api/…` on, with the Supervisor's own token.
pub(super) async fn to_core(shared: &Shared, path: &str, request: Request) -> Response {
    if ![Method::GET, Method::POST, Method::DELETE].contains(request.method()) {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    let url = format!("http://{}/api/{path}{}", shared.core.address, query(&request));
    let kept = |name: &HeaderName| TO_CORE.contains(&name.as_str());
    let heads = picked(request.headers(), kept);
    let call = shared.client.request(request.method().clone(), url).bearer_auth(&shared.core.token);
    let kept = |name: &HeaderName| ["content-type", "cache-control"].contains(&name.as_str());
    pass(call.headers(heads), request, kept).await
}

/// Passes a browser's request on to the app, as ingress does: from the Supervisor's address, with the path that the page has for the
/// browser, and with the user whom Home Assistant knows. What a browser says of itself in these heads is dropped.
pub(super) async fn to_app(shared: &Shared, path: &str, request: Request) -> Response {
    let Some(app) = shared.app() else {
        return StatusCode::BAD_GATEWAY.into_response();
    };
    let url = format!("http://{app}{}{}", if path.is_empty() { "/" } else { path }, query(&request));
    let kept = |name: &HeaderName| {
        let name = name.as_str();
        // The user is said by Home Assistant; this Supervisor believes whoever stands in for it under another name.
        !NOT_TO_APP.contains(&name) && !name.starts_with("x-remote-user") && !name.starts_with("x-ingress")
    };
    let mut heads = picked(request.headers(), kept);
    for (ours, theirs) in [
        ("x-fake-user-id", "x-remote-user-id"),
        ("x-fake-user-name", "x-remote-user-name"),
        ("x-fake-user-display-name", "x-remote-user-display-name"),
    ] {
        if let Some(value) = heads.remove(ours) {
            heads.insert(HeaderName::from_static(theirs), value);
        }
    }
    let call = shared
        .client
        .request(request.method().clone(), url)
        .headers(heads)
        .header("X-Ingress-Path", format!("/api/hassio_ingress/{INGRESS_TOKEN}"))
        .header("X-Hass-Source", "core.ingress");
    pass(call, request, |name| !["connection", "transfer-encoding"].contains(&name.as_str())).await
}

fn query(request: &Request) -> String {
    request.uri().query().map_or_else(String::new, |query| format!("?{query}"))
}

fn picked(heads: &HeaderMap, kept: impl Fn(&HeaderName) -> bool) -> HeaderMap {
    heads.iter().filter(|(name, _)| kept(name)).map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// Sends the body on and the answer back.
async fn pass(
    call: reqwest::RequestBuilder,
    request: Request,
    kept: impl Fn(&HeaderName) -> bool,
) -> Response {
    let Ok(body) = to_bytes(request.into_body(), BODY).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let Ok(answer) = call.body(body).send().await else {
        return StatusCode::BAD_GATEWAY.into_response();
    };
    let (status, heads) = (answer.status(), picked(answer.headers(), kept));
    let mut response = Response::new(Body::from_stream(answer.bytes_stream()));
    *response.status_mut() = status;
    *response.headers_mut() = heads;
    response.headers_mut().remove(header::CONTENT_LENGTH);
    response
}
