//! What comes along in a deployment and is named by its other items: automations and scripts by the entity ids that they will get, and
//! cards by their elements. What is named is written before what names it.

use std::collections::{BTreeMap, BTreeSet};

use vestibule_protocol::deployment::{Deployment, Item, alias_entity_id};
use vestibule_protocol::id::{OpaqueId, Thing};
use vestibule_protocol::vocabulary::List;

use super::make::Origins;
use super::{Image, RoutineKind, Target};
use crate::inbound::json::Json;
use crate::inbound::refusal::Refusal;
use crate::outbound::contents::Ids;
use crate::outbound::reading::Text;
use crate::private::Private;

/// The ids of the home, and those of what comes along.
pub(super) struct Names<'a, I> {
    pub(super) ids: &'a I,
    pub(super) arriving: &'a BTreeMap<String, Text>,
}

impl<I: Ids> Ids for Names<'_, I> {
    fn token_of(&self, reference: &str, kind: Thing) -> Option<OpaqueId> {
        self.ids.token_of(reference, kind)
    }

    fn reference_of(&self, id: OpaqueId) -> Option<Text> {
        self.ids.reference_of(id)
    }

    fn name_of(&self, id: OpaqueId) -> Option<Text> {
        self.ids.name_of(id)
    }

    fn known_entity_id(&self, text: &str) -> bool {
        self.ids.known_entity_id(text)
    }

    fn arriving(&self, entity_id: &str) -> Option<Text> {
        self.arriving.get(entity_id).cloned()
    }

    fn is_private(&self, text: &str) -> bool {
        self.ids.is_private(text)
    }
}

/// The items that bring an automation or script, with the entity ids that these get.
fn brought(deployment: &Deployment) -> impl Iterator<Item = (usize, String)> {
    let brings = |(n, item): (usize, &Item)| Some((n, item.entity_id()?));
    // A service of Home Assistant's own is meant where one of that name is written.
    deployment.items.iter().enumerate().filter_map(brings).filter(|(_, id)| List::Service.find(id).is_none())
}

/// What the texts of a deployment may write out, and what it stands for.
pub(super) fn names(deployment: &Deployment, ids: &impl Ids, origins: &Origins) -> BTreeMap<String, Text> {
    let free = |id: &String| !ids.known_entity_id(id);
    let new = brought(deployment).map(|(_, id)| id).filter(free);
    let mut names: BTreeMap<String, Text> =
        new.map(|id| (id.clone(), Private::new(id.into_boxed_str()))).collect();
    names.extend(origins.names.iter().map(|(written, now)| (written.clone(), now.clone())));
    names
}

/// An automation or script whose entity id is somebody else's already would get another one, and who names it would mean the other.
pub(super) fn taken(deployment: &Deployment, ids: &impl Ids) -> Result<(), Refusal> {
    for (n, id) in brought(deployment).filter(|(_, id)| ids.known_entity_id(id)) {
        let names_it = |(other, item): (usize, &Item)| {
            let json = content(item).filter(|_| other != n).and_then(Json::parse);
            json.is_some_and(|json| !named(&json, [&id]).is_empty())
        };
        if deployment.items.iter().enumerate().any(names_it) {
            return Err(Refusal::refused("id_taken").about(id).at(n));
        }
    }
    Ok(())
}

fn content(item: &Item) -> Option<&str> {
    match item {
        Item::DashboardPut(put) => Some(&put.content),
        Item::AutomationPut(put) | Item::ScriptPut(put) => Some(&put.content),
        Item::CardPut(_)
        | Item::CardDelete(_)
        | Item::DashboardDelete(_)
        | Item::AutomationDelete(_)
        | Item::ScriptDelete(_) => None,
    }
}

