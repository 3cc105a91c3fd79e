//! Pings, Pongs and the precedence of control messages.

use std::collections::BTreeMap;
use std::time::Duration;

use remote_access_protocol::server::ServerMessage;
use remote_access_session::{
    ChannelInfo, ParticipantId, Rights, SessionConfig, StreamId, Transmit,
};

use crate::harness::{channel, reliable, Harness, What, CLOCK_MS};

#[test]
fn a_ping_is_answered_with_its_timestamp_and_the_clock_of_the_robot() {
    let mut harness = Harness::new();
    harness.join(1, true);
    harness.pass(Duration::from_secs(1));
    harness.ping(1, 42);
    harness.pump();
    assert_eq!(harness.pongs(1), [(42, CLOCK_MS + 1000)]);
}

#[test]
fn stamps_strictly_increase_and_survive_a_resync() {
    let mut harness = Harness::new();
    harness.join(1, true);
    for round in 0..20 {
        if round == 10 {
            harness.session.resync_all(harness.now);
        }
        harness.ping(1, round);
        harness.pump();
    }
    let stamps: Vec<u64> = harness.pongs(1).iter().map(|pong| pong.1).collect();
    assert_eq!(stamps.len(), 20);
    assert!(
        stamps.windows(2).all(|pair| pair[0] < pair[1]),
        "{stamps:?}"
    );
}

#[test]
fn control_messages_overtake_data_that_waits() {
    for many in [true, false] {
        let mut harness = Harness::new();
        harness.add(vec![reliable(1)]);
        harness.join(1, many);
        harness.subscribe(1, &[1]);
        for seq in 0..10 {
            harness.publish(1, seq, 5_000);
        }
        harness.forget();
        harness.add(vec![channel(2)]);
        harness.ping(1, 7);
        harness.pump();
        let first: Vec<_> = harness.received[&1].iter().take(2).collect();
        assert!(matches!(
            first[0].what,
            What::Json(ServerMessage::Advertise { .. })
        ));
        assert!(matches!(first[1].what, What::Pong { echo: 7, .. }));
        assert_eq!(harness.seqs(1, 1).len(), 10);
    }
}

#[test]
fn data_does_not_slip_between_control_messages_that_are_too_much_at_once() {
    let mut harness = Harness::new();
    harness.add(vec![reliable(1)]);
    harness.join(1, false);
    harness.subscribe(1, &[1]);
    harness.pass(Duration::from_secs(1));
    harness.forget();
    // More than goes before data. Two do not fit into a slice, but one and a message of data would.
    harness.add(large(100..160, 10_000));
    (0..20).for_each(|seq| harness.publish(1, seq, 100));
    harness.pass(Duration::from_secs(60));
    let received = &harness.received[&1];
    let is_data = |what: &What| matches!(what, What::Data { .. });
    let first = received.iter().position(|each| is_data(&each.what));
    let is_control = |what: &What| matches!(what, What::Json(_));
    let last = received.iter().rposition(|each| is_control(&each.what));
    assert_eq!(harness.seqs(1, 1).len(), 20);
    assert!(first > last, "{first:?}, {last:?}");
}

#[test]
fn a_pong_waits_for_the_frame_that_was_begun_on_its_stream_only() {
    let mut harness = Harness::new();
    harness.add(vec![channel(1), channel(2)]);
    harness.join(1, false);
    harness.subscribe(1, &[1, 2]);
    harness.publish(1, 0, 1_000_000);
    harness.publish(2, 0, 1_000_000);
    harness.step();
    harness.ping(1, 7);
    harness.pump();
    let received = &harness.received[&1];
    let pong = |received: &_| matches!(received, What::Pong { .. });
    let at = received.iter().position(|r| pong(&r.what)).unwrap();
    let data = |received: &&_| matches!(received, What::Data { .. });
    let before = received[..at].iter().map(|r| &r.what).filter(data).count();
    assert_eq!(before, 1);
}

#[test]
fn a_large_frame_that_holds_up_a_pong_does_not_hold_up_other_viewers() {
    let mut harness = Harness::new();
    harness.add(vec![channel(1), channel(2)]);
    harness.join(1, false);
    harness.join(2, false);
    harness.subscribe(1, &[1]);
    harness.subscribe(2, &[2]);
    harness.publish(1, 0, 5_000_000);
    harness.step();
    harness.ping(1, 7);
    harness.publish(2, 0, 100);
    for _ in 0..8 {
        harness.step();
    }
    assert_eq!(harness.seqs(2, 2), [0]);
    assert!(harness.pongs(1).is_empty());
    harness.pump();
    assert_eq!(harness.pongs(1).len(), 1);
}

#[test]
fn an_acknowledgement_of_a_pong_that_was_never_sent_is_ignored() {
    let mut harness = Harness::new();
    harness.add(vec![channel(1)]);
    harness.join(1, true);
    harness.subscribe(1, &[1]);
    for stamp in [0, 1, CLOCK_MS, CLOCK_MS + 1, u64::MAX] {
        harness.ack(1, stamp);
    }
    harness.ping(1, 0);
    harness.pump();
    let stamp = harness.pongs(1)[0].1;
    harness.ack(1, stamp + 1);
    harness.publish(1, 0, 100);
    harness.pump();
    assert_eq!(harness.seqs(1, 1), [0]);
}

