//! The tenant's statement: "this origin, with this signing key, serves me until then", signed by the tenant's root key (R2).

use ed25519_dalek::SigningKey;
use serde::{Deserialize, Serialize};

use crate::bytes::Fixed;
use crate::dsse::{Envelope, NotSigned};
use crate::id::TenantId;

/// DSSE payload type.
pub const PAYLOAD_TYPE: &str = "application/vnd.vestibule.statement+json";

/// How long a new statement is valid, in seconds (one year).
pub const LIFETIME_SECONDS: u64 = 365 * 24 * 3600;

/// A statement, as signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// Tenant's display name, as the owner sees it at pairing.
    pub name: String,
    /// The portal's origin, such as `https://portal.example`; no path.
    pub origin: String,
    /// The key with which the portal signs receipts; pinned by the home (R4).
    pub portal_key: Fixed<32>,
    /// The tenant's root public key; its hash is the tenant id.
    pub root_key: Fixed<32>,
    /// Unix time in seconds.
    pub issued: u64,
    /// Unix time in seconds.
    pub expires: u64,
}

/// Why a portal is not believed to serve a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Untrusted {
    /// The envelope is not sound.
    #[error(transparent)]
    Envelope(#[from] NotSigned),
    /// The bytes are no statement.
    #[error("the statement cannot be read")]
    Unreadable,
    /// It belongs to another tenant.
    #[error("the statement belongs to another tenant")]
    OtherTenant,
    /// It was made for another origin than the one contacted.
    #[error("the statement was made for another address")]
    OtherOrigin,
    /// Its time is over.
    #[error("the statement has expired")]
    Expired,
}

impl Statement {
    /// Signs the statement with the tenant's root key.
    ///
    /// # Errors
    /// Only if serialisation fails, which it cannot for this type.
    pub fn sign(&self, root: &SigningKey) -> Result<Envelope, serde_json::Error> {
        Ok(Envelope::sign(PAYLOAD_TYPE, &serde_json::to_vec(self)?, root))
    }

    /// Reads an envelope that must be signed under `tenant`'s root, be meant for `origin` and be valid at `now` (unix seconds).
    ///
    /// # Errors
    /// The first check that fails, in this order: form, tenant, signature, origin, expiry.
    pub fn verify(envelope: &Envelope, tenant: &TenantId, origin: &str, now: u64) -> Result<Self, Untrusted> {
        let claimed: Self =
            serde_json::from_slice(&envelope.unverified_payload()?).map_err(|_| Untrusted::Unreadable)?;
        if TenantId::of_root_key(&claimed.root_key.0) != *tenant {
            return Err(Untrusted::OtherTenant);
        }
        let payload = envelope.verify(PAYLOAD_TYPE, &claimed.root_key.0)?;
        let statement: Self = serde_json::from_slice(&payload).map_err(|_| Untrusted::Unreadable)?;
        if statement.origin != origin {
            return Err(Untrusted::OtherOrigin);
        }
        if statement.expires <= now {
            return Err(Untrusted::Expired);
        }
        Ok(statement)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root() -> SigningKey {
        SigningKey::from_bytes(&[3; 32])
    }

    fn statement() -> Statement {
        Statement {
            name: "Example Dashboards".into(),
            origin: "https://portal.example".into(),
            portal_key: Fixed([9; 32]),
            root_key: Fixed(*root().verifying_key().as_bytes()),
            issued: 100,
            expires: 200,
        }
    }

    #[test]
    fn r2_a_sound_statement_is_believed() {
        let envelope = statement().sign(&root()).unwrap();
        let tenant = TenantId::of_root_key(root().verifying_key().as_bytes());
        assert_eq!(Statement::verify(&envelope, &tenant, "https://portal.example", 199), Ok(statement()));
    }

    #[test]
    fn r2_a_portal_cannot_serve_a_tenant_without_its_root() {
        let tenant = TenantId::of_root_key(root().verifying_key().as_bytes());
        let check = |envelope: &Envelope, tenant: &TenantId, origin, now| {
            Statement::verify(envelope, tenant, origin, now).unwrap_err()
        };
        let good = statement().sign(&root()).unwrap();
        assert_eq!(check(&good, &TenantId([0; 32]), "https://portal.example", 150), Untrusted::OtherTenant);
        assert_eq!(check(&good, &tenant, "https://other.example", 150), Untrusted::OtherOrigin);
        assert_eq!(check(&good, &tenant, "https://portal.example", 200), Untrusted::Expired);
        let forged = statement().sign(&SigningKey::from_bytes(&[4; 32])).unwrap();
        assert_eq!(
            check(&forged, &tenant, "https://portal.example", 150),
            Untrusted::Envelope(NotSigned::BadSignature)
        );
    }
}
