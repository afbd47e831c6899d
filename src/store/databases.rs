//! What the writer does, command by command: the same code behind the thread and in a simulation.

use std::fmt;

use rusqlite::Connection;

use super::error::{AGENT_DB, LEDGER_DB, StoreError, sql};
use super::folder::{Folder, Lock};
use super::journal::JournalChange;
use super::ledger::{Book, Mark, NewRow};
use super::open::{Opened, Pair, StoreOptions, open_pair, suspect};
use super::outbox::{self, OutboxChange};
use super::state::{self, Delay, Ordinal, Orphans, Singleton, Stays};
use super::{forget, journal, ledger};
use crate::identity::HomeSecret;
use crate::kill::kill_point;

/// Changes that become durable together: the ledger's part first, then all the rest in one transaction. `Debug` shows keys
/// and kinds, no contents.
///
/// If only the ledger's part could be written, the call fails; its rows stand, and are marked `unsent` with the next row.
#[derive(Clone, Default)]
pub struct Commit {
    /// Unix milliseconds.
    pub now: i64,
    /// Rows for the ledger, in order.
    pub rows: Vec<NewRow>,
    /// What became of earlier outbound rows. Without a row to write they wait for the next one (R25).
    pub marks: Vec<(u64, Mark)>,
    /// Changes to the outbox, in order.
    pub outbox: Vec<OutboxChange>,
    /// Singletons to store (`Some`) or remove (`None`), as JSON; see [`Self::put`].
    pub puts: Vec<(String, Option<String>)>,
    /// Newly given ordinals.
    pub ordinals: Vec<Ordinal>,
    /// A new set of orphaned entities.
    pub orphans: Option<Orphans>,
    /// A new list of entities whose coming or going is not believed yet (R8).
    pub delays: Option<Vec<Delay>>,
    /// Changes to the journal, in order.
    pub journal: Vec<JournalChange>,
}

impl Commit {
    /// An empty commit at this time.
    #[must_use]
    pub fn at(now: i64) -> Self {
        Self { now, ..Self::default() }
    }

    /// Stores a singleton.
    ///
    /// # Errors
    /// [`StoreError::BadValue`] if it cannot be written as JSON.
    pub fn put<T: Singleton>(&mut self, value: &T) -> Result<(), StoreError> {
        let json =
            serde_json::to_string(value).map_err(|_| StoreError::BadValue { key: T::KEY.to_owned() })?;
        self.puts.push((T::KEY.to_owned(), Some(json)));
        Ok(())
    }

    /// Removes a singleton.
    pub fn remove<T: Singleton>(&mut self) {
        self.puts.push((T::KEY.to_owned(), None));
    }

    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.marks.is_empty() && !self.touches_agent()
    }

    fn touches_agent(&self) -> bool {
        !self.outbox.is_empty()
            || !self.puts.is_empty()
            || !self.ordinals.is_empty()
            || self.orphans.is_some()
            || self.delays.is_some()
            || !self.journal.is_empty()
    }
}

impl fmt::Debug for Commit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: Vec<&str> = self.puts.iter().map(|(key, _)| key.as_str()).collect();
        f.debug_struct("Commit")
            .field("rows", &self.rows)
            .field("marks", &self.marks)
            .field("outbox", &self.outbox)
            .field("puts", &keys)
            .field("journal", &self.journal)
            .finish_non_exhaustive()
    }
}

/// The numbers of the ledger rows that a [`Commit`] has written, in its order.
pub(crate) type Seqs = Vec<u64>;

/// Both databases, open for writing.
pub(crate) struct Databases {
    folder: Folder,
    lock: Lock,
    options: StoreOptions,
    /// `None` while a `forget` is half done: nothing else happens before it is completed.
    pair: Option<Pair>,
}

impl Databases {
    pub(crate) fn open(
        folder: Folder,
        lock: Lock,
        options: StoreOptions,
        now: i64,
    ) -> Result<(Self, Opened), StoreError> {
        let mut opened = Opened::default();
        let pair = if forget::is_marked(&folder) {
            opened.forget_completed = true;
            forget::complete(&folder, &options, now, &mut opened)?
        } else {
            open_pair(&folder, &options, now, &mut opened)?
        };
        Ok((Self { folder, lock, options, pair: Some(pair) }, opened))
    }

