//! From a request to an answer: who asks, which page, and for everything that changes something: may they, and was it theirs.

use askama::Template;
use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use http::request::Parts;
use http::{Method, Response, StatusCode};
use tokio::time::Instant;
use vestibule_protocol::problem::Problem;

use super::body::Body;
use super::form::{Form, encoded};
use super::frame::Frame;
use super::guard::{Session, Told};
use super::words::Words;
use super::{Page, connection, deployments, leaves, ledger, never, questions, reads, status};
use crate::agent::Status;
use crate::control::Request;
use crate::home::UserHash;
use crate::problem;

const STYLE: &str = include_str!("../../addon/style.css");
const SCRIPT: &str = include_str!("../../addon/live.js");
const ICON: &str = include_str!("../../addon/icon.svg");

/// No script or style in a page, nothing from elsewhere, shown only inside Home Assistant.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'self'";

/// Somebody of whom nothing is known, and everybody who tries links.
const NOBODY: Session = [0; 32];

/// What a person may.
#[derive(Debug, Clone)]
pub(super) enum May {
    /// See and decide everything.
    Decide,
    /// See how things stand.
    Look,
    /// The same, because Home Assistant could not be asked.
    Unknown(Problem),
}

/// A request by somebody who may see something.
pub(super) struct Call<'a> {
    pub(super) page: &'a Page,
    pub(super) query: Form,
    pub(super) form: Form,
    pub(super) may: May,
    base: String,
    session: Session,
    words: Words,
}

/// Why there is no page.
pub(super) enum Fault {
    /// Something that the owner can read about.
    Problem(Problem),
    /// There is no such page.
    NotFound,
    /// Only for administrators.
    Forbidden,
    /// The form was not made for this session, or not by a page of ours.
    NotYours,
    /// Too many decisions at once.
    TooMany,
}

impl From<Problem> for Fault {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

/// A page, or why there is none.
pub(super) type Shown = Result<Response<Body>, Fault>;

/// Answers a request. Never fails: whatever is wrong is an answer too.
pub(super) async fn answer(page: &Page, head: &Parts, body: Bytes) -> Response<Body> {
    let mut response = route(page, head, &body).await;
    protect(response.headers_mut());
    response
}

async fn route(page: &Page, head: &Parts, body: &[u8]) -> Response<Body> {
    let Ok(told) = page.guard.told(&head.headers) else { return plain(StatusCode::BAD_REQUEST) };
    let path = head.uri.path();
    // No path of ours needs more than this, so there is nothing to decode, and nothing to climb over.
    let sound = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"/._-".contains(&byte);
    if path.len() > 100 || !path.bytes().all(sound) || path.contains("..") {
        return plain(StatusCode::NOT_FOUND);
    }
    let reads = head.method == Method::GET || head.method == Method::HEAD;
    if let Some(file) = file(path).filter(|_| reads) {
        return file;
    }
    if let Some(token) = path.strip_prefix("/open/").filter(|_| reads && page.guard.is_loopback()) {
        return open(page, token);
    }
    let call = match arrived(page, head, told, body).await {
        Ok(call) => call,
        Err(locked) => return locked,
    };
    let shown = if reads {
        show(&call, path).await
    } else if head.method == Method::POST {
        match call.may_decide(&head.headers) {
            Ok(()) => decide(&call, path).await,
            Err(fault) => Err(fault),
        }
    } else {
        return plain(StatusCode::METHOD_NOT_ALLOWED);
    };
    shown.unwrap_or_else(|fault| call.fault(fault))
}

/// Finds out who asks, and in which language.
async fn arrived<'a>(
    page: &'a Page,
    head: &Parts,
    told: Told,
    body: &[u8],
) -> Result<Call<'a>, Response<Body>> {
    let accept = head.headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let words = match accept.and_then(Words::accepted) {
        Some(words) => words,
        None => {
            let status: Result<Status, Problem> = page.ask(Request::Status).await;
            Words::of_home(status.ok().and_then(|status| status.language).as_deref())
        }
    };
    let (session, may) = match (told.cookie, told.user) {
        (Some(session), _) => (session, May::Decide),
        (None, _) if page.guard.is_loopback() => return Err(locked(words)),
        (None, None) => (NOBODY, May::Look),
        (None, Some(user)) => {
            let user: UserHash = page.people.hash(&user);
            let may = match page.people.may_decide(&user).await {
                Ok(true) => May::Decide,
                Ok(false) => May::Look,
                Err(trouble) => May::Unknown(problem::home(trouble)),
            };
            (user, may)
        }
    };
    let query = Form::parse(head.uri.query().unwrap_or_default().as_bytes());
    Ok(Call { page, query, form: Form::parse(body), may, base: told.base, session, words })
}

