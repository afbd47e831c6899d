//! Invites and enrolment (R3).

use super::agent::{Home, Link, refused};
use super::desk::{DAY, Portal};
use vestibule_protocol::message::RefusalCode;

#[tokio::test]
async fn r3_an_invite_is_for_one_home_and_for_a_day() {
    let portal = Portal::start().await;
    let tenant = portal.tenant(1).await;
    let home = Home::new(&tenant);
    let invite = portal.invite(&tenant, "unit 12").await;
    let enrol = async |home: &Home, invite| Link::open(&portal, &tenant).await.enrol(home, invite).await;
    assert_eq!(enrol(&home, &invite).await.kind(), "enrolled");
    // The answer was lost: the same home may ask again, also after the day.
    portal.pass(2 * DAY);
    assert_eq!(enrol(&home, &invite).await.kind(), "enrolled");
    assert_eq!(refused(enrol(&Home::new(&tenant), &invite).await), RefusalCode::InviteRefused);
    let late = portal.invite(&tenant, "late").await;
    portal.pass(DAY);
    assert_eq!(refused(enrol(&Home::new(&tenant), &late).await), RefusalCode::InviteRefused);
    let unknown = vestibule_protocol::invite::Invite { secret: [0; 16], ..late.clone() };
    assert_eq!(refused(enrol(&Home::new(&tenant), &unknown).await), RefusalCode::InviteRefused);
}

#[tokio::test]
async fn r3_a_fingerprint_cannot_be_taken_over_with_another_key() {
    let portal = Portal::start().await;
    let tenant = portal.tenant(1).await;
    let (home, _link) = Home::pair(&portal, &tenant).await;
    let thief = Home { fingerprint: home.fingerprint, ..Home::new(&tenant) };
    let invite = portal.invite(&tenant, "thief").await;
    let answer = Link::open(&portal, &tenant).await.enrol(&thief, &invite).await;
    assert_eq!(refused(answer), RefusalCode::InviteRefused);
    // The rightful home may, with the same invite: nothing was used up.
    let answer = Link::open(&portal, &tenant).await.enrol(&home, &invite).await;
    assert_eq!(answer.kind(), "enrolled");
}

#[tokio::test]
async fn r3_guessing_is_limited_without_keeping_addresses() {
    let portal = Portal::start().await;
    let tenant = portal.tenant(1).await;
    let home = Home::new(&tenant);
    let good = portal.invite(&tenant, "good").await;
    let mut codes = Vec::new();
    for n in 0..61 {
        let guess = vestibule_protocol::invite::Invite { secret: [n; 16], ..good.clone() };
        codes.push(refused(Link::open(&portal, &tenant).await.enrol(&home, &guess).await));
    }
    assert_eq!(codes[0], RefusalCode::InviteRefused);
    assert_eq!(codes[60], RefusalCode::TooMany);
    portal.pass(60);
    assert_eq!(Link::open(&portal, &tenant).await.enrol(&home, &good).await.kind(), "enrolled");
}

#[tokio::test]
async fn an_invite_of_one_tenant_is_nothing_at_another() {
    let portal = Portal::start().await;
    let (mine, other) = (portal.tenant(1).await, portal.tenant(2).await);
    let invite = portal.invite(&mine, "mine").await;
    let answer = Link::open(&portal, &other).await.enrol(&Home::new(&other), &invite).await;
    assert_eq!(refused(answer), RefusalCode::InviteRefused);
}
