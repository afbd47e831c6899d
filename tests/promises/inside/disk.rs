//! When what may not be written down may not be sent (R26).

use std::time::Duration;

use tokio::time::sleep;
use vestibule::store::{LedgerLimits, StoreOptions};
use vestibule_dev::fake_home::{FakeHome, Version};
use vestibule_protocol::consent::Class;

use super::real::RealPortal;
use super::seeds::{Seed, change};
use super::world::{World, problem_of};

/// Room for a first sync and a few hundred changes.
const SMALL: u64 = 128 << 10;

/// R26: a full ledger pauses what is sent, visibly; the owner's decisions still get out, also after days; more room ends the pause.
#[tokio::test(start_paused = true)]
async fn r26_a_full_ledger_pauses_sending_and_lets_withdrawals_out() {
    let ledger = LedgerLimits { cap: SMALL, inbound_bytes: 16 << 10, inbound_rows_a_day: 5_000 };
    let options = StoreOptions { ledger, ..StoreOptions::default() };
    let mut world = World::of(FakeHome::of_size(Version::V2026_11, 60), options).await;
    let portal = RealPortal::in_sync_with(&world).await;
    world.grant(Class::Names).await;
    world.converge(&portal).await;
    let mut seed = Seed::new(1);
    for changes in 0.. {
        assert!(changes < 2_000, "the ledger is never full");
        for _ in 0..8 {
            change(&world.home, &mut seed);
        }
        sleep(Duration::from_secs(20)).await;
        if problem_of(&world.status().await) == Some("ledger_full") {
            break;
        }
    }
    let (held, pushes) = (portal.lines(), world.sent("push"));
    change(&world.home, &mut seed);
    // Days of trying do not use up what is kept back for the owner.
    let hellos = world.sent("hello");
    sleep(Duration::from_secs(2 * 24 * 3600)).await;
    let tries = world.sent("hello") - hellos;
    assert!((20..60).contains(&tries), "{tries} attempts in two days");
    let status = world.until_problem("ledger_full").await;
    assert!(!status.in_sync);
    assert_eq!((portal.lines(), world.sent("push")), (held, pushes));
    assert!(world.disk() < SMALL + (4 << 20));
    world.withdraw(Class::Names).await;
    world.until("withdrawn", |status| status.outbox.is_empty()).await;
    assert!(portal.lines().iter().all(|line| !line.starts_with("{\"key\":\"name/")));
    assert_eq!(portal.handled(), 2);
    // The owner allows more room.
    world.stop().await;
    world.options.ledger = LedgerLimits::default();
    world.start().await;
    world.converge(&portal).await;
    world.assert_ledger_is_sound();
}
