//! Invariants of every run.

use std::collections::BTreeMap;

use remote_access_session::StreamId;

use super::viewer::{Got, Viewer};
use super::world::{Interval, Topic, World};

/// Checks all that a viewer got, after everything in flight has arrived.
pub(crate) fn viewer(world: &World, id: u64, viewer: &Viewer, present: bool) {
    let mut channels: BTreeMap<u64, Vec<Got>> = BTreeMap::new();
    for got in &viewer.got {
        channels.entry(got.channel).or_default().push(*got);
    }
    for (&channel, got) in &channels {
        let who = format!("viewer {id}, channel {channel}");
        let intervals = world.subscriptions.get(&(id, channel));
        let intervals = intervals.map_or(&[][..], Vec::as_slice);
        only_subscribed(&who, intervals, got);
        order(&who, viewer, intervals, got);
        if world
            .topics()
            .any(|(id, topic)| id == channel && topic.group.is_some())
        {
            decodes(&who, world, channel, viewer, got);
        }
    }
    if present {
        for (channel, topic) in world.topics() {
            let got = channels.get(&channel).map_or(&[][..], Vec::as_slice);
            let who = format!("viewer {id}, channel {channel}");
            let Some(last) = world
                .subscriptions
                .get(&(id, channel))
                .and_then(|intervals| intervals.last())
                .filter(|last| last.to.is_none())
            else {
                continue;
            };
            if world.is_tight {
                continue;
            }
            if topic.latched {
                latched_is_complete(&who, world, channel, viewer, got);
            }
            let never_resynced = viewer.greetings.len() == 1;
            if topic.reliable && topic.size.1 <= 8000 && !viewer.troubled && never_resynced {
                nothing_is_missing(&who, world.next_seq(channel), last, got);
            }
        }
    }
}

/// Nothing goes to a viewer that was not subscribed when it was published, but what was latched.
fn only_subscribed(who: &str, intervals: &[Interval], got: &[Got]) {
    for message in got {
        let seq = message.seq;
        let subscribed = intervals.iter().any(|interval| {
            let live = interval.from <= seq && interval.to.is_none_or(|to| seq < to);
            live || interval.replayed.contains(&seq)
                || (seq < interval.from && intervals.first().is_some_and(|i| i.from <= seq))
                || (seq < interval.from && intervals.iter().any(|i| i.replayed.contains(&seq)))
        });
        assert!(subscribed, "{who}: {seq} was never for it: {intervals:?}");
    }
}

/// Numbers increase. They may go back once at each new subscription or start, by a replay.
fn order(who: &str, viewer: &Viewer, intervals: &[Interval], got: &[Got]) {
    if viewer.stalled_unknown {
        return;
    }
    for (index, &greeting) in viewer.greetings.iter().enumerate() {
        let next = viewer.greetings.get(index + 1);
        let of_start = |got: &&Got| got.stream >= greeting && next.is_none_or(|&n| got.stream < n);
        let seqs: Vec<(u64, StreamId)> = got
            .iter()
            .filter(of_start)
            .map(|got| (got.seq, got.stream))
            .collect();
        let backwards = seqs.windows(2).filter(|pair| pair[1].0 <= pair[0].0);
        let replays = intervals
            .iter()
            .skip(1)
            .filter(|interval| !interval.replayed.is_empty())
            .count();
        let backwards = backwards.count();
        assert!(
            backwards <= replays,
            "{who}: {backwards} times out of order with {replays} replays: {seqs:?}"
        );
    }
}

/// No frame of a video comes without the one that it needs, unless the server lost that one.
fn decodes(who: &str, world: &World, channel: u64, viewer: &Viewer, got: &[Got]) {
    if viewer.stalled_unknown {
        return;
    }
    let mut last: BTreeMap<usize, u64> = BTreeMap::new();
    for video_frame in got {
        let start = viewer.start_of(video_frame.stream);
        let before = last.insert(start, video_frame.seq);
        assert!(
            viewer.missed.contains(&start)
                || world.is_key_frame(channel, video_frame.seq)
                || before.is_some() && before == video_frame.seq.checked_sub(1),
            "{who}: frame {} came after {before:?}",
            video_frame.seq
        );
    }
}

