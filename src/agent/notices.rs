//! What the owner is told through Home Assistant, once each, and when it is taken away again. Pure: what is, and the time, in; notices out.
//!
//! Each kind of notice has at most one place in Home Assistant. It is told for *matters* (this deployment, that question, this outage): a
//! matter that was told for is not told for again, whatever is restarted or dismissed meanwhile, and when none is left the notice goes.

mod tell;

pub(super) use tell::Telling;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use vestibule_protocol::problem::{Problem, Retry};

use crate::store::{DeploymentRow, DeploymentState, Desk, Intent, QuestionState, Singleton, State};

/// The owner hears of a portal that cannot be reached after a day: most outages end by themselves before.
const AWAY_MS: i64 = 24 * 60 * 60 * 1000;
/// A shorter outage is not written down. It is also how long a program that has just started tries first: the clock of a small computer
/// may be wrong until it has found the internet.
pub(super) const BRIEF_MS: i64 = 10 * 60 * 1000;
/// What does not pass by itself is told after this time: a portal that is being updated answers strangely for some minutes.
const STUCK_MS: i64 = 30 * 60 * 1000;
/// A link that is stuck, goes on and is stuck again is told of once a day.
const AGAIN_MS: i64 = 24 * 60 * 60 * 1000;
/// Two copies of a home take the link from each other; that is told as a copy, which the portal notices.
const REPLACED: &str = "portal_replaced";
/// It passes by itself only when one of the two programs is another one (R19).
const DISAGREEMENT: &str = "schema_disagreement";
/// The matter of a link that is stuck.
const LINK: &str = "link";

/// What there is to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    /// A deployment waits for the owner's yes.
    Deployments,
    /// A question of the company waits for an answer.
    Questions,
    /// A deployment stopped, because somebody had edited in between (R42).
    Edited,
    /// Something cannot go on by itself.
    Stuck,
    /// The portal has not been reached for a day.
    Away,
    /// There are two of this home (R6).
    Cloned,
    /// This home was restored from a backup (R6).
    Restored,
}

impl Kind {
    /// All of them, in the order in which they are told.
    pub(super) const ALL: [Self; 7] = [
        Self::Cloned,
        Self::Restored,
        Self::Deployments,
        Self::Questions,
        Self::Edited,
        Self::Stuck,
        Self::Away,
    ];

    /// The id in Home Assistant, under which a notice is replaced, not repeated.
    #[must_use]
    pub(super) const fn id(self) -> &'static str {
        match self {
            Self::Deployments => "vestibule_deployments",
            Self::Questions => "vestibule_questions",
            Self::Edited => "vestibule_edited",
            Self::Stuck => "vestibule_stuck",
            Self::Away => "vestibule_away",
            Self::Cloned => "vestibule_cloned",
            Self::Restored => "vestibule_restored",
        }
    }

    /// What is decided stays as it is while processing is restricted, so nobody is called for it.
    const fn can_wait(self) -> bool {
        matches!(self, Self::Deployments | Self::Questions | Self::Edited)
    }
}

/// Something to do in Home Assistant: tell of these matters, or, without any, take the notice away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Notice {
    pub(super) kind: Kind,
    pub(super) matters: BTreeSet<String>,
}

/// What is at this moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Now<'a> {
    /// Unix milliseconds.
    pub(super) now_ms: i64,
    /// Paired, and not about to forget that.
    pub(super) paired: bool,
    /// Welcome at the portal.
    pub(super) connected: bool,
    /// Nothing is left to say to the portal.
    pub(super) in_sync: bool,
    /// Milliseconds for which the portal has been tried without success, by a clock that nobody sets.
    pub(super) trying_ms: i64,
    /// The owner has restricted processing.
    pub(super) restricted: bool,
    /// What is wrong with the link.
    pub(super) problem: Option<&'a Problem>,
    /// R6.
    pub(super) restored: bool,
    /// R6.
    pub(super) cloned: bool,
    /// Deployments and questions.
    pub(super) desk: &'a Desk,
    /// What waits to be delivered.
    pub(super) outbox: &'a [Intent],
}

