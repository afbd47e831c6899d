//! R33, R34: an approver whom the owner has blocked, and a clock that cannot be right.

use vestibule_protocol::bytes::Fixed;

use super::*;
use crate::support::signing::{self, ADA, BO};

const HALL: &str = r#"{"views":[{"title":"Hall","cards":[]}]}"#;
const DAY: i64 = 24 * 3600;

async fn block(world: &World, seed: u8, on: bool) -> bool {
    world.ask_one(Request::Block { key: signing::public(seed), on }).await
}

/// What Ada alone has approved is worth nothing any more, whether it waits or comes; Bo's word still counts.
#[tokio::test(start_paused = true)]
async fn r33_a_blocked_approver_approves_nothing_any_more() {
    let (mut world, portal) = house().await;
    let waiting = portal.submit(&portal.draft(vec![dashboard("acme-hall", HALL)])).await;
    until(&world, waiting, "waiting").await;
    assert!(block(&world, ADA, true).await && !block(&world, ADA, true).await);
    // It waits with a plan, and is believed anew at the moment of the deed.
    approve(&world, waiting).await;
    let refused = until(&world, waiting, "refused").await;
    assert_eq!(refused.code.as_deref(), Some("approver_blocked"));
    assert_eq!(heard(&portal, waiting, "refused").await.as_deref(), Some("approver_blocked"));
    assert!(!has_dashboard(&world, "acme-hall"));

    world.crash();
    world.start().await;
    world.converge(&portal).await;
    let consumed = world.desk().trusting.last_sequence;
    let coming = portal.submit(&portal.draft(vec![dashboard("acme-porch", HALL)])).await;
    until(&world, coming, "refused").await;
    assert_eq!(world.desk().trusting.last_sequence, consumed, "what is not believed consumes nothing");
    let draft = portal.draft(vec![dashboard("acme-porch", HALL)]);
    let by_bo = portal.hand_in(&draft, draft.sign(&signing::key(BO)).unwrap()).await;
    approve(&world, by_bo).await;
    until(&world, by_bo, "verified").await;

    assert!(block(&world, ADA, false).await);
    let again = portal.submit(&portal.draft(vec![dashboard("acme-cellar", HALL)])).await;
    approve(&world, again).await;
    until(&world, again, "verified").await;
}

/// A key that approves nothing can be blocked, too; it changes nothing.
#[tokio::test(start_paused = true)]
async fn r33_a_strangers_key_that_is_blocked_blocks_nobody() {
    let (world, portal) = house().await;
    let stranger: bool = world.ask_one(Request::Block { key: Fixed([3; 32]), on: true }).await;
    assert!(stranger);
    let id = portal.submit(&portal.draft(vec![dashboard("acme-hall", HALL)])).await;
    approve(&world, id).await;
    until(&world, id, "verified").await;
}

/// A clock behind what was signed already cannot be right: everything waits, and goes on as soon as it is set.
#[tokio::test(start_paused = true)]
async fn r34_a_clock_that_is_behind_what_was_signed_holds_everything_until_it_is_right() {
    let (world, portal) = house().await;
    allow(&world, Change::Dashboards, Some(Policy::Trust)).await;
    world.converge(&portal).await;
    let draft = portal.draft(vec![dashboard("acme-hall", HALL)]);
    let settled = portal.submit(&draft).await;
    until(&world, settled, "settled").await;
    assert_eq!(world.desk().trusting.clock_floor, draft.issued);

    // The portal shares the test's clock, so the one that comes next is drafted before the clock goes wrong.
    let next = portal.draft(vec![dashboard("acme-porch", HALL)]);
    world.clock.jump(-2 * DAY);
    let consumed = world.desk().trusting.last_sequence;
    let id = portal.submit(&next).await;
    let held = until(&world, id, "waiting").await;
    assert_eq!(held.code.as_deref(), Some("clock_wrong"));
    sleep(Duration::from_secs(3600)).await;
    assert!(!has_dashboard(&world, "acme-porch"));
    assert_eq!(world.desk().trusting.last_sequence, consumed, "held, not consumed");
    assert_eq!(heard(&portal, id, "awaiting_owner").await.as_deref(), Some("clock_wrong"));
    // What the portal says of the time does not help; the clock does.
    world.clock.jump(2 * DAY);
    until(&world, id, "verified").await;
    assert!(world.desk().trusting.last_sequence > consumed);
}

/// The clock is set back while one waits with its plan: the deed waits for the time, the home is left in
/// peace, and the owner is asked again.
#[tokio::test(start_paused = true)]
async fn r34_what_waits_when_the_clock_goes_wrong_is_carried_out_when_it_is_right() {
    let (world, portal) = house().await;
    let id = portal.submit(&portal.draft(vec![dashboard("acme-hall", HALL)])).await;
    until(&world, id, "waiting").await;
    world.clock.jump(-2 * DAY);
    approve(&world, id).await;
    let connections = world.home.connections();
    sleep(Duration::from_secs(3600)).await;
    let made = world.home.connections() - connections;
    assert!(made < 120, "{made} connections to the home in an hour in which nothing can be done");
    assert!(!has_dashboard(&world, "acme-hall"));
    world.clock.jump(2 * DAY);
    let deadline = Instant::now() + PATIENCE;
    while view(&world, id).await.unwrap().plan_hash.is_none() {
        assert!(Instant::now() < deadline, "it is never planned again");
        sleep(Duration::from_secs(1)).await;
    }
    approve(&world, id).await;
    until(&world, id, "verified").await;
}

/// A clock set back does not bring back what is over: time goes on from the latest that was signed.
#[tokio::test(start_paused = true)]
async fn r34_a_clock_set_back_revives_nothing() {
    let (world, portal) = house().await;
    let old = portal.draft(vec![dashboard("acme-hall", HALL)]);
    world.clock.jump(8 * DAY);
    let id = portal.submit(&portal.draft(vec![dashboard("acme-porch", HALL)])).await;
    approve(&world, id).await;
    until(&world, id, "verified").await;
    world.clock.jump(-8 * DAY);
    let late = vestibule_protocol::deployment::Deployment { sequence: u64::MAX / 2, ..old };
    let late = portal.submit(&late).await;
    let over = until(&world, late, "expired").await;
    assert_eq!(over.code.as_deref(), Some("expired"));
    assert!(!has_dashboard(&world, "acme-hall"));
}
