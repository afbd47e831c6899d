//! The few HTTP requests that Home Assistant answers over REST only: automations, scripts and scenes by id.
//!
//! Addresses come from `commands`, connections from [`Dial`]. One connection is kept for requests that follow each other. Library errors
//! become codes here; nothing of them, no address and no body is ever logged (R17).

use std::pin::Pin;
use std::time::Duration;

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{self, Connection, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::time::timeout;

use super::address::Endpoint;
use super::commands;
use super::desk::{DeskError, Routine, RoutineKind};
use super::socket::unreached;
use super::wire;
use crate::net::{BoxedStream, Dial};
use crate::outbound::reading::{HomeTrouble, Text};

/// Largest body either way, bytes: what Home Assistant and the Supervisor take. `automations.yaml` with all its items is smaller.
const MAX_BODY: usize = 16 << 20;
/// Longest wait for an answer and its body. A write parses and rewrites a whole file, and the loop may be busy with other things.
const PATIENCE: Duration = Duration::from_secs(120);
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A connection and what drives it.
struct Open {
    requests: SendRequest<Full<Bytes>>,
    driver: Pin<Box<Connection<TokioIo<BoxedStream>, Full<Bytes>>>>,
    /// The driver has ended and must not be asked again.
    over: bool,
}

/// What came back.
struct Answer {
    status: StatusCode,
    /// Home Assistant answers in JSON where it has understood the address.
    json: bool,
    body: Bytes,
}

/// A client of one home. It opens a connection when it needs one.
pub struct Rest<'a> {
    dial: &'a dyn Dial,
    endpoint: Endpoint,
    open: Option<Open>,
}

impl<'a> Rest<'a> {
    /// Nothing is connected yet.
    #[must_use]
    pub fn new(dial: &'a dyn Dial, endpoint: &Endpoint) -> Self {
        Self { dial, endpoint: endpoint.clone(), open: None }
    }

    /// Reads a document, exactly as Home Assistant spells it.
    ///
    /// # Errors
    /// [`DeskError::Forbidden`] for an id that cannot be sent, [`DeskError::NotSupported`] where the integration or its editor is
    /// not loaded, [`DeskError::Unauthorized`], [`DeskError::TooLarge`], [`DeskError::Trouble`].
    pub async fn read(&mut self, kind: RoutineKind, id: &str) -> Result<Routine, DeskError> {
        let answer = self.ask(Method::GET, kind, id, None).await?;
        match answer.status {
            StatusCode::OK => answer.document().map(Routine::Present),
            StatusCode::NOT_FOUND if answer.json => Ok(Routine::Absent),
            StatusCode::INTERNAL_SERVER_ERROR => Ok(Routine::Unmanaged),
            status => Err(refusal(status)),
        }
    }

    /// Creates or replaces a document. The answer comes when the file is written, before it is loaded.
    ///
    /// # Errors
    /// As [`Self::read`]; [`DeskError::Refused`] for what is no object, names another id, or does not pass Home Assistant's
    /// own validation; [`DeskError::Unmanaged`] when the file cannot be read. Nothing was written then.
    pub async fn write(&mut self, kind: RoutineKind, id: &str, config: &Text) -> Result<(), DeskError> {
        let text = config.reveal_to_home();
        if text.len() > MAX_BODY {
            return Err(DeskError::TooLarge);
        }
        // An id inside would win over the one in the address, and what is no JSON would be quoted in Home Assistant's log.
        if !wire::routine_may_be_stored(text, id) {
            return Err(DeskError::Refused);
        }
        let body = Bytes::copy_from_slice(text.as_bytes());
        match self.ask(Method::POST, kind, id, Some(body)).await?.status {
            StatusCode::OK => Ok(()),
            status => Err(refusal(status)),
        }
    }

    /// Deletes a document. Home Assistant also removes the entity's registry entry, without a reload.
    ///
    /// # Errors
    /// As [`Self::read`]; [`DeskError::NotFound`] when there is none, [`DeskError::Unmanaged`] when the file cannot be read.
    pub async fn delete(&mut self, kind: RoutineKind, id: &str) -> Result<(), DeskError> {
        match self.ask(Method::DELETE, kind, id, None).await?.status {
            StatusCode::OK => Ok(()),
            // Home Assistant's word for it here.
            StatusCode::BAD_REQUEST => Err(DeskError::NotFound),
            status => Err(refusal(status)),
        }
    }

