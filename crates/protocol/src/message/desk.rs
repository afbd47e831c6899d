//! Messages about deployments, requests and questions. What comes from home holds codes and opaque ids only (R15), but for the words that
//! the owner wrote into a request.

use serde::{Deserialize, Serialize};

use crate::bytes::Fixed;
use crate::deployment::DeploymentId;
use crate::dsse::Envelope;
use crate::id::OpaqueId;

/// `charters`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Charters {
    /// In the order of their versions, without gaps.
    pub envelopes: Vec<Envelope>,
}

/// `deploy`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deploy {
    /// As the approvers signed it.
    pub envelope: Envelope,
}

/// `withdraw`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Withdraw {
    /// Which deployment.
    pub deployment: DeploymentId,
}

/// `ask`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    /// The question's id.
    pub id: Fixed<16>,
    /// The portal's words; shown escaped and marked as theirs (R17).
    pub question: String,
    /// What the owner can choose from.
    pub candidates: Vec<OpaqueId>,
    /// Unix time in seconds after which nobody needs the answer.
    pub expires: u64,
}

/// `reads`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reads {
    /// Oldest first; only those that the home has not been told yet.
    pub reads: Vec<Read>,
}

/// One reading of a home's records by staff (R30).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Read {
    /// Position in the portal's audit trail.
    pub n: u64,
    /// Unix time in seconds.
    pub time: u64,
    /// Who, as the portal names its staff.
    pub who: String,
    /// What was read: `snapshot`, `changes`, `history`, `instance`.
    pub what: String,
}

/// `report`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// The outbox item.
    pub id: Fixed<16>,
    /// Which deployment.
    pub deployment: DeploymentId,
    /// How it stands.
    pub state: ReportState,
    /// Why, as a stable code; for refusals, conflicts and the like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// What became of its items, where that is known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<ItemReport>,
    /// Unix time in seconds, by the home's clock.
    pub time: u64,
}

/// How a deployment stands at home.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportState {
    /// Durably there, believed, and waiting for the owner or its time.
    Waiting,
    /// The owner agreed, or had agreed before.
    Approved,
    /// Written and read back.
    Verified,
    /// Still there half a minute and a restart later.
    Settled,
    /// Not believed, not allowed, or not wanted; the code says which.
    Refused,
    /// Something has changed since it was designed.
    Conflict,
    /// Something failed, and everything is as before.
    RolledBack,
    /// The owner took it back.
    Undone,
    /// A person edited in between; the owner has to decide.
    NeedsOwner,
    /// Its time has passed.
    Expired,
    /// A newer one came before it.
    Superseded,
    /// What was deployed has been edited at home.
    Drifted,
}

/// What became of one item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ItemReport {
    /// Its place in the deployment, from 0.
    pub item: u32,
    /// The thing, once there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thing: Option<OpaqueId>,
    /// What the next deployment names as its base (R16).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<Fixed<32>>,
    /// What was wrong with it, as a stable code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

/// `request`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The outbox item, and the request's id.
    pub id: Fixed<16>,
    /// The owner's words, sent because the owner wrote them for this.
    pub text: String,
    /// Rooms that it is about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rooms: Vec<OpaqueId>,
    /// The owner took it back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub withdrawn: bool,
    /// Unix time in seconds, by the home's clock.
    pub time: u64,
}

/// `support`: a report for whoever helps, sent because the owner has read exactly this and said so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Support {
    /// The outbox item.
    pub id: Fixed<16>,
    /// The report as it was shown: versions, counts, codes and times, in English.
    pub text: String,
    /// Unix time in seconds at which it was made, by the home's clock.
    pub time: u64,
}

/// `answer`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The outbox item.
    pub id: Fixed<16>,
    /// Which question.
    pub question: Fixed<16>,
    /// One of its candidates; absent when the owner does not want to answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub choice: Option<OpaqueId>,
}
