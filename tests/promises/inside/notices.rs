//! What the owner is told through Home Assistant: once each, in the home's language, taken away when it is over, whatever is restarted.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use vestibule::control::Request;
use vestibule_protocol::message::{Mismatch, Welcome};

use super::hostile::{Hostile, strange_root, welcome};
use super::real::RealPortal;
use super::world::World;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
/// Longest wait for anything, on the test's clock.
const PATIENCE: Duration = Duration::from_secs(4 * 3600);

/// Id and text of everything that stands in Home Assistant's notifications.
fn notices(world: &World) -> Vec<(String, String)> {
    let told = world.home.model(|model| model.notifications.clone());
    told.into_iter().map(|(id, (_, text))| (id, text)).collect()
}

fn ids(world: &World) -> Vec<String> {
    notices(world).into_iter().map(|(id, _)| id).collect()
}

/// How often anything was told or taken away so far.
fn calls(world: &World) -> u64 {
    world.home.commands().get("call_service").copied().unwrap_or_default()
}

async fn until_ids(world: &World, wanted: &[&str]) {
    let deadline = Instant::now() + PATIENCE;
    while ids(world) != wanted {
        assert!(Instant::now() < deadline, "never {wanted:?}, but {:?}", notices(world));
        sleep(Duration::from_secs(1)).await;
    }
}

/// The owner reads a notice in Home Assistant and takes it away there.
fn dismissed_by_the_owner(world: &World) {
    world.home.change_silently(|model| model.notifications.clear());
}

#[tokio::test(start_paused = true)]
async fn a_portal_that_is_away_for_a_day_is_told_once_in_the_homes_language() {
    let mut world = World::new(20).await;
    let portal = RealPortal::in_sync_with(&world).await;
    world.to_portal.hang_up();
    sleep(12 * HOUR).await;
    // A restart does not begin the day anew, neither an orderly one nor a crash.
    world.stop().await;
    world.start().await;
    sleep(6 * HOUR).await;
    world.crash();
    world.start().await;
    sleep(5 * HOUR + 50 * MINUTE).await;
    assert_eq!(ids(&world), Vec::<String>::new());
    sleep(20 * MINUTE).await;
    let told = notices(&world);
    assert_eq!(told.len(), 1, "{told:?}");
    let (id, text) = &told[0];
    assert_eq!(id, "vestibule_away");
    assert!(text.starts_with("Das Portal ist seit einem Tag nicht erreichbar."), "{text}");
    assert!(text.ends_with("[Vestibule öffnen](/app/local_vestibule)"), "{text}");
    // Told is told: not again when the owner has dismissed it, nor after restarts, nor the next day.
    dismissed_by_the_owner(&world);
    world.crash();
    world.start().await;
    sleep(50 * HOUR).await;
    assert_eq!((ids(&world), calls(&world)), (Vec::new(), 1));
    // Over; and a new outage is a new occurrence.
    portal.answer(&world);
    world.converge(&portal).await;
    world.to_portal.hang_up();
    sleep(23 * HOUR).await;
    assert_eq!(ids(&world), Vec::<String>::new());
    until_ids(&world, &["vestibule_away"]).await;
    portal.answer(&world);
    world.converge(&portal).await;
    until_ids(&world, &[]).await;
}

