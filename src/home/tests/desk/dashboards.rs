//! Dashboards: made, read, saved, changed, deleted, and watched meanwhile (R41, R45).

use vestibule_dev::fake_home::{Cut, Fail, Version, When};

use super::super::super::desk::{DashboardChange, DeskError, HomeDesk, NewDashboard, Saved};
use super::{BOTH, Place, text, trouble};
use crate::outbound::reading::HomeTrouble;

fn change(title: &str) -> DashboardChange {
    DashboardChange { title: text(title), icon: Some(text("mdi:flash")), sidebar: true, admin: false }
}

fn new(url_path: &str) -> NewDashboard {
    NewDashboard { url_path: url_path.to_owned(), change: change("Zebra") }
}

const CONFIG: &str = r#"{"views":[{"title":"ü","cards":[],"b":1.0,"a":2}]}"#;

#[tokio::test]
async fn dashboards_are_made_saved_changed_and_deleted() {
    for version in BOTH {
        let place = Place::new(version).await;
        let mut desk = place.desk().await;
        let before = desk.dashboards().await.unwrap();
        let id = desk.create_dashboard(&new("zebra-board")).await.unwrap();
        assert_eq!(desk.dashboard("zebra-board").await, Ok(None));
        assert_eq!(desk.save_dashboard("zebra-board", &text(CONFIG)).await, Ok(Saved { events: 1 }));
        // Order and spelling of numbers as they were sent.
        assert_eq!(desk.dashboard("zebra-board").await, Ok(Some(text(CONFIG))));
        let mut quiet = change("Zebra 2");
        (quiet.icon, quiet.sidebar, quiet.admin) = (None, false, true);
        desk.update_dashboard(&id, &quiet).await.unwrap();
        let now = desk.dashboards().await.unwrap();
        let made = now.iter().find(|it| it.id.as_ref() == Some(&id)).unwrap();
        assert_eq!(
            (&*made.url_path, &made.title, &made.icon),
            ("zebra-board", &Some(text("Zebra 2")), &None)
        );
        assert_eq!((made.sidebar, made.admin, made.yaml), (false, true, false));
        desk.delete_dashboard_config("zebra-board").await.unwrap();
        assert_eq!(desk.dashboard("zebra-board").await, Ok(None));
        desk.delete_dashboard(&id).await.unwrap();
        assert!(desk.dashboards().await.unwrap() == before);
        assert_eq!(desk.delete_dashboard(&id).await, Err(DeskError::NotFound));
        assert_eq!(desk.update_dashboard(&id, &quiet).await, Err(DeskError::NotFound));
        place.assert_polite();
    }
}

#[tokio::test]
async fn r45_paths_that_are_none_of_ours_are_not_sent() {
    let place = Place::new(Version::V2026_11).await;
    let mut desk = place.desk().await;
    for path in ["lovelace", "", "zebra", "Zebra-board", "zebra-board/x", "-"] {
        assert_eq!(desk.create_dashboard(&new(path)).await, Err(DeskError::Forbidden), "{path}");
    }
    // In 2026.2 and later the default dashboard is listed like any other.
    place.home.add_dashboard("lovelace", "Overview");
    desk.dashboards().await.unwrap();
    assert_eq!(desk.save_dashboard("lovelace", &text("{}")).await, Err(DeskError::Forbidden));
    assert_eq!(desk.delete_dashboard_config("lovelace").await, Err(DeskError::Forbidden));
    assert_eq!(desk.delete_dashboard("lovelace").await, Err(DeskError::Forbidden));
    assert_eq!(desk.update_dashboard("lovelace", &change("x")).await, Err(DeskError::Forbidden));
    assert_eq!(desk.save_dashboard("", &text("{}")).await, Err(DeskError::NotFound));
    assert_eq!(desk.dashboard("").await, Err(DeskError::Forbidden));
    for command in ["lovelace/config/save", "lovelace/config/delete", "lovelace/dashboards/create"] {
        assert_eq!(place.asked(command), 0);
    }
    place.assert_polite();
}

#[tokio::test]
async fn a_path_that_any_panel_has_is_refused() {
    for version in BOTH {
        let place = Place::new(version).await;
        let mut desk = place.desk().await;
        for path in ["house-energy", "developer-tools"] {
            assert_eq!(desk.create_dashboard(&new(path)).await, Err(DeskError::Refused), "{path}");
        }
    }
}

