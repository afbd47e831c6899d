//! `deployment`: made by an author, checked, signed by approvers where their keys are, handed to a portal, followed there.

mod check;
mod follow;
mod new;
mod pieces;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;
use ed25519_dalek::SigningKey;
use vestibule_protocol::deployment::DeploymentId;
use vestibule_protocol::id::Fingerprint;
use vestibule_protocol::problem::Problem;

use super::output::Output;
use super::portal::PortalArgs;
use crate::author::{files, shown};
use crate::keyfile::{KeyFile, passphrase};
use crate::problem::authoring as problem;

#[derive(Debug, Subcommand)]
pub(super) enum DeploymentCommand {
    /// Put a deployment together; nobody has signed it yet
    New(Box<new::New>),
    /// Say what of a deployment would be refused at home
    Check(check::Check),
    /// Show what would be signed, ask, and add a signature; needs no portal
    Sign {
        /// Deployment; the signature is added to it
        file: PathBuf,
        /// Key file of the approver
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// Sign without asking
        #[arg(long)]
        yes: bool,
    },
    /// Hand a deployment to the portal, which passes it to the home
    Submit {
        /// Deployment
        file: PathBuf,
        #[command(flatten)]
        portal: PortalArgs,
    },
    /// List the deployments that the portal has
    List {
        /// Of this home only
        #[arg(long, value_name = "FINGERPRINT")]
        instance: Option<Fingerprint>,
        #[command(flatten)]
        portal: PortalArgs,
    },
    /// Show a deployment: how it stands at the portal, or what a file holds
    Show {
        /// Id at the portal, or a file
        #[arg(value_name = "ID|FILE")]
        what: String,
        /// Of a file, print the content or module of this item (from 1), as it is signed
        #[arg(long, value_name = "N")]
        item: Option<usize>,
        #[command(flatten)]
        portal: PortalArgs,
    },
    /// Take a deployment back before the owner has decided
    Withdraw {
        /// Id
        id: DeploymentId,
        #[command(flatten)]
        portal: PortalArgs,
    },
}

impl DeploymentCommand {
    /// Runs it; a check that finds errors has answered, and fails all the same.
    pub(super) fn run(self, output: &Output) -> Result<ExitCode, Problem> {
        match self {
            Self::Check(check) => return check.run(output),
            Self::New(new) => new.run(output),
            Self::Sign { file, key, yes } => sign(&file, &key, yes, output),
            Self::Submit { file, portal } => follow::submit(&file, &portal.needed()?, output),
            Self::List { instance, portal } => follow::list(instance, &portal.needed()?, output),
            Self::Show { what, item, portal } => match (what.parse(), item) {
                (Ok(id), _) => follow::show(id, &portal.needed()?, output),
                (Err(_), None) => {
                    let (_, shown) = shown::deployment(&files::envelope(Path::new(&what))?)?;
                    output.answer(&shown, &shown.words());
                    Ok(())
                }
                (Err(_), Some(item)) => {
                    let (deployment, _) = shown::deployment(&files::envelope(Path::new(&what))?)?;
                    let item = item.checked_sub(1).and_then(|at| deployment.items.get(at));
                    let text = item.and_then(shown::text).ok_or_else(problem::no_such_item)?;
                    output.answer(&serde_json::json!({ "text": text }), text);
                    Ok(())
                }
            },
            Self::Withdraw { id, portal } => follow::withdraw(id, &portal.needed()?, output),
        }
        .map(|()| ExitCode::SUCCESS)
    }
}

/// R35: what is shown, and agreed to, is read from the bytes that are then signed.
fn sign(file: &Path, key: &Path, yes: bool, output: &Output) -> Result<(), Problem> {
    let mut envelope = files::envelope(file)?;
    let (deployment, shown) = shown::deployment(&envelope)?;
    output.note(&shown.words());
    let key_file = KeyFile::read(key)?;
    let person = key_file.person().map(str::to_owned);
    if person.as_deref() == Some(deployment.author.as_str()) {
        output.note("You are its author: homes do not count your approval.");
    }
    if !yes && !output.agrees("Sign this?") {
        return Err(problem::not_signed());
    }
    let key: SigningKey = key_file.unlock(|| passphrase::known(key))?;
    envelope.add_signature(&key).map_err(|_| problem::envelope_unreadable())?;
    files::replace_envelope(file, &envelope)?;
    let answer = serde_json::json!({
        "file": file, "id": deployment.id, "target": deployment.target, "digest": shown.digest,
        "person": person, "signatures": envelope.signatures.len(), "abilities": shown.abilities,
    });
    output.answer(&answer, &format!("Signed. Signatures: {}", envelope.signatures.len()));
    Ok(())
}
