//! Deployments: what staff want changed in a home, as approvers sign it (DESIGN section 8).
//!
//! The payload is JSON inside a DSSE envelope; everybody reads the bytes that were signed. Unknown kinds and keys, and keys that
//! repeat, refuse the whole.

mod arriving;
mod read;

pub use arriving::alias_entity_id;
pub use read::{NotApproved, Unfit, approvals, read};

use std::fmt;
use std::str::FromStr;

use ed25519_dalek::SigningKey;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::bytes::Fixed;
use crate::dsse::Envelope;
use crate::id::{Fingerprint, OpaqueId, TenantId};

/// DSSE payload type.
pub const PAYLOAD_TYPE: &str = "application/vnd.vestibule.deployment+json";

/// Longest time between [`Deployment::not_before`] and [`Deployment::expires`], in seconds (30 days, R31).
pub const LIFETIME_SECONDS: u64 = 30 * 24 * 3600;

/// The id of a deployment: a UUID of version 7 (RFC 9562), so that ids sort by time.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeploymentId(pub [u8; 16]);

/// A deployment, as signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deployment {
    /// Which.
    pub id: DeploymentId,
    /// Whose.
    pub tenant: TenantId,
    /// For which home.
    pub target: Fingerprint,
    /// Strictly rising for each home; gaps are allowed (R32). By custom the Unix time in milliseconds at which it was made.
    pub sequence: u64,
    /// Unix time in seconds at which it was made; part of the clock floor (R34).
    pub issued: u64,
    /// Not before this Unix time in seconds.
    pub not_before: u64,
    /// Not at or after this Unix time in seconds.
    pub expires: u64,
    /// What it is called, for the owner.
    pub title: String,
    /// What it is for, for the owner.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub summary: String,
    /// Who made it: that person's approval does not count (R31).
    pub author: String,
    /// What shall be changed, in this order; deletions are carried out last (R44).
    pub items: Vec<Item>,
}

/// The state that an item was designed against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Base {
    /// There is nothing yet.
    None,
    /// A hash that the home issued (R16).
    Hash(Fixed<32>),
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind")]
pub enum Item {
    /// Create or replace a dashboard.
    #[serde(rename = "dashboard.put")]
    DashboardPut(DashboardPut),
    /// Delete a dashboard.
    #[serde(rename = "dashboard.delete")]
    DashboardDelete(Delete),
    /// Add or replace a custom card.
    #[serde(rename = "card.put")]
    CardPut(CardPut),
    /// Remove a custom card that was deployed before.
    #[serde(rename = "card.delete")]
    CardDelete(CardDelete),
    /// Create or replace an automation.
    #[serde(rename = "automation.put")]
    AutomationPut(RoutinePut),
    /// Delete an automation.
    #[serde(rename = "automation.delete")]
    AutomationDelete(Delete),
    /// Create or replace a script.
    #[serde(rename = "script.put")]
    ScriptPut(RoutinePut),
    /// Delete a script.
    #[serde(rename = "script.delete")]
    ScriptDelete(Delete),
}

/// `dashboard.put`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DashboardPut {
    /// An existing storage dashboard (`b_…`); absent for a new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dashboard: Option<OpaqueId>,
    /// Path of a new dashboard, unused and hyphenated (R45); absent for an existing one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url_path: Option<String>,
    /// Title in the sidebar; required for a new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Icon in the sidebar, such as `mdi:sofa`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub icon: Option<String>,
    /// Whether it stands in the sidebar; true unless said otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sidebar: Option<bool>,
    /// Whether only administrators see it; false unless said otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub admin: Option<bool>,
    /// What it was designed against.
    pub base: Base,
    /// The dashboard's configuration as JSON text, with tokens.
    pub content: String,
}

/// `card.put`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardPut {
    /// Name of the custom element, such as `acme-clock`.
    pub element: String,
    /// The ES module.
    pub module: String,
    /// BLAKE3 of the module's UTF-8 bytes: its content address.
    pub hash: Fixed<32>,
    /// Content address of the module that it replaces.
    pub base: Base,
}

/// `card.delete`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardDelete {
    /// Name of the custom element.
    pub element: String,
    /// Content address of the module that is there.
    pub base: Base,
}

/// `automation.put` and `script.put`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoutinePut {
    /// An existing one (`m_…`, `s_…`); absent for a new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub existing: Option<OpaqueId>,
    /// Home Assistant's id (automation) or key (script) of a new one, `[a-z0-9_]{1,64}`; absent for an existing one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What it was designed against.
    pub base: Base,
    /// The configuration as JSON text, with tokens.
    pub content: String,
}

/// `dashboard.delete`, `automation.delete`, `script.delete`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delete {
    /// What shall go.
    pub existing: OpaqueId,
    /// What it was designed against.
    pub base: Base,
}