/// Which of these entity ids stand in a document, in keys or in strings.
pub(super) fn named<'w>(document: &Json, ids: impl IntoIterator<Item = &'w String>) -> BTreeSet<String> {
    let ids: Vec<&String> = ids.into_iter().collect();
    let mut found = BTreeSet::new();
    if ids.is_empty() {
        return found;
    }
    let mut look = |text: &str| {
        found.extend(ids.iter().filter(|id| has_word(text, id)).map(|id| (*id).clone()));
    };
    document.each(&mut |key, value| {
        look(key);
        if let Some(text) = value.text() {
            look(text);
        }
    });
    found
}

/// Whether a text holds this entity id, and not one that it is a part of.
fn has_word(text: &str, id: &str) -> bool {
    let inner = |byte: Option<&u8>| {
        byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'_')
    };
    let bytes = text.as_bytes();
    text.match_indices(id).any(|(at, _)| {
        let before = at.checked_sub(1).and_then(|at| bytes.get(at));
        !inner(before) && !inner(bytes.get(at + id.len()))
    })
}

/// What the document of an item needs to be there.
pub(super) struct Needed<'a> {
    /// The item.
    pub(super) item: usize,
    /// Entity ids of what comes along.
    pub(super) names: &'a BTreeSet<String>,
    /// Elements of custom cards.
    pub(super) elements: &'a BTreeSet<String>,
}

/// The items in an order in which each comes after those that it names; else as they were given. Two that name each other stay so too.
pub(super) fn order(deployment: &Deployment, needed: &[Needed<'_>]) -> Vec<usize> {
    let brought: Vec<(usize, String)> = brought(deployment).collect();
    let on = |needed: &Needed<'_>| -> BTreeSet<usize> {
        let routines = brought.iter().filter(|(_, id)| needed.names.contains(id)).map(|(n, _)| *n);
        let cards =
            deployment.items.iter().enumerate().filter(
                |(_, item)| matches!(item, Item::CardPut(put) if needed.elements.contains(&put.element)),
            );
        routines.chain(cards.map(|(n, _)| n)).filter(|n| *n != needed.item).collect()
    };
    let needs: BTreeMap<usize, BTreeSet<usize>> =
        needed.iter().map(|needed| (needed.item, on(needed))).collect();
    let mut left: Vec<usize> = (0..deployment.items.len()).collect();
    let mut order = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let ready =
            |item: &usize| needs.get(item).is_none_or(|needs| needs.iter().all(|need| !left.contains(need)));
        let next = left.iter().position(ready).unwrap_or(0);
        order.push(left.remove(next));
    }
    order
}

/// For each step (target, before, after) that brings an automation or script which another one names: the entity id that it has to get.
#[must_use]
pub fn relied_on(steps: &[(&Target, &Image, &Image)]) -> Vec<Option<Text>> {
    let wanted = |step: &(&Target, &Image, &Image)| match step {
        (Target::Routine { kind: RoutineKind::Script, id }, Image::Absent, Image::Present(_)) => {
            Some(format!("script.{}", id.reveal_to_inbound()))
        }
        (Target::Routine { kind: RoutineKind::Automation, .. }, Image::Absent, Image::Present(text)) => {
            alias_entity_id(text.reveal_to_inbound())
        }
        _ => None,
    };
    let all: Vec<Option<String>> = steps.iter().map(wanted).collect();
    if all.iter().all(Option::is_none) {
        return vec![None; steps.len()];
    }
    let documents = steps.iter().map(|(target, _, after)| match (target, after) {
        (Target::DashboardConfig { .. } | Target::Routine { .. }, Image::Present(text)) => {
            Json::parse(text.reveal_to_inbound())
        }
        _ => None,
    });
    let documents: Vec<Option<Json>> = documents.collect();
    let is_named = |n: usize, id: &String| {
        let others = documents.iter().enumerate().filter(|(other, _)| *other != n);
        others.filter_map(|(_, json)| json.as_ref()).any(|json| !named(json, [id]).is_empty())
    };
    let kept = |(n, id): (usize, Option<String>)| {
        id.filter(|id| is_named(n, id)).map(|id| Private::new(id.into_boxed_str()))
    };
    all.into_iter().enumerate().map(kept).collect()
}
