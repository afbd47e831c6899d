//! A server that notes who is asked for. Every channel has a host of its own below `localhost`, which browsers find on this machine.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Longer than any head that a browser sends.
const HEAD_BYTES: usize = 64 << 10;

/// Listens until it is dropped.
pub(super) struct Sink {
    address: SocketAddr,
    received: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Sink {
    pub(super) async fn listen() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let received = Arc::<Mutex<Vec<String>>>::default();
        let notes = received.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, notes.clone()));
            }
        });
        Self { address, received, task }
    }

    /// The host of a channel, with the port.
    pub(super) fn host(&self, channel: &str) -> String {
        format!("{}:{}", name_of(channel), self.address.port())
    }

    /// What was asked for, as host and path, in order.
    pub(super) fn received(&self) -> Vec<String> {
        self.received.lock().unwrap().clone()
    }

    /// Whether somebody has asked for the host of this channel, or for one below it.
    pub(super) fn heard(&self, channel: &str) -> bool {
        let host = self.host(channel);
        let fits = |asked: &str| asked == host || asked.ends_with(&format!(".{host}"));
        self.received().iter().any(|line| line.split('/').next().is_some_and(fits))
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The host's name alone. (`image.localhost` would look like an entity.)
pub(super) fn name_of(channel: &str) -> String {
    format!("{channel}-way.localhost")
}

/// Notes the request and answers with something empty that any page may read.
async fn answer(mut stream: TcpStream, received: Arc<Mutex<Vec<String>>>) {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") && head.len() < HEAD_BYTES {
        match stream.read_buf(&mut head).await {
            Ok(0) | Err(_) => break,
            Ok(_) => {}
        }
    }
    // A browser also opens connections on which it asks for nothing.
    if head.is_empty() {
        return;
    }
    let head = String::from_utf8_lossy(&head);
    let path = head.split(' ').nth(1).unwrap_or("/no path");
    let host =
        head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("host: ").map(str::to_owned));
    received.lock().unwrap().push(format!("{}{path}", host.as_deref().unwrap_or("no host")));
    let kind = if path.ends_with(".js") { "text/javascript" } else { "text/plain" };
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: 0\r\nAccess-Control-Allow-Origin: *\r\nConnection: close\r\n\r\n"
    );
    let _ = stream.write_all(answer.as_bytes()).await;
}
