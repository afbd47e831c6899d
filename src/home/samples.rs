//! What real Home Assistants of both ends of the version range answered (shortened; every name is invented), and what we make of it.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::intern::Interner;
use super::wire::{entity, event, lists};
use crate::outbound::reading::{HomeTrouble, RawDevice, RawEntity, RegistryId, Shared, Text};

const OLD: &str = include_str!("samples/2024.3.3.json");
const NEW: &str = include_str!("samples/2026.11.0.json");

#[derive(Deserialize)]
struct Sample<'a> {
    #[serde(borrow)]
    config: &'a RawValue,
    #[serde(borrow)]
    areas: &'a RawValue,
    #[serde(borrow)]
    floors: &'a RawValue,
    #[serde(borrow)]
    labels: &'a RawValue,
    #[serde(borrow)]
    config_entries: &'a RawValue,
    #[serde(borrow)]
    devices: &'a RawValue,
    #[serde(borrow)]
    entries: &'a RawValue,
    #[serde(borrow)]
    states: &'a RawValue,
    #[serde(borrow)]
    sources: &'a RawValue,
    #[serde(borrow)]
    some_states: &'a RawValue,
    #[serde(borrow)]
    manifests: &'a RawValue,
    #[serde(borrow)]
    dashboards: &'a RawValue,
    #[serde(borrow)]
    resources: &'a RawValue,
    #[serde(borrow)]
    health: &'a RawValue,
}

fn sample(json: &str) -> Sample<'_> {
    serde_json::from_str(json).unwrap()
}

fn both() -> [Sample<'static>; 2] {
    [sample(OLD), sample(NEW)]
}

fn s(text: Option<&Shared>) -> Option<&str> {
    text.map(|text| &**text.reveal_to_home())
}

fn t(text: Option<&Text>) -> Option<&str> {
    text.map(|text| &**text.reveal_to_home())
}

fn all(shared: &[Shared]) -> Vec<&str> {
    shared.iter().map(|text| &**text.reveal_to_home()).collect()
}

/// Registry entries and states merged as the reader does.
fn entities(sample: &Sample<'_>) -> Vec<RawEntity> {
    let mut interner = Interner::default();
    let mut entities: Vec<RawEntity> = Vec::new();
    let skipped = entity::entries(sample.entries, &mut interner, |e| entities.push(e)).unwrap();
    assert_eq!(skipped, 0);
    let skipped = entity::states(sample.states, |id, nature| {
        match entities.iter_mut().find(|e| &**e.entity_id.reveal_to_home() == id) {
            Some(e) => nature.complete(e, &mut interner),
            None => entities.push(nature.unregistered(id, &mut interner)),
        }
    });
    assert_eq!(skipped, Ok(0));
    entities
}

fn entity_of<'a>(entities: &'a [RawEntity], id: &str) -> &'a RawEntity {
    entities.iter().find(|e| &**e.entity_id.reveal_to_home() == id).unwrap()
}

