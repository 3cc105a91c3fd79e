//! Age of commands on arrival, and the limit beyond which they are not obeyed.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::ids::ParticipantId;

/// The quickest way counts for one to two of these. Clocks drift apart, and one may jump.
const WINDOW: Duration = Duration::from_secs(10);

/// The ages of what participants stamp with their time.
#[derive(Debug)]
pub(crate) struct CommandAges {
    limit: Duration,
    clocks: BTreeMap<ParticipantId, Clock>,
}

impl CommandAges {
    /// Commands that were longer than `limit` on the way are too old.
    pub(crate) fn new(limit: Duration) -> Self {
        Self {
            limit,
            clocks: BTreeMap::new(),
        }
    }

    pub(crate) fn limit(&self) -> Duration {
        self.limit
    }

    /// Something arrived that a participant stamped with its time, in microseconds. Returns by how
    /// much it took longer than the quickest that arrived lately.
    pub(crate) fn age(&mut self, now: Instant, id: ParticipantId, sent: u64) -> Duration {
        self.clocks.entry(id).or_default().age(now, sent)
    }

    pub(crate) fn forget(&mut self, id: ParticipantId) {
        self.clocks.remove(&id);
    }
}

/// A participant's clock as seen from here.
///
/// The two clocks have nothing in common. What arrived soonest after it was sent, by the other
/// clock, tells what a quick way is; the age of everything else counts from there.
#[derive(Debug, Default)]
struct Clock {
    /// When the first stamp came. Times are counted from here.
    origin: Option<Instant>,
    window: u128,
    /// The least of arrival minus stamp in this window and in the one before, in microseconds.
    least: Option<i128>,
    least_before: Option<i128>,
}

impl Clock {
    fn age(&mut self, now: Instant, sent: u64) -> Duration {
        let arrived = now.saturating_duration_since(*self.origin.get_or_insert(now));
        let window = arrived.as_micros() / WINDOW.as_micros();
        if window != self.window {
            let is_next = window == self.window + 1;
            self.least_before = self.least.take().filter(|_| is_next);
            self.window = window;
        }
        let took = i128::try_from(arrived.as_micros()).unwrap_or(i128::MAX) - i128::from(sent);
        let least = took.min(self.least.unwrap_or(took));
        self.least = Some(least);
        let quickest = least.min(self.least_before.unwrap_or(least));
        Duration::from_micros(u64::try_from(took - quickest).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn age_counts_from_the_quickest_way() {
        let start = Instant::now();
        let mut clock = Clock::default();
        // The viewer's clock is far ahead.
        let sent = |ms: u64| 9_000_000_000_000_000 + 1000 * ms;
        assert_eq!(clock.age(start + 80 * MS, sent(0)), Duration::ZERO);
        assert_eq!(clock.age(start + 120 * MS, sent(100)), Duration::ZERO);
        assert_eq!(clock.age(start + 920 * MS, sent(200)), 700 * MS);
        assert_eq!(clock.age(start + 921 * MS, sent(890)), 11 * MS);
    }

    #[test]
    fn a_clock_that_was_put_back_is_followed_in_time() {
        let start = Instant::now();
        let mut clock = Clock::default();
        let hour = 3_600_000;
        let age = |clock: &mut Clock, at: u32, sent: u64| clock.age(start + at * MS, 1000 * sent);
        assert_eq!(age(&mut clock, 0, hour), Duration::ZERO);
        assert_eq!(age(&mut clock, 100, 100), u32::try_from(hour).unwrap() * MS);
        assert_eq!(age(&mut clock, 20_000, 20_000), Duration::ZERO);
        assert_eq!(age(&mut clock, 20_300, 20_100), 200 * MS);
    }

    #[test]
    fn any_stamp_can_come() {
        let start = Instant::now();
        let mut clock = Clock::default();
        for sent in [0, u64::MAX, 1, u64::MAX / 2, 0] {
            let _ = clock.age(start, sent);
        }
        assert_eq!(clock.age(start, 0), Duration::from_micros(u64::MAX));
    }
}
