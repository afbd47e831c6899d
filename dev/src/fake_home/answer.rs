//! What a command's result is.

use serde_json::{Value, json};

use super::connection::Subscription;
use super::model::{Model, State, Version};

/// What follows from a command.
pub(super) enum Answer {
    /// A result, as JSON text.
    Result(String),
    /// A null result, a subscription, and perhaps its first event.
    Subscribed(Subscription, Option<String>),
    /// Another subscription ends.
    Unsubscribe(u64),
    /// Not a result: `pong`.
    Pong,
    /// An error's code.
    Error(&'static str),
}

/// Parameters that a command may have, besides `id` and `type`; `None` for unknown commands.
pub(super) fn parameters(command: &str) -> Option<&'static [&'static str]> {
    Some(match command {
        "subscribe_events" => &["event_type"],
        "subscribe_trigger" => &["trigger", "variables"],
        "subscribe_entities" | "config/entity_registry/get_entries" => &["entity_ids"],
        "unsubscribe_events" => &["subscription"],
        "lovelace/config" => &["url_path", "force"],
        "lovelace/config/save" => &["config", "url_path"],
        "lovelace/config/delete" => &["url_path"],
        "lovelace/dashboards/create" => {
            &["url_path", "title", "icon", "show_in_sidebar", "require_admin", "mode", "allow_single_word"]
        }
        "lovelace/dashboards/update" => {
            &["dashboard_id", "title", "icon", "show_in_sidebar", "require_admin"]
        }
        "lovelace/dashboards/delete" => &["dashboard_id"],
        "lovelace/resources/create" => &["res_type", "url"],
        "lovelace/resources/update" => &["resource_id", "res_type", "url"],
        "lovelace/resources/delete" => &["resource_id"],
        "config/entity_registry/update" => &[
            "entity_id",
            "aliases",
            "area_id",
            "categories",
            "device_class",
            "icon",
            "labels",
            "name",
            "new_entity_id",
            "disabled_by",
            "hidden_by",
        ],
        "homeassistant/expose_entity" => &["assistants", "entity_ids", "should_expose"],
        "call_service" => &["domain", "service", "service_data", "target", "return_response"],
        "get_config"
        | "get_panels"
        | "lovelace/info"
        | "repairs/list_issues"
        | "auth/current_user"
        | "config_entries/subscribe"
        | "lovelace/resources/subscribe"
        | "config_entries/get"
        | "config/area_registry/list"
        | "config/floor_registry/list"
        | "config/label_registry/list"
        | "config/device_registry/list"
        | "config/entity_registry/list"
        | "get_states"
        | "entity/source"
        | "manifest/list"
        | "lovelace/dashboards/list"
        | "lovelace/resources"
        | "system_health/info"
        | "config/auth/list"
        | "ping" => &[],
        _ => return None,
    })
}

/// A parameter that this command does not have.
pub(super) fn strange_parameter<'a>(request: &'a Value, allowed: &[&str]) -> Option<&'a str> {
    let mut keys = request.as_object().into_iter().flatten().map(|(key, _)| key.as_str());
    keys.find(|key| !matches!(*key, "id" | "type") && !allowed.contains(key))
}

/// Answers a command that only reads. The second value names what a good client would not have done.
pub(super) fn answer(model: &Model, request: &Value) -> (Answer, Option<String>) {
    let command = request["type"].as_str().unwrap_or_default();
    let Some(allowed) = parameters(command) else {
        return (Answer::Error("unknown_command"), Some(format!("unknown command {command}")));
    };
    if let Some(key) = strange_parameter(request, allowed) {
        return (Answer::Error("invalid_format"), Some(format!("{command} has no parameter {key}")));
    }
    let violation = match command {
        "subscribe_events"
            if matches!(request["event_type"].as_str(), None | Some("state_changed" | "*")) =>
        {
            Some("subscribed to the whole stream of events or states".to_owned())
        }
        "subscribe_entities" if request["entity_ids"].as_array().is_none_or(Vec::is_empty) => {
            Some("subscribed to all entities".to_owned())
        }
        _ => None,
    };
    (known(model, command, request), violation)
}

