//! Commands that change something in the house, with the events that Home Assistant sends before it answers.

use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::answer::{Answer, parameters, strange_parameter};
use super::connection::BusEvent;
use super::model::{Model, Version};
use super::ordered::Ordered;
use super::routines::Domain;
use super::{FakeHome, build};

/// What a change comes to.
type Outcome = Result<Value, &'static str>;

fn event(kind: &'static str, data: Value) -> BusEvent {
    BusEvent::Event { kind, data }
}

fn text<'a>(request: &'a Value, field: &str) -> Result<&'a str, &'static str> {
    request[field].as_str().ok_or("invalid_format")
}

impl FakeHome {
    /// Carries out a command that changes something; `None` for those that only read.
    pub(super) fn write(&self, request: &Value, raw: &str) -> Option<Answer> {
        let command = request["type"].as_str().unwrap_or_default();
        let carry_out: fn(&Self, &Value, &str) -> Outcome = match command {
            "lovelace/config/save" => Self::save,
            "lovelace/config/delete" => Self::delete_contents,
            "lovelace/dashboards/create" => Self::create_dashboard,
            "lovelace/dashboards/update" => Self::update_dashboard,
            "lovelace/dashboards/delete" => Self::delete_dashboard,
            "lovelace/resources/create" => Self::create_resource,
            "lovelace/resources/update" => Self::update_resource,
            "lovelace/resources/delete" => Self::delete_resource,
            "config/entity_registry/update" => Self::update_registry,
            "homeassistant/expose_entity" => Self::expose,
            "call_service" => Self::call_service,
            _ => return None,
        };
        let (admin, gone) = self.model(|model| {
            let dashboards = command.starts_with("lovelace/dashboards/") && model.recovery_mode;
            let resources = command.starts_with("lovelace/resources/") && model.yaml_resources;
            (model.admin, dashboards || resources)
        });
        let refusal = match parameters(command) {
            _ if gone => Some("unknown_command"),
            _ if !admin => Some("unauthorized"),
            Some(allowed) if strange_parameter(request, allowed).is_some() => Some("invalid_format"),
            _ => None,
        };
        let outcome = refusal.map_or_else(|| carry_out(self, request, raw), Err);
        if matches!(outcome, Err("invalid_format")) {
            self.violation(format!("{command} in a form that this version does not know"));
        }
        Some(match outcome {
            Ok(result) => Answer::Result(result.to_string()),
            Err(code) => Answer::Error(code),
        })
    }

    /// Changes the model if the change is possible, and sends the events that it gives.
    fn attempt(
        &self,
        change: impl FnOnce(&mut Model) -> Result<(Value, Vec<BusEvent>), &'static str>,
    ) -> Outcome {
        let mut outcome = Err("unknown_error");
        self.change(|model| match change(model) {
            Ok((result, events)) => {
                outcome = Ok(result);
                events
            }
            Err(code) => {
                outcome = Err(code);
                Vec::new()
            }
        });
        outcome
    }

