//! Automations, scripts and scenes: the files they are kept in, what is loaded of them, and the entities that come of it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::connection::BusEvent;
use super::model::{Model, State, Version};
use super::ordered::Ordered;
use super::{FakeHome, build};

/// A file of routines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Domain {
    /// `automations.yaml`.
    Automation,
    /// `scripts.yaml`.
    Script,
    /// `scenes.yaml`.
    Scene,
}

impl Domain {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Automation, Self::Script, Self::Scene];

    /// As Home Assistant spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Automation => "automation",
            Self::Script => "script",
            Self::Scene => "scene",
        }
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|domain| domain.as_str() == text)
    }

    /// Platform of the entities in the registry.
    const fn platform(self) -> &'static str {
        match self {
            Self::Automation | Self::Script => self.as_str(),
            Self::Scene => "homeassistant",
        }
    }
}

/// One document: its keys in order.
#[derive(Debug, Clone, Default)]
pub struct Stored(Vec<(String, Ordered)>);

impl Stored {
    fn parse(text: &str) -> Option<Self> {
        if let Ordered::Object(fields) = Ordered::parse(text)? { Some(Self(fields)) } else { None }
    }

    /// As a Python dictionary does: a known key keeps its place.
    fn set(&mut self, key: String, value: Ordered) {
        match self.0.iter_mut().find(|(known, _)| *known == key) {
            Some((_, old)) => *old = value,
            None => self.0.push((key, value)),
        }
    }

    fn get(&self, key: &str) -> Option<&Ordered> {
        self.0.iter().find(|(known, _)| known == key).map(|(_, value)| value)
    }

    fn text(&self, key: &str) -> Option<String> {
        match self.get(key) {
            Some(Ordered::Text(text)) => Some(text.clone()),
            _ => None,
        }
    }

    /// Newer versions put their words in the place of the older ones while they validate, and store that.
    fn modernise(&mut self, domain: Domain) {
        for (key, value) in &mut self.0 {
            match (domain, key.as_str()) {
                (Domain::Automation, "trigger" | "condition" | "action") => key.push('s'),
                (Domain::Automation, "actions") | (Domain::Script, "sequence") => {}
                _ => continue,
            }
            if matches!(key.as_str(), "actions" | "sequence") {
                name_actions(value);
            }
        }
    }

    /// As Home Assistant's API shows it.
    #[must_use]
    pub fn json(&self) -> String {
        Ordered::Object(self.0.clone()).to_string()
    }
}

/// What was `service` in a step is `action`, at its end.
fn name_actions(value: &mut Ordered) {
    match value {
        Ordered::List(steps) => steps.iter_mut().for_each(name_actions),
        Ordered::Object(fields) => {
            fields.iter_mut().for_each(|(_, value)| name_actions(value));
            if let Some(at) = fields.iter().position(|(key, value)| key == "service" && value.is_text()) {
                let (_, service) = fields.remove(at);
                fields.push(("action".to_owned(), service));
            }
        }
        Ordered::Null | Ordered::Bool(_) | Ordered::Number(_) | Ordered::Text(_) => {}
    }
}

/// All files.
#[derive(Debug, Clone, Default)]
pub struct Routines {
    files: BTreeMap<(Domain, String), Stored>,
    /// What was in the files when they were last loaded.
    loaded: BTreeMap<(Domain, String), Stored>,
    /// Files with a secret in them: the editor can neither read nor write them. They are loaded all the same.
    pub unreadable: BTreeSet<Domain>,
}

impl Routines {
    pub(super) fn get(&self, domain: Domain, id: &str) -> Option<&Stored> {
        self.files.get(&(domain, id.to_owned()))
    }

    /// A document as Home Assistant's API shows it.
    #[must_use]
    pub fn text(&self, domain: Domain, id: &str) -> Option<String> {
        self.get(domain, id).map(Stored::json)
    }

    /// Ids in a file.
    #[must_use]
    pub fn ids(&self, domain: Domain) -> Vec<String> {
        self.files.keys().filter(|(of, _)| *of == domain).map(|(_, id)| id.clone()).collect()
    }

