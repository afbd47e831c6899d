//! `ask`: a question with candidates; the owner picks by real name, and home answers with an id.

use std::fmt::Write as _;

use clap::Subcommand;
use serde::Deserialize;
use serde_json::Value;
use vestibule_protocol::id::{Fingerprint, OpaqueId};
use vestibule_protocol::problem::Problem;

use super::output::Output;
use super::portal::PortalArgs;
use crate::author::shown::plain;
use crate::problem::authoring as problem;
use crate::when::date;
use crate::world::World;

const DAY: u64 = 24 * 3600;

#[derive(Debug, Subcommand)]
pub(super) enum AskCommand {
    /// Ask the owner of a home
    New {
        /// Home
        #[arg(long, value_name = "FINGERPRINT")]
        instance: Fingerprint,
        /// Question; the owner reads it as yours
        #[arg(long, value_name = "TEXT")]
        question: String,
        /// Ids that the owner chooses from
        #[arg(long, value_name = "ID", required = true, num_args = 1..)]
        candidate: Vec<OpaqueId>,
        /// For how many days the question stands; as the portal decides by default
        #[arg(long, value_name = "D", value_parser = clap::value_parser!(u32).range(1..=30))]
        days: Option<u32>,
        #[command(flatten)]
        portal: PortalArgs,
    },
    /// List questions with their answers
    List {
        /// To this home only
        #[arg(long, value_name = "FINGERPRINT")]
        instance: Option<Fingerprint>,
        #[command(flatten)]
        portal: PortalArgs,
    },
}

#[derive(Deserialize)]
struct Asked {
    id: String,
}

#[derive(Deserialize)]
struct Questions {
    questions: Vec<Question>,
}

#[derive(Deserialize)]
struct Question {
    id: String,
    question: String,
    state: String,
    #[serde(default)]
    choice: Option<String>,
    expires: u64,
}

impl AskCommand {
    pub(super) fn run(self, output: &Output) -> Result<(), Problem> {
        match self {
            Self::New { instance, question, candidate, days, portal } => {
                let portal = portal.needed()?;
                let mut body = serde_json::json!({ "question": question, "candidates": candidate });
                if let Some(days) = days {
                    body["expires"] = (World::real().now() + u64::from(days) * DAY).into();
                }
                let body = body.to_string().into_bytes();
                let answer: Value = portal.post(&format!("/v1/instances/{instance}/questions"), body)?;
                let asked = Asked::deserialize(&answer).map_err(|_| problem::portal_confused())?;
                output.answer(&answer, &format!("Asked; the question is {}.", plain(&asked.id)));
            }
            Self::List { instance, portal } => {
                let filter = instance.map(|instance| format!("?instance={instance}")).unwrap_or_default();
                let answer: Value = portal.needed()?.get(&format!("/v1/questions{filter}"))?;
                let rows = Questions::deserialize(&answer).map_err(|_| problem::portal_confused())?;
                let mut text = String::new();
                for row in &rows.questions {
                    let state = match &row.choice {
                        Some(choice) => format!("{}: {}", plain(&row.state), plain(choice)),
                        None => format!("{}, until {}", plain(&row.state), date(row.expires)),
                    };
                    let _ = writeln!(text, "{}  {state}  {}", plain(&row.id), plain(&row.question));
                }
                output.answer(&answer, if text.is_empty() { "There are no questions." } else { &text });
            }
        }
        Ok(())
    }
}
