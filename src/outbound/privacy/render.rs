//! The records themselves, in home order (R21): canonical bytes from typed values, two buffers reused for all of them.

use serde::Serialize;
use vestibule_protocol::consent::Class;
use vestibule_protocol::id::{OpaqueId, Thing};
use vestibule_protocol::limits;
use vestibule_protocol::record::{
    AreaRecord, ContentRecord, DashboardRecord, DeviceRecord, EntityRecord, FloorRecord, HomeRecord,
    IntegrationRecord, LabelRecord, RecordKind, ResourceRecord, RoutineRecord, Vetted,
};
use vestibule_protocol::vocabulary::{CUSTOM, List, OTHER};

use super::contents;
use super::names::{Gate, Names, Told};
use super::view::{SeenEntity, View};
use super::{ids, words};
use crate::inbound::card;
use crate::outbound::inventory::ordinals::Ordinals;
use crate::outbound::inventory::orphans::Orphans;
use crate::outbound::reading::{RawDashboard, RawDevice, RawEntity, RawResource, Shared};

/// Longest manufacturer or model, in characters (R9).
const PRODUCT_CHARS: usize = 40;

/// One rendered record, valid until the next.
#[derive(Debug, Clone, Copy)]
pub struct Record<'r> {
    /// Kind.
    pub kind: RecordKind,
    /// The thing that it is about; `None` for the home and for integrations.
    pub id: Option<OpaqueId>,
    /// The whole key.
    pub key: &'r str,
    /// Canonical JSON.
    pub body: &'r [u8],
}

