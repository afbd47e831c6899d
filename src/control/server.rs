//! The daemon's side: accepts connections on the socket and passes requests to the loop.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;

use super::{Answer, Asked, Reply, SOCKET};
use crate::problem;

/// Longest request line in bytes; an invite code is the longest honest part of one.
const LINE: u64 = 16 << 10;

/// A socket that is being listened on; removed when dropped.
#[derive(Debug)]
pub struct Listening {
    path: PathBuf,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.task.abort();
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Starts listening. The caller holds the folder's lock, so a socket that lies there is stale.
///
/// # Errors
/// What the file system says.
pub fn listen(folder: &Path, requests: mpsc::Sender<Asked>) -> io::Result<Listening> {
    let path = folder.join(SOCKET);
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&path)?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    let task = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let requests = requests.clone();
            tokio::spawn(async move {
                // A command that hangs up is no concern of the daemon's.
                let _ = serve(stream, &requests).await;
            });
        }
    });
    Ok(Listening { path, task })
}

async fn serve(stream: UnixStream, requests: &mpsc::Sender<Asked>) -> io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).take(LINE).lines();
    let Some(line) = lines.next_line().await? else { return Ok(()) };
    let Ok(request) = serde_json::from_str(&line) else {
        return write_line(&mut write, &Answer::Problem(problem::bad_request())).await;
    };
    let (reply, mut answers) = Reply::channel();
    if requests.send((request, reply)).await.is_err() {
        return write_line(&mut write, &Answer::Problem(problem::stopping())).await;
    }
    while let Some(answer) = answers.recv().await {
        write_line(&mut write, &answer).await?;
    }
    write.shutdown().await
}

async fn write_line(write: &mut (impl tokio::io::AsyncWrite + Unpin), answer: &Answer) -> io::Result<()> {
    let mut line = serde_json::to_vec(answer)?;
    line.push(b'\n');
    write.write_all(&line).await
}
