//! Rate limits: of a topic, of a participant, of the whole uplink.

use std::time::Duration;

use remote_access_protocol::ChannelId;
use remote_access_session::{ChannelInfo, RateLimit, SessionConfig};

use crate::harness::{channel, latched, reliable, Harness};

const SECOND: Duration = Duration::from_secs(1);

fn limited(info: ChannelInfo, messages: Option<f64>, bytes: Option<f64>) -> ChannelInfo {
    let rate_limit = RateLimit { messages, bytes };
    ChannelInfo { rate_limit, ..info }
}

/// Publishes 100 messages per second on channel 1, to viewers that acknowledge all the while.
fn publish(harness: &mut Harness, viewers: &[u64], size: usize, seconds: u64) {
    for seq in 0..100 * seconds {
        harness.publish(1, seq, size);
        harness.pass(Duration::from_millis(10));
        if seq % 10 == 0 {
            for &id in viewers {
                harness.try_acknowledge(id);
            }
        }
    }
}

fn joined(config: SessionConfig, channels: Vec<ChannelInfo>, viewers: &[(u64, bool)]) -> Harness {
    let mut harness = Harness::with(config);
    let ids: Vec<u64> = channels.iter().map(|info| info.channel.id.0).collect();
    harness.add(channels);
    for &(id, many) in viewers {
        harness.join(id, many);
        harness.acknowledge(id);
        harness.subscribe(id, &ids);
    }
    harness.pump();
    harness.forget();
    harness
}

#[test]
fn a_topic_is_held_to_its_messages_per_second_and_viewers_are_told() {
    let info = limited(reliable(1), Some(5.0), None);
    let viewers = [(1, true), (2, false)];
    let mut harness = joined(SessionConfig::default(), vec![info, reliable(2)], &viewers);
    publish(&mut harness, &[1, 2], 100, 10);
    for id in [1, 2] {
        let got = harness.seqs(id, 1).len();
        assert!((50..=52).contains(&got), "viewer {id} got {got} messages");
        let statuses = harness.statuses(id);
        assert!(statuses[0].starts_with("/topic1: ") && statuses[0].contains("rate limit"));
    }
    harness.forget();
    for _ in 0..20 {
        harness.pass(SECOND / 2);
        harness.acknowledge(1);
    }
    let statuses = harness.statuses(1);
    assert_eq!(statuses.last().map(String::as_str), Some("-drops-1"));
    assert!(statuses.len() <= 2, "{statuses:?}");
    let snapshot = harness.session.snapshot();
    let drops = snapshot.channels[0].drops;
    let missed = 2 * 1000 - snapshot.channels[0].sent.messages;
    assert_eq!((drops.rate_limit, drops.total()), (missed, missed));
}

#[test]
fn a_topic_is_held_to_its_bytes_per_second() {
    let info = limited(reliable(1), None, Some(20_000.0));
    let mut harness = joined(SessionConfig::default(), vec![info], &[(1, true)]);
    publish(&mut harness, &[1], 1_000, 10);
    let got = harness.seqs(1, 1).len();
    assert!((200..=222).contains(&got), "{got} messages");
}

#[test]
fn latched_messages_are_never_left_out() {
    let info = limited(latched(1, 1), Some(1.0), Some(100.0));
    let mut harness = joined(SessionConfig::default(), vec![info], &[(1, true)]);
    publish(&mut harness, &[1], 1_000, 2);
    assert_eq!(harness.seqs(1, 1).len(), 200);
}

#[test]
fn a_participant_is_held_to_its_rate_and_the_others_are_not() {
    let config = SessionConfig {
        participant_rate: Some(100_000),
        ..SessionConfig::default()
    };
    let viewers = [(1, true), (2, false)];
    let mut harness = joined(config, vec![channel(1)], &viewers);
    publish(&mut harness, &[1, 2], 10_000, 20);
    let sent = harness.session.snapshot().participants;
    for participant in sent {
        // 2 MB in 20 s, and a second's worth at first.
        let bytes = participant.sent_bytes;
        assert!((1_900_000..2_300_000).contains(&bytes), "{participant:?}");
        assert!(participant.drops.by_slowness() > 0);
    }
}