fn known(model: &Model, command: &str, request: &Value) -> Answer {
    let new = model.version == Version::V2026_11;
    match command {
        "get_config" => Answer::Result(config(model).to_string()),
        "auth/current_user" => Answer::Result(
            json!({"id": "u", "name": "Somebody", "is_owner": false, "is_admin": model.admin, "credentials": [],
                "mfa_modules": []})
            .to_string(),
        ),
        "subscribe_events" => {
            let kind = request["event_type"].as_str().unwrap_or("*");
            let late = ["floor_registry_updated", "label_registry_updated"].contains(&kind) && !new;
            let private = ["automation_reloaded", "scene_reloaded", "*"].contains(&kind);
            if !model.admin && (late || private) {
                return Answer::Error("unauthorized");
            }
            Answer::Subscribed(Subscription::Events(kind.to_owned()), None)
        }
        "subscribe_trigger" => trigger(model, &request["trigger"]),
        "subscribe_entities" => {
            let ids: Vec<String> =
                request["entity_ids"].as_array().into_iter().flatten().filter_map(text).collect();
            let listed = model.states.iter().filter(|(id, _)| ids.is_empty() || ids.contains(id));
            let states: serde_json::Map<_, _> =
                listed.map(|(id, state)| (id.clone(), compressed(state))).collect();
            Answer::Subscribed(Subscription::Entities(ids), Some(json!({"a": states}).to_string()))
        }
        "unsubscribe_events" => Answer::Unsubscribe(request["subscription"].as_u64().unwrap_or(0)),
        "config_entries/get" => Answer::Result(list(&model.config_entries)),
        "config_entries/subscribe" => {
            let entries: Vec<Value> =
                model.config_entries.iter().map(|entry| json!({"type": null, "entry": entry})).collect();
            Answer::Subscribed(Subscription::ConfigEntries, Some(list(&entries)))
        }
        "config/area_registry/list" => Answer::Result(list(&model.areas)),
        "config/floor_registry/list" => Answer::Result(list(&model.floors)),
        "config/label_registry/list" => Answer::Result(list(&model.labels)),
        "config/device_registry/list" => Answer::Result(list(&model.devices)),
        "config/entity_registry/list" => Answer::Result(entity_list(model)),
        "config/entity_registry/get_entries" => entries(model, &request["entity_ids"]),
        "get_states" => Answer::Result(states(model)),
        "entity/source" => Answer::Result(sources(model)),
        "manifest/list" => Answer::Result(list(&model.manifests)),
        "lovelace/dashboards/list" if model.recovery_mode => Answer::Error("unknown_command"),
        "lovelace/dashboards/list" => Answer::Result(list(&model.dashboards)),
        "lovelace/resources" if model.crippled() => Answer::Result("[]".to_owned()),
        "lovelace/resources" if model.yaml_resources => {
            let plain: Vec<Value> =
                model.resources.iter().map(|item| json!({"type": item["type"], "url": item["url"]})).collect();
            Answer::Result(list(&plain))
        }
        "lovelace/resources" => Answer::Result(list(&model.resources)),
        "lovelace/config" => contents(model, request["url_path"].as_str()),
        "lovelace/info" if new => {
            let mode = if model.yaml_resources { "yaml" } else { "storage" };
            Answer::Result(json!({"resource_mode": mode}).to_string())
        }
        "get_panels" => Answer::Result(Value::Object(model.panels()).to_string()),
        "repairs/list_issues" => Answer::Result(json!({"issues": model.issues}).to_string()),
        "lovelace/resources/subscribe" if new => {
            let items: Vec<Value> = model
                .resources
                .iter()
                .map(|item| json!({"change_type": "added", "resource_id": item["id"], "item": item}))
                .collect();
            Answer::Subscribed(Subscription::Resources, Some(list(&items)))
        }
        "system_health/info" => {
            let info = json!({"version": model.says_version, "installation_type": "Home Assistant Container",
                "timezone": "Europe/Berlin"});
            let first = json!({"type": "initial", "data": {"homeassistant": {"info": info}}});
            Answer::Subscribed(Subscription::Silent, Some(first.to_string()))
        }
        "config/auth/list" if !model.admin => Answer::Error("unauthorized"),
        "config/auth/list" => Answer::Result(list(&model.users)),
        "ping" => Answer::Pong,
        _ => Answer::Error("unknown_command"),
    }
}

fn config(model: &Model) -> Value {
    json!({
        "version": model.says_version, "state": model.core_state, "recovery_mode": model.recovery_mode,
        "safe_mode": model.safe_mode, "language": "de", "location_name": "Example house", "latitude": 48.1,
        "longitude": 11.5, "time_zone": "Europe/Berlin", "components": ["light", "sensor"],
        "unit_system": {"length": "km", "temperature": "°C", "mass": "g"}, "internal_url": "http://192.0.2.1:8123",
    })
}

