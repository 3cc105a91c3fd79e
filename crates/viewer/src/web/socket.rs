//! One local client on a WebSocket.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use hyper::body::Incoming;
use hyper::header::{
    HeaderMap, HeaderValue, CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use hyper::upgrade::OnUpgrade;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use remote_access_protocol::frame::MAX_PAYLOAD_SIZE;
use remote_access_protocol::server::{ServerMessage, StatusLevel};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::WebSocketStream;
use tracing::debug;

use super::response::Body;
use crate::hub::{ClientId, Hub};
use crate::local::{self, LocalMessage, Subprotocol};
use crate::outbox::{Item, Outbox};

/// Time between two looks at whether the client is there and reads fast enough.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);
/// Time between two pings.
const PING_INTERVAL: Duration = Duration::from_secs(10);
/// A client that says nothing for so long, not even to pings, is gone.
const SILENCE: Duration = Duration::from_secs(60);
/// Longest time for the end of a connection.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
/// Items that are sent before anything else is looked at.
const BATCH: usize = 64;
/// Id of the status about messages that the client did not get.
const DROP_STATUS: &str = "remote_access_viewer.dropped";
/// Time without drops after which that status is removed.
const DROP_MEMORY: Duration = Duration::from_secs(5);

/// Reason why a request does not become a WebSocket. The text is for who sent it.
#[derive(Debug, thiserror::Error)]
pub(super) enum HandshakeError {
    #[error("this is no WebSocket request of version 13")]
    Version,
    #[error(
        "none of the subprotocols {0:?} is known; these are: foxglove.sdk.v1.1, foxglove.sdk.v1, \
         foxglove.websocket.v1"
    )]
    Subprotocol(Vec<String>),
    #[error(transparent)]
    Key(#[from] hyper::header::InvalidHeaderValue),
}

/// A connection that is about to become a WebSocket.
pub(super) struct Upgrading {
    upgrade: OnUpgrade,
    subprotocol: Subprotocol,
}

/// Whether a request asks for a WebSocket.
pub(super) fn is_upgrade(request: &Request<Incoming>) -> bool {
    has_token(request.headers(), "websocket")
}

fn has_token(headers: &HeaderMap, token: &str) -> bool {
    let mut values = headers.get_all(UPGRADE).iter();
    values.any(|value| {
        value
            .to_str()
            .is_ok_and(|value| value.eq_ignore_ascii_case(token))
    })
}

/// Agrees to a WebSocket, or says why not.
pub(super) fn accept(
    request: &mut Request<Incoming>,
) -> Result<(Response<Body>, Upgrading), HandshakeError> {
    let headers = request.headers();
    let version = headers
        .get(SEC_WEBSOCKET_VERSION)
        .map(HeaderValue::as_bytes);
    let key = match (headers.get(SEC_WEBSOCKET_KEY), version) {
        (Some(key), Some(b"13")) => derive_accept_key(key.as_bytes()),
        _ => return Err(HandshakeError::Version),
    };
    let offered: Vec<&str> = headers
        .get_all(SEC_WEBSOCKET_PROTOCOL)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .collect();
    let Some(subprotocol) = Subprotocol::choose(&offered.join(",")) else {
        let offered = offered.into_iter().map(str::to_owned).collect();
        return Err(HandshakeError::Subprotocol(offered));
    };
    let mut response = Response::new(Body::default());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let key = HeaderValue::from_str(&key)?;
    let headers = response.headers_mut();
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(SEC_WEBSOCKET_ACCEPT, key);
    let name = HeaderValue::from_static(subprotocol.name());
    headers.insert(SEC_WEBSOCKET_PROTOCOL, name);
    let upgrade = hyper::upgrade::on(request);
    let upgrading = Upgrading {
        upgrade,
        subprotocol,
    };
    Ok((response, upgrading))
}

/// Serves a client to its end.
pub(super) async fn run(upgrading: Upgrading, hub: Arc<Hub>, peer: SocketAddr) {
    let upgraded = match upgrading.upgrade.await {
        Ok(upgraded) => TokioIo::new(upgraded),
        Err(error) => {
            debug!(%peer, %error, "the connection did not become a WebSocket");
            return;
        }
    };
    let config = WebSocketConfig::default()
        .max_message_size(Some(MAX_PAYLOAD_SIZE))
        .max_frame_size(Some(MAX_PAYLOAD_SIZE));
    let socket = WebSocketStream::from_raw_socket(upgraded, Role::Server, Some(config)).await;
    let (id, outbox) = hub.client_joined(upgrading.subprotocol);
    let client = Client { hub, id };
    let (mut writer, reader) = socket.split();
    let heard = parking_lot::Mutex::new(Instant::now());
    let result = tokio::select! {
        result = write(&mut writer, &outbox, &heard) => result,
        result = read(reader, &client, &heard) => result,
    };
    if let Err(error) = result {
        debug!(%peer, %error, "a client's connection ended");
    }
    // Says farewell, or answers the client's; one that is gone does not hear it.
    let _ = tokio::time::timeout(CLOSE_TIMEOUT, writer.close()).await;
}

