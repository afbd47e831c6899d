//! What the home client hands over: small typed values, already reduced to the fields we ever look at.
//!
//! Everything that a person could have typed is `Private`. Lists keep Home Assistant's order where it means
//! something (areas, floors) and are otherwise in any order.

use std::borrow::Borrow;
use std::ops::Deref;
use std::sync::Arc;

use crate::private::Private;

/// Text from the home that repeats a lot (integration domains, units, translation keys): shared between values.
pub type Shared = Private<Word>;
/// Text from the home that is mostly unique (names, entity ids).
pub type Text = Private<Box<str>>;

/// A text that many values share. One word of memory in each of them, where an `Arc<str>` takes two: an entity holds eight.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Word(Arc<Box<str>>);

impl Word {
    /// Whether somebody else holds it too.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }
}

impl From<&str> for Word {
    fn from(text: &str) -> Self {
        Self(Arc::new(text.into()))
    }
}

impl Deref for Word {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Word {
    fn borrow(&self) -> &str {
        self
    }
}

/// A registry id: 32 hexadecimal digits in Home Assistant, 16 bytes here. Ids of any other shape are hashed into 16 bytes
/// by [`RegistryId::parse`], so that they stay distinct.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RegistryId(pub Private<[u8; 16]>);

impl RegistryId {
    /// Reads Home Assistant's spelling of an id.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut bytes = [0; 16];
        let plain = text.len() == 32
            && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
            && (0..16).all(|i| {
                u8::from_str_radix(&text[2 * i..2 * i + 2], 16).is_ok_and(|byte| {
                    bytes[i] = byte;
                    true
                })
            });
        if !plain {
            bytes.copy_from_slice(&blake3::hash(text.as_bytes()).as_bytes()[..16]);
        }
        Self(Private::new(bytes))
    }
}

/// What the home tells of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawConfig {
    /// Home Assistant's version, such as `2026.11.0`.
    pub version: String,
    /// Two-letter language of the installation, such as `de`.
    pub language: Option<Shared>,
    /// Unit of length in the unit system (`km` or `mi`), by which the systems are told apart.
    pub length_unit: Option<Shared>,
    /// `Home Assistant OS`, `Home Assistant Container`, … as the system health information words it.
    pub installation_type: Option<Shared>,
}

/// One floor, in Home Assistant's order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawFloor {
    /// `floor_id`.
    pub id: Shared,
    /// Name.
    pub name: Text,
    /// Other names.
    pub aliases: Vec<Text>,
    /// Storey, where the owner gave one.
    pub level: Option<i32>,
    /// Icon, such as `mdi:home-floor-1`.
    pub icon: Option<Shared>,
}

/// One area, in Home Assistant's order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawArea {
    /// `area_id`.
    pub id: Shared,
    /// Floor it belongs to.
    pub floor: Option<Shared>,
    /// Name.
    pub name: Text,
    /// Other names.
    pub aliases: Vec<Text>,
    /// Icon.
    pub icon: Option<Shared>,
    /// Labels, sorted.
    pub labels: Box<[Shared]>,
}

/// One label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawLabel {
    /// `label_id`.
    pub id: Shared,
    /// Name.
    pub name: Text,
    /// Icon.
    pub icon: Option<Shared>,
}

/// One device; a child device (2026.9) has a parent and lacks most other fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawDevice {
    /// Registry id.
    pub id: RegistryId,
    /// `parent_device_id` of a child device.
    pub parent: Option<RegistryId>,
    /// Integration domains of its config entries, sorted, without repeats.
    pub integrations: Box<[Shared]>,
    /// `name`, from the integration.
    pub name: Option<Text>,
    /// `name_by_user`.
    pub name_by_user: Option<Text>,
    /// Manufacturer.
    pub manufacturer: Option<Shared>,
    /// Model.
    pub model: Option<Shared>,
    /// Own area.
    pub area: Option<Shared>,
    /// Labels, sorted.
    pub labels: Box<[Shared]>,
    /// `entry_type` is `service`.
    pub service: bool,
    /// `disabled_by` is set.
    pub disabled: bool,
}

