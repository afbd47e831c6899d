//! Documents over REST: read, written, deleted, and every way in which that is refused.

use vestibule_dev::fake_home::{Cut, Domain, Fail, FakeHome, Listening, TOKEN, Version, When};

use super::super::desk::{DeskError, Routine, RoutineKind};
use super::super::rest::Rest;
use super::super::{Endpoint, Token};
use crate::net::{Network, Trust};
use crate::outbound::reading::{HomeTrouble, Text};
use crate::private::Private;

const AUTOMATION: &str = r#"{"alias":"Zebra","trigger":[],"action":[{"delay":1.0}]}"#;

fn text(text: &str) -> Text {
    Private::new(text.into())
}

fn present(json: &str) -> Routine {
    Routine::Present(text(json))
}

async fn home() -> (FakeHome, Listening, Network) {
    let home = FakeHome::of_size(Version::V2024_3, 10);
    let listening = home.listen().await.unwrap();
    (home, listening, Network::new(Trust::Public).unwrap())
}

fn endpoint(listening: &Listening) -> Endpoint {
    Endpoint::from_url(&listening.url(), Token::new(TOKEN).unwrap()).unwrap()
}

#[tokio::test]
async fn documents_are_written_read_and_deleted() {
    for version in [Version::V2024_3, Version::V2026_11] {
        let home = FakeHome::of_size(version, 10);
        let listening = home.listen().await.unwrap();
        let network = Network::new(Trust::Public).unwrap();
        let mut rest = Rest::new(&network, &endpoint(&listening));
        let id = "Omas Wecker ü";
        assert_eq!(rest.read(RoutineKind::Automation, id).await, Ok(Routine::Absent));
        rest.write(RoutineKind::Automation, id, &text(AUTOMATION)).await.unwrap();
        let stored = r#"{"id":"Omas Wecker ü","alias":"Zebra","trigger":[],"action":[{"delay":1.0}]}"#;
        assert_eq!(rest.read(RoutineKind::Automation, id).await, Ok(present(stored)));
        assert_eq!(rest.delete(RoutineKind::Automation, id).await, Ok(()));
        assert_eq!(rest.delete(RoutineKind::Automation, id).await, Err(DeskError::NotFound));
        assert_eq!(rest.read(RoutineKind::Automation, id).await, Ok(Routine::Absent));
        let script = r#"{"sequence":[],"alias":"S"}"#;
        rest.write(RoutineKind::Script, "s_1", &text(script)).await.unwrap();
        assert_eq!(rest.read(RoutineKind::Script, "s_1").await, Ok(present(script)));
        let scene = r#"{"name":"Abend","entities":{}}"#;
        rest.write(RoutineKind::Scene, "9", &text(scene)).await.unwrap();
        let stored = r#"{"id":"9","name":"Abend","entities":{}}"#;
        assert_eq!(rest.read(RoutineKind::Scene, "9").await, Ok(present(stored)));
    }
}

