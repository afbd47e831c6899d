//! `tenant`: the root key is made here, signs the statement, and is written to a file of its own; the portal never keeps it (R2).

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use ed25519_dalek::SigningKey;
use serde::Serialize;
use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::id::TenantId;
use vestibule_protocol::problem::Problem;
use vestibule_protocol::statement::{LIFETIME_SECONDS, Statement};
use vestibule_protocol::words;

use super::{Desk, checked_name};
use crate::data::write_private;
use crate::store::audit;
use crate::store::tenants::{self, Tenant};
use crate::when::date;
use crate::{origin, problem};

#[derive(Debug, Subcommand)]
pub(super) enum TenantCommand {
    /// Make a tenant: its root key goes to a file, which you keep away from the portal
    Create {
        /// Name that owners see when they pair
        name: String,
        /// File for the root key; default ./t_….root.key
        #[arg(long, value_name = "FILE")]
        root_key: Option<PathBuf>,
        /// Origin of the portal, if it has not been started yet
        #[arg(long, value_name = "URL")]
        origin: Option<String>,
    },
    /// Sign the statement anew: for another year, or another origin
    Renew {
        /// Tenant
        #[arg(long, value_name = "TENANT")]
        tenant: Option<TenantId>,
        /// File with the root key
        #[arg(long, value_name = "FILE")]
        root_key: PathBuf,
        /// Origin of the portal; default: the recorded one
        #[arg(long, value_name = "URL")]
        origin: Option<String>,
    },
    /// Show a tenant with the words by which owners recognise it
    Show {
        /// Tenant; may be left out if there is only one
        #[arg(long, value_name = "TENANT")]
        tenant: Option<TenantId>,
    },
    /// List all tenants
    List,
}

#[derive(Serialize)]
struct Created {
    tenant: TenantId,
    root_key_file: PathBuf,
}

#[derive(Serialize)]
struct Shown {
    tenant: TenantId,
    name: String,
    words: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<u64>,
}

impl TenantCommand {
    pub(super) fn run(self, desk: &Desk) -> Result<(), Problem> {
        match self {
            Self::Create { name, root_key, origin } => create(desk, &name, root_key, origin.as_deref()),
            Self::Renew { tenant, root_key, origin } => {
                renew(desk, tenant.as_ref(), &root_key, origin.as_deref())
            }
            Self::Show { tenant } => {
                let tenant = shown(desk.tenant(tenant.as_ref())?);
                desk.output.answer(&tenant, &in_words(&tenant));
                Ok(())
            }
            Self::List => {
                let tenants: Vec<Shown> = desk.read(tenants::list)?.into_iter().map(shown).collect();
                let mut text = String::new();
                for tenant in &tenants {
                    let _ = writeln!(text, "{}  {}", tenant.tenant, tenant.name);
                }
                desk.output.answer(&serde_json::json!({ "tenants": tenants }), &text);
                Ok(())
            }
        }
    }
}

fn create(desk: &Desk, name: &str, file: Option<PathBuf>, origin: Option<&str>) -> Result<(), Problem> {
    let name = checked_name(name)?;
    let origin = origin_for(desk, origin)?;
    let root = SigningKey::from_bytes(&desk.world.random::<32>()?);
    let tenant = TenantId::of_root_key(root.verifying_key().as_bytes());
    let file = file.unwrap_or_else(|| PathBuf::from(format!("./{tenant}.root.key")));
    if lies_in(&file, &desk.data.folder) {
        return Err(problem::root_key_in_data());
    }
    if file.exists() {
        return Err(problem::root_key_exists());
    }
    let portal_key = desk.data.signing_key(&desk.world)?;
    let statement = sign(desk, name, &origin, &portal_key, &root)?;
    write_private(&file, &Fixed(root.to_bytes()).to_string()).map_err(|error| {
        let exists = error.kind() == std::io::ErrorKind::AlreadyExists;
        if exists { problem::root_key_exists() } else { problem::root_key_unusable() }
    })?;
    desk.write(|tx| {
        if tenants::setting(tx.db, origin::SETTING)?.is_none() {
            tenants::set(tx, origin::SETTING, &origin)?;
            tenants::set(tx, origin::GIVEN, "yes")?;
        }
        tenants::put(tx, &tenant, name, &statement)?;
        let row = tenants::get(tx.db, &tenant)?.id;
        audit::write(tx, Some(row), "operator", "create", "tenant", None, "{}")
    })?;
    let words = format!(
        "Tenant {tenant}\nRoot key {}\nKeep the root key away from the portal; without it the statement cannot be renewed.\nWords    {}",
        file.display(),
        words::of(&tenant).join(" ")
    );
    desk.output.answer(&Created { tenant, root_key_file: file }, &words);
    Ok(())
}

