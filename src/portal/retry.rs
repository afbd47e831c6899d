//! When to try again: full jitter with a ceiling, and the portal's wish where it has one.

use std::time::Duration;

use vestibule_protocol::message::{Refusal, RefusalCode};

/// The first attempt after a loss comes within this time.
const FIRST: Duration = Duration::from_secs(1);
/// No pause is longer, unless the portal asks for it.
const CEILING: Duration = Duration::from_secs(5 * 60);
/// A refusal that only a person can mend is asked about again rarely.
const REFUSED: Duration = Duration::from_secs(60 * 60);
/// A portal's wish is honoured up to a day.
const LONGEST_WISH: Duration = Duration::from_secs(24 * 60 * 60);

/// The pause before attempt number `attempt` (from 0), for a random `dice` in 0..1: uniform between nothing and the ceiling of that
/// attempt, so that ten thousand homes that lost a portal together do not come back together.
#[must_use]
pub fn pause(attempt: u32, dice: f64) -> Duration {
    FIRST.saturating_mul(1 << attempt.min(16)).min(CEILING).mul_f64(dice.clamp(0.0, 1.0))
}

/// The pause after a refusal; `None` where the ordinary pause applies.
#[must_use]
pub fn after_refusal(refusal: &Refusal, dice: f64) -> Option<Duration> {
    let wish = refusal.after_s.map(|seconds| Duration::from_secs(seconds.into()).min(LONGEST_WISH));
    match refusal.code {
        RefusalCode::TooMany | RefusalCode::Unavailable => wish.map(|wish| wish + FIRST.mul_f64(dice)),
        RefusalCode::NotAuthentic
        | RefusalCode::Version
        | RefusalCode::Erased
        | RefusalCode::InviteRefused
        | RefusalCode::BadMessage
        | RefusalCode::BadRecord
        | RefusalCode::TooMuch => Some(wish.unwrap_or(REFUSED).mul_f64(0.5 + dice / 2.0)),
        RefusalCode::Replaced => Some(CEILING.mul_f64(0.5 + dice / 2.0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_pause_is_never_longer_than_its_ceiling(attempt: u32, dice in 0.0..=1.0) {
            let pause = pause(attempt, dice);
            prop_assert!(pause <= CEILING);
            prop_assert!(attempt > 8 || pause <= FIRST * 2_u32.pow(attempt));
        }

        #[test]
        fn a_wish_is_honoured_up_to_a_day(seconds: u32, dice in 0.0..=1.0) {
            let refusal = Refusal { code: RefusalCode::Unavailable, after_s: Some(seconds) };
            let pause = after_refusal(&refusal, dice).unwrap();
            prop_assert!(pause >= Duration::from_secs(seconds.into()).min(LONGEST_WISH));
            prop_assert!(pause <= LONGEST_WISH + FIRST);
        }
    }
}
