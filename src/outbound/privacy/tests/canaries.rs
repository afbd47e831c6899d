//! Strings that may not appear: whatever a home holds, only what is listed leaves; and no two tenants see the same.

use std::sync::Arc;

use std::collections::BTreeSet;

use super::*;
use crate::outbound::example::{entity, home, registry_id, shared, text};
use crate::outbound::reading::{
    RawArea, RawCapabilities, RawConfig, RawDashboard, RawDevice, RawFloor, RawIntegration, RawLabel,
    RawResource, Shared,
};

/// A home in which every string is a canary: `own…` may leave under `names`, `never…` must not leave at all.
fn aviary(device_integration: &str) -> Vec<Reading> {
    let own = |what: &str| text(&format!("own {what}"));
    let own_shared = |what: &str| shared(&format!("own {what}"));
    let never = |what: &str| shared(&format!("never {what}"));
    let mut raw = entity(1, "own_domain.own_object");
    raw.integration = Some(own_shared("integration"));
    raw.name = Some(own("entity"));
    raw.original_name = Some(text("never original name"));
    raw.aliases = [own("alias"), own("another alias")].into();
    raw.icon = Some(own_shared("icon"));
    raw.translation_key = Some(own_shared("key"));
    raw.device_class = Some(own_shared("class"));
    raw.unit = Some(own_shared("unit"));
    raw.category = Some(never("category"));
    raw.labels = [never("label id")].into();
    raw.mode = Some(never("mode"));
    raw.device = Some(registry_id("device", 1));
    raw.area = Some(never("area id"));
    let mut thermostat = raw.clone();
    thermostat.id = None;
    thermostat.entity_id = text("climate.own_thermostat");
    let lists = ["fan_modes", "hvac_modes", "preset_modes", "swing_modes"]
        .map(|name| (name, Box::from([own_shared("mode"), own_shared(name)]) as Box<[Shared]>));
    thermostat.capabilities = Some(Arc::new(RawCapabilities {
        state_class: Some(never("state class")),
        lists: lists.into(),
        numbers: vec![("min_temp", "never a number".into()), ("max", "never a maximum".into())],
        words: vec![("mode", never("word")), ("pattern", never("pattern"))],
        flags: vec![],
    }));
    let mut number = thermostat.clone();
    number.entity_id = text("number.own_number");
    vec![
        Reading::Config(RawConfig {
            version: "never a version".into(),
            language: Some(never("language")),
            length_unit: Some(never("length unit")),
            installation_type: Some(never("installation")),
        }),
        Reading::Floors(vec![RawFloor {
            id: never("floor id"),
            name: own("floor"),
            aliases: vec![own("floor alias")],
            level: Some(1),
            icon: Some(own_shared("floor icon")),
        }]),
        Reading::Areas(vec![RawArea {
            id: never("area id"),
            floor: Some(never("floor id")),
            name: own("area"),
            aliases: vec![own("area alias")],
            icon: Some(own_shared("area icon")),
            labels: [never("label id")].into(),
        }]),
        Reading::Labels(vec![RawLabel {
            id: never("label id"),
            name: own("label"),
            icon: Some(own_shared("label icon")),
        }]),
        Reading::Devices(vec![RawDevice {
            id: registry_id("device", 1),
            parent: None,
            integrations: [shared(device_integration)].into(),
            name: Some(text("never an overridden name")),
            name_by_user: Some(own("device")),
            manufacturer: Some(own_shared("manufacturer")),
            model: Some(own_shared("model")),
            area: Some(never("area id")),
            labels: [never("label id")].into(),
            service: false,
            disabled: false,
        }]),
        Reading::Entities(vec![raw, thermostat, number]),
        Reading::Integrations(vec![RawIntegration {
            domain: never("domain"),
            built_in: false,
            version: Some(never("integration version")),
        }]),
        Reading::Dashboards(vec![RawDashboard {
            id: never("dashboard id"),
            yaml: true,
            title: Some(own("title")),
            url_path: Some(own("path")),
            icon: Some(own_shared("dashboard icon")),
            sidebar: true,
            admin: true,
        }]),
        Reading::Resources(vec![RawResource {
            id: never("resource id"),
            kind: never("kind"),
            url: text("never/own.js"),
        }]),
    ]
}

fn bytes(case: &mut Case) -> String {
    case.render().0.into_iter().map(|(key, body)| key + " " + &body + "\n").collect()
}

#[test]
fn no_text_of_the_home_leaves_with_structure_alone() {
    for integration in ["own_integration", "mqtt"] {
        let all = bytes(&mut Case::new(aviary(integration)));
        assert!(all.lines().count() >= 10, "{all}");
        assert!(!all.contains("own") && !all.contains("never"), "{all}");
    }
}

#[test]
fn with_names_only_the_owners_words_leave() {
    let all = bytes(&mut Case::new(aviary("own_integration")).with_names());
    assert!(!all.contains("never"), "{all}");
    for word in [
        "own entity",
        "own alias",
        "own another alias",
        "own icon",
        "own key",
        "own class",
        "own unit",
        "own_domain.own_object",
        "own_integration",
        "own preset_modes",
        "own floor alias",
        "own area",
        "own label",
        "own device",
        "own manufacturer",
        "own model",
        "own title",
        "own path",
    ] {
        assert!(all.contains(word), "{word} is missing in {all}");
    }
}

