//! One step of a deployment's journal: what was there before, what shall be there after, and how far it got.

use std::fmt;

use serde::{Deserialize, Serialize};
use vestibule_protocol::id::OpaqueId;

use crate::inbound::apply::Phase;
use crate::inbound::plan::{Image, Target};
use crate::outbound::reading::Text;

/// A step. The images are texts of the home: `Debug` shows none.
#[derive(Clone, PartialEq, Eq)]
pub struct StepRow {
    /// Its place among the steps.
    pub n: u32,
    /// The small part.
    pub state: StepState,
    /// Where it writes. What Home Assistant calls a new record or row is filled in when it is known.
    pub target: Target,
    /// What was there before.
    pub before: Image,
    /// What goes with it and is lost when it is deleted, as [`crate::home`] spells it (R44).
    pub beside: Option<Text>,
    /// What shall be there after; once read back, what Home Assistant made of it (R43).
    pub after: Image,
    /// What somebody else had made of it, where we met that.
    pub found: Option<Image>,
}

/// How far a step got.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepState {
    /// The item of the deployment.
    pub item: u32,
    /// How far it got.
    pub phase: Phase,
    /// The thing as the tenant knows it, once there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thing: Option<OpaqueId>,
    /// The entity that a new automation or script has become: others may name it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entity: Option<OpaqueId>,
    /// It removes something, and therefore runs last (R44).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deletes: bool,
}

impl fmt::Debug for StepRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StepRow({}, {:?})", self.n, self.state)
    }
}
