//! Data: slices, fair shares, and drops that are reported.

use std::time::Duration;

use remote_access_protocol::ChannelId;
use remote_access_session::{ChannelInfo, SessionConfig, Transmit, SLICE_SIZE};

use crate::harness::{channel, latched, reliable, Harness, What};

fn slices(harness: &Harness) -> Vec<usize> {
    let transmits = harness.transmits.iter();
    transmits
        .filter_map(|transmit| match transmit {
            Transmit::Write { data, .. } => Some(data.len()),
            _ => None,
        })
        .collect()
}

#[test]
fn a_large_message_goes_out_in_slices() {
    for many in [true, false] {
        let mut harness = Harness::new();
        harness.add(vec![channel(1)]);
        harness.join(1, many);
        harness.subscribe(1, &[1]);
        harness.forget();
        harness.publish(1, 0, 100_000);
        harness.pump();
        assert_eq!(
            slices(&harness),
            [[SLICE_SIZE; 6].as_slice(), &[10_000]].concat()
        );
        assert_eq!(harness.seqs(1, 1), [0]);
    }
}

#[test]
fn small_messages_that_wait_together_share_a_slice() {
    for many in [true, false] {
        let mut harness = Harness::new();
        harness.add(vec![reliable(1)]);
        harness.join(1, many);
        harness.subscribe(1, &[1]);
        harness.forget();
        for seq in 0..100 {
            harness.publish(1, seq, 100);
        }
        harness.pump();
        assert_eq!(slices(&harness), [10_000]);
        assert_eq!(harness.seqs(1, 1), (0..100).collect::<Vec<_>>());
    }
}

#[test]
fn a_cloud_of_5_mb_delays_a_state_message_by_few_slices_only() {
    let mut harness = Harness::new();
    harness.add(vec![channel(1), reliable(2)]);
    harness.join(1, true);
    harness.acknowledge(1);
    harness.subscribe(1, &[1, 2]);
    harness.publish(2, 0, 100);
    harness.pump();
    harness.publish(1, 0, 5_000_000);
    for _ in 0..5 {
        harness.step();
    }
    harness.publish(2, 1, 100);
    harness.forget();
    while harness.seqs(1, 2).is_empty() {
        assert!(harness.step());
    }
    assert!(slices(&harness).len() <= 3, "{:?}", slices(&harness));
}

#[test]
fn large_messages_of_two_channels_share_the_uplink() {
    let mut harness = Harness::new();
    harness.add(vec![channel(1), channel(2)]);
    harness.join(1, true);
    harness.acknowledge(1);
    harness.subscribe(1, &[1, 2]);
    harness.publish(1, 0, 75_000);
    harness.publish(2, 0, 75_000);
    harness.forget();
    harness.pump();
    let streams: Vec<_> = harness
        .transmits
        .iter()
        .filter_map(|transmit| match transmit {
            Transmit::Write { stream, .. } => Some(*stream),
            _ => None,
        })
        .collect();
    assert_eq!(streams.len(), 10);
    assert!(
        streams.windows(2).all(|pair| pair[0] != pair[1]),
        "slices do not alternate: {streams:?}"
    );
}

#[test]
fn a_viewer_of_one_stream_gets_channels_by_their_weight_not_by_their_frames() {
    let mut harness = Harness::new();
    harness.add(vec![channel(1), channel(2)]);
    harness.join(1, false);
    harness.acknowledge(1);
    harness.subscribe(1, &[1, 2]);
    for seq in 0..10 {
        harness.publish(1, seq, 1_000_000);
        harness.publish(2, seq, 100_000);
    }
    harness.forget();
    for _ in 0..1000 {
        if harness.seqs(1, 2).len() == 10 {
            break;
        }
        harness.acknowledge(1);
        harness.pass(Duration::from_millis(5));
    }
    assert_eq!(harness.seqs(1, 2).len(), 10);
    assert!(harness.seqs(1, 1).len() <= 3, "{:?}", harness.seqs(1, 1));
}

#[test]
fn the_oldest_messages_are_dropped_and_the_viewer_is_told() {
    let mut harness = Harness::with(SessionConfig {
        message_backlog_size: 5,
        ..SessionConfig::default()
    });
    harness.add(vec![reliable(1)]);
    harness.join(1, true);
    harness.subscribe(1, &[1]);
    for seq in 0..12 {
        harness.publish(1, seq, 100);
    }
    harness.pump();
    assert_eq!(harness.seqs(1, 1), [7, 8, 9, 10, 11]);
    assert!(harness.statuses(1).is_empty(), "reports are throttled");
    harness.pass(Duration::from_millis(1100));
    let set = "/topic1: 7 messages dropped so far";
    assert!(harness.statuses(1)[0].starts_with(set));
    for seq in 12..20 {
        harness.publish(1, seq, 100);
    }
    harness.pass(Duration::from_millis(1100));
    let updated = "/topic1: 10 messages dropped so far";
    assert!(harness.statuses(1)[1].starts_with(updated));
    harness.pass(Duration::from_secs(10));
    assert_eq!(harness.statuses(1)[2..], ["-drops-1"]);
}

