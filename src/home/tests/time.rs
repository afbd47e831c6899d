//! Waiting: on a network of pipes, where time passes as soon as nothing else happens.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::timeout;
use vestibule_dev::fake_home::{FakeHome, TOKEN, Version};

use crate::home::{Endpoint, Token, run};
use crate::net::{BoxedStream, Dial, Dialling, Target};
use crate::outbound::reading::{HomeEvent, HomeTrouble};

/// A network of pipes, on which time can stand still.
struct Pipes(FakeHome);

impl Dial for Pipes {
    fn dial<'a>(&'a self, _: &'a Target) -> Dialling<'a> {
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        let home = self.0.clone();
        tokio::spawn(async move { home.serve(theirs).await });
        Box::pin(async move { Ok(Box::new(ours) as BoxedStream) })
    }
}

async fn next(events: &mut mpsc::Receiver<HomeEvent>) -> HomeEvent {
    events.recv().await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_half_open_connection_is_given_up_after_two_minutes() {
    let home = FakeHome::of_size(Version::V2026_11, 20);
    let endpoint = Endpoint::supervisor(Token::new(TOKEN).unwrap());
    let (sender, mut events) = mpsc::channel(8);
    let task = tokio::spawn(run(endpoint, Pipes(home.clone()), || 0.5, std::sync::Arc::default(), sender));
    assert!(matches!(next(&mut events).await, HomeEvent::Connected { .. }));
    assert!(matches!(next(&mut events).await, HomeEvent::Read { .. }));
    // A quiet but living home is asked now and then, and nothing else happens.
    let nothing = timeout(Duration::from_secs(600), events.recv()).await;
    assert!(nothing.is_err(), "{nothing:?}");
    let pings = home.commands().get("ping").copied();
    assert!(matches!(pings, Some(9 | 10)), "{pings:?}");
    home.fault(|faults| faults.swallow = true);
    let asleep = tokio::time::Instant::now();
    assert!(matches!(next(&mut events).await, HomeEvent::Lost(HomeTrouble::Silent)));
    let waited = asleep.elapsed();
    assert!(waited >= Duration::from_secs(60) && waited <= Duration::from_secs(121), "{waited:?}");
    home.fault(|faults| faults.swallow = false);
    assert!(matches!(next(&mut events).await, HomeEvent::Connected { .. }));
    task.abort();
}

#[tokio::test(start_paused = true)]
async fn a_command_that_is_never_answered_is_given_up_though_pings_are() {
    let home = FakeHome::of_size(Version::V2026_11, 20);
    home.fault(|faults| faults.hang = Some("get_states".into()));
    let (sender, mut events) = mpsc::channel(8);
    let endpoint = Endpoint::supervisor(Token::new(TOKEN).unwrap());
    let task = tokio::spawn(run(endpoint, Pipes(home), || 0.5, std::sync::Arc::default(), sender));
    assert!(matches!(next(&mut events).await, HomeEvent::Connected { .. }));
    assert!(matches!(next(&mut events).await, HomeEvent::Lost(HomeTrouble::Silent)));
    task.abort();
}

#[tokio::test(start_paused = true)]
async fn everything_is_read_again_hourly_or_more_often_where_we_do_not_see_all() {
    for (version, admin, minutes) in [
        (Version::V2026_11, true, 54..67),
        (Version::V2026_11, false, 9..12),
        (Version::V2024_3, false, 9..12),
    ] {
        let home = FakeHome::of_size(version, 20);
        home.change_silently(|model| model.admin = admin);
        let (sender, mut events) = mpsc::channel(8);
        let endpoint = Endpoint::supervisor(Token::new(TOKEN).unwrap());
        let task =
            tokio::spawn(run(endpoint, Pipes(home.clone()), || 0.5, std::sync::Arc::default(), sender));
        assert!(matches!(next(&mut events).await, HomeEvent::Connected { .. }));
        assert!(matches!(next(&mut events).await, HomeEvent::Read { .. }));
        let start = tokio::time::Instant::now();
        home.change_silently(|model| model.sources.remove("sensor.loose_0"));
        assert!(matches!(next(&mut events).await, HomeEvent::Read { complete: true, .. }));
        let waited = start.elapsed().as_secs() / 60;
        assert!(minutes.contains(&waited), "{version:?} {admin}: {waited}");
        task.abort();
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_is_not_tried_again_for_five_minutes() {
    let home = FakeHome::of_size(Version::V2026_11, 20);
    home.fault(|faults| faults.auth_invalid = true);
    let (sender, mut events) = mpsc::channel(8);
    let endpoint = Endpoint::supervisor(Token::new("wrong").unwrap());
    let task = tokio::spawn(run(endpoint, Pipes(home.clone()), || 0.5, std::sync::Arc::default(), sender));
    assert!(matches!(next(&mut events).await, HomeEvent::Lost(HomeTrouble::TokenRefused)));
    assert!(timeout(Duration::from_secs(3600), events.recv()).await.is_err());
    assert!((10..=12).contains(&home.connections()), "{}", home.connections());
    task.abort();
}
