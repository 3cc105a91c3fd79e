//! The Foxglove WebSocket protocol, as far as it differs from the one that the robot speaks.
//!
//! Clients name their subscriptions, and the subprotocol that a client speaks decides how
//! channels are advertised. All else is the same: see
//! <https://github.com/foxglove/ws-protocol/blob/main/docs/spec.md>.

use std::collections::{BTreeMap, HashMap};

use bytes::{BufMut, Bytes, BytesMut};
use remote_access_protocol::client::{ClientMessage, ClientMessageError};
use remote_access_protocol::frame::{Frame, Opcode};
use remote_access_protocol::server::{Channel, ServerMessage};
use remote_access_protocol::ChannelId;
use serde::{Deserialize, Serialize};

use crate::outbox::Data;
pub use crate::subscription::SubscriptionId;

/// Opcode of a message of a channel.
const OP_MESSAGE_DATA: u8 = 1;

/// A version of the protocol, agreed upon when a client connects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subprotocol {
    /// The one of before the Foxglove SDK, which Lichtblick and `@foxglove/ws-protocol` speak.
    Websocket1,
    /// The one of the Foxglove SDK. It differs in name only.
    Sdk1,
    /// Channels name their schemas by numbers, and each schema is sent once per connection.
    Sdk1_1,
}

impl Subprotocol {
    /// All of them, the preferred one first.
    const ALL: [Self; 3] = [Self::Sdk1_1, Self::Sdk1, Self::Websocket1];

    /// The name in the header `Sec-WebSocket-Protocol`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Websocket1 => "foxglove.websocket.v1",
            Self::Sdk1 => "foxglove.sdk.v1",
            Self::Sdk1_1 => "foxglove.sdk.v1.1",
        }
    }

    /// The best one of those that a client offers, separated by commas.
    #[must_use]
    pub fn choose(offered: &str) -> Option<Self> {
        let offered: Vec<&str> = offered.split(',').map(str::trim).collect();
        Self::ALL
            .into_iter()
            .find(|subprotocol| offered.contains(&subprotocol.name()))
    }
}

/// A request of a local client.
#[derive(Clone, Debug, PartialEq)]
pub enum LocalMessage {
    /// Send me the messages of these channels under these ids.
    Subscribe(Vec<Subscription>),
    /// These subscriptions are over.
    Unsubscribe(Vec<SubscriptionId>),
    /// Everything else is as the robot understands it.
    Other(ClientMessage),
}

/// A subscription of a local client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Subscription {
    /// The client's id of it.
    pub id: SubscriptionId,
    /// The channel.
    pub channel_id: ChannelId,
}

#[derive(Deserialize)]
#[serde(tag = "op", rename_all = "camelCase", rename_all_fields = "camelCase")]
enum Json {
    Subscribe {
        subscriptions: Vec<Subscription>,
    },
    Unsubscribe {
        subscription_ids: Vec<SubscriptionId>,
    },
    #[serde(other)]
    Other,
}

impl LocalMessage {
    /// Parses a text message.
    pub fn parse_text(text: &str) -> Result<Self, ClientMessageError> {
        match serde_json::from_str(text)? {
            Json::Subscribe { subscriptions } => Ok(Self::Subscribe(subscriptions)),
            Json::Unsubscribe { subscription_ids } => Ok(Self::Unsubscribe(subscription_ids)),
            Json::Other => Self::parse_other(Opcode::Text, Bytes::copy_from_slice(text.as_bytes())),
        }
    }

    /// Parses a binary message.
    pub fn parse_binary(message: Bytes) -> Result<Self, ClientMessageError> {
        Self::parse_other(Opcode::Binary, message)
    }

    fn parse_other(opcode: Opcode, payload: Bytes) -> Result<Self, ClientMessageError> {
        ClientMessage::parse(Frame { opcode, payload }).map(Self::Other)
    }
}

/// A message of a channel as it is on the wire.
#[must_use]
pub fn message_data(data: &Data) -> Bytes {
    let mut out = BytesMut::with_capacity(13 + data.message.len());
    out.put_u8(OP_MESSAGE_DATA);
    out.put_u32_le(data.subscription.0);
    out.put_u64_le(data.log_time);
    out.put_slice(&data.message);
    out.freeze()
}

/// Writes advertisements for one client.
#[derive(Debug)]
pub struct Advertiser {
    subprotocol: Subprotocol,
    /// The schemas that the client has, by name, encoding and definition.
    schemas: HashMap<(String, String, String), u64>,
    next_schema: u64,
}

#[derive(Serialize)]
#[serde(tag = "op", rename = "advertise")]
struct AdvertiseByTable<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    schemas: Vec<TableSchema<'a>>,
    channels: Vec<TableChannel<'a>>,
}

#[derive(Serialize)]
struct TableSchema<'a> {
    id: u64,
    name: &'a str,
    encoding: &'a str,
    data: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TableChannel<'a> {
    id: ChannelId,
    topic: &'a str,
    encoding: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    schema_id: Option<u64>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    metadata: &'a BTreeMap<String, String>,
}

impl Advertiser {
    /// For a client that speaks a subprotocol.
    #[must_use]
    pub fn new(subprotocol: Subprotocol) -> Self {
        Self {
            subprotocol,
            schemas: HashMap::new(),
            next_schema: 1,
        }
    }

    /// The client forgets all schemas.
    pub fn reset(&mut self) {
        self.schemas.clear();
    }

