//! The invite code: one line that carries the portal's address, the tenant id and a single-use secret (R3).
//!
//! `vst-` and base32 of: version (1 byte), secret (16), tenant (32), origin (UTF-8), check (the first 4 bytes of BLAKE3 over
//! everything before). White space and dashes between the characters and upper case are forgiven, since people copy codes by hand.

use crate::base32;
use crate::id::TenantId;

const PREFIX: &str = "vst-";
const VERSION: u8 = 1;
const FIXED_PART: usize = 1 + 16 + 32;
const CHECK: usize = 4;
/// Longest origin that a code can carry, in bytes.
pub const ORIGIN_BYTES: usize = 200;

/// What an invite code says.
#[derive(Clone, PartialEq, Eq)]
pub struct Invite {
    /// Single-use secret; the portal stores its hash.
    pub secret: [u8; 16],
    /// Tenant that invites.
    pub tenant: TenantId,
    /// Origin of the portal, such as `https://portal.example`.
    pub origin: String,
}

impl std::fmt::Debug for Invite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Invite").field("tenant", &self.tenant).finish_non_exhaustive()
    }
}

/// Why a text is no invite code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidInvite {
    /// It does not begin like one.
    #[error("an invite code begins with vst-")]
    NotAnInvite,
    /// It begins like one, but a character is missing or wrong.
    #[error("a character of the invite code is missing or wrong")]
    Mistyped,
    /// It was made by a newer portal.
    #[error("the invite code is of a newer kind")]
    Newer,
}

impl Invite {
    /// Writes the code.
    #[must_use]
    pub fn code(&self) -> String {
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(&self.secret);
        bytes.extend_from_slice(&self.tenant.0);
        bytes.extend_from_slice(self.origin.as_bytes());
        let check = blake3::hash(&bytes);
        bytes.extend_from_slice(&check.as_bytes()[..CHECK]);
        format!("{PREFIX}{}", base32::encode(&bytes))
    }

    /// Reads a code.
    ///
    /// # Errors
    /// See [`InvalidInvite`].
    pub fn parse(text: &str) -> Result<Self, InvalidInvite> {
        let text: String =
            text.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_ascii_lowercase();
        let body = text.strip_prefix(PREFIX).ok_or(InvalidInvite::NotAnInvite)?.replace('-', "");
        let bytes = base32::decode(&body).ok_or(InvalidInvite::Mistyped)?;
        if !(FIXED_PART + CHECK..=FIXED_PART + ORIGIN_BYTES + CHECK).contains(&bytes.len()) {
            return Err(InvalidInvite::Mistyped);
        }
        let (said, check) = bytes.split_at(bytes.len() - CHECK);
        if blake3::hash(said).as_bytes()[..CHECK] != *check {
            return Err(InvalidInvite::Mistyped);
        }
        if said[0] != VERSION {
            return Err(InvalidInvite::Newer);
        }
        let (secret, rest) = said[1..].split_at(16);
        let (tenant, origin) = rest.split_at(32);
        Ok(Self {
            secret: secret.try_into().map_err(|_| InvalidInvite::Mistyped)?,
            tenant: TenantId(tenant.try_into().map_err(|_| InvalidInvite::Mistyped)?),
            origin: String::from_utf8(origin.to_vec()).map_err(|_| InvalidInvite::Mistyped)?,
        })
    }

    /// What the portal stores of the secret.
    #[must_use]
    pub fn secret_hash(secret: &[u8; 16]) -> [u8; 32] {
        blake3::derive_key("vestibule 2026-11 v1 invite secret", secret)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn invite() -> Invite {
        Invite { secret: [5; 16], tenant: TenantId([6; 32]), origin: "https://portal.example".into() }
    }

    #[test]
    fn a_code_reads_back_also_when_copied_by_hand() {
        let code = invite().code();
        assert_eq!(Invite::parse(&code), Ok(invite()));
        let by_hand = format!(" {}-{} \n{}", &code[..20].to_uppercase(), &code[20..50], &code[50..]);
        assert_eq!(Invite::parse(&by_hand), Ok(invite()));
    }

    #[test]
    fn debug_shows_no_secret() {
        assert!(!format!("{:?}", invite()).contains('5'), "{:?}", invite());
    }

    proptest! {
        #[test]
        fn one_wrong_character_is_noticed(at in 4..100_usize, by in 1..26_u8) {
            let mut code = invite().code().into_bytes();
            prop_assume!(at < code.len() && code[at].is_ascii_lowercase());
            code[at] = b'a' + (code[at] - b'a' + by) % 26;
            prop_assert_eq!(Invite::parse(std::str::from_utf8(&code).unwrap()), Err(InvalidInvite::Mistyped));
        }

        #[test]
        fn any_text_gets_an_answer(text: String) {
            let _ = Invite::parse(&text);
        }
    }

    #[test]
    fn other_texts_are_told_apart() {
        assert_eq!(Invite::parse("hello"), Err(InvalidInvite::NotAnInvite));
        assert_eq!(Invite::parse("vst-abc"), Err(InvalidInvite::Mistyped));
        let newer = Invite { origin: "x".into(), ..invite() };
        let mut bytes = base32::decode(&newer.code()[4..]).unwrap();
        bytes.truncate(bytes.len() - CHECK);
        bytes[0] = 2;
        let check = blake3::hash(&bytes);
        bytes.extend_from_slice(&check.as_bytes()[..CHECK]);
        assert_eq!(Invite::parse(&format!("vst-{}", base32::encode(&bytes))), Err(InvalidInvite::Newer));
    }
}
