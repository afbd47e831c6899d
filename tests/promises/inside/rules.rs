//! What a portal may not do, rule by rule: whom it serves, what it may ask, and how much of it is listened to.

use std::time::Duration;

use ed25519_dalek::SigningKey;
use tokio::time::{Instant, sleep};
use vestibule::store::Direction;
use vestibule_dev::fault_proxy::{Fault, Way, What};
use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::consent::Class;
use vestibule_protocol::dsse::Envelope;
use vestibule_protocol::message::{
    Ack, Done, Enrolled, Erased, FromAgent, FromPortal, Mismatch, Pull, Want, Welcome, device_signature_fits,
};
use vestibule_protocol::statement::{PAYLOAD_TYPE, Statement};

use super::hostile::{Hostile, empty_root, strange_root, welcome};
use super::real::RealPortal;
use super::seeds::{Seed, change};
use super::world::{ORIGIN, World, problem_of};

/// How many of these lines belong to the class `names`.
fn names(lines: &[String]) -> usize {
    lines.iter().filter(|line| line.starts_with("{\"key\":\"name/")).count()
}

/// Statements that are not to be believed, by what is wrong with them.
fn lies(portal: &Hostile) -> Vec<(&'static str, Envelope)> {
    let other_root = SigningKey::from_bytes(&[77; 32]);
    let honest = Statement {
        name: "Hostile Dashboards".into(),
        origin: ORIGIN.into(),
        portal_key: Fixed(*portal.key.verifying_key().as_bytes()),
        root_key: Fixed(*portal.root.verifying_key().as_bytes()),
        issued: 0,
        expires: 4_000_000_000,
    };
    let of_other_tenant =
        Statement { root_key: Fixed(*other_root.verifying_key().as_bytes()), ..honest.clone() };
    let elsewhere = Statement { origin: "https://other.example".into(), ..honest.clone() };
    let expired = Statement { expires: 1_000_000_000, ..honest.clone() };
    let mut broken = honest.sign(&portal.root).unwrap();
    broken.signatures.clear();
    vec![
        ("another tenant's", of_other_tenant.sign(&other_root).unwrap()),
        ("for another origin", elsewhere.sign(&portal.root).unwrap()),
        ("expired", expired.sign(&portal.root).unwrap()),
        ("forged", honest.sign(&other_root).unwrap()),
        ("unsigned", broken),
        ("something else", Envelope::sign(PAYLOAD_TYPE, b"{}", &portal.root)),
    ]
}

/// R2, R5: at pairing and on every connection, before one byte of ours.
#[tokio::test(start_paused = true)]
async fn r2_a_portal_that_cannot_prove_whom_it_serves_hears_nothing() {
    let world = World::new(30).await;
    let mut portal = Hostile::start(&world);
    for (lie, statement) in lies(&portal) {
        let invite = portal.invite();
        let answer = async {
            let mut peer = portal.accept().await;
            peer.challenge(&statement).await;
            peer.hear_nothing().await;
        };
        let (met, ()) = tokio::join!(world.meet(&invite), answer);
        assert_eq!(met.unwrap_err().code, "portal_untrusted", "{lie}");
    }
    let mut portal = Hostile::paired_with(&world).await;
    for (lie, statement) in lies(&portal) {
        let mut peer = portal.accept().await;
        peer.challenge(&statement).await;
        peer.hear_nothing().await;
        let status = world.until_problem("portal_untrusted").await;
        assert!(!status.in_sync && !status.portal.connected, "{lie}");
    }
    assert_eq!(world.sent("hello"), 0);
    let peer = portal.in_sync().await;
    world.until("in sync", |status| status.in_sync).await;
    drop(peer);
}

