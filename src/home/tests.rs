//! The task against the fake Home Assistant, over loopback and over pipes.

mod contents;
mod desk;
mod faults;
mod raw;
mod rest;
mod time;

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::mpsc;
use tokio::time::timeout;
use vestibule_dev::fake_home::{EntityKind, FakeHome, Listening, TOKEN, Version};

use super::{Endpoint, Token, Wishes, run};
use crate::net::{Network, Trust};
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
        Self::wishing(home, Arc::default()).await
    }

    async fn wishing(home: FakeHome, wishes: Arc<Wishes>) -> Self {
        let listening = home.listen().await.unwrap();
        let endpoint = Endpoint::from_url(&listening.url(), Token::new(TOKEN).unwrap()).unwrap();
        let (sender, events) = mpsc::channel(8);
        let network = Network::new(Trust::Public).unwrap();
        let task = tokio::spawn(run(endpoint, network, || 0.005, wishes, sender));
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
            other @ (HomeEvent::Connected { .. }
            | HomeEvent::Stale
            | HomeEvent::Read { .. }
            | HomeEvent::Lost(_)) => panic!("not a reading: {other:?}"),
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
            other @ (HomeEvent::Connected { .. } | HomeEvent::Stale) => panic!("not lost: {other:?}"),
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
            Reading::Contents(all) => ("contents", all.len()),
            Reading::SomeContents(some) => ("some contents", some.len()),
            Reading::Routines(all) => ("routines", all.len()),
            Reading::SomeRoutines(some) => ("some routines", some.len()),
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
