//! Two associations over a line whose delay and losses a test decides.

use super::*;
use crate::{LONGEST_WAIT, UNSENT};

const MS: Duration = Duration::from_millis(1);
/// One way.
const DELAY: Duration = Duration::from_millis(10);

/// Fate of a packet that the first end sends: when it arrives, if it does.
type Fate<'a> = &'a mut dyn FnMut(Instant) -> Option<Instant>;

struct Line {
    ends: [Association; 2],
    wire: Vec<(Instant, usize, Bytes)>,
    now: Instant,
    /// Messages that the second end got.
    arrived: Vec<(u16, usize)>,
    /// What the second end sends gets lost until then.
    mute_until: Instant,
}

impl Line {
    /// Two ends that have shaken hands.
    fn new() -> Self {
        let now = Instant::now();
        let mut line = Self {
            ends: [true, false].map(|client| Association::new(client, LONGEST_WAIT, now)),
            wire: Vec::new(),
            now,
            arrived: Vec::new(),
            mute_until: now,
        };
        line.run(100, &mut |now| Some(now + DELAY), |_| ());
        assert!(line.ends.iter().all(|end| end.connected));
        line
    }

    /// Lets milliseconds pass; in each `each` may send.
    fn run(&mut self, time: u32, fate: Fate<'_>, mut each: impl FnMut(&mut Self)) {
        for _ in 0..time {
            self.now += MS;
            each(self);
            let now = self.now;
            for (_, to, packet) in self.wire.extract_if(.., |(at, _, _)| *at <= now) {
                self.ends[to].handle_packet(&packet, now);
            }
            for from in 0..2 {
                let end = &mut self.ends[from];
                if end.poll_timeout(now).is_some_and(|at| at <= now) {
                    end.handle_timeout(now);
                }
                while let Some(packet) = end.poll_packet(now) {
                    let at = match from {
                        0 => fate(now),
                        _ => (now >= self.mute_until).then_some(now + DELAY),
                    };
                    self.wire.extend(at.map(|at| (at, 1 - from, packet)));
                }
                while let Some(event) = end.poll_event() {
                    if let (1, SctpEvent::Message { stream, data, .. }) = (from, event) {
                        self.arrived.push((stream, data.len()));
                    }
                }
            }
        }
    }

    fn send(&mut self, stream: u16, size: usize, reliability: Reliability) {
        let message = Message {
            stream,
            payload: Payload::Binary,
            data: vec![7; size].into(),
            ordered: reliability == Reliability::Reliable,
            reliability,
        };
        self.ends[0].send(message, self.now).unwrap();
    }

    /// Keeps the first end busy, as the engine does it.
    fn feed(&mut self, stream: u16, size: usize, reliability: Reliability) {
        while self.ends[0].has_room(UNSENT) {
            self.send(stream, size, reliability);
        }
    }

    fn timeouts(&self) -> u64 {
        let inner = self.ends[0].inner.as_ref().unwrap();
        inner.stats().get_num_t3timeouts()
    }
}

#[test]
fn a_pause_in_which_nothing_is_lost_changes_no_window() {
    let mut line = Line::new();
    let bulk = |line: &mut Line| line.feed(1, 1000, Reliability::Reliable);
    // As much as the window allows is under way, and the line is free for it.
    line.run(400, &mut |now| Some(now + DELAY), bulk);
    let opens = line.now + 600 * MS;
    line.run(600, &mut |now| Some(opens.max(now) + DELAY), bulk);
    let before = line.arrived.len();
    line.run(400, &mut |now| Some(now + DELAY), bulk);
    assert_eq!(line.timeouts(), 0);
    assert!(
        line.arrived.len() - before > 1000,
        "it goes on at full speed"
    );
}

