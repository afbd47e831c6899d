//! A difference in words: per card, per setting, per entity.

use std::collections::BTreeSet;

use vestibule_protocol::id::Thing;

use crate::inbound::json::Json;
use crate::inbound::template::is_entity;
use crate::outbound::contents::{DocumentKind, Ids};

/// Lines of one kind that are shown before the rest is counted.
const LINES: usize = 200;

pub(super) fn of(
    kind: DocumentKind,
    before: Option<&Json>,
    after: Option<&Json>,
    ids: &impl Ids,
) -> Vec<String> {
    let what = match kind {
        DocumentKind::Dashboard => "dashboard",
        DocumentKind::Automation => "automation",
        DocumentKind::Script => "script",
        DocumentKind::Scene => "scene",
    };
    let mut words = match (before, after) {
        (None, None) => Vec::new(),
        (None, Some(after)) => vec![format!("new {what}{}", size(after))],
        (Some(before), None) => vec![format!("the {what} is deleted{}", size(before))],
        (Some(before), Some(after)) if before == after => vec!["nothing changes".to_owned()],
        (Some(before), Some(after)) => {
            let mut words = Vec::new();
            if kind == DocumentKind::Dashboard {
                views(before, after, ids, &mut words);
                settings("", before, after, &["views"], &mut words);
            } else {
                settings("", before, after, &[], &mut words);
            }
            words
        }
    };
    entities(before, after, ids, &mut words);
    if words.len() > LINES {
        let more = words.len() - LINES;
        words.truncate(LINES);
        words.push(format!("and {more} more changes"));
    }
    words
}

fn size(document: &Json) -> String {
    let views = document.list_of("views");
    if views.is_empty() {
        return String::new();
    }
    let cards: usize = views.iter().map(|view| cards(view).len()).sum();
    let many = |n: usize, what: &str| if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") };
    format!(" with {} and {}", many(views.len(), "view"), many(cards, "card"))
}

/// Views with what they are called: two of the same name are told apart by their order.
fn named_views(document: &Json) -> Vec<(String, &Json)> {
    let mut named: Vec<(String, &Json)> = Vec::new();
    for (at, view) in document.list_of("views").iter().enumerate() {
        let name = view.text_of("title").or_else(|| view.text_of("path"));
        let mut name = name.map_or_else(|| (at + 1).to_string(), str::to_owned);
        while named.iter().any(|(known, _)| *known == name) {
            name.push_str(" (again)");
        }
        named.push((name, view));
    }
    named
}

fn views(before: &Json, after: &Json, ids: &impl Ids, words: &mut Vec<String>) {
    let (old, new) = (named_views(before), named_views(after));
    let find = |list: &[(String, &'_ Json)], name: &str| list.iter().position(|(known, _)| known == name);
    for (name, view) in &old {
        if find(&new, name).is_none() {
            words.push(format!("view {name} removed, with its {} cards", cards(view).len()));
        }
    }
    for (name, view) in &new {
        match find(&old, name) {
            None => words.push(format!("view {name} added, with {} cards", cards(view).len())),
            Some(at) => view_words(name, old[at].1, view, ids, words),
        }
    }
    let order = |list: &[(String, &Json)], other: &[(String, &Json)]| -> Vec<String> {
        list.iter().map(|(name, _)| name.clone()).filter(|name| find(other, name).is_some()).collect()
    };
    if order(&old, &new) != order(&new, &old) {
        words.push("the views stand in another order".to_owned());
    }
}

fn view_words(name: &str, before: &Json, after: &Json, ids: &impl Ids, words: &mut Vec<String>) {
    if before == after {
        return;
    }
    let length = words.len();
    let mut gone = cards(before);
    let mut come: Vec<&Json> = Vec::new();
    for card in cards(after) {
        match gone.iter().position(|known| *known == card) {
            Some(at) => drop(gone.remove(at)),
            None => come.push(card),
        }
    }
    for card in come {
        let label = label(card, ids);
        match gone.iter().position(|known| self::label(known, ids) == label) {
            Some(at) => {
                let keys = changed_keys(gone.remove(at), card);
                words.push(format!("view {name}: card {label} changed: {}", keys.join(", ")));
            }
            None => words.push(format!("view {name}: card {label} added")),
        }
    }
    words.extend(gone.into_iter().map(|card| format!("view {name}: card {} removed", label(card, ids))));
    settings(&format!("view {name}: "), before, after, &["cards", "sections"], words);
    if words.len() == length {
        words.push(format!("view {name}: cards are arranged differently"));
    }
}

/// The cards of a view, those in its sections and badges included; what is inside a card belongs to that card.
fn cards(view: &Json) -> Vec<&Json> {
    let sections = view.list_of("sections").iter().flat_map(|section| section.list_of("cards"));
    view.list_of("cards").iter().chain(sections).collect()
}

/// What people would call a card: its type, and what it is about.
fn label(card: &Json, ids: &impl Ids) -> String {
    let kind = card.text_of("type").unwrap_or("without a type");
    let named = ["title", "heading", "name"].iter().find_map(|key| card.text_of(key)).map(str::to_owned);
    let about = card.text_of("entity").map(|entity| entity_name(entity, ids)).or(named);
    about.map_or_else(|| kind.to_owned(), |about| format!("{kind} ({about})"))
}

fn entity_name(entity_id: &str, ids: &impl Ids) -> String {
    let name = ids.token_of(entity_id, Thing::Entity).and_then(|id| ids.name_of(id));
    name.map_or_else(|| entity_id.to_owned(), |name| name.reveal_to_inbound().to_string())
}

fn changed_keys(before: &Json, after: &Json) -> Vec<String> {
    let mut keys: Vec<String> = Vec::new();
    for (key, _) in before.entries().iter().chain(after.entries()) {
        if before.get(key) != after.get(key) && !keys.contains(key) {
            keys.push(key.clone());
        }
    }
    if keys.is_empty() {
        keys.push("the order of its settings".to_owned());
    }
    keys
}

/// Top-level settings other than `without`.
fn settings(place: &str, before: &Json, after: &Json, without: &[&str], words: &mut Vec<String>) {
    let keys = if before.is_object() && after.is_object() { changed_keys(before, after) } else { Vec::new() };
    for key in keys.iter().filter(|key| !without.contains(&&***key)) {
        let how = match (before.get(key), after.get(key)) {
            (None, Some(_)) => "added",
            (Some(_), None) => "removed",
            _ => "changed",
        };
        words.push(format!("{place}{key} {how}"));
    }
}

/// Entities that come and go.
fn entities(before: Option<&Json>, after: Option<&Json>, ids: &impl Ids, words: &mut Vec<String>) {
    let shown = |document: Option<&Json>| -> BTreeSet<String> {
        let strings = document.map(Json::strings).unwrap_or_default().into_iter().map(|(_, text)| text);
        strings.filter(|text| is_entity(text) && ids.known_entity_id(text)).map(str::to_owned).collect()
    };
    let (old, new) = (shown(before), shown(after));
    words.extend(new.difference(&old).map(|id| format!("entity {} is new in it", entity_name(id, ids))));
    words
        .extend(old.difference(&new).map(|id| format!("entity {} is no longer in it", entity_name(id, ids))));
}
