//! The plan: what every document would be before and after a deployment, to the byte, and what the result could do.
//!
//! [`needs`] says what has to be read first; the agent reads it and hands it over as [`HomeNow`]. The steps are what is written, read back
//! and undone, one call each: a new dashboard is a record and then its contents.

mod arriving;
mod cards;
mod check;
mod dashboards;
mod home;
mod make;
mod repair;
mod routines;

pub use home::{
    DashboardNow, DashboardRecord, Document, HomeNow, Needs, ResourceMode, ResourceNow, RoutineKind,
    RoutineNow, RoutineState, needs,
};

pub use arriving::relied_on;
pub use make::{Choices, Origins, plan};
pub use repair::{Again, InPlace, again, mentions, names, needs_again, outdated};

use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::id::OpaqueId;

use super::abilities::Ability;
use super::diff::ItemDiff;
use super::refusal::Refusal;
use crate::outbound::reading::Text;

/// What stands in one place of the home.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Image {
    /// Nothing: no record, no saved contents, no such id.
    Absent,
    /// Exactly this text. Of contents: Home Assistant's JSON. Of a dashboard's record: [`DashboardRecord::text`]. Of a resource: its URL.
    Present(Text),
}

/// A place in the home that one step writes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// The record of a storage dashboard: created, updated or deleted.
    DashboardRecord {
        /// Its path; for a new one that is free.
        url_path: Text,
        /// Home Assistant's id of the record; `None` for a new one.
        id: Option<Text>,
    },
    /// The contents of a storage dashboard: saved, or deleted, so that Home Assistant makes them up.
    DashboardConfig {
        /// Its path.
        url_path: Text,
    },
    /// A row of the resource list that holds a card: created, updated or deleted.
    Resource {
        /// The custom element.
        element: String,
        /// Home Assistant's id of the row; `None` for a new one.
        id: Option<Text>,
    },
    /// The configuration of an automation or a script.
    Routine {
        /// Which of the two.
        kind: RoutineKind,
        /// Home Assistant's id (automation) or key (script).
        id: Text,
    },
}

/// One write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedStep {
    /// The item that it belongs to, from 0.
    pub item: u32,
    /// The thing as the tenant knows it; `None` for a new one, which has no id yet.
    pub thing: Option<OpaqueId>,
    /// Where it writes.
    pub target: Target,
    /// What must be there before.
    pub before: Image,
    /// What is there after it.
    pub after: Image,
}

/// What a deployment would do. Equal deployments on equal homes have equal plans.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// In the order in which they are carried out; those that delete stand last (R44). Empty when everything is as it should be.
    pub steps: Vec<PlannedStep>,
    /// How many of the steps come before the first that deletes: those are verified before the rest begins (R44).
    pub puts: usize,
    /// What the result could do beyond showing (R37), each once for its item, sorted.
    pub abilities: Vec<Ability>,
    /// Hosts that browsers would call and that the owner has not allowed for this deployment. While there are any, the plan cannot be
    /// agreed to; see [`Plan::objection`].
    pub refused_hosts: Vec<String>,
    /// Whether it does nothing that needs a question (R38).
    pub display_only: bool,
    /// What would change, for the owner; one for each item.
    pub diff: Vec<ItemDiff>,
    /// Over deployment, steps with all images, and abilities: what the owner's yes is bound to (R36). It stays at home.
    pub hash: Fixed<32>,
}

impl Plan {
    /// Why it cannot be agreed to as it is: a host that the owner has not allowed for this deployment (R37).
    #[must_use]
    pub fn objection(&self) -> Option<Refusal> {
        let host = self.refused_hosts.first()?;
        Some(Refusal::refused("remote_host").about(host))
    }
}

#[cfg(test)]
mod tests;
