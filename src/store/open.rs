//! Opening the two databases: modes, settings, schema, damage.
//!
//! A damaged file is evidence: it is moved aside under a name that says when, never deleted (except by `forget`), and a
//! new one takes its place. A file written by a newer program is refused and left as it is.

use std::fs;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::error::{AGENT_DB, LEDGER_DB, StoreError, sql};
use super::folder::{Folder, remove_if_there};
use super::ledger::{self, Book, LedgerLimits};
use super::{outbox, state};
use crate::kill::kill_point;

/// A ledger larger than this is checked as a whole only if there is a reason, or each start would read it all.
const CHECK_ALWAYS: u64 = 64 << 20;
/// How long to wait for another process that is just copying its log into the database.
const PATIENCE: Duration = Duration::from_secs(5);
/// The log is copied into the database after so many pages (1 MiB), which bounds its size and the shared memory.
const LOG_PAGES: u32 = 256;

const AGENT_SCHEMA: &[&str] =
    &[include_str!("migrations/agent/0001_init.sql"), include_str!("migrations/agent/0002_deployments.sql")];
const LEDGER_SCHEMA: &[&str] = &[include_str!("migrations/ledger/0001_init.sql")];

/// How the store is to be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreOptions {
    /// How much the ledger may take up.
    pub ledger: LedgerLimits,
    /// Whether a commit waits for the disk. Only simulations, which lose no power, turn this off.
    pub durable: bool,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self { ledger: LedgerLimits::default(), durable: true }
    }
}

/// What was found on opening, for the owner to be told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Opened {
    /// Nothing was there: this is the first start (or the first after everything was forgotten).
    pub first_start: bool,
    /// Files that were damaged, by the names under which they now lie in the folder.
    pub damaged: Vec<String>,
    /// The ledger was started anew although the agent's own data was there; its first row says so.
    pub ledger_restarted: bool,
    /// A `forget` that was interrupted has been completed.
    pub forget_completed: bool,
}

/// Both connections and the end of the ledger's chain.
pub(crate) struct Pair {
    pub(crate) agent: Connection,
    pub(crate) ledger: Connection,
    pub(crate) book: Book,
}

/// Opens both databases for writing; the caller holds the lock. `now` is Unix milliseconds.
pub(crate) fn open_pair(
    folder: &Folder,
    options: &StoreOptions,
    now: i64,
    opened: &mut Opened,
) -> Result<Pair, StoreError> {
    let mut agent = open_checked(folder, AGENT_DB, AGENT_SCHEMA, options, now, opened)?;
    let agent_existed = version(&agent, AGENT_DB)? > 0 || !opened.damaged.is_empty();
    let mut ledger = open_checked(folder, LEDGER_DB, LEDGER_SCHEMA, options, now, opened)?;
    let ledger_damaged = opened.damaged.iter().any(|name| name.starts_with(LEDGER_DB));

    let reason = if ledger_damaged { "ledger_damaged" } else { "ledger_missing" };
    let restarted = agent_existed && version(&ledger, LEDGER_DB)? == 0;
    if restarted && !ledger_damaged && version(&agent, AGENT_DB)? > 0 {
        // Backups leave the ledger out. Before the ledger is there again, so that a kill in between loses nothing.
        state::mark_restored(&agent)?;
    }
    // In one transaction with the new tables: a kill in between must not lose the sentence. The ledger comes first, so
    // that on a first start a kill between the two does not make it look as if the ledger had been lost.
    migrate(&mut ledger, LEDGER_DB, LEDGER_SCHEMA, |ledger| {
        if restarted {
            let start = ledger::local(now, "chain-start", format!("{{\"reason\":\"{reason}\"}}"));
            Book::load(ledger, options.ledger, now)?.append(ledger, &[start], &[], now)?;
        }
        Ok(())
    })?;
    migrate(&mut agent, AGENT_DB, AGENT_SCHEMA, |_| Ok(()))?;
    kill_point("store.migrated");
    outbox::requeue_all(&agent)?;
    let book = Book::load(&ledger, options.ledger, now)?;
    opened.first_start = !agent_existed;
    opened.ledger_restarted = restarted;
    Ok(Pair { agent, ledger, book })
}

