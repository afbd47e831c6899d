//! A portal in a folder of its own with a clock that tests set, and the operator's side of it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ed25519_dalek::SigningKey;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use vestibule_portal::role::Role;
use vestibule_portal::serve::{Options, Running, start};
use vestibule_portal::store::{invites, staff, tenants};
use vestibule_portal::world::World;
use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::id::TenantId;
use vestibule_protocol::invite::Invite;
use vestibule_protocol::statement::Statement;

pub(crate) const DAY: u64 = 24 * 3600;

/// A portal.
pub(crate) struct Portal {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) clock: Arc<AtomicU64>,
    pub(crate) running: Running,
}

/// A tenant of it.
#[derive(Clone)]
pub(crate) struct Tenant {
    pub(crate) id: TenantId,
    pub(crate) origin: String,
}

/// An answer to a request.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: String,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

fn options(folder: &Path, clock: &Arc<AtomicU64>) -> Options {
    let clock = Arc::clone(clock);
    let world = World::with(move || clock.load(Ordering::SeqCst), |bytes| getrandom::fill(bytes).is_ok());
    Options { world, origin: Some("http://127.0.0.1:1".into()), ..Options::local(folder.to_owned()) }
}

impl Portal {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(AtomicU64::new(1_800_000_000));
        let running = start(options(folder.path(), &clock)).await.unwrap();
        Self { folder, clock, running }
    }

    pub(crate) async fn restart(self) -> Self {
        self.restart_after(|_| ()).await
    }

    /// Stops, lets something happen to the folder, and starts again.
    pub(crate) async fn restart_after(self, meanwhile: impl FnOnce(&Path)) -> Self {
        let Self { folder, clock, running } = self;
        running.stop().await;
        meanwhile(folder.path());
        let running = start(options(folder.path(), &clock)).await.unwrap();
        Self { folder, clock, running }
    }

    pub(crate) fn pass(&self, seconds: u64) {
        self.clock.fetch_add(seconds, Ordering::SeqCst);
    }

    pub(crate) fn now(&self) -> u64 {
        self.clock.load(Ordering::SeqCst)
    }

    pub(crate) async fn tenant(&self, seed: u8) -> Tenant {
        let root = SigningKey::from_bytes(&[seed; 32]);
        let id = TenantId::of_root_key(root.verifying_key().as_bytes());
        let origin = self.running.origin.clone();
        let statement = Statement {
            name: format!("Company {seed}"),
            origin: origin.clone(),
            portal_key: Fixed(*self.running.app.key.verifying_key().as_bytes()),
            root_key: Fixed(*root.verifying_key().as_bytes()),
            issued: self.now(),
            expires: self.now() + 1000 * DAY,
        }
        .sign(&root)
        .unwrap();
        let write = move |tx: &vestibule_portal::store::Tx<'_>| tenants::put(tx, &id, "Company", &statement);
        self.running.app.store.write(write).await.unwrap();
        Tenant { id, origin }
    }

    pub(crate) async fn invite(&self, tenant: &Tenant, label: &'static str) -> Invite {
        let secret: [u8; 16] = random();
        let id = tenant.id;
        self.running
            .app
            .store
            .write(move |tx| invites::add(tx, tenants::get(tx.db, &id)?.id, &secret, Some(label)))
            .await
            .unwrap();
        Invite { secret, tenant: tenant.id, origin: tenant.origin.clone() }
    }

    pub(crate) async fn staff(&self, tenant: &Tenant, role: Role) -> String {
        let token = Fixed(random::<32>()).to_string();
        let (id, secret) = (tenant.id, token.clone());
        self.running
            .app
            .store
            .write(move |tx| {
                staff::add(
                    tx,
                    tenants::get(tx.db, &id)?.id,
                    &format!("{role} {}", Fixed(random::<4>())),
                    role,
                    &secret,
                )
            })
            .await
            .unwrap();
        token
    }

    pub(crate) async fn get(&self, path: &str, token: &str) -> Reply {
        self.request("GET", path, token, "", "").await
    }

    pub(crate) async fn post(&self, path: &str, token: &str, body: &impl serde::Serialize) -> Reply {
        self.request("POST", path, token, "", &serde_json::to_string(body).unwrap()).await
    }

    pub(crate) async fn request(
        &self,
        method: &str,
        path: &str,
        token: &str,
        headers: &str,
        body: &str,
    ) -> Reply {
        let mut stream = TcpStream::connect(self.running.addr).await.unwrap();
        let token =
            if token.is_empty() { String::new() } else { format!("Authorization: Bearer {token}\r\n") };
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: portal\r\nConnection: close\r\n{token}{headers}Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.unwrap();
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
        let headers = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let status = headers.split(' ').nth(1).unwrap().parse().unwrap();
        Reply { status, headers, body: bytes[end + 4..].to_vec() }
    }
}

pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).unwrap();
    bytes
}

/// Whether a text stands in any file under a folder.
pub(crate) fn files_with(folder: &Path, text: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        if bytes.windows(text.len()).any(|window| window == text) {
            found.push(path.file_name().unwrap().to_string_lossy().into_owned());
        }
    }
    found
}
