//! Watches whether anything comes back over the path that data takes.
//!
//! Silence alone says nothing: a connection with nothing to say is silent for seconds. So the time
//! counts from the first packet that asks for something, a check or data, and that nothing followed.

use std::time::{Duration, Instant};

/// After this long without an answer all pairs are checked more often.
const SUSPECT: Duration = Duration::from_secs(1);
/// After this long the path is dead: another pair takes over, or the pairs are made anew.
const DEAD: Duration = Duration::from_secs(3);
/// Time between two more attempts while the path is dead.
const RETRY: Duration = Duration::from_secs(1);
/// After this long the application should restart ICE. livekit-server gives a connection up for good
/// after 15 s without a packet; a restart must come before, and one that comes much earlier loses
/// connections whose network was about to come back.
const GIVE_UP: Duration = Duration::from_secs(12);

/// Verdict on a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It answers, or nothing asks.
    Alive,
    /// An answer is overdue.
    Suspect,
    /// It does not answer any more.
    Dead,
}

/// The watch over one path.
#[derive(Debug, Default)]
pub(super) struct Liveness {
    /// When the first packet left that has had no answer.
    waiting: Option<Instant>,
    /// When something was tried last.
    tried: Option<Instant>,
    /// When the verdict was asked for last.
    looked: Option<Instant>,
}

impl Liveness {
    /// A packet left that asks for an answer.
    pub(super) fn asked(&mut self, now: Instant) {
        self.waiting.get_or_insert(now);
    }

    /// An authenticated packet came in.
    pub(super) fn heard(&mut self) {
        *self = Self::default();
    }

    pub(super) fn verdict(&mut self, now: Instant) -> Verdict {
        self.looked = Some(now);
        let silent = self
            .waiting
            .map_or(Duration::ZERO, |since| now.saturating_duration_since(since));
        match silent {
            silent if silent >= DEAD => Verdict::Dead,
            silent if silent >= SUSPECT => Verdict::Suspect,
            _ => Verdict::Alive,
        }
    }

    /// Whether something is to be tried now, on a dead path.
    pub(super) fn tries(&mut self, now: Instant) -> bool {
        let due = self.tried.is_none_or(|at| now >= at + RETRY);
        if due {
            self.tried = Some(now);
        }
        due
    }

    /// When a path that stays silent has failed.
    pub(super) fn gives_up_at(&self) -> Option<Instant> {
        self.waiting.map(|since| since + GIVE_UP)
    }

    /// When the verdict changes, or something is to be tried, if nothing comes.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let since = self.waiting?;
        let retry = self.tried.map_or(since + DEAD, |at| at + RETRY);
        let later = |at: &Instant| self.looked.is_none_or(|looked| *at > looked);
        [since + SUSPECT, since + DEAD, retry]
            .into_iter()
            .filter(later)
            .min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn silence_counts_from_the_first_question_without_an_answer() {
        let start = Instant::now();
        let mut path = Liveness::default();
        assert_eq!(path.verdict(start + 60_000 * MS), Verdict::Alive);
        assert_eq!(path.deadline(), None);
        let asked = start + 60_000 * MS;
        path.asked(asked);
        path.asked(asked + 900 * MS);
        assert_eq!(path.deadline(), Some(asked + SUSPECT));
        assert_eq!(path.verdict(asked + SUSPECT), Verdict::Suspect);
        assert_eq!(path.deadline(), Some(asked + DEAD));
        path.heard();
        assert_eq!(path.verdict(asked + DEAD), Verdict::Alive);
    }

    #[test]
    fn a_dead_path_is_given_a_try_each_second_until_it_failed() {
        let start = Instant::now();
        let mut path = Liveness::default();
        path.asked(start);
        let mut now = start + DEAD;
        let mut tries = 0;
        while now < start + GIVE_UP {
            assert_eq!(path.verdict(now), Verdict::Dead);
            tries += u32::from(path.tries(now));
            assert!(!path.tries(now));
            now = path.deadline().unwrap();
        }
        assert_eq!(tries, 9);
        assert_eq!(path.gives_up_at(), Some(start + GIVE_UP));
    }
}
