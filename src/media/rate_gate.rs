//! Lets through as many frames a second as are wanted.

use std::time::{Duration, Instant};

/// Frames come unevenly: one that is early by less than this part of an interval is in time.
const EARLY: u32 = 4;

/// Lets through at most a given number of frames a second, evenly.
#[derive(Debug)]
pub(super) struct RateGate {
    interval: Duration,
    due: Option<Instant>,
}

impl RateGate {
    /// All pass if there is no `rate`.
    pub(super) fn new(rate: Option<u32>) -> Self {
        let interval = rate.map_or(Duration::ZERO, |rate| Duration::from_secs(1) / rate.max(1));
        Self {
            interval,
            due: None,
        }
    }

    /// Whether a frame that comes now passes.
    pub(super) fn passes(&mut self, now: Instant) -> bool {
        let early = self.interval / EARLY;
        if self.due.is_some_and(|due| now + early < due) {
            return false;
        }
        // After a pause the beat begins anew; else it goes on, so that the rate is kept.
        let beat = self.due.filter(|due| *due + self.interval > now);
        self.due = Some(beat.unwrap_or(now) + self.interval);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(rate: Option<u32>, times: impl Iterator<Item = u64>) -> usize {
        let start = Instant::now();
        let mut gate = RateGate::new(rate);
        times
            .filter(|&ms| gate.passes(start + Duration::from_millis(ms)))
            .count()
    }

    #[test]
    fn as_many_pass_as_are_wanted() {
        // 300 frames in 10 s, each up to 5 ms late.
        let uneven = || (0..300u64).map(|number| number * 100 / 3 + number * 7 % 6);
        assert_eq!(passed(None, uneven()), 300);
        assert_eq!(passed(Some(60), uneven()), 300);
        assert_eq!(passed(Some(30), uneven()), 300);
        let half = passed(Some(15), uneven());
        assert!((148..=152).contains(&half), "{half}");
        let some = passed(Some(20), uneven());
        assert!((190..=205).contains(&some), "{some}");
    }

    #[test]
    fn a_pause_is_not_made_up_for() {
        let times = [0, 1_000, 1_010, 1_020, 1_100].into_iter();
        assert_eq!(passed(Some(10), times), 3);
    }
}
