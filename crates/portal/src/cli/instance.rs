//! `instance`: the homes that have enrolled, out of the data folder or, for staff, over the portal's API.

use std::fmt::Write as _;

use clap::Subcommand;
use serde::Deserialize;
use serde_json::Value;
use vestibule_protocol::id::{Fingerprint, TenantId};
use vestibule_protocol::problem::Problem;

use super::Desk;
use super::output::Output;
use super::portal::PortalArgs;
use crate::api::instances::{InstanceBody, Instances};
use crate::api::support::SupportReports;
use crate::author::held::Held;
use crate::author::shown::plain;
use crate::author::tree;
use crate::problem::authoring as problem;
use crate::store::{audit, erase, history, homes, support};
use crate::when::date;

#[derive(Debug, Subcommand)]
pub(super) enum InstanceCommand {
    /// List homes
    List {
        /// Tenant; may be left out if there is only one
        #[arg(long, value_name = "TENANT", conflicts_with = "portal")]
        tenant: Option<TenantId>,
        #[command(flatten)]
        portal: PortalArgs,
    },
    /// Show a home, and what is held of it
    Show {
        /// Fingerprint of the home
        fingerprint: Fingerprint,
        /// Show its rooms, devices and entities; the owner sees that they were read
        #[arg(long)]
        tree: bool,
        /// Tenant; may be left out if there is only one
        #[arg(long, value_name = "TENANT", conflicts_with = "portal")]
        tenant: Option<TenantId>,
        #[command(flatten)]
        portal: PortalArgs,
    },
    /// Show the support reports that a home's owner has sent; the owner sees that they were read
    Support {
        /// Fingerprint of the home
        fingerprint: Fingerprint,
        /// Tenant; may be left out if there is only one
        #[arg(long, value_name = "TENANT", conflicts_with = "portal")]
        tenant: Option<TenantId>,
        #[command(flatten)]
        portal: PortalArgs,
    },
    /// Erase a home with everything that is held of it; it has to be paired again
    Erase {
        /// Fingerprint of the home
        fingerprint: Fingerprint,
        /// Tenant; may be left out if there is only one
        #[arg(long, value_name = "TENANT")]
        tenant: Option<TenantId>,
    },
}

/// A home as the API answers it, as far as it is shown in words.
#[derive(Deserialize)]
struct Row {
    fingerprint: Fingerprint,
    #[serde(default)]
    label: Option<String>,
    #[serde(default)]
    connected: Option<bool>,
    records: u64,
    #[serde(default)]
    classes: Vec<String>,
    #[serde(default)]
    restricted: bool,
    agent: String,
    last_seen: u64,
}

#[derive(Deserialize)]
struct Rows {
    instances: Vec<Row>,
}

impl InstanceCommand {
    /// Whether the question is one to a portal.
    pub(super) const fn is_remote(&self) -> bool {
        match self {
            Self::List { portal, .. } | Self::Show { portal, .. } | Self::Support { portal, .. } => {
                portal.is_named()
            }
            Self::Erase { .. } => false,
        }
    }

    /// Asks the portal.
    pub(super) fn ask(self, output: &Output) -> Result<(), Problem> {
        match self {
            Self::List { portal, .. } => {
                let answer: Value = portal.needed()?.get("/v1/instances")?;
                let rows = Rows::deserialize(&answer).map_err(|_| problem::portal_confused())?;
                output.answer(&answer, &list(&rows.instances));
            }
            Self::Show { fingerprint, tree: false, portal, .. } => {
                let answer: Value = portal.needed()?.get(&format!("/v1/instances/{fingerprint}"))?;
                let row = Row::deserialize(&answer).map_err(|_| problem::portal_confused())?;
                output.answer(&answer, &row.words());
            }
            Self::Show { fingerprint, portal, .. } => {
                show_tree(&portal.needed()?.text(&format!("/v1/instances/{fingerprint}/snapshot"))?, output)?;
            }
            Self::Support { fingerprint, portal, .. } => {
                let answer: Value = portal.needed()?.get(&format!("/v1/instances/{fingerprint}/support"))?;
                let words = reports(&answer)?;
                output.answer(&answer, &words);
            }
            // Only administrators of the machine erase by command.
            Self::Erase { .. } => return Err(problem::portal_needed()),
        }
        Ok(())
    }

