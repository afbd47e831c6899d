//! The server: HTTP/1.1 for a handful of browsers, with a bound on everything a client could make grow.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use super::body::Body;
use super::{Page, answer};
use crate::net::{BoxedStream, Listener};

/// Connections at a time: a few browsers with a few each. More wait.
const CONNECTIONS: usize = 24;
/// Longest head of a request, cookies included, and what is read ahead.
const HEAD: usize = 16 << 10;
/// Most header fields.
const HEADERS: usize = 64;
/// Largest form: a request in a script of which each letter is four bytes, each of them encoded.
const FORM: usize = 32 << 10;
/// Longest wait for a head, so also the longest rest of a connection that is kept open.
const PATIENCE: Duration = Duration::from_secs(30);
/// Longest wait for a form.
const FORM_PATIENCE: Duration = Duration::from_secs(20);
/// After the system refused a connection, mostly because there are too many files.
const PAUSE: Duration = Duration::from_millis(200);

/// Serves for ever. Who comes from elsewhere than from where the owner can come is not answered at all.
pub async fn serve(listener: Listener, page: Arc<Page>) {
    let slots = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, from)) if page.guard.is_welcome(from.ip()) => {
                let page = Arc::clone(&page);
                tokio::spawn(async move {
                    connection(stream, page).await;
                    drop(slot);
                });
            }
            Ok(_) => tracing::warn!("a connection to the page from elsewhere was refused"),
            Err(error) => {
                tracing::warn!(kind = ?error.kind(), "the page cannot take a connection");
                sleep(PAUSE).await;
            }
        }
    }
}

async fn connection(stream: BoxedStream, page: Arc<Page>) {
    let service = service_fn(move |request| {
        let page = Arc::clone(&page);
        async move { Ok::<_, Infallible>(respond(&page, request).await) }
    });
    // What a browser does to its connection is no concern of ours, and the library's words could hold addresses.
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .max_buf_size(HEAD)
        .max_headers(HEADERS)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn respond(page: &Page, request: Request<Incoming>) -> Response<Body> {
    let (head, body) = request.into_parts();
    match timeout(FORM_PATIENCE, Limited::new(body, FORM).collect()).await {
        Ok(Ok(form)) => answer::answer(page, &head, form.to_bytes()).await,
        Ok(Err(_)) => bare(StatusCode::PAYLOAD_TOO_LARGE),
        Err(_) => bare(StatusCode::REQUEST_TIMEOUT),
    }
}

/// An answer of one status and nothing else.
fn bare(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::Whole(Bytes::new()));
    *response.status_mut() = status;
    answer::protect(response.headers_mut());
    response
}
