//! Greeting of a participant, and the clean-up after it.

use remote_access_protocol::server::ServerMessage;
use remote_access_protocol::ChannelId;
use remote_access_session::{Event, Rights, Transmit};

use crate::harness::{channel, Harness};

fn kinds(messages: &[ServerMessage]) -> Vec<&'static str> {
    let kind = |message: &ServerMessage| match message {
        ServerMessage::ServerInfo { .. } => "serverInfo",
        ServerMessage::Advertise { .. } => "advertise",
        ServerMessage::Unadvertise { .. } => "unadvertise",
        _ => "other",
    };
    messages.iter().map(kind).collect()
}

#[test]
fn server_info_comes_first_then_all_channels() {
    let mut harness = Harness::new();
    harness.add(vec![channel(1), channel(2)]);
    harness.join(1, true);
    let messages = harness.messages(1);
    assert_eq!(kinds(&messages), ["serverInfo", "advertise"]);
    let ServerMessage::Advertise { channels } = &messages[1] else {
        panic!("{messages:?}");
    };
    let ids: Vec<u64> = channels.iter().map(|channel| channel.id.0).collect();
    assert_eq!(ids, [1, 2]);
    assert!(matches!(harness.transmits[0], Transmit::Open { .. }));
}

#[test]
fn a_robot_without_channels_sends_no_advertise() {
    let mut harness = Harness::new();
    harness.join(1, false);
    assert_eq!(kinds(&harness.messages(1)), ["serverInfo"]);
}

#[test]
fn later_channels_are_advertised_and_removed_ones_unadvertised() {
    let mut harness = Harness::new();
    harness.join(1, true);
    harness.add(vec![channel(1)]);
    harness.add(vec![channel(1)]);
    harness
        .session
        .remove_channels(harness.now, &[ChannelId(1), ChannelId(9)]);
    harness
        .session
        .remove_channels(harness.now, &[ChannelId(9)]);
    harness.pump();
    let messages = harness.messages(1);
    assert_eq!(kinds(&messages), ["serverInfo", "advertise", "unadvertise"]);
    let channel_ids = vec![ChannelId(1)];
    assert_eq!(messages[2], ServerMessage::Unadvertise { channel_ids });
}

#[test]
fn many_large_schemas_are_spread_over_several_messages() {
    let mut harness = Harness::new();
    let mut channels: Vec<_> = (0..100).map(channel).collect();
    for info in &mut channels {
        info.channel.schema = "x".repeat(100_000);
    }
    harness.add(channels);
    harness.join(1, true);
    let messages = harness.messages(1);
    let mut advertised = 0;
    for message in &messages[1..] {
        let ServerMessage::Advertise { channels } = message else {
            panic!("{message:?}");
        };
        assert!(channels.len() < 10);
        advertised += channels.len();
    }
    assert_eq!(advertised, 100);
}

#[test]
fn joining_twice_is_joining_once() {
    let mut harness = Harness::new();
    harness.add(vec![channel(1)]);
    harness.join(1, true);
    harness.subscribe(1, &[1]);
    harness.events();
    harness.forget();
    let id = remote_access_session::ParticipantId(1);
    harness
        .session
        .participant_joined(harness.now, id, Rights::all());
    harness.pump();
    assert!(harness.transmits.is_empty());
    harness.publish(1, 0, 100);
    harness.pump();
    assert_eq!(harness.seqs(1, 1), [0]);
}

#[test]
fn leaving_ends_streams_and_subscriptions() {
    let mut harness = Harness::new();
    harness.add(vec![channel(1)]);
    harness.join(1, true);
    harness.join(2, false);
    harness.subscribe(1, &[1]);
    harness.subscribe(2, &[1]);
    harness.publish(1, 0, 1000);
    harness.pump();
    assert_eq!(harness.events(), [Event::Subscribe(ChannelId(1))]);
    harness.leave(1);
    assert!(harness.events().is_empty());
    assert!(harness.streams_of(1).is_empty());
    harness.publish(1, 1, 1000);
    harness.leave(2);
    harness.linger();
    assert_eq!(harness.events(), [Event::Unsubscribe(ChannelId(1))]);
    assert_eq!(harness.open_streams(), 0);
    assert_eq!(harness.session.queued_bytes(), 0);
    harness.leave(2);
    assert!(harness.events().is_empty());
}

#[test]
fn a_participant_that_rejoins_under_a_new_id_starts_from_nothing() {
    let mut harness = Harness::new();
    harness.add(vec![channel(1)]);
    harness.join(1, true);
    harness.subscribe(1, &[1]);
    harness.join(2, true);
    harness.leave(1);
    assert_eq!(kinds(&harness.messages(2)), ["serverInfo", "advertise"]);
    harness.publish(1, 0, 100);
    harness.pump();
    assert!(harness.seqs(2, 1).is_empty());
    harness.subscribe(2, &[1]);
    harness.publish(1, 1, 100);
    harness.pump();
    assert_eq!(harness.seqs(2, 1), [1]);
    assert!(harness.seqs(1, 1).is_empty());
}
