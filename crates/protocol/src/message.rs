//! The messages of the link (DESIGN section 6), in the order in which they usually appear.
//!
//! Unknown types and unknown or repeated fields are refused; what a later version adds gets a new type or a new `vestibule.vN`.

mod desk;
mod puts;
mod read;
mod signed;

pub use desk::{
    Answer, Ask, Charters, Deploy, ItemReport, Read, Reads, Report, ReportState, Request, Support, Withdraw,
};
pub use puts::{Entries, Hashes, Puts};
pub use read::BadMessage;
pub use signed::{EnrolBody, HelloBody, device_signature, device_signature_fits};

use serde::{Deserialize, Serialize};

use crate::bytes::Fixed;
use crate::consent::Consent;
use crate::dsse::Envelope;
use crate::tree::Root;

/// WebSocket subprotocol.
pub const SUBPROTOCOL: &str = "vestibule.v1";

/// Path of the link; the tenant id follows.
pub const LINK_PATH: &str = "/v1/link/";

macro_rules! messages {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $tag:literal => $variant:ident,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum $name {
            $($(#[$variant_doc])* $variant($variant),)+
        }

        impl $name {
            /// The name of each type, as it stands in `t`.
            pub const KINDS: &[&str] = &[$($tag),+];

            /// The value of `t`.
            #[must_use]
            pub const fn kind(&self) -> &'static str {
                match self { $(Self::$variant(_) => $tag,)+ }
            }

            /// The message as JSON text.
            ///
            /// # Errors
            /// Only if serialisation fails, which it cannot for these types.
            pub fn to_json(&self) -> Result<Vec<u8>, serde_json::Error> {
                match self { $(Self::$variant(body) => read::tagged($tag, body),)+ }
            }

            /// Reads a message from JSON text that [`crate::frame::decode`] has let through.
            ///
            /// # Errors
            /// See [`BadMessage`].
            pub fn from_json(json: &[u8]) -> Result<Self, BadMessage> {
                match &*read::kind(json)? {
                    $($tag => read::body(json, $tag).map(Self::$variant),)+
                    _ => Err(BadMessage::UnknownType),
                }
            }
        }

        $(impl From<$variant> for $name {
            fn from(body: $variant) -> Self { Self::$variant(body) }
        })+
    };
}

messages! {
    /// What a portal sends.
    FromPortal {
        /// First message of every link.
        "challenge" => Challenge,
        /// The invite was accepted.
        "enrolled" => Enrolled,
        /// The signature was accepted.
        "welcome" => Welcome,
        /// Kept durably; the portal's inventory has this root.
        "ack" => Ack,
        /// Nothing was changed; the portal's inventory has this root.
        "mismatch" => Mismatch,
        /// Which records to send.
        "want" => Want,
        /// Please send your buckets.
        "pull" => Pull,
        /// An outbox item was carried out.
        "done" => Done,
        /// Everything was erased.
        "erased" => Erased,
        /// Charters that follow the one that the home has pinned.
        "charters" => Charters,
        /// An approved deployment.
        "deploy" => Deploy,
        /// A deployment that waits is not wanted any more.
        "withdraw" => Withdraw,
        /// A question to the owner.
        "ask" => Ask,
        /// Who of the staff has read what.
        "reads" => Reads,
        /// The link is refused and closed.
        "refused" => Refusal,
    }
}

messages! {
    /// What an agent sends.
    FromAgent {
        /// Answer to the challenge with an invite.
        "enrol" => Enrol,
        /// Answer to the challenge of a paired home.
        "hello" => Hello,
        /// A small change.
        "push" => Push,
        /// Beginning of anti-entropy: first sync, resume and repair.
        "buckets" => Buckets,
        /// Records that were wanted.
        "batch" => Batch,
        /// All wanted records have been sent.
        "commit" => Commit,
        /// The owner changed what may leave.
        "consent" => ConsentChanged,
        /// The owner wants everything erased, or the support reports.
        "erase" => Erase,
        /// How a deployment stands.
        "report" => Report,
        /// The owner wishes for something.
        "request" => Request,
        /// The owner's answer to a question.
        "answer" => Answer,
        /// A report for whoever helps.
        "support" => Support,
    }
}

/// `challenge`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Challenge {
    /// Single-use, 30 s (R5).
    pub nonce: Fixed<32>,
    /// The tenant's statement (R2).
    pub statement: Envelope,
}

/// `enrolled`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Enrolled {}

