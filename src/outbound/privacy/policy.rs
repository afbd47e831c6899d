//! What the owner allowed: granted classes, exclusions, kinds of rooms.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use vestibule_protocol::consent::Consent;
use vestibule_protocol::id::{OpaqueId, Thing};
use vestibule_protocol::problem::Problem;
use vestibule_protocol::vocabulary::{List, OTHER};

use crate::outbound::reading::Text;
use crate::private::Private;

/// Everything that decides about a rendering, besides the home itself.
#[derive(Debug, Clone, Copy)]
pub struct Policy<'a> {
    /// Granted classes.
    pub consent: &'a Consent,
    /// What does not exist for the portal.
    pub exclusions: &'a Exclusions,
    /// Kinds of rooms that the owner chose.
    pub kinds: &'a KindOverrides,
    /// Hosts by which the agent or the owner reaches the home: a text that contains one never leaves. In lower case.
    pub own_hosts: &'a [Text],
}

/// One thing that the owner excludes, spelled as an opaque id of an area, label, device or entity, or as `integration/DOMAIN`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Excluded {
    /// An area with everything in it, a label with everything that carries it, a device with its parts and entities, or an entity.
    Thing(OpaqueId),
    /// An integration with all its devices and entities.
    Integration(Private<Box<str>>),
}

impl FromStr for Excluded {
    type Err = Problem;
    fn from_str(text: &str) -> Result<Self, Problem> {
        let domain = text.strip_prefix("integration/").filter(|domain| {
            (1..=64).contains(&domain.len())
                && domain.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        });
        let thing = text
            .parse::<OpaqueId>()
            .ok()
            .filter(|id| matches!(id.thing, Thing::Area | Thing::Label | Thing::Device | Thing::Entity));
        domain
            .map(|domain| Self::Integration(Private::new(domain.into())))
            .or(thing.map(Self::Thing))
            .ok_or_else(|| {
                Problem::new(
                    "not_excludable",
                    "This is nothing that can be excluded.",
                    "Give the id of an area (a_…), a label (l_…), a device (d_…) or an entity (e_…) as the preview shows it, or \
                     integration/ and a domain, such as integration/hue.",
                )
            })
    }
}

impl fmt::Display for Excluded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Thing(id) => id.fmt(f),
            Self::Integration(domain) => write!(f, "integration/{}", domain.reveal_to_privacy()),
        }
    }
}

impl fmt::Debug for Excluded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Thing(id) => id.fmt(f),
            Self::Integration(domain) => domain.fmt(f),
        }
    }
}

/// Everything that is excluded. Ids are those of one tenant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exclusions(BTreeSet<Excluded>);

impl Exclusions {
    /// Excludes a thing; says whether that changed anything.
    pub fn add(&mut self, excluded: Excluded) -> bool {
        self.0.insert(excluded)
    }

    /// Includes it again; says whether that changed anything.
    pub fn remove(&mut self, excluded: &Excluded) -> bool {
        self.0.remove(excluded)
    }

    /// Everything, in a fixed order.
    pub fn iter(&self) -> impl Iterator<Item = &Excluded> {
        self.0.iter()
    }

    pub(super) fn thing(&self, id: OpaqueId) -> bool {
        !self.0.is_empty() && self.0.contains(&Excluded::Thing(id))
    }

    pub(super) fn integrations(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|excluded| match excluded {
            Excluded::Integration(domain) => Some(&**domain.reveal_to_privacy()),
            Excluded::Thing(_) => None,
        })
    }
}

impl FromIterator<Excluded> for Exclusions {
    fn from_iter<I: IntoIterator<Item = Excluded>>(list: I) -> Self {
        Self(list.into_iter().collect())
    }
}

/// Kinds of rooms that the owner chose instead of the one worked out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KindOverrides(BTreeMap<OpaqueId, &'static str>);

impl KindOverrides {
    /// Chooses a kind for an area; `hidden` makes it `other`.
    ///
    /// # Errors
    /// A [`Problem`] when the word is not in the closed list, or the id is not an area's.
    pub fn set(&mut self, area: OpaqueId, kind: &str) -> Result<(), Problem> {
        let word = if kind == "hidden" { Some(OTHER) } else { List::Room.find(kind) };
        match word {
            Some(word) if area.thing == Thing::Area => {
                self.0.insert(area, word);
                Ok(())
            }
            _ => Err(Problem::new(
                "unknown_room_kind",
                "This is no kind of room that Vestibule knows, or the id is not an area's.",
                "Give an area (a_…) and one of the kinds that docs/privacy.md lists, or hidden.",
            )),
        }
    }

    /// Goes back to the kind that is worked out; says whether that changed anything.
    pub fn clear(&mut self, area: OpaqueId) -> bool {
        self.0.remove(&area).is_some()
    }

    /// All choices.
    pub fn iter(&self) -> impl Iterator<Item = (OpaqueId, &'static str)> {
        self.0.iter().map(|(area, kind)| (*area, *kind))
    }

    pub(super) fn of(&self, area: OpaqueId) -> Option<&'static str> {
        self.0.get(&area).copied()
    }
}
