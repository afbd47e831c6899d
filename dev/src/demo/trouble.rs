//! What went wrong, and what to do next.

use vestibule_dev::real::RealError;

/// An error that a person reads.
#[derive(Debug, thiserror::Error)]
#[error("{what}\n{next}")]
pub(crate) struct Trouble {
    /// What happened.
    what: String,
    /// What to do next.
    next: String,
}

impl Trouble {
    pub(crate) fn new(what: impl Into<String>, next: impl Into<String>) -> Self {
        Self { what: what.into(), next: next.into() }
    }

    /// For a file or folder that cannot be used.
    pub(crate) fn file(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let what = what.into();
        move |error| {
            Self::new(
                format!("{what}: {error}."),
                "Check that target/ can be written and the disk is not full.",
            )
        }
    }
}

impl From<RealError> for Trouble {
    fn from(error: RealError) -> Self {
        let next = match &error {
            RealError::NotInstalled { .. } => {
                "Run dev/setup, then try again; the installer's own lines are above."
            }
            RealError::Refused { .. } | RealError::Broken(_) | RealError::File { .. } => {
                "Try again; if it stays so, remove target/demo."
            }
        };
        Self::new(error.to_string(), next)
    }
}
