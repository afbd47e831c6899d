//! Key files of approvers and roots: an Ed25519 key, sealed with a passphrase, or plain and readable only by its owner.
//!
//! Three forms are read: the sealed and the plain one that `key new` writes, and the bare line that `tenant create` writes for a root key.
//! No file is ever overwritten.

pub mod passphrase;
mod seal;

use std::fs::{File, Metadata};
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use ed25519_dalek::SigningKey;
use serde::{Deserialize, Serialize};
use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::charter::Approver;
use vestibule_protocol::limits;
use vestibule_protocol::problem::Problem;
use zeroize::{Zeroize as _, Zeroizing};

use crate::data::write_private;
use crate::problem::authoring as problem;
use crate::world::World;
use seal::Sealed;

/// Version of the form of key files.
const FORM: u32 = 1;

/// A key file is a few hundred bytes long; what is larger is something else.
const FILE_BYTES: u64 = 4096;

/// What stands in the files that `key new` writes: exactly one of `secret` and `sealed`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    vestibule_key: u32,
    person: String,
    public: Fixed<32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    secret: Option<Fixed<32>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sealed: Option<Sealed>,
}

/// A key file that has been read.
pub struct KeyFile {
    person: Option<String>,
    body: Body,
}

enum Body {
    Plain(SigningKey),
    Sealed { public: Fixed<32>, context: Vec<u8>, sealed: Sealed },
}

impl KeyFile {
    /// Reads a key file of any of the three forms.
    ///
    /// # Errors
    /// A `Problem` when it cannot be read, holds no key, or is plain while others than its owner may read it.
    pub fn read(path: &Path) -> Result<Self, Problem> {
        let mut file = File::open(path).map_err(|_| problem::key_unusable())?;
        let metadata = file.metadata().map_err(|_| problem::key_unusable())?;
        if metadata.len() > FILE_BYTES {
            return Err(problem::key_unusable());
        }
        let mut text = Zeroizing::new(String::new());
        file.read_to_string(&mut text).map_err(|_| problem::key_unusable())?;
        let key = Self::of_text(text.trim()).ok_or_else(problem::key_unusable)?;
        if matches!(key.body, Body::Plain(_)) && others_can_read(&metadata) {
            return Err(problem::key_exposed());
        }
        Ok(key)
    }

    fn of_text(text: &str) -> Option<Self> {
        if let Some(mut seed) = Fixed::<32>::parse(text) {
            let key = SigningKey::from_bytes(&seed.0);
            seed.0.zeroize();
            return Some(Self { person: None, body: Body::Plain(key) });
        }
        let stored: Stored =
            serde_json::from_str(text).ok().filter(|it: &Stored| it.vestibule_key == FORM)?;
        let context = context(&stored.person, &stored.public);
        let body = match (stored.secret, stored.sealed) {
            (Some(mut secret), None) => {
                let key = SigningKey::from_bytes(&secret.0);
                secret.0.zeroize();
                (*key.verifying_key().as_bytes() == stored.public.0).then_some(Body::Plain(key))?
            }
            (None, Some(sealed)) => Body::Sealed { public: stored.public, context, sealed },
            _ => return None,
        };
        Some(Self { person: Some(stored.person), body })
    }

    /// Whose it is; root keys do not say.
    #[must_use]
    pub fn person(&self) -> Option<&str> {
        self.person.as_deref()
    }

    /// The key, for which a sealed file needs its passphrase.
    ///
    /// # Errors
    /// A `Problem` when there is no passphrase, or when it does not open the file.
    pub fn unlock(
        self,
        passphrase: impl FnOnce() -> Result<Zeroizing<String>, Problem>,
    ) -> Result<SigningKey, Problem> {
        match self.body {
            Body::Plain(key) => Ok(key),
            Body::Sealed { public, context, sealed } => {
                let seed = sealed.open(&passphrase()?, &context)?;
                let key = SigningKey::from_bytes(&seed);
                if *key.verifying_key().as_bytes() == public.0 {
                    Ok(key)
                } else {
                    Err(problem::key_unusable())
                }
            }
        }
    }
}

/// Makes a new key: the file, sealed unless there is no passphrase, and beside it the public half, whose path comes back.
///
/// # Errors
/// A `Problem` when one of the files exists or cannot be written, or when there is no randomness.
pub fn create(
    path: &Path,
    person: &str,
    passphrase: Option<&str>,
    world: &World,
) -> Result<(Approver, PathBuf), Problem> {
    let beside = public_path(path);
    if path.exists() || beside.exists() {
        return Err(problem::key_exists());
    }
    let key = SigningKey::from_bytes(&world.random::<32>()?);
    let public = Fixed(*key.verifying_key().as_bytes());
    let (secret, sealed) = match passphrase {
        None => (Some(Fixed(key.to_bytes())), None),
        Some(passphrase) => {
            (None, Some(Sealed::make(&key.to_bytes(), passphrase, &context(person, &public), world)?))
        }
    };
    let stored = Stored { vestibule_key: FORM, person: person.to_owned(), public, secret, sealed };
    let text = Zeroizing::new(serde_json::to_string(&stored).map_err(|_| problem::key_unwritable())?);
    let unwritable = |error: std::io::Error| {
        let exists = error.kind() == std::io::ErrorKind::AlreadyExists;
        if exists { problem::key_exists() } else { problem::key_unwritable() }
    };
    write_private(path, &text).map_err(unwritable)?;
    let approver = Approver { person: person.to_owned(), key: public };
    let text = serde_json::to_string(&approver).map_err(|_| problem::key_unwritable())?;
    super::author::files::write_new(&beside, format!("{text}\n").as_bytes())
        .map_err(|_| problem::key_unwritable())?;
    Ok((approver, beside))
}

/// Reads the public half that [`create`] wrote.
///
/// # Errors
/// A `Problem` when the file cannot be read, or holds something else.
pub fn read_public(path: &Path) -> Result<Approver, Problem> {
    let long = std::fs::metadata(path).map_or(true, |metadata| metadata.len() > FILE_BYTES);
    let text = if long { None } else { std::fs::read_to_string(path).ok() };
    let approver: Approver =
        text.and_then(|text| serde_json::from_str(&text).ok()).ok_or_else(problem::public_key_unusable)?;
    let named = (1..=limits::PERSON_CHARS).contains(&approver.person.chars().count());
    if named && !approver.person.chars().any(char::is_control) {
        Ok(approver)
    } else {
        Err(problem::public_key_unusable())
    }
}

/// `FILE.pub`
fn public_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".pub");
    PathBuf::from(name)
}

/// What a sealed file is bound to, so that it cannot be passed off as another person's.
fn context(person: &str, public: &Fixed<32>) -> Vec<u8> {
    format!("vestibule key {FORM}\n{public}\n{person}").into_bytes()
}

fn others_can_read(metadata: &Metadata) -> bool {
    metadata.mode() & 0o077 != 0
}

#[cfg(test)]
mod tests;
