//! What is said at the desk: everything that changes something in the home, and the few questions that go with it.

use serde::Serialize;
use serde_json::value::RawValue;

/// One command of the desk. The list is closed: what is not here is never sent. Fields are named as Home Assistant names the parameters.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(untagged)]
pub enum DeskCommand<'a> {
    /// A dashboard's contents.
    DashboardConfig {
        /// Never null: that would be the default dashboard.
        url_path: &'a str,
    },
    /// Replaces a dashboard's contents.
    SaveDashboard {
        /// Never null, never `lovelace`.
        url_path: &'a str,
        /// Home Assistant looks at nothing in it.
        config: &'a RawValue,
    },
    /// Takes a dashboard's contents away, so that it generates itself again.
    DeleteDashboardConfig {
        /// Never null, never `lovelace`.
        url_path: &'a str,
    },
    /// Makes a dashboard without contents.
    CreateDashboard {
        /// With a hyphen, not taken by any panel.
        url_path: &'a str,
        /// Title.
        title: &'a str,
        /// Icon.
        #[serde(skip_serializing_if = "Option::is_none")]
        icon: Option<&'a str>,
        /// Shown in the sidebar.
        show_in_sidebar: bool,
        /// For administrators only.
        require_admin: bool,
        /// `storage`.
        mode: &'a str,
    },
    /// Changes a dashboard's record.
    UpdateDashboard {
        /// The record's id, not the path.
        dashboard_id: &'a str,
        /// Title.
        title: &'a str,
        /// Icon; null takes it away.
        icon: Option<&'a str>,
        /// Shown in the sidebar.
        show_in_sidebar: bool,
        /// For administrators only.
        require_admin: bool,
    },
    /// Deletes a dashboard, contents included.
    DeleteDashboard {
        /// The record's id, not the path.
        dashboard_id: &'a str,
    },
    /// Every panel, so every path that is taken.
    Panels {},
    /// How resources are kept (2026.2 and later).
    LovelaceInfo {},
    /// Adds a dashboard resource. Resources have been listed before.
    CreateResource {
        /// `module`.
        res_type: &'a str,
        /// Where it is loaded from.
        url: &'a str,
    },
    /// Changes a dashboard resource.
    UpdateResource {
        /// Id.
        resource_id: &'a str,
        /// `module`.
        res_type: &'a str,
        /// Where it is loaded from.
        url: &'a str,
    },
    /// Removes a dashboard resource.
    DeleteResource {
        /// Id.
        resource_id: &'a str,
    },
    /// Changes the settings of an entity that somebody made, to put them back.
    UpdateEntity(EntityUpdate<'a>),
    /// Shows an entity to voice assistants, or hides it.
    ExposeEntity {
        /// Which assistants.
        assistants: &'a [&'a str],
        /// Which entities.
        entity_ids: &'a [&'a str],
        /// Shown or hidden.
        should_expose: bool,
    },
    /// Repairs that Home Assistant asks for.
    Issues {},
    /// One of the [`Service`]s.
    CallService {
        /// Domain.
        domain: &'a str,
        /// Service.
        service: &'a str,
        /// Data.
        #[serde(skip_serializing_if = "Option::is_none")]
        service_data: Option<ServiceData<'a>>,
        /// What it acts on.
        #[serde(skip_serializing_if = "Option::is_none")]
        target: Option<Target<'a>>,
    },
}

/// Settings of a registry entry; null takes one away.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct EntityUpdate<'a> {
    /// Its entity id now.
    pub entity_id: &'a str,
    /// The entity id it is to have, where that is another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_entity_id: Option<&'a str>,
    /// Name.
    pub name: Option<&'a str>,
    /// Icon.
    pub icon: Option<&'a str>,
    /// Area.
    pub area_id: Option<&'a str>,
    /// Other names; left alone where they hold what no version takes back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aliases: Option<&'a [Option<&'a str>]>,
    /// Labels (2024.4 and later).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<&'a [&'a str]>,
    /// Categories (2024.4 and later).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub categories: Option<&'a RawValue>,
    /// `user`, or nothing.
    pub hidden_by: Option<&'a str>,
}

/// What a service is told.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(untagged)]
pub enum ServiceData<'a> {
    /// One document to load again.
    Document {
        /// Its id.
        id: &'a str,
    },
    /// A notification.
    Notification {
        /// By which it is replaced and dismissed.
        notification_id: &'a str,
        /// Title.
        title: &'a str,
        /// Text.
        message: &'a str,
    },
    /// A notification to dismiss.
    Dismissal {
        /// Which one.
        notification_id: &'a str,
    },
}

