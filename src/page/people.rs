//! Who may decide: administrators of the home, asked of Home Assistant and remembered for a minute.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use crate::home::{Administrators, Endpoint, UserHash, administrators};
use crate::net::Dial;
use crate::outbound::reading::HomeTrouble;

/// How long an answer is believed: somebody who is no administrator any more cannot decide for longer than this.
const BELIEVED: Duration = Duration::from_secs(60);
/// A failure is not repeated with every click.
const REST: Duration = Duration::from_secs(5);
/// Longest wait; a person is waiting too.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is known about the people of a home. In memory only, and only as hashes.
pub(super) struct People {
    dial: Arc<dyn Dial>,
    endpoint: Endpoint,
    key: [u8; 32],
    known: Mutex<Option<Known>>,
}

struct Known {
    until: Instant,
    answer: Result<Administrators, HomeTrouble>,
}

impl People {
    pub(super) fn new(dial: Arc<dyn Dial>, endpoint: Endpoint, key: [u8; 32]) -> Self {
        Self { dial, endpoint, key, known: Mutex::default() }
    }

    /// What is kept of a user's id.
    pub(super) fn hash(&self, user: &str) -> UserHash {
        *blake3::keyed_hash(&self.key, user.as_bytes()).as_bytes()
    }

    /// Whether a user may decide.
    ///
    /// # Errors
    /// Why Home Assistant cannot be asked; then nobody may.
    pub(super) async fn may_decide(&self, user: &UserHash) -> Result<bool, HomeTrouble> {
        // Held while asking, so that ten clicks ask once.
        let mut known = self.known.lock().await;
        let now = Instant::now();
        if let Some(known) = known.as_ref().filter(|known| known.until > now) {
            return known.answer.clone().map(|people| people.contains(user));
        }
        let asking = administrators(&*self.dial, &self.endpoint, |id| self.hash(id));
        let answer = timeout(PATIENCE, asking).await.unwrap_or(Err(HomeTrouble::Silent));
        let until = Instant::now() + if answer.is_ok() { BELIEVED } else { REST };
        *known = Some(Known { until, answer: answer.clone() });
        answer.map(|people| people.contains(user))
    }
}