#[test]
fn a_loss_of_all_is_made_good_soon() {
    let mut line = Line::new();
    let bulk = |line: &mut Line| line.feed(1, 1000, Reliability::Reliable);
    line.run(200, &mut |now| Some(now + DELAY), bulk);
    line.run(300, &mut |_| None, bulk);
    let before = line.arrived.len();
    line.run(500, &mut |now| Some(now + DELAY), bulk);
    assert!(line.arrived.len() > before + 100, "{before}");
}

#[test]
fn what_recovers_early_ends_no_lifetime_early() {
    let mut line = Line::new();
    let bulk = |line: &mut Line| line.feed(1, 1000, Reliability::Reliable);
    line.run(200, &mut |now| Some(now + DELAY), bulk);
    // Lost with all else, and to be given up after the line works again, but before the timer of the
    // protocol goes off.
    line.send(2, 500, Reliability::MaxLifetime(900));
    line.run(350, &mut |_| None, bulk);
    line.run(1500, &mut |now| Some(now + DELAY), bulk);
    assert!(line.arrived.contains(&(2, 500)));
}

#[test]
fn a_change_of_the_path_ends_no_lifetime_early() {
    let mut line = Line::new();
    let bulk = |line: &mut Line| line.feed(1, 1000, Reliability::Reliable);
    line.run(200, &mut |now| Some(now + DELAY), bulk);
    line.send(2, 500, Reliability::MaxLifetime(900));
    line.run(50, &mut |_| None, bulk);
    let now = line.now;
    line.ends[0].set_path(1, true, now);
    line.run(1500, &mut |now| Some(now + DELAY), bulk);
    assert!(line.arrived.contains(&(2, 500)));
}

/// The crate takes it for arrived, so that nobody else sends it again. A message with a lifetime is
/// under way, so that the change does not send all again.
#[test]
fn what_was_taken_over_arrives_on_another_path() {
    for seed in 0..10 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut line = Line::new();
        let mut sent = 0;
        let mut both = |line: &mut Line| {
            while line.ends[0].has_room(UNSENT) {
                sent += 1;
                line.send(1, 1000, Reliability::Reliable);
                line.send(2, 100, Reliability::MaxLifetime(500));
            }
        };
        while !line.ends[0].recovery.has_taken_over() {
            line.run(
                1,
                &mut |now| (random.f32() > 0.02).then_some(now + DELAY),
                &mut both,
            );
        }
        // Its copy does not arrive, and what follows does.
        line.wire.retain(|(_, to, _)| *to == 0);
        let now = line.now;
        line.ends[0].set_path(1, true, now);
        line.run(100, &mut |now| Some(now + DELAY), &mut both);
        line.run(3000, &mut |now| Some(now + DELAY), |_| ());
        let reliable = line.arrived.iter().filter(|(stream, _)| *stream == 1);
        assert_eq!(reliable.count(), sent, "seed {seed}");
    }
}

#[test]
fn the_queue_before_a_bottleneck_stays_short() {
    let mut line = Line::new();
    let mut free = line.now;
    let mut longest = Duration::ZERO;
    let bulk = |line: &mut Line| line.feed(1, 1000, Reliability::Reliable);
    // A packet each two milliseconds, and room for any number.
    for second in 0..4 {
        longest = Duration::ZERO;
        let mut fate = |now: Instant| {
            free = free.max(now) + 2 * MS;
            longest = longest.max(free - now);
            Some(free + DELAY)
        };
        line.run(1000, &mut fate, bulk);
        println!("{second} {longest:?} {} ", line.arrived.len());
        assert!(line.arrived.len() > 400 * second, "the line is used");
    }
    assert!(longest < 200 * MS, "{longest:?}");
}