    /// The advertisement of some channels, or `None` for none.
    pub fn advertise(&mut self, channels: &[Channel]) -> Option<String> {
        if channels.is_empty() {
            return None;
        }
        if self.subprotocol != Subprotocol::Sdk1_1 {
            let channels = channels.to_vec();
            return serde_json::to_string(&ServerMessage::Advertise { channels }).ok();
        }
        let mut message = AdvertiseByTable {
            schemas: Vec::new(),
            channels: Vec::new(),
        };
        for channel in channels {
            let (schema_id, new) = self.schema_id(channel);
            message.schemas.extend(new);
            message.channels.push(TableChannel {
                id: channel.id,
                topic: &channel.topic,
                encoding: &channel.encoding,
                schema_id,
                metadata: &channel.metadata,
            });
        }
        serde_json::to_string(&message).ok()
    }

    /// The number of a channel's schema if it has one, and the schema if the client lacks it.
    fn schema_id<'a>(&mut self, channel: &'a Channel) -> (Option<u64>, Option<TableSchema<'a>>) {
        let encoding = channel.schema_encoding.as_deref().unwrap_or_default();
        if channel.schema_name.is_empty() && encoding.is_empty() {
            return (None, None);
        }
        let name = &channel.schema_name;
        let data = &channel.schema;
        let key = (name.clone(), encoding.to_owned(), data.clone());
        if let Some(&id) = self.schemas.get(&key) {
            return (Some(id), None);
        }
        let id = self.next_schema;
        self.next_schema += 1;
        self.schemas.insert(key, id);
        let schema = TableSchema {
            id,
            name,
            encoding,
            data,
        };
        (Some(id), Some(schema))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{json, Value};

    #[test]
    fn the_newest_subprotocol_is_chosen_by_its_whole_name() {
        let cases = [
            ("foxglove.websocket.v1", Some(Subprotocol::Websocket1)),
            (
                "foxglove.sdk.v1, foxglove.websocket.v1",
                Some(Subprotocol::Sdk1),
            ),
            (
                "foxglove.sdk.v1,foxglove.sdk.v1.1",
                Some(Subprotocol::Sdk1_1),
            ),
            ("foxglove.sdk.v1.10", None),
            ("foxglove.sdk.v2", None),
            ("", None),
        ];
        for (offered, expected) in cases {
            assert_eq!(Subprotocol::choose(offered), expected, "{offered}");
        }
    }

    #[test]
    fn subscriptions_have_the_shape_of_the_websocket_protocol() {
        let text = r#"{"op":"subscribe","subscriptions":[{"id":0,"channelId":7}]}"#;
        let expected = Subscription {
            id: SubscriptionId(0),
            channel_id: ChannelId(7),
        };
        assert_eq!(
            LocalMessage::parse_text(text).unwrap(),
            LocalMessage::Subscribe(vec![expected])
        );
        let text = r#"{"op":"unsubscribe","subscriptionIds":[3]}"#;
        assert_eq!(
            LocalMessage::parse_text(text).unwrap(),
            LocalMessage::Unsubscribe(vec![SubscriptionId(3)])
        );
        let text = r#"{"op":"getParameters","parameterNames":[],"id":"a"}"#;
        assert!(matches!(
            LocalMessage::parse_text(text).unwrap(),
            LocalMessage::Other(ClientMessage::GetParameters { .. })
        ));
        for text in ["", "{}", r#"{"op":"fly"}"#, r#"{"op":"subscribe"}"#] {
            assert!(LocalMessage::parse_text(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_message_carries_the_subscription() {
        let data = Data {
            subscription: SubscriptionId(0x0102),
            log_time: 3,
            message: Bytes::from_static(&[9, 8]),
        };
        let expected = [1, 2, 1, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 9, 8];
        assert_eq!(message_data(&data)[..], expected);
    }

    fn channel(id: u64, schema: &str) -> Channel {
        Channel {
            id: ChannelId(id),
            topic: format!("/t{id}"),
            encoding: "cdr".into(),
            schema_name: "std_msgs/msg/String".into(),
            schema_encoding: Some("ros2msg".into()),
            schema: schema.into(),
            metadata: BTreeMap::new(),
        }
    }

    fn advertise(advertiser: &mut Advertiser, channels: &[Channel]) -> Value {
        serde_json::from_str(&advertiser.advertise(channels).unwrap()).unwrap()
    }

    #[test]
    fn a_schema_table_names_each_schema_once_until_it_is_reset() {
        let mut advertiser = Advertiser::new(Subprotocol::Sdk1_1);
        let channels = [channel(1, "string data"), channel(2, "string data")];
        let by_table = json!({"op": "advertise",
            "schemas": [{"id": 1, "name": "std_msgs/msg/String", "encoding": "ros2msg", "data": "string data"}],
            "channels": [{"id": 1, "topic": "/t1", "encoding": "cdr", "schemaId": 1},
                {"id": 2, "topic": "/t2", "encoding": "cdr", "schemaId": 1}]});
        assert_eq!(advertise(&mut advertiser, &channels), by_table);
        assert!(advertise(&mut advertiser, &channels[..1])
            .get("schemas")
            .is_none());
        advertiser.reset();
        let again = advertise(&mut advertiser, &channels[..1]);
        assert_eq!(again["schemas"][0]["id"], 2);
        assert_eq!(again["channels"][0]["schemaId"], 2);
    }

    #[test]
    fn without_a_table_each_channel_has_its_schema() {
        for subprotocol in [Subprotocol::Websocket1, Subprotocol::Sdk1] {
            let mut advertiser = Advertiser::new(subprotocol);
            let found = advertise(&mut advertiser, &[channel(1, "string data")]);
            assert_eq!(found["channels"][0]["schema"], "string data");
            assert_eq!(found["channels"][0]["schemaName"], "std_msgs/msg/String");
            assert_eq!(advertiser.advertise(&[]), None);
        }
    }
}
