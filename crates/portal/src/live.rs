//! Waking those who listen to `/v1/events`: that the store may hold something new, and who comes and goes.

use tokio::sync::broadcast;
use vestibule_protocol::id::Fingerprint;

/// Wakings that a slow listener may miss before it has to look for itself.
const ROOM: usize = 256;

/// One waking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waking {
    /// The store may hold new events.
    Stored,
    /// A home has come or gone. Not kept: who is connected can be asked at any time.
    Home {
        /// Row of its tenant.
        tenant: i64,
        /// The home.
        fingerprint: Fingerprint,
        /// Whether it is there now.
        connected: bool,
    },
}

/// The bell.
#[derive(Debug)]
pub struct Live(broadcast::Sender<Waking>);

impl Default for Live {
    fn default() -> Self {
        Self(broadcast::channel(ROOM).0)
    }
}

impl Live {
    /// Listens from now on.
    pub fn listen(&self) -> broadcast::Receiver<Waking> {
        self.0.subscribe()
    }

    /// Something was stored.
    pub fn stored(&self) {
        // Nobody may be listening.
        let _ = self.0.send(Waking::Stored);
    }

    /// A home has come or gone.
    pub fn home(&self, tenant: i64, fingerprint: Fingerprint, connected: bool) {
        let _ = self.0.send(Waking::Home { tenant, fingerprint, connected });
    }
}
