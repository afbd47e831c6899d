//! What an agent signs when it enrols and when it says hello (R5).

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};

use crate::bytes::Fixed;
use crate::consent::Consent;
use crate::id::{Fingerprint, TenantId};
use crate::tree::Root;

/// What `hello` says; travels as text, signed as sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HelloBody {
    /// Who.
    pub fingerprint: Fingerprint,
    /// Chosen by the agent, once.
    pub nonce: Fixed<32>,
    /// Version of the agent.
    pub agent: String,
    /// Highest schema the agent knows.
    pub schema: u32,
    /// The session token of the last welcome (R6); absent at the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<Fixed<16>>,
    /// The outbox item that the portal has carried out last, as far as the home knows; absent when it has carried out none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done: Option<Fixed<16>>,
    /// Outbox items that were sent after it and not acknowledged. What a portal has carried out last is `done` or one of these, or one of
    /// the two was put back to an earlier state (R6).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sent: Vec<Fixed<16>>,
    /// What the owner allows (R27).
    pub consent: Consent,
    /// Version of the charter that the home has pinned; absent when it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charter: Option<u32>,
    /// Root of the inventory; null when it is not ready (R18): then the portal changes nothing.
    pub root: Option<Root>,
}

/// What `enrol` says; travels as text, signed as sent.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnrolBody {
    /// Who.
    pub fingerprint: Fingerprint,
    /// Chosen by the agent, once.
    pub nonce: Fixed<32>,
    /// Version of the agent.
    pub agent: String,
    /// Public half of the device key.
    pub device_key: Fixed<32>,
    /// Secret of the invite.
    pub secret: Fixed<16>,
    /// Hash of the recovery code, by which the owner can erase the home without the agent.
    pub recovery_hash: Fixed<32>,
}

/// What is signed: a purpose, tenant, portal origin and nonce, so that a signature fits one link only, and the hash of the body.
fn signed_bytes(purpose: &str, tenant: &TenantId, origin: &str, nonce: &[u8; 32], body: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(256);
    bytes.extend_from_slice(b"vestibule.v1 ");
    bytes.extend_from_slice(purpose.as_bytes());
    bytes.extend_from_slice(&tenant.0);
    bytes.extend_from_slice(&u32::try_from(origin.len()).unwrap_or(u32::MAX).to_be_bytes());
    bytes.extend_from_slice(origin.as_bytes());
    bytes.extend_from_slice(nonce);
    // The agent's own nonce is inside the body.
    bytes.extend_from_slice(blake3::hash(body.as_bytes()).as_bytes());
    bytes
}

/// Signs the body of a `hello` or `enrol` (`purpose`) as an answer to the portal's `nonce`.
#[must_use]
pub fn device_signature(
    key: &SigningKey,
    purpose: &str,
    tenant: &TenantId,
    origin: &str,
    nonce: &[u8; 32],
    body: &str,
) -> Fixed<64> {
    Fixed(key.sign(&signed_bytes(purpose, tenant, origin, nonce, body)).to_bytes())
}

/// Whether the signature is the device key's over exactly this.
#[must_use]
pub fn device_signature_fits(
    key: &[u8; 32],
    signature: &Fixed<64>,
    purpose: &str,
    tenant: &TenantId,
    origin: &str,
    nonce: &[u8; 32],
    body: &str,
) -> bool {
    VerifyingKey::from_bytes(key).is_ok_and(|key| {
        key.verify_strict(
            &signed_bytes(purpose, tenant, origin, nonce, body),
            &Signature::from_bytes(&signature.0),
        )
        .is_ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r5_a_signature_fits_one_answer_to_one_challenge() {
        let key = SigningKey::from_bytes(&[1; 32]);
        let public = *key.verifying_key().as_bytes();
        let tenant = TenantId([2; 32]);
        let signature = device_signature(&key, "hello", &tenant, "https://a", &[3; 32], "{}");
        let fits = |purpose, tenant: &TenantId, origin, nonce: &[u8; 32], body| {
            device_signature_fits(&public, &signature, purpose, tenant, origin, nonce, body)
        };
        assert!(fits("hello", &tenant, "https://a", &[3; 32], "{}"));
        assert!(!fits("enrol", &tenant, "https://a", &[3; 32], "{}"));
        assert!(!fits("hello", &TenantId([4; 32]), "https://a", &[3; 32], "{}"));
        assert!(!fits("hello", &tenant, "https://b", &[3; 32], "{}"));
        assert!(!fits("hello", &tenant, "https://a", &[5; 32], "{}"));
        assert!(!fits("hello", &tenant, "https://a", &[3; 32], "{ }"));
    }
}