async fn show(call: &Call<'_>, path: &str) -> Shown {
    match path {
        "/" => return status::page(call).await,
        "/live" => return status::live(call).await,
        "/never" => return never::page(call),
        _ => {}
    }
    if !matches!(call.may, May::Decide) {
        return Err(Fault::Forbidden);
    }
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    match *segments.as_slice() {
        ["leaves"] => leaves::page(call).await,
        ["leaves", "fields"] => leaves::fields(call),
        ["leaves", "class", class] => leaves::class(call, class).await,
        ["leaves", "rooms"] => leaves::rooms(call).await,
        ["leaves", "things"] => leaves::things(call).await,
        ["deployments"] => deployments::page(call).await,
        ["deployments", id] => deployments::one(call, id).await,
        ["deployments", id, "live"] => deployments::live(call, id).await,
        ["questions"] => questions::page(call).await,
        ["questions", "one"] => questions::one(call).await,
        ["ledger"] => ledger::page(call).await,
        ["ledger", "reads"] => reads::page(call).await,
        ["ledger", "export"] => ledger::export(call).await,
        ["ledger", "entry", entry] => ledger::entry(call, entry).await,
        ["ledger", "entry", entry, "raw"] => ledger::raw(call, entry).await,
        ["connection"] => connection::page(call).await,
        ["connection", "export"] => connection::export(call).await,
        ["report"] => connection::report(call).await,
        ["report", "file"] => connection::report_file(call).await,
        _ => Err(Fault::NotFound),
    }
}

async fn decide(call: &Call<'_>, path: &str) -> Shown {
    match path {
        "/pause" => status::pause(call).await,
        "/confirm" => status::confirm(call).await,
        "/leaves/grant" => leaves::grant(call).await,
        "/leaves/withdraw" => leaves::withdraw(call).await,
        "/leaves/exclude" => leaves::exclude(call, true).await,
        "/leaves/include" => leaves::exclude(call, false).await,
        "/leaves/room" => leaves::choose(call).await,
        "/deployments/approve" => deployments::approve(call).await,
        "/deployments/switch" => deployments::switch(call).await,
        "/deployments/reject" => deployments::reject(call).await,
        "/deployments/undo" => deployments::undo(call).await,
        "/deployments/enable" => deployments::enable(call).await,
        "/questions/answer" => questions::answer(call).await,
        "/questions/identify" => questions::identify(call).await,
        "/questions/request" => questions::request(call).await,
        "/questions/withdraw" => questions::withdraw(call).await,
        "/ledger/check" => ledger::check(call).await,
        "/connection/meet" => connection::meet(call).await,
        "/connection/pair" => connection::pair(call).await,
        "/connection/rotate" => connection::rotate(call).await,
        "/connection/forget" => connection::forget(call).await,
        "/report/send" => connection::send_report(call).await,
        "/report/withdraw" => connection::take_reports_back(call).await,
        _ => Err(Fault::NotFound),
    }
}

#[derive(Template)]
#[template(path = "fault.html")]
struct FaultPage<'a> {
    f: Frame,
    title: &'static str,
    what: &'a str,
    next: &'a str,
    /// The program's own words are English.
    language: &'static str,
}

#[derive(Template)]
#[template(path = "locked.html")]
struct LockedPage {
    f: Frame,
}

impl Call<'_> {
    /// What every template needs.
    pub(super) fn frame(&self, here: &'static str) -> Frame {
        let done = self.query.get("done").and_then(|done| self.words.find(&format!("done.{done}")));
        Frame {
            base: self.base.clone(),
            words: self.words,
            here,
            token: self.page.guard.token(&self.session),
            decides: matches!(self.may, May::Decide),
            done,
            version: version(),
        }
    }

    /// Whether a decision may be made: by an administrator, from a page of ours, made for this session, and not too often.
    fn may_decide(&self, headers: &HeaderMap) -> Result<(), Fault> {
        match &self.may {
            May::Decide => {}
            May::Look => return Err(Fault::Forbidden),
            May::Unknown(problem) => return Err(Fault::Problem(problem.clone())),
        }
        let token = self.form.get("token").unwrap_or_default();
        if !self.page.guard.same_origin(headers) || !self.page.guard.is_token(&self.session, token) {
            return Err(Fault::NotYours);
        }
        if self.page.guard.allows(&self.session, Instant::now()) { Ok(()) } else { Err(Fault::TooMany) }
    }

    /// Sends the browser to a page, which says what was done.
    pub(super) fn go(&self, path: &str, done: &str) -> Shown {
        let join = if path.contains('?') { '&' } else { '?' };
        let place = format!("{}{path}{join}done={}", self.base, encoded(done));
        Ok(redirect(&place))
    }

    fn fault(&self, fault: Fault) -> Response<Body> {
        let t = |key| self.words.get(key);
        let (status, title, what, next) = match &fault {
            Fault::Problem(problem) => {
                let status = if problem.retry == vestibule_protocol::problem::Retry::No {
                    StatusCode::CONFLICT
                } else {
                    StatusCode::SERVICE_UNAVAILABLE
                };
                (status, t("fault.title"), &*problem.what, &*problem.next)
            }
            Fault::NotFound => (StatusCode::NOT_FOUND, t("fault.missing.title"), t("fault.missing"), ""),
            Fault::Forbidden => (StatusCode::FORBIDDEN, t("fault.admin.title"), t("fault.admin"), ""),
            Fault::NotYours => (StatusCode::FORBIDDEN, t("fault.form.title"), t("fault.form"), ""),
            Fault::TooMany => (StatusCode::TOO_MANY_REQUESTS, t("fault.often.title"), t("fault.often"), ""),
        };
        let language = if matches!(fault, Fault::Problem(_)) { "en" } else { self.words.language };
        let page = FaultPage { f: self.frame(""), title, what, next, language };
        let mut response = html(&page);
        *response.status_mut() = status;
        response
    }
}

