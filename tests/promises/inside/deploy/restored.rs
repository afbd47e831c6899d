//! R6, R32: a home that was put back to an earlier copy, or that exists twice, begins nothing new before its owner has said so.

use vestibule_protocol::message::{Deploy, Welcome};

use super::*;
use crate::inside::hostile::welcome;
use crate::support::signing;

const HALL: &str = r#"{"views":[{"title":"Hall","cards":[]}]}"#;

/// Whether the owner had anything to confirm.
async fn confirm(world: &World) -> bool {
    world.ask_one(Request::ConfirmRestored).await
}

/// The home is put back to a copy from before its last meeting with the portal.
async fn put_back(world: &mut World, copy: &tempfile::TempDir) {
    world.stop().await;
    world.put_back(copy);
    world.start().await;
    world.until("restored", |status| status.restored).await;
}

/// A link ends, and the next one presents what the last one has issued.
async fn meet_again(world: &World, portal: &RealPortal) {
    world.to_portal.hang_up();
    world.until("offline", |status| !status.portal.connected).await;
    portal.answer(world);
    world.converge(portal).await;
}

#[tokio::test(start_paused = true)]
async fn r6_a_restored_home_begins_nothing_before_its_owner_has_confirmed() {
    let (mut world, portal) = house().await;
    allow(&world, Change::Dashboards, Some(Policy::Trust)).await;
    world.converge(&portal).await;
    world.stop().await;
    let copy = world.copy();
    world.start().await;
    world.converge(&portal).await;
    let first = portal.submit(&portal.draft(vec![dashboard("acme-hall", HALL)])).await;
    until(&world, first, "verified").await;
    heard(&portal, first, "applied").await;
    meet_again(&world, &portal).await;
    let consumed = world.desk().trusting.last_sequence;

    put_back(&mut world, &copy).await;
    assert_eq!(world.desk().trusting.last_sequence, 0, "the portal's number alone never raises it");
    // What would have been carried out unasked is held, however long it takes.
    let second = portal.submit(&portal.draft(vec![dashboard("acme-porch", HALL)])).await;
    let held = until(&world, second, "waiting").await;
    assert_eq!((held.code.as_deref(), held.plan_hash), (Some("restored_or_cloned"), None));
    sleep(Duration::from_secs(3600)).await;
    let early = world
        .ask(Request::Approve {
            id: second,
            plan_hash: None,
            hosts: Default::default(),
            files: Default::default(),
        })
        .await;
    assert_eq!(early.unwrap_err().code, "not_planned_yet");
    meet_again(&world, &portal).await;
    assert!(world.status().await.restored, "another meeting is no confirmation");
    assert!(!has_dashboard(&world, "acme-porch"));
    assert_eq!(portal.deployment(second).0, "awaiting_owner");

    assert!(confirm(&world).await);
    until(&world, second, "verified").await;
    assert!(has_dashboard(&world, "acme-porch"));
    assert!(world.desk().trusting.last_sequence > consumed);
    assert!(!world.status().await.restored && !confirm(&world).await, "confirmed once for all");
    // What had been carried out before is neither known here nor done again: its number is behind the floor.
    assert!(view(&world, first).await.is_none());
    assert_eq!(portal.deployment(first), ("applied".to_owned(), Some("verified".to_owned())));
}

/// Between the believing and the deed: what waits already waits for the same word.
#[tokio::test(start_paused = true)]
async fn r6_what_was_believed_before_the_copy_waits_too_and_trust_acts_as_ask() {
    let (mut world, portal) = house().await;
    let id = portal.submit(&portal.draft(vec![dashboard("acme-hall", HALL)])).await;
    until(&world, id, "waiting").await;
    world.stop().await;
    let copy = world.copy();
    world.start().await;
    world.converge(&portal).await;
    meet_again(&world, &portal).await;
    put_back(&mut world, &copy).await;
    // A yes is taken and kept; the deed comes with the owner's other word.
    approve(&world, id).await;
    sleep(Duration::from_secs(3600)).await;
    assert_eq!(view(&world, id).await.unwrap().state, "approved");
    assert!(!has_dashboard(&world, "acme-hall"));
    assert!(confirm(&world).await);
    until(&world, id, "verified").await;
}

/// R6: two that come by turns are a clone; each waits for its owner, and only one of them is left afterwards.
#[tokio::test(start_paused = true)]
async fn r6_of_two_agents_of_one_secret_neither_begins_anything() {
    let (mut world, portal) = house().await;
    allow(&world, Change::Dashboards, Some(Policy::Trust)).await;
    world.converge(&portal).await;
    world.stop().await;
    let copy = world.copy();
    world.start().await;
    world.converge(&portal).await;
    let mut twin = world.twin(copy).await;
    portal.answer(&twin);
    // Each new link replaces the other's, so they come by turns.
    twin.until("the twin is asked", |status| status.cloned).await;
    world.until("the first is asked", |status| status.cloned).await;
    let id = portal.submit(&portal.draft(vec![dashboard("acme-hall", HALL)])).await;
    sleep(Duration::from_secs(2 * 3600)).await;
    assert!(!has_dashboard(&world, "acme-hall"));
    // The owner ends one of them, and tells the other.
    twin.stop().await;
    sleep(Duration::from_secs(600)).await;
    assert!(confirm(&world).await);
    until(&world, id, "verified").await;
}

/// R32: whatever number a portal tells, it counts only after it said `restored` and the owner has confirmed; then it is the floor.
#[tokio::test(start_paused = true)]
async fn r32_the_floor_is_the_higher_number_and_only_by_the_owners_word() {
    let (world, mut portal) = pinned(Policy::Trust).await;
    let now = u64::try_from(world.clock.now_ms() / 1000).unwrap();
    let fingerprint = world.status().await.fingerprint.unwrap().parse().unwrap();
    let draft = |path: &str, sequence| {
        let items = vec![dashboard(path, HALL)];
        let deployment = signing::draft(portal.tenant(), fingerprint, now, items);
        vestibule_protocol::deployment::Deployment { sequence, ..deployment }
    };
    let (low, behind, above) = (draft("acme-low", 10), draft("acme-behind", 40), draft("acme-above", 60));
    let deploy = |of: &_| Deploy { envelope: signing::approved(of) };

    // A number without `restored` is only a number.
    let (mut peer, hello) = portal.greet().await;
    peer.say(Welcome { sequence: u64::MAX, ..welcome(hello.root.unwrap()) }).await;
    peer.say(deploy(&low)).await;
    until(&world, low.id, "verified").await;
    drop(peer);
    let (mut peer, hello) = portal.greet().await;
    peer.say(Welcome { sequence: 50, restored: true, ..welcome(hello.root.unwrap()) }).await;
    peer.say(deploy(&behind)).await;
    peer.say(deploy(&above)).await;
    for held in [&behind, &above] {
        let view = until(&world, held.id, "waiting").await;
        assert_eq!(view.code.as_deref(), Some("restored_or_cloned"));
    }
    assert_eq!(world.desk().trusting.last_sequence, 10);
    drop(peer);
    // Later numbers are those of what is held: they do not count.
    let (mut peer, hello) = portal.greet().await;
    peer.say(Welcome { sequence: 60, restored: true, ..welcome(hello.root.unwrap()) }).await;
    world.until("connected", |status| status.portal.connected).await;
    assert!(confirm(&world).await);
    let over = until(&world, behind.id, "superseded").await;
    assert_eq!(over.code.as_deref(), Some("superseded"));
    until(&world, above.id, "verified").await;
    assert_eq!(world.desk().trusting.last_sequence, 60);
    assert!(!has_dashboard(&world, "acme-behind"));
}
