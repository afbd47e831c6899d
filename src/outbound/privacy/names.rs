//! The texts of `names`: the owner's own words, for whoever was granted them. What looks like a secret stays at home even then.

use std::borrow::Cow;
use std::collections::BTreeMap;

use vestibule_protocol::limits;
use vestibule_protocol::record::{NameRecord, Vetted};
use vestibule_protocol::vocabulary::{CUSTOM, List, capability};

use super::{secrets, words};
use crate::outbound::reading::{RawDevice, RawEntity, Shared, Text};

/// The texts of one thing, cleaned.
#[derive(Default)]
pub(super) struct Names<'a> {
    aliases: Vec<Cow<'a, str>>,
    entity_id: Option<Cow<'a, str>>,
    icon: Option<Cow<'a, str>>,
    name: Option<Cow<'a, str>>,
    other: BTreeMap<&'static str, Vec<Cow<'a, str>>>,
    path: Option<Cow<'a, str>>,
}

/// Decides about one text.
#[derive(Clone, Copy)]
pub(super) struct Gate<'a> {
    pub(super) own_hosts: &'a [Text],
}

impl Gate<'_> {
    /// The text without control characters; `None` if it is empty, too long, or looks like a secret.
    pub(super) fn pass<'t>(&self, text: &'t str) -> Option<Cow<'t, str>> {
        let clean: Cow<'t, str> = if text.chars().any(char::is_control) {
            text.chars().filter(|c| !c.is_control()).collect::<String>().into()
        } else {
            text.into()
        };
        let sound = !clean.trim().is_empty()
            && (clean.len() <= limits::TEXT_CHARS || clean.chars().count() <= limits::TEXT_CHARS)
            && !secrets::looks_secret(&clean)
            && !self.names_own_host(&clean);
        sound.then_some(clean)
    }

    /// Only whole words count: a home called `home` must not take every `home cinema` with it, so short names without a dot or a digit are
    /// compared with the whole text. Whatever is neither letter nor digit ends a word: people write addresses in sentences and in URLs.
    pub(super) fn names_own_host(&self, text: &str) -> bool {
        self.own_hosts.iter().any(|host| {
            let host = &**host.reveal_to_privacy();
            let telling = host.contains('.') || host.contains(':') || host.len() >= 8;
            text.eq_ignore_ascii_case(host) || (telling && stands_whole(text, host))
        })
    }

    fn private<'t>(&self, text: &'t Text) -> Option<Cow<'t, str>> {
        self.pass(text.reveal_to_privacy())
    }

    fn shared<'t>(&self, text: &'t Shared) -> Option<Cow<'t, str>> {
        self.pass(text.reveal_to_privacy())
    }
}

/// Whether `host` (in lower case) stands in a text, in any case, with no letter or digit before or after it.
fn stands_whole(text: &str, host: &str) -> bool {
    let text = text.to_lowercase();
    text.match_indices(host).any(|(at, found)| {
        let before = text[..at].chars().next_back();
        let after = text[at + found.len()..].chars().next();
        !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphanumeric)
    })
}

impl<'a> Names<'a> {
    /// Name, other names and icon: what areas, floors and labels have.
    pub(super) fn plain(
        gate: Gate<'_>,
        name: Option<&'a Text>,
        aliases: &'a [Text],
        icon: Option<&'a Shared>,
    ) -> Self {
        let mut aliases: Vec<_> = aliases.iter().filter_map(|alias| gate.private(alias)).collect();
        // Home Assistant keeps them as a set.
        aliases.sort_unstable();
        aliases.dedup();
        aliases.truncate(limits::TEXTS);
        Self {
            aliases,
            name: name.and_then(|name| gate.private(name)),
            icon: icon.and_then(|icon| gate.shared(icon)),
            ..Self::default()
        }
    }

