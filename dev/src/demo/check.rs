//! `make demo-check`: what the demo shows, asserted.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::time::sleep;

use vestibule_dev::browser::{Browser, Look, skip_reason};

use crate::change::Picture;
use crate::deploy;
use crate::places::Places;
use crate::say;
use crate::stage::Stage;
use crate::trouble::Trouble;

/// How long a change may take to reach the portal; on an idle machine it is well below a second.
const ARRIVES_WITHIN: Duration = Duration::from_secs(60);
/// How often we look whether it has.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Names that nothing in the example house has.
const NEW_NAME: &str = "Nachtlicht der Prüfung";
const NEW_AREA: &str = "Prüfstube";

/// Starts everything, asserts, stops, and does it again.
pub(crate) async fn check(places: &Places) -> Result<(), Trouble> {
    let began = Instant::now();
    let mut stage = Stage::set(places).await?;
    let first = began.elapsed();
    the_portal_holds_the_preview(&mut stage).await?;
    changes_arrive(&mut stage).await?;
    a_dashboard_is_deployed_and_taken_back(&mut stage, places).await?;
    let ledger = stage.vestibule.ask(&["ledger", "verify"]).await?;
    ensure(ledger["verified"] == true, || format!("ledger verify says {ledger}"))?;
    say::line(&format!("ok: the ledger's chain of {} entries is intact", ledger["entries"]));
    say::during("Stopping everything", stage.stop()).await?;

    let began = Instant::now();
    let mut stage = Stage::set(places).await?;
    let second = began.elapsed();
    the_portal_holds_the_preview(&mut stage).await?;
    say::during("Stopping everything", stage.stop()).await?;
    places.clear()?;
    let (first, second) = (say::seconds(first), say::seconds(second));
    say::line(&format!(
        "demo-check passed. Until in sync: {first} the first time, {second} the second time."
    ));
    Ok(())
}

async fn the_portal_holds_the_preview(stage: &mut Stage) -> Result<usize, Trouble> {
    stage.in_sync("").await?;
    let held = stage.api.snapshot(stage.fingerprint()).await?;
    let status = stage.vestibule.status().await?;
    ensure(status["root"] == held.root.as_str(), || {
        format!("the portal's root is {}, the status {status}", held.root)
    })?;
    let mut preview = stage.vestibule.lines(&["preview"]).await?;
    let mut held = held.lines;
    preview.sort_unstable();
    held.sort_unstable();
    ensure(!held.is_empty(), || "the portal holds nothing".to_owned())?;
    if held != preview {
        let lines = |from: &[String], other: &[String]| {
            let other: BTreeSet<&String> = other.iter().collect();
            from.iter().filter(|line| !other.contains(line)).take(5).cloned().collect::<Vec<_>>().join("\n")
        };
        let (more, less) = (lines(&held, &preview), lines(&preview, &held));
        return Err(failed(format!(
            "the portal differs from the preview. Only there:\n{more}\nOnly in the preview:\n{less}"
        )));
    }
    say::line(&format!("ok: the portal holds exactly what vestibule preview shows, {} records", held.len()));
    Ok(held.len())
}

async fn changes_arrive(stage: &mut Stage) -> Result<(), Trouble> {
    let entities = stage.home.call(json!({"type": "config/entity_registry/list"})).await?;
    let plain = |entity: &&Value| entity["platform"] == "example_house" && entity["disabled_by"].is_null();
    let entity = entities.as_array().into_iter().flatten().find(plain).cloned().unwrap_or_default();
    let command =
        json!({"type": "config/entity_registry/update", "entity_id": entity["entity_id"], "name": NEW_NAME});
    arrives(stage, "a renamed entity", command, |_, now| {
        now.kind("name").any(|(id, _)| now.name(id) == Some(NEW_NAME))
    })
    .await?;

    let areas = stage.home.call(json!({"type": "config/area_registry/list"})).await?;
    let devices = stage.home.call(json!({"type": "config/device_registry/list"})).await?;
    let placed = |device: &&Value| device["area_id"].is_string() && device["disabled_by"].is_null();
    let device = devices.as_array().into_iter().flatten().find(placed).cloned().unwrap_or_default();
    let other = |area: &&Value| area["area_id"] != device["area_id"];
    let area = areas.as_array().into_iter().flatten().find(other).cloned().unwrap_or_default();
    let command = json!({"type": "config/device_registry/update", "device_id": device["id"], "area_id": area["area_id"]});
    let target = area["name"].as_str().unwrap_or_default().to_owned();
    arrives(stage, "a moved device", command, |before, now| {
        let was: BTreeSet<(&str, Option<&str>)> = places_of(before).collect();
        places_of(now).any(|(id, area)| {
            !was.contains(&(id, area)) && area.and_then(|area| now.name(area)) == Some(&target)
        })
    })
    .await?;

    let command = json!({"type": "config/area_registry/create", "name": NEW_AREA});
    arrives(stage, "a new area", command, |_, now| {
        now.kind("area").any(|(id, _)| now.name(id) == Some(NEW_AREA))
    })
    .await?;

    let before = ids(&picture(stage).await?);
    let command = action("add", json!({"entities": 1}));
    arrives(stage, "a new entity", command, |before, now| ids(now).len() > ids(before).len()).await?;
    let added: BTreeSet<String> = ids(&picture(stage).await?).difference(&before).cloned().collect();
    let command = action("remove", json!({"devices": 1}));
    arrives(stage, "a removed device", command, |_, now| ids(now).is_disjoint(&added)).await
}