/// `welcome`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Welcome {
    /// Root of what the portal holds, under the schema and the classes of the hello, withdrawals carried out.
    pub root: Root,
    /// Highest schema that both know (R18).
    pub schema: u32,
    /// Highest deployment sequence that the portal has handed out to this home (R32).
    pub sequence: u64,
    /// To be presented in the next hello (R6).
    pub session: Fixed<16>,
    /// The outbox item of this home that was carried out last; absent when none was. The home takes it for its `done` (R6).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done: Option<Fixed<16>>,
    /// The session token presented was not one that fits, or what was carried out last is none of the items that the home knows of: one
    /// of the two was restored from a backup, or the home has a double (R6).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub restored: bool,
    /// Two tokens alternated within a day: there is a double (R6).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cloned: bool,
}

/// `ack`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ack {
    /// The root that was announced.
    pub root: Root,
}

/// `mismatch`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mismatch {
    /// What the portal holds.
    pub root: Root,
}

/// `want`: everything (the portal holds nothing), or the portal's own lists of the buckets that differ.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Want {
    /// Send every record.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub all: bool,
    /// Differing buckets with what the portal holds of them, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub buckets: Vec<(u8, Entries)>,
    /// Batches of this very root that the portal has already staged (R19): they need not be sent again.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub staged: u32,
}

/// `pull`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pull {}

/// `done`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Done {
    /// The outbox item.
    pub id: Fixed<16>,
    /// Root of what the portal holds now.
    pub root: Root,
    /// A signed receipt for each class that was erased.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub receipts: Vec<Envelope>,
}

/// `erased`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Erased {
    /// The outbox item.
    pub id: Fixed<16>,
    /// The portal's signed receipt.
    pub receipt: Envelope,
}

/// `refused`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    /// Why.
    pub code: RefusalCode,
    /// Do not come back before, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_s: Option<u32>,
}

/// Why a portal closes a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalCode {
    /// Unknown fingerprint or wrong signature: told alike (R5).
    NotAuthentic,
    /// The invite is unknown, used by another home, or expired: told alike.
    InviteRefused,
    /// No schema that both know.
    Version,
    /// Too many attempts.
    TooMany,
    /// A newer link of the same home took over (R5).
    Replaced,
    /// The message cannot be read, is not listed, or is too large.
    BadMessage,
    /// A record is refused by the list of fields.
    BadRecord,
    /// More than a portal keeps for one home.
    TooMuch,
    /// The portal is shutting down or cannot write at the moment.
    Unavailable,
    /// The home has been erased here; it must be paired again.
    Erased,
}

/// `enrol`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Enrol {
    /// JSON text of an [`EnrolBody`]: signed as sent.
    pub body: String,
    /// By the device key in the body.
    pub signature: Fixed<64>,
}

/// `hello`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hello {
    /// JSON text of a [`HelloBody`]: signed as sent.
    pub body: String,
    /// By the device key that was enrolled.
    pub signature: Fixed<64>,
}

/// `push`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Push {
    /// What the portal must hold now.
    pub base: Root,
    /// What it holds afterwards.
    pub root: Root,
    /// Records that are new or changed.
    #[serde(default, skip_serializing_if = "Puts::is_empty")]
    pub puts: Puts,
    /// Keys of records that are gone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deletes: Vec<String>,
}

/// `buckets`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Buckets {
    /// The frozen inventory's root.
    pub root: Root,
    /// Its 256 bucket hashes: the first 4 bytes of each, or all 32 after a mismatch (R19). Empty when the portal holds nothing,
    /// which it has said by the root in its welcome: then every bucket is wanted anyway.
    pub hashes: Hashes,
}

/// `batch`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Batch {
    /// From 0.
    pub n: u32,
    /// Records.
    #[serde(default, skip_serializing_if = "Puts::is_empty")]
    pub puts: Puts,
    /// Key hashes of records that the portal listed and that are gone, 8 bytes each.
    #[serde(default, skip_serializing_if = "Hashes::is_empty")]
    pub deletes: Hashes,
}

/// `commit`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Commit {
    /// The frozen inventory's root.
    pub root: Root,
    /// How many batches there were.
    pub batches: u32,
}

/// `consent`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsentChanged {
    /// The outbox item.
    pub id: Fixed<16>,
    /// The whole object.
    pub consent: Consent,
}

/// `erase`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Erase {
    /// The outbox item.
    pub id: Fixed<16>,
    /// Not everything but this; classes of data are erased by withdrawing them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only: Option<Part>,
}

/// What can be erased by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Every support report.
    Support,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if wants a reference")]
const fn is_zero(value: &u32) -> bool {
    *value == 0
}

#[cfg(test)]
mod tests;
