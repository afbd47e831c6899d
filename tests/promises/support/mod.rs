//! Runs the real programs against fake and real homes: agent, portal, and the proxy between them.

pub(crate) mod agent;
pub(crate) mod dice;
pub(crate) mod house;
pub(crate) mod http;
pub(crate) mod portal;
pub(crate) mod programs;
pub(crate) mod real;
pub(crate) mod signing;
pub(crate) mod staff;
pub(crate) mod wire;

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

pub(crate) use agent::Agent;
pub(crate) use house::House;
pub(crate) use portal::Portal;
pub(crate) use staff::Staff;

/// Files that Home Assistant writes anew for a deployment: somebody who says yes to everything agrees to both (R40).
pub(crate) fn both_files() -> BTreeSet<String> {
    ["automations.yaml", "scripts.yaml"].map(str::to_owned).into()
}

/// Long enough for whatever takes a moment, on a machine that is busy with other things.
pub(crate) const SOON: Duration = Duration::from_secs(60);
/// Between two looks at a condition.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Looks until what it looks for is there; fails with the last reason why it was not.
pub(crate) async fn until<T>(
    what: &str,
    within: Duration,
    mut look: impl AsyncFnMut() -> Result<T, String>,
) -> T {
    let deadline = Instant::now() + within;
    loop {
        match look().await {
            Ok(found) => return found,
            Err(why) if Instant::now() > deadline => panic!("{what}: not within {within:?}: {why}"),
            Err(_) => tokio::time::sleep(LOOK_AGAIN).await,
        }
    }
}

/// Copies a folder of files, as a backup does.
pub(crate) fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        // The control socket of a daemon is no file.
        if entry.file_type().unwrap().is_file() {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

/// Puts a copy back in the place of a folder.
pub(crate) fn put_back(copy: &Path, folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap() {
        std::fs::remove_file(entry.unwrap().path()).unwrap();
    }
    copy_folder(copy, folder);
}

/// All files of a folder, with their contents.
pub(crate) fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            let name = entry.file_name().to_string_lossy().into_owned();
            files.push((name, std::fs::read(entry.path()).unwrap_or_default()));
        }
    }
    files
}

/// Whether some bytes occur in others.
pub(crate) fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    // The first byte is found fast; few places remain.
    let Some(first) = needle.first() else { return true };
    let mut rest = haystack;
    while let Some(at) = rest.iter().position(|byte| byte == first) {
        rest = &rest[at..];
        if rest.starts_with(needle) {
            return true;
        }
        rest = &rest[1..];
    }
    false
}
