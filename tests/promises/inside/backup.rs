//! What the Supervisor does with an app's backup: a cold copy without what `backup_exclude` names, put into an empty folder.

use std::path::Path;
use std::time::Duration;

use tokio::time::{Instant, sleep};
use vestibule::agent::DeploymentView;
use vestibule::control::Request;
use vestibule::store::Direction;
use vestibule_protocol::consent::Class;

use super::deploy::{dashboard, has_dashboard, house, until};

const CONTENT: &str = r#"{"views":[{"title":"Hall","cards":[]}]}"#;
/// Longest wait for anything, on the test's clock.
const PATIENCE: Duration = Duration::from_secs(3600);

/// The globs of `backup_exclude` in `config.yaml`.
fn left_out() -> Vec<String> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("config.yaml");
    let text = std::fs::read_to_string(manifest).unwrap();
    let after = text.split("backup_exclude:\n").nth(1).unwrap();
    let lines = after.lines().map_while(|line| line.trim_start().strip_prefix("- "));
    let globs: Vec<String> = lines.map(str::to_owned).collect();
    assert!(globs.contains(&"ledger.db*".to_owned()), "{globs:?}");
    globs
}

/// The Supervisor matches from the right, part by part; a file of ours is one part.
fn matches(glob: &str, name: &str) -> bool {
    match glob.split_once('*') {
        None => glob == name,
        Some((start, end)) => {
            name.len() >= start.len() + end.len() && name.starts_with(start) && name.ends_with(end)
        }
    }
}

fn copy(from: &Path, to: &Path, globs: &[String]) -> Vec<String> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_file() && !globs.iter().any(|glob| matches(glob, &name)) {
            std::fs::copy(&path, to.join(&name)).unwrap();
            names.push(name);
        }
    }
    names.sort();
    names
}

fn empty(folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap() {
        std::fs::remove_file(entry.unwrap().path()).unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn r6_a_restored_backup_is_the_same_home_begins_a_new_chain_and_asks_before_it_deploys() {
    let (mut world, portal) = house().await;
    world.grant(Class::Names).await;
    world.converge(&portal).await;
    let fingerprint = world.status().await.fingerprint.unwrap();
    world.stop().await;
    let backup = tempfile::tempdir().unwrap();
    let copied = copy(world.folder(), backup.path(), &left_out());
    assert_eq!(copied, ["agent.db", "home_secret"], "the identity, and nothing of what was sent");
    // The original goes on for a while after the backup.
    world.start().await;
    world.converge(&portal).await;
    let rows = world.ledger().len();
    assert!(rows > 5);
    world.stop().await;

    empty(world.folder());
    copy(backup.path(), world.folder(), &[]);
    world.to_portal.hang_up();
    world.start().await;
    // The home knows by itself; but a yes counts from the portal's number on (R32).
    world.until("the home is read", |status| status.home.connected && status.restored).await;
    assert_eq!(world.ask(Request::ConfirmRestored).await.unwrap_err().code, "not_met_since");
    portal.answer(&world);
    world.converge(&portal).await;
    let status = world.status().await;
    assert_eq!(status.fingerprint.as_ref(), Some(&fingerprint), "the same home");
    assert!(status.restored && !status.cloned, "{status:#?}");
    assert!(portal.lines().iter().any(|line| line.contains("\"name/")), "with the same grants");
    // The chain begins anew and says so, and holds from there on.
    let first = &world.ledger()[0];
    assert_eq!((first.seq, first.direction, first.kind.as_str()), (1, Direction::Local, "chain-start"));
    world.assert_ledger_is_sound();
    let told = |world: &super::world::World| world.home.model(|model| model.notifications.clone());
    assert_eq!(told(&world).keys().collect::<Vec<_>>(), ["vestibule_restored"]);

    // Nothing new is carried out, nor asked about, until the owner knows.
    let id = portal.submit(&portal.draft(vec![dashboard("acme-hall", CONTENT)])).await;
    sleep(PATIENCE).await;
    let held: Vec<DeploymentView> = world.ask_one(Request::Deployments).await;
    assert!(held.iter().all(|view| view.plan_hash.is_none()), "{held:#?}");
    // Told once: not again after it was dismissed, whatever is restarted.
    world.home.change_silently(|model| model.notifications.clear());
    world.crash();
    world.start().await;
    world.converge(&portal).await;
    sleep(PATIENCE).await;
    assert!(told(&world).is_empty());
    assert!(!has_dashboard(&world, "acme-hall"));

    world.ask(Request::ConfirmRestored).await.unwrap();
    let shown = until(&world, id, "waiting").await;
    assert!(shown.plan_hash.is_some(), "{shown:#?}");
    let deadline = Instant::now() + PATIENCE;
    while told(&world).keys().ne(["vestibule_deployments"]) {
        assert!(Instant::now() < deadline, "the owner is not told that it waits");
        sleep(Duration::from_secs(1)).await;
    }
    assert!(!world.status().await.restored);
}