/// Opens one database for reading only, without any lock. `None` if there is none yet.
pub(crate) fn open_read_only(folder: &Folder, file: &'static str) -> Result<Option<Connection>, StoreError> {
    let path = folder.path().join(file);
    match fs::metadata(&path) {
        Ok(metadata) if metadata.len() == 0 => return Ok(None),
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(StoreError::io("reading the data folder", &error)),
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(&path, flags).map_err(sql(file))?;
    connection.busy_timeout(PATIENCE).map_err(sql(file))?;
    let mut found = version(&connection, file);
    if found.is_err() && log_is_empty(&path) {
        // A folder in which we may not even make the shared-memory file, and nothing in the log: the database alone is
        // complete, and nobody can be writing to it.
        connection = open_immutable(&path, flags).map_err(sql(file))?;
        found = version(&connection, file);
    }
    set(&connection, file, "cache_size", -256)?;
    let known = known_version(file);
    match found? {
        0 => Ok(None),
        found if found > known => Err(StoreError::NewerDatabase { file, found, known }),
        found if found < known => Err(StoreError::OlderDatabase { file }),
        _ => Ok(Some(connection)),
    }
}

/// Notes that a database turned out to be damaged while it was in use, so that the next start looks at all of it.
pub(crate) fn suspect(folder: &Folder, error: &StoreError) {
    if let StoreError::Damaged { file } = error {
        // If even this fails, the next start may not notice; there is nobody left to tell.
        drop(folder.touch(&suspicion(file)));
    }
}

fn suspicion(file: &str) -> String {
    format!("{file}.suspect")
}

fn open_checked(
    folder: &Folder,
    file: &'static str,
    schema: &[&str],
    options: &StoreOptions,
    now: i64,
    opened: &mut Opened,
) -> Result<Connection, StoreError> {
    match open_sound(folder, file, schema, options) {
        Err(StoreError::Damaged { .. }) => {
            opened.damaged.push(move_aside(folder, file, now)?);
            kill_point("store.damaged.moved");
            open_sound(folder, file, schema, options)
        }
        other => other,
    }
}

fn open_sound(
    folder: &Folder,
    file: &'static str,
    schema: &[&str],
    options: &StoreOptions,
) -> Result<Connection, StoreError> {
    let path = folder.path().join(file);
    let unclean = !log_is_empty(&path);
    folder.touch(file)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(&path, flags).map_err(sql(file))?;
    connection.busy_timeout(PATIENCE).map_err(sql(file))?;
    let (found, known) = (version(&connection, file)?, schema.len() as i64);
    if found > known {
        return Err(StoreError::NewerDatabase { file, found, known });
    }
    configure(&connection, file, options)?;
    let suspicion = folder.path().join(suspicion(file));
    let size = fs::metadata(&path).map_or(0, |metadata| metadata.len());
    if size <= CHECK_ALWAYS || unclean || suspicion.exists() {
        let verdict: String =
            connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(sql(file))?;
        if verdict != "ok" {
            return Err(StoreError::Damaged { file });
        }
        if suspicion.exists() {
            remove_if_there(&suspicion)?;
        }
    }
    Ok(connection)
}

fn configure(connection: &Connection, file: &'static str, options: &StoreOptions) -> Result<(), StoreError> {
    let mode: String =
        connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0)).map_err(sql(file))?;
    if mode != "wal" {
        // A file system without shared memory: without the log there would be no readers beside the writer.
        return Err(StoreError::Io {
            step: "switching to write-ahead logging",
            kind: std::io::ErrorKind::Unsupported,
        });
    }
    connection
        .pragma_update(None, "synchronous", if options.durable { "FULL" } else { "OFF" })
        .map_err(sql(file))?;
    // 256 KiB: the whole agent has to fit into 8 MiB.
    set(connection, file, "cache_size", -256)?;
    set(connection, file, "mmap_size", 0)?;
    set(connection, file, "wal_autocheckpoint", LOG_PAGES)?;
    set(connection, file, "journal_size_limit", 1 << 20)?;
    // Deleted content is overwritten wherever that costs no further write.
    connection.pragma_update(None, "secure_delete", "FAST").map_err(sql(file))?;
    connection.pragma_update(None, "cell_size_check", true).map_err(sql(file))?;
    connection.pragma_update(None, "trusted_schema", false).map_err(sql(file))
}

