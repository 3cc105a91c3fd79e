//! Which pings get a Pong.
//!
//! A Pong costs about 230 bytes on the uplink, for each viewer apart. Viewers ping ten times a second,
//! which flow control needs while much is in flight; while little is, every third one will do.

use std::time::{Duration, Instant};

/// While all is calm the Pongs are at least this far apart.
const CALM_INTERVAL: Duration = Duration::from_millis(250);
/// A ping that was put off gets its Pong this long after the last one, if no other came meanwhile.
const LATE: Duration = Duration::from_millis(400);

/// The pings of one participant.
#[derive(Debug, Default)]
pub(super) struct Pings {
    answered: Option<Instant>,
    /// The timestamp of the last ping, if it has no Pong yet.
    put_off: Option<u64>,
    /// A ping was put off since the last acknowledgement, which therefore comes later.
    spared: bool,
    hurry: bool,
}

impl Pings {
    /// A ping has come. Returns whether it is answered now.
    pub fn answer(&mut self, now: Instant, timestamp: u64, calm: bool) -> bool {
        let soon = self
            .answered
            .is_some_and(|at| now.saturating_duration_since(at) < CALM_INTERVAL);
        if calm && soon && !self.hurry {
            self.put_off = Some(timestamp);
            self.spared = true;
            return false;
        }
        self.answered(now);
        true
    }

    fn answered(&mut self, now: Instant) {
        self.answered = Some(now);
        self.put_off = None;
        self.hurry = false;
    }

    /// The next ping is answered.
    pub fn hurry(&mut self) {
        self.hurry = true;
    }

    /// When a ping that was put off is to be answered.
    pub fn due(&self) -> Option<Instant> {
        self.put_off.and(self.answered).map(|at| at + LATE)
    }

    /// The timestamp of a ping that is to be answered now, since no other came.
    pub fn late(&mut self, now: Instant) -> Option<u64> {
        let timestamp = self.put_off.filter(|_| self.due() <= Some(now))?;
        self.answered(now);
        Some(timestamp)
    }

    /// A Pong was acknowledged.
    pub fn acknowledged(&mut self) {
        self.spared = false;
    }

    /// By how much the next acknowledgement is late for want of Pongs.
    pub fn spared(&self) -> Duration {
        if self.spared {
            LATE
        } else {
            Duration::ZERO
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// The pings out of 60, ten a second, that are answered.
    fn answered(calm: bool) -> usize {
        let start = Instant::now();
        let mut pings = Pings::default();
        (0..60)
            .filter(|&index| {
                let now = start + index * 100 * MS;
                assert_eq!(pings.late(now), None, "another ping comes in time");
                pings.answer(now, u64::from(index), calm)
            })
            .count()
    }

    #[test]
    fn every_third_ping_is_answered_while_all_is_calm() {
        assert_eq!(answered(true), 20);
        assert_eq!(answered(false), 60);
    }

    #[test]
    fn the_last_of_many_is_answered_late() {
        let start = Instant::now();
        let mut pings = Pings::default();
        assert!(pings.answer(start, 1, true));
        assert!(!pings.answer(start + 10 * MS, 2, true));
        assert!(!pings.answer(start + 20 * MS, 3, true));
        assert_eq!(pings.due(), Some(start + LATE));
        assert_eq!(pings.late(start + LATE - MS), None);
        assert_eq!(pings.late(start + LATE), Some(3));
        assert_eq!(pings.due(), None);
    }

    #[test]
    fn an_acknowledgement_that_is_waited_for_is_not_put_off() {
        let start = Instant::now();
        let mut pings = Pings::default();
        assert!(pings.answer(start, 1, true));
        pings.hurry();
        assert!(pings.answer(start + 10 * MS, 2, true));
        assert!(!pings.answer(start + 20 * MS, 3, true));
    }
}
