//! Whether a document is as before, as it shall be, or somebody else's work.

use serde_json::{Map, Value};
use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::id::OpaqueId;

use super::apply::Seen;
use super::json::{Json, with_member};
use super::plan::{Image, Target};
use crate::identity::IdKey;
use crate::outbound::contents::base_hash;
use crate::private::Private;

/// Under these keys of an automation or script the words are its author's.
const OWN_WORDS: [&str; 7] =
    ["data", "data_template", "event_data", "fields", "service_data", "trigger_variables", "variables"];

/// Compares what was read with the images of a step. `settled` says that `after` is the text which Home Assistant made of what was
/// written; until then values are compared, for Home Assistant spells numbers and spaces its own way (R43).
#[must_use]
pub fn compare(target: &Target, found: &Image, before: &Image, after: &Image, settled: bool) -> Seen {
    let is_after = found == after || (!settled && alike(target, found, after));
    match (found == before, is_after) {
        (true, true) => Seen::Both,
        (true, false) => Seen::Before,
        (false, true) => Seen::After,
        // What was put back is spelled by Home Assistant again.
        (false, false) if alike(target, found, before) => Seen::Before,
        (false, false) => Seen::Other,
    }
}

/// Whether two images of one place have the same value: for dashboards with their keys in order, for all else without.
pub(super) fn alike(target: &Target, one: &Image, other: &Image) -> bool {
    let (Image::Present(one), Image::Present(other)) = (one, other) else { return one == other };
    let (one, other): (&str, &str) = (one.reveal_to_inbound(), other.reveal_to_inbound());
    let plain = |text: &str| serde_json::from_str::<Value>(text).ok();
    match target {
        Target::DashboardConfig { .. } => {
            matches!((Json::parse(one), Json::parse(other)), (Some(one), Some(other)) if one == other)
        }
        Target::Routine { id, .. } => {
            // Home Assistant adds the id to what was written without one.
            let without = |text: &str| {
                let mut value = plain(text)?;
                let object = value.as_object_mut()?;
                if object.get("id").and_then(|own| own.as_str()) == Some(&**id.reveal_to_inbound()) {
                    object.remove("id");
                }
                for (old, new) in
                    [("trigger", "triggers"), ("condition", "conditions"), ("action", "actions")]
                {
                    rename(object, old, new);
                }
                new_words(&mut value);
                Some(value)
            };
            matches!((without(one), without(other)), (Some(one), Some(other)) if one == other)
        }
        Target::DashboardRecord { .. } => {
            matches!((plain(one), plain(other)), (Some(one), Some(other)) if one == other)
        }
        Target::Resource { .. } => one == other,
    }
}

/// Newer versions put their words in the place of the older ones while they validate what is written, and store that (2024.8 and 2024.10).
fn new_words(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            rename(fields, "service", "action");
            fields
                .iter_mut()
                .filter(|(key, _)| !OWN_WORDS.contains(&key.as_str()))
                .for_each(|(_, value)| new_words(value));
        }
        Value::Array(values) => values.iter_mut().for_each(new_words),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn rename(fields: &mut Map<String, Value>, old: &str, new: &str) {
    if !fields.contains_key(new)
        && let Some(value) = fields.remove(old)
    {
        fields.insert(new.to_owned(), value);
    }
}

/// What the next deployment names as its base, of contents that were read back (R16).
#[must_use]
pub fn base(key: &IdKey, thing: OpaqueId, target: &Target, after: &Image) -> Option<Fixed<32>> {
    match (target, after) {
        (Target::DashboardConfig { .. } | Target::Routine { .. }, Image::Present(text)) => {
            Some(base_hash(key, thing, text.reveal_to_inbound()))
        }
        (Target::DashboardRecord { .. } | Target::Resource { .. }, _) | (_, Image::Absent) => None,
    }
}

/// A new automation's configuration without the key that keeps it off (R40); `None` if it has none.
#[must_use]
pub fn enabled(image: &Image) -> Option<Image> {
    let Image::Present(text) = image else { return None };
    let text: &str = text.reveal_to_inbound();
    Json::parse(text)?.get("initial_state")?;
    with_member(text, "initial_state", None).map(|text| Image::Present(Private::new(text.into())))
}

