//! `vestibule report`: shown, and then sent or not.

use serde::Serialize;
use vestibule_protocol::problem::Problem;

use super::output::{Output, ask, note};
use crate::agent::{Hand, offline};
use crate::clock::Clock;
use crate::control::Request;
use crate::observe::report::Report;
use crate::problem;
use crate::settings::Settings;

const QUESTION: &str = "Send exactly this to the company?";
const ON_ITS_WAY: &str = "It is on its way. See what waits with: vestibule status";

pub(super) async fn show(settings: &Settings, output: Output) -> Result<(), Problem> {
    let report: Report = match offline::daemon(settings).await {
        Some(daemon) => offline::parse(&daemon.ask_one(&Request::Report).await?)?,
        None => {
            let now = Clock::system().now_ms();
            let state = offline::state(settings)?.unwrap_or_default();
            Report::new(&offline::status(settings, &Clock::system())?, &state.grants, None, now, now)
        }
    };
    output.show(&report, |report| report.words().trim_end().to_owned());
    Ok(())
}

/// Shows a report and, if the owner agrees, sends exactly that.
pub(super) async fn send(settings: &Settings, output: Output, yes: bool) -> Result<(), Problem> {
    #[derive(Serialize)]
    struct Sent {
        report: Report,
        sent: bool,
    }
    let hand = Hand::take(settings, false).await?;
    let sent = async {
        let report: Report = hand.one(&Request::Report).await?;
        note(report.words().trim_end());
        if !yes && (output.json || !ask(QUESTION)) {
            return Err(problem::report_not_sent());
        }
        let sent = hand.one(&Request::SendReport { report: report.name() }).await?;
        Ok(Sent { report, sent })
    };
    let sent = sent.await;
    hand.put_back().await;
    output.show(&sent?, |_| ON_ITS_WAY.to_owned());
    Ok(())
}

/// Takes back every report that was sent.
pub(super) async fn withdraw(settings: &Settings, output: Output) -> Result<(), Problem> {
    #[derive(Serialize)]
    struct Withdrawn {
        withdrawn: bool,
    }
    let hand = Hand::take(settings, false).await?;
    let withdrawn = hand.one(&Request::TakeReportsBack).await;
    hand.put_back().await;
    output.show(&Withdrawn { withdrawn: withdrawn? }, |_| {
        "The portal is asked to erase every report. See what waits with: vestibule status".to_owned()
    });
    Ok(())
}
