//! The typed small parts of the journal.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::charter::Charter;
use vestibule_protocol::deployment::DeploymentId;
use vestibule_protocol::id::OpaqueId;

use crate::inbound::apply::Way;
use crate::store::Singleton;

/// What a deployment has to show to be believed (R31–R34).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trusting {
    /// The pinned charter.
    pub charter: Option<Charter>,
    /// Latest issued-at among verified signed documents, Unix seconds (R34).
    #[serde(default)]
    pub clock_floor: u64,
    /// Highest sequence that was consumed (R32).
    #[serde(default)]
    pub last_sequence: u64,
    /// What the portal said it had handed out when it noticed that this home was restored; the owner's confirmation makes it count.
    #[serde(default)]
    pub restored_sequence: Option<u64>,
    /// Keys of approvers that the owner has blocked (R33).
    #[serde(default)]
    pub blocked: BTreeSet<Fixed<32>>,
    /// Files that Home Assistant may write anew: the owner was told what that does to them, and agreed (R40).
    #[serde(default)]
    pub files: BTreeSet<String>,
}

impl Singleton for Trusting {
    const KEY: &'static str = "trusting";
}

/// How a deployment stands, in the words of `vestibule deployments list`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeploymentState {
    /// For the owner, its time, or the home.
    Waiting,
    /// The owner said yes, or had said so before.
    Approved,
    /// It is being written, or taken back.
    Applying,
    /// Written and read back.
    Verified,
    /// Still there half a minute later.
    Settled,
    /// Not believed, not allowed, or not wanted.
    Refused,
    /// Something had changed since it was designed.
    Conflict,
    /// Something failed, and everything is as before.
    RolledBack,
    /// The owner took it back.
    Undone,
    /// A person edited in between; the owner decides.
    NeedsOwner,
    /// Its time has passed.
    Expired,
    /// A newer one came before it.
    Superseded,
}

impl DeploymentState {
    /// Whether it still waits for something, and counts against what may wait (R32).
    #[must_use]
    pub const fn is_pending(self) -> bool {
        matches!(self, Self::Waiting | Self::Approved | Self::Applying)
    }

    /// Whether what it wrote is in place, as far as we know.
    #[must_use]
    pub const fn is_in_place(self) -> bool {
        matches!(self, Self::Verified | Self::Settled)
    }

    /// The word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Approved => "approved",
            Self::Applying => "applying",
            Self::Verified => "verified",
            Self::Settled => "settled",
            Self::Refused => "refused",
            Self::Conflict => "conflict",
            Self::RolledBack => "rolled_back",
            Self::Undone => "undone",
            Self::NeedsOwner => "needs_owner",
            Self::Expired => "expired",
            Self::Superseded => "superseded",
        }
    }
}

/// What is being done with a deployment's journal while it is `applying`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Work {
    /// Forward, or back and why.
    pub way: Way,
    /// Everything but deletions has been verified.
    #[serde(default)]
    pub verified: bool,
    /// Going forward ends at this time, Unix milliseconds.
    pub deadline: i64,
    /// As an undo found it: there it stands again if taking it back is not safe.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stood: Option<DeploymentState>,
}

/// How it ended, with its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// When it was verified, Unix milliseconds.
    pub verified_ms: i64,
}

/// One item of a deployment, for lists.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemRow {
    /// Such as `dashboard.put`.
    pub kind: String,
    /// The tenant's own name for it: a path, an element, an opaque id.
    pub name: String,
    /// The thing, once there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thing: Option<OpaqueId>,
    /// What the next deployment names as its base (R16).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<Fixed<32>>,
    /// What is wrong with it, as a stable code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// It has been edited at home since.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub drifted: bool,
    /// A new automation that the owner has switched on through us (R40).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub enabled: bool,
    /// An automation that was brought switched off, and that this item has left so (R40).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub off: bool,
}

