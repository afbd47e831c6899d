//! Automations and scripts: written, loaded, found, switched on, deleted, and put back with what the owner had set (R40, R44).

use serde_json::json;
use vestibule_dev::fake_home::{Domain, Version};

use super::super::super::desk::{
    Assistant, DeskError, EntitySettings, HomeDesk, Routine, RoutineKind, RoutineState,
};
use super::{BOTH, Place, text};

const DISABLED: &str = r#"{"alias":"Zebra","trigger":[],"action":[],"initial_state":false}"#;
const ENABLED: &str = r#"{"alias":"Zebra","trigger":[],"action":[]}"#;

#[tokio::test]
async fn r40_an_automation_arrives_disabled_and_is_enabled() {
    for version in BOTH {
        let place = Place::new(version).await;
        let mut desk = place.desk().await;
        let kind = RoutineKind::Automation;
        desk.put_routine(kind, "z1", &text(DISABLED)).await.unwrap();
        desk.reload(kind, Some("z1")).await.unwrap();
        let entities = desk.routine_entities(kind).await.unwrap();
        let [entity] = &*entities else { panic!("{} entities", entities.len()) };
        assert_eq!((&*entity.entity_id, &*entity.unique_id), ("automation.zebra", "z1"));
        let id = &*entity.entity_id;
        assert_eq!(desk.states(&[id]).await, Ok(vec![(id.to_owned(), RoutineState::Off)]));
        desk.put_routine(kind, "z1", &text(ENABLED)).await.unwrap();
        desk.reload(kind, Some("z1")).await.unwrap();
        assert_eq!(desk.states(&[id]).await, Ok(vec![(id.to_owned(), RoutineState::Off)]));
        desk.turn_on(id).await.unwrap();
        assert_eq!(desk.states(&[id]).await, Ok(vec![(id.to_owned(), RoutineState::On)]));
        desk.delete_routine(kind, "z1").await.unwrap();
        desk.reload(kind, None).await.unwrap();
        assert_eq!(desk.routine(kind, "z1").await, Ok(Routine::Absent));
        assert!(desk.routine_entities(kind).await.unwrap().is_empty());
        assert_eq!(desk.states(&[id]).await, Ok(Vec::new()));
        place.assert_polite();
    }
}

