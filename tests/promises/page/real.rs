//! A decision on the page, and a real Home Assistant: what the owner approves by a click is there, in its own frontend, and gone after the
//! undo.

use serde_json::{Value, json};
use vestibule_dev::browser::{Browser, Look};
use vestibule_dev::real::{DEMO_ENTITIES, NEWEST, Options, RealHome, skip_reason};

use super::browser::Tools;
use super::scene::{OLD, address, employ, planned};
use super::stage::Served;
use crate::real_sync::TURN;

const TEST: &str = "what_is_approved_on_the_page_stands_in_a_real_home";
const BOARD: &str = "vestibule-page-board";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_approved_on_the_page_stands_in_a_real_home() {
    let _turn = TURN.lock().await;
    let Some(tools) = Tools::find(TEST) else { return };
    let home = match RealHome::start(Options::new(NEWEST).entities(DEMO_ENTITIES)).await {
        Ok(home) => home,
        Err(error) => {
            let reason = skip_reason(&error).unwrap_or_else(|| panic!("{error}"));
            println!("SKIPPED {TEST}: {reason}");
            return;
        }
    };
    let user = home.call(json!({"type": "auth/current_user"})).await.unwrap();
    let user = user["id"].as_str().unwrap();
    let page = Served::at(&home.url(), home.token(), "Example").await;
    page.pair_as(user).await;
    page.shows(user, "/live", "In sync").await;
    let staff = employ(&page, user).await;
    let id = staff.dashboard("Hall", OLD, &["--url-path", BOARD]).await;
    planned(&page, user, &id).await;
    let paths = async || {
        let all = home.call(json!({"type": "lovelace/dashboards/list"})).await.unwrap();
        let path = |board: &Value| board["url_path"].as_str().map(str::to_owned);
        all.as_array().into_iter().flatten().filter_map(path).collect::<Vec<_>>()
    };
    assert!(!paths().await.contains(&BOARD.to_owned()), "nothing happens before the yes");

    tools.drive("decisions.mjs", &page, user, json!({"approve": address(&id)})).await;
    let saved = home.call(json!({"type": "lovelace/config", "url_path": BOARD})).await.unwrap();
    assert_eq!(saved, serde_json::from_str::<Value>(OLD).unwrap());
    let path = format!("{BOARD}/0");
    let seen = Browser::find().unwrap().look(&Look::at(&home.url(), home.token(), &path)).await.unwrap();
    assert!(seen.rendered && seen.error_cards.is_empty(), "{:?} {:?}", seen.elements, seen.error_cards);
    assert!(seen.texts.iter().any(|text| text.contains("Welcome")), "{:?}", seen.texts);

    let undone = page.post_as(user, "/deployments/undo", &[("id", &id)]).await;
    assert_eq!(undone.status, 303, "{}", undone.text());
    page.shows(user, &address(&id), ">undone<").await;
    assert!(!paths().await.contains(&BOARD.to_owned()), "and it is gone again");
}
