//! Every decision on the page, with a real Home Assistant behind it: what the owner approves by a click is there and gone after the undo,
//! what somebody edited stays, and what was approved stands in Home Assistant's own frontend.

use serde_json::{Value, json};
use vestibule_dev::browser::Look;
use vestibule_dev::real::{DEMO_ENTITIES, NEWEST, Options};

use super::browser::Tools;
use super::scene::{HALL, MINE, OLD, Scene, approve, planned};
use super::stage::Served;
use crate::support::real::{self, TURN};

const TEST: &str = "what_is_approved_on_the_page_stands_in_a_real_home";
const BOARD: &str = "vestibule-page-board";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_approved_on_the_page_stands_in_a_real_home() {
    let _turn = TURN.lock().await;
    let Some(tools) = Tools::find(TEST) else { return };
    let Some(browser) = real::browser(TEST) else { return };
    let Some(home) = real::home(TEST, Options::new(NEWEST).entities(DEMO_ENTITIES)).await else { return };
    let user = home.call(json!({"type": "auth/current_user"})).await.unwrap();
    let user = user["id"].as_str().unwrap();
    let areas = home.call(json!({"type": "config/area_registry/list"})).await.unwrap();
    let room = areas[0]["name"].as_str().unwrap();
    let saved = async |path: &str| home.call(json!({"type": "lovelace/config", "url_path": path})).await.ok();

    let page = Box::new(Served::at(&home.url(), home.token(), "Example").await);
    let edit = async || {
        let mine: Value = serde_json::from_str(MINE).unwrap();
        let save = json!({"type": "lovelace/config/save", "url_path": HALL, "config": mine});
        home.call(save).await.unwrap();
    };
    let scene = Scene::of(page, user, edit).await;
    let page = &*scene.stage;
    let id = scene.staff.dashboard("Hall", OLD, &["--url-path", BOARD]).await;
    planned(page, user, &id).await;
    assert_eq!(saved(BOARD).await, None, "nothing happens before the yes");
    approve(page, user, &id).await;
    assert_eq!(saved(BOARD).await, serde_json::from_str(OLD).unwrap());
    let path = format!("{BOARD}/0");
    let seen = browser.look(&Look::at(&home.url(), home.token(), &path)).await.unwrap();
    assert!(seen.rendered && seen.error_cards.is_empty(), "{:?} {:?}", seen.elements, seen.error_cards);
    assert!(seen.texts.iter().any(|text| text.contains("Welcome")), "{:?}", seen.texts);

    tools.drive("decisions.mjs", &scene.stage, user, scene.story(user, room).await).await;
    assert_eq!(saved("acme-new").await, None, "it was undone");
    assert_eq!(saved(HALL).await, serde_json::from_str(MINE).unwrap(), "it was to be kept");
    assert!(saved(BOARD).await.is_some(), "likewise");
}