#[test]
fn the_uplink_is_held_to_its_rate_and_state_comes_first() {
    let config = SessionConfig {
        uplink_rate: Some(100_000),
        ..SessionConfig::default()
    };
    let viewers = [(1, true), (2, false), (3, true)];
    let mut harness = joined(config, vec![channel(1), reliable(2)], &viewers);
    for seq in 0..2000 {
        harness.publish(1, seq, 50_000);
        if seq % 10 == 0 {
            harness.publish(2, seq, 100);
        }
        harness.pass(Duration::from_millis(10));
        if seq % 10 == 0 {
            for (id, _) in viewers {
                harness.ping(id, seq);
                if let Some(&(_, stamp)) = harness.pongs(id).last() {
                    harness.ack(id, stamp);
                }
            }
        }
    }
    let uplink = harness.uplink();
    assert!((1_900_000..2_200_000).contains(&uplink), "{uplink} B");
    for (id, _) in viewers {
        assert!(
            harness.seqs(id, 2).len() >= 185,
            "viewer {id}: state {}",
            harness.seqs(id, 2).len()
        );
        assert!(harness.seqs(id, 1).len() >= 5, "viewer {id}: camera");
    }
}

#[test]
fn a_blocked_uplink_says_when_it_goes_on() {
    let config = SessionConfig {
        uplink_rate: Some(1_000),
        ..SessionConfig::default()
    };
    let mut harness = joined(config, vec![reliable(1)], &[(1, true)]);
    for seq in 0..20 {
        harness.publish(1, seq, 10_000);
    }
    harness.pump();
    let now = harness.now;
    let at = harness.session.poll_timeout(now).expect("a timeout");
    assert!(at > now + SECOND / 10, "no polling: {:?}", at - now);
    let before = harness.seqs(1, 1).len();
    harness.pass_blocked(at - now);
    harness.pump();
    assert!(harness.seqs(1, 1).len() > before);
}

#[test]
fn resyncs_bring_no_new_burst() {
    let config = SessionConfig {
        participant_rate: Some(100_000),
        ..SessionConfig::default()
    };
    let mut harness = joined(config, vec![channel(1)], &[(1, true)]);
    for seq in 0..2000 {
        harness.publish(1, seq, 10_000);
        harness.pass(Duration::from_millis(10));
        if seq % 10 == 0 {
            harness.try_acknowledge(1);
        }
        if seq % 150 == 149 {
            harness.close_inbound(1);
            harness.open_inbound(1, true).unwrap();
        }
    }
    assert!(harness.session.snapshot().resyncs > 10);
    let uplink = harness.uplink();
    assert!((1_500_000..2_400_000).contains(&uplink), "{uplink} B");
}

/// Bytes that go to viewer 1 in 10 s, of 1 MB per second that are published.
fn sent_in_ten_seconds(harness: &mut Harness) -> u64 {
    let sent = |harness: &Harness| harness.session.snapshot().participants[0].sent_bytes;
    let before = sent(harness);
    publish(harness, &[1], 10_000, 10);
    sent(harness) - before
}

#[test]
fn limits_change_while_the_session_runs() {
    let mut harness = joined(SessionConfig::default(), vec![channel(1)], &[(1, true)]);
    // A second's worth may come at first.
    let (free, held) = (9_000_000.., 900_000..1_200_000);
    assert!(free.contains(&sent_in_ten_seconds(&mut harness)));

    harness
        .session
        .set_participant_rate(harness.now, Some(100_000));
    let sent = sent_in_ten_seconds(&mut harness);
    assert!(held.contains(&sent), "participant: {sent} B");
    // It holds for those who join later, too.
    harness.join(2, true);
    harness.subscribe(2, &[1]);
    publish(&mut harness, &[1, 2], 10_000, 10);
    let later = harness.session.snapshot().participants[1].sent_bytes;
    assert!(held.contains(&later), "later participant: {later} B");
    harness.leave(2);
    harness.session.set_participant_rate(harness.now, None);
    assert!(free.contains(&sent_in_ten_seconds(&mut harness)));

    harness.session.set_uplink_rate(harness.now, Some(100_000));
    let sent = sent_in_ten_seconds(&mut harness);
    assert!(held.contains(&sent), "uplink: {sent} B");
    harness.session.set_uplink_rate(harness.now, None);
    assert!(free.contains(&sent_in_ten_seconds(&mut harness)));

    let limit = |messages| {
        vec![
            (
                ChannelId(1),
                RateLimit {
                    messages,
                    bytes: None,
                },
            ),
            (ChannelId(9), RateLimit::default()),
        ]
    };
    harness
        .session
        .set_rate_limits(harness.now, limit(Some(10.0)));
    let sent = sent_in_ten_seconds(&mut harness);
    assert!(held.contains(&sent), "topic: {sent} B");
    harness.session.set_rate_limits(harness.now, limit(None));
    assert!(free.contains(&sent_in_ten_seconds(&mut harness)));
}
