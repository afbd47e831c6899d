//! Promise 1 on real Home Assistants: whatever happens to home, agent or portal, they end equal to a fresh reading of the home. Without
//! `names` nobody learns that something was renamed. S1, S31, S32, S36, S71, S98; R18, R20, R27, R28, R29.
//!
//! One home of each version lives through one long story, because starting and furnishing it is what takes the time.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use vestibule_dev::real::{NEWEST, OLDEST, Options, RealHome, TEST_ENTITIES};
use vestibule_protocol::id::Fingerprint;
use vestibule_protocol::message::FromAgent;

use crate::ledger::{self, Row};
use crate::support::real::{self, TURN};
use crate::support::{House, contains, copy_folder, files, put_back, until, wire};

/// A home of a thousand entities that was just restarted, on a machine that is busy with other things.
const SETTLED: Duration = Duration::from_secs(240);
/// Names that people gave, as they stand in the furnished house, and those that the story gives.
const NAMES: [&str; 8] = [
    "Marias Zimmer",
    "Omas Gerät",
    "Eigener Name",
    "Woanders",
    "Zebrafink",
    "zebrafink",
    "Alias eins",
    "Schlüssel liegt bei",
];

struct Story {
    home: RealHome,
    house: House,
    /// Rows of the ledger that a restored data folder does not know any more.
    lost: Vec<Row>,
    since: Instant,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_oldest_home_assistant_stays_in_step_through_everything() {
    live("the_oldest_home_assistant_stays_in_step_through_everything", OLDEST).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_newest_home_assistant_stays_in_step_through_everything() {
    live("the_newest_home_assistant_stays_in_step_through_everything", NEWEST).await;
}

async fn live(test: &str, version: &str) {
    let _turn = TURN.lock().await;
    let options = Options::new(version).entities(TEST_ENTITIES);
    let Some(home) = real::home(test, options).await else { return };
    let house = House::paired(&home.url(), home.token()).await;
    let mut story = Story { home, house, lost: Vec::new(), since: Instant::now() };
    story.first_sync().await;
    story.renames_without_names_are_silent().await;
    story.an_area_shows_its_kind_at_most().await;
    story.things_move_come_and_go().await;
    story.integrations_and_templates_are_reloaded().await;
    story.agent_and_portal_are_killed_in_the_middle().await;
    story.home_assistant_is_restarted().await;
    story.the_portal_is_put_back_to_an_earlier_copy().await;
    story.the_agent_is_put_back_to_an_earlier_copy().await;
    story.nothing_personal_has_left();
    story.names_are_granted_and_follow_renames().await;
    story.names_are_withdrawn_and_gone().await;
    story.the_ledger_is_the_wire().await;
    story.forgotten_means_gone().await;
}

impl Story {
    fn told(&mut self, chapter: &str) {
        println!("{}: {chapter} {:.1?}", self.home.version(), self.since.elapsed());
        self.since = Instant::now();
    }

    async fn equal(&self, after: &str) {
        self.house.equal_within(after, SETTLED).await;
    }

    async fn list(&self, registry: &str) -> Vec<Value> {
        let list = self.home.call(json!({"type": format!("config/{registry}_registry/list")})).await.unwrap();
        list.as_array().unwrap().clone()
    }

    async fn call(&self, command: Value) -> Value {
        self.home.call(command).await.unwrap()
    }

    /// An entity that the example house made, of this domain.
    async fn entity(&self, domain: &str) -> Value {
        let prefix = format!("{domain}.");
        let fits = |entity: &Value| {
            entity["platform"] == "example_house"
                && entity["entity_id"].as_str().unwrap().starts_with(&prefix)
                && entity["disabled_by"].is_null()
                && entity["hidden_by"].is_null()
                && !entity["device_id"].is_null()
        };
        self.list("entity").await.into_iter().find(fits).unwrap()
    }

    /// A device that stands somewhere by itself.
    async fn device(&self) -> Value {
        let fits = |device: &Value| {
            !device["area_id"].is_null()
                && device["parent_device_id"].is_null()
                && device["disabled_by"].is_null()
        };
        self.list("device").await.into_iter().find(fits).unwrap()
    }

    async fn count(&self, kind: &str) -> usize {
        let prefix = format!("{kind}/");
        self.house.records().await.keys().filter(|key| key.starts_with(&prefix)).count()
    }

    async fn holds_so_many(&self, kind: &str, due: usize) {
        until(kind, SETTLED, async || {
            let now = self.count(kind).await;
            if now == due { Ok(()) } else { Err(format!("{now} {kind} records instead of {due}")) }
        })
        .await;
    }

    /// A change that the portal must see: after it has, everything before it has been dealt with too.
    async fn fence(&self, name: &str) -> Value {
        let before = self.count("area").await;
        let made = self.call(json!({"type": "config/area_registry/create", "name": name})).await;
        self.holds_so_many("area", before + 1).await;
        self.house.in_sync().await;
        made["area_id"].clone()
    }

    async fn rename_things(&self, word: &str) {
        let entity = self.entity("light").await;
        let old = entity["entity_id"].as_str().unwrap();
        self.call(json!({
            "type": "config/entity_registry/update", "entity_id": old, "new_entity_id": format!("{old}_{}", word.to_lowercase()),
            "name": format!("{word} Leuchte ä"),
        }))
        .await;
        let device = self.device().await["id"].clone();
        self.call(json!({"type": "config/device_registry/update", "device_id": device, "name_by_user": format!("{word} Gerät")}))
            .await;
        let label = self.list("label").await[0]["label_id"].clone();
        self.call(json!({"type": "config/label_registry/update", "label_id": label, "name": format!("{word} Etikett")}))
            .await;
    }

    async fn first_sync(&mut self) {
        self.equal("the first sync").await;
        let entities = self.count("entity").await;
        assert!(entities >= 1_000, "{entities} entities");
        let states = self.call(json!({"type": "get_states"})).await;
        let ids = states.as_array().unwrap().iter().map(|state| state["entity_id"].as_str().unwrap());
        let domains: BTreeSet<&str> = ids.map(|id| id.split_once('.').unwrap().0).collect();
        assert!(domains.len() >= 25, "{domains:?}");
        for kind in ["home", "floor", "area", "label", "device", "integration", "dashboard", "automation"] {
            assert!(self.count(kind).await > 0, "no {kind}");
        }
        self.told("first sync");
    }

    async fn renames_without_names_are_silent(&mut self) {
        let before = wire::frames_sent(&self.house.portal.recorder).len();
        self.rename_things("zebrafink").await;
        // The oldest version has labels and lets nothing be put on them. They say nothing of a thing, whoever has one.
        if !self.home.version().starts_with("2024.3.") {
            let label = self.list("label").await[1]["label_id"].clone();
            let entity = self.entity("cover").await["entity_id"].clone();
            self.call(
                json!({"type": "config/entity_registry/update", "entity_id": entity, "labels": [label]}),
            )
            .await;
        }
        let area = self.fence("Zaun").await;
        let said = wire::sent(&self.house.portal.recorder).split_off(before);
        assert!(said.iter().all(|message| matches!(message, FromAgent::Push(_))), "{said:?}");
        let keys = wire::keys(&said);
        // Other areas may have moved in the owner's order; nothing else has changed.
        assert!(!keys.is_empty() && keys.iter().all(|key| key.starts_with("area/")), "{keys:?}");
        self.call(json!({"type": "config/area_registry/delete", "area_id": area})).await;
        self.equal("renames").await;
        self.told("renames without names");
    }

    async fn an_area_shows_its_kind_at_most(&mut self) {
        let before = self.house.records().await;
        let area = self.list("area").await.into_iter().find(|area| area["name"] == "Wohnzimmer").unwrap();
        self.call(json!({"type": "config/area_registry/update", "area_id": area["area_id"], "name": "Zebrafink Garage"}))
            .await;
        self.house.holds("the new kind arrives", |records| *records != before).await;
        self.equal("an area was renamed").await;
        let after = self.house.records().await;
        assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
        for (key, was) in &before {
            let (is, was) = (after[key].as_object().unwrap(), was.as_object().unwrap());
            let names: BTreeSet<&String> = is.keys().chain(was.keys()).collect();
            let changed: Vec<_> = names.into_iter().filter(|name| is.get(*name) != was.get(*name)).collect();
            let allowed = key.starts_with("area/")
                && changed.iter().all(|name| ["kind", "ordinal", "order"].contains(&name.as_str()));
            assert!(changed.is_empty() || allowed, "{key}: {changed:?}");
        }
        self.told("an area renamed");
    }

    async fn things_move_come_and_go(&mut self) {
        let device = self.device().await;
        let areas = self.list("area").await;
        let other =
            areas.iter().find(|area| area["area_id"] != device["area_id"]).unwrap()["area_id"].clone();
        let before = self.house.records().await;
        self.call(
            json!({"type": "config/device_registry/update", "device_id": device["id"], "area_id": other}),
        )
        .await;
        self.house.holds("the device has moved", |records| *records != before).await;
        self.equal("a device was moved").await;

        let entities = self.count("entity").await;
        self.home.add_entities(12).await.unwrap();
        until("new entities arrive", SETTLED, async || {
            let now = self.count("entity").await;
            if now > entities { Ok(()) } else { Err(format!("{entities} entities, then {now}")) }
        })
        .await;
        self.equal("entities were added").await;
        let devices = self.count("device").await;
        self.home.remove_devices(2).await.unwrap();
        until("devices are gone", SETTLED, async || {
            let now = self.count("device").await;
            if now < devices { Ok(()) } else { Err(format!("{devices} devices, then {now}")) }
        })
        .await;

        let switch = self.entity("switch").await["entity_id"].clone();
        for disabled in [json!("user"), Value::Null] {
            let before = self.house.records().await;
            self.call(json!({"type": "config/entity_registry/update", "entity_id": switch, "disabled_by": disabled}))
                .await;
            self.house.holds("an entity is disabled or enabled", |records| *records != before).await;
        }
        let before = self.count("label").await;
        let label =
            self.call(json!({"type": "config/label_registry/create", "name": "Zebrafink zwei"})).await;
        self.holds_so_many("label", before + 1).await;
        self.call(json!({"type": "config/label_registry/delete", "label_id": label["label_id"]})).await;
        self.holds_so_many("label", before).await;
        let before = self.house.records().await;
        let floor = self.list("floor").await[0]["floor_id"].clone();
        self.call(json!({"type": "config/floor_registry/update", "floor_id": floor, "level": 7})).await;
        self.house.holds("a floor moves", |records| *records != before).await;
        self.equal("things moved, came and went").await;
        self.told("things move, come and go");
    }

    async fn integrations_and_templates_are_reloaded(&mut self) {
        let before = self.count("entity").await;
        let path = self.home.folder().join("packages/helpers.yaml");
        let text = std::fs::read_to_string(&path).unwrap();
        let more = "  - sensor:\n      - name: Zebrafink heute\n        unique_id: zebrafink-heute\n        state: \"{{ 1 }}\"\n";
        assert!(text.contains("\ntemplate:\n"));
        std::fs::write(&path, text.replace("\ntemplate:\n", &format!("\ntemplate:\n{more}"))).unwrap();
        self.home.act("template", "reload", json!({})).await.unwrap();
        until("the new template arrives", SETTLED, async || {
            let now = self.count("entity").await;
            if now > before { Ok(()) } else { Err(format!("{before} entities, then {now}")) }
        })
        .await;
        self.equal("templates were reloaded").await;
        let entity = self.entity("light").await["entity_id"].clone();
        self.home.act("homeassistant", "reload_config_entry", json!({"entity_id": entity})).await.unwrap();
        self.equal("an integration was reloaded").await;
        self.told("reloads");
    }

    async fn agent_and_portal_are_killed_in_the_middle(&mut self) {
        let (added, ()) = tokio::join!(self.home.add_entities(25), self.house.agent.kill());
        added.unwrap();
        self.house.agent.start();
        self.equal("the agent was killed").await;
        let (added, ()) = tokio::join!(self.home.add_entities(25), self.house.portal.kill());
        added.unwrap();
        self.house.portal.serve().await;
        self.equal("the portal was killed").await;
        // Both at once, and the home goes on meanwhile.
        let (removed, (), ()) =
            tokio::join!(self.home.remove_devices(3), self.house.agent.kill(), self.house.portal.kill());
        removed.unwrap();
        self.house.agent.start();
        self.house.portal.serve().await;
        self.equal("agent and portal were killed").await;
        self.told("kills");
    }

    async fn home_assistant_is_restarted(&mut self) {
        let device = self.device().await["id"].clone();
        let nowhere = json!({"type": "config/device_registry/update", "device_id": device, "area_id": null});
        self.call(nowhere).await;
        self.home.restart_core().await.unwrap();
        self.equal("Home Assistant restarted itself").await;
        self.told("homeassistant.restart");
        // What it had not written yet is lost to it, and comes back at the portal.
        self.home.add_entities(10).await.unwrap();
        self.home.kill();
        until("the agent notices", SETTLED, async || {
            let status = self.house.agent.status().await;
            if status["home"]["connected"] == false && status["in_sync"] == false {
                Ok(())
            } else {
                Err(status.to_string())
            }
        })
        .await;
        assert!(self.count("entity").await >= 1_000, "R18: a home that is away is not an empty home");
        self.home.restart().await.unwrap();
        self.equal("Home Assistant was killed").await;
        // What the restart took away without a registry entry is held for ten minutes (R8), by the portal and in the preview alike. An
        // agent that was not there when it vanished has nothing to wait for.
        self.house.agent.kill().await;
        self.house.agent.start();
        self.equal("the agent was killed after that").await;
        self.told("Home Assistant killed");
    }

    async fn the_portal_is_put_back_to_an_earlier_copy(&mut self) {
        let copy = self.house.portal.beside("yesterday");
        self.house.portal.kill().await;
        copy_folder(&self.house.portal.data(), &copy);
        self.house.portal.serve().await;
        self.home.add_entities(15).await.unwrap();
        self.fence("Später").await;
        self.equal("things were added").await;
        let areas = self.count("area").await;
        self.house.portal.kill().await;
        put_back(&copy, &self.house.portal.data());
        self.house.portal.serve().await;
        self.equal("the portal's data were put back").await;
        assert_eq!(self.count("area").await, areas);
        self.told("portal put back");
    }

    async fn the_agent_is_put_back_to_an_earlier_copy(&mut self) {
        let copy = self.house.agent.beside("yesterday");
        assert_eq!(self.house.agent.stop().await, Some(0));
        copy_folder(&self.house.agent.data(), &copy);
        let known = ledger::exported(&self.house.agent).await.len();
        // The portal forgets a token once a later one has been presented: that takes two connections.
        for _ in 0..2 {
            self.house.agent.start();
            self.equal("the agent was restarted").await;
            assert_eq!(self.house.agent.stop().await, Some(0));
        }
        self.lost.extend(ledger::exported(&self.house.agent).await.into_iter().skip(known));
        let device = self.device().await["id"].clone();
        let area = self.list("area").await[0]["area_id"].clone();
        self.call(json!({"type": "config/device_registry/update", "device_id": device, "area_id": area}))
            .await;
        put_back(&copy, &self.house.agent.data());
        self.house.agent.start();
        self.equal("the agent's data were put back").await;
        let seen = self.house.portal.instance(&self.house.tenant, &self.house.fingerprint).await;
        assert!(seen["restored"].is_u64(), "R6: the portal has not noticed: {seen}");
        assert_eq!(self.house.agent.status().await["restored"], true);
        self.told("agent put back");
    }

    /// Under `structure` alone no name has left, and what never may leave has not been said anywhere.
    fn nothing_personal_has_left(&mut self) {
        let sent = wire::everything_sent(&self.house.portal.recorder);
        let (log, said) = (self.house.agent.log(), self.house.agent.said());
        let portal = files(&self.house.portal.data());
        for name in NAMES.iter().copied().chain([self.home.token()]) {
            assert!(!sent.iter().any(|bytes| contains(bytes, name.as_bytes())), "{name} was sent");
            assert!(
                !portal.iter().any(|(_, bytes)| contains(bytes, name.as_bytes())),
                "{name} is at the portal"
            );
            assert!(!log.contains(name) && !said.contains(name), "{name} was logged");
        }
        self.told("nothing personal has left");
    }

    async fn names_are_granted_and_follow_renames(&mut self) {
        self.house.agent.json(&["consent", "grant", "names"]).await;
        self.equal("names were granted").await;
        assert!(self.count("name").await >= 500, "{} names", self.count("name").await);
        self.rename_things("Zebrafink").await;
        for word in ["Zebrafink Leuchte ä", "Zebrafink Gerät", "Zebrafink Etikett"] {
            until(word, SETTLED, async || {
                if self.house.snapshot().await.contains(word) { Ok(()) } else { Err(String::new()) }
            })
            .await;
        }
        self.equal("renames with names").await;
        // The scan that has to find nothing afterwards does find something now.
        let portal = files(&self.house.portal.data());
        for name in ["Zebrafink", "Marias Zimmer", "Eigener Name"] {
            assert!(portal.iter().any(|(_, bytes)| contains(bytes, name.as_bytes())), "{name}");
        }
        self.told("names");
    }

    async fn names_are_withdrawn_and_gone(&mut self) {
        self.house.agent.json(&["consent", "withdraw", "names"]).await;
        self.house
            .holds("no name is left", |records| records.keys().all(|key| !key.starts_with("name/")))
            .await;
        self.equal("names were withdrawn").await;
        for (file, bytes) in files(&self.house.portal.data()) {
            for name in NAMES {
                assert!(!contains(&bytes, name.as_bytes()), "{name} is still in {file}");
            }
        }
        self.told("names withdrawn");
    }

    async fn the_ledger_is_the_wire(&mut self) {
        assert_eq!(self.house.agent.stop().await, Some(0));
        let mut rows = ledger::exported(&self.house.agent).await;
        // What was written after the copy was made belongs where the copy ends.
        if let Some(first) = self.lost.first().map(|row| row.seq) {
            let at = rows.iter().position(|row| row.seq == first).unwrap();
            let after = rows.split_off(at);
            rows.append(&mut self.lost);
            rows.extend(after);
        }
        let captures = self.house.portal.recorder.captures();
        let messages = ledger::agree(&captures, &rows);
        // Fifty or so; far fewer would mean that something was not captured, and that the comparison compared nothing.
        assert!(messages > 30, "{messages} messages");
        ledger::frames_around_are_the_documented_ones(
            &captures,
            &self.house.portal.origin(),
            &self.house.tenant.id,
        );
        assert_eq!(self.house.agent.json(&["ledger", "verify"]).await["verified"], true);
        let token = self.home.token();
        let sent = wire::everything_sent(&self.house.portal.recorder);
        assert!(!sent.iter().any(|bytes| contains(bytes, token.as_bytes())), "the token was sent");
        self.house.agent.run().await;
        self.told("ledger and wire");
    }

    async fn forgotten_means_gone(&mut self) {
        let path = format!("/v1/instances/{}", self.house.fingerprint);
        assert_eq!(self.house.portal.get(&self.house.tenant, &path).await.status, 200);
        self.house.agent.json(&["forget", "--yes"]).await;
        until("the portal has erased the home", SETTLED, async || {
            let status = self.house.portal.get(&self.house.tenant, &path).await.status;
            if status == 404 { Ok(()) } else { Err(status.to_string()) }
        })
        .await;
        let status = until("the receipt has come", SETTLED, async || {
            let status = self.house.agent.status().await;
            if status["forgetting"] == false { Ok(status) } else { Err(status.to_string()) }
        })
        .await;
        assert_eq!(status["fingerprint"], Value::Null);
        let fingerprint: Fingerprint = self.house.fingerprint.parse().unwrap();
        for (file, bytes) in files(&self.house.portal.data()) {
            assert!(
                !contains(&bytes, self.house.fingerprint.as_bytes()),
                "the fingerprint is still in {file}"
            );
            assert!(!contains(&bytes, &fingerprint.0), "the fingerprint's bytes are still in {file}");
        }
        self.told("forgotten");
    }
}
