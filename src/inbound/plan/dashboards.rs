//! Steps for dashboards: storage mode only, new ones under an unused path, never Home Assistant's own (R45).

use vestibule_protocol::deployment::{DashboardPut, Delete};
use vestibule_protocol::id::OpaqueId;

use super::check;
use super::make::Planner;
use super::{DashboardNow, DashboardRecord, Image, Target};
use crate::inbound::abilities::AbilityKind;
use crate::inbound::json::Json;
use crate::inbound::refusal::Refusal;
use crate::outbound::contents::{Contents, DocumentKind, Ids};
use crate::outbound::reading::Text;
use crate::private::Private;

const KIND: DocumentKind = DocumentKind::Dashboard;

impl<'a, I: Ids> Planner<'a, I> {
    pub(super) fn dashboard_put(&mut self, put: &DashboardPut) -> Result<(), Refusal> {
        match put.dashboard {
            Some(thing) => self.dashboard_replace(thing, put),
            None => self.dashboard_new(put),
        }
    }

    fn dashboard_new(&mut self, put: &DashboardPut) -> Result<(), Refusal> {
        let (Some(path), Some(title)) = (&put.url_path, &put.title) else {
            return Err(Refusal::refused("wrong_shape"));
        };
        self.take(format!("path {path}"))?;
        let is_this = |taken: &Text| **taken.reveal_to_inbound() == **path;
        let known = self.home.dashboards.iter().any(|dashboard| is_this(&dashboard.url_path));
        if known || self.home.panels.iter().any(is_this) {
            return Err(Refusal::refused("path_taken"));
        }
        let record = DashboardRecord {
            title: self.resolved_word(title)?,
            icon: put.icon.as_deref().map(|icon| self.resolved_word(icon)).transpose()?,
            sidebar: put.sidebar.unwrap_or(true),
            admin: put.admin.unwrap_or(false),
        };
        let text = self.resolved(&put.content, None)?;
        let after = self.checked(None, &put.content, &text)?;
        let name = record.title.reveal_to_inbound().to_string();
        self.can_do(KIND, None, &name, None, &with_record(&record, after.clone()));
        let url_path: Text = Private::new(path.as_str().into());
        let target = Target::DashboardRecord { url_path: url_path.clone(), id: None };
        self.step(None, target, Image::Absent, Image::Present(record.text()));
        self.step(None, Target::DashboardConfig { url_path }, Image::Absent, Image::Present(text));
        let diff = self.compared(&name).documents(KIND, None, Some(&after), self.ids);
        self.differs(diff);
        Ok(())
    }

    fn dashboard_replace(&mut self, thing: OpaqueId, put: &DashboardPut) -> Result<(), Refusal> {
        self.take(thing.to_string())?;
        let now = self.dashboard(thing)?;
        // Without saved contents there is nothing that a home could have issued a hash of.
        let current = now.config.as_ref().ok_or(Refusal::refused("default_dashboard"))?;
        self.same_base(thing, KIND, current, put.base, Some(&put.content))?;
        let base = Contents { thing, kind: KIND, text: current.reveal_to_inbound() };
        let text = self.resolved(&put.content, self.origin(base).as_ref())?;
        let contents = Target::DashboardConfig { url_path: now.url_path.clone() };
        let text = self.unless_alike(thing, &contents, current, text);
        let before = Json::parse(base.text).ok_or(Refusal::refused("not_json"))?;
        let after = self.checked(Some(&before), &put.content, &text)?;

        let mut record = now.record.clone();
        if let Some(title) = &put.title {
            record.title = self.resolved_word(title)?;
        }
        if let Some(icon) = &put.icon {
            record.icon = Some(self.resolved_word(icon)?);
        }
        record.sidebar = put.sidebar.unwrap_or(record.sidebar);
        record.admin = put.admin.unwrap_or(record.admin);

        let name = now.record.title.reveal_to_inbound().to_string();
        let (old, new) = (with_record(&now.record, before.clone()), with_record(&record, after.clone()));
        self.can_do(KIND, Some(thing), &name, Some(&old), &new);
        let target = Target::DashboardRecord { url_path: now.url_path.clone(), id: now.id.clone() };
        let image = |record: &DashboardRecord| Image::Present(record.text());
        self.step(Some(thing), target, image(&now.record), image(&record));
        self.step(Some(thing), contents, Image::Present(current.clone()), Image::Present(text));
        let mut diff = self.compared(&name).documents(KIND, Some(&before), Some(&after), self.ids);
        if record != now.record {
            diff.words.push(Private::new("its title, icon or place in the sidebar changes".into()));
        }
        self.differs(diff);
        Ok(())
    }

    pub(super) fn dashboard_delete(&mut self, delete: &Delete) -> Result<(), Refusal> {
        let thing = delete.existing;
        self.take(thing.to_string())?;
        let now = self.dashboard(thing)?;
        let current = now.config.as_ref().ok_or(Refusal::refused("default_dashboard"))?;
        self.same_base(thing, KIND, current, delete.base, None)?;
        let name = now.record.title.reveal_to_inbound().to_string();
        self.gone.insert(thing);
        self.able(AbilityKind::Deletes, name.as_str());
        // The contents first: deleting the record takes them along, and undoing wants them back.
        let target = Target::DashboardConfig { url_path: now.url_path.clone() };
        self.step(Some(thing), target, Image::Present(current.clone()), Image::Absent);
        let target = Target::DashboardRecord { url_path: now.url_path.clone(), id: now.id.clone() };
        self.step(Some(thing), target, Image::Present(now.record.text()), Image::Absent);
        let before = Json::parse(current.reveal_to_inbound());
        let diff = self.compared(&name).documents(KIND, before.as_ref(), None, self.ids);
        self.differs(diff);
        Ok(())
    }

    /// A dashboard that may be written.
    fn dashboard(&self, thing: OpaqueId) -> Result<&'a DashboardNow, Refusal> {
        let now = self.home.dashboards.iter().find(|dashboard| dashboard.thing == Some(thing));
        let now = now.ok_or(Refusal::refused("unknown_reference"))?;
        if now.yaml {
            return Err(Refusal::refused("yaml_dashboard"));
        }
        if &**now.url_path.reveal_to_inbound() == "lovelace" || now.id.is_none() {
            return Err(Refusal::refused("default_dashboard"));
        }
        Ok(now)
    }

    /// The document that would be there, if Home Assistant's frontend can show it.
    fn checked(&self, before: Option<&Json>, designed: &str, text: &Text) -> Result<Json, Refusal> {
        let after = Json::parse(text.reveal_to_inbound()).ok_or(Refusal::refused("not_json"))?;
        let shape = after.is_object()
            && (after.get("strategy").is_some_and(Json::is_object)
                || matches!(after.get("views"), Some(Json::List(views)) if views.iter().all(Json::is_object)));
        if !shape {
            return Err(Refusal::refused("wrong_shape"));
        }
        let designed = Json::parse(designed).ok_or(Refusal::refused("not_json"))?;
        check::references(&designed, before)?;
        check::core_cards(&after, before, &self.home.version)?;
        self.custom_cards(&after, before)?;
        Ok(after)
    }
}

/// Title and icon are texts as well, which a browser gets to see.
fn with_record(record: &DashboardRecord, contents: Json) -> Json {
    let text = |text: &Text| Json::Text(text.reveal_to_inbound().to_string());
    let icon = record.icon.as_ref().map_or(Json::Null, text);
    Json::Object(vec![
        ("record".to_owned(), Json::List(vec![text(&record.title), icon])),
        ("contents".to_owned(), contents),
    ])
}
