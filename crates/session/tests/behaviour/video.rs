//! Videos: no viewer gets a frame whose reference it did not get.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use remote_access_protocol::ChannelId;
use remote_access_session::{
    ChannelInfo, Event, Lag, PublisherId, RateLimit, SessionConfig, VideoFrame,
};

use crate::harness::{channel, data_frame, Harness};

const KEY_FRAME: Event = Event::KeyFrame(ChannelId(1));

/// Publishes these frames without sending them; every tenth is a key frame.
fn publish(harness: &mut Harness, numbers: std::ops::Range<u64>, size: usize) {
    for number in numbers {
        let video_frame = VideoFrame {
            number,
            is_key_frame: number % 10 == 0,
        };
        let frame = data_frame(1, number, size);
        let publisher = PublisherId::default();
        harness
            .session
            .video_frame(harness.now, ChannelId(1), publisher, frame, video_frame);
    }
}

/// A viewer that watches the video, which has begun.
fn watched(config: SessionConfig, info: ChannelInfo) -> Harness {
    let mut harness = Harness::with(config);
    harness.add(vec![info]);
    harness.join(1, true);
    harness.subscribe(1, &[1]);
    publish(&mut harness, 0..3, 1_000);
    harness.pump();
    assert_eq!(harness.events(), [Event::Subscribe(ChannelId(1))]);
    harness
}

#[test]
fn a_later_viewer_begins_with_a_key_frame_and_asks_for_one() {
    for many in [true, false] {
        let mut harness = watched(SessionConfig::default(), channel(1));
        harness.join(2, many);
        harness.subscribe(2, &[1]);
        assert_eq!(harness.events(), [KEY_FRAME]);
        publish(&mut harness, 3..12, 1_000);
        harness.pass(Duration::from_millis(200));
        assert_eq!(harness.seqs(1, 1), (0..12).collect::<Vec<_>>());
        assert_eq!(harness.seqs(2, 1), [10, 11]);
    }
}

#[test]
fn a_video_that_is_joined_between_key_frames_begins_with_the_next_one() {
    let mut harness = Harness::with(SessionConfig::default());
    harness.add(vec![channel(1)]);
    harness.join(1, true);
    harness.subscribe(1, &[1]);
    publish(&mut harness, 4..13, 1_000);
    harness.pass(Duration::from_millis(200));
    assert_eq!(harness.seqs(1, 1), [10, 11, 12]);
}

#[test]
fn frames_that_waited_too_long_are_dropped_up_to_the_next_key_frame() {
    let mut harness = watched(SessionConfig::default(), channel(1));
    publish(&mut harness, 3..8, 20_000);
    harness.pass_blocked(Duration::from_millis(450));
    publish(&mut harness, 8..10, 20_000);
    harness.pass(Duration::from_millis(200));
    assert_eq!(harness.seqs(1, 1), [0, 1, 2]);
    let told = harness.events();
    let channel = ChannelId(1);
    let as_expected =
        matches!(told[..], [KEY_FRAME, Event::Behind { channel: id, .. }] if id == channel);
    assert!(as_expected, "{told:?}");
    publish(&mut harness, 10..13, 1_000);
    harness.pass(Duration::from_millis(200));
    assert_eq!(harness.seqs(1, 1), [0, 1, 2, 10, 11, 12]);
    assert_eq!(harness.events(), [], "one request is enough");
}

/// Publishes a frame each 50 ms for a second and acknowledges each Pong so much later.
fn play(harness: &mut Harness, first: u64, late: Duration) -> Vec<Event> {
    let mut acknowledged = harness.pongs(1).len();
    let mut due: VecDeque<(Instant, u64)> = VecDeque::new();
    for step in 0..20 {
        publish(harness, first + step..first + step + 1, 1_000);
        if step % 2 == 0 {
            harness.ping(1, step);
        }
        harness.pass(Duration::from_millis(50));
        let pongs = harness.pongs(1);
        let new = pongs[acknowledged..].iter();
        due.extend(new.map(|(_, stamp)| (harness.now + late, *stamp)));
        acknowledged = pongs.len();
        while due.front().is_some_and(|(at, _)| *at <= harness.now) {
            let (_, stamp) = due.pop_front().unwrap();
            harness.ack(1, stamp);
        }
    }
    harness.events()
}

#[test]
fn an_encoder_is_told_of_a_queue_on_the_path_before_frames_wait() {
    let mut harness = watched(SessionConfig::default(), channel(1));
    assert_eq!(play(&mut harness, 3, Duration::ZERO), []);
    let told = play(&mut harness, 23, Duration::from_millis(200));
    let Some(Event::Behind { lag, .. }) = told.first() else {
        panic!("{told:?}");
    };
    assert_eq!(*lag, Lag::PathQueue);
}

#[test]
fn an_encoder_is_told_before_frames_have_to_be_dropped() {
    let mut harness = watched(SessionConfig::default(), channel(1));
    publish(&mut harness, 3..4, 20_000);
    harness.pass_blocked(Duration::from_millis(100));
    publish(&mut harness, 4..5, 20_000);
    assert_eq!(harness.events(), [], "no more than a hiccup");
    harness.pass_blocked(Duration::from_millis(100));
    publish(&mut harness, 5..6, 20_000);
    let told = harness.events();
    assert!(
        matches!(told[..], [Event::Behind { .. }]),
        "the path is late: {told:?}"
    );
    harness.pass(Duration::from_millis(200));
    assert_eq!(harness.seqs(1, 1), [0, 1, 2, 3, 4, 5]);
}

#[test]
fn a_frame_that_was_lost_on_its_way_to_the_session_is_missed() {
    let mut harness = watched(SessionConfig::default(), channel(1));
    publish(&mut harness, 4..9, 1_000);
    harness.pump();
    assert_eq!(harness.seqs(1, 1), [0, 1, 2]);
    publish(&mut harness, 9..12, 1_000);
    harness.pump();
    assert_eq!(harness.seqs(1, 1), [0, 1, 2, 10, 11]);
}

#[test]
fn a_rate_limit_leaves_no_frame_without_its_reference() {
    let limited = ChannelInfo {
        rate_limit: RateLimit {
            messages: Some(5.0),
            bytes: None,
        },
        ..channel(1)
    };
    let mut harness = Harness::new();
    harness.add(vec![limited]);
    harness.join(1, true);
    harness.subscribe(1, &[1]);
    for number in 0..100 {
        publish(&mut harness, number..number + 1, 1_000);
        harness.pass(Duration::from_millis(35));
    }
    let got = harness.seqs(1, 1);
    assert!(!got.is_empty());
    for (index, number) in got.iter().enumerate() {
        let follows = index > 0 && got[index - 1] + 1 == *number;
        assert!(number % 10 == 0 || follows, "{number} in {got:?}");
    }
}

#[test]
fn one_that_is_started_anew_begins_with_a_key_frame() {
    let mut harness = watched(SessionConfig::default(), channel(1));
    harness.session.resync_all(harness.now);
    assert_eq!(harness.events(), [KEY_FRAME]);
    publish(&mut harness, 3..11, 1_000);
    harness.pass(Duration::from_millis(300));
    assert_eq!(harness.seqs(1, 1), [0, 1, 2, 10]);
}
