//! The page in a real Chromium, under a real ingress prefix: every decision without JavaScript, every page in several widths, colours and
//! languages, with axe. What it needs (Node, Chromium, `playwright-core` and `axe-core` under `target/browser`) is installed by `dev/setup`,
//! never by a test; where it is missing the test says so and is skipped by name.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use vestibule_dev::fake_home::{FakeHome, Version};
use vestibule_dev::fake_supervisor::{Core, FakeSupervisor, INGRESS_TOKEN};

use super::stage::Stage;
use crate::support::programs;

/// Longest wait for one thing on a page, in milliseconds, on a machine that is busy with other things.
const PATIENCE: u64 = 60_000;
/// Where Chromium may lie, as Debian and others name it.
const CHROMIUM: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

fn on_the_path(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    names.iter().find_map(|name| folders.iter().map(|folder| folder.join(name)).find(|file| file.is_file()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_browser_every_decision_works_and_every_page_is_accessible() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let library = root.join("target/browser");
    let installed = |name: &str| library.join("node_modules").join(name).is_dir();
    let (Some(node), Some(chromium), true) = (
        on_the_path(&["node"]),
        on_the_path(&CHROMIUM),
        installed("playwright-core") && installed("axe-core"),
    ) else {
        let required = std::env::var("VESTIBULE_TEST_REQUIRE").is_ok_and(|value| value == "all");
        assert!(!required, "the browser is missing");
        eprintln!("skipped: the page in a browser (Node, Chromium, playwright-core or axe-core is missing)");
        return;
    };
    // The Supervisor's client is one of reqwest's, which wants a provider although it never speaks TLS.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let stage = Stage::new(FakeHome::of_size(Version::V2026_11, 120), "Example").await;
    let core = Core { address: stage.address, token: String::new(), version: String::new() };
    let supervisor = FakeSupervisor::listen(([127, 0, 0, 1], 0).into(), core).await.unwrap();
    supervisor.app_at(stage.address);
    let invite = stage.portal.invite(&stage.tenant).await;
    let screenshots = std::env::var_os("VESTIBULE_TEST_SCREENSHOTS").map(PathBuf::from);
    if let Some(folder) = &screenshots {
        std::fs::create_dir_all(folder).unwrap();
    }
    let order = json!({
        "base": format!("http://{}/api/hassio_ingress/{INGRESS_TOKEN}", supervisor.address()),
        "headers": {"X-Fake-User-Id": "owner"},
        "library": library,
        "chromium": chromium,
        "invite": invite.code,
        "words": invite.words.split(' ').collect::<Vec<_>>(),
        "screenshots": screenshots,
        "patience": PATIENCE,
    });
    let home = tempfile::tempdir().unwrap();
    let mut command = programs::command(&node, home.path());
    command.arg(root.join("dev/browser/pages.mjs"));
    let output = programs::output_within(command, &order.to_string(), Duration::from_secs(600)).await;
    let said = String::from_utf8_lossy(&output.stderr);
    let wrong: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}{said}", String::from_utf8_lossy(&output.stdout)));
    assert_eq!(wrong, json!([]), "{wrong:#}{said}");
}
