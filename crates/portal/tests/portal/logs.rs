//! Logs say what happened in codes, never who or where (R17, promise 3).

use std::io::Write;
use std::sync::{Arc, Mutex};

use super::agent::{Home, Link};
use super::desk::Portal;
use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::message::Erase;

#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn r17_logs_hold_codes_only() {
    let sink = Sink::default();
    let writer = sink.clone();
    let log = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::with_default(log, || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let portal = Portal::start().await;
            let tenant = portal.tenant(1).await;
            let (mut home, mut link) = Home::pair(&portal, &tenant).await;
            home.furnish(3);
            link.sync(&home).await;
            link.ask(Erase { id: Fixed([1; 16]), only: None }).await;
            Link::open(&portal, &tenant).await.send_raw(vec![7]).await;
            portal.get("/v1/instances", "wrong").await;
            let secrets = [
                home.fingerprint.to_string(),
                tenant.id.to_string(),
                home.root().to_string(),
                "entity/".into(),
            ];
            let port = portal.running.addr.port().to_string();
            portal.running.stop().await;
            let bytes = sink.0.lock().unwrap().clone();
            let log = String::from_utf8(bytes).unwrap();
            let own: Vec<&str> = log.lines().filter(|line| line.contains("vestibule_portal")).collect();
            assert!(own.iter().any(|line| line.contains("stopped")), "{log}");
            for line in own {
                for secret in &secrets {
                    assert!(!line.contains(secret.as_str()), "{line}");
                }
                assert!(!line.contains("127.0.0.1") && !line.contains(&format!(":{port}")), "{line}");
            }
        });
    });
}
