//! Makes the plan: item by item, each before and after exactly, then what all of it comes to.

use std::collections::{BTreeMap, BTreeSet};

use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::deployment::{Base, Deployment, Item};
use vestibule_protocol::id::OpaqueId;

use super::arriving::{self, Names, Needed};
use super::{HomeNow, Image, Plan, PlannedStep, RoutineKind, Target};
use crate::identity::IdKey;
use crate::inbound::abilities::{self, Ability, AbilityKind, Survey};
use crate::inbound::deployment::Verified;
use crate::inbound::diff::{AT_HOME, Compared, ItemDiff};
use crate::inbound::images;
use crate::inbound::json::{Json, spelled};
use crate::inbound::refusal::{Disposition, Refusal};
use crate::outbound::contents::{self, Contents, DocumentKind, Ids};
use crate::outbound::reading::Text;
use crate::private::Private;

/// What Home Assistant takes in one message, without the room that the rest of the message needs.
const MESSAGE_BYTES: usize = (4 << 20) - 1_024;

/// What is known besides the home itself.
#[derive(Debug, Clone, Copy)]
pub struct Choices<'a> {
    /// Hosts that the owner allows for this deployment (R37), as [`Plan::refused_hosts`] spells them.
    pub hosts: &'a BTreeSet<String>,
    /// Texts that this home has written before, for the things that the deployment names, as far as the journal still has them: with one
    /// that fits the base of an item a conflict can be shown from both sides. It may be empty.
    pub known: &'a [(OpaqueId, Text)],
    /// For a deployment that is carried out again ([`super::again()`]); empty for every other.
    pub origins: &'a Origins,
}

/// What a deployment that is carried out again goes back to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origins {
    /// What stood in the place of each thing before it was carried out first: that yields its hidden texts (R13).
    pub documents: BTreeMap<OpaqueId, Image>,
    /// Entity ids that its texts write out, because they came along with them, and what they are now.
    pub names: BTreeMap<String, Text>,
}

/// Works out what a deployment would do to the home as it is now.
///
/// # Errors
/// The first item that does not fit, with its place; a [`Disposition::Conflict`] holds the differences for the owner.
pub fn plan(
    verified: &Verified,
    home: &HomeNow,
    ids: &impl Ids,
    key: &IdKey,
    choices: &Choices<'_>,
) -> Result<Plan, Refusal> {
    make(verified.deployment(), home, ids, key, choices)
}

pub(super) fn make(
    deployment: &Deployment,
    home: &HomeNow,
    ids: &impl Ids,
    key: &IdKey,
    choices: &Choices<'_>,
) -> Result<Plan, Refusal> {
    let mut planner = Planner::new(deployment, home, ids, key, choices);
    arriving::taken(deployment, ids)?;
    for (at, item) in deployment.items.iter().enumerate() {
        planner.at = at;
        planner.item(item).map_err(|refusal| refusal.at(at))?;
    }
    planner.callers();
    planner.cards_in_use()?;
    Ok(planner.finish())
}

/// A document as it would be, for what has to be known of all of them together.
pub(super) struct After {
    pub(super) thing: Option<OpaqueId>,
    pub(super) name: String,
    pub(super) survey: Survey,
    /// The item that writes it.
    item: usize,
    /// Scripts that it calls, or shows so that somebody can run them.
    scripts: BTreeSet<String>,
    /// What it names of what comes along.
    names: BTreeSet<String>,
}

pub(super) struct Planner<'a, I> {
    pub(super) deployment: &'a Deployment,
    pub(super) home: &'a HomeNow,
    pub(super) ids: &'a I,
    pub(super) key: &'a IdKey,
    choices: &'a Choices<'a>,
    /// The item at work.
    pub(super) at: usize,
    puts: Vec<PlannedStep>,
    deletes: Vec<PlannedStep>,
    abilities: BTreeSet<Ability>,
    pub(super) hosts: BTreeSet<String>,
    diff: Vec<ItemDiff>,
    pub(super) after: Vec<After>,
    /// Documents that will not be there.
    pub(super) gone: BTreeSet<OpaqueId>,
    /// Places that an item has taken: two must not meet in one.
    taken: BTreeSet<String>,
    /// Scripts that are stored: for each the item and the entity id under which it is called.
    pub(super) scripts: Vec<(usize, String)>,
    /// Elements that are removed, with their items.
    pub(super) removed: Vec<(usize, String)>,
    /// Bytes of the modules that will be there.
    pub(super) module_bytes: usize,
    /// Entity ids of what comes along, which texts may write out, and what they stand for.
    pub(super) arriving: BTreeMap<String, Text>,
}

