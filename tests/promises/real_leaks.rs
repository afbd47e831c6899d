//! Nothing gets out of a browser: each way that leads out of Home Assistant's own frontend, when it is written into the home by hand, is
//! refused or named when it comes as a deployment, and of what passes as displaying only nobody hears anything (R37, R38).
//!
//! A real home of each version, a real browser, and a server that is to be called. First every way is shown to lead there, so that silence
//! means something. Then the same designs go through author, approver, portal and agent. Where a way needs somebody's extension
//! (`card_mod`, button-card), a few lines of ours stand in for it: `real_leaks/stand_ins`.

mod channels;
mod sink;

use std::collections::BTreeSet;
use std::time::Instant;

use serde_json::{Value, json};
use vestibule::inbound::card;
use vestibule_dev::browser::{Browser, Stop};
use vestibule_dev::real::{DEMO_ENTITIES, NEWEST, OLDEST, Options, RealHome};

use crate::support::real::{self, TURN};
use crate::support::{House, SOON, Staff, until};
use channels::{Answer, Channel, Harmless, channels, harmless, marker};
use sink::Sink;

/// By their elements; a list of resources shows who defines what.
const STAND_INS: [(&str, &str); 3] = [
    ("leak-card", include_str!("real_leaks/stand_ins/leak-card.js")),
    ("button-card", include_str!("real_leaks/stand_ins/button-card.js")),
    ("card-mod", include_str!("real_leaks/stand_ins/card-mod.js")),
];
/// What designs name; staff know it by its token.
const ENTITY: &str = "sun.sun";
/// The way out of a module that is loaded with every page.
const IMPORT: &str = "import";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_gets_out_of_the_oldest_frontend() {
    live("nothing_gets_out_of_the_oldest_frontend", OLDEST).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_gets_out_of_the_newest_frontend() {
    live("nothing_gets_out_of_the_newest_frontend", NEWEST).await;
}

async fn live(test: &str, version: &str) {
    let _turn = TURN.lock().await;
    let Some(browser) = real::browser(test) else { return };
    let Some(home) = real::home(test, Options::new(version).entities(DEMO_ENTITIES)).await else { return };
    let sink = Sink::listen().await;
    let ways = channels(|name| sink.host(name));
    let mut story = Story { browser, home, sink, ways, since: Instant::now() };
    story.every_way_leads_out_by_hand().await;
    let house = House::paired(&story.home.url(), story.home.token()).await;
    let staff = Staff::of(&house).await;
    changes_are_allowed(&house).await;
    story.told("paired");
    story.every_way_is_refused_or_named(&house, &staff).await;
    story.nobody_hears_of_what_passes(&house, &staff).await;
}

struct Story {
    browser: Browser,
    home: RealHome,
    sink: Sink,
    ways: Vec<Channel>,
    since: Instant,
}

impl Story {
    fn told(&mut self, chapter: &str) {
        println!("{}: {chapter} {:.1?}", self.home.version(), self.since.elapsed());
        self.since = Instant::now();
    }

    async fn every_way_leads_out_by_hand(&mut self) {
        let import = format!("import 'http://{}/x.js';", self.sink.host(IMPORT));
        self.home.call(json!({"type": "lovelace/resources"})).await.unwrap();
        for (element, module) in STAND_INS {
            self.resource(element, module).await;
        }
        let import = self.resource("leak-import", &import).await;
        let mut stops = Vec::new();
        for way in &self.ways {
            let path = format!("hand-{}", way.name);
            self.home
                .call(json!({"type": "lovelace/dashboards/create", "url_path": path, "title": way.name}))
                .await
                .unwrap();
            self.home
                .call(json!({"type": "lovelace/config/save", "url_path": path, "config": way.contents}))
                .await
                .unwrap();
            if self.leads_out(way) {
                stops.push(self.stop(way));
            }
        }
        let seen = self.browser.walk(&self.home.url(), self.home.token(), &stops).await.unwrap();
        println!("{}: walked after {:.1?}", self.home.version(), self.since.elapsed());
        let expected = self.ways.iter().filter(|way| self.leads_out(way)).map(|way| way.name);
        for (name, seen) in expected.zip(seen) {
            until(name, SOON, async || if self.sink.heard(name) { Ok(()) } else { Err(format!("{seen:?}")) })
                .await;
        }
        assert!(self.sink.heard(IMPORT), "{:?}", self.sink.received());
        // With it every page would call.
        self.home.call(json!({"type": "lovelace/resources/delete", "resource_id": import})).await.unwrap();
        self.told("every way leads out by hand");
    }

    async fn every_way_is_refused_or_named(&mut self, house: &House, staff: &Staff) {
        let token = entity_token(house).await;
        let mut items = Vec::new();
        for way in &self.ways {
            items.extend(dashboard(staff, &format!("leak-{}", way.name), &designed(&way.contents, &token)));
        }
        let module = format!(
            "customElements.define('leak-late', class extends HTMLElement {{ setConfig() {{ import('http://{}/x.js'); }} }});",
            self.sink.host(IMPORT)
        );
        items.extend(["--card".to_owned(), format!("leak-late={}", staff.file("late.js", &module))]);
        let id = deployed(staff, "Ways out", &items).await;
        let shown = in_state(house, &id, &["waiting"]).await;
        let refused: BTreeSet<&str> = list(&shown["refused_hosts"]).iter().map(text).collect();
        for (item, way) in self.ways.iter().enumerate() {
            let found = abilities(&shown, item);
            let has = |kind: &str, subject: &str| found.contains(&(kind, subject));
            let host = sink::name_of(way.name);
            let calls =
                |host: &str| (has("calls_host", host) || has("shows_page", host)) && refused.contains(host);
            let fits = match way.answer {
                Answer::Host => calls(&host) || calls(&format!("www.{host}")),
                Answer::AnyHost => calls("any host"),
                Answer::Code(subject) => has("runs_code", subject),
                Answer::Card => found.iter().any(|(kind, _)| *kind == "uses_card"),
            };
            assert!(fits, "{}: {found:?}, refused {refused:?}", way.name);
        }
        let card = abilities(&shown, self.ways.len());
        assert!(card.contains(&("installs_card", "leak-late")), "{card:?}");
        assert!(card.contains(&("card_reaches", "modules loaded later (import)")), "{card:?}");
        assert_eq!(shown["display_only"], false);
        let ran = house.agent.command(&["deployments", "approve", &id, "--yes", "--json"]).await;
        assert_ne!(ran.code, 0, "{ran:?}");
        assert!(ran.err.contains("host") || ran.out.contains("host"), "{ran:?}");
        house.agent.command(&["deployments", "reject", &id]).await.ok();
        self.told("every way is refused or named");
    }

    async fn nobody_hears_of_what_passes(&mut self, house: &House, staff: &Staff) {
        let designs = harmless(|name| self.sink.host(name));
        let token = entity_token(house).await;
        let mut items = Vec::new();
        for design in &designs {
            items.extend(dashboard(
                staff,
                &format!("pass-{}", design.name),
                &designed(&design.contents, &token),
            ));
        }
        let id = deployed(staff, "What passes", &items).await;
        let shown = in_state(house, &id, &["waiting"]).await;
        assert_eq!(
            (&shown["display_only"], &shown["refused_hosts"]),
            (&json!(true), &json!([])),
            "{:#}",
            shown["abilities"]
        );
        house.agent.command(&["deployments", "approve", &id, "--yes"]).await.ok();
        in_state(house, &id, &["verified", "settled"]).await;
        self.told("what passes is deployed");

        let before = self.sink.received().len();
        let mut stops: Vec<Stop> = designs.iter().map(stop_at).collect();
        // Silence means nothing unless the server can still be heard.
        let last = self.ways.iter().find(|way| way.name == "md-image").unwrap();
        stops.push(self.stop(last));
        let seen = self.browser.walk(&self.home.url(), self.home.token(), &stops).await.unwrap();
        until("the last stop", SOON, async || {
            if self.sink.received().len() > before { Ok(()) } else { Err("silence".to_owned()) }
        })
        .await;
        for (design, seen) in designs.iter().zip(&seen) {
            assert!(seen.rendered, "{}: {:?}", design.name, seen.elements);
            let marker = marker(design.name);
            assert!(
                seen.texts.iter().any(|text| text.contains(&marker)),
                "{}: {:?}",
                design.name,
                seen.texts
            );
            assert_eq!(seen.error_cards, Vec::<String>::new(), "{}", design.name);
            let asked = seen.foreign_requests.iter().filter(|url| url.contains("localhost"));
            assert_eq!(asked.count(), 0, "{}: {:?}", design.name, seen.foreign_requests);
        }
        let heard = self.sink.received().split_off(before);
        assert!(heard.iter().all(|line| line.starts_with(&self.sink.host(last.name))), "{heard:?}");
        self.told("nobody hears of what passes");
    }

    fn leads_out(&self, way: &Channel) -> bool {
        way.leads_out.iter().any(|version| self.home.version().starts_with(version))
    }

    /// Where a way leads out, if the browser takes it.
    fn stop(&self, way: &Channel) -> Stop {
        let stop = Stop::at(&format!("hand-{}/0", way.name)).calls(&self.sink.host(way.name));
        match way.click {
            Some(selector) => stop.click(selector),
            None => stop,
        }
    }

    /// A module in the resource list; its id.
    async fn resource(&self, element: &str, module: &str) -> Value {
        let url = card::url(element, module);
        let create = json!({"type": "lovelace/resources/create", "res_type": "module", "url": url});
        self.home.call(create).await.unwrap()["id"].clone()
    }
}

fn stop_at(design: &Harmless) -> Stop {
    let stop = Stop::at(&format!("pass-{}/0", design.name)).shows(&marker(design.name));
    match design.click {
        Some(selector) => stop.click(selector),
        None => stop,
    }
}

/// What can be allowed once the charter has arrived.
async fn changes_are_allowed(house: &House) {
    for change in ["deploy.dashboards", "deploy.cards"] {
        until(change, SOON, async || {
            let ran = house.agent.command(&["consent", "set", change, "ask"]).await;
            if ran.code == 0 { Ok(()) } else { Err(ran.err) }
        })
        .await;
    }
}

/// The arguments that put a new dashboard into a deployment.
fn dashboard(staff: &Staff, path: &str, contents: &str) -> [String; 4] {
    let file = staff.file(&format!("{path}.json"), contents);
    ["--dashboard".to_owned(), file, "--url-path".to_owned(), path.to_owned()]
}

/// Designs, signs and hands in; the deployment's id.
async fn deployed(staff: &Staff, title: &str, items: &[String]) -> String {
    let items: Vec<&str> = items.iter().map(String::as_str).collect();
    let (id, file) = staff.designed(title, &items).await;
    staff.submit(&file).await;
    id
}

/// As staff write it: things are named by their tokens.
fn designed(contents: &Value, token: &str) -> String {
    contents.to_string().replace(ENTITY, token)
}

/// The token of the only thing of its domain.
async fn entity_token(house: &House) -> String {
    house.in_sync().await;
    let records = house.records().await;
    let found = records.iter().find(|(key, record)| key.starts_with("entity/") && record["domain"] == "sun");
    let (key, _) = found.unwrap_or_else(|| panic!("no sun among {} records", records.len()));
    format!("@{}", key.trim_start_matches("entity/"))
}

/// Waits until a deployment is in one of these states; as the owner is shown it.
async fn in_state(house: &House, id: &str, states: &[&str]) -> Value {
    until(&states.join(" or "), SOON * 2, async || {
        let ran = house.agent.command(&["deployments", "show", id, "--json"]).await;
        if ran.code != 0 {
            return Err(ran.err);
        }
        let shown = ran.json();
        let state = text(&shown["state"]);
        assert!(state != "refused", "{}", shown["problem"]);
        let planned = states != ["waiting"] || !shown["plan_hash"].is_null();
        if planned && states.contains(&state) { Ok(shown) } else { Err(format!("{shown:#}")) }
    })
    .await
}

/// What an item can do: kinds and subjects.
fn abilities(shown: &Value, item: usize) -> Vec<(&str, &str)> {
    let of_item = list(&shown["abilities"]).iter().filter(|ability| ability["item"] == item);
    of_item.map(|ability| (text(&ability["kind"]), text(&ability["subject"]))).collect()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}
