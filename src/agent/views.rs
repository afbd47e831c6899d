//! What the loop tells a command, and how a person reads it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use vestibule_protocol::consent::{Change, Class, Consent, Policy};
use vestibule_protocol::problem::Problem;

/// One side of the house.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Side {
    /// Whether there is a working connection.
    pub connected: bool,
    /// Since when, in Unix seconds.
    pub since: Option<i64>,
    /// Why not, or what is wrong although there is one.
    pub problem: Option<Problem>,
}

/// How things stand.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Whether a daemon answered.
    pub running: bool,
    /// By which the portal knows this home.
    pub fingerprint: Option<String>,
    /// Whose portal.
    pub tenant: Option<String>,
    /// The tenant's name, as it signed it.
    pub tenant_name: Option<String>,
    /// The connection to Home Assistant.
    pub home: Side,
    /// The connection to the portal.
    pub portal: Side,
    /// Paired, connected to both, nothing waiting to be read, complete, and acknowledged.
    pub in_sync: bool,
    /// Name of the inventory as it is now.
    pub root: Option<String>,
    /// Records by kind.
    pub records: BTreeMap<String, u64>,
    /// What went over the wire in the last 24 hours.
    pub last_day: Traffic,
    /// What could not leave although it was granted, and why.
    #[serde(default)]
    pub left_out: Vec<Problem>,
    /// What waits to be delivered or cannot be.
    pub outbox: Vec<Waiting>,
    /// The owner has restricted processing.
    pub restricted: bool,
    /// This home was restored from a backup, as the portal or the missing ledger says.
    pub restored: bool,
    /// The portal noticed that there are two of this home.
    pub cloned: bool,
    /// An erasure waits for the portal's receipt.
    pub forgetting: bool,
    /// Deployments that wait for the owner.
    pub waiting: u64,
    /// Questions that wait for the owner.
    #[serde(default)]
    pub questions: u64,
    /// Language of the installation, once it is known.
    #[serde(default)]
    pub language: Option<String>,
}

/// Frames and bytes, both ways.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traffic {
    /// Frames sent.
    pub frames_out: u64,
    /// Bytes sent.
    pub bytes_out: u64,
    /// Frames received.
    pub frames_in: u64,
    /// Bytes received.
    pub bytes_in: u64,
}

/// An outbox item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// Such as `consent`.
    pub kind: String,
    /// `queued`, `in_flight` or `wedged`.
    pub state: String,
    /// Why it is wedged.
    pub reason: Option<String>,
}

/// What the owner allows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentView {
    /// The object that the portal sees.
    #[serde(flatten)]
    pub consent: Consent,
    /// Things that do not exist for the portal.
    pub excluded: Vec<String>,
}

/// The portal of an invite, met but not paired with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Meeting {
    /// Tenant id, the hash of its root key.
    pub tenant: String,
    /// The tenant's name, as it signed it.
    pub tenant_name: String,
    /// Eight words, computed here from the tenant id.
    pub words: Vec<String>,
    /// By which the portal will know this home.
    pub fingerprint: String,
    /// Erases the home at the portal without this program.
    pub recovery_code: String,
    /// Hash of the preview.
    pub preview: String,
}

/// The result of pairing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paired {
    /// Tenant id.
    pub tenant: String,
    /// The tenant's name.
    pub tenant_name: String,
    /// Eight words.
    pub words: Vec<String>,
    /// By which the portal knows this home.
    pub fingerprint: String,
    /// Erases the home at the portal without this program; keep it.
    pub recovery_code: String,
}

/// What became of `forget`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forgotten {
    /// Everything here is erased (but for what the portal's receipt needs).
    pub local: bool,
    /// An erasure waits for the portal.
    pub waiting_for_portal: bool,
}

/// What became of a change of identity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rotated {
    /// The portal's receipt is waited for; only then can this home be paired again.
    pub waiting_for_portal: bool,
    /// Exclusions and kinds of rooms that hold from the next pairing on.
    pub kept: u64,
    /// Those of things that are not there now, which are lost.
    pub lost: u64,
}

