//! A portal may ask for a full transfer at most once an hour and ten times a day (R22).
//!
//! What counts is what is sent *again*: the share of an inventory that has been sent before. What the owner newly granted, or what is
//! new at home, costs nothing, so an owner never waits because of a portal.

use serde::{Deserialize, Serialize};

const HOUR_MS: i64 = 60 * 60 * 1000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// Full transfers within an hour.
const PER_HOUR: f64 = 1.0;
/// Full transfers within a day.
const PER_DAY: f64 = 10.0;
/// A pull costs at least this, however little it asks for: ten an hour.
pub const PULL: f64 = 0.1;
/// Shares below this do not count: a repair of a few records.
const NEGLIGIBLE: f64 = 0.001;

/// What was sent again, and when.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Budget {
    /// Unix milliseconds and share of the inventory, oldest first.
    spent: Vec<(i64, f64)>,
    /// Something has been sent since the pairing.
    #[serde(default)]
    begun: bool,
}

impl crate::store::Singleton for Budget {
    const KEY: &'static str = "send_budget";
}

impl Budget {
    /// Whether a transfer cannot send anything again, because nothing has been sent since the pairing.
    #[must_use]
    pub const fn first(&self) -> bool {
        !self.begun
    }

    /// `None` if a transfer may start at `now`; else when the next may. The first after a `restart` need not wait for its hour: no portal
    /// can restart us, and what one has cut short must not keep the home waiting.
    #[must_use]
    pub fn wait_until(&self, now: i64, restart: bool) -> Option<i64> {
        [(HOUR_MS, PER_HOUR), (DAY_MS, PER_DAY)]
            .into_iter()
            .skip(usize::from(restart))
            .filter_map(|(span, limit)| self.free_at(now, span, limit))
            .max()
    }

    fn free_at(&self, now: i64, span: i64, limit: f64) -> Option<i64> {
        let within = || self.spent.iter().filter(|(time, _)| *time > now - span && *time <= now);
        let mut excess = within().map(|(_, share)| share).sum::<f64>() - limit;
        if excess < -f64::EPSILON * 100.0 {
            return None;
        }
        for (time, share) in within() {
            excess -= share;
            if excess < -f64::EPSILON * 100.0 {
                return Some(time + span);
            }
        }
        Some(now + span)
    }

    /// Whether sending this share again counts at all.
    #[must_use]
    pub fn counts(share: f64) -> bool {
        share >= NEGLIGIBLE
    }

    /// Notes that `share` (0..1) of the inventory is about to be sent again; 0 at the first time.
    pub fn spend(&mut self, now: i64, share: f64) {
        self.begun = true;
        self.spent.retain(|(time, _)| *time > now - DAY_MS && *time <= now);
        self.spent.extend(Self::counts(share).then_some((now, share)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r22_one_full_send_an_hour_and_ten_a_day() {
        let mut budget = Budget::default();
        let (mut now, mut sends_on_day_one) = (0, 0);
        while now < DAY_MS {
            match budget.wait_until(now, false) {
                None => {
                    budget.spend(now, 1.0);
                    sends_on_day_one += 1;
                    assert_eq!(
                        budget.wait_until(now + 1, false),
                        Some(if sends_on_day_one < 10 { now + HOUR_MS } else { DAY_MS })
                    );
                }
                Some(free) => assert!(free > now),
            }
            now += HOUR_MS / 4;
        }
        assert_eq!(sends_on_day_one, 10);
        assert_eq!(budget.wait_until(DAY_MS, false), None);
    }

    #[test]
    fn what_a_restart_has_cut_short_is_sent_again_at_once_but_not_for_ever() {
        let mut budget = Budget::default();
        assert!(budget.first());
        budget.spend(0, 0.0);
        assert!(!budget.first());
        for restart in 0..10 {
            assert_eq!(budget.wait_until(restart, true), None);
            budget.spend(restart, 1.0);
            assert!(budget.wait_until(restart + 1, false).is_some());
        }
        assert_eq!(budget.wait_until(10, true), Some(DAY_MS));
    }

    #[test]
    fn a_cut_transfer_may_be_completed_within_the_hour() {
        let mut budget = Budget::default();
        budget.spend(0, 0.6);
        assert_eq!(budget.wait_until(1000, false), None);
        budget.spend(1000, 0.4);
        assert_eq!(budget.wait_until(2000, false), Some(HOUR_MS));
    }

    #[test]
    fn a_clock_set_back_does_not_lock_the_home_out() {
        let mut budget = Budget::default();
        budget.spend(DAY_MS, 1.0);
        assert_eq!(budget.wait_until(0, false), None);
    }
}
