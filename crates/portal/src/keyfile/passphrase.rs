//! Where a passphrase comes from: a file that the environment names, or the terminal, without echo.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use vestibule_protocol::problem::Problem;
use zeroize::Zeroizing;

use crate::problem::authoring as problem;

/// Names the file whose first line is the passphrase.
pub const FILE_VARIABLE: &str = "VESTIBULE_PASSPHRASE_FILE";

/// Longest passphrase, in bytes.
const MOST_BYTES: usize = 1024;

/// The passphrase of an existing key file.
///
/// # Errors
/// A `Problem` when there is neither a file nor a terminal, or nothing in either.
pub fn known(key: &Path) -> Result<Zeroizing<String>, Problem> {
    match std::env::var_os(FILE_VARIABLE) {
        Some(file) => of_file(&file),
        None => Terminal::open()?.ask(&format!("Passphrase of {}: ", key.display())),
    }
}

/// A passphrase for a new key file; on the terminal it is asked for twice.
///
/// # Errors
/// As [`known`], and when the two are not alike.
pub fn fresh(key: &Path) -> Result<Zeroizing<String>, Problem> {
    if let Some(file) = std::env::var_os(FILE_VARIABLE) {
        return of_file(&file);
    }
    let mut terminal = Terminal::open()?;
    let first = terminal.ask(&format!("New passphrase for {}: ", key.display()))?;
    let second = terminal.ask("The same again: ")?;
    if first == second { Ok(first) } else { Err(problem::passphrases_differ()) }
}

fn of_file(file: &OsString) -> Result<Zeroizing<String>, Problem> {
    let file = File::open(file).map_err(|_| problem::passphrase_file_unusable())?;
    first_line(file).map_err(|_| problem::passphrase_file_unusable()).and_then(checked)
}

fn first_line(file: File) -> std::io::Result<Zeroizing<String>> {
    let mut line = Zeroizing::new(String::new());
    BufReader::new(file.take(MOST_BYTES as u64 + 2)).read_line(&mut line)?;
    Ok(line)
}

fn checked(line: Zeroizing<String>) -> Result<Zeroizing<String>, Problem> {
    let text = line.strip_suffix('\n').unwrap_or(&line);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if (1..=MOST_BYTES).contains(&text.len()) {
        Ok(Zeroizing::new(text.to_owned()))
    } else {
        Err(problem::passphrase_needed())
    }
}

/// The terminal that the program was started from, whatever its input and output are.
struct Terminal(File);

impl Terminal {
    fn open() -> Result<Self, Problem> {
        let tty = OpenOptions::new().read(true).write(true).open("/dev/tty");
        tty.map(Self).map_err(|_| problem::passphrase_needed())
    }

    fn ask(&mut self, question: &str) -> Result<Zeroizing<String>, Problem> {
        let answer = self.answer(question).map_err(|_| problem::passphrase_needed());
        // The person's own line end was not shown.
        let _ = self.0.write_all(b"\n");
        answer.and_then(checked)
    }

    fn answer(&mut self, question: &str) -> std::io::Result<Zeroizing<String>> {
        let silent = Silent::on(&self.0)?;
        self.0.write_all(question.as_bytes())?;
        let line = first_line(self.0.try_clone()?);
        drop(silent);
        line
    }
}

/// Echo is off until it is dropped.
struct Silent {
    terminal: File,
    before: Termios,
}

impl Silent {
    fn on(terminal: &File) -> std::io::Result<Self> {
        let before = tcgetattr(terminal)?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        tcsetattr(terminal, OptionalActions::Flush, &silent)?;
        Ok(Self { terminal: terminal.try_clone()?, before })
    }
}

impl Drop for Silent {
    fn drop(&mut self) {
        let _ = tcsetattr(&self.terminal, OptionalActions::Now, &self.before);
    }
}
