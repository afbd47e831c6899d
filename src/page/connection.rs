//! *Connection*: pairing by code with the words to compare, the recovery code, a copy of everything, a new identity, forgetting, the
//! support report.

use askama::Template;
use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::invite::Invite;

use super::answer::{Call, Fault, Shown, download, html};
use super::body::Body;
use super::frame::Frame;
use super::show::Moment;
use crate::agent::{ConnectionView, DeploymentView, Meeting, offline};
use crate::control::Request;
use crate::observe::report::Report;
use crate::problem;

/// How much of the preview stands on the page that asks for the yes; a home of a thousand entities is less.
const PREVIEW: usize = 512 << 10;

#[derive(Template)]
#[template(path = "connection.html")]
struct ConnectionPage {
    f: Frame,
    view: ConnectionView,
    since: Option<Moment>,
    receipt_time: Option<Moment>,
    /// Deployments that could not be undone any more afterwards.
    in_place: usize,
}

/// The overview.
pub(super) async fn page(call: &Call<'_>) -> Shown {
    let view: ConnectionView = call.page.ask(Request::Connection).await?;
    let since = view.pairing.as_ref().map(|pairing| Moment::of_ms(pairing.paired_at));
    let time = |time: u64| Moment::of_s(i64::try_from(time).unwrap_or(i64::MAX));
    let receipt_time = view.receipt.as_ref().map(|receipt| time(receipt.time));
    let in_place = in_place(call).await?.len();
    Ok(html(&ConnectionPage { f: call.frame("/connection"), view, since, receipt_time, in_place }))
}

#[derive(Template)]
#[template(path = "meeting.html")]
struct MeetingPage {
    f: Frame,
    meeting: Meeting,
    origin: String,
    invite: String,
    records: Vec<String>,
    total: usize,
}

/// Contacts the portal of an invite and shows who it is and what would leave. Nothing is sent yet.
pub(super) async fn meet(call: &Call<'_>) -> Shown {
    let code = call.form.get("invite").unwrap_or_default().trim().to_owned();
    let invite = Invite::parse(&code).map_err(problem::invite)?;
    let (mut records, mut size, mut total, mut meeting) = (Vec::new(), 0, 0, None);
    let request = Request::Meet { portal: invite.origin.clone(), invite: code.clone() };
    call.page
        .ask_each(request, |value| {
            let line = value.get();
            if line.starts_with("{\"key\"") {
                total += 1;
                size += line.len();
                if size <= PREVIEW {
                    records.push(line.to_owned());
                }
            } else {
                meeting = serde_json::from_str::<Meeting>(line).ok();
            }
        })
        .await?;
    let meeting = meeting.ok_or_else(problem::stopping)?;
    let f = call.frame("/connection");
    Ok(html(&MeetingPage { f, meeting, origin: invite.origin, invite: code, records, total }))
}

/// The owner's yes to what was shown.
pub(super) async fn pair(call: &Call<'_>) -> Shown {
    if call.form.get("same") != Some("yes") {
        return Err(problem::declined().into());
    }
    let text = |name| call.form.get(name).unwrap_or_default().to_owned();
    let request = Request::Pair { invite: text("invite"), preview: text("preview") };
    call.page.ask_each(request, drop).await?;
    call.go("/connection", "paired")
}

/// What deployments have put into the home and can be taken back, newest first.
async fn in_place(call: &Call<'_>) -> Result<Vec<DeploymentView>, Fault> {
    let mut all: Vec<DeploymentView> = call.page.ask(Request::Deployments).await?;
    all.retain(DeploymentView::is_in_place);
    Ok(all)
}

/// Afterwards nothing is left from which it could be undone, so the owner decides in the same form.
async fn undo_or_keep(call: &Call<'_>) -> Result<(), Fault> {
    let in_place = in_place(call).await?;
    match call.form.some("deployed") {
        _ if in_place.is_empty() => return Ok(()),
        Some("keep") => return Ok(()),
        Some("undo") => {}
        _ => return Err(problem::undo_or_keep(in_place.len()).into()),
    }
    for view in in_place {
        let id = view.id.parse().map_err(|_| problem::bad_request())?;
        let undone: DeploymentView = call.page.ask(Request::Undo { id, overwrite: false }).await?;
        if undone.state != "undone" {
            return Err(problem::not_undone(&undone.state).into());
        }
    }
    Ok(())
}

/// Ends this identity and begins with another one.
pub(super) async fn rotate(call: &Call<'_>) -> Shown {
    if call.form.get("sure") != Some("yes") {
        return Err(problem::not_forgotten().into());
    }
    undo_or_keep(call).await?;
    call.page.ask_each(Request::Rotate, drop).await?;
    call.go("/connection", "rotated")
}

/// Erases everything, or stops waiting for the portal's receipt.
pub(super) async fn forget(call: &Call<'_>) -> Shown {
    if call.form.get("sure") != Some("yes") {
        return Err(problem::not_forgotten().into());
    }
    let give_up = call.form.get("give_up") == Some("yes");
    if !give_up {
        undo_or_keep(call).await?;
    }
    call.page.ask_each(Request::Forget { give_up }, drop).await?;
    call.go("/connection", "forgotten")
}

/// A copy of everything that is kept, except keys.
pub(super) async fn export(call: &Call<'_>) -> Shown {
    let body = call.page.stream(|folder, marks, out| offline::export(folder, marks, out)).await?;
    Ok(download("application/jsonl", "attachment; filename=\"vestibule-export.jsonl\"", body))
}

#[derive(Template)]
#[template(path = "report.html")]
struct ReportPage {
    f: Frame,
    text: String,
    /// By which it is sent as it is shown.
    name: String,
    /// Whom it can be sent to.
    company: Option<String>,
}

/// The support report, to be read before it is saved or sent.
pub(super) async fn report(call: &Call<'_>) -> Shown {
    let view: ConnectionView = call.page.ask(Request::Connection).await?;
    let report: Report = call.page.ask(Request::Report).await?;
    let (text, name) = (report.words(), report.name().to_string());
    let company = view.pairing.map(|pairing| pairing.tenant_name);
    Ok(html(&ReportPage { f: call.frame("/connection"), text, name, company }))
}

/// The owner's yes to sending what was shown.
pub(super) async fn send_report(call: &Call<'_>) -> Shown {
    let name = call.form.get("report").and_then(Fixed::parse).ok_or_else(problem::report_not_shown)?;
    call.page.ask_each(Request::SendReport { report: name }, drop).await?;
    call.go("/connection", "report_sent")
}

/// Everything that was sent is taken back.
pub(super) async fn take_reports_back(call: &Call<'_>) -> Shown {
    call.page.ask_each(Request::TakeReportsBack, drop).await?;
    call.go("/connection", "report_withdrawn")
}

/// The same as a file.
pub(super) async fn report_file(call: &Call<'_>) -> Shown {
    let report: Report = call.page.ask(Request::Report).await.map_err(Fault::from)?;
    let body = Body::Whole(report.words().into());
    Ok(download("text/plain; charset=utf-8", "attachment; filename=\"vestibule-report.txt\"", body))
}
