//! The time as the STUN and TURN crates count it.

use std::time::{Duration, Instant};

/// Converts between the two, from a common beginning.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    start: Instant,
}

impl Clock {
    pub(super) fn new(start: Instant) -> Self {
        Self { start }
    }

    pub(super) fn to_proto(self, at: Instant) -> stun_proto::Instant {
        let since = at.saturating_duration_since(self.start).as_nanos();
        // 292 years fit.
        stun_proto::Instant::from_nanos(i64::try_from(since).unwrap_or(i64::MAX))
    }

    pub(super) fn to_std(self, at: stun_proto::Instant) -> Instant {
        self.start + Duration::from_nanos(u64::try_from(at.as_nanos()).unwrap_or(0))
    }
}
