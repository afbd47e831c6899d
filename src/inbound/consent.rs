//! The owner's yes, and that it is still for what is about to happen (R36, R38).

use vestibule_protocol::bytes::Fixed;

use super::deployment::Verified;
use super::plan::Plan;
use super::refusal::{Disposition, Refusal};

/// To what the owner has said yes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Yes {
    /// To the plan with this hash.
    Plan(Fixed<32>),
    /// Beforehand, to everything that only displays.
    Trust,
}

/// A verified deployment with the owner's yes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consented {
    verified: Verified,
    yes: Yes,
}

/// A deployment that may be carried out now, exactly as planned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    verified: Verified,
    plan: Plan,
}

impl Verified {
    /// The owner has said yes to this.
    #[must_use]
    pub const fn consented(self, yes: Yes) -> Consented {
        Consented { verified: self, yes }
    }
}

impl Consented {
    /// What was approved by the company's people.
    #[must_use]
    pub const fn verified(&self) -> &Verified {
        &self.verified
    }

    /// Compares the yes with a plan that was made just now.
    ///
    /// # Errors
    /// `remote_host` while the plan has hosts that are not allowed, `plan_changed` when the yes was to another plan, `owner_wanted` when
    /// there was no yes and the plan does more than display. In the last two cases the deployment waits for the owner.
    pub fn planned(self, plan: Plan) -> Result<Planned, Refusal> {
        if let Some(refusal) = plan.objection() {
            return Err(refusal);
        }
        let wait = Disposition::Hold { until: None };
        match self.yes {
            Yes::Plan(hash) if hash != plan.hash => Err(Refusal::new("plan_changed", wait)),
            Yes::Trust if !(self.verified.trusted() && plan.display_only) => {
                Err(Refusal::new("owner_wanted", wait))
            }
            Yes::Plan(_) | Yes::Trust => Ok(Planned { verified: self.verified, plan }),
        }
    }
}

impl Planned {
    /// What was approved by the company's people.
    #[must_use]
    pub const fn verified(&self) -> &Verified {
        &self.verified
    }

    /// What is to be written.
    #[must_use]
    pub const fn plan(&self) -> &Plan {
        &self.plan
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inbound::deployment::tests::{trusting, verified};

    fn plan() -> Plan {
        Plan {
            steps: Vec::new(),
            puts: 0,
            abilities: Vec::new(),
            refused_hosts: Vec::new(),
            display_only: true,
            diff: Vec::new(),
            hash: Fixed([1; 32]),
        }
    }

    #[test]
    fn r36_a_yes_is_to_one_plan() {
        let yes = verified().consented(Yes::Plan(Fixed([1; 32])));
        assert_eq!(yes.clone().planned(plan()).unwrap().plan(), &plan());
        let other = Plan { hash: Fixed([2; 32]), ..plan() };
        let refusal = yes.clone().planned(other).unwrap_err();
        assert_eq!((refusal.code, refusal.disposition), ("plan_changed", Disposition::Hold { until: None }));
        let remote = Plan { refused_hosts: vec!["evil.example".into()], ..plan() };
        assert_eq!(yes.planned(remote).unwrap_err().code, "remote_host");
    }

    #[test]
    fn r38_trust_is_for_what_only_displays() {
        assert!(trusting().consented(Yes::Trust).planned(plan()).is_ok());
        let more = Plan { display_only: false, ..plan() };
        assert_eq!(trusting().consented(Yes::Trust).planned(more).unwrap_err().code, "owner_wanted");
        assert_eq!(verified().consented(Yes::Trust).planned(plan()).unwrap_err().code, "owner_wanted");
    }
}
