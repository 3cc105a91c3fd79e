//! Keeps the queue before a bottleneck short.
//!
//! A congestion window grows until the queue is full: at 0.7 Mbit/s the 64 kB of a common router are
//! three quarters of a second, and what it drops has to go through it once more. So while a queue
//! stands on the path, no more is under way than the path carries in its shortest round trip and a
//! tenth of a second. What waits for that waits here, where the application can still drop it.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Delay in a queue that is put up with.
const DELAY: Duration = Duration::from_millis(100);
/// Bytes that may be under way in any case. Round trips that are long for another reason must not
/// strangle the connection: this much in 0.2 s is 1 Mbit/s.
const LEAST: usize = 24 * 1024;
/// Samples of which the shorter one tells whether a queue stands.
const STANDING: usize = 2;

/// What the path carries while a queue stands on it.
#[derive(Debug, Default)]
pub(crate) struct PathQueue {
    /// The last round trips.
    round_trips: VecDeque<Duration>,
    /// Bytes that arrived, and when that was learned, for one round trip.
    arrivals: VecDeque<(Instant, usize)>,
    /// Bytes that may be under way.
    limit: Option<usize>,
}

impl PathQueue {
    /// Bytes have arrived, in packets of which the quickest took this long; `None` if the
    /// acknowledgement may have waited for another packet. `shortest` is the shortest round trip.
    pub(crate) fn arrived(
        &mut self,
        bytes: usize,
        round_trip: Option<Duration>,
        shortest: Duration,
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
        while self.arrivals.len() > 1
            && self
                .arrivals
                .front()
                .is_some_and(|(at, _)| *at + standing < now)
        {
            self.arrivals.pop_front();
        }
        let bearable = shortest + DELAY;
        self.limit = (standing > bearable).then(|| {
            let arrived: usize = self.arrivals.iter().map(|(_, bytes)| bytes).sum();
            let share = bearable.as_secs_f64() / standing.as_secs_f64();
            ((arrived as f64 * share) as usize).max(LEAST)
        });
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
        // 1 MB/s, which took 20 ms and takes 400 ms now.
        for number in 0..1000 {
            let round_trip = if number < 500 { 20 } else { 400 };
            queue.arrived(1000, Some(round_trip * MS), 20 * MS, start + number * MS);
            if number < 500 {
                assert!(!queue.is_too_long(1_000_000));
            }
        }
        assert!(queue.is_too_long(125_000));
        assert!(!queue.is_too_long(115_000));
    }

    #[test]
    fn a_single_late_round_trip_is_no_queue_and_a_little_may_always_be_under_way() {
        let start = Instant::now();
        let mut queue = PathQueue::default();
        queue.arrived(1000, Some(20 * MS), 20 * MS, start);
        queue.arrived(1000, Some(400 * MS), 20 * MS, start + 400 * MS);
        queue.arrived(1000, None, 20 * MS, start + 800 * MS);
        assert!(!queue.is_too_long(1_000_000));
        queue.arrived(1000, Some(400 * MS), 20 * MS, start + 1200 * MS);
        assert!(!queue.is_too_long(LEAST));
        assert!(queue.is_too_long(LEAST + 1));
    }
}
