//! Erasure receipts: the portal's signed statement of what it has deleted and what remains (R29).

use ed25519_dalek::SigningKey;
use serde::{Deserialize, Serialize};

use crate::bytes::Fixed;
use crate::consent::Class;
use crate::dsse::{Envelope, NotSigned};
use crate::id::{Fingerprint, TenantId};

/// DSSE payload type.
pub const PAYLOAD_TYPE: &str = "application/vnd.vestibule.receipt+json";

/// What was erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// One class of data, history included.
    Class(Class),
    /// Every support report.
    Support,
    /// Everything held of the home.
    All,
}

/// A receipt, as signed by the portal key that the home pinned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// The request this answers.
    pub id: Fixed<16>,
    /// Whose portal.
    pub tenant: TenantId,
    /// Which home.
    pub fingerprint: Fingerprint,
    /// What was erased.
    pub scope: Scope,
    /// Unix time in seconds.
    pub time: u64,
    /// What remains and why, as stable codes such as `audit_digests`.
    pub remains: Vec<String>,
}

impl Receipt {
    /// Signs the receipt.
    ///
    /// # Errors
    /// Only if serialisation fails, which it cannot for this type.
    pub fn sign(&self, key: &SigningKey) -> Result<Envelope, serde_json::Error> {
        Ok(Envelope::sign(PAYLOAD_TYPE, &serde_json::to_vec(self)?, key))
    }

    /// Reads a receipt that must be signed by the pinned portal key.
    ///
    /// # Errors
    /// [`NotSigned`], also when the signed bytes are no receipt.
    pub fn verify(envelope: &Envelope, portal_key: &[u8; 32]) -> Result<Self, NotSigned> {
        let payload = envelope.verify(PAYLOAD_TYPE, portal_key)?;
        serde_json::from_slice(&payload).map_err(|_| NotSigned::Malformed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r29_only_the_pinned_key_makes_receipts() {
        let key = SigningKey::from_bytes(&[1; 32]);
        let receipt = Receipt {
            id: Fixed([2; 16]),
            tenant: TenantId([3; 32]),
            fingerprint: Fingerprint([4; 32]),
            scope: Scope::Class(Class::Names),
            time: 5,
            remains: vec!["audit_digests".into()],
        };
        let envelope = receipt.sign(&key).unwrap();
        assert_eq!(Receipt::verify(&envelope, key.verifying_key().as_bytes()), Ok(receipt));
        let other = SigningKey::from_bytes(&[9; 32]);
        assert_eq!(
            Receipt::verify(&envelope, other.verifying_key().as_bytes()),
            Err(NotSigned::BadSignature)
        );
    }
}
