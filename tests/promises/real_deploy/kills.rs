//! Deaths on real homes: the agent at named places, the home, and both at once. Once the agent has converged, what Home Assistant's API
//! returns is old or new, never something between; or the owner is asked, where somebody edited meanwhile (R41, R42, R43).
//!
//! Each life is one deployment that creates, replaces and deletes, its switching on, and its undoing. Only the agent dies in most of them,
//! so that one running home is enough. A dozen lives are drawn for each version; `VESTIBULE_TEST_KILLS=all` lives them all.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use vestibule::kill::KILL_POINTS;
use vestibule_dev::real::{NEWEST, OLDEST};

use super::contents::{OWNERS, owners};
use super::stage::Stage;
use crate::support::programs;
use crate::support::real::TURN;

/// Longest wait for anything; reached only when the test fails.
const PATIENCE: Duration = Duration::from_secs(180);
/// How soon to look again.
const REST: Duration = Duration::from_millis(50);
/// How many of the agent's deaths are drawn for each version.
const DRAWN: usize = 12;
/// Of each place, how often a life passes it at least.
const PASSED: [(&str, u64); 18] = [
    ("deploy.keeping", 6),
    ("deploy.kept", 6),
    ("deploy.approved", 1),
    ("deploy.undoing", 1),
    ("deploy.noting", 28),
    ("deploy.noted", 28),
    ("deploy.turning", 1),
    ("deploy.turned", 1),
    ("desk.looking", 35),
    ("desk.looked", 35),
    ("desk.writing", 7),
    ("desk.written", 7),
    ("desk.verifying", 5),
    ("desk.verified", 5),
    ("desk.restoring", 7),
    ("desk.restored", 7),
    ("desk.enabling", 1),
    ("desk.enabled", 1),
];
/// Before anything is done.
const WAITS: [&str; 2] = ["waiting", "approved"];
/// Path of the dashboard that a life makes.
const BOARD: &str = "zebra-life";
const PAGE: &str = r#"{"views":[{"title":"Life","cards":[{"type":"custom:acme-life"}]}]}"#;
const CARD: &str = "customElements.define('acme-life', class extends HTMLElement { setConfig() {} });";
const WAKE: &str = r#"{"alias":"Zebra life","trigger":[{"platform":"event","event_type":"zebra"}],"condition":[],"action":[]}"#;
/// Where in the deployment the new automation stands, from 1.
const AUTOMATION: &str = "3";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_oldest_home_assistant_is_never_left_between() {
    live("the_oldest_home_assistant_is_never_left_between", OLDEST, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_newest_home_assistant_is_never_left_between() {
    live("the_newest_home_assistant_is_never_left_between", NEWEST, 2).await;
}

async fn live(test: &str, version: &str, seed: u64) {
    let _turn = TURN.lock().await;
    let program = tokio::task::spawn_blocking(programs::mortal_agent).await.unwrap();
    let Some(mut stage) = Stage::set(test, version).await else { return };
    for class in ["dashboards", "automations"] {
        stage.house.agent.json(&["consent", "grant", class]).await;
    }
    stage.changes_are_allowed().await;
    stage.house.agent.becomes(program);
    let mut lives = Lives::of(stage).await;
    if std::env::var("VESTIBULE_TEST_KILLS").is_ok_and(|which| which == "all") {
        lives.die_everywhere().await;
        for at in [1, 3, 5, 7] {
            lives.die_with_the_home(&format!("desk.writing:{at}")).await;
            lives.die_with_the_home(&format!("desk.written:{at}")).await;
            lives.die_with_the_home(&format!("desk.restored:{at}")).await;
        }
        for after in [0, 100, 200, 400, 800] {
            lives.outlive_the_home(Duration::from_millis(after)).await;
        }
    } else {
        for point in drawn(seed) {
            lives.die_at(&point).await;
        }
        lives.die_with_the_home("desk.written:3").await;
        lives.outlive_the_home(Duration::from_millis(200)).await;
    }
    lives.an_edit_between_two_lives_is_the_owners().await;
    assert_eq!(lives.state().await, lives.old);
}

/// Different places, each at one of its passings.
fn drawn(seed: u64) -> Vec<String> {
    let mut state = seed;
    let mut below = |end: usize| {
        // Knuth's numbers; the upper half is what is random enough.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % end
    };
    let mut places = PASSED.to_vec();
    let mut drawn = Vec::new();
    while drawn.len() < DRAWN {
        let (name, times) = places.swap_remove(below(places.len()));
        drawn.push(format!("{name}:{}", 1 + below(usize::try_from(times).unwrap())));
    }
    drawn
}

/// All that a life touches, as Home Assistant answers it.
type State = BTreeMap<String, Value>;

struct Lives {
    stage: Stage,
    old: State,
    /// What the home is like with the deployment in place, from the first life in which nobody died.
    new: State,
    /// After the owner has switched the automation on.
    on: State,
    since: Instant,
}

/// One deployment under way.
struct Life {
    id: String,
    /// Where the agent dies, until it has.
    point: Option<String>,
    /// The home dies as well.
    with_home: bool,
}

impl Lives {
    /// Lives one life without a death: what is new is what is there then, after it has been looked at here.
    async fn of(mut stage: Stage) -> Self {
        // Written once by Home Assistant's editor, so that its words are those that it goes on using.
        let night = stage.routine("script", "gute_nacht").await.unwrap();
        let night = night.replace(r#""max":4"#, r#""max":5"#);
        assert!(night.contains(r#""max":5"#), "{night}");
        stage.write_routine("script", "gute_nacht", &night).await;
        stage.edit_board(OWNERS, &owners()).await;
        stage.house.equal("set up").await;
        stage.told("set up for deaths");
        let (old, nothing) = (State::new(), State::new());
        let mut lives = Self { stage, old, new: nothing.clone(), on: nothing, since: Instant::now() };
        lives.old = lives.state().await;
        let mut life = lives.begin(None, false).await;
        lives.apply(&mut life).await;
        lives.new = lives.state().await;
        let [page, module] = [&format!("board {BOARD}"), "resources"].map(|key| lives.new[key].to_string());
        assert!(page.contains("acme-life") && module.contains("data:text/javascript"), "{:#?}", lives.new);
        assert_eq!(lives.new[&format!("board {OWNERS}")], Value::Null);
        assert_eq!(lives.new["automation vestibule_life"]["initial_state"], false);
        assert_eq!(lives.new["script gute_nacht"]["mode"], "parallel");
        lives.switch_on(&mut life).await;
        lives.on = lives.state().await;
        assert_eq!(lives.on["automation vestibule_life"]["initial_state"], Value::Null);
        assert_eq!(lives.on["state vestibule_life"], "on");
        lives.take_back(&mut life).await;
        lives.is(&lives.old, "a life without a death").await;
        lives
    }

    async fn state(&self) -> State {
        let stage = &self.stage;
        let mut state = State::new();
        for path in [OWNERS, BOARD] {
            let board = stage.board(path).await;
            state.insert(format!("board {path}"), json!(board));
            state.insert(format!("record {path}"), json!(stage.record(path).await));
        }
        let rows = stage.resources().await;
        // A row that is made again has another id.
        let urls = rows.iter().map(|row| serde_json::from_str::<Value>(row).unwrap()["url"].clone());
        state.insert("resources".to_owned(), urls.collect());
        for (kind, id) in [
            ("automation", "vestibule_life"),
            ("automation", "1700000000001"),
            ("automation", "1700000000002"),
            ("script", "gute_nacht"),
            ("script", "alles_aus"),
        ] {
            let text = stage.routine(kind, id).await;
            let value = text.map(|text| serde_json::from_str::<Value>(&text).unwrap());
            state.insert(format!("{kind} {id}"), json!(value));
            let entry = stage.entry(kind, id).await;
            let entity = entry.as_ref().map(|entry| entry["entity_id"].as_str().unwrap().to_owned());
            let on = if let Some(entity) = &entity { stage.state(entity).await } else { None };
            state.insert(format!("state {id}"), json!(on));
            state.insert(format!("entity {id}"), json!(entity));
        }
        state
    }

    /// The home is in one of its two states, and in no other.
    async fn is(&self, due: &State, what: &str) {
        let now = self.state().await;
        let differs: Vec<_> = now
            .iter()
            .filter(|(key, value)| due.get(*key) != Some(value))
            .map(|(key, value)| format!("{key}: {value} instead of {:?}", due.get(key)))
            .collect();
        assert!(differs.is_empty(), "{what}: {differs:#?}");
    }

    /// Starts the agent, with its death in it, and sends a deployment on its way.
    async fn begin(&mut self, point: Option<&str>, with_home: bool) -> Life {
        let (board, _) = self.stage.owners_held().await;
        let script = self.stage.content_with("counter.reset").await;
        let held = self.stage.held(&script, |text| text.contains("queued")).await;
        let agent = &mut self.stage.house.agent;
        agent.kill().await;
        match point {
            Some(point) => agent.set("VESTIBULE_TEST_KILL_AT", point),
            None => agent.unset("VESTIBULE_TEST_KILL_AT"),
        }
        agent.start();
        let staff = &self.stage.staff;
        let page = staff.file("life.json", PAGE);
        let card = format!("acme-life={}", staff.file("life.js", CARD));
        let automation = format!("vestibule_life={}", staff.file("wake.json", WAKE));
        let night = held.replace(r#""queued""#, r#""parallel""#);
        let script = format!("{script}={}", staff.file("night.json", &night));
        let gone = format!("dashboard/{board}");
        let items = [
            &["--dashboard", &page, "--url-path", BOARD, "--card", &card, "--automation", &automation][..],
            &["--script", &script, "--delete", &gone],
        ];
        let id = self.stage.sent("Zebra life", &items.concat()).await;
        Life { id, point: point.map(str::to_owned), with_home }
    }

    /// If the agent has died where it should have, it is started again; the home too, where it died with it.
    async fn revive(&mut self, life: &mut Life) {
        let Some(status) = self.stage.house.agent.ended() else { return };
        let point = life.point.take();
        assert!(point.is_some() && status.code().is_none(), "{point:?}: it ended with {status}");
        if life.with_home {
            self.stage.home.kill();
            self.stage.home.restart().await.unwrap();
        }
        self.stage.house.agent.unset("VESTIBULE_TEST_KILL_AT");
        self.stage.house.agent.start();
    }

    /// Asks for something as often as it takes until a deployment is as wanted, through deaths.
    async fn insist(&mut self, life: &mut Life, ask: &[&str], wanted: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            self.revive(life).await;
            let shown = self.stage.show(&life.id).await;
            if wanted(&shown) {
                return shown;
            }
            let log =
                || self.stage.house.agent.log().lines().rev().take(20).map(str::to_owned).collect::<Vec<_>>();
            assert!(Instant::now() < deadline, "{ask:?}: {} {} {:#?}", shown["state"], shown["items"], log());
            let ready = match shown["state"].as_str() {
                Some("waiting") => shown["plan_hash"].is_string(),
                Some("verified" | "settled" | "needs_owner") => true,
                _ => false,
            };
            if ready {
                // Whether it came about shows the next look.
                let all = [&["deployments"], ask, &[&life.id], &["--json"]].concat();
                let _ = self.stage.house.agent.command(&all).await;
            }
            sleep(REST).await;
        }
    }

    /// The owner's yes, and what comes of it.
    async fn apply(&mut self, life: &mut Life) -> String {
        let ends = ["verified", "settled", "rolled_back", "needs_owner", "conflict", "refused"];
        let ended = |shown: &Value| shown["state"].as_str().is_some_and(|state| ends.contains(&state));
        let shown = self.insist(life, &["approve", "--yes"], ended).await;
        shown["state"].as_str().unwrap().to_owned()
    }

    async fn switch_on(&mut self, life: &mut Life) {
        let on = |shown: &Value| shown["items"][2]["enabled"] == true;
        self.insist(life, &["enable", "--item", AUTOMATION], on).await;
    }

    async fn take_back(&mut self, life: &mut Life) {
        self.insist(life, &["undo", "--yes"], |shown| shown["state"] == "undone").await;
        let deadline = Instant::now() + PATIENCE;
        while self.stage.staff.seen(&life.id).await["state"] != "undone" {
            self.revive(life).await;
            assert!(Instant::now() < deadline, "{:?}: the portal never hears of it", life.point);
            sleep(REST).await;
        }
    }

    /// A whole life in which the agent dies once; whether it did.
    async fn lived(&mut self, point: &str) -> bool {
        let mut life = self.begin(Some(point), false).await;
        let ended = self.apply(&mut life).await;
        assert!(ended == "verified" || ended == "settled", "{point}: {ended}");
        self.is(&self.new, point).await;
        self.switch_on(&mut life).await;
        self.is(&self.on, point).await;
        self.take_back(&mut life).await;
        self.is(&self.old, point).await;
        self.told(point);
        let died = life.point.is_none();
        if !died {
            // Otherwise it would die when nobody looks: whatever comes after this life passes the place as well.
            self.stage.house.agent.kill().await;
            self.stage.house.agent.unset("VESTIBULE_TEST_KILL_AT");
            self.stage.house.agent.start();
        }
        died
    }

    async fn die_at(&mut self, point: &str) {
        assert!(self.lived(point).await, "no life passes {point}");
    }

    /// Every place, at each of its passings.
    async fn die_everywhere(&mut self) {
        let ours = |name: &&&str| name.starts_with("deploy.") || name.starts_with("desk.");
        let listed: Vec<&str> = PASSED.iter().map(|(name, _)| *name).collect();
        let due: Vec<&str> = KILL_POINTS.iter().filter(ours).copied().collect();
        assert_eq!(listed, due);
        for (name, times) in PASSED {
            let mut passed = 0;
            while self.lived(&format!("{name}:{}", passed + 1)).await {
                passed += 1;
            }
            println!("{}: {name} is passed {passed} times", self.stage.home.version());
            assert!(passed >= times, "{name} is passed {passed} times");
        }
    }

    /// A power cut: what Home Assistant had not written to its disk yet is lost with it.
    async fn die_with_the_home(&mut self, point: &str) {
        let mut life = self.begin(Some(point), true).await;
        let what = format!("{point}, and the home");
        self.settles_one_way_or_the_other(&mut life, &what).await;
        self.stage.house.in_sync().await;
        assert_eq!(life.point, None, "no life passes {point}");
        self.told(&what);
    }

    /// The home alone is killed while the deployment is carried out.
    async fn outlive_the_home(&mut self, after: Duration) {
        let mut life = self.begin(None, false).await;
        let applying = |shown: &Value| shown["state"].as_str().is_some_and(|state| !WAITS.contains(&state));
        self.insist(&mut life, &["approve", "--yes"], applying).await;
        sleep(after).await;
        self.stage.home.kill();
        self.stage.home.restart().await.unwrap();
        let what = format!("the home after {after:?}");
        self.settles_one_way_or_the_other(&mut life, &what).await;
        self.told(&what);
    }

    /// New, as soon as what was lost is written again (R43), and then old again; or old at once, where it could not go on.
    async fn settles_one_way_or_the_other(&mut self, life: &mut Life, what: &str) {
        let ended = self.apply(life).await;
        println!("{}: {what}: {ended}", self.stage.home.version());
        if ended == "rolled_back" {
            return self.is(&self.old, what).await;
        }
        assert!(ended == "verified" || ended == "settled", "{what}: {ended}");
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline && self.state().await != self.new {
            self.revive(life).await;
            sleep(REST).await;
        }
        self.is(&self.new, what).await;
        self.take_back(life).await;
        self.is(&self.old, what).await;
    }

    /// R42: what somebody wrote while the agent was dead stays, and all else is as before.
    async fn an_edit_between_two_lives_is_the_owners(&mut self) {
        // The card comes first, since the dashboard uses it; then the dashboard's record, then its contents.
        for point in ["desk.writing:3", "desk.written:3"] {
            let mut life = self.begin(Some(point), false).await;
            let planned = |shown: &Value| shown["plan_hash"].is_string();
            self.insist(&mut life, &["show"], planned).await;
            self.stage.approve(&life.id).await;
            let deadline = Instant::now() + PATIENCE;
            while self.stage.house.agent.ended().is_none() {
                assert!(Instant::now() < deadline, "no life passes {point}");
                sleep(REST).await;
            }
            let edit = json!({"views": [{"title": "Von Hand", "cards": []}]});
            self.stage.edit_board(BOARD, &edit).await;
            self.stage.house.agent.unset("VESTIBULE_TEST_KILL_AT");
            self.stage.house.agent.run().await;
            life.point = None;
            let left = self.stage.becomes(&life.id, "needs_owner").await;
            assert_eq!(left["items"][0]["code"], "left_as_edited", "{left:#}");
            let mut due = self.old.clone();
            due.insert(format!("board {BOARD}"), json!(edit.to_string()));
            let mut now = self.state().await;
            // The record that the edited contents belong to stays with them.
            let record = now.insert(format!("record {BOARD}"), Value::Null);
            assert!(record.is_some_and(|record| record.is_object()), "{point}");
            let differs: Vec<_> = now.iter().filter(|(key, value)| due.get(*key) != Some(value)).collect();
            assert!(differs.is_empty(), "{point}: {differs:#?}");
            let insisted = ["undo", "--yes", "--overwrite"];
            self.insist(&mut life, &insisted, |shown| shown["state"] == "undone").await;
            self.is(&self.old, point).await;
            self.told(&format!("{point}, and an edit"));
        }
    }

    fn told(&mut self, what: &str) {
        println!("{}: {what} {:.1?}", self.stage.home.version(), self.since.elapsed());
        self.since = Instant::now();
    }
}
