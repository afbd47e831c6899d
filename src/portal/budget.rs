//! A portal may ask for a full transfer at most once an hour and ten times a day (R22).
//!
//! What counts is what is sent *again*: the share of an inventory that has been sent before. What the owner newly granted, or what is
//! new at home, costs nothing, so an owner never waits because of a portal.

use serde::{Deserialize, Serialize};

const HOUR_MS: i64 = 60 * 60 * 1000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// A transfer of at least this share is a full one.
const FULL: f64 = 0.5;
/// Full transfers within an hour.
const PER_HOUR: f64 = 1.0;
/// Full transfers within a day.
const PER_DAY: f64 = 10.0;
/// Sums of smaller shares are compared with a limit of whole numbers; they are not exact.
const ROUNDING: f64 = 1e-9;
/// A pull costs at least this, however little it asks for: ten an hour.
pub const PULL: f64 = 0.1;
/// Shares below this do not count: a repair of a few records.
const NEGLIGIBLE: f64 = 0.001;

/// What was sent again, and when.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Budget {
    /// Unix milliseconds and share of the inventory, oldest first.
    spent: Vec<(i64, f64)>,
}

impl crate::store::Singleton for Budget {
    const KEY: &'static str = "send_budget";
}

impl Budget {
    /// `None` if a transfer of this share may start at `now`; else when it may. Full transfers are counted, smaller ones are added up
    /// by themselves: an agent that was restarted repairs what has changed meanwhile, although it has sent everything within the hour.
    #[must_use]
    pub fn wait_until(&self, now: i64, share: f64) -> Option<i64> {
        [(HOUR_MS, PER_HOUR), (DAY_MS, PER_DAY)]
            .into_iter()
            .filter_map(|(span, limit)| self.free_at(now, share, span, limit))
            .max()
    }

    fn free_at(&self, now: i64, share: f64, span: i64, limit: f64) -> Option<i64> {
        let weight = |share: f64| if share >= FULL { 1.0 } else { share };
        let within = || {
            let alike = |(time, spent): &&(i64, f64)| {
                *time > now - span && *time <= now && (*spent >= FULL) == (share >= FULL)
            };
            self.spent.iter().filter(alike).map(|(time, spent)| (*time, weight(*spent)))
        };
        let mut excess = within().map(|(_, spent)| spent).sum::<f64>() + weight(share) - limit;
        if excess < ROUNDING {
            return None;
        }
        for (time, spent) in within() {
            excess -= spent;
            if excess < ROUNDING {
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

    /// Notes that `share` (0..1) of the inventory is about to be sent again.
    pub fn spend(&mut self, now: i64, share: f64) {
        self.spent.retain(|(time, _)| *time > now - DAY_MS && *time <= now);
        self.spent.push((now, share));
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
            match budget.wait_until(now, 1.0) {
                None => {
                    budget.spend(now, 1.0);
                    sends_on_day_one += 1;
                    assert_eq!(
                        budget.wait_until(now + 1, 1.0),
                        Some(if sends_on_day_one < 10 { now + HOUR_MS } else { DAY_MS })
                    );
                }
                Some(free) => assert!(free > now),
            }
            now += HOUR_MS / 4;
        }
        assert_eq!(sends_on_day_one, 10);
        assert_eq!(budget.wait_until(DAY_MS, 1.0), None);
    }

    #[test]
    fn a_cut_transfer_may_be_completed_within_the_hour() {
        let mut budget = Budget::default();
        budget.spend(0, 0.6);
        assert_eq!(budget.wait_until(1000, 0.4), None);
        budget.spend(1000, 0.4);
        assert_eq!(budget.wait_until(2000, 1.0), Some(HOUR_MS));
    }

    #[test]
    fn small_repairs_go_on_after_a_full_transfer_until_they_add_up_to_one() {
        let mut budget = Budget::default();
        budget.spend(0, 1.0);
        for second in 1..=10 {
            assert_eq!(budget.wait_until(second, PULL), None, "{second}");
            budget.spend(second, PULL);
        }
        assert_eq!(budget.wait_until(11, PULL), Some(1 + HOUR_MS));
        assert_eq!(budget.wait_until(11, 0.2), Some(2 + HOUR_MS));
        assert_eq!(budget.wait_until(HOUR_MS, 1.0), None);
    }

    #[test]
    fn a_clock_set_back_does_not_lock_the_home_out() {
        let mut budget = Budget::default();
        budget.spend(DAY_MS, 1.0);
        assert_eq!(budget.wait_until(0, 1.0), None);
    }
}
