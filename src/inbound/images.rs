//! Whether a document is as before, as it shall be, or somebody else's work.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::apply::Seen;
use super::plan::{Image, Target};

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
fn alike(target: &Target, one: &Image, other: &Image) -> bool {
    let (Image::Present(one), Image::Present(other)) = (one, other) else { return one == other };
    let (one, other): (&str, &str) = (one.reveal_to_inbound(), other.reveal_to_inbound());
    let plain = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
    match target {
        Target::DashboardConfig { .. } => {
            let ordered = |text: &str| serde_json::from_str::<Ordered>(text).ok();
            matches!((ordered(one), ordered(other)), (Some(one), Some(other)) if one == other)
        }
        Target::Routine { id, .. } => {
            // Home Assistant adds the id to what was written without one.
            let without = |text: &str| {
                let mut value = plain(text)?;
                let object = value.as_object_mut()?;
                if object.get("id").and_then(|own| own.as_str()) == Some(&**id.reveal_to_inbound()) {
                    object.remove("id");
                }
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

/// A JSON value whose keys have an order.
#[derive(PartialEq)]
enum Ordered {
    Null,
    Bool(bool),
    Number(serde_json::Number),
    Text(String),
    List(Vec<Ordered>),
    Object(Vec<(String, Ordered)>),
}

impl<'de> Deserialize<'de> for Ordered {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Read)
    }
}

struct Read;

impl<'de> Visitor<'de> for Read {
    type Value = Ordered;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Ordered, E> {
        Ok(Ordered::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Ordered, E> {
        Ok(Ordered::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Ordered, E> {
        Ok(Ordered::Number(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Ordered, E> {
        Ok(Ordered::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Ordered, E> {
        Ok(serde_json::Number::from_f64(value).map_or(Ordered::Null, Ordered::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Ordered, E> {
        Ok(Ordered::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Ordered, A::Error> {
        let mut list = Vec::new();
        while let Some(value) = access.next_element()? {
            list.push(value);
        }
        Ok(Ordered::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Ordered, A::Error> {
        let mut object = Vec::new();
        while let Some(entry) = access.next_entry()? {
            object.push(entry);
        }
        Ok(Ordered::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inbound::plan::RoutineKind;
    use crate::private::Private;

    fn image(text: &str) -> Image {
        Image::Present(Private::new(text.into()))
    }

    #[test]
    fn r43_values_are_compared_until_home_assistant_has_spelled_them() {
        let place = Target::DashboardConfig { url_path: Private::new("a-b".into()) };
        let (old, new) = (image(r#"{"views":[]}"#), image(r#"{"a":1,"b":[1.0]}"#));
        let respelled = image(r#"{ "a": 1, "b": [1.0] }"#);
        assert_eq!(compare(&place, &respelled, &old, &new, false), Seen::After);
        assert_eq!(compare(&place, &respelled, &old, &new, true), Seen::Other, "every later comparison is on the text");
        let reordered = image(r#"{"b":[1.0],"a":1}"#);
        assert_eq!(compare(&place, &reordered, &old, &new, false), Seen::Other, "the order of keys is part of it");
        assert_eq!(compare(&place, &Image::Absent, &Image::Absent, &new, false), Seen::Before);
        assert_eq!(compare(&place, &old, &old, &old, true), Seen::Both);
    }

    #[test]
    fn automations_are_compared_as_objects_and_without_the_id_that_was_added() {
        let place = Target::Routine { kind: RoutineKind::Automation, id: Private::new("x".into()) };
        let (sent, kept) = (image(r#"{"alias":"a","mode":"single"}"#), image(r#"{"id":"x","mode":"single","alias":"a"}"#));
        assert_eq!(compare(&place, &kept, &Image::Absent, &sent, false), Seen::After);
        let other = image(r#"{"id":"y","mode":"single","alias":"a"}"#);
        assert_eq!(compare(&place, &other, &Image::Absent, &sent, false), Seen::Other);
    }
}
