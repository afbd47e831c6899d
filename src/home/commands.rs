//! Every sentence we ever say to Home Assistant. Nothing outside this file and its folder spells a command, so these lists are the whole of
//! what we ask.
//!
//! A [`Command`] reads: none of them changes anything in the home, and none of them subscribes to ordinary state changes. What writes is a
//! [`DeskCommand`], which only the [desk](super::desk) says, on a connection of its own, while a deployment is applied or undone.

mod desk;

use std::fmt::Write as _;

use serde::Serialize;

use super::desk::RoutineKind;

pub use desk::{DeskCommand, EntityUpdate, Service, ServiceData, Target};

/// Something that can be said over the WebSocket.
pub trait Sentence {
    /// The request as it goes on the wire.
    ///
    /// # Errors
    /// Never in practice: requests consist of numbers, text and JSON that has been read before.
    fn to_json(&self, id: u64) -> Result<String, serde_json::Error>;
}

/// The event of a state that changed, of which we hear only where one side is missing.
const STATES: &str = "state_changed";
/// The event of a service that is offered, of which we hear only that of scripts.
const SERVICES: &str = "service_registered";

/// Types of events we subscribe to (most of them allowed for users who are no administrators, floors and labels since 2024.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EventType {
    /// A registry entry of an entity came, went or changed.
    Entities,
    /// Devices.
    Devices,
    /// Areas.
    Areas,
    /// Floors.
    Floors,
    /// Labels.
    Labels,
    /// A dashboard's contents were saved.
    Lovelace,
    /// A panel, so also a dashboard, came, went or changed.
    Panels,
    /// An integration or one of its platforms was loaded.
    Components,
    /// Core settings changed, or Home Assistant goes from one state of running to the next.
    CoreConfig,
    /// Automations were loaded anew. Administrators only.
    Automations,
    /// Scenes were loaded anew. Administrators only.
    Scenes,
}

impl EventType {
    /// All of them, in the order in which we subscribe.
    pub const ALL: [Self; 11] = [
        Self::CoreConfig,
        Self::Entities,
        Self::Devices,
        Self::Areas,
        Self::Floors,
        Self::Labels,
        Self::Lovelace,
        Self::Panels,
        Self::Components,
        Self::Automations,
        Self::Scenes,
    ];

    /// Whether Home Assistant tells administrators only, and logs an error where somebody else asks.
    #[must_use]
    pub const fn is_for_administrators(self) -> bool {
        matches!(self, Self::Automations | Self::Scenes)
    }

    /// Home Assistant's name of the event.
    #[must_use]
    pub const fn wire_name(self) -> &'static str {
        match self {
            Self::Entities => "entity_registry_updated",
            Self::Devices => "device_registry_updated",
            Self::Areas => "area_registry_updated",
            Self::Floors => "floor_registry_updated",
            Self::Labels => "label_registry_updated",
            Self::Lovelace => "lovelace_updated",
            Self::Panels => "panels_updated",
            Self::Components => "component_loaded",
            Self::CoreConfig => "core_config_updated",
            Self::Automations => "automation_reloaded",
            Self::Scenes => "scene_reloaded",
        }
    }
}

