//! Pings, and when they get their Pongs.
//!
//! A Pong costs about 230 bytes on the uplink, for each viewer apart. Viewers ping ten times a second,
//! which flow control needs while much is in flight. While little is, pings are put off and answered
//! four at a time: their Pongs share a packet. Those who watch videos get about ten packets a second
//! among them: an encoder has to learn soon that the path carries less.

use std::time::{Duration, Instant};

/// Pings that are answered together while all is calm.
const TOGETHER: usize = 4;
/// Time between two pings of a viewer that pings as the protocol asks, and by how much sooner one may
/// come.
const INTERVAL: Duration = Duration::from_millis(100);
const EARLY: Duration = Duration::from_millis(50);
/// Pings that were put off get their Pongs this long after the last ones, if no other came meanwhile.
const LATE: Duration = Duration::from_millis(500);
/// A ping that follows another one so soon is none of the regular ones: somebody wants an answer.
const OUT_OF_TURN: Duration = Duration::from_millis(60);
/// Pings that may be put off.
const MAX_PUT_OFF: usize = 8;

/// The pings of one participant.
#[derive(Debug, Default)]
pub(crate) struct Pings {
    answered: Option<Instant>,
    last: Option<Instant>,
    /// The timestamps of pings without a Pong yet.
    put_off: Vec<u64>,
    /// A ping was put off since the last acknowledgement, which therefore comes later.
    spared: bool,
    hurry: bool,
}

impl Pings {
    /// A ping has come. Returns the timestamps of those that are to be answered now, oldest first:
    /// that of each one, or of so many `together`.
    pub(crate) fn answer(&mut self, now: Instant, timestamp: u64, together: usize) -> Vec<u64> {
        let within = |at: Option<Instant>, limit| {
            at.is_some_and(|at| now.saturating_duration_since(at) < limit)
        };
        let regular = !within(self.last, OUT_OF_TURN);
        self.last = Some(now);
        self.put_off.push(timestamp);
        let interval = INTERVAL * together as u32 - EARLY;
        let wait = together > 1
            && regular
            && !self.hurry
            && within(self.answered, interval)
            && self.put_off.len() < MAX_PUT_OFF;
        if wait {
            self.spared = true;
            return Vec::new();
        }
        self.answered(now)
    }

    fn answered(&mut self, now: Instant) -> Vec<u64> {
        self.answered = Some(now);
        self.hurry = false;
        std::mem::take(&mut self.put_off)
    }

    /// The next ping is answered.
    pub(crate) fn hurry(&mut self) {
        self.hurry = true;
    }

    /// When pings that were put off are to be answered.
    pub(crate) fn due(&self) -> Option<Instant> {
        let answered = self.answered.filter(|_| !self.put_off.is_empty());
        answered.map(|at| at + LATE)
    }

    /// The timestamps of pings that are to be answered now, since no other came.
    pub(crate) fn late(&mut self, now: Instant) -> Vec<u64> {
        if self.due().is_some_and(|due| due <= now) {
            self.answered(now)
        } else {
            Vec::new()
        }
    }

    /// Pings of each that are answered together while all is calm, if so many watch videos.
    pub(crate) fn together(watching: Option<usize>) -> usize {
        watching.unwrap_or(TOGETHER).clamp(1, TOGETHER)
    }

    /// A Pong was acknowledged.
    pub(crate) fn acknowledged(&mut self) {
        self.spared = false;
    }

    /// By how much the next acknowledgement is late for want of Pongs.
    pub(crate) fn spared(&self) -> Duration {
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

    /// Counts the answers to 60 pings, ten a second, and the pings that are answered.
    fn answered(together: usize) -> (usize, usize) {
        let start = Instant::now();
        let mut pings = Pings::default();
        let answers: Vec<_> = (0..60)
            .map(|index| {
                let now = start + index * 100 * MS;
                assert!(pings.late(now).is_empty(), "another ping comes in time");
                pings.answer(now, u64::from(index), together)
            })
            .filter(|answers| !answers.is_empty())
            .collect();
        let all = answers.concat();
        assert!(all.is_sorted(), "{all:?}");
        (answers.len(), all.len())
    }

    #[test]
    fn pings_are_answered_four_at_a_time_while_all_is_calm() {
        assert_eq!(answered(Pings::together(None)), (15, 57));
        assert_eq!(answered(1), (60, 60));
    }

    #[test]
    fn those_who_watch_videos_share_ten_answers_a_second() {
        for watching in 1..=4 {
            let (answers, _) = answered(Pings::together(Some(watching)));
            assert_eq!(answers * watching, 60, "{watching}");
        }
        assert_eq!(Pings::together(Some(100)), TOGETHER);
    }

    #[test]
    fn the_last_ones_are_answered_late() {
        let start = Instant::now();
        let mut pings = Pings::default();
        assert_eq!(pings.answer(start, 1, TOGETHER), [1]);
        assert!(pings.answer(start + 100 * MS, 2, TOGETHER).is_empty());
        assert!(pings.answer(start + 200 * MS, 3, TOGETHER).is_empty());
        assert_eq!(pings.due(), Some(start + LATE));
        assert!(pings.late(start + LATE - MS).is_empty());
        assert_eq!(pings.late(start + LATE), [2, 3]);
        assert_eq!(pings.due(), None);
    }

    #[test]
    fn an_acknowledgement_that_is_waited_for_is_not_put_off() {
        let start = Instant::now();
        let mut pings = Pings::default();
        assert_eq!(pings.answer(start, 1, TOGETHER), [1]);
        pings.hurry();
        assert_eq!(pings.answer(start + 100 * MS, 2, TOGETHER), [2]);
        assert!(pings.answer(start + 200 * MS, 3, TOGETHER).is_empty());
    }

    #[test]
    fn a_ping_out_of_turn_is_answered_with_those_before() {
        let start = Instant::now();
        let mut pings = Pings::default();
        assert_eq!(pings.answer(start, 1, TOGETHER), [1]);
        assert!(pings.answer(start + 100 * MS, 2, TOGETHER).is_empty());
        assert_eq!(pings.answer(start + 130 * MS, 3, TOGETHER), [2, 3]);
    }
}
