//! A command's side: finds the daemon, or the right to do the work itself.

use std::path::Path;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::time::{Instant, sleep};
use vestibule_protocol::problem::Problem;

use super::{Answer, Request, SOCKET};
use crate::problem;
use crate::store::{Folder, Lock};

/// A daemon that was just started, or another command, is waited for this long.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Who does the work.
#[derive(Debug)]
pub enum Hands {
    /// The daemon that answers on the socket.
    Daemon(Daemon),
    /// This command: there is no daemon, and the lock keeps one from starting meanwhile.
    Own(Lock),
}

/// A daemon that answers.
#[derive(Debug)]
pub struct Daemon {
    socket: std::path::PathBuf,
}

/// Finds out who does the work. Waits while somebody holds the lock without answering yet.
///
/// # Errors
/// `data_busy` after 60 seconds, or what the folder says.
pub async fn find(folder: &Folder) -> Result<Hands, Problem> {
    let give_up = Instant::now() + PATIENCE;
    loop {
        if let Some(daemon) = Daemon::at(folder.path()).await {
            return Ok(Hands::Daemon(daemon));
        }
        if let Some(lock) = Lock::try_acquire(folder).map_err(|error| problem::store(&error))? {
            return Ok(Hands::Own(lock));
        }
        if Instant::now() > give_up {
            return Err(problem::data_busy());
        }
        sleep(LOOK_AGAIN).await;
    }
}

impl Daemon {
    /// The daemon of a data folder, if one answers.
    pub async fn at(folder: &Path) -> Option<Self> {
        let socket = folder.join(SOCKET);
        UnixStream::connect(&socket).await.ok().map(|_| Self { socket })
    }

    /// Asks, and gives every value of the answer to `each`, as JSON text.
    ///
    /// # Errors
    /// The problem that ended the answer, or `daemon_gone`.
    pub async fn ask(&self, request: &Request, mut each: impl FnMut(&str)) -> Result<(), Problem> {
        let gone = |_| problem::daemon_gone();
        let mut stream = UnixStream::connect(&self.socket).await.map_err(gone)?;
        let mut line = serde_json::to_vec(request).map_err(|_| problem::bad_request())?;
        line.push(b'\n');
        stream.write_all(&line).await.map_err(gone)?;
        let mut answers = BufReader::new(stream).lines();
        let mut any = false;
        while let Some(line) = answers.next_line().await.map_err(gone)? {
            any = true;
            match serde_json::from_str(&line).map_err(|_| problem::daemon_gone())? {
                Answer::Value(value) => each(value.get()),
                Answer::Problem(problem) => return Err(problem),
            }
        }
        if any { Ok(()) } else { Err(problem::daemon_gone()) }
    }

    /// Asks for one value.
    ///
    /// # Errors
    /// As [`Self::ask`].
    pub async fn ask_one(&self, request: &Request) -> Result<String, Problem> {
        let mut answer = None;
        self.ask(request, |value| answer = Some(value.to_owned())).await?;
        answer.ok_or_else(problem::daemon_gone)
    }
}
