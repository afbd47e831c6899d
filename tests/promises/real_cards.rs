//! Cards in `data:` resources, spelled as a deployment spells them, in Home Assistant's own frontend and a real browser: they render, a new
//! version is seen after an ordinary reload, nothing is fetched from anywhere, and when they are gone the dashboard says so (R39).

use std::time::Instant;

use vestibule::home::desk::{DashboardChange, Desk, HomeDesk, NewDashboard, Saved};
use vestibule::home::{Endpoint, Token};
use vestibule::inbound::card;
use vestibule::net::{Network, Trust};
use vestibule::outbound::reading::Text;
use vestibule::private::Private;
use vestibule_dev::browser::{Browser, Look, Seen};
use vestibule_dev::real::{DEMO_ENTITIES, NEWEST, OLDEST, Options, RealHome};

use crate::support::real::{self, TURN};

const BOARD: &str = "vestibule-card-board";
const CONFIG: &str = r#"{"views":[{"title":"Cards","cards":[{"type":"custom:vestibule-zebra","word":"stripes"},{"type":"markdown","content":"plain words"}]}]}"#;

fn text(text: &str) -> Text {
    Private::new(text.into())
}

/// What an address could lose on its way: quotes, escapes, blanks, signs of its own, letters of two and four bytes, and a line's end.
const ODD: &str = "\"a\" 'b' \\ %41 # ? & + ; ä 😀  end";

/// A card that shows which version of it runs, as a deployment writes it; what is filled in decides how it is spelled.
fn card(version: u32, filling: &str) -> String {
    let module = format!(
        "class Zebra extends HTMLElement {{
  setConfig(config) {{ this.word = config.word; }}
  set hass(_) {{ this.textContent = `zebra version {version} with ${{this.word}} and ${{{}}}`; }}
  getCardSize() {{ return 1; }}
}}
customElements.define('vestibule-zebra', Zebra);
// {filling}",
        serde_json::to_string(ODD).unwrap()
    );
    card::url("vestibule-zebra", &module)
}

/// What the card shows.
fn zebra(version: u32) -> String {
    format!("zebra version {version} with stripes and {ODD}")
}

/// Both spellings have to be understood by a browser, and as much as R39 lets one module be.
fn spelled(version: u32, filling: &str, base64: bool) -> Text {
    let card = card(version, filling);
    assert_eq!(card.contains(";base64,"), base64, "version {version} is spelled as it was meant");
    text(&card)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cards_render_in_the_oldest_frontend() {
    live("cards_render_in_the_oldest_frontend", OLDEST).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cards_render_in_the_newest_frontend() {
    live("cards_render_in_the_newest_frontend", NEWEST).await;
}

async fn live(test: &str, version: &str) {
    let _turn = TURN.lock().await;
    let Some(browser) = real::browser(test) else { return };
    let Some(home) = real::home(test, Options::new(version).entities(DEMO_ENTITIES)).await else { return };
    let network = Network::new(Trust::Public).unwrap();
    let endpoint = Endpoint::from_url(&home.url(), Token::new(home.token()).unwrap()).unwrap();
    let mut desk = Desk::open(&network, &endpoint).await.unwrap();
    let others = desk.resources().await.unwrap();
    let id = desk.create_resource(&spelled(1, &"x".repeat(1_000), false)).await.unwrap();
    let change = DashboardChange { title: text("Cards"), icon: None, sidebar: true, admin: false };
    let board = desk.create_dashboard(&NewDashboard { url_path: BOARD.to_owned(), change }).await.unwrap();
    assert_eq!(desk.save_dashboard(BOARD, &text(CONFIG)).await, Ok(Saved { events: 1 }));

    let seen = look(&browser, &home, 0).await;
    assert_whole(&seen);
    assert!(seen.texts.iter().any(|text| *text == zebra(1)), "{:?}", seen.texts);
    assert!(seen.texts.iter().any(|text| text.contains("plain words")), "{:?}", seen.texts);

    for (version, filling, base64) in [(2, "%".repeat(240_000), true), (3, "x".repeat(240_000), false)] {
        desk.update_resource(&id, &spelled(version, &filling, base64)).await.unwrap();
        let seen = look(&browser, &home, 1).await;
        assert_whole(&seen);
        assert!(seen.texts.iter().any(|text| *text == zebra(version)), "{:?}", seen.texts);
    }

    desk.delete_resource(&id).await.unwrap();
    assert!(desk.resources().await.unwrap() == others, "the others are as they were");
    let seen = look(&browser, &home, 0).await;
    assert_eq!(seen.error_cards.len(), 1, "a card that is gone is missed: {:?}", seen.error_cards);
    assert_eq!(seen.page_errors, Vec::<String>::new(), "and that is all");
    assert_eq!(seen.foreign_requests, Vec::<String>::new());
    assert!(seen.texts.iter().any(|text| text.contains("plain words")), "{:?}", seen.texts);
    desk.delete_dashboard(&board).await.unwrap();
}

async fn look(browser: &Browser, home: &RealHome, reloads: u32) -> Seen {
    let since = Instant::now();
    let path = format!("{BOARD}/0");
    let url = home.url();
    let look = Look::at(&url, home.token(), &path).reloaded(reloads);
    let seen = browser.look(&look).await.unwrap();
    println!(
        "{}: looked after {:.1?}; {} elements, errors {:?}, console {:?}",
        home.version(),
        since.elapsed(),
        seen.elements.len(),
        seen.error_cards,
        seen.console_errors
    );
    seen
}

fn assert_whole(seen: &Seen) {
    assert!(seen.rendered, "it never stood: {:?}", seen.elements);
    assert_eq!(seen.error_cards, Vec::<String>::new());
    assert_eq!(seen.page_errors, Vec::<String>::new());
    assert_eq!(seen.foreign_requests, Vec::<String>::new());
}