/// What has to outlive a restart, so that nothing is told twice.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notices {
    /// For each kind that stands in Home Assistant, or that the owner has dismissed there: the matters that it was told for.
    #[serde(default)]
    told: BTreeMap<Kind, BTreeSet<String>>,
    /// Since when the portal has not been reached, Unix milliseconds.
    #[serde(default)]
    away_since: Option<i64>,
    /// The link cannot go on by itself.
    #[serde(default)]
    stuck: Option<Stuck>,
}

/// A link that cannot go on by itself; times are Unix milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Stuck {
    since: i64,
    /// When the owner was told.
    told: Option<i64>,
    /// It goes on. What is left is remembered for a while, so that nobody is told every hour.
    over: bool,
}

impl Singleton for Notices {
    const KEY: &'static str = "notices";
}

impl Notices {
    /// Follows what happens. Says whether it has to be kept.
    pub(super) fn follow(&mut self, now: &Now<'_>, kept: &Self) -> bool {
        self.away_since = if now.connected || !now.paired {
            None
        } else {
            // A clock that was set back must not make an outage longer than it was.
            Some(self.away_since.map_or(now.now_ms, |since| since.min(now.now_ms)))
        };
        self.stuck = self.follow_stuck(now);
        for kind in Kind::ALL {
            let current = self.matters(kind, now);
            if let Some(told) = self.told.get_mut(&kind)
                && !current.is_empty()
            {
                // Without any, the notice still stands.
                told.retain(|matter| current.contains(matter));
            }
        }
        let lasts = |since: i64| now.now_ms - since >= BRIEF_MS;
        let away = match (kept.away_since, self.away_since) {
            (None, Some(since)) => lasts(since),
            (before, after) => before != after,
        };
        away || self.stuck != kept.stuck || self.told != kept.told
    }

    fn follow_stuck(&self, now: &Now<'_>) -> Option<Stuck> {
        if !now.paired {
            return None;
        }
        let recently = |stuck: &Stuck| stuck.told.is_some_and(|told| now.now_ms - told < AGAIN_MS);
        match self.stuck {
            Some(stuck) if now.in_sync => Some(Stuck { over: true, ..stuck }).filter(recently),
            Some(stuck) if stuck.over && lasting(now.problem) => {
                Some(Stuck { since: now.now_ms, told: stuck.told.filter(|_| recently(&stuck)), over: false })
            }
            Some(stuck) if stuck.told.is_none() && now.problem.is_some() && !lasting(now.problem) => None,
            None if lasting(now.problem) => Some(Stuck { since: now.now_ms, told: None, over: false }),
            stuck => stuck,
        }
    }

    /// What is to be done in Home Assistant now.
    pub(super) fn due(&self, now: &Now<'_>) -> Vec<Notice> {
        let due = |kind| {
            let matters = self.matters(kind, now);
            let told = self.told.get(&kind);
            let untold = matters.iter().any(|matter| told.is_none_or(|told| !told.contains(matter)));
            let waits = kind.can_wait() && now.restricted;
            let over = matters.is_empty() && told.is_some();
            ((untold && !waits) || over).then_some(Notice { kind, matters })
        };
        Kind::ALL.into_iter().filter_map(due).collect()
    }

    /// These have been done.
    pub(super) fn done(&mut self, notices: Vec<Notice>, now_ms: i64) {
        for Notice { kind, matters } in notices {
            if matters.is_empty() {
                self.told.remove(&kind);
                continue;
            }
            if matters.contains(LINK)
                && let Some(stuck) = &mut self.stuck
            {
                stuck.told = Some(now_ms);
            }
            self.told.insert(kind, matters);
        }
    }

