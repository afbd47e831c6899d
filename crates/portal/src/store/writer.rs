//! One thread that writes: it takes what is queued, runs each piece in a savepoint, commits once, and only then answers (R47).

use std::cell::Cell;
use std::sync::Mutex;
use std::thread::JoinHandle;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};
use vestibule_protocol::problem::Problem;

use super::Stop;
use crate::journal::Journal;
use crate::world::{Seconds, World};

/// Transactions that may wait; beyond it, links wait before they read their next message.
const QUEUE: usize = 1024;

/// Transactions in one commit, so that the first of them does not wait for ever.
const GROUP: usize = 256;

/// A database larger than this is not rewritten after each erasure but with the daily upkeep.
pub(super) const SCRUB_AT_ONCE: u64 = 256 << 20;

/// What a transaction works with.
pub struct Tx<'a> {
    /// The database.
    pub db: &'a Connection,
    /// Clock and randomness.
    pub world: &'a World,
    /// The erasure journal.
    pub journal: &'a Journal,
    scrub: &'a Cell<bool>,
}

impl Tx<'_> {
    /// Unix time in seconds.
    #[must_use]
    pub fn now(&self) -> Seconds {
        self.world.now()
    }

    /// Something was erased: after the commit, nothing of it may be left in the files.
    pub fn scrub_afterwards(&self) {
        self.scrub.set(true);
    }
}

type Answer = Box<dyn FnOnce(bool) + Send>;
type Job = Box<dyn FnOnce(&Tx<'_>) -> Answer + Send>;

/// The way to the thread.
pub(super) struct Writer {
    queue: Mutex<Option<mpsc::Sender<Job>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    pub(super) fn start(db: Connection, world: World, journal: Journal) -> Result<Self, Problem> {
        let (queue, jobs) = mpsc::channel(QUEUE);
        let thread = std::thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || serve(&db, &world, &journal, jobs))
            .map_err(|_| {
                Problem::new("no_thread", "The system does not allow another thread.", "Raise its limits.")
            })?;
        Ok(Self { queue: Mutex::new(Some(queue)), thread: Mutex::new(Some(thread)) })
    }

    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Tx<'_>) -> Result<T, Stop> + Send + 'static,
    ) -> Result<T, Stop> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |tx| {
            let result = in_savepoint(tx, work);
            Box::new(move |committed| {
                let result = match result {
                    Ok(_) if !committed => Err(Stop::NotStored),
                    result => result,
                };
                let _ = answer.send(result);
            })
        });
        let queue = self.queue.lock().ok().and_then(|queue| queue.clone()).ok_or(Stop::NotStored)?;
        queue.send(job).await.map_err(|_| Stop::NotStored)?;
        drop(queue);
        answered.await.map_err(|_| Stop::NotStored)?
    }

    pub(super) async fn close(&self) {
        if let Ok(mut queue) = self.queue.lock() {
            queue.take();
        }
        let thread = self.thread.lock().ok().and_then(|mut thread| thread.take());
        if let Some(thread) = thread {
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
    }
}

fn serve(db: &Connection, world: &World, journal: &Journal, mut jobs: mpsc::Receiver<Job>) {
    let scrub = Cell::new(false);
    let tx = Tx { db, world, journal, scrub: &scrub };
    while let Some(first) = jobs.blocking_recv() {
        let begun = db.execute_batch("BEGIN IMMEDIATE").is_ok();
        let mut answers = vec![first(&tx)];
        while begun && !db.is_autocommit() && answers.len() < GROUP {
            let Ok(next) = jobs.try_recv() else { break };
            answers.push(next(&tx));
        }
        // SQLite itself ends a transaction on a full disk or an input/output error: then nothing of the group is kept.
        let committed = begun && !db.is_autocommit() && db.execute_batch("COMMIT").is_ok();
        if !committed {
            let _ = db.execute_batch("ROLLBACK");
            tracing::error!(code = "commit_failed", transactions = answers.len());
        }
        if scrub.take() && committed {
            scrub_files(db, false);
        }
        for answer in answers {
            answer(committed);
        }
    }
}

/// One transaction on its own, for a store without a thread.
pub(super) fn run_alone<T>(
    db: &Connection,
    world: &World,
    journal: &Journal,
    work: impl FnOnce(&Tx<'_>) -> Result<T, Stop>,
) -> Result<T, Stop> {
    let scrub = Cell::new(false);
    db.execute_batch("BEGIN IMMEDIATE")?;
    let result = in_savepoint(&Tx { db, world, journal, scrub: &scrub }, work);
    let committed = !db.is_autocommit() && db.execute_batch("COMMIT").is_ok();
    if !committed {
        let _ = db.execute_batch("ROLLBACK");
    } else if scrub.get() {
        scrub_files(db, false);
    }
    match result {
        Ok(_) if !committed => Err(Stop::NotStored),
        result => result,
    }
}

fn in_savepoint<T>(tx: &Tx<'_>, work: impl FnOnce(&Tx<'_>) -> Result<T, Stop>) -> Result<T, Stop> {
    if tx.db.is_autocommit() {
        return Err(Stop::NotStored);
    }
    let run = |sql| tx.db.prepare_cached(sql).and_then(|mut statement| statement.execute([]));
    run("SAVEPOINT piece")?;
    let result = work(tx);
    if result.is_err() && !tx.db.is_autocommit() {
        run("ROLLBACK TO piece")?;
    }
    if !tx.db.is_autocommit() {
        run("RELEASE piece")?;
    }
    result
}

/// Rewrites the file and empties the log, so that nothing erased is left in free space (R28).
pub(super) fn scrub_files(db: &Connection, whatever_size: bool) {
    if !whatever_size && size(db) > SCRUB_AT_ONCE {
        let _ = db.execute("INSERT OR REPLACE INTO meta (name, value) VALUES ('scrub', 'due')", []);
    } else if let Err(error) = db.execute_batch("VACUUM") {
        tracing::warn!(code = "scrub_failed", sqlite = ?error.sqlite_error_code());
        let _ = db.execute("INSERT OR REPLACE INTO meta (name, value) VALUES ('scrub', 'due')", []);
    } else {
        let _ = db.execute("DELETE FROM meta WHERE name = 'scrub'", []);
    }
    let emptied = db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0));
    if emptied.is_err() {
        tracing::warn!(code = "checkpoint_failed");
    }
}

/// Size of the database file in bytes.
pub(super) fn size(db: &Connection) -> u64 {
    db.query_row("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size", [], |row| {
        row.get(0)
    })
    .unwrap_or(0)
}
