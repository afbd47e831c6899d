//! What a link writes down: every frame before it is sent or as it arrives, and afterwards what became of it (R25).

use std::sync::{Arc, Mutex, PoisonError};

use crate::clock::Clock;
use crate::store::{Mark, NewRow, Store, StoreError};

/// Kinds of messages that must get out even when the ledger is full: the owner's own decisions (R26).
const ESSENTIAL: [&str; 3] = ["hello", "consent", "erase"];

/// The ledger as a link sees it. Clones share the marks that wait for the next row.
#[derive(Clone)]
pub struct Recorder {
    store: Store,
    clock: Clock,
    marks: Arc<Mutex<Vec<(u64, Mark)>>>,
}

impl Recorder {
    /// A recorder on this store.
    #[must_use]
    pub fn new(store: Store, clock: Clock) -> Self {
        Self { store, clock, marks: Arc::default() }
    }

    /// Writes an outbound frame down; durable when this returns. Gives its number.
    ///
    /// # Errors
    /// [`StoreError::LedgerFull`], or what the disk says: then the frame must not be sent.
    pub async fn about_to_send(&self, kind: &str, frame: &Arc<Vec<u8>>) -> Result<u64, StoreError> {
        let now = self.clock.now_ms();
        let mut row = NewRow::out(now, kind, Arc::clone(frame));
        row.essential = ESSENTIAL.contains(&kind);
        let marks = self.pending();
        let told = marks.len();
        let numbers = self.store.append(now, vec![row], marks).await?;
        // The marks are durable now; those noted meanwhile stay.
        self.lock().drain(..told);
        numbers.first().copied().ok_or(StoreError::Closed)
    }

    /// Notes what became of an outbound frame; durable with the next row.
    pub fn mark(&self, row: u64, mark: Mark) {
        self.lock().push((row, mark));
    }

    /// Takes an inbound frame into the ledger.
    ///
    /// # Errors
    /// What the disk says.
    pub async fn received(&self, kind: &str, frame: Vec<u8>) -> Result<(), StoreError> {
        self.store.note_inbound(NewRow::inbound(self.clock.now_ms(), kind, Arc::new(frame))).await
    }

    /// Makes durable what waits: at the end of a link, and a while after the last message.
    ///
    /// # Errors
    /// What the disk says.
    pub async fn flush(&self) -> Result<(), StoreError> {
        self.store.flush(self.clock.now_ms(), self.pending()).await
    }

    /// Drops what waits: the ledger it belonged to has been erased.
    pub fn forget(&self) {
        self.lock().clear();
    }

    /// Marks that are not durable yet, for whoever reads the ledger meanwhile.
    #[must_use]
    pub fn pending(&self) -> Vec<(u64, Mark)> {
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(u64, Mark)>> {
        // A list of marks is whole after every operation, so a panic elsewhere cannot have left half of one.
        self.marks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