impl Deployment {
    /// Signs the deployment; further signatures are added with [`Envelope::add_signature`].
    ///
    /// # Errors
    /// Only if serialisation fails, which it cannot for this type.
    pub fn sign(&self, key: &SigningKey) -> Result<Envelope, serde_json::Error> {
        Ok(Envelope::sign(PAYLOAD_TYPE, &serde_json::to_vec(self)?, key))
    }

    /// The deployment as an envelope that nobody has signed yet: what an author hands to approvers.
    ///
    /// # Errors
    /// Only if serialisation fails, which it cannot for this type.
    pub fn unsigned(&self) -> Result<Envelope, serde_json::Error> {
        Ok(Envelope::unsigned(PAYLOAD_TYPE, &serde_json::to_vec(self)?))
    }
}

impl Item {
    /// The name of its kind, as it stands in `kind`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::DashboardPut(_) => "dashboard.put",
            Self::DashboardDelete(_) => "dashboard.delete",
            Self::CardPut(_) => "card.put",
            Self::CardDelete(_) => "card.delete",
            Self::AutomationPut(_) => "automation.put",
            Self::AutomationDelete(_) => "automation.delete",
            Self::ScriptPut(_) => "script.put",
            Self::ScriptDelete(_) => "script.delete",
        }
    }

    /// The kind of change that the owner has to allow for it.
    #[must_use]
    pub const fn change(&self) -> crate::consent::Change {
        use crate::consent::Change;
        match self {
            Self::DashboardPut(_) | Self::DashboardDelete(_) => Change::Dashboards,
            Self::CardPut(_) | Self::CardDelete(_) => Change::Cards,
            Self::AutomationPut(_)
            | Self::AutomationDelete(_)
            | Self::ScriptPut(_)
            | Self::ScriptDelete(_) => Change::Automations,
        }
    }

    /// Whether it removes something.
    #[must_use]
    pub const fn deletes(&self) -> bool {
        match self {
            Self::DashboardDelete(_)
            | Self::CardDelete(_)
            | Self::AutomationDelete(_)
            | Self::ScriptDelete(_) => true,
            Self::DashboardPut(_) | Self::CardPut(_) | Self::AutomationPut(_) | Self::ScriptPut(_) => false,
        }
    }

    /// What it was designed against.
    #[must_use]
    pub const fn base(&self) -> Base {
        match self {
            Self::DashboardPut(item) => item.base,
            Self::CardPut(item) => item.base,
            Self::CardDelete(item) => item.base,
            Self::AutomationPut(item) | Self::ScriptPut(item) => item.base,
            Self::DashboardDelete(item) | Self::AutomationDelete(item) | Self::ScriptDelete(item) => {
                item.base
            }
        }
    }
}

impl DeploymentId {
    /// A new id for this moment (Unix milliseconds), with random bytes of which 74 bits are used.
    #[must_use]
    pub fn new(now_ms: u64, random: [u8; 16]) -> Self {
        let mut bytes = random;
        bytes[..6].copy_from_slice(&now_ms.to_be_bytes()[2..]);
        bytes[6] = 0x70 | (bytes[6] & 0x0f);
        bytes[8] = 0x80 | (bytes[8] & 0x3f);
        Self(bytes)
    }
}

impl fmt::Display for DeploymentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            if matches!(at, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for DeploymentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is no deployment id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a deployment id (a UUID of version 7, in lower case)")]
pub struct InvalidDeploymentId;

impl FromStr for DeploymentId {
    type Err = InvalidDeploymentId;
    fn from_str(text: &str) -> Result<Self, InvalidDeploymentId> {
        let digits: String = text.split('-').collect();
        let bytes = (digits.len() == 32 && digits.is_ascii())
            .then(|| (0..16).map(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).ok()).collect())
            .flatten()
            .and_then(|bytes: Vec<u8>| bytes.try_into().ok())
            .map(Self);
        // One spelling only: what is read must be written alike, and say that it is of version 7.
        bytes
            .filter(|id| id.to_string() == text && id.0[6] >> 4 == 7 && id.0[8] >> 6 == 2)
            .ok_or(InvalidDeploymentId)
    }
}

impl Serialize for DeploymentId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for DeploymentId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

impl Serialize for Base {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::None => serializer.serialize_str("none"),
            Self::Hash(hash) => hash.serialize(serializer),
        }
    }
}

impl FromStr for Base {
    type Err = InvalidBase;
    fn from_str(text: &str) -> Result<Self, InvalidBase> {
        if text == "none" {
            return Ok(Self::None);
        }
        Fixed::parse(text).map(Self::Hash).ok_or(InvalidBase)
    }
}

/// A text that is no base.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a base: none, or a hash that the home issued (43 characters)")]
pub struct InvalidBase;

impl<'de> Deserialize<'de> for Base {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
