//! What of a deployment would be refused at home, or would not do what its author means: told before anybody signs.
//!
//! Codes are those that the home would report. The home alone decides; what it does not release cannot be checked here, and that is said.

use std::collections::BTreeSet;

use serde::Serialize;
use vestibule_protocol::deployment::{Base, CardPut, Deployment, Item};
use vestibule_protocol::id::{OpaqueId, Thing};
use vestibule_protocol::limits;
use vestibule_protocol::record::RecordKind;
use vestibule_protocol::vocabulary::List;

use super::document::Document;
use super::earlier::Bases;
use super::held::Held;
use super::tokens::{self, Token};

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// Its item, from 0; none for the whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item: Option<usize>,
    /// Whether home would refuse it; otherwise it is only worth a look.
    pub error: bool,
    /// Stable name.
    pub code: &'static str,
    /// The token, the text or the field that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
}

/// Keys under which only entity ids stand.
const ENTITY_KEYS: [&str; 7] =
    ["entity", "entity_id", "entities", "entity_ids", "camera_image", "image_entity", "scene_id"];

/// Keys whose string names a service, which is spelled like an entity id.
const SERVICE_KEYS: [&str; 3] = ["service", "action", "perform_action"];

/// Looks through a deployment with what is known of its home; `now` in Unix seconds.
#[must_use]
pub fn check(deployment: &Deployment, held: &Held, bases: &Bases, now: u64) -> Vec<Finding> {
    let arriving = deployment.items.iter().filter_map(Item::entity_id).collect();
    let mut check = Check { held, bases, arriving, item: None, found: BTreeSet::new() };
    if deployment.expires <= now {
        check.error("expired", None);
    }
    let cards = deployment.items.iter().filter_map(|item| match item {
        Item::CardPut(put) => Some(put),
        Item::DashboardPut(_)
        | Item::DashboardDelete(_)
        | Item::CardDelete(_)
        | Item::AutomationPut(_)
        | Item::AutomationDelete(_)
        | Item::ScriptPut(_)
        | Item::ScriptDelete(_) => None,
    });
    let cards: Vec<&CardPut> = cards.collect();
    if cards.iter().map(|card| card.module.len()).sum::<usize>() > limits::CARDS_BYTES {
        check.error("cards_too_large", None);
    }
    for (at, item) in deployment.items.iter().enumerate() {
        check.item = Some(at);
        check.look(item, &cards);
    }
    check.found.into_iter().collect()
}

struct Check<'a> {
    held: &'a Held,
    bases: &'a Bases,
    /// Entity ids of what comes along, which may be written out.
    arriving: BTreeSet<String>,
    item: Option<usize>,
    found: BTreeSet<Finding>,
}

