//! Audit: who did what to the robot, and who was refused, as lines of the log.

use std::time::Instant;

use tracing::info;

use crate::bucket::TokenBucket;
use crate::permission::Action;

/// Target of the lines, by which a log filter or a logger's level chooses them.
pub const AUDIT_TARGET: &str = "remote_access_audit";
/// Lines per second of one viewer.
const RATE: f64 = 5.0;
/// Lines of one viewer at once.
const BURST: f64 = 50.0;
/// Longest name in bytes: a viewer may have written it.
const MAX_NAME: usize = 256;

/// Something that a viewer did, or that happened because of it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Act<'a> {
    /// It was refused something.
    Refused(Action<'a>),
    /// Its rights are these from now on.
    Rights(&'a str),
    /// It publishes on a topic from now on.
    Publishes(&'a str),
    /// It publishes on a topic no more.
    PublishesNoMore(&'a str),
    /// It calls a service.
    Calls(&'a str),
    /// It sets a parameter.
    Sets(&'a str),
    /// It drives a topic from now on.
    Drives(&'a str),
    /// It was taken the wheel of a topic by another viewer.
    Overridden(&'a str),
    /// It asks whoever drives a topic for the wheel.
    AsksForWheel(&'a str),
    /// It handed the wheel of a topic to another viewer.
    HandsOver(&'a str),
    /// It stopped a topic that another viewer drove.
    StopsAnother(&'a str),
    /// The topic that it drove got a stop.
    Stopped(&'a str),
}

impl<'a> Act<'a> {
    /// The act in words, and its object.
    fn words(self) -> (&'static str, &'a str) {
        match self {
            Self::Refused(action) => (action.what(), action.name().unwrap_or_default()),
            Self::Rights(what) => ("rights", what),
            Self::Publishes(topic) => ("publishes", topic),
            Self::PublishesNoMore(topic) => ("publishes no more", topic),
            Self::Calls(service) => ("calls", service),
            Self::Sets(parameter) => ("sets", parameter),
            Self::Drives(topic) => ("drives", topic),
            Self::Overridden(topic) => ("lost the wheel", topic),
            Self::AsksForWheel(topic) => ("asks for the wheel", topic),
            Self::HandsOver(topic) => ("hands over the wheel", topic),
            Self::StopsAnother(topic) => ("stops another", topic),
            Self::Stopped(topic) => ("stopped", topic),
        }
    }
}

/// Lines that one viewer may cause.
#[derive(Debug)]
pub(crate) struct AuditBudget {
    lines: TokenBucket,
    /// Lines that were left out since the last one.
    left_out: u64,
}

impl AuditBudget {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            lines: TokenBucket::new(now, RATE, BURST),
            left_out: 0,
        }
    }

    /// Writes a line, if there may be one. Returns whether it did.
    pub(crate) fn write(&mut self, now: Instant, viewer: &str, act: Act<'_>) -> bool {
        if !self.lines.take(now, 1.0) {
            self.left_out += 1;
            return false;
        }
        let left_out = std::mem::take(&mut self.left_out);
        let left_out = (left_out > 0).then_some(left_out);
        let refused = matches!(act, Act::Refused(_)).then_some(true);
        let (act, name) = act.words();
        let name = format!("{name:.MAX_NAME$}");
        info!(target: AUDIT_TARGET, by = viewer, act, name, refused, left_out, "audit");
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_flood_of_acts_is_a_trickle_of_lines() {
        let start = Instant::now();
        let mut budget = AuditBudget::new(start);
        let mut lines = |now| {
            (0..1000)
                .filter(|_| budget.write(now, "anna", Act::Calls("/a")))
                .count()
        };
        assert_eq!(lines(start), BURST as usize);
        assert_eq!(lines(start + Duration::from_secs(1)), RATE as usize);
        // The first line after a pause tells of those that were left out before it.
        assert_eq!(budget.left_out, 1000 - RATE as u64);
    }
}
