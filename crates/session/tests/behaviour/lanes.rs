//! Lanes: one upload for all viewers that read many streams.

use std::time::{Duration, Instant};

use remote_access_session::{ParticipantId, SessionConfig, StreamId, Transmit};

use crate::harness::{channel, reliable, Harness, What};

/// Viewers `0..count` that acknowledge, subscribed to the channels.
fn viewers(config: SessionConfig, count: u64, channels: &[u64]) -> Harness {
    let mut harness = Harness::with(config);
    harness.add(channels.iter().map(|&id| reliable(id)).collect());
    for id in 0..count {
        harness.join(id, true);
        harness.acknowledge(id);
        harness.subscribe(id, channels);
    }
    harness.forget();
    harness
}

fn acknowledge_all(harness: &mut Harness, count: u64) {
    for id in 0..count {
        harness.acknowledge(id);
    }
}

#[test]
fn many_viewers_cost_one_upload() {
    let mut uploads = Vec::new();
    for count in [1, 8] {
        let mut harness = viewers(SessionConfig::default(), count, &[1]);
        for seq in 0..20 {
            harness.publish(1, seq, 10_000);
            harness.pump();
        }
        for id in 0..count {
            assert_eq!(harness.seqs(id, 1).len(), 20);
        }
        uploads.push(harness.uplink());
    }
    assert_eq!(uploads[0], uploads[1]);
}

#[test]
fn a_viewer_of_one_stream_gets_all_on_one_stream() {
    let mut harness = Harness::new();
    harness.add(vec![channel(1), channel(2)]);
    harness.join(1, false);
    harness.join(2, false);
    for id in [1, 2] {
        harness.subscribe(id, &[1, 2]);
    }
    for seq in 0..5 {
        harness.publish(1, seq, 20_000);
        harness.publish(2, seq, 100);
    }
    harness.pump();
    for id in [1, 2] {
        assert_eq!(harness.streams_of(id).len(), 1);
        assert_eq!(harness.seqs(id, 2).len(), 5);
    }
    assert_eq!(harness.open_streams(), 2);
}

#[test]
fn a_viewer_moves_to_another_lane_only_when_the_old_one_is_acknowledged() {
    let mut harness = viewers(SessionConfig::default(), 2, &[1]);
    harness.publish(1, 0, 1000);
    harness.pump();
    harness.join(2, true);
    harness.acknowledge(2);
    harness.subscribe(2, &[1]);
    harness.publish(1, 1, 1000);
    harness.pass(Duration::from_millis(50));
    assert_eq!(harness.seqs(0, 1), [0], "the old lane is not acknowledged");
    acknowledge_all(&mut harness, 3);
    harness.pass(Duration::from_millis(50));
    for id in 0..2 {
        assert_eq!(harness.seqs(id, 1), [0, 1]);
    }
    assert_eq!(harness.seqs(2, 1), [1]);
    harness.forget();
    harness.publish(1, 2, 1000);
    harness.pump();
    assert_eq!(harness.uplink(), 1000);
}

#[test]
fn a_frame_that_a_retired_lane_has_begun_is_not_overtaken() {
    let mut harness = viewers(SessionConfig::default(), 2, &[1]);
    harness.publish(1, 0, 200_000);
    for _ in 0..3 {
        harness.step();
    }
    harness.unsubscribe(1, &[1]);
    harness.publish(1, 1, 100);
    for _ in 0..4 {
        harness.step();
    }
    // Position and acknowledgement cover what was written of the frame so far.
    harness.ping(0, 0);
    while harness.pongs(0).is_empty() {
        harness.step();
    }
    let stamp = harness.pongs(0)[0].1;
    harness.ack(0, stamp);
    harness.pass_blocked(Duration::from_millis(5));
    harness.pump();
    acknowledge_all(&mut harness, 2);
    harness.pass(Duration::from_millis(50));
    assert_eq!(harness.seqs(0, 1), [0, 1]);
    assert_eq!(harness.seqs(1, 1), [0], "the frame that was begun");
}

