//! Between home and agent everything breaks once: nothing is believed gone that was only not readable, and afterwards the portal holds
//! what the home has.

use std::time::Duration;

use tokio::time::sleep;
use vestibule_dev::fake_home::{Fail, Faults};

use super::real::RealPortal;
use super::seeds::{Seed, change};
use super::world::World;

/// Frames of one reading of a home, about.
const FRAMES: u64 = 40;

/// A fault strikes every connection while the home changes; then it is gone.
async fn story(number: u64, set: impl FnOnce(&mut Faults)) {
    let mut seed = Seed::new(number);
    let world = World::new(60).await;
    let portal = RealPortal::in_sync_with(&world).await;
    world.home.fault(set);
    let faults = format!("seed {number}");
    // Shown only when the story ends badly.
    eprintln!("{faults}");
    if seed.below(3) > 0 {
        world.home.cut_connections();
    }
    let held = portal.lines().len();
    for _ in 0..=seed.below(3) {
        change(&world.home, &mut seed);
        sleep(Duration::from_millis(seed.below(60_000))).await;
        // A change removes one entity at most, and with its device and area nothing else.
        assert!(portal.lines().len() + 4 >= held, "something was deleted that could only not be read");
    }
    world.home.fault(|faults| *faults = Faults::default());
    world.converge(&portal).await;
    assert_eq!(world.home.violations(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_home_that_is_cut_off_at_any_frame_is_read_again() {
    for frame in (1..FRAMES).step_by(3) {
        story(frame, |faults| faults.cut_before_frame = Some(frame)).await;
        story(frame + 1, |faults| faults.cut_in_frame = Some(frame + 1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn garbage_and_giants_from_the_home_end_the_connection_and_nothing_else() {
    for frame in [1, 2, 5, 12, 20, 30] {
        story(100 + frame, |faults| faults.garbage_in_frame = Some(frame)).await;
        story(200 + frame, |faults| faults.oversized_frame = Some(frame)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_home_that_is_slow_silent_or_out_of_order_is_understood() {
    story(300, |faults| faults.delay = Some(Duration::from_secs(2))).await;
    story(301, |faults| faults.reorder = true).await;
    story(302, |faults| faults.duplicate = true).await;
    story(303, |faults| faults.arrays = true).await;
    story(304, |faults| faults.id_last = true).await;
    story(305, |faults| faults.swallow = true).await;
    story(306, |faults| faults.refuse = true).await;
    story(307, |faults| faults.http_status = Some(502)).await;
    story(308, |faults| faults.http_status = Some(200)).await;
    story(309, |faults| faults.auth_invalid = true).await;
}

#[tokio::test(start_paused = true)]
async fn a_command_that_fails_or_hangs_deletes_nothing() {
    let commands = [
        "config/entity_registry/list",
        "config/entity_registry/get_entries",
        "config/device_registry/list",
        "config/area_registry/list",
        "config/floor_registry/list",
        "get_states",
        "get_config",
        "subscribe_events",
    ];
    for (number, command) in (400..).zip(commands) {
        story(number, |faults| faults.hang = Some(command.to_owned())).await;
        let fail = Fail { command: command.to_owned(), nth: 0, code: "home_assistant_error".to_owned() };
        story(number + 100, |faults| faults.fail = Some(fail)).await;
    }
}

/// R18: lists that are falsely empty reach nobody, however long it lasts.
#[tokio::test(start_paused = true)]
async fn r18_a_home_that_starts_or_is_crippled_deletes_nothing_at_the_portal() {
    let world = World::new(60).await;
    let portal = RealPortal::in_sync_with(&world).await;
    let held = portal.lines();
    assert!(held.len() > 60);
    for (code, state, recovery, safe) in [
        ("home_not_running", "STARTING", false, false),
        ("home_not_running", "STOPPING", false, false),
        ("home_recovery_mode", "RUNNING", true, false),
        ("home_safe_mode", "RUNNING", false, true),
    ] {
        world.home.change_silently(|model| {
            model.core_state = state.to_owned();
            model.recovery_mode = recovery;
            model.safe_mode = safe;
        });
        world.home.cut_connections();
        let shows = |status: &vestibule::agent::Status| {
            status.home.problem.as_ref().is_some_and(|problem| problem.code == code)
        };
        let status = world.until(code, shows).await;
        assert!(!status.in_sync && status.root.is_none());
        // A new link has nothing to say but that there is nothing to say.
        world.to_portal.proxy.cut();
        sleep(Duration::from_secs(3 * 3600)).await;
        assert_eq!(portal.lines(), held, "{code}");
        assert!(world.status().await.portal.connected);
        world.home.change_silently(|model| {
            model.core_state = "RUNNING".to_owned();
            model.recovery_mode = false;
            model.safe_mode = false;
        });
        world.home.cut_connections();
        world.converge(&portal).await;
        assert_eq!(portal.lines(), held);
    }
}