impl Check<'_> {
    fn error(&mut self, code: &'static str, subject: Option<&str>) {
        self.find(true, code, subject);
    }

    fn find(&mut self, error: bool, code: &'static str, subject: Option<&str>) {
        self.found.insert(Finding { item: self.item, error, code, subject: subject.map(str::to_owned) });
    }

    fn look(&mut self, item: &Item, cards: &[&CardPut]) {
        match item {
            Item::DashboardPut(put) => {
                self.target(put.dashboard, put.base);
                if let Some(path) = &put.url_path {
                    self.path(path);
                }
                self.content(put.dashboard, &put.content, cards);
            }
            Item::AutomationPut(put) | Item::ScriptPut(put) => {
                self.target(put.existing, put.base);
                self.content(put.existing, &put.content, cards);
            }
            Item::DashboardDelete(delete) | Item::AutomationDelete(delete) | Item::ScriptDelete(delete) => {
                self.target(Some(delete.existing), delete.base);
            }
            Item::CardPut(put) => {
                if *blake3::hash(put.module.as_bytes()).as_bytes() != put.hash.0 {
                    self.error("hash_differs", Some(&put.element));
                }
                let known = self.bases.card(&put.element).unwrap_or(Base::None);
                self.base(put.base, Some(known), &put.element);
                if !put.module.contains(&put.element) {
                    self.find(false, "element_not_defined", Some(&put.element));
                }
            }
            Item::CardDelete(delete) => {
                self.base(delete.base, self.bases.card(&delete.element), &delete.element);
            }
        }
    }

    /// Something that exists has to be there, to be one that can be written, and to be as it was.
    fn target(&mut self, id: Option<OpaqueId>, base: Base) {
        let Some(id) = id else { return };
        let name = id.to_string();
        match self.held.of(id) {
            None => self.error("unknown_reference", Some(&name)),
            Some(record) if id.thing == Thing::Dashboard => {
                if record.get("mode").and_then(|mode| mode.as_str()) == Some("yaml") {
                    self.error("yaml_mode", Some(&name));
                }
            }
            Some(record) => {
                if record.get("editor").and_then(serde_json::Value::as_bool) != Some(true) {
                    self.error("unmanaged", Some(&name));
                }
            }
        }
        self.base(base, self.bases.of(id), &name);
    }

    fn base(&mut self, base: Base, known: Option<Base>, name: &str) {
        match known {
            Some(known) if known != base => self.error("base_differs", Some(name)),
            Some(_) => {}
            None => self.find(false, "base_not_checked", Some(name)),
        }
    }

    /// Only with names it is known which paths are taken.
    fn path(&mut self, path: &str) {
        let taken = self
            .held
            .all(RecordKind::Dashboard)
            .any(|(id, _)| self.held.texts(id).and_then(|texts| texts.get("path")?.as_str()) == Some(path));
        if taken {
            self.error("path_taken", Some(path));
        }
    }

    fn content(&mut self, id: Option<OpaqueId>, text: &str, cards: &[&CardPut]) {
        let document = match Document::read(text) {
            Ok(document @ Document::Object(_)) => document,
            Ok(_) => return self.error("not_json", Some("an object is expected")),
            Err(none) => return self.error(none.code(), None),
        };
        let base = id.and_then(|id| self.held.content(id)).map(|content| Document::read(content.text));
        let hidden = Hidden::of(id, base.as_ref().and_then(|base| base.as_ref().ok()));
        document.texts(&mut |key, text| {
            self.tokens(key, text, &hidden);
            self.raw_ids(key, text);
            if key == Some("type")
                && let Some(element) = text.strip_prefix("custom:")
                && cards.iter().all(|card| card.element != element)
                && self.bases.card(element).is_none()
            {
                self.find(false, "card_not_deployed", Some(element));
            }
        });
    }

    fn tokens(&mut self, key: Option<&str>, text: &str, hidden: &Hidden<'_>) {
        for token in tokens::of(text) {
            match token {
                Token::Bad(token) => self.error("bad_token", Some(token)),
                Token::Thing(id) | Token::Name(id) => {
                    if self.held.of(id).is_none() {
                        self.error("unknown_reference", Some(&id.to_string()));
                    }
                }
                Token::Hidden(token) => match hidden {
                    Hidden::Nowhere => self.error("secret_moved", Some(token)),
                    Hidden::Unknown => self.find(false, "hidden_not_checked", Some(token)),
                    // R13: the same surrounding string under the same key.
                    Hidden::In(places) if !places.contains(&(key, text)) => {
                        self.error("secret_moved", Some(token));
                    }
                    Hidden::In(_) => {}
                },
            }
        }
    }

    fn is_service(&self, text: &str) -> bool {
        self.arriving.contains(text) || List::Service.find(text).is_some()
    }

    /// R15: a home names its things by tokens only.
    fn raw_ids(&mut self, key: Option<&str>, text: &str) {
        if let Some(key) = key
            && ENTITY_KEYS.contains(&key)
        {
            return text
                .split(',')
                .map(str::trim)
                .filter(|word| is_entity_id(word) && !self.arriving.contains(*word))
                .collect::<Vec<_>>()
                .into_iter()
                .for_each(|word| self.error("use_tokens", Some(word)));
        }
        if key.is_some_and(|key| SERVICE_KEYS.contains(&key)) {
            // A script is called by its entity id, which only one that comes along may have written out.
            if text.starts_with("script.") && is_entity_id(text) && !self.is_service(text) {
                self.error("use_tokens", Some(text));
            }
            return;
        }
        let inner = |c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '.'));
        for word in text.split(inner).map(|word| word.trim_matches('.')).filter(|word| is_entity_id(word)) {
            if self.arriving.contains(word) {
                continue;
            }
            // In a sentence it may be something else.
            self.find(false, "looks_like_an_entity_id", Some(word));
        }
    }
}