#[test]
fn configuration_and_the_states_of_running() {
    let mut interner = Interner::default();
    for (sample, version) in both().iter().zip(["2024.3.3", "2026.11.0"]) {
        let config = lists::config(sample.config, &mut interner).unwrap().unwrap();
        assert_eq!((config.version.as_str(), s(config.length_unit.as_ref())), (version, Some("km")));
        assert!(config.language.is_some());
    }
    for (json, trouble) in [
        (r#"{"version":"2026.11.0","state":"STARTING"}"#, HomeTrouble::NotRunning),
        (r#"{"version":"2026.11.0","state":"STOPPING"}"#, HomeTrouble::NotRunning),
        (r#"{"version":"2026.11.0","state":"RUNNING","recovery_mode":true}"#, HomeTrouble::RecoveryMode),
        (r#"{"version":"2026.11.0","state":"RUNNING","safe_mode":true}"#, HomeTrouble::SafeMode),
    ] {
        let raw: &RawValue = serde_json::from_str(json).unwrap();
        assert_eq!(lists::config(raw, &mut interner).unwrap().unwrap_err(), trouble);
    }
}

#[test]
fn areas_floors_and_labels_lack_fields_in_old_versions() {
    let mut interner = Interner::default();
    for sample in both() {
        let (areas, skipped) = lists::areas(sample.areas, &mut interner).unwrap();
        assert_eq!((areas.len(), skipped, all(&[areas[0].id.clone()])), (3, 0, vec!["living_room"]));
        let (floors, skipped) = lists::floors(sample.floors, &mut interner).unwrap();
        assert_eq!((floors.len(), skipped, floors[1].level), (2, 0, Some(1)));
        let (labels, skipped) = lists::labels(sample.labels, &mut interner).unwrap();
        assert_eq!((skipped, t(Some(&labels[1].name))), (0, Some("Économie")));
    }
}

#[test]
fn devices_with_and_without_parents() {
    let mut interner = Interner::default();
    let mut read = |sample: &Sample<'_>| -> Vec<RawDevice> {
        let (entries, 0) = lists::config_entries(sample.config_entries, &mut interner).unwrap() else {
            panic!()
        };
        let (devices, 0) = lists::devices(sample.devices, &entries, &mut interner).unwrap() else { panic!() };
        devices
    };
    let [old, new] = both().map(|sample| read(&sample));
    for devices in [&old, &new] {
        let lamp = devices.iter().find(|d| t(d.name.as_ref()) == Some("Küche Deckenlampe")).unwrap();
        assert_eq!(s(lamp.manufacturer.as_ref()), Some("Ljus & Søn"));
        assert_eq!(all(&lamp.integrations), ["example_house"]);
        assert!(!lamp.service && !lamp.disabled && lamp.parent.is_none());
        assert!(devices.iter().any(|d| d.service));
    }
    let child = new.iter().find(|d| d.parent.is_some()).unwrap();
    assert_eq!(child.parent, Some(RegistryId::parse("4acf53170724b2a356099c0659b2ba69")));
    assert_eq!((s(child.model.as_ref()), all(&child.integrations)), (None, vec!["example_house"]));
    assert!(old.iter().all(|d| d.parent.is_none()));
}

#[test]
fn registered_entities() {
    for sample in both() {
        let entities = entities(&sample);
        let lamp = entity_of(&entities, "light.kuche_deckenlampe");
        assert!(lamp.main && !lamp.orphaned && !lamp.disabled && lamp.id.is_some() && lamp.device.is_some());
        assert_eq!((s(lamp.integration.as_ref()), lamp.supported_features), (Some("example_house"), Some(4)));
        let can = lamp.capabilities.as_ref().unwrap();
        assert_eq!(
            can.lists.iter().map(|(n, _)| *n).collect::<Vec<_>>(),
            ["effect_list", "supported_color_modes"]
        );
        assert_eq!(
            can.numbers,
            [("max_color_temp_kelvin", "6500".into()), ("min_color_temp_kelvin", "2200".into())]
        );

        let thermostat =
            entity_of(&entities, "climate.salle_de_bains_thermostat").capabilities.as_ref().unwrap();
        assert!(thermostat.numbers.contains(&("min_temp", "5.0".into())));
        assert!(thermostat.words.is_empty());

        let number = entity_of(&entities, "number.kuche_deckenlampe_fade_time");
        assert!(!number.main);
        assert_eq!(s(number.unit.as_ref()), Some("s"));
        let words = &number.capabilities.as_ref().unwrap().words;
        assert_eq!((words[0].0, s(Some(&words[0].1))), ("mode", Some("slider")));

        let dusk = entity_of(&entities, "sensor.sun_next_dusk");
        assert_eq!(s(dusk.device_class.as_ref()), Some("timestamp"));
        let mut aliases: Vec<_> = dusk.aliases.iter().map(|alias| t(Some(alias)).unwrap()).collect();
        aliases.sort_unstable();
        assert_eq!(aliases, ["Alias eins", "别名"]);

        let automation = entity_of(&entities, "automation.licht_bei_bewegung");
        assert_eq!((automation.editor, s(automation.mode.as_ref())), (true, Some("restart")));
        assert!(automation.aliases.is_empty(), "a null alias is no alias");
        assert!(entity_of(&entities, "scene.filmabend").editor);
        let script = entity_of(&entities, "script.gute_nacht");
        assert_eq!((script.editor, s(script.mode.as_ref())), (false, Some("queued")));
        assert_eq!(s(script.icon.as_ref()), Some("mdi:weather-night"));

        // A helper's capabilities stand in the registry in new versions only, and are the same from the state.
        let helper = entity_of(&entities, "input_number.heizgrenze").capabilities.as_ref().unwrap();
        assert_eq!(helper.numbers, [("max", "25.0".into()), ("min", "5.0".into()), ("step", "0.5".into())]);
        assert!(entities.iter().any(|e| e.disabled && !e.orphaned));
        assert!(entities.iter().any(|e| e.hidden));
    }
}

#[test]
fn unregistered_entities_and_their_sources() {
    for sample in both() {
        let entities = entities(&sample);
        let group = entity_of(&entities, "group.alle_lichter");
        assert_eq!((group.id, t(group.original_name.as_ref())), (None, Some("Alle Lichter")));
        let mut source = None;
        entity::sources(sample.sources, |id, domain| {
            if id == "group.alle_lichter" {
                source = Some(domain.to_owned());
            }
        })
        .unwrap();
        assert_eq!(source.as_deref(), Some("group"));
        let mut seen = 0;
        assert_eq!(entity::compressed_states(sample.some_states, |_, _| seen += 1), Ok(0));
        assert_eq!(seen, 6);
    }
}

#[test]
fn nothing_personal_of_a_state_is_kept() {
    for sample in both() {
        let entities = entities(&sample);
        let tv = entity_of(&entities, "media_player.loft_terehi");
        let can = tv.capabilities.as_ref().unwrap();
        assert_eq!(can.lists.iter().map(|(n, _)| *n).collect::<Vec<_>>(), ["sound_mode_list", "source_list"]);
        assert!(can.words.is_empty() && can.numbers.is_empty() && tv.mode.is_none());
        assert!(entity_of(&entities, "alarm_control_panel.garage_alarm").capabilities.is_none());
    }
}

#[test]
fn the_rest() {
    let mut interner = Interner::default();
    for sample in both() {
        let (integrations, 0) = lists::integrations(sample.manifests, &mut interner).unwrap() else {
            panic!()
        };
        assert_eq!(
            integrations
                .iter()
                .map(|i| (s(Some(&i.domain)), i.built_in, s(i.version.as_ref())))
                .collect::<Vec<_>>(),
            [
                (Some("example_house"), false, Some("1.0.0")),
                (Some("light"), true, None),
                (Some("sun"), true, None)
            ]
        );
        let (dashboards, 0) = lists::dashboards(sample.dashboards, &mut interner).unwrap() else { panic!() };
        let yaml = dashboards.iter().find(|d| d.yaml).unwrap();
        assert_eq!((s(Some(&yaml.id)), yaml.sidebar, yaml.admin), (Some("keller-yaml"), true, false));
        assert!(dashboards.iter().any(|d| s(Some(&d.id)) == Some("haus_energie") && !d.yaml));
        let (resources, 0) = lists::resources(sample.resources, &mut interner).unwrap() else { panic!() };
        assert_eq!((resources.len(), s(Some(&resources[0].kind))), (1, Some("module")));
        assert!(event::installation_type(sample.health).unwrap().is_some());
    }
}
