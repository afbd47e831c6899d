//! A home as the portal sees it.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use ed25519_dalek::SigningKey;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{WebSocketStream, client_async};
use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::consent::{Class, Consent};
use vestibule_protocol::frame;
use vestibule_protocol::id::{Fingerprint, OpaqueId, Thing};
use vestibule_protocol::invite::Invite;
use vestibule_protocol::message::{
    Batch, Buckets, Challenge, Commit, Enrol, EnrolBody, Entries, FromAgent, FromPortal, Hashes, Hello,
    HelloBody, Push, Puts, RefusalCode, SUBPROTOCOL, Want, Welcome, device_signature,
};
use vestibule_protocol::recovery::RecoveryCode;
use vestibule_protocol::schema;
use vestibule_protocol::statement::Statement;
use vestibule_protocol::tree::{Entry, KeyHash, RecordHasher, Root, bucket_hashes};

use super::desk::{Portal, Tenant, random};

/// A home.
#[derive(Clone)]
pub(crate) struct Home {
    pub(crate) tenant: Tenant,
    pub(crate) key: SigningKey,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) consent: Consent,
    pub(crate) session: Option<Fixed<16>>,
    /// The item that the portal has carried out last, as the last welcome said.
    pub(crate) done: Option<Fixed<16>>,
    pub(crate) recovery: RecoveryCode,
    pub(crate) records: BTreeMap<String, String>,
    /// Version of the charter that it has pinned.
    pub(crate) charter: Option<u32>,
}

impl Home {
    pub(crate) fn new(tenant: &Tenant) -> Self {
        let mut consent = Consent::default();
        consent.grant(Class::Structure);
        Self {
            tenant: tenant.clone(),
            key: SigningKey::from_bytes(&random()),
            fingerprint: Fingerprint(random()),
            consent,
            session: None,
            done: None,
            recovery: RecoveryCode::new(random::<20>()),
            records: BTreeMap::new(),
            charter: None,
        }
    }

    /// With this many entities, in structure and, if granted, in names.
    pub(crate) fn furnish(&mut self, entities: u64) {
        for n in 0..entities {
            let id = OpaqueId { thing: Thing::Entity, bits: n.wrapping_mul(0x9e37_79b9_7f4a_7c15) };
            self.records
                .insert(format!("entity/{id}"), format!("{{\"domain\":\"light\",\"ordinal\":{}}}", n + 2));
            if self.consent.grants(Class::Names) {
                self.records
                    .insert(format!("name/{id}"), format!("{{\"name\":\"canary {n} of the house\"}}"));
            }
        }
    }

    pub(crate) fn entries(&self) -> Vec<Entry> {
        let hasher = RecordHasher::default();
        let mut entries: Vec<Entry> = self
            .records
            .iter()
            .map(|(key, body)| (KeyHash::of(key), hasher.hash(key, body.as_bytes())))
            .collect();
        entries.sort_unstable();
        entries
    }

    pub(crate) fn root(&self) -> Root {
        Root::of(schema::VERSION, &self.consent.classes, &bucket_hashes(&self.entries()))
    }

    /// What the API should give.
    pub(crate) fn lines(&self) -> String {
        self.records.iter().map(|(key, body)| format!("{{\"key\":\"{key}\",\"record\":{body}}}\n")).collect()
    }

    /// Enrols and says hello for the first time.
    pub(crate) async fn pair(portal: &Portal, tenant: &Tenant) -> (Self, Link) {
        let mut home = Self::new(tenant);
        let link = home.pair_with(portal).await;
        (home, link)
    }

    pub(crate) async fn pair_with(&mut self, portal: &Portal) -> Link {
        let invite = portal.invite(&self.tenant, "unit 12").await;
        let mut link = Link::open(portal, &self.tenant).await;
        assert_eq!(link.enrol(self, &invite).await.kind(), "enrolled");
        self.connect(portal).await
    }

    /// A link with an accepted hello.
    pub(crate) async fn connect(&mut self, portal: &Portal) -> Link {
        self.connect_welcome(portal).await.0
    }

    pub(crate) async fn connect_welcome(&mut self, portal: &Portal) -> (Link, Welcome) {
        let mut link = Link::open(portal, &self.tenant).await;
        let FromPortal::Welcome(welcome) = link.hello(self).await else { panic!("not welcome") };
        (self.session, self.done) = (Some(welcome.session), welcome.done);
        (link, welcome)
    }
}

