//! What the desk reads of Home Assistant's answers: whole documents as they are spelled, records with their ids, settings of entities.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::lists::{Dashboard, Resource};
use super::{Garbled, Odd, Texts, document, each, each_entry, each_raw, text};
use crate::home::desk::{
    Assistant, DeskDashboard, DeskResource, EntitySettings, ResourceMode, RoutineEntity, RoutineKind,
    RoutineState,
};
use crate::outbound::reading::Text;

/// A document as a whole; something that is no object breaks the protocol, because we store no other.
pub(in crate::home) fn whole(raw: &RawValue) -> Result<Text, Garbled> {
    document(raw.get()).or_else(|| legacy_text(raw)).ok_or(Garbled)
}

/// Home Assistant also stores a dashboard that is a mere string, if a client saved one.
fn legacy_text(raw: &RawValue) -> Option<Text> {
    raw.get().starts_with('"').then(|| text(raw.get()))
}

/// The id of something that was made.
pub(in crate::home) fn id(raw: &RawValue) -> Result<String, Garbled> {
    #[derive(Deserialize)]
    struct Made {
        id: String,
    }
    Ok(serde_json::from_str::<Made>(raw.get())?.id)
}

/// Dashboards that have a path.
pub(in crate::home) fn dashboards(raw: &RawValue) -> Result<Vec<DeskDashboard>, Garbled> {
    let mut all = Vec::new();
    each(raw, |dashboard: Dashboard<'_>| {
        let Some(url_path) = dashboard.url_path.get() else { return };
        all.push(DeskDashboard {
            id: dashboard.id.get().map(str::to_owned),
            url_path: url_path.to_owned(),
            title: dashboard.title.text(),
            icon: dashboard.icon.text(),
            sidebar: dashboard.show_in_sidebar.is_true(),
            admin: dashboard.require_admin.is_true(),
            // What we do not know for sure to be writable is not.
            yaml: !dashboard.mode.is("storage"),
        });
    })?;
    Ok(all)
}

/// Dashboard resources.
pub(in crate::home) fn resources(raw: &RawValue) -> Result<Vec<DeskResource>, Garbled> {
    let mut all = Vec::new();
    each(raw, |resource: Resource<'_>| {
        all.push(DeskResource {
            id: resource.id.get().map(str::to_owned),
            kind: resource.kind.get().unwrap_or_default().to_owned(),
            url: text(resource.url.get().unwrap_or_default()),
        });
    })?;
    Ok(all)
}

/// The paths of all panels.
pub(in crate::home) fn panels(raw: &RawValue) -> Result<Vec<String>, Garbled> {
    let mut paths = Vec::new();
    each_entry(raw, |path, _| paths.push(path.into_owned()))?;
    paths.sort_unstable();
    Ok(paths)
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Mode<'a> {
    #[serde(borrow)]
    resource_mode: Odd<'a>,
    #[serde(borrow)]
    mode: Odd<'a>,
}

/// How resources are kept, from the information about dashboards.
pub(in crate::home) fn resource_mode(raw: &RawValue) -> Result<ResourceMode, Garbled> {
    Ok(mode(&serde_json::from_str::<Mode<'_>>(raw.get())?.resource_mode))
}

/// The same from the panel of the default dashboard.
pub(in crate::home) fn resource_mode_of_panels(raw: &RawValue) -> Result<ResourceMode, Garbled> {
    #[derive(Deserialize)]
    struct Panel<'a> {
        #[serde(borrow, default)]
        config: Option<Mode<'a>>,
    }
    let mut found = ResourceMode::Storage;
    each_entry(raw, |path, panel| {
        if path == "lovelace"
            && let Ok(Panel { config: Some(config) }) = serde_json::from_str(panel.get())
        {
            found = mode(&config.mode);
        }
    })?;
    Ok(found)
}

fn mode(word: &Odd<'_>) -> ResourceMode {
    if word.is("yaml") { ResourceMode::Yaml } else { ResourceMode::Storage }
}

/// The entity ids of a kind's entities in the registry's list.
pub(in crate::home) fn entity_ids(raw: &RawValue, kind: RoutineKind) -> Result<Vec<String>, Garbled> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Listed<'a> {
        #[serde(borrow)]
        entity_id: Odd<'a>,
        #[serde(borrow)]
        platform: Odd<'a>,
    }
    // Scenes of other platforms come from devices.
    let platform = if kind == RoutineKind::Scene { "homeassistant" } else { kind.domain() };
    let mut ids = Vec::new();
    each(raw, |listed: Listed<'_>| {
        let id = listed.entity_id.get().filter(|_| listed.platform.is(platform));
        let of_kind = |id: &&str| id.split_once('.').is_some_and(|(domain, _)| domain == kind.domain());
        ids.extend(id.filter(of_kind).map(str::to_owned));
    })?;
    Ok(ids)
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Entry<'a> {
    #[serde(borrow)]
    id: Odd<'a>,
    #[serde(borrow)]
    entity_id: Odd<'a>,
    #[serde(borrow)]
    unique_id: Odd<'a>,
    #[serde(borrow)]
    name: Odd<'a>,
    #[serde(borrow)]
    icon: Odd<'a>,
    #[serde(borrow)]
    area_id: Odd<'a>,
    #[serde(borrow)]
    labels: Texts<'a>,
    #[serde(borrow)]
    aliases: Option<&'a RawValue>,
    #[serde(borrow)]
    categories: Option<&'a RawValue>,
    #[serde(borrow)]
    options: Option<&'a RawValue>,
    #[serde(borrow)]
    hidden_by: Odd<'a>,
    #[serde(borrow)]
    device_class: Odd<'a>,
    #[serde(borrow)]
    original_device_class: Odd<'a>,
}

