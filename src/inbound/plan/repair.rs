//! A deployment that is in place, planned again, because things have other ids or names at home today than when it was carried out.
//!
//! Nothing new is proposed: they are the texts that were approved, with what their tokens stand for now. An item of which anything was
//! edited at home is left out as a whole, and so is one that names what is gone.

use std::collections::{BTreeMap, BTreeSet};

use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::deployment::{Base, DashboardPut, Deployment, DeploymentId, Item, RoutinePut};
use vestibule_protocol::id::OpaqueId;

use super::arriving::Names;
use super::make::{Origins, document, word};
use super::routines::switched_as_now;
use super::{DashboardRecord, HomeNow, Image, Needs, RoutineKind, RoutineState, Target};
use crate::identity::IdKey;
use crate::inbound::apply::Seen;
use crate::inbound::deployment::Verified;
use crate::inbound::images::{alike, compare};
use crate::inbound::json::{Json, spelled};
use crate::inbound::refusal::Refusal;
use crate::outbound::contents::{self, Contents, DocumentKind, Ids, Mention};
use crate::outbound::reading::Text;

/// A place that a deployment has written, and that is still its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InPlace {
    /// The item of the deployment.
    pub item: u32,
    /// What the tenant calls the thing.
    pub thing: Option<OpaqueId>,
    /// Where it is.
    pub target: Target,
    /// What stood there before the deployment.
    pub before: Image,
    /// What it, or an earlier repair of it, has left there.
    pub now: Image,
    /// It is known to have been edited at home since.
    pub edited: bool,
    /// Of an automation or script that came new: the entity that it has become.
    pub entity: Option<OpaqueId>,
}

/// A deployment, or what of it has to be written anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Again {
    /// The same approval, for the things as they stand there.
    pub verified: Verified,
    /// Which of the deployment's items these are.
    pub items: Vec<u32>,
    /// For [`super::Choices::origins`].
    pub origins: Origins,
}

/// What has to be read before the deployment can be planned again.
#[must_use]
pub fn needs_again(places: &[InPlace]) -> Needs {
    let mut needs = Needs::default();
    for place in places {
        match &place.target {
            Target::DashboardRecord { .. } | Target::DashboardConfig { .. } => {
                needs.dashboards.extend(place.thing);
            }
            Target::Routine { kind, .. } => {
                needs.routines.extend(place.thing);
                // A script runs when it is called (R40).
                needs.everything |= *kind == RoutineKind::Script;
            }
            Target::Resource { .. } => {}
        }
    }
    needs
}

/// Everything that the texts of a deployment name.
#[must_use]
pub fn mentions(deployment: &Deployment) -> BTreeSet<Mention> {
    let of = |designed: &str| contents::mentions(designed).unwrap_or_default();
    let of_item = |item: &Item| match item {
        Item::DashboardPut(put) => {
            let words = [&put.title, &put.icon].into_iter().flatten();
            words.flat_map(|word| of(&spelled(word))).chain(of(&put.content)).collect()
        }
        Item::AutomationPut(put) | Item::ScriptPut(put) => of(&put.content),
        Item::CardPut(_)
        | Item::CardDelete(_)
        | Item::DashboardDelete(_)
        | Item::AutomationDelete(_)
        | Item::ScriptDelete(_) => BTreeSet::new(),
    };
    deployment.items.iter().flat_map(of_item).collect()
}

/// What all of this is called at home at this moment: the same for as long as nothing gets another id or name. It stays at home.
#[must_use]
pub fn names(mentions: &BTreeSet<Mention>, ids: &impl Ids) -> Fixed<32> {
    let mut hasher = blake3::Hasher::new_derive_key("vestibule 2026-11 v1 names");
    for mention in mentions {
        let meaning = mention.meaning(ids);
        let text = meaning.as_ref().map(|text| &**text.reveal_to_inbound());
        hasher.update(&[u8::from(text.is_some())]);
        let text = text.unwrap_or_default();
        hasher.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
    }
    Fixed(*hasher.finalize().as_bytes())
}

/// The items of which something would be written differently today, in order.
#[must_use]
pub fn outdated(deployment: &Deployment, places: &[InPlace], ids: &impl Ids, key: &IdKey) -> Vec<u32> {
    let names = names_now(deployment, places, ids);
    let ids = &Names { ids, arriving: &names };
    let is_outdated = |(n, item): (u32, &Item)| {
        let of_item: Vec<&InPlace> = places.iter().filter(|place| place.item == n).collect();
        let whole = of_item.iter().any(|place| {
            matches!(place.target, Target::DashboardConfig { .. } | Target::Routine { .. })
                && place.thing.is_some()
        });
        if !whole || of_item.iter().any(|place| place.edited) {
            return None;
        }
        let differ: Result<Vec<bool>, Refusal> =
            of_item.into_iter().map(|place| differs(item, place, ids, key)).collect();
        differ.is_ok_and(|differ| differ.contains(&true)).then_some(n)
    };
    (0..).zip(&deployment.items).filter_map(is_outdated).collect()
}

