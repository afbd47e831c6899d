//! The outside that tests and simulations replace: the clock and randomness.

use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use vestibule_protocol::problem::Problem;

/// Unix time in seconds.
pub type Seconds = u64;

/// Fills a buffer with random bytes; `false` when the system has none to give.
type Fill = dyn Fn(&mut [u8]) -> bool + Send + Sync;

/// Clock and randomness.
#[derive(Clone)]
pub struct World {
    clock: Arc<dyn Fn() -> Seconds + Send + Sync>,
    fill: Arc<Fill>,
}

impl World {
    /// The real ones.
    #[must_use]
    pub fn real() -> Self {
        Self::with(
            || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
            |bytes| getrandom::fill(bytes).is_ok(),
        )
    }

    /// Others, for tests and simulations.
    pub fn with(
        clock: impl Fn() -> Seconds + Send + Sync + 'static,
        fill: impl Fn(&mut [u8]) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self { clock: Arc::new(clock), fill: Arc::new(fill) }
    }

    /// Unix time in seconds.
    #[must_use]
    pub fn now(&self) -> Seconds {
        (self.clock)()
    }

    /// Random bytes.
    ///
    /// # Errors
    /// A `Problem` when the system gives none; nothing that needs them may go on then.
    pub fn random<const N: usize>(&self) -> Result<[u8; N], Problem> {
        let mut bytes = [0; N];
        if (self.fill)(&mut bytes) {
            Ok(bytes)
        } else {
            Err(Problem::new(
                "no_randomness",
                "The operating system gives no random bytes.",
                "Check that the program may use the system's random source.",
            )
            .retryable())
        }
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("World")
    }
}