/// One command. The list is closed: what is not here is never sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command<'a> {
    /// Version, language, unit system, and whether Home Assistant is running properly.
    GetConfig,
    /// Whether our token belongs to an administrator.
    CurrentUser,
    /// Events of one of the [`EventType`]s.
    SubscribeEvents(EventType),
    /// Config entries as they load, unload, come and go.
    SubscribeConfigEntries,
    /// Dashboard resources as they come, go and change (newer versions only).
    SubscribeResources,
    /// Entities that appear: state changes without an old state. Administrators only.
    SubscribeAppearing,
    /// Entities that vanish: state changes without a new state. Administrators only.
    SubscribeVanishing,
    /// Scripts that are loaded anew: there is no event for that, but each offers its service again. Administrators only.
    SubscribeScripts,
    /// Ends a subscription of ours.
    Unsubscribe(u64),
    /// Which integration a config entry belongs to.
    ConfigEntries,
    /// Areas.
    Areas,
    /// Floors.
    Floors,
    /// Labels.
    Labels,
    /// Devices.
    Devices,
    /// Entities in the registry, of which we keep the entity ids.
    Entities,
    /// Extended registry entries of these entities.
    EntityEntries(&'a [&'a str]),
    /// All states, of which we keep a few attributes and never the state.
    States,
    /// States of these entities (never empty: an empty list would mean all of them). We unsubscribe after the first answer.
    SomeStates(&'a [&'a str]),
    /// Which integration provides an entity, registered or not.
    EntitySources,
    /// Loaded integrations.
    Integrations,
    /// Dashboards.
    Dashboards,
    /// Contents of the dashboard with this path, as they were saved. Never forced: that would announce a change of its own.
    DashboardContents(&'a str),
    /// Dashboard resources. Also makes old versions load the list, before which they believe it to be empty.
    Resources,
    /// The installation type. We unsubscribe after the first answer.
    SystemHealth,
    /// Users, of which we keep who is an administrator. Administrators only.
    Users,
    /// Is anybody there?
    Ping,
}

/// The request on the wire: an id, a type, and the few parameters that exist at all.
#[derive(Serialize)]
struct Request<'a> {
    id: u64,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subscription: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    entity_ids: Option<&'a [&'a str]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trigger: Option<[Trigger; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url_path: Option<&'a str>,
}

/// A trigger on some events of a type: on state changes of which one side is missing, ordinary ones do not match, so they send nothing.
#[derive(Serialize)]
struct Trigger {
    platform: &'static str,
    event_type: &'static str,
    event_data: Having,
}

#[derive(Serialize)]
enum Having {
    #[serde(rename = "old_state")]
    NoOldState(()),
    #[serde(rename = "new_state")]
    NoNewState(()),
    #[serde(rename = "domain")]
    Domain(&'static str),
}

impl Command<'_> {
    /// The command's type as Home Assistant names it.
    #[must_use]
    pub const fn wire_name(&self) -> &'static str {
        match self {
            Self::GetConfig => "get_config",
            Self::CurrentUser => "auth/current_user",
            Self::SubscribeEvents(_) => "subscribe_events",
            Self::SubscribeConfigEntries => "config_entries/subscribe",
            Self::SubscribeResources => "lovelace/resources/subscribe",
            Self::SubscribeAppearing | Self::SubscribeVanishing | Self::SubscribeScripts => {
                "subscribe_trigger"
            }
            Self::Unsubscribe(_) => "unsubscribe_events",
            Self::ConfigEntries => "config_entries/get",
            Self::Areas => "config/area_registry/list",
            Self::Floors => "config/floor_registry/list",
            Self::Labels => "config/label_registry/list",
            Self::Devices => "config/device_registry/list",
            Self::Entities => "config/entity_registry/list",
            Self::EntityEntries(_) => "config/entity_registry/get_entries",
            Self::States => "get_states",
            Self::SomeStates(_) => "subscribe_entities",
            Self::EntitySources => "entity/source",
            Self::Integrations => "manifest/list",
            Self::Dashboards => "lovelace/dashboards/list",
            Self::DashboardContents(_) => "lovelace/config",
            Self::Resources => "lovelace/resources",
            Self::SystemHealth => "system_health/info",
            Self::Users => "config/auth/list",
            Self::Ping => "ping",
        }
    }
}

