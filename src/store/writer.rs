//! The store as the agent sees it: async methods, one thread that owns both databases, and the same thing without a
//! thread for simulations.

use std::mem;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{mpsc, oneshot};
use vestibule_protocol::deployment::DeploymentId;

use super::databases::{Commit, Databases, Seqs};
use super::error::StoreError;
use super::folder::{Folder, Lock};
use super::journal::{self, DeploymentRow, ReadRow, StepRow};
use super::ledger::{self, Entry, LedgerLimits, Mark, NewRow, Page, Row, Usage, Verification};
use super::open::{Opened, StoreOptions};
use super::outbox::{self, Intent};
use super::state::{self, AgentState, Singleton, Stays};
use crate::identity::HomeSecret;
use crate::outbound::reading::Text;

/// How many commands may wait; more, and the callers wait.
const QUEUE: usize = 64;
/// How many commits share one wait for the disk at most.
const GROUP: usize = 64;
/// SQLite needs little; the default of 2 MiB would be fine too, but is not needed.
const STACK: usize = 512 * 1024;

/// The open store. Cheap to clone; closed by [`Store::close`], or (without the inbound
/// rows that still wait in memory) when the last clone is dropped.
#[derive(Clone)]
pub struct Store(Backend);

#[derive(Clone)]
enum Backend {
    Thread(mpsc::Sender<Command>),
    Inline(Arc<Mutex<Option<Databases>>>),
}

type Answer<T> = oneshot::Sender<Result<T, StoreError>>;

enum Command {
    Commit(Box<Commit>, Answer<Seqs>),
    NoteInbound(NewRow, Answer<()>),
    /// Anything that is not worth grouping.
    Run(Box<dyn FnOnce(&mut Databases) + Send>),
    Close(i64, Answer<()>),
}

impl Store {
    /// Opens the store and starts its thread, which holds the lock until it ends. `now` is Unix milliseconds. Blocks while
    /// the databases are checked.
    ///
    /// # Errors
    /// If the folder or a database cannot be used; a damaged one is moved aside instead, and reported in [`Opened`].
    pub fn open(
        folder: Folder,
        lock: Lock,
        options: StoreOptions,
        now: i64,
    ) -> Result<(Self, Opened), StoreError> {
        let (databases, opened) = Databases::open(folder, lock, options, now)?;
        let (sender, receiver) = mpsc::channel(QUEUE);
        std::thread::Builder::new()
            .name("store".to_owned())
            .stack_size(STACK)
            .spawn(move || serve(databases, receiver))
            .map_err(|error| StoreError::io("starting the store's thread", &error))?;
        Ok((Self(Backend::Thread(sender)), opened))
    }

