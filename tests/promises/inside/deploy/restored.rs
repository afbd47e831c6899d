//! R6, R32: a home that was put back to an earlier copy, or that exists twice, begins nothing new before its owner has said so.

use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::message::{Ask, Deploy, Done, FromAgent, HelloBody, Welcome};

use super::*;
use crate::inside::hostile::{Peer, welcome};
use crate::support::signing;

const HALL: &str = r#"{"views":[{"title":"Hall","cards":[]}]}"#;

/// Whether the owner had anything to confirm.
async fn confirm(world: &World) -> bool {
    world.ask_one(Request::ConfirmRestored).await
}

/// The home is put back to a copy from before its last meeting with the portal.
async fn put_back(world: &mut World, copy: &tempfile::TempDir) {
    world.stop().await;
    world.put_back(copy);
    world.start().await;
    world.until("restored", |status| status.restored).await;
}

/// A link ends, and the next one presents what the last one has issued.
async fn meet_again(world: &World, portal: &RealPortal) {
    world.to_portal.hang_up();
    world.until("offline", |status| !status.portal.connected).await;
    portal.answer(world);
    world.converge(portal).await;
}

#[tokio::test(start_paused = true)]
async fn r6_a_restored_home_begins_nothing_before_its_owner_has_confirmed() {
    let (mut world, portal) = house().await;
    allow(&world, Change::Dashboards, Some(Policy::Trust)).await;
    world.converge(&portal).await;
    world.stop().await;
    let copy = world.copy();
    world.start().await;
    world.converge(&portal).await;
    let first = portal.submit(&portal.draft(vec![dashboard("acme-hall", HALL)])).await;
    until(&world, first, "verified").await;
    heard(&portal, first, "applied").await;
    meet_again(&world, &portal).await;
    let consumed = world.desk().trusting.last_sequence;

    put_back(&mut world, &copy).await;
    assert_eq!(world.desk().trusting.last_sequence, 0, "the portal's number alone never raises it");
    // What would have been carried out unasked is held, however long it takes.
    let second = portal.submit(&portal.draft(vec![dashboard("acme-porch", HALL)])).await;
    let held = until(&world, second, "waiting").await;
    assert_eq!((held.code.as_deref(), held.plan_hash), (Some("restored_or_cloned"), None));
    sleep(Duration::from_secs(3600)).await;
    let early = world
        .ask(Request::Approve {
            id: second,
            plan_hash: None,
            hosts: Default::default(),
            files: Default::default(),
        })
        .await;
    assert_eq!(early.unwrap_err().code, "not_planned_yet");
    meet_again(&world, &portal).await;
    assert!(world.status().await.restored, "another meeting is no confirmation");
    assert!(!has_dashboard(&world, "acme-porch"));
    assert_eq!(portal.deployment(second).0, "awaiting_owner");

    assert!(confirm(&world).await);
    until(&world, second, "verified").await;
    assert!(has_dashboard(&world, "acme-porch"));
    assert!(world.desk().trusting.last_sequence > consumed);
    assert!(!world.status().await.restored && !confirm(&world).await, "confirmed once for all");
    // What had been carried out before is neither known here nor done again: its number is behind the floor.
    assert!(view(&world, first).await.is_none());
    assert_eq!(portal.deployment(first), ("applied".to_owned(), Some("verified".to_owned())));
}

/// The copy has the right token still, because home and portal have not met anew since: what was said meanwhile tells.
#[tokio::test(start_paused = true)]
async fn r6_a_copy_that_is_put_back_before_the_next_meeting_is_noticed_too() {
    let (mut world, portal) = house().await;
    world.converge(&portal).await;
    world.stop().await;
    let copy = world.copy();
    world.start().await;
    world.converge(&portal).await;
    let id = portal.submit(&portal.draft(vec![dashboard("acme-hall", HALL)])).await;
    until(&world, id, "waiting").await;
    heard(&portal, id, "awaiting_owner").await;

    put_back(&mut world, &copy).await;
    // It is given again what it has forgotten, holds it, and leaves it when the owner has confirmed: its number is behind the floor.
    let held = until(&world, id, "waiting").await;
    assert_eq!(held.code.as_deref(), Some("restored_or_cloned"));
    assert!(confirm(&world).await);
    until(&world, id, "superseded").await;
    heard(&portal, id, "superseded").await;
    // Both agree again.
    meet_again(&world, &portal).await;
    assert!(!world.status().await.restored);
}

