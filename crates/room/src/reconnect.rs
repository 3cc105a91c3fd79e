//! Wait before the next attempt to join.

use std::time::{Duration, Instant};

const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(15);
/// A connection that held this long lets the next attempts start at once again.
const STABLE: Duration = Duration::from_secs(30);

/// When to try: the first time at once, then after doubling delays with jitter, so that a fleet
/// does not return in step. A connection that was stable counts as a new beginning; after each one
/// that was not, the delays start at twice as much.
#[derive(Debug, Default)]
pub(crate) struct ReconnectPolicy {
    /// The next delay, before jitter.
    next: Duration,
    /// The first delay after the next connection, unless that is stable.
    unstable: Duration,
    connected: Option<Instant>,
}

impl ReconnectPolicy {
    /// An attempt has succeeded.
    pub(crate) fn on_connected(&mut self, now: Instant) {
        self.connected = Some(now);
    }

    /// The time to wait before the next attempt: the last one has failed, or its connection is
    /// over. `random` is in `0.0..1.0` and takes away up to half of the delay.
    pub(crate) fn next_delay(&mut self, now: Instant, random: f64) -> Duration {
        match self.connected.take() {
            Some(at) if now.saturating_duration_since(at) > STABLE => *self = Self::default(),
            Some(_) => {
                self.next = self.unstable.max(FIRST);
                self.unstable = doubled(self.next);
            }
            None => {}
        }
        let delay = self.next.mul_f64(1.0 - random.clamp(0.0, 1.0) / 2.0);
        self.next = doubled(self.next);
        delay
    }
}

fn doubled(delay: Duration) -> Duration {
    (delay * 2).clamp(FIRST, LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_a_limit() {
        let now = Instant::now();
        let mut policy = ReconnectPolicy::default();
        let delays: Vec<Duration> = (0..8).map(|_| policy.next_delay(now, 0.0)).collect();
        assert_eq!(delays[..4], [Duration::ZERO, FIRST, FIRST * 2, FIRST * 4]);
        assert_eq!(delays[7], LONGEST);
        assert_eq!(policy.next_delay(now, 1.0), LONGEST / 2);
    }

    #[test]
    fn only_a_stable_connection_is_a_new_beginning() {
        let now = Instant::now();
        let mut policy = ReconnectPolicy::default();
        policy.next_delay(now, 0.0);
        for _ in 0..5 {
            policy.next_delay(now, 0.0);
        }
        policy.on_connected(now);
        assert_eq!(policy.next_delay(now + STABLE, 0.0), FIRST);
        policy.on_connected(now);
        assert_eq!(policy.next_delay(now, 0.0), FIRST * 2);
        assert_eq!(policy.next_delay(now, 0.0), FIRST * 4);
        policy.on_connected(now);
        let later = now + STABLE + Duration::from_millis(1);
        assert_eq!(policy.next_delay(later, 0.0), Duration::ZERO);
        assert_eq!(policy.next_delay(later, 0.0), FIRST);
    }
}
