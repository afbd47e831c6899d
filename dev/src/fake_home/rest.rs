//! The REST half of the fake: automations, scripts and scenes by id, as `components/config` of Home Assistant serves them.

use std::convert::Infallible;
use std::time::Duration;

use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

use super::faults::When;
use super::routines::{self, Domain, Stored};
use super::{FakeHome, TOKEN};

/// Home Assistant's limit.
const MAX_BODY: usize = 16 << 20;
/// A reload begins after the answer has gone out.
const RELOAD_AFTER: Duration = Duration::from_millis(20);

/// An answer, or none because the connection is cut.
type Outcome = Result<Response<Full<Bytes>>, Cut>;

#[derive(Debug, thiserror::Error)]
#[error("the connection is cut")]
struct Cut;

impl From<Infallible> for Cut {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

impl FakeHome {
    /// Speaks HTTP to one client until either side ends it.
    pub(super) async fn serve_http<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: S) {
        let service = service_fn(|request| self.http(request));
        // However it ends, it has ended.
        let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
    }

    async fn http(&self, request: Request<Incoming>) -> Outcome {
        let faults = self.faults();
        let path = request.uri().path().to_owned();
        let rest = path.strip_prefix("/core").unwrap_or(&path);
        let running = self.model(|model| model.core_state == "RUNNING");
        if path.len() != rest.len() && !running {
            return Ok(plain(StatusCode::BAD_GATEWAY));
        }
        let bearer = format!("Bearer {TOKEN}");
        let known = request.headers().get("authorization").is_some_and(|it| *it == *bearer);
        if !known || faults.auth_invalid {
            return Ok(plain(StatusCode::UNAUTHORIZED));
        }
        let place = rest.strip_prefix("/api/config/").and_then(|place| place.split_once("/config/"));
        let place = place.and_then(|(domain, id)| Some((Domain::parse(domain)?, unquoted(id)?)));
        let Some((domain, id)) = place else { return Ok(plain(StatusCode::NOT_FOUND)) };
        if !self.model(|model| model.admin) {
            return Ok(plain(StatusCode::UNAUTHORIZED));
        }
        let method = request.method().clone();
        let Ok(body) = Limited::new(request.into_body(), MAX_BODY).collect().await else {
            return Ok(plain(StatusCode::PAYLOAD_TOO_LARGE));
        };
        let command = format!("rest/{}/{}", domain.as_str(), method.as_str().to_lowercase());
        let nth = self.count(&command);
        self.run_hooks(&command, nth);
        if faults.hang.as_deref() == Some(&*command) {
            std::future::pending::<()>().await;
        }
        if let Some(status) = faults.failure(&command, nth) {
            return Ok(message(StatusCode::from_bytes(status.as_bytes()).unwrap_or(StatusCode::BAD_REQUEST)));
        }
        let cut = faults.cut(&command, nth);
        if cut == Some(When::Before) {
            return Err(Cut);
        }
        let answer = self.routine(domain, &id, &method, &body.to_bytes());
        if cut == Some(When::After) { Err(Cut) } else { Ok(answer) }
    }

    fn routine(&self, domain: Domain, id: &str, method: &Method, body: &[u8]) -> Response<Full<Bytes>> {
        // Whoever reads the file stumbles over a secret in it.
        let unreadable = self.model(|model| model.routines.unreadable.contains(&domain));
        match *method {
            _ if method == Method::POST && routines::invalid(self, domain, id, body) => {
                message(StatusCode::BAD_REQUEST)
            }
            _ if unreadable => plain(StatusCode::INTERNAL_SERVER_ERROR),
            Method::GET => match self.model(|model| model.routines.get(domain, id).map(Stored::json)) {
                Some(json) => answer(StatusCode::OK, "application/json", json),
                None => message(StatusCode::NOT_FOUND),
            },
            Method::POST => {
                let text = String::from_utf8_lossy(body).into_owned();
                self.change_silently(|model| model.routines.put(model.version, domain, id, &text));
                let home = self.clone();
                tokio::spawn(async move {
                    tokio::time::sleep(RELOAD_AFTER).await;
                    home.reload(domain, None);
                });
                ok()
            }
            Method::DELETE => {
                if self.change_silently(|model| model.routines.remove(domain, id)) {
                    self.routine_deleted(domain, id);
                    ok()
                } else {
                    message(StatusCode::BAD_REQUEST)
                }
            }
            _ => plain(StatusCode::METHOD_NOT_ALLOWED),
        }
    }
}

fn ok() -> Response<Full<Bytes>> {
    answer(StatusCode::OK, "application/json", r#"{"result":"ok"}"#.to_owned())
}

/// What Home Assistant says to those who have found the right place.
fn message(status: StatusCode) -> Response<Full<Bytes>> {
    answer(status, "application/json", r#"{"message":"What the fake says"}"#.to_owned())
}

/// What its web server says to those who have not.
fn plain(status: StatusCode) -> Response<Full<Bytes>> {
    answer(status, "text/plain; charset=utf-8", format!("{}: Fake", status.as_u16()))
}

fn answer(status: StatusCode, kind: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert("content-type", http::HeaderValue::from_static(kind));
    response
}

/// A percent-encoded segment of a path; `None` for more than one segment.
fn unquoted(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'/' => return None,
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
            }
            _ => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).ok()
}