/// Sets a pragma that may or may not answer with its new value.
fn set(
    connection: &Connection,
    file: &'static str,
    name: &str,
    value: impl rusqlite::ToSql,
) -> Result<(), StoreError> {
    match connection.pragma_update_and_check(None, name, value, |_| Ok(())) {
        Ok(()) | Err(rusqlite::Error::QueryReturnedNoRows) => Ok(()),
        Err(error) => Err(sql(file)(error)),
    }
}

/// Runs the migrations that are missing, each in one transaction with its number, then `finish` in the last of them.
fn migrate(
    connection: &mut Connection,
    file: &'static str,
    schema: &[&str],
    finish: impl FnOnce(&Connection) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let done = version(connection, file)?.max(0).cast_unsigned() as usize;
    if done >= schema.len() {
        return Ok(());
    }
    let transaction = connection.transaction().map_err(sql(file))?;
    for text in &schema[done..] {
        transaction.execute_batch(text).map_err(sql(file))?;
    }
    transaction.pragma_update(None, "user_version", schema.len() as i64).map_err(sql(file))?;
    finish(&transaction)?;
    transaction.commit().map_err(sql(file))
}

fn version(connection: &Connection, file: &'static str) -> Result<i64, StoreError> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(sql(file))
}

fn known_version(file: &str) -> i64 {
    if file == LEDGER_DB { LEDGER_SCHEMA.len() as i64 } else { AGENT_SCHEMA.len() as i64 }
}

/// Moves a database and its log out of the way; returns the new name.
fn move_aside(folder: &Folder, file: &str, now: i64) -> Result<String, StoreError> {
    let name = (0..)
        .map(|again| {
            if again == 0 { format!("{file}.damaged-{now}") } else { format!("{file}.damaged-{now}-{again}") }
        })
        .find(|name| !folder.path().join(name).exists())
        .unwrap_or_default();
    // The log first: a kill in between must not leave it beside a new database.
    for suffix in ["-wal", "-shm", ""] {
        match fs::rename(
            folder.path().join(format!("{file}{suffix}")),
            folder.path().join(format!("{name}{suffix}")),
        ) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(StoreError::io("moving a damaged database aside", &error)),
        }
    }
    remove_if_there(&folder.path().join(suspicion(file)))?;
    folder.sync()?;
    Ok(name)
}

/// Whether there is nothing in the write-ahead log of this database.
fn log_is_empty(path: &Path) -> bool {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    fs::metadata(log).map_or(true, |metadata| metadata.len() == 0)
}

fn open_immutable(path: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    use std::os::unix::ffi::OsStrExt;

    let mut uri = String::from("file:");
    for byte in path.as_os_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || b"/._-".contains(byte) {
            uri.push(char::from(*byte));
        } else {
            uri.push_str(&format!("%{byte:02x}"));
        }
    }
    uri.push_str("?immutable=1");
    Connection::open_with_flags(uri, flags | OpenFlags::SQLITE_OPEN_URI)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_complete_database_can_be_opened_as_immutable_whatever_its_folder_is_called() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("a b?mode=rw#c%20d\u{e4}.db");
        let connection = Connection::open(&path).unwrap();
        connection.execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES (5)").unwrap();
        drop(connection);
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let opened = open_immutable(&path, flags).unwrap();
        assert_eq!(opened.query_row("SELECT x FROM t", [], |row| row.get::<_, i64>(0)), Ok(5));
        assert!(opened.execute("INSERT INTO t VALUES (6)", []).is_err());
    }
}