/// One entity: registry entry, its extended fields and what its state tells of its nature, merged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawEntity {
    /// Registry id; `None` for an entity that has a state but no registry entry.
    pub id: Option<RegistryId>,
    /// Entity id, `domain.object_id`.
    pub entity_id: Text,
    /// Integration (`platform` in the registry, `entity/source` otherwise); `None` where nobody claims the state.
    pub integration: Option<Shared>,
    /// Device.
    pub device: Option<RegistryId>,
    /// Own area.
    pub area: Option<Shared>,
    /// Labels, sorted.
    pub labels: Box<[Shared]>,
    /// `name` given by the owner.
    pub name: Option<Text>,
    /// `original_name`, or `friendly_name` where there is no registry entry.
    pub original_name: Option<Text>,
    /// Other names (null elements of 2026 left out), in Home Assistant's order, set-born: sort before use.
    pub aliases: Box<[Text]>,
    /// Icon given by the owner, else the integration's.
    pub icon: Option<Shared>,
    /// Translation key.
    pub translation_key: Option<Shared>,
    /// `device_class`, else `original_device_class`; from the state where there is no registry entry.
    pub device_class: Option<Shared>,
    /// `unit_of_measurement` of the state.
    pub unit: Option<Shared>,
    /// `entity_category`.
    pub category: Option<Shared>,
    /// `supported_features` of the state.
    pub supported_features: Option<u32>,
    /// Capability attributes: the registry's copy, else the state's (no registry entry).
    /// Shared between entities that are alike: most thermometers can do the same.
    pub capabilities: Option<Arc<RawCapabilities>>,
    /// `has_entity_name` (24.3 … 26.8) or `next_name_part` being `device`/absent-name rule of 2026.11: the entity carries its device's name,
    /// that is, it is the device's main entity.
    pub main: bool,
    /// `disabled_by` is set.
    pub disabled: bool,
    /// `hidden_by` is set.
    pub hidden: bool,
    /// The state says `restored: true`, or an enabled registry entry has no state at all: nobody provides it now.
    pub orphaned: bool,
    /// `id` attribute present in the state of an automation or scene: Home Assistant's editor can reach it.
    pub editor: bool,
    /// `mode` attribute of an automation's or script's state.
    pub mode: Option<Shared>,
}

/// Capability attributes, as named in Home Assistant; unknown ones never get this far.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct RawCapabilities {
    /// `state_class` of a sensor.
    pub state_class: Option<Shared>,
    /// Lists of words: (`attribute name`, words in Home Assistant's order).
    pub lists: Vec<(&'static str, Box<[Shared]>)>,
    /// Numbers, spelled as Home Assistant spells them (`min`, `max`, `step`, …).
    pub numbers: Vec<(&'static str, Box<str>)>,
    /// Single words (`mode` of a number or text, …).
    pub words: Vec<(&'static str, Shared)>,
    /// Switches (`has_date`, `has_time`).
    pub flags: Vec<(&'static str, bool)>,
}

/// One loaded integration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawIntegration {
    /// Domain.
    pub domain: Shared,
    /// `is_built_in`.
    pub built_in: bool,
    /// `version`, which only custom integrations have.
    pub version: Option<Shared>,
}

/// One dashboard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawDashboard {
    /// Record id of a storage dashboard, `url_path` of a YAML one.
    pub id: Shared,
    /// `mode` is `yaml`.
    pub yaml: bool,
    /// Title.
    pub title: Option<Text>,
    /// `url_path`.
    pub url_path: Option<Text>,
    /// Icon.
    pub icon: Option<Shared>,
    /// Shown in the sidebar.
    pub sidebar: bool,
    /// For administrators only.
    pub admin: bool,
}

/// The contents of one dashboard in storage mode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawContents {
    /// The dashboard's record id.
    pub id: Shared,
    /// What was saved.
    pub document: RawDocument,
}