/// After the last start, a viewer has what each publisher keeps.
fn latched_is_complete(who: &str, world: &World, channel: u64, viewer: &Viewer, got: &[Got]) {
    let start = viewer.greetings.last().copied();
    let have: Vec<u64> = got
        .iter()
        .filter(|got| start.is_none_or(|start| got.stream >= start))
        .map(|got| got.seq)
        .collect();
    for seq in world.history(channel) {
        assert!(
            have.contains(&seq),
            "{who}: latched {seq} is missing, got {have:?}"
        );
    }
}

/// Reliable small messages are all there, from the subscription to the last one.
fn nothing_is_missing(who: &str, next: u64, last: &Interval, got: &[Got]) {
    let have: Vec<u64> = got.iter().map(|got| got.seq).collect();
    for seq in last.from..next {
        assert!(
            have.contains(&seq),
            "{who}: {seq} of {:?} is missing",
            last.from..next
        );
    }
}

/// Every channel that a viewer subscribes to has brought something published since `since`.
pub(crate) fn progress(world: &World, id: u64, viewer: &Viewer, since: u64) {
    for (channel, topic) in world.topics() {
        let subscribed = world
            .subscriptions
            .get(&(id, channel))
            .and_then(|intervals| intervals.last())
            .is_some_and(|last| last.to.is_none());
        if !subscribed || topic.period > 1_000_000 {
            continue;
        }
        let fresh = viewer
            .got
            .iter()
            .any(|got| got.channel == channel && got.published >= since);
        assert!(fresh, "viewer {id}: channel {channel} starves: {topic:?}");
    }
}

/// A viewer got as much of a channel as in a calmer world, and as soon.
pub(crate) fn as_good(who: &str, topic: &Topic, channel: u64, calm: &Viewer, other: &Viewer) {
    let of_channel = |viewer: &Viewer| -> Vec<u64> {
        let got = viewer.got.iter().filter(|got| got.channel == channel);
        got.map(|got| got.seq).collect()
    };
    let (before, after) = (of_channel(calm), of_channel(other));
    if topic.latched || (topic.reliable && topic.size.1 <= 8000) {
        assert_eq!(before, after, "{who}");
    }
    let (most, least) = (before.len(), after.len());
    let goes_on = before.windows(2).all(|pair| pair[1] == pair[0] + 1);
    if topic.group.is_some() && !goes_on {
        // Its link is too slow for the video of this world, which does not adapt. Which frames then wait
        // for too long, and what goes with them, is another matter in each world.
        assert!(least * 2 + 30 >= most, "{who}: {least} instead of {most}");
        return;
    }
    assert!(
        least * 10 + 30 >= most * 9,
        "{who}: {least} instead of {most}"
    );
    let p99s = [calm, other].map(|viewer| p99(&delays(viewer, channel, 0)));
    // Those that shared a lane with it wait for it once, for a moment, and for their new lane.
    let limit = p99s[0] + p99s[0] / 4 + 600_000;
    assert!(p99s[1] <= limit, "{who}: p99 {p99s:?} us");
}

/// The delays of a channel's messages at a viewer in microseconds, sorted.
pub(crate) fn delays(viewer: &Viewer, channel: u64, since: u64) -> Vec<u64> {
    let mut delays: Vec<u64> = viewer
        .got
        .iter()
        .filter(|got| got.channel == channel && got.published >= since)
        .map(|got| got.at - got.published)
        .collect();
    delays.sort_unstable();
    delays
}

/// The value that 99 of a hundred do not exceed.
pub(crate) fn p99(sorted: &[u64]) -> u64 {
    let index = (sorted.len() * 99).div_ceil(100).saturating_sub(1);
    sorted.get(index).copied().unwrap_or(0)
}
