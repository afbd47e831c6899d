//! Chromium with Home Assistant's own frontend: opens a page of a real home, logged in, and says what it saw.
//!
//! ```no_run
//! # async fn story() -> Result<(), vestibule_dev::browser::BrowserError> {
//! use vestibule_dev::browser::{Browser, Look};
//! let browser = Browser::find()?;
//! let seen = browser.look(&Look::at("http://127.0.0.1:8123", "token", "haus-energie/0")).await?;
//! assert!(seen.rendered && seen.error_cards.is_empty());
//! # Ok(()) }
//! ```
//!
//! What it needs (Node, Chromium, `playwright-core` under `target/browser`) is installed by `dev/setup --browser`, and nothing of it is ever
//! installed by a test.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::time::timeout;

/// Longest wait for the page to stand. A cold frontend on a busy machine takes some tens of seconds.
const PATIENCE: Duration = Duration::from_secs(90);
/// Longest wait for the browser as a whole, its start and reloads included; some seconds more for each stop after the first.
const ALTOGETHER: Duration = Duration::from_secs(400);
const EACH_STOP: Duration = Duration::from_secs(20);
/// Where Chromium may lie, as Debian and others name it.
const CHROMIUM: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// Why nothing was seen.
#[derive(Debug, thiserror::Error)]
pub enum BrowserError {
    /// Something is not installed.
    #[error("{0} is missing; run dev/setup --browser")]
    Missing(&'static str),
    /// It did not start, did not end, or said something that is no answer.
    #[error("the browser failed: {0}")]
    Broken(String),
}

/// What is to be looked at.
#[derive(Debug, Clone)]
pub struct Look<'a> {
    url: &'a str,
    token: &'a str,
    stop: Stop,
}

impl<'a> Look<'a> {
    /// A page of a home (`http://127.0.0.1:PORT`), by its path without a slash at the beginning.
    #[must_use]
    pub fn at(url: &'a str, token: &'a str, path: &str) -> Self {
        Self { url, token, stop: Stop::at(path) }
    }

    /// Waits until it stands, and reloads it so often before looking.
    #[must_use]
    pub fn reloaded(mut self, times: u32) -> Self {
        self.stop.reloads = times;
        self
    }

    /// Also takes a picture (PNG).
    #[must_use]
    pub fn screenshot(mut self, file: &Path) -> Self {
        self.stop.screenshot = Some(file.to_owned());
        self
    }
}

/// One page of several that are opened after each other in one browser, without loading the frontend anew for each.
#[derive(Debug, Clone, Serialize)]
pub struct Stop {
    path: String,
    reloads: u32,
    screenshot: Option<PathBuf>,
    shows: Option<String>,
    click: Option<String>,
    calls: Option<String>,
}

impl Stop {
    /// A page, by its path without a slash at the beginning.
    #[must_use]
    pub fn at(path: &str) -> Self {
        let path = path.to_owned();
        Self { path, reloads: 0, screenshot: None, shows: None, click: None, calls: None }
    }

    /// Looks when this text is in the page, so that it is surely this page and not the one before.
    #[must_use]
    pub fn shows(mut self, text: &str) -> Self {
        self.shows = Some(text.to_owned());
        self
    }

    /// Clicks the first element that this selector finds, when the page stands. Selectors see into shadow roots.
    #[must_use]
    pub fn click(mut self, selector: &str) -> Self {
        self.click = Some(selector.to_owned());
        self
    }

    /// Waits until the page has asked for a foreign address in which this stands. Without a click it is not waited for the page to stand.
    #[must_use]
    pub fn calls(mut self, part: &str) -> Self {
        self.calls = Some(part.to_owned());
        self
    }
}

/// What was seen.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Seen {
    /// A view with cards stood, and did not change for a second.
    pub rendered: bool,
    /// Title of the page.
    pub title: String,
    /// Cards that Home Assistant shows in the place of broken ones, with what they say.
    pub error_cards: Vec<String>,
    /// Names of the custom elements in the page.
    pub elements: Vec<String>,
    /// Texts in the page, in the order in which they stand.
    pub texts: Vec<String>,
    /// Errors on the console.
    pub console_errors: Vec<String>,
    /// Errors that nobody caught.
    pub page_errors: Vec<String>,
    /// Addresses on other hosts that the page asked for, whether they answered or not.
    pub foreign_requests: Vec<String>,
}

