//! Budgets: bytes on the wire, time, memory.

use std::time::Instant;

use vestibule_protocol::consent::{Class, Consent};
use vestibule_protocol::{frame, limits};

use crate::identity::{HomeSecret, TenantKeys};
use crate::outbound::example;
use crate::outbound::inventory::Home;
use crate::outbound::inventory::ordinals::Ordinals;
use crate::outbound::inventory::orphans::Orphans;
use crate::outbound::privacy::{Exclusions, KindOverrides, Policy, View};
use vestibule_protocol::id::TenantId;

fn keys() -> TenantKeys {
    HomeSecret::new([3; 32]).tenant(&TenantId([4; 32]))
}

fn consent(names: bool) -> Consent {
    let mut consent = Consent::default();
    consent.grant(Class::Structure);
    if names {
        consent.grant(Class::Names);
    }
    consent
}

/// Bytes on the wire of all batches of a first snapshot.
fn wire(entities: usize, names: bool) -> (usize, usize) {
    let mut home = Home::default();
    for reading in example::home(entities) {
        home.apply(reading, 0);
    }
    let (keys, consent, exclusions, kinds) =
        (keys(), consent(names), Exclusions::default(), KindOverrides::default());
    let policy = Policy { consent: &consent, exclusions: &exclusions, kinds: &kinds, own_hosts: &[] };
    let view = View::new(&home, policy, &keys.id_key);
    let mut ordinals = Ordinals::default();
    view.number(&mut ordinals);
    let (mut total, mut plain, mut batch) = (0, 0, Vec::new());
    let mut send = |batch: &mut Vec<u8>| {
        plain += batch.len();
        total += frame::encode(batch).unwrap().len();
        batch.clear();
    };
    view.render(&ordinals, &Orphans::default(), &mut |record| {
        batch.extend_from_slice(if batch.is_empty() { b"{\"t\":\"batch\",\"n\":0,\"puts\":{\"" } else { b",\"" });
        batch.extend_from_slice(record.key.as_bytes());
        batch.extend_from_slice(b"\":");
        batch.extend_from_slice(record.body);
        if batch.len() > limits::BATCH_PLAIN {
            send(&mut batch);
        }
    });
    if std::env::var("SHOW").is_ok() {
        std::fs::write(format!("/tmp/batch-{entities}-{names}.json"), &batch).unwrap();
    }
    send(&mut batch);
    println!("{entities} names={names}: {total} bytes, {} plain, {:.2} an entity", plain, total as f64 / home.entities() as f64);
    (total, home.entities())
}

#[test]
fn a_first_snapshot_costs_24_bytes_an_entity_and_34_with_names() {
    for size in [1_000, 10_000] {
        let (bytes, entities) = wire(size, false);
        assert!(bytes <= 24 * entities, "{bytes} bytes for {entities} entities");
        let (bytes, entities) = wire(size, true);
        assert!(bytes <= 34 * entities, "{bytes} bytes for {entities} entities, names included");
    }
}

#[test]
fn timing() {
    let mut home = Home::default();
    for reading in example::home(10_000) {
        home.apply(reading, 0);
    }
    let (keys, consent, exclusions, kinds) =
        (keys(), consent(true), Exclusions::default(), KindOverrides::default());
    let policy = Policy { consent: &consent, exclusions: &exclusions, kinds: &kinds, own_hosts: &[] };
    let mut ordinals = Ordinals::default();
    for _ in 0..3 {
    let start = Instant::now();
    let view = View::new(&home, policy, &keys.id_key);
    let seen = start.elapsed();
    view.number(&mut ordinals);
    let numbered = start.elapsed();
    let (snapshot, _) = crate::outbound::snapshot::Snapshot::of(&view, &ordinals, &Orphans::default());
    println!("view {seen:?} number {numbered:?} all {:?} records {}", start.elapsed(), snapshot.len());
    }
}
