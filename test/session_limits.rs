//! Limits that protect the robot from its viewers.

use std::time::Duration;

use remote_access_bridge::session::{InboundError, SessionConfig};

use crate::session_harness::{channel, reliable, Harness};

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
    assert_eq!(harness.events().len(), 2);
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
