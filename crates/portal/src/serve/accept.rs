//! Connections, from any listener: a TCP socket, or a simulated network. No address is looked at (promise 3).

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::serve::Listener;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::task::TaskTracker;

use crate::app::App;

/// Connections at the same time.
const CONNECTIONS: usize = 20_000;

/// How long a TLS handshake or the head of a request may take.
const SLOW: Duration = Duration::from_secs(10);

/// Bytes of a request's head; also what a connection reserves.
const HEAD: usize = 16 << 10;

/// Serves until the program ends.
pub async fn accept<L: Listener>(app: App, mut listener: L, tls: Option<TlsAcceptor>, tasks: TaskTracker) {
    let router = app.router();
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(place) = Arc::clone(&room).acquire_owned().await else { return };
        let (io, _) = tokio::select! {
            biased;
            () = app.stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let (router, tls, stop) = (router.clone(), tls.clone(), app.stop.clone());
        tasks.spawn(async move {
            let serving = async {
                match tls {
                    None => serve(io, router).await,
                    Some(tls) => {
                        if let Ok(Ok(io)) = tokio::time::timeout(SLOW, tls.accept(io)).await {
                            serve(io, router).await;
                        }
                    }
                }
            };
            tokio::select! {
                biased;
                () = serving => {}
                () = stop.cancelled() => {}
            }
            drop(place);
        });
    }
}

async fn serve(io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, router: Router) {
    // Errors here are the other side's: it went away or did not speak HTTP.
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(SLOW)
        .max_buf_size(HEAD)
        .serve_connection(TokioIo::new(io), TowerToHyperService::new(router))
        .with_upgrades()
        .await;
}
