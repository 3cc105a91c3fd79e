//! Keeps the queue before a bottleneck short.
//!
//! A congestion window grows until the queue is full: at 0.7 Mbit/s the 64 kB of a common router are
//! three quarters of a second, and what it drops has to go through it once more. So when a queue
//! stands on the path, no more is under way than the path carries in its shortest round trip, until
//! the queue is gone. Then it may be a little more with each round trip, until a queue stands again:
//! the congestion window, which has grown meanwhile, would fill it at once. What waits for that waits
//! here, where the application can still drop it.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Delay in a queue that is put up with.
const DELAY: Duration = Duration::from_millis(100);
/// Bytes that may be under way in any case. Round trips that are long for another reason must not
/// strangle the connection: this much in 0.2 s is 1 Mbit/s.
const LEAST: usize = 24 * 1024;
/// Samples of which the shorter one tells whether a queue stands.
const STANDING: usize = 2;
/// Without a queue the limit grows by this part of what arrives: so much in each round trip.
const GROWTH: usize = 8;

/// A limit that does not matter for so long is forgotten.
const MEMORY: Duration = Duration::from_secs(10);

/// What the path carries while a queue stands on it.
#[derive(Debug, Default)]
pub(crate) struct PathQueue {
    /// The last round trips.
    round_trips: VecDeque<Duration>,
    /// Bytes that arrived, and when that was learned, for the longest round trip of late.
    arrivals: VecDeque<(Instant, usize)>,
    /// Bytes that may be under way, since a queue stood.
    limit: Option<usize>,
    /// When so much was under way that the limit mattered.
    needed: Option<Instant>,
}

impl PathQueue {
    /// Bytes have arrived, in packets, the quickest of which took this long; `None` if the
    /// acknowledgement may have waited for another packet. `shortest` is the shortest round trip,
    /// and `under_way` the bytes that were under way.
    pub(crate) fn arrived(
        &mut self,
        bytes: usize,
        round_trip: Option<Duration>,
        shortest: Duration,
        under_way: usize,
        now: Instant,
    ) {
        self.arrivals.push_back((now, bytes));
        if let Some(round_trip) = round_trip {
            self.round_trips.push_back(round_trip);
            if self.round_trips.len() > STANDING {
                self.round_trips.pop_front();
            }
        }
        let standing = self.round_trips.iter().min().copied().unwrap_or_default();
        let bearable = shortest + DELAY;
        // As long as the round trip will be when it is too long.
        let span = standing.max(bearable);
        let old = |(at, _): &(Instant, usize)| *at + span <= now;
        while self.arrivals.len() > 1 && self.arrivals.front().is_some_and(old) {
            self.arrivals.pop_front();
        }
        if self.limit.is_some_and(|limit| under_way > limit / 2) {
            self.needed = Some(now);
        } else if self.needed.is_some_and(|at| at + MEMORY <= now) {
            self.limit = None;
        }
        if standing > bearable {
            if under_way <= LEAST {
                return; // The queue is that of others, or the path paused.
            }
            let arrived: usize = self.arrivals.iter().map(|(_, bytes)| bytes).sum();
            let share = shortest.as_secs_f64() / standing.as_secs_f64();
            self.limit = Some(((arrived as f64 * share) as usize).max(LEAST));
            self.needed = Some(now);
        } else if let Some(limit) = self.limit.as_mut().filter(|it| under_way > **it / 2) {
            // It is what holds the sender up.
            *limit += bytes / GROWTH;
        }
    }

    /// Whether so many bytes under way are too many.
    pub(crate) fn is_too_long(&self, under_way: usize) -> bool {
        self.limit.is_some_and(|limit| under_way > limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_standing_queue_limits_what_is_under_way_to_what_the_path_carries() {
        let start = Instant::now();
        let mut queue = PathQueue::default();
        // 5 MB/s, which took 20 ms and takes 400 ms now.
        for number in 0..1000 {
            let round_trip = if number < 500 { 20 } else { 400 };
            let now = start + number * MS;
            queue.arrived(5000, Some(round_trip * MS), 20 * MS, 200_000, now);
            if number < 500 {
                assert!(!queue.is_too_long(1_000_000));
            }
        }
        assert!(queue.is_too_long(105_000));
        assert!(!queue.is_too_long(95_000));
        // The queue is gone. What is not needed does not grow, and the rest does slowly.
        for number in 1000..1020 {
            queue.arrived(5000, Some(20 * MS), 20 * MS, 40_000, start + number * MS);
        }
        assert!(queue.is_too_long(105_000));
        for number in 1020..1040 {
            queue.arrived(5000, Some(20 * MS), 20 * MS, 95_000, start + number * MS);
        }
        assert!(!queue.is_too_long(105_000));
        assert!(queue.is_too_long(120_000));
        // Nothing comes near it for long.
        for second in [2, 12] {
            queue.arrived(500, None, 20 * MS, 500, start + second * 1000 * MS);
        }
        assert!(!queue.is_too_long(1_000_000));
    }

    #[test]
    fn after_a_pause_what_arrived_before_it_counts() {
        let start = Instant::now();
        let mut queue = PathQueue::default();
        // 2.5 MB/s and 100 ms, with a pause of 110 ms.
        for number in 0..320 {
            let late = if number < 300 { 0 } else { 110 };
            let now = start + (number + late) * MS;
            // What was sent before the pause ended comes late, less and less so.
            let waits = if late > 0 {
                410u32.saturating_sub(number)
            } else {
                0
            };
            let round_trip = (100 + waits) * MS;
            queue.arrived(2500, Some(round_trip), 100 * MS, 250_000, now);
        }
        assert!(!queue.is_too_long(80_000));
    }

    #[test]
    fn a_single_late_round_trip_is_no_queue_and_a_little_may_always_be_under_way() {
        let start = Instant::now();
        let mut queue = PathQueue::default();
        queue.arrived(1000, Some(20 * MS), 20 * MS, 0, start);
        queue.arrived(1000, Some(400 * MS), 20 * MS, 50_000, start + 400 * MS);
        queue.arrived(1000, None, 20 * MS, 50_000, start + 800 * MS);
        assert!(!queue.is_too_long(1_000_000));
        queue.arrived(1000, Some(400 * MS), 20 * MS, LEAST, start + 1200 * MS);
        assert!(
            !queue.is_too_long(1_000_000),
            "what is under way made no queue"
        );
        queue.arrived(1000, Some(400 * MS), 20 * MS, 50_000, start + 1600 * MS);
        assert!(!queue.is_too_long(LEAST));
        assert!(queue.is_too_long(LEAST + 1));
    }
}
