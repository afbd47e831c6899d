//! Who is kept out: other addresses, forged headers, other people's forms, other sites, tricks with paths, and everybody who is no
//! administrator. And that no text of the home's or the portal's becomes markup.

use serde_json::json;
use vestibule::page::guard::SUPERVISOR;
use vestibule_dev::fake_home::{Fail, FakeHome, Model, TOKEN, Version};

use super::html::assert_sound;
use super::stage::{PREFIX, Stage, field, form};
use crate::support::{Agent, SOON, contains, files, http, until, wire};

fn small_home() -> FakeHome {
    FakeHome::of_size(Version::V2026_11, 40)
}

/// A text that would be seen if it were markup.
const EVIL: &str = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>&lt;";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_from_elsewhere_is_not_answered() {
    let stage = Stage::behind(small_home(), "Example", SUPERVISOR).await;
    let headers =
        [("X-Ingress-Path", PREFIX), ("X-Remote-User-Id", "owner"), ("X-Forwarded-For", "172.30.32.2")];
    let answer = http::send(stage.address, "GET", "/", &headers, "").await;
    assert!(answer.is_err(), "{answer:?}");
    assert_eq!(stage.home.commands().get("config/auth/list"), None, "nobody was even asked");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_administrators_see_and_decide() {
    let stage = Stage::new(small_home(), "Example").await;
    stage.pair().await;
    stage.in_sync().await;
    let token = stage.token("owner").await;
    for user in ["guest", "gone", "nobody", ""] {
        let page = stage.get(user, "/").await;
        assert_eq!(page.status, 200, "{user}");
        let text = page.text();
        assert_sound(&text, user);
        assert!(text.contains("What they can never see or do") && !text.contains("<form"), "{user}: {text}");
        for path in [
            "/leaves",
            "/leaves/class/names",
            "/deployments",
            "/questions",
            "/questions/one?id=AAAAAAAAAAAAAAAAAAAAAA",
            "/ledger",
            "/ledger/reads",
            "/ledger/export",
            "/connection",
            "/report",
        ] {
            let answer = stage.get(user, path).await;
            assert_eq!(answer.status, 403, "{user} {path}");
            assert!(!answer.text().contains("vst1"), "{user} {path}");
        }
        let headers = [("X-Remote-User-Id", user), ("Sec-Fetch-Site", "same-origin")];
        for path in [
            "/pause",
            "/leaves/withdraw",
            "/deployments/approve",
            "/deployments/switch",
            "/questions/answer",
            "/questions/identify",
            "/questions/request",
            "/questions/withdraw",
            "/connection/rotate",
            "/connection/forget",
        ] {
            let body = form(&[
                ("token", &token),
                ("on", "yes"),
                ("class", "structure"),
                ("sure", "yes"),
                ("text", "A dashboard"),
                ("id", "AAAAAAAAAAAAAAAAAAAAAA"),
            ]);
            assert_eq!(stage.send("POST", path, &headers, &body).await.status, 403, "{user} {path}");
        }
    }
    assert_eq!(stage.get("admin", "/leaves").await.status, 200);
    stage.in_sync().await;
    assert_eq!(stage.home.commands()["config/auth/list"], 1, "asked once a minute");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_decides_while_the_home_cannot_be_asked() {
    let home = small_home();
    home.fault(|faults| {
        faults.fail = Some(Fail { command: "config/auth/list".into(), nth: 0, code: "unauthorized".into() });
    });
    let stage = Stage::new(home, "Example").await;
    let page = stage.get("owner", "/").await.text();
    assert!(page.contains("could not be asked") && !page.contains("<form"), "{page}");
    assert_eq!(stage.get("owner", "/connection").await.status, 403);
    let headers = [("X-Remote-User-Id", "owner"), ("Sec-Fetch-Site", "same-origin")];
    let answer = stage.send("POST", "/pause", &headers, "on=yes").await;
    assert!(matches!(answer.status, 409 | 503), "{}", answer.status);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forms_of_other_people_and_other_sites_change_nothing() {
    let stage = Stage::new(small_home(), "Example").await;
    stage.pair().await;
    stage.in_sync().await;
    let (own, stolen) = (stage.token("owner").await, stage.token("admin").await);
    assert_ne!(own, stolen);
    let same = ("Sec-Fetch-Site", "same-origin");
    let owner = ("X-Remote-User-Id", "owner");
    let with = |token: &str| form(&[("token", token), ("on", "yes")]);
    for (what, headers, body) in [
        ("no token", vec![owner, same], "on=yes".to_owned()),
        ("empty token", vec![owner, same], with("")),
        ("stolen token", vec![owner, same], with(&stolen)),
        ("token in the query only", vec![owner, same], format!("on=yes&query={own}")),
        ("another site", vec![owner, ("Sec-Fetch-Site", "cross-site")], with(&own)),
        ("a sibling", vec![owner, ("Sec-Fetch-Site", "same-site")], with(&own)),
        ("another origin", vec![owner, ("Origin", "http://evil.example")], with(&own)),
        ("no origin", vec![owner], with(&own)),
        ("an opaque origin", vec![owner, ("Origin", "null")], with(&own)),
        (
            "another origin, forged site header of a page's own making is a browser's refusal",
            vec![owner, ("Sec-Fetch-Site", "none"), ("Origin", "http://evil.example")],
            with(&own),
        ),
    ] {
        let answer = stage.send("POST", "/pause", &headers, &body).await;
        assert_eq!(answer.status, 403, "{what}");
        assert_sound(&answer.text(), what);
    }
    let id = ("id", "0195f3a0-0000-7000-8000-000000000001");
    for token in ["", &stolen] {
        let body = form(&[("token", token), id, ("plan", "x"), ("text", "A dashboard"), ("sure", "yes")]);
        for path in [
            "/questions/answer",
            "/questions/identify",
            "/questions/request",
            "/questions/withdraw",
            "/connection/rotate",
            "/deployments/approve",
            "/deployments/reject",
            "/deployments/undo",
            "/deployments/enable",
            "/deployments/switch",
            "/report/send",
            "/report/withdraw",
        ] {
            assert_eq!(stage.send("POST", path, &[owner, same], &body).await.status, 403, "{path}");
        }
    }
    let unknown = stage.get("owner", &format!("/deployments/{}", id.1)).await;
    assert_eq!(unknown.status, 409, "its address is understood: {}", unknown.text());
    for fields in [&[id][..], &[id, ("plan", "x")]] {
        let answer = stage.post("/deployments/approve", fields).await;
        assert_eq!(answer.status, 409, "no yes without the plan: {}", answer.text());
    }
    stage.in_sync().await;
    // A decision by address is none.
    let answer = stage.get("owner", &format!("/pause?on=yes&token={own}")).await;
    assert_eq!(answer.status, 404);
    let forwarded = [owner, ("Origin", "https://home.example"), ("X-Forwarded-Host", "home.example")];
    assert_eq!(stage.send("POST", "/pause", &forwarded, &with(&own)).await.status, 303, "an old browser");
    assert!(stage.get("owner", "/").await.text().contains("Paused"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tricks_with_paths_sizes_and_speed_lead_nowhere() {
    let stage = Stage::new(small_home(), "Example").await;
    for path in [
        "/../etc/passwd",
        "/%2e%2e/",
        "/leaves/../connection",
        "//connection",
        "/connection/",
        "/CONNECTION",
        "/leaves/class/..",
        "/ledger/entry/1%00",
        "/ledger/entry/-1",
        "/ledger/entry/99999999999999999999",
        "/style.css/x",
        "/open/0",
        "/api/hassio_ingress/Ab9-_x/connection",
        "/\\evil.example",
    ] {
        let answer = stage.get("owner", path).await;
        assert_eq!(answer.status, 404, "{path}");
        assert!(!answer.headers.contains_key("location"), "{path}");
    }
    for prefix in ["//evil.example", "https://evil.example", "/a\"onclick=\"x", "/a/../b", "/<script>"] {
        let headers = [("X-Ingress-Path", prefix), ("X-Remote-User-Id", "owner")];
        let answer = http::send(stage.address, "GET", "/", &headers, "").await.unwrap();
        assert_eq!(answer.status, 400, "{prefix}");
    }
    for method in ["PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"] {
        assert_eq!(
            stage.send(method, "/", &[("X-Remote-User-Id", "owner")], "").await.status,
            405,
            "{method}"
        );
    }
    let token = stage.token("owner").await;
    let headers = [("X-Remote-User-Id", "owner"), ("Sec-Fetch-Site", "same-origin")];
    let long = form(&[("token", &token), ("invite", &"x".repeat(40_000))]);
    assert_eq!(stage.send("POST", "/connection/meet", &headers, &long).await.status, 413);
    let padding = "x".repeat(20_000);
    let answer = stage.send("GET", "/", &[("X-Padding", &padding)], "").await;
    assert_eq!(answer.status, 431);
    let body = form(&[("token", &token), ("on", "yes")]);
    let mut refused = 0;
    for _ in 0..40 {
        refused += i32::from(stage.send("POST", "/pause", &headers, &body).await.status == 429);
    }
    assert!(refused > 0, "forty decisions in a row");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r17_no_text_becomes_markup() {
    let home = FakeHome::new({
        let mut model = Model::generate(Version::V2026_11, 60);
        let named = [&mut model.areas, &mut model.floors, &mut model.labels, &mut model.devices];
        for thing in named.into_iter().flatten().chain(model.entities.values_mut()) {
            for key in ["name", "name_by_user", "original_name"] {
                if thing.get(key).is_some_and(|value| !value.is_null()) {
                    thing[key] = json!(EVIL);
                }
            }
        }
        model
    });
    let stage = Stage::new(home, "<b>Evil & \"Sons\"").await;
    stage.pair().await;
    stage.in_sync().await;
    for path in [
        "/",
        "/never",
        "/leaves",
        "/leaves/class/structure",
        "/leaves/class/names",
        "/leaves/rooms",
        "/leaves/things?kind=area",
        "/leaves/things?search=script",
        "/ledger?search=%22%3E%3Cscript%3E",
        "/ledger?direction=%3Cscript%3E&from=1",
        "/ledger/entry/1",
        "/connection?done=%3Cscript%3E",
        "/report",
        "/questions",
        "/questions/one?id=%22%3E%3Cscript%3E",
        "/ledger/reads?from=%3Cscript%3E",
        "/nowhere",
    ] {
        let text = stage.get("owner", path).await.text();
        if path != "/nowhere" {
            assert_sound(&text, path);
        }
        for markup in ["<script>alert", "<img src=x", "<b>Evil", "onerror=alert(2)>"] {
            assert!(!text.contains(markup), "{path}: {markup}");
        }
    }
    let rooms = stage.get("owner", "/leaves/rooms").await.text();
    assert!(rooms.contains("&#60;script&#62;alert(1)"), "the owner sees the name as it is: {rooms}");
    let room = rooms.split("rooms?room=").nth(1).unwrap().split('"').next().unwrap();
    assert_sound(&stage.get("owner", &format!("/leaves/rooms?room={room}")).await.text(), "one room");
    let excluded = stage.post("/leaves/exclude", &[("thing", room), ("search", EVIL)]).await;
    assert_eq!(excluded.status, 303);
    assert_sound(&stage.get("owner", "/leaves").await.text(), "an exclusion");
    let problem = stage.post("/leaves/exclude", &[("thing", EVIL)]).await;
    assert_eq!(problem.status, 409);
    assert_sound(&problem.text(), "a problem");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_are_neither_stored_nor_sent() {
    const USER: &str = "0b5e1d5eca5e4ed0be5adfacade5dead";
    let home = small_home();
    home.change_silently(|model| {
        model.users[0]["id"] = json!(USER);
        model.users[0]["name"] = json!("Nobodysname");
    });
    let stage = Stage::new(home, "Example").await;
    for path in ["/", "/leaves", "/connection"] {
        let answer = stage.get(USER, path).await;
        assert_eq!(answer.status, 200);
        assert!(!answer.text().contains(USER));
    }
    let token = field(&stage.get(USER, "/connection").await.text(), "token").unwrap();
    let invite = stage.portal.invite(&stage.tenant).await;
    let headers = [
        ("X-Remote-User-Id", USER),
        ("X-Remote-User-Name", "Nobodysname"),
        ("Sec-Fetch-Site", "same-origin"),
    ];
    let body = form(&[("token", &token), ("invite", &invite.code)]);
    let meeting = stage.send("POST", "/connection/meet", &headers, &body).await.text();
    let preview = field(&meeting, "preview").unwrap();
    let body = form(&[("token", &token), ("invite", &invite.code), ("preview", &preview), ("same", "yes")]);
    assert_eq!(stage.send("POST", "/connection/pair", &headers, &body).await.status, 303);
    until("in sync", SOON, async || {
        let text = stage.get(USER, "/live").await.text();
        if text.contains("In sync") { Ok(()) } else { Err(text) }
    })
    .await;
    for (name, bytes) in files(stage.folder()) {
        for text in [USER, "Nobodysname"] {
            assert!(!contains(&bytes, text.as_bytes()), "{text} in {name}");
        }
    }
    for sent in wire::everything_sent(&stage.portal.recorder) {
        assert!(!contains(&sent, USER.as_bytes()) && !contains(&sent, b"Nobodysname"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_supervisor_a_link_opens_the_page_once() {
    let home = small_home();
    let listening = home.listen().await.unwrap();
    let mut agent = Agent::of(&listening.url(), TOKEN);
    agent.set("VESTIBULE_PAGE__LISTEN", "127.0.0.1:0");
    agent.run().await;
    let log = agent.log();
    let link = log.split("at: http://").nth(1).unwrap_or_else(|| panic!("no link in {log}"));
    let (host, path) = link.lines().next().unwrap().trim().split_once('/').unwrap();
    let (address, path) = (host.parse().unwrap(), format!("/{path}"));
    let get =
        async |path: &str, headers: &[(&str, &str)]| http::send(address, "GET", path, headers, "").await;

    for path in ["/", "/leaves", "/live", "/never"] {
        let forged = [("X-Remote-User-Id", "owner"), ("X-Ingress-Path", "/evil"), ("Cookie", "vestibule=0")];
        let locked = get(path, &forged).await.unwrap();
        assert_eq!(locked.status, 401, "{path}");
        assert_sound(&locked.text(), path);
        assert!(!locked.text().contains("/evil"));
    }
    let rebound = get("/", &[("Host", "evil.example")]).await.unwrap();
    assert_eq!(rebound.status, 400, "a page that rebinds its name");

    let opened = get(&path, &[]).await.unwrap();
    assert_eq!((opened.status, opened.headers["location"].as_str()), (303, "/"));
    let set = &opened.headers["set-cookie"];
    assert!(set.contains("HttpOnly") && set.contains("SameSite=Strict"), "{set}");
    assert_eq!(get(&path, &[]).await.unwrap().status, 403, "a second time");
    let cookie = set.split(';').next().unwrap();
    let page = get("/connection", &[("Cookie", cookie)]).await.unwrap();
    assert_eq!(page.status, 200);
    assert_sound(&page.text(), "the real program's page");
    let token = field(&page.text(), "token").unwrap();
    let post = async |headers: &[(&str, &str)]| {
        let body = form(&[("token", &token), ("invite", "nonsense")]);
        http::send(address, "POST", "/connection/meet", headers, &body).await.unwrap().status
    };
    let origin = format!("http://{host}");
    assert_eq!(post(&[("Origin", &origin)]).await, 401, "no cookie");
    assert_eq!(post(&[("Cookie", cookie), ("Origin", "http://evil.example")]).await, 403);
    assert_eq!(post(&[("Cookie", cookie), ("Origin", &origin)]).await, 409, "only the invite is wrong");
    assert!(!agent.log().contains(cookie.split_once('=').unwrap().1), "no cookie in the log");
}
