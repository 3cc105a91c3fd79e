//! The robot comes, goes, and resyncs.

use remote_access_protocol::client::ClientMessage;
use remote_access_protocol::server::{BinaryMessage, ServerMessage, StatusLevel};
use remote_access_protocol::ServiceId;
use serde_json::json;

use super::{advertised, channel, info, pong, subscribed, World};

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
        wheel: None,
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

#[test]
fn of_the_robots_time_the_latest_counts() {
    let mut world = World::with_robot();
    let client = world.client();
    client.items();
    world.robot_binary(BinaryMessage::Time(1));
    world.robot_binary(BinaryMessage::Time(2));
    assert_eq!(client.binaries(), [BinaryMessage::Time(2)]);
    // A simulation may stand still: who comes later gets it, too, as long as the robot is there.
    assert_eq!(world.client().binaries(), [BinaryMessage::Time(2)]);
    world.state.robot_left("");
    assert_eq!(world.client().binaries(), []);
}
