//! One connection to the fake: handshake, authentication, commands, events, and everything that may go wrong on the way out.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

use super::ahead::Ahead;
use super::answer::{Answer, answer, compressed, full_state};
use super::faults::When;
use super::model::State;
use super::{FakeHome, TOKEN, lock};

/// Home Assistant closes sockets that send more.
const MAX_RECEIVE: usize = 4 << 20;
/// How long a result is held back while results are reordered.
const HOLD: Duration = Duration::from_millis(5);

/// Something that happened.
pub(super) enum BusEvent {
    /// An event of the bus.
    Event { kind: &'static str, data: Value },
    /// A state changed.
    State { id: String, old: Option<State>, new: Option<State> },
    /// Live updates of config entries.
    ConfigEntry(Value),
    /// Live updates of dashboard resources.
    Resource(Value),
}

impl BusEvent {
    pub(super) fn state(id: &str, old: Option<&State>, new: Option<&State>) -> Self {
        Self::State { id: id.to_owned(), old: old.cloned(), new: new.cloned() }
    }
}

/// What a client is subscribed to.
pub(super) enum Subscription {
    Events(String),
    Entities(Vec<String>),
    Appearing,
    Vanishing,
    /// Services of scripts.
    Scripts,
    ConfigEntries,
    Resources,
    /// Sends no more than its first event.
    Silent,
}

/// What is still to be told.
type Events = mpsc::UnboundedReceiver<Arc<BusEvent>>;

/// The connection is over.
struct Over;

struct Connection<S> {
    home: FakeHome,
    ws: WebSocketStream<S>,
    subscriptions: BTreeMap<u64, Subscription>,
    last_id: u64,
    frames: u64,
    held: Option<(String, Instant)>,
}

impl FakeHome {
    /// Speaks to one client until either side ends it.
    pub async fn serve<S: AsyncRead + AsyncWrite + Unpin>(&self, mut stream: S) {
        let mut cut = self.inner.cut.subscribe();
        let faults = self.faults();
        if faults.refuse {
            self.inner.counters.connections.fetch_add(1, Ordering::SeqCst);
            return;
        }
        let work = async {
            if let Some(status) = faults.http_status {
                self.inner.counters.connections.fetch_add(1, Ordering::SeqCst);
                let _ = stream.read(&mut [0; 4096]).await;
                let answer = format!(
                    "HTTP/1.1 {status} Fake\r\nContent-Type: text/plain\r\nContent-Length: 4\r\nConnection: close\r\n\r\nfake"
                );
                let _ = stream.write_all(answer.as_bytes()).await;
                let _ = stream.shutdown().await;
                return;
            }
            let config = WebSocketConfig::default()
                .max_message_size(Some(MAX_RECEIVE))
                .max_frame_size(Some(MAX_RECEIVE));
            let Some(stream) = Ahead::read(stream).await else { return };
            if !stream.path().ends_with("/websocket") {
                return self.serve_http(stream).await;
            }
            self.inner.counters.connections.fetch_add(1, Ordering::SeqCst);
            let Ok(ws) = tokio_tungstenite::accept_async_with_config(stream, Some(config)).await else {
                return;
            };
            let home = self.clone();
            let (subscriptions, held) = (BTreeMap::new(), None);
            let mut connection = Connection { home, ws, subscriptions, last_id: 0, frames: 0, held };
            // However it ends, it has ended.
            let _ = connection.run().await;
        };
        tokio::select! {
            biased;
            _ = cut.changed() => {}
            () = work => {}
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    async fn run(&mut self) -> Result<(), Over> {
        let version = self.home.model(|model| model.says_version.clone());
        self.authenticate(&version).await?;
        let (sender, mut events) = mpsc::unbounded_channel();
        lock(&self.home.inner.listeners).push(sender);
        loop {
            let release = self.held.as_ref().map_or_else(|| Instant::now() + HOLD, |(_, at)| *at);
            tokio::select! {
                biased;
                message = self.ws.next() => self.message(message.ok_or(Over)?.map_err(|_| Over)?, &mut events).await?,
                event = events.recv() => self.event(&*event.ok_or(Over)?).await?,
                () = sleep_until(release), if self.held.is_some() => self.release().await?,
            }
        }
    }

    async fn authenticate(&mut self, version: &str) -> Result<(), Over> {
        self.raw(&json!({"type": "auth_required", "ha_version": version}).to_string()).await?;
        let Some(Ok(Message::Text(text))) = self.ws.next().await else { return Err(Over) };
        self.home.count("auth");
        let auth: Value = serde_json::from_str(&text).map_err(|_| Over)?;
        let good = auth["type"] == "auth" && auth["access_token"] == TOKEN;
        if good && !self.home.faults().auth_invalid {
            return self.raw(&json!({"type": "auth_ok", "ha_version": version}).to_string()).await;
        }
        self.raw(&json!({"type": "auth_invalid", "message": "Invalid access token or password"}).to_string())
            .await?;
        let _ = self.ws.close(None).await;
        Err(Over)
    }

    async fn message(&mut self, message: Message, events: &mut Events) -> Result<(), Over> {
        let text = match message {
            Message::Text(text) => text,
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => return Ok(()),
            Message::Close(_) | Message::Binary(_) => return Err(Over),
        };
        let request: Value = serde_json::from_str(&text).map_err(|_| Over)?;
        let command = request["type"].as_str().unwrap_or_default().to_owned();
        let nth = self.home.count(&command);
        let id = request["id"].as_u64().unwrap_or(0);
        if command == "auth" || id <= self.last_id {
            self.home.violation(format!("{command} with id {id} after {}", self.last_id));
            return self.error(id, "id_reuse").await;
        }
        self.last_id = id;
        let faults = self.home.faults();
        if faults.hang.as_deref() == Some(&*command) {
            return Ok(());
        }
        self.home.run_hooks(&command, nth);
        if let Some(code) = faults.failure(&command, nth) {
            return self.error(id, code).await;
        }
        let cut = faults.cut(&command, nth);
        if cut == Some(When::Before) {
            return Err(Over);
        }
        let answer = self.home.write(&request, &text).unwrap_or_else(|| {
            let (answer, violation) = self.home.model(|model| answer(model, &request));
            if let Some(violation) = violation {
                self.home.violation(violation);
            }
            answer
        });
        if command == "lovelace/resources" {
            self.home.change_silently(|model| model.resources_loaded = true);
        }
        if let Some(path) = request["url_path"].as_str().filter(|_| command == "lovelace/config") {
            self.home.change_silently(|model| model.people.read(path, model.contents.get(path)));
        }
        if cut == Some(When::After) {
            return Err(Over);
        }
        // What a command does is announced before it is answered.
        while let Ok(event) = events.try_recv() {
            self.event(&event).await?;
        }
        match answer {
            Answer::Result(result) => self.result(id, &result).await,
            Answer::Error(code) => self.error(id, code).await,
            Answer::Pong => self.send(id, r#""type":"pong""#).await,
            Answer::Unsubscribe(subscription) => {
                if self.subscriptions.remove(&subscription).is_some() {
                    self.result(id, "null").await
                } else {
                    self.error(id, "not_found").await
                }
            }
            Answer::Subscribed(subscription, first) => {
                self.subscriptions.insert(id, subscription);
                self.result(id, "null").await?;
                match first {
                    Some(event) => self.send(id, &format!(r#""type":"event","event":{event}"#)).await,
                    None => Ok(()),
                }
            }
        }
    }

    async fn event(&mut self, event: &BusEvent) -> Result<(), Over> {
        let due: Vec<(u64, String)> = self
            .subscriptions
            .iter()
            .filter_map(|(id, subscription)| Some((*id, told(subscription, event)?)))
            .collect();
        for (id, event) in due {
            self.send(id, &format!(r#""type":"event","event":{event}"#)).await?;
        }
        Ok(())
    }

    async fn error(&mut self, id: u64, code: &str) -> Result<(), Over> {
        let error = json!({"code": code, "message": "What the fake says"});
        self.answer(id, format!(r#""type":"result","success":false,"error":{error}"#)).await
    }

    async fn result(&mut self, id: u64, result: &str) -> Result<(), Over> {
        self.answer(id, format!(r#""type":"result","success":true,"result":{result}"#)).await
    }

    /// Sends a result, twice or later than the next one if that is to go wrong.
    async fn answer(&mut self, id: u64, body: String) -> Result<(), Over> {
        let faults = self.home.faults();
        if faults.reorder && self.held.is_none() {
            self.held = Some((envelope(id, &body, faults.id_last), Instant::now() + HOLD));
            return Ok(());
        }
        self.send(id, &body).await?;
        if faults.duplicate {
            self.send(id, &body).await?;
        }
        self.release().await
    }

    async fn release(&mut self) -> Result<(), Over> {
        match self.held.take() {
            Some((held, _)) => self.raw(&held).await,
            None => Ok(()),
        }
    }

    async fn send(&mut self, id: u64, body: &str) -> Result<(), Over> {
        let text = envelope(id, body, self.home.faults().id_last);
        self.raw(&text).await
    }

    /// Sends one frame, or what a fault makes of it.
    async fn raw(&mut self, text: &str) -> Result<(), Over> {
        let faults = self.home.faults();
        if faults.swallow {
            return Ok(());
        }
        if let Some(delay) = faults.delay {
            sleep(delay).await;
        }
        self.frames += 1;
        let this = Some(self.frames);
        if this == faults.cut_before_frame {
            return Err(Over);
        }
        if this == faults.cut_in_frame {
            // A header that promises more than follows.
            let mut half = vec![0x81, 126];
            half.extend(u16::MAX.to_be_bytes());
            half.extend(&text.as_bytes()[..text.len().min(1000) / 2]);
            return self.bytes_and_over(&half).await;
        }
        if this == faults.oversized_frame {
            let mut header = vec![0x81, 127];
            header.extend(((64_u64 << 20) + 1).to_be_bytes());
            return self.bytes_and_over(&header).await;
        }
        let text = if this == faults.garbage_in_frame {
            "This is not the JSON you are looking for".to_owned()
        } else if faults.arrays && self.frames > 2 {
            format!("[{text}]")
        } else {
            text.to_owned()
        };
        let counters = &self.home.inner.counters;
        counters.frames.fetch_add(1, Ordering::SeqCst);
        counters.bytes.fetch_add(text.len() as u64, Ordering::SeqCst);
        self.ws.send(Message::Text(text.into())).await.map_err(|_| Over)
    }

    async fn bytes_and_over(&mut self, bytes: &[u8]) -> Result<(), Over> {
        let stream = self.ws.get_mut();
        let _ = stream.write_all(bytes).await;
        let _ = stream.flush().await;
        let _ = stream.shutdown().await;
        Err(Over)
    }
}

impl FakeHome {
    /// Counts a command; says how many of its type have come.
    pub(super) fn count(&self, command: &str) -> u64 {
        let mut commands = lock(&self.inner.commands);
        let count = commands.entry(command.to_owned()).or_default();
        *count += 1;
        *count
    }
}

fn envelope(id: u64, body: &str, id_last: bool) -> String {
    if id_last { format!(r#"{{{body},"id":{id}}}"#) } else { format!(r#"{{"id":{id},{body}}}"#) }
}

/// What a subscriber is told of an event.
fn told(subscription: &Subscription, event: &BusEvent) -> Option<String> {
    let told = match (subscription, event) {
        (Subscription::Events(wanted), BusEvent::Event { kind, data }) if wanted == kind || wanted == "*" => {
            bus_event(kind, data)
        }
        (Subscription::Events(wanted), BusEvent::State { id, old, new })
            if wanted == "state_changed" || wanted == "*" =>
        {
            state_event(id, old.as_ref(), new.as_ref())
        }
        (Subscription::Entities(ids), BusEvent::State { id, new, .. })
            if ids.is_empty() || ids.contains(id) =>
        {
            match new {
                Some(new) => json!({"c": {id: {"+": compressed(new)}}}),
                None => json!({"r": [id]}),
            }
        }
        (Subscription::Appearing, BusEvent::State { id, old: None, new })
        | (Subscription::Vanishing, BusEvent::State { id, old: new, new: None }) => {
            let appearing = matches!(subscription, Subscription::Appearing);
            let (old, new) = if appearing { (None, new.as_ref()) } else { (new.as_ref(), None) };
            triggered("state_changed", &state_event(id, old, new))
        }
        (Subscription::Scripts, BusEvent::Event { kind: kind @ "service_registered", data }) => {
            triggered(kind, &bus_event(kind, data))
        }
        (Subscription::ConfigEntries, BusEvent::ConfigEntry(changes)) => changes.clone(),
        (Subscription::Resources, BusEvent::Resource(changes)) => changes.clone(),
        _ => return None,
    };
    Some(told.to_string())
}

/// What a trigger tells of an event.
fn triggered(kind: &str, event: &Value) -> Value {
    json!({
        "variables": {"trigger": {"id": "0", "idx": "0", "alias": null, "platform": "event", "event": event,
            "description": format!("event '{kind}'")}},
        "context": {"id": "c", "parent_id": null, "user_id": null},
    })
}

fn bus_event(kind: &str, data: &Value) -> Value {
    json!({
        "event_type": kind, "data": data, "origin": "LOCAL", "time_fired": "2026-11-21T11:44:48.503602+00:00",
        "context": {"id": "01M7YYRQBQ5N0ZNQ78CQ5PWS80", "parent_id": null, "user_id": null},
    })
}

fn state_event(id: &str, old: Option<&State>, new: Option<&State>) -> Value {
    let state = |state: Option<&State>| state.map(|state| full_state(id, state));
    bus_event("state_changed", &json!({"entity_id": id, "old_state": state(old), "new_state": state(new)}))
}
