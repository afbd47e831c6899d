//! What is in the house: everything as the JSON that Home Assistant would send.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::build::{self, EntityKind};
use super::people::People;
use super::routines::Routines;

/// Which Home Assistant to behave like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// 2024.3.3: fewer fields, fewer commands, floor and label events for administrators only.
    V2024_3,
    /// 2026.11.0: child devices, null aliases, no `has_entity_name`.
    V2026_11,
}

impl Version {
    /// As Home Assistant spells it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V2024_3 => "2024.3.3",
            Self::V2026_11 => "2026.11.0",
        }
    }
}

/// A state without its value's history.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    /// Value, such as `on`.
    pub value: String,
    /// Attributes.
    pub attributes: Value,
}

/// The house.
#[derive(Debug, Clone)]
pub struct Model {
    /// Version.
    pub version: Version,
    /// What `ha_version` says, where a test wants another one.
    pub says_version: String,
    /// `RUNNING`, `STARTING`, …
    pub core_state: String,
    /// Recovery mode: lists are falsely empty.
    pub recovery_mode: bool,
    /// Safe mode: the same.
    pub safe_mode: bool,
    /// The token's user is an administrator.
    pub admin: bool,
    /// Areas.
    pub areas: Vec<Value>,
    /// Floors.
    pub floors: Vec<Value>,
    /// Labels.
    pub labels: Vec<Value>,
    /// Devices.
    pub devices: Vec<Value>,
    /// Extended registry entries, by entity id.
    pub entities: BTreeMap<String, Value>,
    /// States, by entity id.
    pub states: BTreeMap<String, State>,
    /// Integration of each live entity.
    pub sources: BTreeMap<String, String>,
    /// Config entries.
    pub config_entries: Vec<Value>,
    /// Manifests of loaded integrations.
    pub manifests: Vec<Value>,
    /// Dashboards.
    pub dashboards: Vec<Value>,
    /// Resources.
    pub resources: Vec<Value>,
    /// Users, as `config/auth/list` tells of them.
    pub users: Vec<Value>,
    /// Contents of dashboards, by path, as Home Assistant spells them.
    pub contents: BTreeMap<String, String>,
    /// Resources are kept in YAML.
    pub yaml_resources: bool,
    /// Resources have been listed since the start. Before, older versions believe that there are none, and lose them when one is written.
    pub resources_loaded: bool,
    /// Registry entries of deleted automations, scripts and scenes, by platform and id: they come back when the same is made again.
    pub(super) deleted: BTreeMap<(String, String), Value>,
    /// Repairs that are asked for.
    pub issues: Vec<Value>,
    /// Notifications: title and message by id.
    pub notifications: BTreeMap<String, (String, String)>,
    /// Automations, scripts and scenes.
    pub routines: Routines,
    /// When every state was last written, as `get_states` tells it.
    pub since: String,
    pub(super) people: People,
    /// For ids that are always the same.
    pub(super) next_id: u64,
}

impl Model {
    /// An empty house that is running.
    #[must_use]
    pub fn empty(version: Version) -> Self {
        Self {
            version,
            says_version: version.as_str().to_owned(),
            core_state: "RUNNING".to_owned(),
            recovery_mode: false,
            safe_mode: false,
            admin: true,
            areas: Vec::new(),
            floors: Vec::new(),
            labels: Vec::new(),
            devices: Vec::new(),
            entities: BTreeMap::new(),
            states: BTreeMap::new(),
            sources: BTreeMap::new(),
            config_entries: Vec::new(),
            manifests: vec![
                json!({"domain": "light", "name": "Light", "is_built_in": true}),
                json!({"domain": "sensor", "name": "Sensor", "is_built_in": true}),
            ],
            dashboards: Vec::new(),
            resources: Vec::new(),
            users: vec![
                user("owner", true, true, "system-admin"),
                user("admin", false, true, "system-admin"),
                user("guest", false, true, "system-users"),
                user("gone", false, false, "system-admin"),
            ],
            contents: BTreeMap::new(),
            yaml_resources: false,
            resources_loaded: false,
            deleted: BTreeMap::new(),
            issues: Vec::new(),
            notifications: BTreeMap::new(),
            routines: Routines::default(),
            since: "2026-11-21T11:44:48.503602+00:00".to_owned(),
            people: People::default(),
            next_id: 1,
        }
    }

