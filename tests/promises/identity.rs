//! Promise 3: a portal never learns who the home is elsewhere. R1, R3, R5, R6; S69–S72.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use serde_json::Value;
use vestibule::outbound::snapshot::Snapshot;
use vestibule_dev::fake_home::{FakeHome, TOKEN, Version};
use vestibule_protocol::bytes;
use vestibule_protocol::consent::Class;
use vestibule_protocol::record::RecordKind;
use vestibule_protocol::schema::{self, SCHEMAS, Shape};
use vestibule_protocol::vocabulary::{CUSTOM, List};

use crate::support::portal::Tenant;
use crate::support::{Agent, House, Portal, SOON, until, wire};

/// S69: the same home at another port, under another name of the host, after a restart and after an upgrade.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s69_the_fingerprint_survives_address_restart_and_upgrade() {
    let home = FakeHome::of_size(Version::V2024_3, 60);
    let listening = home.listen().await.unwrap();
    let mut house = House::paired(&listening.url(), TOKEN).await;
    house.equal("the first sync").await;
    let before = house.records().await;
    let entity = before.keys().find(|key| key.starts_with("entity/")).unwrap();

    drop(listening);
    let listening = home.listen().await.unwrap();
    let port = listening.address().port();
    for url in [
        format!("http://127.0.0.1:{port}"),
        format!("http://localhost:{port}"),
        format!("http://127.0.0.2:{port}"),
    ] {
        let moved = if url.contains("127.0.0.2") {
            Some(home.listen_at(format!("127.0.0.2:{port}").parse().unwrap()).await.unwrap())
        } else {
            None
        };
        house.agent.set("VESTIBULE_HOME_ASSISTANT__URL", &url);
        assert_eq!(house.agent.stop().await, Some(0));
        house.agent.run().await;
        house.equal(&url).await;
        assert_eq!(house.agent.json(&["fingerprint"]).await["fingerprint"], *house.fingerprint);
        assert_eq!(house.records().await, before, "nothing is another thing at another address");
        drop(moved);
    }

    // The upgrade: the same registries, as the newest version tells them.
    let mut upgraded = home.model(Clone::clone);
    upgraded.version = Version::V2026_11;
    upgraded.says_version = Version::V2026_11.as_str().to_owned();
    let home = FakeHome::new(upgraded);
    let upgraded = home.listen().await.unwrap();
    house.agent.set("VESTIBULE_HOME_ASSISTANT__URL", &upgraded.url());
    assert_eq!(house.agent.stop().await, Some(0));
    house.agent.run().await;
    house.equal("the upgrade").await;
    assert_eq!(house.agent.json(&["fingerprint"]).await["fingerprint"], *house.fingerprint);
    assert!(house.records().await.contains_key(entity), "an entity got another id");
}

/// S71: of two agents with one identity the portal tells both.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s71_a_clone_is_noticed() {
    let home = FakeHome::of_size(Version::V2026_11, 30);
    let listening = home.listen().await.unwrap();
    let mut house = House::paired(&listening.url(), TOKEN).await;
    house.equal("the first sync").await;
    assert_eq!(house.agent.stop().await, Some(0));
    let clone = Agent::of(&listening.url(), TOKEN);
    crate::support::copy_folder(&house.agent.data(), &clone.data());
    let mut two = [house.agent, clone];
    // Each connects, and is away again, in turn.
    for turn in 0..8 {
        let agent = &mut two[turn % 2];
        agent.run().await;
        until("connected", SOON, async || {
            let status = agent.status().await;
            if status["in_sync"] == true { Ok(()) } else { Err(status.to_string()) }
        })
        .await;
        assert_eq!(agent.stop().await, Some(0));
    }
    let seen = house.portal.instance(&house.tenant, &house.fingerprint).await;
    assert!(seen["cloned"].is_u64(), "{seen}");
}

/// All that one tenant's portal saw of a home: every text of eight bytes and more, and every eight bytes of what is binary.
#[derive(Default)]
struct Seen {
    texts: BTreeSet<String>,
    windows: BTreeSet<[u8; 8]>,
}

impl Seen {
    fn of(portal: &Portal) -> Self {
        let mut seen = Self::default();
        for json in wire::texts_sent(&portal.recorder).iter().chain(&wire::texts_received(&portal.recorder)) {
            let mut strings = Vec::new();
            wire::strings(&serde_json::from_slice::<Value>(json).unwrap(), &mut strings);
            for text in strings {
                seen.note(&text);
            }
        }
        for capture in portal.recorder.captures() {
            let head = String::from_utf8(capture.sent().head).unwrap();
            head.split_whitespace().for_each(|word| seen.note(word));
        }
        seen
    }

    fn note(&mut self, text: &str) {
        for part in text.split('/').chain([text]).filter(|part| part.len() >= 8) {
            self.texts.insert(part.to_owned());
        }
        // Ids, and words that every home says, are no binary.
        if text.len() < 16 || text.as_bytes()[1] == b'_' || known_words().contains(text) {
            return;
        }
        let Some(binary) = bytes::from_text(text) else { return };
        match serde_json::from_slice::<Value>(&binary) {
            // A signed document: its parts count, not the spaces between them.
            Ok(document @ Value::Object(_)) => {
                let mut strings = Vec::new();
                wire::strings(&document, &mut strings);
                strings.iter().for_each(|text| self.note(text));
            }
            // An id or a hash may hide inside of a longer binary text.
            _ => self.windows.extend(binary.windows(8).map(|window| <[u8; 8]>::try_from(window).unwrap())),
        }
    }

