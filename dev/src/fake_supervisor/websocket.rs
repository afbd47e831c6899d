//! The Supervisor's proxy to Home Assistant's WebSocket: it asks the app for its token, shows its own, and then passes frames on.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{FromRequestParts as _, Request};
use axum::response::{IntoResponse as _, Response};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message as CoreMessage;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use super::{Core, Shared, TOKEN};

/// How long the app has to show its token.
const TOKEN_WITHIN: Duration = Duration::from_secs(10);
/// The real one's limit.
const MESSAGE: usize = 64 << 20;

type CoreSocket = WebSocketStream<TcpStream>;

/// Answers the handshake; the rest happens on the upgraded connection.
pub(super) async fn upgrade(shared: Arc<Shared>, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    match WebSocketUpgrade::from_request_parts(&mut parts, &()).await {
        Ok(upgrade) => upgrade
            .max_message_size(MESSAGE)
            .max_frame_size(MESSAGE)
            .on_upgrade(async move |app| serve(&shared, app).await),
        Err(rejection) => rejection.into_response(),
    }
}

async fn serve(shared: &Shared, mut app: WebSocket) {
    let version = &shared.core.version;
    if say(&mut app, &json!({"type": "auth_required", "ha_version": version})).await.is_none() {
        return;
    }
    let Ok(Some(Ok(Message::Text(first)))) = timeout(TOKEN_WITHIN, app.recv()).await else { return };
    let shown: Value = serde_json::from_str(&first).unwrap_or_default();
    if shown["access_token"] != TOKEN {
        shared.saw("unauthorized");
        // The connection ends either way.
        let _ = say(&mut app, &json!({"type": "auth_invalid", "message": "Invalid access"})).await;
        return;
    }
    if say(&mut app, &json!({"type": "auth_ok", "ha_version": version})).await.is_none() {
        return;
    }
    // From here on a Home Assistant that does not answer shows as a closed connection.
    if let Some(core) = enter(&shared.core).await {
        pass(app, core).await;
    }
}

async fn say(app: &mut WebSocket, value: &Value) -> Option<()> {
    app.send(Message::Text(value.to_string().into())).await.ok()
}

/// Connects to Home Assistant as the Supervisor.
async fn enter(core: &Core) -> Option<CoreSocket> {
    let stream = TcpStream::connect(core.address).await.ok()?;
    let config = WebSocketConfig::default().max_message_size(Some(MESSAGE)).max_frame_size(Some(MESSAGE));
    let address = format!("ws://{}/api/websocket", core.address);
    let (mut socket, _) = client_async_with_config(address, stream, Some(config)).await.ok()?;
    let token = json!({"type": "auth", "access_token": core.token}).to_string();
    loop {
        let text = socket.next().await?.ok()?.into_text().ok()?;
        let message: Value = serde_json::from_str(&text).ok()?;
        match message["type"].as_str()? {
            "auth_required" => socket.send(CoreMessage::text(token.as_str())).await.ok()?,
            "auth_ok" => return Some(socket),
            _ => return None,
        }
    }
}

/// Passes frames on, both ways, until either end is closed. What an app may not ask for is answered here.
async fn pass(mut app: WebSocket, mut core: CoreSocket) {
    loop {
        tokio::select! {
            biased;
            message = app.recv() => {
                let passed = match message {
                    Some(Ok(Message::Text(text))) => match forbidden(&text) {
                        Some(answer) => say(&mut app, &answer).await,
                        None => core.send(CoreMessage::text(text.as_str())).await.ok(),
                    },
                    Some(Ok(Message::Binary(bytes))) => core.send(CoreMessage::Binary(bytes)).await.ok(),
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => Some(()),
                    Some(Ok(Message::Close(_)) | Err(_)) | None => None,
                };
                if passed.is_none() {
                    return;
                }
            }
            message = core.next() => {
                let passed = match message {
                    Some(Ok(CoreMessage::Text(text))) => {
                        app.send(Message::Text(text.as_str().into())).await.ok()
                    }
                    Some(Ok(CoreMessage::Binary(bytes))) => app.send(Message::Binary(bytes)).await.ok(),
                    Some(Ok(CoreMessage::Ping(_) | CoreMessage::Pong(_) | CoreMessage::Frame(_))) => Some(()),
                    Some(Ok(CoreMessage::Close(_)) | Err(_)) | None => None,
                };
                if passed.is_none() {
                    return;
                }
            }
        }
    }
}

/// Since 2026.08 an app cannot reach the Supervisor through Home Assistant.
fn forbidden(text: &str) -> Option<Value> {
    let message: Value = serde_json::from_str(text).ok()?;
    let kind = message["type"].as_str()?;
    let refused = kind.starts_with("supervisor/") || kind.starts_with("hassio/");
    let error = json!({"code": "unauthorized", "message": "Unauthorized"});
    refused.then(|| json!({"id": message["id"], "type": "result", "success": false, "error": error}))
}