/// From the designer to the owner's yes, into the real home, in a real browser where there is one, and back again.
async fn a_dashboard_is_deployed_and_taken_back(stage: &mut Stage, places: &Places) -> Result<(), Trouble> {
    let resources = json!({"type": "lovelace/resources"});
    let before = stage.home.call(resources.clone()).await?;
    let desk = stage.desk(places)?;
    let id = deploy::deliver(stage, &desk).await?;
    let config = json!({"type": "lovelace/config", "url_path": deploy::PATH});
    ensure(stage.home.call(config.clone()).await.is_err(), || {
        "it was there before the owner agreed".to_owned()
    })?;
    let began = Instant::now();
    deploy::approve(stage, &id).await?;
    let state = deploy::until(stage, &id, &["verified", "settled"]).await?;
    say::line(&format!(
        "ok: a dashboard with a custom card is {state} {} ms after the yes",
        began.elapsed().as_millis()
    ));
    let config = stage.home.call(config).await?.to_string();
    ensure(!config.contains("@e_") && !config.contains("@n_") && config.contains("light."), || {
        format!("the home holds {config}")
    })?;
    let again = deploy::deliver(stage, &desk).await?;
    ensure(again == id, || "a second start deploys again".to_owned())?;
    it_renders(stage).await?;
    stage.vestibule.ask(&["deployments", "undo", &id, "--yes"]).await?;
    deploy::until(stage, &id, &["undone"]).await?;
    let after = stage.home.call(resources).await?;
    ensure(before == after, || format!("the resources were {before}, and are {after} now"))?;
    say::line("ok: the owner took it back, and the home is as it was");
    the_portal_holds_the_preview(stage).await.map(drop)
}

/// Home Assistant's own frontend shows it, with no card that is broken.
async fn it_renders(stage: &Stage) -> Result<(), Trouble> {
    let browser = match Browser::find() {
        Ok(browser) => browser,
        Err(error) => {
            return match skip_reason(&error) {
                Some(why) => {
                    say::line(&format!("skipped: rendering in a browser: {why}"));
                    Ok(())
                }
                None => Err(failed(error.to_string())),
            };
        }
    };
    let path = format!("{}/room", deploy::PATH);
    let (url, token) = (stage.home.url(), stage.home.token().to_owned());
    let seen = browser.look(&Look::at(&url, &token, &path).reloaded(1)).await;
    let seen = seen.map_err(|error| failed(error.to_string()))?;
    let shows = seen.elements.iter().any(|element| element == deploy::CARD);
    ensure(seen.rendered && seen.error_cards.is_empty() && shows, || format!("the browser sees {seen:?}"))?;
    say::line("ok: Home Assistant's frontend shows it, with its custom card and no broken one");
    Ok(())
}

/// Makes a change in the home, waits until the portal shows it, and asserts that the portal then holds the preview again.
async fn arrives(
    stage: &mut Stage,
    what: &str,
    command: Value,
    arrived: impl Fn(&Picture, &Picture) -> bool,
) -> Result<(), Trouble> {
    let before = picture(stage).await?;
    ensure(!arrived(&before, &before), || format!("{what} was there before it was made"))?;
    let began = Instant::now();
    stage.home.call(command).await?;
    while !arrived(&before, &picture(stage).await?) {
        ensure(began.elapsed() < ARRIVES_WITHIN, || {
            format!("{what} had not reached the portal after {ARRIVES_WITHIN:?}")
        })?;
        sleep(LOOK_EVERY).await;
    }
    say::line(&format!("ok: {what} reached the portal after {} ms", began.elapsed().as_millis()));
    the_portal_holds_the_preview(stage).await.map(drop)
}

async fn picture(stage: &Stage) -> Result<Picture, Trouble> {
    Ok(Picture::of(&stage.api.snapshot(stage.fingerprint()).await?.lines))
}

fn places_of(picture: &Picture) -> impl Iterator<Item = (&str, Option<&str>)> {
    picture.kind("device").map(|(id, record)| (id, record.get("area").and_then(Value::as_str)))
}

fn ids(picture: &Picture) -> BTreeSet<String> {
    picture.kind("entity").map(|(id, _)| id.to_owned()).collect()
}

fn action(name: &str, data: Value) -> Value {
    json!({"type": "call_service", "domain": "example_house", "service": name, "service_data": data})
}

fn ensure(holds: bool, what: impl FnOnce() -> String) -> Result<(), Trouble> {
    if holds { Ok(()) } else { Err(failed(what())) }
}

fn failed(what: String) -> Trouble {
    Trouble::new(format!("demo-check failed: {what}"), "The logs are in target/demo-check.")
}
