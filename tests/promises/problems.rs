//! Bad input is answered with a problem that says what to do. One golden text for each; ports and folders are written as words.

use std::net::SocketAddr;

use serde_json::Value;
use tokio::net::TcpListener;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use vestibule_dev::fake_home::{FakeHome, Listening, TOKEN, Version};
use vestibule_protocol::frame;
use vestibule_protocol::message::{FromPortal, Refusal, RefusalCode};

use crate::support::portal::Invite;
use crate::support::{Agent, Portal, SOON, until};

/// The last words of a command that failed, and its exit code.
async fn complaint(agent: &Agent, stdin: &str, arguments: &[&str]) -> String {
    let ran = agent.answering(stdin, arguments).await;
    assert_eq!(ran.out, "", "a problem is no answer");
    let text = format!("exit code {}\n{}", ran.code, ran.err);
    text.replace(&agent.data().display().to_string(), "DATA")
}

/// An agent that logs nothing that happens on the way.
fn quiet(url: &str, token: &str) -> Agent {
    let mut agent = Agent::of(url, token);
    agent.set("VESTIBULE_LOG", "error");
    agent
}

async fn home() -> (FakeHome, Listening) {
    let home = FakeHome::of_size(Version::V2026_11, 30);
    let listening = home.listen().await.unwrap();
    (home, listening)
}

async fn invited() -> (Portal, Invite) {
    let portal = Portal::start().await;
    let tenant = portal.tenant("Example").await;
    let invite = portal.invite(&tenant).await;
    (portal, invite)
}

/// Problems that may pass by themselves are not the end of the daemon: it shows them, and goes on.
async fn shown_by_status(mut agent: Agent) -> String {
    agent.run().await;
    until("a problem with the home", SOON, async || {
        let problem = &agent.status().await["home"]["problem"];
        let text = |key: &str| problem[key].as_str().unwrap_or_default().to_owned();
        if problem.is_object() {
            Ok(format!("{}: {}\n{}", text("code"), text("what"), text("next")))
        } else {
            Err("none".to_owned())
        }
    })
    .await
}