impl<'a, I: Ids> Planner<'a, I> {
    fn new(
        deployment: &'a Deployment,
        home: &'a HomeNow,
        ids: &'a I,
        key: &'a IdKey,
        choices: &'a Choices<'a>,
    ) -> Self {
        let mut planner = Self {
            deployment,
            home,
            ids,
            key,
            choices,
            at: 0,
            puts: Vec::new(),
            deletes: Vec::new(),
            abilities: BTreeSet::new(),
            hosts: BTreeSet::new(),
            diff: Vec::new(),
            after: Vec::new(),
            gone: BTreeSet::new(),
            taken: BTreeSet::new(),
            scripts: Vec::new(),
            removed: Vec::new(),
            module_bytes: 0,
            arriving: arriving::names(deployment, ids, choices.origins),
        };
        planner.module_bytes = planner.our_rows().map(|(_, card)| card.module.len()).sum();
        planner
    }

    fn item(&mut self, item: &Item) -> Result<(), Refusal> {
        match item {
            Item::DashboardPut(put) => self.dashboard_put(put),
            Item::DashboardDelete(delete) => self.dashboard_delete(delete),
            Item::CardPut(put) => self.card_put(put),
            Item::CardDelete(delete) => self.card_delete(delete),
            Item::AutomationPut(put) => self.routine_put(RoutineKind::Automation, put),
            Item::ScriptPut(put) => self.routine_put(RoutineKind::Script, put),
            Item::AutomationDelete(delete) => self.routine_delete(RoutineKind::Automation, delete),
            Item::ScriptDelete(delete) => self.routine_delete(RoutineKind::Script, delete),
        }
    }

    pub(super) fn number(&self) -> u32 {
        u32::try_from(self.at).unwrap_or(u32::MAX)
    }

    /// Takes a place for the item at work.
    pub(super) fn take(&mut self, place: String) -> Result<(), Refusal> {
        if self.taken.insert(place) { Ok(()) } else { Err(Refusal::refused("item_twice")) }
    }

    /// Adds a step, unless it would change nothing.
    pub(super) fn step(&mut self, thing: Option<OpaqueId>, target: Target, before: Image, after: Image) {
        if before == after {
            return;
        }
        let steps = if self.deployment.items[self.at].deletes() { &mut self.deletes } else { &mut self.puts };
        let item = u32::try_from(self.at).unwrap_or(u32::MAX);
        steps.push(PlannedStep { item, thing, target, before, after });
    }

    pub(super) fn able(&mut self, kind: AbilityKind, subject: impl Into<Box<str>>) {
        self.abilities.insert(Ability::new(self.number(), kind, subject, false));
    }

    pub(super) fn differs(&mut self, diff: ItemDiff) {
        self.diff.push(diff);
    }

