//! Entities: the registry's extended entries, what a state tells of an entity's nature, and how the two become one.
//!
//! State values are never read. Of the attributes only those named here are, and each of them says something that a
//! dashboard's author needs and that does not change while the house is lived in.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::capabilities::{Capabilities, Capability, capabilities_of};
use super::{Garbled, Key, Odd, Texts, each, each_entry, text};
use crate::home::desk::RoutineKind;
use crate::home::intern::Interner;
use crate::outbound::reading::{RawEntity, RegistryId};

/// The part of an entity id before the dot.
fn domain(entity_id: &str) -> &str {
    entity_id.split_once('.').map_or("", |(domain, _)| domain)
}

/// A registry entry. The partial entries of the list have the same names; of them only the entity id is read.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Entry<'a> {
    #[serde(borrow)]
    id: Odd<'a>,
    #[serde(borrow)]
    entity_id: Odd<'a>,
    #[serde(borrow)]
    platform: Odd<'a>,
    #[serde(borrow)]
    device_id: Odd<'a>,
    #[serde(borrow)]
    area_id: Odd<'a>,
    #[serde(borrow)]
    labels: Texts<'a>,
    #[serde(borrow)]
    name: Odd<'a>,
    #[serde(borrow)]
    original_name: Odd<'a>,
    #[serde(borrow)]
    aliases: Texts<'a>,
    #[serde(borrow)]
    icon: Odd<'a>,
    #[serde(borrow)]
    original_icon: Odd<'a>,
    #[serde(borrow)]
    translation_key: Odd<'a>,
    #[serde(borrow)]
    device_class: Odd<'a>,
    #[serde(borrow)]
    original_device_class: Odd<'a>,
    #[serde(borrow)]
    entity_category: Odd<'a>,
    /// Until 2026.10.
    #[serde(borrow)]
    has_entity_name: Odd<'a>,
    #[serde(borrow)]
    disabled_by: Odd<'a>,
    #[serde(borrow)]
    hidden_by: Odd<'a>,
    #[serde(borrow)]
    capabilities: Option<&'a RawValue>,
}

/// The entity ids of the registry's list, and how many entries made no sense.
pub(in crate::home) fn registered_ids(raw: &RawValue) -> Result<(Vec<Box<str>>, usize), Garbled> {
    #[derive(Deserialize)]
    struct Listed<'a> {
        #[serde(borrow)]
        entity_id: Odd<'a>,
    }
    let mut ids = Vec::new();
    let mut nameless = 0;
    let skipped = each(raw, |listed: Listed<'_>| match listed.entity_id.get() {
        Some(id) => ids.push(id.into()),
        None => nameless += 1,
    })?;
    Ok((ids, skipped + nameless))
}

/// Extended entries by entity id, of which those that the registry does not know are null. Gives the number of broken ones.
pub(in crate::home) fn entries(
    raw: &RawValue,
    interner: &mut Interner,
    mut take: impl FnMut(RawEntity),
) -> Result<usize, Garbled> {
    let mut skipped = 0;
    each_entry(raw, |_, entry| match serde_json::from_str::<Option<Entry<'_>>>(entry.get()) {
        Ok(None) => {}
        Ok(Some(entry)) => match registered(&entry, interner) {
            Some(entity) => take(entity),
            None => skipped += 1,
        },
        Err(_) => skipped += 1,
    })?;
    Ok(skipped)
}

/// Among extended entries, those of automations, scripts and scenes that have a document: registry id, kind, and the document's id. That id is
/// never kept with the entity, which has no use for it.
pub(in crate::home) fn routines(raw: &RawValue) -> Result<Vec<(RegistryId, RoutineKind, Box<str>)>, Garbled> {
    #[derive(Deserialize)]
    struct Routine<'a> {
        #[serde(borrow, default)]
        id: Odd<'a>,
        #[serde(borrow, default)]
        entity_id: Odd<'a>,
        #[serde(borrow, default)]
        platform: Odd<'a>,
        #[serde(borrow, default)]
        unique_id: Odd<'a>,
    }
    let mut found = Vec::new();
    each_entry(raw, |_, entry| {
        let Ok(Some(entry)) = serde_json::from_str::<Option<Routine<'_>>>(entry.get()) else { return };
        let kind = match (domain(entry.entity_id.get().unwrap_or_default()), entry.platform.get()) {
            ("automation", Some("automation")) => RoutineKind::Automation,
            ("script", Some("script")) => RoutineKind::Script,
            ("scene", Some("homeassistant")) => RoutineKind::Scene,
            _ => return,
        };
        if let (Some(id), Some(unique_id)) = (entry.id.get(), entry.unique_id.get()) {
            found.push((RegistryId::parse(id), kind, unique_id.into()));
        }
    })?;
    Ok(found)
}