async fn pairing(agent: &Agent, portal: &str, code: &str) -> String {
    complaint(agent, "", &["pair", "--portal", portal, "--invite", code, "--yes"]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_token() {
    let (home, listening) = home().await;
    let agent = quiet(&listening.url(), "a-wrong-token");
    insta::assert_snapshot!(complaint(&agent, "", &["preview"]).await);
    assert_eq!(home.commands().get("auth"), Some(&1), "a refused token is not offered again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_url_where_nothing_answers() {
    let free = TcpListener::bind(("127.0.0.1", 0)).await.unwrap().local_addr().unwrap();
    insta::assert_snapshot!(shown_by_status(quiet(&format!("http://{free}"), TOKEN)).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_url_that_is_none() {
    insta::assert_snapshot!(complaint(&quiet("homeassistant", TOKEN), "", &["preview"]).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_url_that_is_not_home_assistant() {
    let (home, listening) = home().await;
    home.fault(|faults| faults.http_status = Some(200));
    insta::assert_snapshot!(complaint(&quiet(&listening.url(), TOKEN), "", &["preview"]).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_that_nobody_trusts() {
    let home = FakeHome::of_size(Version::V2026_11, 30);
    let listening = home.listen_tls().await.unwrap();
    insta::assert_snapshot!(shown_by_status(quiet(&listening.url(), TOKEN)).await);
    // With the authority's certificate it is read.
    let mut agent = quiet(&listening.url(), TOKEN);
    let file = agent.beside("authority.pem");
    std::fs::write(&file, listening.authority().unwrap()).unwrap();
    agent.set("VESTIBULE_HOME_ASSISTANT__CA_FILE", file.to_str().unwrap());
    assert!(agent.command(&["preview"]).await.ok().out.contains("home/home"));
    std::fs::write(&file, "no certificate").unwrap();
    insta::assert_snapshot!("a_certificate_file_without_one", complaint(&agent, "", &["preview"]).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_home_assistant_that_is_too_old() {
    let (home, listening) = home().await;
    home.change_silently(|model| "2023.12.4".clone_into(&mut model.says_version));
    insta::assert_snapshot!(complaint(&quiet(&listening.url(), TOKEN), "", &["preview"]).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invite_that_has_expired() {
    let (_home, listening) = home().await;
    let (portal, invite) = invited().await;
    let database = rusqlite::Connection::open(portal.data().join("vestibule-portal.db")).unwrap();
    assert_eq!(database.execute("UPDATE invite SET expires = created - 1", []), Ok(1));
    let agent = quiet(&listening.url(), TOKEN);
    insta::assert_snapshot!(redacted(&pairing(&agent, &portal.origin(), &invite.code).await));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invite_that_was_used() {
    let (_home, listening) = home().await;
    let (portal, invite) = invited().await;
    let first = quiet(&listening.url(), TOKEN);
    let arguments = ["pair", "--portal", &portal.origin(), "--invite", &invite.code, "--yes"];
    first.command(&arguments).await.ok();
    let second = quiet(&listening.url(), TOKEN);
    insta::assert_snapshot!(redacted(&pairing(&second, &portal.origin(), &invite.code).await));
    insta::assert_snapshot!(
        "pairing_twice",
        redacted(&pairing(&first, &portal.origin(), &invite.code).await)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invite_that_was_mistyped() {
    let (_home, listening) = home().await;
    let (portal, invite) = invited().await;
    let agent = quiet(&listening.url(), TOKEN);
    let last = if invite.code.ends_with('a') { "b" } else { "a" };
    let typed = format!("{}{last}", &invite.code[..invite.code.len() - 1]);
    insta::assert_snapshot!(redacted(&pairing(&agent, &portal.origin(), &typed).await));
    insta::assert_snapshot!(
        "an_invite_that_is_none",
        redacted(&pairing(&agent, &portal.origin(), "abc").await)
    );
    let other = pairing(&agent, "http://127.0.0.1:9", &invite.code).await;
    insta::assert_snapshot!("an_invite_of_another_portal", redacted(&other));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn words_that_the_owner_refuses() {
    let (_home, listening) = home().await;
    let (portal, invite) = invited().await;
    let agent = quiet(&listening.url(), TOKEN);
    let origin = portal.origin();
    let arguments = ["pair", "--portal", &origin, "--invite", &invite.code];
    let said = complaint(&agent, "n\n", &arguments).await;
    assert!(said.contains(&invite.words), "{said}");
    assert!(said.contains("home/home") && said.contains("Recovery code"), "{said}");
    let question = said.find("Do the eight words").unwrap();
    insta::assert_snapshot!(&said[question..]);
    // Nothing of the home has left: the portal was only listened to.
    assert_eq!(crate::support::wire::frames_sent(&portal.recorder), Vec::<Vec<u8>>::new());
    // Asked again, a yes is a yes.
    let yes = agent.answering("y\n", &arguments).await.ok();
    assert!(yes.out.starts_with("Paired with Example."), "{yes:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_setting_that_does_not_exist() {
    let (_home, listening) = home().await;
    let mut agent = quiet(&listening.url(), TOKEN);
    agent.set("VESTIBULE_HOME_ASISTANT__URL", "http://192.0.2.1");
    insta::assert_snapshot!(complaint(&agent, "", &["status"]).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_data_folder_that_cannot_be_read() {
    let (_home, listening) = home().await;
    let agent = quiet(&listening.url(), TOKEN);
    // A file in its place: a folder without permissions would not hold up a test that runs as root.
    std::fs::write(agent.data(), "").unwrap();
    insta::assert_snapshot!(complaint(&agent, "", &["run"]).await);
    insta::assert_snapshot!(
        "status_of_a_data_folder_that_cannot_be_read",
        complaint(&agent, "", &["status"]).await
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_damaged() {
    let (_home, listening) = home().await;
    let mut agent = quiet(&listening.url(), TOKEN);
    agent.run().await;
    assert_eq!(agent.stop().await, Some(0));
    std::fs::write(agent.data().join("agent.db"), vec![b'x'; 8192]).unwrap();
    insta::assert_snapshot!(complaint(&agent, "", &["status"]).await);
    // As it says: the daemon moves it aside and begins with a new one.
    agent.run().await;
    let moved = crate::support::files(&agent.data())
        .into_iter()
        .any(|(name, bytes)| name != "agent.db" && name.starts_with("agent.db") && bytes == vec![b'x'; 8192]);
    assert!(
        moved,
        "{:?}",
        crate::support::files(&agent.data()).iter().map(|(name, _)| name).collect::<Vec<_>>()
    );
    assert!(agent.log().contains("damaged"), "{}", agent.log());
    assert_eq!(agent.status().await["running"], true);
}

/// Something that answers every upgrade like a portal, and then says one thing.
async fn portal_that_says(subprotocol: bool) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            #[expect(clippy::result_large_err, reason = "the library's own type")]
            let answer = |request: &Request, mut response: Response| {
                if subprotocol {
                    let offered = request.headers()["Sec-WebSocket-Protocol"].clone();
                    response.headers_mut().insert("Sec-WebSocket-Protocol", offered);
                }
                Ok(response)
            };
            let Ok(mut socket) = tokio_tungstenite::accept_hdr_async(stream, answer).await else { continue };
            let refusal: FromPortal = Refusal { code: RefusalCode::Version, after_s: None }.into();
            let said = frame::encode(&refusal.to_json().unwrap()).unwrap();
            let _ = futures_util::SinkExt::send(&mut socket, Message::Binary(said.into())).await;
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_portal_of_another_version() {
    let (_home, listening) = home().await;
    let agent = quiet(&listening.url(), TOKEN);
    for (name, subprotocol) in
        [("a_portal_of_another_version", true), ("a_portal_of_another_protocol", false)]
    {
        let address = portal_that_says(subprotocol).await;
        let origin = format!("http://{address}");
        let tenant = vestibule_protocol::id::TenantId([7; 32]);
        let code =
            vestibule_protocol::invite::Invite { secret: [7; 16], tenant, origin: origin.clone() }.code();
        insta::assert_snapshot!(name, redacted(&pairing(&agent, &origin, &code).await));
    }
}

/// R2, R3: the statement is of another tenant, has run out, or was made for another address.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_that_the_portal_does_not_serve() {
    let (_home, listening) = home().await;
    let (portal, _) = invited().await;
    let agent = quiet(&listening.url(), TOKEN);
    let tenant = vestibule_protocol::id::TenantId([7; 32]);
    let origin = portal.origin();
    let code = vestibule_protocol::invite::Invite { secret: [7; 16], tenant, origin: origin.clone() }.code();
    insta::assert_snapshot!(redacted(&pairing(&agent, &origin, &code).await));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_that_was_tampered_with() {
    let (_home, listening) = home().await;
    let (portal, invite) = invited().await;
    let database = rusqlite::Connection::open(portal.data().join("vestibule-portal.db")).unwrap();
    let statement: String = database.query_row("SELECT statement FROM tenant", [], |row| row.get(0)).unwrap();
    let mut envelope: Value = serde_json::from_str(&statement).unwrap();
    let signature = envelope["signatures"][0]["sig"].as_str().unwrap().to_owned();
    let other = if signature.starts_with('A') { 'B' } else { 'A' };
    envelope["signatures"][0]["sig"] = format!("{other}{}", &signature[1..]).into();
    assert_eq!(database.execute("UPDATE tenant SET statement = ?1", [envelope.to_string()]), Ok(1));
    let agent = quiet(&listening.url(), TOKEN);
    insta::assert_snapshot!(redacted(&pairing(&agent, &portal.origin(), &invite.code).await));
}

/// What differs from run to run: the portal's port, and what is random in a pairing.
fn redacted(text: &str) -> String {
    let mut redacted = String::new();
    for line in text.lines() {
        let label =
            ["Words:", "Fingerprint:", "Recovery code:"].iter().find(|label| line.starts_with(**label));
        redacted.push_str(&label.map_or_else(|| line.to_owned(), |label| format!("{label} ‹…›")));
        redacted.push('\n');
    }
    redacted
}
