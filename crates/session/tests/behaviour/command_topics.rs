//! Command topics: one driver at a time, and one stop when it is gone, silent or not allowed.

use std::time::Duration;

use bytes::Bytes;
use remote_access_protocol::client::ClientMessage;
use remote_access_protocol::server::Wheel;
use remote_access_protocol::ClientChannelId;
use remote_access_session::{ClientChannelKey, ParticipantId, Request, Rights, SessionConfig};

use crate::harness::{permissive, Harness};

const TIMEOUT: Duration = Duration::from_millis(500);

const ADVERTISE: &str = r#"{"op":"advertise","channels":[{"id":1,"topic":"/cmd_vel","encoding":"cdr",
    "schemaName":"geometry_msgs/msg/Twist"}]}"#;
const ASK: &str = r#"{"op":"wheel","topic":"/cmd_vel","act":"ask"}"#;
const GIVE: &str = r#"{"op":"wheel","topic":"/cmd_vel","act":"give"}"#;
const KEEP: &str = r#"{"op":"wheel","topic":"/cmd_vel","act":"keep"}"#;

fn key(viewer: u64) -> ClientChannelKey {
    ClientChannelKey {
        participant: ParticipantId(viewer),
        channel: ClientChannelId(1),
    }
}

/// Viewers that have advertised `/cmd_vel` as their channel 1.
fn drivers(count: u64) -> Harness {
    let mut harness = Harness::with(SessionConfig {
        command_timeout: TIMEOUT,
        ..permissive()
    });
    for id in 1..=count {
        harness.join(id, id % 2 == 0);
        let name = format!("driver {id}");
        harness.session.participant_named(ParticipantId(id), name);
        harness.json(id, ADVERTISE);
    }
    harness.requests();
    harness
}

/// A message on the channel 1.
fn command() -> bytes::Bytes {
    let mut message = vec![1];
    message.extend_from_slice(&1u32.to_le_bytes());
    message.extend_from_slice(b"fast");
    remote_access_protocol::frame::binary(&message).unwrap()
}

/// A message on the channel 1 that asks for no motion.
fn standstill() -> Bytes {
    let mut message = vec![1];
    message.extend_from_slice(&1u32.to_le_bytes());
    message.extend_from_slice(&[0, 1, 0, 0]);
    message.extend_from_slice(&[0; 48]);
    remote_access_protocol::frame::binary(&message).unwrap()
}

/// A viewer says something, and hears the answer.
fn say(harness: &mut Harness, viewer: u64, json: &str) {
    harness.json(viewer, json);
    harness.pump();
}

fn drive(harness: &mut Harness, viewer: u64) -> usize {
    harness.bytes(viewer, &command()).unwrap();
    harness.pump();
    harness.requests().len()
}

/// Tells the robot how long a quick way of viewer 1 takes, whose clock is at `ms`.
fn ping(harness: &mut Harness, ms: u64) {
    let timestamp = 1000 * ms;
    harness.send(1, &ClientMessage::Ping { timestamp });
}

/// Sends a command when the clock of viewer 1 is at `ms`. Returns whether it reached the robot.
fn drive_at(harness: &mut Harness, ms: u64) -> bool {
    let command = ClientMessage::TimedMessageData {
        channel: ClientChannelId(1),
        sent: 1000 * ms,
        message: Bytes::from_static(b"fast"),
    };
    harness.send(1, &command);
    harness.pump();
    let requests = harness.requests();
    requests
        .iter()
        .any(|request| matches!(request, Request::Publish { .. }))
}

#[test]
fn a_command_that_was_long_on_the_way_is_not_obeyed_and_does_not_put_off_the_stop() {
    let mut harness = drivers(1);
    ping(&mut harness, 70_000);
    assert!(drive_at(&mut harness, 70_000));
    harness.pass(Duration::from_millis(450));
    // It was sent at once, and what came after it as well.
    assert!(drive_at(&mut harness, 70_010));
    assert!(harness.statuses(1).is_empty());
    harness.pass(Duration::from_millis(300));
    assert!(!drive_at(&mut harness, 70_020));
    assert!(!drive_at(&mut harness, 70_249));
    assert_eq!(
        harness.statuses(1),
        [
            "/cmd_vel: a command was 730 ms on the way and is not obeyed, the limit is 500 ms \
          (the bridge's parameter `command_max_age_ms`)"
        ]
    );
    harness.pass(Duration::from_millis(180));
    assert_eq!(harness.requests(), []);
    harness.pass(Duration::from_millis(40));
    assert_eq!(harness.requests(), [Request::Stop { key: key(1) }]);
    assert!(drive_at(&mut harness, 70_960));
}

