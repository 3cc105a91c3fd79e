//! The session in a deterministic world: whatever happens there, what it promises holds.
//!
//! `SESSION_SEED=42 cargo test -p remote_access_session --test simulation any_story` replays one story;
//! `SESSION_SEEDS=100000` tells more of them.

mod check;
mod link;
mod random;
mod scenario;
mod viewer;
mod world;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Mutex;

use link::Link;
use random::Random;
use remote_access_session::SessionConfig;
use viewer::{Busy, Habits};
use world::{Topic, World};

const SECOND: u64 = 1_000_000;
/// Stories that may fail before no more are told.
const MOST_FAILURES: usize = 10;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

#[test]
fn any_story_keeps_what_the_session_promises() {
    if let Some(seed) = number("SESSION_SEED") {
        scenario::run(seed);
        return;
    }
    tell(3000, scenario::run);
}

/// Tells so many stories, or as many as `SESSION_SEEDS` says, and fails with the seeds that failed.
fn tell(stories: u64, story: impl Fn(u64) + Sync + std::panic::RefUnwindSafe) {
    let optimised = !cfg!(debug_assertions);
    let stories = if optimised { stories } else { stories / 50 };
    let seeds = number("SESSION_SEEDS").unwrap_or(stories);
    let next = AtomicU64::new(0);
    let failed = Mutex::new(Vec::new());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= seeds || failed.lock().unwrap().len() >= MOST_FAILURES {
                    break;
                }
                if std::panic::catch_unwind(|| story(seed)).is_err() {
                    failed.lock().unwrap().push(seed);
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    let name = std::thread::current().name().unwrap_or_default().to_owned();
    assert!(
        failed.is_empty(),
        "seeds {failed:?} failed; to replay one: SESSION_SEED={} cargo test --release -p remote_access_session --test \
         simulation {name}",
        failed[0]
    );
}

#[test]
fn a_viewer_that_stops_changes_nothing_for_the_others_in_any_story() {
    let story = |seed| {
        let calm = scenario::beside_one_that_may_stop(seed, false);
        let stopped = scenario::beside_one_that_may_stop(seed, true);
        for (id, viewer) in calm.viewers.iter().filter(|(&id, _)| id > 0) {
            for (channel, topic) in calm.topics() {
                let who = format!("viewer {id}, channel {channel}");
                check::as_good(&who, topic, channel, viewer, &stopped.viewers[id]);
            }
        }
    };
    match number("SESSION_SEED") {
        Some(seed) => story(seed),
        None => tell(300, story),
    }
}

fn state() -> Topic {
    Topic {
        latched: false,
        reliable: true,
        depth: 10,
        period: 50_000,
        size: (1000, 1001),
        publishers: 1,
        group: None,
    }
}

fn camera(rate: u64, fps: u64) -> Topic {
    let size = rate / fps;
    Topic {
        reliable: false,
        period: SECOND / fps,
        size: (size, size + 1),
        ..state()
    }
}

/// A robot with a state topic 0 and a camera 1, and viewers that watch both.
fn watched(uplink: Link, camera: Topic, viewers: u64) -> World {
    let mut world = World::new(1, SessionConfig::default(), 1000, uplink);
    world.add_topic(0, state());
    world.add_topic(1, camera);
    for id in 0..viewers {
        let downlink = Link::new(12_500_000, (10 + 5 * id) * 1000);
        world.join(id, Habits::GOOD, downlink);
        world.subscribe(id, 0, true);
        world.subscribe(id, 1, true);
    }
    world
}

#[test]
fn eight_viewers_cost_the_uplink_of_one() {
    let bytes = [1, 8].map(|viewers| {
        let uplink = Link::new(12_500_000, 10_000);
        let mut world = watched(uplink, camera(1_500_000, 15), viewers);
        world.run_until(30 * SECOND);
        for viewer in world.viewers.values() {
            assert!(viewer.got.iter().filter(|got| got.channel == 1).count() > 400);
        }
        world.uplink_bytes as f64
    });
    assert!(bytes[1] <= 1.1 * bytes[0], "{bytes:?}");
}

#[test]
fn behind_5_mbit_per_second_state_is_quick_and_the_camera_is_fresh() {
    for uplink_delay in [5_000, 50_000] {
        let uplink = Link::new(625_000, uplink_delay);
        let mut world = watched(uplink, camera(7_500_000, 30), 1);
        world.run_until(120 * SECOND);
        let viewer = &world.viewers[&0];
        let state = check::delays(viewer, 0, 0);
        assert!(state.len() >= 2380, "{} state messages", state.len());
        let p99 = check::p99(&state);
        assert!(p99 <= 200_000, "p99 of the state topic: {p99} us");
        let frames = check::delays(viewer, 1, 0);
        let oldest = frames.last().copied().unwrap_or(0);
        assert!(oldest <= 2 * SECOND, "a camera frame of {oldest} us");
        let used = frames.len() as f64 * 250_000.0 / (120.0 * 625_000.0);
        assert!(
            used > 0.75,
            "{} frames use {used} of the uplink",
            frames.len()
        );
    }
}

/// A robot with a state topic 0, a camera 1 of 380 kB/s and scans 2 of 400 kB/s, and one that watches
/// all, many streams at once or one.
fn scanning(uplink: Link, many_streams: bool) -> World {
    let mut world = World::new(1, SessionConfig::default(), 1000, uplink);
    let topics = [state(), camera(380_000, 4), camera(400_000, 20)];
    let habits = Habits {
        many_streams,
        ..Habits::GOOD
    };
    world.join(0, habits, Link::new(12_500_000, 10_000));
    for (id, topic) in (0..).zip(topics) {
        world.add_topic(id, topic);
        world.subscribe(0, id, true);
    }
    world
}

#[test]
fn of_twice_what_the_uplink_carries_scans_are_fresh_and_many_and_state_is_complete() {
    for (many_streams, delay) in [(true, 5_000), (true, 50_000), (false, 5_000)] {
        let mut world = scanning(Link::new(400_000, delay), many_streams);
        world.run_until(60 * SECOND);
        let viewer = &world.viewers[&0];
        let scans: Vec<_> = viewer.got.iter().filter(|got| got.channel == 2).collect();
        assert!(scans.windows(2).all(|two| two[0].seq < two[1].seq));
        assert!(scans.len() > 600, "{} of 1,200 scans", scans.len());
        let delays = check::delays(viewer, 2, 0);
        let oldest = delays.last().copied().unwrap_or(u64::MAX);
        assert!(oldest <= 750_000, "a scan of {oldest} us");
        let states = check::delays(viewer, 0, 0).len();
        assert!(states >= 1190, "{states} of 1,200 states");
    }
}

#[test]
fn a_hiccup_of_the_uplink_loses_no_scans() {
    let mut world = scanning(Link::new(1_250_000, 10_000), true);
    for second in 2..30 {
        world.run_until(second * SECOND);
        world.uplink.stalled_until = world.now + 300_000;
    }
    world.publishing = false;
    world.run_until(35 * SECOND);
    let scans = check::delays(&world.viewers[&0], 2, 0).len() as u64;
    assert_eq!(scans, world.next_seq(2));
}

#[test]
fn viewers_that_share_a_slow_uplink_go_on_sharing_lanes() {
    let frames = [1, 4].map(|viewers| {
        let uplink = Link::new(625_000, 20_000);
        let mut world = watched(uplink, camera(7_500_000, 30), viewers);
        world.run_until(60 * SECOND);
        for viewer in world.viewers.values() {
            let p99 = check::p99(&check::delays(viewer, 0, 5 * SECOND));
            assert!(p99 <= 200_000, "p99 of the state topic: {p99} us");
        }
        let of_each = world.viewers.values();
        of_each
            .map(|viewer| check::delays(viewer, 1, 0).len())
            .min()
    });
    let [alone, together] = frames.map(Option::unwrap_or_default);
    assert!(
        together * 10 >= alone * 9,
        "{together} frames for each of four viewers, {alone} for one"
    );
}

#[test]
fn a_viewer_behind_a_slow_downlink_gets_state_quickly_and_fresh_frames() {
    let uplink = Link::new(12_500_000, 10_000);
    let mut world = World::new(1, SessionConfig::default(), 1000, uplink);
    world.add_topic(0, state());
    world.add_topic(1, camera(7_500_000, 30));
    for (id, rate) in [(0, 625_000), (1, 12_500_000)] {
        world.join(id, Habits::GOOD, Link::new(rate, 25_000));
        world.subscribe(id, 0, true);
        world.subscribe(id, 1, true);
    }
    world.run_until(120 * SECOND);
    // The delay must not grow in time either: the last seconds count like the first ones.
    for since in [5, 60, 110] {
        let delays = |id, channel| check::delays(&world.viewers[&id], channel, since * SECOND);
        let p99 = |id, channel| check::p99(&delays(id, channel));
        let (slow, fast) = (p99(0, 0), p99(1, 0));
        assert!(slow <= 200_000, "p99 of the slow viewer's state: {slow} us");
        assert!(fast <= 70_000, "p99 of the fast viewer's state: {fast} us");
        let oldest = delays(0, 1).last().copied().unwrap_or(u64::MAX);
        assert!(oldest <= SECOND, "a frame of {oldest} us");
    }
    let used = check::delays(&world.viewers[&0], 1, 0).len() as f64 * 250_000.0;
    let used = used / (120.0 * 625_000.0);
    assert!(used > 0.85, "{used} of the downlink is used");
}

/// A viewer takes 3 MB/s and is busy with other things now and then, for `for_so_long` of `every`
/// milliseconds. What share of the 3 MB/s does it get of a larger offer?
fn share_of_a_busy_viewer(busy: impl Fn(&World) -> Option<Busy>) -> f64 {
    const TAKES: u64 = 3_000_000;
    let uplink = Link::new(12_500_000, 1_000);
    let mut world = World::new(1, SessionConfig::default(), 1000, uplink);
    world.add_topic(1, camera(10_000_000, 10));
    world.join(0, Habits::GOOD, Link::new(TAKES, 1_000));
    world.subscribe(0, 1, true);
    while world.now < 40 * SECOND {
        let now_busy = busy(&world);
        if let Some(viewer) = world.viewers.get_mut(&0) {
            viewer.busy = now_busy;
        }
        world.advance();
    }
    let frames = check::delays(&world.viewers[&0], 1, 0).len();
    frames as f64 * 1_000_000.0 / (40 * TAKES) as f64
}

#[test]
fn a_viewer_that_acknowledges_late_now_and_then_is_not_throttled() {
    let patterns = [
        (700, 500),
        (400, 250),
        (310, 300),
        (250, 240),
        (190, 180),
        (95, 90),
    ];
    for (every, for_so_long) in patterns.map(|(every, busy)| (every * 1000, busy * 1000)) {
        let share = share_of_a_busy_viewer(|_| Some(Busy { every, for_so_long }));
        assert!(share > 0.6, "busy {for_so_long} of {every} us: {share}");
    }
}

#[test]
fn a_viewer_that_acknowledges_late_at_random_is_not_throttled() {
    for seed in 0..10 {
        let mut random = Random::new(seed);
        let mut periods = Vec::new();
        let mut from = 0;
        while from < 40 * SECOND {
            let to = from + random.range(20, 400) * 1000;
            periods.push((from, to));
            from = to + random.range(1, 30) * 1000;
        }
        let share = share_of_a_busy_viewer(|world| {
            let now = world.now;
            let is_busy = periods.iter().any(|&(from, to)| (from..to).contains(&now));
            is_busy.then_some(Busy::ALL_THE_TIME)
        });
        assert!(share > 0.6, "seed {seed}: {share}");
    }
}

#[test]
fn a_viewer_that_takes_two_thirds_does_not_pace_the_others() {
    let mut world = World::new(
        1,
        SessionConfig::default(),
        1000,
        Link::new(12_500_000, 10_000),
    );
    world.add_topic(1, camera(1_500_000, 15));
    for (id, rate) in [(0, 12_500_000), (1, 1_000_000)] {
        world.join(id, Habits::GOOD, Link::new(rate, 10_000));
        world.subscribe(id, 1, true);
    }
    world.run_until(60 * SECOND);
    let frames = |id| check::delays(&world.viewers[&id], 1, 5 * SECOND);
    let (fast, slow) = (frames(0), frames(1));
    assert!(fast.len() > 820, "{} of 825 frames", fast.len());
    let median = fast[fast.len() / 2];
    assert!(median < 100_000, "half of the frames took over {median} us");
    assert!(slow.len() > 300, "{} frames", slow.len());
}

#[test]
fn a_stalled_viewer_changes_nothing_for_the_others() {
    let run = |stall: bool| {
        let uplink = Link::new(12_500_000, 10_000);
        let mut world = watched(uplink, camera(1_500_000, 15), 4);
        world.run_until(10 * SECOND);
        if let Some(viewer) = world.viewers.get_mut(&3) {
            viewer.stalled = stall;
        }
        world.run_until(60 * SECOND);
        world
    };
    let (calm, stalled) = (run(false), run(true));
    for id in 0..3 {
        for channel in 0..2 {
            let seqs = |world: &World| -> Vec<u64> {
                let got = world.viewers[&id].got.iter();
                got.filter(|got| got.channel == channel && got.published < 59 * SECOND)
                    .map(|got| got.seq)
                    .collect()
            };
            assert_eq!(
                seqs(&calm),
                seqs(&stalled),
                "viewer {id}, channel {channel}"
            );
            // The first seconds, in which the session finds the pace, are the same for both.
            let since = 5 * SECOND;
            let delays = |world: &World| check::delays(&world.viewers[&id], channel, since);
            let (before, after) = (delays(&calm), delays(&stalled));
            let p99s = (check::p99(&before), check::p99(&after));
            assert!(
                p99s.1 * 10 <= p99s.0 * 11,
                "p99 of viewer {id}: {p99s:?} us"
            );
            let worst = after.last().copied().unwrap_or(0);
            assert!(worst < SECOND, "viewer {id} waited {worst} us");
        }
    }
}