#[tokio::test]
async fn dashboards_in_yaml_are_read_and_never_written() {
    let place = Place::new(Version::V2026_11).await;
    place.home.add_yaml_dashboard("file-board", "File", CONFIG);
    let mut desk = place.desk().await;
    assert_eq!(desk.dashboard("file-board").await, Ok(Some(text(CONFIG))));
    assert_eq!(desk.save_dashboard("file-board", &text("{}")).await, Err(DeskError::NotSupported));
    assert_eq!(desk.delete_dashboard_config("file-board").await, Err(DeskError::NotSupported));
    assert_eq!(place.asked("lovelace/config/save"), 0);
    // One that became a file's after it was listed: Home Assistant says no.
    place.home.change_silently(|model| model.dashboards[0]["mode"] = "yaml".into());
    assert_eq!(desk.save_dashboard("house-energy", &text("{}")).await, Err(DeskError::NotSupported));
    assert_eq!(place.asked("lovelace/config/save"), 1);
}

#[tokio::test]
async fn what_is_too_large_or_no_dashboard_is_not_sent() {
    let place = Place::new(Version::V2026_11).await;
    let mut desk = place.desk().await;
    let large = format!(r#"{{"a":"{}"}}"#, "a".repeat(4 << 20));
    assert_eq!(desk.save_dashboard("house-energy", &text(&large)).await, Err(DeskError::TooLarge));
    for config in ["", "[]", "\"text\"", "null", "{", "{}{}"] {
        let saved = desk.save_dashboard("house-energy", &text(config)).await;
        assert_eq!(saved, Err(DeskError::Refused), "{config}");
    }
    assert_eq!(place.asked("lovelace/config/save"), 0);
    // Just below the limit of Home Assistant, which the fake has too.
    let fits = format!(r#"{{"a":"{}"}}"#, "a".repeat((4 << 20) - 6_000));
    assert_eq!(desk.save_dashboard("house-energy", &text(&fits)).await, Ok(Saved { events: 1 }));
    assert_eq!(desk.dashboard("house-energy").await, Ok(Some(text(&fits))));
}

#[tokio::test]
async fn r41_an_edit_between_reading_and_saving_is_counted() {
    let place = Place::new(Version::V2024_3).await;
    let mut desk = place.desk().await;
    let edit = r#"{"views":[]}"#;
    place.home.edit_dashboard("house-energy", edit);
    assert_eq!(desk.dashboard("house-energy").await, Ok(Some(text(edit))));
    // Edits that were in what was read do not count; those of other dashboards never do.
    place.home.add_dashboard("other-board", "Other");
    place.home.edit_dashboard("other-board", edit);
    assert_eq!(desk.save_dashboard("house-energy", &text(CONFIG)).await, Ok(Saved { events: 1 }));
    desk.dashboard("house-energy").await.unwrap();
    let nth = place.asked("lovelace/config/save") + 1;
    place.home.before("lovelace/config/save", nth, |home| home.edit_dashboard("house-energy", "{}"));
    assert_eq!(desk.save_dashboard("house-energy", &text(CONFIG)).await, Ok(Saved { events: 2 }));
    // Without reading again, whatever came since is counted.
    place.home.edit_dashboard("house-energy", edit);
    assert_eq!(desk.save_dashboard("house-energy", &text(CONFIG)).await, Ok(Saved { events: 4 }));
}

#[tokio::test]
async fn a_save_that_is_cut_off_is_uncertain() {
    for (when, found) in [(When::Before, None), (When::After, Some(text(CONFIG)))] {
        let place = Place::new(Version::V2026_11).await;
        let mut desk = place.desk().await;
        let cut = Cut { command: "lovelace/config/save".into(), nth: 1, when };
        place.home.fault(|faults| faults.cut = Some(cut));
        let saved = desk.save_dashboard("house-energy", &text(CONFIG)).await;
        assert_eq!(saved, trouble(HomeTrouble::Unreachable));
        assert!(saved.unwrap_err().is_uncertain());
        assert_eq!(place.desk().await.dashboard("house-energy").await, Ok(found));
    }
}

#[tokio::test]
async fn refusals_are_told_by_their_code() {
    let place = Place::new(Version::V2026_11).await;
    let mut desk = place.desk().await;
    for (code, refusal) in [
        ("unauthorized", DeskError::Unauthorized),
        ("unknown_command", DeskError::UnknownCommand),
        ("config_not_found", DeskError::NotFound),
        ("not_supported", DeskError::NotSupported),
        ("invalid_format", DeskError::Refused),
        ("something_new", DeskError::Refused),
    ] {
        let fail = Fail { command: "lovelace/config/save".into(), nth: 0, code: code.into() };
        place.home.fault(|faults| faults.fail = Some(fail));
        assert_eq!(desk.save_dashboard("house-energy", &text("{}")).await, Err(refusal), "{code}");
    }
}
