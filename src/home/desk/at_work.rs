//! The work itself: each call is one or a few sentences to Home Assistant.

use std::time::Duration;

use serde_json::value::RawValue;
use tokio::time::sleep;

use super::{
    DashboardChange, Desk, DeskDashboard, DeskError, DeskResource, EntitySettings, HomeDesk, NewDashboard,
    ResourceMode, Routine, RoutineEntity, RoutineKind, RoutineState, Saved, fits, is_new_path, refused,
};
use crate::home::commands::{Command, DeskCommand, EntityUpdate, Service, ServiceData};
use crate::home::wire::desk as wire;
use crate::outbound::reading::Text;

/// How resources are loaded that we make.
const MODULE: &str = "module";
/// How dashboards are kept that we make.
const STORAGE: &str = "storage";
/// The integration that shows notifications.
const NOTIFICATIONS: &str = "persistent_notification";
/// How long a lamp stays switched over, so that somebody sees it.
const BLINK: Duration = Duration::from_secs(1);
/// From here on one automation can be loaded again without the others.
const RELOADS_ONE: (u32, u32) = (2026, 2);
/// From here on entities can be given labels and categories.
const LABELS: (u32, u32) = (2024, 4);

impl HomeDesk for Desk<'_> {
    fn version(&self) -> &str {
        &self.version
    }

    async fn dashboards(&mut self) -> Result<Vec<DeskDashboard>, DeskError> {
        self.dashboards = self.ask(&Command::Dashboards, wire::dashboards).await?;
        Ok(self.dashboards.clone())
    }

    async fn panels(&mut self) -> Result<Vec<String>, DeskError> {
        self.ask(&DeskCommand::Panels {}, wire::panels).await
    }

    async fn dashboard(&mut self, url_path: &str) -> Result<Option<Text>, DeskError> {
        if url_path.is_empty() {
            return Err(DeskError::Forbidden);
        }
        let read = self.ask(&DeskCommand::DashboardConfig { url_path }, wire::whole).await;
        // Whatever was announced before this answer is in it.
        self.session.saves.remove(url_path);
        match read {
            Ok(config) => Ok(Some(config)),
            Err(DeskError::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn save_dashboard(&mut self, url_path: &str, config: &Text) -> Result<Saved, DeskError> {
        self.writable(url_path)?;
        let text = config.reveal_to_home();
        fits(text)?;
        let config: &RawValue = serde_json::from_str(text).map_err(|_| DeskError::Refused)?;
        if !config.get().starts_with('{') {
            return Err(DeskError::Refused);
        }
        self.ask(&DeskCommand::SaveDashboard { url_path, config }, |_| Ok(())).await?;
        Ok(Saved { events: self.session.saves.remove(url_path).unwrap_or(0) })
    }

    async fn create_dashboard(&mut self, record: &NewDashboard) -> Result<String, DeskError> {
        let NewDashboard { url_path, change } = record;
        if !is_new_path(url_path) {
            return Err(DeskError::Forbidden);
        }
        let command = DeskCommand::CreateDashboard {
            url_path,
            title: change.title.reveal_to_home(),
            icon: change.icon.as_ref().map(|icon| &**icon.reveal_to_home()),
            show_in_sidebar: change.sidebar,
            require_admin: change.admin,
            mode: STORAGE,
        };
        let id = self.ask(&command, wire::id).await?;
        self.dashboards.push(DeskDashboard {
            id: Some(id.clone()),
            url_path: url_path.clone(),
            title: Some(change.title.clone()),
            icon: change.icon.clone(),
            sidebar: change.sidebar,
            admin: change.admin,
            yaml: false,
        });
        Ok(id)
    }

    async fn update_dashboard(&mut self, id: &str, record: &DashboardChange) -> Result<(), DeskError> {
        self.writable_record(id)?;
        let command = DeskCommand::UpdateDashboard {
            dashboard_id: id,
            title: record.title.reveal_to_home(),
            icon: record.icon.as_ref().map(|icon| &**icon.reveal_to_home()),
            show_in_sidebar: record.sidebar,
            require_admin: record.admin,
        };
        self.ask(&command, |_| Ok(())).await
    }

    async fn delete_dashboard(&mut self, id: &str) -> Result<(), DeskError> {
        self.writable_record(id)?;
        self.ask(&DeskCommand::DeleteDashboard { dashboard_id: id }, |_| Ok(())).await?;
        for gone in self.dashboards.extract_if(.., |dashboard| dashboard.id.as_deref() == Some(id)) {
            self.session.saves.remove(&*gone.url_path);
        }
        Ok(())
    }

    async fn delete_dashboard_config(&mut self, url_path: &str) -> Result<(), DeskError> {
        self.writable(url_path)?;
        self.ask(&DeskCommand::DeleteDashboardConfig { url_path }, |_| Ok(())).await?;
        self.session.saves.remove(url_path);
        Ok(())
    }

    async fn watch_dashboards(&mut self) -> Result<(), DeskError> {
        if !self.watching {
            self.session.count_saves().await?.map_err(refused)?;
            self.watching = true;
        }
        Ok(())
    }

    async fn resources(&mut self) -> Result<Vec<DeskResource>, DeskError> {
        let all = self.ask(&Command::Resources, wire::resources).await?;
        self.resources_listed = true;
        Ok(all)
    }

    async fn resource_mode(&mut self) -> Result<ResourceMode, DeskError> {
        match self.ask(&DeskCommand::LovelaceInfo {}, wire::resource_mode).await {
            // Before 2026.2 the panel of the default dashboard tells.
            Err(DeskError::UnknownCommand) => {
                self.ask(&DeskCommand::Panels {}, wire::resource_mode_of_panels).await
            }
            answer => answer,
        }
    }

    async fn create_resource(&mut self, url: &Text) -> Result<String, DeskError> {
        self.resources_are_safe()?;
        let url = url.reveal_to_home();
        fits(url)?;
        self.ask(&DeskCommand::CreateResource { res_type: MODULE, url }, wire::id).await
    }

    async fn update_resource(&mut self, id: &str, url: &Text) -> Result<(), DeskError> {
        self.resources_are_safe()?;
        let url = url.reveal_to_home();
        fits(url)?;
        self.ask(&DeskCommand::UpdateResource { resource_id: id, res_type: MODULE, url }, |_| Ok(())).await
    }

    async fn delete_resource(&mut self, id: &str) -> Result<(), DeskError> {
        self.resources_are_safe()?;
        self.ask(&DeskCommand::DeleteResource { resource_id: id }, |_| Ok(())).await
    }

    async fn routine(&mut self, kind: RoutineKind, id: &str) -> Result<Routine, DeskError> {
        self.rest.read(kind, id).await
    }

    async fn put_routine(&mut self, kind: RoutineKind, id: &str, config: &Text) -> Result<(), DeskError> {
        self.rest.write(kind, id, config).await
    }

    async fn delete_routine(&mut self, kind: RoutineKind, id: &str) -> Result<(), DeskError> {
        self.rest.delete(kind, id).await
    }

    async fn reload(&mut self, kind: RoutineKind, id: Option<&str>) -> Result<(), DeskError> {
        // Older versions would refuse the id, and say so in their log.
        let one = kind == RoutineKind::Automation && self.is_at_least(RELOADS_ONE);
        let data = id.filter(|_| one).map(|id| ServiceData::Document { id });
        self.call(kind.domain(), Service::Reload, data, None).await
    }

    async fn routine_entities(&mut self, kind: RoutineKind) -> Result<Vec<RoutineEntity>, DeskError> {
        let ids = self.ask(&Command::Entities, |raw| wire::entity_ids(raw, kind)).await?;
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        self.ask(&Command::EntityEntries(&ids), wire::entities).await
    }

    async fn states(&mut self, entity_ids: &[&str]) -> Result<Vec<(String, RoutineState)>, DeskError> {
        let ours = [RoutineKind::Automation, RoutineKind::Script];
        if !entity_ids.iter().all(|id| ours.iter().any(|kind| is_of(id, kind.domain()))) {
            return Err(DeskError::Forbidden);
        }
        // An empty list would mean all entities.
        if entity_ids.is_empty() {
            return Ok(Vec::new());
        }
        self.session.ask_once(&Command::SomeStates(entity_ids), wire::states).await?.map_err(refused)
    }

    async fn oldest_state(&mut self) -> Result<Option<i64>, DeskError> {
        self.ask(&Command::States, wire::oldest_state).await
    }

    async fn issues(&mut self) -> Result<Vec<String>, DeskError> {
        self.ask(&DeskCommand::Issues {}, wire::issues).await
    }

    async fn update_entity(
        &mut self,
        entity_id: &str,
        wanted_id: &str,
        settings: &EntitySettings,
    ) -> Result<(), DeskError> {
        let kinds = [RoutineKind::Automation, RoutineKind::Script, RoutineKind::Scene];
        if !kinds.iter().any(|kind| is_of(entity_id, kind.domain()) && is_of(wanted_id, kind.domain())) {
            return Err(DeskError::Forbidden);
        }
        let aliases: Vec<Option<&str>> =
            settings.aliases.iter().map(|alias| alias.as_ref().map(said)).collect();
        let labels: Vec<&str> = settings.labels.iter().map(String::as_str).collect();
        let labelled = self.is_at_least(LABELS);
        let categories = settings.categories.as_ref().filter(|_| labelled).map(said);
        let categories = categories.map(serde_json::from_str::<&RawValue>).transpose();
        let update = EntityUpdate {
            entity_id,
            new_entity_id: Some(wanted_id).filter(|wanted| *wanted != entity_id),
            name: settings.name.as_ref().map(said),
            icon: settings.icon.as_ref().map(said),
            area_id: settings.area.as_deref(),
            aliases: Some(&aliases),
            labels: Some(&*labels).filter(|_| labelled),
            categories: categories.map_err(|_| DeskError::Refused)?,
            hidden_by: settings.hidden.then_some("user"),
        };
        self.ask(&DeskCommand::UpdateEntity(update), |_| Ok(())).await?;
        for (assistant, should_expose) in &settings.exposed {
            let command = DeskCommand::ExposeEntity {
                assistants: &[assistant.as_str()],
                entity_ids: &[wanted_id],
                should_expose: *should_expose,
            };
            self.ask(&command, |_| Ok(())).await?;
        }
        Ok(())
    }

    async fn turn_on(&mut self, entity_id: &str) -> Result<(), DeskError> {
        let domain = RoutineKind::Automation.domain();
        if !is_of(entity_id, domain) {
            return Err(DeskError::Forbidden);
        }
        self.call(domain, Service::TurnOn, None, Some(entity_id)).await
    }

    async fn notify(&mut self, id: &str, title: &str, message: &str) -> Result<(), DeskError> {
        fits(message)?;
        let notification = ServiceData::Notification { notification_id: id, title, message };
        self.call(NOTIFICATIONS, Service::Create, Some(notification), None).await
    }

    async fn dismiss(&mut self, id: &str) -> Result<(), DeskError> {
        let dismissal = ServiceData::Dismissal { notification_id: id };
        self.call(NOTIFICATIONS, Service::Dismiss, Some(dismissal), None).await
    }

    async fn identify(&mut self, entity_id: &str) -> Result<(), DeskError> {
        if is_of(entity_id, "light") {
            self.call("light", Service::Toggle, None, Some(entity_id)).await?;
            sleep(BLINK).await;
            self.call("light", Service::Toggle, None, Some(entity_id)).await
        } else if is_of(entity_id, "button") && self.is_identify_button(entity_id).await? {
            self.call("button", Service::Press, None, Some(entity_id)).await
        } else {
            Err(DeskError::NotSupported)
        }
    }
}

impl Desk<'_> {
    /// Other buttons restart things.
    async fn is_identify_button(&mut self, entity_id: &str) -> Result<bool, DeskError> {
        self.ask(&Command::EntityEntries(&[entity_id]), wire::is_identify_button).await
    }
}

fn said(text: &Text) -> &str {
    text.reveal_to_home()
}

/// Whether an entity is of this domain.
fn is_of(entity_id: &str, domain: &str) -> bool {
    let rest = entity_id.strip_prefix(domain).and_then(|rest| rest.strip_prefix('.'));
    let slug = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    rest.is_some_and(|object_id| !object_id.is_empty() && object_id.bytes().all(slug))
}
