//! In step: push, anti-entropy, resume, repair (R18–R21), and answers only after a commit (R47).

use super::agent::{Home, Link, refused};
use super::desk::{DAY, Portal};
use vestibule_portal::role::Role;
use vestibule_protocol::consent::Class;
use vestibule_protocol::message::{Ack, Commit, FromPortal, Mismatch, Push, Puts, RefusalCode};
use vestibule_protocol::tree::Root;

#[tokio::test]
async fn a_first_sync_and_a_change_arrive_as_they_are() {
    let portal = Portal::start().await;
    let tenant = portal.tenant(1).await;
    let token = portal.staff(&tenant, Role::Viewer).await;
    let (mut home, mut link) = Home::pair(&portal, &tenant).await;
    home.furnish(1200);
    let want = link.buckets(&home, false).await;
    assert!(want.all && want.buckets.is_empty() && want.staged == 0);
    assert_eq!(link.sync(&home).await, Ack { root: home.root() }.into());
    let path = format!("/v1/instances/{}/snapshot", home.fingerprint);
    let reply = portal.get(&path, &token).await;
    assert_eq!((reply.status, reply.text()), (200, home.lines()));
    assert_eq!(reply.header("etag"), Some(format!("\"{}\"", home.root()).as_str()));

    let before = home.clone();
    let first = home.records.keys().next().unwrap().clone();
    home.records.insert(first, "{\"domain\":\"switch\"}".into());
    home.records.insert("home/home".into(), "{\"agent\":\"0.1.0\",\"core\":\"2026.11.0\"}".into());
    home.records.pop_last();
    assert_eq!(link.push(&before, &home).await, Ack { root: home.root() }.into());
    assert_eq!(portal.get(&path, &token).await.text(), home.lines());
}

/// A lost ack shows as an equal root: nothing is assumed after a restart.
#[tokio::test]
async fn r20_r47_what_was_acknowledged_is_there_after_a_restart() {
    let portal = Portal::start().await;
    let tenant = portal.tenant(1).await;
    let (mut home, mut link) = Home::pair(&portal, &tenant).await;
    let before = home.clone();
    home.furnish(3);
    assert_eq!(link.push(&before, &home).await.kind(), "ack");
    let portal = portal.restart().await;
    let (_link, welcome) = home.connect_welcome(&portal).await;
    assert_eq!(welcome.root, home.root());
}

#[tokio::test]
async fn r20_a_push_on_another_base_changes_nothing() {
    let portal = Portal::start().await;
    let tenant = portal.tenant(1).await;
    let (mut home, mut link) = Home::pair(&portal, &tenant).await;
    let empty = home.clone();
    home.furnish(2);
    assert_eq!(link.push(&empty, &home).await.kind(), "ack");
    let held = home.root();
    let mut later = home.clone();
    later.furnish(3);
    assert_eq!(link.push(&empty, &later).await, Mismatch { root: held }.into());
    // An announced root that does not come out changes nothing either.
    let mut puts = Puts::default();
    puts.push("home/home", b"{\"agent\":\"1\",\"core\":\"1\"}").unwrap();
    let lie = Push { base: held, root: later.root(), puts, deletes: Vec::new() };
    assert_eq!(link.ask(lie).await, Mismatch { root: held }.into());
    assert_eq!(link.push(&home, &later).await, Ack { root: later.root() }.into());
}

#[tokio::test]
async fn r19_repair_asks_only_for_what_differs_also_with_whole_hashes() {
    let portal = Portal::start().await;
    let tenant = portal.tenant(1).await;
    let (mut home, mut link) = Home::pair(&portal, &tenant).await;
    home.furnish(800);
    link.sync(&home).await;
    let gone = home.records.keys().nth(5).unwrap().clone();
    home.records.remove(&gone);
    let changed = home.records.keys().nth(9).unwrap().clone();
    home.records.insert(changed, "{\"domain\":\"fan\"}".into());
    for whole in [false, true] {
        let want = link.buckets(&home, whole).await;
        assert!(!want.all && (1..=2).contains(&want.buckets.len()), "{want:?}");
        let batches = Link::batches(&home, &want, 500);
        assert_eq!((batches[0].puts.0.len(), batches[0].deletes.keys().unwrap().len()), (1, 1));
    }
    assert_eq!(link.sync(&home).await, Ack { root: home.root() }.into());
}

#[tokio::test]
async fn r19_a_cut_transfer_resumes_and_is_not_seen_before_its_commit() {
    let portal = Portal::start().await;
    let tenant = portal.tenant(1).await;
    let token = portal.staff(&tenant, Role::Viewer).await;
    let (mut home, mut link) = Home::pair(&portal, &tenant).await;
    home.furnish(300);
    let want = link.buckets(&home, false).await;
    let batches = Link::batches(&home, &want, 100);
    for batch in &batches[..2] {
        link.send(batch.clone()).await;
    }
    // The answer shows that both batches have been kept; the same root goes on where it was.
    assert_eq!(link.buckets(&home, false).await.staged, 2);
    let path = format!("/v1/instances/{}/snapshot", home.fingerprint);
    assert_eq!(portal.get(&path, &token).await.text(), "", "staging is out of sight");
    drop(link);
    let portal = portal.restart().await;
    let mut link = home.connect(&portal).await;
    let want = link.buckets(&home, false).await;
    assert_eq!((want.all, want.staged), (true, 2));
    link.send(batches[2].clone()).await;
    assert_eq!(link.ask(Commit { root: home.root(), batches: 3 }).await, Ack { root: home.root() }.into());
    assert_eq!(portal.get(&path, &token).await.text(), home.lines());
}

