//! Records: their keys, and typed bodies whose text can only come from where it may.
//!
//! Every word of a `structure` record is a `&'static str`: it comes out of a closed list of the program, never out of the home.
//! The two exceptions, manufacturer and model, are [`Vetted`]. Fields stand in alphabetical order, so that plain serialisation is
//! the canonical form of RFC 8785 (there are only objects, arrays, strings, integers and `true`).

use std::fmt;

use serde::Serialize;

use crate::consent::Class;
use crate::id::{OpaqueId, Thing};

/// What a record describes; the first half of its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RecordKind {
    /// The installation itself.
    Home,
    /// A floor.
    Floor,
    /// An area.
    Area,
    /// A label.
    Label,
    /// A device.
    Device,
    /// An entity.
    Entity,
    /// An integration.
    Integration,
    /// A dashboard.
    Dashboard,
    /// A dashboard resource.
    Resource,
    /// An automation.
    Automation,
    /// A script.
    Script,
    /// A scene.
    Scene,
    /// The texts of one thing.
    Name,
    /// The rewritten contents of a dashboard, an automation, a script or a scene.
    Content,
}

impl RecordKind {
    /// All kinds, in home order: the order in which batches are filled (R21).
    pub const ALL: [Self; 14] = [
        Self::Home,
        Self::Floor,
        Self::Area,
        Self::Label,
        Self::Device,
        Self::Entity,
        Self::Integration,
        Self::Dashboard,
        Self::Resource,
        Self::Automation,
        Self::Script,
        Self::Scene,
        Self::Name,
        Self::Content,
    ];

    /// The word before the slash.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Home => "home",
            Self::Floor => "floor",
            Self::Area => "area",
            Self::Label => "label",
            Self::Device => "device",
            Self::Entity => "entity",
            Self::Integration => "integration",
            Self::Dashboard => "dashboard",
            Self::Resource => "resource",
            Self::Automation => "automation",
            Self::Script => "script",
            Self::Scene => "scene",
            Self::Name => "name",
            Self::Content => "content",
        }
    }

    /// The classes that records of this kind belong to: one, but for contents, where the id decides ([`Key::class`]).
    #[must_use]
    pub const fn classes(self) -> &'static [Class] {
        match self {
            Self::Name => &[Class::Names],
            Self::Content => &[Class::Dashboards, Class::Automations],
            Self::Home
            | Self::Floor
            | Self::Area
            | Self::Label
            | Self::Device
            | Self::Entity
            | Self::Integration
            | Self::Dashboard
            | Self::Resource
            | Self::Automation
            | Self::Script
            | Self::Scene => &[Class::Structure],
        }
    }

    /// The opaque id that follows the slash; `None` for home and integration, and where it can be of several things.
    const fn thing(self) -> Option<Thing> {
        match self {
            Self::Floor => Some(Thing::Floor),
            Self::Area => Some(Thing::Area),
            Self::Label => Some(Thing::Label),
            Self::Device => Some(Thing::Device),
            Self::Entity => Some(Thing::Entity),
            Self::Dashboard => Some(Thing::Dashboard),
            Self::Resource => Some(Thing::Resource),
            Self::Automation => Some(Thing::Automation),
            Self::Script => Some(Thing::Script),
            Self::Scene => Some(Thing::Scene),
            Self::Home | Self::Integration | Self::Name | Self::Content => None,
        }
    }
}

/// A key: `KIND/ID`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(Box<str>);

/// A text that is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a record key")]
pub struct InvalidKey;

impl Key {
    /// The one key of the installation.
    #[must_use]
    pub fn home() -> Self {
        Self("home/home".into())
    }

    /// Key of a thing's own record.
    #[must_use]
    pub fn of(kind: RecordKind, id: OpaqueId) -> Self {
        Self(format!("{}/{id}", kind.name()).into())
    }

    /// Key of an integration's record: its domain, or `custom`.
    #[must_use]
    pub fn integration(domain: &'static str) -> Self {
        Self(format!("integration/{domain}").into())
    }

