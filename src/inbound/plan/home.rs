//! What the planner has to know of the home: plain values that the agent gathers.

use std::collections::BTreeSet;

use vestibule_protocol::deployment::{Deployment, Item};
use vestibule_protocol::id::OpaqueId;

use crate::inbound::json::Json;
use crate::outbound::contents::DocumentKind;
use crate::outbound::reading::Text;
use crate::private::Private;

/// Automation or script.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RoutineKind {
    /// `automations.yaml`
    Automation,
    /// `scripts.yaml`
    Script,
}

/// What has to be read before a deployment can be planned. The list of dashboards, the panels, the resources with their mode and the
/// version of Home Assistant are always needed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needs {
    /// Dashboards whose contents are needed.
    pub dashboards: BTreeSet<OpaqueId>,
    /// Automations and scripts whose configuration is needed, by the tenant's ids.
    pub routines: BTreeSet<OpaqueId>,
    /// Ids of new automations and keys of new scripts: whether they are free, and whether Home Assistant can write them at all.
    pub new_routines: BTreeSet<(RoutineKind, String)>,
    /// Whether every dashboard, automation and script that can be read is needed ([`HomeNow::others`]), because something in the
    /// deployment can be called from anywhere, or used anywhere.
    pub everything: bool,
}

/// The home as it was read for planning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HomeNow {
    /// Home Assistant's version, such as `2026.11.0`.
    pub version: String,
    /// Every dashboard in the list.
    pub dashboards: Vec<DashboardNow>,
    /// Every path that some panel has taken.
    pub panels: Vec<Text>,
    /// Every resource, in Home Assistant's order.
    pub resources: Vec<ResourceNow>,
    /// Where the resources are kept.
    pub resource_mode: ResourceMode,
    /// The automations and scripts that [`Needs`] names.
    pub routines: Vec<RoutineNow>,
    /// Other documents of the home, if [`Needs::everything`] asked for them; those that are in `dashboards` or
    /// `routines` need not be here.
    pub others: Vec<Document>,
}

/// A dashboard in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DashboardNow {
    /// The thing as the tenant knows it; `None` for one that is excluded, which cannot be deployed to.
    pub thing: Option<OpaqueId>,
    /// Home Assistant's id of the record; a YAML dashboard has none.
    pub id: Option<Text>,
    /// Its path.
    pub url_path: Text,
    /// Kept in a file of the owner's.
    pub yaml: bool,
    /// What the sidebar shows.
    pub record: DashboardRecord,
    /// Home Assistant's JSON text, if it was needed; `None` also when nothing is saved and Home Assistant makes the dashboard up.
    pub config: Option<Text>,
}

/// What can be set of a dashboard besides its contents.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DashboardRecord {
    /// Title in the sidebar.
    pub title: Text,
    /// Icon in the sidebar.
    pub icon: Option<Text>,
    /// Stands in the sidebar.
    pub sidebar: bool,
    /// For administrators only.
    pub admin: bool,
}

impl DashboardRecord {
    /// The record as an image: one JSON text for equal records.
    #[must_use]
    pub fn text(&self) -> Text {
        let icon = self.icon.as_ref().map(|icon| &**icon.reveal_to_inbound());
        let spelled = serde_json::json!({
            "admin": self.admin,
            "icon": icon,
            "sidebar": self.sidebar,
            "title": &**self.title.reveal_to_inbound(),
        });
        Private::new(spelled.to_string().into())
    }

    /// Reads what [`Self::text`] writes; `None` for every other text.
    #[must_use]
    pub fn of_text(text: &Text) -> Option<Self> {
        let json = Json::parse(text.reveal_to_inbound())?;
        let flag = |key: &str| match json.get(key) {
            Some(Json::Bool(value)) => Some(*value),
            _ => None,
        };
        let text = |key: &str| json.text_of(key).map(|text| Private::new(text.into()));
        Some(Self {
            title: text("title")?,
            icon: text("icon"),
            sidebar: flag("sidebar")?,
            admin: flag("admin")?,
        })
    }
}

/// A row of the resource list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceNow {
    /// Home Assistant's id of the row; in YAML mode there is none.
    pub id: Option<Text>,
    /// Its kind is `module`.
    pub module: bool,
    /// Where it is loaded from.
    pub url: Text,
}

/// Where resources are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResourceMode {
    /// Home Assistant keeps them, and they can be changed.
    Storage,
    /// A file of the owner's, which is not touched (R39).
    Yaml,
}

/// An automation or script that the deployment names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoutineNow {
    /// Which of the two.
    pub kind: RoutineKind,
    /// The thing as the tenant knows it; `None` for a new one.
    pub thing: Option<OpaqueId>,
    /// Home Assistant's id or key.
    pub id: Text,
    /// What the editor's GET answered.
    pub state: RoutineState,
    /// Whether an automation is on; `None` for scripts and where nobody knows.
    pub enabled: Option<bool>,
}

/// What Home Assistant's editor says of an automation or script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoutineState {
    /// 200: the configuration as JSON text.
    Present(Text),
    /// 404: there is none of this id that can be edited.
    Absent,
    /// 500: its file holds something that Home Assistant cannot write back, mostly a `!secret` (R40).
    Unmanaged,
}

/// Another document of the home.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The thing as the tenant knows it; `None` for one that is excluded.
    pub thing: Option<OpaqueId>,
    /// What it is.
    pub kind: DocumentKind,
    /// What people call it.
    pub name: Text,
    /// Home Assistant's JSON text.
    pub text: Text,
}

/// What has to be read before `deployment` can be planned.
#[must_use]
pub fn needs(deployment: &Deployment) -> Needs {
    let mut needs = Needs::default();
    for item in &deployment.items {
        match item {
            Item::DashboardPut(put) => needs.dashboards.extend(put.dashboard),
            Item::DashboardDelete(delete) => {
                needs.dashboards.insert(delete.existing);
            }
            // Whether some dashboard would be left with a card that nobody defines.
            Item::CardDelete(_) => needs.everything = true,
            Item::CardPut(_) => {}
            Item::AutomationPut(put) | Item::ScriptPut(put) => {
                let script = matches!(item, Item::ScriptPut(_));
                let kind = if script { RoutineKind::Script } else { RoutineKind::Automation };
                needs.routines.extend(put.existing);
                needs.new_routines.extend(put.id.clone().map(|id| (kind, id)));
                // A script runs when it is called (R40).
                needs.everything |= script;
            }
            Item::AutomationDelete(delete) | Item::ScriptDelete(delete) => {
                needs.routines.insert(delete.existing);
                needs.everything |= matches!(item, Item::ScriptDelete(_));
            }
        }
    }
    needs
}

impl Needs {
    /// Whether there is more to read than the lists.
    #[must_use]
    pub fn more(&self) -> bool {
        self.everything
            || !(self.dashboards.is_empty() && self.routines.is_empty() && self.new_routines.is_empty())
    }
}