    /// The home's secret; minted from `fresh` if there is none yet.
    pub(crate) fn home_secret(&mut self, fresh: [u8; 32]) -> Result<HomeSecret, StoreError> {
        match self.folder.home_secret()? {
            Some(secret) => Ok(secret),
            None => self.folder.mint_home_secret(&self.lock, fresh),
        }
    }

    /// Commits several independent groups of changes with as few waits for the disk as possible. Each has its own result.
    pub(crate) fn commit_all(&mut self, commits: &[&Commit]) -> Vec<Result<Seqs, StoreError>> {
        let now = commits.first().map_or(0, |commit| commit.now);
        let folder = self.folder.clone();
        let pair = match self.pair(now) {
            Ok(pair) => pair,
            Err(error) => return commits.iter().map(|_| Err(error.clone())).collect(),
        };
        let alone = |pair: &mut Pair, commit: &Commit| match pair.commit(&[commit]) {
            Ok(mut results) => results.pop().unwrap_or_else(|| Ok(Seqs::new())),
            Err(error) => Err(error),
        };
        let results = match pair.commit(commits) {
            Ok(results) => results,
            Err(error) if commits.len() == 1 => vec![Err(error)],
            // One of them failed, and took the others with it: each by itself, then.
            Err(_) => commits.iter().map(|commit| alone(pair, commit)).collect(),
        };
        for error in results.iter().filter_map(|result| result.as_ref().err()) {
            suspect(&folder, error);
        }
        results
    }

    /// Takes an inbound row into the ledger, usually without writing anything yet.
    pub(crate) fn note_inbound(&mut self, row: &NewRow) -> Result<(), StoreError> {
        if self.pair(row.time)?.book.note(row) {
            let flush = Commit::at(row.time);
            return self.commit_all(&[&flush]).pop().map_or(Ok(()), |result| result.map(drop));
        }
        Ok(())
    }

    /// Something that only reads.
    pub(crate) fn read<T>(
        &mut self,
        now: i64,
        run: impl FnOnce(&Connection, &Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let folder = self.folder.clone();
        let pair = self.pair(now)?;
        run(&pair.agent, &pair.ledger).inspect_err(|error| suspect(&folder, error))
    }

    /// Forgets everything but this; without a stub in it also the home's secret.
    pub(crate) fn forget(&mut self, stays: &Stays, now: i64) -> Result<(), StoreError> {
        forget::mark(&self.folder, stays)?;
        self.pair = None;
        self.pair(now).map(drop)
    }

    /// Changes what the ledger may take up, from the next row on.
    pub(crate) fn set_limits(&mut self, limits: ledger::LedgerLimits) {
        self.options.ledger = limits;
        if let Some(pair) = &mut self.pair {
            pair.book.set_limits(limits);
        }
    }

    /// Writes what waits and closes both files, so that nothing but the databases themselves remains.
    pub(crate) fn close(mut self, now: i64) -> Result<(), StoreError> {
        let flush = Commit::at(now);
        let flushed = self.commit_all(&[&flush]).pop().map_or(Ok(()), |result| result.map(drop));
        if let Some(Pair { agent, ledger, .. }) = self.pair.take() {
            ledger.close().map_err(|(_, error)| sql(LEDGER_DB)(error))?;
            agent.close().map_err(|(_, error)| sql(AGENT_DB)(error))?;
        }
        flushed
    }

    /// The databases; completes a `forget` first that an error had interrupted.
    fn pair(&mut self, now: i64) -> Result<&mut Pair, StoreError> {
        if self.pair.is_none() {
            self.pair = Some(forget::complete(&self.folder, &self.options, now, &mut Opened::default())?);
        }
        self.pair.as_mut().ok_or(StoreError::Closed)
    }

    #[cfg(test)]
    pub(crate) fn connections(&self) -> (&Connection, &Connection) {
        let pair = self.pair.as_ref().unwrap();
        (&pair.agent, &pair.ledger)
    }
}

impl Pair {
    /// Writes all of them, with one wait for the disk for each database. An error means that nothing has been written;
    /// else each has its own result.
    fn commit(&mut self, commits: &[&Commit]) -> Result<Vec<Result<Seqs, StoreError>>, StoreError> {
        let touched = commits.iter().any(|commit| commit.touches_agent());
        // Written first, so that a change which is refused keeps its row out of the ledger; made durable last.
        if touched {
            begin(&self.agent, AGENT_DB)?;
            for commit in commits {
                write_agent(&self.agent, commit).inspect_err(|_| roll_back(&self.agent))?;
            }
            kill_point("store.agent.written");
        }
        let before = self.book.before();
        let seqs = match self.append(commits) {
            Ok(seqs) => seqs,
            Err(error) => {
                self.book.roll_back(before);
                roll_back(&self.agent);
                return Err(error);
            }
        };
        let ended = if touched { end(&self.agent, AGENT_DB) } else { Ok(()) };
        if ended.is_err() {
            roll_back(&self.agent);
        } else if touched {
            kill_point("store.agent.committed");
        }
        let outcome = |(commit, seqs): (&&Commit, Seqs)| match &ended {
            Err(error) if commit.touches_agent() => {
                // The caller will not send what it has no numbers for.
                self.book.park(seqs.into_iter().map(|seq| (seq, Mark::Unsent)));
                Err(error.clone())
            }
            _ => Ok(seqs),
        };
        Ok(commits.iter().zip(seqs).map(outcome).collect())
    }