/// A browser that can be started.
#[derive(Debug, Clone)]
pub struct Browser {
    node: PathBuf,
    chromium: PathBuf,
    library: PathBuf,
}

/// The order, as the script reads it.
#[derive(Serialize)]
struct Order<'a> {
    url: &'a str,
    token: &'a str,
    stops: &'a [Stop],
    chromium: &'a Path,
    library: &'a Path,
    patience: u128,
}

impl Browser {
    /// Finds what is installed.
    ///
    /// # Errors
    /// [`BrowserError::Missing`] names the first thing that is not.
    pub fn find() -> Result<Self, BrowserError> {
        let node = on_path(&["node"]).ok_or(BrowserError::Missing("Node.js"))?;
        let chromium = on_path(&CHROMIUM).ok_or(BrowserError::Missing("Chromium"))?;
        let library = std::env::var_os("VESTIBULE_TEST_BROWSER_DIR").map(PathBuf::from);
        let library = library.unwrap_or_else(|| root().join("target/browser"));
        if !library.join("node_modules/playwright-core/package.json").is_file() {
            return Err(BrowserError::Missing("playwright-core"));
        }
        Ok(Self { node, chromium, library })
    }

    /// Opens the page in a browser of its own, waits until it stands, and looks.
    ///
    /// # Errors
    /// [`BrowserError::Broken`]. A page that never stands is no error: see [`Seen::rendered`].
    pub async fn look(&self, look: &Look<'_>) -> Result<Seen, BrowserError> {
        let mut seen = self.walk(look.url, look.token, std::slice::from_ref(&look.stop)).await?;
        seen.pop().ok_or_else(|| broken("it said nothing"))
    }

    /// Opens pages of a home one after the other in a browser of its own; what was seen at each.
    ///
    /// # Errors
    /// As [`Browser::look`].
    pub async fn walk(&self, url: &str, token: &str, stops: &[Stop]) -> Result<Vec<Seen>, BrowserError> {
        let (chromium, library, patience) = (&*self.chromium, &*self.library, PATIENCE.as_millis());
        let order = Order { url, token, stops, chromium, library, patience };
        let altogether = ALTOGETHER + EACH_STOP * u32::try_from(stops.len()).unwrap_or(u32::MAX);
        // Over standard input: a token in an argument could be read by everybody on the machine.
        let order = serde_json::to_vec(&order).map_err(broken)?;
        let mut child = Command::new(&self.node)
            .arg(root().join("dev/browser/look.mjs"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(broken)?;
        if let Some(mut input) = child.stdin.take() {
            input.write_all(&order).await.map_err(broken)?;
        }
        let output = timeout(altogether, child.wait_with_output()).await.map_err(broken)?.map_err(broken)?;
        if !output.status.success() {
            return Err(broken(String::from_utf8_lossy(&output.stderr)));
        }
        serde_json::from_slice(&output.stdout).map_err(broken)
    }
}

fn broken(error: impl ToString) -> BrowserError {
    BrowserError::Broken(error.to_string())
}

/// Why a test may skip after this error; `None` when it has to fail, as it has when `VESTIBULE_TEST_REQUIRE` is `all`.
#[must_use]
pub fn skip_reason(error: &BrowserError) -> Option<String> {
    let required = std::env::var("VESTIBULE_TEST_REQUIRE").is_ok_and(|what| what == "all");
    match error {
        BrowserError::Missing(_) if !required => Some(error.to_string()),
        BrowserError::Missing(_) | BrowserError::Broken(_) => None,
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn on_path(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let places: Vec<PathBuf> = std::env::split_paths(&path).collect();
    names.iter().find_map(|name| places.iter().map(|place| place.join(name)).find(|file| file.is_file()))
}
