//! R9 item by item.

use std::sync::Arc;

use super::*;
use crate::outbound::example::{device, entity, home, registry_id, shared, text};
use crate::outbound::privacy::own_words;
use crate::outbound::reading::{RawArea, RawCapabilities, RawEntity, RawIntegration, RawResource};

fn entities(list: Vec<RawEntity>) -> Case {
    Case::new(vec![Reading::Entities(list)])
}

/// S1, S98: whatever a whole home renders is in the schema, with names and without.
#[test]
fn s98_every_record_of_a_home_is_listed() {
    assert!(Case::new(home(500)).records().len() > 600);
    assert!(Case::new(home(500)).with_names().records().len() > 1200);
}

/// S3: no grant, no record.
#[test]
fn s3_without_a_grant_nothing_is_rendered() {
    let mut case = Case::new(home(100));
    case.consent = Consent::default();
    assert!(case.records().is_empty());
    case.consent.grant(Class::Names);
    assert!(case.records().keys().all(|key| key.starts_with("name/")));
}

#[test]
fn r9_no_record_for_people_places_and_plans() {
    let ids = [
        "person.emma",
        "zone.work",
        "device_tracker.phone",
        "geo_location.x",
        "calendar.emma",
        "todo.shopping",
    ];
    let mut list: Vec<_> = ids.into_iter().enumerate().map(|(number, id)| entity(number, id)).collect();
    assert!(entities(list.clone()).with_names().records().is_empty());
    list.push(entity(99, "light.lamp"));
    assert_eq!(entities(list).of_kind("entity"), [r#"{"domain":"light"}"#]);
}

#[test]
fn r9_no_record_for_phones_and_what_is_on_them() {
    let phone = device(1, "mobile_app");
    let mut shared_device = device(2, "mobile_app");
    shared_device.integrations = [shared("hue"), shared("mobile_app")].into();
    let mut battery = entity(1, "sensor.phone_battery");
    battery.device = Some(phone.id);
    let mut case =
        Case::new(vec![Reading::Devices(vec![phone, shared_device]), Reading::Entities(vec![battery])])
            .with_names();
    assert_eq!(case.of_kind("device"), [r#"{"integration":"hue"}"#]);
    assert!(case.of_kind("entity").is_empty());
}

#[test]
fn r9_custom_integrations_are_custom() {
    let mut list =
        vec![entity(1, "light.a"), entity(2, "light.b"), entity(3, "light.c"), entity(4, "light.d")];
    for (raw, domain) in list.iter_mut().zip(["secret_lab", "hue", "deconz", "brand_new"]) {
        raw.integration = Some(shared(domain));
        raw.translation_key = Some(shared("battery"));
    }
    let integration = |domain: &str, built_in| RawIntegration {
        domain: shared(domain),
        built_in,
        version: Some(shared("9")),
    };
    let mut case = Case::new(vec![
        Reading::Entities(list),
        // `hue` is a custom one that took a built-in name; `deconz` is not loaded; `brand_new` is newer than the list.
        Reading::Integrations(vec![
            integration("secret_lab", false),
            integration("hue", false),
            integration("brand_new", true),
            integration("sun", true),
        ]),
    ]);
    // Numbers among the lamps follow opaque ids and do not matter here.
    let mut told: Vec<String> = case
        .of_kind("entity")
        .iter()
        .map(|body| body.split(",\"ordinal\"").next().unwrap().replace('}', ""))
        .collect();
    told.sort();
    assert_eq!(
        told,
        [
            r#"{"domain":"light","integration":"custom""#,
            r#"{"domain":"light","integration":"custom""#,
            r#"{"domain":"light","integration":"deconz","key":"battery""#,
            r#"{"domain":"light","integration":"other""#,
        ]
    );
    let keys: Vec<String> =
        case.records().into_keys().filter(|key| key.starts_with("integration/")).collect();
    assert_eq!(keys, ["integration/custom", "integration/other", "integration/sun"]);
}

#[test]
fn r9_manufacturer_and_model_only_where_nobody_typed_them() {
    let told = |integration: &str, manufacturer: &str| {
        let mut raw = device(1, integration);
        raw.manufacturer = Some(shared(manufacturer));
        Case::new(vec![Reading::Devices(vec![raw])]).of_kind("device").concat().contains("manufacturer")
    };
    assert!(told("hue", "Signify Netherlands B.V."));
    assert!(told("zha", "LUMI"));
    for integration in
        ["mqtt", "esphome", "template", "rest", "command_line", "modbus", "knx", "hassio", "my_custom"]
    {
        assert!(!told(integration, "Grandma"), "{integration}");
    }
    assert!(told("hue", &"x".repeat(40)) && !told("hue", &"x".repeat(41)));
    for secret in
        ["192.168.1.20", "a4:cf:12:f3:e2:b1", "emma@example.org", "tab\there", "", "https://x.example"]
    {
        assert!(!told("hue", secret), "{secret}");
    }
}

#[test]
fn r9_units_classes_and_modes_come_from_closed_lists() {
    let mut raw = entity(1, "sensor.x");
    raw.unit = Some(shared("cats per Emma"));
    raw.device_class = Some(shared("emma"));
    raw.category = Some(shared("emma"));
    raw.mode = Some(shared("emma"));
    raw.capabilities =
        Some(Arc::new(RawCapabilities { state_class: Some(shared("emma")), ..RawCapabilities::default() }));
    assert_eq!(entities(vec![raw.clone()]).of_kind("entity"), [r#"{"domain":"sensor"}"#]);
    raw.unit = Some(shared("°C"));
    raw.device_class = Some(shared("temperature"));
    raw.category = Some(shared("diagnostic"));
    raw.capabilities =
        Some(Arc::new(RawCapabilities { state_class: Some(shared("total")), ..RawCapabilities::default() }));
    assert_eq!(
        entities(vec![raw]).of_kind("entity"),
        [
            r#"{"category":"diagnostic","class":"temperature","domain":"sensor","state_class":"total","unit":"°C"}"#
        ]
    );
}

#[test]
fn r9_lists_are_members_of_closed_lists_and_a_count() {
    let list = |words: &[&str]| words.iter().map(|word| shared(word)).collect();
    let told = |id: &str, raw: RawCapabilities| {
        let mut raw_entity = entity(1, id);
        raw_entity.capabilities = Some(Arc::new(raw));
        entities(vec![raw_entity]).of_kind("entity").concat()
    };
    let lists = |lists| RawCapabilities { lists, ..RawCapabilities::default() };
    assert_eq!(
        told("input_select.who", lists(vec![("options", list(&["Emma", "Ben", "off"]))])),
        r#"{"caps":{"options":["+3"]},"domain":"input_select"}"#
    );
    assert_eq!(
        told(
            "climate.x",
            lists(vec![
                ("preset_modes", list(&["home", "Emma asleep", "away"])),
                ("hvac_modes", list(&["off", "heat"]))
            ])
        ),
        r#"{"caps":{"hvac_modes":["heat","off"],"preset_modes":["away","home","+1"]},"domain":"climate"}"#
    );
    // What varies with the state: sources of a television, the range of a thermostat.
    assert_eq!(
        told("media_player.tv", lists(vec![("source_list", list(&["HDMI 1"]))])),
        r#"{"domain":"media_player"}"#
    );
    let range = RawCapabilities { numbers: vec![("min_temp", "7".into())], ..RawCapabilities::default() };
    assert_eq!(told("climate.x", range), r#"{"domain":"climate"}"#);
    let number = RawCapabilities {
        numbers: vec![("step", "0.50".into()), ("max", "100.0".into()), ("min", "12 Elm Street".into())],
        words: vec![("mode", shared("slider")), ("pattern", shared("[a-z]+"))],
        ..RawCapabilities::default()
    };
    assert_eq!(
        told("number.x", number),
        r#"{"caps":{"max":"100","mode":"slider","step":"0.5"},"domain":"number"}"#
    );
}

#[test]
fn r9_features_only_where_they_do_not_vary_with_the_state() {
    let told = |id: &str, integration: &str| {
        let mut raw = entity(1, id);
        raw.supported_features = Some(5);
        raw.integration = Some(shared(integration));
        entities(vec![raw]).of_kind("entity").concat().contains("features")
    };
    assert!(told("light.x", "hue") && told("cover.x", "shelly"));
    assert!(!told("media_player.x", "cast") && !told("climate.x", "tado") && !told("light.x", "group"));
}

#[test]
fn r9_resources_are_a_type_and_a_word() {
    let resource =
        |id: &str, url: &str| RawResource { id: shared(id), kind: shared("module"), url: text(url) };
    let urls = [
        "/hacsfiles/x/x.js",
        "/local/emma.js",
        "https://emma.example/x.js",
        "data:text/javascript;base64,AAAA",
        "data:text/javascript;vestibule=acme-clock,customElements.define('acme-clock', class extends HTMLElement {})",
    ];
    let list = urls.iter().enumerate().map(|(number, url)| resource(&number.to_string(), url)).collect();
    let mut told =
        Case::new(vec![Reading::Resources(list)]).with_names().records().into_values().collect::<Vec<_>>();
    told.sort();
    assert_eq!(
        told,
        ["hacs", "local", "other", "other", "ours"]
            .map(|source| format!(r#"{{"source":"{source}","type":"module"}}"#))
    );
}

fn area(id: &str, name: &str) -> RawArea {
    RawArea { id: shared(id), floor: None, name: text(name), aliases: vec![], icon: None, labels: [].into() }
}

#[test]
fn r9_the_owner_chooses_or_hides_a_kind_of_room() {
    let areas = || vec![Reading::Areas(vec![area("a", "Kinderzimmer Emma"), area("b", "Kitchen")])];
    let mut case = Case::new(areas());
    let kinds = |case: &mut Case| {
        let mut kinds: Vec<String> = case
            .of_kind("area")
            .iter()
            .map(|body| body.split("\"kind\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned())
            .collect();
        kinds.sort();
        kinds
    };
    assert_eq!(kinds(&mut case), ["bedroom", "kitchen"]);
    let ids: Vec<_> =
        case.records().into_keys().map(|key| key.split_once('/').unwrap().1.parse().unwrap()).collect();
    case.kinds.set(ids[0], "hidden").unwrap();
    case.kinds.set(ids[1], "hidden").unwrap();
    assert_eq!(kinds(&mut case), ["other", "other"]);
    case.kinds.set(ids[0], "office").unwrap();
    assert_eq!(kinds(&mut case), ["office", "other"]);
    assert_eq!(case.kinds.set(ids[0], "nursery").unwrap_err().code, "unknown_room_kind");
}

/// R8: a second thing with the same name is refused, and the owner is told.
#[test]
fn r8_a_collision_refuses_the_second() {
    let mut twin = entity(1, "light.b");
    twin.hidden = true;
    let (records, problems) = entities(vec![entity(1, "light.a"), twin]).render();
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].1, r#"{"domain":"light"}"#);
    assert_eq!(problems.iter().map(|problem| problem.code.as_ref()).collect::<Vec<_>>(), ["id_collision"]);
}

/// DESIGN section 4: disabling shows at once, being orphaned at most daily, and a restart changes nothing.
#[test]
fn usable_is_refreshed_daily() {
    let mut raw = entity(1, "light.a");
    raw.orphaned = true;
    let mut case = entities(vec![raw.clone()]);
    assert_eq!(case.of_kind("entity"), [r#"{"domain":"light","usable":false}"#]);
    raw.orphaned = false;
    case.home.apply(Reading::Entities(vec![raw.clone()]), 10);
    assert_eq!(Orphans::refreshed(Some(&case.orphans), &case.home, 86_399), None);
    assert_eq!(case.of_kind("entity"), [r#"{"domain":"light","usable":false}"#]);
    case.orphans = Orphans::refreshed(Some(&case.orphans), &case.home, 86_400).unwrap();
    assert_eq!(case.of_kind("entity"), [r#"{"domain":"light"}"#]);
    raw.disabled = true;
    case.home.apply(Reading::Entities(vec![raw]), 86_401);
    assert_eq!(case.of_kind("entity"), [r#"{"disabled":true,"domain":"light","usable":false}"#]);
}

/// The same home gives the same snapshot, in whatever order its lists came.
#[test]
fn the_order_of_readings_does_not_matter() {
    let straight = Case::new(home(300)).with_names().render().0;
    let mut readings = home(300);
    readings.reverse();
    for reading in &mut readings {
        match reading {
            Reading::Devices(list) => list.reverse(),
            Reading::Entities(list) => list.reverse(),
            Reading::Integrations(list) => list.reverse(),
            Reading::Config(_)
            | Reading::Floors(_)
            | Reading::Areas(_)
            | Reading::Labels(_)
            | Reading::SomeEntities { .. }
            | Reading::Dashboards(_)
            | Reading::Contents(_)
            | Reading::SomeContents(_)
            | Reading::Routines(_)
            | Reading::SomeRoutines(_)
            | Reading::Resources(_) => {}
        }
    }
    assert_eq!(Case::new(readings).with_names().render().0, straight, "the very bytes and their order");
}

/// R8: home keeps the map both ways, so the owner reads own words where the portal has ids.
#[test]
fn the_owner_sees_own_words_for_every_id() {
    let mut case = Case::new(home(100));
    let key = keys(case.tenant).id_key;
    let ids: Vec<_> =
        case.records().into_keys().filter_map(|key| key.split_once('/')?.1.parse().ok()).collect();
    assert!(ids.len() > 100);
    for id in ids {
        let words = own_words(&case.home, &key, id);
        assert_eq!(words.is_some(), id.thing != vestibule_protocol::id::Thing::Resource, "{id}");
    }
    let other_tenant = keys(9).id_key;
    let id = super::super::ids::text(&other_tenant, vestibule_protocol::id::Thing::Label, &shared("good"));
    assert_eq!(own_words(&case.home, &other_tenant, id), Some(text("Good ones")));
    assert_eq!(own_words(&case.home, &key, id), None);
}

#[test]
fn references_to_what_does_not_exist_are_left_out() {
    let mut raw = entity(1, "light.a");
    raw.device = Some(registry_id("device", 77));
    raw.area = Some(shared("nowhere"));
    assert_eq!(entities(vec![raw]).of_kind("entity"), [r#"{"domain":"light"}"#]);
}

/// One change in the home is one put, rendered again with its body; what is gone has a key to delete it by.
#[test]
fn a_change_in_the_home_becomes_a_push() {
    use crate::outbound::diff::Diff;
    use crate::outbound::snapshot::Snapshot;
    let mut case = Case::new(home(200)).with_names();
    let keys = keys(case.tenant);
    let old = {
        let policy = Policy {
            consent: &case.consent,
            exclusions: &case.exclusions,
            kinds: &case.kinds,
            own_hosts: &[],
        };
        let view = View::new(&case.home, policy, &keys.id_key);
        view.number(&mut case.ordinals);
        Snapshot::of(&view, &case.ordinals, &case.orphans).0
    };
    let mut list = example_entities();
    let gone = list.pop().unwrap();
    list[0].hidden = true;
    case.home.apply(Reading::SomeEntities { now: vec![list[0].clone()], gone: vec![gone.entity_id] }, 5);
    let new = {
        let policy = Policy {
            consent: &case.consent,
            exclusions: &case.exclusions,
            kinds: &case.kinds,
            own_hosts: &[],
        };
        let view = View::new(&case.home, policy, &keys.id_key);
        assert!(view.number(&mut case.ordinals).is_empty());
        let (new, _) = Snapshot::of(&view, &case.ordinals, &case.orphans);
        let diff = Diff::between(&old, &new);
        let mut bodies = Vec::new();
        diff.bodies(&view, &case.ordinals, &case.orphans, &mut |record| {
            bodies.push((record.key.to_owned(), String::from_utf8(record.body.to_vec()).unwrap()));
        });
        assert_eq!(bodies.len(), 1);
        assert!(
            bodies[0].0.starts_with("entity/e_") && bodies[0].1.contains(r#""hidden":true"#),
            "{bodies:?}"
        );
        let gone: Vec<String> =
            diff.gone.iter().map(|key| old.key(*key).unwrap().kind().name().to_owned()).collect();
        assert_eq!(gone.len(), 2, "{gone:?}");
        new
    };
    assert_ne!(
        old.root(schema::VERSION, &case.consent.classes),
        new.root(schema::VERSION, &case.consent.classes)
    );
}

/// The registered entities of the example, sorted by entity id; the last is no automation.
fn example_entities() -> Vec<RawEntity> {
    let mut list = home(200)
        .into_iter()
        .find_map(|reading| if let Reading::Entities(list) = reading { Some(list) } else { None })
        .unwrap();
    list.retain(|raw| raw.id.is_some());
    list
}
