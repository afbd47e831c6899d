//! An excluded thing does not exist for the portal, and neither do references to it.

use super::*;
use crate::outbound::example::{device, entity, shared, text};
use crate::outbound::privacy::policy::Excluded;
use crate::outbound::reading::{RawArea, RawDevice, RawIntegration, RawLabel};

/// Two rooms; in the first a device with a part, each with an entity; in the second a device; loose entities in both.
fn house() -> Vec<Reading> {
    let area = |id: &str| RawArea {
        id: shared(id),
        floor: None,
        name: text(id),
        aliases: vec![],
        icon: None,
        labels: [].into(),
    };
    let mut lamp = device(1, "hue");
    lamp.area = Some(shared("one"));
    let mut part = device(2, "hue");
    part.parent = Some(lamp.id);
    let mut plug = device(3, "shelly");
    plug.area = Some(shared("two"));
    plug.labels = [shared("private")].into();
    let on = |number: usize, id: &str, device: Option<&RawDevice>, area: Option<&str>| {
        let mut raw = entity(number, id);
        raw.device = device.map(|device| device.id);
        raw.integration = device.map(|device| device.integrations[0].clone());
        raw.area = area.map(shared);
        raw
    };
    let list = vec![
        on(1, "light.lamp", Some(&lamp), None),
        on(2, "sensor.part", Some(&part), None),
        on(3, "switch.plug", Some(&plug), None),
        // On a device in the second room, but itself in the first.
        on(4, "button.plug_button", Some(&plug), Some("one")),
        on(5, "fan.loose", None, Some("two")),
        on(6, "siren.free", None, None),
    ];
    vec![
        Reading::Areas(vec![area("one"), area("two")]),
        Reading::Labels(vec![RawLabel { id: shared("private"), name: text("Private"), icon: None }]),
        Reading::Devices(vec![lamp, part, plug]),
        Reading::Entities(list),
        Reading::Integrations(
            ["hue", "shelly"]
                .map(|domain| RawIntegration { domain: shared(domain), built_in: true, version: None })
                .into(),
        ),
    ]
}

/// Domains of the entities that are left, and the number of devices and areas.
fn left(exclude: &str) -> (Vec<String>, usize, usize) {
    let mut case = Case::new(house()).with_names();
    if !exclude.is_empty() {
        let key = keys(case.tenant).id_key;
        let spelled = if let Some(id) = exclude.strip_prefix("area ") {
            super::super::ids::text(&key, vestibule_protocol::id::Thing::Area, &shared(id)).to_string()
        } else if let Some(id) = exclude.strip_prefix("label ") {
            super::super::ids::text(&key, vestibule_protocol::id::Thing::Label, &shared(id)).to_string()
        } else if let Some(number) = exclude.strip_prefix("device ") {
            let id = device(number.parse().unwrap(), "x").id;
            super::super::ids::device(&key, &id).to_string()
        } else if let Some(number) = exclude.strip_prefix("entity ") {
            let raw = entity(number.parse().unwrap(), "x.x");
            super::super::ids::entity(&key, vestibule_protocol::id::Thing::Entity, &raw).to_string()
        } else {
            exclude.to_owned()
        };
        assert!(case.exclusions.add(spelled.parse::<Excluded>().unwrap()));
        assert_eq!(case.exclusions.iter().next().unwrap().to_string(), spelled);
        let records = case.records();
        let id = spelled.as_str();
        assert!(
            !records.iter().any(|(key, body)| key.contains(id) || body.contains(id)),
            "nothing refers to what is excluded"
        );
        let all = Case::new(house()).with_names().records();
        assert!(records.len() < all.len());
        assert!(
            records.keys().all(|key| all.contains_key(key)),
            "an exclusion adds nothing by which it could be noticed"
        );
    }
    let domains = case
        .of_kind("entity")
        .iter()
        .map(|body| body.split("\"domain\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned())
        .collect::<std::collections::BTreeSet<_>>();
    (domains.into_iter().collect(), case.of_kind("device").len(), case.of_kind("area").len())
}

#[test]
fn everything_is_there_without_exclusions() {
    assert_eq!(
        left(""),
        (["button", "fan", "light", "sensor", "siren", "switch"].map(str::to_owned).into(), 3, 2)
    );
}

#[test]
fn an_area_takes_everything_in_it_along() {
    assert_eq!(left("area one"), (["fan", "siren", "switch"].map(str::to_owned).into(), 1, 1));
    assert_eq!(left("area two"), (["light", "sensor", "siren"].map(str::to_owned).into(), 2, 1));
}

#[test]
fn a_label_takes_everything_along_that_carries_it() {
    assert_eq!(left("label private"), (["fan", "light", "sensor", "siren"].map(str::to_owned).into(), 2, 2));
}

#[test]
fn a_device_takes_its_parts_and_entities_along() {
    assert_eq!(left("device 1"), (["button", "fan", "siren", "switch"].map(str::to_owned).into(), 1, 2));
    assert_eq!(
        left("device 2"),
        (["button", "fan", "light", "siren", "switch"].map(str::to_owned).into(), 2, 2)
    );
}

#[test]
fn an_entity_goes_alone() {
    assert_eq!(
        left("entity 5"),
        (["button", "light", "sensor", "siren", "switch"].map(str::to_owned).into(), 3, 2)
    );
}

#[test]
fn an_integration_takes_its_devices_and_entities_along() {
    assert_eq!(
        left("integration/hue"),
        (["button", "fan", "siren", "switch"].map(str::to_owned).into(), 1, 2)
    );
}

#[test]
fn only_what_can_be_excluded_is_accepted() {
    for wrong in
        ["", "hue", "integration/", "integration/Emma's", "f_aaaaaaaaaaaaa", "light.kitchen", "a_short"]
    {
        assert_eq!(wrong.parse::<Excluded>().unwrap_err().code, "not_excludable", "{wrong}");
    }
    let hue: Excluded = "integration/hue".parse().unwrap();
    assert!(!format!("{hue:?}").contains("hue"), "a log does not name it");
    let mut exclusions = Exclusions::default();
    assert!(exclusions.add(hue.clone()) && !exclusions.add(hue.clone()) && exclusions.remove(&hue));
}
