//! `instance`: the homes that have enrolled.

use std::fmt::Write as _;

use clap::Subcommand;
use vestibule_protocol::id::{Fingerprint, TenantId};
use vestibule_protocol::problem::Problem;

use super::Desk;
use crate::api::instances::{InstanceBody, Instances};
use crate::store::{erase, homes};
use crate::when::date;

#[derive(Debug, Subcommand)]
pub(super) enum InstanceCommand {
    /// List homes
    List {
        /// Tenant; may be left out if there is only one
        #[arg(long, value_name = "TENANT")]
        tenant: Option<TenantId>,
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

impl InstanceCommand {
    pub(super) fn run(self, desk: &Desk) -> Result<(), Problem> {
        match self {
            Self::List { tenant } => {
                let tenant = desk.tenant(tenant.as_ref())?;
                let homes = desk.read(|db| homes::list(db, tenant.id))?;
                let mut text = String::new();
                for home in &homes {
                    let label = home.label.as_deref().unwrap_or("-");
                    let (print, records) = (home.fingerprint, home.records);
                    let seen = date(home.last_seen);
                    let _ = writeln!(text, "{print}  {records} records  last seen {seen}  {label}");
                }
                let instances = homes.into_iter().map(InstanceBody::from).collect();
                desk.output.answer(&Instances { instances }, &text);
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
