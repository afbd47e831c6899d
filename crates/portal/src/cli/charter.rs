//! `charter`: who may approve deployments for a tenant, and how many it takes (DESIGN section 8, R33).

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use ed25519_dalek::SigningKey;
use serde::Serialize;
use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::charter::{BadCharter, Charter};
use vestibule_protocol::dsse::Envelope;
use vestibule_protocol::id::TenantId;
use vestibule_protocol::problem::Problem;

use super::output::Output;
use super::portal::PortalArgs;
use crate::author::{files, shown};
use crate::keyfile::{self, KeyFile, passphrase};
use crate::problem::authoring as problem;
use crate::when::date;
use crate::world::World;

const DAY: u64 = 24 * 3600;

#[derive(Debug, Subcommand)]
pub(super) enum CharterCommand {
    /// Make a charter and sign it with a root key
    New(New),
    /// Add the signature of another root key
    Sign {
        /// Charter; the signature is added to it
        file: PathBuf,
        /// File with the root key
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
    },
    /// Show a charter, as it is signed
    Show {
        /// Charter
        file: PathBuf,
    },
    /// Hand a charter to the portal, which passes it to homes
    Submit {
        /// Charter
        file: PathBuf,
        #[command(flatten)]
        portal: PortalArgs,
    },
}

#[derive(Debug, Args)]
pub(super) struct New {
    /// Tenant
    #[arg(long, value_name = "TENANT")]
    tenant: TenantId,
    /// File with the root key that signs
    #[arg(long, value_name = "FILE")]
    root_key: PathBuf,
    /// Public keys of those who may approve; a person may have several
    #[arg(long, value_name = "FILE.pub", required = true, num_args = 1..)]
    approver: Vec<PathBuf>,
    /// How many different people a deployment takes
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    threshold: u32,
    /// For how many days it counts; as long can somebody be trusted whom a hacked portal keeps in office
    #[arg(long, value_name = "D", default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=180))]
    days: u32,
    /// Charter that this one replaces
    #[arg(long, value_name = "FILE")]
    previous: Option<PathBuf>,
    /// Public keys that may sign the next charter; default: those of the previous one, or the root key
    #[arg(long, value_name = "FILE.pub", num_args = 1..)]
    root: Vec<PathBuf>,
    /// How many of these it takes; default: as in the previous one, or one
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    root_threshold: Option<u32>,
    /// File for the charter
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

#[derive(Serialize)]
struct Made<'a> {
    file: &'a Path,
    tenant: TenantId,
    version: u32,
    expires: u64,
    complete: bool,
}

impl CharterCommand {
    pub(super) fn run(self, output: &Output) -> Result<(), Problem> {
        match self {
            Self::New(new) => new.run(output, World::real().now()),
            Self::Sign { file, key } => sign(&file, &key, output),
            Self::Show { file } => {
                let charter = shown::charter(&files::envelope(&file)?)?;
                output.answer(&charter, &charter.words());
                Ok(())
            }
            Self::Submit { file, portal } => {
                let envelope = files::envelope(&file)?;
                let charter = shown::charter(&envelope)?.charter;
                let body = serde_json::to_vec(&envelope).map_err(|_| problem::charter_unreadable())?;
                let answer: serde_json::Value = portal.needed()?.post("/v1/charters", body)?;
                let version = charter.version;
                let answer =
                    if answer.is_null() { serde_json::json!({ "version": version }) } else { answer };
                output.answer(&answer, &format!("The portal has version {version} and passes it to homes."));
                Ok(())
            }
        }
    }
}

impl New {
    fn run(self, output: &Output, now: u64) -> Result<(), Problem> {
        let root = KeyFile::read(&self.root_key)?.unlock(|| passphrase::known(&self.root_key))?;
        let root_public = Fixed(*root.verifying_key().as_bytes());
        let previous = self.previous.as_deref().map(|file| previous(file, &self.tenant)).transpose()?;
        let of_tenant = TenantId::of_root_key(&root_public.0) == self.tenant;
        let has_say = previous.as_ref().map_or(of_tenant, |charter| charter.roots.contains(&root_public));
        if !has_say {
            return Err(problem::root_key_no_say());
        }
        let mut roots = previous.as_ref().map_or_else(|| vec![root_public], |charter| charter.roots.clone());
        if !self.root.is_empty() {
            let given = self.root.iter().map(|file| Ok(keyfile::read_public(file)?.key));
            roots = given.collect::<Result<_, Problem>>()?;
        }
        let approvers =
            self.approver.iter().map(|file| keyfile::read_public(file)).collect::<Result<Vec<_>, _>>()?;
        let charter = Charter {
            tenant: self.tenant,
            version: previous.as_ref().map_or(1, |charter| charter.version.saturating_add(1)),
            issued: now,
            expires: now + u64::from(self.days) * DAY,
            roots,
            root_threshold: self
                .root_threshold
                .or_else(|| previous.as_ref().map(|charter| charter.root_threshold))
                .unwrap_or(1),
            approvers,
            threshold: self.threshold,
        };
        let envelope = charter.sign(&root).map_err(|_| problem::charter_unsound())?;
        let complete = is_complete(&charter, &envelope, previous.as_ref())?;
        files::write_envelope(&self.out, &envelope)?;
        let persons: BTreeSet<&str> =
            charter.approvers.iter().map(|approver| approver.person.as_str()).collect();
        let mut words = format!(
            "Charter {} of {}, until {}: {} of {} people approve.\n",
            charter.version,
            charter.tenant,
            date(charter.expires),
            charter.threshold,
            persons.len()
        );
        words.push_str(if complete {
            "It is complete. Hand it in with `charter submit`."
        } else {
            "It takes more signatures of root keys: add them with `charter sign`."
        });
        let Charter { tenant, version, expires, .. } = charter;
        output.answer(&Made { file: &self.out, tenant, version, expires, complete }, &words);
        Ok(())
    }
}

/// The charter to be replaced, which has to be sound as far as that can be told without those before it.
fn previous(file: &Path, tenant: &TenantId) -> Result<Charter, Problem> {
    let shown = shown::charter(&files::envelope(file)?)?;
    if shown.charter.tenant == *tenant && shown.complete {
        Ok(shown.charter)
    } else {
        Err(problem::charter_previous())
    }
}

/// Whether homes would take it as it is; a `Problem` if no signature could make them.
fn is_complete(charter: &Charter, envelope: &Envelope, previous: Option<&Charter>) -> Result<bool, Problem> {
    let read = match previous {
        None => Charter::first(envelope, &charter.tenant),
        Some(previous) => previous.next(envelope),
    };
    match read {
        Ok(_) => Ok(true),
        Err(BadCharter::TooFewSignatures) => Ok(false),
        Err(_) => Err(problem::charter_unsound()),
    }
}

fn sign(file: &Path, key: &Path, output: &Output) -> Result<(), Problem> {
    let mut envelope = files::envelope(file)?;
    let before = shown::charter(&envelope)?;
    output.note(&before.words());
    let key: SigningKey = KeyFile::read(key)?.unlock(|| passphrase::known(key))?;
    envelope.add_signature(&key).map_err(|_| problem::charter_unreadable())?;
    files::replace_envelope(file, &envelope)?;
    let after = shown::charter(&envelope)?;
    let words = if after.complete {
        "Signed; its own root keys are complete."
    } else {
        "Signed; more root keys have to sign."
    };
    output.answer(&after, words);
    Ok(())
}
