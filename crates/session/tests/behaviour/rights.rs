//! Each viewer has its rights: what it may not see is not there for it, and what ends, ends.

use std::time::Duration;

use bytes::Bytes;
use remote_access_protocol::client::ClientMessage;
use remote_access_protocol::parameter::Parameter;
use remote_access_protocol::server::{ServerMessage, StatusLevel, Wheel};
use remote_access_protocol::service::{Service, ServicePayload, ServiceSchema};
use remote_access_protocol::{CallId, ServiceId};
use remote_access_session::{
    Connections, NameRule, ParticipantId, Request, Rights, ServiceInfo, SessionConfig, Subject,
};

use crate::harness::{channel, permissive, reliable, Harness};

/// Watches what has this name.
fn only(name: &'static str) -> Rights {
    Rights {
        see: NameRule::new(move |each| each == name),
        group: 7,
        ..Rights::none()
    }
}

/// A viewer 1 that may all, and a viewer 2 with these rights.
fn beside(rights: Rights) -> Harness {
    let mut harness = Harness::permissive();
    harness.add(vec![channel(1), channel(2)]);
    harness.join(1, true);
    harness.join_with(2, true, rights);
    harness
}

fn advertised(harness: &Harness, viewer: u64) -> Vec<String> {
    let messages = harness.messages(viewer).into_iter();
    messages
        .flat_map(|message| match message {
            ServerMessage::Advertise { channels } => channels,
            _ => vec![],
        })
        .map(|channel| channel.topic)
        .collect()
}

fn unadvertised(harness: &Harness, viewer: u64) -> Vec<u64> {
    let messages = harness.messages(viewer).into_iter();
    messages
        .flat_map(|message| match message {
            ServerMessage::Unadvertise { channel_ids } => channel_ids,
            _ => vec![],
        })
        .map(|id| id.0)
        .collect()
}

fn service(id: u32) -> ServiceInfo {
    let schema = || ServiceSchema {
        encoding: "cdr".into(),
        schema_name: "s".into(),
        schema_encoding: "ros2msg".into(),
        schema: "bool a".into(),
    };
    ServiceInfo {
        service: Service {
            id: ServiceId(id),
            name: format!("/s{id}"),
            service_type: "a/srv/S".into(),
            request: schema(),
            response: schema(),
        },
        timeout: Duration::from_secs(3),
    }
}

fn call(harness: &mut Harness, viewer: u64, service: u32) {
    let request = ServicePayload {
        service: ServiceId(service),
        call: CallId(1),
        encoding: "cdr".into(),
        payload: Bytes::from_static(b"request"),
    };
    harness.send(viewer, &ClientMessage::ServiceCallRequest(request));
    harness.pump();
}

fn failures(harness: &Harness, viewer: u64) -> Vec<String> {
    let messages = harness.messages(viewer).into_iter();
    messages
        .filter_map(|message| match message {
            ServerMessage::ServiceCallFailure { message, .. } => Some(message),
            _ => None,
        })
        .collect()
}

fn parameter(name: &str) -> Parameter {
    Parameter {
        name: name.into(),
        value: Some(1.into()),
        kind: None,
    }
}

fn values(harness: &Harness, viewer: u64) -> Vec<Vec<String>> {
    let messages = harness.messages(viewer).into_iter();
    messages
        .filter_map(|message| match message {
            ServerMessage::ParameterValues { parameters, .. } => Some(parameters),
            _ => None,
        })
        .map(|parameters| parameters.into_iter().map(|each| each.name).collect())
        .collect()
}

#[test]
fn a_topic_that_may_not_be_seen_is_not_there() {
    let mut harness = beside(only("/topic1"));
    assert_eq!(advertised(&harness, 1), ["/topic1", "/topic2"]);
    assert_eq!(advertised(&harness, 2), ["/topic1"]);
    harness.subscribe(2, &[1, 2]);
    harness.publish(1, 0, 100);
    harness.publish(2, 0, 100);
    harness.pump();
    assert_eq!(harness.seqs(2, 1), [0]);
    assert_eq!(harness.seqs(2, 2), [0u64; 0]);
    assert_eq!(harness.events().len(), 1, "nobody wants the other");
    harness.add(vec![channel(3)]);
    harness.pump();
    assert_eq!(advertised(&harness, 1).len(), 3);
    assert_eq!(advertised(&harness, 2).len(), 1);
    let ids = [1, 2, 3].map(remote_access_protocol::ChannelId);
    harness.session.remove_channels(harness.now, &ids);
    harness.pump();
    assert_eq!(unadvertised(&harness, 1), [1, 2, 3]);
    assert_eq!(unadvertised(&harness, 2), [1]);
}

