//! *Status*: pause on top; in sync with what, since when; what is wrong and what to do; how much went over the wire.

use askama::Template;
use vestibule_protocol::problem::Problem;

use super::answer::{Call, May, Shown, html};
use super::frame::Frame;
use super::show::{Chart, Moment};
use crate::agent::{Side, Status};
use crate::control::Request;

const HOUR_MS: i64 = 60 * 60 * 1000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// What changes while one looks.
struct Live {
    /// `good`, `waits`, `paused` or `bad`: shown by a sign and a word, never by colour alone.
    tone: &'static str,
    headline: &'static str,
    with: Option<String>,
    sides: [(&'static str, Side, Option<Moment>); 2],
    status: Status,
    records: u64,
    /// Why decisions are not possible.
    unknown: Option<Problem>,
}

#[derive(Template)]
#[template(path = "status.html")]
struct StatusPage {
    f: Frame,
    l: Live,
    charts: [(&'static str, Chart); 2],
    never: [super::never::Promise; 5],
}

#[derive(Template)]
#[template(path = "status_live.html")]
struct LivePage {
    f: Frame,
    l: Live,
}

/// The whole page.
pub(super) async fn page(call: &Call<'_>) -> Shown {
    let l = look(call).await?;
    let now = call.page.clock.now_ms();
    let charts = call.page.read(move |reader, _| {
        Ok((reader.usage_by(now - DAY_MS, HOUR_MS, 24)?, reader.usage_by(now - 30 * DAY_MS, DAY_MS, 30)?))
    });
    let (day, month) = charts.await?;
    let charts = [("traffic.day", Chart::of(&day)), ("traffic.month", Chart::of(&month))];
    Ok(html(&StatusPage { f: call.frame("/"), l, charts, never: super::never::PROMISES }))
}

/// Only what changes, for the script.
pub(super) async fn live(call: &Call<'_>) -> Shown {
    Ok(html(&LivePage { f: call.frame("/"), l: look(call).await? }))
}

/// Stops sending, or goes on.
pub(super) async fn pause(call: &Call<'_>) -> Shown {
    let on = call.form.get("on") == Some("yes");
    call.page.ask_each(Request::Restrict { on }, drop).await?;
    call.go("/", if on { "paused" } else { "resumed" })
}

/// The owner knows that this home was restored or copied: deployments go on (R6).
pub(super) async fn confirm(call: &Call<'_>) -> Shown {
    call.page.ask_each(Request::ConfirmRestored, drop).await?;
    call.go("/", "confirmed")
}

async fn look(call: &Call<'_>) -> Result<Live, Problem> {
    let status: Status = call.page.ask(Request::Status).await?;
    let trouble = status.home.problem.is_some() || status.portal.problem.is_some();
    let (tone, headline) = if status.forgetting {
        ("waits", "status.forgetting")
    } else if status.fingerprint.is_none() {
        ("paused", "status.unpaired")
    } else if status.restricted {
        ("paused", "status.paused")
    } else if status.in_sync {
        ("good", "status.in_sync")
    } else if trouble {
        ("bad", "status.trouble")
    } else {
        ("waits", "status.working")
    };
    let side = |name, side: &Side| (name, side.clone(), side.since.map(Moment::of_s));
    Ok(Live {
        tone,
        headline,
        with: status.tenant_name.clone(),
        sides: [side("status.home", &status.home), side("status.portal", &status.portal)],
        records: status.records.values().sum(),
        unknown: match &call.may {
            May::Unknown(problem) => Some(problem.clone()),
            May::Decide | May::Look => None,
        },
        status,
    })
}
