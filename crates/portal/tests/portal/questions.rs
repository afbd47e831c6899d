//! Questions to owners, wishes of owners, and who has read what (R24, R30).

use super::agent::Home;
use super::company::Company;
use super::desk::{DAY, Portal, files_with, random};
use serde_json::json;
use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::id::{OpaqueId, Thing};
use vestibule_protocol::message::{Answer, FromPortal, Request};

fn candidate(bits: u64) -> OpaqueId {
    OpaqueId { thing: Thing::Entity, bits }
}

#[tokio::test]
async fn a_question_reaches_the_owner_and_the_answer_comes_back() {
    let portal = Portal::start().await;
    let company = Company::bare(&portal, 1).await;
    let (mut home, mut link) = Home::pair(&portal, &company.tenant).await;
    let path = format!("/v1/instances/{}/questions", home.fingerprint);
    let ask = async |body| portal.post(&path, &company.author, &body).await;
    let good = json!({"question": "Which lamp?", "candidates": [candidate(1), candidate(2)]});
    let id = ask(good.clone()).await.json()["id"].as_str().unwrap().to_owned();
    let FromPortal::Ask(asked) = link.hear().await else { panic!() };
    assert_eq!((asked.id.to_string(), asked.question.as_str()), (id.clone(), "Which lamp?"));
    assert_eq!(asked.candidates, [candidate(1), candidate(2)]);
    // Not answered yet: it comes again with the next link.
    let mut link = home.connect(&portal).await;
    let FromPortal::Ask(again) = link.hear().await else { panic!() };
    assert_eq!(again, asked);
    let answer = |choice| Answer { id: Fixed(random()), question: asked.id, choice };
    let list = async || portal.get("/v1/questions", &company.viewer).await.json()["questions"][0].clone();
    assert_eq!(link.ask(answer(Some(candidate(9)))).await.kind(), "done");
    assert_eq!(list().await["state"], "open", "that was no candidate");
    let chosen = answer(Some(candidate(2)));
    assert_eq!(link.ask(chosen.clone()).await.kind(), "done");
    assert_eq!(link.ask(chosen).await.kind(), "done", "R24");
    assert_eq!(link.ask(answer(None)).await.kind(), "done");
    let listed = list().await;
    assert_eq!((&listed["state"], &listed["choice"]), (&"answered".into(), &candidate(2).to_string().into()));
    let mut link = home.connect(&portal).await;
    assert_eq!(link.heard(&home).await, []);
    for bad in [
        json!({"question": "", "candidates": [candidate(1)]}),
        json!({"question": "?", "candidates": []}),
        json!({"question": "?", "candidates": [candidate(1), candidate(1)]}),
        json!({"question": "?", "candidates": ["light.kitchen"]}),
        json!({"question": "?", "candidates": [candidate(1)], "expires": portal.now()}),
        json!({"question": "?", "candidates": [candidate(1)], "expires": portal.now() + 31 * DAY}),
        json!({"question": "?", "candidates": [candidate(1)], "more": 1}),
    ] {
        assert_eq!(ask(bad.clone()).await.status, 400, "{bad}");
    }
    for _ in 0..16 {
        assert_eq!(ask(good.clone()).await.status, 200);
    }
    assert_eq!(ask(good.clone()).await.json()["problem"]["code"], "too_many_questions");
    portal.pass(14 * DAY);
    vestibule_portal::serve::upkeep::run(&portal.running.app, 1000).await.unwrap();
    assert_eq!(list().await["state"], "expired");
    assert_eq!(ask(good).await.status, 200);
}

#[tokio::test]
async fn a_wish_is_taken_up_and_emptied_when_it_is_taken_back() {
    let portal = Portal::start().await;
    let company = Company::bare(&portal, 1).await;
    let (home, mut link) = Home::pair(&portal, &company.tenant).await;
    let room = OpaqueId { thing: Thing::Area, bits: 3 };
    let wish = |text: &str| Request {
        id: Fixed(random()),
        text: text.into(),
        rooms: vec![room],
        withdrawn: false,
        time: 1,
    };
    let first = wish("a canary dashboard for the kitchen");
    assert_eq!(link.ask(first.clone()).await.kind(), "done");
    assert_eq!(link.ask(first.clone()).await.kind(), "done", "R24");
    let list = async || portal.get("/v1/requests", &company.viewer).await.json()["requests"].clone();
    let expected = json!([{
        "id": first.id, "instance": home.fingerprint, "text": first.text, "rooms": [room], "at": portal.now(),
        "state": "open",
    }]);
    assert_eq!(list().await, expected);
    let mark = async |state: &str| {
        let path = format!("/v1/requests/{}", first.id);
        portal.post(&path, &company.author, &json!({ "state": state })).await.status
    };
    assert_eq!((mark("taken").await, mark("taken").await, mark("lost").await), (204, 204, 400));
    assert_eq!(list().await[0]["state"], "taken");
    let back = Request { text: String::new(), rooms: Vec::new(), withdrawn: true, ..first.clone() };
    assert_eq!(link.ask(back.clone()).await.kind(), "done");
    assert_eq!(link.ask(back).await.kind(), "done");
    assert_eq!(link.ask(first.clone()).await.kind(), "done", "a late copy does not bring it back");
    assert_eq!(list().await[0]["state"], "withdrawn");
    assert_eq!(files_with(portal.folder.path(), b"canary"), Vec::<String>::new());
    assert_eq!(mark("done").await, 409);
    let lost = Request { withdrawn: true, ..wish("") };
    assert_eq!(link.ask(lost.clone()).await.kind(), "done");
    assert_eq!(link.ask(Request { withdrawn: false, ..lost }).await.kind(), "done");
    assert_eq!(list().await.as_array().unwrap().len(), 1, "taken back before it came");
}

#[tokio::test]
async fn r30_the_home_hears_who_has_read_it() {
    let portal = Portal::start().await;
    let company = Company::bare(&portal, 1).await;
    let (mut home, mut link) = Home::pair(&portal, &company.tenant).await;
    let path = format!("/v1/instances/{}", home.fingerprint);
    portal.get(&format!("{path}/snapshot"), &company.viewer).await;
    let FromPortal::Reads(live) = link.hear().await else { panic!() };
    assert_eq!(
        (live.reads.len(), live.reads[0].what.as_str(), live.reads[0].time),
        (1, "snapshot", portal.now())
    );
    assert!(live.reads[0].who.starts_with("staff:"));
    // Answers the ping, so the portal knows that it has arrived.
    link.heard(&home).await;
    drop(link);
    portal.get(&path, &company.viewer).await;
    portal.get(&path, &company.viewer).await;
    portal.get(&format!("{path}/changes?since={}", home.root()), &company.viewer).await;
    portal.get(&format!("{path}/history"), &company.author).await;
    let portal = portal.restart().await;
    let mut link = home.connect(&portal).await;
    let FromPortal::Reads(missed) = link.hear().await else { panic!() };
    let what: Vec<&str> = missed.reads.iter().map(|read| read.what.as_str()).collect();
    assert_eq!(what, ["instance", "changes", "history"], "looking twice within an hour is one look");
    assert!(missed.reads.iter().all(|read| read.n > live.reads[0].n));
    link.heard(&home).await;
    let mut link = home.connect(&portal).await;
    assert_eq!(link.heard(&home).await, []);
}