    pub(super) fn compared<'t>(&self, title: &'t str) -> Compared<'t> {
        Compared { item: self.number(), kind: self.deployment.items[self.at].kind(), title }
    }

    fn names(&self) -> Names<'_, I> {
        Names { ids: self.ids, arriving: &self.arriving }
    }

    /// A designed text as it would be written.
    pub(super) fn resolved(&self, designed: &str, base: Option<&Contents<'_>>) -> Result<Text, Refusal> {
        document(designed, base, &self.names(), self.key)
    }

    /// The document that yields the hidden texts of a design for what stands there now.
    pub(super) fn origin(&self, current: Contents<'a>) -> Option<Contents<'a>> {
        match self.choices.origins.documents.get(&current.thing) {
            None => Some(current),
            Some(Image::Absent) => None,
            Some(Image::Present(text)) => Some(Contents { text: text.reveal_to_inbound(), ..current }),
        }
    }

    /// What is carried out again leaves alone what would only be spelled otherwise.
    pub(super) fn unless_alike(&self, thing: OpaqueId, target: &Target, current: &Text, text: Text) -> Text {
        let wanted = Image::Present(text.clone());
        let same = || images::alike(target, &Image::Present(current.clone()), &wanted);
        if self.choices.origins.documents.contains_key(&thing) && same() { current.clone() } else { text }
    }

    /// A short text that is no document: a title, an icon. Name tokens may stand in it.
    pub(super) fn resolved_word(&self, designed: &str) -> Result<Text, Refusal> {
        word(designed, &self.names(), self.key)
    }

    /// R16: what is there now must be what it was designed against.
    pub(super) fn same_base(
        &self,
        thing: OpaqueId,
        kind: DocumentKind,
        now: &Text,
        base: Base,
        designed: Option<&str>,
    ) -> Result<(), Refusal> {
        let hash = |text: &Text| Base::Hash(contents::base_hash(self.key, thing, text.reveal_to_inbound()));
        if hash(now) == base {
            return Ok(());
        }
        // Both sides, as far as they are known: what was changed at home, and what was wanted.
        let known = self.choices.known.iter().find(|(known, text)| *known == thing && hash(text) == base);
        let known = known.map(|(_, text)| text);
        let json = |text: &Text| Json::parse(text.reveal_to_inbound());
        let (old, current) = (known.and_then(json), json(now));
        let title = self.deployment.title.as_str();
        let mut diffs = Vec::new();
        if old.is_some() {
            let theirs = Compared { item: self.number(), kind: AT_HOME, title };
            diffs.push(theirs.documents(kind, old.as_ref(), current.as_ref(), self.ids));
        }
        if let Some(designed) = designed {
            let base = Contents { thing, kind, text: known.unwrap_or(now).reveal_to_inbound() };
            // A hidden text of a base that is gone cannot be shown; then the design stands there as it came.
            let wanted = self.resolved(designed, Some(&base)).ok().and_then(|text| json(&text));
            let wanted = wanted.or_else(|| Json::parse(designed));
            let ours = self.compared(title);
            diffs.push(ours.documents(kind, old.as_ref().or(current.as_ref()), wanted.as_ref(), self.ids));
        }
        let mut refusal = Refusal::new("base_changed", Disposition::Conflict);
        refusal.diffs = diffs;
        Err(refusal)
    }

    /// What a document can do, and which hosts it would call that are neither allowed nor there already.
    pub(super) fn can_do(
        &mut self,
        kind: DocumentKind,
        thing: Option<OpaqueId>,
        name: &str,
        before: Option<&Json>,
        after: &Json,
    ) {
        let (abilities, survey) = abilities::of_document(self.number(), kind, before, after);
        for ability in &abilities {
            let host = matches!(ability.kind, AbilityKind::CallsHost | AbilityKind::ShowsPage);
            if host && !ability.kept {
                let subject: &str = ability.subject.reveal_to_inbound();
                if !self.choices.hosts.contains(subject) {
                    self.hosts.insert(subject.to_owned());
                }
            }
        }
        self.abilities.extend(abilities);
        let scripts = mentioned(&survey, after);
        let names = arriving::named(after, self.arriving.keys());
        self.after.push(After { thing, name: name.to_owned(), survey, item: self.at, scripts, names });
    }

    /// Documents of the home that no item touches, as they were read: kind, name and text.
    pub(super) fn untouched(&self) -> impl Iterator<Item = (DocumentKind, &'a Text, &'a Text)> {
        let touched: BTreeSet<OpaqueId> =
            self.after.iter().filter_map(|after| after.thing).chain(self.gone.iter().copied()).collect();
        let dashboards = self.home.dashboards.iter().filter_map(|now| {
            Some((now.thing, DocumentKind::Dashboard, &now.record.title, now.config.as_ref()?))
        });
        let others = self.home.others.iter().map(|other| (other.thing, other.kind, &other.name, &other.text));
        dashboards
            .chain(others)
            .filter(move |(thing, ..)| thing.is_none_or(|thing| !touched.contains(&thing)))
            .map(|(_, kind, name, text)| (kind, name, text))
    }

    /// R40: a script runs when it is called, so every caller is named.
    fn callers(&mut self) {
        if self.scripts.is_empty() {
            return;
        }
        let mut calls: Vec<(String, BTreeSet<String>)> = Vec::new();
        for (kind, name, text) in self.untouched() {
            if let Some(json) = Json::parse(text.reveal_to_inbound()) {
                let survey = abilities::survey(kind, &json);
                calls.push((name.reveal_to_inbound().to_string(), mentioned(&survey, &json)));
            }
        }
        calls.extend(self.after.iter().map(|after| (after.name.clone(), after.scripts.clone())));
        for (item, script) in std::mem::take(&mut self.scripts) {
            self.at = item;
            for (name, services) in &calls {
                if services.contains(&script) {
                    self.able(AbilityKind::CalledBy, name.as_str());
                }
            }
        }
    }

    fn finish(self) -> Plan {
        let mut steps = self.puts;
        let order = arriving::order(self.deployment, &needed(&self.after));
        steps.sort_by_key(|step| order.iter().position(|item| *item == step.item as usize));
        let puts = steps.len();
        steps.extend(self.deletes);
        let abilities: Vec<Ability> = self.abilities.into_iter().collect();
        let only_dashboards = self.deployment.items.iter().all(|item| matches!(item, Item::DashboardPut(_)));
        let display_only =
            only_dashboards && self.hosts.is_empty() && abilities.iter().all(Ability::only_displays);
        let hash = hash(self.deployment, &steps, &abilities);
        let refused_hosts = self.hosts.into_iter().collect();
        Plan { steps, puts, abilities, refused_hosts, display_only, diff: self.diff, hash }
    }
}