/// R5: nothing is said before the challenge, and each challenge of a link is answered once, with fresh numbers.
#[tokio::test(start_paused = true)]
async fn r5_hello_answers_one_challenge_and_nothing_else() {
    let world = World::new(30).await;
    let mut portal = Hostile::paired_with(&world).await;
    let root = strange_root();
    let early: Vec<FromPortal> = vec![
        welcome(root).into(),
        Enrolled {}.into(),
        Ack { root }.into(),
        Mismatch { root }.into(),
        Want { all: true, ..Want::default() }.into(),
        Pull {}.into(),
        Done { id: Fixed([1; 16]), root, receipts: Vec::new() }.into(),
        Erased { id: Fixed([1; 16]), receipt: portal.statement() }.into(),
    ];
    for message in early {
        let mut peer = portal.accept().await;
        peer.say(message).await;
        peer.hear_nothing().await;
    }
    assert_eq!(world.ledger().iter().filter(|row| row.kind == "hello" || row.kind == "buckets").count(), 0);

    let mut nonces = Vec::new();
    for _ in 0..3 {
        let mut peer = portal.accept().await;
        peer.hear_silence().await;
        peer.challenge(&portal.statement()).await;
        let Some(FromAgent::Hello(hello)) = peer.hear().await else { panic!("no hello") };
        let body: vestibule_protocol::message::HelloBody = serde_json::from_str(&hello.body).unwrap();
        let key = world.device_key(&portal.tenant());
        let fits = |nonce: &[u8; 32], origin| {
            let tenant = portal.tenant();
            device_signature_fits(&key, &hello.signature, "hello", &tenant, origin, nonce, &hello.body)
        };
        assert!(fits(&peer.nonce, ORIGIN));
        assert!(!fits(&[0; 32], ORIGIN) && !fits(&peer.nonce, "https://other.example"));
        nonces.push(body.nonce);
        // A second challenge is not answered: nobody gets signatures by the dozen.
        peer.challenge(&portal.statement()).await;
        peer.hear_nothing().await;
    }
    nonces.dedup();
    assert_eq!(nonces.len(), 3);
}

/// R6: the token of the last welcome comes with the next hello, and what the portal noticed is shown.
#[tokio::test(start_paused = true)]
async fn r6_restored_and_cloned_are_shown_and_tokens_are_presented() {
    let mut world = World::new(30).await;
    let mut portal = Hostile::paired_with(&world).await;
    let (mut peer, hello) = portal.greet().await;
    assert_eq!(hello.session, None);
    let first = Welcome { restored: true, ..welcome(strange_root()) };
    peer.say(first.clone()).await;
    world.until("restored", |status| status.restored && !status.cloned).await;
    drop(peer);
    let (mut peer, hello) = portal.greet().await;
    assert_eq!(hello.session, Some(first.session));
    let second = Welcome { cloned: true, ..welcome(strange_root()) };
    peer.say(second.clone()).await;
    world.until("cloned", |status| status.restored && status.cloned).await;
    // Stored before it can be used: not even a crash right now loses it.
    world.crash();
    world.start().await;
    let (_peer, hello) = portal.greet().await;
    assert_eq!(hello.session, Some(second.session));
    let status = world.status().await;
    assert!(status.restored && status.cloned);
}

/// R19: with short hashes, with whole ones, once more; then a person has to look, and the link rests for an hour.
#[tokio::test(start_paused = true)]
async fn r19_three_mismatches_are_a_schema_disagreement() {
    let world = World::new(30).await;
    let mut portal = Hostile::paired_with(&world).await;
    let (mut peer, _) = portal.welcome(strange_root()).await;
    let mut lengths = Vec::new();
    for _ in 0..3 {
        let (_, length) = peer.hear_buckets().await.unwrap();
        lengths.push(length);
        peer.say(Mismatch { root: strange_root() }).await;
    }
    peer.hear_nothing().await;
    assert_eq!(lengths, [256 * 4, 256 * 32, 256 * 32]);
    let since = Instant::now();
    let status = world.until_problem("schema_disagreement").await;
    assert!(!status.in_sync);
    drop(portal.accept().await);
    assert!(since.elapsed() > Duration::from_secs(3500), "{:?}", since.elapsed());
}

