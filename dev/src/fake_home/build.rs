//! Puts single things into a model, with the fields that the version has.

use serde_json::{Value, json};

use super::model::{Model, State, Version};

/// A kind of entity that the fake can make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntityKind {
    /// A lamp, the main entity of its device.
    Light,
    /// A thermometer.
    Temperature,
    /// A power meter.
    Power,
    /// A contact.
    Contact,
    /// A setting of a device.
    Setting,
    /// A plug's switch.
    Switch,
    /// A thermostat.
    Climate,
}

impl EntityKind {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Light,
        Self::Temperature,
        Self::Power,
        Self::Contact,
        Self::Setting,
        Self::Switch,
        Self::Climate,
    ];

    /// Its domain.
    #[must_use]
    pub const fn domain(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Temperature | Self::Power => "sensor",
            Self::Contact => "binary_sensor",
            Self::Setting => "number",
            Self::Switch => "switch",
            Self::Climate => "climate",
        }
    }

    const fn own_name(self) -> Option<&'static str> {
        match self {
            Self::Light | Self::Climate => None,
            Self::Temperature => Some("Temperature"),
            Self::Power => Some("Power"),
            Self::Contact => Some("Contact"),
            Self::Setting => Some("Fade time"),
            Self::Switch => Some("Child lock"),
        }
    }

    const fn device_class(self) -> Option<&'static str> {
        match self {
            Self::Temperature => Some("temperature"),
            Self::Power => Some("power"),
            Self::Contact => Some("door"),
            Self::Light | Self::Setting | Self::Switch | Self::Climate => None,
        }
    }

    const fn unit(self) -> Option<&'static str> {
        match self {
            Self::Temperature => Some("°C"),
            Self::Power => Some("W"),
            Self::Setting => Some("s"),
            Self::Light | Self::Contact | Self::Switch | Self::Climate => None,
        }
    }

    fn capabilities(self) -> Value {
        match self {
            Self::Light => json!({
                "supported_color_modes": ["color_temp", "hs"], "effect_list": ["Aurora", "Candle"],
                "min_color_temp_kelvin": 2200, "max_color_temp_kelvin": 6500,
            }),
            Self::Temperature | Self::Power => json!({"state_class": "measurement"}),
            Self::Setting => json!({"min": 0, "max": 30, "step": 0.5, "mode": "slider"}),
            Self::Climate => json!({
                "hvac_modes": ["off", "heat", "auto"], "min_temp": 5.0, "max_temp": 30.0, "target_temp_step": 0.5,
            }),
            Self::Contact | Self::Switch => Value::Null,
        }
    }
}

fn stamp(version: Version, mut thing: Value) -> Value {
    if version == Version::V2026_11 {
        thing["created_at"] = json!(1_795_261_476.5_f64);
        thing["modified_at"] = json!(1_795_261_478.25_f64);
    }
    thing
}

pub(super) fn floor(model: &mut Model, id: &str, name: &str, level: i32) {
    let mut floor =
        json!({"floor_id": id, "name": name, "level": level, "icon": format!("mdi:home-floor-{level}")});
    if model.version == Version::V2026_11 {
        floor["aliases"] = json!([]);
    }
    model.floors.push(stamp(model.version, floor));
}

pub(super) fn label(model: &mut Model, id: &str, name: &str) {
    let label = json!({"label_id": id, "name": name, "icon": "mdi:tag", "color": "red", "description": null});
    model.labels.push(stamp(model.version, label));
}

pub(super) fn area(model: &mut Model, id: &str, name: &str, floor: Option<&str>) {
    let mut area = json!({"area_id": id, "name": name, "aliases": [], "icon": null, "picture": null});
    if model.version == Version::V2026_11 {
        area["floor_id"] = json!(floor);
        area["labels"] = json!([]);
    }
    model.areas.push(stamp(model.version, area));
}

pub(super) fn config_entry(model: &mut Model, domain: &str) -> String {
    let id = model.new_id();
    model.config_entries.push(json!({
        "entry_id": id, "domain": domain, "title": "owner@example.org", "source": "user", "state": "loaded",
        "supports_options": false, "disabled_by": null, "reason": null,
    }));
    model.manifests.push(json!({
        "domain": domain, "name": domain, "is_built_in": false, "version": "1.2.3", "iot_class": "local_push",
        "documentation": "https://example.org",
    }));
    id
}

pub(super) fn dashboard(model: &mut Model, url_path: &str, title: &str) {
    model.dashboards.push(json!({
        "id": url_path.replace('-', "_"), "url_path": url_path, "title": title, "icon": "mdi:flash",
        "show_in_sidebar": true, "require_admin": false, "mode": "storage",
    }));
}

pub(super) fn resource(model: &mut Model, url: &str, kind: &str) -> String {
    let id = model.new_id();
    model.resources.push(json!({"id": id, "type": kind, "url": url}));
    id
}

fn entry_id(model: &Model, entry: usize) -> Value {
    model.config_entries.get(entry).map_or(Value::Null, |entry| entry["entry_id"].clone())
}

