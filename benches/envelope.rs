//! `cargo bench --bench envelope`: how long it takes to believe a deployment (R31), beside bare Ed25519 on the same bytes.
//!
//! What stands between the two is decoding, reading, and every other step of the order of trust.

use std::collections::{BTreeMap, BTreeSet};
use std::hint::black_box;
use std::io::Write as _;
use std::time::{Duration, Instant};

use ed25519_dalek::{Signer as _, SigningKey};
use vestibule::inbound::deployment::{Received, Trust};
use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::charter::{Approver, Charter};
use vestibule_protocol::consent::{Change, Policy};
use vestibule_protocol::deployment::{Base, DashboardPut, Deployment, DeploymentId, Item, PAYLOAD_TYPE};
use vestibule_protocol::dsse::Envelope;
use vestibule_protocol::id::{Fingerprint, TenantId};

const NOW: u64 = 1_795_000_000;
const TENANT: TenantId = TenantId([1; 32]);
const HOME: Fingerprint = Fingerprint([2; 32]);
/// Seeds of the two approvers' keys.
const SEEDS: [u8; 2] = [10, 12];
/// The middle of so many is shown.
const TURNS: usize = 51;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    for (size, words) in [(20_000, "20 kB"), (200_000, "200 kB"), (2_000_000, "2 MB")] {
        let payload = payload(size)?;
        let ours = believing(&payload)?;
        let bare = verifying(&payload)?;
        let ratio = ours.as_secs_f64() / bare.as_secs_f64();
        writeln!(
            std::io::stdout(),
            "envelope of {words:<7} believed in {:>8.3} ms; two bare Ed25519 verifications {:>8.3} ms; {ratio:.2} times",
            ours.as_secs_f64() * 1e3,
            bare.as_secs_f64() * 1e3,
        )?;
    }
    Ok(())
}

/// The whole order of trust.
fn believing(payload: &[u8]) -> Result<Duration, Failure> {
    let mut envelope = Envelope::sign(PAYLOAD_TYPE, payload, &SigningKey::from_bytes(&[SEEDS[0]; 32]));
    envelope.add_signature(&SigningKey::from_bytes(&[SEEDS[1]; 32]))?;
    let charter = charter();
    let (blocked, changes) = (BTreeSet::new(), BTreeMap::from([(Change::Dashboards, Policy::Ask)]));
    let trust = Trust {
        charter: Some(&charter),
        blocked: &blocked,
        tenant: TENANT,
        fingerprint: HOME,
        now: NOW,
        clock_floor: 0,
        last_sequence: 6,
        held: false,
        changes: &changes,
        pending: 0,
    };
    let mut failure = None;
    let time = middle(|| {
        let received = Received::new(envelope.clone());
        let began = Instant::now();
        let verdict = black_box(received.verify(&trust));
        let took = began.elapsed();
        failure = verdict.err().or_else(|| failure.take());
        took
    });
    match failure {
        Some(refusal) => Err(format!("it is not believed: {}", refusal.code).into()),
        None => Ok(time),
    }
}

/// The peer: nothing but the two signatures.
fn verifying(payload: &[u8]) -> Result<Duration, Failure> {
    let signed = SEEDS.map(|seed| {
        let key = SigningKey::from_bytes(&[seed; 32]);
        (key.verifying_key(), key.sign(payload))
    });
    for (key, signature) in &signed {
        key.verify_strict(payload, signature)?;
    }
    Ok(middle(|| {
        let began = Instant::now();
        for (key, signature) in &signed {
            let _ = black_box(key.verify_strict(black_box(payload), signature));
        }
        began.elapsed()
    }))
}

fn middle(mut once: impl FnMut() -> Duration) -> Duration {
    let mut times: Vec<Duration> = (0..TURNS).map(|_| once()).collect();
    times.sort_unstable();
    times[TURNS / 2]
}

/// A deployment of one new dashboard with a text of this many bytes.
fn payload(size: usize) -> Result<Vec<u8>, Failure> {
    let tile = r#"{"type":"tile","entity":"@e_aaaaaaaaaaaaa","name":"Lamp"},"#;
    let cards = tile.repeat(size / tile.len());
    let content = format!("{{\"views\":[{{\"cards\":[{}]}}]}}", cards.trim_end_matches(','));
    let item = Item::DashboardPut(DashboardPut {
        dashboard: None,
        url_path: Some("bench-board".to_owned()),
        title: Some("Bench".to_owned()),
        icon: None,
        sidebar: None,
        admin: None,
        base: Base::None,
        content,
    });
    Ok(serde_json::to_vec(&Deployment {
        id: DeploymentId::new(NOW * 1_000, [3; 16]),
        tenant: TENANT,
        target: HOME,
        sequence: 7,
        issued: NOW - 100,
        not_before: NOW - 100,
        expires: NOW + 1_000,
        title: "Bench".to_owned(),
        summary: String::new(),
        author: "Cleo".to_owned(),
        items: vec![item],
    })?)
}

fn charter() -> Charter {
    let public = |seed: u8| Fixed(*SigningKey::from_bytes(&[seed; 32]).verifying_key().as_bytes());
    Charter {
        tenant: TENANT,
        version: 1,
        issued: NOW - 1_000,
        expires: NOW + 1_000,
        roots: vec![public(1)],
        root_threshold: 1,
        approvers: [("Ada", SEEDS[0]), ("Bo", SEEDS[1])]
            .map(|(person, seed)| Approver { person: person.to_owned(), key: public(seed) })
            .into(),
        threshold: 2,
    }
}
