//! Who the home is to one tenant: everything derived, per tenant, from one secret that never leaves (DESIGN section 3, R1).
//!
//! ```text
//! device key     = ed25519 seed: derive_key("vestibule 2026-11 v1 device key", secret ‖ tenant)
//! fingerprint    = keyed_hash(derive_key("vestibule 2026-11 v1 fingerprint key", secret), tenant)
//! id key         = derive_key("vestibule 2026-11 v1 id key", secret ‖ tenant)
//! recovery code  = first 20 bytes of derive_key("vestibule 2026-11 v1 recovery code", secret ‖ tenant)
//! opaque id      = first 8 bytes of keyed_hash(id key, kind letter ‖ 'r' or 't' ‖ registry id or text)
//! hidden text    = first 8 bytes of keyed_hash(derive_key("vestibule 2026-11 v1 hidden text key", id key), document ‖ spelling ‖ text)
//! base hash      = keyed_hash(derive_key("vestibule 2026-11 v1 base hash key", id key), document ‖ text)
//! document       = kind letter ‖ 8 bytes of its opaque id
//! ```
//!
//! Pure: whoever mints the secret passes 32 random bytes in.

use std::fmt;

use ed25519_dalek::SigningKey;
use vestibule_protocol::id::{Fingerprint, OpaqueId, TenantId, Thing};
use vestibule_protocol::recovery::RecoveryCode;

/// The secret of a home: 32 random bytes, kept in the data folder with mode 0600.
#[derive(Clone, PartialEq, Eq)]
pub struct HomeSecret([u8; 32]);

/// What one tenant can see of the home, or of its doings.
pub struct TenantKeys {
    /// Signs hello and enrolment.
    pub device_key: SigningKey,
    /// Name of the home.
    pub fingerprint: Fingerprint,
    /// Makes the names of its things.
    pub id_key: IdKey,
    /// Erases the home at the portal.
    pub recovery: RecoveryCode,
}

/// Makes opaque ids.
#[derive(Clone)]
pub struct IdKey([u8; 32]);

/// Numbers the texts of one document that do not leave.
pub(crate) struct HiddenTexts(blake3::Hasher);

/// What an opaque id is made of.
#[derive(Clone, Copy)]
pub(crate) enum IdSource<'a> {
    /// A registry id of 16 bytes.
    Registry(&'a [u8; 16]),
    /// An id that is text: of an area, a dashboard, or an entity id without registry entry.
    Text(&'a str),
}

impl HomeSecret {
    /// Wraps 32 bytes from the system's random source, or from the file they were kept in.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes, for the file they are kept in.
    #[must_use]
    pub const fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// Everything that belongs to one tenant.
    #[must_use]
    pub fn tenant(&self, tenant: &TenantId) -> TenantKeys {
        let mut code = [0; 20];
        code.copy_from_slice(&self.derive("vestibule 2026-11 v1 recovery code", tenant)[..20]);
        let fingerprint_key = blake3::derive_key("vestibule 2026-11 v1 fingerprint key", &self.0);
        TenantKeys {
            device_key: SigningKey::from_bytes(&self.derive("vestibule 2026-11 v1 device key", tenant)),
            fingerprint: Fingerprint(*blake3::keyed_hash(&fingerprint_key, &tenant.0).as_bytes()),
            id_key: IdKey(self.derive("vestibule 2026-11 v1 id key", tenant)),
            recovery: RecoveryCode::new(code),
        }
    }

    fn derive(&self, context: &'static str, tenant: &TenantId) -> [u8; 32] {
        let mut material = [0; 64];
        material[..32].copy_from_slice(&self.0);
        material[32..].copy_from_slice(&tenant.0);
        blake3::derive_key(context, &material)
    }
}

impl IdKey {
    /// Wraps 32 bytes from the system's random source, for ids that nobody outside this home ever sees.
    #[must_use]
    pub(crate) const fn local(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The name of a thing. The same at every start and after every rename; another one for every tenant.
    pub(crate) fn opaque(&self, thing: Thing, source: IdSource<'_>) -> OpaqueId {
        let mut short = [0; 8];
        let hash = match source {
            IdSource::Registry(id) => {
                // One block and one call: the bulk of a large home takes this way.
                let mut bytes = [0; 18];
                bytes[0] = thing.letter() as u8;
                bytes[1] = b'r';
                bytes[2..].copy_from_slice(id);
                blake3::keyed_hash(&self.0, &bytes)
            }
            IdSource::Text(text) => {
                let mut hasher = blake3::Hasher::new_keyed(&self.0);
                hasher.update(&[thing.letter() as u8, b't']).update(text.as_bytes());
                hasher.finalize()
            }
        };
        short.copy_from_slice(&hash.as_bytes()[..8]);
        OpaqueId { thing, bits: u64::from_be_bytes(short) }
    }
}

impl IdKey {
    /// What stands for the texts of one document (R13).
    pub(crate) fn hidden(&self, document: OpaqueId) -> HiddenTexts {
        let key = blake3::derive_key("vestibule 2026-11 v1 hidden text key", &self.0);
        HiddenTexts(of_document(&key, document))
    }

    /// By which a deployment says what it was designed against (R16): the contents as Home Assistant told them.
    pub(crate) fn base_hash(&self, document: OpaqueId, text: &str) -> [u8; 32] {
        let key = blake3::derive_key("vestibule 2026-11 v1 base hash key", &self.0);
        *of_document(&key, document).update(text.as_bytes()).finalize().as_bytes()
    }
}

impl HiddenTexts {
    /// The number of a text; `spelling` says how it is written.
    pub(crate) fn number(&self, spelling: u8, text: &str) -> u64 {
        let mut short = [0; 8];
        let hash = self.0.clone().update(&[spelling]).update(text.as_bytes()).finalize();
        short.copy_from_slice(&hash.as_bytes()[..8]);
        u64::from_be_bytes(short)
    }
}

fn of_document(key: &[u8; 32], document: OpaqueId) -> blake3::Hasher {
    let mut hasher = blake3::Hasher::new_keyed(key);
    hasher.update(&[document.thing.letter() as u8]).update(&document.bits.to_be_bytes());
    hasher
}

impl fmt::Debug for HomeSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HomeSecret(‹secret›)")
    }
}

impl fmt::Debug for IdKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdKey(‹secret›)")
    }
}

impl fmt::Debug for TenantKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantKeys").field("fingerprint", &self.fingerprint).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