impl<'a> View<'a> {
    /// Renders everything that is granted, in home order; the names of a thing follow the thing. Costs 2 µs a record.
    pub fn render(&self, ordinals: &Ordinals, orphans: &Orphans, visit: &mut dyn FnMut(Record<'_>)) {
        if Class::ALL.into_iter().all(|class| !self.policy.consent.grants(class)) {
            return;
        }
        let mut out = Out {
            structure: self.policy.consent.grants(Class::Structure),
            names: self.policy.consent.grants(Class::Names),
            gate: Gate { own_hosts: self.policy.own_hosts },
            key: String::new(),
            body: Vec::new(),
            visit,
        };
        self.house(&mut out, ordinals);
        self.devices(&mut out);
        let mut routines = [Vec::new(), Vec::new(), Vec::new()];
        for seen in &self.entities {
            let raw = &self.home.entities[seen.at as usize];
            self.entity(&mut out, seen, raw, ordinals, orphans);
            if let Some(list) = routine_place(seen) {
                routines[list].push(*seen);
            }
        }
        self.rest(&mut out);
        for (list, (kind, thing)) in routines.iter().zip(ROUTINES) {
            for seen in list {
                let raw = &self.home.entities[seen.at as usize];
                let mode = raw.mode.as_ref().and_then(|mode| {
                    ["parallel", "queued", "restart", "single"]
                        .into_iter()
                        .find(|known| *known == &**mode.reveal_to_privacy())
                });
                let record = RoutineRecord { editor: raw.editor, entity: seen.id, mode };
                out.structure(kind, ids::entity(self.key, thing, raw), &record);
            }
        }
        contents::all(self, &routines, &mut out);
    }

    fn house(&self, out: &mut Out<'_>, ordinals: &Ordinals) {
        let home = self.home;
        if let Some(config) = &home.config {
            out.put(
                RecordKind::Home,
                None,
                "home",
                &HomeRecord {
                    agent: env!("CARGO_PKG_VERSION"),
                    core: Vetted::by_privacy_rule(words::version(&config.version)),
                    install: words::install(config),
                    language: words::language(config),
                    units: words::units(config),
                },
            );
        }
        for (order, floor) in (0..).zip(&home.floors) {
            let id = ids::text(self.key, Thing::Floor, &floor.id);
            let level = floor.level.map(|level| level.clamp(-100, 1000));
            out.structure(RecordKind::Floor, id, &FloorRecord { level, order });
            out.names(id, |gate| Names::plain(gate, Some(&floor.name), &floor.aliases, floor.icon.as_ref()));
        }
        // Counted without the excluded ones, so that a gap does not tell of them.
        let seen = home.areas.iter().zip(&self.areas).filter_map(|(area, seen)| Some((area, (*seen)?)));
        for (order, (area, seen)) in (0..).zip(seen) {
            let floor = self.floor(area.floor.as_ref());
            let ordinal = ordinals.of(seen.id.bits);
            out.structure(RecordKind::Area, seen.id, &AreaRecord { floor, kind: seen.kind, order, ordinal });
            out.names(seen.id, |gate| {
                Names::plain(gate, Some(&area.name), &area.aliases, area.icon.as_ref())
            });
        }
        let labels = home.labels.iter().filter(|label| self.label_exists(&label.id));
        for (id, label) in by_id(labels.map(|label| (ids::text(self.key, Thing::Label, &label.id), label))) {
            out.structure(RecordKind::Label, id, &LabelRecord {});
            out.names(id, |gate| Names::plain(gate, Some(&label.name), &[], label.icon.as_ref()));
        }
    }

    fn devices(&self, out: &mut Out<'_>) {
        for at in self.devices_in_order() {
            let (raw, Some(seen)) = (&self.home.devices[at], self.devices[at]) else { continue };
            let (manufacturer, model) = products(raw, seen.integration, out.gate);
            let told = Told {
                manufacturer: manufacturer.is_some(),
                model: model.is_some(),
                integration: seen.integration,
                ..Told::default()
            };
            out.structure(
                RecordKind::Device,
                seen.id,
                &DeviceRecord {
                    area: self.area(raw.area.as_ref()),
                    integration: seen.integration,
                    manufacturer,
                    model,
                    parent: raw
                        .parent
                        .as_ref()
                        .and_then(|parent| self.device_at(parent))
                        .and_then(|at| self.devices[at])
                        .map(|parent| parent.id),
                    service: raw.service,
                },
            );
            out.names(seen.id, |gate| Names::of_device(gate, raw, told));
        }
    }

    fn entity(
        &self,
        out: &mut Out<'_>,
        seen: &SeenEntity,
        raw: &'a RawEntity,
        ordinals: &Ordinals,
        orphans: &Orphans,
    ) {
        let built_in = seen.integration.is_some_and(|word| word != CUSTOM && word != OTHER);
        let key = if built_in { self.word(List::Key, raw.translation_key.as_ref()) } else { None };
        let device = self.device(seen.device);
        let number = ordinals.of(seen.id.bits);
        let record = EntityRecord {
            area: self.area(raw.area.as_ref()),
            caps: raw.capabilities.as_ref().and_then(|raw| words::capabilities(seen.domain, raw)),
            category: words::category(raw),
            class: self.word(List::DeviceClass, raw.device_class.as_ref()),
            device: device.map(|device| device.id),
            disabled: raw.disabled,
            domain: seen.domain,
            features: raw
                .supported_features
                .filter(|features| *features != 0 && words::tells_features(seen.domain, seen.integration)),
            hidden: raw.hidden,
            integration: seen.integration,
            key,
            main: raw.main,
            ordinal: (number > 1).then_some(number),
            state_class: raw.capabilities.as_deref().and_then(words::state_class),
            unit: self.word(List::Unit, raw.unit.as_ref()),
            usable: !raw.disabled && !orphans.contains(ids::local(raw)),
        };
        out.structure(RecordKind::Entity, seen.id, &record);
        let told = Told { key: key.is_some(), integration: seen.integration, ..Told::default() };
        out.names(seen.id, |gate| Names::of_entity(gate, raw, seen.domain, told));
    }

    fn rest(&self, out: &mut Out<'_>) {
        let home = self.home;
        let mut loaded: Vec<&'static str> = home
            .integrations
            .iter()
            .map(|integration| &**integration.domain.reveal_to_privacy())
            .filter(|domain| !self.integration_is_excluded(domain))
            .map(|domain| self.integration(domain))
            .collect();
        loaded.sort_unstable();
        loaded.dedup();
        for domain in loaded {
            out.put(RecordKind::Integration, None, domain, &IntegrationRecord { built_in: domain != CUSTOM });
        }
        let dashboards = home.dashboards.iter();
        let id = |dashboard: &RawDashboard| ids::text(self.key, Thing::Dashboard, &dashboard.id);
        for (id, dashboard) in by_id(dashboards.map(|dashboard| (id(dashboard), dashboard))) {
            let mode = if dashboard.yaml { "yaml" } else { "storage" };
            let record = DashboardRecord { admin: dashboard.admin, mode, sidebar: dashboard.sidebar };
            out.structure(RecordKind::Dashboard, id, &record);
            out.names(id, |gate| {
                let (title, path) = (dashboard.title.as_ref(), dashboard.url_path.as_ref());
                Names::of_dashboard(gate, title, path, dashboard.icon.as_ref())
            });
        }
        let id = |resource: &RawResource| ids::text(self.key, Thing::Resource, &resource.id);
        for (id, resource) in by_id(home.resources.iter().map(|resource| (id(resource), resource))) {
            let kind = ["css", "html", "js", "module"]
                .into_iter()
                .find(|known| *known == &**resource.kind.reveal_to_privacy());
            let record = ResourceRecord {
                source: resource_source(resource.url.reveal_to_privacy()),
                kind: kind.unwrap_or("module"),
            };
            out.structure(RecordKind::Resource, id, &record);
        }
    }
}

/// In the order of opaque ids, because the order of names or of registry ids would tell something. Of two with one id the first stays.
pub(super) fn by_id<'a, T>(things: impl Iterator<Item = (OpaqueId, &'a T)>) -> Vec<(OpaqueId, &'a T)> {
    let mut things: Vec<_> = things.collect();
    things.sort_by_key(|(id, _)| *id);
    things.dedup_by_key(|(id, _)| *id);
    things
}

