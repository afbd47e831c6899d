//! The only place that prints: answers on stdout, problems on stderr.

use std::future::Future;
use std::io::{self, Write as _};
use std::time::{Duration, Instant};

use tracing_subscriber::EnvFilter;

/// How long something may be silent before we say that it is still going on.
const SILENCE: Duration = Duration::from_secs(15);

/// A line. A reader that hung up is no problem of ours.
pub(crate) fn line(text: &str) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{text}");
    let _ = out.flush();
}

/// A problem.
pub(crate) fn problem(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Does something that may take long, with a line before, one after, and one now and then between.
pub(crate) async fn during<T>(what: &str, work: impl Future<Output = T>) -> T {
    let began = Instant::now();
    line(&format!("{what} …"));
    let mut work = std::pin::pin!(work);
    loop {
        match tokio::time::timeout(SILENCE, &mut work).await {
            Ok(done) => {
                line(&format!("{what}: {}", seconds(began.elapsed())));
                return done;
            }
            Err(_) => line(&format!("{what}: still at it after {} s", began.elapsed().as_secs())),
        }
    }
}

/// A duration as people say it.
pub(crate) fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

/// Shows what the library says while it installs.
pub(crate) fn listen_to_the_library() {
    let lines = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new("off,vestibule_dev=info"))
        .with_writer(io::stdout)
        .without_time()
        .with_level(false)
        .with_target(false)
        .with_ansi(false);
    // Only fails when somebody listens already.
    let _ = lines.try_init();
}