/// A client that is in the hub as long as this is.
struct Client {
    hub: Arc<Hub>,
    id: ClientId,
}

impl Drop for Client {
    fn drop(&mut self) {
        self.hub.client_left(self.id);
    }
}

type Socket = WebSocketStream<TokioIo<hyper::upgrade::Upgraded>>;

async fn read(
    mut reader: SplitStream<Socket>,
    client: &Client,
    heard: &parking_lot::Mutex<Instant>,
) -> Result<(), Error> {
    while let Some(message) = reader.next().await {
        let parsed = match message? {
            Message::Text(text) => LocalMessage::parse_text(&text),
            Message::Binary(message) => LocalMessage::parse_binary(message),
            Message::Close(_) => return Ok(()),
            _ => {
                *heard.lock() = Instant::now();
                continue;
            }
        };
        *heard.lock() = Instant::now();
        match parsed {
            Ok(message) => client.hub.client_message(client.id, message),
            Err(error) => client.hub.client_mistake(client.id, &error),
        }
    }
    Ok(())
}

async fn write(
    writer: &mut SplitSink<Socket, Message>,
    outbox: &Outbox,
    heard: &parking_lot::Mutex<Instant>,
) -> Result<(), Error> {
    let mut drops = Drops::default();
    let mut checks = tokio::time::interval(CHECK_INTERVAL);
    checks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut pinged = Instant::now();
    loop {
        let item = tokio::select! {
            item = outbox.next() => item,
            _ = checks.tick() => {
                let now = Instant::now();
                if now.saturating_duration_since(*heard.lock()) > SILENCE {
                    debug!("a client is silent");
                    return Ok(());
                }
                if now.saturating_duration_since(pinged) > PING_INTERVAL {
                    pinged = now;
                    writer.send(Message::Ping(Bytes::new())).await?;
                }
                if let Some(text) = drops.status(now, outbox.take_dropped()) {
                    outbox.push_text(text);
                }
                continue;
            }
        };
        let Ok(item) = item else {
            debug!("a client is to end, or leaves too much unread");
            return Ok(());
        };
        let sent = tokio::time::timeout(SILENCE, send(writer, item, outbox)).await;
        match sent {
            Ok(result) => result?,
            Err(_) => {
                debug!("a client reads nothing");
                return Ok(());
            }
        }
    }
}

/// Sends an item, and some of those that wait behind it.
async fn send(
    writer: &mut SplitSink<Socket, Message>,
    item: Item,
    outbox: &Outbox,
) -> Result<(), Error> {
    writer.feed(message(item)).await?;
    for _ in 1..BATCH {
        match outbox.try_next() {
            Ok(Some(item)) => writer.feed(message(item)).await?,
            _ => break,
        }
    }
    writer.flush().await
}

fn message(item: Item) -> Message {
    match item {
        Item::Text(text) => Message::Text(text.into()),
        Item::Binary(message) => Message::Binary(message),
        Item::Data(data) => Message::Binary(local::message_data(&data)),
    }
}

/// Tells a client that it reads too slowly, and when that is over.
#[derive(Debug, Default)]
struct Drops {
    total: u64,
    last: Option<Instant>,
}

impl Drops {
    /// The message that is due at `now`, after `dropped` more messages.
    fn status(&mut self, now: Instant, dropped: u64) -> Option<String> {
        let message = if dropped > 0 {
            self.total += dropped;
            self.last = Some(now);
            ServerMessage::Status {
                level: StatusLevel::Warning,
                message: format!(
                    "this client reads too slowly: {} messages were left out",
                    self.total
                ),
                id: Some(DROP_STATUS.to_owned()),
                wheel: None,
            }
        } else if now.saturating_duration_since(self.last?) > DROP_MEMORY {
            self.last = None;
            self.total = 0;
            ServerMessage::RemoveStatus {
                status_ids: vec![DROP_STATUS.to_owned()],
            }
        } else {
            return None;
        };
        serde_json::to_string(&message).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drops_are_told_with_their_number_until_they_are_over() {
        let start = Instant::now();
        let mut drops = Drops::default();
        assert_eq!(drops.status(start, 0), None);
        assert!(drops.status(start, 3).unwrap().contains("3 messages"));
        assert!(drops.status(start, 4).unwrap().contains("7 messages"));
        assert_eq!(drops.status(start + DROP_MEMORY, 0), None);
        let later = start + DROP_MEMORY + CHECK_INTERVAL;
        assert!(drops.status(later, 0).unwrap().contains("removeStatus"));
        assert_eq!(drops.status(later, 0), None);
    }
}
