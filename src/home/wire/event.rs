//! Events: which things they are about. Old values, titles and states, which they carry too, are not read.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Garbled, Odd, each};

/// A change of one entity's registry entry.
pub(in crate::home) struct EntityChange<'a> {
    /// Its entity id now.
    pub(in crate::home) entity_id: Cow<'a, str>,
    /// Its entity id before, if it was renamed.
    pub(in crate::home) renamed_from: Option<Cow<'a, str>>,
    /// The entry is gone.
    pub(in crate::home) removed: bool,
}

/// Reads the event of an entity registry change.
pub(in crate::home) fn entity_change(event: &RawValue) -> Result<EntityChange<'_>, Garbled> {
    #[derive(Deserialize)]
    struct Event<'a> {
        #[serde(borrow)]
        data: Data<'a>,
    }
    #[derive(Deserialize)]
    struct Data<'a> {
        #[serde(borrow)]
        action: Odd<'a>,
        #[serde(borrow)]
        entity_id: Cow<'a, str>,
        #[serde(borrow, default)]
        old_entity_id: Odd<'a>,
    }
    let Event { data } = serde_json::from_str(event.get())?;
    Ok(EntityChange {
        removed: data.action.is("remove"),
        entity_id: data.entity_id,
        renamed_from: data.old_entity_id.0,
    })
}

/// The path of the dashboard that was saved; none for the default one.
pub(in crate::home) fn saved_dashboard(event: &RawValue) -> Result<Option<Box<str>>, Garbled> {
    #[derive(Deserialize)]
    struct Event<'a> {
        #[serde(borrow)]
        data: Data<'a>,
    }
    #[derive(Deserialize)]
    struct Data<'a> {
        #[serde(borrow, default)]
        url_path: Odd<'a>,
    }
    Ok(serde_json::from_str::<Event<'_>>(event.get())?.data.url_path.get().map(Into::into))
}

/// The entity that appeared or vanished, from a trigger's event.
pub(in crate::home) fn triggered_entity(event: &RawValue) -> Result<Cow<'_, str>, Garbled> {
    #[derive(Deserialize)]
    struct Event<'a> {
        #[serde(borrow)]
        variables: Variables<'a>,
    }
    #[derive(Deserialize)]
    struct Variables<'a> {
        #[serde(borrow)]
        trigger: Trigger<'a>,
    }
    #[derive(Deserialize)]
    struct Trigger<'a> {
        #[serde(borrow)]
        event: Inner<'a>,
    }
    #[derive(Deserialize)]
    struct Inner<'a> {
        #[serde(borrow)]
        data: Data<'a>,
    }
    #[derive(Deserialize)]
    struct Data<'a> {
        #[serde(borrow)]
        entity_id: Cow<'a, str>,
    }
    Ok(serde_json::from_str::<Event<'_>>(event.get())?.variables.trigger.event.data.entity_id)
}

/// Whether a change of config entries means that entities or integrations came or went. Retries of a failed set-up, which some
/// integrations make for ever, do not; nor does the list that the subscription starts with.
pub(in crate::home) fn config_entries_matter(event: &RawValue) -> Result<bool, Garbled> {
    #[derive(Deserialize)]
    struct Change<'a> {
        #[serde(rename = "type", borrow, default)]
        kind: Odd<'a>,
        #[serde(borrow, default)]
        entry: Option<Entry<'a>>,
    }
    #[derive(Deserialize)]
    struct Entry<'a> {
        #[serde(borrow, default)]
        state: Odd<'a>,
    }
    let mut matter = false;
    each(event, |change: Change<'_>| {
        let settled = change.entry.is_some_and(|e| e.state.is("loaded") || e.state.is("not_loaded"));
        matter |= match change.kind.get() {
            Some("added" | "removed") => true,
            Some(_) => settled,
            None => false,
        };
    })?;
    Ok(matter)
}

/// Whether an event of a live list (dashboard resources) is about a change: the first one lists what is already known.
pub(in crate::home) fn is_first_listing(event: &RawValue, seen_before: bool) -> bool {
    !seen_before && event.get().starts_with('[')
}

/// The installation type, from the first event of the system health information.
pub(in crate::home) fn installation_type(event: &RawValue) -> Result<Option<String>, Garbled> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Event<'a> {
        #[serde(borrow)]
        data: Option<Data<'a>>,
    }
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Data<'a> {
        #[serde(borrow)]
        homeassistant: Option<Part<'a>>,
    }
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Part<'a> {
        #[serde(borrow)]
        info: Option<Info<'a>>,
    }
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Info<'a> {
        #[serde(borrow)]
        installation_type: Odd<'a>,
    }
    let event: Event<'_> = serde_json::from_str(event.get())?;
    let info = event.data.and_then(|data| data.homeassistant).and_then(|part| part.info);
    Ok(info.and_then(|info| info.installation_type.get().map(str::to_owned)))
}