/// For whoever has not opened the link.
fn locked(words: Words) -> Response<Body> {
    let f = Frame {
        base: String::new(),
        words,
        here: "",
        token: String::new(),
        decides: false,
        done: None,
        version: version(),
    };
    let mut response = html(&LockedPage { f });
    *response.status_mut() = StatusCode::UNAUTHORIZED;
    response
}

fn open(page: &Page, token: &str) -> Response<Body> {
    let allowed = page.guard.allows(&NOBODY, Instant::now());
    let cookie = page.guard.open(token, &page.dice).filter(|_| allowed);
    let cookie = cookie.and_then(|cookie| HeaderValue::from_str(&cookie).ok());
    let Some(cookie) = cookie else { return plain(StatusCode::FORBIDDEN) };
    let mut response = redirect("/");
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    response
}

/// A template as a page.
pub(super) fn html(template: &impl Template) -> Response<Body> {
    match template.render() {
        Ok(text) => typed("text/html; charset=utf-8", Body::Whole(text.into())),
        // Writing to memory does not fail.
        Err(_) => plain(StatusCode::INTERNAL_SERVER_ERROR),
    }
}

/// An answer of this type.
pub(super) fn typed(kind: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// A file to be saved under this name.
pub(super) fn download(kind: &'static str, disposition: &'static str, body: Body) -> Response<Body> {
    let mut response = typed(kind, body);
    let disposition = HeaderValue::from_static(disposition);
    response.headers_mut().insert(header::CONTENT_DISPOSITION, disposition);
    response
}

fn redirect(place: &str) -> Response<Body> {
    let Ok(place) = HeaderValue::from_str(place) else { return plain(StatusCode::INTERNAL_SERVER_ERROR) };
    let mut response = plain(StatusCode::SEE_OTHER);
    response.headers_mut().insert(header::LOCATION, place);
    response
}

/// A status and its name.
fn plain(status: StatusCode) -> Response<Body> {
    let text = status.canonical_reason().unwrap_or_default();
    let mut response = typed("text/plain; charset=utf-8", Body::Whole(Bytes::from_static(text.as_bytes())));
    *response.status_mut() = status;
    response
}

/// Style, script and icon: the same for everybody, and kept by browsers, because their address changes when they do.
fn file(path: &str) -> Option<Response<Body>> {
    let (kind, text) = match path {
        "/style.css" => ("text/css; charset=utf-8", STYLE),
        "/live.js" => ("text/javascript; charset=utf-8", SCRIPT),
        "/icon.svg" => ("image/svg+xml", ICON),
        _ => return None,
    };
    let mut response = typed(kind, Body::Whole(Bytes::from_static(text.as_bytes())));
    let keep = HeaderValue::from_static("private, max-age=31536000, immutable");
    response.headers_mut().insert(header::CACHE_CONTROL, keep);
    Some(response)
}

/// Changes whenever style, script or icon change.
fn version() -> &'static str {
    static VERSION: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    VERSION.get_or_init(|| {
        let mut hasher = blake3::Hasher::new();
        hasher.update(STYLE.as_bytes()).update(SCRIPT.as_bytes()).update(ICON.as_bytes());
        hasher.finalize().to_hex()[..12].to_owned()
    })
}

/// What every answer says to the browser.
pub(super) fn protect(headers: &mut HeaderMap) {
    let always = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "SAMEORIGIN"),
        // Not less than this: a form without an origin would not be believed.
        (header::REFERRER_POLICY, "same-origin"),
    ];
    for (name, value) in always {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let own = [
        ("cross-origin-resource-policy", "same-origin"),
        ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
    ];
    for (name, value) in own {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}