    /// Looks into the data folder.
    pub(super) fn run(self, desk: &Desk) -> Result<(), Problem> {
        match self {
            Self::List { tenant, .. } => {
                let tenant = desk.tenant(tenant.as_ref())?;
                let homes = desk.read(|db| homes::list(db, tenant.id))?;
                let instances: Vec<InstanceBody> = homes.into_iter().map(InstanceBody::from).collect();
                let rows = rows(&instances)?;
                desk.output.answer(&Instances { instances }, &list(&rows));
            }
            Self::Show { fingerprint, tree, tenant, .. } => {
                let tenant = desk.tenant(tenant.as_ref())?;
                let home = desk.read(|db| homes::get(db, tenant.id, &fingerprint))?;
                if tree {
                    let lines = desk.read(|db| history::snapshot(db, home.id))?;
                    // R30: the owner can see this reading as well.
                    desk.write(|tx| {
                        let details = format!("{{\"fingerprint\":\"{fingerprint}\"}}");
                        audit::write(
                            tx,
                            Some(tenant.id),
                            "operator",
                            "read_snapshot",
                            "home",
                            Some(home.id),
                            &details,
                        )
                    })?;
                    let lines = lines.into_iter().filter_map(|(key, body)| {
                        body.map(|body| format!("{{\"key\":\"{key}\",\"record\":{body}}}\n"))
                    });
                    return show_tree(&lines.collect::<String>(), &desk.output);
                }
                let kinds = desk.read(|db| homes::kinds(db, home.id))?;
                let body = InstanceBody { kinds: Some(kinds.into_iter().collect()), ..home.into() };
                let words = rows(std::slice::from_ref(&body))?.iter().map(Row::words).collect::<String>();
                desk.output.answer(&body, &words);
            }
            Self::Support { fingerprint, tenant, .. } => {
                let tenant = desk.tenant(tenant.as_ref())?;
                let home = desk.read(|db| homes::get(db, tenant.id, &fingerprint))?;
                let kept = desk.read(|db| support::list(db, home.id))?;
                if !kept.is_empty() {
                    desk.write(|tx| {
                        audit::write(
                            tx,
                            Some(tenant.id),
                            "operator",
                            "read_support",
                            "home",
                            Some(home.id),
                            "{}",
                        )
                    })?;
                }
                let answer = serde_json::to_value(SupportReports::from(kept))
                    .map_err(|_| crate::problem::unavailable())?;
                let words = reports(&answer)?;
                desk.output.answer(&answer, &words);
            }
            Self::Erase { fingerprint, tenant } => {
                let tenant = desk.tenant(tenant.as_ref())?;
                desk.write(|tx| {
                    let home = homes::get(tx.db, tenant.id, &fingerprint)?;
                    erase::all(tx, home.id, "operator")
                })?;
                desk.output.answer(&serde_json::json!({ "erased": fingerprint }), "Erased.");
            }
        }
        Ok(())
    }
}

/// Both sources in the same words.
fn rows(bodies: &[InstanceBody]) -> Result<Vec<Row>, Problem> {
    let value = serde_json::to_value(bodies).map_err(|_| crate::problem::unavailable())?;
    Vec::deserialize(value).map_err(|_| crate::problem::unavailable())
}

/// Support reports in words.
fn reports(answer: &Value) -> Result<String, Problem> {
    #[derive(Deserialize)]
    struct Reports {
        reports: Vec<Report>,
    }
    #[derive(Deserialize)]
    struct Report {
        text: String,
        at: u64,
    }
    let Reports { reports } = Reports::deserialize(answer).map_err(|_| problem::portal_confused())?;
    if reports.is_empty() {
        return Ok("There are no support reports.".to_owned());
    }
    let mut text = String::new();
    for report in &reports {
        let _ = writeln!(text, "{}", date(report.at));
        for line in report.text.lines() {
            let _ = writeln!(text, "    {}", plain(line));
        }
    }
    Ok(text)
}

fn list(rows: &[Row]) -> String {
    let mut text = String::new();
    for row in rows {
        let label = row.label.as_deref().map_or_else(|| "-".to_owned(), plain);
        let (print, records, seen) = (row.fingerprint, row.records, date(row.last_seen));
        let _ = writeln!(text, "{print}  {records} records  last seen {seen}  {label}");
    }
    text
}

fn show_tree(snapshot: &str, output: &Output) -> Result<(), Problem> {
    let held = Held::read(snapshot)?;
    let tree = tree::draw(&held);
    output.answer(&serde_json::json!({ "records": held.len(), "tree": tree }), &tree);
    Ok(())
}

impl Row {
    fn words(&self) -> String {
        let mut text = format!("Home      {}\n", self.fingerprint);
        if let Some(label) = &self.label {
            let _ = writeln!(text, "Label     {}", plain(label));
        }
        let classes: Vec<String> = self.classes.iter().map(|class| plain(class)).collect();
        let _ = writeln!(text, "Records   {}\nReleased  {}", self.records, classes.join(", "));
        let _ = writeln!(text, "Agent     {}\nSeen      {}", plain(&self.agent), date(self.last_seen));
        if let Some(connected) = self.connected {
            let _ = writeln!(text, "Connected {}", if connected { "yes" } else { "no" });
        }
        if self.restricted {
            text.push_str("The owner has asked that nothing be processed for the time being.\n");
        }
        text
    }
}
