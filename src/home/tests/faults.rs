//! What goes wrong on the way, and what we make of it.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use tokio::sync::mpsc;
use tokio::time::timeout;
use vestibule_dev::fake_home::{Fail, FakeHome, Faults, Model, TOKEN, Version};

use super::{Bench, PATIENCE, entities, lengths};
use crate::home::{Endpoint, Token, run};
use crate::net::{Network, Trust};
use crate::outbound::reading::{HomeEvent, HomeTrouble};

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
    let task = tokio::spawn(run(
        endpoint,
        Network::new(Trust::Public).unwrap(),
        || 0.01,
        std::sync::Arc::default(),
        sender,
    ));
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
async fn without_an_administrators_token_we_read_and_ask_for_nothing_that_is_refused() {
    for version in [Version::V2024_3, Version::V2026_11] {
        let home = FakeHome::of_size(version, 50);
        home.change_silently(|model| model.admin = false);
        let mut bench = Bench::start(home).await;
        assert!(matches!(bench.next().await, HomeEvent::Connected { admin: false, .. }));
        assert_eq!(entities(&bench.read().await).len(), 50);
        assert_eq!(bench.home.commands().get("subscribe_trigger"), None);
        // Core configuration, and all others but those that 2024.3 would refuse.
        let events = if version == Version::V2024_3 { 7 } else { 9 };
        assert_eq!(bench.home.commands().get("subscribe_events"), Some(&events));
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
    let task = tokio::spawn(run(endpoint.clone(), network, || 0.01, std::sync::Arc::default(), sender));
    assert!(matches!(timeout(PATIENCE, events.recv()).await, Ok(Some(HomeEvent::Connected { .. }))));
    task.abort();
    let (sender, mut events) = mpsc::channel(8);
    let task = tokio::spawn(run(
        endpoint,
        Network::new(Trust::Public).unwrap(),
        || 0.01,
        std::sync::Arc::default(),
        sender,
    ));
    assert!(matches!(timeout(PATIENCE, events.recv()).await, Ok(Some(HomeEvent::Lost(HomeTrouble::Tls)))));
    task.abort();
    assert!(Network::new(Trust::Owner(b"no certificate")).is_err());
}

/// Collects what is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// S: whatever goes wrong, and at every level.
#[tokio::test]
async fn r17_logs_carry_codes_and_nothing_of_the_home() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .with_ansi(false)
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    // With only one subscriber in the process, tests in other threads (which have none) would decide what is logged.
    let _second = tracing::Dispatch::new(tracing_subscriber::fmt().with_writer(std::io::sink).finish());
    let home = FakeHome::of_size(Version::V2026_11, 60);
    home.change_silently(|model| {
        model.areas.push(json!({"area_id": null, "name": "Nameless"}));
        model.entities.insert("strange thing".into(), json!({"entity_id": "strange thing"}));
    });
    let (mut bench, readings) = Bench::in_sync(home).await;
    let port = bench.listening.address().port().to_string();
    assert_eq!(entities(&readings).len(), 60);
    bench.home.rename_entity("light.device_0_1", "light.secret");
    let _ = bench.read_after_stale().await;
    for fault in [
        Faults { garbage_in_frame: Some(9), ..Faults::default() },
        // The same trouble is not told twice in a row.
        Faults { http_status: Some(404), ..Faults::default() },
        Faults { oversized_frame: Some(5), ..Faults::default() },
        Faults { auth_invalid: true, ..Faults::default() },
    ] {
        bench.home.fault(|faults| *faults = fault);
        bench.home.cut_connections();
        while !matches!(bench.next().await, HomeEvent::Lost(trouble) if trouble != HomeTrouble::Unreachable) {
        }
    }
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("TokenRefused") && log.contains("Protocol"), "{log}");
    assert!(log.contains("config/area_registry/list"), "what was left out is told: {log}");
    for secret in
        [TOKEN, "127.0.0.1", &port, "secret", "Nameless", "strange thing", "light.", "sensor.", "Device"]
    {
        assert!(!log.contains(secret), "{secret} is in the log: {log}");
    }
}
