//! The fault switches.

use std::time::Duration;

/// An answer that is an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fail {
    /// The command's type.
    pub command: String,
    /// Which of these commands fails, counted from 1 since the home was made; 0 means every one.
    pub nth: u64,
    /// Code of the error.
    pub code: String,
}

/// A connection that is lost over a command: whoever sent it does not learn what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// The command's type.
    pub command: String,
    /// Which of these commands, counted from 1 since the home was made; 0 means every one.
    pub nth: u64,
    /// Before or after it took effect.
    pub when: When,
}

/// When a connection is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// The command has arrived and does nothing.
    Before,
    /// It has taken effect.
    After,
}

/// What goes wrong. Everything is off to begin with. Frames are counted from 1 for each connection, those of the authentication
/// included.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults {
    /// Close connections before a byte was sent.
    pub refuse: bool,
    /// Answer the handshake with this HTTP status instead (502 as the Supervisor does, 200 as another web server would).
    pub http_status: Option<u16>,
    /// Answer every token with `auth_invalid`.
    pub auth_invalid: bool,
    /// Close the connection instead of sending this frame.
    pub cut_before_frame: Option<u64>,
    /// Close the connection in the middle of this frame.
    pub cut_in_frame: Option<u64>,
    /// Send this frame as something that is no JSON.
    pub garbage_in_frame: Option<u64>,
    /// Send this frame with a length of more than 64 MiB.
    pub oversized_frame: Option<u64>,
    /// Wait before each frame.
    pub delay: Option<Duration>,
    /// Send each result twice.
    pub duplicate: bool,
    /// Hold each result back until the next one was sent, or a few milliseconds have passed.
    pub reorder: bool,
    /// Never answer commands of this type.
    pub hang: Option<String>,
    /// Fail some commands. REST requests are named `rest/DOMAIN/METHOD`, and the code is the HTTP status.
    pub fail: Option<Fail>,
    /// Lose the connection over some command.
    pub cut: Option<Cut>,
    /// Send every frame as an array of messages.
    pub arrays: bool,
    /// Put `id` last in each message.
    pub id_last: bool,
    /// Read and never send anything: a connection that is half open.
    pub swallow: bool,
}

impl Faults {
    /// The code with which this command fails.
    pub(super) fn failure(&self, command: &str, nth: u64) -> Option<&str> {
        let fail = self.fail.as_ref().filter(|fail| fail.command == command)?;
        (fail.nth == 0 || fail.nth == nth).then_some(&*fail.code)
    }

    /// When the connection is lost over this command.
    pub(super) fn cut(&self, command: &str, nth: u64) -> Option<When> {
        let cut = self.cut.as_ref().filter(|cut| cut.command == command)?;
        (cut.nth == 0 || cut.nth == nth).then_some(cut.when)
    }
}
