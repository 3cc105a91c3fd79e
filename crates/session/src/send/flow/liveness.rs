//! Liveness of a participant that used to acknowledge, and whether its stream is whole.

use std::time::{Duration, Instant};

/// One that pings and sent nothing for this long is gone, or stopped.
const SENT_NOTHING: Duration = Duration::from_millis(500);
/// One that pings and acknowledges none of the Pongs for this long, beside the time that the bytes
/// on the way need, has lost some: its stream is broken.
const BROKEN: Duration = Duration::from_secs(10);
/// Doublings of that time while resyncs do not help.
const MAX_DOUBLINGS: u32 = 5;
/// Least rate of a path, in bytes per second, for that estimate.
const MIN_RATE: f64 = 30_000.0;
/// The path may have become slower than it was by this factor.
const SLOWED: f64 = 4.0;

/// Signs of liveness of a participant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Liveness {
    /// When it last sent anything.
    heard: Instant,
    /// When the first Pong went out that nothing was acknowledged since.
    unanswered: Option<Instant>,
    /// Resyncs in vain.
    in_vain: u32,
}

impl Liveness {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            heard: now,
            unanswered: None,
            in_vain: 0,
        }
    }

    /// The participant sent something.
    pub(crate) fn on_heard(&mut self, now: Instant) {
        self.heard = now;
    }

    /// A Pong goes out.
    pub(crate) fn on_pong(&mut self, now: Instant) {
        self.unanswered.get_or_insert(now);
    }

    /// The participant acknowledges a Pong; the next one went out at `next`.
    pub(crate) fn on_ack(&mut self, next: Option<Instant>) {
        self.unanswered = next;
        self.in_vain = 0;
    }

    /// The participant gets new streams, perhaps since its old one is broken.
    pub(crate) fn resync(&mut self, now: Instant, broken: bool) {
        *self = Self {
            in_vain: self.in_vain + u32::from(broken),
            ..Self::new(now)
        };
    }

    /// Whether it sends nothing any more, not even pings.
    pub(crate) fn stopped_sending(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.heard) > SENT_NOTHING
    }

    /// Whether it must have lost something, given that it has just pinged.
    ///
    /// `rate` is what the path to it carried lately, in bytes per second.
    pub(crate) fn is_broken(&self, now: Instant, in_flight: u64, rate: f64) -> bool {
        let Some(since) = self.unanswered else {
            return false;
        };
        let needed = in_flight as f64 / (rate / SLOWED).max(MIN_RATE);
        let patience = BROKEN * 2u32.pow(self.in_vain.min(MAX_DOUBLINGS));
        now.saturating_duration_since(since) > patience + Duration::from_secs_f64(needed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn what_a_slow_path_still_carries_is_waited_for() {
        let start = Instant::now();
        let mut liveness = Liveness::new(start);
        liveness.on_pong(start);
        let after = |seconds, in_flight, rate| {
            liveness.is_broken(start + seconds * SECOND, in_flight, rate)
        };
        assert!(!after(10, 100, 0.0) && after(11, 100, 0.0));
        assert!(!after(40, 1_000_000, 0.0) && after(45, 1_000_000, 0.0));
        assert!(!after(13, 1_000_000, 1e6) && after(15, 1_000_000, 1e6));
    }

    #[test]
    fn resyncs_in_vain_become_rare_until_something_is_acknowledged() {
        let start = Instant::now();
        let mut liveness = Liveness::new(start);
        let mut now = start;
        for expected in [11, 21, 41, 81, 161, 321, 321] {
            liveness.on_pong(now);
            let begun = now;
            while !liveness.is_broken(now, 0, 0.0) {
                now += SECOND;
            }
            assert_eq!(now - begun, expected * SECOND);
            liveness.resync(now, true);
        }
        liveness.on_pong(now);
        liveness.on_ack(None);
        assert!(!liveness.is_broken(now + 1000 * SECOND, 0, 0.0));
        liveness.on_pong(now);
        assert!(liveness.is_broken(now + 11 * SECOND, 0, 0.0));
    }
}
