//! `invite`: one-time codes, valid for a day.

use std::fmt::Write as _;

use clap::Subcommand;
use vestibule_protocol::id::TenantId;
use vestibule_protocol::invite::Invite;
use vestibule_protocol::problem::Problem;
use vestibule_protocol::words;

use super::tenant::statement;
use super::{Desk, checked_name};
use crate::store::{audit, invites, tenants};
use crate::when::date;
use crate::{origin, problem};

#[derive(Debug, Subcommand)]
pub(super) enum InviteCommand {
    /// Make a code for one home
    Create {
        /// Tenant; may be left out if there is only one
        #[arg(long, value_name = "TENANT")]
        tenant: Option<TenantId>,
        /// Label that stays at the portal beside the home, such as "unit 12"
        #[arg(long, value_name = "TEXT")]
        label: Option<String>,
        /// Origin that the code carries; default: the recorded one
        #[arg(long, value_name = "URL")]
        portal: Option<String>,
    },
    /// List codes with their labels; not the codes themselves
    List {
        /// Tenant; may be left out if there is only one
        #[arg(long, value_name = "TENANT")]
        tenant: Option<TenantId>,
    },
}

impl InviteCommand {
    pub(super) fn run(self, desk: &Desk) -> Result<(), Problem> {
        match self {
            Self::Create { tenant, label, portal } => create(desk, tenant.as_ref(), label, portal),
            Self::List { tenant } => list(desk, tenant.as_ref()),
        }
    }
}

fn create(
    desk: &Desk,
    tenant: Option<&TenantId>,
    label: Option<String>,
    portal: Option<String>,
) -> Result<(), Problem> {
    let tenant = desk.tenant(tenant)?;
    let label = label.as_deref().map(checked_name).transpose()?;
    let origin = match portal {
        Some(portal) => origin::read(&portal)?,
        None => desk.read(|db| tenants::setting(db, origin::SETTING))?.ok_or_else(problem::origin_unknown)?,
    };
    let statement = statement(&tenant).ok_or_else(problem::statement_expired)?;
    if statement.origin != origin {
        return Err(problem::origin_differs());
    }
    if statement.expires <= desk.world.now() {
        return Err(problem::statement_expired());
    }
    let secret = desk.world.random::<16>()?;
    let expires = desk.write(|tx| {
        let expires = invites::add(tx, tenant.id, &secret, label)?;
        audit::write(tx, Some(tenant.id), "operator", "create", "invite", None, "{}")?;
        Ok(expires)
    })?;
    let code = Invite { secret, tenant: tenant.tenant, origin }.code();
    let words = words::of(&tenant.tenant).join(" ");
    let text = format!(
        "Code    {code}\nWords   {words}\nFor one home, until {}. The owner should see these words; give them separately.",
        date(expires)
    );
    desk.output.answer(&serde_json::json!({ "code": code, "words": words, "expires": expires }), &text);
    Ok(())
}

fn list(desk: &Desk, tenant: Option<&TenantId>) -> Result<(), Problem> {
    let tenant = desk.tenant(tenant)?;
    let (invites, now) = (desk.read(|db| invites::list(db, tenant.id))?, desk.world.now());
    let mut text = String::new();
    let mut rows = Vec::new();
    for invite in invites {
        let state = match invite.used {
            Some(_) => "used",
            None if invite.expires <= now => "expired",
            None => "open",
        };
        let label = invite.label.as_deref().unwrap_or("-");
        let _ = writeln!(text, "{}  {state}  until {}  {label}", invite.id, date(invite.expires));
        rows.push(serde_json::json!({
            "id": invite.id, "state": state, "label": invite.label, "created": invite.created,
            "expires": invite.expires, "used": invite.used,
        }));
    }
    desk.output.answer(&serde_json::json!({ "invites": rows }), &text);
    Ok(())
}
