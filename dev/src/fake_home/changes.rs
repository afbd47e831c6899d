//! Things that happen in the house, with the events that Home Assistant sends for them.

use serde_json::{Value, json};

use super::build::{self, EntityKind};
use super::connection::BusEvent;
use super::model::{Model, State};
use super::ordered::Ordered;
use super::{FakeHome, lock};

/// Registry events by what they are about.
fn registry(kind: &'static str, data: Value) -> BusEvent {
    BusEvent::Event { kind, data }
}

impl FakeHome {
    /// Changes the model and sends what the change returns, in one step: nobody can read in between.
    pub(super) fn change(&self, change: impl FnOnce(&mut Model) -> Vec<BusEvent>) {
        let mut model = lock(&self.inner.model);
        for event in change(&mut model) {
            self.emit(event);
        }
    }

    /// Changes fields of an entity's registry entry, such as `{"name": "Reading lamp"}`. `entity_id` renames it.
    pub fn update_entity(&self, entity_id: &str, fields: &Value) {
        self.change(|model| {
            let Some(mut entry) = model.entities.remove(entity_id) else { return Vec::new() };
            let mut changes = json!({});
            for (field, value) in fields.as_object().into_iter().flatten() {
                changes[field] = entry[field].take();
                entry[field] = value.clone();
            }
            let new_id = entry["entity_id"].as_str().unwrap_or(entity_id).to_owned();
            let disabled = !entry["disabled_by"].is_null();
            model.entities.insert(new_id.clone(), entry);
            let mut data = json!({"action": "update", "entity_id": new_id, "changes": changes});
            let mut events = Vec::new();
            if new_id != entity_id {
                data["old_entity_id"] = json!(entity_id);
                if let Some(source) = model.sources.remove(entity_id) {
                    model.sources.insert(new_id.clone(), source);
                }
                if let Some(state) = model.states.remove(entity_id) {
                    events.push(BusEvent::state(entity_id, Some(&state), None));
                    events.push(BusEvent::state(&new_id, None, Some(&state)));
                    model.states.insert(new_id.clone(), state);
                }
            }
            if disabled && let Some(state) = model.states.remove(&new_id) {
                events.push(BusEvent::state(&new_id, Some(&state), None));
            }
            events.insert(0, registry("entity_registry_updated", data));
            events
        });
    }

    /// Renames an entity: its entity id changes, its registry id does not.
    pub fn rename_entity(&self, from: &str, to: &str) {
        self.update_entity(from, &json!({"entity_id": to}));
    }

    /// Adds an entity with a registry entry.
    pub fn add_entity(&self, entity_id: &str, kind: EntityKind, device: Option<&str>) {
        self.change(|model| {
            build::entity(model, entity_id, kind, device, 0);
            vec![
                registry("entity_registry_updated", json!({"action": "create", "entity_id": entity_id})),
                BusEvent::state(entity_id, None, model.states.get(entity_id)),
            ]
        });
    }

    /// Removes an entity, registry entry and state.
    pub fn remove_entity(&self, entity_id: &str) {
        self.change(|model| {
            model.entities.remove(entity_id);
            model.sources.remove(entity_id);
            let state = model.states.remove(entity_id);
            vec![
                registry("entity_registry_updated", json!({"action": "remove", "entity_id": entity_id})),
                BusEvent::state(entity_id, state.as_ref(), None),
            ]
        });
    }

    /// An entity without registry entry appears.
    pub fn add_unregistered(&self, entity_id: &str, integration: &str) {
        self.change(|model| {
            build::unregistered(model, entity_id, integration);
            vec![BusEvent::state(entity_id, None, model.states.get(entity_id))]
        });
    }

    /// An entity without registry entry vanishes.
    pub fn remove_unregistered(&self, entity_id: &str) {
        self.change(|model| {
            model.sources.remove(entity_id);
            let state = model.states.remove(entity_id);
            vec![BusEvent::state(entity_id, state.as_ref(), None)]
        });
    }

    /// A thing of a list is added or, if there is one with this id, changed.
    fn put(&self, list: List, id: &str, make: impl FnOnce(&mut Model), fields: Option<&Value>) {
        self.change(|model| {
            let known = list.of(model).iter().position(|thing| thing[list.id()] == id);
            let action = if known.is_some() { "update" } else { "create" };
            match known {
                None => make(model),
                Some(at) => {
                    let thing = &mut list.of(model)[at];
                    for (field, value) in fields.and_then(Value::as_object).into_iter().flatten() {
                        thing[field] = value.clone();
                    }
                }
            }
            vec![registry(list.event(), json!({"action": action, list.event_id(): id}))]
        });
    }

    fn take(&self, list: List, id: &str) {
        self.change(|model| {
            list.of(model).retain(|thing| thing[list.id()] != id);
            vec![registry(list.event(), json!({"action": "remove", list.event_id(): id}))]
        });
    }

    /// Adds an area, or renames it.
    pub fn put_area(&self, id: &str, name: &str) {
        self.put(List::Areas, id, |model| build::area(model, id, name, None), Some(&json!({"name": name})));
    }

    /// Removes an area.
    pub fn remove_area(&self, id: &str) {
        self.take(List::Areas, id);
    }

    /// Adds a floor, or renames it.
    pub fn put_floor(&self, id: &str, name: &str, level: i32) {
        let fields = json!({"name": name, "level": level});
        self.put(List::Floors, id, |model| build::floor(model, id, name, level), Some(&fields));
    }

    /// Adds a label, or renames it.
    pub fn put_label(&self, id: &str, name: &str) {
        self.put(List::Labels, id, |model| build::label(model, id, name), Some(&json!({"name": name})));
    }