#[test]
fn the_report_of_drops_ends_with_the_subscription() {
    let mut harness = Harness::with(SessionConfig {
        message_backlog_size: 1,
        ..SessionConfig::default()
    });
    harness.add(vec![reliable(1)]);
    harness.join(1, true);
    harness.subscribe(1, &[1]);
    harness.publish(1, 0, 100);
    harness.publish(1, 1, 100);
    harness.pass(Duration::from_millis(1100));
    assert_eq!(harness.statuses(1).len(), 1);
    harness.unsubscribe(1, &[1]);
    harness.pass(Duration::from_secs(10));
    assert_eq!(harness.statuses(1)[1..], ["-drops-1"]);
}

#[test]
fn reports_about_many_channels_are_spread_over_time() {
    let mut harness = Harness::with(SessionConfig {
        message_backlog_size: 1,
        ..SessionConfig::default()
    });
    harness.add((0..100).map(reliable).collect());
    harness.join(1, true);
    harness.subscribe(1, &(0..100).collect::<Vec<_>>());
    for id in 0..100 {
        harness.publish(id, 0, 100);
        harness.publish(id, 1, 100);
    }
    harness.pass(Duration::from_millis(1100));
    assert!((1..50).contains(&harness.statuses(1).len()));
    harness.pass(Duration::from_secs(4));
    let told: std::collections::BTreeSet<_> = harness.statuses(1).into_iter().collect();
    assert_eq!(told.len(), 100);
}

#[test]
fn a_message_that_is_too_large_is_named_once_in_a_while() {
    let mut harness = Harness::new();
    harness.add(vec![channel(1)]);
    harness.join(1, true);
    harness.subscribe(1, &[1]);
    for _ in 0..100 {
        harness
            .session
            .message_too_large(harness.now, ChannelId(1), 20_000_000);
    }
    harness.pump();
    let statuses = harness.statuses(1);
    assert_eq!(statuses.len(), 1);
    assert!(statuses[0].contains("/topic1") && statuses[0].contains("20000000"));
}

#[test]
fn a_blocked_transport_does_not_make_periodic_data_older_than_the_limit() {
    let mut harness = Harness::new();
    harness.add(vec![channel(1)]);
    harness.join(1, true);
    harness.subscribe(1, &[1]);
    for seq in 0..10 {
        harness.publish(1, seq, 100);
        harness.pass_blocked(Duration::from_secs(1));
    }
    harness.pump();
    assert_eq!(harness.seqs(1, 1), [8, 9]);
}

/// A harness with one channel and a viewer that keeps up with it: it acknowledged what it got.
fn measured(info: ChannelInfo) -> Harness {
    let mut harness = Harness::with(SessionConfig {
        message_backlog_size: 20,
        ..SessionConfig::default()
    });
    harness.add(vec![info]);
    harness.join(1, true);
    harness.acknowledge(1);
    harness.subscribe(1, &[1]);
    harness
}

#[test]
fn while_the_transport_is_blocked_queues_keep_to_their_depth() {
    // Small messages as many as the backlog, large ones as many as the publishers keep.
    for (size, kept) in [(100, 20), (100_000, 10)] {
        let mut harness = measured(channel(1));
        for seq in 0..100 {
            harness.publish(1, seq, size);
        }
        harness.pump();
        harness.acknowledge_all(1);
        let expected: Vec<u64> = (100 - kept..100).collect();
        assert_eq!(harness.seqs(1, 1), expected, "{size} B");
    }
}

#[test]
fn of_large_messages_that_kept_coming_while_blocked_the_newest_goes_out() {
    let mut harness = measured(channel(1));
    for seq in 0..5 {
        harness.publish(1, seq, 100_000);
        harness.pass_blocked(Duration::from_millis(100));
    }
    harness.pump();
    assert_eq!(harness.seqs(1, 1), [4]);
}

#[test]
fn of_medium_messages_a_hiccup_loses_none_but_after_more_the_newest_goes_out() {
    for (count, expected) in [(4, vec![0, 1, 2, 3]), (7, vec![6])] {
        let mut harness = measured(channel(1));
        for seq in 0..count {
            harness.publish(1, seq, 20_000);
            harness.pass_blocked(Duration::from_millis(100));
        }
        harness.pump();
        assert_eq!(harness.seqs(1, 1), expected);
    }
}

