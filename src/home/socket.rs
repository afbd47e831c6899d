//! One WebSocket to Home Assistant: handshake, authentication, whole text frames in and commands out, and signs of life.
//!
//! Library errors become codes here; nothing of them, and no frame, is ever logged.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};

use super::address::Endpoint;
use super::commands::{self, Command, Sentence};
use super::paced::Paced;
use crate::net::{Dial, DialError};
use crate::outbound::reading::HomeTrouble;

/// Largest message, which Home Assistant sends as one frame. 41 000 entities are about 23 MB; the Supervisor's proxy passes 64 MiB.
const MAX_RECEIVE: usize = 64 << 20;
/// Home Assistant and the Supervisor close the socket on messages of 4 MiB and more.
pub(super) const MAX_SEND: usize = (4 << 20) - 1024;
/// The library's buffers. Commands are small and frames get their own memory.
const BUFFER: usize = 16 * 1024;
/// After a frame of this size the library's object is made anew, to give its memory back.
const LARGE: usize = 128 * 1024;
/// Longest wait for the WebSocket handshake, and again for each message of the authentication (Home Assistant's own limit is 10 s).
const PATIENCE: Duration = Duration::from_secs(20);
/// After so long without a byte we ask whether anybody is there, and after as long again we give up. Home Assistant itself pings
/// every 55 s, the Supervisor every 30 s, so on a healthy socket we never ask.
const SILENCE: Duration = Duration::from_secs(60);
/// The oldest version we know how to talk to.
const OLDEST: (u32, u32) = (2024, 3);

/// An authenticated WebSocket.
pub(super) struct Socket {
    /// `None` only while the object is being made anew.
    ws: Option<WebSocketStream<Paced>>,
    last_id: u64,
    heard: Heard,
    /// The last frame was large: make the library's object anew before the next.
    refresh: bool,
}

/// When we last had a sign of life.
struct Heard {
    at: Instant,
    bytes: u64,
    asked: bool,
}

impl Socket {
    /// Connects and authenticates. Also gives Home Assistant's version.
    pub(super) async fn open(dial: &dyn Dial, endpoint: &Endpoint) -> Result<(Self, String), HomeTrouble> {
        let stream = Paced::new(dial.dial(endpoint.target()).await.map_err(unreached)?);
        let handshake = tokio_tungstenite::client_async_with_config(
            endpoint.handshake_url(),
            stream,
            Some(library_config()),
        );
        let (ws, _) =
            timeout(PATIENCE, handshake).await.map_err(|_| HomeTrouble::Silent)?.map_err(|e| refused(&e))?;
        let heard = Heard { at: Instant::now(), bytes: 0, asked: false };
        let mut socket = Self { ws: Some(ws), last_id: 0, heard, refresh: false };
        let version = socket.authenticate(endpoint).await?;
        Ok((socket, version))
    }

    async fn authenticate(&mut self, endpoint: &Endpoint) -> Result<String, HomeTrouble> {
        let mut asked = false;
        loop {
            let text = timeout(PATIENCE, self.receive()).await.map_err(|_| HomeTrouble::Silent)??;
            let message: AuthMessage<'_> =
                serde_json::from_str(&text).map_err(|_| HomeTrouble::NotHomeAssistant)?;
            match message.kind {
                "auth_required" if !asked => {
                    asked = true;
                    check_version(message.ha_version)?;
                    let auth =
                        commands::auth(endpoint.token().reveal()).map_err(|_| HomeTrouble::Protocol)?;
                    self.write(auth).await?;
                }
                "auth_ok" => {
                    check_version(message.ha_version)?;
                    return message.ha_version.map(str::to_owned).ok_or(HomeTrouble::NotHomeAssistant);
                }
                "auth_invalid" => return Err(HomeTrouble::TokenRefused),
                _ => return Err(HomeTrouble::NotHomeAssistant),
            }
        }
    }

    /// Sends a command; gives the id under which its result and its events will come.
    pub(super) async fn send(&mut self, command: &impl Sentence) -> Result<u64, HomeTrouble> {
        let id = self.last_id + 1;
        let text = command.to_json(id).map_err(|_| HomeTrouble::Protocol)?;
        self.last_id = id;
        self.write(text).await?;
        Ok(id)
    }

    /// The next text frame. Can be dropped and called again without losing anything.
    pub(super) async fn receive(&mut self) -> Result<Utf8Bytes, HomeTrouble> {
        self.give_memory_back().await?;
        loop {
            let deadline = self.heard.at + SILENCE;
            let Some(ws) = &mut self.ws else { return Err(HomeTrouble::Protocol) };
            let Ok(message) = timeout_at(deadline, ws.next()).await else {
                self.nothing_heard().await?;
                continue;
            };
            self.heard = Heard { at: Instant::now(), bytes: ws.get_ref().received(), asked: false };
            match message.ok_or(HomeTrouble::Unreachable)?.map_err(|e| broken(&e))? {
                Message::Text(text) => {
                    self.refresh = text.len() >= LARGE;
                    return Ok(text);
                }
                // The library has already queued the answer to a ping; reading on sends it.
                Message::Ping(_) | Message::Pong(_) => {}
                Message::Close(_) => return Err(HomeTrouble::Unreachable),
                Message::Binary(_) | Message::Frame(_) => return Err(HomeTrouble::Protocol),
            }
        }
    }

