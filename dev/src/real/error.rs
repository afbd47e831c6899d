//! What can go wrong with a real Home Assistant, and when a test may skip because of it.

use std::io;

/// Set to `all`, this makes a test fail where it would otherwise skip.
const REQUIRE: &str = "VESTIBULE_TEST_REQUIRE";

/// What can go wrong with a real Home Assistant.
#[derive(Debug, thiserror::Error)]
pub enum RealError {
    /// This version cannot be had on this machine.
    #[error("Home Assistant {version} cannot be installed here: {why}")]
    NotInstalled {
        /// The version asked for.
        version: String,
        /// The last thing the installer said.
        why: String,
    },
    /// Home Assistant answered a command with an error.
    #[error("Home Assistant refused {command}: {code}: {message}")]
    Refused {
        /// The `type` of the command.
        command: String,
        /// Home Assistant's own code, such as `unauthorized`.
        code: String,
        /// Its words, which differ between versions.
        message: String,
    },
    /// It did not start, stop or answer as it should.
    #[error("{0}")]
    Broken(String),
    /// A file of ours could not be read or written.
    #[error("{what}: {source}")]
    File {
        /// What was being done, with the path.
        what: String,
        /// Why it failed.
        source: io::Error,
    },
}

impl RealError {
    /// Wraps a file error with what was being done.
    pub(super) fn file(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::File { what, source }
    }

    /// Home Assistant's own error code, when it refused a command.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused { code, .. } => Some(code),
            Self::NotInstalled { .. } | Self::Broken(_) | Self::File { .. } => None,
        }
    }
}

/// Why a test may skip after this error; `None` when it has to fail.
///
/// Only a version that cannot be installed is a reason, and none is when `VESTIBULE_TEST_REQUIRE` is `all`. The caller
/// prints the line, with the name of the test in it.
#[must_use]
pub fn skip_reason(error: &RealError) -> Option<String> {
    let required = std::env::var(REQUIRE).is_ok_and(|value| value == "all");
    match error {
        RealError::NotInstalled { .. } if !required => Some(error.to_string()),
        RealError::NotInstalled { .. }
        | RealError::Refused { .. }
        | RealError::Broken(_)
        | RealError::File { .. } => None,
    }
}