/// R20: an acknowledgement that is lost shows as an equal root; nothing is sent twice.
#[tokio::test(start_paused = true)]
async fn r20_a_lost_acknowledgement_shows_as_an_equal_root() {
    let world = World::new(30).await;
    let mut portal = Hostile::paired_with(&world).await;
    let mut peer = portal.in_sync().await;
    world.until("in sync", |status| status.in_sync).await;
    change(&world.home, &mut Seed::new(5));
    let Some(FromAgent::Push(push)) = peer.hear().await else { panic!("no push") };
    drop(peer);
    let (mut peer, hello) = portal.welcome(push.root).await;
    assert_eq!(hello.root, Some(push.root));
    peer.hear_silence().await;
    world.until("in sync", |status| status.in_sync).await;
    // A push from a base that is not the portal's is answered with a mismatch, and then only roots count.
    change(&world.home, &mut Seed::new(6));
    let Some(FromAgent::Push(push)) = peer.hear().await else { panic!("no push") };
    peer.say(Mismatch { root: push.root }).await;
    peer.hear_silence().await;
    world.until("in sync", |status| status.in_sync).await;
}

/// R23: what is larger, deeper or stranger than allowed ends the link, and the agent lives on.
#[tokio::test(start_paused = true)]
async fn r23_bombs_and_giants_end_the_link_and_nothing_else() {
    let world = World::new(30).await;
    let mut portal = Hostile::paired_with(&world).await;
    let bomb = zstd::bulk::compress(&vec![b' '; 256 << 20], 3).unwrap();
    let deep = [vec![0], br#"{"t":"ack","root":"#.to_vec(), vec![b'['; 1000]].concat();
    for (name, frame) in [
        ("a bomb", [vec![1], bomb].concat()),
        ("deep", deep),
        ("an unknown codec", vec![9, 1, 2, 3]),
        ("empty", Vec::new()),
        ("damaged", vec![1, 2, 3, 4]),
        ("too large", vec![0; (4 << 20) + 1]),
    ] {
        let (mut peer, _) = portal.greet().await;
        peer.raw(frame).await;
        peer.hear_nothing().await;
        let shows = |status: &vestibule::agent::Status| {
            matches!(problem_of(status), Some("portal_protocol" | "portal_lost"))
        };
        world.until(name, shows).await;
    }
    drop(portal.in_sync().await);
}

/// S97: the portal's verbs are a closed set; any other is refused, and stands in the ledger.
#[tokio::test(start_paused = true)]
async fn s97_an_unknown_verb_ends_the_link_and_is_written_down() {
    assert_eq!(
        FromPortal::KINDS,
        [
            "challenge",
            "enrolled",
            "welcome",
            "ack",
            "mismatch",
            "want",
            "pull",
            "done",
            "erased",
            "charters",
            "deploy",
            "withdraw",
            "ask",
            "reads",
            "refused"
        ]
    );
    let world = World::new(30).await;
    let mut portal = Hostile::paired_with(&world).await;
    let verbs = ["call_service", "execute", "render_template", "ack ", "Ack", "deploy", "hello", "push", ""];
    for verb in verbs {
        let (mut peer, hello) = portal.greet().await;
        peer.say(welcome(hello.root.unwrap_or_else(strange_root))).await;
        world.until("connected", |status| status.portal.connected).await;
        let json = serde_json::json!({"t": verb, "domain": "lock", "service": "unlock"});
        peer.raw([vec![0], serde_json::to_vec(&json).unwrap()].concat()).await;
        while peer.hear().await.is_some() {}
        world.until_problem("portal_protocol").await;
    }
    // Known verbs with unknown or repeated fields are unknown too.
    for text in [r#"{"t":"pull","now":true}"#, r#"{"t":"pull","t":"pull"}"#, r#"["pull"]"#, "pull", "{}"] {
        let (mut peer, hello) = portal.greet().await;
        peer.say(welcome(hello.root.unwrap_or_else(strange_root))).await;
        world.until("connected", |status| status.portal.connected).await;
        peer.raw([b"\0", text.as_bytes()].concat()).await;
        while peer.hear().await.is_some() {}
        world.until_problem("portal_protocol").await;
    }
    sleep(Duration::from_secs(10)).await;
    let unreadable = world.ledger().iter().filter(|row| row.kind == "unreadable").count();
    assert_eq!(unreadable, verbs.len() + 5);
    let services = world.home.commands().keys().filter(|command| command.contains("call_service")).count();
    assert_eq!(services, 0);
}

/// R24: a large transfer creeps over a slow line; the owner withdraws, and within a second nothing more goes out.
#[tokio::test(start_paused = true)]
async fn r24_withdrawal_stops_a_transfer_within_a_second() {
    let world = World::new(3_000).await;
    let portal = RealPortal::start(&world).await;
    let slow = Fault { way: Way::Up, message: 3, what: What::Slow(2_000) };
    world.to_portal.proxy.set(Some(slow));
    world.pair(&portal.invite()).await.unwrap();
    world.grant(Class::Names).await;
    world.until("connected", |status| status.portal.connected).await;
    let sent = || world.to_portal.proxy.bytes(Way::Up);
    let before = sent();
    while sent() < before + 8_000 {
        sleep(Duration::from_millis(100)).await;
    }
    assert!(!world.status().await.in_sync && portal.lines().is_empty());
    let before = world.ledger().len();
    assert_eq!(
        world.ledger().last().map(|row| row.kind.clone()).as_deref(),
        Some("batch"),
        "it is on its way"
    );
    let withdrawn = Instant::now();
    world.withdraw(Class::Names).await;
    world.to_portal.proxy.set(None);
    world.until("a new link", |status| status.portal.connected).await;
    assert!(withdrawn.elapsed() < Duration::from_secs(1));
    // What comes next is said on a new link, which begins with what the owner decided.
    let rows = world.ledger().split_off(before);
    let next = rows.iter().find(|row| row.direction == Direction::Out).unwrap();
    assert_eq!(next.kind, "hello");
    world.converge(&portal).await;
    assert_eq!(names(&portal.lines()), 0, "no name has stayed");
    assert_eq!(portal.handled(), 2);
}

/// R27: what was withdrawn while nobody listened comes with the next hello.
#[tokio::test(start_paused = true)]
async fn r27_a_withdrawal_while_offline_comes_with_the_next_hello() {
    let mut world = World::new(60).await;
    let portal = RealPortal::in_sync_with(&world).await;
    world.grant(Class::Names).await;
    world.converge(&portal).await;
    assert!(names(&portal.lines()) > 0);
    world.to_portal.hang_up();
    world.withdraw(Class::Names).await;
    world.until("offline", |status| !status.portal.connected).await;
    world.crash();
    world.start().await;
    assert!(names(&portal.lines()) > 0);
    // Somebody else listens for a moment: the hello alone says it.
    let mut ear = Hostile::start(&world);
    let statement = portal.statement();
    let mut peer = ear.accept().await;
    peer.challenge(&statement).await;
    let Some(FromAgent::Hello(hello)) = peer.hear().await else { panic!("no hello") };
    let body: vestibule_protocol::message::HelloBody = serde_json::from_str(&hello.body).unwrap();
    assert!(
        !body.consent.grants(Class::Names) && body.consent.withdrawn[&Class::Names] == body.consent.epoch
    );
    drop((peer, ear));
    portal.answer(&world);
    world.converge(&portal).await;
    assert_eq!(names(&portal.lines()), 0);
    assert_eq!(portal.handled(), 2);
}

/// A portal that holds nothing is told so by the root: the first transfer begins without a list of hashes.
#[tokio::test(start_paused = true)]
async fn restricting_stops_everything_and_empties_nothing() {
    let world = World::new(30).await;
    let mut portal = Hostile::paired_with(&world).await;
    drop(portal.in_sync().await);
    world.ask(vestibule::control::Request::Restrict { on: true }).await.unwrap();
    let (mut peer, hello) = portal.greet().await;
    assert!(hello.root.is_none() && hello.consent.restricted);
    peer.say(welcome(empty_root(&hello.consent.classes))).await;
    let Some(FromAgent::ConsentChanged(consent)) = peer.hear().await else { panic!("no consent") };
    assert!(consent.consent.restricted);
    peer.say(Done { id: consent.id, root: empty_root(&hello.consent.classes), receipts: Vec::new() }).await;
    change(&world.home, &mut Seed::new(1));
    peer.hear_silence().await;
}