    async fn nothing_heard(&mut self) -> Result<(), HomeTrouble> {
        let bytes = self.ws.as_ref().map_or(0, |ws| ws.get_ref().received());
        if bytes != self.heard.bytes {
            self.heard = Heard { at: Instant::now(), bytes, asked: false };
            return Ok(());
        }
        if self.heard.asked {
            return Err(HomeTrouble::Silent);
        }
        self.send(&Command::Ping).await?;
        self.heard = Heard { at: Instant::now(), bytes, asked: true };
        Ok(())
    }

    async fn write(&mut self, text: String) -> Result<(), HomeTrouble> {
        if text.len() > MAX_SEND {
            return Err(HomeTrouble::Protocol);
        }
        let ws = self.ws.as_mut().ok_or(HomeTrouble::Protocol)?;
        timeout(SILENCE, ws.send(Message::Text(text.into())))
            .await
            .map_err(|_| HomeTrouble::Silent)?
            .map_err(|e| broken(&e))
    }

    /// Makes the library's object anew after a large frame. Nothing is lost: [`Paced`] holds back every byte of the next frame.
    async fn give_memory_back(&mut self) -> Result<(), HomeTrouble> {
        if !self.refresh {
            return Ok(());
        }
        if let Some(ws) = &mut self.ws {
            timeout(SILENCE, ws.flush()).await.map_err(|_| HomeTrouble::Silent)?.map_err(|e| broken(&e))?;
        }
        if let Some(ws) = self.ws.take() {
            let stream = ws.into_inner();
            // Never waits, so being dropped here cannot leave us without a socket.
            self.ws =
                Some(WebSocketStream::from_raw_socket(stream, Role::Client, Some(library_config())).await);
        }
        self.refresh = false;
        Ok(())
    }
}

/// A message of the authentication phase.
#[derive(Deserialize)]
struct AuthMessage<'a> {
    #[serde(rename = "type", borrow)]
    kind: &'a str,
    #[serde(borrow, default)]
    ha_version: Option<&'a str>,
}

fn library_config() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(BUFFER)
        .write_buffer_size(0)
        .max_message_size(Some(MAX_RECEIVE))
        .max_frame_size(Some(MAX_RECEIVE))
}

/// Versions are `year.month.patch`, with additions such as `.dev2026…` or `b1`.
fn check_version(version: Option<&str>) -> Result<(), HomeTrouble> {
    let mut parts = version.ok_or(HomeTrouble::NotHomeAssistant)?.split('.');
    let mut number = || parts.next().and_then(|part| part.parse::<u32>().ok());
    match (number(), number()) {
        (Some(year), Some(month)) if (year, month) >= OLDEST => Ok(()),
        (Some(_), Some(_)) => Err(HomeTrouble::TooOld),
        _ => Err(HomeTrouble::NotHomeAssistant),
    }
}

/// Why there is no connection.
pub(super) const fn unreached(error: DialError) -> HomeTrouble {
    match error {
        DialError::NameUnknown => HomeTrouble::NameUnknown,
        DialError::Unreachable => HomeTrouble::Unreachable,
        DialError::Tls => HomeTrouble::Tls,
    }
}

/// Why the handshake failed.
fn refused(error: &Error) -> HomeTrouble {
    match error {
        Error::Http(answer) => match answer.status().as_u16() {
            // The Supervisor (and any reverse proxy) while Home Assistant is not running.
            502..=504 => HomeTrouble::NotRunning,
            // Home Assistant answers 403 to addresses it has banned after bad tokens.
            401 | 403 => HomeTrouble::TokenRefused,
            _ => HomeTrouble::NotHomeAssistant,
        },
        Error::Io(_)
        | Error::ConnectionClosed
        | Error::AlreadyClosed
        | Error::Protocol(ProtocolError::HandshakeIncomplete) => HomeTrouble::Unreachable,
        Error::Tls(_) => HomeTrouble::Tls,
        Error::Capacity(_)
        | Error::Protocol(_)
        | Error::WriteBufferFull(_)
        | Error::Utf8(_)
        | Error::AttackAttempt
        | Error::Url(_)
        | Error::HttpFormat(_) => HomeTrouble::NotHomeAssistant,
    }
}

/// Why an open socket failed.
fn broken(error: &Error) -> HomeTrouble {
    match error {
        Error::Io(_)
        | Error::ConnectionClosed
        | Error::AlreadyClosed
        | Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => HomeTrouble::Unreachable,
        Error::Tls(_) => HomeTrouble::Tls,
        Error::Capacity(_)
        | Error::Protocol(_)
        | Error::WriteBufferFull(_)
        | Error::Utf8(_)
        | Error::AttackAttempt
        | Error::Url(_)
        | Error::Http(_)
        | Error::HttpFormat(_) => HomeTrouble::Protocol,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        for good in ["2024.3.0", "2024.3.3", "2026.11.0", "2026.12.0b1", "2027.1.0.dev202611210001"] {
            assert_eq!(check_version(Some(good)), Ok(()), "{good}");
        }
        for old in ["2024.2.5", "2023.12.0", "0.118.5"] {
            assert_eq!(check_version(Some(old)), Err(HomeTrouble::TooOld), "{old}");
        }
        for strange in [None, Some(""), Some("latest"), Some("2026")] {
            assert_eq!(check_version(strange), Err(HomeTrouble::NotHomeAssistant), "{strange:?}");
        }
    }
}