#[test]
fn messages_given_up_half_sent_hold_nothing_up_later() {
    for seed in 0..5 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut line = Line::new();
        let lossy = |line: &mut Line| line.feed(1, 20_000, Reliability::MaxRetransmits(0));
        let mut fate = |now| (random.f32() > 0.05).then(|| now + DELAY);
        line.run(3000, &mut fate, lossy);
        line.run(3000, &mut |now| Some(now + DELAY), |_| ());
        assert_eq!(
            line.ends[0].account.unsent(),
            0,
            "seed {seed}: all is sent or given up"
        );
        // With room in the window what is accepted leaves at once, and nothing stays on the books.
        line.send(1, 100, Reliability::MaxRetransmits(0));
        line.send(1, 100, Reliability::MaxRetransmits(0));
        let mut unsent = usize::MAX;
        line.run(1, &mut |now| Some(now + DELAY), |_| ());
        unsent = unsent.min(line.ends[0].account.unsent());
        assert_eq!(unsent, 0, "seed {seed}");
    }
}

#[test]
fn on_a_path_that_loses_nothing_it_waits() {
    let mut line = Line::new();
    let now = line.now;
    line.ends[0].set_path(1, true, now);
    let bulk = |line: &mut Line| line.feed(1, 1000, Reliability::Reliable);
    line.run(200, &mut |now| Some(now + DELAY), bulk);
    let mut packets = 0;
    let opens = line.now + 700 * MS;
    line.run(
        700,
        &mut |now| {
            packets += u32::from(now > opens - 500 * MS);
            Some(opens.max(now) + DELAY)
        },
        |_| (),
    );
    assert_eq!(packets, 0, "nothing is sent twice");
    line.run(300, &mut |now| Some(now + DELAY), |_| ());
    assert_eq!(line.timeouts(), 0);
}

#[test]
fn what_was_lost_before_is_sent_again_on_a_path_that_loses_nothing() {
    let mut line = Line::new();
    line.send(1, 1000, Reliability::Reliable);
    line.run(1000, &mut |now| Some(now + DELAY), |_| ());
    line.send(1, 1000, Reliability::Reliable);
    line.run(50, &mut |_| None, |_| ());
    let now = line.now;
    line.ends[0].set_path(1, true, now);
    let mut packets = 0;
    line.run(
        100,
        &mut |now| {
            packets += 1;
            Some(now + DELAY)
        },
        |_| (),
    );
    assert!(packets > 0, "it is not left to the timer of the protocol");
}

/// The peer answers over the old path until it has noticed, and packets may be lost with the old path.
#[test]
fn what_is_lost_at_the_change_to_a_path_that_loses_nothing_is_sent_again() {
    for (ours, theirs) in [(0, 30), (30, 0), (30, 30), (300, 300)] {
        let mut line = Line::new();
        let mut time = 0;
        let mut steady = |line: &mut Line| {
            time += 1;
            if time % 50 == 0 && line.ends[0].has_room(UNSENT) {
                line.send(1, 200, Reliability::Reliable);
            }
        };
        line.run(2000, &mut |now| Some(now + DELAY), &mut steady);
        // The timer of the protocol has gone off twice then.
        line.mute_until = line.now + 3000 * MS;
        line.run(3000, &mut |_| None, &mut steady);
        let now = line.now;
        line.ends[0].set_path(1, true, now);
        line.mute_until = now + theirs * MS;
        let opens = now + ours * MS;
        let mut fate = |now| (now >= opens).then_some(now + DELAY);
        line.run(1500, &mut fate, &mut steady);
        let arrived = line.arrived.len();
        assert!(arrived > 80, "{arrived} after {ours} and {theirs} ms");
    }
}

#[test]
fn probes_do_not_pile_up_while_the_path_takes_nothing() {
    let mut line = Line::new();
    line.send(1, 100, Reliability::Reliable);
    line.run(10, &mut |_| None, |_| ());
    let end = &mut line.ends[0];
    for _ in 0..20 {
        line.now += 500 * MS;
        end.handle_timeout(line.now);
    }
    assert_eq!(end.again.len(), 1);
}