/// The deployment with the id `id` that puts up to date what `verified` has left at `places`; `None` when there is nothing to put right.
#[must_use]
pub fn again(
    verified: Verified,
    id: DeploymentId,
    places: &[InPlace],
    home: &HomeNow,
    ids: &impl Ids,
    key: &IdKey,
) -> Option<Again> {
    let as_left = |place: &InPlace| {
        current(home, place).is_some_and(|found| {
            let seen = compare(&place.target, &found, &place.before, &place.now, true);
            matches!(seen, Seen::After | Seen::Both)
        })
    };
    let looked = |place: &InPlace| InPlace { edited: place.edited || !as_left(place), ..place.clone() };
    let places: Vec<InPlace> = places.iter().map(looked).collect();
    let deployment = verified.deployment();
    let (mut items, mut puts, mut documents) = (Vec::new(), Vec::new(), BTreeMap::new());
    for n in outdated(deployment, &places, ids, key) {
        let Some(item) = deployment.items.get(n as usize) else { continue };
        let Some((put, thing, before)) = put_again(item, n, &places, key) else { continue };
        items.push(n);
        puts.push(put);
        documents.insert(thing, before);
    }
    if items.is_empty() {
        return None;
    }
    let origins = Origins { documents, names: names_now(deployment, &places, ids) };
    let deployment = Deployment { id, items: puts, ..deployment.clone() };
    Some(Again { verified: verified.in_place_of(deployment), items, origins })
}

/// What the entity ids have become that the deployment's texts write out.
fn names_now(deployment: &Deployment, places: &[InPlace], ids: &impl Ids) -> BTreeMap<String, Text> {
    let now = |place: &InPlace| {
        let written = deployment.items.get(place.item as usize)?.entity_id()?;
        Some((written, ids.reference_of(place.entity?)?))
    };
    places.iter().filter_map(now).collect()
}

/// An item as one that replaces what it has become.
fn put_again(item: &Item, n: u32, places: &[InPlace], key: &IdKey) -> Option<(Item, OpaqueId, Image)> {
    let of_item = || places.iter().filter(|place| place.item == n);
    let document = of_item()
        .find(|place| matches!(place.target, Target::DashboardConfig { .. } | Target::Routine { .. }))?;
    let (Some(thing), Image::Present(now)) = (document.thing, &document.now) else { return None };
    let base = Base::Hash(contents::base_hash(key, thing, now.reveal_to_inbound()));
    let routine =
        |put: &RoutinePut| RoutinePut { existing: Some(thing), id: None, base, content: put.content.clone() };
    let item = match item {
        Item::DashboardPut(put) => {
            // Title and icon are ours where we have written the record; whether it stands in the sidebar is left as it is.
            let record = of_item().any(|place| matches!(place.target, Target::DashboardRecord { .. }));
            Item::DashboardPut(DashboardPut {
                dashboard: Some(thing),
                url_path: None,
                title: put.title.clone().filter(|_| record),
                icon: put.icon.clone().filter(|_| record),
                sidebar: None,
                admin: None,
                base,
                content: put.content.clone(),
            })
        }
        Item::AutomationPut(put) => Item::AutomationPut(routine(put)),
        Item::ScriptPut(put) => Item::ScriptPut(routine(put)),
        Item::CardPut(_)
        | Item::CardDelete(_)
        | Item::DashboardDelete(_)
        | Item::AutomationDelete(_)
        | Item::ScriptDelete(_) => return None,
    };
    Some((item, thing, document.before.clone()))
}

/// Whether a place would be written differently today.
fn differs(item: &Item, place: &InPlace, ids: &impl Ids, key: &IdKey) -> Result<bool, Refusal> {
    let Image::Present(now) = &place.now else { return Ok(false) };
    let json = Json::parse(now.reveal_to_inbound());
    let today = match (item, &place.target) {
        (Item::DashboardPut(put), Target::DashboardConfig { .. }) => {
            resolved(&put.content, place, DocumentKind::Dashboard, ids, key)?
        }
        (Item::DashboardPut(put), Target::DashboardRecord { .. }) => record(put, now, ids, key)?,
        (Item::AutomationPut(put), Target::Routine { .. }) => {
            let text = resolved(&put.content, place, DocumentKind::Automation, ids, key)?;
            switched_as_now(&text, json.as_ref())?
        }
        (Item::ScriptPut(put), Target::Routine { .. }) => {
            resolved(&put.content, place, DocumentKind::Script, ids, key)?
        }
        _ => return Ok(false),
    };
    Ok(!alike(&place.target, &Image::Present(today), &place.now))
}

fn resolved(
    designed: &str,
    place: &InPlace,
    kind: DocumentKind,
    ids: &impl Ids,
    key: &IdKey,
) -> Result<Text, Refusal> {
    let base = match (&place.before, place.thing) {
        (Image::Present(text), Some(thing)) => Some(Contents { thing, kind, text: text.reveal_to_inbound() }),
        _ => None,
    };
    document(designed, base.as_ref(), ids, key)
}

/// The record with title and icon as they would be today.
fn record(put: &DashboardPut, now: &Text, ids: &impl Ids, key: &IdKey) -> Result<Text, Refusal> {
    let mut record = DashboardRecord::of_text(now).ok_or(Refusal::refused("not_json"))?;
    if let Some(title) = &put.title {
        record.title = word(title, ids, key)?;
    }
    if let Some(icon) = &put.icon {
        record.icon = Some(word(icon, ids, key)?);
    }
    Ok(record.text())
}

/// What was read of a place.
fn current(home: &HomeNow, place: &InPlace) -> Option<Image> {
    let dashboard = || home.dashboards.iter().find(|now| now.thing == place.thing && !now.yaml);
    let text = match &place.target {
        Target::DashboardRecord { .. } => dashboard()?.record.text(),
        Target::DashboardConfig { .. } => dashboard()?.config.clone()?,
        Target::Routine { kind, .. } => {
            let now = home.routines.iter().find(|now| now.kind == *kind && now.thing == place.thing)?;
            match &now.state {
                RoutineState::Present(text) => text.clone(),
                RoutineState::Absent | RoutineState::Unmanaged => return None,
            }
        }
        Target::Resource { .. } => return None,
    };
    Some(Image::Present(text))
}
