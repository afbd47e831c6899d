//! The listening socket: free again at once after the program was killed.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::net::{TcpListener, TcpSocket};
use vestibule_protocol::problem::Problem;

use crate::problem;

/// Connections that may wait to be accepted: homes come back together after a restart.
const BACKLOG: u32 = 4096;

/// How long to wait for a program that is just ending.
const WAIT: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(50);

pub(super) async fn bind(address: SocketAddr) -> Result<TcpListener, Problem> {
    let begun = Instant::now();
    loop {
        match try_bind(address) {
            Ok(listener) => return Ok(listener),
            Err(error) if error.kind() == std::io::ErrorKind::AddrInUse && begun.elapsed() < WAIT => {
                tokio::time::sleep(POLL).await;
            }
            Err(_) => return Err(problem::listen_failed()),
        }
    }
}

fn try_bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}
