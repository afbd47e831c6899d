//! Time: what is only believed after a while (R8), and wall clocks that jump.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use vestibule_dev::fake_home::FakeHome;
use vestibule_protocol::consent::Class;

use super::real::RealPortal;
use super::seeds::{Seed, change};
use super::world::{World, difference};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

fn readings(home: &FakeHome) -> u64 {
    home.commands().get("config/entity_registry/list").copied().unwrap_or_default()
}

/// R8: coming and going of unregistered entities is believed after ten minutes and a re-reading, and the preview agrees.
#[tokio::test(start_paused = true)]
async fn r8_unregistered_entities_are_believed_after_ten_minutes_and_a_re_reading() {
    let mut world = World::new(60).await;
    let portal = RealPortal::in_sync_with(&world).await;
    let known = portal.lines().len();
    for (gone, expected) in [(false, known + 1), (true, known)] {
        let before = portal.lines();
        if gone {
            world.home.remove_unregistered("sensor.loose_new");
        } else {
            world.home.add_unregistered("sensor.loose_new", "example_hub");
        }
        let begun = Instant::now();
        while begun.elapsed() < 8 * MINUTE {
            sleep(MINUTE).await;
            assert_eq!(difference(&portal.lines(), &before), Vec::<String>::new());
            // What waits to be believed gone cannot be read any more, so a preview lacks it already; nothing else differs.
            let differs = difference(&portal.lines(), &world.preview().await);
            assert_eq!(differs.len(), usize::from(gone), "{differs:#?}");
        }
        let read = readings(&world.home);
        // The waiting goes on across a restart.
        world.crash();
        world.start().await;
        sleep(3 * MINUTE).await;
        world.converge(&portal).await;
        assert_eq!(portal.lines().len(), expected);
        assert!(readings(&world.home) > read);
    }
    // One that only flaps is never mentioned.
    let before = portal.lines();
    for _ in 0..5 {
        world.home.remove_unregistered("sensor.loose_0");
        sleep(4 * MINUTE).await;
        world.home.add_unregistered("sensor.loose_0", "example_cloud");
        sleep(4 * MINUTE).await;
        assert_eq!(difference(&portal.lines(), &before), Vec::<String>::new());
    }
    sleep(30 * MINUTE).await;
    world.converge(&portal).await;
    assert_eq!(portal.lines(), before);
}

/// Who is orphaned is looked at once a day, so that a failing integration is no news; the preview agrees all the while.
#[tokio::test(start_paused = true)]
async fn orphans_are_told_once_a_day() {
    let world = World::new(60).await;
    let portal = RealPortal::in_sync_with(&world).await;
    let orphans = |lines: &[String]| lines.iter().filter(|line| line.contains("\"usable\":false")).count();
    let before = orphans(&portal.lines());
    world.home.change_silently(|model| {
        let lost: Vec<String> =
            model.entities.keys().filter(|id| model.states.contains_key(*id)).take(5).cloned().collect();
        for id in lost {
            let state = model.states.get_mut(&id).unwrap();
            state.attributes["restored"] = serde_json::json!(true);
            model.sources.remove(&id);
        }
    });
    world.home.cut_connections();
    sleep(12 * 60 * MINUTE).await;
    world.converge(&portal).await;
    assert_eq!(orphans(&portal.lines()), before);
    sleep(14 * 60 * MINUTE).await;
    world.converge(&portal).await;
    assert_eq!(orphans(&portal.lines()), before + 5);
}

/// The wall clock is set while everything is at work: hours and years, both ways.
#[tokio::test(start_paused = true)]
async fn a_wall_clock_that_jumps_hurts_nobody() {
    let mut world = World::new(60).await;
    let portal = RealPortal::in_sync_with(&world).await;
    let mut seed = Seed::new(1);
    let mut decisions = 0;
    for jump in [HOUR, -2 * HOUR, 40 * DAY, -80 * DAY, 100 * DAY, -70 * DAY, -20 * 365 * DAY, 20 * 365 * DAY]
    {
        world.clock.jump(jump);
        change(&world.home, &mut seed);
        world.converge(&portal).await;
        // Things that wait for their time when the clock is set.
        world.home.add_unregistered(&format!("sensor.loose_at_{decisions}"), "example_hub");
        sleep(5 * MINUTE).await;
        world.clock.jump(-jump / 2);
        sleep(90 * MINUTE).await;
        world.converge(&portal).await;
        assert!(portal.lines().len() > 60);
        world.grant(Class::Names).await;
        world.clock.jump(jump / 2);
        world.withdraw(Class::Names).await;
        decisions += 2;
        world.crash();
        world.start().await;
        world.converge(&portal).await;
        assert_eq!(portal.handled(), decisions);
    }
    world.stop().await;
    world.assert_ledger_is_sound();
}

/// A clock that runs years ahead makes the tenant's statement expire: nothing is said until the clock is right again.
#[tokio::test(start_paused = true)]
async fn a_statement_that_seems_expired_is_believed_again_when_the_clock_is_right() {
    let world = World::new(30).await;
    let portal = RealPortal::in_sync_with(&world).await;
    world.clock.jump(2 * 365 * DAY);
    world.to_portal.proxy.cut();
    world.until_problem("portal_untrusted").await;
    world.clock.jump(-2 * 365 * DAY);
    change(&world.home, &mut Seed::new(3));
    world.converge(&portal).await;
}
