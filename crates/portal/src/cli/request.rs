//! `request`: what owners wish for, in their own words.

use std::fmt::Write as _;

use clap::Subcommand;
use serde::Deserialize;
use serde_json::Value;
use vestibule_protocol::id::Fingerprint;
use vestibule_protocol::problem::Problem;

use super::output::Output;
use super::portal::PortalArgs;
use crate::author::shown::plain;
use crate::problem::authoring as problem;
use crate::when::date;

#[derive(Debug, Subcommand)]
pub(super) enum RequestCommand {
    /// List requests
    List {
        /// Of this home only
        #[arg(long, value_name = "FINGERPRINT")]
        instance: Option<Fingerprint>,
        #[command(flatten)]
        portal: PortalArgs,
    },
}

#[derive(Deserialize)]
struct Requests {
    requests: Vec<Request>,
}

#[derive(Deserialize)]
struct Request {
    id: String,
    instance: Fingerprint,
    text: String,
    #[serde(default)]
    rooms: Vec<String>,
    at: u64,
    state: String,
}

impl RequestCommand {
    pub(super) fn run(self, output: &Output) -> Result<(), Problem> {
        let Self::List { instance, portal } = self;
        let filter = instance.map(|instance| format!("?instance={instance}")).unwrap_or_default();
        let answer: Value = portal.needed()?.get(&format!("/v1/requests{filter}"))?;
        let rows = Requests::deserialize(&answer).map_err(|_| problem::portal_confused())?;
        let mut text = String::new();
        for row in &rows.requests {
            let rooms: Vec<String> = row.rooms.iter().map(|room| plain(room)).collect();
            let (id, state) = (plain(&row.id), plain(&row.state));
            let _ = writeln!(text, "{id}  {state}  {}  {}", date(row.at), row.instance);
            let _ = writeln!(text, "    {}", plain(&row.text));
            if !rooms.is_empty() {
                let _ = writeln!(text, "    for {}", rooms.join(", "));
            }
        }
        output.answer(&answer, if text.is_empty() { "There are no requests." } else { &text });
        Ok(())
    }
}
