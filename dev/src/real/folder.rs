//! The configuration folder of a home, and the templates that make starting one quick.

use std::collections::hash_map::DefaultHasher;
use std::fs::{self, File};
use std::hash::{Hash, Hasher};
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use serde_json::json;
use tempfile::TempDir;

use super::process::{base, material};
use super::{RealError, Tokens};

/// All that Home Assistant prints, from its first start in this folder on.
const LOG: &str = "home.log";
/// Next to a template's folder: who can talk to it.
const TOKENS: &str = "tokens.json";
/// In a folder that is kept: which template it was copied from. Written last.
const ORIGIN: &str = ".copied-from";
/// What would only slow the copying down, or speak of another start.
const NOT_KEPT: [&str; 3] = ["home-assistant_v2.db", "home-assistant.log", LOG];

/// What machines of ours lack (no internet, no ffmpeg) and what our own onboarding provokes. Each is part of a log line.
const NOT_OUR_ERRORS: [&str; 7] = [
    "ffmpeg",
    "FFmpeg",
    "google_translate",
    "integration met",
    "radio_browser",
    "Task exception was never retrieved",
    "[aiohttp.server] Error handling request",
];

/// Where a home lives; a temporary place is removed with the value.
#[derive(Debug)]
pub(super) struct Place {
    path: PathBuf,
    _temporary: Option<TempDir>,
}

impl Place {
    /// Its path.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl From<TempDir> for Place {
    fn from(temporary: TempDir) -> Self {
        Self { path: temporary.path().to_owned(), _temporary: Some(temporary) }
    }
}

/// A furnished folder that later starts are copied from.
#[derive(Debug)]
pub(super) struct Template {
    place: PathBuf,
}

impl Template {
    /// The template for these inputs. Anything that shapes its contents is part of its name.
    pub(super) fn of(version: &str, entities: u32, furnished: bool) -> Result<Self, RealError> {
        let mut hasher = DefaultHasher::new();
        hash_folder(&material().join("house"), &mut hasher)?;
        for source in [include_str!("folder.rs"), include_str!("furnish.rs"), include_str!("onboard.rs")] {
            source.hash(&mut hasher);
        }
        furnished.hash(&mut hasher);
        let name = format!("template-{entities}-{:016x}", hasher.finish());
        Ok(Self { place: base().join(version).join(name) })
    }

    /// Whether somebody has made it already.
    pub(super) fn exists(&self) -> bool {
        self.place.exists()
    }

    /// Keeps other processes from making or copying it as long as the returned file is open.
    pub(super) async fn lock(&self) -> Result<File, RealError> {
        let path = self.place.with_extension("lock");
        let locking = tokio::task::spawn_blocking(move || {
            let file = File::create(&path)?;
            file.lock()?;
            Ok(file)
        });
        let locked =
            locking.await.map_err(|error| RealError::Broken(format!("waiting for a lock: {error}")))?;
        locked.map_err(RealError::file("locking a template"))
    }

    /// Keeps a stopped home's folder as the template.
    pub(super) fn keep(&self, folder: &Path, tokens: &Tokens) -> Result<(), RealError> {
        let draft = self.place.with_extension("draft");
        if draft.exists() {
            fs::remove_dir_all(&draft).map_err(RealError::file("clearing an unfinished template"))?;
        }
        copy(folder, &draft.join("folder"))?;
        let text = json!({"admin": tokens.admin, "guest": tokens.guest}).to_string();
        fs::write(draft.join(TOKENS), text).map_err(RealError::file("writing a template's tokens"))?;
        fs::rename(&draft, &self.place).map_err(RealError::file("keeping a template"))
    }

    /// A folder of its own for one home.
    pub(super) fn copy(&self) -> Result<(Place, Tokens), RealError> {
        let folder = temporary()?;
        copy(&self.place.join("folder"), folder.path())?;
        Ok((folder.into(), self.tokens()?))
    }

    /// A folder that is kept: as it was left, or a new copy if it is not one of this template.
    pub(super) fn copy_once_to(&self, path: &Path) -> Result<(Place, Tokens), RealError> {
        let name = self.place.to_string_lossy();
        let origin = path.join(ORIGIN);
        if !fs::read_to_string(&origin).is_ok_and(|found| found == name) {
            if path.exists() {
                fs::remove_dir_all(path).map_err(RealError::file("removing a home of another kind"))?;
            }
            copy(&self.place.join("folder"), path)?;
            write(&origin, &name)?;
        }
        Ok((Place { path: path.to_owned(), _temporary: None }, self.tokens()?))
    }

    fn tokens(&self) -> Result<Tokens, RealError> {
        let text = fs::read_to_string(self.place.join(TOKENS))
            .map_err(RealError::file("reading a template's tokens"))?;
        let tokens: serde_json::Value = serde_json::from_str(&text)
            .map_err(|error| RealError::Broken(format!("a template's tokens: {error}")))?;
        let token = |name: &str| tokens[name].as_str().unwrap_or_default().to_owned();
        Ok(Tokens { admin: token("admin"), guest: token("guest") })
    }
}

/// A new folder with the example house in it, and a free port.
pub(super) fn fresh(version: &str, entities: u32) -> Result<(TempDir, u16), RealError> {
    let folder = temporary()?;
    copy(&material().join("house"), folder.path())?;
    let packages = folder.path().join("packages");
    write(&packages.join("house.yaml"), &format!("example_house:\n  entities: {entities}\n"))?;
    if takes_port_from_yaml(version) {
        write(&packages.join("port.yaml"), "http: !include ../port.yaml\n")?;
    }
    Ok((folder, free_port()?))
}

