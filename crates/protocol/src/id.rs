//! Identifiers, each with one spelling and a strict reader: tenants, fingerprints and opaque ids.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::base32;

/// A text that is not the identifier it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not {0}")]
pub struct InvalidId(&'static str);

/// A tenant: `t_` and the BLAKE3 hash of the tenant's root public key (R2), so that nobody can claim another's id.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TenantId(pub [u8; 32]);

impl TenantId {
    /// The id that belongs to a root public key.
    #[must_use]
    pub fn of_root_key(root_key: &[u8; 32]) -> Self {
        Self(*blake3::hash(root_key).as_bytes())
    }
}

/// A home as one tenant sees it: `vst1` and 32 bytes of keyed BLAKE3 over a secret that never leaves the home.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint(pub [u8; 32]);

/// What an opaque id stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Thing {
    /// `e_`
    Entity,
    /// `d_`
    Device,
    /// `a_`
    Area,
    /// `f_`
    Floor,
    /// `l_`
    Label,
    /// `b_`, as in board: `d_` is taken.
    Dashboard,
    /// `m_`, as in automation: `a_` is taken.
    Automation,
    /// `s_`
    Script,
    /// `c_`, as in scene: `s_` is taken.
    Scene,
    /// `r_`
    Resource,
}

impl Thing {
    /// All kinds, in the order of the schema.
    pub const ALL: [Self; 10] = [
        Self::Entity,
        Self::Device,
        Self::Area,
        Self::Floor,
        Self::Label,
        Self::Dashboard,
        Self::Automation,
        Self::Script,
        Self::Scene,
        Self::Resource,
    ];

    /// The letter before the underscore.
    #[must_use]
    pub const fn letter(self) -> char {
        match self {
            Self::Entity => 'e',
            Self::Device => 'd',
            Self::Area => 'a',
            Self::Floor => 'f',
            Self::Label => 'l',
            Self::Dashboard => 'b',
            Self::Automation => 'm',
            Self::Script => 's',
            Self::Scene => 'c',
            Self::Resource => 'r',
        }
    }
}

/// The name of a thing in a home for one tenant: 64 bits of keyed BLAKE3 over kind and registry id.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OpaqueId {
    /// What it names.
    pub thing: Thing,
    /// The hash.
    pub bits: u64,
}

impl OpaqueId {
    /// Spells the id at the end of `text`, without allocating: a rendering spells tens of thousands of them.
    pub fn append_to(&self, text: &mut String) {
        text.push(self.thing.letter());
        text.push('_');
        base32::append(&self.bits.to_be_bytes(), text);
    }
}

macro_rules! spelled {
    ($type:ty, $what:literal, |$value:ident| $spell:expr, |$text:ident| $read:expr) => {
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let $value = self;
                f.write_str(&$spell)
            }
        }
        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
        impl FromStr for $type {
            type Err = InvalidId;
            fn from_str($text: &str) -> Result<Self, InvalidId> {
                $read.ok_or(InvalidId($what))
            }
        }
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Cow::<str>::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        }
    };
}

spelled!(
    TenantId,
    "a tenant id (t_ and 52 characters)",
    |id| format!("t_{}", base32::encode(&id.0)),
    |text| {
        text.strip_prefix("t_").and_then(base32::decode).and_then(|bytes| bytes.try_into().ok()).map(Self)
    }
);

spelled!(
    Fingerprint,
    "a fingerprint (vst1 and 52 characters)",
    |id| format!("vst1{}", base32::encode(&id.0)),
    |text| {
        text.strip_prefix("vst1").and_then(base32::decode).and_then(|bytes| bytes.try_into().ok()).map(Self)
    }
);

spelled!(
    OpaqueId,
    "an opaque id (a letter, an underscore and 13 characters)",
    |id| {
        let mut text = String::with_capacity(15);
        id.append_to(&mut text);
        text
    },
    |text| {
        Thing::ALL.into_iter().find_map(|thing| {
            let tail = text.strip_prefix(thing.letter())?.strip_prefix('_')?;
            let bytes: [u8; 8] = base32::decode(tail)?.try_into().ok()?;
            Some(Self { thing, bits: u64::from_be_bytes(bytes) })
        })
    }
);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_tenant_of_a_key_is_known() {
        let tenant = TenantId::of_root_key(&[7; 32]);
        assert_eq!(tenant.to_string(), "t_5oxylndfuco6egzzr6yrfqkqb4wl4zmmilzxtyga6ggsjoaz6y3q");
    }

    #[test]
    fn things_have_letters_of_their_own() {
        let letters: std::collections::BTreeSet<char> = Thing::ALL.into_iter().map(Thing::letter).collect();
        assert_eq!(letters.len(), Thing::ALL.len());
    }

    #[test]
    fn other_texts_are_refused_with_a_hint() {
        assert_eq!(
            "e_short".parse::<OpaqueId>().unwrap_err().to_string(),
            "not an opaque id (a letter, an underscore and 13 characters)"
        );
        assert!("vst1".parse::<Fingerprint>().is_err());
        assert!("x_aaaaaaaaaaaaa".parse::<OpaqueId>().is_err());
    }

    proptest! {
        #[test]
        fn opaque_ids_read_back(bits: u64, index in 0..10_usize) {
            let id = OpaqueId { thing: Thing::ALL[index], bits };
            let text = id.to_string();
            prop_assert_eq!(text.len(), 15);
            prop_assert_eq!(text.parse(), Ok(id));
        }

        #[test]
        fn fingerprints_and_tenants_read_back(bytes: [u8; 32]) {
            prop_assert_eq!(Fingerprint(bytes).to_string().parse(), Ok(Fingerprint(bytes)));
            prop_assert_eq!(TenantId(bytes).to_string().parse(), Ok(TenantId(bytes)));
        }
    }
}