/// A designed text as it would be written.
pub(super) fn document(
    designed: &str,
    base: Option<&Contents<'_>>,
    ids: &impl Ids,
    key: &IdKey,
) -> Result<Text, Refusal> {
    let resolved =
        contents::resolve(designed, base, ids, key).map_err(|error| Refusal::refused(error.code()))?;
    if resolved.reveal_to_inbound().len() > MESSAGE_BYTES {
        return Err(Refusal::refused("too_large"));
    }
    Ok(resolved)
}

/// A short text that is no document, as it would be written.
pub(super) fn word(designed: &str, ids: &impl Ids, key: &IdKey) -> Result<Text, Refusal> {
    let text = document(&spelled(designed), None, ids, key)?;
    match Json::parse(text.reveal_to_inbound()) {
        Some(Json::Text(text)) => Ok(Private::new(text.into())),
        _ => Err(Refusal::refused("not_json")),
    }
}

/// What the documents need to be there before them.
fn needed(after: &[After]) -> Vec<Needed<'_>> {
    let mut all = Vec::new();
    for After { item, names, survey, .. } in after {
        all.push(Needed { item: *item, names, elements: &survey.elements });
    }
    all
}

/// Scripts that a document calls, or that it shows so that somebody can run them.
fn mentioned(survey: &Survey, document: &Json) -> BTreeSet<String> {
    let strings = document.strings().into_iter().map(|(_, text)| text);
    let scripts = strings.filter(|text| text.starts_with("script.")).map(str::to_owned);
    survey.services.iter().cloned().chain(scripts).collect()
}

/// R36: over everything that a yes is given to. Every part is told from the next by its length.
fn hash(deployment: &Deployment, steps: &[PlannedStep], abilities: &[Ability]) -> Fixed<32> {
    let mut hasher = blake3::Hasher::new_derive_key("vestibule 2026-11 v1 plan");
    let mut add = |part: &[u8]| {
        hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
    };
    add(&deployment.id.0);
    for step in steps {
        add(&step.item.to_le_bytes());
        add(step.thing.map(|thing| thing.to_string()).unwrap_or_default().as_bytes());
        let (place, name, id) = match &step.target {
            Target::DashboardRecord { url_path, id } => ("record", text(url_path), id.as_ref().map(text)),
            Target::DashboardConfig { url_path } => ("config", text(url_path), None),
            Target::Resource { element, id } => ("resource", &**element, id.as_ref().map(text)),
            Target::Routine { kind: RoutineKind::Automation, id } => ("automation", text(id), None),
            Target::Routine { kind: RoutineKind::Script, id } => ("script", text(id), None),
        };
        add(place.as_bytes());
        add(name.as_bytes());
        add(id.unwrap_or_default().as_bytes());
        for image in [&step.before, &step.after] {
            match image {
                Image::Absent => add(b"absent"),
                Image::Present(text) => {
                    add(b"present");
                    add(text.reveal_to_inbound().as_bytes());
                }
            }
        }
    }
    for ability in abilities {
        add(ability.kind.code().as_bytes());
        add(&ability.item.to_le_bytes());
        add(ability.subject.reveal_to_inbound().as_bytes());
        add(&[u8::from(ability.kept)]);
    }
    Fixed(*hasher.finalize().as_bytes())
}

fn text(text: &Text) -> &str {
    text.reveal_to_inbound()
}
