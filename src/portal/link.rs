//! One connection to the portal: dialling, the upgrade, frames in and out, and the ledger around both.
//!
//! Nothing is sent that is not already in the ledger, durably, exactly as sent (promise 2, R25): a frame is appended first, then sent, then
//! marked; the mark becomes durable with the next row.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use vestibule_protocol::id::TenantId;
use vestibule_protocol::message::{FromAgent, FromPortal, LINK_PATH, SUBPROTOCOL};
use vestibule_protocol::{frame, limits};

use super::origin::Origin;
use super::recorder::Recorder;
use crate::kill::kill_point;
use crate::net::{BoxedStream, Dial, DialError};
use crate::store::{Mark, StoreError};

/// The library's buffers: messages are small, and large ones get their own memory.
const BUFFER: usize = 8 * 1024;
/// Longest wait for the upgrade's answer.
const PATIENCE: Duration = Duration::from_secs(20);
/// Frames waiting to be sent; batches are large, so only few.
const QUEUE: usize = 4;
/// Above this size compression leaves the loop's thread.
const HEAVY: usize = 64 << 10;

/// Why there is no link. Codes only (R17).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkTrouble {
    /// No connection.
    Dial(DialError),
    /// Something answers, but not with this protocol.
    NotAPortal,
    /// The portal does not serve this tenant.
    UnknownTenant,
    /// The connection ended, or was silent for too long.
    Lost,
    /// The portal sent something that cannot be read.
    Protocol,
    /// The ledger is full of rows younger than 90 days: sending pauses (R26).
    LedgerFull,
    /// The ledger cannot be written: then nothing is sent.
    Ledger,
}

