//! Promise 2: nothing leaves that is not listed. A house in which every string is a canary, and the address of the home in every
//! place where people might write it. R7, R9, R17; S1, S3, S40, S69, S98.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde_json::{Map, Value, json};
use vestibule_dev::fake_home::{FakeHome, Model, State, TOKEN, Version};

use crate::support::{House, contains, files, wire};

/// Fields whose values are Home Assistant's own words, which the agent has to understand.
const WORDS: [&str; 17] = [
    "capability_words",
    "device_class",
    "disabled_by",
    "entity_category",
    "hidden_by",
    "hvac_modes",
    "iot_class",
    "mode",
    "next_name_part",
    "original_device_class",
    "reason",
    "source",
    "state",
    "state_class",
    "supported_color_modes",
    "type",
    "unit_of_measurement",
];
/// Fields whose texts may leave once `names` is granted, as `docs/privacy.md` lists them.
const NAMES: [&str; 15] = [
    "aliases",
    "domain",
    "effect_list",
    "entity_id",
    "icon",
    "manufacturer",
    "model",
    "model_id",
    "name",
    "name_by_user",
    "original_icon",
    "original_name",
    "platform",
    "title",
    "url_path",
];

/// The same house with another word for every string in it; things that referred to each other still do.
#[derive(Default)]
struct Disguise {
    words: BTreeMap<String, String>,
    /// Of each canary, the fields in which it stands.
    fields: BTreeMap<String, BTreeSet<String>>,
}

impl Disguise {
    fn canary(&mut self, field: &str, word: &str) -> String {
        let next = self.words.len();
        let canary =
            self.words.entry(word.to_owned()).or_insert_with(|| format!("qzxcanary{next:05}")).clone();
        self.fields.entry(canary.clone()).or_default().insert(field.to_owned());
        canary
    }

    fn entity_id(&mut self, id: &str) -> String {
        let (domain, name) = id.split_once('.').unwrap();
        format!("{domain}.{}", self.canary("entity_id", name))
    }

