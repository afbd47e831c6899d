//! Every page is sound in every language, and every decision on it does what it says, without JavaScript.

use serde_json::Value;
use vestibule_dev::fake_home::{FakeHome, Version};
use vestibule_protocol::consent::Class;

use super::html::assert_sound;
use super::stage::{PREFIX, Stage, field};
use crate::support::{SOON, until};

pub(super) const LANGUAGES: [&str; 5] = ["en", "de", "es", "fr", "nl"];
const PAGES: [&str; 19] = [
    "/",
    "/never",
    "/leaves",
    "/leaves/fields",
    "/leaves/class/structure",
    "/leaves/class/names",
    "/leaves/class/dashboards",
    "/leaves/class/automations",
    "/leaves/rooms",
    "/leaves/things",
    "/leaves/things?search=kitchen&kind=area",
    "/deployments",
    "/questions",
    "/ledger",
    "/ledger/reads",
    "/ledger?search=hello&direction=out",
    "/ledger/entry/1",
    "/connection",
    "/report",
];
/// Heaviest page, style and script included (issue 4: 100 kB).
pub(super) const WEIGHT: usize = 100_000;

pub(super) async fn paired() -> Stage {
    let stage = Stage::new(FakeHome::of_size(Version::V2026_11, 120), "Example").await;
    stage.pair().await;
    stage.in_sync().await;
    stage
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_is_sound_in_every_language() {
    let stage = paired().await;
    let mut files = 0;
    for file in ["/style.css", "/live.js", "/icon.svg"] {
        let answer = stage.get("", file).await;
        assert_eq!(answer.status, 200, "{file}");
        assert!(answer.headers["cache-control"].contains("immutable"));
        files += answer.body.len();
    }
    for language in LANGUAGES {
        for path in PAGES {
            let headers = [("X-Remote-User-Id", "owner"), ("Accept-Language", language)];
            let answer = stage.send("GET", path, &headers, "").await;
            let text = answer.text();
            assert_eq!(answer.status, 200, "{path}: {text}");
            assert_sound(&text, &format!("{path} in {language}"));
            assert!(text.contains(&format!("<html lang=\"{language}\">")), "{path} in {language}");
            assert!(text.len() + files < WEIGHT, "{path}: {} bytes", text.len() + files);
            let policy = &answer.headers["content-security-policy"];
            for rule in
                ["default-src 'none'", "script-src 'self'", "frame-ancestors 'self'", "base-uri 'none'"]
            {
                assert!(policy.contains(rule), "{policy}");
            }
            assert!(!policy.contains("unsafe"), "{policy}");
            assert_eq!(answer.headers["x-content-type-options"], "nosniff");
            assert_eq!(answer.headers["cache-control"], "no-store");
            // Every address on it lies under the prefix.
            for place in text.split("href=\"").skip(1).chain(text.split("action=\"").skip(1)) {
                let place = place.split('"').next().unwrap();
                assert!(place.starts_with(PREFIX) || place.starts_with(['#', '?']), "{path}: {place}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r4_a_class_is_granted_after_its_preview_and_withdrawn() {
    let stage = paired().await;
    let unseen = stage.post("/leaves/grant", &[("class", "names"), ("seen", "nothing")]).await;
    assert_eq!(unseen.status, 503, "the yes is a yes to what was shown");
    let preview = stage.get("owner", "/leaves/class/names").await.text();
    assert!(
        preview.contains("name/a_") && preview.contains("the owner&#39;s") || preview.contains("name/a_")
    );
    let seen = field(&preview, "seen").unwrap();
    let granted = stage.post("/leaves/grant", &[("class", "names"), ("seen", &seen)]).await;
    assert_eq!(granted.headers["location"], format!("{PREFIX}/leaves?done=granted"));
    stage.in_sync().await;
    let held = async || stage.portal.snapshot(&stage.tenant, &stage.fingerprint().await).await;
    until("names are at the portal", SOON, async || {
        let held = held().await;
        if held.contains("name/a_") { Ok(()) } else { Err(held.len().to_string()) }
    })
    .await;
    let withdrawn = stage.post("/leaves/withdraw", &[("class", Class::Names.name())]).await;
    assert_eq!(withdrawn.headers["location"], format!("{PREFIX}/leaves?done=withdrawn"));
    until("names are gone at the portal", SOON, async || {
        let held = held().await;
        if held.contains("name/") { Err("still there".to_owned()) } else { Ok(()) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rooms_and_exclusions_are_the_owners() {
    let stage = paired().await;
    let rooms = stage.get("owner", "/leaves/rooms").await.text();
    let room = rooms.split("rooms?room=").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let kind = async |wanted: &str| {
        until("the room's kind", SOON, async || {
            let page = stage.get("owner", "/leaves/class/structure").await.text().replace("&#34;", "\"");
            let line = page.lines().find(|line| line.contains(&format!("area/{room}"))).unwrap_or_default();
            if line.contains(wanted) { Ok(()) } else { Err(line.to_owned()) }
        })
        .await;
    };
    kind("\"kind\":\"kitchen\"").await;
    for (chosen, held) in [("sauna", "sauna"), ("hidden", "other"), ("", "kitchen")] {
        let answer = stage.post("/leaves/room", &[("room", &room), ("kind", chosen)]).await;
        assert_eq!(answer.status, 303, "{}", answer.text());
        kind(&format!("\"kind\":\"{held}\"")).await;
    }
    for wrong in ["<script>", "nursery"] {
        let answer = stage.post("/leaves/room", &[("room", &room), ("kind", wrong)]).await;
        assert_eq!(answer.status, 409, "{wrong}");
    }
    let found = stage.get("owner", "/leaves/things?search=kitchen+0&kind=area").await.text();
    let thing = field(&found, "thing").unwrap();
    assert_eq!(thing, room);
    assert_eq!(stage.post("/leaves/exclude", &[("thing", &thing)]).await.status, 303);
    let gone = async |wanted: bool| {
        stage.in_sync().await;
        until("the exclusion", SOON, async || {
            let held = stage.portal.snapshot(&stage.tenant, &stage.fingerprint().await).await;
            if held.contains(&room) == wanted { Err(held.len().to_string()) } else { Ok(()) }
        })
        .await;
    };
    gone(true).await;
    assert!(stage.get("owner", "/leaves").await.text().contains("<li>Kitchen 0"));
    assert_eq!(stage.post("/leaves/include", &[("thing", &thing)]).await.status, 303);
    gone(false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_ledger_is_searched_checked_and_taken_along() {
    let stage = paired().await;
    let found = stage.get("owner", "/ledger?search=HELLO&direction=out").await.text();
    assert!(found.contains("<code>hello</code>") && !found.contains("<code>welcome</code>"), "{found}");
    let inside = stage.get("owner", "/ledger?search=%22root%22&direction=out").await.text();
    assert!(inside.contains("<code>commit</code>"), "a word inside a message: {inside}");
    assert!(stage.get("owner", "/ledger?search=no-such-word").await.text().contains("No entries"));
    let checked = stage.post("/ledger/check", &[]).await;
    assert_eq!(checked.status, 200);
    assert!(checked.text().contains("is intact"));
    let export = stage.get("owner", "/ledger/export").await;
    assert!(export.headers["content-disposition"].starts_with("attachment"));
    let rows: Vec<Value> = export.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(rows.len() > 4 && rows.iter().any(|row| row["kind"] == "hello"), "{}", rows.len());
    let copy = stage.get("owner", "/connection/export").await.text();
    assert!(copy.lines().any(|line| line.starts_with("{\"kind\":\"consent\"")));
    assert!(copy.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()));
    let raw = stage.get("owner", "/ledger/entry/2/raw").await;
    assert!(serde_json::from_slice::<Value>(&raw.body).is_ok(), "{}", raw.text());
    let report = stage.get("owner", "/report/file").await.text();
    assert!(
        report.contains("In sync") && !report.contains("Example") && !report.contains("127.0.0.1"),
        "{report}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r29_pausing_and_forgetting() {
    let stage = paired().await;
    assert_eq!(stage.post("/pause", &[("on", "yes")]).await.status, 303);
    assert!(stage.get("owner", "/").await.text().contains("Paused: nothing is sent"));
    assert_eq!(stage.post("/pause", &[("on", "no")]).await.status, 303);
    stage.in_sync().await;
    assert_eq!(stage.post("/connection/forget", &[]).await.status, 409, "not without the tick");
    assert_eq!(stage.post("/connection/forget", &[("sure", "yes")]).await.status, 303);
    until("the receipt", SOON, async || {
        let text = stage.get("owner", "/connection").await.text();
        if text.contains("not a proof") { Ok(()) } else { Err(text) }
    })
    .await;
    let text = stage.get("owner", "/connection").await.text();
    assert_sound(&text, "the receipt");
    assert!(text.contains("audit"), "what remains is listed: {text}");
}
