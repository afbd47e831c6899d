//! What the program says of itself while it runs: lines on stderr, codes instead of texts (R17).

pub mod report;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Starts logging to stderr: at `info` for the daemon, at `warn` for commands, unless the setting `log` says otherwise. Libraries are kept
/// at `off`: their messages may hold addresses (R17), and what goes wrong in them comes back to us as errors with codes.
pub fn start(level: Option<&str>, daemon: bool) {
    let level = match level {
        Some("error") => LevelFilter::ERROR,
        Some("warn") => LevelFilter::WARN,
        Some("info") => LevelFilter::INFO,
        Some("debug") => LevelFilter::DEBUG,
        Some("trace") => LevelFilter::TRACE,
        _ if daemon => LevelFilter::INFO,
        _ => LevelFilter::WARN,
    };
    let filter = Targets::new().with_target("vestibule", level);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(false);
    // A second start in one process (tests) keeps the first.
    let _ = tracing_subscriber::registry().with(filter).with(lines).try_init();
}
