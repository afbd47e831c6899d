//! What the program says of itself while it runs: lines on stderr, codes instead of texts (R17).

use tracing_subscriber::EnvFilter;

/// Starts logging to stderr: at `info` for the daemon, at `warn` for commands, unless the setting `log` says otherwise. Libraries are kept
/// at `off`: their messages may hold addresses (R17), and what goes wrong in them comes back to us as errors with codes.
pub fn start(level: Option<&str>, daemon: bool) {
    let level = match level {
        Some(level @ ("error" | "warn" | "info" | "debug" | "trace")) => level,
        _ if daemon => "info",
        _ => "warn",
    };
    let filter = EnvFilter::new(format!("off,vestibule={level}"));
    // A second start in one process (tests) keeps the first.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .try_init();
}
