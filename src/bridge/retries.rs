//! Retries of failed subscriptions, after a pause that grows.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use remote_access_protocol::ChannelId;

/// The first pause.
const FIRST: Duration = Duration::from_secs(1);
/// The longest pause.
const LONGEST: Duration = Duration::from_secs(60);

/// The channels that failed.
#[derive(Debug, Default)]
pub(super) struct Retries(BTreeMap<ChannelId, Retry>);

#[derive(Debug)]
struct Retry {
    pause: Duration,
    at: Instant,
}

impl Retries {
    /// Whether a channel is to wait before it is tried again.
    pub(super) fn is_waiting(&self, now: Instant, channel: ChannelId) -> bool {
        self.0.get(&channel).is_some_and(|retry| retry.at > now)
    }

    /// Notes that a channel failed. Returns the time until it is tried again.
    pub(super) fn failed(&mut self, now: Instant, channel: ChannelId) -> Duration {
        let before = self.0.get(&channel).map(|retry| retry.pause);
        let pause = before.map_or(FIRST, |pause| (2 * pause).min(LONGEST));
        let at = now + pause;
        self.0.insert(channel, Retry { pause, at });
        pause
    }

    /// Notes that a channel works or is gone. Returns whether it had failed.
    pub(super) fn solved(&mut self, channel: ChannelId) -> bool {
        self.0.remove(&channel).is_some()
    }

    /// Removes and returns the channels that nobody wants any more.
    pub(super) fn unwanted(&mut self, wanted: &BTreeMap<ChannelId, u64>) -> BTreeSet<ChannelId> {
        let failed = self.0.keys().copied();
        let unwanted: BTreeSet<_> = failed.filter(|id| !wanted.contains_key(id)).collect();
        self.0.retain(|id, _| !unwanted.contains(id));
        unwanted
    }

    /// When the next one is tried again.
    pub(super) fn next(&self) -> Option<Instant> {
        self.0.values().map(|retry| retry.at).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHANNEL: ChannelId = ChannelId(1);

    #[test]
    fn the_pause_grows_until_it_works() {
        let mut now = Instant::now();
        let mut retries = Retries::default();
        assert_eq!(retries.next(), None);
        let mut pauses = Vec::new();
        for _ in 0..8 {
            let pause = retries.failed(now, CHANNEL);
            assert!(retries.is_waiting(now, CHANNEL) && !retries.is_waiting(now, ChannelId(2)));
            assert_eq!(retries.next(), Some(now + pause));
            now += pause;
            assert!(!retries.is_waiting(now, CHANNEL));
            pauses.push(pause.as_secs());
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert!(retries.solved(CHANNEL) && !retries.solved(CHANNEL));
        assert_eq!(retries.failed(now, CHANNEL), FIRST);
    }

    #[test]
    fn what_nobody_wants_is_not_tried_again() {
        let now = Instant::now();
        let mut retries = Retries::default();
        retries.failed(now, CHANNEL);
        retries.failed(now, ChannelId(2));
        let wanted = BTreeMap::from([(ChannelId(2), 1)]);
        assert_eq!(retries.unwanted(&wanted), BTreeSet::from([CHANNEL]));
        assert!(retries.unwanted(&wanted).is_empty());
        assert!(retries.solved(ChannelId(2)) && retries.next().is_none());
    }
}
