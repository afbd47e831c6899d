//! Who is there (R5), and whether there are two of them (R6).

use super::agent::{Home, Link, refused};
use super::desk::{DAY, Portal, random};
use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::id::Fingerprint;
use vestibule_protocol::limits;
use vestibule_protocol::message::{FromPortal, Hello, RefusalCode, Request};

#[tokio::test]
async fn r5_unknown_home_and_wrong_signature_are_told_alike() {
    let portal = Portal::start().await;
    let tenant = portal.tenant(1).await;
    let (home, _link) = Home::pair(&portal, &tenant).await;
    let unknown = Home { fingerprint: Fingerprint(random()), ..home.clone() };
    let forged = Home { key: Home::new(&tenant).key, ..home.clone() };
    for home in [unknown, forged] {
        let mut link = Link::open(&portal, &tenant).await;
        assert_eq!(refused(link.hello(&home).await), RefusalCode::NotAuthentic);
        assert!(link.try_receive().await.is_none(), "the link is closed");
    }
}

#[tokio::test]
async fn r5_an_answer_to_one_challenge_is_none_to_another() {
    let portal = Portal::start().await;
    let tenant = portal.tenant(1).await;
    let (home, _link) = Home::pair(&portal, &tenant).await;
    let (first, mut second) = (Link::open(&portal, &tenant).await, Link::open(&portal, &tenant).await);
    assert_ne!(first.challenge.nonce, second.challenge.nonce);
    let body = serde_json::to_string(&Link::hello_body(&home)).unwrap();
    let signature = first.sign(&home, "hello", &body);
    assert_eq!(refused(second.ask(Hello { body: body.clone(), signature }).await), RefusalCode::NotAuthentic);
    // Not a byte of the body may differ from what was signed.
    let mut third = Link::open(&portal, &tenant).await;
    let signature = third.sign(&home, "hello", &body);
    let answer = third.ask(Hello { body: format!("{body} "), signature }).await;
    assert_eq!(refused(answer), RefusalCode::NotAuthentic);
}

#[tokio::test]
async fn r5_the_newer_link_replaces_the_older() {
    let portal = Portal::start().await;
    let tenant = portal.tenant(1).await;
    let (mut home, mut older) = Home::pair(&portal, &tenant).await;
    let before = home.clone();
    let mut newer = home.connect(&portal).await;
    let told = older.receive().await;
    assert_eq!(refused(told), RefusalCode::Replaced);
    home.furnish(1);
    older.send_raw(vec![0]).await;
    assert_eq!(newer.push(&before, &home).await.kind(), "ack");
}

#[tokio::test]
async fn r5_a_hello_belongs_to_its_tenant() {
    let portal = Portal::start().await;
    let (mine, other) = (portal.tenant(1).await, portal.tenant(2).await);
    let (home, _link) = Home::pair(&portal, &mine).await;
    let there = Home { tenant: other.clone(), ..home };
    let answer = Link::open(&portal, &other).await.hello(&there).await;
    assert_eq!(refused(answer), RefusalCode::NotAuthentic);
}

#[tokio::test]
async fn r6_a_lost_welcome_is_no_restored_backup() {
    let portal = Portal::start().await;
    let tenant = portal.tenant(1).await;
    let (mut home, _link) = Home::pair(&portal, &tenant).await;
    home.session = None;
    let (_link, welcome) = home.connect_welcome(&portal).await;
    assert!(!welcome.restored, "no token was ever presented");
    let kept = home.session;
    for _ in 0..3 {
        // The newest token is lost each time; the last one presented still fits.
        home.session = kept;
        let (_link, welcome) = home.connect_welcome(&portal).await;
        assert!(!welcome.restored && !welcome.cloned);
    }
}

