//! `/v1/events`: what happens as it happens, and again from where a reader stopped.

use super::agent::Home;
use super::company::{Company, report};
use super::desk::{DAY, Portal};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use vestibule_protocol::message::ReportState;

struct Stream(BufReader<TcpStream>);

impl Stream {
    async fn open(portal: &Portal, token: &str, last: Option<u64>) -> Self {
        let mut stream = TcpStream::connect(portal.running.addr).await.unwrap();
        let last = last.map_or(String::new(), |last| format!("Last-Event-ID: {last}\r\n"));
        let request =
            format!("GET /v1/events HTTP/1.1\r\nHost: portal\r\nAuthorization: Bearer {token}\r\n{last}\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut stream = Self(BufReader::new(stream));
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            stream.0.read_line(&mut head).await.unwrap();
        }
        assert!(head.contains("200 OK") && head.contains("text/event-stream"), "{head}");
        stream
    }

    /// Number, kind and body of the next event; `None` at the end.
    async fn next(&mut self) -> Option<(Option<u64>, String, Value)> {
        let (mut n, mut kind, mut line) = (None, String::new(), String::new());
        loop {
            line.clear();
            let reading =
                tokio::time::timeout(std::time::Duration::from_secs(20), self.0.read_line(&mut line));
            if reading.await.expect("no event").unwrap_or(0) == 0 {
                return None;
            }
            if let Some(id) = line.strip_prefix("id: ") {
                n = Some(id.trim().parse().unwrap());
            } else if let Some(name) = line.strip_prefix("event: ") {
                name.trim().clone_into(&mut kind);
            } else if let Some(data) = line.strip_prefix("data: ") {
                return Some((n, kind, serde_json::from_str(data).unwrap()));
            }
        }
    }

    async fn states(&mut self, count: usize) -> Vec<String> {
        let mut states = Vec::new();
        while states.len() < count {
            let (_, kind, body) = self.next().await.unwrap();
            if kind == "deployment" {
                states.push(body["state"].as_str().unwrap().to_owned());
            }
        }
        states
    }
}

#[tokio::test]
async fn events_come_live_and_again_from_where_a_reader_stopped() {
    let portal = Portal::start().await;
    let (company, other) = (Company::new(&portal, 1).await, Company::new(&portal, 2).await);
    let mut stream = Stream::open(&portal, &company.viewer, None).await;
    let (home, mut link) = Home::pair(&portal, &company.tenant).await;
    let (_, kind, body) = stream.next().await.unwrap();
    assert_eq!((kind.as_str(), &body["connected"]), ("home", &true.into()));
    assert_eq!(body["instance"], home.fingerprint.to_string());
    let (foreign, _foreign_link) = Home::pair(&portal, &other.tenant).await;
    other.deploy(&portal, &foreign, 1).await;
    let id = company.deploy(&portal, &home, 1).await;
    link.ask(report(id, ReportState::Refused, Some("not_granted"))).await;
    let (n, kind, body) = stream.next().await.unwrap();
    assert_eq!(
        (kind.as_str(), &body["state"], &body["id"]),
        ("deployment", &"draft".into(), &id.to_string().into())
    );
    let rest = ["approved", "queued", "delivered", "refused"];
    assert_eq!(stream.states(4).await, rest, "nothing of the other tenant");
    let mut again = Stream::open(&portal, &company.author, n).await;
    assert_eq!(again.states(4).await, rest);
    assert_eq!(
        portal.request("GET", "/v1/events", &company.viewer, "Last-Event-ID: x\r\n", "").await.status,
        400
    );
    portal.pass(8 * DAY);
    vestibule_portal::serve::upkeep::run(&portal.running.app, 1000).await.unwrap();
    let mut late = Stream::open(&portal, &company.author, n).await;
    assert_eq!(late.next().await.unwrap().1, "reset");
    drop(link);
    let (_, kind, body) = late.next().await.unwrap();
    assert_eq!((kind.as_str(), &body["connected"]), ("home", &false.into()));
    let gone = |tx: &vestibule_portal::store::Tx<'_>| {
        tx.db.execute("DELETE FROM staff WHERE role = 'viewer'", [])?;
        Ok(())
    };
    portal.running.app.store.write(gone).await.unwrap();
    portal.running.app.live.stored();
    while stream.next().await.is_some() {}
    portal.running.stop().await;
    assert!(late.next().await.is_none(), "it ends with the program");
}
