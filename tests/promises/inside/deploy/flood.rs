//! R22, R32: a portal that never stops talking of deployments wears out neither the disk, nor the line, nor the owner.

use std::collections::BTreeSet;

use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::dsse::Envelope;
use vestibule_protocol::limits;
use vestibule_protocol::message::{Ask, Charters, Deploy, FromPortal, Read, Reads, Withdraw};

use super::*;
use crate::inside::hostile::welcome;
use crate::inside::world::problem_of;
use crate::support::signing;

const HALL: &str = r#"{"views":[{"title":"Hall","cards":[]}]}"#;
const HOUR: Duration = Duration::from_secs(3600);

fn deploy(envelope: Envelope) -> FromPortal {
    Deploy { envelope }.into()
}

/// R32: sixteen wait, and no more; the seventeenth consumes nothing, and has its place as soon as one is decided.
#[tokio::test(start_paused = true)]
async fn r32_sixteen_wait_and_no_more() {
    let (world, mut portal) = pinned(Policy::Ask).await;
    let fingerprint = world.status().await.fingerprint.unwrap().parse().unwrap();
    let now = u64::try_from(world.clock.now_ms() / 1000).unwrap();
    let drafts: Vec<_> = (0..=limits::PENDING)
        .map(|n| {
            signing::draft(portal.tenant(), fingerprint, now, vec![dashboard(&format!("acme-{n}"), HALL)])
        })
        .collect();
    let (mut peer, hello) = portal.greet().await;
    peer.say(welcome(hello.root.unwrap())).await;
    for draft in &drafts {
        peer.say(deploy(signing::approved(draft))).await;
    }
    let last = &drafts[limits::PENDING];
    let over = until(&world, last.id, "refused").await;
    assert_eq!(over.code.as_deref(), Some("too_many_pending"));
    assert_eq!(world.desk().trusting.last_sequence, drafts[limits::PENDING - 1].sequence);
    assert_eq!(world.status().await.waiting, limits::PENDING as u64);
    world.ask(Request::Reject { id: drafts[3].id }).await.unwrap();
    peer.say(deploy(signing::approved(last))).await;
    until(&world, last.id, "waiting").await;
    assert_eq!(world.status().await.waiting, limits::PENDING as u64);
    // Told about all of them once.
    waited("the owner is told", || world.home.model(|model| model.notifications.len()) == 1).await;
}

/// One more thing that costs the home something to hear.
fn nonsense(n: u64, believed: &Envelope) -> FromPortal {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&n.to_le_bytes());
    let id = DeploymentId::new(n, bytes);
    match n % 6 {
        0 => {
            let text = "x".repeat(10_000);
            let payload = format!(r#"{{"id":"{id}","text":"{text}"}}"#);
            deploy(Envelope::sign("strange", payload.as_bytes(), &signing::key(99)))
        }
        1 => Charters { envelopes: vec![Envelope::sign("strange", b"{}", &signing::key(99)); 5] }.into(),
        2 => Withdraw { deployment: id }.into(),
        3 => Ask {
            id: Fixed(bytes),
            question: "Which? ".repeat(200),
            candidates: vec!["e_aaaaaaaaaaaaa".parse().unwrap(); limits::CANDIDATES],
            expires: 4_000_000_000,
        }
        .into(),
        4 => {
            let read = |m| Read { n: n * 20 + m, time: n, who: "w".repeat(500), what: "snapshot".into() };
            Reads { reads: (0..20).map(read).collect() }.into()
        }
        _ => deploy(believed.clone()),
    }
}

#[tokio::test(start_paused = true)]
async fn r22_a_flood_of_everything_wears_out_nothing() {
    let (world, mut portal) = pinned(Policy::Ask).await;
    let fingerprint = world.status().await.fingerprint.unwrap().parse().unwrap();
    let now = u64::try_from(world.clock.now_ms() / 1000).unwrap();
    let draft = |path: &str| signing::draft(portal.tenant(), fingerprint, now, vec![dashboard(path, HALL)]);
    let (first, second) = (draft("acme-hall"), draft("acme-porch"));
    let believed = signing::approved(&first);
    let (before, writes) = (world.disk(), world.home.commands());
    let begun = Instant::now();
    let (mut links, mut n, mut problems) = (0, 0, BTreeSet::new());
    while begun.elapsed() < 8 * HOUR {
        let (mut peer, hello) = portal.greet().await;
        links += 1;
        let Some(root) = hello.root else { continue };
        peer.say(welcome(root)).await;
        for _ in 0..300 {
            n += 1;
            peer.say(nonsense(n, &believed)).await;
        }
        while peer.hear().await.is_some() {}
        problems.extend(problem_of(&world.status().await).map(str::to_owned));
    }
    assert!(problems.contains("send_budget"), "the owner is told: {problems:?}");
    assert!(links < 8 * 6, "{links} links in eight hours");
    let desk = world.desk();
    assert!(desk.deployments.len() <= 2 * limits::PENDING + 1, "{}", desk.deployments.len());
    assert!(desk.questions.len() <= limits::QUESTIONS, "{}", desk.questions.len());
    let waiting = world.status().await.outbox.len();
    assert!(waiting < 2_500, "{waiting} reports wait");
    let grown = world.disk().saturating_sub(before);
    assert!(grown < 24 << 20, "{grown} bytes");
    world.assert_ledger_is_sound();
    // What is believed waited for the owner all the while, and nothing was done to the home but to read for one plan and to tell.
    until(&world, first.id, "waiting").await;
    let saves = |commands: &std::collections::BTreeMap<String, u64>| {
        commands.iter().filter(|(command, _)| command.contains("save") || command.contains("create")).count()
    };
    assert_eq!(saves(&world.home.commands()), saves(&writes));
    // A day later it is listened to again.
    sleep(26 * HOUR).await;
    let (mut peer, hello) = portal.greet().await;
    peer.say(welcome(hello.root.unwrap())).await;
    peer.say(deploy(signing::approved(&second))).await;
    until(&world, second.id, "waiting").await;
}
