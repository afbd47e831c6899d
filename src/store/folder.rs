//! The data folder: who may enter it, the secret it guards, and the lock that keeps a second agent out.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::error::StoreError;
use crate::identity::HomeSecret;
use crate::kill::kill_point;

/// Nobody but the user that runs the agent has any business in the folder.
const FOLDER_MODE: u32 = 0o700;
/// The same for each file.
const FILE_MODE: u32 = 0o600;
/// Name of the file with the secret from which the home's identities are derived.
const SECRET: &str = "home_secret";
/// Name of the file that the writing process keeps locked.
const LOCK: &str = "agent.lock";

/// A data folder that exists. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder(PathBuf);

impl Folder {
    /// Opens the folder for writing; makes it (mode 0700) if it is missing.
    ///
    /// # Errors
    /// If it cannot be made, entered, read or written, or is no folder.
    pub fn create(path: &Path) -> Result<Self, StoreError> {
        match DirBuilder::new().mode(FOLDER_MODE).recursive(true).create(path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(StoreError::FolderNotADirectory);
            }
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                return Err(StoreError::FolderReadOnly);
            }
            Err(error) => return Err(StoreError::io("making the data folder", &error)),
        }
        Self::existing(path)
    }

    /// Opens a folder that must exist already; for commands that only read.
    ///
    /// # Errors
    /// [`StoreError::FolderMissing`], or if it cannot be read or is no folder.
    pub fn existing(path: &Path) -> Result<Self, StoreError> {
        match fs::read_dir(path) {
            Ok(_) => Ok(Self(path.to_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(StoreError::FolderMissing),
            Err(error) => Err(StoreError::io("reading the data folder", &error)),
        }
    }

    /// Where the folder is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The home's secret, if it has been minted.
    ///
    /// # Errors
    /// If the file cannot be read or does not hold exactly 32 bytes.
    pub fn home_secret(&self) -> Result<Option<HomeSecret>, StoreError> {
        let mut file = match File::open(self.0.join(SECRET)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(StoreError::io("reading home_secret", &error)),
        };
        let mut bytes = [0; 32];
        match file.read_exact(&mut bytes) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return Err(StoreError::SecretDamaged);
            }
            Err(error) => return Err(StoreError::io("reading home_secret", &error)),
        }
        match file.read(&mut [0]) {
            Ok(0) => Ok(Some(HomeSecret::new(bytes))),
            Ok(_) => Err(StoreError::SecretDamaged),
            Err(error) => Err(StoreError::io("reading home_secret", &error)),
        }
    }

    /// Stores 32 fresh random bytes as the home's secret, durably: after this returns they survive a power cut, and
    /// before that there is none. Needs the lock, so that no two processes mint at once.
    ///
    /// # Errors
    /// [`StoreError::SecretExists`] if there is one, whatever its state; else what the disk says.
    pub fn mint_home_secret(&self, _held: &Lock, fresh: [u8; 32]) -> Result<HomeSecret, StoreError> {
        let path = self.0.join(SECRET);
        if fs::symlink_metadata(&path).is_ok() {
            return Err(StoreError::SecretExists);
        }
        let step = |error: io::Error| StoreError::io("writing home_secret", &error);
        let temporary = self.0.join("home_secret.new");
        remove_if_there(&temporary)?;
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(FILE_MODE)
            .open(&temporary)
            .map_err(writing)?;
        file.write_all(&fresh).map_err(step)?;
        file.sync_all().map_err(step)?;
        kill_point("store.secret.written");
        fs::rename(&temporary, &path).map_err(step)?;
        self.sync()?;
        kill_point("store.secret.renamed");
        Ok(HomeSecret::new(fresh))
    }

    /// Removes the home's secret: the last step of forgetting.
    pub(crate) fn remove_home_secret(&self) -> Result<(), StoreError> {
        remove_if_there(&self.0.join("home_secret.new"))?;
        remove_if_there(&self.0.join(SECRET))?;
        self.sync()
    }

    /// Makes a file of mode 0600 if it is missing, before SQLite would make it with a wider one.
    pub(crate) fn touch(&self, name: &str) -> Result<(), StoreError> {
        let mut options = OpenOptions::new();
        options.create(true).append(true).mode(FILE_MODE);
        options.open(self.0.join(name)).map(drop).map_err(writing)
    }

    /// Names of all files in the folder.
    pub(crate) fn names(&self) -> Result<Vec<String>, StoreError> {
        let step = |error: io::Error| StoreError::io("reading the data folder", &error);
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.0).map_err(step)? {
            // Our own names are all ASCII; what is not UTF-8 is not ours.
            names.extend(entry.map_err(step)?.file_name().into_string());
        }
        names.sort_unstable();
        Ok(names)
    }

    /// Makes renames and removals in the folder durable.
    pub(crate) fn sync(&self) -> Result<(), StoreError> {
        let step = |error: io::Error| StoreError::io("syncing the data folder", &error);
        File::open(&self.0).map_err(step)?.sync_all().map_err(step)
    }
}

