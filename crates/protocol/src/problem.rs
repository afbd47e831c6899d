//! What a person is told when something is wrong: a stable code, what happened, what to do next, and whether retrying helps.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

/// Does trying the same again help?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Retry {
    /// Not before something has been changed.
    No,
    /// Yes, and the program does so by itself where it can.
    Yes,
}

/// An error for people; also the error body of the portal's API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub struct Problem {
    /// Stable name, `snake_case`; programs may match on it.
    pub code: Cow<'static, str>,
    /// What happened, in one or two plain sentences.
    pub what: Cow<'static, str>,
    /// What to do next.
    pub next: Cow<'static, str>,
    /// Whether retrying helps.
    pub retry: Retry,
}

impl Problem {
    /// A problem that only a change helps against.
    pub fn new(
        code: &'static str,
        what: impl Into<Cow<'static, str>>,
        next: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { code: code.into(), what: what.into(), next: next.into(), retry: Retry::No }
    }

    /// The same problem, marked as one that may pass by itself.
    #[must_use]
    pub fn retryable(mut self) -> Self {
        self.retry = Retry::Yes;
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}\n({})", self.what, self.next, self.code)
    }
}
