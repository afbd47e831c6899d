//! What the portal keeps: one SQLite file, one writer that commits many transactions at once, readers of their own.
//!
//! All SQL of the portal stands in the files of this room.

pub mod audit;
pub mod charters;
pub mod consent;
pub mod delivery;
pub mod deployments;
pub mod edit;
pub mod erase;
pub mod events;
pub mod handled;
pub mod history;
pub mod homes;
pub mod invites;
mod open;
pub mod questions;
pub mod reports;
pub mod requests;
pub mod sessions;
pub mod staff;
pub mod staging;
pub mod submit;
pub mod support;
pub mod tenants;
pub mod upkeep;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use vestibule_protocol::problem::Problem;
use vestibule_protocol::tree::Root;

use crate::journal::Journal;
use crate::world::{Seconds, World};
pub use writer::Tx;

/// Idle readers that are kept open; more are opened when needed and closed afterwards.
const IDLE_READERS: usize = 4;

/// Why a transaction was not carried out; it changed nothing.
#[derive(Debug, thiserror::Error)]
pub enum Stop {
    /// The database cannot be read or written at the moment.
    #[error("the database: {0}")]
    Database(#[from] rusqlite::Error),
    /// The erasure journal or another file cannot be written.
    #[error("a file: {0}")]
    File(#[from] std::io::Error),
    /// The store is closed, or the commit failed.
    #[error("not stored")]
    NotStored,
    /// There is no such thing for whoever asks.
    #[error("not found")]
    NotFound,
    /// The role of whoever asks does not reach.
    #[error("forbidden")]
    Forbidden,
    /// It was there and has been erased or has expired.
    #[error("gone")]
    Gone,
    /// A newer link of the same home may write; this one may not any more (R5).
    #[error("replaced")]
    Replaced,
    /// The home has been erased.
    #[error("erased")]
    Erased,
    /// The announced root is not the computed one; the home's stored root is this.
    #[error("mismatch")]
    Mismatch(Root),
    /// More than a portal keeps for one home.
    #[error("too much")]
    TooMuch,
    /// A message that does not fit the state of the link.
    #[error("bad message")]
    BadMessage,
    /// A record that cannot be kept.
    #[error("bad record")]
    BadRecord,
    /// An invite that is unknown, used or expired.
    #[error("invite refused")]
    InviteRefused,
    /// Something to tell a person.
    #[error("{0}")]
    Problem(#[from] Problem),
}

impl Stop {
    /// A code for the log; never a value.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Database(_) => "database",
            Self::File(_) => "file",
            Self::NotStored => "not_stored",
            Self::NotFound => "not_found",
            Self::Forbidden => "forbidden",
            Self::Gone => "gone",
            Self::Replaced => "replaced",
            Self::Erased => "erased",
            Self::Mismatch(_) => "mismatch",
            Self::TooMuch => "too_much",
            Self::BadMessage => "bad_message",
            Self::BadRecord => "bad_record",
            Self::InviteRefused => "invite_refused",
            Self::Problem(_) => "problem",
        }
    }
}

/// A handle; clones share the same store.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    /// The database file.
    path: PathBuf,
    world: World,
    journal: Journal,
    mode: Mode,
}

enum Mode {
    /// A writer thread with group commit, and readers on the blocking pool.
    Threads { writer: writer::Writer, readers: Mutex<Vec<Connection>> },
    /// Everything in the calling thread: for commands and for simulations.
    Inline(Mutex<Connection>),
}

impl Store {
    /// Opens or creates the database for a serving program.
    ///
    /// # Errors
    /// A `Problem` when the file cannot be opened, is damaged, or was made by a newer version.
    pub fn open(path: &Path, journal: Journal, world: World) -> Result<Self, Problem> {
        let db = open::writing(path)?;
        let writer = writer::Writer::start(db, world.clone(), journal.clone())?;
        let mode = Mode::Threads { writer, readers: Mutex::default() };
        Ok(Self(Arc::new(Inner { path: path.to_owned(), world, journal, mode })))
    }

