//! The data folder: the database, the erasure journal, the portal's signing key, and a lock that one serving program holds.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ed25519_dalek::SigningKey;
use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::problem::Problem;

use crate::journal::Journal;
use crate::problem;
use crate::store::Store;
use crate::world::World;

/// How long a start waits for a portal that is just ending.
const LOCK_WAIT: Duration = Duration::from_secs(10);
const LOCK_POLL: Duration = Duration::from_millis(50);

/// Where things are.
#[derive(Debug, Clone)]
pub struct Data {
    /// The folder.
    pub folder: PathBuf,
    /// The erasure journal.
    pub journal: PathBuf,
}

impl Data {
    /// Creates the folder (0700) if it is missing.
    ///
    /// # Errors
    /// A `Problem` when that is not possible.
    pub fn at(folder: &Path, journal: Option<&Path>) -> Result<Self, Problem> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|_| problem::data_unusable())?;
        let journal = journal.map_or_else(|| folder.join("erasures.jsonl"), Path::to_owned);
        Ok(Self { folder: folder.to_owned(), journal })
    }

    /// The database for a serving program.
    ///
    /// # Errors
    /// See [`Store::open`].
    pub fn store(&self, world: World) -> Result<Store, Problem> {
        Store::open(&self.database(), Journal::at(&self.journal), world)
    }

    /// The database for commands.
    ///
    /// # Errors
    /// See [`Store::inline`].
    pub fn inline_store(&self, world: World) -> Result<Store, Problem> {
        Store::inline(&self.database(), Journal::at(&self.journal), world)
    }

    /// The database for simulations, which lose no power: nothing waits for the disk.
    ///
    /// # Errors
    /// See [`Store::inline`].
    pub fn simulated_store(&self, world: World) -> Result<Store, Problem> {
        Store::simulated(&self.database(), Journal::at(&self.journal), world)
    }

    fn database(&self) -> PathBuf {
        self.folder.join("vestibule-portal.db")
    }

    /// The key with which receipts are signed; made at the first use, kept outside the database with mode 0600.
    ///
    /// # Errors
    /// A `Problem` when it cannot be read or written.
    pub fn signing_key(&self, world: &World) -> Result<SigningKey, Problem> {
        let path = self.folder.join("portal.key");
        let fresh = Fixed(world.random::<32>()?);
        // Written aside and linked, so that two first uses at once agree on one key.
        let aside = self.folder.join(format!("portal.key.{}", Fixed(world.random::<8>()?)));
        if !path.exists() {
            let written = write_private(&aside, &fresh.to_string()).and_then(|()| {
                match std::fs::hard_link(&aside, &path) {
                    Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
                    _ => std::fs::remove_file(&aside),
                }
            });
            written.map_err(|_| problem::data_unusable())?;
        }
        let text = std::fs::read_to_string(&path).map_err(|_| problem::data_unusable())?;
        let seed = Fixed::<32>::parse(text.trim()).ok_or_else(problem::data_unusable)?;
        Ok(SigningKey::from_bytes(&seed.0))
    }

    /// Waits for the lock of a serving program and takes it; it is held until the file is dropped.
    ///
    /// # Errors
    /// A `Problem` when another portal keeps it.
    pub async fn lock(&self) -> Result<File, Problem> {
        let path = self.folder.join("serve.lock");
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(path)
            .map_err(|_| problem::data_unusable())?;
        let begun = Instant::now();
        while file.try_lock().is_err() {
            if begun.elapsed() > LOCK_WAIT {
                return Err(problem::already_served());
            }
            tokio::time::sleep(LOCK_POLL).await;
        }
        Ok(file)
    }
}

/// Writes a new file that only its owner can read.
///
/// # Errors
/// When it exists or cannot be written.
pub fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()
}