    /// Reads a key.
    ///
    /// # Errors
    /// [`InvalidKey`] when kind or id are not what [`RecordKind`] says.
    pub fn parse(text: &str) -> Result<Self, InvalidKey> {
        let (kind, id) = text.split_once('/').ok_or(InvalidKey)?;
        let kind = RecordKind::ALL.into_iter().find(|known| known.name() == kind).ok_or(InvalidKey)?;
        let sound = match kind {
            RecordKind::Home => id == "home",
            RecordKind::Integration => is_domain(id),
            RecordKind::Name => id.parse::<OpaqueId>().is_ok(),
            RecordKind::Content => id.parse::<OpaqueId>().is_ok_and(|id| content_class(id.thing).is_some()),
            RecordKind::Floor
            | RecordKind::Area
            | RecordKind::Label
            | RecordKind::Device
            | RecordKind::Entity
            | RecordKind::Dashboard
            | RecordKind::Resource
            | RecordKind::Automation
            | RecordKind::Script
            | RecordKind::Scene => id.parse::<OpaqueId>().is_ok_and(|id| Some(id.thing) == kind.thing()),
        };
        if sound { Ok(Self(text.into())) } else { Err(InvalidKey) }
    }

    /// The whole key.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The class that the record belongs to: exactly one (R27).
    #[must_use]
    pub fn class(&self) -> Class {
        let id = self.0.split_once('/').and_then(|(_, id)| id.parse::<OpaqueId>().ok());
        match self.kind().classes() {
            [only] => *only,
            _ => id.and_then(|id| content_class(id.thing)).unwrap_or(Class::Dashboards),
        }
    }

