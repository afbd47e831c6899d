//! The life of a deployment: its states, and which may follow which. Everything else refuses.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use vestibule_protocol::message::ReportState;

/// How a deployment stands, as the portal knows it.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Nobody but its author has signed it.
    Draft,
    /// Signed, but by fewer persons than the charter asks for.
    Submitted,
    /// Signed by enough persons; it waits while the owner wants a pause.
    Approved,
    /// To be given to the home as soon as it is there.
    Queued,
    /// Given to the home's link.
    Delivered,
    /// Believed at home, and waiting for the owner or for its time.
    AwaitingOwner,
    /// The owner has agreed; it is being carried out.
    Applying,
    /// In place; the code says how far that was checked: `verified`, `settled`, or `drifted` when it was edited since.
    Applied,
    /// Not believed, not allowed or not wanted at home; the code says which.
    Refused,
    /// The home is no longer as it was designed against.
    Conflict,
    /// Something failed, and everything is as it was before.
    RolledBack,
    /// The owner took it back.
    Undone,
    /// Somebody edited in between; the owner has to decide.
    NeedsOwner,
    /// Its time has passed.
    Expired,
    /// Staff took it back before it was applied.
    Withdrawn,
    /// A later one was handed out before it.
    Superseded,
}

impl State {
    /// All states, in the order of a life.
    pub const ALL: [Self; 16] = [
        Self::Draft,
        Self::Submitted,
        Self::Approved,
        Self::Queued,
        Self::Delivered,
        Self::AwaitingOwner,
        Self::Applying,
        Self::Applied,
        Self::Refused,
        Self::Conflict,
        Self::RolledBack,
        Self::Undone,
        Self::NeedsOwner,
        Self::Expired,
        Self::Withdrawn,
        Self::Superseded,
    ];

