//! Promise 2: the ledger is the wire. R25, R26 (chain), S96.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};
use vestibule_dev::fake_home::{EntityKind, FakeHome, TOKEN, Version};
use vestibule_dev::proxy::Capture;

use crate::support::{Agent, House, SOON, until};

/// An entry of an exported ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) seq: u64,
    direction: String,
    kind: String,
    mark: Option<String>,
    bytes: Vec<u8>,
}

/// Exports the ledger of an agent, running or not.
pub(crate) async fn exported(agent: &Agent) -> Vec<Row> {
    let ran = agent.command(&["ledger", "export"]).await.ok();
    let lines = ran.out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| line.get("checkpoint").is_none()).map(|line| row(&line)).collect()
}

fn row(line: &Value) -> Row {
    let text = |key: &str| line[key].as_str().map(str::to_owned);
    Row {
        seq: line["seq"].as_u64().unwrap(),
        direction: text("direction").unwrap(),
        kind: text("kind").unwrap(),
        mark: text("mark"),
        bytes: text("bytes").map(|hex| unhex(&hex)).unwrap_or_default(),
    }
}

fn unhex(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

/// R25: every complete message on the wire is one row marked `sent` or `unknown`, in order; a message that was cut is the beginning of
/// an `unknown` one; whatever is marked `sent` was on the wire, and whatever is marked `unsent` was not. Gives the number of messages.
pub(crate) fn agree(captures: &[Capture], rows: &[Row]) -> usize {
    let mut out = rows.iter().filter(|row| row.direction == "out").peekable();
    let mut messages = 0;
    for (number, capture) in captures.iter().enumerate() {
        let spoken = capture.sent();
        messages += spoken.messages.len();
        let cut = spoken.rest.into_iter().filter(|rest| !rest.is_empty()).map(|rest| (rest, true));
        for (message, cut) in spoken.messages.into_iter().map(|message| (message, false)).chain(cut) {
            loop {
                let row = out.next().unwrap_or_else(|| {
                    panic!("connection {number} carried a message that is not in the ledger")
                });
                let mark = row.mark.as_deref().unwrap();
                if if cut { row.bytes.starts_with(&message) } else { row.bytes == message } {
                    assert!(
                        mark == "unknown" || (mark == "sent" && !cut),
                        "row {} is marked {mark}",
                        row.seq
                    );
                    break;
                }
                assert_ne!(mark, "sent", "row {} ({}) was not on the wire", row.seq, row.kind);
            }
        }
    }
    for row in out {
        assert_ne!(row.mark.as_deref(), Some("sent"), "row {} ({}) was not on the wire", row.seq, row.kind);
    }
    messages
}

/// What comes with a connection besides messages: always the same head, and control frames that carry nothing of the home.
pub(crate) fn frames_around_are_the_documented_ones(captures: &[Capture], origin: &str, tenant: &str) {
    let host = origin.strip_prefix("http://").unwrap();
    for capture in captures {
        let spoken = capture.sent();
        let head = String::from_utf8(spoken.head).unwrap();
        if !head.ends_with("\r\n\r\n") {
            continue;
        }
        let mut lines: Vec<&str> = head.trim_end().lines().collect();
        let key = lines.iter().position(|line| line.starts_with("Sec-WebSocket-Key: ")).unwrap();
        // Sixteen random bytes.
        assert_eq!(lines.remove(key).len(), "Sec-WebSocket-Key: ".len() + 24);
        let expected = [
            format!("GET /v1/link/{tenant} HTTP/1.1"),
            "Connection: Upgrade".to_owned(),
            format!("Host: {host}"),
            "Sec-WebSocket-Protocol: vestibule.v1".to_owned(),
            "Sec-WebSocket-Version: 13".to_owned(),
            "Upgrade: websocket".to_owned(),
        ];
        assert_eq!(lines.remove(0), expected[0]);
        lines.sort_unstable_by_key(|line| line.to_lowercase());
        assert_eq!(lines, expected[1..]);
        // A pong says what the ping said (RFC 6455), so it holds nothing of the home.
        let pings: BTreeSet<Vec<u8>> = capture
            .received()
            .control
            .into_iter()
            .filter(|(opcode, _)| *opcode == 9)
            .map(|(_, said)| said)
            .collect();
        for (opcode, payload) in spoken.control {
            let known = match opcode {
                8 => payload.is_empty() || payload == 1000_u16.to_be_bytes(),
                9 => payload.is_empty(),
                10 => pings.contains(&payload),
                _ => false,
            };
            assert!(known, "control frame {opcode} with {payload:?}");
        }
    }
}

/// What arrived stands in the ledger too. It is written down with the next message that leaves, or a few seconds later.
async fn arrivals_agree(house: &House) {
    until("arrivals are in the ledger", SOON, async || {
        let rows = exported(&house.agent).await;
        let kept: BTreeSet<&[u8]> =
            rows.iter().filter(|row| row.direction == "in").map(|row| row.bytes.as_slice()).collect();
        let captures = house.portal.recorder.captures();
        let mut arrived = captures.iter().flat_map(|capture| capture.received().messages);
        // Of the larger ones only the beginning is kept.
        let missing = arrived.find(|message| message.len() <= 4096 && !kept.contains(message.as_slice()));
        missing.map_or(Ok(()), |message| Err(format!("{} bytes are missing", message.len())))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r25_s96_the_ledger_is_the_wire_whatever_is_cut_and_killed() {
    let home = FakeHome::of_size(Version::V2026_11, 300);
    let listening = home.listen().await.unwrap();
    let mut house = House::paired(&listening.url(), TOKEN).await;
    house.equal("the first sync").await;
    arrivals_agree(&house).await;

    // Cut in the middle of whatever comes next: the upgrade, the hello, the push or the buckets.
    for (turn, bytes) in [1, 40, 200, 330, 400, 450, 520, 700, 1_000].into_iter().enumerate() {
        house.portal.recorder.cut_after(bytes);
        home.add_entity(&format!("light.extra_{turn}"), EntityKind::Light, None);
        house.portal.recorder.cut();
        house.equal(&format!("a cut after {bytes} bytes")).await;
    }
    for turn in 0..3 {
        home.add_entity(&format!("switch.extra_{turn}"), EntityKind::Switch, None);
        house.agent.kill().await;
        house.agent.run().await;
        house.portal.kill().await;
        home.remove_entity(&format!("light.extra_{turn}"));
        house.portal.serve().await;
        house.equal("a kill").await;
    }
    house.agent.json(&["consent", "grant", "names"]).await;
    house.equal("names are granted").await;

    let running = exported(&house.agent).await;
    let captures = house.portal.recorder.captures();
    let messages = agree(&captures, &running);
    assert!(messages > 20, "{messages} messages");
    frames_around_are_the_documented_ones(&captures, &house.portal.origin(), &house.tenant.id);
    let verified = house.agent.json(&["ledger", "verify"]).await;
    assert_eq!(verified, json!({"verified": true, "entries": running.len()}));

    // What only the daemon knew while it ran is durable once it has ended.
    assert_eq!(house.agent.stop().await, Some(0));
    let resting = exported(&house.agent).await;
    assert_eq!(running, resting[..running.len()]);
    assert_eq!(agree(&house.portal.recorder.captures(), &resting), messages);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flipped_bit_in_the_ledger_is_found_and_named() {
    let home = FakeHome::of_size(Version::V2026_11, 30);
    let listening = home.listen().await.unwrap();
    let mut house = House::paired(&listening.url(), TOKEN).await;
    house.equal("the first sync").await;
    assert_eq!(house.agent.stop().await, Some(0));
    let sound = exported(&house.agent).await;
    let push = sound.iter().find(|row| row.kind == "batch").expect("a batch");
    flip(&house.agent.data().join("ledger.db"), &push.bytes);
    let ran = house.agent.command(&["ledger", "verify", "--json"]).await;
    assert_eq!((ran.code, &ran.json()["problem"]["code"]), (1, &json!("ledger_broken")), "{ran:?}");
    assert!(ran.json()["problem"]["what"].as_str().unwrap().contains(&push.seq.to_string()), "{ran:?}");
}

/// Changes one bit of a body that lies in the file.
fn flip(ledger: &Path, body: &[u8]) {
    let database = rusqlite::Connection::open(ledger).unwrap();
    let mut changed = body.to_vec();
    changed[body.len() / 2] ^= 1;
    let rows = database.execute("UPDATE bodies SET bytes = ?1 WHERE bytes = ?2", [&changed, &body.to_vec()]);
    assert_eq!(rows, Ok(1));
}
