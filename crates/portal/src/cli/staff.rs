//! `staff`: people and programs, with tokens that are shown once (S40).

use std::fmt::Write as _;

use clap::Subcommand;
use vestibule_protocol::base32;
use vestibule_protocol::id::TenantId;
use vestibule_protocol::problem::Problem;

use super::{Desk, checked_name};
use crate::role::Role;
use crate::store::{audit, staff};
use crate::when::date;

#[derive(Debug, Subcommand)]
pub(super) enum StaffCommand {
    /// Add somebody and show the token, once
    Add {
        /// Name
        name: String,
        /// Tenant; may be left out if there is only one
        #[arg(long, value_name = "TENANT")]
        tenant: Option<TenantId>,
        /// What may be done
        #[arg(long, value_name = "ROLE")]
        role: Role,
    },
    /// List names and roles
    List {
        /// Tenant; may be left out if there is only one
        #[arg(long, value_name = "TENANT")]
        tenant: Option<TenantId>,
    },
    /// Remove somebody; the token ends at once
    Remove {
        /// Name
        name: String,
        /// Tenant; may be left out if there is only one
        #[arg(long, value_name = "TENANT")]
        tenant: Option<TenantId>,
    },
}

/// How a token begins, so that scanners for lost secrets can find it.
const TOKEN_PREFIX: &str = "vstp_";

impl StaffCommand {
    pub(super) fn run(self, desk: &Desk) -> Result<(), Problem> {
        match self {
            Self::Add { name, tenant, role } => {
                let name = checked_name(&name)?;
                let tenant = desk.tenant(tenant.as_ref())?.id;
                let token = format!("{TOKEN_PREFIX}{}", base32::encode(&desk.world.random::<32>()?));
                desk.write(|tx| {
                    staff::add(tx, tenant, name, role, &token)?;
                    let details = serde_json::json!({ "name": name, "role": role }).to_string();
                    audit::write(tx, Some(tenant), "operator", "add", "staff", None, &details)
                })?;
                let words =
                    format!("Token {token}\nIt is shown only now, and ends after 30 days without use.");
                desk.output.answer(&serde_json::json!({ "token": token }), &words);
            }
            Self::List { tenant } => {
                let tenant = desk.tenant(tenant.as_ref())?.id;
                let staff = desk.read(|db| staff::list(db, tenant))?;
                let mut text = String::new();
                for one in &staff {
                    let _ = writeln!(text, "{}  {}  last used {}", one.name, one.role, date(one.last_used));
                }
                let rows: Vec<_> = staff
                    .iter()
                    .map(|one| {
                        serde_json::json!({
                            "name": one.name, "role": one.role, "created": one.created, "last_used": one.last_used,
                            "expires": one.last_used + staff::IDLE_SECONDS,
                        })
                    })
                    .collect();
                desk.output.answer(&serde_json::json!({ "staff": rows }), &text);
            }
            Self::Remove { name, tenant } => {
                let tenant = desk.tenant(tenant.as_ref())?.id;
                desk.write(|tx| {
                    staff::remove(tx, tenant, &name)?;
                    audit::write(tx, Some(tenant), "operator", "remove", "staff", None, "{}")
                })?;
                desk.output.answer(&serde_json::json!({ "removed": name }), "Removed.");
            }
        }
        Ok(())
    }
}