/// S69 and R10: even with `names`, what looks like a secret or names the home's own address stays.
#[test]
fn s69_addresses_do_not_leave_in_names() {
    let named = |name: &str| {
        let mut raw = entity(1, "light.a");
        raw.name = Some(text(name));
        let mut case = Case::new(vec![Reading::Entities(vec![raw])]).with_names();
        case.own_hosts = vec![text("villa-sunshine"), text("home")];
        bytes(&mut case).contains("\"name\":")
    };
    assert!(named("Reading lamp") && named("home cinema lamp"));
    for secret in [
        "Camera 192.168.1.20",
        "Router http://villa:8123",
        "see villa-sunshine",
        "Villa-Sunshine",
        "home",
        "x@y.example",
    ] {
        assert!(!named(secret), "{secret}");
    }
    let mut raw = entity(1, "light.a");
    raw.name = Some(text(&"x".repeat(256)));
    raw.aliases = [text("with\u{7}bell")].into();
    let all = bytes(&mut Case::new(vec![Reading::Entities(vec![raw])]).with_names());
    assert!(all.contains(r#"{"aliases":["withbell"],"entity_id":"light.a"}"#), "{all}");
}

/// Renames everything that a person can rename, except areas.
fn renamed(mut readings: Vec<Reading>) -> Vec<Reading> {
    for reading in &mut readings {
        match reading {
            Reading::Devices(list) => {
                for device in list {
                    device.name_by_user = Some(text("zz renamed"));
                }
            }
            Reading::Entities(list) => {
                for (number, raw) in list.iter_mut().enumerate().filter(|(_, raw)| raw.id.is_some()) {
                    let domain = raw.entity_id.reveal_to_privacy().split('.').next().unwrap().to_owned();
                    raw.entity_id = text(&format!("{domain}.renamed_{}", 90_000 - number));
                    raw.name = Some(text("renamed"));
                    raw.aliases = [text("renamed too")].into();
                    raw.icon = Some(shared("mdi:renamed"));
                }
                list.reverse();
            }
            Reading::Labels(list) => list[0].name = text("renamed"),
            Reading::Floors(list) => list[0].name = text("renamed"),
            Reading::Dashboards(list) => list[0].title = Some(text("renamed")),
            Reading::Config(_)
            | Reading::Areas(_)
            | Reading::SomeEntities { .. }
            | Reading::Integrations(_)
            | Reading::Contents(_)
            | Reading::SomeContents(_)
            | Reading::Routines(_)
            | Reading::SomeRoutines(_)
            | Reading::Resources(_) => {}
        }
    }
    readings
}

#[test]
fn renaming_changes_no_byte_without_names() {
    assert_eq!(bytes(&mut Case::new(home(300))), bytes(&mut Case::new(renamed(home(300)))));
    assert_ne!(
        bytes(&mut Case::new(home(300)).with_names()),
        bytes(&mut Case::new(renamed(home(300))).with_names())
    );
}

#[test]
fn renaming_an_area_changes_at_most_its_kind_and_number() {
    let mut case = Case::new(home(100));
    let before = case.records();
    let mut readings = home(100);
    for reading in &mut readings {
        if let Reading::Areas(list) = reading {
            list[1].name = text("Emma's den");
        }
    }
    for reading in readings {
        case.home.apply(reading, 1);
    }
    let after = case.records();
    let changed: Vec<_> = before.iter().filter(|(key, body)| after.get(*key) != Some(body)).collect();
    assert_eq!(changed.len(), 1);
    let without = |body: &str| {
        let mut value: serde_json::Value = serde_json::from_str(body).unwrap();
        value.as_object_mut().unwrap().retain(|name, _| name != "kind" && name != "ordinal");
        value
    };
    assert_eq!(without(changed[0].1), without(&after[changed[0].0]));
    assert_eq!(before.len(), after.len());
}

/// R1: of what two tenants see, nothing of 8 bytes and more is the same, less vocabulary, field names, manufacturers and models.
#[test]
fn r1_two_tenants_see_nothing_in_common() {
    let tokens = |tenant: u8| -> BTreeSet<String> {
        let mut case = Case::new(home(300));
        case.tenant = tenant;
        let all = bytes(&mut case);
        let products = [
            "Signify Netherlands B.V.",
            "Hue white lamp (LWB010)",
            "lumi.weather",
            "Shelly Plus 2PM",
            "2026.11.0",
        ];
        let all = products.iter().fold(all, |all, product| all.replace(product, ""));
        all.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '.'))
            .filter(|token| token.len() >= 8)
            .map(str::to_owned)
            .collect()
    };
    let (one, two) = (tokens(1), tokens(2));
    assert!(one.len() > 300);
    let fields: BTreeSet<&str> =
        schema::SCHEMAS.iter().flat_map(|schema| schema.fields).map(|field| field.name).collect();
    let known = |word: &str| {
        use vestibule_protocol::vocabulary::List;
        let one_of =
            |shape: schema::Shape| matches!(shape, schema::Shape::OneOf(list) if list.contains(&word));
        fields.contains(word)
            || schema::SCHEMAS.iter().flat_map(|schema| schema.fields).any(|field| one_of(field.shape))
            || List::ALL.into_iter().any(|list| list.find(word).is_some())
            || List::Capability.words().any(|line| line.split(' ').any(|known| known == word))
            || vestibule_protocol::record::RecordKind::ALL.into_iter().any(|kind| kind.name() == word)
    };
    let common: Vec<_> = one.intersection(&two).filter(|token| !known(token)).collect();
    assert!(common.is_empty(), "{common:?}");
}