    pub(super) fn of_device(gate: Gate<'_>, device: &'a RawDevice, told: Told) -> Self {
        let name = device.name_by_user.as_ref().or(device.name.as_ref());
        let mut names = Self::plain(gate, name, &[], None);
        if !told.manufacturer {
            names.other(gate, "manufacturer", device.manufacturer.as_ref());
        }
        if !told.model {
            names.other(gate, "model", device.model.as_ref());
        }
        if told.integration == Some(CUSTOM) {
            names.other(gate, "integration", device.integrations.first());
        }
        names
    }

    pub(super) fn of_entity(gate: Gate<'_>, entity: &'a RawEntity, domain: &str, told: Told) -> Self {
        let name = entity.name.as_ref().or(entity.original_name.as_ref());
        let mut names = Self::plain(gate, name, &entity.aliases, entity.icon.as_ref());
        let entity_id = entity.entity_id.reveal_to_privacy();
        // The dot of an entity id would make it look like the name of a host.
        let object_id = entity_id.split_once('.').map_or(&**entity_id, |(_, object_id)| object_id);
        names.entity_id = gate.pass(object_id).map(|_| Cow::Borrowed(&**entity_id));
        if told.integration == Some(CUSTOM) {
            names.other(gate, "integration", entity.integration.as_ref());
        }
        if !told.key {
            names.other(gate, "key", entity.translation_key.as_ref());
        }
        let outside = |list: List, text: &&Shared| list.find(text.reveal_to_privacy()).is_none();
        names.other(
            gate,
            "class",
            entity.device_class.as_ref().filter(|class| outside(List::DeviceClass, class)),
        );
        names.other(gate, "unit", entity.unit.as_ref().filter(|unit| outside(List::Unit, unit)));
        for (attribute, list) in entity.capabilities.iter().flat_map(|raw| &raw.lists) {
            let Some(attribute) = words::attributes_of(domain).iter().find(|known| *known == attribute)
            else {
                continue;
            };
            names.others(
                gate,
                attribute,
                list.iter().filter(|word| capability(attribute, word.reveal_to_privacy()).is_none()),
            );
        }
        names
    }

    pub(super) fn of_dashboard(
        gate: Gate<'_>,
        title: Option<&'a Text>,
        path: Option<&'a Text>,
        icon: Option<&'a Shared>,
    ) -> Self {
        let mut names = Self::plain(gate, title, &[], icon);
        names.path = path.and_then(|path| gate.private(path));
        names
    }

    fn other(&mut self, gate: Gate<'_>, field: &'static str, text: Option<&'a Shared>) {
        self.others(gate, field, text.into_iter());
    }

    fn others(&mut self, gate: Gate<'_>, field: &'static str, texts: impl Iterator<Item = &'a Shared>) {
        let texts: Vec<_> = texts.filter_map(|text| gate.shared(text)).take(limits::TEXTS).collect();
        if !texts.is_empty() {
            self.other.insert(field, texts);
        }
    }

    /// Without the long lists, for the rare thing whose texts would not fit into a record.
    pub(super) fn shortened(mut self) -> Self {
        self.other.clear();
        self.aliases.truncate(16);
        self
    }

    /// The record; `None` if there is no text.
    pub(super) fn record(&self) -> Option<NameRecord<'_>> {
        let record = NameRecord {
            aliases: all(&self.aliases),
            entity_id: self.entity_id.as_deref().map(Vetted::by_privacy_rule),
            icon: self.icon.as_deref().map(Vetted::by_privacy_rule),
            name: self.name.as_deref().map(Vetted::by_privacy_rule),
            other: self.other.iter().map(|(field, texts)| (*field, all(texts))).collect(),
            path: self.path.as_deref().map(Vetted::by_privacy_rule),
        };
        (record != NameRecord::default()).then_some(record)
    }
}

fn all<'t>(texts: &'t [Cow<'_, str>]) -> Vec<Vetted<'t>> {
    texts.iter().map(|text| Vetted::by_privacy_rule(text)).collect()
}

/// Which fields `structure` told, so that only the rest stands under `other`.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Told {
    pub(super) manufacturer: bool,
    pub(super) model: bool,
    pub(super) key: bool,
    pub(super) integration: Option<&'static str>,
}