    /// What both saw, less what the program says of every home.
    fn common(&self, other: &Self) -> Vec<String> {
        let known = known_words();
        let texts = self.texts.intersection(&other.texts).filter(|text| !known.contains(text.as_str()));
        let windows = self.windows.intersection(&other.windows);
        texts.cloned().chain(windows.map(|bytes| format!("{bytes:02x?}"))).collect()
    }
}

/// Names of fields and messages, the closed vocabulary, and what every upgrade says.
fn known_words() -> &'static BTreeSet<String> {
    static KNOWN: LazyLock<BTreeSet<String>> = LazyLock::new(gather_known_words);
    &KNOWN
}

fn gather_known_words() -> BTreeSet<String> {
    let mut known: BTreeSet<String> =
        List::ALL.into_iter().flat_map(List::words).map(str::to_owned).collect();
    for list in List::ALL {
        // Some lists hold a name and its words on one line.
        known.extend(list.words().flat_map(str::split_whitespace).map(str::to_owned));
    }
    for kind in RecordKind::ALL {
        known.insert(kind.name().to_owned());
    }
    for domain in List::Integration.words().chain([CUSTOM]) {
        known.insert(format!("integration/{domain}"));
    }
    // What every portal says to a home of which it holds nothing.
    for classes in [&[][..], &[Class::Structure]] {
        known.insert(Snapshot::default().root(schema::VERSION, classes).to_string());
    }
    for schema in &SCHEMAS {
        for field in schema.fields {
            known.insert(field.name.to_owned());
            if let Shape::OneOf(words) = field.shape {
                known.extend(words.iter().map(|word| (*word).to_owned()));
            }
        }
    }
    let messages = "challenge statement signature signatures payload payloadType fingerprint device_key recovery_hash \
        enrolled restricted withdrawn structure granted home/home 2026.11.0 vestibule.v1 application/vnd.vestibule.statement+json \
        application vnd.vestibule.statement+json portal_key root_key HTTP/1.1 Connection: Upgrade websocket Sec-WebSocket-Version: \
        Sec-WebSocket-Key: Sec-WebSocket-Protocol: Upgrade: capabilities batches sequence \
        min_color_temp_kelvin max_color_temp_kelvin 127.0.0.1";
    known.extend(messages.split_whitespace().map(str::to_owned));
    known
}

async fn pair(agent: &Agent, portal: &Portal, tenant: &Tenant) -> String {
    let invite = portal.invite(tenant).await;
    let paired = agent.json(&["pair", "--portal", &portal.origin(), "--invite", &invite.code, "--yes"]).await;
    // R3: the words that the owner sees are those that the company has.
    let words: Vec<&str> =
        paired["words"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
    assert_eq!(words.join(" "), invite.words);
    paired["fingerprint"].as_str().unwrap().to_owned()
}

async fn synced(agent: &Agent) {
    until("in sync", SOON, async || {
        let status = agent.status().await;
        if status["in_sync"] == true { Ok(()) } else { Err(status.to_string()) }
    })
    .await;
}

/// R1: two tenants that put together all they saw find nothing in common, whether the owner went from one to the other, or a copy of the
/// home's secret was paired elsewhere.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r1_two_tenants_have_nothing_in_common() {
    let home = FakeHome::of_size(Version::V2026_11, 200);
    let listening = home.listen().await.unwrap();
    let [first, second, third] = [Portal::start().await, Portal::start().await, Portal::start().await];
    let a = first.tenant("First").await;
    let b = second.tenant("Second").await;
    let c = third.tenant("Third").await;
    let mut agent = Agent::of(&listening.url(), TOKEN);
    agent.run().await;
    let one = pair(&agent, &first, &a).await;
    synced(&agent).await;

    // A second data folder with the same secret, paired with another tenant.
    let mut copy = Agent::of(&listening.url(), TOKEN);
    std::fs::create_dir_all(copy.data()).unwrap();
    std::fs::copy(agent.data().join("home_secret"), copy.data().join("home_secret")).unwrap();
    copy.run().await;
    let two = pair(&copy, &second, &b).await;
    synced(&copy).await;

    // The first home goes from one company to the next.
    agent.json(&["forget", "--yes"]).await;
    until("the receipt has come", SOON, async || {
        let status = agent.status().await;
        if status["forgetting"] == false { Ok(()) } else { Err(status.to_string()) }
    })
    .await;
    let three = pair(&agent, &third, &c).await;
    synced(&agent).await;

    assert_eq!(BTreeSet::from([&one, &two, &three]).len(), 3);
    let seen = [&first, &second, &third].map(Seen::of);
    for Seen { texts, windows } in &seen {
        assert!(texts.len() > 200 && windows.len() > 50, "{} and {}", texts.len(), windows.len());
    }
    for (left, right) in [(0, 1), (0, 2), (1, 2)] {
        let common = seen[left].common(&seen[right]);
        assert!(common.is_empty(), "both saw {common:#?}");
    }
    // Somebody who puts the same home before the same tenant again sees the same: the comparison can find something.
    let again = Seen::of(&first);
    assert!(again.common(&seen[0]).len() > 200);
}