    async fn ask(
        &mut self,
        method: Method,
        kind: RoutineKind,
        id: &str,
        body: Option<Bytes>,
    ) -> Result<Answer, DeskError> {
        if !kind.accepts(id, self.endpoint.is_supervisor()) {
            return Err(DeskError::Forbidden);
        }
        let path = self.endpoint.rest_path(&commands::routine_path(kind, id));
        let bearer = format!("Bearer {}", self.endpoint.token().reveal());
        let mut bearer = HeaderValue::try_from(bearer).map_err(|_| HomeTrouble::TokenRefused)?;
        bearer.set_sensitive(true);
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, self.endpoint.authority())
            .header(AUTHORIZATION, bearer)
            .header(ACCEPT, JSON);
        if body.is_some() {
            request = request.header(CONTENT_TYPE, JSON);
        }
        let request = request.body(Full::new(body.unwrap_or_default())).map_err(|_| DeskError::Forbidden)?;
        self.exchange(request).await
    }

    /// Sends on the connection that is open. Where that was closed meanwhile, before anything was sent, on a new one; what only reads is
    /// sent again also where it was closed over the request, as connections are that have been idle for too long.
    async fn exchange(&mut self, request: Request<Full<Bytes>>) -> Result<Answer, DeskError> {
        if let Some(mut open) = self.open.take() {
            match open.exchange(request.clone()).await {
                Ok(Some(answer)) => {
                    self.open = Some(open).filter(|open| !open.over);
                    return Ok(answer);
                }
                Ok(None) => {}
                Err(DeskError::Trouble(HomeTrouble::Unreachable)) if request.method() == Method::GET => {}
                Err(error) => return Err(error),
            }
        }
        let stream = self.dial.dial(self.endpoint.target()).await.map_err(unreached)?;
        let (requests, driver) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|_| HomeTrouble::Unreachable)?;
        let mut open = Open { requests, driver: Box::pin(driver), over: false };
        let answer = open.exchange(request).await?.ok_or(HomeTrouble::Unreachable)?;
        self.open = Some(open).filter(|open| !open.over);
        Ok(answer)
    }
}

impl Open {
    /// `None` when the connection was closed before the request was on its way.
    async fn exchange(&mut self, request: Request<Full<Bytes>>) -> Result<Option<Answer>, DeskError> {
        let answer = async {
            match self.requests.send_request(request).await {
                Ok(response) => collect(response).await.map(Some),
                Err(error) if error.is_canceled() => Ok(None),
                Err(error) if error.is_parse() => Err(HomeTrouble::NotHomeAssistant.into()),
                Err(_) => Err(HomeTrouble::Unreachable.into()),
            }
        };
        tokio::pin!(answer);
        let driven = async {
            tokio::select! {
                biased;
                answer = &mut answer => answer,
                // The connection is over; what it has brought is still to be taken.
                _ = &mut self.driver => {
                    self.over = true;
                    answer.await
                }
            }
        };
        timeout(PATIENCE, driven).await.map_err(|_| HomeTrouble::Silent)?
    }
}

async fn collect(response: Response<Incoming>) -> Result<Answer, DeskError> {
    let (head, body) = response.into_parts();
    let is_json = |kind: &HeaderValue| kind.as_bytes().starts_with(JSON.as_bytes());
    let json = head.headers.get(CONTENT_TYPE).is_some_and(is_json);
    let body = Limited::new(body, MAX_BODY).collect().await.map_err(|error| {
        let large = error.downcast_ref::<LengthLimitError>().is_some();
        if large { DeskError::TooLarge } else { HomeTrouble::Unreachable.into() }
    })?;
    Ok(Answer { status: head.status, json, body: body.to_bytes() })
}

impl Answer {
    fn document(self) -> Result<Text, DeskError> {
        let text = if self.json { std::str::from_utf8(&self.body).ok() } else { None };
        text.and_then(wire::document).ok_or(DeskError::Trouble(HomeTrouble::NotHomeAssistant))
    }
}

/// What a status means that is no success. Home Assistant's messages are not read.
fn refusal(status: StatusCode) -> DeskError {
    match status.as_u16() {
        400 | 422 => DeskError::Refused,
        401 | 403 => DeskError::Unauthorized,
        // The address itself is not served.
        404 | 405 => DeskError::NotSupported,
        413 => DeskError::TooLarge,
        500 => DeskError::Unmanaged,
        502..=504 => HomeTrouble::NotRunning.into(),
        _ => HomeTrouble::Protocol.into(),
    }
}
