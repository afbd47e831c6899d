//! A real home, an agent, a portal and the company's people: what they do to each other, and how the home is read without Vestibule.

use std::net::SocketAddr;
use std::time::Instant;

use serde_json::{Value, json};
use vestibule_dev::real::{DEMO_ENTITIES, OLDEST, Options, RealHome};

use crate::support::{House, SOON, Staff, http, real, until};

/// States that are not left without anybody's doing.
const ENDS: [&str; 8] =
    ["settled", "refused", "conflict", "rolled_back", "undone", "needs_owner", "expired", "superseded"];

/// Everything that takes part.
pub(super) struct Stage {
    pub(super) home: RealHome,
    pub(super) house: House,
    pub(super) staff: Staff,
    /// The dashboard that stays in place for the rest of the story: its deployment and its text.
    pub(super) stays: (String, String),
    since: Instant,
}

impl Stage {
    /// A small home that is paired, whose portal has a charter.
    pub(super) async fn set(test: &str, version: &str) -> Option<Self> {
        let options = Options::new(version).entities(DEMO_ENTITIES);
        let home = real::home(test, options).await?;
        let house = House::paired(&home.url(), home.token()).await;
        let staff = Staff::of(&house).await;
        house.in_sync().await;
        Some(Self { home, house, staff, stays: Default::default(), since: Instant::now() })
    }

    pub(super) fn told(&mut self, chapter: &str) {
        println!("{}: {chapter} {:.1?}", self.home.version(), self.since.elapsed());
        self.since = Instant::now();
    }

    pub(super) fn is_old(&self) -> bool {
        self.home.version() == OLDEST
    }

    /// The owner wants to be asked about every kind of change; that can be said once the charter has arrived.
    pub(super) async fn changes_are_allowed(&mut self) {
        for change in ["deploy.dashboards", "deploy.cards", "deploy.automations"] {
            until("the charter arrives", SOON, async || {
                let ran = self.house.agent.command(&["consent", "set", change, "ask", "--json"]).await;
                if ran.code == 0 { Ok(()) } else { Err(format!("{ran:?}")) }
            })
            .await;
        }
        self.told("changes are allowed");
    }
}

/// What the company and the owner do.
impl Stage {
    /// A deployment that is designed, signed and handed in; its id.
    pub(super) async fn sent(&self, title: &str, items: &[&str]) -> String {
        let (id, file) = self.staff.designed(title, items).await;
        self.staff.submit(&file).await;
        id
    }

    /// The same, once it waits for the owner with a plan; how it is shown.
    pub(super) async fn offered(&self, title: &str, items: &[&str]) -> Value {
        let id = self.sent(title, items).await;
        self.planned(&id).await
    }

    /// Waits until the owner can say yes to a plan.
    pub(super) async fn planned(&self, id: &str) -> Value {
        let shown = until("a plan", SOON, async || {
            let shown = self.show(id).await;
            let over = shown["state"].as_str().is_some_and(|state| ENDS.contains(&state));
            if shown["plan_hash"].is_string() || over { Ok(shown) } else { Err(shown.to_string()) }
        })
        .await;
        assert_eq!(shown["state"], "waiting", "{} {}", shown["problem"], shown["items"]);
        shown
    }

    /// The owner's yes.
    pub(super) async fn approve(&self, id: &str) {
        self.house.agent.json(&["deployments", "approve", id, "--yes"]).await;
    }

    /// A deployment that the owner agrees to and that is carried out; its id.
    pub(super) async fn deployed(&self, title: &str, items: &[&str]) -> String {
        let shown = self.offered(title, items).await;
        let id = shown["id"].as_str().unwrap().to_owned();
        self.approve(&id).await;
        self.becomes(&id, "verified").await;
        // What staff design next is designed against what they have heard.
        self.heard(&id, "applied").await;
        id
    }

    /// A deployment that is turned away for this reason before anybody is asked; what the owner reads about it.
    pub(super) async fn turned_away(&self, title: &str, items: &[&str], state: &str, code: &str) -> Value {
        let id = self.sent(title, items).await;
        let shown = self.becomes(&id, state).await;
        assert_eq!(shown["code"], code, "{shown:#}");
        let problem = &shown["problem"];
        assert_eq!(problem["code"], code, "{shown:#}");
        for words in ["what", "next"] {
            assert!(problem[words].as_str().unwrap().ends_with(['.', ')']), "{problem}");
        }
        self.heard(&id, state).await;
        shown
    }

