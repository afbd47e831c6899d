//! Dashboards as they are found in the wild: every kind of card, and some that nobody should have written.

use proptest::prelude::*;
use serde_json::{Value, json};

/// Hand-made.
pub(super) const ODD: [&str; 14] = [
    "{}",
    "\"just a string\"",
    "[]",
    " {\n \"views\" : [ ] } ",
    r#"{"strategy":{"type":"custom:emmas-strategy","areas":{"x":1}}}"#,
    r#"{"views":[{"title":"@e_aaaaaaaaaaaaa","path":"@@x_aaaaaaaaaaaaa","badges":["light.kitchen",{"entity":"person.emma"}]}]}"#,
    r#"{"views":[{"cards":[{"type":"entities","entities":["light.kitchen","light.gone",{"type":"section"},null,1e3,-0.0,1.0]}]}]}"#,
    r#"{"title":"\u00e9\/\ud83d\ude00","views":[{"visible":[{"user":"0a0b0c0d0e0f01020304050607080910"}]}]}"#,
    r#"{"views":[{"type":"sections","sections":[{"type":"grid","cards":[{"type":"custom:button-card","label":"[[[ return states['light.kitchen'].state; ]]]","styles":{"card":[{"background":"url(http://10.0.0.1/x.png)"}]}}]}]}]}"#,
    r#"{"":{"":[""," ","@"]},"@":"@","entities":{"light.kitchen":{"name":"x"},"light.gone":{}}}"#,
    r#"{"views":[{"cards":[{"type":"conditional","conditions":[{"entity":"light.kitchen","state_not":"sensor.temperature_2"}],"card":{"type":"markdown","content":"@light.kitchen me@s_x @n_a_x"}}]}]}"#,
    r#"{"views":[{"cards":[{"type":"map","entities":[{"entity":"person.emma"}],"default_zoom":52.520008}]}]}"#,
    r#"{"views":[{"strategy":{"type":"area","area":"kitchen","areas_options":{"kitchen":{"groups_options":{}},"gone":{}}}}]}"#,
    "{\"content\":\"{% raw %}{{ {% endraw %} {{ '}}' }} \\\"light.kitchen\\\" \\u0000 \\u001f \u{2028}\"}",
];

const CARDS: [&str; 40] = [
    "alarm-panel",
    "area",
    "button",
    "calendar",
    "conditional",
    "entities",
    "entity",
    "entity-filter",
    "gauge",
    "glance",
    "grid",
    "heading",
    "history-graph",
    "horizontal-stack",
    "humidifier",
    "iframe",
    "light",
    "logbook",
    "map",
    "markdown",
    "media-control",
    "picture",
    "picture-elements",
    "picture-entity",
    "picture-glance",
    "plant-status",
    "sensor",
    "statistic",
    "statistics-graph",
    "thermostat",
    "tile",
    "todo-list",
    "vertical-stack",
    "weather-forecast",
    "custom:button-card",
    "custom:mushroom-template-card",
    "custom:emmas-own-card",
    "custom:mini-graph-card",
    "error",
    "clock",
];
const ENTITIES: [&str; 6] = [
    "light.kitchen",
    "sensor.temperature_2",
    "script.good_night",
    "light.secret_room",
    "person.emma",
    "light.gone",
];
const TEXTS: [&str; 12] = [
    "Emma's room",
    "{{ states('light.kitchen') }}",
    "Emma: {{ states('light.kitchen') | round(1) }}",
    "http://10.0.0.1/cam?token=abc",
    "mdi:bed",
    "[[[ return entity.state ]]]",
    "/lovelace/emma",
    "@e_aaaaaaaaaaaaa Emma",
    "on",
    "",
    "ha-card { color: red } /* Emma */",
    "# Emma\n\n| a | b |",
];

fn text() -> impl Strategy<Value = Value> {
    proptest::sample::select(&TEXTS[..]).prop_map(Value::from)
}

fn entity() -> impl Strategy<Value = Value> {
    proptest::sample::select(&ENTITIES[..]).prop_map(Value::from)
}

fn action() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!({"action": "more-info"})),
        (entity(), text()).prop_map(|(entity, text)| json!({"action": "perform-action", "perform_action": "light.turn_on",
            "target": {"entity_id": [entity], "area_id": "kitchen", "device_id": super::home::DEVICE}, "data": {"brightness_pct": 50, "message": text},
            "confirmation": {"text": "Emma?", "exemptions": [{"user": "0a0b0c0d0e0f01020304050607080910"}]}})),
        (entity(), text()).prop_map(|(entity, path)| json!({"action": "call-service", "service": "notify.mobile_app_emma",
            "service_data": {"entity_id": entity, "title": path}})),
        text().prop_map(|path| json!({"action": "navigate", "navigation_path": path})),
        text().prop_map(|url| json!({"action": "url", "url_path": url})),
    ]
}

fn condition() -> impl Strategy<Value = Value> {
    prop_oneof![
        entity().prop_map(|entity| json!({"condition": "state", "entity": entity, "state": ["on", "light.kitchen"]})),
        entity().prop_map(|entity| json!({"condition": "numeric_state", "entity": entity, "above": 20.5, "below": "sensor.temperature_2"})),
        Just(json!({"condition": "user", "users": ["0a0b0c0d0e0f01020304050607080910"]})),
        Just(json!({"condition": "screen", "media_query": "(min-width: 768px)"})),
        entity().prop_map(|entity| json!({"condition": "not", "conditions": [{"entity": entity, "state_not": "off"}]})),
    ]
}

fn card() -> impl Strategy<Value = Value> {
    let one = (proptest::sample::select(&CARDS[..]), entity(), text(), action(), condition(), text()).prop_map(
        |(kind, entity, name, action, condition, content)| {
            json!({"type": kind, "entity": entity, "name": name, "icon": "mdi:emma", "tap_action": action, "hold_action": {"action": "toggle"},
                "visibility": [condition], "grid_options": {"columns": 6, "rows": "auto"}, "content": content,
                "entities": [entity, {"entity": entity, "name": content, "secondary_info": "last-changed"}],
                "elements": [{"type": "state-badge", "entity": entity, "style": {"top": "32%", "--emma": "red"}}],
                "image": content, "camera_image": "camera.emma", "features": [{"type": "light-brightness"}], "card_mod": {"style": content}})
        },
    );
    one.prop_recursive(3, 12, 4, |inner| {
        (inner.clone(), proptest::collection::vec(inner, 1..3)).prop_map(|(mut outer, cards)| {
            if let Value::Object(fields) = &mut outer {
                fields.insert("cards".to_owned(), cards.clone().into());
                fields.insert("card".to_owned(), cards[0].clone());
            }
            outer
        })
    })
}

/// A dashboard of any cards.
pub(super) fn dashboard() -> impl Strategy<Value = String> {
    (proptest::collection::vec(card(), 1..4), text(), any::<bool>()).prop_map(|(cards, title, sections)| {
        let view = if sections {
            json!({"type": "sections", "title": title, "path": "emma", "sections": [{"type": "grid", "cards": cards, "column_span": 2}],
                "header": {"layout": "center", "card": cards[0]}, "badges": ["light.kitchen", {"type": "entity", "entity": "person.emma"}]})
        } else {
            json!({"title": title, "panel": false, "cards": cards, "visible": [{"user": "0a0b0c0d0e0f01020304050607080910"}], "theme": "Emma"})
        };
        json!({"title": "Emma", "views": [view, {"strategy": {"type": "area", "area": "kitchen"}}]}).to_string()
    })
}