    /// The path that a command is about, which no good client leaves to Home Assistant's choice.
    fn path<'a>(&self, request: &'a Value) -> Result<&'a str, &'static str> {
        let path = request["url_path"].as_str();
        if path.is_none_or(|path| path == "lovelace") {
            self.violation("wrote to the default dashboard".to_owned());
        }
        path.ok_or("config_not_found")
    }

    fn save(&self, request: &Value, raw: &str) -> Outcome {
        #[derive(serde::Deserialize)]
        struct Sent<'a> {
            #[serde(borrow)]
            config: &'a RawValue,
        }
        let path = self.path(request)?;
        let sent: Sent<'_> = serde_json::from_str(raw).map_err(|_| "invalid_format")?;
        let config = Ordered::parse(sent.config.get()).filter(|it| it.is_object() || it.is_text());
        let config = config.ok_or("invalid_format")?;
        self.attempt(|model| {
            model.storage_dashboard(path)?;
            model.people.written_over(path, model.contents.get(path));
            model.contents.insert(path.to_owned(), config.to_string());
            Ok((Value::Null, vec![event("lovelace_updated", json!({"url_path": path}))]))
        })
    }

    fn delete_contents(&self, request: &Value, _: &str) -> Outcome {
        let path = self.path(request)?;
        self.attempt(|model| {
            model.storage_dashboard(path)?;
            model.people.written_over(path, model.contents.get(path));
            model.contents.remove(path);
            Ok((Value::Null, vec![event("lovelace_updated", json!({"url_path": path}))]))
        })
    }

    fn create_dashboard(&self, request: &Value, _: &str) -> Outcome {
        let (path, title) = (text(request, "url_path")?, text(request, "title")?);
        if !path.contains('-') && request["allow_single_word"] != true {
            return Err("invalid_format");
        }
        self.attempt(|model| {
            if model.panels().contains_key(path) {
                let old = model.version == Version::V2024_3;
                return Err(if old { "invalid_format" } else { "home_assistant_error" });
            }
            build::dashboard(model, path, title);
            let record = model.dashboards.last_mut().ok_or("unknown_error")?;
            record["icon"] = request["icon"].clone();
            record["show_in_sidebar"] = json!(request["show_in_sidebar"].as_bool().unwrap_or(true));
            record["require_admin"] = json!(request["require_admin"].as_bool().unwrap_or(false));
            drop_null(record, "icon");
            Ok((record.clone(), vec![event("panels_updated", json!({}))]))
        })
    }

    fn update_dashboard(&self, request: &Value, _: &str) -> Outcome {
        let id = text(request, "dashboard_id")?;
        self.attempt(|model| {
            let record = model.dashboards.iter_mut().find(|it| it["id"] == id).ok_or("not_found")?;
            for field in ["title", "icon", "show_in_sidebar", "require_admin"] {
                if let Some(value) = request.get(field) {
                    record[field] = value.clone();
                }
            }
            drop_null(record, "icon");
            Ok((record.clone(), vec![event("panels_updated", json!({}))]))
        })
    }

    fn delete_dashboard(&self, request: &Value, _: &str) -> Outcome {
        let id = text(request, "dashboard_id")?;
        self.attempt(|model| {
            let at = model.dashboards.iter().position(|it| it["id"] == id).ok_or("not_found")?;
            let path = model.dashboards.remove(at)["url_path"].clone();
            let name = path.as_str().unwrap_or_default();
            model.people.written_over(name, model.contents.get(name));
            model.contents.remove(name);
            let events =
                [event("panels_updated", json!({})), event("lovelace_updated", json!({"url_path": path}))];
            Ok((Value::Null, events.into()))
        })
    }

    fn create_resource(&self, request: &Value, _: &str) -> Outcome {
        let (kind, url) = (text(request, "res_type")?, text(request, "url")?);
        self.careless_with_resources();
        self.attempt(|model| {
            // Older versions have not read their file by then, and write over it.
            if model.version == Version::V2024_3 && !model.resources_loaded {
                model.resources.clear();
            }
            let id = build::resource(model, url, kind);
            let item = model.resources.last().cloned().unwrap_or_default();
            let changes = json!([{"change_type": "added", "resource_id": id, "item": item}]);
            Ok((item, vec![BusEvent::Resource(changes)]))
        })
    }

    fn update_resource(&self, request: &Value, _: &str) -> Outcome {
        let id = text(request, "resource_id")?;
        self.careless_with_resources();
        self.attempt(|model| {
            let unread = model.version == Version::V2024_3 && !model.resources_loaded;
            let item = model.resources.iter_mut().find(|it| it["id"] == id && !unread).ok_or("not_found")?;
            for (field, stored) in [("res_type", "type"), ("url", "url")] {
                if let Some(value) = request.get(field) {
                    item[stored] = value.clone();
                }
            }
            let changes = json!([{"change_type": "updated", "resource_id": id, "item": item}]);
            Ok((item.clone(), vec![BusEvent::Resource(changes)]))
        })
    }

    fn delete_resource(&self, request: &Value, _: &str) -> Outcome {
        let id = text(request, "resource_id")?;
        self.careless_with_resources();
        self.attempt(|model| {
            let unread = model.version == Version::V2024_3 && !model.resources_loaded;
            let at = model.resources.iter().position(|it| it["id"] == id && !unread).ok_or("not_found")?;
            let item = model.resources.remove(at);
            let changes = json!([{"change_type": "removed", "resource_id": id, "item": item}]);
            Ok((Value::Null, vec![BusEvent::Resource(changes)]))
        })
    }

    fn careless_with_resources(&self) {
        if !self.model(|model| model.resources_loaded) {
            self.violation("wrote resources that were never listed since the start".to_owned());
        }
    }

    fn update_registry(&self, request: &Value, _: &str) -> Outcome {
        let entity_id = text(request, "entity_id")?;
        let mut fields = serde_json::Map::new();
        for (key, value) in request.as_object().into_iter().flatten() {
            match key.as_str() {
                "id" | "type" | "entity_id" => {}
                "new_entity_id" => drop(fields.insert("entity_id".to_owned(), value.clone())),
                "labels" | "categories" if self.model(|model| model.version == Version::V2024_3) => {
                    return Err("invalid_format");
                }
                _ => drop(fields.insert(key.clone(), value.clone())),
            }
        }
        let new_id = fields.get("entity_id").and_then(Value::as_str).unwrap_or(entity_id).to_owned();
        let (known, taken) = self.model(|model| {
            (
                model.entities.contains_key(entity_id),
                new_id != entity_id && model.entities.contains_key(&new_id),
            )
        });
        if !known {
            return Err("not_found");
        }
        if taken {
            return Err("invalid_info");
        }
        self.update_entity(entity_id, &Value::Object(fields));
        Ok(json!({"entity_entry": self.model(|model| model.entities.get(&new_id).cloned())}))
    }

    fn expose(&self, request: &Value, _: &str) -> Outcome {
        let known = ["conversation", "cloud.alexa", "cloud.google_assistant"];
        let list = |field: &str| request[field].as_array().cloned().ok_or("invalid_format");
        for entity_id in list("entity_ids")? {
            let id = entity_id.as_str().ok_or("invalid_format")?;
            let Some(mut options) = self.model(|model| Some(model.entities.get(id)?["options"].clone()))
            else {
                continue;
            };
            for assistant in list("assistants")? {
                let name = assistant.as_str().filter(|name| known.contains(name)).ok_or("invalid_format")?;
                options[name]["should_expose"] = request["should_expose"].clone();
            }
            self.update_entity(id, &json!({"options": options}));
        }
        Ok(Value::Null)
    }

    fn call_service(&self, request: &Value, _: &str) -> Outcome {
        let (domain, service) = (text(request, "domain")?, text(request, "service")?);
        let data = &request["service_data"];
        let target = request["target"]["entity_id"].as_str();
        match (domain, service) {
            (_, "reload") if Domain::parse(domain).is_some() => {
                let one = data["id"].as_str();
                let knows_one =
                    domain == "automation" && self.model(|model| model.version == Version::V2026_11);
                if one.is_some() && !knows_one {
                    return Err("invalid_format");
                }
                Domain::parse(domain).into_iter().for_each(|domain| self.reload(domain, one));
            }
            ("automation", "turn_on" | "turn_off") => self.switch(target, &service["turn_".len()..]),
            ("light", "toggle") => {
                let on = self.model(|model| {
                    target.is_some_and(|id| model.states.get(id).is_some_and(|s| s.value == "on"))
                });
                self.switch(target, if on { "off" } else { "on" });
            }
            ("button", "press") => self.switch(target, "2026-11-21T11:44:48+00:00"),
            ("persistent_notification", "create") => {
                let id = text(data, "notification_id")?.to_owned();
                let told = (data["title"].as_str().unwrap_or_default(), text(data, "message")?);
                let told = (told.0.to_owned(), told.1.to_owned());
                self.change_silently(|model| model.notifications.insert(id, told));
            }
            ("persistent_notification", "dismiss") => {
                let id = text(data, "notification_id")?;
                self.change_silently(|model| model.notifications.remove(id));
            }
            _ => return Err("not_found"),
        }
        let context = json!({"id": "01M7YYRQBQ5N0ZNQ78CQ5PWS80", "parent_id": null, "user_id": "u"});
        Ok(json!({"context": context}))
    }

    /// Gives an entity a state; one that does not exist is passed over, as Home Assistant does.
    fn switch(&self, entity_id: Option<&str>, value: &str) {
        self.change(|model| {
            let Some((id, state)) = entity_id.and_then(|id| Some((id, model.states.get_mut(id)?))) else {
                return Vec::new();
            };
            let old = state.clone();
            value.clone_into(&mut state.value);
            vec![BusEvent::state(id, Some(&old), Some(state))]
        });
    }
}

fn drop_null(record: &mut Value, field: &str) {
    if record[field].is_null()
        && let Some(record) = record.as_object_mut()
    {
        record.remove(field);
    }
}