/// The entity as the registry alone knows it: nobody provides it until a state says otherwise.
fn registered(entry: &Entry<'_>, interner: &mut Interner) -> Option<RawEntity> {
    let entity_id = entry.entity_id.get()?;
    let disabled = entry.disabled_by.is_set();
    let unnamed = entry.original_name.get().is_none_or(str::is_empty);
    let mut capabilities = Capabilities::default();
    if let Some(object) = entry.capabilities {
        let wanted = capabilities_of(domain(entity_id));
        let attributes: Attributes<'_> = read_attributes(object, wanted).ok()?;
        capabilities.add(&attributes.capabilities, interner, |_| true);
    }
    Some(RawEntity {
        id: Some(RegistryId::parse(entry.id.get()?)),
        entity_id: text(entity_id),
        integration: entry.platform.shared(interner),
        device: entry.device_id.get().map(RegistryId::parse),
        area: entry.area_id.shared(interner),
        labels: entry.labels.sorted(interner),
        name: entry.name.text(),
        original_name: entry.original_name.text(),
        aliases: entry.aliases.texts(),
        icon: or(&entry.icon, &entry.original_icon).shared(interner),
        translation_key: entry.translation_key.shared(interner),
        device_class: or(&entry.device_class, &entry.original_device_class).shared(interner),
        unit: None,
        category: entry.entity_category.shared(interner),
        supported_features: None,
        capabilities: capabilities.finish(interner),
        // Since 2026.11 every entity is named after its device first, so the flag is gone.
        main: entry.device_id.is_set() && unnamed && !entry.has_entity_name.is("false"),
        disabled,
        hidden: entry.hidden_by.is_set(),
        orphaned: !disabled,
        editor: false,
        mode: None,
    })
}

const fn or<'a, 'b>(first: &'b Odd<'a>, second: &'b Odd<'a>) -> &'b Odd<'a> {
    if first.is_set() { first } else { second }
}

/// A state in the list, and the same compressed.
#[derive(Deserialize)]
struct State<'a> {
    #[serde(borrow)]
    entity_id: Odd<'a>,
    #[serde(borrow)]
    attributes: &'a RawValue,
}

#[derive(Deserialize)]
struct CompressedState<'a> {
    #[serde(borrow)]
    a: &'a RawValue,
}

/// What a state tells of its entity's nature.
pub(in crate::home) struct Nature<'a> {
    attributes: Attributes<'a>,
    domain: &'a str,
}

/// Hands over each state of the list by entity id; gives the number of broken ones.
pub(in crate::home) fn states(
    raw: &RawValue,
    mut take: impl FnMut(&str, &Nature<'_>),
) -> Result<usize, Garbled> {
    let mut broken = 0;
    let skipped = each(raw, |state: State<'_>| {
        let nature = state.entity_id.get().and_then(|id| Some((id, nature(id, state.attributes)?)));
        match nature {
            Some((id, nature)) => take(id, &nature),
            None => broken += 1,
        }
    })?;
    Ok(skipped + broken)
}

/// The same for the first event of a subscription to some entities.
pub(in crate::home) fn compressed_states(
    event: &RawValue,
    mut take: impl FnMut(&str, &Nature<'_>),
) -> Result<usize, Garbled> {
    #[derive(Deserialize)]
    struct Added<'a> {
        #[serde(borrow, default)]
        a: Option<&'a RawValue>,
    }
    let added: Added<'_> = serde_json::from_str(event.get())?;
    let mut broken = 0;
    if let Some(states) = added.a {
        each_entry(states, |id, state| {
            let state = serde_json::from_str::<CompressedState<'_>>(state.get()).ok();
            match state.and_then(|state| nature(&id, state.a)) {
                Some(nature) => take(&id, &nature),
                None => broken += 1,
            }
        })?;
    }
    Ok(broken)
}

/// Which integration provides each live entity.
pub(in crate::home) fn sources(raw: &RawValue, mut take: impl FnMut(&str, &str)) -> Result<usize, Garbled> {
    #[derive(Deserialize)]
    struct Source<'a> {
        #[serde(borrow)]
        domain: Odd<'a>,
    }
    let mut skipped = 0;
    each_entry(raw, |id, source| match serde_json::from_str::<Source<'_>>(source.get()) {
        Ok(Source { domain: Odd(Some(domain)) }) => take(&id, &domain),
        Ok(_) | Err(_) => skipped += 1,
    })?;
    Ok(skipped)
}

