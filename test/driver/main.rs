//! The driver with a real session and no room: a transport in memory hands each connection's far
//! end to the test, which plays the viewers and takes what is sent to them.

mod memory;

use std::time::Duration;

use bytes::Bytes;
use memory::{json, soon, Fixture, Line, Parting};
use remote_access_bridge::driver::{
    Answer, Command, ConnectionEvent, ConnectionState, Inbound, Message,
};
use remote_access_protocol::frame;
use remote_access_protocol::server::{message_data, Channel, ServerMessage, StatusLevel};
use remote_access_protocol::{ChannelId, ClientChannelId};
use remote_access_session::{
    ChannelInfo, Delivery, InboundId, ParticipantId, PublisherId, RateLimit, Request, Subject,
    Transmit,
};

const CHANNEL: ChannelId = ChannelId(1);

fn channel() -> ChannelInfo {
    ChannelInfo {
        channel: Channel {
            id: CHANNEL,
            topic: "/scan".into(),
            encoding: "cdr".into(),
            schema_name: "a_msgs/msg/A".into(),
            schema_encoding: None,
            schema: String::new(),
            metadata: std::collections::BTreeMap::new(),
        },
        delivery: Delivery {
            depth: 10,
            reliable: true,
            latched: false,
        },
        rate_limit: RateLimit::default(),
    }
}

fn message(payload: &[u8]) -> Message {
    Message::Data {
        channel: CHANNEL,
        publisher: PublisherId::default(),
        frame: message_data(CHANNEL, 0, payload).unwrap(),
        video_frame: None,
    }
}

/// A viewer joins, opens a stream and sees the channel.
async fn join(line: &mut Line, id: u64) {
    line.join(id).await;
    line.until_json(|message| matches!(message, ServerMessage::ServerInfo { .. }))
        .await;
    line.until_json(|message| matches!(message, ServerMessage::Advertise { .. }))
        .await;
}

/// A viewer is going to drive.
fn advertise() -> Bytes {
    json(
        r#"{"op":"advertise","channels":[{"id":7,"topic":"/cmd_vel","encoding":"json","schemaName":"a_msgs/msg/A"}]}"#,
    )
}

/// A command of such a viewer.
fn command() -> Bytes {
    frame::binary(b"\x01\x07\0\0\0{}").unwrap()
}