impl Status {
    /// For people.
    #[must_use]
    pub fn words(&self) -> String {
        let mut lines = Vec::new();
        let state = match (self.in_sync, self.fingerprint.is_some(), self.running) {
            (true, ..) => "In sync.",
            (_, _, false) => "No daemon is running.",
            (_, false, _) => "Not paired.",
            _ => "Not in sync.",
        };
        lines.push(state.to_owned());
        if let Some(name) = &self.tenant_name {
            lines.push(format!("Company:      {name}"));
        }
        if let Some(fingerprint) = &self.fingerprint {
            lines.push(format!("Fingerprint:  {fingerprint}"));
        }
        for (name, side) in [("Home", &self.home), ("Portal", &self.portal)] {
            let state = if side.connected { "connected" } else { "not connected" };
            lines.push(format!("{:<14}{state}", format!("{name}:")));
            if let Some(problem) = &side.problem {
                lines.push(format!("              {}\n              {}", problem.what, problem.next));
            }
        }
        let records: Vec<String> =
            self.records.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
        if !records.is_empty() {
            lines.push(format!("Records:      {}", records.join(", ")));
        }
        let Traffic { frames_out, bytes_out, frames_in, bytes_in } = self.last_day;
        lines.push(format!(
            "Last 24 h:    {bytes_out} B in {frames_out} frames sent, {bytes_in} B in {frames_in} received"
        ));
        let notes = [
            (self.restricted, "You have restricted processing: nothing is sent."),
            (self.forgetting, "Erased here; waiting for the portal's receipt."),
            (self.restored, "The portal noticed that this home was restored from a backup."),
            (self.cloned, "The portal noticed two of this home. End one of them."),
        ];
        if self.waiting > 0 {
            lines.push(format!(
                "Deployments:  {} for you to look at: vestibule deployments list",
                self.waiting
            ));
        }
        if self.questions > 0 {
            lines.push(format!(
                "Questions:    {} for you to answer: vestibule questions list",
                self.questions
            ));
        }
        lines.extend(notes.into_iter().filter(|(on, _)| *on).map(|(_, note)| note.to_owned()));
        for problem in &self.left_out {
            lines.push(format!("Left out:     {}\n              {}", problem.what, problem.next));
        }
        for item in &self.outbox {
            let reason = item.reason.as_deref().map(|reason| format!(" ({reason})")).unwrap_or_default();
            lines.push(format!("Waiting:      {} {}{reason}", item.kind, item.state));
        }
        lines.join("\n")
    }
}

impl ConsentView {
    /// For people.
    #[must_use]
    pub fn words(&self) -> String {
        let mut lines: Vec<String> = Class::ALL
            .into_iter()
            .map(|class| {
                format!(
                    "{:<12}{}",
                    class.name(),
                    if self.consent.grants(class) { "granted" } else { "not granted" }
                )
            })
            .collect();
        lines.extend(Change::ALL.into_iter().map(|change| {
            let policy = match self.consent.changes.get(&change) {
                None => "never",
                Some(Policy::Ask) => "ask",
                Some(Policy::Trust) => "trust",
            };
            format!("{:<19}{policy}", change.name())
        }));
        if self.consent.restricted {
            lines.push("Processing is restricted: nothing is sent.".to_owned());
        }
        lines.extend(self.excluded.iter().map(|thing| format!("excluded    {thing}")));
        lines.join("\n")
    }
}

impl Meeting {
    /// What the owner reads before the question.
    #[must_use]
    pub fn words_for_the_owner(&self, records: usize) -> String {
        format!(
            "Company:        {}\nWords:          {}\n                They must be the ones that the company gave you.\nFingerprint:    {}\n\
             Recovery code:  {}\n                Keep it: it erases this home at the portal without this program.\n\
             Would leave:    {records} records of the class structure, shown by: vestibule preview",
            self.tenant_name,
            self.words.join(" "),
            self.fingerprint,
            self.recovery_code
        )
    }
}

impl Paired {
    /// For people.
    #[must_use]
    pub fn words(&self) -> String {
        format!(
            "Paired with {}.\nFingerprint:    {}\nRecovery code:  {}",
            self.tenant_name, self.fingerprint, self.recovery_code
        )
    }
}

impl Forgotten {
    /// For people.
    #[must_use]
    pub fn words(&self) -> String {
        if self.waiting_for_portal {
            "Everything here is erased. The portal is asked to do the same as soon as it answers; vestibule status shows when it has.".to_owned()
        } else {
            "Everything is erased.".to_owned()
        }
    }
}

impl Rotated {
    /// For people.
    #[must_use]
    pub fn words(&self) -> String {
        let mut text = format!(
            "This identity has ended. The portal is asked to erase what it holds of it; then pair again with a new invite.\n\
             Kept for the next pairing: {} exclusions and kinds of rooms.",
            self.kept
        );
        if self.lost > 0 {
            text += &format!("\nLost, because what they are about is not there now: {}.", self.lost);
        }
        text
    }
}
