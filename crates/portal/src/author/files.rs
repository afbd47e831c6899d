//! Files on an author's or approver's disk: read with a limit, never overwritten unasked, replaced in one step.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use vestibule_protocol::dsse::Envelope;
use vestibule_protocol::limits;
use vestibule_protocol::problem::Problem;

use crate::problem::authoring as problem;

/// Room that an envelope leaves for the message around it and for signatures to come.
const MESSAGE_ROOM: usize = 16 << 10;

/// Longest envelope: it has to fit into one message (R23).
pub const ENVELOPE_BYTES: usize = limits::FRAME_INFLATED - MESSAGE_ROOM;

/// Reads a text of at most `most` bytes.
///
/// # Errors
/// A `Problem` when it cannot be read, is longer, or is no UTF-8.
pub fn text(path: &Path, most: usize) -> Result<String, Problem> {
    let name = || path.display().to_string();
    let file = File::open(path).map_err(|_| problem::file_unreadable(&name()))?;
    let mut bytes = Vec::new();
    file.take(most as u64 + 1).read_to_end(&mut bytes).map_err(|_| problem::file_unreadable(&name()))?;
    if bytes.len() > most {
        return Err(problem::file_too_large(&name(), most));
    }
    String::from_utf8(bytes).map_err(|_| problem::file_no_text(&name()))
}

/// Reads an envelope.
///
/// # Errors
/// A `Problem` when the file cannot be read, or holds no envelope.
pub fn envelope(path: &Path) -> Result<Envelope, Problem> {
    serde_json::from_str(&text(path, ENVELOPE_BYTES)?).map_err(|_| problem::envelope_unreadable())
}

/// Writes an envelope to a new file.
///
/// # Errors
/// A `Problem` when the file exists or cannot be written, or when the envelope is too large to be sent.
pub fn write_envelope(path: &Path, envelope: &Envelope) -> Result<(), Problem> {
    write_new(path, &line(envelope)?)
}

/// Replaces an envelope by one with more signatures; what is there at any time is one or the other.
///
/// # Errors
/// A `Problem` when it cannot be written, or when the envelope is too large to be sent.
pub fn replace_envelope(path: &Path, envelope: &Envelope) -> Result<(), Problem> {
    let line = line(envelope)?;
    let mut aside: OsString = path.as_os_str().to_owned();
    aside.push(".new");
    let aside = PathBuf::from(aside);
    write_new(&aside, &line)?;
    std::fs::rename(&aside, path).map_err(|_| problem::file_unwritable(&path.display().to_string()))
}

/// Writes a new file.
///
/// # Errors
/// A `Problem` when it exists or cannot be written.
pub fn write_new(path: &Path, bytes: &[u8]) -> Result<(), Problem> {
    let write = || {
        let mut file = OpenOptions::new().create_new(true).write(true).open(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(|error: std::io::Error| {
        let name = path.display().to_string();
        let exists = error.kind() == std::io::ErrorKind::AlreadyExists;
        if exists { problem::file_exists(&name) } else { problem::file_unwritable(&name) }
    })
}

fn line(envelope: &Envelope) -> Result<Vec<u8>, Problem> {
    let mut line = serde_json::to_vec(envelope).map_err(|_| problem::envelope_unreadable())?;
    if line.len() > ENVELOPE_BYTES {
        return Err(problem::deployment_too_large());
    }
    line.push(b'\n');
    Ok(line)
}
