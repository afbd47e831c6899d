//! Handing in deployments and signatures: what the portal checks before a home is troubled with it. The payload is never changed.

use std::collections::BTreeSet;

use rusqlite::params;
use vestibule_protocol::charter::Charter;
use vestibule_protocol::deployment::{Deployment, approvals};
use vestibule_protocol::dsse::{Envelope, EnvelopeSignature};
use vestibule_protocol::limits;

use super::deployments::{self, Of, Row};
use super::homes::Instance;
use super::staff::Staff;
use super::{Stop, Tx, charters};
use crate::life::State;
use crate::problem;
use crate::role::Role;

/// Whose signature it is.
type Signer = [u8; 32];

/// Deployments of one home that may be in the hands of staff at the same time.
const OPEN: usize = 100;

/// The persons whose approval counts: those of the charter who have signed, but for the author (R31).
#[must_use]
pub fn approved_by(envelope: &Envelope, charter: &Charter, author: &str) -> BTreeSet<String> {
    let keys: Vec<[u8; 32]> = charter.approver_keys().collect();
    let signers = envelope.signers(&keys).unwrap_or_default();
    signers
        .iter()
        .filter_map(|key| charter.person(key))
        .filter(|one| *one != author)
        .map(str::to_owned)
        .collect()
}

/// How many persons are still missing.
#[must_use]
pub fn missing(envelope: &Envelope, charter: &Charter, author: &str) -> usize {
    (charter.threshold as usize).saturating_sub(approved_by(envelope, charter, author).len())
}

/// Whether a home that has this charter would find it approved.
fn is_approved(envelope: &Envelope, charter: &Charter, author: &str) -> bool {
    approvals(envelope, charter).is_ok() && missing(envelope, charter, author) == 0
}

/// Takes a new deployment, or more signatures for one that is here.
///
/// # Errors
/// [`Stop::Forbidden`] when the person's role does not reach; a `Problem` for everything that the home would refuse anyway.
pub fn submit(
    tx: &Tx<'_>,
    staff: &Staff,
    actor: &str,
    home: &Instance,
    envelope: &Envelope,
    deployment: &Deployment,
) -> Result<Row, Stop> {
    if deployment.tenant != charters::tenant_id(tx.db, staff.tenant)? || deployment.target != home.fingerprint
    {
        return Err(problem::deployment_elsewhere().into());
    }
    if tx.now() >= deployment.expires {
        return Err(problem::deployment_expired().into());
    }
    let charter = charters::current(tx.db, staff.tenant)?.ok_or_else(problem::no_charter)?;
    if !charter.is_valid(tx.now()) {
        return Err(problem::charter_expired().into());
    }
    let signed = fitting(envelope, &charter)?;
    if signed.is_empty() && !envelope.signatures.is_empty() {
        return Err(problem::signatures_unknown().into());
    }
    let row = deployments::find(tx.db, staff.tenant, &deployment.id)?;
    let mut merged = Envelope { signatures: Vec::new(), ..envelope.clone() };
    let mut signers = BTreeSet::new();
    if let Some(row) = &row {
        let known = deployments::envelope(tx.db, row.id)?;
        if known.unverified_payload().ok() != envelope.unverified_payload().ok() {
            return Err(problem::deployment_differs().into());
        }
        merged.payload.clone_from(&known.payload);
        add(&mut merged, &mut signers, fitting(&known, &charter)?);
    }
    let adds = add(&mut merged, &mut signers, signed) && row.is_some();
    if merged.signatures.len() > limits::SIGNATURES {
        return Err(problem::too_many_signatures().into());
    }
    let approved = is_approved(&merged, &charter, &deployment.author);
    let in_hand = row.as_ref().is_none_or(|row| matches!(row.state, State::Draft | State::Submitted));
    let row = match row {
        // The same again: told again, not done again.
        Some(row) if !(adds || in_hand && approved) => return Ok(row),
        row => row,
    };
    // R46: who is not an approver drafts; signatures that decide something are handed in by approvers.
    if (adds || approved) && staff.role < Role::Approver {
        return Err(Stop::Forbidden);
    }
    let mut row = match row {
        Some(row) if in_hand => row,
        Some(row) => return Err(problem::deployment_over(row.state).into()),
        None => insert(tx, staff, actor, home, &merged, deployment)?,
    };
    if adds {
        let text = serde_json::to_string(&merged).map_err(|_| Stop::NotStored)?;
        tx.db.execute("UPDATE deployment SET envelope = ?2 WHERE id = ?1", params![row.id, text])?;
        deployments::act(tx, &row, actor, "sign")?;
    }
    let signed_by_somebody = !approved_by(&merged, &charter, &deployment.author).is_empty();
    if approved {
        deployments::enter(tx, &mut row, State::Approved, None, actor, "approve")?;
        if !home.consent.restricted {
            deployments::enter(tx, &mut row, State::Queued, None, "portal", "queue")?;
        }
    } else if signed_by_somebody && row.state == State::Draft {
        deployments::enter(tx, &mut row, State::Submitted, None, actor, "submit")?;
    }
    Ok(row)
}