    /// Waits until a deployment is in this state; `settled` is as good as `verified`.
    pub(super) async fn becomes(&self, id: &str, state: &str) -> Value {
        let shown = until(state, SOON * 2, async || {
            let shown = self.show(id).await;
            let now = shown["state"].as_str().unwrap_or_default();
            let over = ENDS.contains(&now) || (state != "settled" && now == "verified");
            if now == state || over { Ok(shown) } else { Err(shown.to_string()) }
        })
        .await;
        let now = shown["state"].as_str().unwrap();
        let is = now == state || (state == "verified" && now == "settled");
        assert!(is, "{now} instead of {state}: {} {}", shown["problem"], shown["items"]);
        shown
    }

    /// A deployment as the owner is shown it; null until it has arrived.
    pub(super) async fn show(&self, id: &str) -> Value {
        let ran = self.house.agent.command(&["deployments", "show", id, "--json"]).await;
        if ran.code == 0 { ran.json() } else { Value::Null }
    }

    /// The owner takes a deployment back.
    pub(super) async fn undo(&self, id: &str) {
        let undone = self.house.agent.json(&["deployments", "undo", id, "--yes"]).await;
        assert_eq!(undone["state"], "undone", "{} {}", undone["code"], undone["items"]);
        self.heard(id, "undone").await;
    }

    /// Waits until the portal has heard of this state.
    pub(super) async fn heard(&self, id: &str, state: &str) {
        until(&format!("the portal hears of {state}"), SOON, async || {
            let seen = self.staff.seen(id).await;
            if seen["state"] == state { Ok(()) } else { Err(seen["state"].to_string()) }
        })
        .await;
    }

    /// What an item of a deployment has become.
    pub(super) async fn thing(&self, id: &str, item: usize) -> String {
        self.show(id).await["items"][item]["thing"].as_str().unwrap().to_owned()
    }
}

/// What the portal holds.
impl Stage {
    /// The one record of a kind that fits, without its kind: an opaque id.
    pub(super) async fn id(&self, kind: &str, fits: impl Fn(&Value) -> bool) -> String {
        let prefix = format!("{kind}/");
        let records = self.house.records().await;
        let mut ids = records
            .iter()
            .filter(|(_, record)| fits(record))
            .filter_map(|(key, _)| key.strip_prefix(&prefix).map(str::to_owned));
        let id = ids.next().unwrap_or_else(|| panic!("no such {kind}"));
        assert_eq!(ids.next(), None, "more than one such {kind}");
        id
    }

    /// The only entity of a domain.
    pub(super) async fn entity(&self, domain: &str) -> String {
        self.id("entity", |record| record["domain"] == domain).await
    }

    /// The text of contents as the portal holds it, once all is as it is at home, and fits.
    pub(super) async fn held(&self, id: &str, fits: impl Fn(&str) -> bool) -> String {
        self.house.equal("before a design").await;
        until("contents at the portal", SOON, async || {
            let records = self.house.records().await;
            let text = records.get(&format!("content/{id}")).and_then(|record| record["text"].as_str());
            match text {
                Some(text) if fits(text) => Ok(text.to_owned()),
                other => Err(format!("{other:?}")),
            }
        })
        .await
    }
}

/// The home, as it says itself that it is.
impl Stage {
    pub(super) async fn call(&self, command: Value) -> Value {
        self.home.call(command).await.unwrap()
    }

    /// A dashboard's contents, as Home Assistant spells them.
    pub(super) async fn board(&self, path: &str) -> Option<String> {
        let mut session = self.home.session().await.unwrap();
        match session.call_text(json!({"type": "lovelace/config", "url_path": path})).await {
            Ok(text) => Some(text),
            Err(error) => {
                assert_eq!(error.code(), Some("config_not_found"), "{error}");
                None
            }
        }
    }

    /// Somebody at home edits a dashboard.
    pub(super) async fn edit_board(&self, path: &str, config: &Value) {
        self.call(json!({"type": "lovelace/config/save", "url_path": path, "config": config})).await;
    }

    /// The record of a dashboard.
    pub(super) async fn record(&self, path: &str) -> Option<Value> {
        let all = self.call(json!({"type": "lovelace/dashboards/list"})).await;
        all.as_array().unwrap().iter().find(|record| record["url_path"] == path).cloned()
    }

