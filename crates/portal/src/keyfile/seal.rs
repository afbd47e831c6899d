//! Sealing a key with a passphrase: Argon2id (RFC 9106) makes a key for ChaCha20-Poly1305 (RFC 8439).

use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use serde::{Deserialize, Serialize};
use vestibule_protocol::bytes::{Blob, Fixed};
use vestibule_protocol::problem::Problem;
use zeroize::Zeroizing;

use crate::problem::authoring as problem;
use crate::world::World;

/// RFC 9106, section 4, second recommended option: 64 MiB, three passes, four lanes. About a tenth of a second.
const MEMORY_KIB: u32 = 64 << 10;
const PASSES: u32 = 3;
const LANES: u32 = 4;

/// A file may ask for more than we do, but not for so much that reading it harms the machine.
const MOST_MEMORY_KIB: u32 = 1 << 20;
const MOST_PASSES: u32 = 16;
const MOST_LANES: u32 = 16;

/// A sealed seed with what it takes to open it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sealed {
    kdf: Kdf,
    cipher: Cipher,
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    salt: Fixed<16>,
    text: Blob,
}

#[derive(Debug, Serialize, Deserialize)]
enum Kdf {
    #[serde(rename = "argon2id")]
    Argon2id,
}

#[derive(Debug, Serialize, Deserialize)]
enum Cipher {
    #[serde(rename = "chacha20-poly1305")]
    ChaCha20Poly1305,
}

impl Sealed {
    /// Seals a seed. `context` is bound to it without being hidden.
    pub(super) fn make(
        seed: &[u8; 32],
        passphrase: &str,
        context: &[u8],
        world: &World,
    ) -> Result<Self, Problem> {
        let mut sealed = Self {
            kdf: Kdf::Argon2id,
            cipher: Cipher::ChaCha20Poly1305,
            memory_kib: MEMORY_KIB,
            passes: PASSES,
            lanes: LANES,
            salt: Fixed(world.random::<16>()?),
            text: Blob(seed.to_vec()),
        };
        let key = sealed.key(passphrase)?;
        key.seal_in_place_append_tag(nonce(), Aad::from(context), &mut sealed.text.0)
            .map_err(|_| problem::key_unwritable())?;
        Ok(sealed)
    }

    /// The seed, if this is its passphrase and its context.
    pub(super) fn open(&self, passphrase: &str, context: &[u8]) -> Result<Zeroizing<[u8; 32]>, Problem> {
        let mut text = Zeroizing::new(self.text.0.clone());
        let seed = self
            .key(passphrase)?
            .open_in_place(nonce(), Aad::from(context), &mut text)
            .map_err(|_| problem::passphrase_wrong())?;
        seed.try_into().map(Zeroizing::new).map_err(|_| problem::key_unusable())
    }

    fn key(&self, passphrase: &str) -> Result<LessSafeKey, Problem> {
        if self.memory_kib > MOST_MEMORY_KIB || self.passes > MOST_PASSES || self.lanes > MOST_LANES {
            return Err(problem::key_unusable());
        }
        let params = Params::new(self.memory_kib, self.passes, self.lanes, Some(32))
            .map_err(|_| problem::key_unusable())?;
        let mut key = Zeroizing::new([0; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(passphrase.as_bytes(), &self.salt.0, key.as_mut_slice())
            .map_err(|_| problem::key_unusable())?;
        let key = UnboundKey::new(&CHACHA20_POLY1305, key.as_slice()).map_err(|_| problem::key_unusable())?;
        Ok(LessSafeKey::new(key))
    }
}

/// Always the same: each salt makes a key of its own, with which one text is sealed.
fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; 12])
}
