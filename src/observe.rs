//! What the program says of itself while it runs: lines on stderr, codes instead of texts (R17).

pub mod report;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::settings::LogLevel;

/// Starts logging to stderr: at `info` for the daemon, at `warn` for commands, unless the setting `log` says otherwise. Libraries are kept
/// at `off`: their messages may hold addresses (R17), and what goes wrong in them comes back to us as errors with codes.
pub fn start(level: Option<LogLevel>, daemon: bool) {
    let level = match level {
        Some(LogLevel::Error) => LevelFilter::ERROR,
        Some(LogLevel::Warn) => LevelFilter::WARN,
        Some(LogLevel::Info) => LevelFilter::INFO,
        Some(LogLevel::Debug) => LevelFilter::DEBUG,
        Some(LogLevel::Trace) => LevelFilter::TRACE,
        None if daemon => LevelFilter::INFO,
        None => LevelFilter::WARN,
    };
    let filter = Targets::new().with_target("vestibule", level);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(false);
    // A second start in one process (tests) keeps the first.
    let _ = tracing_subscriber::registry().with(filter).with(lines).try_init();
}