#[tokio::test]
async fn r17_what_home_assistant_would_complain_about_is_not_sent() {
    let (home, listening, network) = home().await;
    let mut rest = Rest::new(&network, &endpoint(&listening));
    for id in ["", "..", "a/b", "union select", "a\r\nb"] {
        assert_eq!(rest.read(RoutineKind::Automation, id).await, Err(DeskError::Forbidden), "{id}");
        assert_eq!(rest.delete(RoutineKind::Automation, id).await, Err(DeskError::Forbidden), "{id}");
    }
    assert_eq!(rest.read(RoutineKind::Script, "No_Slug").await, Err(DeskError::Forbidden));
    for config in
        ["", "no json", "[]", "\"text\"", r#"{"id":"another"}"#, r#"{"id":"1","id":"1"}"#, r#"{"id":1}"#]
    {
        let written = rest.write(RoutineKind::Automation, "1", &text(config)).await;
        assert_eq!(written, Err(DeskError::Refused), "{config}");
    }
    let large = format!(r#"{{"alias":"{}"}}"#, "a".repeat(16 << 20));
    assert_eq!(rest.write(RoutineKind::Automation, "1", &text(&large)).await, Err(DeskError::TooLarge));
    assert!(home.commands().keys().all(|command| !command.starts_with("rest/")), "{:?}", home.commands());
}

#[tokio::test]
async fn refusals_are_codes() {
    let (home, listening, network) = home().await;
    let mut rest = Rest::new(&network, &endpoint(&listening));
    // The new spelling, which the old version does not know.
    let new = text(r#"{"triggers":[],"actions":[]}"#);
    assert_eq!(rest.write(RoutineKind::Automation, "1", &new).await, Err(DeskError::Refused));
    for (status, refusal) in [
        ("401", DeskError::Unauthorized),
        ("403", DeskError::Unauthorized),
        ("413", DeskError::TooLarge),
        ("502", DeskError::Trouble(HomeTrouble::NotRunning)),
        ("418", DeskError::Trouble(HomeTrouble::Protocol)),
    ] {
        let fail = Fail { command: "rest/script/get".into(), nth: 0, code: status.into() };
        home.fault(|faults| faults.fail = Some(fail));
        assert_eq!(rest.read(RoutineKind::Script, "s").await, Err(refusal), "{status}");
    }
    home.change_silently(|model| model.admin = false);
    assert_eq!(rest.read(RoutineKind::Automation, "1").await, Err(DeskError::Unauthorized));
    let wrong = Endpoint::from_url(&listening.url(), Token::new("wrong").unwrap()).unwrap();
    let mut rest = Rest::new(&network, &wrong);
    assert_eq!(rest.read(RoutineKind::Automation, "1").await, Err(DeskError::Unauthorized));
}

#[tokio::test]
async fn r40_a_file_with_a_secret_is_left_alone() {
    let (home, listening, network) = home().await;
    home.put_routine(Domain::Automation, "1", AUTOMATION);
    home.change_silently(|model| model.routines.unreadable.insert(Domain::Automation));
    let mut rest = Rest::new(&network, &endpoint(&listening));
    assert_eq!(rest.read(RoutineKind::Automation, "1").await, Ok(Routine::Unmanaged));
    let written = rest.write(RoutineKind::Automation, "1", &text(AUTOMATION)).await;
    assert_eq!(written, Err(DeskError::Unmanaged));
    assert_eq!(rest.delete(RoutineKind::Automation, "1").await, Err(DeskError::Unmanaged));
    assert_eq!(rest.read(RoutineKind::Script, "s").await, Ok(Routine::Absent));
}

#[tokio::test]
async fn a_connection_lost_over_a_write_is_no_answer() {
    let (home, listening, network) = home().await;
    let mut rest = Rest::new(&network, &endpoint(&listening));
    for (id, when, found) in [("1", When::Before, false), ("2", When::After, true)] {
        let cut = Cut { command: "rest/automation/post".into(), nth: 0, when };
        home.fault(|faults| faults.cut = Some(cut));
        let written = rest.write(RoutineKind::Automation, id, &text(AUTOMATION)).await;
        assert_eq!(written, Err(DeskError::Trouble(HomeTrouble::Unreachable)));
        home.fault(|faults| faults.cut = None);
        let read = rest.read(RoutineKind::Automation, id).await.unwrap();
        assert_eq!(matches!(read, Routine::Present(_)), found);
    }
    // A connection that has been closed while nothing was asked is made anew.
    home.cut_connections();
    assert!(matches!(rest.read(RoutineKind::Automation, "2").await, Ok(Routine::Present(_))));
    drop(listening);
    let gone = rest.read(RoutineKind::Automation, "2").await;
    assert_eq!(gone, Err(DeskError::Trouble(HomeTrouble::Unreachable)));
}

#[tokio::test]
async fn another_web_server_is_not_believed() {
    let (home, listening, network) = home().await;
    let mut rest = Rest::new(&network, &endpoint(&listening));
    home.fault(|faults| faults.http_status = Some(200));
    let read = rest.read(RoutineKind::Automation, "1").await;
    assert_eq!(read, Err(DeskError::Trouble(HomeTrouble::NotHomeAssistant)));
    home.fault(|faults| faults.http_status = Some(404));
    let mut rest = Rest::new(&network, &endpoint(&listening));
    assert_eq!(rest.read(RoutineKind::Automation, "1").await, Err(DeskError::NotSupported));
}

/// The name is resolved to the fake, as the Supervisor's network does.
struct Redirected<'a>(&'a Network, std::net::SocketAddr);

impl crate::net::Dial for Redirected<'_> {
    fn dial<'b>(&'b self, target: &'b crate::net::Target) -> crate::net::Dialling<'b> {
        assert_eq!((&*target.host, target.port, target.tls), ("supervisor", 80, false));
        Box::pin(async {
            let host = self.1.ip().to_string();
            self.0.dial(&crate::net::Target { host, port: self.1.port(), tls: false }).await
        })
    }
}

#[tokio::test]
async fn the_supervisors_proxy_has_another_path() {
    let (home, listening, network) = home().await;
    let dial = Redirected(&network, listening.address());
    let mut rest = Rest::new(&dial, &Endpoint::supervisor(Token::new(TOKEN).unwrap()));
    rest.write(RoutineKind::Automation, "1", &text(AUTOMATION)).await.unwrap();
    assert!(matches!(rest.read(RoutineKind::Automation, "1").await, Ok(Routine::Present(_))));
    // The proxy would take it apart.
    assert_eq!(rest.read(RoutineKind::Automation, "really?").await, Err(DeskError::Forbidden));
    home.set_core_state("STARTING");
    let read = rest.read(RoutineKind::Automation, "1").await;
    assert_eq!(read, Err(DeskError::Trouble(HomeTrouble::NotRunning)));
}
