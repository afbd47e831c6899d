//! From received bytes to a deployment that may be believed: the order of trust (R31), fixed, each step with its refusal.

use std::collections::{BTreeMap, BTreeSet};

use vestibule_protocol::charter::Charter;
use vestibule_protocol::consent::{Change, Policy};
use vestibule_protocol::deployment::{self, Deployment, NotApproved, Unfit};
use vestibule_protocol::dsse::Envelope;
use vestibule_protocol::id::{Fingerprint, TenantId};
use vestibule_protocol::limits;

use super::refusal::{Disposition, Refusal};

/// What a portal sent, believed in nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received(Envelope);

/// What the home knows when it decides whom to believe.
#[derive(Debug, Clone, Copy)]
pub struct Trust<'a> {
    /// The pinned charter; without one nothing is believed.
    pub charter: Option<&'a Charter>,
    /// Keys that the owner has blocked; whoever has one of them is blocked with all of theirs (R33).
    pub blocked: &'a BTreeSet<[u8; 32]>,
    /// With whom the home is paired.
    pub tenant: TenantId,
    /// Who the home is to this tenant.
    pub fingerprint: Fingerprint,
    /// Unix time in seconds, by the home's clock.
    pub now: u64,
    /// The latest `issued` among signed documents that were believed (R34), in Unix seconds; the pinned charter's need not be in it.
    pub clock_floor: u64,
    /// The highest sequence that was ever believed (R32).
    pub last_sequence: u64,
    /// The home was restored or cloned, and the owner has not confirmed it yet (R6).
    pub held: bool,
    /// What the owner allows; what is not in it is never allowed.
    pub changes: &'a BTreeMap<Change, Policy>,
    /// Deployments that wait already (R32).
    pub pending: usize,
}

/// A deployment that enough people have approved, for this home, for now, and of kinds that the owner allows.
///
/// Whoever gets one consumes its sequence durably ([`Self::deployment`]'s `sequence`) and raises the clock floor ([`Self::floor`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    deployment: Deployment,
    persons: Vec<String>,
    trusted: bool,
    floor: u64,
}

impl Received {
    /// Takes in what a portal sent.
    #[must_use]
    pub const fn new(envelope: Envelope) -> Self {
        Self(envelope)
    }

    /// Decides whether to believe it.
    ///
    /// # Errors
    /// The first step of R31 that it fails. Nothing is consumed then.
    pub fn verify(self, trust: &Trust<'_>) -> Result<Verified, Refusal> {
        let verified = self.believed(trust)?;
        // R32: each number once, and only ever a higher one.
        if verified.deployment.sequence <= trust.last_sequence {
            return Err(Refusal::new("superseded", Disposition::Superseded));
        }
        if trust.pending >= limits::PENDING {
            return Err(Refusal::refused("too_many_pending"));
        }
        verified.allowed(trust)
    }

    /// The same for one whose sequence this home has consumed already: what waits is believed anew before it is carried out, so
    /// that an approver who has been removed or blocked meanwhile, or a grant that was withdrawn, counts.
    ///
    /// # Errors
    /// As [`Self::verify`], without `superseded` and `too_many_pending`.
    pub fn verify_again(self, trust: &Trust<'_>) -> Result<Verified, Refusal> {
        self.believed(trust)?.allowed(trust)
    }

    /// The same for one that is in place and is planned again, because things have other ids or names at home today. Nothing new is
    /// proposed: the bytes come from the journal, where they were believed, and it takes the owner's yes whatever is trusted. So neither
    /// its time nor the charter's counts, nor who has left the charter since.
    ///
    /// # Errors
    /// `approver_blocked` where somebody has signed it whom the owner has blocked since (R33), `not_allowed` for a kind of change that the
    /// owner does not allow any more, and those about its form and whom it is for.
    pub fn verify_in_place(self, trust: &Trust<'_>) -> Result<Verified, Refusal> {
        let envelope = self.0;
        let signers = envelope.signers(&keys_of_blocked(trust));
        if !signers.map_err(|_| Refusal::refused("malformed_envelope"))?.is_empty() {
            return Err(Refusal::refused("approver_blocked"));
        }
        let deployment = deployment::read(&envelope).map_err(unfit)?;
        for_this_home(&deployment, trust)?;
        let verified = Verified { deployment, persons: Vec::new(), trusted: false, floor: trust.clock_floor };
        Ok(Verified { trusted: false, ..verified.allowed(trust)? })
    }

