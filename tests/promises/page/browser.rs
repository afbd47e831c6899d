//! The page in a real Chromium, under a real ingress prefix: every decision without JavaScript, every page in several widths, colours and
//! languages, with axe. What it needs (Node, Chromium, `playwright-core` and `axe-core` under `target/browser`) is installed by `dev/setup`,
//! never by a test; where it is missing the test says so and is skipped by name.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use vestibule_dev::fake_home::{FakeHome, Version};
use vestibule_dev::fake_supervisor::{Core, FakeSupervisor, INGRESS_TOKEN};

use super::scene::{Scene, address};
use super::stage::{Served, Stage};
use crate::support::programs;

/// Longest wait for one thing on a page, in milliseconds, on a machine that is busy with other things.
const PATIENCE: u64 = 60_000;
/// Longest wait for a story as a whole.
const ALTOGETHER: Duration = Duration::from_secs(600);
/// Where Chromium may lie, as Debian and others name it.
const CHROMIUM: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

fn on_the_path(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    names.iter().find_map(|name| folders.iter().map(|folder| folder.join(name)).find(|file| file.is_file()))
}

/// What drives the page.
pub(super) struct Tools {
    node: PathBuf,
    chromium: PathBuf,
    library: PathBuf,
}

impl Tools {
    /// Finds them, or says what is skipped without them.
    pub(super) fn find(story: &str) -> Option<Self> {
        let library = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/browser");
        let installed = |name: &str| library.join("node_modules").join(name).is_dir();
        let whole = installed("playwright-core") && installed("axe-core");
        let found = on_the_path(&["node"]).zip(on_the_path(&CHROMIUM)).filter(|_| whole);
        if found.is_none() {
            let required = std::env::var("VESTIBULE_TEST_REQUIRE").is_ok_and(|value| value == "all");
            assert!(!required, "the browser is missing");
            eprintln!("skipped: {story} (Node, Chromium, playwright-core or axe-core is missing)");
        }
        found.map(|(node, chromium)| Self { node, chromium, library })
    }

    /// Runs a script of `dev/browser` against a page, as this user, behind a pretended Supervisor; fails with everything that was wrong.
    pub(super) async fn drive(&self, script: &str, page: &Served, user: &str, story: Value) {
        let core = Core { address: page.address, token: String::new(), version: String::new() };
        let supervisor = FakeSupervisor::listen(([127, 0, 0, 1], 0).into(), core).await.unwrap();
        supervisor.app_at(page.address);
        let screenshots = std::env::var_os("VESTIBULE_TEST_SCREENSHOTS").map(PathBuf::from);
        if let Some(folder) = &screenshots {
            std::fs::create_dir_all(folder).unwrap();
        }
        let mut order = story;
        order["base"] = json!(format!("http://{}/api/hassio_ingress/{INGRESS_TOKEN}", supervisor.address()));
        order["headers"] = json!({"X-Fake-User-Id": user});
        order["library"] = json!(self.library);
        order["chromium"] = json!(self.chromium);
        order["screenshots"] = json!(screenshots);
        order["patience"] = json!(PATIENCE);
        let home = tempfile::tempdir().unwrap();
        let mut command = programs::command(&self.node, home.path());
        command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("dev/browser").join(script));
        let output = programs::output_within(command, &order.to_string(), ALTOGETHER).await;
        let said = String::from_utf8_lossy(&output.stderr);
        let wrong: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}{said}", String::from_utf8_lossy(&output.stdout)));
        assert_eq!(wrong, json!([]), "{wrong:#}{said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_browser_every_decision_works_and_every_page_is_accessible() {
    let Some(tools) = Tools::find("the page in a browser") else { return };
    let stage = Stage::new(FakeHome::of_size(Version::V2026_11, 120), "Example").await;
    let invite = stage.portal.invite(&stage.tenant).await;
    let words: Vec<&str> = invite.words.split(' ').collect();
    tools.drive("pages.mjs", &stage, "owner", json!({"invite": invite.code, "words": words})).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_browser_changes_questions_and_a_new_identity_are_decided() {
    let Some(tools) = Tools::find("decisions in a browser") else { return };
    let scene = Scene::set().await;
    let Scene { stage, waiting, edited, conflict, questions, fingerprint, .. } = &scene;
    let look = |path: &str, name: &str| json!([path, name]);
    let looks = [
        look("/", "/"),
        look("/deployments", "/deployments"),
        look(&address(waiting), "/deployments/waiting"),
        look(&address(edited), "/deployments/in_place"),
        look(&address(conflict), "/deployments/conflict"),
        look("/questions", "/questions"),
        look(&questions[0], "/questions/one"),
        look("/ledger/reads", "/ledger/reads"),
        look("/connection", "/connection"),
    ];
    let mut story = scene.story("owner", "Kitchen 0").await;
    story["looks"] = json!(looks);
    tools.drive("decisions.mjs", stage, "owner", story).await;
    assert!(!stage.home.model(|model| model.contents.contains_key("acme-new")), "it was undone");
    assert!(stage.home.model(|model| model.contents.contains_key("acme-hall")), "it was to be kept");
    let now = stage.fingerprint().await;
    assert_ne!(&now, fingerprint);
    let page = stage.get("owner", "/connection").await.text();
    assert!(page.contains(&now), "the new identity is shown: {page}");
    assert_eq!(stage.home.violations(), Vec::<String>::new());
}
