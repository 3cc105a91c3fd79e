//! Behaviour of the hub: a robot and clients that only talk.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use proptest::prelude::*;
use regex::Regex;
use remote_access_protocol::client::{ClientChannel, ClientMessage};
use remote_access_protocol::frame::{Frame, Opcode, FRAME_HEADER_SIZE};
use remote_access_protocol::parameter::Parameter;
use remote_access_protocol::server::{
    BinaryMessage, Channel, GraphUpdate, PublishedTopic, ServerMessage, StatusLevel,
};
use remote_access_protocol::service::{Service, ServicePayload, ServiceSchema};
use remote_access_protocol::{
    AssetRequestId, CallId, ChannelId, ClientChannelId, ServiceId, LATCHED_METADATA,
};
use serde_json::{json, Value};

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

#[test]
fn clients_are_told_of_the_robot_whether_they_come_before_or_after_it() {
    let mut world = World::new();
    let early = world.client();
    let texts = early.texts();
    assert_eq!(texts[0]["name"], "no robot in room lab yet");
    assert_eq!(texts[1]["message"], "waiting for a robot in room lab");
    world.state.robot_joined("robot1");
    world.introduce("session-1");
    world.robot(ServerMessage::Status {
        level: StatusLevel::Warning,
        message: "m".into(),
        id: Some("i".into()),
    });
    let expected = [
        "removeStatus",
        "serverInfo",
        "advertise",
        "advertiseServices",
        "status",
    ];
    assert_eq!(early.operations(), expected);
    let late = world.client();
    let expected = ["serverInfo", "advertiseServices", "status", "advertise"];
    assert_eq!(late.operations(), expected);
    world.robot(ServerMessage::RemoveStatus {
        status_ids: vec!["i".into()],
    });
    world.robot(ServerMessage::UnadvertiseServices {
        service_ids: vec![ServiceId(7), ServiceId(8)],
    });
    let gone = late.texts();
    assert_eq!(
        gone[1],
        json!({"op": "unadvertiseServices", "serviceIds": [7]})
    );
    let later = world.client();
    assert_eq!(later.operations(), ["serverInfo", "advertise"]);
}

#[test]
fn the_robot_has_one_subscription_while_any_client_has_one() {
    let mut world = World::with_robot();
    let (a, b) = (world.client(), world.client());
    world.subscribe(&a, 10, 1);
    assert_eq!(world.requests(), [subscribed(&[1])]);
    world.subscribe(&b, 20, 1);
    world.subscribe(&b, 21, 1);
    assert_eq!(world.requests(), []);
    a.items();
    b.items();
    world.data(1, 100);
    world.data(2, 101);
    assert_eq!(a.data(), [(10, 100)]);
    assert_eq!(b.data(), [(20, 100), (21, 100)]);
    world.unsubscribe(&b, 20);
    world.state.client_left(a.id);
    assert_eq!(world.requests(), []);
    world.data(1, 102);
    assert_eq!(b.data(), [(21, 102)]);
    world.state.client_left(b.id);
    assert_eq!(world.requests(), [unsubscribed(&[1])]);
}

#[test]
fn subscriptions_that_cannot_be_are_refused() {
    let mut world = World::with_robot();
    let client = world.client();
    client.items();
    world.subscribe(&client, 1, 99);
    world.subscribe(&client, 1, 1);
    world.subscribe(&client, 1, 2);
    assert_eq!(world.requests(), [subscribed(&[1])]);
    let texts = client.texts();
    assert_eq!(texts.len(), 2);
    assert_eq!(texts[0]["message"], "there is no channel 99");
    assert_eq!(texts[1]["message"], "subscription 1 exists already");
}

#[test]
fn later_clients_get_latched_messages_from_here() {
    let mut world = World::with_robot();
    let (a, b, c) = (world.client(), world.client(), world.client());
    world.subscribe(&a, 1, 2);
    world.subscribe(&a, 2, 1);
    world.data(2, 100);
    world.data(2, 101);
    world.data(1, 102);
    world.subscribe(&b, 1, 2);
    world.subscribe(&b, 2, 1);
    assert_eq!(b.data(), [(1, 100), (1, 101)]);
    // After the last subscription the robot sends them anew.
    world.state.client_left(a.id);
    world.state.client_left(b.id);
    world.subscribe(&c, 1, 2);
    assert_eq!(c.data(), []);
    world.data(2, 101);
    assert_eq!(c.data(), [(1, 101)]);
    // And when it starts anew for us.
    world.introduce("session-1");
    let d = world.client();
    world.subscribe(&d, 1, 2);
    assert_eq!(d.data(), []);
    world.data(2, 101);
    assert_eq!((c.data(), d.data()), (vec![(1, 101)], vec![(1, 101)]));
}

