//! Is this record one that can exist? Checked by a portal for everything it receives, and by tests for everything a home renders.

use std::collections::BTreeMap;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::{Shape, of};
use crate::bytes::Fixed;
use crate::id::OpaqueId;
use crate::limits;
use crate::record::Key;

/// Why a record is refused. Names the field, never the value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Larger than [`limits::record_bytes`] allows.
    #[error("the record is too large")]
    TooLarge,
    /// Not a JSON object without repeated keys.
    #[error("the record is not a JSON object")]
    NotAnObject,
    /// Not the canonical spelling.
    #[error("the record is not in canonical form")]
    NotCanonical,
    /// A field that is not listed.
    #[error("the field {0:?} is not listed")]
    Unlisted(String),
    /// A listed field with a value that it cannot have.
    #[error("the field {0:?} has a value that it cannot have")]
    WrongShape(&'static str),
}

/// Checks one record against the list: known fields, possible values, canonical bytes.
///
/// # Errors
/// The first reason found; see [`Refused`].
pub fn check(key: &Key, bytes: &[u8]) -> Result<(), Refused> {
    if bytes.len() > limits::record_bytes(key.kind()) {
        return Err(Refused::TooLarge);
    }
    let Object(fields) = serde_json::from_slice(bytes).map_err(|_| Refused::NotAnObject)?;
    let schema = of(key.kind());
    for (name, value) in &fields {
        let field = schema
            .fields
            .iter()
            .find(|field| field.name == name)
            .ok_or_else(|| Refused::Unlisted(name.clone()))?;
        if !fits(field.shape, value) {
            return Err(Refused::WrongShape(field.name));
        }
    }
    // Maps are sorted and numbers are integers, so plain serialisation is RFC 8785's form.
    if serde_json::to_vec(&fields).is_ok_and(|canonical| canonical == bytes) {
        Ok(())
    } else {
        Err(Refused::NotCanonical)
    }
}

/// An object whose keys do not repeat.
struct Object(BTreeMap<String, Value>);

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Object;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let mut fields = BTreeMap::new();
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    if fields.insert(name, value).is_some() {
                        return Err(A::Error::custom("a key is repeated"));
                    }
                }
                Ok(Object(fields))
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

fn fits(shape: Shape, value: &Value) -> bool {
    match (shape, value) {
        (Shape::True, Value::Bool(set)) => *set,
        (Shape::False, Value::Bool(set)) => !*set,
        (Shape::Integer(least, most), Value::Number(number)) => {
            number.as_i64().is_some_and(|number| (least..=most).contains(&number))
        }
        (Shape::OneOf(list), Value::String(word)) => list.contains(&word.as_str()),
        (Shape::Word, Value::String(word)) => is_word(word),
        (Shape::Unit, Value::String(unit)) => is_text(unit, 16),
        (Shape::Id(letter), Value::String(id)) => {
            id.parse::<OpaqueId>().is_ok_and(|id| id.thing.letter() == letter)
        }
        (Shape::Hash, Value::String(text)) => Fixed::<32>::parse(text).is_some(),
        (Shape::Document, Value::String(text)) => {
            text.len() <= limits::CONTENT_BYTES
                && serde_json::from_str::<&serde_json::value::RawValue>(text).is_ok()
        }
        (Shape::Vetted, Value::String(text)) => is_text(text, 40),
        (Shape::Text, Value::String(text)) => is_text(text, limits::TEXT_CHARS),
        (Shape::Texts, Value::Array(texts)) => are_texts(texts),
        (Shape::TextsByField, Value::Object(fields)) => {
            !fields.is_empty()
                && fields.iter().all(|(name, texts)| {
                    is_word(name) && texts.as_array().is_some_and(|texts| are_texts(texts))
                })
        }
        (Shape::Capabilities, Value::Object(fields)) => {
            !fields.is_empty() && fields.iter().all(|(name, value)| is_word(name) && is_capability(value))
        }
        _ => false,
    }
}

fn is_word(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-' | b'.'))
}