/// Where a document may have `@x_` tokens.
enum Hidden<'a> {
    /// It is new.
    Nowhere,
    /// Its base is not released.
    Unknown,
    /// In these strings, each with its key.
    In(BTreeSet<(Option<&'a str>, &'a str)>),
}

impl<'a> Hidden<'a> {
    fn of(id: Option<OpaqueId>, base: Option<&'a Document>) -> Self {
        match (id, base) {
            (None, _) => Self::Nowhere,
            (Some(_), None) => Self::Unknown,
            (Some(_), Some(base)) => {
                let mut places = BTreeSet::new();
                base.texts(&mut |key, text| {
                    places.insert((key, text));
                });
                Self::In(places)
            }
        }
    }
}

fn is_entity_id(word: &str) -> bool {
    // Domains that never leave are not in the list; they cannot be named by token either.
    const SILENT: [&str; 6] = ["person", "zone", "device_tracker", "geo_location", "calendar", "todo"];
    word.split_once('.').is_some_and(|(domain, name)| {
        let known = List::Domain.find(domain).is_some() || SILENT.contains(&domain);
        let sound = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
        known && !name.is_empty() && name.bytes().all(sound)
    })
}

impl Finding {
    /// In words.
    #[must_use]
    pub fn words(&self) -> String {
        let what = match self.code {
            "expired" => "its time has passed",
            "cards_too_large" => "all its cards together are larger than 1 MB",
            "unknown_reference" => "the home has released no such thing",
            "yaml_mode" => "this dashboard is written in YAML at home, and cannot be deployed to",
            "unmanaged" => "Home Assistant's editor cannot reach this one, so it cannot be deployed to",
            "base_differs" => "it is no longer what this was designed against: a conflict",
            "base_not_checked" => "nobody here knows how it is now, so a conflict is possible",
            "path_taken" => "a dashboard has this path already",
            "not_json" => "this is not the JSON of a configuration",
            "too_deep" => "the JSON is nested too deeply",
            "duplicate_key" => "a key stands twice in one object",
            "bad_token" => "this begins like a token and is none; write @@ for a literal @",
            "secret_moved" => "a hidden text may only stand where it stood in the base",
            "hidden_not_checked" => "nobody here knows whether this hidden text stood there",
            "use_tokens" => {
                "name entities by their tokens (@e_…), not by their entity ids; only a script or automation that comes along is named by its own"
            }
            "looks_like_an_entity_id" => "if this is an entity id, use its token (@e_…)",
            "card_not_deployed" => "the home may not have this custom card",
            "hash_differs" => "the module is not the one that the hash names",
            "element_not_defined" => "the module does not mention this element",
            _ => "see the documentation",
        };
        let level = if self.error { "error" } else { "note" };
        let item = self.item.map_or_else(String::new, |item| format!("item {}: ", item + 1));
        let subject = self
            .subject
            .as_deref()
            .map_or_else(String::new, |text| format!("{}: ", super::shown::plain(text)));
        format!("{level:<6}{item}{subject}{what} ({})", self.code)
    }
}

#[cfg(test)]
mod tests;