    /// Adds a device; gives its id.
    #[must_use]
    pub fn add_device(&self, name: &str, area: Option<&str>) -> String {
        let mut id = String::new();
        self.change(|model| {
            id = build::device(model, name, area, 0);
            vec![registry("device_registry_updated", json!({"action": "create", "device_id": id}))]
        });
        id
    }

    /// Adds a child device (2026.9 and later); gives its id.
    #[must_use]
    pub fn add_child_device(&self, name: &str, parent: &str) -> String {
        let mut id = String::new();
        self.change(|model| {
            id = build::child_device(model, name, parent, 0);
            vec![registry("device_registry_updated", json!({"action": "create", "device_id": id}))]
        });
        id
    }

    /// Changes fields of a device, such as `{"area_id": "kitchen"}`.
    pub fn update_device(&self, id: &str, fields: &Value) {
        self.put(List::Devices, id, |_| {}, Some(fields));
    }

    /// Removes a device, not its entities.
    pub fn remove_device(&self, id: &str) {
        self.take(List::Devices, id);
    }

    /// Adds a dashboard.
    pub fn add_dashboard(&self, url_path: &str, title: &str) {
        self.change(|model| {
            build::dashboard(model, url_path, title);
            vec![registry("panels_updated", json!({}))]
        });
    }

    /// Saves a dashboard's contents, as somebody in a browser does.
    pub fn edit_dashboard(&self, url_path: &str, json: &str) {
        self.change(|model| {
            if let Some(json) = Ordered::parse(json).map(|json| json.to_string()) {
                model.people.save(url_path, &json);
                model.contents.insert(url_path.to_owned(), json);
            }
            vec![registry("lovelace_updated", json!({"url_path": url_path}))]
        });
    }

    /// Adds a dashboard that is kept in YAML.
    pub fn add_yaml_dashboard(&self, url_path: &str, title: &str, json: &str) {
        self.change(|model| {
            model.dashboards.push(json!({
                "mode": "yaml", "filename": "boards.yaml", "title": title, "icon": "mdi:file", "url_path": url_path,
                "show_in_sidebar": true, "require_admin": false,
            }));
            model.contents.insert(url_path.to_owned(), json.to_owned());
            vec![registry("panels_updated", json!({}))]
        });
    }

    /// Removes a dashboard.
    pub fn remove_dashboard(&self, url_path: &str) {
        self.change(|model| {
            model.dashboards.retain(|dashboard| dashboard["url_path"] != url_path);
            model.contents.remove(url_path);
            model.people.delete(url_path);
            vec![
                registry("panels_updated", json!({})),
                registry("lovelace_updated", json!({"url_path": url_path})),
            ]
        });
    }

    /// Adds a dashboard resource: newer versions tell subscribers of it, older ones nobody.
    pub fn add_resource(&self, url: &str) {
        self.change(|model| {
            let id = build::resource(model, url, "module");
            let item = model.resources.last().cloned();
            vec![BusEvent::Resource(json!([{"change_type": "added", "resource_id": id, "item": item}]))]
        });
    }

    /// An integration is set up: a manifest, a config entry, and the events of loading.
    pub fn load_integration(&self, domain: &str) {
        self.change(|model| {
            build::config_entry(model, domain);
            let entry = model.config_entries.last().cloned();
            vec![
                BusEvent::ConfigEntry(json!([{"type": "added", "entry": entry}])),
                registry("component_loaded", json!({"component": domain})),
            ]
        });
    }

    /// A config entry goes from one state to another, as `setup_retry` does for ever.
    pub fn config_entry_state(&self, at: usize, state: &str) {
        self.change(|model| {
            let Some(entry) = model.config_entries.get_mut(at) else { return Vec::new() };
            entry["state"] = json!(state);
            vec![BusEvent::ConfigEntry(json!([{"type": "updated", "entry": entry}]))]
        });
    }

    /// Home Assistant starts, runs or stops.
    pub fn set_core_state(&self, state: &str) {
        self.change(|model| {
            model.core_state = state.to_owned();
            vec![registry("core_config_updated", json!({}))]
        });
    }

    /// So many changes of states, round and round through all entities. Nothing but states changes.
    pub fn churn(&self, changes: usize) {
        self.change(|model| {
            let ids: Vec<String> = model.states.keys().take(changes.max(1)).cloned().collect();
            let mut events = Vec::with_capacity(changes);
            for (i, id) in ids.iter().cycle().take(changes).enumerate() {
                if let Some(state) = model.states.get_mut(id) {
                    let old = State { value: i.to_string(), attributes: state.attributes.clone() };
                    let old = std::mem::replace(state, old);
                    events.push(BusEvent::state(id, Some(&old), Some(state)));
                }
            }
            events
        });
    }
}

/// A registry list.
#[derive(Clone, Copy)]
enum List {
    Areas,
    Floors,
    Labels,
    Devices,
}

impl List {
    const fn of(self, model: &mut Model) -> &mut Vec<Value> {
        match self {
            Self::Areas => &mut model.areas,
            Self::Floors => &mut model.floors,
            Self::Labels => &mut model.labels,
            Self::Devices => &mut model.devices,
        }
    }

    const fn id(self) -> &'static str {
        match self {
            Self::Areas => "area_id",
            Self::Floors => "floor_id",
            Self::Labels => "label_id",
            Self::Devices => "id",
        }
    }

    const fn event_id(self) -> &'static str {
        match self {
            Self::Devices => "device_id",
            Self::Areas | Self::Floors | Self::Labels => self.id(),
        }
    }

    const fn event(self) -> &'static str {
        match self {
            Self::Areas => "area_registry_updated",
            Self::Floors => "floor_registry_updated",
            Self::Labels => "label_registry_updated",
            Self::Devices => "device_registry_updated",
        }
    }
}