/// What a service acts on.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Target<'a> {
    /// One entity.
    pub entity_id: &'a str,
}

/// The services that are ever called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// Load a file of automations, scripts or scenes again.
    Reload,
    /// Switch on: automations only.
    TurnOn,
    /// Switch over: lamps only, twice, so that somebody sees which one it is.
    Toggle,
    /// Press a button that is there for this.
    Press,
    /// Make a notification.
    Create,
    /// Take one away.
    Dismiss,
}

impl Service {
    /// As Home Assistant names it.
    #[must_use]
    pub const fn wire_name(self) -> &'static str {
        match self {
            Self::Reload => "reload",
            Self::TurnOn => "turn_on",
            Self::Toggle => "toggle",
            Self::Press => "press",
            Self::Create => "create",
            Self::Dismiss => "dismiss",
        }
    }
}

impl DeskCommand<'_> {
    /// The command's type as Home Assistant names it.
    #[must_use]
    pub const fn wire_name(&self) -> &'static str {
        match self {
            Self::DashboardConfig { .. } => "lovelace/config",
            Self::SaveDashboard { .. } => "lovelace/config/save",
            Self::DeleteDashboardConfig { .. } => "lovelace/config/delete",
            Self::CreateDashboard { .. } => "lovelace/dashboards/create",
            Self::UpdateDashboard { .. } => "lovelace/dashboards/update",
            Self::DeleteDashboard { .. } => "lovelace/dashboards/delete",
            Self::Panels {} => "get_panels",
            Self::LovelaceInfo {} => "lovelace/info",
            Self::CreateResource { .. } => "lovelace/resources/create",
            Self::UpdateResource { .. } => "lovelace/resources/update",
            Self::DeleteResource { .. } => "lovelace/resources/delete",
            Self::UpdateEntity(_) => "config/entity_registry/update",
            Self::ExposeEntity { .. } => "homeassistant/expose_entity",
            Self::Issues {} => "repairs/list_issues",
            Self::CallService { .. } => "call_service",
        }
    }
}

impl super::Sentence for DeskCommand<'_> {
    fn to_json(&self, id: u64) -> Result<String, serde_json::Error> {
        #[derive(Serialize)]
        struct Request<'a> {
            id: u64,
            #[serde(rename = "type")]
            kind: &'static str,
            #[serde(flatten)]
            parameters: &'a DeskCommand<'a>,
        }
        serde_json::to_string(&Request { id, kind: self.wire_name(), parameters: self })
    }
}

#[cfg(test)]
mod tests {
    use super::super::Sentence;
    use super::*;

    #[test]
    fn contents_are_sent_as_they_are_spelled() {
        let config = RawValue::from_string(r#"{"b":1.0,"a":"\u00fc","a":2e3}"#.to_owned()).unwrap();
        let save = DeskCommand::SaveDashboard { url_path: "a-b", config: &config };
        assert_eq!(
            save.to_json(4).unwrap(),
            r#"{"id":4,"type":"lovelace/config/save","url_path":"a-b","config":{"b":1.0,"a":"\u00fc","a":2e3}}"#
        );
    }

    #[test]
    fn parameters_appear_only_where_they_belong() {
        assert_eq!(DeskCommand::Panels {}.to_json(1).unwrap(), r#"{"id":1,"type":"get_panels"}"#);
        let reload = DeskCommand::CallService {
            domain: "automation",
            service: Service::Reload.wire_name(),
            service_data: Some(ServiceData::Document { id: "7" }),
            target: None,
        };
        assert_eq!(
            reload.to_json(2).unwrap(),
            r#"{"id":2,"type":"call_service","domain":"automation","service":"reload","service_data":{"id":"7"}}"#
        );
        let update = DeskCommand::UpdateDashboard {
            dashboard_id: "a_b",
            title: "A",
            icon: None,
            show_in_sidebar: true,
            require_admin: false,
        };
        assert_eq!(
            update.to_json(3).unwrap(),
            r#"{"id":3,"type":"lovelace/dashboards/update","dashboard_id":"a_b","title":"A","icon":null,"show_in_sidebar":true,"require_admin":false}"#
        );
    }
}