    /// Opens or creates the database for use in the calling thread only.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn inline(path: &Path, journal: Journal, world: World) -> Result<Self, Problem> {
        let mode = Mode::Inline(Mutex::new(open::writing(path)?));
        Ok(Self(Arc::new(Inner { path: path.to_owned(), world, journal, mode })))
    }

    /// The same without waiting for the disk: for simulations, which lose no power.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn simulated(path: &Path, journal: Journal, world: World) -> Result<Self, Problem> {
        let db = open::writing(path)?;
        open::without_waiting(&db)?;
        let mode = Mode::Inline(Mutex::new(db));
        Ok(Self(Arc::new(Inner { path: path.to_owned(), world, journal, mode })))
    }

    /// Clock and randomness.
    #[must_use]
    pub fn world(&self) -> &World {
        &self.0.world
    }

    /// Unix time in seconds.
    #[must_use]
    pub fn now(&self) -> Seconds {
        self.0.world.now()
    }

    /// Runs one transaction and returns when it is durable; many share one commit.
    ///
    /// # Errors
    /// What `work` returned, or that it could not be stored; in both cases nothing is changed.
    pub async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Tx<'_>) -> Result<T, Stop> + Send + 'static,
    ) -> Result<T, Stop> {
        match &self.0.mode {
            Mode::Threads { writer, .. } => writer.run(work).await,
            Mode::Inline(_) => self.write_now(work),
        }
    }

    /// The same in the calling thread; only for a store opened with [`Self::inline`].
    ///
    /// # Errors
    /// As [`Self::write`]; [`Stop::NotStored`] for a store with a writer thread.
    pub fn write_now<T>(&self, work: impl FnOnce(&Tx<'_>) -> Result<T, Stop>) -> Result<T, Stop> {
        match &self.0.mode {
            Mode::Threads { .. } => Err(Stop::NotStored),
            Mode::Inline(db) => {
                let db = db.lock().unwrap_or_else(PoisonError::into_inner);
                writer::run_alone(&db, &self.0.world, &self.0.journal, work)
            }
        }
    }

    /// Reads one consistent state.
    ///
    /// # Errors
    /// What `work` returned, or that the database cannot be read.
    pub async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Stop> + Send + 'static,
    ) -> Result<T, Stop> {
        match &self.0.mode {
            Mode::Threads { .. } => {
                let inner = self.clone();
                tokio::task::spawn_blocking(move || inner.read_pooled(work))
                    .await
                    .map_err(|_| Stop::NotStored)?
            }
            Mode::Inline(_) => self.read_now(work),
        }
    }

    /// The same in the calling thread.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_now<T>(&self, work: impl FnOnce(&Connection) -> Result<T, Stop>) -> Result<T, Stop> {
        match &self.0.mode {
            Mode::Threads { .. } => self.read_pooled(work),
            Mode::Inline(db) => consistent(&db.lock().unwrap_or_else(PoisonError::into_inner), work),
        }
    }

    fn read_pooled<T>(&self, work: impl FnOnce(&Connection) -> Result<T, Stop>) -> Result<T, Stop> {
        let Mode::Threads { readers, .. } = &self.0.mode else { return Err(Stop::NotStored) };
        let idle = readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let reader = match idle {
            Some(reader) => reader,
            None => open::reading(&self.0.path)?,
        };
        let result = consistent(&reader, work);
        let mut idle = readers.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE_READERS {
            idle.push(reader);
        }
        result
    }

    /// Runs work that takes long (parsing, compressing) without holding up others; in the calling thread in a simulation.
    ///
    /// # Errors
    /// [`Stop::NotStored`] when the program is shutting down.
    pub async fn aside<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Stop> {
        match &self.0.mode {
            Mode::Threads { .. } => tokio::task::spawn_blocking(work).await.map_err(|_| Stop::NotStored),
            Mode::Inline(_) => Ok(work()),
        }
    }

    /// Rewrites the file if an erasure left one that was too large to be rewritten at once.
    ///
    /// # Errors
    /// When the database cannot be opened or read.
    pub async fn scrub_if_due(&self) -> Result<(), Stop> {
        if self.read(|db| tenants::setting(db, "scrub")).await?.is_none() {
            return Ok(());
        }
        let path = self.0.path.clone();
        self.aside(move || {
            writer::scrub_files(&open::writing(&path)?, true);
            Ok(())
        })
        .await?
    }

    /// Ends the writer thread after what is queued; later writes fail.
    pub async fn close(&self) {
        if let Mode::Threads { writer, .. } = &self.0.mode {
            writer.close().await;
        }
    }
}

fn consistent<T>(db: &Connection, work: impl FnOnce(&Connection) -> Result<T, Stop>) -> Result<T, Stop> {
    let reading = db.unchecked_transaction()?;
    let result = work(&reading)?;
    reading.finish()?;
    Ok(result)
}
