//! A home as a tree that people can read: floors, rooms, devices, entities.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;
use vestibule_protocol::id::OpaqueId;
use vestibule_protocol::record::RecordKind;

use super::held::Held;
use super::shown::plain;

/// The parts of the tree, by what they stand under.
struct Parts<'a> {
    held: &'a Held,
    areas: BTreeMap<Option<OpaqueId>, Vec<(OpaqueId, &'a Value)>>,
    devices: BTreeMap<Option<OpaqueId>, Vec<(OpaqueId, &'a Value)>>,
    /// Entities of a device, where they stand in the device's room.
    of_device: BTreeMap<OpaqueId, Vec<(OpaqueId, &'a Value)>>,
    /// Entities that stand in a room by themselves.
    in_area: BTreeMap<Option<OpaqueId>, Vec<(OpaqueId, &'a Value)>>,
}

/// Draws the tree, two spaces a level; ids stand at the end of each line.
#[must_use]
pub fn draw(held: &Held) -> String {
    let mut parts = Parts {
        held,
        areas: BTreeMap::new(),
        devices: BTreeMap::new(),
        of_device: BTreeMap::new(),
        in_area: BTreeMap::new(),
    };
    for (id, area) in held.all(RecordKind::Area) {
        parts.areas.entry(link(area, "floor")).or_default().push((id, area));
    }
    for areas in parts.areas.values_mut() {
        areas.sort_by_key(|(id, area)| (number(area, "order"), *id));
    }
    for (id, device) in held.all(RecordKind::Device) {
        parts.devices.entry(link(device, "area")).or_default().push((id, device));
    }
    for (id, entity) in held.all(RecordKind::Entity) {
        let (own, device) = (link(entity, "area"), link(entity, "device"));
        let of_device = device.and_then(|device| Some((device, held.of(device)?)));
        match of_device {
            Some((device, record)) if own.is_none() || own == link(record, "area") => {
                parts.of_device.entry(device).or_default().push((id, entity));
            }
            _ => parts.in_area.entry(own).or_default().push((id, entity)),
        }
    }
    parts.draw()
}

impl Parts<'_> {
    fn draw(&self) -> String {
        let mut text = String::new();
        if let Some(home) = self.held.home() {
            let core = home.get("core").and_then(Value::as_str).unwrap_or("-");
            let _ = writeln!(text, "Home Assistant {}", plain(core));
        }
        let mut floors: Vec<(OpaqueId, &Value)> = self.held.all(RecordKind::Floor).collect();
        floors.sort_by_key(|(id, floor)| (number(floor, "order"), *id));
        for (id, floor) in floors {
            let level = floor.get("level").and_then(Value::as_i64);
            let kind = level.map_or_else(|| "floor".to_owned(), |level| format!("floor, level {level}"));
            self.line(&mut text, 0, id, &kind);
            self.areas(&mut text, 1, Some(id));
        }
        self.areas(&mut text, 0, None);
        let nowhere = [self.devices.contains_key(&None), self.in_area.contains_key(&None)];
        if nowhere.contains(&true) {
            text.push_str("in no room\n");
            self.contents(&mut text, 1, None);
        }
        let others = [RecordKind::Dashboard, RecordKind::Automation, RecordKind::Script, RecordKind::Scene];
        for kind in others {
            for (id, record) in self.held.all(kind) {
                let mode = record.get("mode").and_then(Value::as_str);
                let mode = mode.map_or_else(
                    || kind.name().to_owned(),
                    |mode| format!("{}, {}", kind.name(), plain(mode)),
                );
                self.line(&mut text, 0, id, &mode);
            }
        }
        text
    }

    fn areas(&self, text: &mut String, depth: usize, floor: Option<OpaqueId>) {
        for (id, area) in self.areas.get(&floor).into_iter().flatten() {
            let kind = area.get("kind").and_then(Value::as_str).unwrap_or("other");
            let kind = match number(area, "ordinal") {
                0 | 1 => plain(kind),
                ordinal => format!("{} {ordinal}", plain(kind)),
            };
            self.line(text, depth, *id, &kind);
            self.contents(text, depth + 1, Some(*id));
        }
    }

    fn contents(&self, text: &mut String, depth: usize, area: Option<OpaqueId>) {
        for (id, device) in self.devices.get(&area).into_iter().flatten() {
            let words = words(device, &["manufacturer", "model", "integration"]);
            self.line(text, depth, *id, &if words.is_empty() { "device".to_owned() } else { words });
            for (id, entity) in self.of_device.get(id).into_iter().flatten() {
                self.line(text, depth + 1, *id, &entity_words(entity));
            }
        }
        for (id, entity) in self.in_area.get(&area).into_iter().flatten() {
            self.line(text, depth, *id, &entity_words(entity));
        }
    }

    fn line(&self, text: &mut String, depth: usize, id: OpaqueId, what: &str) {
        let name = self.held.name(id).map(|name| format!("“{}” ", plain(name))).unwrap_or_default();
        let _ = writeln!(text, "{:indent$}{name}{what}  {id}", "", indent = 2 * depth);
    }
}

fn entity_words(entity: &Value) -> String {
    let mut words = words(entity, &["domain", "class", "key", "unit"]);
    for flag in ["main", "disabled", "hidden"] {
        if entity.get(flag).and_then(Value::as_bool) == Some(true) {
            words.push_str(if words.is_empty() { "" } else { ", " });
            words.push_str(flag);
        }
    }
    words
}

fn words(record: &Value, fields: &[&str]) -> String {
    let words = fields.iter().filter_map(|field| record.get(field)?.as_str()).map(plain);
    words.collect::<Vec<_>>().join(" ")
}

fn link(record: &Value, field: &str) -> Option<OpaqueId> {
    record.get(field)?.as_str()?.parse().ok()
}

fn number(record: &Value, field: &str) -> u64 {
    record.get(field).and_then(Value::as_u64).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_becomes_a_tree() {
        let lines = [
            r#"{"key":"home/home","record":{"agent":"0.1.0","core":"2026.11.0"}}"#,
            r#"{"key":"floor/f_aaaaaaaaaaaaa","record":{"level":0,"order":0}}"#,
            r#"{"key":"area/a_aaaaaaaaaaaaa","record":{"floor":"f_aaaaaaaaaaaaa","kind":"kitchen","order":1,"ordinal":1}}"#,
            r#"{"key":"area/a_baaaaaaaaaaaa","record":{"floor":"f_aaaaaaaaaaaaa","kind":"bedroom","order":0,"ordinal":2}}"#,
            r#"{"key":"device/d_aaaaaaaaaaaaa","record":{"area":"a_aaaaaaaaaaaaa","manufacturer":"Acme","model":"Lamp"}}"#,
            r#"{"key":"device/d_baaaaaaaaaaaa","record":{}}"#,
            r#"{"key":"entity/e_aaaaaaaaaaaaa","record":{"device":"d_aaaaaaaaaaaaa","domain":"light","main":true}}"#,
            r#"{"key":"entity/e_baaaaaaaaaaaa","record":{"area":"a_baaaaaaaaaaaa","class":"temperature","device":"d_aaaaaaaaaaaaa","domain":"sensor","unit":"°C"}}"#,
            r#"{"key":"entity/e_caaaaaaaaaaaa","record":{"domain":"sun"}}"#,
            r#"{"key":"name/a_aaaaaaaaaaaaa","record":{"name":"Galley"}}"#,
            r#"{"key":"dashboard/b_aaaaaaaaaaaaa","record":{"mode":"storage"}}"#,
        ];
        insta::assert_snapshot!(draw(&Held::read(&lines.join("\n")).unwrap()));
    }
}