#[test]
fn who_subscribes_again_waits_for_the_end_of_a_frame_of_before() {
    for at_once in [true, false] {
        let mut harness = viewers(SessionConfig::default(), 2, &[1]);
        harness.publish(1, 0, 100_000);
        for _ in 0..3 {
            harness.step();
        }
        harness.unsubscribe(1, &[1]);
        if at_once {
            harness.subscribe(1, &[1]);
        }
        harness.ping(1, 0);
        while harness.pongs(1).is_empty() {
            harness.step();
        }
        // Acknowledges what it got of the frame so far. The rest follows on the old lane.
        let stamp = harness.pongs(1)[0].1;
        harness.pump();
        assert_eq!(harness.seqs(1, 1), [0]);
        harness.acknowledge(0);
        if !at_once {
            harness.subscribe(1, &[1]);
        }
        harness.ack(1, stamp);
        harness.publish(1, 1, 100);
        harness.pass(Duration::from_millis(20));
        assert_eq!(harness.seqs(1, 1), [0], "the frame may not have arrived");
        acknowledge_all(&mut harness, 2);
        harness.pass(Duration::from_millis(20));
        assert_eq!(harness.seqs(1, 1), [0, 1]);
    }
}

#[test]
fn lanes_that_nobody_uses_any_more_are_ended() {
    let mut harness = Harness::new();
    harness.add(vec![reliable(1)]);
    for id in 0..20 {
        harness.join(id, true);
        harness.acknowledge(id);
        harness.subscribe(id, &[1]);
        for seq in 0..3 {
            harness.publish(1, 3 * id + seq, 100);
            acknowledge_all(&mut harness, id + 1);
            harness.pass(Duration::from_millis(10));
        }
        assert_eq!(harness.seqs(id, 1).last(), Some(&(3 * id + 2)));
        let lanes = harness.session.snapshot().channels[0].lanes;
        assert_eq!(lanes, 1, "with {id} other viewers");
    }
}

#[test]
fn a_viewer_that_never_acknowledges_changes_lane_only_after_a_pause() {
    let mut harness = Harness::with(SessionConfig {
        stream_rotate_bytes: 100_000,
        ..SessionConfig::default()
    });
    harness.add(vec![reliable(1)]);
    harness.join(1, true);
    harness.subscribe(1, &[1]);
    let mut last: Option<(StreamId, Instant)> = None;
    let mut changes = 0;
    for seq in 0..2000 {
        harness.forget();
        harness.publish(1, seq, 1000);
        harness.pass(Duration::from_millis(5));
        for received in harness.received.get(&1).into_iter().flatten() {
            let stream = received.stream;
            if matches!(received.what, What::Data { .. }) {
                if let Some((before, at)) = last.filter(|&(before, _)| before != stream) {
                    let pause = harness.now - at;
                    assert!(pause > Duration::from_secs(1), "{before:?} {pause:?}");
                    changes += 1;
                }
                last = Some((stream, harness.now));
            }
        }
    }
    assert!(changes >= 3, "{changes}");
}

#[test]
fn a_stalled_viewer_is_soon_served_on_its_own() {
    let mut harness = viewers(SessionConfig::default(), 3, &[1]);
    let mut worst = Duration::ZERO;
    for seq in 0..400 {
        let published = harness.now;
        harness.publish(1, seq, 50_000);
        while harness.seqs(0, 1).last() != Some(&seq) {
            harness.pass(Duration::from_millis(10));
            harness.acknowledge(0);
            harness.acknowledge(1);
            assert!(harness.now - published < Duration::from_secs(5));
        }
        worst = worst.max(harness.now - published);
    }
    assert_eq!(harness.seqs(0, 1).len(), 400);
    assert_eq!(harness.seqs(1, 1).len(), 400);
    assert!(worst <= Duration::from_millis(700), "{worst:?}");
    let stalled = harness.seqs(2, 1).len();
    assert!(
        stalled < 60,
        "{stalled} messages went to the stalled viewer"
    );
}

#[test]
fn a_viewer_that_lags_now_and_then_does_not_pace_the_others() {
    let mut harness = viewers(SessionConfig::default(), 2, &[1]);
    let mut late = 0;
    for round in 0..1000u64 {
        harness.publish(1, round, 50_000);
        harness.pass(Duration::from_millis(10));
        harness.acknowledge(0);
        if round % 18 == 0 {
            harness.acknowledge(1);
        }
        late += u64::from(harness.seqs(0, 1).last() != Some(&round));
    }
    assert!(late < 150, "{late} of 1000 messages came late");
    assert!(harness.seqs(1, 1).len() > 50);
}