#[test]
fn only_commands_have_an_age() {
    let mut harness = drivers(1);
    harness.json(1, r#"{"op":"unadvertise","channelIds":[1]}"#);
    harness.json(
        1,
        r#"{"op":"advertise","channels":[{"id":1,"topic":"/chat","encoding":"cdr",
            "schemaName":"std_msgs/msg/String"}]}"#,
    );
    ping(&mut harness, 70_000);
    harness.pass(Duration::from_secs(5));
    assert!(drive_at(&mut harness, 70_000));
}

#[test]
fn silence_stops_once_and_time_alone_decides() {
    let mut harness = drivers(1);
    for _ in 0..10 {
        assert_eq!(drive(&mut harness, 1), 1);
        harness.pass(TIMEOUT - Duration::from_millis(10));
        assert_eq!(harness.requests(), []);
    }
    harness.pass(Duration::from_millis(20));
    assert_eq!(harness.requests(), [Request::Stop { key: key(1) }]);
    assert_eq!(
        harness.statuses(1),
        ["/cmd_vel: no command for 500 ms, a stop was published"]
    );
    harness.pass(10 * TIMEOUT);
    assert_eq!(harness.requests(), []);
    assert_eq!(drive(&mut harness, 1), 1);
    harness.pass(2 * TIMEOUT);
    assert_eq!(harness.requests(), [Request::Stop { key: key(1) }]);
}

#[test]
fn a_stop_waits_for_nobodys_work_and_no_command_follows_it() {
    let mut harness = drivers(2);
    harness.json(
        2,
        r#"{"op":"advertise","channels":[{"id":2,"topic":"/chat","encoding":"json",
            "schemaName":"std_msgs/msg/String"}]}"#,
    );
    harness.requests();
    let mut chat = vec![1];
    chat.extend_from_slice(&2u32.to_le_bytes());
    chat.resize(1 << 20, b' ');
    let chat = remote_access_protocol::frame::binary(&chat).unwrap();
    for _ in 0..10 {
        harness.bytes(2, &chat).unwrap();
    }
    for _ in 0..3 {
        harness.bytes(1, &command()).unwrap();
    }
    harness.pass(2 * TIMEOUT);
    assert_eq!(harness.session.poll_stop(), Some(key(1)));
    assert_eq!(harness.session.poll_stop(), None);
    let requests = harness.requests();
    // The commands before the stop are void, and those after it will come after its place.
    assert_eq!(requests.len(), 10 + 1);
    assert_eq!(requests[10], Request::Stop { key: key(1) });
    assert!(requests[..10]
        .iter()
        .all(|request| matches!(request, Request::Publish { key, .. } if key.participant.0 == 2)));
}

#[test]
fn the_session_asks_to_be_called_when_the_stop_is_due() {
    let mut harness = drivers(1);
    let start = harness.now;
    assert_eq!(drive(&mut harness, 1), 1);
    let due = harness.session.poll_timeout(start).expect("a timeout");
    assert!(due <= start + TIMEOUT);
}

#[test]
fn leaving_stops_before_the_channel_ends() {
    let mut harness = drivers(1);
    drive(&mut harness, 1);
    harness.leave(1);
    let expected = [
        Request::Stop { key: key(1) },
        Request::Unadvertise { key: key(1) },
    ];
    assert_eq!(harness.requests(), expected);
    harness.pass(10 * TIMEOUT);
    assert_eq!(harness.requests(), []);
}

