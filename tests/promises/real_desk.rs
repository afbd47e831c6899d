//! The desk at real Home Assistants: what is written is there, what is not ours is as it was, and what cannot be written is refused.
//! R39–R45; what the fake home does about them is compared here.
//!
//! One home of each version lives through one story, because starting it is what takes the time.

use std::time::Instant;

use serde_json::{Value, json};
use vestibule::home::desk::{
    DashboardChange, Desk, DeskError, HomeDesk, NewDashboard, ResourceMode, Routine, RoutineEntity,
    RoutineKind, RoutineState, Saved,
};
use vestibule::home::{Endpoint, Token};
use vestibule::net::{Network, Trust};
use vestibule::outbound::reading::Text;
use vestibule::private::Private;
use vestibule_dev::real::{DEMO_ENTITIES, NEWEST, OLDEST, Options, RealHome};

use crate::support::real::TURN;
use crate::support::{http, real};

const BOARD: &str = "vestibule-test-board";
/// Keys out of order, a number that looks whole, letters, an empty list: what comes back must be this text.
const CONFIG: &str = r#"{"views":[{"title":"Küche ü","type":"sections","sections":[],"max_columns":2,"b":1.0,"a":-0.5}],"title":"Z"}"#;
/// The old words, which every version takes.
const DISABLED: &str = r#"{"alias":"Vestibule Zebra","description":"","trigger":[{"platform":"event","event_type":"never"}],"condition":[],"action":[{"service":"counter.increment","target":{"entity_id":"counter.besucher"}}],"mode":"single","initial_state":false}"#;
const ENABLED: &str = r#"{"alias":"Vestibule Zebra","description":"","trigger":[{"platform":"event","event_type":"never"}],"condition":[],"action":[{"service":"counter.increment","target":{"entity_id":"counter.besucher"}}],"mode":"single"}"#;
const ID: &str = "vestibule_zebra";
const SCRIPT: &str = r#"{"alias":"Zebra","sequence":[{"delay":"00:00:01"}],"mode":"single"}"#;

fn text(text: &str) -> Text {
    Private::new(text.into())
}

