//! The project's own files, as tracked by git or, in a copy without git, as they lie there.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A file, by its path from the root of the repository.
pub(super) struct Source {
    pub(super) path: String,
    pub(super) text: String,
    /// Compiled for tests only.
    pub(super) is_test: bool,
}

/// A line that a program is made of.
pub(super) struct Line<'a> {
    pub(super) number: usize,
    pub(super) text: &'a str,
}

pub(super) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Paths of all files.
pub(super) fn paths() -> Vec<String> {
    let listed = Command::new("git").arg("ls-files").arg("-z").current_dir(root()).output();
    let tracked = listed.ok().filter(|output| output.status.success() && !output.stdout.is_empty());
    let mut paths: Vec<String> = match tracked {
        Some(output) => {
            let text = String::from_utf8(output.stdout).expect("paths are UTF-8");
            text.split_terminator('\0').map(str::to_owned).collect()
        }
        None => {
            let mut found = Vec::new();
            walk(root(), &mut found);
            found
        }
    };
    // What was removed but not committed yet.
    paths.retain(|path| root().join(path).is_file());
    paths.sort();
    assert!(paths.len() > 100, "the project's files were not found");
    paths
}

fn walk(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("a readable folder") {
        let path: PathBuf = entry.expect("a readable entry").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            if name != "target" && !name.starts_with('.') {
                walk(&path, found);
            }
        } else if let Ok(inside) = path.strip_prefix(root()) {
            found.push(inside.to_string_lossy().into_owned());
        }
    }
}

/// All files that are text.
pub(super) fn texts() -> Vec<(String, String)> {
    let read = |path: String| Some((path.clone(), fs::read_to_string(root().join(path)).ok()?));
    paths().into_iter().filter_map(read).collect()
}

/// All Rust files.
pub(super) fn rust() -> Vec<Source> {
    let files: Vec<(String, String)> =
        texts().into_iter().filter(|(path, _)| has_ending(path, "rs")).collect();
    let tests: BTreeSet<String> = files.iter().flat_map(|(path, text)| test_modules(path, text)).collect();
    files
        .into_iter()
        .map(|(path, text)| {
            let declared = tests.iter().any(|module| {
                path.strip_suffix(".rs").is_some_and(|stem| {
                    stem == module
                        || stem.strip_prefix(module.as_str()).is_some_and(|rest| rest.starts_with('/'))
                })
            });
            let folder =
                path.starts_with("tests/") || path.contains("/tests/") || path.starts_with("benches/");
            Source { is_test: declared || folder, path, text }
        })
        .collect()
}

pub(super) fn has_ending(path: &str, ending: &str) -> bool {
    Path::new(path).extension().is_some_and(|extension| extension == ending)
}

/// Modules in files of their own that are declared for tests only, as paths without their ending.
fn test_modules(path: &str, text: &str) -> Vec<String> {
    let stem = path.strip_suffix(".rs").unwrap_or(path);
    let folder = match stem.rsplit_once('/') {
        Some((folder, "mod" | "lib" | "main")) => folder,
        _ => stem,
    };
    let lines: Vec<&str> = text.lines().collect();
    lines
        .windows(2)
        .filter(|pair| pair[0].trim() == "#[cfg(test)]")
        .filter_map(|pair| pair[1].trim().strip_prefix("mod ")?.strip_suffix(';'))
        .map(|module| format!("{folder}/{module}"))
        .collect()
}

impl Source {
    pub(super) fn lies_in(&self, places: &[&str]) -> bool {
        places
            .iter()
            .any(|place| self.path == *place || (place.ends_with('/') && self.path.starts_with(place)))
    }

    /// The lines of the program: no comments, and nothing from the tests, which stand last.
    pub(super) fn code(&self) -> impl Iterator<Item = Line<'_>> {
        let end = if self.is_test { 0 } else { self.tests_begin().unwrap_or(usize::MAX) };
        self.all_code().take_while(move |line| line.number < end)
    }

    /// The lines of the tests.
    pub(super) fn test_code(&self) -> impl Iterator<Item = Line<'_>> {
        let begin = if self.is_test { 0 } else { self.tests_begin().unwrap_or(usize::MAX) };
        self.all_code().skip_while(move |line| line.number < begin)
    }

    pub(super) fn all_code(&self) -> impl Iterator<Item = Line<'_>> {
        let numbered = self.text.lines().zip(1..).map(|(text, number)| Line { number, text });
        numbered.filter(|line| !line.text.trim_start().starts_with("//"))
    }

    fn tests_begin(&self) -> Option<usize> {
        let lines: Vec<&str> = self.text.lines().collect();
        let at = lines.windows(2).position(|pair| {
            pair[0].trim() == "#[cfg(test)]" && pair[1].starts_with("mod ") && pair[1].ends_with('{')
        });
        at.map(|at| at + 1)
    }
}