#[tokio::test]
async fn r19_staging_is_dropped_for_another_root_and_after_a_day() {
    let portal = Portal::start().await;
    let tenant = portal.tenant(1).await;
    let (mut home, mut link) = Home::pair(&portal, &tenant).await;
    home.furnish(100);
    let want = link.buckets(&home, false).await;
    link.send(Link::batches(&home, &want, 50)[0].clone()).await;
    assert_eq!(link.buckets(&home, false).await.staged, 1);
    portal.pass(DAY);
    assert_eq!(link.buckets(&home, false).await.staged, 0);
    link.send(Link::batches(&home, &want, 50)[0].clone()).await;
    let mut other = home.clone();
    other.furnish(101);
    assert_eq!(link.buckets(&other, false).await.staged, 0);
    assert_eq!(link.buckets(&home, false).await.staged, 0);
}

#[tokio::test]
async fn r19_a_commit_that_does_not_come_out_is_a_mismatch_and_nothing_stays_staged() {
    let portal = Portal::start().await;
    let tenant = portal.tenant(1).await;
    let (mut home, mut link) = Home::pair(&portal, &tenant).await;
    let empty = home.root();
    home.furnish(20);
    let want = link.buckets(&home, false).await;
    let mut batch = Link::batches(&home, &want, 50)[0].clone();
    batch.puts.0.pop();
    link.send(batch).await;
    assert_eq!(link.ask(Commit { root: home.root(), batches: 1 }).await, Mismatch { root: empty }.into());
    assert_eq!(link.buckets(&home, true).await.staged, 0);
    assert_eq!(link.sync(&home).await, Ack { root: home.root() }.into());
    assert_eq!(
        link.ask(Commit { root: home.root(), batches: 9 }).await,
        Mismatch { root: home.root() }.into()
    );
}

#[tokio::test]
async fn r18_a_home_that_is_not_ready_changes_nothing() {
    let portal = Portal::start().await;
    let tenant = portal.tenant(1).await;
    let (mut home, mut link) = Home::pair(&portal, &tenant).await;
    home.furnish(5);
    link.sync(&home).await;
    let mut link = Link::open(&portal, &tenant).await;
    let mut body = Link::hello_body(&home);
    body.root = None;
    let FromPortal::Welcome(welcome) = link.hello_with(&home, &body).await else { panic!() };
    assert_eq!(welcome.root, home.root());
}

#[tokio::test]
async fn r18_the_welcome_names_a_schema_that_both_know() {
    let portal = Portal::start().await;
    let tenant = portal.tenant(1).await;
    let (home, _link) = Home::pair(&portal, &tenant).await;
    let mut body = Link::hello_body(&home);
    body.schema = 7;
    let FromPortal::Welcome(welcome) = Link::open(&portal, &tenant).await.hello_with(&home, &body).await
    else {
        panic!()
    };
    assert_eq!(welcome.schema, 1);
    body.schema = 0;
    let answer = Link::open(&portal, &tenant).await.hello_with(&home, &body).await;
    assert_eq!(refused(answer), RefusalCode::Version);
}

/// Promise 1, at the other end: what is not listed or not granted is refused.
#[tokio::test]
async fn records_that_cannot_be_are_refused() {
    let portal = Portal::start().await;
    let tenant = portal.tenant(1).await;
    let (mut home, mut link) = Home::pair(&portal, &tenant).await;
    assert!(!home.consent.grants(Class::Names));
    for (key, body) in [
        ("name/e_aaaaaaaaaaaaa", "{\"name\":\"Kitchen\"}"),
        ("entity/e_aaaaaaaaaaaaa", "{\"domain\":\"light\",\"state\":\"on\"}"),
        ("entity/e_aaaaaaaaaaaaa", "{ \"domain\":\"light\"}"),
        ("state/e_aaaaaaaaaaaaa", "{}"),
        ("entity/kitchen", "{\"domain\":\"light\"}"),
    ] {
        let mut puts = Puts::default();
        puts.push(key, body.as_bytes()).unwrap();
        let push = Push {
            base: home.root(),
            root: Root::parse("AAAAAAAAAAAAAAAAAAAAAA").unwrap(),
            puts,
            deletes: vec![],
        };
        assert_eq!(refused(link.ask(push).await), RefusalCode::BadRecord, "{key} {body}");
        link = home.connect(&portal).await;
    }
}
