//! The one place that prints: answers to stdout, problems to stderr, or with `--json` all as JSON on stdout.

use std::io::{IsTerminal as _, Write as _};

use serde::Serialize;
use vestibule_protocol::problem::Problem;

/// How to answer.
#[derive(Clone, Copy)]
pub(super) struct Output {
    json: bool,
}

impl Output {
    pub(super) const fn new(json: bool) -> Self {
        Self { json }
    }

    /// An answer, as one JSON object or in words.
    pub(super) fn answer(&self, json: &impl Serialize, words: &str) {
        let text = if self.json {
            serde_json::to_string(json).unwrap_or_default()
        } else {
            words.trim_end().to_owned()
        };
        // Nobody may be reading any more; that is no failure of the command.
        let _ = writeln!(std::io::stdout(), "{text}");
        let _ = std::io::stdout().flush();
    }

    /// Bytes as they are.
    pub(super) fn raw(&self, bytes: &[u8]) {
        let _ = std::io::stdout().write_all(bytes);
    }

    /// A line for the person, beside the answer: on stderr.
    pub(super) fn note(&self, words: &str) {
        let _ = writeln!(std::io::stderr(), "{}", words.trim_end());
    }

    /// Asks the person at the terminal; only `yes` or `y` is a yes. Where nobody sits at one there is nobody to ask: yes.
    pub(super) fn agrees(&self, question: &str) -> bool {
        if !std::io::stdin().is_terminal() {
            return true;
        }
        let _ = write!(std::io::stderr(), "{question} [y/N] ");
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer).is_ok()
            && matches!(answer.trim(), "y" | "Y" | "yes" | "Yes" | "YES")
    }

    /// A problem beside an answer that says it already: for people only.
    pub(super) fn note_problem(&self, problem: &Problem) {
        if !self.json {
            self.note(&problem.to_string());
        }
    }

    /// A problem.
    pub(super) fn problem(&self, problem: &Problem) {
        let _ = if self.json {
            writeln!(std::io::stdout(), "{}", serde_json::json!({ "problem": problem }))
        } else {
            writeln!(std::io::stderr(), "{problem}")
        };
    }
}
