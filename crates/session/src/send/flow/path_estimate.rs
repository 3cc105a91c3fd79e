//! Estimate of the path to a participant: its round trips and its rate.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Delay that may build up in queues on the path.
const TARGET_QUEUE_DELAY: Duration = Duration::from_millis(50);
/// Time between two acknowledgements of a viewer that pings as the protocol asks.
pub(crate) const ACK_INTERVAL: Duration = Duration::from_millis(100);
/// Round trips of which the shortest tells whether a queue stands on the path. A viewer that is
/// busy for a moment answers late too, but the next Pong at once.
const STANDING: usize = 3;
/// The smallest round-trip time is forgotten after this time, since routes change.
const MIN_RTT_LIFETIME: Duration = Duration::from_secs(10);
/// Time for which as little as possible is sent before that.
const DRAIN_TIME: Duration = Duration::from_millis(400);
/// Time for which the highest rate is remembered.
const RATE_MEMORY: Duration = Duration::from_secs(5);

/// Estimate of the path to a participant and back.
#[derive(Debug, Default)]
pub(crate) struct PathEstimate {
    /// The last round trips.
    round_trips: VecDeque<Duration>,
    min_rtt: Option<(Duration, Instant)>,
    /// Bytes per second that arrived, without those that a later one exceeds.
    rates: VecDeque<(Instant, f64)>,
}

impl PathEstimate {
    /// A round trip has ended, and bytes arrived at this rate meanwhile.
    pub(crate) fn add(&mut self, now: Instant, round_trip: Duration, rate: f64) {
        self.round_trips.push_back(round_trip);
        if self.round_trips.len() > STANDING {
            self.round_trips.pop_front();
        }
        self.update_min_rtt(now, round_trip);
        while self.rates.back().is_some_and(|&(_, last)| last <= rate) {
            self.rates.pop_back();
        }
        self.rates.push_back((now, rate));
        // If the path is used fully, what arrives now is what it can carry.
        let age = if self.has_queue() {
            ACK_INTERVAL * STANDING as u32
        } else {
            RATE_MEMORY
        };
        let old = |&(at, _): &(Instant, f64)| now.saturating_duration_since(at) > age;
        while self.rates.len() > 1 && self.rates.front().is_some_and(old) {
            self.rates.pop_front();
        }
    }

    /// A value measured just before the old one is forgotten counts most, since the path is
    /// drained then.
    fn update_min_rtt(&mut self, now: Instant, round_trip: Duration) {
        let lifetime = MIN_RTT_LIFETIME + DRAIN_TIME;
        self.min_rtt = match self.min_rtt {
            Some((rtt, at)) if rtt < round_trip && now.saturating_duration_since(at) < lifetime => {
                Some((rtt, at))
            }
            Some((rtt, _)) if rtt < round_trip => Some((self.shortest(), now)),
            _ => Some((round_trip, now)),
        };
    }

    fn shortest(&self) -> Duration {
        self.round_trips.iter().min().copied().unwrap_or_default()
    }

    fn is_late(&self, round_trip: Duration) -> bool {
        round_trip.saturating_sub(self.min_rtt().unwrap_or_default()) > TARGET_QUEUE_DELAY
    }

    /// Whether a queue stands on the path.
    pub(crate) fn has_queue(&self) -> bool {
        self.is_late(self.shortest())
    }

    /// Whether the last acknowledgement came late.
    pub(crate) fn was_late(&self) -> bool {
        self.is_late(self.rtt())
    }

    /// The last round-trip time; zero before the first.
    pub(crate) fn rtt(&self) -> Duration {
        self.round_trips.back().copied().unwrap_or_default()
    }

    /// The smallest round-trip time lately.
    pub(crate) fn min_rtt(&self) -> Option<Duration> {
        self.min_rtt.map(|(rtt, _)| rtt)
    }

    /// Whether the smallest round-trip time is about to be forgotten. Measured anew with a queue
    /// on the path, it would hide that queue.
    pub(crate) fn is_to_be_drained(&self, now: Instant) -> bool {
        self.min_rtt
            .is_some_and(|(_, at)| now.saturating_duration_since(at) >= MIN_RTT_LIFETIME)
    }

    /// Bytes per second that the path can carry, as far as it was tried.
    pub(crate) fn rate(&self) -> f64 {
        self.rates.front().map_or(0.0, |&(_, best)| best)
    }

    /// Bytes that may be on the path without a long queue, while the next acknowledgement is
    /// awaited.
    pub(crate) fn capacity(&self) -> u64 {
        let min_rtt = self.min_rtt().unwrap_or_default();
        let time = min_rtt + ACK_INTERVAL + TARGET_QUEUE_DELAY;
        (self.rate() * time.as_secs_f64()) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn after(round_trips: &[u32]) -> PathEstimate {
        let start = Instant::now();
        let mut path = PathEstimate::default();
        for (index, &round_trip) in round_trips.iter().enumerate() {
            path.add(start + 100 * MS * index as u32, round_trip * MS, 1000.0);
        }
        path
    }

    #[test]
    fn a_queue_stands_only_if_nothing_came_quickly() {
        assert!(!after(&[20, 20, 400]).has_queue());
        assert!(after(&[20, 20, 400]).was_late());
        assert!(!after(&[20, 400, 300, 60]).has_queue());
        assert!(after(&[20, 400, 300, 80]).has_queue());
    }

    #[test]
    fn a_queue_shows_what_the_path_can_carry() {
        let start = Instant::now();
        let mut path = PathEstimate::default();
        path.add(start, 20 * MS, 9000.0);
        path.add(start + 100 * MS, 20 * MS, 5000.0);
        assert_eq!(path.rate(), 9000.0);
        for step in 2..7 {
            path.add(start + 100 * MS * step, 300 * MS, 4000.0);
        }
        assert_eq!(path.rate(), 4000.0);
        assert_eq!(path.capacity(), 4000 * 170 / 1000);
    }

    #[test]
    fn the_smallest_round_trip_time_is_forgotten_and_drained_before() {
        let start = Instant::now();
        let mut path = PathEstimate::default();
        path.add(start, 20 * MS, 1.0);
        for step in 1..200 {
            let now = start + 100 * MS * step;
            path.add(now, 60 * MS, 1.0);
            assert_eq!(
                path.is_to_be_drained(now),
                (100..104).contains(&step),
                "{step}"
            );
            let expected = if step < 104 { 20 } else { 60 };
            assert_eq!(path.min_rtt(), Some(expected * MS), "{step}");
        }
    }
}