fn nature<'a>(entity_id: &'a str, attributes: &'a RawValue) -> Option<Nature<'a>> {
    let domain = domain(entity_id);
    let attributes = read_attributes(attributes, capabilities_of(domain)).ok()?;
    Some(Nature { attributes, domain })
}

impl Nature<'_> {
    /// Adds to a registered entity what only its state knows. Capabilities come from the registry: they do not vary there.
    pub(in crate::home) fn complete(&self, entity: &mut RawEntity, interner: &mut Interner) {
        self.describe(entity, interner);
        if self.attributes.capabilities.iter().any(|(capability, _)| capability.state_only) {
            let mut capabilities = Capabilities::from(entity.capabilities.take());
            capabilities.add(&self.attributes.capabilities, interner, |capability| capability.state_only);
            entity.capabilities = capabilities.finish(interner);
        }
    }

    /// An entity without a registry entry.
    pub(in crate::home) fn unregistered(&self, entity_id: &str, interner: &mut Interner) -> RawEntity {
        let attributes = &self.attributes;
        let mut capabilities = Capabilities::default();
        capabilities.add(&attributes.capabilities, interner, |_| true);
        let mut entity = RawEntity {
            id: None,
            entity_id: text(entity_id),
            integration: None,
            device: None,
            area: None,
            labels: Box::default(),
            name: None,
            original_name: attributes.friendly_name.text(),
            aliases: Box::default(),
            icon: attributes.icon.shared(interner),
            translation_key: None,
            device_class: attributes.device_class.shared(interner),
            unit: None,
            category: None,
            supported_features: None,
            capabilities: capabilities.finish(interner),
            main: false,
            disabled: false,
            hidden: false,
            orphaned: false,
            editor: false,
            mode: None,
        };
        self.describe(&mut entity, interner);
        entity
    }

    fn describe(&self, entity: &mut RawEntity, interner: &mut Interner) {
        let attributes = &self.attributes;
        entity.unit = attributes.unit_of_measurement.shared(interner);
        entity.supported_features = attributes.supported_features.number();
        entity.orphaned = attributes.restored.is_true();
        entity.editor = matches!(self.domain, "automation" | "scene") && attributes.id.is_set();
        if matches!(self.domain, "automation" | "script") {
            entity.mode = attributes.mode.shared(interner);
        }
    }
}

/// Attributes of a state, or capabilities of a registry entry: those that we look at.
#[derive(Default)]
struct Attributes<'a> {
    friendly_name: Odd<'a>,
    icon: Odd<'a>,
    device_class: Odd<'a>,
    unit_of_measurement: Odd<'a>,
    supported_features: Odd<'a>,
    restored: Odd<'a>,
    id: Odd<'a>,
    mode: Odd<'a>,
    capabilities: Vec<(Capability, &'a RawValue)>,
}

fn read_attributes<'a>(
    object: &'a RawValue,
    wanted: &'static [Capability],
) -> Result<Attributes<'a>, serde_json::Error> {
    AttributesOf(wanted).deserialize(&mut serde_json::Deserializer::from_str(object.get()))
}

struct AttributesOf(&'static [Capability]);

impl<'a> DeserializeSeed<'a> for AttributesOf {
    type Value = Attributes<'a>;

    fn deserialize<D: Deserializer<'a>>(self, object: D) -> Result<Attributes<'a>, D::Error> {
        object.deserialize_map(self)
    }
}

impl<'a> Visitor<'a> for AttributesOf {
    type Value = Attributes<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("attributes")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut object: A) -> Result<Attributes<'a>, A::Error> {
        let mut found = Attributes::default();
        while let Some(key) = object.next_key_seed(Key)? {
            if let Some(capability) = self.0.iter().find(|capability| capability.name == key) {
                found.capabilities.push((*capability, object.next_value()?));
                continue;
            }
            let field = match &*key {
                "friendly_name" => &mut found.friendly_name,
                "icon" => &mut found.icon,
                "device_class" => &mut found.device_class,
                "unit_of_measurement" => &mut found.unit_of_measurement,
                "supported_features" => &mut found.supported_features,
                "restored" => &mut found.restored,
                "id" => &mut found.id,
                "mode" => &mut found.mode,
                _ => {
                    object.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            *field = object.next_value()?;
        }
        Ok(found)
    }
}