#[test]
fn problems_and_the_graph_tell_of_what_is_seen_alone() {
    let mut harness = beside(only("/topic1"));
    for topic in ["/topic1", "/topic2"] {
        let about = Subject::Topic(topic.to_owned());
        let problem = Some((StatusLevel::Error, format!("{topic} is ill")));
        harness.session.problem(harness.now, about, problem);
    }
    let about = Subject::Service("/s1".to_owned());
    let problem = Some((StatusLevel::Error, "/s1 is ill".to_owned()));
    harness.session.problem(harness.now, about, problem);
    harness.pump();
    assert_eq!(harness.statuses(1).len(), 3);
    assert_eq!(harness.statuses(2), ["/topic1 is ill"]);
    harness.join_with(3, true, only("/topic1"));
    assert_eq!(harness.statuses(3), ["/topic1 is ill"]);

    let nodes = || ["/node".to_owned()].into();
    let names = |names: &[&str]| {
        names
            .iter()
            .map(|name| ((*name).to_owned(), nodes()))
            .collect()
    };
    for viewer in [1, 2] {
        harness.json(viewer, r#"{"op":"subscribeConnectionGraph"}"#);
    }
    let graph = Connections {
        published: names(&["/topic1", "/topic2"]),
        subscribed: names(&["/topic2"]),
        services: names(&["/s1"]),
    };
    harness.session.connection_graph(harness.now, graph);
    let graph = Connections {
        published: names(&["/topic1"]),
        ..Connections::default()
    };
    harness.session.connection_graph(harness.now, graph);
    harness.pump();
    let told = |viewer| {
        let messages = harness.messages(viewer).into_iter();
        let updates =
            messages.filter(|each| matches!(each, ServerMessage::ConnectionGraphUpdate(_)));
        updates.map(|each| format!("{each:?}")).collect::<Vec<_>>()
    };
    assert_eq!(told(1).len(), 2);
    let [first] = &told(2)[..] else {
        panic!("{:?}", told(2));
    };
    assert!(first.contains("/topic1") && !first.contains("/topic2") && !first.contains("/s1"));
}

#[test]
fn services_are_there_for_those_who_may_call_them() {
    let rights = Rights {
        call: NameRule::new(|name| name == "/s1"),
        ..only("")
    };
    let mut harness = beside(rights);
    harness
        .session
        .add_services(harness.now, vec![service(1), service(2)]);
    harness.pump();
    let offers = |harness: &Harness, viewer| {
        let messages = harness.messages(viewer).into_iter();
        let offered = messages.flat_map(|message| match message {
            ServerMessage::AdvertiseServices { services } => services,
            _ => vec![],
        });
        offered.map(|service| service.name).collect::<Vec<_>>()
    };
    assert_eq!(offers(&harness, 1), ["/s1", "/s2"]);
    assert_eq!(offers(&harness, 2), ["/s1"]);
    call(&mut harness, 2, 2);
    assert_eq!(harness.requests(), []);
    assert_eq!(failures(&harness, 2), ["there is no such service"]);
    call(&mut harness, 2, 1);
    assert_eq!(harness.requests().len(), 1);
}

#[test]
fn of_parameters_each_is_read_and_set_by_who_may() {
    let rights = Rights {
        read: NameRule::new(|name| name.starts_with("/a.")),
        set: NameRule::new(|name| name == "/a.x"),
        ..only("")
    };
    let mut harness = beside(rights);
    let ask = r#"{"op":"getParameters","parameterNames":["/a.x","/b.y"],"id":"1"}"#;
    harness.json(2, ask);
    let [Request::GetParameters { names, .. }] = &harness.requests()[..] else {
        panic!("one request");
    };
    assert_eq!(names[..], ["/a.x"]);
    // All that are asked for are forbidden: that must not become a request for all.
    harness.json(
        2,
        r#"{"op":"getParameters","parameterNames":["/b.y"],"id":"2"}"#,
    );
    assert_eq!(harness.requests(), []);
    // All parameters are those that it may read.
    harness.json(2, r#"{"op":"getParameters","parameterNames":[],"id":"3"}"#);
    let Some(Request::GetParameters { key, .. }) = harness.requests().pop() else {
        panic!("a request");
    };
    let all = vec![parameter("/a.x"), parameter("/b.y")];
    harness
        .session
        .parameter_values(harness.now, key, all.clone());
    harness.json(
        2,
        r#"{"op":"subscribeParameterUpdates","parameterNames":[]}"#,
    );
    harness.session.parameters_changed(harness.now, &all);
    harness.pump();
    assert_eq!(values(&harness, 2), [vec![], vec!["/a.x"], vec!["/a.x"]]);
    harness.requests();
    harness.json(
        2,
        r#"{"op":"setParameters","parameters":[{"name":"/a.x","value":1},{"name":"/a.z","value":1}]}"#,
    );
    let [Request::SetParameters { parameters, .. }] = &harness.requests()[..] else {
        panic!("one request");
    };
    assert_eq!(parameters.len(), 1);
    harness.pump();
    let told = harness.statuses(2).join("\n");
    assert!(
        told.contains("setting parameters (/a.z)") && told.contains("reading parameters (/b.y)")
    );
}

const COMMANDS: &str = r#"{"op":"advertise","channels":[
    {"id":1,"topic":"/cmd_vel","encoding":"cdr","schemaName":"geometry_msgs/msg/Twist"},
    {"id":2,"topic":"/chat","encoding":"cdr","schemaName":"std_msgs/msg/String"}]}"#;