struct Story {
    home: RealHome,
    network: Network,
    since: Instant,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_oldest_home_assistant_is_written_to() {
    live("the_oldest_home_assistant_is_written_to", OLDEST).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_newest_home_assistant_is_written_to() {
    live("the_newest_home_assistant_is_written_to", NEWEST).await;
}

async fn live(test: &str, version: &str) {
    let _turn = TURN.lock().await;
    let options = Options::new(version).entities(DEMO_ENTITIES);
    let Some(home) = real::home(test, options).await else { return };
    let network = Network::new(Trust::Public).unwrap();
    let mut story = Story { home, network, since: Instant::now() };
    story.resources_next_to_ours_stay().await;
    story.dashboards_come_and_go().await;
    story.edits_meanwhile_are_counted().await;
    story.what_is_not_ours_is_refused().await;
    story.automations_arrive_disabled().await;
    story.a_deleted_automation_is_put_back_whole().await;
    story.scripts_come_and_go().await;
    story.notifications_come_and_go().await;
    story.a_broken_automation_is_told().await;
    story.secrets_in_the_file_are_noticed().await;
    story.resources_in_yaml_are_refused().await;
    story.nothing_of_ours_was_complained_about();
}

impl Story {
    fn told(&mut self, chapter: &str) {
        println!("{}: {chapter} {:.1?}", self.home.version(), self.since.elapsed());
        self.since = Instant::now();
    }

    fn is_old(&self) -> bool {
        self.home.version() == OLDEST
    }

    async fn desk(&self) -> Desk<'_> {
        let token = Token::new(self.home.token()).unwrap();
        Desk::open(&self.network, &Endpoint::from_url(&self.home.url(), token).unwrap()).await.unwrap()
    }

    async fn call(&self, command: Value) -> Value {
        self.home.call(command).await.unwrap()
    }

    /// Before anything has listed resources since the start: the trap that older versions set.
    async fn resources_next_to_ours_stay(&mut self) {
        let mut desk = self.desk().await;
        let (first, second) =
            (text("data:text/javascript;base64,Ly8x"), text("data:text/javascript;base64,Ly8y"));
        assert_eq!(desk.create_resource(&first).await, Err(DeskError::Unlisted));
        let before = desk.resources().await.unwrap();
        assert_eq!(before.len(), 1, "the furnished house has one");
        assert_eq!(desk.resource_mode().await, Ok(ResourceMode::Storage));
        let id = desk.create_resource(&first).await.unwrap();
        desk.update_resource(&id, &second).await.unwrap();
        let now = desk.resources().await.unwrap();
        let ours = now.iter().find(|resource| resource.id.as_ref() == Some(&id)).unwrap();
        assert!(now.len() == 2 && ours.url == second && now.contains(&before[0]));
        desk.delete_resource(&id).await.unwrap();
        assert_eq!(desk.delete_resource(&id).await, Err(DeskError::NotFound));
        assert_eq!(desk.update_resource(&id, &first).await, Err(DeskError::NotFound));
        assert!(desk.resources().await.unwrap() == before);
        self.told("resources");
    }

    async fn dashboards_come_and_go(&mut self) {
        let mut desk = self.desk().await;
        let before = desk.dashboards().await.unwrap();
        let change = DashboardChange {
            title: text("Zebra ü"),
            icon: Some(text("mdi:flash")),
            sidebar: true,
            admin: false,
        };
        let new = NewDashboard { url_path: BOARD.to_owned(), change: change.clone() };
        let id = desk.create_dashboard(&new).await.unwrap();
        assert_eq!(desk.create_dashboard(&new).await, Err(DeskError::Refused), "the path is taken");
        let panels = desk.panels().await.unwrap();
        assert!(panels.iter().any(|path| path == BOARD));
        assert_eq!(desk.dashboard(BOARD).await, Ok(None));
        assert_eq!(desk.save_dashboard(BOARD, &text(CONFIG)).await, Ok(Saved { events: 1 }));
        assert_eq!(desk.dashboard(BOARD).await, Ok(Some(text(CONFIG))));
        let spaced = "{ \"views\" : [ ], \"x\":\"\\u00fc\\n\", \"n\" : 1e3 }";
        assert_eq!(desk.save_dashboard(BOARD, &text(spaced)).await, Ok(Saved { events: 1 }));
        let compact = r#"{"views":[],"x":"ü\n","n":1000.0}"#;
        assert_eq!(desk.dashboard(BOARD).await, Ok(Some(text(compact))), "as Home Assistant spells it");
        // Close to the most that one message holds.
        let large = format!(r#"{{"views":[],"x":"{}"}}"#, "x".repeat((4 << 20) - 6_000));
        assert_eq!(desk.save_dashboard(BOARD, &text(&large)).await, Ok(Saved { events: 1 }));
        assert_eq!(desk.dashboard(BOARD).await, Ok(Some(text(&large))));
        let quiet = DashboardChange { title: text("Zebra 2"), icon: None, sidebar: false, admin: true };
        desk.update_dashboard(&id, &quiet).await.unwrap();
        let now = desk.dashboards().await.unwrap();
        let made = now.iter().find(|dashboard| dashboard.id.as_ref() == Some(&id)).unwrap();
        assert!(made.title == Some(text("Zebra 2")) && made.icon.is_none() && !made.sidebar && made.admin);
        desk.delete_dashboard_config(BOARD).await.unwrap();
        assert_eq!(desk.dashboard(BOARD).await, Ok(None));
        desk.delete_dashboard(&id).await.unwrap();
        assert_eq!(desk.delete_dashboard(&id).await, Err(DeskError::NotFound));
        assert!(desk.dashboards().await.unwrap() == before, "the others are as they were");
        assert!(!desk.panels().await.unwrap().iter().any(|path| path == BOARD));
        // After a restart too, also of a record that was made again under the same path.
        let again = desk.create_dashboard(&new).await.unwrap();
        assert_eq!(desk.save_dashboard(BOARD, &text(CONFIG)).await, Ok(Saved { events: 1 }));
        drop(desk);
        self.home.restart().await.unwrap();
        let mut desk = self.desk().await;
        assert_eq!(desk.dashboard(BOARD).await, Ok(Some(text(CONFIG))), "after a restart");
        desk.delete_dashboard(&again).await.unwrap();
        self.told("dashboards");
    }

    async fn edits_meanwhile_are_counted(&mut self) {
        let mut desk = self.desk().await;
        let path = "haus-energie";
        let before = desk.dashboard(path).await.unwrap().unwrap();
        let edit = json!({"type": "lovelace/config/save", "url_path": path, "config": {"views": []}});
        self.call(edit).await;
        // The edit came before this reading, and does not count; the next one did not.
        desk.dashboard(path).await.unwrap();
        assert_eq!(desk.save_dashboard(path, &before).await, Ok(Saved { events: 1 }));
        desk.dashboard(path).await.unwrap();
        let edit = json!({"type": "lovelace/config/save", "url_path": path, "config": {"views": [{}]}});
        self.call(edit).await;
        assert_eq!(desk.save_dashboard(path, &before).await, Ok(Saved { events: 2 }));
        assert_eq!(desk.dashboard(path).await, Ok(Some(before)));
        self.told("edits meanwhile");
    }

    async fn what_is_not_ours_is_refused(&mut self) {
        let mut desk = self.desk().await;
        let yaml = "keller-yaml";
        let listed = desk.dashboards().await.unwrap();
        let record = listed.iter().find(|dashboard| dashboard.url_path == yaml).unwrap();
        assert!(record.yaml && record.id.is_none());
        let before = desk.dashboard(yaml).await.unwrap();
        assert!(before.is_some());
        assert_eq!(desk.save_dashboard(yaml, &text("{}")).await, Err(DeskError::NotSupported));
        // What Home Assistant itself would say, so that the fake says the same.
        let save = json!({"type": "lovelace/config/save", "url_path": yaml, "config": {}});
        assert_eq!(self.refusal(save).await, "error");
        let save = json!({"type": "lovelace/config/save", "url_path": "no-such-board", "config": {}});
        assert_eq!(self.refusal(save).await, "config_not_found");
        let taken = json!({"type": "lovelace/dashboards/create", "url_path": yaml, "title": "x"});
        let code = if self.is_old() { "invalid_format" } else { "home_assistant_error" };
        assert_eq!(self.refusal(taken).await, code);
        let reload = json!({"type": "call_service", "domain": "automation", "service": "reload", "service_data": {"id": "x"}});
        assert_eq!(self.home.call(reload).await.is_err(), self.is_old(), "why we look at the version first");
        assert_eq!(desk.save_dashboard("lovelace", &text("{}")).await, Err(DeskError::Forbidden));
        assert_eq!(desk.dashboard(yaml).await.unwrap(), before);
        let guest = Token::new(self.home.guest_token()).unwrap();
        let guest = Endpoint::from_url(&self.home.url(), guest).unwrap();
        let mut desk = Desk::open(&self.network, &guest).await.unwrap();
        let saved = desk.save_dashboard("haus-energie", &text("{}")).await;
        assert_eq!(saved, Err(DeskError::Unauthorized));
        let read = desk.routine(RoutineKind::Automation, "1700000000001").await;
        assert_eq!(read, Err(DeskError::Unauthorized));
        drop(desk);
        self.told("what is not ours");
    }

    async fn refusal(&self, command: Value) -> String {
        self.home.call(command).await.unwrap_err().code().unwrap().to_owned()
    }

    /// The entity of a document of ours.
    async fn entity(&self, desk: &mut Desk<'_>, kind: RoutineKind, id: &str) -> Option<RoutineEntity> {
        desk.routine_entities(kind).await.unwrap().into_iter().find(|entity| entity.unique_id == id)
    }

    /// What the editor reads, as a value.
    async fn stored(&self, path: &str) -> Value {
        let bearer = format!("Bearer {}", self.home.token());
        let at = std::net::SocketAddr::from(([127, 0, 0, 1], self.home.port()));
        let answer =
            http::get(at, &format!("/api/config/{path}"), &[("Authorization", &bearer)]).await.unwrap();
        assert_eq!(answer.status, 200);
        answer.json()
    }

    async fn automations_arrive_disabled(&mut self) {
        let mut desk = self.desk().await;
        let kind = RoutineKind::Automation;
        assert!(matches!(desk.routine(kind, "1700000000001").await, Ok(Routine::Present(_))));
        assert_eq!(desk.routine(kind, ID).await, Ok(Routine::Absent));
        desk.put_routine(kind, ID, &text(DISABLED)).await.unwrap();
        desk.reload(kind, Some(ID)).await.unwrap();
        let entity = self.entity(&mut desk, kind, ID).await.unwrap();
        let id = &*entity.entity_id;
        assert_eq!(id, "automation.vestibule_zebra");
        assert_eq!(desk.states(&[id]).await, Ok(vec![(id.to_owned(), RoutineState::Off)]));
        let mut due: Value = serde_json::from_str(DISABLED).unwrap();
        due["id"] = json!(ID);
        // Newer versions put their words in the place of the older ones while they validate, and store that.
        if !self.is_old() {
            for (old, new) in [("trigger", "triggers"), ("condition", "conditions"), ("action", "actions")] {
                let value = due.as_object_mut().unwrap().remove(old).unwrap();
                due[new] = value;
            }
            let step = due["actions"][0].as_object_mut().unwrap();
            let service = step.remove("service").unwrap();
            step.insert("action".to_owned(), service);
        }
        assert_eq!(self.stored(&format!("automation/config/{ID}")).await, due);
        // The owner's yes: the key goes, and then it is switched on.
        desk.put_routine(kind, ID, &text(ENABLED)).await.unwrap();
        desk.reload(kind, Some(ID)).await.unwrap();
        assert_eq!(desk.states(&[id]).await, Ok(vec![(id.to_owned(), RoutineState::Off)]));
        desk.turn_on(id).await.unwrap();
        assert_eq!(desk.states(&[id]).await, Ok(vec![(id.to_owned(), RoutineState::On)]));
        // An update leaves it on, and the others alone.
        let others = desk.routine_entities(kind).await.unwrap().len();
        let changed = ENABLED.replace("never", "never_again");
        desk.put_routine(kind, ID, &text(&changed)).await.unwrap();
        desk.reload(kind, Some(ID)).await.unwrap();
        assert_eq!(desk.states(&[id]).await, Ok(vec![(id.to_owned(), RoutineState::On)]));
        assert_eq!(desk.routine_entities(kind).await.unwrap().len(), others);
        assert!(desk.issues().await.unwrap().iter().all(|issue| !issue.starts_with(id)));
        let invalid = desk.put_routine(kind, ID, &text(r#"{"alias":"x","trigger":5,"action":[]}"#)).await;
        assert_eq!(invalid, Err(DeskError::Refused));
        drop(desk);
        self.told("automations");
    }

    async fn a_deleted_automation_is_put_back_whole(&mut self) {
        let kind = RoutineKind::Automation;
        let mut desk = self.desk().await;
        let id = self.entity(&mut desk, kind, ID).await.unwrap().entity_id;
        let area = self.call(json!({"type": "config/area_registry/list"})).await[0]["area_id"].clone();
        let mut set = json!({
            "type": "config/entity_registry/update", "entity_id": id, "new_entity_id": "automation.omas_zebra",
            "name": "Omas Zebra", "icon": "mdi:horse", "area_id": area, "aliases": ["Streifen"], "hidden_by": "user",
        });
        if !self.is_old() {
            let labels = self.call(json!({"type": "config/label_registry/list"})).await;
            set["labels"] = json!([labels[0]["label_id"]]);
        }
        self.call(set).await;
        self.call(json!({
            "type": "homeassistant/expose_entity", "assistants": ["conversation"], "entity_ids": ["automation.omas_zebra"],
            "should_expose": true,
        }))
        .await;
        let before = self.entity(&mut desk, kind, ID).await.unwrap();
        let Routine::Present(config) = desk.routine(kind, ID).await.unwrap() else { panic!("it is gone") };
        desk.delete_routine(kind, ID).await.unwrap();
        desk.reload(kind, None).await.unwrap();
        assert!(self.entity(&mut desk, kind, ID).await.is_none());
        assert_eq!(desk.delete_routine(kind, ID).await, Err(DeskError::NotFound));
        desk.put_routine(kind, ID, &config).await.unwrap();
        desk.reload(kind, Some(ID)).await.unwrap();
        let made = self.entity(&mut desk, kind, ID).await.unwrap();
        // Newer versions put back themselves what the owner had set.
        let whole = made.entity_id == before.entity_id && made.settings == before.settings;
        assert_eq!(whole, !self.is_old());
        desk.update_entity(&made.entity_id, &before.entity_id, &before.settings).await.unwrap();
        let after = self.entity(&mut desk, kind, ID).await.unwrap();
        assert!(after.settings == before.settings && after.entity_id == before.entity_id);
        assert_eq!(after.registry_id, before.registry_id, "Home Assistant remembers deleted entries");
        desk.delete_routine(kind, ID).await.unwrap();
        desk.reload(kind, None).await.unwrap();
        drop(desk);
        self.told("a deleted automation");
    }

    async fn scripts_come_and_go(&mut self) {
        let mut desk = self.desk().await;
        let kind = RoutineKind::Script;
        desk.put_routine(kind, ID, &text(SCRIPT)).await.unwrap();
        desk.reload(kind, Some(ID)).await.unwrap();
        let entity = self.entity(&mut desk, kind, ID).await.unwrap().entity_id;
        assert_eq!(desk.states(&[&entity]).await, Ok(vec![(entity.clone(), RoutineState::Off)]));
        assert_eq!(desk.routine(kind, ID).await, Ok(Routine::Present(text(SCRIPT))));
        assert_eq!(desk.put_routine(kind, "Not_A_Slug", &text(SCRIPT)).await, Err(DeskError::Forbidden));
        desk.delete_routine(kind, ID).await.unwrap();
        desk.reload(kind, None).await.unwrap();
        assert_eq!(desk.states(&[&entity]).await, Ok(Vec::new()));
        assert_eq!(
            desk.routine(kind, "gute_nacht").await.map(|it| matches!(it, Routine::Present(_))),
            Ok(true)
        );
        drop(desk);
        self.told("scripts");
    }

    async fn notifications_come_and_go(&mut self) {
        let mut desk = self.desk().await;
        desk.notify("vestibule_test", "Vestibule", "A change waits for you.").await.unwrap();
        let told = self.call(json!({"type": "persistent_notification/get"})).await;
        assert!(told.to_string().contains("A change waits for you."), "{told}");
        desk.dismiss("vestibule_test").await.unwrap();
        let told = self.call(json!({"type": "persistent_notification/get"})).await;
        assert!(!told.to_string().contains("A change waits for you."), "{told}");
        let light = self.call(json!({"type": "config/entity_registry/list"})).await;
        let is_light = |it: &&Value| {
            it["entity_id"].as_str().unwrap().starts_with("light.") && it["disabled_by"].is_null()
        };
        let light = light.as_array().unwrap().iter().find(is_light).unwrap()["entity_id"].clone();
        desk.identify(light.as_str().unwrap()).await.unwrap();
        assert_eq!(desk.identify("lock.door").await, Err(DeskError::NotSupported));
        drop(desk);
        self.told("notifications and a lamp");
    }

    /// Valid when it was written, not when it is loaded.
    async fn a_broken_automation_is_told(&mut self) {
        let file = self.home.folder().join("automations.yaml");
        let before = std::fs::read_to_string(&file).unwrap();
        let broken = format!(
            "{before}\n- id: vestibule_broken\n  alias: Vestibule broken\n  trigger:\n  - platform: no_such_platform\n  action: []\n"
        );
        std::fs::write(&file, broken).unwrap();
        let mut desk = self.desk().await;
        desk.reload(RoutineKind::Automation, None).await.unwrap();
        let entity =
            self.entity(&mut desk, RoutineKind::Automation, "vestibule_broken").await.unwrap().entity_id;
        let state = desk.states(&[&entity]).await.unwrap();
        assert_eq!(state, [(entity.clone(), RoutineState::Unavailable)]);
        let issues = desk.issues().await.unwrap();
        let told = issues.iter().any(|issue| issue.starts_with(&entity));
        // Repairs of this kind came after 2024.4.
        assert_eq!(told, !self.is_old(), "{issues:?}");
        std::fs::write(&file, before).unwrap();
        desk.reload(RoutineKind::Automation, None).await.unwrap();
        drop(desk);
        self.told("a broken automation");
    }

    async fn secrets_in_the_file_are_noticed(&mut self) {
        let folder = self.home.folder();
        let file = folder.join("automations.yaml");
        let before = std::fs::read_to_string(&file).unwrap();
        std::fs::write(folder.join("secrets.yaml"), "canary: swordfish\n").unwrap();
        let secret = format!(
            "{before}\n- id: vestibule_secret\n  alias: !secret canary\n  trigger: []\n  action: []\n"
        );
        std::fs::write(&file, &secret).unwrap();
        let mut desk = self.desk().await;
        let kind = RoutineKind::Automation;
        assert_eq!(desk.routine(kind, "1700000000001").await, Ok(Routine::Unmanaged));
        assert_eq!(desk.put_routine(kind, ID, &text(ENABLED)).await, Err(DeskError::Unmanaged));
        assert_eq!(desk.delete_routine(kind, ID).await, Err(DeskError::Unmanaged));
        assert_eq!(std::fs::read_to_string(&file).unwrap(), secret, "nothing was written");
        // It is loaded all the same.
        desk.reload(kind, None).await.unwrap();
        assert!(self.entity(&mut desk, kind, "vestibule_secret").await.is_some());
        std::fs::write(&file, before).unwrap();
        drop(desk);
        self.told("secrets");
    }

    async fn resources_in_yaml_are_refused(&mut self) {
        let file = self.home.folder().join("configuration.yaml");
        let before = std::fs::read_to_string(&file).unwrap();
        let mode = if self.is_old() { "mode: yaml" } else { "resource_mode: yaml" };
        let resources = "resources:\n    - url: /local/theirs.js\n      type: module";
        let yaml =
            before.replace("lovelace:\n  mode: storage\n", &format!("lovelace:\n  {mode}\n  {resources}\n"));
        assert_ne!(yaml, before);
        std::fs::write(&file, yaml).unwrap();
        self.home.restart().await.unwrap();
        let mut desk = self.desk().await;
        assert_eq!(desk.resource_mode().await, Ok(ResourceMode::Yaml));
        let listed = desk.resources().await.unwrap();
        assert!(listed.len() == 1 && listed[0].id.is_none() && listed[0].url == text("/local/theirs.js"));
        let refused = Err(DeskError::UnknownCommand);
        assert_eq!(desk.create_resource(&text("/local/ours.js")).await, refused);
        drop(desk);
        self.told("resources in YAML");
    }

    /// R17: Home Assistant's log has nothing of what we sent.
    fn nothing_of_ours_was_complained_about(&mut self) {
        let log = self.home.log().unwrap();
        for canary in ["Omas Zebra", "A change waits", "Küche ü"] {
            assert!(!log.contains(canary), "{canary} is in Home Assistant's log");
        }
        self.told("the log");
    }
}