    /// All records and contents of dashboards, as text.
    pub(super) async fn boards(&self) -> Vec<(Value, Option<String>)> {
        let all = self.call(json!({"type": "lovelace/dashboards/list"})).await;
        let mut boards = Vec::new();
        for record in all.as_array().unwrap() {
            boards.push((record.clone(), self.board(record["url_path"].as_str().unwrap()).await));
        }
        boards
    }

    /// The resource list, as Home Assistant spells it.
    pub(super) async fn resources(&self) -> Vec<String> {
        let mut session = self.home.session().await.unwrap();
        let text = session.call_text(json!({"type": "lovelace/resources"})).await.unwrap();
        let rows: Vec<Box<serde_json::value::RawValue>> = serde_json::from_str(&text).unwrap();
        rows.iter().map(|row| row.get().to_owned()).collect()
    }

    /// An automation, script or scene as the editor reads it.
    pub(super) async fn routine(&self, kind: &str, id: &str) -> Option<String> {
        let bearer = format!("Bearer {}", self.home.token());
        let at = SocketAddr::from(([127, 0, 0, 1], self.home.port()));
        let path = format!("/api/config/{kind}/config/{id}");
        let answer = http::get(at, &path, &[("Authorization", &bearer)]).await.unwrap();
        match answer.status {
            200 => Some(answer.text()),
            404 => None,
            status => panic!("{status}: {}", answer.text()),
        }
    }

    /// Somebody at home saves an automation or script in the editor.
    pub(super) async fn write_routine(&self, kind: &str, id: &str, text: &str) {
        let bearer = format!("Bearer {}", self.home.token());
        let at = SocketAddr::from(([127, 0, 0, 1], self.home.port()));
        let path = format!("/api/config/{kind}/config/{id}");
        let headers = [("Authorization", &*bearer), ("Content-Type", "application/json")];
        let answer = http::send(at, "POST", &path, &headers, text).await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
        self.call(json!({"type": "call_service", "domain": kind, "service": "reload"})).await;
    }

    /// The registry entry of an automation or script.
    pub(super) async fn entry(&self, domain: &str, id: &str) -> Option<Value> {
        let all = self.call(json!({"type": "config/entity_registry/list"})).await;
        let found = all.as_array().unwrap().iter().find(|entry| {
            entry["unique_id"] == id
                && entry["entity_id"].as_str().unwrap().starts_with(&format!("{domain}."))
        });
        let entity_id = found?["entity_id"].clone();
        Some(self.call(json!({"type": "config/entity_registry/get", "entity_id": entity_id})).await)
    }

    /// The state of an entity.
    pub(super) async fn state(&self, entity_id: &str) -> Option<String> {
        self.whole_state(entity_id).await.map(|state| state["state"].as_str().unwrap().to_owned())
    }

    /// What an entity is called.
    pub(super) async fn name(&self, entity_id: &str) -> String {
        let state = self.whole_state(entity_id).await.unwrap();
        state["attributes"]["friendly_name"].as_str().unwrap().to_owned()
    }

    async fn whole_state(&self, entity_id: &str) -> Option<Value> {
        let states = self.call(json!({"type": "get_states"})).await;
        states.as_array().unwrap().iter().find(|state| state["entity_id"] == entity_id).cloned()
    }

    /// A file of the home's configuration.
    pub(super) fn file(&self, name: &str) -> String {
        std::fs::read_to_string(self.home.folder().join(name)).unwrap()
    }

    /// What Home Assistant stores of an automation or script: newer versions put their words in the place of the older ones while they
    /// validate what the editor sends.
    pub(super) fn stored(&self, text: &str) -> Value {
        let mut value: Value = serde_json::from_str(text).unwrap();
        if !self.is_old() {
            modern(&mut value);
        }
        value
    }
}

fn modern(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            let words = [
                ("trigger", "triggers"),
                ("condition", "conditions"),
                ("action", "actions"),
                ("service", "action"),
            ];
            for (old, new) in words {
                // `trigger` and `action` are also words of single steps, which stay; `condition` too.
                if (old == "service" || fields.get(old).is_some_and(Value::is_array))
                    && let Some(value) = fields.remove(old)
                {
                    fields.insert(new.to_owned(), value);
                }
            }
            fields.values_mut().for_each(modern);
        }
        Value::Array(values) => values.iter_mut().for_each(modern),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