async fn subscribe(fixture: &Fixture, line: &Line, id: u64) {
    let subscribe = json(r#"{"op":"subscribe","channelIds":[1]}"#);
    line.send(id, Inbound::Bytes(subscribe)).await;
    fixture.demand_changes().await;
    assert!(fixture.handle.demand.wanted().contains_key(&CHANNEL));
}

#[tokio::test]
async fn what_a_viewer_subscribes_to_is_wanted_and_reaches_it() {
    let fixture = Fixture::start();
    let mut line = fixture.connection().await;
    fixture.command(Command::Add(vec![channel()])).await;
    join(&mut line, 1).await;
    assert!(fixture.handle.demand.wanted().is_empty());

    subscribe(&fixture, &line, 1).await;
    fixture.handle.messages.push(message(b"a scan"));
    let (destinations, data) = line.until_data().await;
    assert_eq!(destinations, [ParticipantId(1)]);
    assert!(data.ends_with(b"a scan"));

    line.event(ConnectionEvent::ViewerLeft(ParticipantId(1)))
        .await;
    fixture.demand_changes().await;
    assert!(fixture.handle.demand.wanted().is_empty());
    fixture.stop().await;
}

#[tokio::test]
async fn a_connection_that_ends_is_given_up_and_replaced() {
    let fixture = Fixture::start();
    assert_eq!(fixture.report().await.connection, ConnectionState::Down);
    let mut line = fixture.connection().await;
    fixture.command(Command::Add(vec![channel()])).await;
    join(&mut line, 1).await;
    subscribe(&fixture, &line, 1).await;
    assert_eq!(fixture.report().await.connection, ConnectionState::Up);
    line.event(ConnectionEvent::Interrupted).await;
    fixture.connection_is(ConnectionState::Interrupted).await;

    line.event(ConnectionEvent::Ended).await;
    assert_eq!(line.parting().await, Parting::Abandoned);
    fixture.demand_changes().await;
    assert!(fixture.handle.demand.wanted().is_empty());
    let mut line = fixture.connection().await;
    join(&mut line, 2).await;
    let report = fixture.report().await;
    assert_eq!(report.connection, ConnectionState::Up);
    assert_eq!(report.connections, 2);
    let viewers: Vec<_> = report.viewers.iter().map(|viewer| &viewer.name).collect();
    assert_eq!(
        viewers,
        ["viewer-2"],
        "the first viewer has gone with the connection"
    );
    fixture.stop().await;
}

#[tokio::test]
async fn one_thing_is_sent_at_a_time_and_a_stream_that_fails_is_replaced() {
    let fixture = Fixture::start();
    let line = fixture.connection().await;
    line.join(1).await;
    let Transmit::Open { stream, .. } = line.transmit().await else {
        panic!("a stream is opened first");
    };
    // There is more to send, but the first thing is still on its way.
    fixture.report().await;
    assert!(line.try_transmit().is_none());

    line.fail(stream).await;
    let Transmit::Open {
        stream: next,
        destinations,
    } = line.transmit().await
    else {
        panic!("another stream takes its place");
    };
    assert_ne!(stream, next);
    assert_eq!(destinations, [ParticipantId(1)]);
    fixture.stop().await;
}

#[tokio::test]
async fn a_stream_that_breaks_the_protocol_is_ended_and_no_other() {
    let fixture = Fixture::start();
    let mut line = fixture.connection().await;
    fixture.command(Command::Add(vec![channel()])).await;
    join(&mut line, 1).await;
    join(&mut line, 2).await;
    line.send(1, Inbound::Bytes(Bytes::from_static(&[99; 64])))
        .await;
    assert_eq!(line.ended_stream().await, InboundId(1));
    subscribe(&fixture, &line, 2).await;
    fixture.stop().await;
}

#[tokio::test]
async fn problems_of_the_robot_reach_its_viewers() {
    let fixture = Fixture::start();
    let mut line = fixture.connection().await;
    line.join(1).await;
    let problem = Answer::Problem {
        about: Subject::Topic("/scan".into()),
        problem: Some((StatusLevel::Warning, "/scan cannot be offered".into())),
    };
    fixture.command(Command::Answer(problem)).await;
    line.until_json(|told| {
        matches!(told, ServerMessage::Status { message, .. } if message == "/scan cannot be offered")
    })
    .await;
    fixture.stop().await;
}

#[tokio::test]
async fn at_the_end_what_viewers_drive_is_stopped_before_the_connection_is_left() {
    let fixture = Fixture::start();
    let mut line = fixture.connection().await;
    fixture.command(Command::Add(vec![channel()])).await;
    join(&mut line, 1).await;
    line.send(1, Inbound::Bytes(advertise())).await;
    let requests = fixture.handle.requests.clone();
    let first = requests.recv_async().await.unwrap();
    assert!(matches!(first, Request::Advertise { .. }), "{first:?}");

    fixture.stop().await;
    assert_eq!(line.parting().await, Parting::Left);
    let rest: Vec<Request> = requests.drain().collect();
    assert!(
        matches!(rest[..], [Request::Unadvertise { .. }]),
        "{rest:?}"
    );
}

#[tokio::test]
async fn a_stop_reaches_a_robot_whose_side_takes_no_requests() {
    let fixture = Fixture::start();
    let mut line = fixture.connection().await;
    fixture.command(Command::Add(vec![channel()])).await;
    join(&mut line, 1).await;
    line.send(1, Inbound::Bytes(advertise())).await;
    for _ in 0..100 {
        line.send(1, Inbound::Bytes(command())).await;
    }
    // No command comes any more: a stop is due, while as many requests wait as can.
    let stops = fixture.handle.stops.clone();
    let stopped = soon("a stop", stops.recv_async()).await.unwrap();
    assert_eq!(stopped.channel, ClientChannelId(7));

    let requests = fixture.handle.requests.clone();
    let mut before = 0;
    loop {
        match soon("its place", requests.recv_async()).await.unwrap() {
            Request::Stop { key } => break assert_eq!(key, stopped),
            _ => before += 1,
        }
    }
    // What was handed over already; the rest was void.
    assert!((2..40).contains(&before), "{before}");
    fixture.stop().await;
}

#[tokio::test]
async fn stopping_does_not_wait_for_a_connection() {
    let fixture = Fixture::unconnected();
    tokio::time::sleep(Duration::from_millis(10)).await;
    fixture.stop().await;
}
