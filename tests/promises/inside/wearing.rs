//! R22: a hostile portal wears out nothing: not the line, not the disk, not the memory, not the owner's patience.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use vestibule_protocol::message::{Ack, FromAgent, Mismatch, Pull, Want};

use super::hostile::{Hostile, Peer, empty_root, strange_root, welcome};
use super::seeds::{Seed, change};
use super::world::{World, problem_of};

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// How many of these moments lie within any span of this length.
fn most_within(moments: &[Instant], span: Duration) -> usize {
    let within = |from: &Instant| moments.iter().filter(|at| *at >= from && **at < *from + span).count();
    moments.iter().map(within).max().unwrap_or(0)
}

/// R22: always wants everything, always acknowledges, and then holds nothing again.
#[tokio::test(start_paused = true)]
async fn r22_a_portal_that_always_wants_everything_gets_it_once_an_hour_and_ten_times_a_day() {
    let world = World::new(30).await;
    let mut portal = Hostile::paired_with(&world).await;
    let begun = Instant::now();
    let mut transfers = Vec::new();
    let mut problem = false;
    while begun.elapsed() < 2 * DAY {
        let (mut peer, hello) = portal.greet().await;
        peer.say(welcome(empty_root(&hello.consent.classes))).await;
        if peer.take_everything().await.is_some_and(|records| records > 30) {
            transfers.push(Instant::now());
        }
        problem |= problem_of(&world.status().await) == Some("send_budget");
    }
    // The very first is nothing that was sent before.
    let again = &transfers[1..];
    assert!(most_within(again, HOUR) <= 1, "{}", most_within(again, HOUR));
    assert!(most_within(again, DAY) <= 10, "{}", most_within(again, DAY));
    assert!(again.len() >= 10, "it is served, only not more often: {}", again.len());
    assert!(problem, "the owner is told");
    // A portal that behaves again is served at once, whatever it did before: only what is sent again costs.
    let peer = portal.in_sync().await;
    world.until("in sync", |status| status.in_sync).await;
    drop(peer);
}

/// R22: a pull counts, however little it asks for.
#[tokio::test(start_paused = true)]
async fn r22_pulls_are_answered_ten_times_an_hour() {
    let world = World::new(30).await;
    let mut portal = Hostile::paired_with(&world).await;
    let begun = Instant::now();
    let mut buckets = Vec::new();
    while begun.elapsed() < 5 * HOUR {
        let (mut peer, hello) = portal.greet().await;
        let Some(root) = hello.root else { continue };
        peer.say(welcome(root)).await;
        while begun.elapsed() < 5 * HOUR {
            peer.say(Pull {}).await;
            peer.say(Pull {}).await;
            let Some((root, _)) = peer.hear_buckets().await else { break };
            buckets.push(Instant::now());
            peer.say(Want::default()).await;
            if peer.hear_transfer().await.is_none() {
                break;
            }
            peer.say(Ack { root }).await;
        }
    }
    // One more begins than is answered: that the time is not up shows when something is wanted.
    assert!(most_within(&buckets, HOUR) <= 12, "{}", most_within(&buckets, HOUR));
    assert!(buckets.len() > 20);
}

/// Connections that each cost us a hello, a token and three ledger rows, and end right away.
async fn hang_ups(
    world: &World,
    portal: &mut Hostile,
    span: Duration,
    each: impl AsyncFn(&mut Peer),
) -> usize {
    let begun = Instant::now();
    let mut links = 0;
    while begun.elapsed() < span {
        let (mut peer, hello) = portal.greet().await;
        if let Some(root) = hello.root {
            peer.say(welcome(root)).await;
            world.until("connected", |status| status.portal.connected).await;
            each(&mut peer).await;
        }
        links += 1;
        // Twelve short pauses an hour, and then five minutes at most between two: there is no need to count to the end.
        assert!(links < 6 * 48, "{links} links in {:?}", begun.elapsed());
    }
    links
}

/// R22: who hangs up right after the welcome is met ever more rarely, however well everything was in sync.
#[tokio::test(start_paused = true)]
async fn r22_a_portal_that_hangs_up_again_and_again_is_met_ever_more_rarely() {
    let world = World::new(30).await;
    let mut portal = Hostile::paired_with(&world).await;
    drop(portal.in_sync().await);
    let links = hang_ups(&world, &mut portal, 6 * HOUR, async |_: &mut Peer| {}).await;
    assert!(links > 6 * 12, "{links} links in six hours");
    // After an hour of peace a lost link is met again at once.
    let mut peer = portal.in_sync().await;
    for _ in 0..120 {
        peer.ping().await;
        sleep(Duration::from_secs(30)).await;
    }
    change(&world.home, &mut Seed::new(1));
    let Some(FromAgent::Push(push)) = peer.hear().await else { panic!("no push") };
    peer.say(Ack { root: push.root }).await;
    world.until("in sync", |status| status.in_sync).await;
    drop(peer);
    let since = Instant::now();
    drop(portal.greet().await);
    assert!(since.elapsed() < Duration::from_secs(5), "{:?}", since.elapsed());
}

/// R22: nonsense that comes in does not fill the disk.
#[tokio::test(start_paused = true)]
async fn r22_garbage_that_comes_in_does_not_fill_the_disk() {
    let world = World::new(30).await;
    let mut portal = Hostile::paired_with(&world).await;
    let peer = portal.in_sync().await;
    world.until("in sync", |status| status.in_sync).await;
    drop(peer);
    let before = world.disk();
    let junk: Vec<u8> = (0..200_000_u32).flat_map(u32::to_le_bytes).collect();
    let big = move || [vec![0], junk.clone()].concat();
    let links = hang_ups(&world, &mut portal, 6 * HOUR, async |peer: &mut Peer| peer.raw(big()).await).await;
    assert!(links > 10);
    let (mut peer, hello) = portal.greet().await;
    peer.say(welcome(hello.root.unwrap())).await;
    for _ in 0..20_000 {
        peer.say(Mismatch { root: strange_root() }).await;
        peer.ping().await;
    }
    while peer.hear().await.is_some() {}
    world.assert_ledger_is_sound();
    let grown = world.disk() - before;
    assert!(grown < 4 << 20, "{grown} bytes after {links} links");
}

/// A portal that is alive and never answers is given up, and does not make readings of the home pile up.
#[tokio::test(start_paused = true)]
async fn a_portal_that_never_answers_is_given_up() {
    let world = World::new(30).await;
    let mut portal = Hostile::paired_with(&world).await;
    for stage in ["hello", "buckets", "commit"] {
        let (mut peer, hello) = portal.greet().await;
        if stage != "hello" {
            peer.say(welcome(empty_root(&hello.consent.classes))).await;
            let (root, _) = peer.hear_buckets().await.unwrap();
            if stage == "commit" {
                peer.say(Want { all: true, ..Want::default() }).await;
                peer.hear_transfer().await.unwrap();
            }
            let _ = root;
        }
        let begun = Instant::now();
        let alive = async {
            loop {
                change(&world.home, &mut Seed::new(begun.elapsed().as_secs()));
                sleep(Duration::from_secs(25)).await;
            }
        };
        let mut pings = tokio::time::interval(Duration::from_secs(30));
        let given_up = async {
            loop {
                tokio::select! {
                    heard = peer.hear() => if heard.is_none() { return },
                    _ = pings.tick() => {}
                }
                peer.ping().await;
            }
        };
        tokio::select! {
            () = given_up => {}
            () = alive => {}
        }
        assert!(begun.elapsed() < 2 * HOUR, "{stage}: {:?}", begun.elapsed());
    }
    drop(portal.in_sync().await);
}