    /// The ledger's part of all of them, durable when this returns.
    fn append(&mut self, commits: &[&Commit]) -> Result<Vec<Seqs>, StoreError> {
        // A commit of state alone is no reason to write the inbound rows that wait; an empty one asks for just that.
        let writes = |book: &Book, commit: &Commit| {
            !commit.rows.is_empty() || (!commit.touches_agent() && book.has_waiting())
        };
        let needed = commits.iter().any(|commit| writes(&self.book, commit));
        if needed {
            begin(&self.ledger, LEDGER_DB)?;
        }
        let mut write = || {
            let mut seqs = Vec::with_capacity(commits.len());
            for commit in commits {
                if writes(&self.book, commit) {
                    seqs.push(self.book.append(&self.ledger, &commit.rows, &commit.marks, commit.now)?);
                } else {
                    self.book.park(commit.marks.iter().copied());
                    seqs.push(Seqs::new());
                }
            }
            if needed {
                kill_point("store.ledger.written");
                end(&self.ledger, LEDGER_DB)?;
            }
            Ok(seqs)
        };
        let seqs = write().inspect_err(|_| roll_back(&self.ledger))?;
        if needed {
            self.book.committed();
            kill_point("store.ledger.appended");
        }
        Ok(seqs)
    }
}

fn write_agent(agent: &Connection, commit: &Commit) -> Result<(), StoreError> {
    for change in &commit.outbox {
        outbox::change(agent, change, commit.now)?;
    }
    if !commit.outbox.is_empty() {
        outbox::expire(agent, commit.now)?;
    }
    for (key, json) in &commit.puts {
        state::put_json(agent, key, json.as_deref())?;
    }
    if !commit.ordinals.is_empty() {
        state::add_ordinals(agent, &commit.ordinals)?;
    }
    if let Some(orphans) = &commit.orphans {
        state::put_orphans(agent, orphans)?;
    }
    if let Some(delays) = &commit.delays {
        state::put_delays(agent, delays)?;
    }
    commit.journal.iter().try_for_each(|change| journal::change(agent, change))
}

fn begin(connection: &Connection, file: &'static str) -> Result<(), StoreError> {
    connection.execute_batch("BEGIN IMMEDIATE").map_err(sql(file))
}

fn end(connection: &Connection, file: &'static str) -> Result<(), StoreError> {
    connection.execute_batch("COMMIT").map_err(sql(file))
}

fn roll_back(connection: &Connection) {
    // SQLite has rolled back already where the disk was full; then there is nothing left to undo.
    if !connection.is_autocommit() {
        drop(connection.execute_batch("ROLLBACK"));
    }
}
