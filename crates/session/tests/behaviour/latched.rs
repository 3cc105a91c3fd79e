//! Latched messages: later subscribers get them first.

use std::time::Duration;

use remote_access_session::{Delivery, PublisherId, SessionConfig};

use crate::harness::{latched, reliable, Harness};

#[test]
fn a_later_subscriber_gets_the_history_of_every_publisher_before_live_data() {
    for many in [true, false] {
        let mut harness = Harness::new();
        harness.add(vec![latched(1, 1)]);
        harness.join(1, true);
        harness.subscribe(1, &[1]);
        harness.publish_from(PublisherId(1), 1, 0, 100);
        harness.publish_from(PublisherId(2), 1, 1, 100);
        harness.publish_from(PublisherId(1), 1, 2, 100);
        harness.pump();
        harness.join(2, many);
        harness.subscribe(2, &[1]);
        harness.publish_from(PublisherId(1), 1, 3, 100);
        harness.pump();
        assert_eq!(harness.seqs(1, 1), [0, 1, 2, 3]);
        assert_eq!(harness.seqs(2, 1), [1, 2, 3]);
    }
}

#[test]
fn data_that_is_not_latched_is_not_replayed() {
    let mut harness = Harness::new();
    harness.add(vec![reliable(1)]);
    harness.join(1, true);
    harness.subscribe(1, &[1]);
    harness.publish(1, 0, 100);
    harness.join(2, true);
    harness.subscribe(2, &[1]);
    harness.pump();
    assert!(harness.seqs(2, 1).is_empty());
    assert_eq!(harness.session.latched_bytes(), 0);
}

#[test]
fn the_last_unsubscription_forgets_since_the_next_subscription_brings_all_anew() {
    let mut harness = Harness::new();
    harness.add(vec![latched(1, 1)]);
    harness.join(1, true);
    harness.subscribe(1, &[1]);
    harness.publish(1, 0, 100);
    assert_eq!(harness.session.latched_bytes(), 100);
    harness.unsubscribe(1, &[1]);
    harness.linger();
    assert_eq!(harness.session.latched_bytes(), 0);
    harness.pump();
    harness.forget();
    harness.subscribe(1, &[1]);
    harness.join(2, true);
    harness.subscribe(2, &[1]);
    harness.pump();
    assert!(harness.seqs(1, 1).is_empty());
    assert!(harness.seqs(2, 1).is_empty());
}

#[test]
fn what_does_not_fit_the_latched_budget_is_named_to_later_subscribers() {
    let mut harness = Harness::with(SessionConfig {
        latched_budget: 1000,
        ..SessionConfig::default()
    });
    harness.add(vec![latched(1, 1), latched(2, 1)]);
    harness.join(1, true);
    harness.subscribe(1, &[1, 2]);
    harness.publish(1, 0, 600);
    harness.publish(2, 0, 600);
    harness.pump();
    assert_eq!(harness.seqs(1, 2), [0]);
    harness.join(2, true);
    harness.subscribe(2, &[1, 2]);
    harness.pump();
    assert_eq!(harness.seqs(2, 1), [0]);
    assert!(harness.seqs(2, 2).is_empty());
    let statuses = harness.statuses(2);
    assert_eq!(statuses.len(), 1);
    assert!(statuses[0].contains("/topic2") && statuses[0].contains("latched"));
    assert!(harness.session.latched_bytes() <= 1000);
}

#[test]
fn a_removed_channel_gives_its_latched_budget_back() {
    let mut harness = Harness::new();
    harness.add(vec![latched(1, 1)]);
    harness.join(1, true);
    harness.subscribe(1, &[1]);
    harness.publish(1, 0, 600);
    let id = remote_access_protocol::ChannelId(1);
    harness.session.remove_channels(harness.now, &[id]);
    assert_eq!(harness.session.latched_bytes(), 0);
}

#[test]
fn a_channel_that_is_latched_no_more_gives_its_budget_back() {
    let mut harness = Harness::new();
    harness.add(vec![latched(1, 1)]);
    harness.join(1, true);
    harness.subscribe(1, &[1]);
    harness.publish(1, 0, 600);
    let id = remote_access_protocol::ChannelId(1);
    let delivery = Delivery {
        depth: 1,
        reliable: true,
        latched: false,
    };
    harness.session.update_channel(id, delivery);
    assert_eq!(harness.session.latched_bytes(), 0);
    harness.publish(1, 1, 600);
    harness.join(2, true);
    harness.subscribe(2, &[1]);
    harness.pump();
    assert!(harness.seqs(2, 1).is_empty());
}

#[test]
fn a_resync_replays_without_any_new_message() {
    for many in [true, false] {
        let mut harness = Harness::new();
        harness.add(vec![latched(1, 2), reliable(2)]);
        harness.join(1, many);
        harness.acknowledge(1);
        harness.subscribe(1, &[1, 2]);
        for seq in 0..3 {
            harness.publish(1, seq, 100);
            harness.publish(2, seq, 100);
        }
        harness.pump();
        harness.forget();
        harness.session.resync_all(harness.now);
        harness.pass(Duration::from_millis(50));
        assert_eq!(harness.seqs(1, 1), [1, 2]);
        assert!(harness.seqs(1, 2).is_empty());
    }
}

#[test]
fn resubscribing_replays_after_what_was_on_the_way() {
    let mut harness = Harness::new();
    harness.add(vec![latched(1, 1)]);
    harness.join(1, true);
    harness.join(2, true);
    harness.acknowledge(1);
    harness.acknowledge(2);
    harness.subscribe(2, &[1]);
    harness.subscribe(1, &[1]);
    harness.publish(1, 0, 100);
    harness.pump();
    harness.forget();
    harness.unsubscribe(1, &[1]);
    harness.subscribe(1, &[1]);
    harness.pass(Duration::from_millis(50));
    assert!(harness.seqs(1, 1).is_empty(), "the first one may be late");
    harness.acknowledge(1);
    harness.pass(Duration::from_millis(50));
    assert_eq!(harness.seqs(1, 1), [0]);
}

#[test]
fn what_still_comes_when_nobody_is_subscribed_any_more_is_not_kept() {
    let mut harness = Harness::new();
    harness.add(vec![latched(1, 1)]);
    harness.join(1, true);
    harness.join(2, true);
    harness.publish(1, 0, 100);
    assert_eq!(harness.session.latched_bytes(), 0);
    assert_eq!(harness.session.snapshot().channels[0].received.messages, 0);
    harness.subscribe(1, &[1]);
    harness.subscribe(2, &[1]);
    harness.pump();
    assert!(harness.seqs(2, 1).is_empty());
}
