//! Standing of a participant: whether it shares lanes with others, or is served on its own.

use std::time::{Duration, Instant};

/// Others are not held up longer than this by a participant that has no credit.
const PATIENCE: Duration = Duration::from_millis(200);
/// Time that a participant must keep up to make good for a tenth of it in which it did not.
///
/// So it may take a tenth of their time from the others for good, but not more.
const FORGIVENESS: u32 = 10;
/// Time for which a slow participant must keep up before it shares lanes again.
const RECOVERY: Duration = Duration::from_secs(2);

/// Condition of a participant at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    /// It has stopped to acknowledge.
    Stopped,
    /// It acknowledges, but can take nothing now.
    Busy,
    /// It could take something now.
    Well,
}

/// Whether a participant keeps up with those it shares lanes with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It keeps up, more or less.
    Shared(Lag),
    /// It is served on its own; `well` is since when it would keep up again.
    Apart { well: Option<Instant> },
}

impl Default for Standing {
    fn default() -> Self {
        Self::Shared(Lag::default())
    }
}

/// Time for which a participant held up the others lately.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lag {
    held_up: Duration,
    /// Since when `held_up` is to be changed, and whether it grows.
    since: Option<(Instant, bool)>,
}

impl Lag {
    fn update(&mut self, now: Instant, holds_up: bool) {
        if let Some((since, grows)) = self.since {
            let elapsed = now.saturating_duration_since(since);
            self.held_up = if grows {
                self.held_up + elapsed
            } else {
                self.held_up.saturating_sub(elapsed / FORGIVENESS)
            };
        }
        self.since = Some((now, holds_up));
    }
}

impl Standing {
    /// Whether it is served on its own.
    pub(crate) fn is_apart(self) -> bool {
        matches!(self, Self::Apart { .. })
    }

    /// Follows a participant.
    pub(crate) fn update(&mut self, now: Instant, condition: Condition) {
        let well = condition == Condition::Well;
        *self = match *self {
            Self::Shared(mut lag) => {
                let holds_up = !well && lag.since.is_some_and(|(_, grows)| grows);
                lag.update(now, holds_up);
                if condition == Condition::Stopped || lag.held_up > PATIENCE {
                    Self::Apart { well: None }
                } else {
                    Self::Shared(lag)
                }
            }
            Self::Apart { well: Some(at) }
                if well && now.saturating_duration_since(at) > RECOVERY =>
            {
                Self::Shared(Lag::default())
            }
            Self::Apart { well: since } => Self::Apart {
                well: well.then(|| since.unwrap_or(now)),
            },
        };
    }

    /// The others of its group wait for it, which `holds_up` them or not.
    pub(crate) fn waits_in_group(&mut self, now: Instant, holds_up: bool) {
        if let Self::Shared(lag) = self {
            lag.update(now, holds_up);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn one_that_holds_up_the_others_is_served_apart_until_it_has_kept_up_for_a_while() {
        let start = Instant::now();
        let mut standing = Standing::default();
        standing.waits_in_group(start, true);
        standing.update(start + PATIENCE, Condition::Busy);
        assert!(!standing.is_apart());
        standing.update(start + PATIENCE + MS, Condition::Busy);
        assert!(standing.is_apart());
        let well = start + 1000 * MS;
        standing.update(well, Condition::Well);
        standing.update(well + RECOVERY, Condition::Well);
        assert!(standing.is_apart());
        standing.update(well + RECOVERY + MS, Condition::Well);
        assert!(!standing.is_apart());
    }

    #[test]
    fn a_relapse_restarts_the_recovery() {
        let start = Instant::now();
        let mut standing = Standing::Apart { well: Some(start) };
        standing.update(start + RECOVERY, Condition::Busy);
        standing.update(start + RECOVERY + MS, Condition::Well);
        assert!(standing.is_apart());
        standing.update(start + 3 * RECOVERY, Condition::Well);
        assert!(!standing.is_apart());
    }

    #[test]
    fn a_tenth_of_the_time_of_the_others_is_forgiven() {
        let start = Instant::now();
        let mut standing = Standing::default();
        for round in 0..100 {
            let at = start + round * 1000 * MS;
            standing.waits_in_group(at, true);
            standing.waits_in_group(at + 90 * MS, false);
            standing.update(at + 999 * MS, Condition::Well);
            assert!(!standing.is_apart(), "round {round}");
        }
        standing.update(start + 200_000 * MS, Condition::Stopped);
        assert!(standing.is_apart(), "it has stopped to acknowledge");
    }
}
