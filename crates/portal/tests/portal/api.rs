//! The API: every address × role × foreign tenant (R46, S7), tokens (S40, S41, R47), versions, and the OpenAPI document.

use super::agent::Home;
use super::desk::{DAY, Portal, files_with};
use vestibule_portal::api::openapi::openapi;
use vestibule_portal::role::Role;

const MATRIX: [(&str, &str, Role); 8] = [
    ("GET", "", Role::Viewer),
    ("GET", "/snapshot", Role::Viewer),
    ("GET", "/changes?since=ROOT", Role::Viewer),
    ("GET", "/history", Role::Viewer),
    ("GET", "/audit", Role::Viewer),
    ("POST", "/pull", Role::Author),
    ("DELETE", "", Role::Admin),
    ("PUT", "", Role::Admin),
];

/// S7: a foreign thing answers 404 like one that is not there, and nothing changes.
#[tokio::test]
async fn r46_every_address_for_every_role_and_every_tenant() {
    let portal = Portal::start().await;
    let (mine, other) = (portal.tenant(1).await, portal.tenant(2).await);
    let (foreign, mut foreign_link) = Home::pair(&portal, &other).await;
    let foreign_reader = portal.staff(&other, Role::Viewer).await;
    for role in Role::ALL {
        let token = portal.staff(&mine, role).await;
        for (method, rest, needs) in MATRIX {
            let (home, _link) = Home::pair(&portal, &mine).await;
            let ask = async |fingerprint: &str, token: &str| {
                let root = home.root().to_string();
                let path = format!("/v1/instances/{fingerprint}{}", rest.replace("ROOT", &root));
                portal.request(method, &path, token, "", "").await
            };
            let own = ask(&home.fingerprint.to_string(), &token).await;
            let expected = match (method, role >= needs) {
                ("PUT", _) => 405,
                (_, false) => 403,
                ("POST", true) => 202,
                ("DELETE", true) => 204,
                _ => 200,
            };
            assert_eq!(own.status, expected, "{role} {method} {rest}: {}", own.text());
            let nobody = Home::new(&mine).fingerprint.to_string();
            let strange = ask(&foreign.fingerprint.to_string(), &token).await;
            let absent = ask(&nobody, &token).await;
            assert_eq!(
                (strange.status, strange.text()),
                (absent.status, absent.text()),
                "{role} {method} {rest}"
            );
            assert!(matches!(strange.status, 403..=405), "{role} {method} {rest} {}", strange.status);
            let without = ask(&home.fingerprint.to_string(), "").await;
            assert_eq!(without.status, if method == "PUT" { 405 } else { 401 }, "{method} {rest}");
        }
        let list = portal.get("/v1/instances", &token).await;
        assert!(!list.text().contains(&foreign.fingerprint.to_string()));
    }
    let list = portal.get("/v1/instances", &foreign_reader).await.json();
    assert_eq!(list["instances"].as_array().unwrap().len(), 1);
    assert_eq!(list["instances"][0]["connected"], true);
    let audit = portal.get(&format!("/v1/instances/{}/audit", foreign.fingerprint), &foreign_reader).await;
    assert!(!audit.text().contains("read_"), "nobody has read it");
    let mut after = foreign.clone();
    after.furnish(1);
    assert_eq!(foreign_link.push(&foreign, &after).await.kind(), "ack");
}

/// S40: the token is nowhere in the files. S41: day 29 and activity renew it, day 30 and a second ends it.
#[tokio::test]
async fn s40_s41_tokens_are_hashed_and_end_after_thirty_idle_days() {
    let portal = Portal::start().await;
    let tenant = portal.tenant(1).await;
    let token = portal.staff(&tenant, Role::Viewer).await;
    let status = async || portal.get("/v1/instances", &token).await.status;
    assert_eq!(status().await, 200);
    assert_eq!(files_with(portal.folder.path(), token.as_bytes()), Vec::<String>::new());
    portal.pass(29 * DAY);
    assert_eq!(status().await, 200);
    portal.pass(30 * DAY);
    assert_eq!(status().await, 200);
    portal.pass(30 * DAY + 1);
    let late = portal.get("/v1/instances", &token).await;
    assert_eq!((late.status, late.header("www-authenticate")), (401, Some("Bearer")));
    assert_eq!(late.json()["problem"]["code"], "unauthorised");
}

#[tokio::test]
async fn r47_the_last_use_is_written_at_most_hourly() {
    let portal = Portal::start().await;
    let tenant = portal.tenant(1).await;
    let token = portal.staff(&tenant, Role::Viewer).await;
    let last_used = async || {
        let read = |db: &rusqlite::Connection| {
            Ok(db.query_row("SELECT last_used FROM staff", [], |row| row.get(0))?)
        };
        portal.running.app.store.read::<u64>(read).await.unwrap()
    };
    let begun = last_used().await;
    portal.pass(3599);
    portal.get("/v1/instances", &token).await;
    assert_eq!(last_used().await, begun);
    portal.pass(1);
    portal.get("/v1/instances", &token).await;
    assert_eq!(last_used().await, begun + 3600);
}