fn renew(desk: &Desk, id: Option<&TenantId>, file: &Path, origin: Option<&str>) -> Result<(), Problem> {
    let tenant = desk.tenant(id)?;
    let origin = origin_for(desk, origin)?;
    let text = std::fs::read_to_string(file).map_err(|_| problem::root_key_unusable())?;
    let seed = Fixed::<32>::parse(text.trim()).ok_or_else(problem::root_key_unusable)?;
    let root = SigningKey::from_bytes(&seed.0);
    if TenantId::of_root_key(root.verifying_key().as_bytes()) != tenant.tenant {
        return Err(problem::root_key_other());
    }
    let portal_key = desk.data.signing_key(&desk.world)?;
    let statement = sign(desk, &tenant.name, &origin, &portal_key, &root)?;
    desk.write(|tx| {
        tenants::put(tx, &tenant.tenant, &tenant.name, &statement)?;
        audit::write(tx, Some(tenant.id), "operator", "renew", "tenant", None, "{}")
    })?;
    let tenant = shown(desk.tenant(Some(&tenant.tenant))?);
    desk.output.answer(&tenant, &in_words(&tenant));
    Ok(())
}

fn origin_for(desk: &Desk, given: Option<&str>) -> Result<String, Problem> {
    match given {
        Some(given) => origin::read(given),
        None => desk.read(|db| tenants::setting(db, origin::SETTING))?.ok_or_else(problem::origin_unknown),
    }
}

fn sign(
    desk: &Desk,
    name: &str,
    origin: &str,
    portal_key: &SigningKey,
    root: &SigningKey,
) -> Result<vestibule_protocol::dsse::Envelope, Problem> {
    let issued = desk.world.now();
    Statement {
        name: name.to_owned(),
        origin: origin.to_owned(),
        portal_key: Fixed(*portal_key.verifying_key().as_bytes()),
        root_key: Fixed(*root.verifying_key().as_bytes()),
        issued,
        expires: issued + LIFETIME_SECONDS,
    }
    .sign(root)
    .map_err(|_| problem::root_key_unusable())
}

/// Whether a file, existing or not, would lie under a folder.
fn lies_in(file: &Path, folder: &Path) -> bool {
    let parent = match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    match (parent.canonicalize(), folder.canonicalize()) {
        (Ok(parent), Ok(folder)) => parent.starts_with(folder),
        // A folder that is not there cannot hold the data, and writing into it fails anyway.
        _ => false,
    }
}

pub(super) fn statement(tenant: &Tenant) -> Option<Statement> {
    serde_json::from_slice(&tenant.statement.unverified_payload().ok()?).ok()
}

fn shown(tenant: Tenant) -> Shown {
    let statement = statement(&tenant);
    Shown {
        tenant: tenant.tenant,
        words: words::of(&tenant.tenant).join(" "),
        name: tenant.name,
        expires: statement.as_ref().map(|statement| statement.expires),
        origin: statement.map(|statement| statement.origin),
    }
}

fn in_words(tenant: &Shown) -> String {
    let mut text = format!("{}\nTenant  {}\nWords   {}\n", tenant.name, tenant.tenant, tenant.words);
    if let (Some(origin), Some(expires)) = (&tenant.origin, tenant.expires) {
        let _ = writeln!(text, "Origin  {origin}\nExpires {}", date(expires));
    }
    text
}