/// A connection of a home.
pub(crate) struct Link {
    pub(crate) socket: WebSocketStream<TcpStream>,
    pub(crate) challenge: Challenge,
    /// What the portal said by itself, between answers.
    pub(crate) told: VecDeque<FromPortal>,
}

impl Link {
    pub(crate) async fn open(portal: &Portal, tenant: &Tenant) -> Self {
        Self::reach(portal.running.addr, tenant, portal.now()).await
    }

    /// The same with a portal elsewhere.
    pub(crate) async fn reach(addr: SocketAddr, tenant: &Tenant, now: u64) -> Self {
        let stream = TcpStream::connect(addr).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let mut request = format!("ws://{addr}/v1/link/{}", tenant.id).into_client_request().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", SUBPROTOCOL.parse().unwrap());
        let (socket, response) = client_async(request, stream).await.unwrap();
        assert_eq!(response.headers()["sec-websocket-protocol"], SUBPROTOCOL);
        let mut link = Self {
            socket,
            challenge: Challenge { nonce: Fixed([0; 32]), statement: no_statement() },
            told: VecDeque::new(),
        };
        let FromPortal::Challenge(challenge) = link.receive().await else { panic!("no challenge") };
        Statement::verify(&challenge.statement, &tenant.id, &tenant.origin, now).unwrap();
        link.challenge = challenge;
        link
    }

    pub(crate) async fn enrol(&mut self, home: &Home, invite: &Invite) -> FromPortal {
        let body = serde_json::to_string(&EnrolBody {
            fingerprint: home.fingerprint,
            nonce: Fixed(random()),
            agent: "0.1.0".into(),
            device_key: Fixed(*home.key.verifying_key().as_bytes()),
            secret: Fixed(invite.secret),
            recovery_hash: Fixed(home.recovery.hash()),
        })
        .unwrap();
        let signature = self.sign(home, "enrol", &body);
        self.ask(Enrol { body, signature }).await
    }

    pub(crate) fn hello_body(home: &Home) -> HelloBody {
        HelloBody {
            fingerprint: home.fingerprint,
            nonce: Fixed(random()),
            agent: "0.1.0".into(),
            schema: schema::VERSION,
            session: home.session,
            done: home.done,
            sent: Vec::new(),
            consent: home.consent.clone(),
            charter: home.charter,
            root: Some(home.root()),
        }
    }

    pub(crate) async fn hello(&mut self, home: &Home) -> FromPortal {
        self.hello_with(home, &Self::hello_body(home)).await
    }

    pub(crate) async fn hello_with(&mut self, home: &Home, body: &HelloBody) -> FromPortal {
        let body = serde_json::to_string(body).unwrap();
        let signature = self.sign(home, "hello", &body);
        self.ask(Hello { body, signature }).await
    }

    pub(crate) fn sign(&self, home: &Home, purpose: &str, body: &str) -> Fixed<64> {
        let (tenant, nonce) = (&home.tenant, &self.challenge.nonce.0);
        device_signature(&home.key, purpose, &tenant.id, &tenant.origin, nonce, body)
    }

    pub(crate) async fn send(&mut self, message: impl Into<FromAgent>) {
        let frame = frame::encode(&message.into().to_json().unwrap()).unwrap();
        self.send_raw(frame).await;
    }

    pub(crate) async fn send_raw(&mut self, frame: Vec<u8>) {
        // The portal may have refused and closed already; what it said can still be read.
        let _ = self.socket.send(Message::Binary(frame.into())).await;
    }

    /// The next answer; what the portal says by itself is put aside.
    pub(crate) async fn receive(&mut self) -> FromPortal {
        loop {
            match self.try_receive().await.expect("the link is closed") {
                told if is_told(&told) => self.told.push_back(told),
                answer => return answer,
            }
        }
    }

    /// The next thing that the portal says by itself.
    pub(crate) async fn hear(&mut self) -> FromPortal {
        if let Some(told) = self.told.pop_front() {
            return told;
        }
        self.try_receive().await.expect("the link is closed")
    }

    /// What the portal has said by itself before it answers, which it does in order.
    pub(crate) async fn heard(&mut self, home: &Home) -> Vec<FromPortal> {
        self.buckets(home, false).await;
        self.told.drain(..).collect()
    }

