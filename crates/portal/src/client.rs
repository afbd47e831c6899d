//! The portal's API as the command line calls it: one request after another, each on a connection of its own.
//!
//! Over TLS, or plainly to this machine. Problems that the portal names are passed on; those of libraries are mapped to codes (R17).

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use vestibule_protocol::problem::Problem;

use crate::author::shown::plain;
use crate::origin;
use crate::problem::authoring as problem;

/// Longest wait for a connection, and again for TLS.
const CONNECT: Duration = Duration::from_secs(10);

/// Longest wait for an answer: a large snapshot over a slow line.
const ANSWER: Duration = Duration::from_secs(120);

/// Longest answer: a snapshot of the largest home, uncompressed.
const ANSWER_BYTES: usize = 256 << 20;

/// A portal, and a token for it.
pub struct Client {
    origin: String,
    host: String,
    port: u16,
    authority: String,
    token: HeaderValue,
    tls: Option<TlsConnector>,
    runtime: Runtime,
}

/// The body of every error of the API.
#[derive(Deserialize)]
struct Refusal {
    problem: Problem,
}

impl Client {
    /// Prepares; no connection is made. `authority` is a file of certificates in PEM, to be trusted instead of the public ones.
    ///
    /// # Errors
    /// A `Problem` when address, token or file are of no use.
    pub fn new(portal: &str, token: &str, authority: Option<&Path>) -> Result<Self, Problem> {
        let origin = origin::read(portal)?;
        let uri: Uri = origin.parse().map_err(|_| crate::problem::origin_invalid())?;
        let is_tls = uri.scheme_str() == Some("https");
        let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']').to_owned();
        let mut token = HeaderValue::try_from(format!("Bearer {}", token.trim()))
            .map_err(|_| problem::token_invalid())?;
        token.set_sensitive(true);
        let tls = if is_tls { Some(connector(authority)?) } else { None };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|_| problem::portal_unreachable())?;
        Ok(Self {
            port: uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 }),
            authority: uri.authority().map(ToString::to_string).unwrap_or_default(),
            origin,
            host,
            token,
            tls,
            runtime,
        })
    }

    /// Where it is.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// `GET`, and the answer as JSON.
    ///
    /// # Errors
    /// The portal's `Problem`, or one about the way there.
    pub fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Problem> {
        read(&self.call(Method::GET, path, None)?)
    }

    /// `GET`, and the answer as text.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub fn text(&self, path: &str) -> Result<String, Problem> {
        let body = self.call(Method::GET, path, None)?;
        String::from_utf8(body.to_vec()).map_err(|_| problem::portal_confused())
    }

    /// `POST` with a JSON body.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub fn post<T: DeserializeOwned>(&self, path: &str, body: Vec<u8>) -> Result<T, Problem> {
        let answer = self.call(Method::POST, path, Some(body))?;
        // Some addresses have nothing to say but yes.
        read(if answer.is_empty() { b"null" } else { &answer })
    }

    fn call(&self, method: Method, path: &str, body: Option<Vec<u8>>) -> Result<Bytes, Problem> {
        self.runtime.block_on(async {
            let tcp = timeout(CONNECT, TcpStream::connect((self.host.as_str(), self.port)));
            let tcp = tcp.await.ok().and_then(Result::ok).ok_or_else(problem::portal_unreachable)?;
            let Some(tls) = &self.tls else { return self.exchange(tcp, method, path, body).await };
            let name =
                ServerName::try_from(self.host.clone()).map_err(|_| crate::problem::origin_invalid())?;
            let stream = timeout(CONNECT, tls.connect(name, tcp)).await;
            let stream = stream.ok().and_then(Result::ok).ok_or_else(problem::portal_untrusted)?;
            self.exchange(stream, method, path, body).await
        })
    }

    async fn exchange(
        &self,
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        method: Method,
        path: &str,
        body: Option<Vec<u8>>,
    ) -> Result<Bytes, Problem> {
        let (mut sender, connection) = timeout(CONNECT, http1::handshake(TokioIo::new(stream)))
            .await
            .ok()
            .and_then(Result::ok)
            .ok_or_else(problem::portal_unreachable)?;
        let driver = tokio::spawn(connection);
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, &self.authority)
            .header(AUTHORIZATION, &self.token)
            .header(ACCEPT, "application/json, application/jsonl");
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let request = request
            .body(Full::new(Bytes::from(body.unwrap_or_default())))
            .map_err(|_| problem::portal_confused())?;
        let answer = timeout(ANSWER, async {
            let (head, body) =
                sender.send_request(request).await.map_err(|_| problem::portal_unreachable())?.into_parts();
            Ok((head.status, collect(body).await?))
        })
        .await
        .map_err(|_| problem::portal_unreachable());
        driver.abort();
        let (status, body) = answer??;
        if status.is_success() { Ok(body) } else { Err(refusal(status, &body)) }
    }
}

async fn collect(body: Incoming) -> Result<Bytes, Problem> {
    let collected = Limited::new(body, ANSWER_BYTES).collect().await;
    collected.map(http_body_util::Collected::to_bytes).map_err(|_| problem::portal_confused())
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|_| problem::portal_confused())
}

/// What the portal says is wrong. Its words are shown as they are, but for what would steer a terminal.
fn refusal(status: StatusCode, body: &[u8]) -> Problem {
    match serde_json::from_slice::<Refusal>(body) {
        Ok(Refusal { problem }) => Problem {
            code: plain(&problem.code).into(),
            what: plain(&problem.what).into(),
            next: plain(&problem.next).into(),
            retry: problem.retry,
        },
        // A proxy in between may answer in its own way.
        Err(_) if status.is_server_error() => problem::portal_unreachable(),
        Err(_) => problem::portal_confused(),
    }
}

/// TLS with the provider named, so that a second one slipping into the tree cannot make this panic.
fn connector(authority: Option<&Path>) -> Result<TlsConnector, Problem> {
    let mut roots = RootCertStore::empty();
    match authority {
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
        Some(file) => {
            let certificates = CertificateDer::pem_file_iter(file)
                .and_then(Iterator::collect::<Result<Vec<_>, _>>)
                .map_err(|_| problem::authority_unusable())?;
            for certificate in certificates {
                roots.add(certificate).map_err(|_| problem::authority_unusable())?;
            }
            if roots.is_empty() {
                return Err(problem::authority_unusable());
            }
        }
    }
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|_| problem::portal_untrusted())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}
