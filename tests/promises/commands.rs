//! The commands as others call them: what they print, how they end, and that they wait for each other. Issue 2, "Pinned"; S29, S30, S34.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};
use vestibule_dev::fake_home::{EntityKind, FakeHome, TOKEN, Version};

use crate::support::house::records;
use crate::support::http;
use crate::support::{Agent, House, Portal, SOON, until, wire};

/// Names of a JSON object's fields.
fn fields(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap_or_else(|| panic!("{value}")).keys().map(String::as_str).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_shapes_that_others_rely_on() {
    let home = FakeHome::of_size(Version::V2026_11, 80);
    let listening = home.listen().await.unwrap();
    let mut house = House::paired(&listening.url(), TOKEN).await;
    house.equal("the first sync").await;
    let agent = &house.agent;

    let status = house.in_sync().await;
    let side = BTreeSet::from(["connected", "problem", "since"]);
    assert_eq!((fields(&status["home"]), fields(&status["portal"])), (side.clone(), side));
    assert_eq!(status["fingerprint"], *house.fingerprint);
    assert_eq!(status["tenant"], *house.tenant.id);
    assert_eq!(status["tenant_name"], "Example");
    assert!(status["home"]["since"].is_i64() && status["home"]["problem"].is_null());
    for number in ["frames_out", "bytes_out", "frames_in", "bytes_in"] {
        assert!(status["last_day"][number].as_u64().unwrap() > 0, "{status}");
    }
    // What it says it sent is what went over the wire.
    let frames = wire::frames_sent(&house.portal.recorder);
    assert_eq!(status["last_day"]["frames_out"], frames.len());
    assert_eq!(status["last_day"]["bytes_out"], frames.iter().map(Vec::len).sum::<usize>());

    let held = house.records().await;
    let counted: u64 =
        status["records"].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum();
    assert_eq!(usize::try_from(counted).unwrap(), held.len());
    let preview = agent.command(&["preview", "--json"]).await.ok();
    assert_eq!(records(&preview.out), held);
    let kinds = [
        "area",
        "automation",
        "dashboard",
        "device",
        "entity",
        "floor",
        "home",
        "integration",
        "label",
        "name",
        "resource",
        "scene",
        "script",
    ];
    for line in preview.out.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        assert_eq!(fields(&line), BTreeSet::from(["key", "record"]));
        let (kind, id) = line["key"].as_str().unwrap().split_once('/').unwrap();
        assert!(kinds.contains(&kind) && !id.is_empty(), "{line}");
    }

    assert_eq!(
        agent.json(&["fingerprint"]).await,
        json!({"fingerprint": house.fingerprint, "tenant": house.tenant.id})
    );
    assert_eq!(agent.json(&["health"]).await, json!({"healthy": true}));
    let consent = agent.json(&["consent", "list"]).await;
    assert_eq!((&consent["classes"], &consent["excluded"]), (&json!(["structure"]), &json!([])));
    let entry: Value = serde_json::from_str(
        agent.command(&["ledger", "list", "--json"]).await.ok().out.lines().next().unwrap(),
    )
    .unwrap();
    assert!(
        fields(&entry).is_superset(&BTreeSet::from(["entry", "time", "direction", "kind", "bytes"])),
        "{entry}"
    );
    let rows = agent.command(&["ledger", "list", "--json", "--limit", "500"]).await.ok().out;
    let rows: Vec<Value> = rows.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let batch = rows.iter().find(|row| row["kind"] == "batch").unwrap()["entry"].to_string();
    let shown = agent.json(&["ledger", "show", &batch]).await;
    assert_eq!((&shown["kind"], &shown["mark"]), (&json!("batch"), &json!("sent")));
    assert!(shown["message"]["puts"].to_string().contains("home/home"), "{shown}");

    // S29: a copy of everything, and no key in it.
    let export = agent.command(&["export"]).await.ok().out;
    for line in export.lines() {
        serde_json::from_str::<Value>(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    }
    for kind in ["\"pairing\"", "\"consent\""] {
        assert!(export.contains(kind), "no {kind}");
    }
    let secret = std::fs::read(agent.data().join("home_secret")).unwrap();
    let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(!export.contains(&hex) && !export.contains(TOKEN));

    // The files are nobody else's.
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&agent.data()), 0o700);
    for (name, _) in crate::support::files(&agent.data()) {
        assert_eq!(mode(&agent.data().join(&name)), 0o600, "{name}");
    }

    // Without a daemon the commands that look still look.
    assert_eq!(house.agent.stop().await, Some(0));
    let agent = &house.agent;
    let resting = agent.status().await;
    assert_eq!((&resting["running"], &resting["in_sync"]), (&json!(false), &json!(false)));
    assert_eq!(resting["fingerprint"], *house.fingerprint);
    assert_eq!(fields(&resting), fields(&status));
    assert_eq!(agent.command(&["health"]).await.code, 1);
    assert_eq!(records(&agent.command(&["preview", "--json"]).await.ok().out), held);
    assert_eq!(agent.command(&["ledger", "export"]).await.ok().err, "");
    assert_eq!(agent.command(&["--nonsense"]).await.code, 2);
    assert_eq!(agent.command(&["consent", "grant", "everything"]).await.code, 2);
}

