//! Automations and scripts: they arrive off, are replaced, deleted and brought back, and the others stay as they were (R40, R43, R44).

use serde_json::{Value, json};

use super::stage::Stage;
use crate::support::{SOON, until};

const ID: &str = "vestibule_zebra";
const SCRIPT: &str = "vestibule_zebra_script";
/// The old words, which every version takes.
const WAKE: &str = r#"{"alias":"Zebra","description":"","trigger":[{"platform":"event","event_type":"zebra"}],"condition":[],"action":[{"service":"counter.increment","target":{"entity_id":"COUNTER"}}],"mode":"single"}"#;
const NIGHT: &str = r#"{"alias":"Zebra script","sequence":[{"service":"counter.increment","target":{"entity_id":"COUNTER"}}],"mode":"single"}"#;
/// What the owner's automations and scripts are called in their files.
const OWNERS: [(&str, &str); 4] = [
    ("automation", "1700000000001"),
    ("automation", "1700000000002"),
    ("script", "gute_nacht"),
    ("script", "alles_aus"),
];

impl Stage {
    pub(super) async fn automations_arrive_off_and_are_switched_on(&mut self) {
        let (others, file) = (self.owners_routines().await, self.file("automations.yaml"));
        let counter = format!("@{}", self.entity("counter").await);
        let written = |text: &str| {
            format!("{ID}={}", self.staff.file("zebra.json", &text.replace("COUNTER", &counter)))
        };
        let one = written(WAKE);
        let shown = self.offered("Zebra automation", &["--automation", &one]).await;
        let id = shown["id"].as_str().unwrap();
        // R40: what Home Assistant does to the file is part of what the owner says yes to.
        let rewrites =
            shown["abilities"].as_array().unwrap().iter().find(|one| one["kind"] == "rewrites_file");
        assert_eq!(rewrites.map(|one| &one["subject"]), Some(&json!("automations.yaml")), "{shown:#}");
        assert_eq!(shown["display_only"], false);
        assert_eq!(self.file("automations.yaml"), file, "nothing is written before the yes");
        self.approve(id).await;
        self.becomes(id, "verified").await;
        self.heard(id, "applied").await;
        let mut due = self.stored(&WAKE.replace("COUNTER", "counter.besucher"));
        (due["id"], due["initial_state"]) = (json!(ID), json!(false));
        assert_eq!(self.value("automation", ID).await.as_ref(), Some(&due));
        let entity = self.entry("automation", ID).await.unwrap()["entity_id"].as_str().unwrap().to_owned();
        assert_eq!(self.state(&entity).await.as_deref(), Some("off"));
        assert_eq!(self.owners_routines().await, others);

        let on = self.house.agent.json(&["deployments", "enable", id]).await;
        assert_eq!(on["items"][0]["enabled"], true, "{on:#}");
        due.as_object_mut().unwrap().remove("initial_state");
        assert_eq!(self.value("automation", ID).await.as_ref(), Some(&due));
        assert_eq!(self.state(&entity).await.as_deref(), Some("on"));
        // Off again at the next start it is not: the file says so.
        assert!(!self.file("automations.yaml").contains("initial_state"));

        // A new version leaves the switch alone, and so does its undo.
        self.house.equal("it was switched on").await;
        let two = written(&WAKE.replace(r#""single""#, r#""restart""#));
        let second = self.deployed("Zebra automation two", &["--automation", &two]).await;
        let mut changed = due.clone();
        changed["mode"] = json!("restart");
        assert_eq!(self.value("automation", ID).await, Some(changed));
        assert_eq!(self.state(&entity).await.as_deref(), Some("on"));
        self.undo(&second).await;
        assert_eq!(self.value("automation", ID).await.as_ref(), Some(&due));
        assert_eq!(self.state(&entity).await.as_deref(), Some("on"));

        // Taken back altogether, it is gone, with its entity.
        self.undo(id).await;
        assert_eq!(self.value("automation", ID).await, None);
        assert_eq!(self.entry("automation", ID).await, None);
        assert_eq!(self.owners_routines().await, others);
        self.told("automations");
    }

    /// R44: an owner's automation comes back with everything that was set about it.
    pub(super) async fn an_owners_automation_is_replaced_and_deleted_and_comes_back(&mut self) {
        let id = OWNERS[0].1;
        let others = self.owners_routines().await;
        let before = self.value("automation", id).await.unwrap();
        let thing = self.content_with("input_button.press").await;
        let held = self.held(&thing, |text| text.contains("restart")).await;
        let file = self.staff.file("movement.json", &held.replace(r#""restart""#, r#""queued""#));
        let second = self.deployed("Zebra movement", &["--automation", &format!("{thing}={file}")]).await;
        let mut due = self.stored(&before.to_string());
        due["mode"] = json!("queued");
        assert_eq!(self.value("automation", id).await, Some(due));
        self.undo(&second).await;
        assert_eq!(self.value("automation", id).await, Some(self.stored(&before.to_string())));

        let entity = self.set_up(id).await;
        let (before, state) = (self.value("automation", id).await, self.state(&entity).await);
        let entry = self.entry("automation", id).await.unwrap();
        self.held(&thing, |text| text.contains("restart")).await;
        let gone = self.deployed("Zebra movement gone", &["--delete", &format!("automation/{thing}")]).await;
        assert_eq!((self.value("automation", id).await, self.entry("automation", id).await), (None, None));
        self.undo(&gone).await;
        assert_eq!(self.value("automation", id).await, before);
        let after = self.entry("automation", id).await.unwrap();
        for field in
            ["entity_id", "name", "icon", "area_id", "labels", "categories", "aliases", "hidden_by", "id"]
        {
            assert_eq!(after[field], entry[field], "{field}");
        }
        assert_eq!(after["options"]["conversation"], entry["options"]["conversation"], "exposure");
        assert_eq!(self.state(&entity).await, state);
        for (kind, other) in &OWNERS[1..] {
            assert_eq!(self.value(kind, other).await, others.iter().find(|(id, _)| id == other).unwrap().1);
        }
        self.told("an owner's automation");
    }

    pub(super) async fn scripts_come_change_and_go(&mut self) {
        let others = self.owners_routines().await;
        let counter = format!("@{}", self.entity("counter").await);
        let written = |text: &str| {
            format!("{SCRIPT}={}", self.staff.file("night.json", &text.replace("COUNTER", &counter)))
        };
        let one = written(NIGHT);
        let first = self.deployed("Zebra script", &["--script", &one]).await;
        let due = self.stored(&NIGHT.replace("COUNTER", "counter.besucher"));
        assert_eq!(self.value("script", SCRIPT).await.as_ref(), Some(&due));
        let entity = format!("script.{SCRIPT}");
        assert_eq!(self.state(&entity).await.as_deref(), Some("off"));

        self.house.equal("a new script").await;
        let two = written(&NIGHT.replace(r#""single""#, r#""restart""#));
        let second = self.deployed("Zebra script two", &["--script", &two]).await;
        assert_eq!(self.value("script", SCRIPT).await.unwrap()["mode"], "restart");
        self.undo(&second).await;
        assert_eq!(self.value("script", SCRIPT).await.as_ref(), Some(&due));

        let thing = self.thing(&first, 0).await;
        self.house.equal("a script was taken back").await;
        let gone = self.deployed("Zebra script gone", &["--delete", &format!("script/{thing}")]).await;
        assert_eq!((self.value("script", SCRIPT).await, self.state(&entity).await), (None, None));
        self.undo(&gone).await;
        assert_eq!(self.value("script", SCRIPT).await.as_ref(), Some(&due));
        assert_eq!(self.state(&entity).await.as_deref(), Some("off"));
        self.undo(&first).await;
        assert_eq!(self.value("script", SCRIPT).await, None);
        assert_eq!(self.owners_routines().await, others);

        // An owner's script, designed anew from what the portal holds.
        let thing = self.content_with("counter.reset").await;
        let held = self.held(&thing, |text| text.contains("queued")).await;
        let file = self.staff.file("good-night.json", &held.replace(r#""queued""#, r#""parallel""#));
        let id = self.deployed("Zebra night", &["--script", &format!("{thing}={file}")]).await;
        let before = &others.iter().find(|(id, _)| id == "gute_nacht").unwrap().1;
        let before = before.as_ref().unwrap();
        let mut due = self.stored(&before.to_string());
        due["mode"] = json!("parallel");
        assert_eq!(self.value("script", "gute_nacht").await, Some(due));
        self.undo(&id).await;
        assert_eq!(self.value("script", "gute_nacht").await, Some(self.stored(&before.to_string())));
        self.told("scripts");
    }

    /// An owner gives an automation another id, a name, a room, a label; its entity id.
    async fn set_up(&self, id: &str) -> String {
        let entity = self.entry("automation", id).await.unwrap()["entity_id"].clone();
        let area = self.call(json!({"type": "config/area_registry/list"})).await[0]["area_id"].clone();
        let renamed = "automation.omas_bewegung";
        let mut set = json!({
            "type": "config/entity_registry/update", "entity_id": entity, "new_entity_id": renamed, "name": "Omas Bewegung",
            "icon": "mdi:horse", "area_id": area, "aliases": ["Streifen"], "hidden_by": "user",
        });
        if !self.is_old() {
            let labels = self.call(json!({"type": "config/label_registry/list"})).await;
            set["labels"] = json!([labels[0]["label_id"]]);
        }
        self.call(set).await;
        self.call(json!({
            "type": "homeassistant/expose_entity", "assistants": ["conversation"], "entity_ids": [renamed],
            "should_expose": true,
        }))
        .await;
        until("it has its new id", SOON, async || {
            let state = self.state(renamed).await;
            if state.as_deref() == Some("on") { Ok(()) } else { Err(format!("{state:?}")) }
        })
        .await;
        renamed.to_owned()
    }

    async fn value(&self, kind: &str, id: &str) -> Option<Value> {
        self.routine(kind, id).await.map(|text| serde_json::from_str(&text).unwrap())
    }

    async fn owners_routines(&self) -> Vec<(String, Option<Value>)> {
        let mut all = Vec::new();
        for (kind, id) in OWNERS {
            all.push((id.to_owned(), self.value(kind, id).await));
        }
        all
    }
}