    /// The kind.
    #[must_use]
    pub fn kind(&self) -> RecordKind {
        let word = self.0.split('/').next().unwrap_or_default();
        RecordKind::ALL.into_iter().find(|kind| kind.name() == word).unwrap_or(RecordKind::Home)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Beginnings of the keys of all records of a class.
#[must_use]
pub fn key_prefixes(class: Class) -> Vec<String> {
    let kinds = RecordKind::ALL.into_iter().filter(|kind| kind.classes() == [class]);
    let contents = Thing::ALL.into_iter().filter(|thing| content_class(*thing) == Some(class));
    kinds
        .map(|kind| format!("{}/", kind.name()))
        .chain(contents.map(|thing| format!("{}/{}_", RecordKind::Content.name(), thing.letter())))
        .collect()
}

/// The class of a thing's contents, for things that have any.
const fn content_class(thing: Thing) -> Option<Class> {
    match thing {
        Thing::Dashboard => Some(Class::Dashboards),
        Thing::Automation | Thing::Script | Thing::Scene => Some(Class::Automations),
        Thing::Entity | Thing::Device | Thing::Area | Thing::Floor | Thing::Label | Thing::Resource => None,
    }
}

fn is_domain(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// Text from the home that a rule of `outbound::privacy` has let through: manufacturer, model, and everything in `names`.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Vetted<'a>(&'a str);

impl<'a> Vetted<'a> {
    /// Only `outbound::privacy` of the agent may call this; a test of the house rules counts the callers.
    #[must_use]
    pub const fn by_privacy_rule(text: &'a str) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Vetted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("‹vetted›")
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if wants a reference")]
const fn is_false(value: &bool) -> bool {
    !*value
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if wants a reference")]
const fn is_true(value: &bool) -> bool {
    *value
}

/// `home/home`
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HomeRecord<'a> {
    /// Version of the agent.
    pub agent: &'static str,
    /// Version of Home Assistant; digits, dots and pre-release letters only.
    pub core: Vetted<'a>,
    /// Installation type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub install: Option<&'static str>,
    /// Language.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<&'static str>,
    /// Unit system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub units: Option<&'static str>,
}

/// `content/b_…` and its like
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ContentRecord<'a> {
    /// What a deployment that replaces it names as its base (R16).
    pub base: crate::bytes::Fixed<32>,
    /// Home Assistant's JSON text, rewritten in place (R14).
    pub text: Vetted<'a>,
}

/// `floor/f_…`
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FloorRecord {
    /// Storey, where the owner gave one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<i32>,
    /// Place in the owner's order, from 0.
    pub order: u32,
}

/// `area/a_…`
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AreaRecord {
    /// Floor it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub floor: Option<OpaqueId>,
    /// Kind of room, or `other`.
    pub kind: &'static str,
    /// Place in the owner's order, from 0.
    pub order: u32,
    /// Number among the areas of its kind, from 1, in the order of their creation.
    pub ordinal: u32,
}

/// `label/l_…`: nothing but its existence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LabelRecord {}

/// `device/d_…`
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeviceRecord<'a> {
    /// Own area.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub area: Option<OpaqueId>,
    /// Integration, or `custom`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub integration: Option<&'static str>,
    /// Manufacturer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manufacturer: Option<Vetted<'a>>,
    /// Model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<Vetted<'a>>,
    /// Parent device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<OpaqueId>,
    /// It is a service, not a thing.
    #[serde(skip_serializing_if = "is_false")]
    pub service: bool,
}

/// `entity/e_…`
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EntityRecord {
    /// Own area; otherwise it is where its device is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub area: Option<OpaqueId>,
    /// What it can do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caps: Option<Capabilities>,
    /// `config` or `diagnostic`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<&'static str>,
    /// Device class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<&'static str>,
    /// Device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<OpaqueId>,
    /// Switched off by somebody.
    #[serde(skip_serializing_if = "is_false")]
    pub disabled: bool,
    /// Domain.
    pub domain: &'static str,
    /// `supported_features`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub features: Option<u32>,
    /// Hidden by somebody.
    #[serde(skip_serializing_if = "is_false")]
    pub hidden: bool,
    /// Integration, `custom`, or absent where nobody claims the entity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub integration: Option<&'static str>,
    /// Translation key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<&'static str>,
    /// The main entity of its device.
    #[serde(skip_serializing_if = "is_false")]
    pub main: bool,
    /// Number among the entities of its device and domain; absent for the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ordinal: Option<u32>,
    /// State class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_class: Option<&'static str>,
    /// Unit of measurement.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<&'static str>,
    /// Neither disabled nor orphaned (the latter stored, refreshed at most daily); absent while it is usable.
    #[serde(skip_serializing_if = "is_true")]
    pub usable: bool,
}

/// What an entity can do: attribute name to value, sorted by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Capabilities(pub Vec<(&'static str, Capability)>);

impl Serialize for Capabilities {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

/// One capability.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Capability {
    /// Members of a closed list, sorted; `"+n"` at the end counts the members that are not in it.
    Words(Vec<Counted>),
    /// A member of a closed list.
    Word(&'static str),
    /// A number as decimal text, so that the canonical form holds no floats.
    Number(Decimal),
    /// A switch.
    Flag(bool),
}

/// A word, or how many were left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Counted {
    /// A member of a closed list.
    Word(&'static str),
    /// That many more, whose texts stay at home.
    More(u32),
}

impl Serialize for Counted {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Word(word) => serializer.serialize_str(word),
            Self::More(count) => serializer.collect_str(&format_args!("+{count}")),
        }
    }
}

/// A decimal number of at most 15 digits, in its shortest spelling: `21`, `0.5`, `-10`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Decimal(String);

impl Decimal {
    /// Reads Home Assistant's spelling of a number; `None` for anything that is not a plain number of ordinary size.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let number: f64 = text.parse().ok()?;
        let short = format!("{number}");
        (number.is_finite() && short.len() <= 16)
            .then(|| Self(if short == "-0" { "0".into() } else { short }))
    }
}

/// `integration/DOMAIN`
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IntegrationRecord {
    /// It ships with Home Assistant.
    #[serde(skip_serializing_if = "is_false")]
    pub built_in: bool,
}

/// `dashboard/b_…`
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DashboardRecord {
    /// For administrators only.
    #[serde(skip_serializing_if = "is_false")]
    pub admin: bool,
    /// `storage` or `yaml`.
    pub mode: &'static str,
    /// Shown in the sidebar.
    #[serde(skip_serializing_if = "is_false")]
    pub sidebar: bool,
}

/// `resource/r_…`
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ResourceRecord {
    /// `hacs`, `local`, `other` or `ours`.
    pub source: &'static str,
    /// `css`, `html`, `js` or `module`.
    #[serde(rename = "type")]
    pub kind: &'static str,
}

/// `automation/m_…`, `script/s_…`, `scene/c_…`
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RoutineRecord {
    /// Home Assistant's editor can reach it.
    #[serde(skip_serializing_if = "is_false")]
    pub editor: bool,
    /// Its entity.
    pub entity: OpaqueId,
    /// `parallel`, `queued`, `restart` or `single`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<&'static str>,
}

/// `name/<id>`: the texts of one thing, for whoever was granted `names`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct NameRecord<'a> {
    /// Other names, sorted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<Vetted<'a>>,
    /// Entity id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entity_id: Option<Vetted<'a>>,
    /// Icon.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub icon: Option<Vetted<'a>>,
    /// Name or title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Vetted<'a>>,
    /// Texts that `structure` left out, by field.
    #[serde(skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    pub other: std::collections::BTreeMap<&'static str, Vec<Vetted<'a>>>,
    /// `url_path` of a dashboard.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<Vetted<'a>>,
}

#[cfg(test)]
mod tests;
