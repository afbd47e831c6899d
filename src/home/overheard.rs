//! Anything at all, read as if Home Assistant had said it: the way in for fuzzing, which wants one call for every decoder there is.

use serde_json::value::RawValue;

use super::intern::Interner;
use super::wire::{each_message, entity, event, lists, text};
use crate::outbound::reading::{RawContents, RawDocument, RawEntity, Reading};

/// Reads bytes as one frame, and each result and event in it as everything that it could be.
#[doc(hidden)]
#[must_use]
pub fn overhear(frame: &[u8]) -> Vec<Reading> {
    let Ok(frame) = std::str::from_utf8(frame) else { return Vec::new() };
    let mut heard = Heard::default();
    let mut raws = Vec::new();
    // As in life, what came before a broken message in the same frame counts.
    let _ = each_message(frame, |message| raws.extend([message.result, message.event].into_iter().flatten()));
    for raw in &raws {
        heard.event(raw);
        heard.list(raw);
    }
    heard.contents(&raws);
    // Entities first, then what their states add to them.
    for raw in raws {
        heard.states(raw);
    }
    heard.entities.sort_unstable_by(|a, b| a.entity_id.cmp(&b.entity_id));
    heard.readings.push(Reading::Entities(heard.entities));
    heard.readings
}

#[derive(Default)]
struct Heard {
    interner: Interner,
    config_entries: lists::EntryDomains,
    readings: Vec<Reading>,
    entities: Vec<RawEntity>,
}

impl Heard {
    fn event(&mut self, raw: &RawValue) {
        let _ = event::entity_change(raw);
        let _ = event::triggered_entity(raw);
        let _ = event::saved_dashboard(raw);
        let _ = event::config_entries_matter(raw);
        let _ = event::is_first_listing(raw, false);
        let _ = event::installation_type(raw);
    }

    fn list(&mut self, raw: &RawValue) {
        let (interner, readings) = (&mut self.interner, &mut self.readings);
        let _ = lists::is_admin(raw);
        let _ = entity::registered_ids(raw);
        let _ = entity::routines(raw);
        if let Ok((entries, _)) = lists::config_entries(raw, interner) {
            self.config_entries.extend(entries);
        }
        readings.extend(lists::config(raw, interner).ok().and_then(Result::ok).map(Reading::Config));
        readings.extend(lists::areas(raw, interner).map(|(list, _)| Reading::Areas(list)));
        readings.extend(lists::floors(raw, interner).map(|(list, _)| Reading::Floors(list)));
        readings.extend(lists::labels(raw, interner).map(|(list, _)| Reading::Labels(list)));
        let devices = lists::devices(raw, &self.config_entries, interner);
        readings.extend(devices.map(|(list, _)| Reading::Devices(list)));
        readings.extend(lists::integrations(raw, interner).map(|(list, _)| Reading::Integrations(list)));
        readings.extend(lists::dashboards(raw, interner).map(|(list, _)| Reading::Dashboards(list)));
        readings.extend(lists::resources(raw, interner).map(|(list, _)| Reading::Resources(list)));
        let _ = entity::entries(raw, interner, |entity| self.entities.push(entity));
    }

    /// Each dashboard that was heard of holds one of the values.
    fn contents(&mut self, raws: &[&RawValue]) {
        let list = |reading: &Reading| {
            if let Reading::Dashboards(list) = reading { list.clone() } else { Vec::new() }
        };
        let dashboards = self.readings.iter().flat_map(list);
        let documents = raws.iter().map(|raw| RawDocument::Text(text(raw.get()))).rev().cycle();
        let contents = dashboards.zip(documents);
        let contents = contents
            .map(|(dashboard, document)| RawContents { id: dashboard.id.clone(), document })
            .collect();
        self.readings.push(Reading::Contents(contents));
    }

    fn states(&mut self, raw: &RawValue) {
        let (interner, entities) = (&mut self.interner, &mut self.entities);
        let mut take = |id: &str, nature: &entity::Nature<'_>| match entities
            .iter_mut()
            .find(|entity| &**entity.entity_id.reveal_to_home() == id)
        {
            Some(entity) => nature.complete(entity, interner),
            None => entities.push(nature.unregistered(id, interner)),
        };
        let _ = entity::states(raw, &mut take);
        let _ = entity::compressed_states(raw, &mut take);
        let _ = entity::sources(raw, |id, domain| {
            let _ = (id, domain);
        });
    }
}