impl Sentence for Command<'_> {
    fn to_json(&self, id: u64) -> Result<String, serde_json::Error> {
        let mut request = Request {
            id,
            kind: self.wire_name(),
            event_type: None,
            subscription: None,
            entity_ids: None,
            trigger: None,
            url_path: None,
        };
        match *self {
            Self::SubscribeEvents(event_type) => request.event_type = Some(event_type.wire_name()),
            Self::Unsubscribe(subscription) => request.subscription = Some(subscription),
            Self::EntityEntries(ids) | Self::SomeStates(ids) => request.entity_ids = Some(ids),
            Self::DashboardContents(path) => request.url_path = Some(path),
            Self::SubscribeAppearing => request.trigger = Some([on(STATES, Having::NoOldState(()))]),
            Self::SubscribeVanishing => request.trigger = Some([on(STATES, Having::NoNewState(()))]),
            Self::SubscribeScripts => {
                request.trigger = Some([on(SERVICES, Having::Domain(RoutineKind::Script.domain()))]);
            }
            Self::GetConfig
            | Self::CurrentUser
            | Self::SubscribeConfigEntries
            | Self::SubscribeResources
            | Self::ConfigEntries
            | Self::Areas
            | Self::Floors
            | Self::Labels
            | Self::Devices
            | Self::Entities
            | Self::States
            | Self::EntitySources
            | Self::Integrations
            | Self::Dashboards
            | Self::Resources
            | Self::SystemHealth
            | Self::Users
            | Self::Ping => {}
        }
        serde_json::to_string(&request)
    }
}

const fn on(event_type: &'static str, event_data: Having) -> Trigger {
    Trigger { platform: "event", event_type, event_data }
}

/// The one message that carries the token. Sent once per socket: a second one would be printed in old versions' logs.
///
/// # Errors
/// Never in practice: the message is two strings.
pub fn auth(token: &str) -> Result<String, serde_json::Error> {
    #[derive(Serialize)]
    struct Auth<'a> {
        #[serde(rename = "type")]
        kind: &'static str,
        access_token: &'a str,
    }
    serde_json::to_string(&Auth { kind: "auth", access_token: token })
}

/// Where a document of Home Assistant's editor lies, as its path after `/api/`. The id is percent-encoded.
#[must_use]
pub fn routine_path(kind: RoutineKind, id: &str) -> String {
    let mut path = format!("config/{}/config/", kind.domain());
    for byte in id.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            path.push(char::from(byte));
        } else {
            let _ = write!(path, "%{byte:02X}");
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn triggers_match_only_entities_that_appear_or_vanish_and_scripts() {
        assert_eq!(
            Command::SubscribeAppearing.to_json(3).unwrap(),
            r#"{"id":3,"type":"subscribe_trigger","trigger":[{"platform":"event","event_type":"state_changed","event_data":{"old_state":null}}]}"#
        );
        assert_eq!(
            Command::SubscribeVanishing.to_json(4).unwrap(),
            r#"{"id":4,"type":"subscribe_trigger","trigger":[{"platform":"event","event_type":"state_changed","event_data":{"new_state":null}}]}"#
        );
        assert_eq!(
            Command::SubscribeScripts.to_json(5).unwrap(),
            r#"{"id":5,"type":"subscribe_trigger","trigger":[{"platform":"event","event_type":"service_registered","event_data":{"domain":"script"}}]}"#
        );
    }

    #[test]
    fn parameters_appear_only_where_they_belong() {
        assert_eq!(Command::GetConfig.to_json(1).unwrap(), r#"{"id":1,"type":"get_config"}"#);
        assert_eq!(
            Command::SomeStates(&["light.a"]).to_json(2).unwrap(),
            r#"{"id":2,"type":"subscribe_entities","entity_ids":["light.a"]}"#
        );
        assert_eq!(
            Command::Unsubscribe(7).to_json(8).unwrap(),
            r#"{"id":8,"type":"unsubscribe_events","subscription":7}"#
        );
        assert_eq!(
            Command::SubscribeEvents(EventType::Areas).to_json(9).unwrap(),
            r#"{"id":9,"type":"subscribe_events","event_type":"area_registry_updated"}"#
        );
    }

    #[test]
    fn ids_are_encoded_in_addresses() {
        assert_eq!(routine_path(RoutineKind::Script, "good_night"), "config/script/config/good_night");
        assert_eq!(routine_path(RoutineKind::Automation, "a ü%~"), "config/automation/config/a%20%C3%BC%25~");
    }
}
