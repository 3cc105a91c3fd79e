//! A random story: channels, viewers and what happens to them, all from one seed.

use remote_access_session::SessionConfig;

use super::check;
use super::link::Link;
use super::random::Random;
use super::viewer::Habits;
use super::world::{Topic, World};

const SECOND: u64 = 1_000_000;
/// Time in which anything may happen.
const TURMOIL: u64 = 6 * SECOND;
/// Time in which nothing new happens, but the robot publishes.
const CALM: u64 = 10 * SECOND;
/// Time in which what is on the way arrives.
const DRAIN: u64 = 20 * SECOND;

/// Runs the story of a seed and checks all that must hold.
pub(crate) fn run(seed: u64) {
    let mut random = Random::new(seed);
    let mut config = SessionConfig {
        stream_rotate_bytes: random.range(100_000, 3_000_000),
        queue_budget: 64 << 20,
        latched_budget: 8 << 20,
        ..SessionConfig::default()
    };
    let is_tight = random.chance(10);
    if is_tight {
        config.queue_budget = random.range(200_000, 2_000_000) as usize;
    }
    if random.chance(15) {
        config.uplink_rate = Some(random.range(1_500_000, 3_000_000));
    }
    if random.chance(15) {
        config.participant_rate = Some(random.range(1_000_000, 3_000_000));
    }
    let mut uplink = Link::new(
        random.range(1_500_000, 6_000_000),
        random.range(1, 60) * 1000,
    );
    uplink.loss = random.range(0, 20);
    let mut world = World::new(random.next(), config, 5_000, uplink);
    world.is_tight = is_tight;
    let channels = random.range(2, 7);
    let mut next_id = populate(&mut world, &mut random, channels, (1, 5));
    let mut next_change = 0;
    while world.now < TURMOIL {
        world.advance();
        if world.now >= next_change {
            next_change = world.now + random.range(5, 400) * 1000;
            change(&mut world, &mut random, &mut next_id, channels);
        }
    }
    for viewer in world.viewers.values_mut() {
        viewer.stalled = false;
    }
    let calm = world.now;
    world.run_until(calm + CALM);
    for (&id, viewer) in &world.viewers {
        check::progress(&world, id, viewer, calm);
    }
    world.publishing = false;
    let end = world.now + DRAIN;
    world.run_until(end);
    for (&id, viewer) in &world.viewers {
        check::viewer(&world, id, viewer, true);
    }
    for (&id, viewer) in &world.gone {
        check::viewer(&world, id, viewer, false);
    }
    let ids: Vec<u64> = world.viewers.keys().copied().collect();
    for id in ids {
        world.leave(id);
    }
    world.run_until(end + SECOND);
    assert_eq!(world.open_streams(), 0, "streams stay open to nobody");
    assert_eq!(world.session.queued_bytes(), 0);
}

/// A robot with a quick uplink and viewers that watch all, of which the first stops reading after
/// five seconds, or does not. The seed decides the rest.
pub(crate) fn beside_one_that_may_stop(seed: u64, stops: bool) -> World {
    let mut random = Random::new(seed);
    let uplink = Link::new(25_000_000, random.range(1, 60) * 1000);
    let mut world = World::new(seed, SessionConfig::default(), 5_000, uplink);
    let channels = random.range(2, 5);
    let next_id = populate(&mut world, &mut random, channels, (2, 5));
    for id in 0..next_id {
        for channel in 0..channels {
            world.subscribe(id, channel, true);
        }
    }
    world.run_until(5 * SECOND);
    if let Some(viewer) = world.viewers.get_mut(&0) {
        viewer.stalled = stops;
    }
    world.run_until(15 * SECOND);
    world.publishing = false;
    world.run_until(25 * SECOND);
    world
}

/// Adds so many topics, and viewers by chance. Returns the id of the next viewer.
fn populate(world: &mut World, random: &mut Random, channels: u64, viewers: (u64, u64)) -> u64 {
    for id in 0..channels {
        let topic = topic(random);
        world.add_topic(id, topic);
    }
    let mut next_id = 0;
    for _ in 0..random.range(viewers.0, viewers.1) {
        join(world, random, &mut next_id);
    }
    next_id
}

fn topic(random: &mut Random) -> Topic {
    let plain = Topic {
        latched: false,
        reliable: false,
        depth: 10,
        period: 50_000,
        size: (100, 1000),
        publishers: 1,
        group: None,
    };
    match random.range(0, 5) {
        0 => Topic {
            latched: true,
            reliable: true,
            depth: random.range(1, 4) as usize,
            period: random.range(200, 3000) * 1000,
            size: (100, 20_000),
            publishers: random.range(1, 4),
            group: None,
        },
        1 => Topic {
            reliable: true,
            period: random.range(20, 200) * 1000,
            size: (50, 2000),
            ..plain
        },
        2 => Topic {
            period: random.range(50, 300) * 1000,
            size: (100, 30_000),
            ..plain
        },
        3 => Topic {
            period: random.range(33, 100) * 1000,
            size: (500, 20_000),
            group: Some(random.range(10, 200)),
            ..plain
        },
        _ => Topic {
            depth: 5,
            period: random.range(50, 500) * 1000,
            size: (20_000, 150_000),
            ..plain
        },
    }
}

fn join(world: &mut World, random: &mut Random, next_id: &mut u64) {
    let id = *next_id;
    *next_id += 1;
    let pings = random.chance(80);
    let mut downlink = Link::new(
        random.range(400_000, 5_000_000),
        random.range(1, 120) * 1000,
    );
    downlink.loss = random.range(0, 20);
    let many_streams = random.chance(70);
    let habits = Habits {
        many_streams,
        pings,
    };
    world.join(id, habits, downlink);
}

/// One thing happens.
fn change(world: &mut World, random: &mut Random, next_id: &mut u64, channels: u64) {
    if world.viewers.len() < 6 && random.chance(20) {
        join(world, random, next_id);
        return;
    }
    let count = world.viewers.len() as u64;
    let Some(id) = (count > 0)
        .then(|| random.range(0, count) as usize)
        .and_then(|index| world.viewers.keys().nth(index).copied())
    else {
        return;
    };
    match random.range(0, 24) {
        0 => world.leave(id),
        1 => {
            world.leave(id);
            join(world, random, next_id);
        }
        2 if random.chance(50) => world.resync(id),
        2 => {
            if let Some(viewer) = world.viewers.get_mut(&id) {
                viewer.loses = true;
            }
        }
        3 | 4 => {
            let now = world.now;
            if let Some(viewer) = world.viewers.get_mut(&id) {
                viewer.toggle_stall(now);
            }
        }
        5 => {
            if let Some(viewer) = world.viewers.get_mut(&id) {
                viewer.downlink.rate = random.range(400_000, 5_000_000);
            }
        }
        6 => world.uplink.rate = random.range(1_500_000, 6_000_000),
        7..=9 => world.subscribe(id, random.range(0, channels), false),
        20 => world.interrupt(),
        21 | 22 => {
            let now = world.now;
            if let Some(viewer) = world.viewers.get_mut(&id) {
                viewer.downlink.stalled_until = now + random.range(100, 3000) * 1000;
                viewer.is_held_up(now);
            }
        }
        23 => {
            let now = world.now;
            world.uplink.stalled_until = now + random.range(100, 3000) * 1000;
            for viewer in world.viewers.values_mut() {
                viewer.is_held_up(now);
            }
        }
        _ => world.subscribe(id, random.range(0, channels), true),
    }
}