    /// Opens the store without a thread: each call is done when it returns, and never waits. For deterministic simulations.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_inline(
        folder: Folder,
        lock: Lock,
        options: StoreOptions,
        now: i64,
    ) -> Result<(Self, Opened), StoreError> {
        let (databases, opened) = Databases::open(folder, lock, options, now)?;
        Ok((Self(Backend::Inline(Arc::new(Mutex::new(Some(databases))))), opened))
    }

    /// Makes changes durable; returns the numbers of its ledger rows. Either all of it happens, or, on an error, nothing,
    /// except that ledger rows may stand (marked `unsent`) if the disk failed between the two databases.
    ///
    /// # Errors
    /// [`StoreError::LedgerFull`], a refused outbox change, or what the disk says. The store can be used on afterwards.
    pub async fn commit(&self, commit: Commit) -> Result<Vec<u64>, StoreError> {
        match &self.0 {
            Backend::Thread(sender) => ask(sender, |answer| Command::Commit(Box::new(commit), answer)).await,
            Backend::Inline(cell) => inline(cell, |databases| {
                databases.commit_all(&[&commit]).pop().unwrap_or(Err(StoreError::Closed))
            }),
        }
    }

    /// Appends rows to the ledger, durable when this returns; the marks of earlier rows go with them (R25).
    ///
    /// # Errors
    /// As [`Self::commit`].
    pub async fn append(
        &self,
        now: i64,
        rows: Vec<NewRow>,
        marks: Vec<(u64, Mark)>,
    ) -> Result<Vec<u64>, StoreError> {
        self.commit(Commit { rows, marks, ..Commit::at(now) }).await
    }

    /// Takes an inbound row into the ledger. It waits in memory for the next outbound row, for [`Self::flush`], or until
    /// there are many; a crash loses it. For one that must be durable use [`Self::append`].
    ///
    /// # Errors
    /// What the disk says, if it had to be written; it is kept and tried again.
    pub async fn note_inbound(&self, row: NewRow) -> Result<(), StoreError> {
        match &self.0 {
            Backend::Thread(sender) => ask(sender, |answer| Command::NoteInbound(row, answer)).await,
            Backend::Inline(cell) => inline(cell, |databases| databases.note_inbound(&row)),
        }
    }

    /// Writes the inbound rows that wait, with these marks. Writes nothing if none wait.
    ///
    /// # Errors
    /// What the disk says.
    pub async fn flush(&self, now: i64, marks: Vec<(u64, Mark)>) -> Result<(), StoreError> {
        self.append(now, Vec::new(), marks).await.map(drop)
    }

    /// The home's secret, durable when this returns; minted from `fresh` if there is none yet.
    ///
    /// # Errors
    /// What the disk says, or [`StoreError::SecretDamaged`].
    pub async fn home_secret(&self, fresh: [u8; 32]) -> Result<HomeSecret, StoreError> {
        self.run(move |databases| databases.home_secret(fresh)).await
    }

    /// Everything that the agent needs on start.
    ///
    /// # Errors
    /// If a stored value cannot be read.
    pub async fn load(&self, now: i64) -> Result<AgentState, StoreError> {
        self.run(move |databases| databases.read(now, |agent, _| state::load(agent))).await
    }

    /// One singleton.
    ///
    /// # Errors
    /// If it cannot be read.
    pub async fn get<T: Singleton + Send + 'static>(&self, now: i64) -> Result<Option<T>, StoreError> {
        self.run(move |databases| databases.read(now, |agent, _| state::get(agent))).await
    }

    /// One singleton as JSON.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn get_json(&self, now: i64, key: String) -> Result<Option<String>, StoreError> {
        self.run(move |databases| databases.read(now, |agent, _| state::get_json(agent, &key))).await
    }

    /// All intents in the outbox, oldest first.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn outbox(&self, now: i64) -> Result<Vec<Intent>, StoreError> {
        self.run(move |databases| databases.read(now, |agent, _| outbox::all(agent))).await
    }

    /// The oldest intent that waits to be sent.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn next_intent(&self, now: i64) -> Result<Option<Intent>, StoreError> {
        self.run(move |databases| databases.read(now, |agent, _| outbox::next(agent))).await
    }

    /// The steps of a deployment's journal, in order.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn steps(&self, now: i64, id: DeploymentId) -> Result<Vec<StepRow>, StoreError> {
        self.run(move |databases| databases.read(now, |agent, _| journal::steps(agent, id))).await
    }

    /// One deployment.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn deployment(&self, now: i64, id: DeploymentId) -> Result<Option<DeploymentRow>, StoreError> {
        self.run(move |databases| databases.read(now, |agent, _| journal::deployment(agent, id))).await
    }

    /// The signed bytes of a deployment.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn envelope(&self, now: i64, id: DeploymentId) -> Result<Option<Vec<u8>>, StoreError> {
        self.run(move |databases| databases.read(now, |agent, _| journal::envelope(agent, id))).await
    }

    /// What the owner is shown of a deployment's plan, as JSON.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn plan(&self, now: i64, id: DeploymentId) -> Result<Option<Text>, StoreError> {
        self.run(move |databases| databases.read(now, |agent, _| journal::plan(agent, id))).await
    }

    /// Who of the staff has read what, newest first.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn reads(&self, now: i64) -> Result<Vec<ReadRow>, StoreError> {
        self.run(move |databases| databases.read(now, |agent, _| journal::reads(agent))).await
    }

    /// Lists ledger rows without bodies. Inbound rows that still wait in memory are not among them.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn ledger(
        &self,
        now: i64,
        page: Page,
        pending: Vec<(u64, Mark)>,
    ) -> Result<Vec<Row>, StoreError> {
        self.run(move |databases| databases.read(now, |_, ledger| ledger::list(ledger, &page, &pending)))
            .await
    }

    /// What went over the wire since a time.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn usage(&self, now: i64, since: i64, pending: Vec<(u64, Mark)>) -> Result<Usage, StoreError> {
        self.run(move |databases| databases.read(now, |_, ledger| ledger::usage(ledger, since, &pending)))
            .await
    }

    /// One ledger row with what is kept of its body.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn ledger_entry(
        &self,
        now: i64,
        seq: u64,
        pending: Vec<(u64, Mark)>,
    ) -> Result<Option<Entry>, StoreError> {
        self.run(move |databases| databases.read(now, |_, ledger| ledger::get(ledger, seq, &pending))).await
    }

    /// Checks the whole ledger. Holds up all writes for as long as it takes: prefer [`super::Reader::verify`].
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn verify(&self, now: i64) -> Result<Verification, StoreError> {
        self.run(move |databases| databases.read(now, |_, ledger| ledger::verify(ledger))).await
    }

    /// Changes what the ledger may take up, from the next row on.
    ///
    /// # Errors
    /// [`StoreError::Closed`].
    pub async fn set_limits(&self, limits: LedgerLimits) -> Result<(), StoreError> {
        self.run(move |databases| {
            databases.set_limits(limits);
            Ok(())
        })
        .await
    }

    /// Forgets everything but `stays`, at once and for good (R29). Without a stub the home's secret goes too, and the
    /// caller mints a new one before it pairs again.
    ///
    /// # Errors
    /// What the disk says. If the decision was durable already, the work is completed with the next call or start.
    pub async fn forget_everything_but(&self, now: i64, stays: Stays) -> Result<(), StoreError> {
        self.run(move |databases| databases.forget(&stays, now)).await
    }

    /// Writes what waits, closes both databases and releases the lock. All clones are closed with it.
    ///
    /// # Errors
    /// What the disk says; the store is closed nevertheless.
    pub async fn close(self, now: i64) -> Result<(), StoreError> {
        match &self.0 {
            Backend::Thread(sender) => ask(sender, |answer| Command::Close(now, answer)).await,
            Backend::Inline(cell) => {
                let databases = cell.lock().unwrap_or_else(PoisonError::into_inner).take();
                databases.ok_or(StoreError::Closed)?.close(now)
            }
        }
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Databases) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        match &self.0 {
            Backend::Thread(sender) => {
                ask(sender, |answer: Answer<T>| {
                    // A caller that no longer listens is no error.
                    Command::Run(Box::new(move |databases| drop(answer.send(work(databases)))))
                })
                .await
            }
            Backend::Inline(cell) => inline(cell, work),
        }
    }
}

