//! JSON documents with everything that matters to a reader of designs: the order of keys, and whether a key repeats.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use vestibule_protocol::frame;

/// A JSON value; numbers, booleans and null are all alike here.
#[derive(Debug, PartialEq, Eq)]
pub enum Document {
    /// An object.
    Object(Vec<(String, Document)>),
    /// An array.
    Array(Vec<Document>),
    /// A string.
    Text(String),
    /// Anything else.
    Other,
}

/// Why a text is no document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoDocument {
    /// Not JSON.
    NotJson,
    /// Nested more deeply than home reads it.
    TooDeep,
    /// A key stands twice in an object: programs disagree about which counts (R14).
    DuplicateKey,
}

impl NoDocument {
    /// Stable name, as home would say it.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotJson => "not_json",
            Self::TooDeep => "too_deep",
            Self::DuplicateKey => "duplicate_key",
        }
    }
}

const DUPLICATE: &str = "a key stands twice";

impl Document {
    /// Reads a text.
    ///
    /// # Errors
    /// See [`NoDocument`].
    pub fn read(text: &str) -> Result<Self, NoDocument> {
        frame::check_depth(text.as_bytes()).map_err(|_| NoDocument::TooDeep)?;
        serde_json::from_str(text).map_err(|error| {
            if error.to_string().starts_with(DUPLICATE) {
                NoDocument::DuplicateKey
            } else {
                NoDocument::NotJson
            }
        })
    }

    /// The member of an object.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members.iter().find(|(name, _)| name == key).map(|(_, value)| value),
            Self::Array(_) | Self::Text(_) | Self::Other => None,
        }
    }

    /// The text, if it is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Object(_) | Self::Array(_) | Self::Other => None,
        }
    }

    /// Visits every string with the key under which it stands (list members have that of their list), and every key, for which the first
    /// is `None`.
    pub fn texts<'a>(&'a self, visit: &mut impl FnMut(Option<&'a str>, &'a str)) {
        self.texts_under("", visit);
    }

    fn texts_under<'a>(&'a self, under: &'a str, visit: &mut impl FnMut(Option<&'a str>, &'a str)) {
        match self {
            Self::Object(members) => {
                for (key, value) in members {
                    visit(None, key);
                    value.texts_under(key, visit);
                }
            }
            Self::Array(members) => members.iter().for_each(|value| value.texts_under(under, visit)),
            Self::Text(text) => visit(Some(under), text),
            Self::Other => {}
        }
    }

    /// Visits every object, the outer ones first.
    pub fn objects<'a>(&'a self, visit: &mut impl FnMut(&'a Self)) {
        match self {
            Self::Object(members) => {
                visit(self);
                members.iter().for_each(|(_, value)| value.objects(visit));
            }
            Self::Array(members) => members.iter().for_each(|value| value.objects(visit)),
            Self::Text(_) | Self::Other => {}
        }
    }
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Document;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Document, A::Error> {
        let mut members: Vec<(String, Document)> = Vec::new();
        let mut seen = std::collections::BTreeSet::new();
        while let Some((key, value)) = map.next_entry::<String, Document>()? {
            if !seen.insert(key.clone()) {
                return Err(de::Error::custom(DUPLICATE));
            }
            members.push((key, value));
        }
        Ok(Document::Object(members))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Document, A::Error> {
        let mut members = Vec::new();
        while let Some(value) = seq.next_element()? {
            members.push(value);
        }
        Ok(Document::Array(members))
    }

    fn visit_str<E>(self, text: &str) -> Result<Document, E> {
        Ok(Document::Text(text.to_owned()))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Document, E> {
        Ok(Document::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Document, E> {
        Ok(Document::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Document, E> {
        Ok(Document::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Document, E> {
        Ok(Document::Other)
    }

    fn visit_unit<E>(self) -> Result<Document, E> {
        Ok(Document::Other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_with_their_keys() {
        let document = Document::read(r#"{"a":["x",1,{"b":"y"}],"c":null}"#).unwrap();
        let mut seen = Vec::new();
        document.texts(&mut |key, text| seen.push((key, text)));
        assert_eq!(seen, [(None, "a"), (Some("a"), "x"), (None, "b"), (Some("b"), "y"), (None, "c")]);
    }

    #[test]
    fn r14_what_home_would_refuse_is_refused() {
        assert_eq!(Document::read(r#"{"a":1,"a":2}"#), Err(NoDocument::DuplicateKey));
        assert_eq!(Document::read("{"), Err(NoDocument::NotJson));
        assert_eq!(Document::read(r#"["\ud800"]"#), Err(NoDocument::NotJson));
        assert_eq!(Document::read(&"[".repeat(65)), Err(NoDocument::TooDeep));
    }
}