/// What is sent first on the new path arrives before it.
#[test]
fn a_single_message_that_was_lost_at_the_change_of_path_is_sent_again() {
    for first in [true, false] {
        let mut line = Line::new();
        line.send(1, 100, Reliability::Reliable);
        line.run(2000, &mut |now| Some(now + DELAY), |_| ());
        line.ends[0].set_path(1, first, line.now);
        line.send(1, 100, Reliability::Reliable);
        line.run(3500, &mut |_| None, |_| ());
        line.ends[0].set_path(2, true, line.now);
        line.run(10, &mut |_| None, |_| ());
        line.send(1, 100, Reliability::Reliable);
        line.run(1500, &mut |now| Some(now + DELAY), |_| ());
        assert_eq!(
            line.arrived.len(),
            3,
            "from a path that loses nothing: {first}"
        );
    }
}

/// Messages that arrive in three seconds over a line that carries one each millisecond, after a
/// queue of so many, and loses this share of them.
fn arrive(queue: u32, loss: f32) -> usize {
    let mut random = fastrand::Rng::with_seed(1);
    let mut line = Line::new();
    let mut free = line.now;
    let mut fate = |now: Instant| {
        if free > now + queue * MS {
            return None;
        }
        free = free.max(now) + MS;
        (random.f32() >= loss).then_some(free + DELAY)
    };
    let bulk = |line: &mut Line| line.feed(1, 1000, Reliability::Reliable);
    line.run(3000, &mut fate, bulk);
    line.arrived.len()
}

#[test]
fn losses_on_the_air_leave_the_window_as_it_is() {
    let arrived = arrive(200, 0.02);
    assert!(arrived > 2400, "{arrived} of 3000");
}

#[test]
fn a_queue_too_short_to_be_noticed_is_not_flooded() {
    let arrived = arrive(5, 0.0);
    assert!(arrived > 2000, "{arrived} of 3000");
}

/// Sends on a line that loses this share of packets and lets them overtake each other by up to so many
/// milliseconds, and then waits on a good one. `each` sends what there is room for.
fn run_badly(
    seed: u64,
    loss: f32,
    jitter: u32,
    mut each: impl FnMut(&mut Line),
) -> Vec<(u16, usize)> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut line = Line::new();
    let mut fate = |now| (random.f32() >= loss).then(|| now + DELAY + random.u32(..jitter) * MS);
    line.run(3000, &mut fate, |line| {
        while line.ends[0].has_room(UNSENT) {
            each(line);
        }
    });
    line.run(5000, &mut |now| Some(now + DELAY), |_| ());
    line.arrived
}

#[test]
fn all_arrives_in_order_whoever_sends_it_again() {
    for seed in 0..20 {
        let mut sent = 0;
        let arrived = run_badly(seed, 0.04, 15, |line| {
            // Sizes that tell which message it is.
            sent += 1;
            line.send(1, sent % 997 + 1, Reliability::Reliable);
            line.send(2, 500, Reliability::MaxRetransmits(1));
        });
        let reliable = arrived.iter().filter(|(stream, _)| *stream == 1);
        let sizes: Vec<usize> = reliable.map(|(_, size)| *size).collect();
        let expected: Vec<usize> = (1..=sent).map(|number| number % 997 + 1).collect();
        assert_eq!(sizes, expected, "seed {seed}");
    }
}

/// Both kinds in packets of their own: the peer is told to wait no longer for the one, and must not be
/// for the other.
#[test]
fn what_is_given_up_takes_nothing_with_it_that_was_taken_over() {
    for seed in 0..20 {
        let mut sent = 0;
        let arrived = run_badly(seed, 0.06, 8, |line| {
            sent += 1;
            line.send(1, 1100, Reliability::Reliable);
            line.send(2, 1100, Reliability::MaxRetransmits(0));
        });
        let reliable = arrived.iter().filter(|(stream, _)| *stream == 1);
        assert_eq!(reliable.count(), sent, "seed {seed}");
    }
}
