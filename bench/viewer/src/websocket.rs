//! A client of the viewer gateway, which takes what it gets and keeps none of it.

use std::time::Duration;

use anyhow::{bail, Context};
use futures_util::{SinkExt, StreamExt};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::header::SEC_WEBSOCKET_PROTOCOL;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::Message;

use crate::confirm::Confirmer;
use crate::events::{emit, end_of_input};
use crate::receive::Text;
use crate::tally::Tally;

/// Time between two confirmations in any case.
const CONFIRM_EVERY: Duration = Duration::from_millis(50);
const OP_MESSAGE_DATA: u8 = 1;
/// Opcode, subscription and log time before the message.
const MESSAGE_FIELDS: usize = 1 + 4 + 8;

/// Subscribes to the topics with a prefix and counts until standard input says anything or ends.
pub(crate) async fn watch(
    port: u16,
    prefix: &str,
    tally: &Tally,
    confirmer: &Confirmer,
) -> anyhow::Result<()> {
    let mut request = format!("ws://127.0.0.1:{port}").into_client_request()?;
    let subprotocol = HeaderValue::from_static("foxglove.websocket.v1");
    request
        .headers_mut()
        .insert(SEC_WEBSOCKET_PROTOCOL, subprotocol);
    let (mut socket, _) = tokio_tungstenite::connect_async(request)
        .await
        .context("cannot connect to the viewer gateway")?;
    emit("joined", serde_json::json!({}));
    let mut end = end_of_input();
    let mut subscribed = false;
    // A producer waits for the first one.
    let mut confirmations = tokio::time::interval(CONFIRM_EVERY);
    loop {
        let message = tokio::select! {
            _ = &mut end => return Ok(()),
            message = socket.next() => message,
            _ = confirmations.tick(), if subscribed => {
                confirmer.send(tally.next());
                continue;
            }
        };
        match message {
            Some(Ok(Message::Binary(message))) => {
                let data = message.get(MESSAGE_FIELDS..);
                if let (Some(&OP_MESSAGE_DATA), Some(data)) = (message.first(), data) {
                    confirmer.arrived(tally.message(0, data));
                }
            }
            Some(Ok(Message::Text(text))) => {
                if let Some(subscribe) = subscription(&text, prefix, tally) {
                    socket.send(Message::Text(subscribe.into())).await?;
                    subscribed = true;
                }
            }
            Some(Ok(_)) => {}
            Some(Err(error)) => return Err(error.into()),
            None => bail!("the viewer gateway ended the connection"),
        }
    }
}

/// The subscription to what a message advertises, if it does. All topics are counted as one.
fn subscription(text: &str, prefix: &str, tally: &Tally) -> Option<String> {
    let channels = match serde_json::from_str(text) {
        Ok(Text::Advertise { channels }) => channels,
        Ok(Text::Status { message }) => {
            tally.status(message);
            return None;
        }
        _ => return None,
    };
    let wanted = channels
        .into_iter()
        .filter(|channel| channel.topic.starts_with(prefix));
    let subscriptions: Vec<_> = wanted
        .map(|channel| serde_json::json!({ "id": channel.id, "channelId": channel.id }))
        .collect();
    let message = serde_json::json!({ "op": "subscribe", "subscriptions": subscriptions });
    (!subscriptions.is_empty()).then(|| message.to_string())
}