    /// All of R31 up to the sequence.
    fn believed(self, trust: &Trust<'_>) -> Result<Verified, Refusal> {
        let envelope = self.0;
        if envelope.payload.len() > limits::FRAME_INFLATED {
            return Err(Refusal::refused("oversized"));
        }
        let charter = trust.charter.ok_or(Refusal::refused("no_charter"))?;
        // Before any key is looked at, so that a broken envelope is told from an unsigned one.
        envelope.signers(&[]).map_err(|_| Refusal::refused("malformed_envelope"))?;
        // The clock can be behind what is known to have been signed; never ahead of it by that.
        let mut floor = trust.clock_floor.max(charter.issued);
        if charter.tenant != trust.tenant {
            return Err(Refusal::refused("no_charter"));
        }
        if !charter.is_valid(trust.now.max(floor)) {
            return Err(Refusal::refused("charter_expired"));
        }

        let persons = deployment::approvals(&envelope, charter).map_err(not_approved)?;
        let persons = without_blocked(persons, charter, trust.blocked)?;

        let deployment = deployment::read(&envelope).map_err(unfit)?;
        let persons = without_author(persons, charter, &deployment.author)?;

        for_this_home(&deployment, trust)?;

        // R34: it was signed after `issued`, so the time is at least that, whatever the clock says.
        floor = floor.max(deployment.issued);
        if deployment.expires <= trust.now.max(floor) {
            return Err(Refusal::new("expired", Disposition::Expired));
        }
        if trust.now < floor {
            return Err(Refusal::new("clock_wrong", Disposition::Hold { until: Some(floor) }));
        }
        if trust.now < deployment.not_before {
            let until = Some(deployment.not_before);
            return Err(Refusal::new("not_yet", Disposition::Hold { until }));
        }
        if trust.held {
            return Err(Refusal::new("restored_or_cloned", Disposition::Hold { until: None }));
        }
        let persons = persons.into_iter().map(str::to_owned).collect();
        Ok(Verified { deployment, persons, trusted: false, floor })
    }
}

impl Verified {
    /// What was approved.
    #[must_use]
    pub const fn deployment(&self) -> &Deployment {
        &self.deployment
    }

    /// Who approved it, without its author and without whom the owner has blocked; sorted. Of what is in place nobody is counted again.
    #[must_use]
    pub fn persons(&self) -> &[String] {
        &self.persons
    }

    /// Whether the owner wants all of it carried out unasked, if it only displays (R38): it holds nothing but dashboards, and those are
    /// on `trust`.
    #[must_use]
    pub const fn trusted(&self) -> bool {
        self.trusted
    }

    /// Unix seconds before which it cannot be, now that this was believed (R34).
    #[must_use]
    pub const fn floor(&self) -> u64 {
        self.floor
    }

    /// The same approval for texts that were part of it, put in the place of what they have become: see [`super::plan::again()`].
    pub(super) fn in_place_of(self, deployment: Deployment) -> Self {
        Self { deployment, trusted: false, ..self }
    }

    /// The grants: every kind of change in it must be allowed.
    fn allowed(mut self, trust: &Trust<'_>) -> Result<Self, Refusal> {
        let mut trusted = true;
        for (at, item) in self.deployment.items.iter().enumerate() {
            let change = item.change();
            let Some(policy) = trust.changes.get(&change) else {
                return Err(Refusal::refused("not_allowed").at(at).about(change.name()));
            };
            // R38: whatever stands there for cards and automations, they are asked for.
            trusted &= *policy == Policy::Trust && change == Change::Dashboards;
        }
        self.trusted = trusted;
        Ok(self)
    }
}

fn not_approved(error: NotApproved) -> Refusal {
    match error {
        NotApproved::Envelope(_) => Refusal::refused("malformed_envelope"),
        NotApproved::TooFew { have, need } => {
            Refusal::refused("too_few_approvals").about(format!("{have} of {need} persons"))
        }
    }
}

fn unfit(error: Unfit) -> Refusal {
    match error {
        Unfit::WrongType => Refusal::refused("wrong_payload_type"),
        Unfit::Unreadable(about) => Refusal::refused("unreadable").about(about),
        Unfit::OutOfBounds(about) => Refusal::refused("out_of_bounds").about(about),
    }
}

fn for_this_home(deployment: &Deployment, trust: &Trust<'_>) -> Result<(), Refusal> {
    if deployment.tenant != trust.tenant {
        return Err(Refusal::refused("other_tenant"));
    }
    if deployment.target != trust.fingerprint {
        return Err(Refusal::refused("other_home"));
    }
    Ok(())
}

/// Every key of everybody who is blocked, as far as the pinned charter knows whose keys they are.
fn keys_of_blocked(trust: &Trust<'_>) -> Vec<[u8; 32]> {
    let person = |key: &[u8; 32]| trust.charter.and_then(|charter| charter.person(key));
    let persons: BTreeSet<&str> = trust.blocked.iter().filter_map(person).collect();
    let approvers = trust.charter.map(|charter| &*charter.approvers).unwrap_or_default();
    let theirs = approvers.iter().filter(|approver| persons.contains(&*approver.person));
    theirs.map(|approver| approver.key.0).chain(trust.blocked.iter().copied()).collect()
}

/// R33: blocking a key blocks its person.
fn without_blocked<'a>(
    mut persons: BTreeSet<&'a str>,
    charter: &'a Charter,
    blocked: &BTreeSet<[u8; 32]>,
) -> Result<BTreeSet<&'a str>, Refusal> {
    for key in blocked {
        if let Some(person) = charter.person(key) {
            persons.remove(person);
        }
    }
    let need = charter.threshold as usize;
    if persons.len() < need {
        return Err(
            Refusal::refused("approver_blocked").about(format!("{} of {need} persons", persons.len()))
        );
    }
    Ok(persons)
}

/// R31: nobody approves their own work.
fn without_author<'a>(
    mut persons: BTreeSet<&'a str>,
    charter: &Charter,
    author: &str,
) -> Result<BTreeSet<&'a str>, Refusal> {
    persons.remove(author);
    let need = charter.threshold as usize;
    if persons.len() < need {
        let about = format!("{} of {need} persons, without the author", persons.len());
        return Err(Refusal::refused("too_few_approvals").about(about));
    }
    Ok(persons)
}

#[cfg(test)]
pub(super) mod tests;
