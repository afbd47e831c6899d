//! The commands' way into a running daemon: `DATA_DIR/control.sock`, one JSON line in, JSON lines out.
//!
//! Only the owner of the data folder can reach it (mode 0600 in a folder of mode 0700). A socket that nobody answers is no daemon.

mod client;
mod server;

pub use client::{Daemon, Hands, find};
pub use server::{Listening, listen};

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::consent::{Change, Class, Policy};
use vestibule_protocol::deployment::DeploymentId;
use vestibule_protocol::id::OpaqueId;
use vestibule_protocol::problem::Problem;

/// The socket's name in the data folder.
const SOCKET: &str = "control.sock";

/// What a command can ask of the loop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// Is anybody there?
    Health,
    /// How things stand.
    Status,
    /// What the owner allows.
    Consent,
    /// Allow a class.
    Grant {
        /// Which.
        class: Class,
    },
    /// Withdraw a class; the portal erases it.
    Withdraw {
        /// Which.
        class: Class,
    },
    /// Let a thing not exist for the portal.
    Exclude {
        /// An opaque id, or `integration/DOMAIN`.
        thing: String,
    },
    /// Let it exist again.
    Include {
        /// As in [`Request::Exclude`].
        thing: String,
    },
    /// Stop sending for the time being, or go on.
    Restrict {
        /// Whether to stop.
        on: bool,
    },
    /// Contact the portal of an invite, check who it is, and show what pairing would send.
    Meet {
        /// The portal's origin as the owner gave it.
        portal: String,
        /// The invite code.
        invite: String,
    },
    /// Pair with the portal of the last [`Request::Meet`], which must have shown this preview.
    Pair {
        /// The invite code.
        invite: String,
        /// Hash of the preview that the owner accepted.
        preview: String,
    },
    /// Erase everything here and at the portal (R29).
    Forget {
        /// Stop waiting for the portal's receipt.
        give_up: bool,
    },
    /// Erase everything here and at the portal as with [`Request::Forget`], and begin anew with another identity; exclusions and kinds of
    /// rooms are taken along to the next pairing.
    Rotate,
    /// Lines of the preview about what vanished a short while ago and is not believed gone yet (R8).
    Leaving,
    /// Marks of ledger rows that are not durable yet.
    Marks,
    /// Allow a kind of change, or (without a policy) never.
    SetChange {
        /// Which.
        change: Change,
        /// How.
        policy: Option<Policy>,
    },
    /// All deployments.
    Deployments,
    /// One deployment with everything that it would change.
    Deployment {
        /// Which.
        id: DeploymentId,
    },
    /// The owner's yes.
    Approve {
        /// To which.
        id: DeploymentId,
        /// To which plan; `None` for the one at hand.
        plan_hash: Option<Fixed<32>>,
        /// Hosts that browsers may call for it (R37).
        hosts: BTreeSet<String>,
        /// Files that Home Assistant may write anew (R40).
        #[serde(default)]
        files: BTreeSet<String>,
    },
    /// The owner's no.
    Reject {
        /// To which.
        id: DeploymentId,
    },
    /// Take back what a deployment has done.
    Undo {
        /// Which.
        id: DeploymentId,
        /// Also where that loses edits made since.
        overwrite: bool,
    },
    /// Switch on a new automation that a deployment has put in place (R40).
    Enable {
        /// Which deployment.
        id: DeploymentId,
        /// Which item, from 0.
        item: u32,
    },
    /// The owner knows that this home was restored or copied (R6).
    ConfirmRestored,
    /// Block a key of an approver, or let it count again (R33).
    Block {
        /// The public key.
        key: Fixed<32>,
        /// Whether to block it.
        on: bool,
    },
    /// Questions of the company.
    Questions,
    /// Answer one.
    AnswerQuestion {
        /// Which.
        id: Fixed<16>,
        /// One of its candidates; `None` to decline.
        choice: Option<OpaqueId>,
    },
    /// Show which thing this is, at home.
    Identify {
        /// An entity.
        thing: OpaqueId,
    },
    /// The owner's requests.
    Requests,
    /// A new one.
    NewRequest {
        /// In the owner's words.
        text: String,
        /// Rooms that it is about.
        rooms: Vec<OpaqueId>,
    },
    /// Take one back.
    WithdrawRequest {
        /// Which.
        id: Fixed<16>,
    },
    /// Who of the company's staff has read what.
    Reads,
    /// Whom this home is paired with, the recovery code, and the last receipt.
    Connection,
    /// What granting a class lets leave: some of the records, then the sums ([`crate::agent::PreviewView`]).
    Preview {
        /// The class alone, whatever else is granted.
        class: Class,
        /// Records to pass over.
        from: u64,
        /// At most so many records.
        limit: u32,
    },
    /// All rooms with their kinds ([`crate::agent::RoomView`]), in the owner's words.
    Rooms,
    /// Choose the kind of a room.
    RoomKind {
        /// An area's opaque id.
        area: String,
        /// A kind, `hidden`, or nothing for the kind that is worked out.
        kind: Option<String>,
    },
    /// Things that can be excluded ([`crate::agent::ThingView`]), in the owner's words.
    Things {
        /// What to look for in their words; nothing for those that are excluded.
        search: Option<String>,
        /// Only of this kind.
        kind: Option<ThingKind>,
    },
    /// What can be told to whoever helps: versions, counts, problems, timings ([`crate::observe::report::Report`]). Once shown, it may
    /// be sent.
    Report,
    /// Send a report that was shown to the portal.
    SendReport {
        /// Its name ([`crate::observe::report::Report::name`]).
        report: Fixed<32>,
    },
    /// Have the portal erase every report that was sent.
    TakeReportsBack,
}

/// Kinds of things that can be excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThingKind {
    /// An area.
    Area,
    /// A label.
    Label,
    /// An integration.
    Integration,
    /// A device.
    Device,
    /// An entity.
    Entity,
}

impl ThingKind {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 5] = [Self::Area, Self::Label, Self::Integration, Self::Device, Self::Entity];

    /// The name in requests and forms.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Area => "area",
            Self::Label => "label",
            Self::Integration => "integration",
            Self::Device => "device",
            Self::Entity => "entity",
        }
    }
}

/// Where an answer goes: any number of values, or a problem.
#[derive(Debug, Clone)]
pub struct Reply(mpsc::Sender<Answer>);

/// One line of an answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// A value, as JSON.
    Value(Box<serde_json::value::RawValue>),
    /// What went wrong; nothing follows.
    Problem(Problem),
}

/// A request with the way back.
pub type Asked = (Request, Reply);

/// Answers that may wait for a slow reader.
const ANSWERS: usize = 64;

impl Reply {
    /// A reply and the place where its answers arrive.
    #[must_use]
    pub fn channel() -> (Self, mpsc::Receiver<Answer>) {
        let (to, from) = mpsc::channel(ANSWERS);
        (Self(to), from)
    }

    /// Sends a value; whoever asked may be gone.
    pub async fn value(&self, value: &impl Serialize) {
        if let Ok(raw) = serde_json::value::to_raw_value(value) {
            let _ = self.0.send(Answer::Value(raw)).await;
        }
    }

    /// Sends a result.
    pub async fn result(&self, result: Result<impl Serialize, Problem>) {
        match result {
            Ok(value) => self.value(&value).await,
            Err(problem) => {
                let _ = self.0.send(Answer::Problem(problem)).await;
            }
        }
    }
}