fn publish(harness: &mut Harness, viewer: u64, channel: u32) -> Vec<Request> {
    let mut message = vec![1];
    message.extend_from_slice(&channel.to_le_bytes());
    message.extend_from_slice(b"fast");
    let frame = remote_access_protocol::frame::binary(&message).unwrap();
    harness.bytes(viewer, &frame).unwrap();
    harness.pump();
    harness.requests()
}

#[test]
fn driving_is_a_right_of_its_own() {
    let chat = Rights {
        publish: NameRule::all(),
        ..only("")
    };
    let mut harness = beside(chat);
    harness.json(2, COMMANDS);
    let asked = harness.requests();
    assert!(
        matches!(&asked[..], [Request::Advertise { topic, .. }] if topic == "/chat"),
        "{asked:?}"
    );
    let driver = Rights {
        drive: true,
        ..only("")
    };
    let mut harness = beside(driver);
    harness.json(2, COMMANDS);
    let asked = harness.requests();
    assert!(
        matches!(&asked[..], [Request::Advertise { topic, .. }] if topic == "/cmd_vel"),
        "{asked:?}"
    );
}

#[test]
fn the_wheel_is_taken_by_right_alone_and_with_a_stop() {
    let supervisor = || Rights {
        drive: true,
        override_driver: true,
        ..only("")
    };
    let mut harness = beside(supervisor());
    harness.join_with(3, true, supervisor());
    for viewer in [1, 2, 3] {
        harness.json(viewer, COMMANDS);
    }
    harness.requests();
    assert_eq!(publish(&mut harness, 1, 1).len(), 1);
    // Who has the right is told so beforehand.
    let told = harness.wheels(2);
    assert!(
        matches!(told[..], [Wheel::Driven { may_take: true, .. }]),
        "{told:?}"
    );
    let taken = publish(&mut harness, 2, 1);
    assert!(
        matches!(&taken[..], [Request::Stop { key: stopped }, Request::Publish { key, .. }]
            if stopped.participant.0 == 1 && key.participant.0 == 2),
        "{taken:?}"
    );
    // Who lost it does not get it back, nor does another of the same right take it.
    assert_eq!(publish(&mut harness, 1, 1), []);
    assert_eq!(publish(&mut harness, 3, 1), []);
    assert_eq!(publish(&mut harness, 2, 1).len(), 1);
}