pub(super) fn device(model: &mut Model, name: &str, area: Option<&str>, entry: usize) -> String {
    let id = model.new_id();
    let entry = entry_id(model, entry);
    let mut device = json!({
        "id": id, "name": name, "name_by_user": null, "manufacturer": "Example Works", "model": "EX-1", "area_id": area,
        "config_entries": [entry], "configuration_url": "http://192.0.2.7/?token=x", "connections": [["mac", "02:00:5e:00:53:01"]],
        "disabled_by": null, "entry_type": null, "hw_version": null, "sw_version": "1.0", "serial_number": "SN1",
        "identifiers": [["example_hub", id], ["example_hub", id, 3]], "via_device_id": null,
    });
    if model.version == Version::V2026_11 {
        device["config_entry_id"] = entry;
        device["labels"] = json!([]);
        device["model_id"] = Value::Null;
        device["parent_device_id"] = Value::Null;
        device["next_name_part"] = json!("area");
    }
    model.devices.push(stamp(model.version, device));
    id
}

/// A child device: only newer versions have them, and it lacks most keys.
pub(super) fn child_device(model: &mut Model, name: &str, parent: &str, entry: usize) -> String {
    let id = model.new_id();
    model.devices.push(json!({
        "id": id, "parent_device_id": parent, "config_entry_id": entry_id(model, entry), "config_subentry_id": null,
        "area_id": null, "name": name, "name_by_user": null, "labels": [], "identifiers": [["example_hub", name]],
        "disabled_by": null, "created_at": 1.5, "modified_at": 1.5, "next_name_part": "parent_device",
    }));
    id
}

pub(super) fn entity(
    model: &mut Model,
    entity_id: &str,
    kind: EntityKind,
    device: Option<&str>,
    entry: usize,
) {
    let id = model.new_id();
    let platform = model.config_entries.get(entry).map_or_else(|| json!("demo"), |e| e["domain"].clone());
    let capabilities = kind.capabilities();
    let mut registered = json!({
        "id": id, "entity_id": entity_id, "unique_id": format!("02:00:5e:00:53:01-{entity_id}"), "platform": platform,
        "name": null, "original_name": kind.own_name(), "area_id": null, "device_id": device,
        "config_entry_id": entry_id(model, entry), "labels": [], "disabled_by": null, "hidden_by": null,
        "entity_category": if kind == EntityKind::Setting { json!("config") } else { Value::Null },
        "icon": null, "translation_key": null, "options": {"conversation": {"should_expose": true}},
        "aliases": [], "capabilities": capabilities, "device_class": null,
        "original_device_class": kind.device_class(), "original_icon": null,
    });
    if model.version == Version::V2026_11 {
        registered["categories"] = json!({});
        registered["config_subentry_id"] = Value::Null;
        registered["next_name_part"] = if device.is_some() { json!("device") } else { Value::Null };
        registered["aliases"] = json!([null]);
    } else {
        registered["has_entity_name"] = json!(true);
    }
    model.entities.insert(entity_id.to_owned(), stamp(model.version, registered));
    state_of(model, entity_id, kind);
    let platform = platform.as_str().unwrap_or("demo").to_owned();
    model.sources.insert(entity_id.to_owned(), platform);
}

/// The registry entry of an automation, script or scene. Its state comes with loading.
pub(super) fn routine(model: &mut Model, entity_id: &str, platform: &str, unique_id: &str, name: &str) {
    let id = model.new_id();
    let mut registered = json!({
        "id": id, "entity_id": entity_id, "unique_id": unique_id, "platform": platform, "name": null,
        "original_name": name, "area_id": null, "device_id": null, "config_entry_id": null, "labels": [],
        "disabled_by": null, "hidden_by": null, "entity_category": null, "icon": null, "translation_key": null,
        "options": {"conversation": {"should_expose": false}}, "aliases": [], "capabilities": null, "device_class": null,
        "original_device_class": null, "original_icon": null,
    });
    if model.version == Version::V2026_11 {
        registered["categories"] = json!({});
        registered["config_subentry_id"] = Value::Null;
        registered["next_name_part"] = Value::Null;
        registered["aliases"] = json!([null]);
    } else {
        registered["has_entity_name"] = json!(false);
    }
    model.entities.insert(entity_id.to_owned(), stamp(model.version, registered));
}

/// The state that goes with a registered entity.
fn state_of(model: &mut Model, entity_id: &str, kind: EntityKind) {
    let mut attributes = kind.capabilities();
    if attributes.is_null() {
        attributes = json!({});
    }
    attributes["friendly_name"] = json!(format!("Name of {entity_id}"));
    if let Some(unit) = kind.unit() {
        attributes["unit_of_measurement"] = json!(unit);
    }
    if let Some(class) = kind.device_class() {
        attributes["device_class"] = json!(class);
    }
    if matches!(kind, EntityKind::Light | EntityKind::Climate) {
        attributes["supported_features"] = json!(44);
    }
    model.states.insert(entity_id.to_owned(), State { value: "off".to_owned(), attributes });
}

pub(super) fn unregistered(model: &mut Model, entity_id: &str, integration: &str) {
    let attributes = json!({"friendly_name": format!("Loose {entity_id}"), "unit_of_measurement": "kWh",
        "device_class": "energy", "state_class": "total_increasing", "latitude": 48.1});
    model.states.insert(entity_id.to_owned(), State { value: "1".to_owned(), attributes });
    model.sources.insert(entity_id.to_owned(), integration.to_owned());
}

pub(super) fn disable(model: &mut Model, entity_id: &str) {
    if let Some(entry) = model.entities.get_mut(entity_id) {
        entry["disabled_by"] = json!("user");
    }
    model.states.remove(entity_id);
    model.sources.remove(entity_id);
}