    /// The name in the API and in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Submitted => "submitted",
            Self::Approved => "approved",
            Self::Queued => "queued",
            Self::Delivered => "delivered",
            Self::AwaitingOwner => "awaiting_owner",
            Self::Applying => "applying",
            Self::Applied => "applied",
            Self::Refused => "refused",
            Self::Conflict => "conflict",
            Self::RolledBack => "rolled_back",
            Self::Undone => "undone",
            Self::NeedsOwner => "needs_owner",
            Self::Expired => "expired",
            Self::Withdrawn => "withdrawn",
            Self::Superseded => "superseded",
        }
    }

    /// What a home's report says, and the code that goes with it where the state alone does not say how far it got.
    #[must_use]
    pub const fn reported(report: ReportState) -> (Self, Option<&'static str>) {
        match report {
            ReportState::Waiting => (Self::AwaitingOwner, None),
            ReportState::Approved => (Self::Applying, None),
            ReportState::Verified => (Self::Applied, Some("verified")),
            ReportState::Settled => (Self::Applied, Some("settled")),
            ReportState::Drifted => (Self::Applied, Some("drifted")),
            ReportState::Refused => (Self::Refused, None),
            ReportState::Conflict => (Self::Conflict, None),
            ReportState::RolledBack => (Self::RolledBack, None),
            ReportState::Undone => (Self::Undone, None),
            ReportState::NeedsOwner => (Self::NeedsOwner, None),
            ReportState::Expired => (Self::Expired, None),
            ReportState::Superseded => (Self::Superseded, None),
        }
    }

    /// Whether it is still in the hands of staff: no home has seen it.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Draft | Self::Submitted | Self::Approved | Self::Queued)
    }

    /// Whether it takes up one of the places for deployments that wait in a home (R32).
    #[must_use]
    pub const fn is_pending(self) -> bool {
        matches!(self, Self::Delivered | Self::AwaitingOwner | Self::Applying)
    }

    /// Whether nothing more is expected of it, and nothing of it is in place at home.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(
            self,
            Self::Refused
                | Self::Conflict
                | Self::RolledBack
                | Self::Undone
                | Self::Expired
                | Self::Withdrawn
                | Self::Superseded
        )
    }

    /// Whether the portal may bring it from here to there.
    #[must_use]
    pub const fn may_become(self, next: Self) -> bool {
        match next {
            Self::Submitted => matches!(self, Self::Draft | Self::Approved | Self::Queued),
            Self::Approved => matches!(self, Self::Draft | Self::Submitted),
            Self::Queued => matches!(self, Self::Approved),
            // Again, to a home that was put back to an earlier state (R6).
            Self::Delivered => matches!(self, Self::Queued | Self::AwaitingOwner | Self::Applying),
            Self::Withdrawn | Self::Expired => {
                self.is_open() || matches!(self, Self::Delivered | Self::AwaitingOwner)
            }
            Self::Superseded => self.is_open(),
            Self::Draft
            | Self::AwaitingOwner
            | Self::Applying
            | Self::Applied
            | Self::Refused
            | Self::Conflict
            | Self::RolledBack
            | Self::Undone
            | Self::NeedsOwner => false,
        }
    }

    /// Whether a home that was given the deployment may report that it went from here to there. What the portal took for over (withdrawn,
    /// expired) may have been applied before the home heard of it; then the home's word counts.
    #[must_use]
    pub const fn may_be_reported(self, next: Self) -> bool {
        match self {
            Self::Delivered => Self::is_of_home(next),
            Self::Withdrawn | Self::Expired => Self::is_of_home(next) && !matches!(next, Self::AwaitingOwner),
            Self::AwaitingOwner | Self::Applying => Self::is_of_home(next),
            Self::Applied => {
                matches!(next, Self::Applied | Self::RolledBack | Self::Undone | Self::NeedsOwner)
            }
            Self::NeedsOwner => Self::is_of_home(next) && !matches!(next, Self::AwaitingOwner),
            Self::Draft
            | Self::Submitted
            | Self::Approved
            | Self::Queued
            | Self::Refused
            | Self::Conflict
            | Self::RolledBack
            | Self::Undone
            | Self::Superseded => false,
        }
    }

    /// Whether a home that was put back to before the end of the deployment may report that it went from here to there after all (R6).
    /// What staff took back, and what has expired, does not wait again.
    #[must_use]
    pub const fn may_be_decided_anew(self, next: Self) -> bool {
        self.is_over() && !matches!(self, Self::Withdrawn | Self::Expired) && Self::is_of_home(next)
    }

    /// Whether only a home can know it.
    const fn is_of_home(self) -> bool {
        match self {
            Self::AwaitingOwner
            | Self::Applying
            | Self::Applied
            | Self::Refused
            | Self::Conflict
            | Self::RolledBack
            | Self::Undone
            | Self::NeedsOwner
            | Self::Expired
            | Self::Superseded => true,
            Self::Draft
            | Self::Submitted
            | Self::Approved
            | Self::Queued
            | Self::Delivered
            | Self::Withdrawn => false,
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for State {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|state| state.name() == text).ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write as _;

    /// Every pair, so that a transition that is added or lost shows.
    #[test]
    fn which_state_may_follow_which_is_golden() {
        let mut table = String::new();
        for from in State::ALL {
            let names = |allowed: fn(State, State) -> bool| {
                let next: Vec<&str> =
                    State::ALL.into_iter().filter(|next| allowed(from, *next)).map(State::name).collect();
                if next.is_empty() { "-".to_owned() } else { next.join(" ") }
            };
            writeln!(
                table,
                "{from}\n  portal: {}\n  home:   {}",
                names(State::may_become),
                names(State::may_be_reported)
            )
            .unwrap();
        }
        insta::assert_snapshot!(table);
    }

    #[test]
    fn r32_a_home_never_brings_back_what_it_was_not_given() {
        for from in State::ALL.into_iter().filter(|state| state.is_open()) {
            assert!(State::ALL.into_iter().all(|next| !from.may_be_reported(next)), "{from}");
        }
    }

    #[test]
    fn names_are_those_of_the_documents() {
        for state in State::ALL {
            assert_eq!(state.name().parse(), Ok(state));
            assert_eq!(serde_json::to_value(state).unwrap(), state.name());
        }
    }
}
