//! `serve`

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use tracing_subscriber::EnvFilter;
use vestibule_protocol::problem::Problem;

use super::output::Output;
use crate::problem;
use crate::serve::{Options, SILENT_DAYS, start};
use crate::world::World;

/// Stack of a thread that runs links; the default of 2 MiB is never needed.
const STACK: usize = 1 << 20;

#[derive(Debug, Args)]
pub(super) struct Serve {
    /// Address to listen on, such as 127.0.0.1:8080; port 0 takes a free one
    #[arg(long, value_name = "ADDR")]
    listen: SocketAddr,
    /// Origin under which homes reach the portal, such as https://portal.example; recorded in the data folder
    #[arg(long, value_name = "URL")]
    origin: Option<String>,
    /// Certificate chain, PEM
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Key of the certificate, PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// A proxy in front of the portal encrypts
    #[arg(long, conflicts_with = "tls_cert")]
    behind_proxy: bool,
    /// After how many days of silence the erasure of a home is announced; it follows seven days later
    #[arg(long, value_name = "DAYS", default_value_t = SILENT_DAYS, value_parser = clap::value_parser!(u32).range(1..))]
    silent_days: u32,
}

#[derive(Serialize)]
struct Serving<'a> {
    listening: &'a str,
    origin: &'a str,
}

impl Serve {
    pub(super) fn run(
        self,
        data: PathBuf,
        erasure_journal: Option<PathBuf>,
        output: &Output,
    ) -> Result<(), Problem> {
        log();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .thread_stack_size(STACK)
            .build()
            .map_err(|_| problem::unavailable())?;
        let tls = self.tls_cert.zip(self.tls_key);
        let scheme = if tls.is_some() { "https" } else { "http" };
        let options = Options {
            data,
            listen: self.listen,
            origin: self.origin,
            tls,
            behind_proxy: self.behind_proxy,
            silent_days: self.silent_days,
            erasure_journal,
            world: World::real(),
        };
        runtime.block_on(async {
            let running = start(options).await?;
            let listening = format!("{scheme}://{}", running.addr);
            let words = if listening == running.origin {
                format!("Listening on {listening}")
            } else {
                format!("Listening on {listening} as {}", running.origin)
            };
            output.answer(&Serving { listening: &listening, origin: &running.origin }, &words);
            asked_to_end().await;
            running.stop().await;
            Ok(())
        })
    }
}

/// Only the portal's own lines: those of libraries may hold addresses (R17).
fn log() {
    let level = std::env::var("VESTIBULE_PORTAL_LOG").unwrap_or_default();
    let level: tracing::Level = level.parse().unwrap_or(tracing::Level::INFO);
    let filter = EnvFilter::new(format!("off,vestibule_portal={level}"));
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).try_init();
}

async fn asked_to_end() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        let _ = tokio::signal::ctrl_c().await;
        return;
    };
    tokio::select! {
        biased;
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}