/// What staff took back, and the home had heard of, does not wait again because the home forgot it.
#[tokio::test(start_paused = true)]
async fn r6_what_was_taken_back_since_the_copy_is_not_carried_out() {
    let (mut world, portal) = house().await;
    let id = portal.submit(&portal.draft(vec![dashboard("acme-hall", HALL)])).await;
    until(&world, id, "waiting").await;
    world.converge(&portal).await;
    world.stop().await;
    let copy = world.copy();
    world.start().await;
    world.converge(&portal).await;
    let taken_back = ("withdrawn".to_owned(), Some("withdrawn".to_owned()));
    portal.withdraw(id).await;
    until(&world, id, "refused").await;
    waited("the portal hears that the home knows", || portal.deployment(id) == taken_back).await;

    put_back(&mut world, &copy).await;
    until(&world, id, "refused").await;
    waited("the portal hears it again", || portal.deployment(id) == taken_back).await;
    assert!(confirm(&world).await && !has_dashboard(&world, "acme-hall"));
    // A home that remembers says so, and is not asked for ever.
    world.stop().await;
    let copy = world.copy();
    world.start().await;
    world.converge(&portal).await;
    portal.ask("Which is the reading lamp?", vec!["e_aaaaaaaaaaaaa".parse().unwrap()]).await;
    world.ask(Request::NewRequest { text: "A dashboard".into(), rooms: vec![] }).await.unwrap();
    waited("the wish is there", || !portal.requests().is_empty()).await;
    put_back(&mut world, &copy).await;
    waited("the portal hears it from whoever remembers", || portal.deployment(id) == taken_back).await;
}

/// Hears one item of the outbox and acknowledges it.
#[expect(clippy::wildcard_enum_match_arm, reason = "these are the items that it acknowledges")]
async fn take(peer: &mut Peer, hello: &HelloBody) -> FromAgent {
    let message = peer.hear().await.expect("an item");
    let id = match &message {
        FromAgent::Report(report) => report.id,
        FromAgent::Request(request) => request.id,
        FromAgent::Answer(answer) => answer.id,
        FromAgent::ConsentChanged(changed) => changed.id,
        other => panic!("not an item: {other:?}"),
    };
    peer.say(Done { id, root: hello.root.unwrap(), receipts: Vec::new() }).await;
    message
}

/// A portal that was put back has lost what the owner has said to it: wishes, that one was taken back, and answers.
#[tokio::test(start_paused = true)]
async fn r6_a_portal_that_was_put_back_hears_wishes_and_answers_again() {
    let (world, mut portal) = pinned(Policy::Ask).await;
    let (mut peer, hello) = portal.greet().await;
    peer.say(welcome(hello.root.unwrap())).await;
    let FromAgent::ConsentChanged(_) = take(&mut peer, &hello).await else {
        panic!("the policy of the owner")
    };
    for text in ["A dashboard for the hall", "And one for Grandmother"] {
        world.ask(Request::NewRequest { text: text.into(), rooms: vec![] }).await.unwrap();
    }
    let FromAgent::Request(kept) = take(&mut peer, &hello).await else { panic!() };
    let FromAgent::Request(gone) = take(&mut peer, &hello).await else { panic!() };
    world.ask(Request::WithdrawRequest { id: gone.id }).await.unwrap();
    let FromAgent::Request(withdrawn) = take(&mut peer, &hello).await else { panic!() };
    assert!(withdrawn.id == gone.id && withdrawn.withdrawn && withdrawn.text.is_empty());
    let candidates = vec!["e_aaaaaaaaaaaaa".parse().unwrap()];
    let question = "Which is the reading lamp?".to_owned();
    let ask = Ask { id: Fixed([8; 16]), question, candidates, expires: 4_000_000_000 };
    peer.say(ask.clone()).await;
    waited("the question is there", || !world.desk().questions.is_empty()).await;
    world.ask(Request::AnswerQuestion { id: ask.id, choice: Some(ask.candidates[0]) }).await.unwrap();
    let FromAgent::Answer(answer) = take(&mut peer, &hello).await else { panic!() };
    drop(peer);

    let (mut peer, hello) = portal.greet().await;
    assert_eq!((hello.done, hello.sent.len()), (Some(answer.id), 0), "what was acknowledged last");
    peer.say(Welcome { restored: true, ..welcome(hello.root.unwrap()) }).await;
    peer.say(ask.clone()).await;
    let FromAgent::Request(again) = take(&mut peer, &hello).await else { panic!() };
    assert_eq!((again.id, again.text), (kept.id, kept.text));
    let FromAgent::Request(again) = take(&mut peer, &hello).await else { panic!() };
    assert_eq!((again.id, again.withdrawn, again.text), (gone.id, true, String::new()));
    let FromAgent::Answer(again) = take(&mut peer, &hello).await else { panic!() };
    assert_eq!((again.question, again.choice), (ask.id, Some(ask.candidates[0])));
    assert_ne!(again.id, answer.id, "another item: the portal may remember the first");
    peer.hear_silence().await;
}

