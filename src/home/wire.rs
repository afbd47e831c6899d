//! Home Assistant's messages, read in place: only the fields named in this folder are ever looked at, and no tree is built.
//!
//! Home Assistant's data comes from hundreds of integrations, so everything here is tolerant: a field of the wrong type counts as
//! absent, an entry that makes no sense is left out and counted, and only a message that is no message at all is an error.

mod capabilities;
pub(super) mod desk;
pub(super) mod entity;
pub(super) mod event;
pub(super) mod lists;

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, de};
use serde_json::value::RawValue;

use super::intern::Interner;
use crate::outbound::reading::{Shared, Text};
use crate::private::Private;

/// Something that breaks the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Garbled;

impl From<serde_json::Error> for Garbled {
    fn from(_: serde_json::Error) -> Self {
        Self
    }
}

/// One message after authentication. Fields may stand in any order.
#[derive(Deserialize)]
pub(super) struct Envelope<'a> {
    /// Id of the request that this answers; absent or null in answers to broken requests.
    #[serde(default)]
    pub(super) id: Option<u64>,
    #[serde(rename = "type", borrow)]
    pub(super) kind: Cow<'a, str>,
    #[serde(default)]
    pub(super) success: bool,
    #[serde(default, borrow)]
    pub(super) result: Option<&'a RawValue>,
    #[serde(default, borrow)]
    pub(super) event: Option<&'a RawValue>,
    #[serde(default, borrow)]
    pub(super) error: Option<WireError<'a>>,
}

/// Only the code: messages may quote what we sent.
#[derive(Deserialize)]
pub(super) struct WireError<'a> {
    #[serde(default, borrow)]
    pub(super) code: Odd<'a>,
}

/// Hands over each message of a frame: one object, or an array of them.
pub(super) fn each_message<'a>(frame: &'a str, mut take: impl FnMut(Envelope<'a>)) -> Result<(), Garbled> {
    if !frame.trim_ascii_start().starts_with('[') {
        take(serde_json::from_str(frame)?);
        return Ok(());
    }
    let mut garbled = false;
    each_raw(frame, |raw| match serde_json::from_str(raw.get()) {
        Ok(message) => take(message),
        Err(_) => garbled = true,
    })?;
    if garbled { Err(Garbled) } else { Ok(()) }
}

/// Hands over each element of a list that makes sense; gives the number of those that make none.
pub(super) fn each<'a, T: Deserialize<'a>>(
    list: &'a RawValue,
    mut take: impl FnMut(T),
) -> Result<usize, Garbled> {
    let mut skipped = 0;
    each_raw(list.get(), |raw| {
        // A derived reader would also take a list for the fields in order.
        let object = raw.get().starts_with('{').then(|| serde_json::from_str(raw.get()));
        match object {
            Some(Ok(element)) => take(element),
            Some(Err(_)) | None => skipped += 1,
        }
    })?;
    Ok(skipped)
}

/// Hands over each value of an object with its key, unread.
pub(super) fn each_entry<'a>(
    object: &'a RawValue,
    take: impl FnMut(Cow<'a, str>, &'a RawValue),
) -> Result<(), Garbled> {
    let mut json = serde_json::Deserializer::from_str(object.get());
    json.deserialize_map(Entries(take, PhantomData))?;
    Ok(())
}

fn each_raw<'a>(list: &'a str, take: impl FnMut(&'a RawValue)) -> Result<(), Garbled> {
    let mut json = serde_json::Deserializer::from_str(list);
    json.deserialize_seq(Elements(take, PhantomData))?;
    json.end()?;
    Ok(())
}

struct Elements<'a, F>(F, PhantomData<&'a ()>);

impl<'a, F: FnMut(&'a RawValue)> Visitor<'a> for Elements<'a, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'a>>(mut self, mut list: A) -> Result<(), A::Error> {
        while let Some(raw) = list.next_element()? {
            (self.0)(raw);
        }
        Ok(())
    }
}

struct Entries<'a, F>(F, PhantomData<&'a ()>);

impl<'a, F: FnMut(Cow<'a, str>, &'a RawValue)> Visitor<'a> for Entries<'a, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(mut self, mut object: A) -> Result<(), A::Error> {
        while let Some(key) = object.next_key_seed(Key)? {
            (self.0)(key, object.next_value()?);
        }
        Ok(())
    }
}

/// An object's key, borrowed where it has no escapes.
pub(super) struct Key;