    /// Writes a document into its file, as the editor does; nothing is loaded.
    pub(super) fn put(&mut self, version: Version, domain: Domain, id: &str, text: &str) {
        let Some(mut sent) = Stored::parse(text) else { return };
        if version == Version::V2026_11 {
            sent.modernise(domain);
        }
        let mut stored = Stored::default();
        if domain != Domain::Script {
            stored.set("id".to_owned(), Ordered::Text(id.to_owned()));
        }
        if domain == Domain::Automation {
            let old = ["alias", "description", "trigger", "condition", "action"];
            let new = ["alias", "description", "triggers", "conditions", "actions"];
            let first = if version == Version::V2026_11 { new } else { old };
            for key in first {
                sent.get(key).into_iter().for_each(|value| stored.set(key.to_owned(), value.clone()));
            }
        }
        sent.0.into_iter().for_each(|(key, value)| stored.set(key, value));
        self.files.insert((domain, id.to_owned()), stored);
    }

    pub(super) fn remove(&mut self, domain: Domain, id: &str) -> bool {
        self.loaded.remove(&(domain, id.to_owned()));
        self.files.remove(&(domain, id.to_owned())).is_some()
    }
}

/// Whether Home Assistant's validation refuses a document. Only what every version checks in the same way is checked here.
pub(super) fn invalid(home: &FakeHome, domain: Domain, id: &str, body: &[u8]) -> bool {
    let Ok(Value::Object(fields)) = serde_json::from_slice(body) else { return true };
    let new = home.model(|model| model.version == Version::V2026_11);
    let has = |key: &str| fields.contains_key(key);
    match domain {
        Domain::Automation => {
            let old_words = has("trigger") && has("action");
            let new_words = has("triggers") && has("actions");
            !(old_words || new && new_words) || !new && (has("triggers") || has("actions"))
        }
        Domain::Script => {
            let slug = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
            !has("sequence") || !id.bytes().all(slug)
        }
        Domain::Scene => !has("name") || !has("entities"),
    }
}

/// Whether the newer version's validation fails itself, which its web server reports as it does a file that cannot be read.
pub(super) fn crashes(home: &FakeHome, body: &[u8]) -> bool {
    let fields = serde_json::from_slice::<Value>(body).unwrap_or_default();
    home.model(|model| model.version == Version::V2026_11) && fields["trigger"].is_number()
}

impl FakeHome {
    /// Puts a document into its file and loads it, as if it had always been there.
    pub fn put_routine(&self, domain: Domain, id: &str, json: &str) {
        self.change_silently(|model| model.routines.put(model.version, domain, id, json));
        self.reload(domain, None);
    }

    /// Loads a file anew, or one document of it.
    pub(super) fn reload(&self, domain: Domain, only: Option<&str>) {
        self.change(|model| {
            let mut events = Vec::new();
            let due = |(of, id): &(Domain, String)| *of == domain && only.is_none_or(|only| only == id);
            let files = model.routines.files.clone();
            for (key, stored) in files.iter().filter(|(key, _)| due(key)) {
                let known = model.routines.loaded.get(key).map(Stored::json);
                if known != Some(stored.json()) {
                    load(model, key, stored, known.is_some(), &mut events);
                    model.routines.loaded.insert(key.clone(), stored.clone());
                }
            }
            let gone: Vec<_> = model
                .routines
                .loaded
                .keys()
                .filter(|key| due(key) && !files.contains_key(key))
                .cloned()
                .collect();
            for key in gone {
                model.routines.loaded.remove(&key);
                if let Some(entity_id) = entity_of(model, key.0, &key.1) {
                    let old = model.states.remove(&entity_id);
                    events.push(BusEvent::state(&entity_id, old.as_ref(), None));
                }
            }
            match domain {
                Domain::Automation => {
                    events.push(BusEvent::Event { kind: "automation_reloaded", data: json!({}) });
                }
                Domain::Scene => events.push(BusEvent::Event { kind: "scene_reloaded", data: json!({}) }),
                Domain::Script => {}
            }
            events
        });
    }

    /// The editor takes the registry entry away, and the entity goes with it.
    pub(super) fn routine_deleted(&self, domain: Domain, id: &str) {
        let entity_id = self.model(|model| entity_of(model, domain, id));
        if let Some(entity_id) = entity_id {
            self.change_silently(|model| {
                let entry = model.entities.get(&entity_id).cloned();
                let key = (domain.platform().to_owned(), id.to_owned());
                model.deleted.extend(entry.map(|entry| (key, entry)));
            });
            self.remove_entity(&entity_id);
        }
    }
}

