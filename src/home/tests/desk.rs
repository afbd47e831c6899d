//! The desk at a fake home: every call, and everything that must never be sent.

mod dashboards;
mod routines;

use serde_json::json;
use vestibule_dev::fake_home::{FakeHome, Listening, TOKEN, Version};

use super::super::desk::{Desk, DeskError, HomeDesk, ResourceMode};
use super::super::{Endpoint, Token};
use crate::net::{Network, Trust};
use crate::outbound::reading::{HomeTrouble, Text};
use crate::private::Private;

const BOTH: [Version; 2] = [Version::V2024_3, Version::V2026_11];

fn text(text: &str) -> Text {
    Private::new(text.into())
}

fn trouble<T>(trouble: HomeTrouble) -> Result<T, DeskError> {
    Err(DeskError::Trouble(trouble))
}

/// A fake home and the way to it.
struct Place {
    home: FakeHome,
    listening: Listening,
    network: Network,
}

impl Place {
    async fn new(version: Version) -> Self {
        let home = FakeHome::of_size(version, 30);
        let listening = home.listen().await.unwrap();
        Self { home, listening, network: Network::new(Trust::Public).unwrap() }
    }

    async fn try_open(&self) -> Result<Desk<'_>, HomeTrouble> {
        let endpoint = Endpoint::from_url(&self.listening.url(), Token::new(TOKEN).unwrap()).unwrap();
        Desk::open(&self.network, &endpoint).await
    }

    async fn desk(&self) -> Desk<'_> {
        self.try_open().await.unwrap()
    }

    fn asked(&self, command: &str) -> u64 {
        self.home.commands().get(command).copied().unwrap_or(0)
    }

    fn assert_polite(&self) {
        assert_eq!(self.home.violations(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_home_that_cannot_be_believed_has_no_desk() {
    let place = Place::new(Version::V2026_11).await;
    assert_eq!(place.desk().await.version(), "2026.11.0");
    for (state, recovery, safe, trouble) in [
        ("STARTING", false, false, HomeTrouble::NotRunning),
        ("RUNNING", true, false, HomeTrouble::RecoveryMode),
        ("RUNNING", false, true, HomeTrouble::SafeMode),
    ] {
        place.home.change_silently(|model| {
            state.clone_into(&mut model.core_state);
            (model.recovery_mode, model.safe_mode) = (recovery, safe);
        });
        assert_eq!(place.try_open().await.err(), Some(trouble));
    }
    drop(place.listening);
    let endpoint = Endpoint::from_url("http://127.0.0.1:9", Token::new(TOKEN).unwrap()).unwrap();
    let unreached = Desk::open(&place.network, &endpoint).await;
    assert_eq!(unreached.err(), Some(HomeTrouble::Unreachable));
}

#[tokio::test]
async fn resources_are_listed_before_they_are_written() {
    for version in BOTH {
        let place = Place::new(version).await;
        let mut desk = place.desk().await;
        let card = text("data:text/javascript;base64,AAAA");
        assert_eq!(desk.create_resource(&card).await, Err(DeskError::Unlisted));
        assert_eq!(desk.update_resource("x", &card).await, Err(DeskError::Unlisted));
        assert_eq!(desk.delete_resource("x").await, Err(DeskError::Unlisted));
        assert_eq!(place.asked("lovelace/resources/create"), 0);
        let before = desk.resources().await.unwrap();
        assert_eq!(before.len(), 1);
        let id = desk.create_resource(&card).await.unwrap();
        let newer = text("data:text/javascript;base64,BBBB");
        desk.update_resource(&id, &newer).await.unwrap();
        let now = desk.resources().await.unwrap();
        assert!(now[..1] == before && now[1].url == newer && now[1].id.as_ref() == Some(&id));
        assert_eq!(now[1].kind, "module");
        desk.delete_resource(&id).await.unwrap();
        assert_eq!(desk.delete_resource(&id).await, Err(DeskError::NotFound));
        assert_eq!(desk.update_resource(&id, &card).await, Err(DeskError::NotFound));
        assert!(desk.resources().await.unwrap() == before);
        // Another connection starts from nothing: Home Assistant may have been restarted in between.
        let mut second = place.desk().await;
        assert_eq!(second.create_resource(&card).await, Err(DeskError::Unlisted));
        let large = text(&"a".repeat(4 << 20));
        assert_eq!(desk.create_resource(&large).await, Err(DeskError::TooLarge));
        place.assert_polite();
    }
}

/// What the rule above is for, and whether the fake loses what the real one loses.
#[tokio::test]
async fn writing_unlisted_resources_would_lose_the_others() {
    let create = json!({"type": "lovelace/resources/create", "res_type": "module", "url": "/local/new.js"});
    for (version, left) in [(Version::V2024_3, 1), (Version::V2026_11, 2)] {
        let place = Place::new(version).await;
        let mut raw = super::raw::Client::connect(place.listening.address()).await;
        raw.call(create.clone()).await;
        assert_eq!(place.home.model(|model| model.resources.len()), left);
    }
}

#[tokio::test]
async fn resources_in_yaml_are_told_and_refused() {
    for version in BOTH {
        let place = Place::new(version).await;
        let mut desk = place.desk().await;
        assert_eq!(desk.resource_mode().await, Ok(ResourceMode::Storage));
        place.home.change_silently(|model| model.yaml_resources = true);
        assert_eq!(desk.resource_mode().await, Ok(ResourceMode::Yaml));
        let listed = desk.resources().await.unwrap();
        assert!(listed.len() == 1 && listed[0].id.is_none());
        assert_eq!(desk.create_resource(&text("/local/a.js")).await, Err(DeskError::UnknownCommand));
    }
}

#[tokio::test]
async fn notifications_are_made_replaced_and_dismissed() {
    let place = Place::new(Version::V2024_3).await;
    let mut desk = place.desk().await;
    desk.notify("vestibule", "A change waits", "Look at it.").await.unwrap();
    desk.notify("vestibule", "A change waits", "Look at both.").await.unwrap();
    let told = place.home.model(|model| model.notifications.clone());
    assert_eq!(
        told.into_iter().collect::<Vec<_>>(),
        [("vestibule".to_owned(), ("A change waits".to_owned(), "Look at both.".to_owned()))]
    );
    desk.dismiss("vestibule").await.unwrap();
    desk.dismiss("vestibule").await.unwrap();
    assert!(place.home.model(|model| model.notifications.is_empty()));
    place.assert_polite();
}

#[tokio::test(start_paused = true)]
async fn only_harmless_things_are_identified() {
    let place = Place::new(Version::V2026_11).await;
    let light = place.home.model(|model| model.states.keys().find(|id| id.starts_with("light.")).cloned());
    let light = light.unwrap();
    place.home.add_entity("button.find_me", vestibule_dev::fake_home::EntityKind::Switch, None);
    place.home.add_entity("button.restart", vestibule_dev::fake_home::EntityKind::Switch, None);
    place.home.update_entity("button.find_me", &json!({"device_class": "identify"}));
    let mut desk = place.desk().await;
    let state = |id: &str| place.home.model(|model| model.states[id].value.clone());
    let before = state(&light);
    desk.identify(&light).await.unwrap();
    assert_eq!((state(&light), place.asked("call_service")), (before, 2));
    let pressed = state("button.find_me");
    desk.identify("button.find_me").await.unwrap();
    assert_ne!(state("button.find_me"), pressed);
    for other in ["button.restart", "lock.door", "switch.server", "light.", "light.a b", "lights.x", ""] {
        assert_eq!(desk.identify(other).await, Err(DeskError::NotSupported), "{other}");
    }
    assert_eq!(place.asked("call_service"), 3);
    place.assert_polite();
}

#[tokio::test]
async fn panels_are_told_by_path() {
    let place = Place::new(Version::V2026_11).await;
    let panels = place.desk().await.panels().await.unwrap();
    assert!(panels.is_sorted() && panels.iter().any(|path| path == "house-energy"));
    assert!(panels.iter().any(|path| path == "lovelace"));
}

#[tokio::test]
async fn only_administrators_write() {
    let place = Place::new(Version::V2026_11).await;
    place.home.change_silently(|model| model.admin = false);
    let mut desk = place.desk().await;
    let saved = desk.save_dashboard("house-energy", &text("{}")).await;
    assert_eq!(saved, Err(DeskError::Unauthorized));
    assert_eq!(desk.notify("a", "b", "c").await, Err(DeskError::Unauthorized));
    assert!(desk.dashboard("house-energy").await.is_ok());
    desk.resources().await.unwrap();
    assert_eq!(desk.create_resource(&text("/local/a.js")).await, Err(DeskError::Unauthorized));
}

/// R43: as long as some state is older, Home Assistant has not started since.
#[tokio::test]
async fn the_oldest_state_tells_since_when_home_assistant_runs() {
    let place = Place::new(Version::V2024_3).await;
    let mut desk = place.desk().await;
    assert_eq!(desk.oldest_state().await, Ok(Some(1_795_261_488_503)));
    for (time, ms) in [("2027-01-15T09:00:00.250+01:00", Some(1_800_000_000_250)), ("yesterday", None)] {
        place.home.started_at(time);
        assert_eq!(desk.oldest_state().await, Ok(ms), "{time}");
    }
    place.assert_polite();
}
