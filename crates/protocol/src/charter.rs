//! The charter: who may approve for a tenant, and how many of them it takes. Replaced only by its next version (R31, R33).
//!
//! The first one is signed by the tenant's root key, whose hash is the tenant id; each later one by the thresholds of the one before and
//! of its own, as TUF's root is (The Update Framework 1.0, section 5.3). A portal keeps and hands out charters; it can make none.

use std::collections::BTreeSet;

use ed25519_dalek::{SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};

use crate::bytes::Fixed;
use crate::dsse::{Envelope, NotSigned};
use crate::id::TenantId;
use crate::limits;

/// DSSE payload type.
pub const PAYLOAD_TYPE: &str = "application/vnd.vestibule.charter+json";

/// Longest life of a charter, in seconds (180 days): how long a portal can withhold a revocation (R33).
pub const LIFETIME_SECONDS: u64 = 180 * 24 * 3600;

/// A charter, as signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Charter {
    /// Whose.
    pub tenant: TenantId,
    /// From 1, rising by one.
    pub version: u32,
    /// Unix time in seconds.
    pub issued: u64,
    /// Unix time in seconds; at most [`LIFETIME_SECONDS`] after `issued`.
    pub expires: u64,
    /// Keys that may sign the next charter.
    pub roots: Vec<Fixed<32>>,
    /// How many of them it takes.
    pub root_threshold: u32,
    /// Keys that may approve deployments, each with its person; a person may have several.
    pub approvers: Vec<Approver>,
    /// How many distinct persons an approval takes.
    pub threshold: u32,
}

/// A key of a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approver {
    /// The person's name; the same name is the same person.
    pub person: String,
    /// The person's Ed25519 public key.
    pub key: Fixed<32>,
}

/// Why a charter is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadCharter {
    /// The envelope is not sound, or too few of the right keys have signed.
    #[error(transparent)]
    Envelope(#[from] NotSigned),
    /// The bytes are no charter.
    #[error("the charter cannot be read")]
    Unreadable,
    /// It belongs to another tenant.
    #[error("the charter belongs to another tenant")]
    OtherTenant,
    /// Not the version that follows the pinned one.
    #[error("the charter is not the next version")]
    WrongVersion,
    /// Thresholds that cannot be met, a key of two persons, a life that is too long, nobody to approve.
    #[error("the charter contradicts itself")]
    Unsound,
    /// Fewer root keys have signed than it takes.
    #[error("the charter is signed by too few of the right keys")]
    TooFewSignatures,
}

impl Charter {
    /// Signs the charter; further signatures are added with [`Envelope::add_signature`].
    ///
    /// # Errors
    /// Only if serialisation fails, which it cannot for this type.
    pub fn sign(&self, key: &SigningKey) -> Result<Envelope, serde_json::Error> {
        Ok(Envelope::sign(PAYLOAD_TYPE, &serde_json::to_vec(self)?, key))
    }

    /// Reads the first charter of a tenant: signed by the root key whose hash is the tenant id, and by the threshold of its own roots.
    ///
    /// # Errors
    /// See [`BadCharter`]. Whether it has expired is [`Self::is_valid`].
    pub fn first(envelope: &Envelope, tenant: &TenantId) -> Result<Self, BadCharter> {
        let charter = Self::read(envelope, tenant)?;
        if charter.version != 1 {
            return Err(BadCharter::WrongVersion);
        }
        let signers = charter.root_signers(envelope, &charter.roots)?;
        if !signers.iter().any(|key| TenantId::of_root_key(key) == *tenant) {
            return Err(BadCharter::TooFewSignatures);
        }
        Ok(charter)
    }

    /// Reads the charter that replaces this one: the next version, signed by the root threshold of both.
    ///
    /// # Errors
    /// See [`BadCharter`].
    pub fn next(&self, envelope: &Envelope) -> Result<Self, BadCharter> {
        let next = Self::read(envelope, &self.tenant)?;
        if Some(next.version) != self.version.checked_add(1) {
            return Err(BadCharter::WrongVersion);
        }
        self.root_signers(envelope, &self.roots)?;
        next.root_signers(envelope, &next.roots)?;
        Ok(next)
    }

    /// Whether it may be used at this time (Unix seconds).
    #[must_use]
    pub const fn is_valid(&self, now: u64) -> bool {
        now < self.expires
    }

    /// The keys that may approve.
    pub fn approver_keys(&self) -> impl Iterator<Item = [u8; 32]> {
        self.approvers.iter().map(|approver| approver.key.0)
    }

    /// The person that a key belongs to.
    #[must_use]
    pub fn person(&self, key: &[u8; 32]) -> Option<&str> {
        self.approvers.iter().find(|approver| approver.key.0 == *key).map(|approver| approver.person.as_str())
    }

    fn read(envelope: &Envelope, tenant: &TenantId) -> Result<Self, BadCharter> {
        if envelope.payload_type != PAYLOAD_TYPE {
            return Err(NotSigned::WrongType.into());
        }
        let charter: Self =
            serde_json::from_slice(&envelope.unverified_payload()?).map_err(|_| BadCharter::Unreadable)?;
        if charter.tenant != *tenant {
            return Err(BadCharter::OtherTenant);
        }
        charter.is_sound().then_some(charter).ok_or(BadCharter::Unsound)
    }

