//! Proves that real Home Assistants of the oldest and the newest version start, are furnished, and can be driven.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test fails by panicking, and says by name when it is skipped"
)]

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use vestibule_dev::real::{NEWEST, OLDEST, Options, RealError, RealHome, skip_reason};

/// Long enough for anything that is coming, on a slow machine.
const SOON: Duration = Duration::from_secs(20);

/// Starts a test-sized home, or prints by name which test is skipped and why.
async fn home_or_skip(test: &str, version: &str) -> Option<RealHome> {
    match RealHome::start(Options::new(version)).await {
        Ok(home) => Some(home),
        Err(error) => {
            let reason = skip_reason(&error).unwrap_or_else(|| panic!("{error}"));
            println!("SKIPPED {test}: {reason}");
            None
        }
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}

async fn registry(home: &RealHome, name: &str) -> Value {
    home.call(json!({"type": format!("config/{name}_registry/list")})).await.unwrap()
}

async fn starts_furnished_and_obeys(test: &str, version: &str) {
    let Some(mut home) = home_or_skip(test, version).await else { return };
    assert_eq!(home.version(), version);
    is_a_whole_house(&home).await;
    renames_are_kept_over_a_restart(&mut home).await;
    reports_what_appears_and_vanishes(&home).await;
    assert_eq!(home.errors().unwrap(), Vec::<String>::new());
    an_ordinary_user_may_less(&home).await;
    home.restart_core().await.unwrap();
    assert_eq!(home.call(json!({"type": "get_config"})).await.unwrap()["state"], "RUNNING");
    home.stop().await.unwrap();
    assert!(home.call(json!({"type": "get_config"})).await.is_err(), "it answers after it was stopped");
}

async fn is_a_whole_house(home: &RealHome) {
    let states = home.call(json!({"type": "get_states"})).await.unwrap();
    let ids: BTreeSet<&str> =
        list(&states).iter().map(|state| state["entity_id"].as_str().unwrap()).collect();
    let domains: BTreeSet<&str> = ids.iter().map(|id| id.split_once('.').unwrap().0).collect();
    assert!(ids.len() >= 1_000, "{} entities", ids.len());
    assert!(domains.len() >= 25, "{domains:?}");

    let entities = registry(home, "entity").await;
    let some = |test: &dyn Fn(&Value) -> bool| list(&entities).iter().filter(|entity| test(entity)).count();
    assert!(some(&|entity| entity["disabled_by"] == "integration") > 0);
    assert!(some(&|entity| entity["disabled_by"] == "user") > 0);
    assert!(some(&|entity| entity["hidden_by"] == "integration") > 0);
    assert!(some(&|entity| entity["hidden_by"] == "user") > 0);
    assert!(some(&|entity| entity["entity_category"] == "diagnostic") > 0);
    assert!(some(&|entity| entity["name"].is_string()) > 0);
    let known: BTreeSet<&str> =
        list(&entities).iter().map(|entity| entity["entity_id"].as_str().unwrap()).collect();
    assert!(ids.difference(&known).count() >= 10, "too few entities without a registry entry");

    assert!(list(&registry(home, "device").await).len() > 200);
    assert_eq!(list(&registry(home, "floor").await).len(), 3);
    assert_eq!(list(&registry(home, "label").await).len(), 4);
    let areas = registry(home, "area").await;
    assert!(list(&areas).iter().any(|area| area["name"] == "子供部屋"), "{areas}");
    let dashboards = home.call(json!({"type": "lovelace/dashboards/list"})).await.unwrap();
    assert!(list(&dashboards).iter().any(|board| board["mode"] == "yaml"), "{dashboards}");
    assert!(list(&dashboards).iter().any(|board| board["url_path"] == "haus-energie"), "{dashboards}");
}

async fn renames_are_kept_over_a_restart(home: &mut RealHome) {
    let entities = registry(home, "entity").await;
    let entity = list(&entities).iter().find(|entity| entity["platform"] == "example_house").unwrap();
    let (id, old) = (entity["id"].clone(), entity["entity_id"].as_str().unwrap().to_owned());
    let new = format!("{old}_neu");
    let rename = json!({
        "type": "config/entity_registry/update", "entity_id": old, "new_entity_id": new, "name": "Neuer Name ü",
    });
    home.call(rename).await.unwrap();
    home.restart().await.unwrap();
    let entities = registry(home, "entity").await;
    let entity = list(&entities).iter().find(|entity| entity["id"] == id).unwrap();
    assert_eq!(entity["entity_id"], new);
    assert_eq!(entity["name"], "Neuer Name ü");
}

/// The two triggers that tell an agent about entities that are in no registry, without the stream of all states.
async fn reports_what_appears_and_vanishes(home: &RealHome) {
    let mut session = home.session().await.unwrap();
    let trigger = |data: Value| {
        json!({"type": "subscribe_trigger", "trigger": [
            {"platform": "event", "event_type": "state_changed", "event_data": data},
        ]})
    };
    let appears = session.subscribe(trigger(json!({"old_state": null}))).await.unwrap();
    let vanishes = session.subscribe(trigger(json!({"new_state": null}))).await.unwrap();
    // A thousand ordinary changes first: if they were reported, they would come before what we wait for.
    home.churn(1_000).await.unwrap();
    home.add_entities(10).await.unwrap();
    let event = session.next_event(SOON).await.unwrap().expect("an entity appeared");
    assert_eq!(event["id"], appears);
    assert!(event["event"]["variables"]["trigger"]["event"]["data"]["old_state"].is_null());
    home.remove_devices(1).await.unwrap();
    loop {
        let event = session.next_event(SOON).await.unwrap().expect("an entity vanished");
        if event["id"] == vanishes {
            assert!(event["event"]["variables"]["trigger"]["event"]["data"]["new_state"].is_null());
            return;
        }
        assert_eq!(event["id"], appears, "{event}");
    }
}

async fn an_ordinary_user_may_less(home: &RealHome) {
    let mut guest = home.guest_session().await.unwrap();
    let who = guest.call(json!({"type": "auth/current_user"})).await.unwrap();
    assert_eq!(who["is_admin"], false);
    let refused: RealError = guest.call(json!({"type": "config/auth/list"})).await.unwrap_err();
    assert_eq!(refused.code(), Some("unauthorized"));
    assert!(!list(&guest.call(json!({"type": "get_states"})).await.unwrap()).is_empty());
}

#[tokio::test]
async fn the_oldest_version_starts_furnished_and_obeys() {
    starts_furnished_and_obeys("the_oldest_version_starts_furnished_and_obeys", OLDEST).await;
}

#[tokio::test]
async fn the_newest_version_starts_furnished_and_obeys() {
    starts_furnished_and_obeys("the_newest_version_starts_furnished_and_obeys", NEWEST).await;
}

#[tokio::test]
async fn a_killed_home_is_gone_and_comes_back() {
    let Some(mut home) = home_or_skip("a_killed_home_is_gone_and_comes_back", OLDEST).await else { return };
    let folder = home.folder().to_owned();
    home.kill();
    assert!(home.call(json!({"type": "get_config"})).await.is_err(), "it answers after it was killed");
    home.restart().await.unwrap();
    assert_eq!(home.call(json!({"type": "get_config"})).await.unwrap()["version"], OLDEST);
    drop(home);
    assert!(!folder.exists(), "its folder is still there");
}
