//! The smaller lists: configuration, areas, floors, labels, devices, integrations, dashboards, resources.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Garbled, Odd, Texts, each};
use crate::home::intern::Interner;
use crate::outbound::reading::{
    HomeTrouble, RawArea, RawConfig, RawDashboard, RawDevice, RawFloor, RawIntegration, RawLabel,
    RawResource, RegistryId, Shared,
};

/// A list, and how many of its entries made no sense.
pub(in crate::home) type Counted<T> = (Vec<T>, usize);
/// Which integration a config entry belongs to, by the config entry's id. Nothing else of config entries is kept.
pub(in crate::home) type EntryDomains = HashMap<Box<str>, Shared>;

/// The few settings we look at.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Config<'a> {
    #[serde(borrow)]
    version: Odd<'a>,
    #[serde(borrow)]
    language: Odd<'a>,
    #[serde(borrow)]
    unit_system: Option<UnitSystem<'a>>,
    #[serde(borrow)]
    state: Odd<'a>,
    recovery_mode: bool,
    safe_mode: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct UnitSystem<'a> {
    #[serde(borrow)]
    length: Odd<'a>,
}

/// The configuration; the trouble if Home Assistant's lists cannot be believed at the moment.
pub(in crate::home) fn config(
    raw: &RawValue,
    interner: &mut Interner,
) -> Result<Result<RawConfig, HomeTrouble>, Garbled> {
    let config: Config<'_> = serde_json::from_str(raw.get())?;
    Ok(if config.recovery_mode {
        Err(HomeTrouble::RecoveryMode)
    } else if config.safe_mode {
        Err(HomeTrouble::SafeMode)
    } else if !config.state.is("RUNNING") {
        Err(HomeTrouble::NotRunning)
    } else {
        Ok(RawConfig {
            version: config.version.get().ok_or(Garbled)?.to_owned(),
            language: config.language.shared(interner),
            length_unit: config.unit_system.and_then(|units| units.length.shared(interner)),
            installation_type: None,
        })
    })
}

/// Whether the token's user is an administrator.
pub(in crate::home) fn is_admin(raw: &RawValue) -> Result<bool, Garbled> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct User {
        is_admin: bool,
    }
    Ok(serde_json::from_str::<User>(raw.get())?.is_admin)
}

/// Ids of the users who may decide: active, and owner or in the group of administrators.
pub(in crate::home) fn administrators(raw: &RawValue, mut take: impl FnMut(&str)) -> Result<(), Garbled> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct User<'a> {
        #[serde(borrow)]
        id: Odd<'a>,
        is_owner: bool,
        is_active: bool,
        #[serde(borrow)]
        group_ids: Vec<Odd<'a>>,
    }
    each(raw, |user: User<'_>| {
        let may = user.is_owner || user.group_ids.iter().any(|group| group.is("system-admin"));
        if let Some(id) = user.id.get().filter(|_| user.is_active && may) {
            take(id);
        }
    })
    .map(drop)
}

/// Config entries, reduced to their integrations.
pub(in crate::home) fn config_entries(
    raw: &RawValue,
    interner: &mut Interner,
) -> Result<(EntryDomains, usize), Garbled> {
    #[derive(Deserialize)]
    struct Entry<'a> {
        #[serde(borrow)]
        entry_id: Odd<'a>,
        #[serde(borrow)]
        domain: Odd<'a>,
    }
    let mut domains = EntryDomains::new();
    let mut nameless = 0;
    let skipped = each(raw, |entry: Entry<'_>| match (entry.entry_id.get(), entry.domain.get()) {
        (Some(id), Some(domain)) => drop(domains.insert(id.into(), interner.share(domain))),
        _ => nameless += 1,
    })?;
    Ok((domains, skipped + nameless))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Area<'a> {
    #[serde(borrow)]
    area_id: Odd<'a>,
    #[serde(borrow)]
    floor_id: Odd<'a>,
    #[serde(borrow)]
    name: Odd<'a>,
    #[serde(borrow)]
    aliases: Texts<'a>,
    #[serde(borrow)]
    icon: Odd<'a>,
    #[serde(borrow)]
    labels: Texts<'a>,
}

/// Areas, in Home Assistant's order.
pub(in crate::home) fn areas(raw: &RawValue, interner: &mut Interner) -> Result<Counted<RawArea>, Garbled> {
    list(raw, |area: Area<'_>| {
        Some(RawArea {
            id: area.area_id.shared(interner)?,
            floor: area.floor_id.shared(interner),
            name: area.name.text()?,
            aliases: area.aliases.texts(),
            icon: area.icon.shared(interner),
            labels: area.labels.sorted(interner),
        })
    })
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Floor<'a> {
    #[serde(borrow)]
    floor_id: Odd<'a>,
    #[serde(borrow)]
    name: Odd<'a>,
    #[serde(borrow)]
    aliases: Texts<'a>,
    #[serde(borrow)]
    level: Odd<'a>,
    #[serde(borrow)]
    icon: Odd<'a>,
}

/// Floors, in Home Assistant's order.
pub(in crate::home) fn floors(raw: &RawValue, interner: &mut Interner) -> Result<Counted<RawFloor>, Garbled> {
    list(raw, |floor: Floor<'_>| {
        Some(RawFloor {
            id: floor.floor_id.shared(interner)?,
            name: floor.name.text()?,
            aliases: floor.aliases.texts(),
            level: floor.level.number(),
            icon: floor.icon.shared(interner),
        })
    })
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Label<'a> {
    #[serde(borrow)]
    label_id: Odd<'a>,
    #[serde(borrow)]
    name: Odd<'a>,
    #[serde(borrow)]
    icon: Odd<'a>,
}

