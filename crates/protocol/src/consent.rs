//! Consent as both sides see it: one versioned object, so that a lost message cannot leave a portal with more than was granted (R27).

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A class of data, granted and withdrawn as a whole (DESIGN section 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// What there is: rooms, devices, entities, without any text from the home.
    Structure,
    /// The texts that `structure` leaves out.
    Names,
    /// Contents of dashboards, rewritten.
    Dashboards,
    /// Contents of automations, scripts and scenes, rewritten.
    Automations,
}

impl Class {
    /// All classes that this version can grant.
    pub const ALL: [Self; 4] = [Self::Structure, Self::Names, Self::Dashboards, Self::Automations];

    /// The name used in commands, messages and documents.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Structure => "structure",
            Self::Names => "names",
            Self::Dashboards => "dashboards",
            Self::Automations => "automations",
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Class {
    type Err = UnknownClass;
    fn from_str(text: &str) -> Result<Self, UnknownClass> {
        Self::ALL.into_iter().find(|class| class.name() == text).ok_or(UnknownClass)
    }
}

/// A text that names no class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a class of data; there are structure, names, dashboards and automations")]
pub struct UnknownClass;

/// A kind of change that a deployment can make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Change {
    /// Dashboards come, change and go.
    #[serde(rename = "deploy.dashboards")]
    Dashboards,
    /// Custom cards are placed among the resources.
    #[serde(rename = "deploy.cards")]
    Cards,
    /// Automations and scripts come, change and go.
    #[serde(rename = "deploy.automations")]
    Automations,
}

impl Change {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Dashboards, Self::Cards, Self::Automations];

    /// The name used in commands, messages and documents.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dashboards => "deploy.dashboards",
            Self::Cards => "deploy.cards",
            Self::Automations => "deploy.automations",
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Change {
    type Err = UnknownChange;
    fn from_str(text: &str) -> Result<Self, UnknownChange> {
        Self::ALL.into_iter().find(|change| change.name() == text).ok_or(UnknownChange)
    }
}

/// A text that names no kind of change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a kind of change; there are deploy.dashboards, deploy.cards and deploy.automations")]
pub struct UnknownChange;

/// What happens when a deployment wants a kind of change. Never is spelled by leaving the kind out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// The owner is asked each time.
    Ask,
    /// Carried out unasked, where it only displays (R38).
    Trust,
}

/// What the owner allows, at one epoch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Consent {
    /// Rises by one with every change.
    pub epoch: u64,
    /// Granted classes, sorted.
    pub classes: Vec<Class>,
    /// For each class that was ever withdrawn, the epoch of the last withdrawal.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub withdrawn: BTreeMap<Class, u64>,
    /// Kinds of change that are not refused outright; everything else is.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub changes: BTreeMap<Change, Policy>,
    /// The owner asked that nothing be processed for the time being.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub restricted: bool,
}

impl Consent {
    /// Whether `class` may leave.
    #[must_use]
    pub fn grants(&self, class: Class) -> bool {
        self.classes.contains(&class)
    }

    /// Grants a class; says whether that changed anything.
    pub fn grant(&mut self, class: Class) -> bool {
        if self.grants(class) {
            return false;
        }
        self.classes.push(class);
        self.classes.sort_unstable();
        self.epoch += 1;
        true
    }

    /// Withdraws a class; says whether that changed anything. Contents hold what `names` let through, so when that is withdrawn they are
    /// erased too, and sent again without it if they are granted.
    pub fn withdraw(&mut self, class: Class) -> bool {
        if !self.grants(class) {
            return false;
        }
        self.classes.retain(|granted| *granted != class);
        self.epoch += 1;
        self.withdrawn.insert(class, self.epoch);
        if class == Class::Names {
            let granted =
                [Class::Dashboards, Class::Automations].into_iter().filter(|class| self.grants(*class));
            let erased: Vec<Class> = granted.collect();
            self.withdrawn.extend(erased.into_iter().map(|class| (class, self.epoch)));
        }
        true
    }

    /// Sets what happens with a kind of change, `None` for never; says whether that changed anything. That only dashboards can be
    /// trusted (R38) is for whoever asks the owner.
    pub fn set_change(&mut self, change: Change, policy: Option<Policy>) -> bool {
        let before = match policy {
            Some(policy) => self.changes.insert(change, policy),
            None => self.changes.remove(&change),
        };
        self.epoch += u64::from(before != policy);
        before != policy
    }

    /// Asks for a pause, or ends it; says whether that changed anything.
    pub fn restrict(&mut self, on: bool) -> bool {
        let changed = self.restricted != on;
        self.restricted = on;
        self.epoch += u64::from(changed);
        changed
    }

    /// The classes that a portal must erase which last saw `epoch`.
    pub fn withdrawn_since(&self, epoch: u64) -> impl Iterator<Item = Class> {
        self.withdrawn.iter().filter(move |(_, at)| **at > epoch).map(|(class, _)| *class)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise 4: the words that `names` let through stand in contents too.
    #[test]
    fn r27_withdrawing_names_erases_granted_contents() {
        let mut consent = Consent::default();
        consent.grant(Class::Names);
        consent.grant(Class::Dashboards);
        let seen = consent.epoch;
        consent.withdraw(Class::Names);
        assert!(consent.grants(Class::Dashboards));
        let erased: Vec<Class> = consent.withdrawn_since(seen).collect();
        assert_eq!(erased, [Class::Names, Class::Dashboards]);
    }

    #[test]
    fn r27_a_portal_that_missed_changes_learns_every_withdrawal() {
        let mut consent = Consent::default();
        assert!(
            consent.grant(Class::Names) && consent.grant(Class::Structure) && !consent.grant(Class::Names)
        );
        assert_eq!(consent.classes, [Class::Structure, Class::Names]);
        let seen = consent.epoch;
        assert!(consent.withdraw(Class::Names) && consent.grant(Class::Names));
        assert_eq!(consent.withdrawn_since(seen).collect::<Vec<_>>(), [Class::Names]);
        assert_eq!(consent.withdrawn_since(consent.epoch).count(), 0);
    }
}