    /// Everything about a tenant is forgotten, but not what stands in Home Assistant: it has to be taken away.
    pub(super) fn forget_tenant(&mut self) {
        (self.away_since, self.stuck) = (None, None);
        self.told.values_mut().for_each(BTreeSet::clear);
    }

    /// When there may be something to do although nothing happens, Unix milliseconds.
    pub(super) fn look_again(&self, now_ms: i64) -> Option<i64> {
        let away = self.away_since.map(|since| [since + BRIEF_MS, since + AWAY_MS]);
        let stuck =
            self.stuck.map(|stuck| [Some(stuck.since + STUCK_MS), stuck.told.map(|at| at + AGAIN_MS)]);
        let times = away.into_iter().flatten().chain(stuck.into_iter().flatten().flatten());
        times.filter(|at| *at > now_ms).min()
    }

    /// What a kind of notice is about at this moment.
    fn matters(&self, kind: Kind, now: &Now<'_>) -> BTreeSet<String> {
        if !now.paired {
            return BTreeSet::new();
        }
        let deployments = |of: fn(&DeploymentRow) -> Option<String>| {
            now.desk.deployments.iter().filter_map(of).collect::<BTreeSet<String>>()
        };
        let one = |is: bool, name: &str| is.then(|| name.to_owned()).into_iter().collect();
        match kind {
            Kind::Deployments => deployments(|row| {
                let hash = row.plan_hash.filter(|_| row.state == DeploymentState::Waiting)?;
                // Asked again because the plan is another one is a new matter (R36).
                let again = if row.asked_again { hash.to_string() } else { String::new() };
                Some(format!("{}{again}", row.id))
            }),
            Kind::Edited => deployments(|row| {
                (row.state == DeploymentState::NeedsOwner).then(|| format!("{} {}", row.id, row.changed_ms))
            }),
            Kind::Questions => now
                .desk
                .questions
                .iter()
                .filter(|row| row.state == QuestionState::Open)
                .map(|row| row.id.to_string())
                .collect(),
            Kind::Stuck => {
                let wedged = now.outbox.iter().filter(|intent| intent.state == State::Wedged);
                let mut matters: BTreeSet<String> = wedged.map(|intent| intent.id.to_hex()).collect();
                matters.extend(self.link_is_stuck(now).then(|| LINK.to_owned()));
                matters
            }
            Kind::Away => match self.away_since {
                Some(since) if now.now_ms - since >= AWAY_MS && self.is_away(since, now) => {
                    BTreeSet::from([since.to_string()])
                }
                _ => BTreeSet::new(),
            },
            Kind::Cloned => one(now.cloned, "cloned"),
            Kind::Restored => one(now.restored && !now.cloned, "restored"),
        }
    }

    fn is_away(&self, since: i64, now: &Now<'_>) -> bool {
        // One notice is enough for one trouble.
        if self.told.get(&Kind::Stuck).is_some_and(|told| told.contains(LINK)) {
            return false;
        }
        let told = self.told.get(&Kind::Away).is_some_and(|told| told.contains(&since.to_string()));
        told || now.trying_ms >= BRIEF_MS
    }

    fn link_is_stuck(&self, now: &Now<'_>) -> bool {
        let Some(stuck) = self.stuck.filter(|stuck| !stuck.over) else { return false };
        let stands = self.told.get(&Kind::Stuck).is_some_and(|told| told.contains(LINK));
        let rested = stuck.told.is_none_or(|told| now.now_ms - told >= AGAIN_MS);
        stands || (lasting(now.problem) && now.now_ms - stuck.since >= STUCK_MS && rested)
    }
}

/// Whether a problem of the link is one that waiting does not solve.
fn lasting(problem: Option<&Problem>) -> bool {
    problem.is_some_and(|problem| {
        (problem.retry == Retry::No && problem.code != REPLACED) || problem.code == DISAGREEMENT
    })
}

#[cfg(test)]
mod tests;