    /// `None` when the portal has closed the link.
    pub(crate) async fn try_receive(&mut self) -> Option<FromPortal> {
        loop {
            let next = tokio::time::timeout(Duration::from_secs(20), self.socket.next());
            match next.await.expect("no answer") {
                Some(Ok(Message::Binary(bytes))) => {
                    return Some(FromPortal::from_json(&frame::decode(&bytes).unwrap()).unwrap());
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                Some(Ok(_)) => {}
            }
        }
    }

    pub(crate) async fn ask(&mut self, message: impl Into<FromAgent>) -> FromPortal {
        self.send(message).await;
        self.receive().await
    }

    /// Sends records and keys to delete on top of what `before` was.
    pub(crate) async fn push(&mut self, before: &Home, after: &Home) -> FromPortal {
        let mut push =
            Push { base: before.root(), root: after.root(), puts: Puts::default(), deletes: Vec::new() };
        for (key, body) in &after.records {
            if before.records.get(key) != Some(body) {
                push.puts.push(key, body.as_bytes()).unwrap();
            }
        }
        push.deletes =
            before.records.keys().filter(|key| !after.records.contains_key(*key)).cloned().collect();
        self.ask(push).await
    }

    pub(crate) async fn buckets(&mut self, home: &Home, whole: bool) -> Want {
        let hashes = Hashes::of_buckets(&bucket_hashes(&home.entries()), whole);
        let answer = self.ask(Buckets { root: home.root(), hashes }).await;
        let FromPortal::Want(want) = answer else { panic!("{answer:?}") };
        want
    }

    /// What is wanted, in batches of so many records; deletes stand in the first.
    pub(crate) fn batches(home: &Home, want: &Want, size: usize) -> Vec<Batch> {
        let lists: BTreeMap<u8, &Entries> =
            want.buckets.iter().map(|(bucket, list)| (*bucket, list)).collect();
        let (mut wanted, mut deletes) = (Vec::new(), Vec::new());
        let hasher = RecordHasher::default();
        for (key, body) in &home.records {
            let place = KeyHash::of(key);
            let theirs = lists.get(&u8::try_from(place.bucket()).unwrap()).map(|list| list.lines().unwrap());
            let hash = hasher.hash(key, body.as_bytes());
            let send = match &theirs {
                None => want.all,
                Some(lines) => !lines.iter().any(|(at, line)| *at == place && Entries::same(line, &hash)),
            };
            if send {
                wanted.push((key, body));
            }
        }
        for list in lists.values() {
            let mine = home.entries();
            deletes.extend(
                list.lines().unwrap().iter().map(|line| line.0).filter(|at| !mine.iter().any(|e| e.0 == *at)),
            );
        }
        let mut batches: Vec<Batch> = wanted
            .chunks(size)
            .zip(0..)
            .map(|(chunk, n)| {
                let mut puts = Puts::default();
                chunk.iter().for_each(|(key, body)| puts.push(key, body.as_bytes()).unwrap());
                Batch { n, puts, deletes: Hashes::default() }
            })
            .collect();
        if batches.is_empty() {
            batches.push(Batch { n: 0, puts: Puts::default(), deletes: Hashes::default() });
        }
        batches[0].deletes = Hashes::of_keys(deletes);
        batches
    }

    /// Anti-entropy from beginning to end.
    pub(crate) async fn sync(&mut self, home: &Home) -> FromPortal {
        let want = self.buckets(home, false).await;
        let batches = Self::batches(home, &want, 500);
        let count = u32::try_from(batches.len()).unwrap();
        for batch in batches.into_iter().skip(want.staged as usize) {
            self.send(batch).await;
        }
        self.ask(Commit { root: home.root(), batches: count }).await
    }
}

fn is_told(message: &FromPortal) -> bool {
    matches!(
        message,
        FromPortal::Charters(_)
            | FromPortal::Deploy(_)
            | FromPortal::Withdraw(_)
            | FromPortal::Ask(_)
            | FromPortal::Reads(_)
    )
}

fn no_statement() -> vestibule_protocol::dsse::Envelope {
    vestibule_protocol::dsse::Envelope {
        payload: String::new(),
        payload_type: String::new(),
        signatures: Vec::new(),
    }
}

/// The reason of a refusal.
pub(crate) fn refused(message: FromPortal) -> RefusalCode {
    let FromPortal::Refusal(refusal) = message else { panic!("not refused: {message:?}") };
    refusal.code
}