/// What an automation, a script or a scene is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawRoutine {
    /// Registry id of its entity.
    pub entity: RegistryId,
    /// What the editor keeps.
    pub document: RawDocument,
}

/// A document, as far as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RawDocument {
    /// Nothing was saved: Home Assistant makes the dashboard up.
    Absent,
    /// Kept where Home Assistant's editor does not reach, or next to a secret (R11).
    OutOfReach,
    /// Longer than [`CONTENT_BYTES`](vestibule_protocol::limits::CONTENT_BYTES).
    TooLarge,
    /// Home Assistant's JSON text.
    Text(Text),
}

/// One dashboard resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawResource {
    /// Record id; in YAML mode a resource has none and its URL stands here.
    pub id: Shared,
    /// `js`, `css`, `module`, `html`.
    pub kind: Shared,
    /// Where it is loaded from.
    pub url: Text,
}

/// One list, read afresh and complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// The configuration.
    Config(RawConfig),
    /// All floors.
    Floors(Vec<RawFloor>),
    /// All areas.
    Areas(Vec<RawArea>),
    /// All labels.
    Labels(Vec<RawLabel>),
    /// All devices.
    Devices(Vec<RawDevice>),
    /// All entities, sorted by entity id.
    Entities(Vec<RawEntity>),
    /// Some entities, read afresh, and entity ids that are gone. A renamed entity is found by its registry id.
    SomeEntities {
        /// Read afresh.
        now: Vec<RawEntity>,
        /// Removed registry entries and vanished unregistered entities.
        gone: Vec<Text>,
    },
    /// All loaded integrations.
    Integrations(Vec<RawIntegration>),
    /// All dashboards.
    Dashboards(Vec<RawDashboard>),
    /// Contents of all dashboards in storage mode.
    Contents(Vec<RawContents>),
    /// Contents of some, read afresh.
    SomeContents(Vec<RawContents>),
    /// Automations, scripts and scenes, all that have a document.
    Routines(Vec<RawRoutine>),
    /// Some, read afresh.
    SomeRoutines(Vec<RawRoutine>),
    /// All resources.
    Resources(Vec<RawResource>),
}

/// Why the home cannot be read at the moment. Codes, never texts: see `problem.rs` for what a person is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HomeTrouble {
    /// Nothing answers, or the connection broke.
    Unreachable,
    /// Name resolution failed.
    NameUnknown,
    /// The TLS handshake failed.
    Tls,
    /// Something answers, but it is not Home Assistant.
    NotHomeAssistant,
    /// `auth_invalid`: the token is refused.
    TokenRefused,
    /// Older than 2024.3.
    TooOld,
    /// Home Assistant is starting or stopping; through the Supervisor also HTTP 502.
    NotRunning,
    /// Recovery mode: almost nothing is loaded.
    RecoveryMode,
    /// Safe mode: custom integrations are skipped.
    SafeMode,
    /// It answered nothing for too long.
    Silent,
    /// It sent something that breaks its own protocol, or is larger than our limit.
    Protocol,
}

/// What the home client tells the agent's loop.
#[derive(Debug)]
pub enum HomeEvent {
    /// Connected, authenticated, `RUNNING`, and about to read everything.
    Connected {
        /// Home Assistant's version.
        version: String,
        /// The token's user is an administrator, so appearing and vanishing entities are seen at once.
        admin: bool,
    },
    /// An event arrived that needs a re-read; a [`HomeEvent::Read`] follows.
    Stale,
    /// A coherent set of lists, read after everything that was announced before it.
    Read {
        /// The lists.
        readings: Vec<Reading>,
        /// Everything has been read since the connection was made: the inventory is complete.
        complete: bool,
    },
    /// Not readable any more; what is known stays known and nothing is synced as deleted.
    Lost(HomeTrouble),
}