impl<'a> DeserializeSeed<'a> for Key {
    type Value = Cow<'a, str>;

    fn deserialize<D: Deserializer<'a>>(self, key: D) -> Result<Cow<'a, str>, D::Error> {
        Odd::deserialize(key)?.0.ok_or_else(|| D::Error::custom("no key"))
    }
}

/// A text that may be absent, null, or (in odd integrations) a number; anything else counts as absent.
#[derive(Default)]
pub(super) struct Odd<'a>(Option<Cow<'a, str>>);

impl Odd<'_> {
    pub(super) fn get(&self) -> Option<&str> {
        self.0.as_deref()
    }

    pub(super) const fn is_set(&self) -> bool {
        self.0.is_some()
    }

    pub(super) fn is(&self, text: &str) -> bool {
        self.get() == Some(text)
    }

    /// True only for a boolean `true`, or its spelling.
    pub(super) fn is_true(&self) -> bool {
        self.is("true")
    }

    /// The text as somebody typed it.
    pub(super) fn text(&self) -> Option<Text> {
        self.get().map(text)
    }

    /// The same, shared.
    pub(super) fn shared(&self, interner: &mut Interner) -> Option<Shared> {
        self.get().map(|text| interner.share(text))
    }

    pub(super) fn number<T: std::str::FromStr>(&self) -> Option<T> {
        self.get().and_then(|text| text.parse().ok())
    }
}

/// A document of the home, kept exactly as Home Assistant spells it; `None` for what is no JSON object.
pub(super) fn document(json: &str) -> Option<Text> {
    let raw: &RawValue = serde_json::from_str(json).ok()?;
    raw.get().starts_with('{').then(|| text(raw.get()))
}

/// Whether a document is an object that names no other id than the one it is to be stored under.
pub(super) fn routine_may_be_stored(json: &str, id: &str) -> bool {
    #[derive(Deserialize)]
    struct Named<'a> {
        #[serde(default, borrow)]
        id: Option<Cow<'a, str>>,
    }
    let named = serde_json::from_str::<Named<'_>>(json);
    json.trim_ascii_start().starts_with('{')
        && named.is_ok_and(|named| named.id.is_none_or(|inside| inside == id))
}

/// Wraps a text that is not shared.
pub(super) fn text(text: &str) -> Text {
    Private::new(text.into())
}

impl<'de: 'a, 'a> Deserialize<'de> for Odd<'a> {
    fn deserialize<D: Deserializer<'de>>(value: D) -> Result<Self, D::Error> {
        value.deserialize_any(OddVisitor(PhantomData))
    }
}

struct OddVisitor<'a>(PhantomData<&'a ()>);

impl<'de: 'a, 'a> Visitor<'de> for OddVisitor<'a> {
    type Value = Odd<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Odd<'a>, E> {
        Ok(Odd(Some(Cow::Borrowed(text))))
    }

    fn visit_str<E>(self, text: &str) -> Result<Odd<'a>, E> {
        Ok(Odd(Some(Cow::Owned(text.to_owned()))))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Odd<'a>, E> {
        Ok(Odd(Some(Cow::Borrowed(if value { "true" } else { "false" }))))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Odd<'a>, E> {
        Ok(Odd(Some(Cow::Owned(value.to_string()))))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Odd<'a>, E> {
        Ok(Odd(Some(Cow::Owned(value.to_string()))))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Odd<'a>, E> {
        Ok(Odd(Some(Cow::Owned(value.to_string()))))
    }

    fn visit_unit<E>(self) -> Result<Odd<'a>, E> {
        Ok(Odd(None))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Odd<'a>, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Odd(None))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Odd<'a>, A::Error> {
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Odd(None))
    }
}

/// A list of texts, of which null and odd elements are left out; anything but a list or an object counts as empty. Of an object the
/// values are taken: some integrations name their tones that way.
#[derive(Default)]
pub(super) struct Texts<'a>(Vec<Odd<'a>>);

impl Texts<'_> {
    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(Odd::get)
    }

    /// In Home Assistant's order.
    pub(super) fn texts<C: FromIterator<Text>>(&self) -> C {
        self.iter().map(text).collect()
    }

    /// In Home Assistant's order.
    pub(super) fn shared(&self, interner: &mut Interner) -> Box<[Shared]> {
        self.iter().map(|text| interner.share(text)).collect()
    }

    /// Sorted: for what Home Assistant keeps as a set, whose order changes with each restart.
    pub(super) fn sorted(&self, interner: &mut Interner) -> Box<[Shared]> {
        let mut all = self.shared(interner);
        all.sort_unstable();
        all
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Texts<'a> {
    fn deserialize<D: Deserializer<'de>>(value: D) -> Result<Self, D::Error> {
        value.deserialize_any(TextsVisitor(PhantomData))
    }
}

