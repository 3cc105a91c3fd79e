//! Limits that protect the robot from its viewers.

use std::time::Duration;

use remote_access_protocol::frame;
use remote_access_session::{InboundError, SessionConfig};

use crate::harness::{channel, reliable, Harness};

#[test]
fn a_viewer_has_a_limited_number_of_subscriptions_and_is_told() {
    let mut harness = Harness::with(SessionConfig {
        max_subscriptions: 3,
        ..SessionConfig::default()
    });
    harness.add((0..5).map(channel).collect());
    harness.join(1, true);
    harness.subscribe(1, &[0, 1, 2, 3, 4]);
    assert_eq!(harness.events().len(), 3);
    harness.pump();
    assert!(harness.statuses(1)[0].contains("no more than 3 subscriptions"));
    harness.unsubscribe(1, &[0]);
    harness.subscribe(1, &[3]);
    harness.linger();
    assert_eq!(harness.events().len(), 2);
}

#[test]
fn a_viewer_begins_so_many_subscriptions_per_second_and_is_told() {
    let mut harness = Harness::with(SessionConfig {
        max_subscriptions: 10,
        subscription_rate: 5.0,
        ..SessionConfig::default()
    });
    harness.add((0..2).map(channel).collect());
    harness.join(1, true);
    let accepted = |harness: &mut Harness| {
        let tries = (0..100).filter(|_| {
            harness.subscribe(1, &[1]);
            let snapshot = harness.session.snapshot();
            harness.unsubscribe(1, &[1]);
            snapshot.participants[0].subscriptions == 1
        });
        tries.count()
    };
    assert_eq!(accepted(&mut harness), 20);
    harness.pump();
    assert!(harness.statuses(1)[0].contains("too many subscriptions in a short time"));
    harness.pass(Duration::from_secs(1));
    assert_eq!(accepted(&mut harness), 5);
    harness.join(2, true);
    harness.subscribe(2, &[0, 1]);
    assert_eq!(harness.session.snapshot().participants[1].subscriptions, 2);
}

#[test]
fn a_viewer_that_sends_too_many_messages_has_its_stream_ended_and_is_told_why() {
    let mut harness = Harness::with(SessionConfig {
        inbound_message_rate: 100.0,
        ..SessionConfig::default()
    });
    harness.join(1, true);
    harness.join(2, true);
    let frame = frame::binary(&[99]).unwrap().repeat(100);
    for _ in 0..8 {
        harness.bytes(1, &frame).unwrap();
    }
    assert_eq!(harness.bytes(1, &frame), Err(InboundError::TooManyMessages));
    harness.pump();
    assert!(
        harness
            .statuses(1)
            .iter()
            .any(|text| text.contains("too many messages per second")),
        "{:?}",
        harness.statuses(1)
    );
    harness.open_inbound(1, true).unwrap();
    harness.bytes(2, &frame).unwrap();
    harness.pass(Duration::from_secs(1));
    harness.bytes(1, &frame).unwrap();
}

#[test]
fn all_viewers_together_have_a_limited_number_of_subscriptions() {
    let mut harness = Harness::with(SessionConfig {
        max_total_subscriptions: 3,
        ..SessionConfig::default()
    });
    harness.add((0..5).map(channel).collect());
    for id in [1, 2] {
        harness.join(id, true);
        harness.subscribe(id, &[0, 1]);
    }
    harness.pump();
    assert!(harness.statuses(1).is_empty());
    assert!(harness.statuses(2)[0].contains("no more than 3 subscriptions of all viewers"));
    assert_eq!(harness.session.snapshot().refused_subscriptions, 1);
    harness.leave(1);
    harness.subscribe(2, &[3]);
    let subscriptions = harness.session.snapshot().participants[0].subscriptions;
    assert_eq!(subscriptions, 2);
}

#[test]
fn a_viewer_that_sends_too_fast_has_its_stream_ended() {
    let mut harness = Harness::with(SessionConfig {
        inbound_rate: 1_000,
        ..SessionConfig::default()
    });
    harness.join(1, true);
    let frame = frame::binary(&[0; 995]).unwrap();
    for _ in 0..8 {
        harness.bytes(1, &frame).unwrap();
    }
    assert_eq!(harness.bytes(1, &frame), Err(InboundError::TooFast));
    assert_eq!(harness.session.snapshot().inbound_errors, 1);
    harness.open_inbound(1, true).unwrap();
    for _ in 0..5 {
        harness.pass(Duration::from_secs(2));
        harness.bytes(1, &frame).unwrap();
    }
}

#[test]
fn incomplete_frames_of_all_viewers_are_bounded_together() {
    let mut harness = Harness::with(SessionConfig {
        inbound_budget: 1_000_000,
        ..SessionConfig::default()
    });
    let header = frame::header(frame::Opcode::Binary, 600_000).unwrap();
    let part = vec![0; 500_000];
    for id in [1, 2, 3] {
        harness.join(id, true);
        harness.bytes(id, &header).unwrap();
    }
    harness.bytes(1, &part).unwrap();
    assert_eq!(harness.bytes(2, &part), Err(InboundError::NoMemory));
    assert_eq!(harness.session.snapshot().inbound_errors, 1);
    harness.leave(1);
    harness.bytes(3, &part).unwrap();
    harness.bytes(3, &part[..100_000]).unwrap();
    harness.open_inbound(2, true).unwrap();
    harness.bytes(2, &header).unwrap();
    harness.bytes(2, &part).unwrap();
    harness.bytes(3, &header).unwrap();
    assert_eq!(harness.bytes(3, &part), Err(InboundError::NoMemory));
}