/// Short outages are nobody's business, however many there are.
#[tokio::test(start_paused = true)]
async fn outages_of_hours_are_not_told() {
    let world = World::new(20).await;
    let portal = RealPortal::in_sync_with(&world).await;
    for _ in 0..4 {
        world.to_portal.hang_up();
        sleep(20 * HOUR).await;
        portal.answer(&world);
        world.converge(&portal).await;
    }
    assert_eq!(calls(&world), 0);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_told_to_a_home_that_is_starting() {
    let world = World::new(20).await;
    let _portal = RealPortal::in_sync_with(&world).await;
    world.home.change_silently(|model| model.core_state = "STARTING".to_owned());
    world.home.cut_connections();
    world.to_portal.hang_up();
    sleep(30 * HOUR).await;
    assert_eq!(calls(&world), 0);
    world.home.change_silently(|model| model.core_state = "RUNNING".to_owned());
    world.home.cut_connections();
    until_ids(&world, &["vestibule_away"]).await;
}

#[tokio::test(start_paused = true)]
async fn r6_a_restore_and_a_copy_are_told_once_until_the_owner_confirms() {
    let mut world = World::new(20).await;
    let mut portal = Hostile::paired_with(&world).await;
    let (mut peer, _) = portal.greet().await;
    peer.say(Welcome { restored: true, ..welcome(strange_root()) }).await;
    until_ids(&world, &["vestibule_restored"]).await;
    let (_, text) = notices(&world).remove(0);
    assert!(text.starts_with("Dieses Vestibule wurde aus einer Sicherung wiederhergestellt."), "{text}");
    dismissed_by_the_owner(&world);
    world.crash();
    world.start().await;
    let (peer, _) = portal.welcome(strange_root()).await;
    world.until("restored", |status| status.restored && status.portal.connected).await;
    sleep(10 * MINUTE).await;
    assert_eq!((ids(&world), calls(&world)), (Vec::new(), 1));
    // A copy says more than a restore; one notice takes the other's place.
    drop(peer);
    let (mut peer, _) = portal.greet().await;
    peer.say(Welcome { cloned: true, ..welcome(strange_root()) }).await;
    until_ids(&world, &["vestibule_cloned"]).await;
    world.ask(Request::ConfirmRestored).await.unwrap();
    until_ids(&world, &[]).await;
    // Confirmed is confirmed, and the next time is another time.
    drop(peer);
    let (mut peer, _) = portal.greet().await;
    peer.say(Welcome { restored: true, ..welcome(strange_root()) }).await;
    until_ids(&world, &["vestibule_restored"]).await;
}

/// R19: what cannot go on by itself is told once, although the link is tried again every hour.
#[tokio::test(start_paused = true)]
async fn a_link_that_cannot_go_on_is_told_once() {
    let mut world = World::new(20).await;
    let mut portal = Hostile::paired_with(&world).await;
    for attempt in 0..3 {
        let (mut peer, _) = portal.welcome(strange_root()).await;
        while peer.hear_buckets().await.is_some() {
            peer.say(Mismatch { root: strange_root() }).await;
        }
        world.until_problem("schema_disagreement").await;
        sleep(20 * MINUTE).await;
        assert_eq!(ids(&world).len(), usize::from(attempt > 0));
        sleep(15 * MINUTE).await;
        assert_eq!(ids(&world), ["vestibule_stuck"]);
        world.crash();
        world.start().await;
    }
    let calls_before = calls(&world);
    assert_eq!(calls_before, 1);
    let _peer = portal.in_sync().await;
    until_ids(&world, &[]).await;
}

#[tokio::test(start_paused = true)]
async fn a_question_is_told_until_it_is_answered() {
    let world = World::new(20).await;
    let portal = RealPortal::in_sync_with(&world).await;
    let lines = portal.lines();
    let entity = |line: &String| line.strip_prefix("{\"key\":\"entity/")?.split_once('"')?.0.parse().ok();
    let things: Vec<vestibule_protocol::id::OpaqueId> = lines.iter().filter_map(entity).take(2).collect();
    let id = portal.ask("Which one?", things.clone()).await;
    until_ids(&world, &["vestibule_questions"]).await;
    let (_, text) = notices(&world).remove(0);
    assert!(text.starts_with("Eine Frage zu diesem Zuhause"), "{text}");
    // R17: nothing of the portal's is in it.
    assert!(!text.contains("Which"), "{text}");
    world.ask(Request::AnswerQuestion { id, choice: Some(things[0]) }).await.unwrap();
    until_ids(&world, &[]).await;
    assert_eq!(calls(&world), 2);
}

/// What stood in Home Assistant when everything was forgotten is taken away there too.
#[tokio::test(start_paused = true)]
async fn a_notice_does_not_outlive_the_pairing() {
    let world = World::new(20).await;
    let portal = RealPortal::in_sync_with(&world).await;
    let lines = portal.lines();
    let entity = |line: &String| line.strip_prefix("{\"key\":\"entity/")?.split_once('"')?.0.parse().ok();
    portal.ask("Which one?", lines.iter().filter_map(entity).take(2).collect()).await;
    until_ids(&world, &["vestibule_questions"]).await;
    world.ask(Request::Forget { give_up: false }).await.unwrap();
    until_ids(&world, &[]).await;
}