struct TextsVisitor<'a>(PhantomData<&'a ()>);

impl<'de: 'a, 'a> Visitor<'de> for TextsVisitor<'a> {
    type Value = Texts<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Texts<'a>, A::Error> {
        let mut all = Vec::new();
        while let Some(text) = list.next_element()? {
            all.push(text);
        }
        Ok(Texts(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Texts<'a>, A::Error> {
        let mut all = Vec::new();
        while let Some((_, text)) = object.next_entry::<IgnoredAny, _>()? {
            all.push(text);
        }
        Ok(Texts(all))
    }

    fn visit_str<E>(self, _: &str) -> Result<Texts<'a>, E> {
        Ok(Texts::default())
    }

    fn visit_bool<E>(self, _: bool) -> Result<Texts<'a>, E> {
        Ok(Texts::default())
    }

    fn visit_i64<E>(self, _: i64) -> Result<Texts<'a>, E> {
        Ok(Texts::default())
    }

    fn visit_u64<E>(self, _: u64) -> Result<Texts<'a>, E> {
        Ok(Texts::default())
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<Texts<'a>, E> {
        Ok(Texts::default())
    }

    fn visit_unit<E>(self) -> Result<Texts<'a>, E> {
        Ok(Texts::default())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::home) fn raw(json: &str) -> &RawValue {
        serde_json::from_str(json).unwrap()
    }

    fn ids(frame: &str) -> Result<Vec<Option<u64>>, Garbled> {
        let mut ids = Vec::new();
        each_message(frame, |message| ids.push(message.id)).map(|()| ids)
    }

    #[test]
    fn one_message_or_an_array_and_the_id_anywhere() {
        assert_eq!(ids(r#"{"id":3,"type":"result","success":true,"result":null}"#), Ok(vec![Some(3)]));
        assert_eq!(ids(r#"{"type":"event","event":{"a":[{}]},"id":4}"#), Ok(vec![Some(4)]));
        assert_eq!(
            ids(r#" [{"id":1,"type":"pong"},{"type":"event","event":{},"id":2}]"#),
            Ok(vec![Some(1), Some(2)])
        );
        assert_eq!(
            ids(r#"{"id":null,"type":"result","success":false,"error":{"code":"x"}}"#),
            Ok(vec![None])
        );
        for garbled in
            ["", "nonsense", "{", r#"{"id":1}"#, r#"[{"id":1,"type":"pong"},7]"#, "[{}", r#"{"type":"a"} x"#]
        {
            assert_eq!(ids(garbled), Err(Garbled), "{garbled}");
        }
    }

    #[test]
    fn a_malformed_element_is_skipped_and_counted() {
        #[derive(Deserialize)]
        struct Thing<'a> {
            #[serde(borrow)]
            name: Odd<'a>,
        }
        let mut names = Vec::new();
        let list = raw(r#"[{"name":"a","x":[[1,2,3],{}]},7,{"name":null},{"nome":1},{"name":5},["list"]]"#);
        let skipped = each(list, |thing: Thing<'_>| names.push(thing.name.get().map(str::to_owned))).unwrap();
        assert_eq!((skipped, names), (3, vec![Some("a".into()), None, Some("5".into())]));
        assert_eq!(each(raw("{}"), |_: Thing<'_>| ()), Err(Garbled));
    }

    #[test]
    fn texts_leave_out_nulls_and_odd_elements() {
        for (json, expected) in [
            (r#"["b",null,"a",[1],{},"\u00e4"]"#, vec!["b", "a", "ä"]),
            (r#"{"1":"fire","2":"bell"}"#, vec!["fire", "bell"]),
            ("null", vec![]),
            ("3", vec![]),
            (r#""text""#, vec![]),
            ("[1,2.5]", vec!["1", "2.5"]),
        ] {
            let texts: Texts<'_> = serde_json::from_str(json).unwrap();
            assert_eq!(texts.iter().collect::<Vec<_>>(), expected, "{json}");
        }
    }
}
