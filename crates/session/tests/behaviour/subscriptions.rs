//! Subscribing and unsubscribing.

use std::time::Duration;

use remote_access_protocol::ChannelId;
use remote_access_session::Event;

use crate::harness::{channel, Harness};

fn two_viewers() -> Harness {
    let mut harness = Harness::new();
    harness.add(vec![channel(1), channel(2)]);
    harness.join(1, true);
    harness.join(2, false);
    harness
}

#[test]
fn only_the_first_subscriber_and_the_last_one_are_events() {
    let mut harness = two_viewers();
    harness.subscribe(1, &[1]);
    harness.subscribe(2, &[1]);
    assert_eq!(harness.events(), [Event::Subscribe(ChannelId(1))]);
    harness.unsubscribe(1, &[1]);
    assert!(harness.events().is_empty());
    harness.unsubscribe(2, &[1]);
    harness.linger();
    assert_eq!(harness.events(), [Event::Unsubscribe(ChannelId(1))]);
}

#[test]
fn a_viewer_that_changes_its_mind_all_the_time_costs_the_robot_nothing() {
    let mut harness = two_viewers();
    for _ in 0..100 {
        harness.subscribe(1, &[1]);
        harness.pass(Duration::from_millis(20));
        harness.unsubscribe(1, &[1]);
        harness.pass(Duration::from_millis(20));
    }
    assert_eq!(harness.events(), [Event::Subscribe(ChannelId(1))]);
    harness.linger();
    assert_eq!(harness.events(), [Event::Unsubscribe(ChannelId(1))]);
}

#[test]
fn duplicates_and_unknown_channels_are_ignored() {
    let mut harness = two_viewers();
    harness.subscribe(1, &[1, 1, 99]);
    harness.subscribe(1, &[1]);
    assert_eq!(harness.events(), [Event::Subscribe(ChannelId(1))]);
    harness.publish(1, 0, 100);
    harness.pump();
    assert_eq!(harness.seqs(1, 1), [0]);
    harness.unsubscribe(1, &[2, 99]);
    assert!(harness.events().is_empty());
    harness.unsubscribe(1, &[1, 1]);
    harness.linger();
    assert_eq!(harness.events(), [Event::Unsubscribe(ChannelId(1))]);
}

#[test]
fn both_shapes_subscribe() {
    let mut harness = two_viewers();
    harness.json(1, r#"{"op":"subscribe","channelIds":[1]}"#);
    harness.json(
        1,
        r#"{"op":"subscribe","channels":[{"id":2,"requestVideoTrack":false}]}"#,
    );
    assert_eq!(
        harness.events(),
        [
            Event::Subscribe(ChannelId(1)),
            Event::Subscribe(ChannelId(2))
        ]
    );
}

#[test]
fn each_viewer_gets_exactly_what_it_subscribed_to() {
    let mut harness = two_viewers();
    harness.subscribe(1, &[1]);
    harness.subscribe(2, &[2]);
    harness.publish(1, 0, 100);
    harness.publish(2, 0, 100);
    harness.pump();
    assert_eq!((harness.seqs(1, 1), harness.seqs(1, 2)), (vec![0], vec![]));
    assert_eq!((harness.seqs(2, 1), harness.seqs(2, 2)), (vec![], vec![0]));
}

#[test]
fn nothing_comes_after_unsubscribing_but_the_end_of_a_frame() {
    for many in [true, false] {
        let mut harness = two_viewers();
        harness.join(3, many);
        harness.subscribe(3, &[1]);
        harness.publish(1, 0, 40_000);
        harness.publish(1, 1, 40_000);
        harness.step();
        harness.step();
        harness.unsubscribe(3, &[1]);
        harness.publish(1, 2, 100);
        harness.pump();
        let seqs = harness.seqs(3, 1);
        assert!(seqs.is_empty() || seqs == [0], "{seqs:?}");
        assert!(harness.at_boundary(), "a frame was left unfinished");
        assert_eq!(harness.session.queued_bytes(), 0);
    }
}

#[test]
fn a_removed_channel_is_no_longer_subscribed() {
    for many in [true, false] {
        let mut harness = two_viewers();
        harness.join(3, many);
        harness.subscribe(3, &[1, 2]);
        harness.publish(1, 0, 100_000);
        harness.step();
        harness.step();
        harness
            .session
            .remove_channels(harness.now, &[ChannelId(1)]);
        assert_eq!(harness.events(), [Event::Subscribe(ChannelId(2))]);
        harness.publish(1, 1, 100);
        harness.publish(2, 0, 100);
        harness.pump();
        assert!(harness.at_boundary());
        assert_eq!(harness.seqs(3, 2), [0]);
        assert!(harness.seqs(3, 1).len() <= 1);
        assert_eq!(harness.session.queued_bytes(), 0);
    }
}

#[test]
fn messages_without_a_subscriber_go_nowhere() {
    let mut harness = two_viewers();
    harness.forget();
    harness.publish(1, 0, 100);
    harness.publish(77, 0, 100);
    harness.pump();
    assert!(harness.transmits.is_empty());
    assert_eq!(harness.session.queued_bytes(), 0);
}
