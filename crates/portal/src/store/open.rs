//! Opening the file: settings, numbered migrations, and what a person is told when it does not work.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};
use vestibule_protocol::problem::Problem;

/// Never edited after a release; the number of the last one applied is SQLite's `user_version`.
const MIGRATIONS: [&str; 4] = [
    include_str!("migrations/0001_first.sql"),
    include_str!("migrations/0002_deployments.sql"),
    include_str!("migrations/0003_support.sql"),
    include_str!("migrations/0004_done.sql"),
];

/// How long to wait for another process that writes: a command beside the serving program, or a clean-up after an erasure.
const BUSY: Duration = Duration::from_secs(15);

/// Statements kept prepared; the portal has fewer.
const PREPARED: usize = 256;

/// Opens for writing; creates and migrates.
pub(super) fn writing(path: &Path) -> Result<Connection, Problem> {
    let mut db = Connection::open(path).map_err(|error| not_opened(&error))?;
    set_up(&db).map_err(|error| not_opened(&error))?;
    migrate(&mut db)?;
    Ok(db)
}

/// Lets commits return before they have reached the disk.
pub(super) fn without_waiting(db: &Connection) -> Result<(), Problem> {
    db.pragma_update(None, "synchronous", "OFF").map_err(|error| not_opened(&error))
}

/// Opens for reading a file that exists.
pub(super) fn reading(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)?;
    db.busy_timeout(BUSY)?;
    db.set_prepared_statement_cache_capacity(PREPARED);
    Ok(db)
}

fn set_up(db: &Connection) -> rusqlite::Result<()> {
    db.busy_timeout(BUSY)?;
    db.set_prepared_statement_cache_capacity(PREPARED);
    db.pragma_update(None, "journal_mode", "WAL")?;
    // R47: an ack means that the commit has reached the disk.
    db.pragma_update(None, "synchronous", "FULL")?;
    // What is deleted is overwritten at once; `VACUUM` after an erasure does the rest.
    db.pragma_update(None, "secure_delete", "ON")?;
    Ok(())
}

fn migrate(db: &mut Connection) -> Result<(), Problem> {
    let work = |db: &mut Connection| -> rusqlite::Result<i64> {
        let tx = db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let done: i64 = tx.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        for (n, migration) in (1_i64..).zip(MIGRATIONS) {
            if n > done {
                tx.execute_batch(migration)?;
                tx.pragma_update(None, "user_version", n)?;
            }
        }
        tx.commit()?;
        Ok(done)
    };
    let done = work(db).map_err(|error| not_opened(&error))?;
    if usize::try_from(done).is_ok_and(|done| done <= MIGRATIONS.len()) {
        Ok(())
    } else {
        Err(Problem::new(
            "database_newer",
            "The database was made by a newer version of the portal.",
            "Start that version, or one that is newer still.",
        ))
    }
}

fn not_opened(error: &rusqlite::Error) -> Problem {
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => Problem::new(
            "database_damaged",
            "The portal's database is damaged or is not a database.",
            "Put back a backup of vestibule-portal.db; what was erased since is erased again at the start.",
        ),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Problem::new(
            "database_busy",
            "Another program has been writing the portal's database for too long.",
            "Try again in a moment.",
        )
        .retryable(),
        Some(ErrorCode::DiskFull) => Problem::new(
            "disk_full",
            "There is no room left for the portal's database.",
            "Make room on the disk and start again.",
        )
        .retryable(),
        _ => Problem::new(
            "database_unreadable",
            "The portal's database cannot be opened.",
            "Check that the data folder exists and that this user may read and write it.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_the_file_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vestibule-portal.db");
        std::fs::write(&path, vec![b'x'; 8192]).unwrap();
        assert_eq!(writing(&path).unwrap_err().code, "database_damaged");
        assert_eq!(writing(&folder.path().join("no/such/folder")).unwrap_err().code, "database_unreadable");
    }

    #[test]
    fn a_database_of_a_newer_version_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vestibule-portal.db");
        writing(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
        assert_eq!(writing(&path).unwrap_err().code, "database_newer");
    }
}