/// A deployment without its large parts. `Debug` shows no text.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeploymentRow {
    /// Which.
    pub id: DeploymentId,
    /// Its sequence; 0 if it was never believed.
    pub sequence: u64,
    /// How it stands.
    pub state: DeploymentState,
    /// Why, as a stable code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The tenant's title; empty if it was never believed.
    pub title: String,
    /// The tenant's summary.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub summary: String,
    /// Who made it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub author: String,
    /// Who approved it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub persons: Vec<String>,
    /// Its items in order.
    pub items: Vec<ItemRow>,
    /// Not before, Unix seconds.
    pub not_before: u64,
    /// Not at or after, Unix seconds.
    pub expires: u64,
    /// When it came, Unix milliseconds.
    pub received_ms: i64,
    /// When its state last changed, Unix milliseconds.
    pub changed_ms: i64,
    /// Hash of the plan that the owner is shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan_hash: Option<Fixed<32>>,
    /// Hash of the plan that was approved (R36).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved: Option<Fixed<32>>,
    /// Hosts that the owner allowed for it (R37).
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub hosts: BTreeSet<String>,
    /// The plan was different at applying once already, and the owner was asked again (R36).
    #[serde(default)]
    pub asked_again: bool,
    /// What is being done with its journal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub work: Option<Work>,
    /// Since when it has been in place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Ended>,
    /// Its images are still there, so it can be undone.
    #[serde(default)]
    pub undoable: bool,
    /// It came from no portal: it puts up to date what another deployment has left in place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repairs: Option<Repairs>,
}

/// What a repair is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repairs {
    /// The deployment in place, whose envelope it is planned from.
    pub of: DeploymentId,
    /// Hash over what the home called everything in it when it was offered: for the same names it is offered once.
    pub names: Fixed<32>,
    /// For each of its own items, which of that deployment's it is.
    pub items: Vec<u32>,
}

/// How a question stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuestionState {
    /// For the owner.
    Open,
    /// With one of the candidates.
    Answered,
    /// The owner does not want to answer.
    Declined,
    /// Nobody needs the answer any more.
    Expired,
}

/// A question of staff. `Debug` shows no text.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuestionRow {
    /// Which.
    pub id: Fixed<16>,
    /// The portal's words.
    pub question: String,
    /// What can be chosen.
    pub candidates: Vec<OpaqueId>,
    /// Unix seconds.
    pub expires: u64,
    /// How it stands.
    pub state: QuestionState,
    /// What was chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub choice: Option<OpaqueId>,
    /// When it came, Unix milliseconds.
    pub received_ms: i64,
}

/// How a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestState {
    /// On its way, or there.
    Made,
    /// The portal has it.
    Delivered,
    /// The owner took it back.
    Withdrawn,
}

/// A wish of the owner. `Debug` shows no text.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestRow {
    /// Which; the outbox item that announced it has the same id.
    pub id: Fixed<16>,
    /// The owner's words.
    pub text: String,
    /// Rooms.
    pub rooms: Vec<OpaqueId>,
    /// How it stands.
    pub state: RequestState,
    /// When it was made, Unix milliseconds.
    pub made_ms: i64,
}

/// One reading of this home's records by staff.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadRow {
    /// Position in the portal's audit trail.
    pub n: u64,
    /// Unix seconds, by the portal.
    pub time: u64,
    /// Who, as the portal names them.
    pub who: String,
    /// What was read.
    pub what: String,
}

/// All of the small parts.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Desk {
    /// What approves.
    pub trusting: Trusting,
    /// Oldest first.
    pub deployments: Vec<DeploymentRow>,
    /// Oldest first.
    pub questions: Vec<QuestionRow>,
    /// Oldest first.
    pub requests: Vec<RequestRow>,
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desk")
            .field("charter", &self.trusting.charter.as_ref().map(|charter| charter.version))
            .field("deployments", &self.deployments)
            .field("questions", &self.questions.len())
            .field("requests", &self.requests.len())
            .finish()
    }
}

impl fmt::Debug for DeploymentRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeploymentRow")
            .field("id", &self.id)
            .field("state", &self.state)
            .field("code", &self.code)
            .field("items", &self.items)
            .field("work", &self.work)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ItemRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.kind, self.code)
    }
}

impl fmt::Debug for QuestionRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "QuestionRow({:?}, {} candidates)", self.state, self.candidates.len())
    }
}

impl fmt::Debug for RequestRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RequestRow({:?}, {} rooms)", self.state, self.rooms.len())
    }
}