/// With `--json` stdout is JSON and nothing else, also when something is wrong.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stdout_is_json_and_nothing_else() {
    let home = FakeHome::of_size(Version::V2026_11, 30);
    let listening = home.listen().await.unwrap();
    let agent = Agent::of(&listening.url(), TOKEN);
    for command in [
        "status",
        "preview",
        "consent list",
        "consent grant names",
        "consent exclude kitchen",
        "ledger list",
        "ledger verify",
        "ledger show 99",
        "fingerprint",
        "health",
        "restrict on",
        "forget",
        "pair --portal http://127.0.0.1:9 --invite nonsense",
        "export",
    ] {
        let words: Vec<&str> = command.split(' ').chain(["--json"]).collect();
        let ran = agent.command(&words).await;
        assert!(ran.code < 2, "{command}: {ran:?}");
        let lines: Vec<Value> = ran
            .out
            .lines()
            .map(|line| {
                serde_json::from_str(line).unwrap_or_else(|error| panic!("{command}: {error}: {line}"))
            })
            .collect();
        if ran.code == 1 {
            let [only] = lines.as_slice() else { panic!("{command}: {ran:?}") };
            assert_eq!(
                fields(&only["problem"]),
                BTreeSet::from(["code", "next", "retry", "what"]),
                "{command}"
            );
        }
    }
}

/// The pull API as it is pinned.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_api_answers_as_pinned() {
    let home = FakeHome::of_size(Version::V2026_11, 80);
    let listening = home.listen().await.unwrap();
    let house = House::paired(&listening.url(), TOKEN).await;
    house.equal("the first sync").await;
    let (portal, tenant) = (&house.portal, &house.tenant);
    let list = portal.get(tenant, "/v1/instances").await.json();
    assert_eq!(list["instances"][0]["fingerprint"], *house.fingerprint);
    assert_eq!(list["instances"][0]["label"], "unit 12");
    let path = format!("/v1/instances/{}/snapshot", house.fingerprint);
    let plain = portal.get(tenant, &path).await;
    let root = house.in_sync().await["root"].as_str().unwrap().to_owned();
    assert_eq!(plain.headers["etag"], format!("\"{root}\""));
    assert_eq!(plain.headers["content-type"], "application/jsonl");
    assert!(!plain.headers.contains_key("content-encoding"));
    let bearer = format!("Bearer {}", tenant.token);
    let ask = async |extra: (&str, &str)| {
        http::get(portal.address(), &path, &[("Authorization", &bearer), extra]).await.unwrap()
    };
    let packed = ask(("Accept-Encoding", "gzip, zstd")).await;
    assert_eq!(packed.headers["content-encoding"], "zstd");
    assert_eq!(zstd::decode_all(packed.body.as_slice()).unwrap(), plain.body);
    assert_eq!(ask(("If-None-Match", &format!("\"{root}\""))).await.status, 304);
    assert_eq!(http::get(portal.address(), &path, &[]).await.unwrap().status, 401);
    home.add_entity("light.another", EntityKind::Light, None);
    house.equal("one more light").await;
    let changes =
        portal.get(tenant, &format!("/v1/instances/{}/changes?since={root}", house.fingerprint)).await;
    let changes = changes.text();
    assert!(changes.contains("\"key\":\"entity/e_") && changes.lines().count() == 1, "{changes}");
    assert_eq!(
        portal.get(tenant, "/v1/openapi.json").await.json()["openapi"].as_str().unwrap().chars().next(),
        Some('3')
    );
    // Another tenant's staff do not see the home at all.
    let other = portal.tenant("Other").await;
    assert_eq!(portal.get(&other, &path).await.status, 404);
    assert_eq!(portal.get(&other, "/v1/instances").await.json()["instances"], json!([]));
}

/// Killed and started again at once, on the same folder and port, again and again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn run_and_serve_can_be_killed_and_started_at_once() {
    let home = FakeHome::of_size(Version::V2026_11, 60);
    let listening = home.listen().await.unwrap();
    let mut house = House::paired(&listening.url(), TOKEN).await;
    let address = house.portal.address();
    for turn in 0..4 {
        house.agent.kill().await;
        house.agent.start();
        house.portal.kill().await;
        house.portal.serve().await;
        home.add_entity(&format!("light.turn_{turn}"), EntityKind::Light, None);
    }
    assert_eq!(house.portal.address(), address);
    house.equal("kills").await;
}

