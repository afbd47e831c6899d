//! The people of a tenant and their keys: who may approve, and what they have approved.

use std::sync::atomic::{AtomicU64, Ordering};

use ed25519_dalek::SigningKey;
use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::charter::{Approver, Charter};
use vestibule_protocol::deployment::{Deployment, DeploymentId, Item};
use vestibule_protocol::dsse::Envelope;
use vestibule_protocol::id::{Fingerprint, TenantId};

/// Seed of the tenant's root key.
pub(crate) const ROOT: [u8; 32] = [9; 32];
/// Seeds of the approvers' keys.
pub(crate) const ADA: u8 = 21;
pub(crate) const BO: u8 = 22;
const DAY: u64 = 24 * 3600;

/// For ids and sequences that are all different.
static DRAFTED: AtomicU64 = AtomicU64::new(1);

pub(crate) fn key(seed: u8) -> SigningKey {
    SigningKey::from_bytes(&[seed; 32])
}

pub(crate) fn public(seed: u8) -> Fixed<32> {
    Fixed(*key(seed).verifying_key().as_bytes())
}

/// The tenant says who may approve: Ada and Bo, one of them is enough, and Cleo makes.
pub(crate) fn charter(tenant: TenantId, now: u64) -> Envelope {
    let root = SigningKey::from_bytes(&ROOT);
    let approver = |person: &str, seed| Approver { person: person.to_owned(), key: public(seed) };
    let charter = Charter {
        tenant,
        version: 1,
        issued: now,
        expires: now + 100 * DAY,
        roots: vec![Fixed(*root.verifying_key().as_bytes())],
        root_threshold: 1,
        approvers: vec![approver("Ada", ADA), approver("Bo", BO)],
        threshold: 1,
    };
    charter.sign(&root).unwrap()
}

/// A deployment of these items, not signed by anybody. Each has a higher sequence than those before it.
pub(crate) fn draft(tenant: TenantId, target: Fingerprint, now: u64, items: Vec<Item>) -> Deployment {
    let drafted = DRAFTED.fetch_add(1, Ordering::SeqCst);
    Deployment {
        id: DeploymentId::new(now * 1000 + drafted, [u8::try_from(drafted % 250).unwrap(); 16]),
        tenant,
        target,
        sequence: now * 1000 + drafted,
        issued: now,
        not_before: now,
        expires: now + 7 * DAY,
        title: "A new look".into(),
        summary: String::new(),
        author: "Cleo".into(),
        items,
    }
}

/// Ada approves.
pub(crate) fn approved(deployment: &Deployment) -> Envelope {
    deployment.sign(&key(ADA)).unwrap()
}
