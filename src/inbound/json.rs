//! JSON with its keys in their order, for looking at documents; texts that are written are made of the original text.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// A JSON value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Json {
    Null,
    Bool(bool),
    Number(serde_json::Number),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    /// Reads a document; `None` for what is no JSON. Deeper than 127 levels is none.
    pub(super) fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// The value of a key, if this is an object that has it.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        self.entries().iter().find(|(known, _)| known == key).map(|(_, value)| value)
    }

    /// The string, if it is one.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::List(_) | Self::Object(_) => None,
        }
    }

    /// The string under a key.
    pub(super) fn text_of(&self, key: &str) -> Option<&str> {
        self.get(key).and_then(Self::text)
    }

    /// The elements, if it is a list; otherwise none.
    pub(super) fn list(&self) -> &[Self] {
        match self {
            Self::List(list) => list,
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Text(_) | Self::Object(_) => &[],
        }
    }

    /// The elements of the list under a key.
    pub(super) fn list_of(&self, key: &str) -> &[Self] {
        self.get(key).map_or(&[], Self::list)
    }

    /// Keys and values, if it is an object; otherwise none.
    pub(super) fn entries(&self) -> &[(String, Self)] {
        match self {
            Self::Object(entries) => entries,
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Text(_) | Self::List(_) => &[],
        }
    }

    /// Whether it is an object.
    pub(super) const fn is_object(&self) -> bool {
        matches!(self, Self::Object(_))
    }

    /// Shows every value with the nearest key above it; objects and lists before what is in them.
    pub(super) fn each<'j>(&'j self, see: &mut impl FnMut(&'j str, &'j Self)) {
        self.each_under("", see);
    }

    fn each_under<'j>(&'j self, key: &'j str, see: &mut impl FnMut(&'j str, &'j Self)) {
        see(key, self);
        match self {
            Self::List(list) => list.iter().for_each(|value| value.each_under(key, see)),
            Self::Object(entries) => entries.iter().for_each(|(key, value)| value.each_under(key, see)),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Text(_) => {}
        }
    }

    /// Every string with the nearest key above it.
    pub(super) fn strings(&self) -> BTreeSet<(&str, &str)> {
        let mut strings = BTreeSet::new();
        self.each(&mut |key, value| strings.extend(value.text().map(|text| (key, text))));
        strings
    }

    /// The lines of the document as people read it, two blanks for each level.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines = vec![String::new()];
        self.append(&mut lines, 0, "");
        lines
    }

    fn append(&self, lines: &mut Vec<String>, level: usize, after: &str) {
        let mut add = |text: &str| {
            if let Some(line) = lines.last_mut() {
                line.push_str(text);
            }
        };
        let open = |lines: &mut Vec<String>, level: usize| lines.push("  ".repeat(level));
        match self {
            Self::Null => add(&format!("null{after}")),
            Self::Bool(value) => add(&format!("{value}{after}")),
            Self::Number(number) => add(&format!("{number}{after}")),
            Self::Text(text) => add(&format!("{}{after}", spelled(text))),
            Self::List(list) if list.is_empty() => add(&format!("[]{after}")),
            Self::Object(entries) if entries.is_empty() => add(&format!("{{}}{after}")),
            Self::List(list) => {
                add("[");
                for (at, value) in list.iter().enumerate() {
                    open(lines, level + 1);
                    value.append(lines, level + 1, if at + 1 < list.len() { "," } else { "" });
                }
                open(lines, level);
                if let Some(line) = lines.last_mut() {
                    line.push_str(&format!("]{after}"));
                }
            }
            Self::Object(entries) => {
                add("{");
                for (at, (key, value)) in entries.iter().enumerate() {
                    open(lines, level + 1);
                    if let Some(line) = lines.last_mut() {
                        line.push_str(&format!("{}: ", spelled(key)));
                    }
                    value.append(lines, level + 1, if at + 1 < entries.len() { "," } else { "" });
                }
                open(lines, level);
                if let Some(line) = lines.last_mut() {
                    line.push_str(&format!("}}{after}"));
                }
            }
        }
    }
}

/// A string as JSON spells it.
pub(super) fn spelled(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A document whose top-level key `key` is `value` (a piece of JSON), in its old place or at the end; with `None` it is without that key.
/// Everything else keeps its spelling and its order. `None` if the text is no object.
pub(super) fn with_member(text: &str, key: &str, value: Option<&str>) -> Option<String> {
    let members: Members<'_> = serde_json::from_str(text).ok()?;
    let mut out = String::with_capacity(text.len() + 32);
    let mut add = |key: &str, raw: &str| {
        out.push(if out.is_empty() { '{' } else { ',' });
        out.push_str(&spelled(key));
        out.push(':');
        out.push_str(raw);
    };
    let mut pending = value;
    for (known, raw) in &members.0 {
        if known != key {
            add(known, raw.get());
        } else if let Some(value) = pending.take() {
            add(key, value);
        }
    }
    if let Some(value) = pending {
        add(key, value);
    }
    out.push_str(if out.is_empty() { "{}" } else { "}" });
    Some(out)
}

struct Members<'t>(Vec<(String, &'t RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Members<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }
    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }
    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }
    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Number(value.into()))
    }
    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Number(value.into()))
    }
    fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
        Ok(serde_json::Number::from_f64(value).map_or(Json::Null, Json::Number))
    }
    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(Json::Text(value.to_owned()))
    }
    fn visit_string<E>(self, value: String) -> Result<Json, E> {
        Ok(Json::Text(value))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Json, A::Error> {
        let mut list = Vec::new();
        while let Some(value) = seq.next_element()? {
            list.push(value);
        }
        Ok(Json::List(list))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Json::Object(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_keep_their_order() {
        let json = Json::parse(r#"{"b": 1, "a": [true, null, {"z": "x\n"}, [], {}]}"#).unwrap();
        let read: Vec<&str> = json.entries().iter().map(|(key, _)| &**key).collect();
        assert_eq!(read, ["b", "a"]);
        assert_eq!(
            json.lines().join("\n"),
            "{\n  \"b\": 1,\n  \"a\": [\n    true,\n    null,\n    {\n      \"z\": \"x\\n\"\n    },\n    [],\n    {}\n  ]\n}"
        );
        assert_eq!(Json::parse("{"), None);
    }

    #[test]
    fn a_member_is_set_without_touching_the_rest() {
        let text = r#"{"b": 1.0, "initial_state": true, "a": {"x" : [ ]}}"#;
        assert_eq!(
            with_member(text, "initial_state", Some("false")).unwrap(),
            r#"{"b":1.0,"initial_state":false,"a":{"x" : [ ]}}"#
        );
        assert_eq!(with_member(text, "initial_state", None).unwrap(), r#"{"b":1.0,"a":{"x" : [ ]}}"#);
        assert_eq!(with_member("{}", "k", Some("1")).unwrap(), r#"{"k":1}"#);
        assert_eq!(with_member(r#"{"k":1}"#, "k", None).unwrap(), "{}");
        assert_eq!(with_member("[]", "k", None), None);
    }

    proptest::proptest! {
        #[test]
        fn lines_read_back_as_the_same_document(text in "[\\PC]{0,20}", number: i32, flag: bool) {
            let json = Json::Object(vec![
                (text.clone(), Json::List(vec![Json::Text(text), Json::Number(number.into())])),
                ("k".into(), Json::Bool(flag)),
            ]);
            proptest::prop_assert_eq!(Json::parse(&json.lines().join("\n")), Some(json));
        }
    }
}