    /// A house of so many entities: five to a device, one in fifty without a registry entry, a few disabled or hidden, with areas,
    /// floors, labels, dashboards and a resource. The same number gives the same house.
    #[must_use]
    pub fn generate(version: Version, entities: usize) -> Self {
        let mut model = Self::empty(version);
        for level in 0..3_i32 {
            build::floor(&mut model, &format!("floor_{level}"), &format!("Storey {level}"), level);
        }
        for label in ["urgent", "garden", "winter", "guests"] {
            build::label(&mut model, label, label);
        }
        let areas = (entities / 40).clamp(3, 60);
        for area in 0..areas {
            let name = format!("{} {area}", ROOMS[area % ROOMS.len()]);
            let id = name.to_lowercase().replace(' ', "_");
            build::area(&mut model, &id, &name, Some(&format!("floor_{}", area % 3)));
        }
        for domain in ["example_hub", "example_mesh", "example_cloud"] {
            build::config_entry(&mut model, domain);
        }
        build::dashboard(&mut model, "house-energy", "Energy at home");
        build::resource(&mut model, "/local/card.js?v=1", "module");
        let unregistered = entities / 50;
        let mut made = unregistered;
        for i in 0..unregistered {
            build::unregistered(&mut model, &format!("sensor.loose_{i}"), "example_cloud");
        }
        let mut device = 0;
        while made < entities {
            let area = format!("{} {}", ROOMS[(device % areas) % ROOMS.len()], device % areas);
            let area = area.to_lowercase().replace(' ', "_");
            let entry = device % 3;
            let device_id = build::device(&mut model, &format!("Device {device}"), Some(&area), entry);
            for kind in EntityKind::ALL.iter().cycle().skip(device % 3).take((entities - made).min(5)) {
                let id = format!("{}.device_{device}_{}", kind.domain(), made);
                build::entity(&mut model, &id, *kind, Some(&device_id), entry);
                if made % 37 == 36 {
                    build::disable(&mut model, &id);
                }
                made += 1;
            }
            device += 1;
        }
        model
    }

    /// A new id of 32 hexadecimal digits.
    pub(super) fn new_id(&mut self) -> String {
        // SplitMix64, twice: well spread and always the same.
        let mut part = || {
            self.next_id = self.next_id.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = self.next_id;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ (z >> 31)
        };
        format!("{:016x}{:016x}", part(), part())
    }

    /// All panels by path: the built-in ones and dashboards.
    pub(super) fn panels(&self) -> serde_json::Map<String, Value> {
        let built_in =
            ["config", "history", "logbook", "lovelace", "map", "media-browser", "profile", "todo"];
        let by_version: &[&str] = match self.version {
            Version::V2024_3 => &["calendar", "developer-tools", "energy"],
            Version::V2026_11 => {
                &["calendar", "climate", "home", "light", "maintenance", "notfound", "security"]
            }
        };
        let mut panels = serde_json::Map::new();
        for path in built_in.iter().chain(by_version) {
            let mode = if self.yaml_resources { "yaml" } else { "storage" };
            let config = if *path == "lovelace" { json!({"mode": mode}) } else { Value::Null };
            panels.insert(
                (*path).to_owned(),
                json!({"component_name": path, "url_path": path, "config": config}),
            );
        }
        for dashboard in &self.dashboards {
            let path = dashboard["url_path"].as_str().unwrap_or_default();
            let config = json!({"mode": dashboard["mode"]});
            panels.insert(
                path.to_owned(),
                json!({"component_name": "lovelace", "url_path": path, "config": config}),
            );
        }
        panels
    }

    /// Whether there is a dashboard that can be saved, or the code of what Home Assistant says to that.
    pub(super) fn storage_dashboard(&self, path: &str) -> Result<(), &'static str> {
        match self.dashboards.iter().find(|dashboard| dashboard["url_path"] == path) {
            None => Err("config_not_found"),
            Some(dashboard) if dashboard["mode"] == "yaml" || self.recovery_mode => Err("error"),
            Some(_) => Ok(()),
        }
    }

    /// Lists are falsely empty.
    pub(super) const fn crippled(&self) -> bool {
        self.recovery_mode || self.safe_mode
    }
}

/// A user; its id is its name.
fn user(name: &str, owner: bool, active: bool, group: &str) -> Value {
    json!({
        "id": name, "username": name, "name": name, "is_owner": owner, "is_active": active, "local_only": false,
        "system_generated": false, "group_ids": [group], "credentials": [{"type": "homeassistant"}],
    })
}

const ROOMS: [&str; 8] =
    ["Kitchen", "Living room", "Bedroom", "Bathroom", "Hall", "Study", "Garage", "Cellar"];
