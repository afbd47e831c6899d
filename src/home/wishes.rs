//! What the loop wishes of the task that reads the home: to read everything once more, and whose contents to read at all.

use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::FutureExt as _;
use tokio::sync::Notify;

/// Shared between the loop and the task. At first nobody's contents are wished for: what is not granted is not even read.
#[derive(Debug, Default)]
pub struct Wishes {
    again: Notify,
    dashboards: AtomicBool,
    routines: AtomicBool,
}

impl Wishes {
    /// Asks for everything to be read once more, ahead of the next slow re-reading.
    pub fn read_again(&self) {
        self.again.notify_one();
    }

    /// Says whether contents of dashboards are to be read. If they are and were not before, everything is read once more.
    pub fn want_dashboards(&self, wanted: bool) {
        if !self.dashboards.swap(wanted, Ordering::Relaxed) && wanted {
            self.read_again();
        }
    }

    /// The same for automations, scripts and scenes.
    pub fn want_routines(&self, wanted: bool) {
        if !self.routines.swap(wanted, Ordering::Relaxed) && wanted {
            self.read_again();
        }
    }

    pub(super) fn routines(&self) -> bool {
        self.routines.load(Ordering::Relaxed)
    }

    pub(super) fn dashboards(&self) -> bool {
        self.dashboards.load(Ordering::Relaxed)
    }

    /// Everything is about to be read, so nothing has to be read once more for what was asked before.
    pub(super) fn begin(&self) {
        let _ = self.again.notified().now_or_never();
    }

    /// Waits for [`Self::read_again`]. Can be dropped without losing anything.
    pub(super) async fn notified(&self) {
        self.again.notified().await;
    }
}