#[test]
fn every_way_to_end_stops_once() {
    let ends: [fn(&mut Harness); 4] = [
        |harness| harness.json(1, r#"{"op":"unadvertise","channelIds":[1]}"#),
        |harness| {
            let now = harness.now;
            harness
                .session
                .set_rights(now, ParticipantId(1), Rights::none(), None);
        },
        |harness| {
            let now = harness.now;
            harness.session.set_may_send(now, ParticipantId(1), false);
        },
        |harness| harness.session.connection_lost(harness.now),
    ];
    for end in ends {
        let mut harness = drivers(1);
        drive(&mut harness, 1);
        end(&mut harness);
        let expected = [
            Request::Stop { key: key(1) },
            Request::Unadvertise { key: key(1) },
        ];
        assert_eq!(harness.requests(), expected);
        harness.pass(10 * TIMEOUT);
        assert_eq!(harness.requests(), []);
    }
}

#[test]
fn who_did_not_drive_stops_nothing() {
    let mut harness = drivers(1);
    harness.leave(1);
    assert_eq!(harness.requests(), [Request::Unadvertise { key: key(1) }]);
}

#[test]
fn one_drives_and_the_others_see_who() {
    let mut harness = drivers(2);
    assert_eq!(drive(&mut harness, 1), 1);
    assert_eq!(drive(&mut harness, 2), 0);
    let viewers = harness.session.viewers();
    assert_eq!(viewers[0].drives, ["/cmd_vel"]);
    assert_eq!(viewers[1].drives, [""; 0]);
    assert_eq!(viewers[0].publishes["/cmd_vel"], 1);
    assert_eq!(viewers[1].publishes["/cmd_vel"], 0);
    assert_eq!(
        harness.statuses(2),
        ["/cmd_vel is driven by driver 1; it is free when driver 1 stops"]
    );
    harness.leave(1);
    assert_eq!(
        harness.statuses(2).last().map(String::as_str),
        Some("-driven-/cmd_vel")
    );
    assert_eq!(harness.session.viewers()[0].drives, [""; 0]);
    harness.requests();
    assert_eq!(drive(&mut harness, 2), 1);
}

#[test]
fn those_who_could_drive_are_told_who_does_before_they_try() {
    let mut harness = drivers(3);
    drive(&mut harness, 1);
    let driven = "/cmd_vel is driven by driver 1; it is free when driver 1 stops";
    assert_eq!(harness.statuses(2), [driven]);
    assert_eq!(
        harness.wheels(2),
        [Wheel::Driven {
            driver: "driver 1".to_owned(),
            may_take: false
        }]
    );
    // Who comes later is told as well.
    harness.leave(3);
    harness.join(4, true);
    say(&mut harness, 4, ADVERTISE);
    assert_eq!(harness.statuses(4), [driven]);
    harness.pass(2 * TIMEOUT);
    for viewer in [2, 4] {
        assert_eq!(harness.statuses(viewer), [driven, "-driven-/cmd_vel"]);
    }
    assert!(harness
        .statuses(1)
        .iter()
        .all(|text| !text.contains("driven by")));
}

#[test]
fn the_wheel_is_asked_for_and_kept_or_handed_over() {
    let mut harness = drivers(3);
    say(&mut harness, 2, ASK);
    assert_eq!(harness.statuses(2), ["/cmd_vel is free"]);
    drive(&mut harness, 1);
    say(&mut harness, 2, ASK);
    assert_eq!(
        harness.statuses(1),
        ["driver 2 asks for the wheel of /cmd_vel"]
    );
    let asker = "driver 2".to_owned();
    assert_eq!(harness.wheels(1), [Wheel::Asked { asker }]);
    let last = |harness: &mut Harness, viewer| harness.statuses(viewer).pop().unwrap();
    assert_eq!(
        last(&mut harness, 2),
        "driver 1 was asked for the wheel of /cmd_vel"
    );
    say(&mut harness, 3, ASK);
    assert_eq!(
        last(&mut harness, 3),
        "driver 2 has asked for the wheel of /cmd_vel before"
    );
    // Only the driver answers.
    say(&mut harness, 3, GIVE);
    assert_eq!(harness.requests(), []);
    say(&mut harness, 1, KEEP);
    assert_eq!(last(&mut harness, 1), "-asked-/cmd_vel");
    assert_eq!(
        last(&mut harness, 2),
        "driver 1 keeps the wheel of /cmd_vel"
    );
    assert_eq!(drive(&mut harness, 2), 0);
    // Nor is it asked again and again.
    say(&mut harness, 2, ASK);
    say(&mut harness, 1, GIVE);
    assert_eq!(harness.requests(), []);
    for _ in 0..5 {
        assert_eq!(drive(&mut harness, 1), 1);
        harness.pass(TIMEOUT / 2);
    }
    say(&mut harness, 2, ASK);
    say(&mut harness, 1, GIVE);
    assert_eq!(harness.requests(), [Request::Stop { key: key(1) }]);
    assert_eq!(
        last(&mut harness, 2),
        "driver 1 hands you the wheel of /cmd_vel, for 10 s"
    );
    // It is kept for who asked, but a stop is for everybody.
    harness.pass(2 * TIMEOUT);
    assert_eq!(drive(&mut harness, 1), 0);
    assert_eq!(drive(&mut harness, 3), 0);
    assert_eq!(last(&mut harness, 3), "/cmd_vel was handed to driver 2");
    let heir = "driver 2".to_owned();
    assert_eq!(harness.wheels(3).last(), Some(&Wheel::Handed { heir }));
    harness.bytes(3, &standstill()).unwrap();
    let stop = harness.requests();
    assert!(matches!(stop[..], [Request::Publish { .. }]), "{stop:?}");
    assert_eq!(drive(&mut harness, 2), 1);
    harness.pass(2 * TIMEOUT);
    harness.requests();
    assert_eq!(drive(&mut harness, 1), 1);
}

#[test]
fn a_wheel_is_not_kept_for_who_is_gone() {
    let mut harness = drivers(3);
    drive(&mut harness, 1);
    say(&mut harness, 2, ASK);
    say(&mut harness, 1, GIVE);
    harness.pass(2 * TIMEOUT);
    harness.requests();
    assert_eq!(drive(&mut harness, 3), 0);
    harness.leave(2);
    assert_eq!(
        harness.statuses(3).last().map(String::as_str),
        Some("-driven-/cmd_vel")
    );
    harness.requests();
    assert_eq!(drive(&mut harness, 3), 1);
    // Nor does who has gone wait for an answer.
    say(&mut harness, 1, ASK);
    assert_eq!(
        harness.statuses(3).last().map(String::as_str),
        Some("driver 1 asks for the wheel of /cmd_vel")
    );
    harness.leave(1);
    assert_eq!(
        harness.statuses(3).last().map(String::as_str),
        Some("-asked-/cmd_vel")
    );
}

#[test]
fn a_wheel_that_nobody_takes_is_free_after_a_while() {
    let mut harness = drivers(3);
    drive(&mut harness, 1);
    say(&mut harness, 2, ASK);
    say(&mut harness, 1, GIVE);
    harness.requests();
    assert_eq!(drive(&mut harness, 3), 0);
    harness.pass(Duration::from_secs(10));
    for viewer in [1, 3] {
        let last = harness.statuses(viewer).pop();
        assert_eq!(last.as_deref(), Some("-driven-/cmd_vel"), "{viewer}");
    }
    harness.requests();
    assert_eq!(drive(&mut harness, 3), 1);
}

#[test]
fn who_may_drive_may_stop_the_driver_who_has_to_let_go_then() {
    let mut harness = drivers(2);
    assert_eq!(drive(&mut harness, 1), 1);
    harness.bytes(2, &standstill()).unwrap();
    harness.pump();
    assert_eq!(harness.requests(), [Request::Stop { key: key(1) }]);
    let stopped = "/cmd_vel was stopped by driver 2; let go to drive again";
    assert_eq!(harness.statuses(1), [stopped]);
    let told = harness.statuses(2);
    assert_eq!(told.last().map(String::as_str), Some("-driven-/cmd_vel"));
    for _ in 0..10 {
        harness.pass(TIMEOUT - Duration::from_millis(10));
        assert_eq!(drive(&mut harness, 1), 0, "it holds on");
    }
    harness.pass(TIMEOUT + Duration::from_millis(10));
    let last = harness.statuses(1).pop();
    assert_eq!(last.as_deref(), Some("-driven-/cmd_vel"));
    assert_eq!(drive(&mut harness, 1), 1);
}

#[test]
fn to_stand_still_is_never_asked_too_late() {
    let mut harness = drivers(1);
    ping(&mut harness, 70_000);
    harness.pass(Duration::from_secs(3));
    assert!(!drive_at(&mut harness, 70_001));
    let late = ClientMessage::TimedMessageData {
        channel: ClientChannelId(1),
        sent: 1000 * 70_002,
        message: Bytes::from_static(&[0; 52]),
    };
    harness.send(1, &late);
    let requests = harness.requests();
    assert!(
        matches!(requests[..], [Request::Publish { .. }]),
        "{requests:?}"
    );
}

#[test]
fn a_second_viewers_tries_do_not_keep_the_first_ones_command_alive() {
    let mut harness = drivers(2);
    drive(&mut harness, 1);
    let mut stops = 0;
    let mut driven = 0;
    for _ in 0..20 {
        harness.pass(TIMEOUT / 4);
        stops += harness
            .requests()
            .iter()
            .filter(|request| **request == Request::Stop { key: key(1) })
            .count();
        driven += drive(&mut harness, 2);
    }
    assert_eq!(stops, 1);
    assert!(driven > 10);
}

#[test]
fn commands_that_are_refused_do_not_put_off_the_stop() {
    let mut harness = drivers(1);
    let mut message = vec![1];
    message.extend_from_slice(&1u32.to_le_bytes());
    message.extend_from_slice(b"fast");
    let frame = remote_access_protocol::frame::binary(&message).unwrap();
    // The robot's side takes nothing, so that the queue is full after some.
    for _ in 0..300 {
        harness.bytes(1, &frame).unwrap();
    }
    let accepted = harness.now;
    harness.pass(TIMEOUT - Duration::from_millis(10));
    harness.bytes(1, &frame).unwrap();
    harness.pass(Duration::from_millis(20));
    assert!(harness.now < accepted + TIMEOUT + Duration::from_millis(20));
    assert_eq!(
        harness.requests().last(),
        Some(&Request::Stop { key: key(1) })
    );
}
