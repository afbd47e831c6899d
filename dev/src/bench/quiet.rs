//! What happens while the house is lived in: one change, a hundred thousand state changes, and nothing at all.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::time::sleep;
use vestibule_dev::fake_home::FakeHome;
use vestibule_dev::real::RealHome;

use super::Failure;
use super::process::{Agent, Counting, Home, Place};
use super::sizes::{InSync, in_sync, ledger, pressed};
use super::speed::at;
use super::table::Table;

/// Dashboards of somebody who has many.
const BOARDS: usize = 40;
/// Cards on each of them; together some 1.6 MB.
const CARDS: usize = 300;
/// Registry changes, one after another.
const CHANGES: usize = 120;
const STATE_CHANGES: u32 = 100_000;
/// After so long nothing of what happened before is still on its way.
const SETTLE: Duration = Duration::from_secs(8);
/// Stands for the hour of the budget. Shorter than the silence after which an agent asks whether anybody is there: the fake home, unlike
/// a real one, sends no pings of its own.
const IDLE: Duration = Duration::from_secs(45);
/// State changes to compare Home Assistant's own speed by, and how often.
const FLAT_OUT: u32 = 20_000;
const TURNS: usize = 5;

/// Moves an entity to another area: changes one record, and with it its place.
trait House {
    async fn entities(&mut self) -> Result<Vec<String>, Failure>;
    async fn areas(&mut self) -> Result<Vec<String>, Failure>;
    async fn move_entity(&mut self, entity: &str, area: &str) -> Result<(), Failure>;
}

impl House for FakeHome {
    async fn entities(&mut self) -> Result<Vec<String>, Failure> {
        let live = |model: &vestibule_dev::fake_home::Model| {
            let ids = model.entities.keys().filter(|id| model.states.contains_key(*id));
            ids.cloned().collect()
        };
        Ok(self.model(live))
    }

    async fn areas(&mut self) -> Result<Vec<String>, Failure> {
        Ok(self.model(|model| texts(&model.areas, "area_id")))
    }

    async fn move_entity(&mut self, entity: &str, area: &str) -> Result<(), Failure> {
        self.update_entity(entity, &json!({"area_id": area}));
        Ok(())
    }
}

impl House for vestibule_dev::real::Session {
    async fn entities(&mut self) -> Result<Vec<String>, Failure> {
        let all = self.call(json!({"type": "config/entity_registry/list"})).await?;
        // The main entity of a device, which has no name of its own, cannot have an area of its own.
        let main = |entity: &Value| entity["original_name"].as_str().is_none_or(str::is_empty);
        let free = |entity: &&Value| entity["disabled_by"].is_null() && !main(entity);
        let list = all.as_array().into_iter().flatten().filter(free).cloned().collect::<Vec<_>>();
        Ok(texts(&list, "entity_id"))
    }

    async fn areas(&mut self) -> Result<Vec<String>, Failure> {
        let all = self.call(json!({"type": "config/area_registry/list"})).await?;
        Ok(texts(all.as_array().map_or(&[], Vec::as_slice), "area_id"))
    }

    async fn move_entity(&mut self, entity: &str, area: &str) -> Result<(), Failure> {
        let command = json!({"type": "config/entity_registry/update", "entity_id": entity, "area_id": area});
        // Not waiting for its answer: the time runs from here.
        Ok(self.send(command).await.map(drop)?)
    }
}

fn texts(list: &[Value], field: &str) -> Vec<String> {
    list.iter().filter_map(|thing| Some(thing[field].as_str()?.to_owned())).collect()
}

/// Everything of this file on a fake home.
pub(crate) async fn fake(table: &mut Table, fake: &FakeHome, home: &Home) -> Result<(), Failure> {
    let name = "fake 1 000";
    let InSync { mut agent, place, _portal, _folder } = in_sync(home).await?;
    changes(table, name, &mut agent, &place, &mut fake.clone()).await?;
    sleep(SETTLE).await;
    let before = fake.frames_sent();
    for _ in 0..100 {
        fake.churn(STATE_CHANGES as usize / 100);
        sleep(Duration::from_millis(20)).await;
    }
    sleep(SETTLE).await;
    frames(table, name, fake.frames_sent() - before);
    let sent = || (fake.frames_sent(), fake.bytes_sent());
    idle(table, name, &agent, &place, sent).await
}

/// Changes while large dashboards are granted, in which the ids are looked for again each time.
pub(crate) async fn contents(table: &mut Table, fake: &FakeHome, home: &Home) -> Result<(), Failure> {
    let entities = fake.clone().entities().await?;
    let mut size = 0;
    for n in 0..BOARDS {
        let card = |entity: &String| {
            let action = json!({"action": "more-info"});
            json!({"type": "tile", "entity": entity, "name": "Lamp of this house", "icon": "mdi:lamp", "tap_action": action})
        };
        let cards: Vec<Value> = entities.iter().cycle().skip(n).take(CARDS).map(card).collect();
        let text = json!({"views": [{"title": "Bench", "cards": cards}]}).to_string();
        size += text.len();
        fake.add_dashboard(&format!("bench-{n}"), "Bench");
        fake.edit_dashboard(&format!("bench-{n}"), &text);
    }
    let name = format!("fake 1 000, {} kB of dashboards", size / 1000);
    let InSync { mut agent, place, _portal, _folder } = in_sync(home).await?;
    agent.ignore_said();
    place.text(&["consent", "grant", "dashboards"]).await?;
    agent.says("in sync").await?;
    sleep(SETTLE).await;
    changes(table, &name, &mut agent, &place, &mut fake.clone()).await
}