    fn is_sound(&self) -> bool {
        let met = |count: usize, threshold: u32| threshold > 0 && threshold as usize <= count;
        let roots: BTreeSet<&Fixed<32>> = self.roots.iter().collect();
        let keys: BTreeSet<&Fixed<32>> = self.approvers.iter().map(|approver| &approver.key).collect();
        let persons: BTreeSet<&str> = self.approvers.iter().map(|approver| &*approver.person).collect();
        roots.len() == self.roots.len()
            && keys.len() == self.approvers.len()
            && keys.len() <= limits::CHARTER_KEYS
            && roots.len() <= limits::CHARTER_KEYS
            && persons.iter().all(|person| (1..=limits::PERSON_CHARS).contains(&person.chars().count()))
            && self.roots.iter().chain(self.approvers.iter().map(|approver| &approver.key)).all(is_strong)
            && met(roots.len(), self.root_threshold)
            && met(persons.len(), self.threshold)
            && self.issued < self.expires
            && self.expires - self.issued <= LIFETIME_SECONDS
    }

    /// Those of `roots` that have signed, if they are enough for this charter's threshold.
    fn root_signers(&self, envelope: &Envelope, roots: &[Fixed<32>]) -> Result<Vec<[u8; 32]>, BadCharter> {
        let keys: Vec<[u8; 32]> = roots.iter().map(|key| key.0).collect();
        let signers = envelope.signers(&keys)?;
        if signers.len() < self.root_threshold as usize {
            return Err(BadCharter::TooFewSignatures);
        }
        Ok(signers)
    }
}

/// Whether a key is one that only its owner can sign for: no point of small order.
fn is_strong(key: &Fixed<32>) -> bool {
    VerifyingKey::from_bytes(&key.0).is_ok_and(|key| !key.is_weak())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u8) -> SigningKey {
        SigningKey::from_bytes(&[n; 32])
    }

    fn public(n: u8) -> Fixed<32> {
        Fixed(*key(n).verifying_key().as_bytes())
    }

    fn tenant() -> TenantId {
        TenantId::of_root_key(&public(1).0)
    }

    fn charter(version: u32) -> Charter {
        Charter {
            tenant: tenant(),
            version,
            issued: 100,
            expires: 200,
            roots: vec![public(1)],
            root_threshold: 1,
            approvers: vec![
                Approver { person: "Ada".into(), key: public(10) },
                Approver { person: "Ada".into(), key: public(11) },
                Approver { person: "Bo".into(), key: public(12) },
            ],
            threshold: 2,
        }
    }

    #[test]
    fn r31_the_first_charter_is_signed_by_the_key_whose_hash_is_the_tenant() {
        let good = charter(1).sign(&key(1)).unwrap();
        assert_eq!(Charter::first(&good, &tenant()), Ok(charter(1)));
        assert_eq!(Charter::first(&good, &TenantId([0; 32])), Err(BadCharter::OtherTenant));
        let forged = charter(1).sign(&key(2)).unwrap();
        assert_eq!(Charter::first(&forged, &tenant()), Err(BadCharter::TooFewSignatures));
        // A portal that names itself a root of somebody else's tenant.
        let usurper = Charter { roots: vec![public(2)], ..charter(1) }.sign(&key(2)).unwrap();
        assert_eq!(Charter::first(&usurper, &tenant()), Err(BadCharter::TooFewSignatures));
        assert_eq!(
            Charter::first(&charter(2).sign(&key(1)).unwrap(), &tenant()),
            Err(BadCharter::WrongVersion)
        );
    }

    #[test]
    fn r31_the_next_charter_needs_the_thresholds_of_both() {
        let first = charter(1);
        let next = Charter { roots: vec![public(3), public(4)], root_threshold: 2, ..charter(2) };
        let mut envelope = next.sign(&key(1)).unwrap();
        assert_eq!(first.next(&envelope), Err(BadCharter::TooFewSignatures), "the new ones have not agreed");
        envelope.add_signature(&key(3)).unwrap();
        assert_eq!(first.next(&envelope), Err(BadCharter::TooFewSignatures), "one of two new ones");
        envelope.add_signature(&key(4)).unwrap();
        assert_eq!(first.next(&envelope), Ok(next.clone()));
        let mut without_old = next.sign(&key(3)).unwrap();
        without_old.add_signature(&key(4)).unwrap();
        assert_eq!(first.next(&without_old), Err(BadCharter::TooFewSignatures));
        assert_eq!(next.next(&envelope), Err(BadCharter::WrongVersion), "a version counts once");
    }

    #[test]
    fn charters_that_contradict_themselves_are_refused() {
        let wrong = [
            Charter { threshold: 3, ..charter(1) },
            Charter { threshold: 0, ..charter(1) },
            Charter { root_threshold: 2, ..charter(1) },
            Charter { roots: vec![public(1), public(1)], ..charter(1) },
            Charter { approvers: Vec::new(), ..charter(1) },
            Charter { expires: 100 + LIFETIME_SECONDS + 1, ..charter(1) },
            Charter { expires: 100, ..charter(1) },
            Charter {
                approvers: vec![
                    Approver { person: "Ada".into(), key: public(10) },
                    Approver { person: "Bo".into(), key: public(10) },
                ],
                ..charter(1)
            },
        ];
        for charter in wrong {
            let envelope = charter.sign(&key(1)).unwrap();
            assert_eq!(Charter::first(&envelope, &tenant()), Err(BadCharter::Unsound), "{charter:?}");
        }
    }
}