/// A dashboard's contents. Home Assistant does not tell one without contents from none.
fn contents(model: &Model, path: Option<&str>) -> Answer {
    let listed = |path: &&str| model.dashboards.iter().any(|dashboard| dashboard["url_path"] == **path);
    let path = path.filter(|path| listed(path) && !model.recovery_mode);
    match path.and_then(|path| model.contents.get(path)) {
        Some(json) => Answer::Result(json.clone()),
        None => Answer::Error("config_not_found"),
    }
}

/// Only triggers on state changes of which one side is missing, and on the services of scripts, are understood.
fn trigger(model: &Model, trigger: &Value) -> Answer {
    if !model.admin {
        return Answer::Error("unauthorized");
    }
    let trigger = if trigger.is_array() { &trigger[0] } else { trigger };
    let data = &trigger["event_data"];
    if trigger["event_type"] == "service_registered" && *data == json!({"domain": "script"}) {
        return Answer::Subscribed(Subscription::Scripts, None);
    }
    if trigger["platform"] != "event" || trigger["event_type"] != "state_changed" {
        return Answer::Error("invalid_format");
    }
    let side = |name: &str| data.get(name).is_some_and(Value::is_null);
    match (side("old_state"), side("new_state")) {
        (true, false) => Answer::Subscribed(Subscription::Appearing, None),
        (false, true) => Answer::Subscribed(Subscription::Vanishing, None),
        _ => Answer::Error("invalid_format"),
    }
}

/// Fields that only extended entries have.
const EXTENDED: [&str; 5] =
    ["aliases", "capabilities", "device_class", "original_device_class", "original_icon"];

fn entity_list(model: &Model) -> String {
    let mut text = String::from("[");
    for entry in model.entities.values() {
        let partial: serde_json::Map<_, _> = entry
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(key, _)| !EXTENDED.contains(&key.as_str()))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        separate(&mut text);
        text.push_str(&Value::Object(partial).to_string());
    }
    text.push(']');
    text
}

fn entries(model: &Model, ids: &Value) -> Answer {
    let Some(ids) = ids.as_array() else { return Answer::Error("invalid_format") };
    let mut result = serde_json::Map::new();
    for id in ids {
        // Home Assistant refuses the whole request for one id that is none.
        let Some(id) = id.as_str().filter(|id| id.contains('.') && !id.contains(' ')) else {
            return Answer::Error("invalid_format");
        };
        result.insert(id.to_owned(), model.entities.get(id).cloned().unwrap_or(Value::Null));
    }
    Answer::Result(Value::Object(result).to_string())
}

fn states(model: &Model) -> String {
    if model.crippled() {
        return "[]".to_owned();
    }
    let mut text = String::from("[");
    for (id, state) in &model.states {
        separate(&mut text);
        let mut state = full_state(id, state);
        state["last_updated"] = json!(model.since);
        text.push_str(&state.to_string());
    }
    text.push(']');
    text
}

fn sources(model: &Model) -> String {
    if model.crippled() {
        return "{}".to_owned();
    }
    let sources: serde_json::Map<_, _> =
        model.sources.iter().map(|(id, domain)| (id.clone(), json!({"domain": domain}))).collect();
    Value::Object(sources).to_string()
}

/// A state as `get_states` and events show it.
pub(super) fn full_state(id: &str, state: &State) -> Value {
    json!({
        "entity_id": id, "state": state.value, "attributes": state.attributes,
        "last_changed": "2026-11-21T11:44:48.503602+00:00", "last_updated": "2026-11-21T11:44:48.503602+00:00",
        "context": {"id": "01M7YYRQBQ5N0ZNQ78CQ5PWS80", "parent_id": null, "user_id": null},
    })
}

/// A state as `subscribe_entities` shows it.
pub(super) fn compressed(state: &State) -> Value {
    json!({"s": state.value, "a": state.attributes, "c": "01M7YYRQBQ5N0ZNQ78CQ5PWS80", "lc": 1_795_261_475.5_f64})
}

fn list(things: &[Value]) -> String {
    let mut text = String::from("[");
    for thing in things {
        separate(&mut text);
        text.push_str(&thing.to_string());
    }
    text.push(']');
    text
}

fn separate(text: &mut String) {
    if text.len() > 1 {
        text.push(',');
    }
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}