#[test]
fn many_slow_viewers_use_a_bounded_number_of_lanes() {
    let mut harness = Harness::new();
    harness.add(vec![channel(1)]);
    for id in 0..20 {
        harness.join(id, true);
        harness.subscribe(id, &[1]);
    }
    for seq in 0..10 {
        harness.publish(1, seq, 20_000);
        harness.pass(Duration::from_millis(500));
    }
    for id in 0..20 {
        assert_eq!(harness.seqs(id, 1), (0..10).collect::<Vec<_>>());
    }
    assert!(
        harness.open_streams() <= 20 + 4,
        "{}",
        harness.open_streams()
    );
}

#[test]
fn lanes_are_replaced_at_a_frame_boundary_with_nothing_lost() {
    let config = SessionConfig {
        stream_rotate_bytes: 100_000,
        ..SessionConfig::default()
    };
    let mut harness = viewers(config, 2, &[1]);
    for seq in 0..50 {
        harness.publish(1, seq, 30_000);
        harness.pump();
        acknowledge_all(&mut harness, 2);
        harness.pass(Duration::from_millis(10));
    }
    for id in 0..2 {
        assert_eq!(harness.seqs(id, 1), (0..50).collect::<Vec<_>>());
    }
    assert!(closes(&harness) >= 10);
    assert!(harness.open_streams() <= 3);
}

#[test]
fn the_single_stream_is_replaced_at_a_frame_boundary_with_nothing_lost() {
    for many in [true, false] {
        let mut harness = Harness::with(SessionConfig {
            stream_rotate_bytes: 100_000,
            ..SessionConfig::default()
        });
        harness.add(vec![reliable(1)]);
        harness.join(1, many);
        harness.subscribe(1, &[1]);
        for seq in 0..50 {
            harness.publish(1, seq, 30_000);
            harness.pass(Duration::from_millis(1200));
        }
        assert_eq!(harness.seqs(1, 1), (0..50).collect::<Vec<_>>());
        assert!(closes(&harness) >= 10, "{}", closes(&harness));
        assert!(harness.open_streams() <= 2);
    }
}

fn closes(harness: &Harness) -> usize {
    let closes = |transmit: &&_| matches!(transmit, Transmit::Close { .. });
    harness.transmits.iter().filter(closes).count()
}

#[test]
fn one_that_has_much_to_catch_up_with_does_not_starve_the_others_of_its_channel() {
    let mut harness = viewers(SessionConfig::default(), 1, &[1]);
    harness.join(1, true);
    harness.acknowledge(1);
    harness.forget();
    for seq in 0..50 {
        harness.publish(1, seq, 8_000);
    }
    // What waits for the first viewer is older than anything that the second one gets.
    harness.subscribe(1, &[1]);
    harness.publish(1, 50, 8_000);
    for _ in 0..8 {
        harness.step();
    }
    assert_eq!(harness.seqs(1, 1), [50]);
    assert!(harness.seqs(0, 1).len() > 1);
}

#[test]
fn one_that_keeps_up_again_shares_lanes_again() {
    let mut harness = viewers(SessionConfig::default(), 2, &[1]);
    let mut uploads = Vec::new();
    for (seconds, keeps_up) in [(3, false), (5, true)] {
        for seq in 0..20 * seconds {
            harness.forget();
            harness.publish(1, seq, 10_000);
            harness.pass(Duration::from_millis(50));
            harness.try_acknowledge(0);
            if keeps_up {
                harness.try_acknowledge(1);
            }
        }
        harness.forget();
        harness.publish(1, 1000, 10_000);
        harness.pass(Duration::from_millis(50));
        uploads.push(harness.uplink());
        let slow = harness.session.snapshot().participants[1].slow;
        assert_eq!(slow, !keeps_up);
    }
    assert!(uploads[1] < 11_000, "{uploads:?}");
}

#[test]
fn a_lane_whose_viewers_have_all_left_in_the_middle_of_a_frame_is_ended() {
    let mut harness = viewers(SessionConfig::default(), 2, &[1]);
    harness.publish(1, 0, 200_000);
    for _ in 0..3 {
        harness.step();
    }
    for id in [0, 1] {
        harness
            .session
            .participant_left(harness.now, ParticipantId(id));
    }
    harness.pass(Duration::from_millis(50));
    assert_eq!(harness.open_streams(), 0);
}

#[test]
fn streams_are_replaced_long_before_a_receiver_ends_them() {
    // The Rust SDK ends a stream at 5,000,000,000 bytes; a frame has 16 MiB at most.
    let config = SessionConfig::default();
    assert!(config.stream_rotate_bytes <= 4_000_000_000);
}