/// Whether an automation's configuration keeps it switched off at every start.
#[must_use]
pub fn kept_off(image: &Image) -> bool {
    let Image::Present(text) = image else { return false };
    let json = Json::parse(text.reveal_to_inbound());
    json.is_some_and(|json| json.get("initial_state") == Some(&Json::Bool(false)))
}

/// The name of a place, by which two deployments that write it are found.
#[must_use]
pub fn place(target: &Target) -> String {
    match target {
        Target::DashboardRecord { url_path, .. } => format!("record {}", url_path.reveal_to_inbound()),
        Target::DashboardConfig { url_path } => format!("contents {}", url_path.reveal_to_inbound()),
        Target::Resource { element, .. } => format!("card {element}"),
        Target::Routine { kind, id } => format!("{kind:?} {}", id.reveal_to_inbound()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inbound::plan::RoutineKind;

    fn image(text: &str) -> Image {
        Image::Present(Private::new(text.into()))
    }

    #[test]
    fn r43_values_are_compared_until_home_assistant_has_spelled_them() {
        let place = Target::DashboardConfig { url_path: Private::new("a-b".into()) };
        let (old, new) = (image(r#"{"views":[]}"#), image(r#"{"a":1,"b":[1.0]}"#));
        let respelled = image(r#"{ "a": 1, "b": [1.0] }"#);
        assert_eq!(compare(&place, &respelled, &old, &new, false), Seen::After);
        assert_eq!(
            compare(&place, &respelled, &old, &new, true),
            Seen::Other,
            "every later comparison is on the text"
        );
        let reordered = image(r#"{"b":[1.0],"a":1}"#);
        assert_eq!(
            compare(&place, &reordered, &old, &new, false),
            Seen::Other,
            "the order of keys is part of it"
        );
        assert_eq!(compare(&place, &Image::Absent, &Image::Absent, &new, false), Seen::Before);
        assert_eq!(compare(&place, &old, &old, &old, true), Seen::Both);
    }

    #[test]
    fn automations_are_compared_as_objects_and_without_the_id_that_was_added() {
        let place = Target::Routine { kind: RoutineKind::Automation, id: Private::new("x".into()) };
        let (sent, kept) =
            (image(r#"{"alias":"a","mode":"single"}"#), image(r#"{"id":"x","mode":"single","alias":"a"}"#));
        assert_eq!(compare(&place, &kept, &Image::Absent, &sent, false), Seen::After);
        let other = image(r#"{"id":"y","mode":"single","alias":"a"}"#);
        assert_eq!(compare(&place, &other, &Image::Absent, &sent, false), Seen::Other);
    }

    #[test]
    fn r43_older_words_that_home_assistant_has_renewed_are_the_same() {
        let kind = RoutineKind::Automation;
        let place = Target::Routine { kind, id: Private::new("x".into()) };
        let sent = image(
            r#"{"trigger":[{"platform":"sun","event_data":{"service":"a"}}],"condition":[],"action":[{"if":[],"then":[{"service":"light.on","data":{"service":"a.b"}}]}]}"#,
        );
        let kept = r#"{"id":"x","triggers":[{"platform":"sun","event_data":{"service":"a"}}],"conditions":[],"actions":[{"if":[],"then":[{"action":"light.on","data":{"service":"a.b"}}]}]}"#;
        assert_eq!(compare(&place, &image(kept), &Image::Absent, &sent, false), Seen::After);
        // What was put back is renewed as well.
        assert_eq!(compare(&place, &image(kept), &sent, &Image::Absent, true), Seen::Before);
        for (word, other) in [("light.on", "light.off"), (r#""data":{"service""#, r#""data":{"action""#)] {
            let other = image(&kept.replace(word, other));
            assert_eq!(compare(&place, &other, &Image::Absent, &sent, false), Seen::Other);
        }
    }
}