/// What a portal has deleted because its time was over does not leave once more.
#[tokio::test(start_paused = true)]
async fn r6_a_wish_of_long_ago_is_not_said_again() {
    let (world, mut portal) = pinned(Policy::Ask).await;
    let (mut peer, hello) = portal.greet().await;
    peer.say(welcome(hello.root.unwrap())).await;
    let FromAgent::ConsentChanged(_) = take(&mut peer, &hello).await else {
        panic!("the policy of the owner")
    };
    world.ask(Request::NewRequest { text: "A dashboard".into(), rooms: vec![] }).await.unwrap();
    let FromAgent::Request(wish) = take(&mut peer, &hello).await else { panic!() };
    for (days, again) in [(80, true), (20, false)] {
        drop(peer);
        world.clock.jump(days * 24 * 3600);
        let (mut next, hello) = portal.greet().await;
        next.say(Welcome { restored: true, ..welcome(hello.root.unwrap()) }).await;
        if again {
            let FromAgent::Request(said) = take(&mut next, &hello).await else { panic!() };
            assert_eq!(said.id, wish.id);
        }
        next.hear_silence().await;
        peer = next;
    }
}

/// What was sent and not acknowledged is named, so that it is taken for what it is: under way.
#[tokio::test(start_paused = true)]
async fn r6_what_is_under_way_is_named_and_the_portals_word_is_taken() {
    let (world, mut portal) = pinned(Policy::Ask).await;
    let (mut peer, hello) = portal.greet().await;
    peer.say(welcome(hello.root.unwrap())).await;
    let FromAgent::ConsentChanged(_) = take(&mut peer, &hello).await else {
        panic!("the policy of the owner")
    };
    world.ask(Request::NewRequest { text: "A dashboard".into(), rooms: vec![] }).await.unwrap();
    let Some(FromAgent::Request(wish)) = peer.hear().await else { panic!() };
    drop(peer);
    let (mut peer, hello) = portal.greet().await;
    assert_eq!(hello.sent, [wish.id]);
    peer.say(Welcome { done: Some(wish.id), ..welcome(hello.root.unwrap()) }).await;
    let Some(FromAgent::Request(again)) = peer.hear().await else { panic!() };
    assert_eq!(again.id, wish.id);
    drop(peer);
    let (_peer, hello) = portal.greet().await;
    assert_eq!((hello.done, &*hello.sent), (Some(wish.id), &[wish.id][..]));
}

