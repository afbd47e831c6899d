//! The recovery code: by it the owner erases the home at the portal without the agent (DESIGN section 3).
//!
//! `vsr-` and nine groups of four letters: 20 bytes that the agent derives from the home's secret and, in the last group, a check
//! against slips of the pen. The portal stores only a hash of the bytes, so its database holds nothing that erases anything.

use std::fmt;
use std::str::FromStr;

use crate::base32;

/// 160 bits: nobody guesses it, so no key stretching is needed.
const BYTES: usize = 20;
/// 20 bits of check, one group.
const CHECK: usize = 4;

/// A recovery code. `Debug` does not show it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RecoveryCode([u8; BYTES]);

/// A text that is no recovery code; it may be mistyped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a recovery code: it begins with vsr- and has nine groups of four letters")]
pub struct InvalidCode;

impl RecoveryCode {
    /// The code that carries these bytes.
    #[must_use]
    pub const fn new(bytes: [u8; BYTES]) -> Self {
        Self(bytes)
    }

    /// What the portal stores and compares; `recovery_hash` of enrolment.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        blake3::derive_key("vestibule 2026-11 v1 recovery hash", &self.0)
    }

    fn letters(&self) -> String {
        let check = blake3::derive_key("vestibule 2026-11 v1 recovery check", &self.0);
        let mut letters = base32::encode(&self.0);
        letters.push_str(&base32::encode(&check[..3])[..CHECK]);
        letters
    }
}

/// The hash of a code as a person typed it: spaces, dashes and capitals do not matter, and `0`, `1`, `8` are read as `o`, `l`, `b`.
///
/// # Errors
/// [`InvalidCode`] when it cannot be a code, typically because a letter is wrong.
pub fn recovery_hash(code: &str) -> Result<[u8; 32], InvalidCode> {
    code.parse().map(|code: RecoveryCode| code.hash())
}

impl FromStr for RecoveryCode {
    type Err = InvalidCode;
    fn from_str(text: &str) -> Result<Self, InvalidCode> {
        let letters: String = text
            .chars()
            .filter(|letter| !letter.is_whitespace() && !matches!(letter, '-' | '–' | '_' | '.'))
            .map(|letter| match letter.to_ascii_lowercase() {
                '0' => 'o',
                '1' => 'l',
                '8' => 'b',
                other => other,
            })
            .take(64)
            .collect();
        let letters = letters.strip_prefix("vsr").ok_or(InvalidCode)?;
        let data = letters.get(..BYTES * 8 / 5).and_then(base32::decode).ok_or(InvalidCode)?;
        let code = Self(data.try_into().map_err(|_| InvalidCode)?);
        if code.letters() == letters { Ok(code) } else { Err(InvalidCode) }
    }
}

impl fmt::Display for RecoveryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("vsr")?;
        let letters = self.letters();
        for (place, letter) in letters.chars().enumerate() {
            if place % 4 == 0 {
                f.write_str("-")?;
            }
            write!(f, "{letter}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for RecoveryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryCode(‹secret›)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_answers() {
        let code = RecoveryCode::new([7; 20]);
        insta::assert_snapshot!(format!("{code}\n{}", blake3::Hash::from(code.hash())));
        assert_eq!(format!("{code:?}"), "RecoveryCode(‹secret›)");
    }

    proptest! {
        #[test]
        fn people_may_type_it_as_they_like(bytes: [u8; 20]) {
            let code = RecoveryCode::new(bytes);
            let text = code.to_string();
            prop_assert_eq!(text.parse(), Ok(code));
            let typed = text.to_uppercase().replace('-', " ").replace('O', "0").replace('L', "1").replace('B', "8");
            prop_assert_eq!(recovery_hash(&typed), Ok(code.hash()));
        }

        #[test]
        fn one_wrong_letter_is_noticed(bytes: [u8; 20], place in 4..48_usize) {
            let text = RecoveryCode::new(bytes).to_string();
            let mut wrong: Vec<char> = text.chars().collect();
            prop_assume!(wrong[place] != '-');
            wrong[place] = if wrong[place] == 'a' { 'c' } else { 'a' };
            prop_assert_eq!(recovery_hash(&wrong.into_iter().collect::<String>()), Err(InvalidCode));
        }

        #[test]
        fn any_text_gets_an_answer(text: String) {
            prop_assert_eq!(recovery_hash(&text), Err(InvalidCode));
        }
    }
}