#[test]
fn a_viewer_has_a_limited_number_of_streams() {
    let mut harness = Harness::with(SessionConfig {
        max_inbound_streams: 2,
        ..SessionConfig::default()
    });
    harness.join(1, true);
    assert_eq!(harness.open_inbound(1, true), Ok(()));
    let refused = Err(InboundError::TooManyStreams);
    assert_eq!(harness.open_inbound(1, true), refused);
    harness.close_inbound(1);
    assert_eq!(harness.open_inbound(1, true), Ok(()));
}

#[test]
fn a_viewer_that_never_acknowledges_gets_the_fixed_rate() {
    for many in [true, false] {
        let mut harness = Harness::new();
        harness.add(vec![channel(1)]);
        harness.join(1, many);
        harness.subscribe(1, &[1]);
        for seq in 0..1000 {
            harness.publish(1, seq, 100_000);
            harness.pass(Duration::from_millis(20));
            assert!(harness.session.queued_bytes() <= 2_000_000);
        }
        let rate = harness.uplink() as f64 / 20.0;
        assert!((200_000.0..300_000.0).contains(&rate), "{rate} B/s");
    }
}

#[test]
fn a_viewer_that_stops_acknowledging_gets_no_more_than_a_window() {
    for many in [true, false] {
        let mut harness = Harness::new();
        harness.add(vec![channel(1), reliable(2)]);
        harness.join(1, many);
        harness.acknowledge(1);
        harness.subscribe(1, &[1, 2]);
        harness.forget();
        for seq in 0..1000 {
            harness.publish(1, seq, 100_000);
            harness.publish(2, seq, 100);
            harness.pass(Duration::from_millis(20));
        }
        assert!(harness.uplink() < 1_000_000, "{} B", harness.uplink());
        assert!(harness.session.queued_bytes() < 4_000_000);
    }
}

#[test]
fn a_dead_viewer_is_not_fed_again_after_the_connection_was_interrupted() {
    let mut harness = Harness::new();
    harness.add(vec![channel(1)]);
    harness.join(1, true);
    harness.acknowledge(1);
    harness.subscribe(1, &[1]);
    harness.session.resync_all(harness.now);
    harness.forget();
    for seq in 0..500 {
        harness.publish(1, seq, 100_000);
        harness.pass(Duration::from_millis(20));
    }
    assert!(harness.uplink() < 500_000, "{} B", harness.uplink());
}

#[test]
fn a_viewer_that_is_gone_gets_no_more_of_a_large_frame_until_it_is_heard() {
    let mut harness = Harness::new();
    harness.add(vec![channel(1), reliable(2)]);
    harness.join(1, false);
    harness.acknowledge(1);
    harness.subscribe(1, &[1, 2]);
    // Long enough for the frame to be unfinished when the viewer is missed.
    harness.publish(1, 0, 10_000_000);
    harness.pass(Duration::from_millis(600));
    let begun = harness.uplink();
    // What waits for the end of the frame, and the drops that are to be told, change nothing.
    harness.add(vec![channel(3)]);
    for seq in 0..2000 {
        harness.publish(2, seq, 100);
        harness.pass(Duration::from_millis(5));
    }
    assert_eq!(harness.uplink(), begun);
    assert!(begun < 500_000, "{begun} B");
    assert!(harness.statuses(1).is_empty());
    // It lives: its Pong is behind the frame, which goes out though nothing was acknowledged.
    harness.ping(1, 7);
    harness.pass(Duration::from_millis(100));
    assert_eq!(harness.seqs(1, 1), [0]);
    assert_eq!(harness.pongs(1).last().map(|pong| pong.0), Some(7));
}

#[test]
fn a_viewer_that_is_gone_is_sent_no_reports_until_it_is_heard() {
    let mut harness = Harness::new();
    harness.add(vec![channel(1)]);
    harness.join(1, true);
    harness.acknowledge(1);
    harness.subscribe(1, &[1]);
    let publish = |harness: &mut Harness| {
        for seq in 0..200 {
            harness.publish(1, seq, 100_000);
            harness.pass(Duration::from_millis(20));
        }
    };
    publish(&mut harness);
    let told = harness.statuses(1).len();
    publish(&mut harness);
    assert_eq!(harness.statuses(1).len(), told);
    harness.acknowledge(1);
    harness.pass(Duration::from_millis(1100));
    assert_eq!(harness.statuses(1).len(), told + 1);
}

#[test]
fn an_unknown_channel_is_ignored_also_by_the_limit() {
    let mut harness = Harness::with(SessionConfig {
        max_subscriptions: 1,
        ..SessionConfig::default()
    });
    harness.add(vec![channel(1)]);
    harness.join(1, true);
    harness.subscribe(1, &[1, 99]);
    harness.pump();
    assert!(harness.statuses(1).is_empty());
    assert_eq!(harness.session.snapshot().refused_subscriptions, 0);
}
