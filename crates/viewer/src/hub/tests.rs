//! Behaviour of the hub: a robot and clients that only talk.

mod any_bytes;
mod parameters;
mod requests;
mod sessions;
mod subscriptions;

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use remote_access_protocol::client::{ClientChannel, ClientMessage};
use remote_access_protocol::frame::{Frame, Opcode, FRAME_HEADER_SIZE};
use remote_access_protocol::server::{BinaryMessage, Channel, ServerMessage};
use remote_access_protocol::service::{Service, ServiceSchema};
use remote_access_protocol::{ChannelId, ClientChannelId, ServiceId, LATCHED_METADATA};
use serde_json::Value;

use super::{ClientId, State};
use crate::local::{LocalMessage, Subprotocol, Subscription, SubscriptionId};
use crate::outbox::{Item, Outbox};

struct World {
    state: State,
    clock: u64,
}

struct Client {
    id: ClientId,
    outbox: Arc<Outbox>,
}

impl World {
    fn new() -> Self {
        Self {
            state: State::new("lab", vec![], None),
            clock: 0,
        }
    }

    /// With a robot that has two channels, the second one latched, and a service.
    fn with_robot() -> Self {
        let mut world = Self::new();
        world.state.robot_joined("robot1");
        world.introduce("session-1");
        world.requests();
        world
    }

    fn introduce(&mut self, session: &str) {
        self.robot(info(session));
        self.robot(ServerMessage::Advertise {
            channels: vec![channel(1, false), channel(2, true)],
        });
        self.robot(ServerMessage::AdvertiseServices {
            services: vec![service(7)],
        });
    }

    fn robot(&mut self, message: ServerMessage) {
        self.clock += 1;
        let payload = message.frame().unwrap().slice(FRAME_HEADER_SIZE..);
        let opcode = Opcode::Text;
        self.state
            .robot_frame(self.clock, Frame { opcode, payload });
    }

    fn robot_binary(&mut self, message: BinaryMessage) -> Option<u64> {
        self.clock += 1;
        let payload = message.frame().unwrap().slice(FRAME_HEADER_SIZE..);
        let opcode = Opcode::Binary;
        self.state
            .robot_frame(self.clock, Frame { opcode, payload })
    }

    fn data(&mut self, channel: u64, log_time: u64) {
        self.robot_binary(BinaryMessage::MessageData {
            channel: ChannelId(channel),
            log_time,
            message: Bytes::from_static(b"data"),
        });
    }

    fn client(&mut self) -> Client {
        let (id, outbox) = self.state.client_joined(Subprotocol::Websocket1);
        Client { id, outbox }
    }

    fn subscribe(&mut self, client: &Client, subscription: u32, channel: u64) {
        let subscription = Subscription {
            id: SubscriptionId(subscription),
            channel_id: ChannelId(channel),
        };
        self.state
            .client_message(client.id, LocalMessage::Subscribe(vec![subscription]));
    }

    fn unsubscribe(&mut self, client: &Client, subscription: u32) {
        let ids = vec![SubscriptionId(subscription)];
        self.state
            .client_message(client.id, LocalMessage::Unsubscribe(ids));
    }

    fn ask(&mut self, client: &Client, message: ClientMessage) {
        self.state
            .client_message(client.id, LocalMessage::Other(message));
    }

    fn requests(&mut self) -> Vec<ClientMessage> {
        self.state.take_requests()
    }
}

impl Client {
    fn items(&self) -> Vec<Item> {
        std::iter::from_fn(|| self.outbox.try_next().unwrap()).collect()
    }

    fn texts(&self) -> Vec<Value> {
        let items = self.items().into_iter();
        items
            .filter_map(|item| match item {
                Item::Text(text) => serde_json::from_str(&text).ok(),
                _ => None,
            })
            .collect()
    }

    fn operations(&self) -> Vec<String> {
        let texts = self.texts().into_iter();
        texts
            .map(|text| text["op"].as_str().unwrap_or_default().to_owned())
            .collect()
    }

    /// Subscription and log time of the data that waits.
    fn data(&self) -> Vec<(u32, u64)> {
        let items = self.items().into_iter();
        items
            .filter_map(|item| match item {
                Item::Data(data) => Some((data.subscription.0, data.log_time)),
                _ => None,
            })
            .collect()
    }

    fn binaries(&self) -> Vec<BinaryMessage> {
        let items = self.items().into_iter();
        items
            .filter_map(|item| match item {
                Item::Binary(message) => BinaryMessage::parse(message).ok(),
                _ => None,
            })
            .collect()
    }
}

fn info(session: &str) -> ServerMessage {
    ServerMessage::ServerInfo {
        name: "robot1".into(),
        capabilities: vec![],
        supported_encodings: vec![],
        metadata: BTreeMap::new(),
        session_id: session.into(),
    }
}

fn channel(id: u64, latched: bool) -> Channel {
    let metadata = latched.then(|| (LATCHED_METADATA.to_owned(), "true".to_owned()));
    Channel {
        id: ChannelId(id),
        topic: format!("/topic{id}"),
        encoding: "cdr".into(),
        schema_name: "std_msgs/msg/String".into(),
        schema_encoding: Some("ros2msg".into()),
        schema: "string data".into(),
        metadata: metadata.into_iter().collect(),
    }
}

fn service(id: u32) -> Service {
    let schema = ServiceSchema {
        encoding: "cdr".into(),
        schema_name: "std_srvs/srv/Empty_Request".into(),
        schema_encoding: "ros2msg".into(),
        schema: String::new(),
    };
    Service {
        id: ServiceId(id),
        name: "/service".into(),
        service_type: "std_srvs/srv/Empty".into(),
        request: schema.clone(),
        response: schema,
    }
}

fn subscribed(ids: &[u64]) -> ClientMessage {
    ClientMessage::Subscribe(ids.iter().copied().map(ChannelId).collect())
}

fn unsubscribed(ids: &[u64]) -> ClientMessage {
    ClientMessage::Unsubscribe(ids.iter().copied().map(ChannelId).collect())
}

fn pong(timestamp: u64) -> BinaryMessage {
    BinaryMessage::Pong {
        timestamp,
        device_timestamp: 5,
    }
}

fn advertised(id: u32) -> ClientMessage {
    ClientMessage::Advertise(vec![ClientChannel {
        id: ClientChannelId(id),
        topic: "/cmd".into(),
        encoding: "cdr".into(),
        schema_name: "std_msgs/msg/String".into(),
        schema_encoding: None,
        schema: None,
    }])
}