/// Extended registry entries, in the order in which they were asked for.
pub(in crate::home) fn entities(raw: &RawValue) -> Result<Vec<RoutineEntity>, Garbled> {
    let mut all = Vec::new();
    each_entry(raw, |_, entry| all.extend(entity(entry)))?;
    Ok(all)
}

/// `None` for an entry that vanished between the list and the question.
fn entity(raw: &RawValue) -> Option<RoutineEntity> {
    let entry: Entry<'_> = serde_json::from_str(raw.get()).ok()?;
    let mut aliases = Vec::new();
    if let Some(list) = entry.aliases {
        each_raw(list.get(), |alias| {
            let alias = serde_json::from_str::<Odd<'_>>(alias.get());
            aliases.extend(alias.ok().map(|alias| alias.text()));
        })
        .ok()?;
    }
    let mut labels: Vec<String> = entry.labels.iter().map(str::to_owned).collect();
    labels.sort_unstable();
    let settings = EntitySettings {
        name: entry.name.text(),
        icon: entry.icon.text(),
        area: entry.area_id.get().map(str::to_owned),
        labels,
        aliases,
        categories: entry.categories.and_then(|raw| document(raw.get())),
        hidden: entry.hidden_by.is("user"),
        exposed: entry.options.map(exposed).unwrap_or_default(),
    };
    Some(RoutineEntity {
        entity_id: entry.entity_id.get()?.to_owned(),
        unique_id: entry.unique_id.get()?.to_owned(),
        registry_id: entry.id.get()?.to_owned(),
        settings,
    })
}

fn exposed(options: &RawValue) -> Vec<(Assistant, bool)> {
    #[derive(Deserialize)]
    struct Shown {
        #[serde(default)]
        should_expose: Option<bool>,
    }
    let mut found = Vec::new();
    // Options are what each integration makes of them; what is no such object says nothing here.
    let _ = each_entry(options, |name, options| {
        let assistant = Assistant::ALL.into_iter().find(|assistant| assistant.as_str() == name);
        let shown = serde_json::from_str::<Shown>(options.get()).ok().and_then(|shown| shown.should_expose);
        found.extend(assistant.zip(shown));
    });
    found.sort_unstable();
    found
}

/// Whether the one entity that was asked for is there to be pressed for this.
pub(in crate::home) fn is_identify_button(raw: &RawValue) -> Result<bool, Garbled> {
    let mut found = false;
    each_entry(raw, |_, entry| {
        let entry = serde_json::from_str::<Entry<'_>>(entry.get());
        found |= entry.is_ok_and(|entry| {
            let class =
                if entry.device_class.is_set() { entry.device_class } else { entry.original_device_class };
            class.is("identify")
        });
    })?;
    Ok(found)
}

/// States of some entities, from the first event of a subscription to them.
pub(in crate::home) fn states(raw: &RawValue) -> Result<Vec<(String, RoutineState)>, Garbled> {
    #[derive(Deserialize)]
    struct First<'a> {
        #[serde(default, borrow)]
        a: Option<&'a RawValue>,
    }
    #[derive(Deserialize)]
    struct State<'a> {
        #[serde(default, borrow)]
        s: Odd<'a>,
    }
    let mut all = Vec::new();
    let Some(added) = serde_json::from_str::<First<'_>>(raw.get())?.a else { return Ok(all) };
    each_entry(added, |id, state| {
        let state = serde_json::from_str::<State<'_>>(state.get());
        let state = match state.as_ref().ok().and_then(|state| state.s.get()) {
            Some("on") => RoutineState::On,
            Some("off") => RoutineState::Off,
            Some("unavailable") => RoutineState::Unavailable,
            _ => RoutineState::Other,
        };
        all.push((id.into_owned(), state));
    })?;
    Ok(all)
}

/// When the state was written that has stood longest, in Unix milliseconds; `None` where no state says.
pub(in crate::home) fn oldest_state(raw: &RawValue) -> Result<Option<i64>, Garbled> {
    #[derive(Deserialize)]
    struct State<'a> {
        #[serde(default, borrow)]
        last_updated: Odd<'a>,
    }
    let mut oldest: Option<i64> = None;
    each(raw, |state: State<'_>| {
        let written = state.last_updated.get().and_then(|text| text.parse::<jiff::Timestamp>().ok());
        if let Some(written) = written.map(jiff::Timestamp::as_millisecond) {
            oldest = Some(oldest.map_or(written, |oldest| oldest.min(written)));
        }
    })?;
    Ok(oldest)
}

/// Ids of repairs about automations and scripts. Their texts are not read.
pub(in crate::home) fn issues(raw: &RawValue) -> Result<Vec<String>, Garbled> {
    #[derive(Deserialize)]
    struct Answer<'a> {
        #[serde(borrow)]
        issues: &'a RawValue,
    }
    #[derive(Deserialize)]
    struct Issue<'a> {
        #[serde(borrow)]
        domain: Cow<'a, str>,
        #[serde(borrow)]
        issue_id: Cow<'a, str>,
    }
    let ours = [RoutineKind::Automation, RoutineKind::Script];
    let mut ids = Vec::new();
    each(serde_json::from_str::<Answer<'_>>(raw.get())?.issues, |issue: Issue<'_>| {
        if ours.iter().any(|kind| kind.domain() == issue.domain) {
            ids.push(issue.issue_id.into_owned());
        }
    })?;
    Ok(ids)
}
