//! Reading and writing of tagged messages in two steps: the type first, then the one body that belongs to it.

use std::borrow::Cow;

use serde::de::{DeserializeOwned, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// Why a text is no message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadMessage {
    /// Not a JSON object that begins with `t`.
    #[error("not a message")]
    NotAMessage,
    /// A type that this side does not know in this direction.
    #[error("unknown type of message")]
    UnknownType,
    /// The body does not fit the type; the field is named where serde knows it.
    #[error("the message {0} does not have the expected form: {1}")]
    WrongBody(&'static str, String),
}

/// The type; it must be the first field, so that nothing else is looked at before.
pub(super) fn kind(json: &[u8]) -> Result<Cow<'_, str>, BadMessage> {
    struct Head<'a>(Cow<'a, str>);
    impl<'de> Deserialize<'de> for Head<'de> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct First;
            impl<'de> Visitor<'de> for First {
                type Value = Head<'de>;
                fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str("a message")
                }
                fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Head<'de>, A::Error> {
                    let head = match map.next_entry::<Cow<'de, str>, Cow<'de, str>>()? {
                        Some((name, kind)) if name == "t" => Head(kind),
                        _ => return Err(serde::de::Error::custom("no type")),
                    };
                    while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                    Ok(head)
                }
            }
            deserializer.deserialize_map(First)
        }
    }
    serde_json::from_slice::<Head<'_>>(json).map(|head| head.0).map_err(|_| BadMessage::NotAMessage)
}

/// Splices the type in front of the body, which leaves raw records untouched (serde's own tagging would buffer them).
pub(super) fn tagged<B: Serialize>(t: &'static str, body: &B) -> Result<Vec<u8>, serde_json::Error> {
    let body = serde_json::to_vec(body)?;
    let mut json = format!("{{\"t\":\"{t}\"").into_bytes();
    if body.len() > 2 {
        json.push(b',');
    }
    json.extend_from_slice(&body[1..]);
    Ok(json)
}

/// The body, read by its strict type after the tag has been cut off.
pub(super) fn body<B: DeserializeOwned>(json: &[u8], t: &'static str) -> Result<B, BadMessage> {
    let rest = after_tag(json, t).ok_or(BadMessage::NotAMessage)?;
    let mut bare = Vec::with_capacity(rest.len() + 1);
    bare.push(b'{');
    bare.extend_from_slice(rest);
    serde_json::from_slice(&bare).map_err(|error| BadMessage::WrongBody(t, shape_of(&error)))
}

/// What follows `{"t":"kind"` and its comma. Only the spelling that both sides write is accepted.
fn after_tag<'a>(json: &'a [u8], t: &str) -> Option<&'a [u8]> {
    let rest = json.strip_prefix(b"{\"t\":\"")?.strip_prefix(t.as_bytes())?.strip_prefix(b"\"")?;
    match rest.first()? {
        b',' => Some(&rest[1..]),
        _ => Some(rest),
    }
}

/// serde's words without any value from the message: only what follows the known openings is a field name of ours.
fn shape_of(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let field = text.split('`').nth(1).unwrap_or_default();
    let plain = field.len() <= 24 && field.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    match text.split(' ').next() {
        Some(word @ ("missing" | "unknown" | "duplicate")) if plain => format!("{word} field {field}"),
        _ => "a value that it cannot have".to_owned(),
    }
}
