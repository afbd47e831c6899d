//! Looking into the store without the lock, beside a running agent or without one.

use std::io::Write;

use rusqlite::Connection;
use vestibule_protocol::deployment::DeploymentId;

use super::error::{AGENT_DB, LEDGER_DB, StoreError};
use super::folder::Folder;
use super::journal::{self, ReadRow, StepRow};
use super::ledger::{self, Entry, Mark, Page, Row, Usage, Verification};
use super::open::open_read_only;
use super::outbox::{self, Intent};
use super::state::{self, AgentState, Singleton};
use crate::outbound::reading::Text;

/// Both databases, opened for reading only. Sees what was durable when each call began; never waits for the writer, nor
/// the writer for it. Marks that the daemon knows but has not written yet are passed as `pending`.
pub struct Reader {
    agent: Option<Connection>,
    ledger: Option<Connection>,
}

impl Reader {
    /// Opens what is there; a store that has never been written reads as an empty one.
    ///
    /// # Errors
    /// If a file cannot be read, is damaged, or belongs to another version of the program.
    pub fn open(folder: &Folder) -> Result<Self, StoreError> {
        Ok(Self { agent: open_read_only(folder, AGENT_DB)?, ledger: open_read_only(folder, LEDGER_DB)? })
    }

    /// Everything but the ledger and the outbox.
    ///
    /// # Errors
    /// If a stored value cannot be read.
    pub fn load(&self) -> Result<AgentState, StoreError> {
        self.agent.as_ref().map_or_else(|| Ok(AgentState::default()), state::load)
    }

    /// One singleton.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn get_singleton<T: Singleton>(&self) -> Result<Option<T>, StoreError> {
        self.agent.as_ref().map_or(Ok(None), state::get)
    }

    /// One singleton as JSON.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn get_json(&self, key: &str) -> Result<Option<String>, StoreError> {
        self.agent.as_ref().map_or(Ok(None), |agent| state::get_json(agent, key))
    }

    /// All intents in the outbox, oldest first.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn outbox(&self) -> Result<Vec<Intent>, StoreError> {
        self.agent.as_ref().map_or_else(|| Ok(Vec::new()), outbox::all)
    }

    /// The steps of a deployment's journal, in order.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn steps(&self, id: DeploymentId) -> Result<Vec<StepRow>, StoreError> {
        self.agent.as_ref().map_or_else(|| Ok(Vec::new()), |agent| journal::steps(agent, id))
    }

    /// The signed bytes of a deployment.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn envelope(&self, id: DeploymentId) -> Result<Option<Vec<u8>>, StoreError> {
        self.agent.as_ref().map_or(Ok(None), |agent| journal::envelope(agent, id))
    }

    /// What the owner is shown of a deployment's plan, as JSON.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn plan(&self, id: DeploymentId) -> Result<Option<Text>, StoreError> {
        self.agent.as_ref().map_or(Ok(None), |agent| journal::plan(agent, id))
    }

    /// Who of the staff has read what, newest first.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn reads(&self) -> Result<Vec<ReadRow>, StoreError> {
        self.agent.as_ref().map_or_else(|| Ok(Vec::new()), journal::reads)
    }

    /// Lists ledger rows without bodies.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn list(&self, page: &Page, pending: &[(u64, Mark)]) -> Result<Vec<Row>, StoreError> {
        self.ledger.as_ref().map_or_else(|| Ok(Vec::new()), |ledger| ledger::list(ledger, page, pending))
    }

    /// One ledger row with what is kept of its body.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn get(&self, seq: u64, pending: &[(u64, Mark)]) -> Result<Option<Entry>, StoreError> {
        self.ledger.as_ref().map_or(Ok(None), |ledger| ledger::get(ledger, seq, pending))
    }

    /// What went over the wire since a time.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn usage(&self, since: i64, pending: &[(u64, Mark)]) -> Result<Usage, StoreError> {
        self.ledger
            .as_ref()
            .map_or_else(|| Ok(Usage::default()), |ledger| ledger::usage(ledger, since, pending))
    }

    /// Bytes sent and received in each of `count` equal steps of time, the first of which begins at `since` (Unix milliseconds).
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn usage_by(&self, since: i64, step_ms: i64, count: usize) -> Result<Vec<(u64, u64)>, StoreError> {
        self.ledger
            .as_ref()
            .map_or_else(|| Ok(vec![(0, 0); count]), |ledger| ledger::usage_by(ledger, since, step_ms, count))
    }

    /// Writes the whole ledger as JSON lines; returns the number of rows.
    ///
    /// # Errors
    /// If the database cannot be read or `out` cannot be written.
    pub fn export(&self, pending: &[(u64, Mark)], out: &mut dyn Write) -> Result<u64, StoreError> {
        self.ledger.as_ref().map_or(Ok(0), |ledger| ledger::export(ledger, pending, out))
    }

    /// Recomputes the whole chain and all hashes of bodies.
    ///
    /// # Errors
    /// If the database cannot be read; what is wrong with its content is no error but an answer.
    pub fn verify(&self) -> Result<Verification, StoreError> {
        self.ledger.as_ref().map_or(
            Ok(Verification::Sound { rows: 0, without_body: 0, head: ledger::GENESIS, checkpoint: None }),
            ledger::verify,
        )
    }
}