pub(super) const ROUTINES: [(RecordKind, Thing); 3] = [
    (RecordKind::Automation, Thing::Automation),
    (RecordKind::Script, Thing::Script),
    (RecordKind::Scene, Thing::Scene),
];

/// Which list of [`ROUTINES`] an entity belongs to: those that Home Assistant itself runs, not the scenes of a lighting system.
fn routine_place(seen: &SeenEntity) -> Option<usize> {
    match (seen.domain, seen.integration) {
        ("automation", None | Some("automation")) => Some(0),
        ("script", None | Some("script")) => Some(1),
        ("scene", None | Some("homeassistant" | "scene")) => Some(2),
        _ => None,
    }
}

/// Where a resource is loaded from, in one word; `ours` are the cards that came in a deployment.
fn resource_source(url: &str) -> &'static str {
    if url.starts_with(card::PREFIX) {
        "ours"
    } else if url.starts_with("/hacsfiles/") {
        "hacs"
    } else if url.starts_with("/local/") {
        "local"
    } else {
        OTHER
    }
}

/// Manufacturer and model, where they are a product's own (R9).
fn products<'a>(
    device: &'a RawDevice,
    integration: Option<&'static str>,
    gate: Gate<'_>,
) -> (Option<Vetted<'a>>, Option<Vetted<'a>>) {
    // Every integration of a shared device may have written them.
    let all_built_in = integration.is_some()
        && device.integrations.iter().all(|domain| {
            List::Integration.find(domain.reveal_to_privacy()).is_some_and(words::keeps_to_products)
        })
        && integration.is_some_and(words::keeps_to_products);
    let product = |text: &'a Option<Shared>| {
        let text: &str = text.as_ref()?.reveal_to_privacy();
        let sound = all_built_in
            && !text.is_empty()
            && text.chars().count() <= PRODUCT_CHARS
            && !text.chars().any(|c| c.is_control() || (c.is_whitespace() && c != ' '))
            && gate.pass(text).is_some();
        sound.then(|| Vetted::by_privacy_rule(text))
    };
    (product(&device.manufacturer), product(&device.model))
}

/// Where records go, with the buffers they are made in.
pub(super) struct Out<'v> {
    structure: bool,
    names: bool,
    gate: Gate<'v>,
    key: String,
    body: Vec<u8>,
    visit: &'v mut dyn FnMut(Record<'_>),
}

impl Out<'_> {
    fn structure(&mut self, kind: RecordKind, id: OpaqueId, record: &impl Serialize) {
        if self.structure {
            self.write(kind, Some(id), None, record);
        }
    }

    fn put(&mut self, kind: RecordKind, id: Option<OpaqueId>, word: &str, record: &impl Serialize) {
        if self.structure {
            self.write(kind, id, Some(word), record);
        }
    }

    fn names<'a>(&mut self, id: OpaqueId, names: impl FnOnce(Gate<'_>) -> Names<'a>) {
        if !self.names {
            return;
        }
        let names = names(self.gate);
        if let Some(record) = names.record() {
            self.write(RecordKind::Name, Some(id), None, &record);
            if self.body.len() <= limits::RECORD_BYTES {
                return;
            }
        }
        let names = names.shortened();
        if let Some(record) = names.record() {
            self.write(RecordKind::Name, Some(id), None, &record);
        }
    }

    /// Contents, which may be large; says whether they are not too large.
    pub(super) fn content(&mut self, id: OpaqueId, record: &ContentRecord<'_>) -> bool {
        self.write(RecordKind::Content, Some(id), None, record)
    }

    /// Says whether the record is not too large.
    fn write(
        &mut self,
        kind: RecordKind,
        id: Option<OpaqueId>,
        word: Option<&str>,
        record: &impl Serialize,
    ) -> bool {
        self.key.clear();
        self.key.push_str(kind.name());
        self.key.push('/');
        match (id, word) {
            (Some(id), _) => id.append_to(&mut self.key),
            (None, word) => self.key.push_str(word.unwrap_or_default()),
        }
        self.body.clear();
        // Writing typed values to memory cannot fail; a record that did would be missing, never wrong.
        let fits = serde_json::to_writer(&mut self.body, record).is_ok()
            && self.body.len() <= limits::record_bytes(kind);
        if fits {
            (self.visit)(Record { kind, id, key: &self.key, body: &self.body });
        }
        fits
    }
}