#[test]
fn a_flood_of_pings_gets_a_bounded_number_of_pongs() {
    let mut harness = Harness::new();
    harness.join(1, true);
    for timestamp in 0..10_000 {
        harness.ping(1, timestamp);
    }
    harness.pump();
    assert!((1..=64).contains(&harness.pongs(1).len()));
}

#[test]
fn an_acknowledgement_that_comes_after_many_others_were_due_is_ignored() {
    let mut harness = Harness::new();
    harness.join(1, true);
    for timestamp in 0..200 {
        harness.ping(1, timestamp);
        harness.pass(Duration::from_millis(100));
    }
    let pongs = harness.pongs(1);
    assert_eq!(pongs.len(), 200);
    let acknowledges = |harness: &Harness| harness.session.snapshot().participants[0].acknowledges;
    harness.ack(1, pongs[50].1);
    assert!(!acknowledges(&harness), "what it marked is forgotten");
    harness.ack(1, pongs[199].1);
    assert!(acknowledges(&harness));
}

/// Channels whose announcement takes about so many bytes each.
fn large(ids: std::ops::Range<u64>, bytes: usize) -> Vec<ChannelInfo> {
    let with_schema = |id| {
        let mut info = channel(id);
        info.channel.schema = "#".repeat(bytes);
        info
    };
    ids.map(with_schema).collect()
}

#[test]
fn control_messages_of_several_viewers_take_turns() {
    // Much more than goes before data, and less.
    for bytes in [100_000, 10_000] {
        let mut harness = Harness::new();
        for id in [1, 2, 3] {
            harness.join(id, true);
        }
        harness.pump();
        harness.transmits.clear();
        for id in 0..20 {
            harness.add(large(id..id + 1, bytes));
        }
        for _ in 0..30 {
            harness.step();
        }
        let mut writes: BTreeMap<StreamId, usize> = BTreeMap::new();
        for transmit in &harness.transmits {
            if let Transmit::Write { stream, .. } = transmit {
                *writes.entry(*stream).or_default() += 1;
            }
        }
        assert_eq!(writes.into_values().collect::<Vec<_>>(), [10, 10, 10]);
    }
}

#[test]
fn a_viewer_that_stops_acknowledging_gets_a_bounded_number_of_control_messages() {
    let mut harness = Harness::with(SessionConfig {
        control_queue_size: 64 << 20,
        ..SessionConfig::default()
    });
    harness.join(1, true);
    harness.acknowledge(1);
    harness.forget();
    harness.add(large(0..100, 400_000));
    harness.pass(Duration::from_secs(1));
    let sent = harness.uplink();
    assert!((1_000_000..10_000_000).contains(&sent), "{sent} B");
    for _ in 0..20 {
        harness.acknowledge(1);
        harness.pass(Duration::from_millis(50));
    }
    assert!(harness.uplink() > 40_000_000, "{} B", harness.uplink());
}

/// Channels with schemas of 100,000 bytes each.
fn large_catalogue(count: u64) -> Vec<ChannelInfo> {
    let large = |id| {
        let mut info = reliable(id);
        info.channel.schema = "a".repeat(100_000);
        info
    };
    (100..100 + count).map(large).collect()
}

#[test]
fn a_viewer_that_is_told_much_takes_turns_with_the_data_of_the_others() {
    for many in [true, false] {
        let mut harness = Harness::new();
        harness.add(vec![reliable(1)]);
        harness.add(large_catalogue(20));
        harness.join(1, true);
        harness.pass(Duration::from_secs(5));
        harness.acknowledge(1);
        harness.subscribe(1, &[1]);
        harness
            .session
            .participant_joined(harness.now, ParticipantId(2), Rights::all());
        harness.open_inbound(2, many).unwrap();
        harness.publish(1, 0, 150_000);
        harness.transmits.clear();
        let until = |harness: &mut Harness, done: &dyn Fn(&Harness) -> bool| {
            while !done(harness) && harness.step() {}
            let writes = harness.transmits.iter();
            writes
                .filter(|each| matches!(each, Transmit::Write { .. }))
                .count()
        };
        let data = until(&mut harness, &|harness| !harness.seqs(1, 1).is_empty());
        let all = until(&mut harness, &|_| false);
        assert!(all > 140, "{all} slices");
        assert!(
            (18..60).contains(&data),
            "{data} slices until the data was out"
        );
    }
}

#[test]
fn a_catalogue_larger_than_the_control_queue_is_delivered() {
    let mut harness = Harness::with(SessionConfig {
        control_queue_size: 150_000,
        ..SessionConfig::default()
    });
    for channel in large_catalogue(20) {
        harness.add(vec![channel]);
    }
    for (id, many) in [(1, true), (2, false)] {
        harness.join(id, many);
        harness.pass(Duration::from_secs(5));
        let advertised = harness.received[&id]
            .iter()
            .map(|received| match &received.what {
                What::Json(ServerMessage::Advertise { channels }) => channels.len(),
                _ => 0,
            });
        assert_eq!(advertised.sum::<usize>(), 20);
    }
    assert_eq!(harness.session.snapshot().resyncs, 0);
}
