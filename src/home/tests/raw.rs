//! A client without manners, to see what the fake makes of things that we never send.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use vestibule_dev::fake_home::TOKEN;

pub(super) struct Client {
    ws: WebSocketStream<TcpStream>,
    id: u64,
}

impl Client {
    pub(super) async fn connect(address: std::net::SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        let url = format!("ws://{address}/api/websocket");
        let (ws, _) = tokio_tungstenite::client_async(url, stream).await.unwrap();
        let mut client = Self { ws, id: 0 };
        client.receive().await;
        client.send(&json!({"type": "auth", "access_token": TOKEN})).await;
        client.receive().await;
        client
    }

    /// Sends a command; gives the answer to it.
    pub(super) async fn call(&mut self, mut command: Value) -> Value {
        self.id += 1;
        command["id"] = json!(self.id);
        self.send(&command).await;
        self.receive().await
    }

    async fn send(&mut self, message: &Value) {
        self.ws.send(Message::text(message.to_string())).await.unwrap();
    }

    async fn receive(&mut self) -> Value {
        let message = self.ws.next().await.unwrap().unwrap();
        serde_json::from_str(message.to_text().unwrap()).unwrap()
    }
}
