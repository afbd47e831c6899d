//! A portal that says what the test wants, when the test wants it.

use std::time::Duration;

use ed25519_dalek::SigningKey;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::DuplexStream;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use vestibule::outbound::snapshot::Snapshot;
use vestibule_protocol::bytes::Fixed;
use vestibule_protocol::consent::Class;
use vestibule_protocol::dsse::Envelope;
use vestibule_protocol::frame;
use vestibule_protocol::id::TenantId;
use vestibule_protocol::invite::Invite;
use vestibule_protocol::message::{
    Ack, Challenge, Enrolled, FromAgent, FromPortal, HelloBody, SUBPROTOCOL, Want, Welcome,
};
use vestibule_protocol::schema;
use vestibule_protocol::statement::Statement;
use vestibule_protocol::tree::Root;

use super::pipes::Arriving;
use super::world::{ORIGIN, World};
use crate::support::signing::ROOT;

/// Longest wait for the agent to come or to answer, on the test's clock.
const PATIENCE: Duration = Duration::from_secs(26 * 3600);
/// An agent that has said nothing for so long has nothing to say.
const QUIET: Duration = Duration::from_secs(20);

/// The portal.
pub(super) struct Hostile {
    pub(super) root: SigningKey,
    pub(super) key: SigningKey,
    arriving: Arriving,
}

/// One connection of the agent.
pub(super) struct Peer {
    ws: WebSocketStream<DuplexStream>,
    /// Of the challenge that was sent last.
    pub(super) nonce: [u8; 32],
}

impl Hostile {
    /// Answers whoever the agent of this world dials from now on.
    pub(super) fn start(world: &World) -> Self {
        Self {
            root: SigningKey::from_bytes(&ROOT),
            key: SigningKey::from_bytes(&[10; 32]),
            arriving: world.to_portal.answer(),
        }
    }

    /// Paired with the agent of a world, whose first link is on its way.
    pub(super) async fn paired_with(world: &World) -> Self {
        let mut portal = Self::start(world);
        let invite = portal.invite();
        let enrol = async {
            // The first connection shows the owner who is there; the second enrols.
            portal.accept().await.challenge(&portal_statement(&SigningKey::from_bytes(&ROOT))).await;
            let mut peer = portal.accept().await;
            peer.challenge(&portal_statement(&SigningKey::from_bytes(&ROOT))).await;
            assert!(matches!(peer.hear().await, Some(FromAgent::Enrol(_))));
            peer.say(Enrolled {}).await;
        };
        let (paired, ()) = tokio::join!(world.pair(&invite), enrol);
        paired.unwrap();
        portal
    }

    pub(super) fn tenant(&self) -> TenantId {
        TenantId::of_root_key(self.root.verifying_key().as_bytes())
    }

    pub(super) fn invite(&self) -> String {
        Invite { secret: [8; 16], tenant: self.tenant(), origin: ORIGIN.into() }.code()
    }

    /// A statement that is to be believed.
    pub(super) fn statement(&self) -> Envelope {
        portal_statement(&self.root)
    }

    /// The agent's next connection, upgraded.
    pub(super) async fn accept(&mut self) -> Peer {
        loop {
            let stream = timeout(PATIENCE, self.arriving.next()).await.expect("the agent does not come");
            #[expect(clippy::result_large_err, reason = "the library's type")]
            let choose = |_: &Request, mut response: Response| {
                response.headers_mut().insert("Sec-WebSocket-Protocol", SUBPROTOCOL.parse().unwrap());
                Ok(response)
            };
            // A connection that the agent has given up already is none.
            if let Ok(ws) = tokio_tungstenite::accept_hdr_async(stream, choose).await {
                return Peer { ws, nonce: [0; 32] };
            }
        }
    }

    /// The agent's next connection, up to its hello.
    pub(super) async fn greet(&mut self) -> (Peer, HelloBody) {
        loop {
            let statement = self.statement();
            let mut peer = self.accept().await;
            peer.challenge(&statement).await;
            if let Some(FromAgent::Hello(hello)) = peer.hear().await {
                return (peer, serde_json::from_str(&hello.body).unwrap());
            }
        }
    }

    /// The agent's next connection, welcomed with this root.
    pub(super) async fn welcome(&mut self, root: Root) -> (Peer, HelloBody) {
        let (mut peer, hello) = self.greet().await;
        peer.say(welcome(root)).await;
        (peer, hello)
    }