/// Between the believing and the deed: what waits already waits for the same word.
#[tokio::test(start_paused = true)]
async fn r6_what_was_believed_before_the_copy_waits_too_and_trust_acts_as_ask() {
    let (mut world, portal) = house().await;
    let id = portal.submit(&portal.draft(vec![dashboard("acme-hall", HALL)])).await;
    until(&world, id, "waiting").await;
    world.stop().await;
    let copy = world.copy();
    world.start().await;
    world.converge(&portal).await;
    meet_again(&world, &portal).await;
    put_back(&mut world, &copy).await;
    // A yes is taken and kept; the deed comes with the owner's other word.
    approve(&world, id).await;
    sleep(Duration::from_secs(3600)).await;
    assert_eq!(view(&world, id).await.unwrap().state, "approved");
    assert!(!has_dashboard(&world, "acme-hall"));
    assert!(confirm(&world).await);
    until(&world, id, "verified").await;
}

/// R6: two that come by turns are a clone; each waits for its owner, and only one of them is left afterwards.
#[tokio::test(start_paused = true)]
async fn r6_of_two_agents_of_one_secret_neither_begins_anything() {
    let (mut world, portal) = house().await;
    allow(&world, Change::Dashboards, Some(Policy::Trust)).await;
    world.converge(&portal).await;
    world.stop().await;
    let copy = world.copy();
    world.start().await;
    world.converge(&portal).await;
    let mut twin = world.twin(copy).await;
    portal.answer(&twin);
    // Each new link replaces the other's, so they come by turns.
    twin.until("the twin is asked", |status| status.cloned).await;
    world.until("the first is asked", |status| status.cloned).await;
    let id = portal.submit(&portal.draft(vec![dashboard("acme-hall", HALL)])).await;
    sleep(Duration::from_secs(2 * 3600)).await;
    assert!(!has_dashboard(&world, "acme-hall"));
    // The owner ends one of them, and tells the other.
    twin.stop().await;
    sleep(Duration::from_secs(600)).await;
    assert!(confirm(&world).await);
    until(&world, id, "verified").await;
}

/// R32: whatever number a portal tells, it counts only after it said `restored` and the owner has confirmed; then it is the floor.
#[tokio::test(start_paused = true)]
async fn r32_the_floor_is_the_higher_number_and_only_by_the_owners_word() {
    let (world, mut portal) = pinned(Policy::Trust).await;
    let now = u64::try_from(world.clock.now_ms() / 1000).unwrap();
    let fingerprint = world.status().await.fingerprint.unwrap().parse().unwrap();
    let draft = |path: &str, sequence| {
        let items = vec![dashboard(path, HALL)];
        let deployment = signing::draft(portal.tenant(), fingerprint, now, items);
        vestibule_protocol::deployment::Deployment { sequence, ..deployment }
    };
    let (low, behind, above) = (draft("acme-low", 10), draft("acme-behind", 40), draft("acme-above", 60));
    let deploy = |of: &_| Deploy { envelope: signing::approved(of) };

    // A number without `restored` is only a number.
    let (mut peer, hello) = portal.greet().await;
    peer.say(Welcome { sequence: u64::MAX, ..welcome(hello.root.unwrap()) }).await;
    peer.say(deploy(&low)).await;
    until(&world, low.id, "verified").await;
    drop(peer);
    let (mut peer, hello) = portal.greet().await;
    peer.say(Welcome { sequence: 50, restored: true, ..welcome(hello.root.unwrap()) }).await;
    peer.say(deploy(&behind)).await;
    peer.say(deploy(&above)).await;
    for held in [&behind, &above] {
        let view = until(&world, held.id, "waiting").await;
        assert_eq!(view.code.as_deref(), Some("restored_or_cloned"));
    }
    assert_eq!(world.desk().trusting.last_sequence, 10);
    drop(peer);
    // Later numbers are those of what is held: they do not count.
    let (mut peer, hello) = portal.greet().await;
    peer.say(Welcome { sequence: 60, restored: true, ..welcome(hello.root.unwrap()) }).await;
    world.until("connected", |status| status.portal.connected).await;
    assert!(confirm(&world).await);
    let over = until(&world, behind.id, "superseded").await;
    assert_eq!(over.code.as_deref(), Some("superseded"));
    until(&world, above.id, "verified").await;
    assert_eq!(world.desk().trusting.last_sequence, 60);
    assert!(!has_dashboard(&world, "acme-behind"));
}
