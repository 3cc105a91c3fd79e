//! The session in numbers: what was sent, what was dropped and why.

use std::time::Duration;

use remote_access_protocol::ChannelId;
use remote_access_session::{SessionConfig, Snapshot};

use crate::harness::{channel, latched, reliable, Harness};

fn drops(snapshot: &Snapshot) -> Vec<u64> {
    let of = snapshot.participants.iter().map(|p| p.drops.total());
    of.chain(snapshot.channels.iter().map(|c| c.drops.total()))
        .collect()
}

#[test]
fn what_is_sent_counts_for_each_viewer_and_once_for_the_uplink() {
    let mut harness = Harness::new();
    harness.add(vec![reliable(1)]);
    for (id, many) in [(1, true), (2, true), (3, false)] {
        harness.join(id, many);
        harness.acknowledge(id);
        harness.subscribe(id, &[1]);
    }
    for seq in 0..10 {
        harness.publish(1, seq, 1000);
    }
    harness.pump();
    let snapshot = harness.session.snapshot();
    for (participant, streams) in snapshot.participants.iter().zip([2, 2, 1]) {
        assert_eq!(participant.sent.messages, 10, "{participant:?}");
        assert_eq!(participant.sent.bytes, 10_000);
        assert!(participant.sent_bytes > 10_000);
        assert!(participant.acknowledges && participant.round_trip.is_some());
        assert!(participant.in_flight_bytes >= 10_000);
        assert!(participant.received_bytes > 0);
        assert_eq!(participant.streams, streams);
        assert_eq!(
            (participant.subscriptions, participant.inbound_streams),
            (1, 1)
        );
    }
    let of_channel = &snapshot.channels[0];
    assert_eq!(of_channel.topic, "/topic1");
    assert_eq!((of_channel.subscribers, of_channel.lanes), (3, 1));
    assert_eq!(of_channel.received.messages, 10);
    assert_eq!(of_channel.sent.messages, 20, "one lane and one stream");
    assert_eq!(snapshot.sent.bytes as usize, harness.uplink());
    assert_eq!(snapshot.streams, harness.open_streams());
    assert_eq!(snapshot.streams_opened, 4);
    assert_eq!(drops(&snapshot), [0, 0, 0, 0]);
}

#[test]
fn drops_are_counted_by_their_reason() {
    let mut harness = Harness::with(SessionConfig {
        message_backlog_size: 5,
        ..SessionConfig::default()
    });
    harness.add(vec![reliable(1), channel(2)]);
    harness.join(1, true);
    harness.subscribe(1, &[1, 2]);
    for seq in 0..12 {
        harness.publish(1, seq, 100);
    }
    for seq in 0..3 {
        harness.publish(2, seq, 100);
        harness.pass_blocked(Duration::from_secs(2));
    }
    let now = harness.now;
    harness
        .session
        .message_too_large(now, ChannelId(1), 20 << 20);
    harness.pump();
    let snapshot = harness.session.snapshot();
    let of = |index: usize| snapshot.channels[index].drops;
    assert_eq!((of(0).overtaken, of(0).too_large, of(0).total()), (7, 1, 8));
    assert_eq!((of(1).too_old, of(1).total()), (2, 2));
    let of_viewer = snapshot.participants[0].drops;
    assert_eq!((of_viewer.overtaken, of_viewer.too_old), (7, 2));
}

#[test]
fn drops_outlive_the_subscription_and_the_viewer() {
    let mut harness = Harness::with(SessionConfig {
        message_backlog_size: 1,
        ..SessionConfig::default()
    });
    harness.add(vec![reliable(1)]);
    harness.join(1, true);
    for _ in 0..2 {
        harness.subscribe(1, &[1]);
        harness.publish(1, 0, 100);
        harness.publish(1, 1, 100);
        harness.unsubscribe(1, &[1]);
    }
    assert_eq!(drops(&harness.session.snapshot()), [2, 2]);
    harness.subscribe(1, &[1]);
    harness.publish(1, 0, 100);
    harness.publish(1, 1, 100);
    harness.leave(1);
    assert_eq!(drops(&harness.session.snapshot()), [3]);
}

#[test]
fn resyncs_and_what_they_cost_are_counted() {
    let mut harness = Harness::new();
    harness.add(vec![reliable(1), latched(2, 1)]);
    harness.join(1, true);
    harness.subscribe(1, &[1, 2]);
    harness.publish(1, 0, 100);
    harness.publish(1, 1, 100);
    harness.publish(2, 0, 700);
    let waiting = harness.session.snapshot();
    assert_eq!(waiting.participants[0].queued.messages, 3);
    // Each takes a place in the queue too.
    assert!((901..1300).contains(&waiting.queued_bytes));
    assert_eq!(waiting.channels[1].latched_bytes, 700);
    harness.session.resync_all(harness.now);
    harness.session.messages_unread(4);
    let snapshot = harness.session.snapshot();
    assert_eq!((snapshot.resyncs, snapshot.participants[0].resyncs), (1, 1));
    assert_eq!(snapshot.channels[0].drops.resync, 2);
    assert_eq!(snapshot.unread_messages, 4);
    assert!(snapshot.participants[0].queued_control_bytes > 0);
}

#[test]
fn a_queue_that_takes_too_much_memory_is_counted() {
    let mut harness = Harness::with(SessionConfig {
        queue_budget: 100_000,
        ..SessionConfig::default()
    });
    harness.add(vec![reliable(1)]);
    harness.join(1, true);
    harness.subscribe(1, &[1]);
    for seq in 0..20 {
        harness.publish(1, seq, 8_000);
    }
    let snapshot = harness.session.snapshot();
    let dropped = snapshot.participants[0].drops.no_memory;
    assert!(dropped > 0);
    assert_eq!(dropped + snapshot.participants[0].queued.messages, 20);
}