#[test]
fn rights_that_end_end_all_that_they_allowed() {
    let mut harness = Harness::permissive();
    harness.add(vec![channel(1)]);
    harness.session.add_services(harness.now, vec![service(1)]);
    let rights = Rights {
        expires: Some(harness.now + Duration::from_secs(60)),
        ..Rights::all()
    };
    harness.join_with(1, true, rights);
    harness.acknowledge(1);
    harness.subscribe(1, &[1]);
    harness.json(1, COMMANDS);
    harness.json(
        1,
        r#"{"op":"subscribeParameterUpdates","parameterNames":[]}"#,
    );
    harness.requests();
    harness.pass(Duration::from_millis(59_800));
    assert_eq!(publish(&mut harness, 1, 1).len(), 1);
    call(&mut harness, 1, 1);
    harness.json(1, r#"{"op":"getParameters","parameterNames":[],"id":"1"}"#);
    harness.json(
        1,
        r#"{"op":"fetchAsset","requestId":1,"uri":"package://a/b.stl"}"#,
    );
    harness.requests();
    harness.pass(Duration::from_millis(100));
    assert_eq!(harness.requests(), [], "it is not over yet");
    harness.pass(Duration::from_millis(150));
    let ended = harness.requests();
    let count = |of: fn(&Request) -> bool| ended.iter().filter(|each| of(each)).count();
    assert_eq!(count(|each| matches!(each, Request::Stop { .. })), 1);
    assert_eq!(count(|each| matches!(each, Request::Unadvertise { .. })), 2);
    assert_eq!(count(|each| matches!(each, Request::Cancel(_))), 3);
    assert!(
        ended.contains(&Request::WatchParameters(false)),
        "{ended:?}"
    );
    assert_eq!(
        failures(&harness, 1),
        ["the right to call the service has ended"]
    );
    let told = harness.statuses(1);
    assert!(
        told.iter().any(|text| text.contains("ask for a new link")),
        "{told:?}"
    );
    harness.forget();
    harness.publish(1, 0, 100);
    harness.subscribe(1, &[1]);
    harness.publish(1, 1, 100);
    harness.pump();
    assert_eq!(harness.seqs(1, 1), [0u64; 0]);
    harness.json(1, COMMANDS);
    assert_eq!(harness.requests(), []);
    // Rights that are given anew count, and the complaint is withdrawn.
    harness
        .session
        .set_rights(harness.now, ParticipantId(1), Rights::all(), None);
    harness.pump();
    assert_eq!(advertised(&harness, 1), ["/topic1"]);
    assert!(harness.statuses(1).contains(&"-rights".to_owned()));
}

#[test]
fn a_command_that_cannot_be_published_is_no_sign_of_life() {
    let mut harness = beside(only(""));
    harness.json(1, COMMANDS);
    harness.requests();
    let sent = publish(&mut harness, 1, 1);
    let [Request::Publish { key, .. }] = sent[..] else {
        panic!("{sent:?}");
    };
    harness
        .session
        .publish_failed(harness.now, key, "it is no Twist");
    assert_eq!(harness.requests(), [Request::Stop { key }]);
    harness.pass(Duration::from_secs(5));
    assert_eq!(harness.requests(), []);
}

/// Uploads of ten messages to three viewers of these rights.
fn uploads(config: SessionConfig, rights: [Rights; 3]) -> usize {
    let mut harness = Harness::with(config);
    harness.add(vec![reliable(1)]);
    for (id, rights) in rights.into_iter().enumerate() {
        let id = id as u64;
        harness.join_with(id, true, rights);
        harness.acknowledge(id);
        harness.subscribe(id, &[1]);
    }
    harness.forget();
    for seq in 0..10 {
        harness.publish(1, seq, 10_000);
        harness.pump();
    }
    for id in 0..3 {
        assert_eq!(harness.seqs(id, 1).len(), 10);
    }
    harness.uplink() / 95_000
}

#[test]
fn those_of_other_rights_share_no_lane_and_nobody_does_if_it_is_off() {
    let all = || [Rights::all(), Rights::all(), Rights::all()];
    assert_eq!(uploads(permissive(), all()), 1);
    let other = [Rights::all(), only("/topic1"), Rights::all()];
    assert_eq!(uploads(permissive(), other), 2);
    let off = SessionConfig {
        lane_sharing: false,
        ..permissive()
    };
    assert_eq!(uploads(off, all()), 3);
}