#[test]
fn latched_messages_all_arrive_even_of_publishers_that_are_not_reliable() {
    let mut info = latched(1, 1);
    info.delivery.reliable = false;
    let mut harness = measured(info);
    for seq in 0..10 {
        harness.publish(1, seq, 100);
        harness.pass_blocked(Duration::from_secs(1));
    }
    harness.pump();
    assert_eq!(harness.seqs(1, 1), (0..10).collect::<Vec<_>>());
}

#[test]
fn the_queue_budget_holds_and_no_viewer_pays_for_the_others() {
    let mut harness = Harness::with(SessionConfig {
        queue_budget: 1_000_000,
        ..SessionConfig::default()
    });
    harness.add(vec![reliable(1), reliable(2)]);
    for id in 0..10 {
        harness.join(id, id % 2 == 0);
        harness.subscribe(id, &[1, 2]);
    }
    let mut most = 0;
    for seq in 0..300 {
        harness.publish(1, seq, 8_000);
        harness.publish(2, seq, 500);
        most = most.max(harness.session.queued_bytes());
    }
    assert!((800_000..=1_000_000).contains(&most), "{most} B");
    harness.pass(Duration::from_secs(60));
    for id in 0..10 {
        assert_eq!(harness.seqs(id, 1).last(), Some(&299), "viewer {id}");
        assert_eq!(harness.seqs(id, 2).len(), 300, "the short queue of {id}");
    }
    assert_eq!(harness.session.queued_bytes(), 0);
}

#[test]
fn the_longest_queue_is_cut_until_it_is_as_short_as_the_others() {
    let mut harness = Harness::with(SessionConfig {
        queue_budget: 1_000_000,
        ..SessionConfig::default()
    });
    harness.add((0..17).map(reliable).collect());
    harness.join(1, true);
    harness.subscribe(1, &(0..17).collect::<Vec<_>>());
    for id in 1..17 {
        (0..10).for_each(|seq| harness.publish(id, seq, 5_000));
    }
    // An eighth of the budget is more than half of this queue.
    (0..45).for_each(|seq| harness.publish(0, seq, 5_000));
    harness.pass(Duration::from_secs(60));
    for id in 1..17 {
        assert_eq!(harness.seqs(1, id).len(), 10, "the short queue {id}");
    }
    assert_eq!(harness.seqs(1, 0).last(), Some(&44));
}

#[test]
fn places_in_queues_count_against_the_budget_too() {
    let mut harness = Harness::with(SessionConfig {
        queue_budget: 1_000_000,
        ..SessionConfig::default()
    });
    harness.add((0..50).map(reliable).collect());
    for id in 0..100 {
        harness.join(id, true);
        harness.subscribe(id, &(0..50).collect::<Vec<_>>());
    }
    // 50 kB of messages, but 200,000 places.
    for seq in 0..40 {
        for channel in 0..50 {
            harness.publish(channel, seq, 25);
        }
    }
    let snapshot = harness.session.snapshot();
    let waiting: u64 = snapshot
        .participants
        .iter()
        .map(|p| p.queued.messages)
        .sum();
    assert!(
        (5_000..25_000).contains(&waiting),
        "{waiting} messages wait"
    );
    assert!(snapshot.queued_bytes <= 1_000_000);
}

#[test]
fn messages_arrive_as_they_were_published() {
    let mut harness = Harness::new();
    harness.add(vec![channel(1)]);
    harness.join(1, true);
    harness.subscribe(1, &[1]);
    harness.publish(1, 5, 12_345);
    harness.pump();
    let last = harness.received[&1].last().map(|received| &received.what);
    let expected = What::Data {
        channel: 1,
        seq: 5,
        size: 12_345,
    };
    assert_eq!(last, Some(&expected));
}

#[test]
fn of_many_channels_that_go_on_dropping_each_is_reported_in_turn() {
    let mut harness = Harness::with(SessionConfig {
        message_backlog_size: 1,
        ..SessionConfig::default()
    });
    harness.add((0..100).map(reliable).collect());
    harness.join(1, true);
    harness.subscribe(1, &(0..100).collect::<Vec<_>>());
    for seq in 0..60 {
        for id in 0..100 {
            harness.publish(id, 2 * seq, 100);
            harness.publish(id, 2 * seq + 1, 100);
        }
        harness.pass(Duration::from_millis(100));
    }
    let statuses = harness.statuses(1);
    let topics: std::collections::BTreeSet<_> = statuses
        .iter()
        .filter_map(|status| status.split(':').next())
        .collect();
    assert_eq!(topics.len(), 100, "of {} reports", statuses.len());
}
