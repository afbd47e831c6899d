//! What the company wants and asks, decided on the page without JavaScript: approve and undo, reject, answer, wish, a new identity.

use serde_json::Value;
use vestibule_dev::fake_home::{FakeHome, Version};

use super::html::assert_sound;
use super::pages::{LANGUAGES, WEIGHT};
use super::scene::{QUESTION, Scene, TITLE, address, approve};
use super::stage::{Stage, field};
use crate::support::{SOON, contains, files, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_company_wants_and_asks_is_decided_on_the_page() {
    let scene = Scene::set().await;
    every_page_is_sound(&scene).await;
    what_waits_is_on_the_status_page(&scene).await;
    a_change_is_approved_and_undone(&scene).await;
    a_conflict_and_an_edit_are_shown(&scene).await;
    questions_are_answered(&scene).await;
    wishes_are_followed(&scene).await;
    forgetting_asks_what_becomes_of_changes(&scene).await;
    let reads = scene.stage.shows("owner", "/ledger", "all records").await;
    assert!(reads.contains("<td>staff:1</td>"), "as the portal names its staff: {reads}");
    assert_eq!(scene.stage.home.violations(), Vec::<String>::new());
}

async fn every_page_is_sound(scene: &Scene) {
    let deployments = [&scene.waiting, &scene.edited, &scene.conflict].map(|id| address(id));
    let others = ["/", "/deployments", "/questions", "/ledger", "/ledger/reads", "/connection"];
    let paths = deployments.iter().chain(&scene.questions).map(String::as_str).chain(others);
    for path in paths {
        for language in LANGUAGES {
            let headers = [("X-Remote-User-Id", "owner"), ("Accept-Language", language)];
            let answer = scene.stage.send("GET", path, &headers, "").await;
            let text = answer.text();
            assert_eq!(answer.status, 200, "{path}: {text}");
            assert_sound(&text, &format!("{path} in {language}"));
            assert!(text.len() < WEIGHT, "{path}: {} bytes", text.len());
            for markup in ["<i>the hall", "<b>the reading", "<b>words"] {
                assert!(!text.contains(markup), "{path}: {markup}");
            }
        }
    }
    let page = scene.stage.get("owner", &address(&scene.waiting)).await.text();
    assert!(page.contains("&#60;i&#62;the hall&#60;/i&#62;"), "{TITLE} as it is: {page}");
    let page = scene.stage.get("owner", &scene.questions[0]).await.text();
    assert!(page.contains("&#60;b&#62;the reading lamp"), "{QUESTION} as it is: {page}");
    assert!(page.contains("The company’s words"), "it is marked as theirs: {page}");
}

async fn what_waits_is_on_the_status_page(scene: &Scene) {
    for place in ["/", "/live"] {
        let page = scene.stage.get("owner", place).await.text();
        assert!(
            page.contains("wait for your decision: 2<") && page.contains("wait for your answer: 2<"),
            "{page}"
        );
    }
    let guest = scene.stage.get("guest", "/").await.text();
    assert!(!guest.contains("wait for your"), "{guest}");
}

async fn a_change_is_approved_and_undone(scene: &Scene) {
    let Scene { stage, waiting: id, unwanted, .. } = scene;
    let contents = || stage.home.model(|model| model.contents.get("acme-new").cloned());
    approve(stage, "owner", id).await;
    assert_eq!(contents().as_deref(), Some(super::scene::OLD));
    let undone = stage.post("/deployments/undo", &[("id", id)]).await;
    assert_eq!(undone.status, 303, "{}", undone.text());
    stage.shows("owner", &address(id), ">undone<").await;
    assert_eq!(contents(), None);
    let live = format!("{}/live?was=waiting", address(unwanted));
    assert_eq!(stage.get("owner", &live).await.text().trim(), "", "nothing has happened");
    let rejected = stage.post("/deployments/reject", &[("id", unwanted)]).await;
    assert_eq!(rejected.status, 303, "{}", rejected.text());
    stage.shows("owner", &address(unwanted), ">refused<").await;
    assert!(stage.get("owner", &live).await.text().contains("refused"), "an open page is told");
}

async fn a_conflict_and_an_edit_are_shown(scene: &Scene) {
    let Scene { stage, edited, conflict, .. } = scene;
    let page = stage.get("owner", &address(conflict)).await.text();
    for words in ["You changed it here", "The company designed", "Our own", "Come in"] {
        assert!(page.contains(words), "{words}: {page}");
    }
    stage.shows("owner", "/deployments", "edited at home since").await;
    // The edit would be lost, so the undo asks once more.
    let asked = stage.post("/deployments/undo", &[("id", edited)]).await;
    assert_eq!(asked.status, 200, "{}", asked.text());
    assert_sound(&asked.text(), "the undo that asks");
    assert!(asked.text().contains("name=\"overwrite\""), "{}", asked.text());
    let kept = stage.home.model(|model| model.contents.get("acme-hall").cloned());
    assert!(kept.is_some_and(|text| text.contains("Our own")), "nothing was touched");
}

async fn questions_are_answered(scene: &Scene) {
    let Scene { stage, questions, candidates, .. } = scene;
    let page = stage.get("owner", &questions[0]).await.text();
    let id = field(&page, "id").unwrap();
    let shown = stage.post("/questions/identify", &[("id", &id), ("thing", &candidates[1])]).await;
    assert_eq!(shown.status, 303, "{}", shown.text());
    assert!(shown.headers["location"].ends_with("done=identified"), "{:?}", shown.headers);
    for wrong in ["e_aaaaaaaaaaaaa", "nonsense", "a_aaaaaaaaaaaaa"] {
        let answer = stage.post("/questions/answer", &[("id", &id), ("choice", wrong)]).await;
        assert_eq!(answer.status, 409, "{wrong}: {}", answer.text());
    }
    assert_eq!(stage.post("/questions/answer", &[("id", &id)]).await.status, 404, "neither yes nor no");
    let answered = stage.post("/questions/answer", &[("id", &id), ("choice", &candidates[1])]).await;
    assert_eq!(answered.status, 303, "{}", answered.text());
    let page = stage.shows("owner", &questions[0], "your answer").await;
    assert!(!page.contains("<form"), "it is over: {page}");
    let again = stage.post("/questions/answer", &[("id", &id), ("choice", &candidates[0])]).await;
    assert_eq!(again.status, 409, "{}", again.text());
    let other = field(&stage.get("owner", &questions[1]).await.text(), "id").unwrap();
    assert_eq!(stage.post("/questions/answer", &[("id", &other), ("decline", "yes")]).await.status, 303);
    until("the portal has both answers", SOON, async || {
        let known = stage.portal.get(&stage.tenant, "/v1/questions").await.json();
        let states: Vec<(&Value, &Value)> = known["questions"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|question| (&question["state"], &question["choice"]))
            .collect();
        let wanted = states.iter().any(|(state, choice)| *state == "answered" && **choice == *candidates[1])
            && states.iter().any(|(state, choice)| *state == "declined" && choice.is_null());
        if wanted { Ok(()) } else { Err(known.to_string()) }
    })
    .await;
}

async fn wishes_are_followed(scene: &Scene) {
    let stage = &scene.stage;
    let page = stage.get("owner", "/questions").await.text();
    let room = field(&page, "room").unwrap();
    let text = "A page <b>for us</b>,\r\nplease: äöü";
    for (text, room) in [("", &*room), ("x", "nonsense"), ("x", "e_aaaaaaaaaaaaa")] {
        let answer = stage.post("/questions/request", &[("text", text), ("room", room)]).await;
        assert_eq!(answer.status, 409, "{text} {room}: {}", answer.text());
    }
    let made = stage.post("/questions/request", &[("text", text), ("room", &room)]).await;
    assert_eq!(made.status, 303, "{}", made.text());
    let page = stage.shows("owner", "/questions", "the company has it").await;
    assert_sound(&page, "a request");
    assert!(page.contains("A page &#60;b&#62;for us") && page.contains("Kitchen 0"), "by its name: {page}");
    let known = stage.portal.get(&stage.tenant, "/v1/requests").await.json();
    let request = &known["requests"][0];
    assert_eq!(request["text"], "A page <b>for us</b>,\nplease: äöü", "{known}");
    assert_eq!(request["rooms"], serde_json::json!([room]), "{known}");
    let (_, after) = page.split_once("/questions/withdraw").unwrap();
    let id = field(after, "id").unwrap();
    assert_eq!(stage.post("/questions/withdraw", &[("id", &id)]).await.status, 303);
    stage.shows("owner", "/questions", ">taken back<").await;
    until("the portal knows that it is taken back", SOON, async || {
        let known = stage.portal.get(&stage.tenant, "/v1/requests").await.json();
        if known["requests"][0]["state"] == "withdrawn" { Ok(()) } else { Err(known.to_string()) }
    })
    .await;
}

/// One change is in place and was edited since.
async fn forgetting_asks_what_becomes_of_changes(scene: &Scene) {
    let stage = &scene.stage;
    let page = stage.get("owner", "/connection").await.text();
    assert!(page.contains("that are in place: 1.") && page.contains("id=\"forget-deployed\""), "{page}");
    for path in ["/connection/forget", "/connection/rotate"] {
        let unsaid = stage.post(path, &[("sure", "yes")]).await;
        assert_eq!(unsaid.status, 409, "{}", unsaid.text());
        let lossy = stage.post(path, &[("sure", "yes"), ("deployed", "undo")]).await;
        assert_eq!(lossy.status, 409, "an edit would be lost: {}", lossy.text());
    }
    assert_eq!(stage.fingerprint().await, scene.fingerprint, "nothing was forgotten");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r29_a_new_identity_takes_along_what_was_decided_about_things() {
    let stage = Stage::new(FakeHome::of_size(Version::V2026_11, 120), "Example").await;
    stage.pair().await;
    stage.in_sync().await;
    let rooms = stage.get("owner", "/leaves/rooms").await.text();
    let id = |rest: &str| rest.split('"').next().unwrap().to_owned();
    let rooms: Vec<String> = rooms.split("rooms?room=").skip(1).map(id).collect();
    assert_eq!(stage.post("/leaves/exclude", &[("thing", &rooms[0])]).await.status, 303);
    assert_eq!(stage.post("/leaves/room", &[("room", &rooms[1]), ("kind", "sauna")]).await.status, 303);
    stage.in_sync().await;
    let before = stage.fingerprint().await;
    assert_eq!(stage.post("/connection/rotate", &[]).await.status, 409, "not without the tick");
    assert_eq!(stage.fingerprint().await, before);
    let rotated = stage.post("/connection/rotate", &[("sure", "yes")]).await;
    assert_eq!(rotated.status, 303, "{}", rotated.text());
    let page = stage.shows("owner", "/connection", "Kept from the identity before").await;
    assert!(page.contains(": 1 exclusions, and 1 kinds of rooms"), "{page}");
    assert_sound(&page, "between two identities");
    let page = stage.shows("owner", "/connection", "not a proof").await;
    assert_sound(&page, "the receipt");
    let homes = stage.portal.get(&stage.tenant, "/v1/instances").await.text();
    assert!(!homes.contains("vst1"), "the portal has erased it: {homes}");
    for (name, bytes) in files(stage.folder()) {
        for old in [&before, &rooms[0], &rooms[1]] {
            assert!(!contains(&bytes, old.as_bytes()), "{old} in {name}");
        }
    }
    // The owner sees what will hold from the next pairing on.
    let excluded = stage.get("owner", "/leaves").await.text();
    assert!(excluded.contains("<li>Kitchen 0"), "{excluded}");
    stage.pair().await;
    stage.in_sync().await;
    let after = stage.fingerprint().await;
    assert_ne!(before, after);
    let held = stage.portal.snapshot(&stage.tenant, &after).await;
    assert!(held.contains("\"kind\":\"sauna\""), "{held}");
    assert_eq!(held.matches("{\"key\":\"area/").count(), rooms.len() - 1, "one is excluded: {held}");
    for old in &rooms {
        assert!(!held.contains(old.as_str()), "{old}");
    }
    let rooms = stage.get("owner", "/leaves/rooms").await.text();
    assert!(rooms.contains("your choice") && rooms.contains("Excluded"), "{rooms}");
    let page = stage.get("owner", "/connection").await.text();
    assert!(!page.contains("Kept from the identity before"), "{page}");
}
