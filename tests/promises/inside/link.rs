//! Between agent and portal everything breaks once: afterwards both hold the same, and each decision has arrived exactly once.

use std::time::Duration;

use tokio::time::sleep;
use vestibule_dev::fault_proxy::{Fault, Way, What};
use vestibule_protocol::consent::Class;

use super::real::RealPortal;
use super::seeds::{Seed, change};
use super::world::World;

/// Longest conversation that is cut at every message: challenge, hello, welcome, consent, done, buckets, want, batch, commit, ack.
const MESSAGES: u64 = 5;
/// Stories beyond the systematic ones.
const STORIES: u64 = 20;

/// The owner decides, the home changes, and the fault strikes every link meanwhile; then it is gone.
async fn story(fault: &Fault, number: u64, first_sync: bool) {
    // Shown only when the story ends badly.
    eprintln!("seed {number}, {fault:?}, first sync: {first_sync}");
    let mut seed = Seed::new(number);
    let mut world = World::new(60).await;
    let portal = RealPortal::start(&world).await;
    world.pair(&portal.invite()).await.unwrap();
    if !first_sync {
        world.converge(&portal).await;
    }
    world.to_portal.proxy.set(Some(fault.clone()));
    world.to_portal.proxy.cut();
    world.grant(Class::Names).await;
    for _ in 0..=seed.below(3) {
        change(&world.home, &mut seed);
        sleep(Duration::from_millis(seed.below(20_000))).await;
    }
    let mut decisions = 1;
    if seed.below(2) == 0 {
        world.withdraw(Class::Names).await;
        decisions += 1;
    }
    change(&world.home, &mut seed);
    sleep(Duration::from_millis(seed.below(200_000))).await;
    world.to_portal.proxy.set(None);
    world.converge(&portal).await;
    assert_eq!(portal.handled(), decisions, "each decision is carried out once");
    // And the link is as good as new.
    change(&world.home, &mut seed);
    world.converge(&portal).await;
    world.stop().await;
    world.assert_ledger_is_sound();
}

#[tokio::test(start_paused = true)]
async fn a_link_that_is_cut_at_any_message_or_within_it_loses_and_doubles_nothing() {
    for message in 1..=MESSAGES {
        for way in [Way::Up, Way::Down] {
            for what in [What::CutBefore, What::CutWithin] {
                story(&Fault { way, message, what }, message, message % 2 == 1).await;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_else_comes_over_the_line_loses_and_doubles_nothing() {
    let bomb = [vec![1], zstd::bulk::compress(&vec![b' '; 64 << 20], 3).unwrap()].concat();
    let deep = [vec![0], vec![b'['; 100_000]].concat();
    let kinds = [
        What::HalfOpen,
        What::Garbage,
        What::Noise,
        What::Oversized(5 << 20),
        What::Oversized(u64::MAX >> 1),
        What::Instead(Vec::new()),
        What::Instead(bomb),
        What::Instead(deep),
        What::Twice,
        What::Late(Duration::from_secs(50)),
        What::Slow(400),
    ];
    for (number, what) in (100..).zip(kinds) {
        for way in [Way::Up, Way::Down] {
            let message = 1 + Seed::new(number).below(MESSAGES);
            story(&Fault { way, message, what: what.clone() }, number, number % 2 == 0).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn seeded_stories_of_a_bad_line_end_well() {
    for number in 1_000..1_000 + STORIES {
        let mut seed = Seed::new(number);
        let what = seed.pick(&[
            What::CutBefore,
            What::CutWithin,
            What::HalfOpen,
            What::Garbage,
            What::Twice,
            What::Late(Duration::from_secs(3)),
            What::Slow(2_000),
        ]);
        let way = seed.pick(&[Way::Up, Way::Down]);
        let fault = Fault { way, message: 1 + seed.below(8), what };
        let first_sync = seed.below(2) == 0;
        story(&fault, number, first_sync).await;
    }
}

/// The agent dies at any moment of a bad day and comes again; so does the portal.
#[tokio::test(start_paused = true)]
async fn crashes_of_the_agent_on_a_bad_line_lose_and_double_nothing() {
    for number in 2_000..2_010 {
        let mut seed = Seed::new(number);
        eprintln!("seed {number}");
        let mut world = World::new(60).await;
        let portal = RealPortal::start(&world).await;
        world.pair(&portal.invite()).await.unwrap();
        let mut decisions = 0;
        for round in 0..4 {
            let way = seed.pick(&[Way::Up, Way::Down]);
            let what = seed.pick(&[What::CutBefore, What::CutWithin, What::Slow(5_000)]);
            world.to_portal.proxy.set(Some(Fault { way, message: 1 + seed.below(8), what }));
            change(&world.home, &mut seed);
            if round % 2 == 0 {
                world.grant(Class::Names).await;
            } else {
                world.withdraw(Class::Names).await;
            }
            decisions += 1;
            sleep(Duration::from_millis(seed.below(3_000))).await;
            world.crash();
            if seed.below(2) == 0 {
                world.to_portal.hang_up();
                portal.answer(&world);
            }
            world.start().await;
            sleep(Duration::from_millis(seed.below(3_000))).await;
        }
        world.to_portal.proxy.set(None);
        world.converge(&portal).await;
        assert_eq!(portal.handled(), decisions, "each decision is carried out once");
        world.stop().await;
        world.assert_ledger_is_sound();
    }
}
