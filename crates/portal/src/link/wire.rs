//! Frames in and out of one WebSocket.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::ws::{Message, WebSocket};
use vestibule_protocol::frame;
use vestibule_protocol::limits::SILENCE_SECONDS;
use vestibule_protocol::message::{FromAgent, FromPortal, RefusalCode};

use super::End;

/// How long closing may take.
const CLOSE: Duration = Duration::from_secs(2);

/// What arrived.
pub(super) enum Incoming {
    /// One binary frame.
    Frame(Bytes),
    /// A sign of life.
    Alive,
    /// The answer to a ping, with what the ping carried: everything sent before it has arrived.
    Pong(Bytes),
}

/// One side of a WebSocket.
pub(super) struct Wire {
    socket: WebSocket,
}

impl Wire {
    pub(super) fn new(socket: WebSocket) -> Self {
        Self { socket }
    }

    /// Sends one message; a home that does not take it for too long is gone.
    pub(super) async fn send(&mut self, message: impl Into<FromPortal>) -> Result<(), End> {
        let json = message.into().to_json().map_err(|_| End::Closed)?;
        let frame = frame::encode(&json).map_err(|_| End::Refused(RefusalCode::Unavailable, None))?;
        self.write(Message::Binary(frame.into())).await
    }

    pub(super) async fn ping(&mut self) -> Result<(), End> {
        self.ping_with(Bytes::new()).await
    }

    /// A ping whose answer brings `bytes` back.
    pub(super) async fn ping_with(&mut self, bytes: Bytes) -> Result<(), End> {
        self.write(Message::Ping(bytes)).await
    }

    async fn write(&mut self, message: Message) -> Result<(), End> {
        let sending = self.socket.send(message);
        match tokio::time::timeout(Duration::from_secs(SILENCE_SECONDS), sending).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(End::Closed),
        }
    }

    /// Whatever comes next; may be dropped at any time without losing anything.
    pub(super) async fn next(&mut self) -> Result<Incoming, End> {
        match self.socket.recv().await {
            Some(Ok(Message::Binary(frame))) => Ok(Incoming::Frame(frame)),
            Some(Ok(Message::Ping(_))) => Ok(Incoming::Alive),
            Some(Ok(Message::Pong(bytes))) => Ok(Incoming::Pong(bytes)),
            Some(Ok(Message::Text(_))) => Err(RefusalCode::BadMessage.into()),
            // Larger than allowed, or not the WebSocket protocol: the socket cannot be read any further.
            Some(Err(_)) => Err(RefusalCode::BadMessage.into()),
            Some(Ok(Message::Close(_))) | None => Err(End::Closed),
        }
    }

    /// The next frame, signs of life left out.
    pub(super) async fn next_frame(&mut self) -> Result<Incoming, End> {
        loop {
            let incoming = self.next().await?;
            if matches!(incoming, Incoming::Frame(_)) {
                return Ok(incoming);
            }
        }
    }

    pub(super) async fn close(mut self) {
        let closing = async {
            let _ = self.socket.send(Message::Close(None)).await;
            while let Some(Ok(_)) = self.socket.recv().await {}
        };
        let _ = tokio::time::timeout(CLOSE, closing).await;
    }
}

/// The message in a frame.
pub(super) fn read(frame: &[u8]) -> Result<FromAgent, RefusalCode> {
    let json = frame::decode(frame).map_err(|_| RefusalCode::BadMessage)?;
    FromAgent::from_json(&json).map_err(|_| RefusalCode::BadMessage)
}