async fn ask<T>(
    sender: &mpsc::Sender<Command>,
    command: impl FnOnce(Answer<T>) -> Command,
) -> Result<T, StoreError> {
    let (answer, answered) = oneshot::channel();
    sender.send(command(answer)).await.map_err(|_| StoreError::Closed)?;
    answered.await.unwrap_or(Err(StoreError::Closed))
}

fn inline<T>(
    cell: &Mutex<Option<Databases>>,
    work: impl FnOnce(&mut Databases) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    work(cell.lock().unwrap_or_else(PoisonError::into_inner).as_mut().ok_or(StoreError::Closed)?)
}

/// The thread's whole life: takes a command, and with it all commits that queue right behind it.
fn serve(mut databases: Databases, mut queue: mpsc::Receiver<Command>) {
    let mut group: Vec<(Box<Commit>, Answer<Seqs>)> = Vec::new();
    // What ended a group and comes next.
    let mut following = None;
    while let Some(command) = following.take().or_else(|| queue.blocking_recv()) {
        match command {
            Command::Commit(commit, answer) => {
                group.push((commit, answer));
                while group.len() < GROUP && following.is_none() {
                    match queue.try_recv() {
                        Ok(Command::Commit(commit, answer)) => group.push((commit, answer)),
                        Ok(other @ (Command::NoteInbound(..) | Command::Run(_) | Command::Close(..))) => {
                            following = Some(other);
                        }
                        Err(_) => break,
                    }
                }
                let commits: Vec<&Commit> = group.iter().map(|(commit, _)| &**commit).collect();
                let results = databases.commit_all(&commits);
                for ((commit, answer), result) in mem::take(&mut group).into_iter().zip(results) {
                    // First let go of the frames, so that the caller is their only owner again.
                    drop(commit);
                    drop(answer.send(result));
                }
            }
            Command::NoteInbound(row, answer) => drop(answer.send(databases.note_inbound(&row))),
            Command::Run(work) => work(&mut databases),
            Command::Close(now, answer) => {
                queue.close();
                drop(answer.send(databases.close(now)));
                return;
            }
        }
    }
}
