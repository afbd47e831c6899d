//! Furnishing a new home as people do: floors, areas, labels, names of their own, hidden and disabled things, dashboards.
//!
//! Names are in several scripts, and some look personal, so that tests can search for them where they must not be.

use serde_json::{Value, json};

use super::{RealError, Session};

const FLOORS: [(&str, i32); 3] = [("Erdgeschoß", 0), ("Étage", 1), ("屋根裏", 2)];
const LABELS: [(&str, &str); 4] =
    [("Wichtig", "#cc3344"), ("Économie d’énergie", "#22aa44"), ("子供", "#2244cc"), ("Приватно", "#888888")];
const AREAS: [&str; 10] = [
    "Küche",
    "Salle de bains",
    "子供部屋",
    "Wohnzimmer",
    "Спальня",
    "Garage",
    "Jardín",
    "مكتب",
    "Hall d’entrée",
    "Marias Zimmer",
];

/// Furnishes the home behind this session.
pub(super) async fn furnish(session: &mut Session) -> Result<(), RealError> {
    let version =
        session.call(json!({"type": "get_config"})).await?["version"].as_str().unwrap_or_default().to_owned();
    // The oldest version has floors and labels, and lets nothing be put on them.
    let labelled = !version.starts_with("2024.3.");
    let floors = floors(session).await?;
    let labels = labels(session).await?;
    let areas = areas(session, labelled.then_some((&floors, &labels))).await?;
    devices(session, &areas, labelled.then_some(&labels)).await?;
    entities(session, &areas, labelled.then_some(&labels)).await?;
    dashboards(session).await?;
    if labelled {
        let category = json!({
            "type": "config/category_registry/create", "scope": "automation", "name": "Nächte", "icon": "mdi:moon-full",
        });
        session.call(category).await?;
    }
    Ok(())
}

async fn floors(session: &mut Session) -> Result<Vec<Value>, RealError> {
    let mut ids = Vec::new();
    for (name, level) in FLOORS {
        let command = json!({"type": "config/floor_registry/create", "name": name, "level": level, "icon": "mdi:stairs"});
        ids.push(session.call(command).await?["floor_id"].take());
    }
    Ok(ids)
}

async fn labels(session: &mut Session) -> Result<Vec<Value>, RealError> {
    let mut ids = Vec::new();
    for (name, color) in LABELS {
        let command = json!({
            "type": "config/label_registry/create", "name": name, "color": color, "icon": "mdi:tag",
            "description": format!("Beschreibung von {name}"),
        });
        ids.push(session.call(command).await?["label_id"].take());
    }
    Ok(ids)
}

async fn areas(
    session: &mut Session,
    on: Option<(&Vec<Value>, &Vec<Value>)>,
) -> Result<Vec<Value>, RealError> {
    let mut ids = Vec::new();
    for (number, name) in AREAS.iter().enumerate() {
        let mut command = json!({
            "type": "config/area_registry/create", "name": name, "icon": "mdi:sofa",
            "aliases": [format!("Alias {name}"), format!("zweiter {name}")],
        });
        // One area lies on no floor, as people forget some.
        if let Some((floors, labels)) = on
            && number != 5
        {
            command["floor_id"] = pick(floors, number);
            command["labels"] = json!([pick(labels, number)]);
        }
        ids.push(session.call(command).await?["area_id"].take());
    }
    Ok(ids)
}

async fn devices(
    session: &mut Session,
    areas: &[Value],
    labels: Option<&Vec<Value>>,
) -> Result<(), RealError> {
    let list = session.call(json!({"type": "config/device_registry/list"})).await?;
    let mut commands = Vec::new();
    for (number, device) in list.as_array().into_iter().flatten().enumerate() {
        let mut command = json!({"type": "config/device_registry/update", "device_id": device["id"]});
        // Parts of a device stay where the device is, and some devices stand nowhere.
        if device["parent_device_id"].is_null() && number % 7 != 6 {
            command["area_id"] = pick(areas, number);
        }
        if number % 9 == 3 {
            command["name_by_user"] = json!(format!("Omas Gerät {number}"));
        }
        if number % 40 == 25 {
            command["disabled_by"] = json!("user");
        }
        if let Some(labels) = labels
            && number % 4 == 0
        {
            command["labels"] = json!([pick(labels, number), pick(labels, number + 1)]);
        }
        commands.push(command);
    }
    all(session, commands).await
}

async fn entities(
    session: &mut Session,
    areas: &[Value],
    labels: Option<&Vec<Value>>,
) -> Result<(), RealError> {
    let list = session.call(json!({"type": "config/entity_registry/list"})).await?;
    let mut commands = Vec::new();
    for (number, entity) in list.as_array().into_iter().flatten().enumerate() {
        let mut command = json!({"type": "config/entity_registry/update", "entity_id": entity["entity_id"]});
        match number % 20 {
            1 => command["name"] = json!(format!("Eigener Name № {number}")),
            4 => command["hidden_by"] = json!("user"),
            // An area of its own needs a name of its own in the newest versions.
            7 => {
                command["name"] = json!(format!("Woanders {number}"));
                command["area_id"] = pick(areas, number);
            }
            10 if entity["disabled_by"].is_null() => command["disabled_by"] = json!("user"),
            13 => command["aliases"] = json!(["Alias eins", "别名"]),
            16 => command["icon"] = json!("mdi:star"),
            19 if labels.is_some() => command["labels"] = json!([labels.map(|labels| pick(labels, number))]),
            _ => continue,
        }
        commands.push(command);
    }
    all(session, commands).await
}

async fn dashboards(session: &mut Session) -> Result<(), RealError> {
    let create = json!({
        "type": "lovelace/dashboards/create", "url_path": "haus-energie", "title": "Énergie", "icon": "mdi:flash",
        "show_in_sidebar": true, "require_admin": false, "mode": "storage",
    });
    session.call(create).await?;
    let config = json!({"title": "Énergie", "views": [{"title": "Übersicht", "path": "start", "cards": [
        {"type": "entities", "title": "Küche", "entities": ["input_boolean.gaeste", "counter.besucher"]},
        {"type": "markdown", "content": "Code der Haustür: 4711"},
    ]}]});
    session
        .call(json!({"type": "lovelace/config/save", "url_path": "haus-energie", "config": config}))
        .await?;
    // The smallest module there is; it carries its own contents.
    let resource = json!({"type": "lovelace/resources/create", "res_type": "module", "url": "data:text/javascript;base64,Ly8="});
    session.call(resource).await.map(drop)
}

/// Sends all commands; the first refusal ends it.
async fn all(session: &mut Session, commands: Vec<Value>) -> Result<(), RealError> {
    session.call_all(commands).await?.into_iter().collect::<Result<Vec<_>, _>>().map(drop)
}

fn pick(from: &[Value], number: usize) -> Value {
    from.get(number % from.len().max(1)).cloned().unwrap_or_default()
}
