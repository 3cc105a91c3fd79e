//! Resyncing a participant: at its wish, after a failure, after a lost connection.

use std::time::Duration;

use remote_access_protocol::server::ServerMessage;
use remote_access_protocol::ChannelId;
use remote_access_session::{Event, SessionConfig, StreamId, Transmit};

use crate::harness::{channel, latched, Harness, What};

fn subscribed(many: bool) -> Harness {
    let mut harness = Harness::new();
    harness.add(vec![channel(1), latched(2, 1)]);
    harness.join(1, many);
    harness.subscribe(1, &[1, 2]);
    harness.publish(1, 0, 100);
    harness.publish(2, 0, 100);
    harness.pump();
    harness.events();
    harness.forget();
    harness
}

fn greetings(harness: &Harness, id: u64) -> usize {
    let messages = harness.messages(id).into_iter();
    messages
        .filter(|message| matches!(message, ServerMessage::ServerInfo { .. }))
        .count()
}

#[test]
fn closing_the_stream_and_opening_another_resyncs_the_viewer() {
    for many in [true, false] {
        let mut harness = subscribed(many);
        let old = harness.streams_of(1);
        harness.close_inbound(1);
        harness.open_inbound(1, many).unwrap();
        harness.pump();
        assert_eq!(greetings(&harness, 1), 1);
        assert!(harness.events().is_empty(), "the subscriptions stay");
        assert_eq!(harness.seqs(1, 2), [0], "latched data comes again");
        harness.publish(1, 1, 100);
        harness.pump();
        assert_eq!(harness.seqs(1, 1), [1]);
        let new = harness.streams_of(1);
        assert!(old.iter().all(|stream| !new.contains(stream)));
        let what: Vec<_> = harness.received[&1].iter().map(|r| &r.what).collect();
        assert!(matches!(
            what[0],
            What::Json(ServerMessage::ServerInfo { .. })
        ));
        assert!(matches!(
            what[1],
            What::Json(ServerMessage::Advertise { .. })
        ));
    }
}

#[test]
fn opening_another_stream_before_closing_the_first_changes_nothing() {
    let mut harness = subscribed(true);
    let first = harness.streams_of(1);
    let old = harness.viewer_stream(1);
    harness.open_inbound(1, false).unwrap();
    harness.session.inbound_closed(old);
    harness.publish(1, 1, 100);
    harness.publish(2, 1, 100);
    harness.pump();
    assert_eq!(greetings(&harness, 1), 0);
    assert_eq!(harness.seqs(1, 1), [1]);
    assert_eq!(harness.seqs(1, 2), [1]);
    assert_eq!(harness.streams_of(1), first);
}

#[test]
fn a_viewer_may_change_its_mind_about_streams_when_it_resyncs() {
    let mut harness = subscribed(true);
    harness.close_inbound(1);
    harness.open_inbound(1, false).unwrap();
    harness.publish(1, 1, 100);
    harness.pump();
    assert_eq!(harness.streams_of(1).len(), 1);
    assert_eq!(harness.seqs(1, 1), [1]);
}

#[test]
fn a_viewer_that_asks_again_and_again_is_started_once_per_second() {
    let mut harness = subscribed(true);
    for _ in 0..300 {
        harness.close_inbound(1);
        harness.open_inbound(1, true).unwrap();
        harness.pass(Duration::from_millis(10));
    }
    assert!((2..=5).contains(&greetings(&harness, 1)), "3 s passed");
    harness.pass(Duration::from_secs(2));
    harness.publish(1, 1, 100);
    harness.pump();
    assert_eq!(harness.seqs(1, 1), [1]);
}

#[test]
fn the_others_of_a_lane_are_not_disturbed() {
    let mut harness = subscribed(true);
    harness.join(2, true);
    harness.subscribe(2, &[1]);
    for id in [1, 2] {
        harness.acknowledge(id);
    }
    harness.publish(1, 1, 40_000);
    harness.step();
    harness.step();
    harness.forget();
    harness.close_inbound(1);
    harness.open_inbound(1, true).unwrap();
    harness.pump();
    for seq in 2..5 {
        harness.publish(1, seq, 1000);
        harness.acknowledge(2);
        harness.pass(Duration::from_millis(10));
    }
    assert_eq!(greetings(&harness, 2), 0);
    assert_eq!(harness.seqs(2, 1), [1, 2, 3, 4]);
    assert!(harness.seqs(1, 1).ends_with(&[2, 3, 4]));
}