    /// The agent's next connection, in sync with whatever the agent holds.
    pub(super) async fn in_sync(&mut self) -> Peer {
        let (mut peer, hello) = self.greet().await;
        // An agent that cannot read its home yet announces nothing, and tells by buckets later.
        match hello.root {
            Some(root) => peer.say(welcome(root)).await,
            None => {
                peer.say(welcome(empty_root(&hello.consent.classes))).await;
                peer.take_everything().await;
            }
        }
        peer
    }
}

impl Peer {
    /// Says something.
    pub(super) async fn say(&mut self, message: impl Into<FromPortal>) {
        let json = message.into().to_json().unwrap();
        self.raw(frame::encode(&json).unwrap()).await;
    }

    /// Sends these bytes as a frame.
    pub(super) async fn raw(&mut self, bytes: Vec<u8>) {
        // An agent that has hung up shows when it is listened to.
        let _ = self.ws.send(Message::Binary(bytes.into())).await;
    }

    pub(super) async fn ping(&mut self) {
        let _ = self.ws.send(Message::Ping(Vec::new().into())).await;
    }

    /// Sends a challenge with a fresh nonce.
    pub(super) async fn challenge(&mut self, statement: &Envelope) {
        getrandom::fill(&mut self.nonce).unwrap();
        self.say(Challenge { nonce: Fixed(self.nonce), statement: statement.clone() }).await;
    }

    /// What the agent says next; `None` when it has hung up.
    pub(super) async fn hear(&mut self) -> Option<FromAgent> {
        timeout(PATIENCE, self.next()).await.expect("the agent neither speaks nor hangs up")
    }

    /// That the agent hangs up without another word.
    pub(super) async fn hear_nothing(&mut self) {
        let heard = self.hear().await;
        assert!(heard.is_none(), "the agent says {heard:?}");
    }

    /// That the agent listens, and is silent.
    pub(super) async fn hear_silence(&mut self) {
        let heard = timeout(QUIET, self.next()).await;
        assert!(heard.is_err(), "the agent is not silent: {heard:?}");
    }

    async fn next(&mut self) -> Option<FromAgent> {
        loop {
            match self.ws.next().await {
                Some(Ok(Message::Binary(bytes))) => {
                    return Some(FromAgent::from_json(&frame::decode(&bytes).unwrap()).unwrap());
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Text(_) | Message::Close(_) | Message::Frame(_)) | Err(_)) | None => {
                    return None;
                }
            }
        }
    }

    /// Hears until the agent sends its buckets; gives their root and length.
    pub(super) async fn hear_buckets(&mut self) -> Option<(Root, usize)> {
        loop {
            let message = self.hear().await?;
            if let FromAgent::Buckets(buckets) = message {
                return Some((buckets.root, buckets.hashes.0.0.len()));
            }
            assert!(matches!(message, FromAgent::ConsentChanged(_)), "not buckets: {message:?}");
        }
    }

    /// Hears until the agent commits; gives how many records came.
    pub(super) async fn hear_transfer(&mut self) -> Option<usize> {
        let mut records = 0;
        loop {
            let message = self.hear().await?;
            if let FromAgent::Batch(batch) = &message {
                records += batch.puts.iter().count();
            } else {
                assert!(matches!(message, FromAgent::Commit(_)), "neither batch nor commit: {message:?}");
                return Some(records);
            }
        }
    }

    /// Wants everything and acknowledges it.
    pub(super) async fn take_everything(&mut self) -> Option<usize> {
        let (root, _) = self.hear_buckets().await?;
        self.say(Want { all: true, ..Want::default() }).await;
        let records = self.hear_transfer().await?;
        self.say(Ack { root }).await;
        Some(records)
    }
}

/// A welcome with a fresh session token.
pub(super) fn welcome(root: Root) -> Welcome {
    let mut session = [0; 16];
    getrandom::fill(&mut session).unwrap();
    Welcome {
        root,
        schema: schema::VERSION,
        sequence: 0,
        session: Fixed(session),
        done: None,
        restored: false,
        cloned: false,
    }
}

/// What a portal holds that holds nothing.
pub(super) fn empty_root(classes: &[Class]) -> Root {
    Snapshot::default().root(schema::VERSION, classes)
}

/// A root that is nobody's.
pub(super) fn strange_root() -> Root {
    Root(Fixed([0x77; 16]))
}

fn portal_statement(root: &SigningKey) -> Envelope {
    let statement = Statement {
        name: "Hostile Dashboards".into(),
        origin: ORIGIN.into(),
        portal_key: Fixed(*SigningKey::from_bytes(&[10; 32]).verifying_key().as_bytes()),
        root_key: Fixed(*root.verifying_key().as_bytes()),
        issued: 0,
        expires: 4_000_000_000,
    };
    statement.sign(root).unwrap()
}