#[tokio::test]
async fn r6_a_backup_put_back_is_noticed_once() {
    let portal = Portal::start().await;
    let tenant = portal.tenant(1).await;
    let (mut home, _link) = Home::pair(&portal, &tenant).await;
    let backup = home.session;
    for _ in 0..3 {
        home.connect(&portal).await;
    }
    home.session = backup;
    let (_link, welcome) = home.connect_welcome(&portal).await;
    assert!(welcome.restored && !welcome.cloned);
    let (_link, welcome) = home.connect_welcome(&portal).await;
    assert!(!welcome.restored && !welcome.cloned, "it goes on as one home");
    home.session = Some(Fixed([9; 16]));
    let (_link, welcome) = home.connect_welcome(&portal).await;
    assert!(welcome.restored, "a token that never was");
}

/// A copy that was taken and put back while one link lasted presents the right token: what was carried out last tells.
#[tokio::test]
async fn r6_what_was_carried_out_last_tells_a_copy_from_its_original() {
    let portal = Portal::start().await;
    let tenant = portal.tenant(1).await;
    let (mut home, mut link) = Home::pair(&portal, &tenant).await;
    let copy = home.clone();
    let wish = |n| Request {
        id: Fixed([n; 16]),
        text: "A dashboard".into(),
        rooms: Vec::new(),
        withdrawn: false,
        time: 0,
    };
    for n in [1, 2] {
        assert_eq!(link.ask(wish(n)).await.kind(), "done");
    }
    let meet = async |home: &Home, done: Option<u8>, sent: &[u8]| {
        let mut link = Link::open(&portal, &tenant).await;
        let mut body = Link::hello_body(home);
        body.done = done.map(|n| Fixed([n; 16]));
        body.sent = sent.iter().map(|n| Fixed([*n; 16])).collect();
        let answer = link.hello_with(home, &body).await;
        if let FromPortal::Welcome(welcome) = answer {
            Ok((welcome.restored, welcome.done))
        } else {
            Err(refused(answer))
        }
    };
    let last = Some(Fixed([2; 16]));
    assert_eq!(meet(&home, Some(2), &[]).await, Ok((false, last)));
    assert_eq!(meet(&home, Some(1), &[2]).await, Ok((false, last)), "its answer was lost");
    assert_eq!(meet(&home, Some(2), &[3]).await, Ok((false, last)), "it was lost on its way");
    assert_eq!(meet(&home, Some(1), &[]).await, Ok((true, last)), "a home of before the second");
    assert_eq!(meet(&copy, None, &[]).await, Ok((true, last)), "a home of before both");
    assert_eq!(meet(&home, Some(3), &[]).await, Ok((true, last)), "a portal of before the third");
    // What was carried out before and is told again is the last again.
    (home.done, home.session) = (last, None);
    let (mut link, _) = home.connect_welcome(&portal).await;
    assert_eq!(link.ask(wish(1)).await.kind(), "done");
    assert_eq!(meet(&home, Some(1), &[]).await, Ok((false, Some(Fixed([1; 16])))));
    let many = vec![7; limits::SENT + 1];
    assert_eq!(meet(&home, Some(1), &many).await, Err(RefusalCode::BadMessage));
}

#[tokio::test]
async fn r6_two_that_take_turns_are_a_clone_and_both_hear_it() {
    let portal = Portal::start().await;
    let tenant = portal.tenant(1).await;
    let (mut one, _link) = Home::pair(&portal, &tenant).await;
    let mut two = one.clone();
    for _ in 0..2 {
        one.connect(&portal).await;
    }
    let (_link, welcome) = two.connect_welcome(&portal).await;
    assert!(welcome.restored && !welcome.cloned, "so far it may be a backup");
    let (_link, welcome) = one.connect_welcome(&portal).await;
    assert!(welcome.cloned);
    let (_link, welcome) = two.connect_welcome(&portal).await;
    assert!(welcome.cloned);
    portal.pass(DAY + 1);
    let (_link, welcome) = two.connect_welcome(&portal).await;
    assert!(!welcome.cloned && !welcome.restored, "the other one is gone");
    let FromPortal::Welcome(_) = Link::open(&portal, &tenant).await.hello(&two).await else { panic!() };
}
