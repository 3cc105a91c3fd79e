//! Viewers publish: their channels and messages reach the robot's side, in order.

use bytes::Bytes;
use remote_access_protocol::client::{ClientChannel, ClientMessage};
use remote_access_protocol::ClientChannelId;
use remote_access_session::{ClientChannelKey, Encoding, ParticipantId, Request, SessionConfig};

use crate::harness::{permissive, Harness};

fn channel(id: u32, topic: &str) -> ClientChannel {
    ClientChannel {
        id: ClientChannelId(id),
        topic: topic.into(),
        encoding: "cdr".into(),
        schema_name: "std_msgs/msg/String".into(),
        schema_encoding: None,
        schema: None,
    }
}

fn key(viewer: u64, channel: u32) -> ClientChannelKey {
    ClientChannelKey {
        participant: ParticipantId(viewer),
        channel: ClientChannelId(channel),
    }
}

fn advertise(harness: &mut Harness, viewer: u64, channels: Vec<ClientChannel>) {
    harness.send(viewer, &ClientMessage::Advertise(channels));
}

fn publish(harness: &mut Harness, viewer: u64, channel: u32, message: &'static [u8]) {
    let message = ClientMessage::MessageData {
        channel: ClientChannelId(channel),
        message: Bytes::from_static(message),
    };
    harness.send(viewer, &message);
}

fn viewer() -> Harness {
    let mut harness = Harness::permissive();
    harness.join(1, true);
    harness
}

#[test]
fn a_channel_its_messages_and_its_end_come_in_order() {
    let mut harness = viewer();
    advertise(&mut harness, 1, vec![channel(7, "/chat")]);
    publish(&mut harness, 1, 7, b"one");
    publish(&mut harness, 1, 7, b"two");
    harness.json(1, r#"{"op":"unadvertise","channelIds":[7]}"#);
    publish(&mut harness, 1, 7, b"three");
    let message = |message: &'static [u8]| Request::Publish {
        key: key(1, 7),
        message: Bytes::from_static(message),
    };
    assert_eq!(
        harness.requests(),
        [
            Request::Advertise {
                key: key(1, 7),
                topic: "/chat".into(),
                type_name: "std_msgs/msg/String".into(),
                encoding: Encoding::Cdr,
            },
            message(b"one"),
            message(b"two"),
            Request::Unadvertise { key: key(1, 7) },
        ]
    );
    harness.pump();
    assert_eq!(
        harness.statuses(1),
        ["publishing on a channel that was not advertised, or refused"]
    );
}

#[test]
fn a_viewer_that_leaves_takes_its_channels_with_it() {
    let mut harness = viewer();
    harness.join(2, false);
    advertise(&mut harness, 1, vec![channel(1, "/a"), channel(2, "/b")]);
    advertise(&mut harness, 2, vec![channel(1, "/a")]);
    harness.requests();
    harness.leave(1);
    assert_eq!(
        harness.requests(),
        [1, 2].map(|channel| Request::Unadvertise {
            key: key(1, channel)
        })
    );
    publish(&mut harness, 2, 1, b"still here");
    assert_eq!(harness.requests().len(), 1);
}

#[test]
fn what_cannot_be_published_is_refused_with_its_reason() {
    let mut harness = viewer();
    let mut encoding = channel(1, "/a");
    encoding.encoding = "protobuf".into();
    let long = channel(1, &format!("/{}", "a".repeat(300)));
    let cases = [
        (encoding, "the encoding must be"),
        (channel(1, "cmd_vel"), "must be a full name"),
        (channel(1, "/a/../b"), "must be a full name"),
        (long, "too long"),
    ];
    for (channel, reason) in cases {
        harness.forget();
        advertise(&mut harness, 1, vec![channel]);
        harness.pass(std::time::Duration::from_secs(2));
        let statuses = harness.statuses(1);
        assert!(statuses[0].contains(reason), "{statuses:?}");
        assert_eq!(harness.requests(), []);
    }
    harness.forget();
    advertise(&mut harness, 1, vec![channel(1, "/a"), channel(1, "/b")]);
    harness.pump();
    assert!(harness.statuses(1)[0].contains("the channel id 1 is in use"));
    assert_eq!(harness.requests().len(), 1);
}

#[test]
fn channels_are_bounded() {
    let mut harness = Harness::with(SessionConfig {
        max_client_channels: 3,
        ..permissive()
    });
    harness.join(1, true);
    let channels = (0..10).map(|id| channel(id, "/a")).collect();
    advertise(&mut harness, 1, channels);
    harness.pump();
    assert_eq!(harness.requests().len(), 3);
    assert!(harness.statuses(1)[0].contains("no more than 3 channels are possible"));
}

#[test]
fn a_robot_that_takes_nothing_makes_nothing_grow() {
    let mut harness = viewer();
    advertise(&mut harness, 1, vec![channel(1, "/a")]);
    for _ in 0..2_000 {
        publish(&mut harness, 1, 1, &[0; 10_000]);
    }
    harness.pump();
    let statuses = harness.statuses(1);
    assert!(statuses[0].contains("the robot is busy"), "{statuses:?}");
    assert_eq!(statuses.len(), 1);
    let requests = harness.requests();
    assert!((100..=256).contains(&requests.len()), "{}", requests.len());
    publish(&mut harness, 1, 1, b"again");
    assert_eq!(harness.requests().len(), 1);
}

#[test]
fn the_viewer_is_told_what_the_robots_side_could_not_do() {
    let mut harness = viewer();
    advertise(&mut harness, 1, vec![channel(1, "/a"), channel(2, "/b")]);
    harness.requests();
    let now = harness.now;
    harness
        .session
        .client_channel_failed(now, key(1, 1), "the type is unknown");
    harness
        .session
        .publish_failed(now, key(1, 2), "the message is cut short");
    harness.session.publish_failed(now, key(1, 9), "gone");
    harness.pump();
    assert_eq!(
        harness.statuses(1),
        [
            "cannot publish on /a: the type is unknown",
            "a message for /b was not published: the message is cut short"
        ]
    );
    publish(&mut harness, 1, 1, b"ignored");
    assert_eq!(harness.requests(), []);
}