/// Makes Home Assistant answer on this port at its next start.
///
/// The newest versions take these settings from YAML on trial only, and restart when nobody confirms them; they read this
/// stored form instead.
pub(super) fn write_port(version: &str, folder: &Path, port: u16) -> Result<(), RealError> {
    if takes_port_from_yaml(version) {
        let settings = format!("server_host: 127.0.0.1\nserver_port: {port}\n");
        return write(&folder.join("port.yaml"), &settings);
    }
    let stored = json!({
        "version": 1, "minor_version": 1, "key": "http",
        "data": {"server_host": ["127.0.0.1"], "server_port": port},
    });
    let storage = folder.join(".storage");
    fs::create_dir_all(&storage).map_err(RealError::file("making .storage"))?;
    write(&storage.join("http"), &stored.to_string())
}

fn takes_port_from_yaml(version: &str) -> bool {
    version.starts_with("2024.") || version.starts_with("2025.")
}

/// Where the log of a folder's home is.
pub(super) fn log_path(folder: &Path) -> PathBuf {
    folder.join(LOG)
}

/// The whole log.
pub(super) fn log(folder: &Path) -> Result<String, RealError> {
    let bytes = fs::read(log_path(folder)).map_err(RealError::file("reading the log of Home Assistant"))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The lines at level ERROR that are not the machine's fault.
pub(super) fn errors(log: &str) -> Vec<String> {
    let ours =
        |line: &&str| line.contains(" ERROR ") && !NOT_OUR_ERRORS.iter().any(|known| line.contains(known));
    log.lines().filter(ours).map(str::to_owned).collect()
}

fn temporary() -> Result<TempDir, RealError> {
    tempfile::Builder::new()
        .prefix("vestibule-home-")
        .tempdir()
        .map_err(RealError::file("making a temporary folder"))
}

/// A loopback port that nobody uses at this moment.
pub(super) fn free_port() -> Result<u16, RealError> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(RealError::file("looking for a free port"))?;
    Ok(listener.local_addr().map_err(RealError::file("looking for a free port"))?.port())
}

fn write(path: &Path, text: &str) -> Result<(), RealError> {
    fs::write(path, text).map_err(RealError::file(format!("writing {}", path.display())))
}

fn copy(from: &Path, to: &Path) -> Result<(), RealError> {
    let failed = |path: &Path| RealError::file(format!("copying {}", path.display()));
    fs::create_dir_all(to).map_err(failed(to))?;
    for entry in entries(from)? {
        let name = entry.file_name().to_string_lossy().into_owned();
        let kind = entry.file_type().map_err(failed(&entry.path()))?;
        if kind.is_dir() && name != "__pycache__" {
            copy(&entry.path(), &to.join(&name))?;
        } else if kind.is_file() && !NOT_KEPT.iter().any(|prefix| name.starts_with(prefix)) {
            fs::copy(entry.path(), to.join(&name)).map_err(failed(&entry.path()))?;
        }
    }
    Ok(())
}

fn hash_folder(folder: &Path, hasher: &mut DefaultHasher) -> Result<(), RealError> {
    for entry in entries(folder)? {
        let path = entry.path();
        if path.is_dir() && !path.ends_with("__pycache__") {
            hash_folder(&path, hasher)?;
        } else if path.is_file() {
            entry.file_name().hash(hasher);
            fs::read(&path).map_err(RealError::file(format!("reading {}", path.display())))?.hash(hasher);
        }
    }
    Ok(())
}

fn entries(folder: &Path) -> Result<Vec<fs::DirEntry>, RealError> {
    let failed = || RealError::file(format!("reading {}", folder.display()));
    let entries: Result<Vec<_>, _> = fs::read_dir(folder).map_err(failed())?.collect();
    let mut entries = entries.map_err(failed())?;
    entries.sort_by_key(fs::DirEntry::file_name);
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_leave_out_what_the_machine_lacks() {
        let log = "2026 ERROR (MainThread) [a] broken\n2026 WARNING b\n2026 ERROR (MainThread) [haffmpeg.core] FFmpeg fails";
        assert_eq!(errors(log), ["2026 ERROR (MainThread) [a] broken"]);
    }

    #[test]
    fn a_kept_home_stays_as_it_was_left_until_its_template_is_another() {
        let base = temporary().unwrap();
        let template = |name: &str| {
            let place = base.path().join(name);
            fs::create_dir_all(place.join("folder")).unwrap();
            fs::write(place.join("folder/areas"), name).unwrap();
            fs::write(place.join(TOKENS), r#"{"admin":"a","guest":"g"}"#).unwrap();
            Template { place }
        };
        let kept = base.path().join("kept");
        let (place, tokens) = template("one").copy_once_to(&kept).unwrap();
        assert_eq!(tokens.admin, "a");
        fs::write(place.path().join("areas"), "changed").unwrap();
        drop(place);
        template("one").copy_once_to(&kept).unwrap();
        assert_eq!(fs::read_to_string(kept.join("areas")).unwrap(), "changed");
        template("two").copy_once_to(&kept).unwrap();
        assert_eq!(fs::read_to_string(kept.join("areas")).unwrap(), "two");
    }

    #[test]
    fn the_port_of_a_new_version_is_stored_and_not_on_trial() {
        let folder = temporary().unwrap();
        write_port("2026.11.0", folder.path(), 4711).unwrap();
        let stored = fs::read_to_string(folder.path().join(".storage/http")).unwrap();
        assert!(stored.contains("4711"), "{stored}");
        assert!(!folder.path().join("port.yaml").exists());
    }
}
