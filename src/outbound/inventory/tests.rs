//! Readings, renames, and entities that come and go.

use super::*;
use std::sync::Arc;

use crate::outbound::example::{entity, text};
use crate::outbound::inventory::delays::BELIEVE_AFTER;
use crate::outbound::reading::RawCapabilities;

fn loose(entity_id: &str) -> RawEntity {
    let mut raw = entity(0, entity_id);
    raw.id = None;
    raw
}

fn ids(home: &Home) -> Vec<&str> {
    home.entities.iter().map(|raw| &**raw.entity_id.reveal_to_home()).collect()
}

fn read(home: &mut Home, list: &[RawEntity], now: u64) -> Option<u64> {
    home.apply(Reading::Entities(list.to_vec()), now)
}

#[test]
fn r8_a_new_unregistered_entity_is_believed_after_ten_minutes_and_a_re_read() {
    let mut home = Home::default();
    assert_eq!(read(&mut home, &[entity(1, "light.a"), loose("light.b")], 0), None);
    assert_eq!(ids(&home), ["light.a", "light.b"], "at the first reading everybody is old");

    let all = [entity(1, "light.a"), loose("light.b"), loose("light.c"), entity(2, "light.d")];
    assert_eq!(read(&mut home, &all, 100), Some(100 + BELIEVE_AFTER));
    assert_eq!(ids(&home), ["light.a", "light.b", "light.d"], "registered ones show at once");
    assert_eq!(read(&mut home, &all, 99 + BELIEVE_AFTER), Some(100 + BELIEVE_AFTER));
    assert_eq!(ids(&home).len(), 3);
    assert_eq!(read(&mut home, &all, 100 + BELIEVE_AFTER), None);
    assert_eq!(ids(&home), ["light.a", "light.b", "light.c", "light.d"]);
}

#[test]
fn r8_a_vanished_unregistered_entity_is_believed_gone_after_ten_minutes_and_a_re_read() {
    let mut home = Home::default();
    let (all, fewer) = ([loose("light.b"), entity(1, "light.a")], [entity(1, "light.a")]);
    read(&mut home, &all, 0);
    assert_eq!(read(&mut home, &fewer, 10), Some(10 + BELIEVE_AFTER));
    assert_eq!(ids(&home), ["light.a", "light.b"]);
    // It flaps: back, and gone again; the wait starts anew.
    assert_eq!(read(&mut home, &all, 20), None);
    assert_eq!(read(&mut home, &fewer, 30), Some(30 + BELIEVE_AFTER));
    assert_eq!(read(&mut home, &fewer, 10 + BELIEVE_AFTER), Some(30 + BELIEVE_AFTER));
    assert_eq!(ids(&home), ["light.a", "light.b"]);
    assert_eq!(read(&mut home, &fewer, 30 + BELIEVE_AFTER), None);
    assert_eq!(ids(&home), ["light.a"]);
    // A registered one goes at once.
    read(&mut home, &[], 31 + BELIEVE_AFTER);
    assert!(ids(&home).is_empty());
}

#[test]
fn r8_single_events_only_start_the_wait() {
    let mut home = Home::default();
    read(&mut home, &[loose("light.b"), entity(1, "light.a")], 0);
    let some =
        |now, gone: &[&str]| Reading::SomeEntities { now, gone: gone.iter().map(|id| text(id)).collect() };
    assert_eq!(home.apply(some(vec![loose("light.c")], &["light.b"]), 5), Some(5 + BELIEVE_AFTER));
    assert_eq!(ids(&home), ["light.a", "light.b"]);
    assert_eq!(read(&mut home, &[entity(1, "light.a"), loose("light.c")], 5 + BELIEVE_AFTER), None);
    assert_eq!(ids(&home), ["light.a", "light.c"]);
    // Gone and back within the wait: nothing happened.
    assert!(home.apply(some(vec![], &["light.c"]), 6 + BELIEVE_AFTER).is_some());
    assert_eq!(home.apply(some(vec![loose("light.c")], &[]), 7 + BELIEVE_AFTER), None);
    assert_eq!(ids(&home), ["light.a", "light.c"]);
    // A registered one goes at once.
    home.apply(some(vec![], &["light.a"]), 8 + BELIEVE_AFTER);
    assert_eq!(ids(&home), ["light.c"]);
}

#[test]
fn a_restart_does_not_start_the_wait_anew() {
    let mut home = Home::default();
    read(&mut home, &[entity(1, "light.a")], 0);
    let all = [entity(1, "light.a"), loose("light.b")];
    read(&mut home, &all, 100);
    let stored: Vec<_> = home.delays().rows().collect();
    assert_eq!(stored.len(), 1);
    let mut home = Home::new(Delays::load(stored));
    read(&mut home, &all, 200);
    assert_eq!(ids(&home), ["light.a"]);
    read(&mut home, &all, 100 + BELIEVE_AFTER);
    assert_eq!(ids(&home), ["light.a", "light.b"]);
    assert_eq!(home.delays(), &Delays::default());
}