#[test]
fn a_failed_stream_resyncs_its_participants_a_little_later() {
    for many in [true, false] {
        let mut harness = subscribed(many);
        let failed = *harness.streams_of(1).last().unwrap();
        harness.session.stream_failed(harness.now, failed);
        harness.fail(failed);
        harness.publish(1, 1, 100);
        harness.pump();
        assert!(harness.received.is_empty(), "not at once");
        harness.pass(Duration::from_millis(1100));
        assert_eq!(greetings(&harness, 1), 1);
        assert_eq!(harness.seqs(1, 2), [0]);
        harness.publish(1, 2, 100);
        harness.pump();
        assert_eq!(harness.seqs(1, 1), [2]);
    }
}

/// Resyncs all viewers and returns the first stream of that, opened and not written to.
fn newly_opened(harness: &mut Harness) -> StreamId {
    harness.session.resync_all(harness.now);
    loop {
        match harness.session.next_transmit(harness.now) {
            Some(Transmit::Open { stream, .. }) => return stream,
            Some(_) => {}
            None => panic!("no stream was opened"),
        }
    }
}

#[test]
fn nothing_is_written_to_a_stream_after_it_failed() {
    let mut harness = subscribed(false);
    let stream = newly_opened(&mut harness);
    harness.session.stream_failed(harness.now, stream);
    while let Some(transmit) = harness.session.next_transmit(harness.now) {
        assert!(!matches!(transmit, Transmit::Write { stream: to, .. } if to == stream));
    }
}

#[test]
fn nothing_is_written_to_a_stream_that_is_replaced() {
    let mut harness = subscribed(false);
    let stream = newly_opened(&mut harness);
    harness.session.resync_all(harness.now);
    let mut closed = false;
    while let Some(transmit) = harness.session.next_transmit(harness.now) {
        assert!(!matches!(transmit, Transmit::Write { stream: to, .. } if to == stream));
        closed |= matches!(transmit, Transmit::Close { stream: which } if which == stream);
    }
    assert!(closed);
}

#[test]
fn a_lost_connection_ends_all_subscriptions_and_keeps_the_channels() {
    let mut harness = subscribed(true);
    harness.publish(1, 1, 100_000);
    harness.session.connection_lost(harness.now);
    harness.forget_streams();
    harness.linger();
    let ended = [1, 2].map(|id| Event::Unsubscribe(ChannelId(id)));
    assert_eq!(harness.events(), ended);
    assert_eq!(harness.session.next_transmit(harness.now), None);
    assert_eq!(harness.session.queued_bytes(), 0);
    harness.join(2, true);
    assert_eq!(greetings(&harness, 2), 1);
    harness.subscribe(2, &[1]);
    harness.publish(1, 2, 100);
    harness.pump();
    assert_eq!(harness.seqs(2, 1), [2]);
}

#[test]
fn a_viewer_that_lets_control_messages_pile_up_is_resynced() {
    let mut harness = Harness::with(SessionConfig {
        control_queue_size: 2_000,
        ..SessionConfig::default()
    });
    harness.join(1, true);
    harness.forget();
    for id in 0..20 {
        harness.add(vec![channel(id)]);
    }
    harness
        .session
        .remove_channels(harness.now, &(2..20).map(ChannelId).collect::<Vec<_>>());
    harness.pass(Duration::from_millis(1100));
    assert_eq!(greetings(&harness, 1), 1);
    harness.subscribe(1, &[1]);
    harness.publish(1, 0, 100);
    harness.pump();
    assert_eq!(harness.seqs(1, 1), [0]);
}

#[test]
fn a_viewer_that_pings_and_acknowledges_nothing_has_a_broken_stream_and_is_resynced() {
    for many in [true, false] {
        let mut harness = subscribed(many);
        harness.acknowledge(1);
        harness.forget();
        let mut starts = Vec::new();
        for step in 1..=720 {
            harness.ping(1, step);
            harness.pass(Duration::from_millis(100));
            if greetings(&harness, 1) > starts.len() {
                starts.push(step / 10);
            }
        }
        // Less and less often: new streams did not help.
        assert_eq!(starts, [10, 30, 70], "seconds");
        harness.acknowledge(1);
        let told = harness.messages(1).len();
        for step in 0..300 {
            harness.acknowledge(1);
            harness.pass(Duration::from_millis(100));
            assert_eq!(harness.messages(1).len(), told, "{step}");
        }
    }
}
