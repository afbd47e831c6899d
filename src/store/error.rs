//! What can go wrong with the data folder and the databases, in a form that a person can act on.

use std::io;

use super::outbox::{Event, State};

/// Name of the database of everything but the ledger.
pub(crate) const AGENT_DB: &str = "agent.db";
/// Name of the ledger's database.
pub(crate) const LEDGER_DB: &str = "ledger.db";

/// Why the store could not do what it was asked. Carries file names inside the data folder, never paths or contents.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// There is no data folder (only where it is not created on the way).
    #[error("the data folder does not exist")]
    FolderMissing,
    /// The path of the data folder is something else.
    #[error("the data folder's path is not a folder")]
    FolderNotADirectory,
    /// The folder or a file in it may not be read or entered.
    #[error("the data folder or a file in it cannot be read")]
    FolderUnreadable,
    /// The folder or a file in it may not be written.
    #[error("the data folder cannot be written")]
    FolderReadOnly,
    /// No space, or no quota, is left.
    #[error("the disk is full")]
    DiskFull,
    /// Another process holds the lock.
    #[error("another process is using the data folder")]
    Locked,
    /// `home_secret` does not hold 32 bytes.
    #[error("the file home_secret is damaged")]
    SecretDamaged,
    /// A new `home_secret` was to be written over an existing one.
    #[error("the file home_secret exists already and is never overwritten")]
    SecretExists,
    /// A newer program has written this database.
    #[error("{file} was written by a newer version (it has schema {found}, this program knows {known})")]
    NewerDatabase {
        /// The database's file name.
        file: &'static str,
        /// Its schema version.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// An older program has written this database and it was opened only for reading, which does not migrate it.
    #[error("{file} was written by an older version and has not been brought up to date yet")]
    OlderDatabase {
        /// The database's file name.
        file: &'static str,
    },
    /// The database is not one, or is inconsistent.
    #[error("the database {file} is damaged")]
    Damaged {
        /// The database's file name.
        file: &'static str,
    },
    /// A stored value cannot be understood.
    #[error("the stored value {key} cannot be read")]
    BadValue {
        /// The value's key.
        key: String,
    },
    /// Sending must pause: the ledger's cap would force dropping rows younger than 90 days (R26).
    #[error("the ledger is full ({used} of {cap} bytes)")]
    LedgerFull {
        /// Bytes that the ledger takes up.
        used: u64,
        /// Bytes that it may take up.
        cap: u64,
    },
    /// The outbox holds as many intents as it may.
    #[error("the outbox is full")]
    OutboxFull,
    /// No intent has this id.
    #[error("there is no such intent in the outbox")]
    OutboxUnknown,
    /// An intent with this id was put in before.
    #[error("the outbox holds an intent with this id already")]
    OutboxDuplicate,
    /// The intent is in a state in which this cannot happen to it.
    #[error("an intent that is {from:?} cannot take {event:?}")]
    OutboxIllegal {
        /// The state it is in.
        from: State,
        /// What was to happen.
        event: Event,
    },
    /// The operating system refused a step.
    #[error("{step} failed: {kind}")]
    Io {
        /// What was being done.
        step: &'static str,
        /// How it failed.
        kind: io::ErrorKind,
    },
    /// SQLite refused a step for a reason that has no variant of its own.
    #[error("{file}: SQLite error {code}")]
    Sql {
        /// The database's file name.
        file: &'static str,
        /// SQLite's extended result code.
        code: i32,
    },
    /// The store has been closed, or its thread has ended.
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    /// A stable code, for `Problem` and `--json`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::FolderMissing => "data_folder_missing",
            Self::FolderNotADirectory => "data_folder_not_a_folder",
            Self::FolderUnreadable => "data_folder_unreadable",
            Self::FolderReadOnly => "data_folder_read_only",
            Self::DiskFull => "disk_full",
            Self::Locked => "data_folder_in_use",
            Self::SecretDamaged => "home_secret_damaged",
            Self::SecretExists => "home_secret_exists",
            Self::NewerDatabase { .. } => "database_newer",
            Self::OlderDatabase { .. } => "database_older",
            Self::Damaged { .. } => "database_damaged",
            Self::BadValue { .. } => "database_value_unreadable",
            Self::LedgerFull { .. } => "ledger_full",
            Self::OutboxFull => "outbox_full",
            Self::OutboxUnknown => "outbox_unknown",
            Self::OutboxDuplicate => "outbox_duplicate",
            Self::OutboxIllegal { .. } => "outbox_wrong_state",
            Self::Io { .. } | Self::Sql { .. } => "storage_error",
            Self::Closed => "store_closed",
        }
    }

    /// What a person can do about it, in one sentence.
    #[must_use]
    pub const fn next(&self) -> &'static str {
        match self {
            Self::FolderMissing => "Check the path of the data folder, or start the agent once.",
            Self::FolderNotADirectory => "Name a folder as the data folder.",
            Self::FolderUnreadable => "Let the user that runs Vestibule read the data folder.",
            Self::FolderReadOnly => "Let the user that runs Vestibule write to the data folder.",
            Self::DiskFull => "Free some space on the disk that holds the data folder.",
            Self::Locked => "Stop the other Vestibule that uses this data folder, or wait for it to end.",
            Self::SecretDamaged => "Restore home_secret from a backup, or remove it and pair again.",
            Self::SecretExists => "Nothing: the existing secret stays in use.",
            Self::NewerDatabase { .. } => "Update Vestibule, or restore a backup made by this version.",
            Self::OlderDatabase { .. } => "Start the agent once, so that it brings its data up to date.",
            Self::Damaged { .. } => {
                "Restart the agent: it moves the damaged file aside and starts a new one."
            }
            Self::BadValue { .. } => "Restore a backup, or forget this pairing and pair again.",
            Self::LedgerFull { .. } => "Allow the ledger more space, or wait until old rows expire.",
            Self::OutboxFull => "Look at what is wedged in the outbox, and retry or discard it.",
            Self::OutboxUnknown | Self::OutboxDuplicate | Self::OutboxIllegal { .. } => {
                "Look at the outbox again: it has changed meanwhile."
            }
            Self::Io { .. } | Self::Sql { .. } => "Check the disk that holds the data folder.",
            Self::Closed => "Restart the agent.",
        }
    }

    /// Whether the same call may succeed later without anybody changing the program.
    #[must_use]
    pub const fn retry(&self) -> bool {
        matches!(
            self,
            Self::DiskFull
                | Self::Locked
                | Self::LedgerFull { .. }
                | Self::OutboxFull
                | Self::Io { .. }
                | Self::Sql { .. }
        )
    }

    /// Classifies an error of the operating system.
    pub(crate) fn io(step: &'static str, error: &io::Error) -> Self {
        let kind = error.kind();
        let is = |kinds: &[io::ErrorKind]| kinds.contains(&kind);
        if is(&[io::ErrorKind::NotADirectory]) {
            Self::FolderNotADirectory
        } else if is(&[io::ErrorKind::PermissionDenied]) {
            Self::FolderUnreadable
        } else if is(&[io::ErrorKind::ReadOnlyFilesystem]) {
            Self::FolderReadOnly
        } else if is(&[io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded]) {
            Self::DiskFull
        } else {
            Self::Io { step, kind }
        }
    }
}

/// Classifies an error of SQLite in the named file; for `map_err`.
pub(crate) fn sql(file: &'static str) -> impl Fn(rusqlite::Error) -> StoreError {
    move |error| {
        let Some(inner) = error.sqlite_error() else {
            // A column of the wrong type, text that is not UTF-8: no statement of ours writes such a thing.
            return StoreError::Damaged { file };
        };
        let is = |code| inner.code == code;
        if is(rusqlite::ErrorCode::DiskFull) || inner.extended_code == rusqlite::ffi::SQLITE_IOERR_SHMSIZE {
            StoreError::DiskFull
        } else if is(rusqlite::ErrorCode::ReadOnly) {
            StoreError::FolderReadOnly
        } else if is(rusqlite::ErrorCode::CannotOpen) || is(rusqlite::ErrorCode::PermissionDenied) {
            StoreError::FolderUnreadable
        } else if is(rusqlite::ErrorCode::DatabaseCorrupt) || is(rusqlite::ErrorCode::NotADatabase) {
            StoreError::Damaged { file }
        } else {
            StoreError::Sql { file, code: inner.extended_code }
        }
    }
}