    fn value(&mut self, field: &str, value: &mut Value) {
        match value {
            Value::String(_) if WORDS.contains(&field) => {}
            Value::String(text) if field == "entity_id" => *text = self.entity_id(text),
            Value::String(text) if is_registry_id(text) => {
                self.fields.entry(text.clone()).or_default().insert("registry id".to_owned());
            }
            Value::String(text) => *text = self.canary(field, text),
            Value::Array(values) => values.iter_mut().for_each(|value| self.value(field, value)),
            Value::Object(fields) => fields.iter_mut().for_each(|(field, value)| self.value(field, value)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn model(&mut self, model: &mut Model) {
        for list in [
            &mut model.areas,
            &mut model.floors,
            &mut model.labels,
            &mut model.devices,
            &mut model.config_entries,
            &mut model.dashboards,
            &mut model.resources,
        ] {
            list.iter_mut().for_each(|thing| self.value("", thing));
        }
        // Those that come with Home Assistant keep their names: the agent knows them.
        let custom = model.manifests.iter_mut().filter(|manifest| manifest["is_built_in"] == false);
        custom.for_each(|manifest| self.value("", manifest));
        for (id, mut entity) in std::mem::take(&mut model.entities) {
            self.value("", &mut entity);
            // An owner has named everything, and given it other names.
            for field in ["name", "icon"] {
                entity[field] = json!(self.canary(field, &format!("{field} of {id}")));
            }
            let id = self.entity_id(&id);
            model.entities.insert(id, entity);
        }
        for (id, State { value, mut attributes }) in std::mem::take(&mut model.states) {
            self.value("attributes", &mut attributes);
            attributes["entity_picture"] = json!(self.canary("entity_picture", &format!("picture of {id}")));
            let value = self.canary("state", &format!("{value} of {id}"));
            let id = self.entity_id(&id);
            if let Some(name) =
                attributes["friendly_name"].as_str().filter(|_| !model.entities.contains_key(&id))
            {
                // Where there is no registry entry, this is the name.
                self.fields.entry(name.to_owned()).or_default().insert("name".to_owned());
            }
            model.states.insert(id, State { value, attributes });
        }
        for (id, source) in std::mem::take(&mut model.sources) {
            let (id, source) = (self.entity_id(&id), self.canary("platform", &source));
            model.sources.insert(id, source);
        }
        // R9, S98: what a later version adds is not read, whatever it says.
        let unknown = self.canary("unknown", "unknown");
        let add = |thing: &mut Value| {
            thing["a_field_of_2027"] = json!({ unknown.clone(): [unknown.clone()] });
        };
        model.areas.iter_mut().chain(&mut model.devices).chain(model.entities.values_mut()).for_each(add);
        self.dashboards(model);
    }

    /// A document for each dashboard, and one in YAML; what their strings are decides whether `names` lets them leave.
    fn dashboards(&mut self, model: &mut Model) {
        let entity = model.entities.keys().next().cloned().unwrap();
        let yaml = json!({"mode": "yaml", "title": self.canary("title", "of yaml"), "url_path": "of-yaml", "show_in_sidebar": true});
        model.dashboards.push(yaml);
        let paths: Vec<String> =
            model.dashboards.iter().map(|one| one["url_path"].as_str().unwrap().to_owned()).collect();
        for path in paths {
            let mut say = |field: &str| {
                if path == "of-yaml" {
                    self.canary("yaml", field)
                } else {
                    self.canary(field, &format!("{field} in {path}"))
                }
            };
            let document = json!({
                "title": say("title"), say("name"): 1,
                "views": [{"type": "sections", "path": say("name"), "visible": [{"user": say("user")}], "sections": [{"cards": [{
                    "type": format!("custom:{}", say("name")), "entity": entity, "icon": format!("mdi:{}", say("icon")), "code": say("code"),
                    "content": format!("{} {{{{ states('{entity}') }}}} {}", say("name"), say("title")),
                    "image": format!("http://{}.example.org/x.png?token={}", say("host"), say("token")),
                    "camera_image": format!("camera.{}", say("excluded")),
                    "tap_action": {"action": "perform-action", "perform_action": format!("notify.{}", say("service")),
                        "target": {"area_id": say("room")}, "data": {"message": say("name"), "phone_number": say("phone")}},
                    "card_mod": {"style": format!("ha-card {{ {} }}", say("name"))},
                }]}]}],
            });
            model.contents.insert(path.clone(), document.to_string());
        }
    }

    /// Canaries that stand only in fields whose texts may leave with `names`, and all others.
    fn split(&self) -> (Vec<&str>, Vec<&str>) {
        let may = |fields: &BTreeSet<String>| fields.iter().any(|field| NAMES.contains(&field.as_str()));
        let (may, never): (Vec<_>, Vec<_>) = self.fields.iter().partition(|(_, fields)| may(fields));
        (
            may.into_iter().map(|(canary, _)| canary.as_str()).collect(),
            never.into_iter().map(|(canary, _)| canary.as_str()).collect(),
        )
    }
}

fn is_registry_id(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Everything in which a canary would be a leak, with a name for it.
pub(crate) fn places(house: &House) -> Vec<(String, Vec<u8>)> {
    let mut places = said(house);
    let sent = wire::everything_sent(&house.portal.recorder);
    places.extend(sent.into_iter().map(|bytes| ("the wire".to_owned(), bytes)));
    let held = files(&house.portal.data());
    places.extend(held.into_iter().map(|(name, bytes)| (format!("the portal's {name}"), bytes)));
    places
}

/// What the programs say of themselves.
fn said(house: &House) -> Vec<(String, Vec<u8>)> {
    vec![
        ("the agent's log".to_owned(), house.agent.log().into_bytes()),
        ("what commands say".to_owned(), house.agent.said().into_bytes()),
        ("the portal's log".to_owned(), house.portal.log().into_bytes()),
    ]
}

pub(crate) fn nowhere(canaries: &[&str], places: &[(String, Vec<u8>)]) {
    // Thousands of canaries in megabytes: those of one length are looked up together, at every place of the bytes.
    let mut by_length: BTreeMap<usize, HashSet<&[u8]>> = BTreeMap::new();
    for canary in canaries {
        by_length.entry(canary.len()).or_default().insert(canary.as_bytes());
    }
    for (length, canaries) in by_length {
        let first: BTreeSet<u8> = canaries.iter().map(|canary| canary[0]).collect();
        let starts: Vec<bool> = (0..=u8::MAX).map(|byte| first.contains(&byte)).collect();
        for (place, bytes) in places {
            let mut windows = bytes.windows(length).enumerate();
            let found =
                windows.find(|(_, window)| starts[usize::from(window[0])] && canaries.contains(window));
            let around = found.map(|(at, _)| {
                String::from_utf8_lossy(&bytes[at.saturating_sub(60)..(at + 60).min(bytes.len())])
                    .into_owned()
            });
            assert_eq!(around, None, "a canary in {place}");
        }
    }
}

async fn canaries_stay_at_home(version: Version) {
    let mut model = Model::generate(version, 150);
    let mut disguise = Disguise::default();
    disguise.model(&mut model);
    let home = FakeHome::new(model);
    let listening = home.listen().await.unwrap();
    let mut house = House::paired(&listening.url(), TOKEN).await;
    house.equal("the first sync").await;
    let (names, never) = disguise.split();
    assert!(names.len() > 200 && never.len() > 100, "{} and {}", names.len(), never.len());
    let all = [names.as_slice(), &never, &[TOKEN]].concat();
    assert!(house.records().await.len() > 150);
    nowhere(&all, &places(&house));

    // R10: contents of dashboards come without a word of their own.
    house.agent.json(&["consent", "grant", "dashboards"]).await;
    house.equal("dashboards are granted").await;
    let contents =
        |records: &BTreeMap<String, Value>| records.keys().filter(|key| key.starts_with("content/")).count();
    assert_eq!(
        contents(&house.records().await),
        home.model(|model| model.contents.len()) - 1,
        "all but YAML's"
    );
    nowhere(&all, &places(&house));

    // In pushes, after trouble, and after a crash as well.
    home.put_area("another", "qzxcanary area");
    house
        .holds("another area", |records| records.keys().filter(|key| key.starts_with("area/")).count() == 4)
        .await;
    home.cut_connections();
    house.portal.kill().await;
    house.agent.kill().await;
    house.portal.serve().await;
    house.agent.run().await;
    house.equal("kills").await;
    for command in ["status", "consent list", "ledger list", "health", "fingerprint"] {
        let words: Vec<&str> = command.split(' ').collect();
        let ran = house.agent.command(&words).await.ok();
        nowhere(&all, &[(command.to_owned(), ran.out.into_bytes())]);
    }
    nowhere(&[all.as_slice(), &["qzxcanary"]].concat(), &places(&house));

    // With names only names leave; and logs still say nothing.
    house.agent.json(&["consent", "grant", "names"]).await;
    house.equal("names are granted").await;
    let held = house.snapshot().await.into_bytes();
    let arrived = names.iter().filter(|canary| contains(&held, canary.as_bytes())).count();
    assert!(arrived > 150, "{arrived} names arrived");
    nowhere(&[never.as_slice(), &[TOKEN]].concat(), &places(&house));
    nowhere(&all, &said(&house));

    // Withdrawn, they are gone from the portal's files, and whatever is sent from now on holds none.
    let before = wire::frames_sent(&house.portal.recorder).len();
    house.agent.json(&["consent", "withdraw", "names"]).await;
    house.equal("names are withdrawn").await;
    house.agent.kill().await;
    house.agent.run().await;
    house.equal("a restart").await;
    let after = wire::texts_sent(&house.portal.recorder).split_off(before);
    let held = files(&house.portal.data());
    nowhere(
        &all,
        &after.into_iter().map(|bytes| ("the wire".to_owned(), bytes)).chain(held).collect::<Vec<_>>(),
    );
    assert_eq!(home.violations(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r9_canaries_stay_at_home_in_2024() {
    canaries_stay_at_home(Version::V2024_3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r9_canaries_stay_at_home_in_2026() {
    canaries_stay_at_home(Version::V2026_11).await;
}

/// Whether a text stands in others as a whole token: with nothing of the kind it is made of on either side.
fn stands_whole(bytes: &[u8], token: &str) -> bool {
    let part = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    bytes.windows(token.len()).enumerate().any(|(at, window)| {
        window == token.as_bytes()
            && !part(at.checked_sub(1).and_then(|before| bytes.get(before)))
            && !part(bytes.get(at + token.len()))
    })
}

/// S69: the home's address never leaves, under any class, wherever the owner has written it.
async fn the_address_never_leaves(listen: &str, host: &str) {
    let home = FakeHome::of_size(Version::V2026_11, 120);
    let listening = home.listen_at(format!("{listen}:0").parse().unwrap()).await.unwrap();
    let port = listening.address().port();
    let url = format!("http://{host}:{port}");
    let written = [
        host.to_owned(),
        format!("Camera {host}"),
        format!("Camera ({host})"),
        format!("{host}:{port}"),
        format!("at {host}:{port}/lovelace"),
        url.clone(),
        format!("{url}/api/camera?x=1"),
        format!("see:{host}."),
        format!("{host}/local/picture.png"),
        host.to_uppercase(),
        format!("[{host}]"),
        format!("user@{host}"),
    ];
    home.change_silently(|model| {
        for (entity, text) in model.entities.values_mut().zip(written.iter().cycle()) {
            entity["name"] = json!(text);
            entity["aliases"] = json!([text]);
        }
        for (number, device) in model.devices.iter_mut().enumerate() {
            device["name_by_user"] = json!(written[number % written.len()]);
        }
        for (number, area) in model.areas.iter_mut().enumerate() {
            area["name"] = json!(written[number % written.len()]);
            area["icon"] = json!(written[(number + 1) % written.len()]);
        }
        for label in model.labels.iter_mut().chain(&mut model.floors) {
            label["name"] = json!(url);
        }
        for dashboard in &mut model.dashboards {
            dashboard["title"] = json!(format!("Energy at {host}"));
        }
    });
    let house = House::paired(&url, TOKEN).await;
    house.equal("the first sync").await;
    house.agent.json(&["consent", "grant", "names"]).await;
    house.equal("names are granted").await;
    assert!(house.records().await.keys().any(|key| key.starts_with("name/")));
    let port = port.to_string();
    for token in [host, &host.to_uppercase(), &port, url.as_str(), TOKEN] {
        for text in wire::texts_sent(&house.portal.recorder) {
            let around = |at: usize| {
                String::from_utf8_lossy(&text[at.saturating_sub(60)..(at + 60).min(text.len())]).into_owned()
            };
            let at = || text.windows(token.len()).position(|window| window == token.as_bytes()).map(around);
            assert!(!stands_whole(&text, token), "{token} was sent: {:?}", at());
        }
        for capture in house.portal.recorder.captures() {
            assert!(!stands_whole(&capture.sent().head, token), "{token} is in the head");
        }
        for (place, bytes) in said(&house).into_iter().chain(files(&house.portal.data())) {
            // Digits alone also are numbers of something else there.
            assert!(token == port || !stands_whole(&bytes, token), "{token} in {place}");
        }
    }
    // Nor in what is said when the home cannot be reached.
    drop(listening);
    let mut agent = house.agent;
    agent.kill().await;
    agent.run().await;
    let status = crate::support::until("the home is missed", crate::support::SOON, async || {
        let status = agent.command(&["status"]).await.ok();
        if agent.status().await["home"]["problem"].is_object() { Ok(status.out) } else { Err(status.out) }
    })
    .await;
    for token in [host, url.as_str(), TOKEN] {
        let places = [status.as_bytes(), agent.log().as_bytes(), agent.said().as_bytes()].map(<[u8]>::to_vec);
        assert!(places.iter().all(|place| !stands_whole(place, token)), "{token} was said");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s69_the_ip_address_of_the_home_never_leaves() {
    the_address_never_leaves("127.0.0.7", "127.0.0.7").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s69_the_host_name_of_the_home_never_leaves() {
    the_address_never_leaves("127.0.0.1", "localhost").await;
}

#[test]
fn the_disguise_leaves_nothing_as_it_was() {
    let mut model = Model::generate(Version::V2026_11, 150);
    let mut disguise = Disguise::default();
    disguise.model(&mut model);
    let mut strings = Vec::new();
    let lists = json!([model.areas, model.devices, model.labels, model.dashboards, model.config_entries]);
    wire::strings(&without_words(lists), &mut strings);
    let old = strings.iter().find(|text| disguise.words.contains_key(*text));
    assert_eq!(old, None);
    assert!(disguise.words.contains_key("Kitchen 0") && disguise.words.contains_key("owner@example.org"));
}

/// The values alone: names of fields are Home Assistant's.
fn without_words(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields: Map<String, Value> =
                fields.into_iter().filter(|(name, _)| !WORDS.contains(&name.as_str())).collect();
            Value::Array(fields.into_iter().map(|(_, value)| without_words(value)).collect())
        }
        Value::Array(values) => values.into_iter().map(without_words).collect(),
        other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => other,
    }
}
