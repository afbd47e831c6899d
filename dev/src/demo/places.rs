//! Folders, programs and ports.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::Write as _;
use std::net::TcpListener;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::trouble::Trouble;

/// Where Home Assistant answers if nobody else does: its own usual port.
const HOME_PORT: u16 = 8123;
/// Where the portal answers if nobody else does.
const PORTAL_PORT: u16 = 8124;

/// Where everything is.
pub(crate) struct Places {
    /// Everything of one demo.
    pub(crate) folder: PathBuf,
    /// The programs, built like this one.
    programs: PathBuf,
    /// Whether to prefer ports that are easy to remember.
    memorable: bool,
    _lock: File,
}

impl Places {
    /// `target/demo`.
    pub(crate) fn demo() -> Result<Self, Trouble> {
        Self::at("demo", true)
    }

    /// `target/demo-check`, empty.
    pub(crate) fn check() -> Result<Self, Trouble> {
        let places = Self::at("demo-check", false)?;
        places.clear()?;
        make(&places.folder)?;
        Ok(places)
    }

    fn at(name: &str, memorable: bool) -> Result<Self, Trouble> {
        let own = std::env::current_exe().map_err(Trouble::file("Looking for this program"))?;
        let programs = own.parent().map(Path::to_owned).unwrap_or_default();
        let target = programs.parent().map(Path::to_owned).unwrap_or_default();
        let lock = target.join(format!("{name}.lock"));
        let file = File::create(&lock).map_err(Trouble::file(format!("Opening {}", lock.display())))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Trouble::new(
                    format!("make {name} is already running."),
                    "Use it, or end it with Ctrl-C first.",
                ));
            }
            Err(TryLockError::Error(error)) => return Err(Trouble::file("Locking the demo")(error)),
        }
        let places = Self { folder: target.join(name), programs, memorable, _lock: file };
        make(&places.folder)?;
        Ok(places)
    }

    /// Removes everything of this demo.
    pub(crate) fn clear(&self) -> Result<(), Trouble> {
        remove(&self.folder)
    }

    /// Removes what portal and agent know of each other; the home stays.
    pub(crate) fn start_over(&self) -> Result<(), Trouble> {
        for path in [self.portal(), self.agent(), self.root_key(), self.company(), self.notes()] {
            remove(&path)?;
        }
        Ok(())
    }

    /// A program of ours.
    pub(crate) fn program(&self, name: &str) -> Result<PathBuf, Trouble> {
        let path = self.programs.join(name);
        if path.is_file() {
            return Ok(path);
        }
        Err(Trouble::new(
            format!("{} is not there.", path.display()),
            "Build all programs: make demo does it.",
        ))
    }

    /// Home Assistant's configuration folder.
    pub(crate) fn home(&self) -> PathBuf {
        self.folder.join("home-assistant")
    }

    /// The portal's data folder.
    pub(crate) fn portal(&self) -> PathBuf {
        self.folder.join("portal")
    }

    /// The agent's data folder.
    pub(crate) fn agent(&self) -> PathBuf {
        self.folder.join("home")
    }

    /// The tenant's root key, which must not lie with the portal's data.
    pub(crate) fn root_key(&self) -> PathBuf {
        self.folder.join("tenant.root.key")
    }

    /// Keys, charter and designs of the example company; made when it is asked for.
    pub(crate) fn company(&self) -> PathBuf {
        self.folder.join("company")
    }

    /// What the next start has to know.
    pub(crate) fn notes(&self) -> PathBuf {
        self.folder.join("notes.json")
    }

    /// The agent's settings, so that its commands can be pasted.
    pub(crate) fn settings(&self) -> PathBuf {
        self.folder.join("vestibule.toml")
    }

    /// The port for Home Assistant.
    pub(crate) fn home_port(&self) -> Result<u16, Trouble> {
        self.port(HOME_PORT)
    }

    /// The port for a new portal.
    pub(crate) fn portal_port(&self) -> Result<u16, Trouble> {
        self.port(PORTAL_PORT)
    }

    fn port(&self, wish: u16) -> Result<u16, Trouble> {
        if self.memorable && is_free(wish) {
            return Ok(wish);
        }
        let listener =
            TcpListener::bind(("127.0.0.1", 0)).map_err(Trouble::file("Looking for a free port"))?;
        Ok(listener.local_addr().map_err(Trouble::file("Looking for a free port"))?.port())
    }
}

/// Makes a folder that only its owner can read.
pub(crate) fn make_private(folder: &Path) -> Result<(), Trouble> {
    make(folder)
}

/// Whether a loopback port can be had.
pub(crate) fn is_free(port: u16) -> bool {
    TcpListener::bind(("127.0.0.1", port)).is_ok()
}

/// Writes a file that only its owner can read: it holds tokens.
pub(crate) fn write_private(path: &Path, text: &str) -> Result<(), Trouble> {
    let failed = || Trouble::file(format!("Writing {}", path.display()));
    remove(path)?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed())?;
    file.write_all(text.as_bytes()).map_err(failed())
}

fn make(folder: &Path) -> Result<(), Trouble> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(Trouble::file(format!("Making {}", folder.display())))
}

fn remove(path: &Path) -> Result<(), Trouble> {
    let removed = if path.is_dir() {
        fs::remove_dir_all(path)
    } else if path.exists() {
        fs::remove_file(path)
    } else {
        return Ok(());
    };
    removed.map_err(Trouble::file(format!("Removing {}", path.display())))
}
