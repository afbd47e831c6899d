//! What the portal holds, and changes to it in words.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

/// How much of a value a line shows, in characters.
const SHOWN: usize = 48;

/// Records by key, as read from JSON lines.
#[derive(Debug, Clone, Default)]
pub(crate) struct Picture(BTreeMap<String, Map<String, Value>>);

impl Picture {
    /// Reads a snapshot.
    pub(crate) fn of(lines: &[String]) -> Self {
        let mut picture = Self::default();
        for line in lines {
            picture.apply(line);
        }
        picture
    }

    /// The records of a kind, by id.
    pub(crate) fn kind<'a>(
        &'a self,
        kind: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a Map<String, Value>)> {
        self.0.iter().filter_map(move |(key, record)| match key.split_once('/') {
            Some((found, id)) if found == kind => Some((id, record)),
            _ => None,
        })
    }

    /// What a thing is called, where the portal may know.
    pub(crate) fn name(&self, id: &str) -> Option<&str> {
        let record = self.0.get(&format!("name/{id}"))?;
        ["name", "entity_id", "path"].iter().find_map(|field| record.get(*field)?.as_str())
    }

    /// Takes in lines of changes, and says what each means. The name of what comes or goes is not said twice.
    pub(crate) fn take_in(&mut self, lines: &[String]) -> Vec<String> {
        let before = self.clone();
        for line in lines {
            self.apply(line);
        }
        let values: Vec<Value> = lines.iter().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let keys: Vec<&str> = values.iter().filter_map(key_of).collect();
        let comes_or_goes = |key: &str| before.0.contains_key(key) != self.0.contains_key(key);
        let moving: BTreeSet<&str> = keys
            .iter()
            .filter_map(|key| key.split_once('/').filter(|(kind, _)| *kind != "name" && comes_or_goes(key)))
            .map(|(_, id)| id)
            .collect();
        let said =
            |key: &str| key.strip_prefix("name/").is_some_and(|id| moving.contains(id) && comes_or_goes(key));
        keys.into_iter().filter(|key| !said(key)).map(|key| describe(&before, self, key)).collect()
    }

    /// The lines that lead from this picture to another one.
    pub(crate) fn changes_to(&self, other: &Self) -> Vec<String> {
        let keys: BTreeSet<&String> = self.0.keys().chain(other.0.keys()).collect();
        let differs = keys.into_iter().filter(|key| self.0.get(*key) != other.0.get(*key));
        differs
            .map(|key| match other.0.get(key) {
                Some(record) => serde_json::json!({"key": key, "record": record}).to_string(),
                None => serde_json::json!({"key": key, "deleted": true}).to_string(),
            })
            .collect()
    }

    fn apply(&mut self, line: &str) {
        let Ok(mut value) = serde_json::from_str::<Value>(line) else { return };
        let Some(key) = key_of(&value).map(str::to_owned) else { return };
        if let Value::Object(record) = value["record"].take() {
            self.0.insert(key, record);
        } else {
            self.0.remove(&key);
        }
    }
}

fn key_of(line: &Value) -> Option<&str> {
    line["key"].as_str()
}

fn describe(before: &Picture, now: &Picture, key: &str) -> String {
    let (kind, id) = key.split_once('/').unwrap_or((key, ""));
    let name = now.name(id).or_else(|| before.name(id));
    let who = name.map_or_else(|| id.to_owned(), |name| format!("“{name}”"));
    let empty = Map::new();
    let (sign, old, new) = match (before.0.get(key), now.0.get(key)) {
        (None, Some(new)) => ("+", &empty, new),
        (Some(_), None) => return format!("- {kind:<11} {who}"),
        (Some(old), Some(new)) => ("~", old, new),
        (None, None) => ("?", &empty, &empty),
    };
    let fields: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let mut changes = Vec::new();
    for field in fields {
        let (from, to) = (old.get(field), new.get(field));
        if from == to {
            continue;
        }
        let value = |picture: &Picture, value: Option<&Value>| {
            value.map_or_else(|| "nothing".to_owned(), |value| shown(picture, value))
        };
        changes.push(match sign {
            "+" => format!("{field} {}", value(now, to)),
            _ => format!("{field} {} → {}", value(before, from), value(now, to)),
        });
    }
    format!("{sign} {kind:<11} {who}  {}", changes.join(", ")).trim_end().to_owned()
}

/// A value in short, with names instead of ids where they are known.
fn shown(picture: &Picture, value: &Value) -> String {
    let text = match value {
        Value::String(text) => picture.name(text).map_or_else(|| text.clone(), |name| format!("“{name}”")),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            value.to_string()
        }
    };
    if text.chars().count() <= SHOWN {
        return text;
    }
    text.chars().take(SHOWN - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(values: &[Value]) -> Vec<String> {
        values.iter().map(Value::to_string).collect()
    }

    fn house() -> Picture {
        Picture::of(&lines(&[
            serde_json::json!({"key": "area/a_kitchen", "record": {"kind": "kitchen"}}),
            serde_json::json!({"key": "area/a_garage", "record": {"kind": "garage"}}),
            serde_json::json!({"key": "name/a_kitchen", "record": {"name": "Küche"}}),
            serde_json::json!({"key": "device/d_lamp", "record": {"area": "a_kitchen", "integration": "custom"}}),
            serde_json::json!({"key": "name/d_lamp", "record": {"name": "Deckenlampe"}}),
        ]))
    }

    #[test]
    fn a_move_says_from_where_to_where() {
        let mut house = house();
        let moved = serde_json::json!({"key": "device/d_lamp", "record": {"area": "a_garage", "integration": "custom"}});
        assert_eq!(house.take_in(&lines(&[moved])), ["~ device      “Deckenlampe”  area “Küche” → a_garage"]);
    }

    #[test]
    fn what_comes_and_goes_is_called_by_its_name() {
        let mut house = house();
        let gone = [
            serde_json::json!({"key": "device/d_lamp", "deleted": true}),
            serde_json::json!({"key": "name/d_lamp", "deleted": true}),
        ];
        assert_eq!(house.take_in(&lines(&gone)), ["- device      “Deckenlampe”"]);
        let new = serde_json::json!({"key": "area/a_new", "record": {"kind": "other"}});
        assert_eq!(house.take_in(&lines(&[new])), ["+ area        a_new  kind other"]);
    }

    #[test]
    fn two_pictures_differ_by_the_lines_between_them() {
        let (mut one, mut two) = (house(), house());
        two.apply(&serde_json::json!({"key": "area/a_garage", "deleted": true}).to_string());
        let changes = one.changes_to(&two);
        assert_eq!(changes.len(), 1);
        one.take_in(&changes);
        assert!(one.changes_to(&two).is_empty());
    }
}