/// The signatures by keys of the charter, each with its key.
fn fitting(envelope: &Envelope, charter: &Charter) -> Result<Vec<(Signer, EnvelopeSignature)>, Stop> {
    if envelope.signatures.len() > limits::SIGNATURES {
        return Err(problem::too_many_signatures().into());
    }
    let keys: Vec<Signer> = charter.approver_keys().collect();
    let signer = |one: &EnvelopeSignature| {
        let alone = Envelope { signatures: vec![one.clone()], ..envelope.clone() };
        Some((alone.signers(&keys).ok()?.pop()?, one.clone()))
    };
    Ok(envelope.signatures.iter().filter_map(signer).collect())
}

/// Adds one signature for each key that has none yet; whether there was any.
fn add(
    envelope: &mut Envelope,
    signers: &mut BTreeSet<Signer>,
    signed: Vec<(Signer, EnvelopeSignature)>,
) -> bool {
    let before = envelope.signatures.len();
    let fresh = signed.into_iter().filter(|(signer, _)| signers.insert(*signer));
    envelope.signatures.extend(fresh.map(|(_, signature)| signature));
    envelope.signatures.len() > before
}

fn insert(
    tx: &Tx<'_>,
    staff: &Staff,
    actor: &str,
    home: &Instance,
    envelope: &Envelope,
    deployment: &Deployment,
) -> Result<Row, Stop> {
    let floor: u64 =
        tx.db.query_row("SELECT sequence FROM home WHERE id = ?1", [home.id], |row| row.get(0))?;
    if deployment.sequence <= floor {
        return Err(problem::sequence_passed().into());
    }
    let taken = tx
        .db
        .prepare_cached("SELECT 1 FROM deployment WHERE home = ?1 AND sequence = ?2")?
        .exists(params![home.id, deployment.sequence])?;
    if taken {
        return Err(problem::sequence_taken().into());
    }
    if deployments::in_states(tx.db, Of::Home(home.id), State::is_open)?.len() >= OPEN {
        return Err(problem::too_many_deployments().into());
    }
    let text = serde_json::to_string(envelope).map_err(|_| Stop::NotStored)?;
    tx.db.execute(
        "INSERT INTO deployment (tenant, home, deployment, sequence, expires, title, author, state, envelope, submitted,
                                 created, changed)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?11)",
        params![
            staff.tenant,
            home.id,
            deployment.id.0,
            deployment.sequence,
            deployment.expires,
            deployment.title,
            deployment.author,
            State::Draft.name(),
            text,
            actor,
            tx.now()
        ],
    )?;
    let mut row = deployments::get(tx.db, staff.tenant, &deployment.id)?;
    deployments::enter(tx, &mut row, State::Draft, None, actor, "draft")?;
    Ok(row)
}

/// Under a new charter: what has not been handed out and is no longer approved waits for signatures again. Nothing becomes approved by
/// it; somebody has to hand in a signature.
pub(super) fn approve_anew(tx: &Tx<'_>, tenant: i64, charter: &Charter) -> Result<(), Stop> {
    let approved = |state| matches!(state, State::Approved | State::Queued);
    for mut row in deployments::in_states(tx.db, Of::Tenant(tenant), approved)? {
        if !is_approved(&deployments::envelope(tx.db, row.id)?, charter, &row.author) {
            deployments::enter(tx, &mut row, State::Submitted, Some("charter_changed"), "portal", "demote")?;
        }
    }
    Ok(())
}
