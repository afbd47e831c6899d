//! Real homes for tests, and a browser to look at them with: they take turns, and are skipped by name where they cannot be had.

use std::time::Instant;

use tokio::sync::Mutex;
use vestibule_dev::browser::{self, Browser};
use vestibule_dev::real::{Options, RealHome, skip_reason};

/// Two real homes at once would only make each other slow.
pub(crate) static TURN: Mutex<()> = Mutex::const_new(());

/// Starts a home for a test; says why it is skipped where that version cannot be had.
pub(crate) async fn home(test: &str, options: Options) -> Option<RealHome> {
    let since = Instant::now();
    match RealHome::start(options).await {
        Ok(home) => {
            println!("{}: started after {:.1?}", home.version(), since.elapsed());
            Some(home)
        }
        Err(error) => {
            let reason = skip_reason(&error).unwrap_or_else(|| panic!("{error}"));
            println!("SKIPPED {test}: {reason}");
            None
        }
    }
}

/// Finds a browser for a test; says why it is skipped where there is none.
pub(crate) fn browser(test: &str) -> Option<Browser> {
    match Browser::find() {
        Ok(browser) => Some(browser),
        Err(error) => {
            let reason = browser::skip_reason(&error).unwrap_or_else(|| panic!("{error}"));
            println!("SKIPPED {test}: {reason}");
            None
        }
    }
}