#[test]
fn a_robot_that_tells_everything_anew_changes_only_what_has_changed() {
    let mut world = World::with_robot();
    let client = world.client();
    world.subscribe(&client, 1, 1);
    world.subscribe(&client, 2, 2);
    world.requests();
    client.items();
    let before = world.clock;
    world.robot(info("session-1"));
    world.robot(ServerMessage::Advertise {
        channels: vec![channel(1, false), channel(3, false)],
    });
    // The answer to an older ping says nothing about what came before it.
    assert_eq!(world.robot_binary(pong(before)), Some(world.clock - before));
    assert_eq!(client.operations(), ["advertise"]);
    let clock = world.clock;
    world.robot_binary(pong(clock));
    let texts = client.texts();
    assert_eq!(texts[0], json!({"op": "unadvertise", "channelIds": [2]}));
    assert_eq!(
        texts[1],
        json!({"op": "unadvertiseServices", "serviceIds": [7]})
    );
    assert_eq!(texts.len(), 2);
    world.data(1, 5);
    world.data(2, 6);
    assert_eq!(client.data(), [(1, 5)]);
    let acks = world.requests();
    assert_eq!(
        acks,
        vec![
            ClientMessage::PingAck {
                device_timestamp: 5
            };
            2
        ]
    );
}

#[test]
fn a_channel_that_is_another_under_the_same_id_replaces_it() {
    let mut world = World::with_robot();
    let client = world.client();
    world.subscribe(&client, 1, 1);
    client.items();
    let mut other = channel(1, false);
    other.schema = "string text".into();
    world.robot(ServerMessage::Advertise {
        channels: vec![other],
    });
    assert_eq!(client.operations(), ["unadvertise", "advertise"]);
    world.data(1, 5);
    assert_eq!(client.data(), []);
}

#[test]
fn a_robot_that_was_restarted_begins_a_new_session_and_is_asked_again() {
    let mut world = World::with_robot();
    let client = world.client();
    world.subscribe(&client, 1, 1);
    world.ask(&client, advertised(3));
    let names = vec!["/n.p".to_owned()];
    world.ask(
        &client,
        ClientMessage::SubscribeParameterUpdates(names.clone()),
    );
    world.ask(&client, ClientMessage::SubscribeConnectionGraph);
    let asked = world.requests();
    client.items();
    world.state.robot_left("robot1 has left");
    assert_eq!(
        client.operations(),
        ["unadvertise", "unadvertiseServices", "status"]
    );
    world.state.robot_joined("robot1");
    world.introduce("session-2");
    let texts = client.texts();
    assert_eq!(texts[1]["sessionId"], "session-2");
    assert_eq!(world.requests(), asked[1..]);
    // The client subscribes anew, even under the same number.
    world.subscribe(&client, 1, 1);
    assert_eq!(world.requests(), [subscribed(&[1])]);
    world.data(1, 9);
    assert_eq!(client.data(), [(1, 9)]);
}