/// Labels.
pub(in crate::home) fn labels(raw: &RawValue, interner: &mut Interner) -> Result<Counted<RawLabel>, Garbled> {
    list(raw, |label: Label<'_>| {
        Some(RawLabel {
            id: label.label_id.shared(interner)?,
            name: label.name.text()?,
            icon: label.icon.shared(interner),
        })
    })
}

/// A device, or a child device (2026.9), which has few of these.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Device<'a> {
    #[serde(borrow)]
    id: Odd<'a>,
    #[serde(borrow)]
    parent_device_id: Odd<'a>,
    /// Until 2027.8.
    #[serde(borrow)]
    config_entries: Texts<'a>,
    /// Since 2026.8.
    #[serde(borrow)]
    config_entry_id: Odd<'a>,
    #[serde(borrow)]
    name: Odd<'a>,
    #[serde(borrow)]
    name_by_user: Odd<'a>,
    #[serde(borrow)]
    manufacturer: Odd<'a>,
    #[serde(borrow)]
    model: Odd<'a>,
    #[serde(borrow)]
    area_id: Odd<'a>,
    #[serde(borrow)]
    labels: Texts<'a>,
    #[serde(borrow)]
    entry_type: Odd<'a>,
    #[serde(borrow)]
    disabled_by: Odd<'a>,
}

/// Devices.
pub(in crate::home) fn devices(
    raw: &RawValue,
    entries: &EntryDomains,
    interner: &mut Interner,
) -> Result<Counted<RawDevice>, Garbled> {
    list(raw, |device: Device<'_>| {
        let mut integrations: Vec<Shared> = device
            .config_entries
            .iter()
            .chain(device.config_entry_id.get())
            .filter_map(|id| entries.get(id).cloned())
            .collect();
        integrations.sort_unstable();
        integrations.dedup();
        Some(RawDevice {
            id: RegistryId::parse(device.id.get()?),
            parent: device.parent_device_id.get().map(RegistryId::parse),
            integrations: integrations.into(),
            name: device.name.text(),
            name_by_user: device.name_by_user.text(),
            manufacturer: device.manufacturer.shared(interner),
            model: device.model.shared(interner),
            area: device.area_id.shared(interner),
            labels: device.labels.sorted(interner),
            service: device.entry_type.is("service"),
            disabled: device.disabled_by.is_set(),
        })
    })
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Manifest<'a> {
    #[serde(borrow)]
    domain: Odd<'a>,
    #[serde(borrow)]
    is_built_in: Odd<'a>,
    #[serde(borrow)]
    version: Odd<'a>,
}

/// Loaded integrations, sorted by domain.
pub(in crate::home) fn integrations(
    raw: &RawValue,
    interner: &mut Interner,
) -> Result<Counted<RawIntegration>, Garbled> {
    let (mut all, skipped) = list(raw, |manifest: Manifest<'_>| {
        Some(RawIntegration {
            domain: manifest.domain.shared(interner)?,
            built_in: manifest.is_built_in.is_true(),
            version: manifest.version.shared(interner),
        })
    })?;
    all.sort_unstable_by(|a, b| a.domain.cmp(&b.domain));
    Ok((all, skipped))
}

/// A dashboard's record; where the list and the desk differ is in what they take of it.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Dashboard<'a> {
    #[serde(borrow)]
    pub(super) id: Odd<'a>,
    #[serde(borrow)]
    pub(super) url_path: Odd<'a>,
    #[serde(borrow)]
    pub(super) mode: Odd<'a>,
    #[serde(borrow)]
    pub(super) title: Odd<'a>,
    #[serde(borrow)]
    pub(super) icon: Odd<'a>,
    #[serde(borrow)]
    pub(super) show_in_sidebar: Odd<'a>,
    #[serde(borrow)]
    pub(super) require_admin: Odd<'a>,
}

/// Dashboards.
pub(in crate::home) fn dashboards(
    raw: &RawValue,
    interner: &mut Interner,
) -> Result<Counted<RawDashboard>, Garbled> {
    list(raw, |dashboard: Dashboard<'_>| {
        let id = if dashboard.id.is_set() { &dashboard.id } else { &dashboard.url_path };
        Some(RawDashboard {
            id: id.shared(interner)?,
            yaml: dashboard.mode.is("yaml"),
            title: dashboard.title.text(),
            url_path: dashboard.url_path.text(),
            icon: dashboard.icon.shared(interner),
            sidebar: dashboard.show_in_sidebar.is_true(),
            admin: dashboard.require_admin.is_true(),
        })
    })
}

/// A resource's record, likewise.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Resource<'a> {
    #[serde(borrow)]
    pub(super) id: Odd<'a>,
    #[serde(borrow, rename = "type")]
    pub(super) kind: Odd<'a>,
    #[serde(borrow)]
    pub(super) url: Odd<'a>,
}

/// Dashboard resources.
pub(in crate::home) fn resources(
    raw: &RawValue,
    interner: &mut Interner,
) -> Result<Counted<RawResource>, Garbled> {
    list(raw, |resource: Resource<'_>| {
        let id = if resource.id.is_set() { &resource.id } else { &resource.url };
        Some(RawResource {
            id: id.shared(interner)?,
            kind: resource.kind.shared(interner)?,
            url: resource.url.text()?,
        })
    })
}

/// Converts each entry; those that make no sense (`None`, or no object at all) are counted.
fn list<'a, W: Deserialize<'a>, T>(
    raw: &'a RawValue,
    mut convert: impl FnMut(W) -> Option<T>,
) -> Result<Counted<T>, Garbled> {
    let mut all = Vec::new();
    let mut incomplete = 0;
    let skipped = each(raw, |entry| match convert(entry) {
        Some(value) => all.push(value),
        None => incomplete += 1,
    })?;
    Ok((all, skipped + incomplete))
}
