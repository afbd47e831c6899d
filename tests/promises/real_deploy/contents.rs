//! The classes `dashboards` and `automations` from a real home: what the portal gets is what it should be, and not a word of the home.

use serde_json::{Value, json};

use super::stage::Stage;
use crate::privacy::{nowhere, places};

/// The path of the dashboard that the furnished house has.
pub(super) const OWNERS: &str = "haus-energie";
/// What people write into dashboards, and what must stay there.
const CANARIES: [&str; 15] = [
    "Énergie",
    "Übersicht",
    "omas-seite",
    "Omas Küche",
    "Besuch von Frau Muster",
    "Code der Haustür",
    "192.168.7.13",
    "geheim4711",
    "marias_telefon",
    "Tür offen",
    "+49 89 1234567",
    "Licht bei Bewegung",
    "Nur abends",
    "Gute Nacht",
    "Filmabend",
];
/// Area ids that are words of the vocabulary as well.
const WORDS: [&str; 4] = ["bedroom", "garage", "kitchen", "living_room"];

/// The owner's dashboard.
pub(super) fn owners() -> Value {
    json!({"title": "Énergie", "views": [{"title": "Übersicht", "path": "omas-seite", "cards": [
        {"type": "entities", "title": "Omas Küche", "entities": [
            "input_boolean.gaeste", {"entity": "counter.besucher", "name": "Besuch von Frau Muster"},
        ]},
        {"type": "markdown", "content": "Code der Haustür: 4711 {{ states('counter.besucher') }}"},
        {"type": "markdown", "content": "{{ states('counter.besucher') }}"},
        {"type": "picture", "image": "http://192.168.7.13/kamera.jpg?token=geheim4711", "tap_action": {
            "action": "call-service", "service": "notify.marias_telefon",
            "data": {"message": "Tür offen", "target": "+49 89 1234567"},
        }},
        {"type": "area", "area": "garage"},
    ]}]})
}

impl Stage {
    pub(super) async fn contents_leave_without_a_word_of_the_home(&mut self) {
        self.edit_board(OWNERS, &owners()).await;
        assert_eq!(
            self.board(OWNERS).await,
            Some(owners().to_string()),
            "the oracle knows how it is spelled"
        );
        for class in ["dashboards", "automations"] {
            self.house.agent.json(&["consent", "grant", class]).await;
        }
        self.house.equal("contents are granted").await;

        let (guests, visitors) = (self.entity("input_boolean").await, self.entity("counter").await);
        let (button, garage) =
            (self.entity("input_button").await, self.id("area", |area| area["kind"] == "garage").await);
        let (guests, visitors) = (format!("@{guests}"), format!("@{visitors}"));
        let due = json!({"title": "@x_", "views": [{"title": "@x_", "path": "@x_", "cards": [
            {"type": "entities", "title": "@x_", "entities": [guests, {"entity": visitors, "name": "@x_"}]},
            {"type": "markdown", "content": "@x_"},
            {"type": "markdown", "content": format!("{{{{ states('{visitors}') }}}}")},
            {"type": "picture", "image": "@x_", "tap_action": {
                "action": "call-service", "service": "@x_", "data": {"message": "@x_", "target": "@x_"},
            }},
            {"type": "area", "area": format!("@{garage}")},
        ]}]});
        let movement = json!({
            "id": "@x_", "alias": "@x_", "description": "@x_", "mode": "restart", "condition": [],
            "trigger": [{"platform": "state", "entity_id": guests, "to": "on"}],
            "action": [{"service": "input_button.press", "target": {"entity_id": format!("@{button}")}}],
        });
        let night = json!({
            "id": "@x_", "alias": "@x_", "mode": "single", "trigger": [{"platform": "time", "at": "@x_"}],
            "action": [{"service": "counter.increment", "target": {"entity_id": visitors}}],
        });
        let good_night = json!({
            "alias": "@x_", "icon": "@x_", "mode": "queued", "max": 4,
            "sequence": [{"service": "counter.reset", "target": {"entity_id": visitors}}],
        });
        let all_off = json!({
            "alias": "@x_", "fields": {"@x_": {"description": "@x_", "example": "@x_"}},
            "sequence": [{"delay": "@x_"}],
        });
        let film = json!({"id": "@x_", "name": "@x_", "icon": "@x_", "entities": {guests.as_str(): "on"}});
        let breakfast = json!({"id": "@x_", "name": "@x_", "entities": {guests.as_str(): "off"}});
        let mut due = vec![due, movement, night, good_night, all_off, film, breakfast];
        if !self.is_old() {
            // Newer versions begin with a dashboard of their own.
            due.push(json!({"strategy": {"type": "map"}}));
        }
        let records = self.house.records().await;
        let held: Vec<Value> = records
            .iter()
            .filter(|(key, _)| key.starts_with("content/"))
            .map(|(_, record)| serde_json::from_str(record["text"].as_str().unwrap()).unwrap())
            .collect();
        for due in &due {
            let fitting = held.iter().filter(|held| fits(due, held)).count();
            assert_eq!(fitting, 1, "{due:#} among {held:#?}");
        }
        // What is kept in YAML, and what the editor cannot reach, has not left.
        assert_eq!(held.len(), due.len(), "{held:#?}");
        self.nothing_of_the_home_has_left().await;
        self.told("contents");
    }