/// Removes a file; it is no error if it is not there.
pub(crate) fn remove_if_there(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(writing(error)),
    }
}

/// Classifies a failure to make or remove a file: "permission denied" then means that the folder cannot be written.
#[expect(clippy::needless_pass_by_value, reason = "made for map_err")]
fn writing(error: io::Error) -> StoreError {
    if error.kind() == io::ErrorKind::PermissionDenied {
        StoreError::FolderReadOnly
    } else {
        StoreError::io("writing to the data folder", &error)
    }
}

/// The exclusive right to change what is in the folder, held until dropped. The operating system releases it when the
/// process ends, however it ends.
#[derive(Debug)]
pub struct Lock(File);

impl Lock {
    /// Takes the lock if it is free; `None` if another process (or another `Lock` of this one) holds it.
    ///
    /// # Errors
    /// If the lock file cannot be made or the file system has no locks.
    pub fn try_acquire(folder: &Folder) -> Result<Option<Self>, StoreError> {
        let mut options = OpenOptions::new();
        options.create(true).append(true).mode(FILE_MODE);
        let file = options.open(folder.path().join(LOCK)).map_err(writing)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(StoreError::io("locking the data folder", &error)),
        }
    }
}

impl Drop for Lock {
    /// Closing the file is not enough: between fork and exec a process that we start holds a copy of it, and the lock with it.
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_folder_is_made_private_and_so_is_the_secret() {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::create(&root.path().join("a/data")).unwrap();
        let lock = Lock::try_acquire(&folder).unwrap().unwrap();
        assert_eq!(folder.home_secret().unwrap(), None);
        let secret = folder.mint_home_secret(&lock, [7; 32]).unwrap();
        assert_eq!(folder.home_secret().unwrap(), Some(secret.clone()));
        assert_eq!(format!("{secret:?}"), "HomeSecret(‹secret›)");
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(folder.path()), 0o700);
        for name in folder.names().unwrap() {
            assert_eq!(mode(&folder.path().join(&name)), 0o600, "{name}");
        }
        assert_eq!(folder.names().unwrap(), ["agent.lock", "home_secret"]);
    }

    #[test]
    fn a_secret_is_never_overwritten_and_a_short_or_long_one_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::create(root.path()).unwrap();
        let lock = Lock::try_acquire(&folder).unwrap().unwrap();
        folder.mint_home_secret(&lock, [1; 32]).unwrap();
        assert_eq!(folder.mint_home_secret(&lock, [2; 32]), Err(StoreError::SecretExists));
        assert_eq!(folder.home_secret().unwrap().unwrap().expose(), &[1; 32]);
        for length in [0, 31, 33] {
            fs::write(folder.path().join(SECRET), vec![3; length]).unwrap();
            assert_eq!(folder.home_secret(), Err(StoreError::SecretDamaged));
            assert_eq!(folder.mint_home_secret(&lock, [2; 32]), Err(StoreError::SecretExists));
        }
    }

    #[test]
    fn a_half_written_secret_of_a_killed_start_is_no_secret() {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::create(root.path()).unwrap();
        let lock = Lock::try_acquire(&folder).unwrap().unwrap();
        fs::write(folder.path().join("home_secret.new"), [9; 5]).unwrap();
        assert_eq!(folder.home_secret().unwrap(), None);
        folder.mint_home_secret(&lock, [1; 32]).unwrap();
        assert_eq!(folder.home_secret().unwrap().unwrap().expose(), &[1; 32]);
        assert_eq!(folder.names().unwrap(), ["agent.lock", "home_secret"]);
    }

    #[test]
    fn wrong_paths_are_named_for_what_they_are() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("file");
        fs::write(&file, "x").unwrap();
        assert_eq!(Folder::create(&file), Err(StoreError::FolderNotADirectory));
        assert_eq!(Folder::create(&file.join("below")), Err(StoreError::FolderNotADirectory));
        assert_eq!(Folder::existing(&file), Err(StoreError::FolderNotADirectory));
        assert_eq!(Folder::existing(&root.path().join("none")), Err(StoreError::FolderMissing));
    }

    #[test]
    fn one_lock_at_a_time() {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::create(root.path()).unwrap();
        let held = Lock::try_acquire(&folder).unwrap();
        assert!(held.is_some());
        assert!(Lock::try_acquire(&folder).unwrap().is_none());
        // What a process that is just being started holds.
        let _copy = held.as_ref().map(|lock| lock.0.try_clone().unwrap());
        drop(held);
        assert!(Lock::try_acquire(&folder).unwrap().is_some());
    }
}