/// A second daemon waits until the first has ended, and then takes over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_daemon_waits_for_the_first() {
    let home = FakeHome::of_size(Version::V2026_11, 30);
    let listening = home.listen().await.unwrap();
    let mut house = House::paired(&listening.url(), TOKEN).await;
    house.equal("the first sync").await;
    let mut second = Agent::beside_of(&house.agent);
    second.start();
    until("the second waits", SOON, async || {
        if second.log().contains("waiting for it to end") { Ok(()) } else { Err(second.log()) }
    })
    .await;
    house.in_sync().await;
    assert_eq!(house.agent.stop().await, Some(0));
    house.equal("the second has taken over").await;
    assert_eq!(second.stop().await, Some(0));
}

/// `pair` right after `run`, while neither daemon nor home answers yet; and without any daemon.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pair_waits_for_a_daemon_and_a_home_that_were_just_started() {
    let home = FakeHome::of_size(Version::V2026_11, 60);
    home.set_core_state("STARTING");
    let listening = home.listen().await.unwrap();
    let portal = Portal::start().await;
    let tenant = portal.tenant("Example").await;
    let invite = portal.invite(&tenant).await;
    let mut agent = Agent::of(&listening.url(), TOKEN);
    agent.start();
    let origin = portal.origin();
    let arguments = ["pair", "--portal", &origin, "--invite", &invite.code, "--yes"];
    let (paired, ()) = tokio::join!(agent.json(&arguments), async {
        until("the home is being read", SOON, async || {
            if home.commands().contains_key("get_config") {
                Ok(())
            } else {
                Err(format!("{:?}", home.commands()))
            }
        })
        .await;
        home.set_core_state("RUNNING");
    });
    assert_eq!(
        fields(&paired),
        BTreeSet::from(["fingerprint", "recovery_code", "tenant", "tenant_name", "words"])
    );

    // Without a daemon the command does it alone; a daemon that is started later goes on from there.
    let mut alone = Agent::of(&listening.url(), TOKEN);
    let invite = portal.invite(&tenant).await;
    let paired = alone.json(&["pair", "--portal", &origin, "--invite", &invite.code, "--yes"]).await;
    assert_ne!(paired["fingerprint"], alone_of(&agent).await);
    alone.run().await;
    until("in sync", SOON, async || {
        let status = alone.status().await;
        if status["in_sync"] == true { Ok(()) } else { Err(status.to_string()) }
    })
    .await;
}

async fn alone_of(agent: &Agent) -> Value {
    agent.json(&["fingerprint"]).await["fingerprint"].clone()
}

/// S34: restricted, the agent sends nothing of the home; released, it catches up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s34_restricted_means_nothing_is_sent() {
    let home = FakeHome::of_size(Version::V2026_11, 60);
    let listening = home.listen().await.unwrap();
    let mut house = House::paired(&listening.url(), TOKEN).await;
    house.equal("the first sync").await;
    let held = house.snapshot().await;
    house.agent.json(&["restrict", "on"]).await;
    until("the portal knows", SOON, async || {
        let seen = house.portal.instance(&house.tenant, &house.fingerprint).await;
        if seen["restricted"] == true { Ok(()) } else { Err(seen.to_string()) }
    })
    .await;
    let before = wire::frames_sent(&house.portal.recorder).len();
    home.add_entity("light.unseen", EntityKind::Light, None);
    house.agent.kill().await;
    house.agent.run().await;
    until("connected again, and the change was read", SOON, async || {
        let status = house.agent.status().await;
        let read = status["home"]["connected"] == true && status["records"]["entity"].is_u64();
        if read && status["portal"]["connected"] == true { Ok(()) } else { Err(status.to_string()) }
    })
    .await;
    assert_eq!(house.snapshot().await, held);
    let said = wire::sent(&house.portal.recorder).split_off(before);
    assert!(said.iter().all(|message| matches!(message.kind(), "hello" | "consent")), "{said:?}");
    house.agent.json(&["restrict", "off"]).await;
    house.equal("released").await;
    assert_ne!(house.snapshot().await, held);
}