    pub(super) async fn nothing_personal_has_left_in_all_that(&mut self) {
        self.nothing_of_the_home_has_left().await;
        let log = self.home.log().unwrap();
        for canary in ["Zebra", "Quagga"] {
            assert!(!log.contains(canary), "R17: {canary} is in Home Assistant's log");
        }
        self.told("nothing personal has left");
    }

    /// Neither on the wire, nor in the portal's files, nor in what the programs say: ids of the home, names, texts.
    async fn nothing_of_the_home_has_left(&self) {
        let list =
            async |command: &str| self.call(json!({"type": command})).await.as_array().unwrap().clone();
        let texts = |list: &[Value], key: &str| -> Vec<String> {
            list.iter().filter_map(|one| one[key].as_str()).map(str::to_owned).collect()
        };
        let entities = list("config/entity_registry/list").await;
        let devices = list("config/device_registry/list").await;
        let areas = list("config/area_registry/list").await;
        let labels = list("config/label_registry/list").await;
        let mut canaries: Vec<String> = CANARIES.map(str::to_owned).into();
        canaries.push(self.home.token().to_owned());
        canaries.extend(texts(&list("get_states").await, "entity_id"));
        canaries.extend(texts(&entities, "id").into_iter().chain(texts(&entities, "name")));
        canaries.extend(texts(&devices, "id").into_iter().chain(texts(&devices, "name_by_user")));
        canaries.extend(texts(&areas, "area_id").into_iter().filter(|id| !WORDS.contains(&id.as_str())));
        canaries.extend(texts(&areas, "name").into_iter().chain(texts(&labels, "name")));
        // What is short stands everywhere by chance.
        canaries.retain(|canary| canary.len() > 5);
        assert!(canaries.len() > 200, "{} canaries", canaries.len());
        nowhere(&canaries.iter().map(String::as_str).collect::<Vec<_>>(), &places(&self.house));
    }
}

/// Whether contents are as they should be; `@x_` stands for any hidden text, as a key for the one key that is no other.
fn fits(due: &Value, held: &Value) -> bool {
    let hidden = |text: &str| text.strip_prefix("@x_").is_some_and(|rest| rest.len() == 13);
    match (due, held) {
        (Value::String(due), Value::String(held)) if due == "@x_" => hidden(held),
        (Value::Array(due), Value::Array(held)) => {
            due.len() == held.len() && due.iter().zip(held).all(|(due, held)| fits(due, held))
        }
        (Value::Object(due), Value::Object(held)) => {
            let of = |key: &str| {
                if key == "@x_" {
                    held.iter().find(|(key, _)| hidden(key)).map(|(_, held)| held)
                } else {
                    held.get(key)
                }
            };
            due.len() == held.len()
                && due.iter().all(|(key, due)| of(key).is_some_and(|held| fits(due, held)))
        }
        (due, held) => due == held,
    }
}