#[tokio::test]
async fn versions_changes_and_what_they_cost() {
    let portal = Portal::start().await;
    let tenant = portal.tenant(1).await;
    let token = portal.staff(&tenant, Role::Viewer).await;
    let (mut home, mut link) = Home::pair(&portal, &tenant).await;
    home.furnish(50);
    let first = home.clone();
    link.sync(&home).await;
    let key = home.records.keys().next().unwrap().clone();
    let last = home.records.keys().last().unwrap().clone();
    let path = format!("/v1/instances/{}", home.fingerprint);
    let before = home.clone();
    home.records.insert(key.clone(), "{\"domain\":\"fan\"}".into());
    home.records.remove(&last);
    portal.pass(DAY);
    assert_eq!(link.push(&before, &home).await.kind(), "ack");
    let before = home.clone();
    // There and back again: no change.
    home.records.insert(key.clone(), "{\"domain\":\"lock\"}".into());
    link.push(&before, &home).await;
    let between = home.clone();
    home.records.insert(key.clone(), "{\"domain\":\"fan\"}".into());
    link.push(&between, &home).await;

    let changes = portal.get(&format!("{path}/changes?since={}", first.root()), &token).await;
    let expected = format!(
        "{{\"key\":\"{key}\",\"record\":{{\"domain\":\"fan\"}}}}\n{{\"key\":\"{last}\",\"deleted\":true}}\n"
    );
    assert_eq!((changes.status, changes.text()), (200, expected));
    let none = portal.get(&format!("{path}/changes?since={}", home.root()), &token).await;
    assert_eq!((none.status, none.text().as_str()), (200, ""));
    let old = portal.get(&format!("{path}/snapshot?root={}", first.root()), &token).await;
    assert_eq!((old.status, old.text()), (200, first.lines()));
    for unknown in ["AAAAAAAAAAAAAAAAAAAAAA", "nonsense"] {
        assert_eq!(portal.get(&format!("{path}/changes?since={unknown}"), &token).await.status, 404);
    }
    assert_eq!(portal.get(&format!("{path}/changes"), &token).await.status, 400);

    let tag = format!("If-None-Match: \"{}\"\r\n", home.root());
    let same = portal.request("GET", &format!("{path}/snapshot"), &token, &tag, "").await;
    assert_eq!((same.status, same.body.len()), (304, 0));
    let offer = "Accept-Encoding: gzip, zstd\r\n";
    let packed = portal.request("GET", &format!("{path}/snapshot"), &token, offer, "").await;
    assert_eq!(packed.header("content-encoding"), Some("zstd"));
    assert_eq!(zstd::stream::decode_all(packed.body.as_slice()).unwrap(), home.lines().into_bytes());
    let plain = portal.get(&format!("{path}/snapshot"), &token).await;
    assert_eq!(
        (plain.header("content-encoding"), plain.header("content-type")),
        (None, Some("application/jsonl"))
    );

    // Ninety days later the older versions have expired; what is held has not.
    portal.pass(90 * DAY);
    vestibule_portal::serve::upkeep::run(&portal.running.app, 1000).await.unwrap();
    assert_eq!(portal.get(&format!("{path}/changes?since={}", first.root()), &token).await.status, 401);
    let token = portal.staff(&tenant, Role::Author).await;
    assert_eq!(portal.get(&format!("{path}/changes?since={}", first.root()), &token).await.status, 410);
    assert_eq!(portal.get(&format!("{path}/snapshot"), &token).await.text(), home.lines());
    assert_eq!(files_with(portal.folder.path(), last.as_bytes()).len(), 0, "{last}");
}

#[tokio::test]
async fn pull_asks_the_home_unless_its_owner_wants_a_pause() {
    let portal = Portal::start().await;
    let tenant = portal.tenant(1).await;
    let token = portal.staff(&tenant, Role::Author).await;
    let (mut home, mut link) = Home::pair(&portal, &tenant).await;
    let path = format!("/v1/instances/{}/pull", home.fingerprint);
    let pull = async || portal.request("POST", &path, &token, "", "").await;
    assert_eq!(pull().await.status, 202);
    assert_eq!(link.receive().await.kind(), "pull");
    home.consent.restrict(true);
    let mut link = home.connect(&portal).await;
    assert_eq!(pull().await.json()["problem"]["code"], "restricted");
    home.consent.restrict(false);
    let id = vestibule_protocol::bytes::Fixed([5; 16]);
    let changed = vestibule_protocol::message::ConsentChanged { id, consent: home.consent.clone() };
    assert_eq!(link.ask(changed).await.kind(), "done");
    assert_eq!(pull().await.status, 202);
    drop(link);
    let portal = portal.restart().await;
    let reply = portal.request("POST", &path, &token, "", "").await;
    assert_eq!((reply.status, reply.json()["problem"]["code"].as_str()), (409, Some("not_connected")));
}

/// The document lists exactly what the router answers.
#[tokio::test]
async fn the_openapi_document_is_complete() {
    let portal = Portal::start().await;
    let document = portal.get("/v1/openapi.json", "").await.json();
    assert_eq!(document, serde_json::to_value(openapi()).unwrap());
    let mut listed = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            listed.push(format!("{} {path}", method.to_uppercase()));
        }
    }
    listed.sort();
    // The router's own source is the other side of the comparison.
    let source = include_str!("../../src/app.rs");
    let mut routed = Vec::new();
    for line in source.split(".route(\"").skip(1) {
        let (path, handlers) = line.split_once('"').unwrap();
        let handlers = handlers.split("\n            .").next().unwrap();
        for method in ["get", "post", "delete", "put", "patch"] {
            if handlers.contains(&format!("{method}(")) && !path.contains("/link/") {
                routed.push(format!("{} {path}", method.to_uppercase()));
            }
        }
    }
    routed.sort();
    assert_eq!(listed, routed);
    assert_eq!(routed.len(), 23);
    assert_eq!(portal.get("/v1/health", "").await.json()["ok"], true);
    assert_eq!(portal.get("/nowhere", "").await.json()["problem"]["code"], "not_found");
}
