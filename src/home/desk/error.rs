//! Why something at the desk did not happen. Codes only: Home Assistant's own words may quote what is private (R15, R17).

use crate::outbound::reading::HomeTrouble;

/// What kept Home Assistant from doing what was asked.
///
/// After [`DeskError::Trouble`] nobody knows whether a write took effect: read before doing anything else (R42). After every other one it did not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeskError {
    /// The connection is not there any more, or never was.
    Trouble(HomeTrouble),
    /// There is no such dashboard, record, resource or document.
    NotFound,
    /// The thing exists and cannot be written through Home Assistant: YAML mode, recovery mode, an integration that is not loaded.
    NotSupported,
    /// Home Assistant takes what was sent for nonsense, or would if it were sent: `invalid_format`, HTTP 400, a path that is taken.
    Refused,
    /// Only for administrators.
    Unauthorized,
    /// This version, or this home, has no such command.
    UnknownCommand,
    /// More than one message or one body may hold. Nothing was sent.
    TooLarge,
    /// Home Assistant cannot read the file in which documents of this kind lie (HTTP 500; mostly a secret in it): leave it alone (R40).
    Unmanaged,
    /// An id or path that we never send: nothing was sent.
    Forbidden,
    /// Resources have not been listed on this connection, so writing one could lose the others. Nothing was sent.
    Unlisted,
}

impl DeskError {
    /// The code for journals and reports.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Trouble(_) => "home_trouble",
            Self::NotFound => "not_found",
            Self::NotSupported => "not_supported",
            Self::Refused => "refused_by_home",
            Self::Unauthorized => "not_administrator",
            Self::UnknownCommand => "unknown_command",
            Self::TooLarge => "too_large",
            Self::Unmanaged => "unmanaged",
            Self::Forbidden => "forbidden_target",
            Self::Unlisted => "resources_unlisted",
        }
    }

    /// Whether a write may have taken effect all the same.
    #[must_use]
    pub const fn is_uncertain(self) -> bool {
        matches!(self, Self::Trouble(_))
    }
}

impl From<HomeTrouble> for DeskError {
    fn from(trouble: HomeTrouble) -> Self {
        Self::Trouble(trouble)
    }
}