fn is_text(text: &str, most: usize) -> bool {
    !text.is_empty() && text.chars().count() <= most && !text.chars().any(char::is_control)
}

fn are_texts(texts: &[Value]) -> bool {
    (1..=limits::TEXTS).contains(&texts.len())
        && texts.iter().all(|text| text.as_str().is_some_and(|text| is_text(text, limits::TEXT_CHARS)))
}

fn is_capability(value: &Value) -> bool {
    match value {
        Value::Bool(_) => true,
        Value::String(word) => is_word(word),
        Value::Array(words) => {
            words.len() <= limits::TEXTS
                && words
                    .iter()
                    .all(|word| word.as_str().is_some_and(|word| is_word(word.trim_start_matches('+'))))
        }
        Value::Null | Value::Number(_) | Value::Object(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::RecordKind;
    use crate::schema::SCHEMAS;

    fn refused(key: &str, record: &str) -> Refused {
        check(&Key::parse(key).unwrap(), record.as_bytes()).unwrap_err()
    }

    #[test]
    fn the_table_is_complete_sorted_and_explained() {
        for (schema, kind) in SCHEMAS.iter().zip(RecordKind::ALL) {
            assert_eq!(schema.kind, kind);
            assert_eq!(of(kind).kind, kind);
            assert!(schema.fields.windows(2).all(|pair| pair[0].name < pair[1].name), "{kind:?} is sorted");
            assert!(schema.fields.iter().all(|field| !field.meaning.is_empty() && !field.purpose.is_empty()));
        }
    }

    /// S1, S98: a field that is not listed cannot arrive.
    #[test]
    fn what_is_not_listed_is_refused_with_its_name() {
        let entity = "entity/e_aaaaaaaaaaaaa";
        assert_eq!(refused(entity, r#"{"domain":"light","serial":"1"}"#), Refused::Unlisted("serial".into()));
        assert_eq!(refused(entity, r#"{"domain":"Grandma's light"}"#), Refused::WrongShape("domain"));
        assert_eq!(
            refused(entity, r#"{"disabled":false,"domain":"light"}"#),
            Refused::WrongShape("disabled")
        );
        assert_eq!(
            refused(entity, r#"{"area":"d_aaaaaaaaaaaaa","domain":"light"}"#),
            Refused::WrongShape("area")
        );
        assert_eq!(refused("label/l_aaaaaaaaaaaaa", r#"{"name":"x"}"#), Refused::Unlisted("name".into()));
        assert_eq!(refused("floor/f_aaaaaaaaaaaaa", r#"{"order":1.5}"#), Refused::WrongShape("order"));
    }

    #[test]
    fn one_record_has_one_spelling() {
        let entity = "entity/e_aaaaaaaaaaaaa";
        assert_eq!(check(&Key::parse(entity).unwrap(), br#"{"domain":"light","hidden":true}"#), Ok(()));
        for other in
            [r#"{"hidden":true,"domain":"light"}"#, r#"{ "domain":"light"}"#, r#"{"domain":"\u006cight"}"#]
        {
            assert_eq!(refused(entity, other), Refused::NotCanonical, "{other}");
        }
        assert_eq!(refused(entity, r#"{"domain":"light","domain":"light"}"#), Refused::NotAnObject);
        assert_eq!(refused(entity, "[]"), Refused::NotAnObject);
        assert_eq!(
            refused(entity, &format!("{{\"x\":\"{}\"}}", "y".repeat(limits::RECORD_BYTES))),
            Refused::TooLarge
        );
    }

    proptest::proptest! {
        #[test]
        fn canonical_form_is_that_of_another_implementation(texts in proptest::collection::vec("\\PC{1,20}", 1..4)) {
            let value = serde_json::json!({"name": texts[0], "aliases": texts});
            let bytes = serde_json_canonicalizer::to_vec(&value).unwrap();
            proptest::prop_assert_eq!(check(&Key::parse("name/a_aaaaaaaaaaaaa").unwrap(), &bytes), Ok(()));
        }
    }
}