/// What the loop gives to the link.
#[derive(Debug)]
pub enum ToLink {
    /// A message to encode and send.
    Message(FromAgent),
    /// A message already encoded: a batch, rendered and compressed elsewhere.
    Frame(&'static str, Vec<u8>),
}

/// What the link tells the loop.
#[derive(Debug)]
pub enum FromLink {
    /// A message of the portal.
    Message(FromPortal),
    /// The link is gone; nothing more comes.
    Closed(LinkTrouble),
}

/// A running link; dropping it cuts the connection at once, with whatever was queued.
#[derive(Debug)]
pub struct Link {
    to: mpsc::Sender<ToLink>,
    from: mpsc::Receiver<FromLink>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Link {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Link {
    /// Starts connecting.
    #[must_use]
    pub fn start(dial: Arc<dyn Dial>, origin: Origin, tenant: TenantId, ledger: Recorder) -> Self {
        let (to, outgoing) = mpsc::channel(QUEUE);
        let (events, from) = mpsc::channel(QUEUE);
        let task = tokio::spawn(async move {
            let trouble = match run(dial.as_ref(), &origin, &tenant, ledger, outgoing, &events).await {
                Ok(never) => match never {},
                Err(trouble) => trouble,
            };
            let _ = events.send(FromLink::Closed(trouble)).await;
        });
        Self { to, from, task }
    }

    /// Queues a message; waits while the queue is full. A link that is gone says so by [`FromLink::Closed`].
    pub async fn send(&self, message: ToLink) {
        let _ = self.to.send(message).await;
    }

    /// Ends the link, and waits until nothing of it can reach the ledger any more.
    pub async fn end(mut self) {
        self.task.abort();
        let _ = (&mut self.task).await;
    }

    /// A sender of its own, for a task that renders batches.
    #[must_use]
    pub fn sender(&self) -> mpsc::Sender<ToLink> {
        self.to.clone()
    }

    /// The next thing the link has to tell.
    pub async fn next(&mut self) -> FromLink {
        self.from.recv().await.unwrap_or(FromLink::Closed(LinkTrouble::Lost))
    }
}

enum Never {}

async fn run(
    dial: &dyn Dial,
    origin: &Origin,
    tenant: &TenantId,
    ledger: Recorder,
    mut outgoing: mpsc::Receiver<ToLink>,
    events: &mpsc::Sender<FromLink>,
) -> Result<Never, LinkTrouble> {
    let stream = dial.dial(origin.target()).await.map_err(LinkTrouble::Dial)?;
    let mut socket =
        timeout(PATIENCE, upgrade(stream, origin, tenant)).await.map_err(|_| LinkTrouble::NotAPortal)??;
    let mut heard = Instant::now();
    loop {
        let silence = heard + Duration::from_secs(limits::SILENCE_SECONDS);
        tokio::select! {
            biased;
            incoming = timeout_at(silence, socket.next()) => {
                let incoming = incoming.map_err(|_| LinkTrouble::Lost)?.ok_or(LinkTrouble::Lost)?;
                heard = Instant::now();
                if let Some(message) = receive(incoming, &ledger).await? {
                    let _ = events.send(FromLink::Message(message)).await;
                }
            }
            message = outgoing.recv() => {
                let Some(message) = message else { return Err(LinkTrouble::Lost) };
                send(&mut socket, message, &ledger).await?;
            }
        }
    }
}

/// The upgrade request: always the same headers (documented in `docs/protocol.md`), and no cookie, agent string or origin.
async fn upgrade(
    stream: BoxedStream,
    origin: &Origin,
    tenant: &TenantId,
) -> Result<WebSocketStream<BoxedStream>, LinkTrouble> {
    let scheme = if origin.target().tls { "wss" } else { "ws" };
    let request = http::Request::get(format!("{scheme}://{}{LINK_PATH}{tenant}", origin.host_header()))
        .header("Host", origin.host_header())
        .header("Connection", "Upgrade")
        .header("Upgrade", "websocket")
        .header("Sec-WebSocket-Version", "13")
        .header("Sec-WebSocket-Key", tokio_tungstenite::tungstenite::handshake::client::generate_key())
        .header("Sec-WebSocket-Protocol", SUBPROTOCOL)
        .body(())
        .map_err(|_| LinkTrouble::NotAPortal)?;
    let config = WebSocketConfig::default()
        .read_buffer_size(BUFFER)
        .write_buffer_size(0)
        .max_message_size(Some(limits::FRAME_WIRE))
        .max_frame_size(Some(limits::FRAME_WIRE));
    match tokio_tungstenite::client_async_with_config(request, stream, Some(config)).await {
        Ok((socket, _)) => Ok(socket),
        Err(Error::Http(answer)) if answer.status() == http::StatusCode::NOT_FOUND => {
            Err(LinkTrouble::UnknownTenant)
        }
        Err(Error::Http(answer)) if answer.status().is_server_error() => Err(LinkTrouble::Lost),
        Err(Error::Io(_) | Error::ConnectionClosed | Error::AlreadyClosed) => Err(LinkTrouble::Lost),
        Err(_) => Err(LinkTrouble::NotAPortal),
    }
}

async fn receive(
    incoming: Result<Message, Error>,
    ledger: &Recorder,
) -> Result<Option<FromPortal>, LinkTrouble> {
    match incoming.map_err(|_| LinkTrouble::Lost)? {
        Message::Binary(frame) => {
            let message = frame::decode(&frame)
                .map_err(|_| LinkTrouble::Protocol)
                .and_then(|json| FromPortal::from_json(&json).map_err(|_| LinkTrouble::Protocol));
            // What cannot be read is kept too: the owner sees every byte.
            let kind = message.as_ref().map_or("unreadable", FromPortal::kind);
            ledger.received(kind, frame.into()).await.map_err(|error| trouble(&error))?;
            message.map(Some)
        }
        // The library has queued the pong; the next poll sends it.
        Message::Ping(_) | Message::Pong(_) => Ok(None),
        Message::Close(_) => Err(LinkTrouble::Lost),
        Message::Text(_) | Message::Frame(_) => Err(LinkTrouble::Protocol),
    }
}

async fn send(
    socket: &mut WebSocketStream<BoxedStream>,
    message: ToLink,
    ledger: &Recorder,
) -> Result<(), LinkTrouble> {
    let (kind, frame) = match message {
        ToLink::Frame(kind, frame) => (kind, frame),
        ToLink::Message(message) => (message.kind(), encode(message).await?),
    };
    let frame = Arc::new(frame);
    let row = ledger.about_to_send(kind, &frame).await.map_err(|error| trouble(&error))?;
    kill_point("link.recorded");
    // From here on the frame may be on the wire, whatever happens; until the library says it is flushed nobody knows.
    let bytes = Arc::try_unwrap(frame).unwrap_or_else(|shared| (*shared).clone());
    let sent =
        timeout(Duration::from_secs(limits::SILENCE_SECONDS), socket.send(Message::Binary(bytes.into())))
            .await;
    let sent = matches!(sent, Ok(Ok(())));
    ledger.mark(row, if sent { Mark::Sent } else { Mark::Unknown });
    kill_point("link.sent");
    if sent { Ok(()) } else { Err(LinkTrouble::Lost) }
}

async fn encode(message: FromAgent) -> Result<Vec<u8>, LinkTrouble> {
    let json = message.to_json().map_err(|_| LinkTrouble::Protocol)?;
    // A simulation has only one thread.
    let alone = Handle::current().runtime_flavor() == RuntimeFlavor::CurrentThread;
    if json.len() < HEAVY || alone {
        return frame::encode(&json).map_err(|_| LinkTrouble::Protocol);
    }
    let encoded = tokio::task::spawn_blocking(move || frame::encode(&json)).await;
    encoded.map_err(|_| LinkTrouble::Protocol)?.map_err(|_| LinkTrouble::Protocol)
}

fn trouble(error: &StoreError) -> LinkTrouble {
    if matches!(error, StoreError::LedgerFull { .. }) { LinkTrouble::LedgerFull } else { LinkTrouble::Ledger }
}
