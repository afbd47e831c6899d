//! What the owner is shown of the own home, in own words and beside the ids that a tenant knows: for the owner's page and terminal only
//! (R17). Nothing here is ever part of what leaves.

use vestibule_protocol::id::{OpaqueId, Thing};

use super::policy::{Excluded, Exclusions, Policy};
use super::{ids, rooms, words};
use crate::identity::IdKey;
use crate::outbound::inventory::Home;
use crate::outbound::reading::{RawArea, RawDevice, RawEntity, Shared, Text};
use crate::private::Private;

/// An area as the owner decides about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnRoom {
    /// By which the tenant knows it.
    pub id: OpaqueId,
    /// Its name.
    pub name: Text,
    /// Name of its floor.
    pub floor: Option<Text>,
    /// The kind worked out from its words.
    pub worked_out: &'static str,
    /// The kind that the owner chose instead.
    pub chosen: Option<&'static str>,
    /// It does not exist for the tenant.
    pub excluded: bool,
}

/// Kinds of things that can be excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnKind {
    /// An area.
    Area,
    /// A label.
    Label,
    /// An integration.
    Integration,
    /// A device.
    Device,
    /// An entity.
    Entity,
}

/// Something that can be excluded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnThing {
    /// What it is.
    pub kind: OwnKind,
    /// How it is excluded.
    pub id: Excluded,
    /// The owner's word for it.
    pub words: Text,
    /// What tells it from others of the same name: an entity id, a room.
    pub detail: Option<Text>,
    /// It is excluded by itself (not by its room, label or device).
    pub excluded: bool,
}

/// Which things are looked for.
#[derive(Debug, Clone, Copy)]
pub enum Wanted<'a> {
    /// Those in whose words this occurs, in lower case, of one kind or of all.
    Named(&'a str, Option<OwnKind>),
    /// Those that are excluded by themselves.
    Excluded,
}

/// All areas, in the owner's order.
#[must_use]
pub fn own_rooms(home: &Home, policy: &Policy<'_>, key: &IdKey) -> Vec<OwnRoom> {
    let room = |area: &RawArea| {
        let id = ids::text(key, Thing::Area, &area.id);
        let floor = area.floor.as_ref().and_then(|floor| home.floors.iter().find(|known| known.id == *floor));
        OwnRoom {
            id,
            name: area.name.clone(),
            floor: floor.map(|floor| floor.name.clone()),
            worked_out: rooms::kind_of(
                area.name.reveal_to_privacy(),
                area.aliases.iter().map(|alias| &**alias.reveal_to_privacy()),
                area.icon.as_ref().map(|icon| &**icon.reveal_to_privacy()),
            ),
            chosen: policy.kinds.of(id),
            excluded: policy.exclusions.thing(id),
        }
    };
    home.areas.iter().map(room).collect()
}

/// Things that can be excluded, at most `limit`: areas first, then labels, integrations, devices and entities. Looks at everything, so it
/// is for a person's question, not for a loop.
#[must_use]
pub fn own_things(
    home: &Home,
    exclusions: &Exclusions,
    key: &IdKey,
    wanted: Wanted<'_>,
    limit: usize,
) -> Vec<OwnThing> {
    let mut found = Found { exclusions, wanted, limit, things: Vec::new() };
    for area in &home.areas {
        found.thing(OwnKind::Area, [Some(&area.name), None], || ids::text(key, Thing::Area, &area.id));
    }
    for label in &home.labels {
        found.thing(OwnKind::Label, [Some(&label.name), None], || ids::text(key, Thing::Label, &label.id));
    }
    for integration in &home.integrations {
        found.integration(&integration.domain);
    }
    for device in &home.devices {
        found.device(home, device, key);
    }
    for entity in &home.entities {
        found.entity(entity, key);
    }
    found.things
}

/// The language of the installation, if Home Assistant ships it.
#[must_use]
pub fn own_language(home: &Home) -> Option<&'static str> {
    words::language(home.config.as_ref()?)
}

/// Home Assistant's version and kind of installation, in words of closed lists.
#[must_use]
pub fn own_versions(home: &Home) -> Option<(String, Option<&'static str>)> {
    let config = home.config.as_ref()?;
    Some((words::version(&config.version).to_owned(), words::install(config)))
}

/// Collects what is wanted.
struct Found<'a> {
    exclusions: &'a Exclusions,
    wanted: Wanted<'a>,
    limit: usize,
    things: Vec<OwnThing>,
}

impl Found<'_> {
    fn device(&mut self, home: &Home, device: &RawDevice, key: &IdKey) {
        let name = device.name_by_user.as_ref().or(device.name.as_ref());
        let area = device.area.as_ref().and_then(|area| home.areas.iter().find(|known| known.id == *area));
        let area = area.map(|area| &area.name);
        self.thing(OwnKind::Device, [name, area], || ids::device(key, &device.id));
    }

    fn entity(&mut self, entity: &RawEntity, key: &IdKey) {
        let name = entity.name.as_ref().or(entity.original_name.as_ref());
        let detail = name.map(|_| &entity.entity_id);
        let words = [name.or(Some(&entity.entity_id)), detail];
        self.thing(OwnKind::Entity, words, || ids::entity(key, Thing::Entity, entity));
    }

    fn thing(&mut self, kind: OwnKind, words: [Option<&Text>; 2], id: impl FnOnce() -> OpaqueId) {
        if self.full() || !self.named(kind, words.iter().flatten().map(|text| &**text.reveal_to_privacy())) {
            return;
        }
        let id = id();
        let excluded = self.exclusions.thing(id);
        let nameless = || Private::new(id.to_string().into());
        if excluded || matches!(self.wanted, Wanted::Named(..)) {
            self.things.push(OwnThing {
                kind,
                id: Excluded::Thing(id),
                words: words[0].cloned().unwrap_or_else(nameless),
                detail: words[1].cloned(),
                excluded,
            });
        }
    }

    fn integration(&mut self, domain: &Shared) {
        let text: &str = domain.reveal_to_privacy();
        if self.full() || !self.named(OwnKind::Integration, [text].into_iter()) {
            return;
        }
        let excluded = self.exclusions.integrations().any(|known| known == text);
        if excluded || matches!(self.wanted, Wanted::Named(..)) {
            let id = Excluded::Integration(Private::new(text.into()));
            let words = Private::new(text.into());
            self.things.push(OwnThing { kind: OwnKind::Integration, id, words, detail: None, excluded });
        }
    }

    const fn full(&self) -> bool {
        self.things.len() >= self.limit
    }

    fn named<'t>(&self, kind: OwnKind, mut words: impl Iterator<Item = &'t str>) -> bool {
        match self.wanted {
            Wanted::Excluded => true,
            Wanted::Named(text, of) => {
                of.is_none_or(|of| of == kind)
                    && (text.is_empty() || words.any(|word| word.to_lowercase().contains(text)))
            }
        }
    }
}