#[test]
fn a_clock_that_was_set_back_does_not_stop_the_wait() {
    let mut home = Home::default();
    read(&mut home, &[], 1_000_000);
    read(&mut home, &[loose("light.b")], 1_000_000);
    assert_eq!(read(&mut home, &[loose("light.b")], 50), Some(50 + BELIEVE_AFTER));
    assert_eq!(read(&mut home, &[loose("light.b")], 50 + BELIEVE_AFTER), None);
    assert_eq!(ids(&home), ["light.b"]);
}

#[test]
fn a_renamed_entity_is_found_by_its_registry_id() {
    let mut home = Home::default();
    read(&mut home, &[entity(1, "light.a"), entity(2, "light.b"), loose("light.z")], 0);
    let some = |now| Reading::SomeEntities { now, gone: vec![] };
    home.apply(some(vec![entity(1, "light.y")]), 1);
    assert_eq!(ids(&home), ["light.b", "light.y", "light.z"]);
    // Two swap their entity ids.
    home.apply(some(vec![entity(1, "light.b"), entity(2, "light.y")]), 2);
    assert_eq!(ids(&home), ["light.b", "light.y", "light.z"]);
    assert_eq!(home.entities[0].id, entity(1, "x").id);
    // An unregistered one gets a registry entry.
    home.apply(some(vec![entity(3, "light.z")]), 3);
    assert_eq!(ids(&home), ["light.b", "light.y", "light.z"]);
    assert_eq!(home.entities[2].id, entity(3, "x").id);
    // An old name among the gone does not take the renamed one along.
    home.apply(Reading::SomeEntities { now: vec![entity(3, "light.new")], gone: vec![text("light.z")] }, 4);
    assert_eq!(ids(&home), ["light.b", "light.new", "light.y"]);
}

proptest::proptest! {
    /// Whatever single readings came before: the same complete list gives the same home, once nobody waits.
    #[test]
    fn a_complete_reading_settles_everything(steps in proptest::collection::vec((0..6_usize, 0..8_usize, proptest::bool::ANY), 0..20)) {
        let mut home = Home::default();
        read(&mut home, &[], 0);
        for (now, (id, name, gone)) in (1..).zip(steps) {
            let name = format!("light.n{name}");
            let raw = if id == 0 { loose(&name) } else { entity(id, &name) };
            let reading = if gone {
                Reading::SomeEntities { now: vec![], gone: vec![text(&name)] }
            } else {
                Reading::SomeEntities { now: vec![raw], gone: vec![] }
            };
            home.apply(reading, now);
            let sorted = ids(&home);
            proptest::prop_assert!(sorted.windows(2).all(|pair| pair[0] < pair[1]), "sorted, each once: {sorted:?}");
        }
        let all = [entity(1, "light.a"), loose("light.b"), entity(2, "light.c")];
        read(&mut home, &all, 1_000);
        proptest::prop_assert_eq!(read(&mut home, &all, 1_000 + BELIEVE_AFTER), None);
        proptest::prop_assert_eq!(ids(&home), ["light.a", "light.b", "light.c"]);
    }
}

/// 50 000 entities are held in at most 400 bytes each, their texts included. What alike entities can do is held once for all of them.
#[test]
fn an_entity_takes_at_most_400_bytes() {
    let mut home = Home::default();
    for reading in crate::outbound::example::home(5_000) {
        home.apply(reading, 0);
    }
    // What the allocator hands out for a short text: its length, rounded up to 16.
    let heap = |text: &Text| text.reveal_to_home().len().next_multiple_of(16);
    let texts: usize = home
        .entities
        .iter()
        .map(|raw| {
            heap(&raw.entity_id)
                + raw.name.as_ref().map_or(0, heap)
                + raw.original_name.as_ref().map_or(0, heap)
                + raw.aliases.iter().map(heap).sum::<usize>()
        })
        .sum();
    let mut shared: Vec<&Arc<RawCapabilities>> =
        home.entities.iter().filter_map(|raw| raw.capabilities.as_ref()).collect();
    shared.sort_unstable_by_key(|capabilities| Arc::as_ptr(capabilities));
    shared.dedup_by(|one, next| Arc::ptr_eq(one, next));
    let capabilities: usize = shared
        .iter()
        .map(|raw| {
            size_of_val(&***raw)
                + raw.lists.iter().map(|(_, words)| 64 + 16 * words.len()).sum::<usize>()
                + raw.numbers.len() * 48
                + raw.words.len() * 32
        })
        .sum();
    let each = size_of::<RawEntity>() + (texts + capabilities) / home.entities();
    println!("{each} bytes an entity, {} of them its own", size_of::<RawEntity>());
    assert!(each <= 400, "{each} bytes an entity");
}