/// The entity that came of a document.
fn entity_of(model: &Model, domain: Domain, id: &str) -> Option<String> {
    let fits = |entry: &&Value| entry["platform"] == domain.platform() && entry["unique_id"] == id;
    let entry = model.entities.values().find(fits)?;
    entry["entity_id"].as_str().filter(|it| it.starts_with(domain.as_str())).map(str::to_owned)
}

/// Makes or changes the entity of a document.
fn load(
    model: &mut Model,
    (domain, id): &(Domain, String),
    stored: &Stored,
    known: bool,
    events: &mut Vec<BusEvent>,
) {
    let alias = stored.text(if *domain == Domain::Scene { "name" } else { "alias" });
    let alias = alias.unwrap_or_else(|| id.clone());
    let entity_id = entity_of(model, *domain, id).unwrap_or_else(|| {
        let object_id = if *domain == Domain::Script { id.clone() } else { slug(&alias) };
        let mut entity_id = free(model, *domain, &object_id);
        build::routine(model, &entity_id, domain.platform(), id, &alias);
        // Newer versions remember all that was set, older ones only the registry's id.
        if let Some(old) = model.deleted.remove(&(domain.platform().to_owned(), id.clone()))
            && let Some(mut made) = model.entities.remove(&entity_id)
        {
            let same = old["entity_id"].as_str().filter(|same| !model.entities.contains_key(*same));
            match same.filter(|_| model.version == Version::V2026_11).map(str::to_owned) {
                Some(same) => {
                    entity_id = same;
                    made = old;
                }
                None => made["id"] = old["id"].clone(),
            }
            model.entities.insert(entity_id.clone(), made);
        }
        events.push(BusEvent::Event {
            kind: "entity_registry_updated",
            data: json!({"action": "create", "entity_id": entity_id}),
        });
        entity_id
    });
    let old = model.states.get(&entity_id).cloned();
    let initial = stored.get("initial_state").map(|initial| *initial == Ordered::Bool(true));
    let value = match (domain, &old) {
        (Domain::Automation, Some(old)) if known && initial.is_none() => old.value.clone(),
        (Domain::Automation, _) => if initial.unwrap_or(true) { "on" } else { "off" }.to_owned(),
        (Domain::Script, _) => "off".to_owned(),
        (Domain::Scene, _) => "unknown".to_owned(),
    };
    let mut attributes = json!({"friendly_name": alias});
    match domain {
        Domain::Automation => {
            attributes["id"] = json!(id);
            attributes["mode"] = json!(stored.text("mode").unwrap_or_else(|| "single".to_owned()));
            attributes["current"] = json!(0);
            attributes["last_triggered"] = Value::Null;
        }
        Domain::Script => {
            attributes["mode"] = json!(stored.text("mode").unwrap_or_else(|| "single".to_owned()));
            attributes["current"] = json!(0);
            attributes["last_triggered"] = Value::Null;
        }
        Domain::Scene => attributes["id"] = json!(id),
    }
    let state = State { value, attributes };
    if *domain == Domain::Script {
        let data = json!({"domain": "script", "service": id});
        events.push(BusEvent::Event { kind: "service_registered", data });
    }
    // A changed one is removed and made again; what is registered keeps a state meanwhile.
    if known {
        let attributes = json!({"friendly_name": alias, "restored": true});
        let between = State { value: "unavailable".to_owned(), attributes };
        events.push(BusEvent::state(&entity_id, old.as_ref(), Some(&between)));
        events.push(BusEvent::state(&entity_id, Some(&between), Some(&state)));
    } else {
        events.push(BusEvent::state(&entity_id, old.as_ref(), Some(&state)));
    }
    model.sources.insert(entity_id.clone(), domain.platform().to_owned());
    model.states.insert(entity_id, state);
}

fn free(model: &Model, domain: Domain, object_id: &str) -> String {
    let domain = domain.as_str();
    let numbered = (2..).map(|n| format!("{domain}.{object_id}_{n}"));
    let mut names = std::iter::once(format!("{domain}.{object_id}")).chain(numbered);
    let free = names.find(|name| !model.entities.contains_key(name) && !model.states.contains_key(name));
    free.unwrap_or_default()
}

fn slug(text: &str) -> String {
    let mapped = text.to_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "_");
    let words: Vec<&str> = mapped.split('_').filter(|word| !word.is_empty()).collect();
    if words.is_empty() { "unknown".to_owned() } else { words.join("_") }
}
