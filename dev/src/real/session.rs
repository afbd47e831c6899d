//! One WebSocket connection to Home Assistant: commands, their results, and events.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use super::RealError;

/// No command we send takes longer, on the biggest house.
const ANSWER_WITHIN: Duration = Duration::from_secs(120);
/// How many commands wait for an answer at a time in [`Session::call_all`]; Home Assistant cuts at 4096 waiting messages.
const WINDOW: usize = 200;

/// A WebSocket session that has said who it is.
#[derive(Debug)]
pub struct Session {
    socket: WebSocketStream<TcpStream>,
    last_id: u64,
    events: VecDeque<Value>,
}

impl Session {
    /// Connects and authenticates.
    ///
    /// # Errors
    /// When nothing answers, or the token is refused.
    pub async fn open(port: u16, token: &str) -> Result<Self, RealError> {
        let stream = TcpStream::connect(("127.0.0.1", port))
            .await
            .map_err(RealError::file("connecting to Home Assistant"))?;
        // One registry list is one frame of any size.
        let config = WebSocketConfig::default().max_message_size(None).max_frame_size(None);
        let address = format!("ws://127.0.0.1:{port}/api/websocket");
        let (socket, _) = client_async_with_config(address, stream, Some(config)).await.map_err(broken)?;
        let mut session = Self { socket, last_id: 0, events: VecDeque::new() };
        session.write(&json!({"type": "auth", "access_token": token})).await?;
        loop {
            let message = session.read(ANSWER_WITHIN).await?;
            match message["type"].as_str() {
                Some("auth_ok") => return Ok(session),
                Some("auth_required") => {}
                _ => return Err(RealError::Broken(format!("Home Assistant did not let us in: {message}"))),
            }
        }
    }

    /// Sends one command (without `id`) and returns its result. Events that come meanwhile are kept.
    ///
    /// # Errors
    /// [`RealError::Refused`] with Home Assistant's code; others when it does not answer.
    pub async fn call(&mut self, command: Value) -> Result<Value, RealError> {
        let name = name_of(&command);
        let id = self.send(command).await?;
        loop {
            let message = self.read(ANSWER_WITHIN).await?;
            if message["id"] == id && message["type"] != "event" {
                return result_of(name, message);
            }
            self.events.push_back(message);
        }
    }

    /// The same, with the result exactly as Home Assistant spells it: order of keys, numbers and all.
    ///
    /// # Errors
    /// As [`Session::call`].
    pub async fn call_text(&mut self, command: Value) -> Result<String, RealError> {
        #[derive(Deserialize)]
        struct Spelled<'m> {
            #[serde(borrow)]
            result: &'m RawValue,
        }
        let name = name_of(&command);
        let id = self.send(command).await?;
        loop {
            let text = self.read_text(ANSWER_WITHIN).await?;
            let message: Value = serde_json::from_str(&text).map_err(broken)?;
            if message["id"] == id && message["type"] != "event" {
                result_of(name, message)?;
                let spelled: Spelled<'_> = serde_json::from_str(&text).map_err(broken)?;
                return Ok(spelled.result.get().to_owned());
            }
            self.events.push_back(message);
        }
    }

    /// Sends many commands without waiting for each, and returns their results in the same order.
    ///
    /// # Errors
    /// When the connection fails; a refused command is an error in its own place only.
    pub async fn call_all(
        &mut self,
        commands: Vec<Value>,
    ) -> Result<Vec<Result<Value, RealError>>, RealError> {
        let mut results: Vec<Option<Result<Value, RealError>>> = commands.iter().map(|_| None).collect();
        let mut waiting: HashMap<u64, (usize, String)> = HashMap::new();
        let mut commands = commands.into_iter().enumerate();
        loop {
            while waiting.len() < WINDOW {
                let Some((place, command)) = commands.next() else { break };
                let name = name_of(&command);
                waiting.insert(self.send(command).await?, (place, name));
            }
            if waiting.is_empty() {
                return Ok(results.into_iter().flatten().collect());
            }
            let message = self.read(ANSWER_WITHIN).await?;
            let answered = message["id"].as_u64().filter(|_| message["type"] != "event");
            match answered.and_then(|id| waiting.remove(&id)) {
                Some((place, name)) => {
                    if let Some(slot) = results.get_mut(place) {
                        *slot = Some(result_of(name, message));
                    }
                }
                None => self.events.push_back(message),
            }
        }
    }

    /// Sends a command that subscribes to something and returns the id its events carry.
    ///
    /// # Errors
    /// As [`Session::call`].
    pub async fn subscribe(&mut self, command: Value) -> Result<u64, RealError> {
        self.call(command).await?;
        Ok(self.last_id)
    }

    /// The next event message of any subscription, `None` when none comes in time.
    ///
    /// # Errors
    /// When the connection fails.
    pub async fn next_event(&mut self, within: Duration) -> Result<Option<Value>, RealError> {
        if let Some(event) = self.events.pop_front() {
            return Ok(Some(event));
        }
        match timeout(within, self.read(ANSWER_WITHIN)).await {
            Ok(message) => message.map(Some),
            Err(_) => Ok(None),
        }
    }

    /// Sends a command (without `id`) and does not wait; returns its id.
    ///
    /// # Errors
    /// When the connection fails.
    pub async fn send(&mut self, mut command: Value) -> Result<u64, RealError> {
        self.last_id += 1;
        command["id"] = json!(self.last_id);
        self.write(&command).await?;
        Ok(self.last_id)
    }

    /// Waits until Home Assistant closes this connection.
    ///
    /// # Errors
    /// When it is still open after `within`.
    pub async fn wait_until_closed(&mut self, within: Duration) -> Result<(), RealError> {
        let closed = async { while let Some(Ok(_)) = self.socket.next().await {} };
        let late = || RealError::Broken(format!("Home Assistant kept the connection open for {within:?}"));
        timeout(within, closed).await.map_err(|_| late())
    }

    async fn write(&mut self, message: &Value) -> Result<(), RealError> {
        self.socket.send(Message::text(message.to_string())).await.map_err(broken)
    }

    async fn read(&mut self, within: Duration) -> Result<Value, RealError> {
        serde_json::from_str(&self.read_text(within).await?).map_err(broken)
    }

    async fn read_text(&mut self, within: Duration) -> Result<String, RealError> {
        loop {
            let next = timeout(within, self.socket.next()).await;
            let next =
                next.map_err(|_| RealError::Broken(format!("Home Assistant was silent for {within:?}")))?;
            match next {
                Some(Ok(Message::Text(text))) => return Ok(text.as_str().to_owned()),
                Some(Ok(Message::Close(_))) | None => {
                    return Err(RealError::Broken("Home Assistant closed the connection".to_owned()));
                }
                Some(Ok(Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                Some(Err(error)) => return Err(broken(error)),
            }
        }
    }
}

fn name_of(command: &Value) -> String {
    command["type"].as_str().unwrap_or("?").to_owned()
}

fn result_of(command: String, mut message: Value) -> Result<Value, RealError> {
    if message["type"] == "pong" || message["success"] == true {
        return Ok(message["result"].take());
    }
    let text = |key: &str| message["error"][key].as_str().unwrap_or_default().to_owned();
    Err(RealError::Refused { command, code: text("code"), message: text("message") })
}

fn broken(error: impl std::fmt::Display) -> RealError {
    RealError::Broken(format!("talking to Home Assistant: {error}"))
}