/// The same on a real home, and whether it feels us.
pub(crate) async fn real(table: &mut Table, name: &str, real: &RealHome) -> Result<(), Failure> {
    let between = Counting::before(real.port()).await?;
    let home = Home { url: between.url.clone(), token: real.token().to_owned() };
    let InSync { mut agent, place, _portal, _folder } = in_sync(&home).await?;
    changes(table, name, &mut agent, &place, &mut real.session().await?).await?;
    sleep(SETTLE).await;
    let (before, _) = between.so_far();
    real.churn(STATE_CHANGES).await?;
    sleep(SETTLE).await;
    frames(table, name, between.so_far().0 - before);
    idle(table, name, &agent, &place, || between.so_far()).await?;

    let (mut with, mut without) = (Vec::new(), Vec::new());
    for _ in 0..TURNS {
        with.push(flat_out(real).await?);
        agent.stop().await?;
        without.push(flat_out(real).await?);
        agent = place.start()?;
        agent.says("in sync").await?;
    }
    // The best of each: whatever else runs on this machine can only make it slower.
    let share = at(&mut with, 1.0) / at(&mut without, 1.0) * 100.0;
    table.least("state changes a second with us connected", name, share, "%", 97.0);
    Ok(())
}

async fn flat_out(real: &RealHome) -> Result<f64, Failure> {
    let start = Instant::now();
    real.churn(FLAT_OUT).await?;
    Ok(f64::from(FLAT_OUT) / start.elapsed().as_secs_f64())
}

/// Registry changes one after another, each waited for until the portal has acknowledged it.
async fn changes(
    table: &mut Table,
    name: &str,
    agent: &mut Agent,
    place: &Place,
    house: &mut impl House,
) -> Result<(), Failure> {
    let (entities, areas) = (house.entities().await?, house.areas().await?);
    let [here, there, ..] = areas.as_slice() else { return Err("this home has no two areas".into()) };
    let old = place.text(&["preview"]).await?;
    let (_, first) = ledger(place, 0, &[]).await?;
    let mut times = Vec::new();
    let mut new = None;
    // Twice round, so that each of them is certainly moved at least once.
    for (i, entity) in entities.iter().cycle().take(2 * CHANGES).enumerate() {
        let area = if (i / entities.len()).is_multiple_of(2) { here } else { there };
        agent.ignore_said();
        let start = Instant::now();
        house.move_entity(entity, area).await?;
        match tokio::time::timeout(Duration::from_secs(2), agent.says("in sync")).await {
            Ok(at) => times.push(at?.duration_since(start).as_secs_f64() * 1e3),
            // It was in that area already.
            Err(_) => continue,
        }
        if new.is_none() {
            new = Some(place.text(&["preview"]).await?);
        }
        if times.len() == CHANGES {
            break;
        }
    }
    let count = times.len();
    if count < 100 {
        return Err(format!("only {count} changes reached the portal").into());
    }
    table.shown("event to acknowledgement, median", name, at(&mut times, 0.5), "ms");
    table.most("event to acknowledgement, 99th percentile", name, at(&mut times, 0.99), "ms", 300.0);
    // Until what came in is in the ledger too.
    sleep(SETTLE).await;
    let (bytes, _) = ledger(place, first, &[("out", "push"), ("in", "ack")]).await?;
    #[expect(clippy::cast_precision_loss, reason = "about a hundred")]
    let each = bytes / count as f64;
    table.most("one changed record, payload both ways", name, each, "B", 250.0);
    if let Some(new) = new {
        table.shown(
            "  by zstd --patch-from, both snapshots at hand",
            name,
            pressed(&new, old.as_bytes())?,
            "B",
        );
    }
    Ok(())
}

fn frames(table: &mut Table, name: &str, frames: u64) {
    #[expect(clippy::cast_precision_loss, reason = "none, if all is well")]
    table.most("frames from the home for 100 000 state changes", name, frames as f64, "", 0.0);
}

async fn idle(
    table: &mut Table,
    name: &str,
    agent: &Agent,
    place: &Place,
    from_home: impl Fn() -> (u64, u64),
) -> Result<(), Failure> {
    let traffic = async || -> Result<f64, Failure> {
        let status = place.ask(&["status"]).await?.pop().unwrap_or(Value::Null);
        let day = |field: &str| status["last_day"][field].as_f64().unwrap_or(f64::NAN);
        Ok(day("bytes_out") + day("bytes_in"))
    };
    let link = traffic().await?;
    let (home, disk) = (from_home(), agent.disk_writes()?);
    sleep(IDLE).await;
    let disk = agent.disk_writes()? - disk;
    #[expect(clippy::cast_precision_loss, reason = "none, if all is well")]
    let home = (from_home().1 - home.1) as f64;
    table.most("45 s idle: bytes with home and portal", name, home + traffic().await? - link, "B", 0.0);
    table.most("45 s idle: bytes written to the disk", name, disk, "B", 0.0);
    Ok(())
}