/// Withdrawing and forgetting while the portal is away, with a kill in between: carried out as soon as it is back (R24, R27, R29).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r27_r29_withdrawing_and_forgetting_survive_being_offline_and_killed() {
    let home = FakeHome::of_size(Version::V2026_11, 60);
    let listening = home.listen().await.unwrap();
    let mut house = House::paired(&listening.url(), TOKEN).await;
    house.agent.json(&["consent", "grant", "names"]).await;
    house.equal("names are granted").await;
    house.portal.kill().await;
    house.agent.json(&["consent", "withdraw", "names"]).await;
    house.agent.kill().await;
    house.agent.run().await;
    house.portal.serve().await;
    house.equal("names are withdrawn").await;
    assert!(house.records().await.keys().all(|key| !key.starts_with("name/")));

    // The same without a daemon: the command is given, and the daemon delivers it later.
    house.portal.kill().await;
    assert_eq!(house.agent.stop().await, Some(0));
    let forgotten = house.agent.json(&["forget", "--yes"]).await;
    assert_eq!(forgotten, json!({"local": true, "waiting_for_portal": true}));
    assert_eq!(house.agent.status().await["forgetting"], true);
    house.portal.serve().await;
    house.agent.run().await;
    let path = format!("/v1/instances/{}", house.fingerprint);
    until("the portal has erased the home", SOON, async || {
        let (status, agent) =
            (house.portal.get(&house.tenant, &path).await.status, house.agent.status().await);
        if status == 404 && agent["forgetting"] == false { Ok(()) } else { Err(format!("{status}: {agent}")) }
    })
    .await;
}

/// R28: erased, and then the database of the day before is put back: it is erased again before anybody can read it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r28_what_was_erased_stays_erased_when_a_backup_comes_back() {
    let home = FakeHome::of_size(Version::V2026_11, 60);
    let listening = home.listen().await.unwrap();
    let mut house = House::paired(&listening.url(), TOKEN).await;
    house.agent.json(&["consent", "grant", "names"]).await;
    house.equal("names are granted").await;
    house.portal.kill().await;
    let copy = house.portal.beside("yesterday");
    crate::support::copy_folder(&house.portal.data(), &copy);
    house.portal.serve().await;
    house.agent.json(&["forget", "--yes"]).await;
    until("the receipt has come", SOON, async || {
        let status = house.agent.status().await;
        if status["forgetting"] == false { Ok(()) } else { Err(status.to_string()) }
    })
    .await;
    house.portal.kill().await;
    // The journal lies outside of what a backup holds.
    for (name, bytes) in crate::support::files(&copy) {
        if name.starts_with("vestibule-portal.db") {
            std::fs::write(house.portal.data().join(name), bytes).unwrap();
        }
    }
    let back = crate::support::files(&house.portal.data());
    assert!(
        back.iter().any(|(_, bytes)| crate::support::contains(bytes, b"Name of light.")
            || crate::support::contains(bytes, b"name/e_")),
        "the backup is back"
    );
    house.portal.serve().await;
    let path = format!("/v1/instances/{}", house.fingerprint);
    assert_eq!(house.portal.get(&house.tenant, &path).await.status, 404);
    for (file, bytes) in crate::support::files(&house.portal.data()) {
        for left in ["name/e_", "entity/e_", "Living room"] {
            assert!(!crate::support::contains(&bytes, left.as_bytes()), "{left} is still in {file}");
        }
    }
}

/// A new identity by the command: asked for by name, by the daemon alone, and another one than before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r29_identity_rotate_ends_one_identity_and_begins_another() {
    let home = FakeHome::of_size(Version::V2026_11, 60);
    let listening = home.listen().await.unwrap();
    let mut house = House::paired(&listening.url(), TOKEN).await;
    house.equal("the first sync").await;
    house.agent.json(&["consent", "exclude", "integration/hue"]).await;
    let unasked = house.agent.command(&["identity", "rotate", "--json"]).await;
    assert_eq!((unasked.code, &unasked.json()["problem"]["code"]), (1, &json!("declined")));
    assert!(unasked.err.contains("You need a new invite"), "what it breaks is said first: {}", unasked.err);
    assert_eq!(house.agent.stop().await, Some(0));
    let alone = house.agent.command(&["identity", "rotate", "--yes", "--json"]).await;
    assert_eq!((alone.code, &alone.json()["problem"]["code"]), (1, &json!("no_daemon")));
    house.agent.run().await;
    house.in_sync().await;
    let rotated = house.agent.json(&["identity", "rotate", "--yes"]).await;
    assert_eq!(rotated, json!({"waiting_for_portal": true, "kept": 1, "lost": 0}));
    until("the portal has erased it", SOON, async || {
        let status = house.agent.status().await;
        if status["forgetting"] == false { Ok(()) } else { Err(status.to_string()) }
    })
    .await;
    let invite = house.portal.invite(&house.tenant).await;
    let pair = ["pair", "--portal", &house.portal.origin(), "--invite", &invite.code, "--yes"];
    let paired = house.agent.json(&pair).await;
    assert_ne!(paired["fingerprint"], *house.fingerprint);
    let consent = house.agent.json(&["consent", "list"]).await;
    assert_eq!(consent["excluded"], json!(["integration/hue"]));
}
