//! The task against the fake Home Assistant, over loopback and over pipes.

use std::time::Duration;

use serde_json::json;
use tokio::sync::mpsc;
use tokio::time::timeout;
use vestibule_dev::fake_home::{EntityKind, Fail, FakeHome, Faults, Listening, Model, TOKEN, Version};

use super::dial::Dialling;
use super::{Dial, Endpoint, Network, Token, Trust, run};
use crate::outbound::reading::{HomeEvent, HomeTrouble, RawEntity, Reading, Text};

/// Longest wait for anything in a test; reached only when the test fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// A home, and the task that reads it.
struct Bench {
    home: FakeHome,
    listening: Listening,
    events: mpsc::Receiver<HomeEvent>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Bench {
    async fn start(home: FakeHome) -> Self {
        let listening = home.listen().await.unwrap();
        let endpoint = Endpoint::from_url(&listening.url(), Token::new(TOKEN).unwrap()).unwrap();
        let (sender, events) = mpsc::channel(8);
        let network = Network::new(Trust::Public).unwrap();
        let task = tokio::spawn(run(endpoint, network, || 0.005, sender));
        Self { home, listening, events, task }
    }

    /// A running home that has been read once.
    async fn in_sync(home: FakeHome) -> (Self, Vec<Reading>) {
        let mut bench = Self::start(home).await;
        assert!(matches!(bench.next().await, HomeEvent::Connected { .. }));
        let readings = bench.read().await;
        (bench, readings)
    }

    async fn next(&mut self) -> HomeEvent {
        timeout(PATIENCE, self.events.recv()).await.expect("nothing happened").expect("the task ended")
    }

    async fn read(&mut self) -> Vec<Reading> {
        match self.next().await {
            HomeEvent::Read { readings, complete: true } => readings,
            other => panic!("not a reading: {other:?}"),
        }
    }

    /// What is read after a change has been announced.
    async fn read_after_stale(&mut self) -> Vec<Reading> {
        assert!(matches!(self.next().await, HomeEvent::Stale));
        self.read().await
    }

    async fn lost(&mut self) -> HomeTrouble {
        match self.next().await {
            HomeEvent::Lost(trouble) => trouble,
            HomeEvent::Read { readings, .. } => panic!("not lost: {:?}", lengths(&readings)),
            other => panic!("not lost: {other:?}"),
        }
    }

    /// Waits for the next complete reading after whatever troubles.
    async fn read_at_last(&mut self) -> Vec<Reading> {
        loop {
            if let HomeEvent::Read { readings, complete: true } = self.next().await {
                return readings;
            }
        }
    }

    fn assert_polite(&self) {
        assert_eq!(self.home.violations(), Vec::<String>::new());
    }
}

fn t(text: &Text) -> &str {
    text.reveal_to_home()
}

fn entities(readings: &[Reading]) -> &[RawEntity] {
    let all = readings
        .iter()
        .find_map(|reading| if let Reading::Entities(all) = reading { Some(all) } else { None });
    all.expect("no entities were read")
}

/// Which lists were read, and how long they are.
fn lengths(readings: &[Reading]) -> Vec<(&'static str, usize)> {
    let mut lengths: Vec<_> = readings
        .iter()
        .map(|reading| match reading {
            Reading::Config(_) => ("config", 1),
            Reading::Floors(all) => ("floors", all.len()),
            Reading::Areas(all) => ("areas", all.len()),
            Reading::Labels(all) => ("labels", all.len()),
            Reading::Devices(all) => ("devices", all.len()),
            Reading::Entities(all) => ("entities", all.len()),
            Reading::SomeEntities { now, gone } => ("some", now.len() * 100 + gone.len()),
            Reading::Integrations(all) => ("integrations", all.len()),
            Reading::Dashboards(all) => ("dashboards", all.len()),
            Reading::Resources(all) => ("resources", all.len()),
        })
        .collect();
    lengths.sort_unstable();
    lengths
}

#[tokio::test]
async fn the_first_reading_is_complete_in_old_and_new_versions() {
    for version in [Version::V2024_3, Version::V2026_11] {
        let (bench, readings) = Bench::in_sync(FakeHome::of_size(version, 500)).await;
        let devices = bench.home.model(|model| model.devices.len());
        assert_eq!(
            lengths(&readings),
            [
                ("areas", 12),
                ("config", 1),
                ("dashboards", 1),
                ("devices", devices),
                ("entities", 500),
                ("floors", 3),
                ("integrations", 5),
                ("labels", 4),
                ("resources", 1),
            ]
        );
        let entities = entities(&readings);
        assert!(entities.is_sorted_by(|a, b| a.entity_id < b.entity_id));
        assert!(entities.iter().all(|e| e.integration.is_some() && !e.orphaned));
        assert_eq!(entities.iter().filter(|e| e.id.is_none()).count(), 10);
        let disabled = entities.iter().filter(|e| e.disabled).count();
        assert_eq!(disabled, bench.home.model(|model| 500 - model.states.len()));
        assert!(disabled > 5);
        let lamps: Vec<_> = entities.iter().filter(|e| t(&e.entity_id).starts_with("light.")).collect();
        assert!(lamps.iter().all(|e| e.main && e.device.is_some() && e.capabilities.is_some()));
        assert!(lamps.iter().all(|e| e.disabled == e.supported_features.is_none()));
        let Some(Reading::Config(config)) = readings.last() else { panic!("the configuration comes last") };
        assert_eq!(config.version, version.as_str());
        assert!(config.installation_type.is_some());
        bench.assert_polite();
        assert_eq!(bench.home.commands().get("auth"), Some(&1));
    }
}

#[tokio::test]
async fn extended_entries_are_asked_for_a_thousand_at_a_time() {
    let (bench, readings) = Bench::in_sync(FakeHome::of_size(Version::V2026_11, 2_600)).await;
    assert_eq!(entities(&readings).len(), 2_600);
    assert_eq!(bench.home.commands().get("config/entity_registry/get_entries"), Some(&3));
    bench.assert_polite();
}

#[tokio::test]
async fn each_change_is_announced_and_just_what_changed_is_read() {
    let (mut bench, _) = Bench::in_sync(FakeHome::of_size(Version::V2026_11, 200)).await;
    let home = bench.home.clone();
    let device = home.model(|model| model.devices[0]["id"].as_str().unwrap().to_owned());

    home.put_area("attic", "Attic");
    assert_eq!(lengths(&bench.read_after_stale().await), [("areas", 6)]);
    home.remove_area("attic");
    assert_eq!(lengths(&bench.read_after_stale().await), [("areas", 5)]);
    home.put_floor("roof", "Roof", 9);
    assert_eq!(lengths(&bench.read_after_stale().await), [("floors", 4)]);
    home.put_label("loud", "Loud");
    assert_eq!(lengths(&bench.read_after_stale().await), [("labels", 5)]);
    home.update_device(&device, &json!({"area_id": "kitchen_0"}));
    let devices = home.model(|model| model.devices.len());
    assert_eq!(lengths(&bench.read_after_stale().await), [("devices", devices)]);
    let _ = home.add_child_device("Spot", &device);
    let readings = bench.read_after_stale().await;
    let Some(Reading::Devices(all)) = readings.first() else { panic!() };
    assert!(all.iter().any(|device| device.parent.is_some() && device.integrations.len() == 1));
    home.add_dashboard("garden-view", "Garden");
    assert_eq!(lengths(&bench.read_after_stale().await), [("dashboards", 2), ("resources", 1)]);
    home.add_resource("/local/other.js");
    assert_eq!(lengths(&bench.read_after_stale().await), [("dashboards", 2), ("resources", 2)]);

    home.add_entity("light.attic", EntityKind::Light, Some(&device));
    let readings = bench.read_after_stale().await;
    let [Reading::SomeEntities { now, gone }] = &readings[..] else { panic!("{readings:?}") };
    assert_eq!((now.len(), gone.len()), (1, 0));
    assert!(now[0].main && !now[0].orphaned && now[0].supported_features == Some(44));
    home.update_entity("light.attic", &json!({"disabled_by": "user"}));
    let readings = bench.read_after_stale().await;
    let [Reading::SomeEntities { now, .. }] = &readings[..] else { panic!("{readings:?}") };
    assert!(now[0].disabled && now[0].supported_features.is_none());
    home.remove_entity("light.attic");
    assert_eq!(lengths(&bench.read_after_stale().await), [("some", 1)]);
    bench.assert_polite();
}

#[tokio::test]
async fn a_renamed_entity_keeps_its_registry_id_and_its_old_entity_id_is_gone() {
    for admin in [true, false] {
        let home = FakeHome::of_size(Version::V2026_11, 100);
        home.change_silently(|model| model.admin = admin);
        let (mut bench, readings) = Bench::in_sync(home).await;
        let lamp = entities(&readings).iter().find(|e| t(&e.entity_id).starts_with("light.")).unwrap();
        bench.home.rename_entity(t(&lamp.entity_id), "light.reading_lamp");
        let readings = bench.read_after_stale().await;
        let [Reading::SomeEntities { now, gone }] = &readings[..] else { panic!("{readings:?}") };
        assert_eq!((now.len(), t(&now[0].entity_id), now[0].id), (1, "light.reading_lamp", lamp.id));
        assert_eq!(gone.iter().map(t).collect::<Vec<_>>(), [t(&lamp.entity_id)]);
        assert_eq!(RawEntity { entity_id: lamp.entity_id.clone(), ..now[0].clone() }, *lamp);
        bench.assert_polite();
    }
}

#[tokio::test]
async fn unregistered_entities_are_seen_to_appear_and_to_vanish() {
    for version in [Version::V2024_3, Version::V2026_11] {
        let (mut bench, _) = Bench::in_sync(FakeHome::of_size(version, 100)).await;
        bench.home.add_unregistered("sensor.loose_new", "example_hub");
        let readings = bench.read_after_stale().await;
        let [Reading::SomeEntities { now, gone }] = &readings[..] else { panic!("{readings:?}") };
        assert_eq!((now.len(), gone.len(), now[0].id), (1, 0, None));
        assert_eq!(now[0].integration.as_ref().map(|i| &**i.reveal_to_home()), Some("example_hub"));
        assert_eq!(now[0].unit.as_ref().map(|i| &**i.reveal_to_home()), Some("kWh"));
        assert!(now[0].capabilities.as_ref().unwrap().state_class.is_some());
        bench.home.remove_unregistered("sensor.loose_new");
        let readings = bench.read_after_stale().await;
        let [Reading::SomeEntities { now, gone }] = &readings[..] else { panic!("{readings:?}") };
        assert_eq!((now.len(), gone.iter().map(t).collect::<Vec<_>>()), (0, vec!["sensor.loose_new"]));
        bench.assert_polite();
    }
}

#[tokio::test]
async fn state_changes_in_an_unchanged_home_send_us_no_frame() {
    let (mut bench, _) = Bench::in_sync(FakeHome::of_size(Version::V2026_11, 300)).await;
    bench.home.put_area("attic", "Attic");
    let _ = bench.read_after_stale().await;
    let before = bench.home.frames_sent();
    bench.home.churn(10_000);
    // Comes after all of them on the same bus.
    bench.home.put_area("attic", "Attic again");
    let _ = bench.read_after_stale().await;
    // The event and the list.
    assert_eq!(bench.home.frames_sent() - before, 2);
}

#[tokio::test]
async fn many_changed_entities_are_read_as_a_list() {
    let (mut bench, _) = Bench::in_sync(FakeHome::of_size(Version::V2026_11, 200)).await;
    let ids: Vec<String> = bench.home.model(|model| model.entities.keys().take(70).cloned().collect());
    for id in &ids {
        bench.home.update_entity(id, &json!({"area_id": "kitchen_0"}));
    }
    let mut lists = Vec::new();
    while lists != [("config", 1), ("entities", 200)] {
        lists = lengths(&bench.read_after_stale().await);
    }
    bench.assert_polite();
}

#[tokio::test]
async fn a_loaded_integration_brings_its_entities() {
    let (mut bench, _) = Bench::in_sync(FakeHome::of_size(Version::V2026_11, 50)).await;
    bench.home.config_entry_state(0, "setup_retry");
    bench.home.load_integration("example_new");
    let lists = lengths(&bench.read_after_stale().await);
    assert!(lists.contains(&("integrations", 6)) && lists.contains(&("entities", 50)), "{lists:?}");
}

#[tokio::test]
async fn s_the_connection_is_made_again_and_everything_read_again() {
    let (mut bench, _) = Bench::in_sync(FakeHome::of_size(Version::V2026_11, 60)).await;
    for _ in 0..3 {
        bench.home.cut_connections();
        assert_eq!(bench.lost().await, HomeTrouble::Unreachable);
        assert!(matches!(bench.next().await, HomeEvent::Connected { admin: true, .. }));
        assert_eq!(entities(&bench.read().await).len(), 60);
    }
    // The installation type does not have to be asked for again.
    assert_eq!(bench.home.commands().get("system_health/info"), Some(&1));
}

#[tokio::test]
async fn troubles_before_the_first_word_have_their_codes() {
    for (fault, trouble) in [
        (Faults { refuse: true, ..Faults::default() }, HomeTrouble::Unreachable),
        (Faults { http_status: Some(502), ..Faults::default() }, HomeTrouble::NotRunning),
        (Faults { http_status: Some(200), ..Faults::default() }, HomeTrouble::NotHomeAssistant),
        (Faults { http_status: Some(404), ..Faults::default() }, HomeTrouble::NotHomeAssistant),
        (Faults { garbage_in_frame: Some(1), ..Faults::default() }, HomeTrouble::NotHomeAssistant),
        (Faults { auth_invalid: true, ..Faults::default() }, HomeTrouble::TokenRefused),
    ] {
        let home = FakeHome::of_size(Version::V2024_3, 10);
        home.fault(|faults| *faults = fault);
        let mut bench = Bench::start(home).await;
        assert_eq!(bench.lost().await, trouble);
        if trouble == HomeTrouble::TokenRefused {
            assert_eq!(bench.home.connections(), 1);
        } else {
            bench.home.fault(|faults| *faults = Faults::default());
            assert_eq!(entities(&bench.read_at_last().await).len(), 10);
        }
    }
    let home = FakeHome::of_size(Version::V2024_3, 10);
    home.change_silently(|model| model.says_version = "2024.2.5".into());
    let mut bench = Bench::start(home).await;
    assert_eq!(bench.lost().await, HomeTrouble::TooOld);
    assert_eq!(bench.home.commands().get("auth"), None, "the token is not shown to what is too old");
}

#[tokio::test]
async fn an_address_where_nobody_listens_is_unreachable() {
    let home = FakeHome::of_size(Version::V2024_3, 10);
    let listening = home.listen().await.unwrap();
    let (address, url) = (listening.address(), listening.url());
    drop(listening);
    let endpoint = Endpoint::from_url(&url, Token::new(TOKEN).unwrap()).unwrap();
    let (sender, mut events) = mpsc::channel(8);
    let task = tokio::spawn(run(endpoint, Network::new(Trust::Public).unwrap(), || 0.01, sender));
    assert!(matches!(events.recv().await, Some(HomeEvent::Lost(HomeTrouble::Unreachable))));
    let _listening = home.listen_at(address).await.unwrap();
    let next = timeout(PATIENCE, events.recv()).await.unwrap();
    assert!(matches!(next, Some(HomeEvent::Connected { .. })), "the same trouble is told once: {next:?}");
    drop(events);
    timeout(PATIENCE, task).await.expect("the task ends when nobody listens").unwrap();
}

#[tokio::test]
async fn r18_while_lists_are_falsely_empty_none_is_asked_for() {
    for (set, trouble) in [
        ((|m| m.core_state = "STARTING".into()) as fn(&mut Model), HomeTrouble::NotRunning),
        (|m| m.recovery_mode = true, HomeTrouble::RecoveryMode),
        (|m| m.safe_mode = true, HomeTrouble::SafeMode),
    ] {
        let home = FakeHome::of_size(Version::V2026_11, 20);
        home.change_silently(set);
        let mut bench = Bench::start(home).await;
        assert_eq!(bench.lost().await, trouble);
        let asked: Vec<_> = bench.home.commands().into_keys().collect();
        assert_eq!(asked, ["auth", "get_config", "subscribe_events"]);
        bench.home.change_silently(|model| (model.recovery_mode, model.safe_mode) = (false, false));
        // On the same connection.
        bench.home.set_core_state("RUNNING");
        assert!(matches!(bench.next().await, HomeEvent::Connected { .. }));
        assert_eq!(entities(&bench.read().await).len(), 20);
        assert_eq!(bench.home.connections(), 1);
    }
}

#[tokio::test]
async fn a_home_that_stops_is_lost_and_nothing_of_it_is_read() {
    let (mut bench, _) = Bench::in_sync(FakeHome::of_size(Version::V2026_11, 20)).await;
    bench.home.change_silently(|model| model.states.clear());
    bench.home.set_core_state("STOPPING");
    assert!(matches!(bench.next().await, HomeEvent::Stale));
    assert_eq!(bench.lost().await, HomeTrouble::NotRunning);
}

#[tokio::test]
async fn strange_but_permitted_ways_of_answering_change_nothing() {
    let (_bench, expected) = Bench::in_sync(FakeHome::of_size(Version::V2026_11, 120)).await;
    for fault in [
        Faults { duplicate: true, ..Faults::default() },
        Faults { reorder: true, ..Faults::default() },
        Faults { arrays: true, ..Faults::default() },
        Faults { id_last: true, ..Faults::default() },
        Faults { arrays: true, id_last: true, reorder: true, duplicate: true, ..Faults::default() },
        Faults { delay: Some(Duration::from_millis(2)), ..Faults::default() },
    ] {
        let home = FakeHome::of_size(Version::V2026_11, 120);
        home.fault(|faults| *faults = fault.clone());
        let (mut bench, readings) = Bench::in_sync(home).await;
        assert_eq!(readings, expected, "{fault:?}");
        bench.home.put_area("attic", "Attic");
        assert_eq!(lengths(&bench.read_after_stale().await)[0].0, "areas", "{fault:?}");
        bench.assert_polite();
    }
}

#[tokio::test]
async fn s_whatever_breaks_at_whatever_frame_we_recover_and_read_everything() {
    let breaks: [fn(&mut Faults, Option<u64>); 4] = [
        |faults, at| faults.cut_before_frame = at,
        |faults, at| faults.cut_in_frame = at,
        |faults, at| faults.garbage_in_frame = at,
        |faults, at| faults.oversized_frame = at,
    ];
    for break_it in breaks {
        for frame in 1..40 {
            let home = FakeHome::of_size(Version::V2024_3, 30);
            home.fault(|faults| break_it(faults, Some(frame)));
            let mut bench = Bench::start(home).await;
            let mut reached_the_end = false;
            loop {
                match bench.next().await {
                    HomeEvent::Lost(_) => break,
                    HomeEvent::Read { .. } => {
                        reached_the_end = true;
                        break;
                    }
                    HomeEvent::Connected { .. } | HomeEvent::Stale => {}
                }
            }
            if reached_the_end {
                assert!(frame > 20, "frame {frame} should have been missed");
                break;
            }
            bench.home.fault(|faults| *faults = Faults::default());
            assert_eq!(entities(&bench.read_at_last().await).len(), 30, "frame {frame}");
            bench.assert_polite();
        }
    }
}

#[tokio::test]
async fn a_refused_list_is_not_an_empty_list() {
    for command in [
        "config/area_registry/list",
        "config/device_registry/list",
        "config/entity_registry/list",
        "config/entity_registry/get_entries",
        "get_states",
        "lovelace/resources",
        "entity/source",
    ] {
        let home = FakeHome::of_size(Version::V2026_11, 100);
        let fail = Fail { command: command.into(), nth: 0, code: "unknown_error".into() };
        home.fault(|faults| faults.fail = Some(fail));
        let mut bench = Bench::start(home).await;
        assert!(matches!(bench.next().await, HomeEvent::Connected { .. }));
        assert_eq!(bench.lost().await, HomeTrouble::Protocol, "{command}");
        bench.home.fault(|faults| faults.fail = None);
        assert_eq!(entities(&bench.read_at_last().await).len(), 100, "{command}");
    }
}

#[tokio::test]
async fn lists_that_a_version_does_not_have_are_empty() {
    let home = FakeHome::of_size(Version::V2026_11, 20);
    let fail = Fail { command: "lovelace/dashboards/list".into(), nth: 0, code: "unknown_command".into() };
    home.fault(|faults| faults.fail = Some(fail));
    let (_bench, readings) = Bench::in_sync(home).await;
    assert!(lengths(&readings).contains(&("dashboards", 0)));
}

#[tokio::test]
async fn one_strange_entity_id_does_not_hide_the_others() {
    let home = FakeHome::of_size(Version::V2026_11, 100);
    home.change_silently(|model| {
        let mut entry = model.entities.values().next().unwrap().clone();
        entry["entity_id"] = json!("not an id");
        model.entities.insert("not an id".into(), entry);
    });
    let (_bench, readings) = Bench::in_sync(home).await;
    assert_eq!(entities(&readings).len(), 100);
}

#[tokio::test]
async fn malformed_entries_are_left_out_and_odd_ones_understood() {
    let home = FakeHome::of_size(Version::V2026_11, 50);
    home.change_silently(|model| {
        model.areas.push(json!({"area_id": null, "name": "Nameless"}));
        model.areas.push(json!(["not", "an", "area"]));
        model
            .areas
            .push(json!({"area_id": "odd", "name": "Odd", "labels": "none", "aliases": null, "floor_id": 7}));
        model.devices.push(
            json!({"id": "short", "identifiers": [["a", "b", "c"], []], "model": 1234, "labels": null}),
        );
        let entry = model.entities.values_mut().next().unwrap();
        entry["unique_id"] = json!(1234);
        entry["aliases"] = json!([null, "Lamp", 5]);
        entry["capabilities"] = json!({"supported_color_modes": "hs", "unknown": {"a": [1]}});
    });
    let (bench, readings) = Bench::in_sync(home).await;
    let devices = bench.home.model(|model| model.devices.len());
    let lists = lengths(&readings);
    assert!(lists.contains(&("areas", 4)) && lists.contains(&("devices", devices)), "{lists:?}");
    assert!(lists.contains(&("entities", 50)));
    assert_eq!(entities(&readings).iter().map(|e| e.aliases.len()).max(), Some(2));
}

#[tokio::test]
async fn without_an_administrators_token_we_read_and_are_not_refused_twice() {
    for version in [Version::V2024_3, Version::V2026_11] {
        let home = FakeHome::of_size(version, 50);
        home.change_silently(|model| model.admin = false);
        let mut bench = Bench::start(home).await;
        assert!(matches!(bench.next().await, HomeEvent::Connected { admin: false, .. }));
        assert_eq!(entities(&bench.read().await).len(), 50);
        assert_eq!(bench.home.commands().get("subscribe_trigger"), None);
        bench.home.put_area("attic", "Attic");
        let _ = bench.read_after_stale().await;
        bench.assert_polite();
    }
}

#[tokio::test]
async fn tls_believes_the_owners_authority_and_nobody_else() {
    let home = FakeHome::of_size(Version::V2026_11, 20);
    let listening = home.listen_tls().await.unwrap();
    let endpoint = Endpoint::from_url(&listening.url(), Token::new(TOKEN).unwrap()).unwrap();
    let authority = listening.authority().unwrap().as_bytes();
    let (sender, mut events) = mpsc::channel(8);
    let network = Network::new(Trust::Owner(authority)).unwrap();
    let task = tokio::spawn(run(endpoint.clone(), network, || 0.01, sender));
    assert!(matches!(timeout(PATIENCE, events.recv()).await, Ok(Some(HomeEvent::Connected { .. }))));
    task.abort();
    let (sender, mut events) = mpsc::channel(8);
    let task = tokio::spawn(run(endpoint, Network::new(Trust::Public).unwrap(), || 0.01, sender));
    assert!(matches!(timeout(PATIENCE, events.recv()).await, Ok(Some(HomeEvent::Lost(HomeTrouble::Tls)))));
    task.abort();
    assert!(Network::new(Trust::Owner(b"no certificate")).is_err());
}

/// A network of pipes, on which time can stand still.
struct Pipes(FakeHome);

impl Dial for Pipes {
    fn dial<'a>(&'a self, _: &'a Endpoint) -> Dialling<'a> {
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        let home = self.0.clone();
        tokio::spawn(async move { home.serve(theirs).await });
        Box::pin(async move { Ok(Box::new(ours) as super::dial::BoxedStream) })
    }
}

async fn next(events: &mut mpsc::Receiver<HomeEvent>) -> HomeEvent {
    events.recv().await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_half_open_connection_is_given_up_after_two_minutes() {
    let home = FakeHome::of_size(Version::V2026_11, 20);
    let endpoint = Endpoint::supervisor(Token::new(TOKEN).unwrap());
    let (sender, mut events) = mpsc::channel(8);
    let task = tokio::spawn(run(endpoint, Pipes(home.clone()), || 0.5, sender));
    assert!(matches!(next(&mut events).await, HomeEvent::Connected { .. }));
    assert!(matches!(next(&mut events).await, HomeEvent::Read { .. }));
    // A quiet but living home is asked now and then, and nothing else happens.
    let nothing = timeout(Duration::from_secs(600), events.recv()).await;
    assert!(nothing.is_err(), "{nothing:?}");
    let pings = home.commands().get("ping").copied();
    assert!(matches!(pings, Some(9 | 10)), "{pings:?}");
    home.fault(|faults| faults.swallow = true);
    let asleep = tokio::time::Instant::now();
    assert!(matches!(next(&mut events).await, HomeEvent::Lost(HomeTrouble::Silent)));
    let waited = asleep.elapsed();
    assert!(waited >= Duration::from_secs(60) && waited <= Duration::from_secs(121), "{waited:?}");
    home.fault(|faults| faults.swallow = false);
    assert!(matches!(next(&mut events).await, HomeEvent::Connected { .. }));
    task.abort();
}

#[tokio::test(start_paused = true)]
async fn a_command_that_is_never_answered_is_given_up_though_pings_are() {
    let home = FakeHome::of_size(Version::V2026_11, 20);
    home.fault(|faults| faults.hang = Some("get_states".into()));
    let (sender, mut events) = mpsc::channel(8);
    let endpoint = Endpoint::supervisor(Token::new(TOKEN).unwrap());
    let task = tokio::spawn(run(endpoint, Pipes(home), || 0.5, sender));
    assert!(matches!(next(&mut events).await, HomeEvent::Connected { .. }));
    assert!(matches!(next(&mut events).await, HomeEvent::Lost(HomeTrouble::Silent)));
    task.abort();
}

#[tokio::test(start_paused = true)]
async fn everything_is_read_again_hourly_or_more_often_where_we_do_not_see_all() {
    for (version, admin, minutes) in [
        (Version::V2026_11, true, 54..67),
        (Version::V2026_11, false, 9..12),
        (Version::V2024_3, false, 9..12),
    ] {
        let home = FakeHome::of_size(version, 20);
        home.change_silently(|model| model.admin = admin);
        let (sender, mut events) = mpsc::channel(8);
        let endpoint = Endpoint::supervisor(Token::new(TOKEN).unwrap());
        let task = tokio::spawn(run(endpoint, Pipes(home.clone()), || 0.5, sender));
        assert!(matches!(next(&mut events).await, HomeEvent::Connected { .. }));
        assert!(matches!(next(&mut events).await, HomeEvent::Read { .. }));
        let start = tokio::time::Instant::now();
        home.change_silently(|model| model.sources.remove("sensor.loose_0"));
        assert!(matches!(next(&mut events).await, HomeEvent::Read { complete: true, .. }));
        let waited = start.elapsed().as_secs() / 60;
        assert!(minutes.contains(&waited), "{version:?} {admin}: {waited}");
        task.abort();
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_is_not_tried_again_for_five_minutes() {
    let home = FakeHome::of_size(Version::V2026_11, 20);
    home.fault(|faults| faults.auth_invalid = true);
    let (sender, mut events) = mpsc::channel(8);
    let endpoint = Endpoint::supervisor(Token::new("wrong").unwrap());
    let task = tokio::spawn(run(endpoint, Pipes(home.clone()), || 0.5, sender));
    assert!(matches!(next(&mut events).await, HomeEvent::Lost(HomeTrouble::TokenRefused)));
    assert!(timeout(Duration::from_secs(3600), events.recv()).await.is_err());
    assert!((10..=12).contains(&home.connections()), "{}", home.connections());
    task.abort();
}