#[tokio::test]
async fn scripts_and_scenes_are_found_by_their_id() {
    let place = Place::new(Version::V2026_11).await;
    place.home.put_routine(Domain::Scene, "9", r#"{"name":"Abend","entities":{}}"#);
    let mut desk = place.desk().await;
    desk.put_routine(RoutineKind::Script, "good_night", &text(r#"{"sequence":[]}"#)).await.unwrap();
    desk.reload(RoutineKind::Script, Some("good_night")).await.unwrap();
    for (kind, entity_id, id) in
        [(RoutineKind::Script, "script.good_night", "good_night"), (RoutineKind::Scene, "scene.abend", "9")]
    {
        let entities = desk.routine_entities(kind).await.unwrap();
        assert_eq!((&*entities[0].entity_id, &*entities[0].unique_id), (entity_id, id));
    }
    let states = desk.states(&["script.good_night", "script.unknown"]).await;
    assert_eq!(states, Ok(vec![("script.good_night".to_owned(), RoutineState::Off)]));
    place.assert_polite();
}

#[tokio::test]
async fn r44_what_an_owner_had_set_is_put_back() {
    for version in BOTH {
        let place = Place::new(version).await;
        place.home.put_routine(Domain::Automation, "z1", ENABLED);
        place.home.update_entity(
            "automation.zebra",
            &json!({
                "entity_id": "automation.omas_wecker", "name": "Omas Wecker", "icon": "mdi:alarm", "area_id": "kitchen_0",
                "aliases": ["Wecker"], "hidden_by": "user",
                "options": {"conversation": {"should_expose": true}, "cloud.alexa": {"should_expose": false}},
            }),
        );
        if version == Version::V2026_11 {
            let newer = json!({"labels": ["winter", "guests"], "categories": {"automation": "x"}});
            place.home.update_entity("automation.omas_wecker", &newer);
        }
        let mut desk = place.desk().await;
        let kind = RoutineKind::Automation;
        let before = desk.routine_entities(kind).await.unwrap();
        let settings = &before[0].settings;
        assert_eq!(settings.exposed, [(Assistant::Conversation, true), (Assistant::Alexa, false)]);
        let Routine::Present(config) = desk.routine(kind, "z1").await.unwrap() else { panic!("no config") };
        desk.delete_routine(kind, "z1").await.unwrap();
        desk.reload(kind, None).await.unwrap();
        desk.put_routine(kind, "z1", &config).await.unwrap();
        desk.reload(kind, Some("z1")).await.unwrap();
        let made = desk.routine_entities(kind).await.unwrap();
        assert_eq!(made[0].entity_id, "automation.zebra");
        desk.update_entity("automation.zebra", "automation.omas_wecker", settings).await.unwrap();
        let after = desk.routine_entities(kind).await.unwrap();
        assert!(after[0].settings == *settings && after[0].entity_id == "automation.omas_wecker");
        place.assert_polite();
    }
}

#[tokio::test]
async fn nothing_but_automations_scripts_and_scenes_is_touched() {
    let place = Place::new(Version::V2026_11).await;
    let mut desk = place.desk().await;
    let settings = EntitySettings::default();
    for id in ["lock.door", "light.a", "automation.", "automation.a b", "automations.x", ""] {
        assert_eq!(desk.turn_on(id).await, Err(DeskError::Forbidden), "{id}");
        assert_eq!(desk.states(&["automation.zebra", id]).await, Err(DeskError::Forbidden), "{id}");
        assert_eq!(desk.update_entity(id, id, &settings).await, Err(DeskError::Forbidden), "{id}");
    }
    assert_eq!(desk.turn_on("script.x").await, Err(DeskError::Forbidden));
    assert_eq!(desk.update_entity("script.x", "lock.x", &settings).await, Err(DeskError::Forbidden));
    // An empty list would mean all states.
    assert_eq!(desk.states(&[]).await, Ok(Vec::new()));
    assert_eq!(place.asked("subscribe_entities"), 0);
    let gone = desk.update_entity("automation.gone", "automation.gone", &settings).await;
    assert_eq!(gone, Err(DeskError::NotFound));
    place.home.put_routine(Domain::Automation, "a", r#"{"alias":"A","trigger":[],"action":[]}"#);
    place.home.put_routine(Domain::Automation, "b", r#"{"alias":"B","trigger":[],"action":[]}"#);
    let taken = desk.update_entity("automation.a", "automation.b", &settings).await;
    assert_eq!(taken, Err(DeskError::Refused));
}

#[tokio::test]
async fn repairs_are_told_by_id_and_of_ours_only() {
    let place = Place::new(Version::V2026_11).await;
    place.home.change_silently(|model| {
        model.issues = vec![
            json!({"domain": "automation", "issue_id": "automation.zebra_validation_failed_schema"}),
            json!({"domain": "backup", "issue_id": "automatic_backup_failed"}),
        ];
    });
    let issues = place.desk().await.issues().await;
    assert_eq!(issues, Ok(vec!["automation.zebra_validation_failed_schema".to_owned()]));
}

#[tokio::test]
async fn r40_secrets_in_the_file_are_noticed() {
    let place = Place::new(Version::V2026_11).await;
    place.home.put_routine(Domain::Automation, "z1", ENABLED);
    place.home.change_silently(|model| model.routines.unreadable.insert(Domain::Automation));
    let mut desk = place.desk().await;
    assert_eq!(desk.routine(RoutineKind::Automation, "z1").await, Ok(Routine::Unmanaged));
    let put = desk.put_routine(RoutineKind::Automation, "z1", &text(ENABLED)).await;
    assert_eq!(put, Err(DeskError::Unmanaged));
}
