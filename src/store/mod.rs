//! What the agent remembers: two SQLite files in the data folder, and the only code that names SQL.
//!
//! `agent.db` holds pairing, consent, delays, ordinals, the outbox and the journal of
//! deployments; `ledger.db` holds the ledger. One thread writes both
//! ([`Store`]); commands may look into them at any time ([`Reader`]). Changes that belong together are one [`Commit`].

mod databases;
mod error;
mod folder;
mod forget;
mod journal;
mod ledger;
mod open;
mod outbox;
mod reader;
mod state;
mod writer;

#[cfg(test)]
mod tests;

pub use databases::Commit;
pub use error::StoreError;
pub use folder::{Folder, Lock};
pub use journal::{
    DeploymentRow, DeploymentState, Desk, Ended, ItemRow, JournalChange, OVER, QuestionRow, QuestionState,
    READS, REMEMBERED, ReadRow, Repairs, RequestRow, RequestState, StepNote, StepRow, StepState, Trusting,
    UNDOABLE, Work,
};
pub use ledger::{
    Checkpoint, Direction, Entry, INBOUND_PREFIX, INBOUND_WHOLE, KEEP_MS, LedgerLimits, Mark, NewRow, Page,
    Row, Stored, Usage, Verification,
};
pub use open::{Opened, StoreOptions};
pub use outbox::{Event, Intent, IntentId, MAX_WAITING, OutboxChange, Outcome, State, step};
pub use reader::Reader;
pub use state::{
    AgentState, AreaKinds, Carried, Delay, ForgetStub, Grants, Ordinal, Ordinals, Orphans, Pairing,
    SessionToken, Singleton, Stays,
};
pub use writer::Store;

/// Lower-case hexadecimal digits of some bytes.
fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// Reads [`hex`] back; `None` for anything else, capitals included.
fn unhex(text: &str) -> Option<Vec<u8>> {
    let value = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|[high, low]| Some(value(*high)? << 4 | value(*low)?)).collect()
}