#[test]
fn a_robot_that_comes_back_in_its_session_is_no_new_one() {
    let mut world = World::with_robot();
    let client = world.client();
    world.subscribe(&client, 1, 1);
    client.items();
    world.state.robot_left("robot1 has left");
    world.state.robot_joined("robot1");
    world.introduce("session-1");
    let expected = [
        "unadvertise",
        "unadvertiseServices",
        "status",
        "removeStatus",
        "advertise",
        "advertiseServices",
    ];
    assert_eq!(client.operations(), expected);
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

#[test]
fn clients_that_publish_under_the_same_id_are_kept_apart() {
    let mut world = World::with_robot();
    let (a, b) = (world.client(), world.client());
    world.ask(&a, advertised(1));
    world.ask(&b, advertised(1));
    let message = Bytes::from_static(b"x");
    let publish = ClientMessage::MessageData {
        channel: ClientChannelId(1),
        message: message.clone(),
    };
    world.requests();
    world.ask(&b, publish.clone());
    let channel = ClientChannelId(2);
    assert_eq!(
        world.requests(),
        [ClientMessage::MessageData { channel, message }]
    );
    world.state.client_left(b.id);
    assert_eq!(
        world.requests(),
        [ClientMessage::Unadvertise(vec![channel])]
    );
    // What is not advertised is not published.
    world.ask(&a, ClientMessage::Unadvertise(vec![ClientChannelId(1)]));
    world.requests();
    a.items();
    world.ask(&a, publish);
    assert_eq!(world.requests(), []);
    assert_eq!(a.texts()[0]["message"], "channel 1 is not advertised");
}

fn call(service: u32, call: u32) -> ServicePayload {
    ServicePayload {
        service: ServiceId(service),
        call: CallId(call),
        encoding: "cdr".into(),
        payload: Bytes::from_static(b"p"),
    }
}

#[test]
fn answers_to_service_calls_find_their_client() {
    let mut world = World::with_robot();
    let (a, b) = (world.client(), world.client());
    world.ask(&a, ClientMessage::ServiceCallRequest(call(7, 1)));
    world.ask(&b, ClientMessage::ServiceCallRequest(call(7, 1)));
    let asked: Vec<_> = [1, 2]
        .map(|id| ClientMessage::ServiceCallRequest(call(7, id)))
        .into();
    assert_eq!(world.requests(), asked);
    a.items();
    b.items();
    world.robot_binary(BinaryMessage::ServiceCallResponse(call(7, 2)));
    world.robot(ServerMessage::ServiceCallFailure {
        service_id: ServiceId(7),
        call_id: CallId(1),
        message: "no".into(),
    });
    assert_eq!(
        b.binaries(),
        [BinaryMessage::ServiceCallResponse(call(7, 1))]
    );
    let failure = json!({"op": "serviceCallFailure", "serviceId": 7, "callId": 1, "message": "no"});
    assert_eq!(a.texts(), [failure]);
    // Nobody waits for a second answer.
    world.robot_binary(BinaryMessage::ServiceCallResponse(call(7, 2)));
    assert_eq!(b.items(), []);
    world.ask(&a, ClientMessage::ServiceCallRequest(call(8, 3)));
    assert_eq!(a.texts()[0]["message"], "there is no service 8");
}

#[test]
fn calls_fail_when_the_robot_leaves_or_cannot_be_asked() {
    let mut world = World::with_robot();
    let client = world.client();
    world.ask(&client, ClientMessage::ServiceCallRequest(call(7, 1)));
    let fetch = ClientMessage::FetchAsset {
        request: AssetRequestId(5),
        uri: "package://a".into(),
    };
    world.ask(&client, fetch.clone());
    let request = world.requests().remove(0);
    client.items();
    world.state.request_refused(request);
    assert!(client.texts()[0]["message"]
        .as_str()
        .unwrap()
        .contains("robot1 cannot be asked"));
    world.state.robot_left("gone");
    let result = Err("the robot is gone".to_owned());
    let request = AssetRequestId(5);
    assert_eq!(
        client.binaries(),
        [BinaryMessage::FetchAssetResponse { request, result }]
    );
    world.ask(&client, fetch);
    let request = world.requests().remove(0);
    world.state.request_refused(request);
    assert!(
        matches!(&client.binaries()[0], BinaryMessage::FetchAssetResponse { result: Err(why), .. }
        if why.contains("no robot in room lab"))
    );
}

#[test]
fn answers_about_parameters_find_their_client_and_its_id() {
    let mut world = World::with_robot();
    let (a, b) = (world.client(), world.client());
    for (client, id) in [(&a, Some("x".to_owned())), (&b, None)] {
        let names = vec![];
        world.ask(client, ClientMessage::GetParameters { names, id });
    }
    let ids: Vec<_> = world
        .requests()
        .into_iter()
        .map(|request| match request {
            ClientMessage::GetParameters { id, .. } => id,
            other => panic!("{other:?}"),
        })
        .collect();
    a.items();
    b.items();
    for id in ids.into_iter().rev() {
        let parameters = vec![];
        world.robot(ServerMessage::ParameterValues { parameters, id });
    }
    assert_eq!(
        a.texts(),
        [json!({"op": "parameterValues", "parameters": [], "id": "x"})]
    );
    assert_eq!(
        b.texts(),
        [json!({"op": "parameterValues", "parameters": []})]
    );
    // Without an id, no answer to setting is wanted.
    let set = ClientMessage::SetParameters {
        parameters: vec![],
        id: None,
    };
    world.ask(&a, set.clone());
    assert_eq!(world.requests(), [set]);
}

#[test]
fn changes_of_parameters_go_to_those_that_watch_them() {
    let mut world = World::with_robot();
    let (a, b) = (world.client(), world.client());
    let names = |names: &[&str]| {
        names
            .iter()
            .map(|&name| name.to_owned())
            .collect::<Vec<_>>()
    };
    let watch = |list: &[&str]| ClientMessage::SubscribeParameterUpdates(names(list));
    let unwatch = |list: &[&str]| ClientMessage::UnsubscribeParameterUpdates(names(list));
    world.ask(&a, watch(&["p", "q"]));
    world.ask(&b, watch(&["q", "r"]));
    assert_eq!(world.requests(), [watch(&["p", "q"]), watch(&["r"])]);
    a.items();
    b.items();
    let parameters = ["p", "r", "s"].map(|name| Parameter {
        name: name.into(),
        kind: None,
        value: Some(json!(1)),
    });
    let update = ServerMessage::ParameterValues {
        parameters: parameters.into(),
        id: None,
    };
    world.robot(update.clone());
    assert_eq!(
        a.texts()[0]["parameters"],
        json!([{"name": "p", "value": 1}])
    );
    assert_eq!(
        b.texts()[0]["parameters"],
        json!([{"name": "r", "value": 1}])
    );
    world.ask(&a, unwatch(&["p", "q"]));
    assert_eq!(world.requests(), [unwatch(&["p"])]);
    world.ask(&a, watch(&[]));
    assert_eq!(world.requests(), [watch(&[])]);
    world.robot(update);
    assert_eq!(a.texts()[0]["parameters"].as_array().unwrap().len(), 3);
    // The end of all is the end of those by name as well, so that the rest is asked for again.
    world.state.client_left(a.id);
    assert_eq!(world.requests(), [unwatch(&[]), watch(&["q", "r"])]);
}

#[test]
fn the_graph_is_watched_once_and_later_clients_get_it_whole() {
    let mut world = World::with_robot();
    let (a, b) = (world.client(), world.client());
    world.ask(&a, ClientMessage::SubscribeConnectionGraph);
    world.ask(&a, ClientMessage::SubscribeConnectionGraph);
    assert_eq!(world.requests(), [ClientMessage::SubscribeConnectionGraph]);
    let topic = |name: &str| PublishedTopic {
        name: name.into(),
        publisher_ids: vec!["/n".into()],
    };
    world.robot(ServerMessage::ConnectionGraphUpdate(GraphUpdate {
        published_topics: vec![topic("/a"), topic("/b")],
        ..GraphUpdate::default()
    }));
    world.robot(ServerMessage::ConnectionGraphUpdate(GraphUpdate {
        removed_topics: vec!["/a".into()],
        ..GraphUpdate::default()
    }));
    b.items();
    world.ask(&b, ClientMessage::SubscribeConnectionGraph);
    assert_eq!(world.requests(), []);
    let texts = b.texts();
    assert_eq!(
        texts[0]["publishedTopics"],
        json!([{"name": "/b", "publisherIds": ["/n"]}])
    );
    world.state.client_left(a.id);
    world.ask(&b, ClientMessage::UnsubscribeConnectionGraph);
    assert_eq!(
        world.requests(),
        [ClientMessage::UnsubscribeConnectionGraph]
    );
}

#[test]
fn topics_can_be_watched_without_a_client() {
    let mut world = World::new();
    world.state.watch = vec![Regex::new("^/topic1$").unwrap()];
    world.state.robot_joined("robot1");
    world.introduce("session-1");
    assert_eq!(world.requests(), [subscribed(&[1])]);
    let client = world.client();
    world.subscribe(&client, 1, 1);
    world.unsubscribe(&client, 1);
    assert_eq!(world.requests(), []);
    // After a resync the robot still has the subscription; a robot that returns has not.
    world.introduce("session-1");
    assert_eq!(world.requests(), []);
    world.state.robot_left("");
    world.state.robot_joined("robot1");
    world.introduce("session-1");
    assert_eq!(world.requests(), [subscribed(&[1])]);
}

#[test]
fn of_the_robots_time_the_latest_counts() {
    let mut world = World::with_robot();
    let client = world.client();
    client.items();
    world.robot_binary(BinaryMessage::Time(1));
    world.robot_binary(BinaryMessage::Time(2));
    assert_eq!(client.binaries(), [BinaryMessage::Time(2)]);
}

proptest! {
    #[test]
    fn any_bytes_of_the_robot_and_of_clients_are_survived(
        texts in prop::collection::vec(".{0,60}", 0..10),
        binaries in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..20),
    ) {
        let mut world = World::with_robot();
        let client = world.client();
        for text in &texts {
            let payload = Bytes::copy_from_slice(text.as_bytes());
            world.state.robot_frame(0, Frame { opcode: Opcode::Text, payload });
            if let Ok(message) = LocalMessage::parse_text(text) {
                world.state.client_message(client.id, message);
            }
        }
        for binary in binaries {
            let payload = Bytes::from(binary);
            world.state.robot_frame(0, Frame { opcode: Opcode::Binary, payload: payload.clone() });
            if let Ok(message) = LocalMessage::parse_binary(payload) {
                world.state.client_message(client.id, message);
            }
        }
        world.data(1, 1);
        prop_assert!(client.outbox.try_next().is_ok());
    }
}
