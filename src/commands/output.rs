//! The only place that prints.

use std::io::{self, BufRead as _, Write as _};
use std::path::Path;

use serde::Serialize;
use vestibule_protocol::problem::Problem;

use crate::problem;

/// How to answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Output {
    /// JSON and nothing else on stdout.
    pub(super) json: bool,
}

impl Output {
    /// A problem: on stderr for people, on stdout as JSON.
    pub(super) fn problem(self, problem: &Problem) {
        #[derive(Serialize)]
        struct Wrapped<'a> {
            problem: &'a Problem,
        }
        if self.json {
            self.line(&serde_json::to_string(&Wrapped { problem }).unwrap_or_default());
        } else {
            note(&problem.to_string());
        }
    }

    /// One value: as JSON, or in words.
    pub(super) fn show<T: Serialize>(self, value: &T, words: impl FnOnce(&T) -> String) {
        if self.json {
            self.line(&serde_json::to_string(value).unwrap_or_default());
        } else {
            self.line(&words(value));
        }
    }

    /// One line on stdout. A reader that hung up is no problem of ours.
    pub(super) fn line(self, text: &str) {
        let _ = writeln!(io::stdout(), "{text}");
    }
}

/// A line for the person, on stderr.
pub(super) fn note(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Asks on stderr; only `yes` or `y` is a yes, and the end of the input is a no.
pub(super) fn ask(question: &str) -> bool {
    let _ = write!(io::stderr(), "{question} [y/N] ");
    let _ = io::stderr().flush();
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer).is_ok()
        && matches!(answer.trim(), "y" | "Y" | "yes" | "Yes" | "YES")
}

/// A file to write to, or stdout.
pub(super) fn target(out: Option<&Path>) -> Result<Box<dyn io::Write>, Problem> {
    match out {
        None => Ok(Box::new(io::BufWriter::new(io::stdout()))),
        Some(path) => std::fs::File::create(path)
            .map(|file| Box::new(io::BufWriter::new(file)) as _)
            .map_err(|e| problem::output(&e)),
    }
}
