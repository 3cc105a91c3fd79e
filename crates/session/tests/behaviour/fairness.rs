//! A viewer's share of the uplink is its own, whatever another one watches or asks for.

use std::time::Duration;

use remote_access_protocol::client::ClientMessage;
use remote_access_protocol::service::ServicePayload;
use remote_access_protocol::{CallId, ServiceId};
use remote_access_session::SessionConfig;

use crate::harness::{channel, permissive, Harness, What};

/// Bytes per second.
const UPLINK: u64 = 500_000;
/// The viewer that wants much, and the other one.
const GREEDY: u64 = 1;
const MODEST: u64 = 2;
/// Channels of large messages, and those of small ones.
const LARGE: std::ops::RangeInclusive<u64> = 1..=100;
const SMALL: std::ops::RangeInclusive<u64> = 101..=200;

/// Two viewers of a robot that has more to send than its uplink takes.
fn robot(many_streams: bool) -> Harness {
    let mut harness = Harness::with(SessionConfig {
        uplink_rate: Some(UPLINK),
        ..permissive()
    });
    harness.add(LARGE.chain(SMALL).map(channel).collect());
    for viewer in [GREEDY, MODEST] {
        harness.join(viewer, many_streams);
        harness.pass(Duration::from_secs(1));
        harness.acknowledge(viewer);
    }
    harness
}

/// All channels have something new, and both viewers tell what has arrived.
fn step(harness: &mut Harness, number: u64) {
    if number.is_multiple_of(4) {
        LARGE.for_each(|id| harness.publish(id, number, 70_000));
    }
    SMALL.for_each(|id| harness.publish(id, number, 4_000));
    for viewer in [GREEDY, MODEST] {
        harness.try_acknowledge(viewer);
    }
    harness.pass(Duration::from_millis(25));
}

/// The part of the uplink that carries messages to the modest viewer.
fn modest_part(harness: &mut Harness, mut meanwhile: impl FnMut(&mut Harness)) -> f64 {
    for number in 0..280 {
        if number == 80 {
            // What may come first once, has.
            harness.forget();
        }
        meanwhile(harness);
        step(harness, number);
    }
    let received = harness.received[&MODEST].iter();
    let sizes = received.map(|received| match received.what {
        What::Data { size, .. } => size,
        _ => 0,
    });
    let uplink = harness.uplink();
    assert!(uplink as u64 > 4 * UPLINK, "it is not full: {uplink}");
    sizes.sum::<usize>() as f64 / uplink as f64
}

#[test]
fn the_number_of_channels_of_one_viewer_takes_nothing_from_another() {
    for many_streams in [true, false] {
        for channels in [LARGE, SMALL] {
            let mut harness = robot(many_streams);
            harness.subscribe(GREEDY, &channels.clone().collect::<Vec<_>>());
            harness.subscribe(MODEST, &[*LARGE.start()]);
            let part = modest_part(&mut harness, |_| {});
            assert!(part > 0.35, "{many_streams} {channels:?}: {part}");
        }
    }
}

#[test]
fn who_subscribes_to_a_channel_of_many_that_another_watches_does_not_wait_for_them() {
    let mut harness = robot(true);
    harness.subscribe(GREEDY, &LARGE.collect::<Vec<_>>());
    (0..20).for_each(|number| step(&mut harness, number));
    harness.subscribe(MODEST, &[50]);
    let part = modest_part(&mut harness, |_| {});
    assert!(part > 0.35, "{part}");
}

#[test]
fn what_two_viewers_get_at_once_counts_half_for_each() {
    const THIRD: u64 = 3;
    let mut harness = robot(true);
    harness.join(THIRD, true);
    harness.pass(Duration::from_secs(1));
    harness.acknowledge(THIRD);
    harness.subscribe(MODEST, &[1]);
    harness.subscribe(GREEDY, &[2]);
    harness.subscribe(THIRD, &[2]);
    let part = modest_part(&mut harness, |harness| {
        harness.try_acknowledge(THIRD);
    });
    assert!((0.25..0.42).contains(&part), "{part}");
}

#[test]
fn refused_calls_take_no_more_than_the_share_of_their_viewer() {
    for many_streams in [true, false] {
        let mut harness = robot(many_streams);
        harness.subscribe(MODEST, &[*LARGE.start()]);
        let mut call = 0;
        let part = modest_part(&mut harness, |harness| {
            for _ in 0..49 {
                call += 1;
                harness.send(
                    GREEDY,
                    &ClientMessage::ServiceCallRequest(ServicePayload {
                        service: ServiceId(7),
                        call: CallId(call),
                        encoding: "cdr".to_owned(),
                        payload: vec![0; 100].into(),
                    }),
                );
            }
        });
        assert!(part > 0.45, "{many_streams}: {part}");
    }
}

#[test]
fn pings_and_new_streams_take_no_more_than_the_share_of_their_viewer() {
    let mut harness = robot(true);
    harness.subscribe(MODEST, &[*LARGE.start()]);
    let mut steps = 0;
    let part = modest_part(&mut harness, |harness| {
        for timestamp in 0..20 {
            harness.ping(GREEDY, timestamp);
        }
        steps += 1;
        if steps % 4 == 0 {
            harness.close_inbound(GREEDY);
            harness.open_inbound(GREEDY, true).unwrap();
        }
    });
    assert!(part > 0.45, "{part}");
}
