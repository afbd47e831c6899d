//! What is held of a home: a snapshot as JSON lines, by key.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::id::{OpaqueId, Thing};
use vestibule_protocol::problem::Problem;
use vestibule_protocol::record::{Key, RecordKind};

use crate::problem::authoring as problem;

/// The records of one home.
#[derive(Debug, Default)]
pub struct Held(BTreeMap<String, Value>);

/// Rewritten contents with the hash that a deployment names as its base.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content<'a> {
    /// The base.
    pub base: Fixed<32>,
    /// JSON text with tokens.
    pub text: &'a str,
}

#[derive(Deserialize)]
struct Line {
    key: String,
    #[serde(default)]
    record: Value,
}

impl Held {
    /// Reads the lines `{"key","record"}` that the portal answers and that `preview` prints.
    ///
    /// # Errors
    /// A `Problem` when a line is something else.
    pub fn read(text: &str) -> Result<Self, Problem> {
        let lines = text.lines().filter(|line| !line.trim().is_empty());
        let records = lines.map(|line| {
            let line: Line = serde_json::from_str(line).map_err(|_| problem::snapshot_unreadable())?;
            Key::parse(&line.key).map_err(|_| problem::snapshot_unreadable())?;
            Ok((line.key, line.record))
        });
        records.collect::<Result<_, Problem>>().map(Self)
    }

    /// The record of a thing.
    #[must_use]
    pub fn of(&self, id: OpaqueId) -> Option<&Value> {
        self.0.get(Key::of(kind_of(id.thing), id).as_str())
    }

    /// The texts of a thing, where the owner grants names.
    #[must_use]
    pub fn texts(&self, id: OpaqueId) -> Option<&Value> {
        self.0.get(Key::of(RecordKind::Name, id).as_str())
    }

    /// The owner's word for a thing, where the owner grants names.
    #[must_use]
    pub fn name(&self, id: OpaqueId) -> Option<&str> {
        self.texts(id)?.get("name")?.as_str()
    }

    /// The rewritten contents of a thing, where the owner grants them.
    #[must_use]
    pub fn content(&self, id: OpaqueId) -> Option<Content<'_>> {
        let record = self.0.get(Key::of(RecordKind::Content, id).as_str())?;
        let base = Fixed::parse(record.get("base")?.as_str()?)?;
        Some(Content { base, text: record.get("text")?.as_str()? })
    }

    /// All records of a kind, with their ids.
    pub fn all(&self, kind: RecordKind) -> impl Iterator<Item = (OpaqueId, &Value)> {
        let prefix = format!("{}/", kind.name());
        self.0
            .range(prefix.clone()..)
            .map_while(move |(key, record)| {
                let id = key.strip_prefix(&prefix)?;
                Some((id.parse().ok(), record))
            })
            .filter_map(|(id, record)| Some((id?, record)))
    }

    /// The record of the installation.
    #[must_use]
    pub fn home(&self) -> Option<&Value> {
        self.0.get(Key::home().as_str())
    }

    /// How many records there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

const fn kind_of(thing: Thing) -> RecordKind {
    match thing {
        Thing::Entity => RecordKind::Entity,
        Thing::Device => RecordKind::Device,
        Thing::Area => RecordKind::Area,
        Thing::Floor => RecordKind::Floor,
        Thing::Label => RecordKind::Label,
        Thing::Dashboard => RecordKind::Dashboard,
        Thing::Automation => RecordKind::Automation,
        Thing::Script => RecordKind::Script,
        Thing::Scene => RecordKind::Scene,
        Thing::Resource => RecordKind::Resource,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_records() {
        let base = Fixed([7; 32]);
        let text = format!(
            "{{\"key\":\"area/a_aaaaaaaaaaaaa\",\"record\":{{\"kind\":\"kitchen\"}}}}\n\
             {{\"key\":\"content/b_aaaaaaaaaaaaa\",\"record\":{{\"base\":\"{base}\",\"text\":\"{{}}\"}}}}\n\
             {{\"key\":\"name/a_aaaaaaaaaaaaa\",\"record\":{{\"name\":\"Galley\"}}}}\n"
        );
        let held = Held::read(&text).unwrap();
        let area: OpaqueId = "a_aaaaaaaaaaaaa".parse().unwrap();
        assert_eq!((held.len(), held.name(area)), (3, Some("Galley")));
        assert_eq!(held.all(RecordKind::Area).count(), 1);
        assert_eq!(held.all(RecordKind::Name).count(), 1);
        assert_eq!(held.content("b_aaaaaaaaaaaaa".parse().unwrap()), Some(Content { base, text: "{}" }));
        for wrong in ["{}", "[]", "{\"key\":\"person/x\",\"record\":{}}", "no"] {
            assert_eq!(Held::read(wrong).unwrap_err().code, "snapshot_unreadable", "{wrong}");
        }
    }
}
