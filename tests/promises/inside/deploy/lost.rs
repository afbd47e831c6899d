//! R43: what Home Assistant lost in a crash is written again; what somebody took away is not.

use super::*;

const OLD: &str = r#"{"views":[{"title":"Hall","cards":[]}]}"#;

/// The dashboard is gone, without a word.
fn lose(world: &World) {
    world.home.change_silently(|model| {
        model.dashboards.retain(|dashboard| dashboard["url_path"] != "acme-hall");
        model.contents.remove("acme-hall");
    });
}

/// Waits until the owner and the portal could know that somebody edited it.
async fn until_drifted(world: &World, id: DeploymentId) {
    let deadline = Instant::now() + PATIENCE;
    while !view(world, id).await.unwrap().items[0].drifted {
        assert!(Instant::now() < deadline, "the edit is never noticed");
        sleep(Duration::from_millis(20)).await;
    }
}

/// Home Assistant writes records ten seconds later, so a crash can lose them.
#[tokio::test(start_paused = true)]
async fn r43_what_home_assistant_lost_is_written_again() {
    let (world, portal) = house().await;
    let id = deployed(&world, &portal, dashboard("acme-hall", OLD)).await;
    sleep(Duration::from_secs(5)).await;
    // A short loss of the connection before tells nothing, and must not hide the crash.
    world.home.cut_connections();
    sleep(Duration::from_secs(5)).await;
    lose(&world);
    world.restart_home();
    waited("it is there again", || contents(&world, "acme-hall").as_deref() == Some(OLD)).await;
    until(&world, id, "settled").await;
    assert!(has_dashboard(&world, "acme-hall"));
}

/// The same while the agent was away, as in a power cut.
#[tokio::test(start_paused = true)]
async fn r43_what_was_lost_together_with_the_agent_is_written_again() {
    let (mut world, portal) = house().await;
    deployed(&world, &portal, dashboard("acme-hall", OLD)).await;
    world.crash();
    sleep(Duration::from_secs(3600)).await;
    lose(&world);
    world.restart_home();
    world.start().await;
    waited("it is there again", || contents(&world, "acme-hall").as_deref() == Some(OLD)).await;
}

/// A connection that was lost and made again is no restart: the owner has deleted it, and it stays deleted.
#[tokio::test(start_paused = true)]
async fn r43_what_the_owner_deletes_while_the_connection_is_lost_stays_deleted() {
    let (mut world, portal) = house().await;
    let id = deployed(&world, &portal, dashboard("acme-hall", OLD)).await;
    world.home.fault(|faults| faults.refuse = true);
    world.home.cut_connections();
    sleep(Duration::from_secs(2)).await;
    lose(&world);
    world.home.fault(|faults| faults.refuse = false);
    until_drifted(&world, id).await;
    until(&world, id, "settled").await;
    // Nor does a restart of the agent, or later of Home Assistant, bring it back.
    world.crash();
    world.restart_home();
    world.start().await;
    sleep(Duration::from_secs(600)).await;
    assert!(!has_dashboard(&world, "acme-hall"));
}

/// What was seen to be deleted is the owner's decision, also where Home Assistant starts again right after it.
#[tokio::test(start_paused = true)]
async fn r43_what_was_seen_to_be_deleted_is_not_lost() {
    let (world, portal) = house().await;
    let id = deployed(&world, &portal, dashboard("acme-hall", OLD)).await;
    world.home.remove_dashboard("acme-hall");
    until_drifted(&world, id).await;
    assert_eq!(view(&world, id).await.unwrap().state, "verified");
    world.restart_home();
    sleep(Duration::from_secs(600)).await;
    assert!(!has_dashboard(&world, "acme-hall"));
}

/// Half a minute later it was on the disk: who deletes it after that, and starts Home Assistant again, has decided.
#[tokio::test(start_paused = true)]
async fn r43_what_was_settled_cannot_be_lost() {
    let (mut world, portal) = house().await;
    let id = deployed(&world, &portal, dashboard("acme-hall", OLD)).await;
    until(&world, id, "settled").await;
    world.crash();
    world.home.remove_dashboard("acme-hall");
    world.restart_home();
    world.start().await;
    until_drifted(&world, id).await;
    sleep(Duration::from_secs(600)).await;
    assert!(!has_dashboard(&world, "acme-hall"));
}

/// It is lost or deleted, and nobody knows which; what a later deployment has put into it would not come back with its record.
#[tokio::test(start_paused = true)]
async fn r43_nothing_is_written_again_in_half() {
    let (world, portal) = house().await;
    let first = deployed(&world, &portal, dashboard("acme-hall", OLD)).await;
    let second = deployed(&world, &portal, replace(&world, first, r#"{"views":[]}"#)).await;
    lose(&world);
    world.restart_home();
    for id in [first, second] {
        until_drifted(&world, id).await;
    }
    sleep(Duration::from_secs(600)).await;
    assert_eq!((has_dashboard(&world, "acme-hall"), contents(&world, "acme-hall")), (false, None));
}

/// What one item has become is no word about the others.
#[tokio::test(start_paused = true)]
async fn r43_what_is_lost_is_written_again_although_the_owner_has_deleted_something_else() {
    let (world, portal) = house().await;
    let id =
        portal.submit(&portal.draft(vec![dashboard("acme-porch", OLD), dashboard("acme-hall", OLD)])).await;
    approve(&world, id).await;
    until(&world, id, "verified").await;
    world.home.remove_dashboard("acme-porch");
    until_drifted(&world, id).await;
    lose(&world);
    world.restart_home();
    waited("it is there again", || contents(&world, "acme-hall").as_deref() == Some(OLD)).await;
    until(&world, id, "settled").await;
    assert!(has_dashboard(&world, "acme-hall") && !has_dashboard(&world, "acme-porch"));
}
