//! `deployment new`: files and what the portal knows become an unsigned deployment.

use std::path::PathBuf;

use clap::Args;
use serde::{Deserialize, Serialize};
use vestibule_protocol::charter::Charter;
use vestibule_protocol::deployment::{self, Deployment, DeploymentId};
use vestibule_protocol::dsse::Envelope;
use vestibule_protocol::id::{Fingerprint, TenantId};
use vestibule_protocol::problem::Problem;

use super::pieces::Pieces;
use crate::author::design::Piece;
use crate::author::earlier::{Bases, Earlier, has_taken_effect};
use crate::author::held::Held;
use crate::author::{files, shown};
use crate::cli::output::Output;
use crate::cli::portal::PortalArgs;
use crate::client::Client;
use crate::problem::authoring as problem;
use crate::world::World;

const DAY: u64 = 24 * 3600;

/// Earlier deployments to one home that are looked at for bases, from the newest.
const EARLIER: usize = 50;

#[derive(Debug, Args)]
pub(in crate::cli) struct New {
    /// Home that it is for
    #[arg(long, value_name = "FINGERPRINT")]
    instance: Fingerprint,
    /// What it is called, for the owner
    #[arg(long, value_name = "TEXT")]
    title: String,
    /// What it is for, for the owner
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    summary: String,
    /// Who made it; that person's approval does not count
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    author: String,
    /// For how many days it may be applied
    #[arg(long, value_name = "D", default_value_t = 14, value_parser = clap::value_parser!(u32).range(1..=30))]
    days: u32,
    /// Place in the order of this home's deployments; default: the time in milliseconds
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=i64::MAX as u64))]
    sequence: Option<u64>,
    /// Tenant; default: the one whose charter the portal has
    #[arg(long, value_name = "TENANT")]
    tenant: Option<TenantId>,
    /// File for the deployment
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    pieces: Pieces,
    #[command(flatten)]
    portal: PortalArgs,
}

#[derive(Serialize)]
struct Made {
    file: PathBuf,
    #[serde(flatten)]
    shown: shown::Shown,
}

#[derive(Deserialize)]
struct Listed {
    deployments: Vec<ListedOne>,
}

#[derive(Deserialize)]
struct ListedOne {
    id: DeploymentId,
    instance: Fingerprint,
    state: String,
    sequence: u64,
}

#[derive(Deserialize)]
struct Charters {
    charters: Vec<Enveloped>,
}

#[derive(Deserialize)]
struct Enveloped {
    envelope: Envelope,
}

impl New {
    pub(super) fn run(self, output: &Output) -> Result<(), Problem> {
        let world = World::real();
        let portal = self.portal.named()?;
        let pieces = self.pieces.read()?;
        if pieces.is_empty() {
            return Err(problem::nothing_to_deploy());
        }
        let tenant = match (self.tenant, &portal) {
            (Some(tenant), _) => tenant,
            (None, Some(portal)) => tenant_of(portal)?,
            (None, None) => return Err(problem::tenant_needed()),
        };
        let bases = match &portal {
            Some(portal) => bases(portal, self.instance, &pieces)?,
            None => Bases::default(),
        };
        let items = pieces.into_iter().map(|piece| piece.item(&self.title, &bases));
        let items = items.collect::<Result<_, _>>()?;
        let now_ms = jiff::Timestamp::now().as_millisecond().max(1).unsigned_abs();
        let now = now_ms / 1000;
        let deployment = Deployment {
            id: DeploymentId::new(now_ms, world.random()?),
            tenant,
            target: self.instance,
            sequence: self.sequence.unwrap_or(now_ms),
            issued: now,
            not_before: now,
            expires: now + u64::from(self.days) * DAY,
            title: self.title,
            summary: self.summary,
            author: self.author,
            items,
        };
        let envelope = deployment.unsigned().map_err(|_| problem::envelope_unreadable())?;
        // Whatever a home would refuse to read is refused here, before it is written.
        deployment::read(&envelope).map_err(|unfit| problem::deployment_unfit(&unfit))?;
        files::write_envelope(&self.out, &envelope)?;
        let (_, shown) = shown::deployment(&envelope)?;
        let words = format!("{}\nWritten to {}. Nobody has signed it.", shown.words(), self.out.display());
        output.answer(&Made { file: self.out, shown }, &words);
        Ok(())
    }
}

/// Whose portal this is to the holder of the token.
fn tenant_of(portal: &Client) -> Result<TenantId, Problem> {
    let Charters { charters } = portal.get("/v1/charters")?;
    let newest = charters.last().ok_or_else(problem::tenant_needed)?;
    let payload = newest.envelope.unverified_payload().map_err(|_| problem::portal_confused())?;
    let charter: Charter = serde_json::from_slice(&payload).map_err(|_| problem::portal_confused())?;
    Ok(charter.tenant)
}

/// What the portal knows of bases, as far as these pieces need it: every reading of a snapshot is shown to the owner.
fn bases(portal: &Client, home: Fingerprint, pieces: &[Piece]) -> Result<Bases, Problem> {
    if pieces.iter().all(|piece| piece.base.is_some()) {
        return Ok(Bases::default());
    }
    let mut bases = earlier(portal, home)?;
    if pieces.iter().any(|piece| piece.base.is_none() && piece.existing(&bases)) {
        bases.learn_held(&held(portal, home)?);
    }
    Ok(bases)
}

/// What earlier deployments say.
pub(super) fn earlier(portal: &Client, home: Fingerprint) -> Result<Bases, Problem> {
    let Listed { mut deployments } = portal.get(&format!("/v1/deployments?instance={home}"))?;
    deployments.retain(|one| one.instance == home && has_taken_effect(&one.state));
    deployments.sort_by_key(|one| one.sequence);
    let mut bases = Bases::default();
    for one in deployments.iter().skip(deployments.len().saturating_sub(EARLIER)) {
        let earlier: Earlier = portal.get(&format!("/v1/deployments/{}", one.id))?;
        bases.learn(&earlier);
    }
    Ok(bases)
}

/// The snapshot.
pub(super) fn held(portal: &Client, home: Fingerprint) -> Result<Held, Problem> {
    Held::read(&portal.text(&format!("/v1/instances/{home}/snapshot"))?)
}
