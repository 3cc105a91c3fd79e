//! Limits that may change while the session runs.

use std::time::Instant;

use remote_access_protocol::ChannelId;

use super::Session;
use crate::channels::rate_limit::RateLimit;

impl Session {
    /// Sets the most bytes per second to all participants together. `None` is no limit.
    pub fn set_uplink_rate(&mut self, now: Instant, rate: Option<u64>) {
        self.sender.set_uplink_rate(now, rate);
    }

    /// Sets the most bytes per second to each participant. `None` is no limit.
    pub fn set_participant_rate(&mut self, now: Instant, rate: Option<u64>) {
        self.sender.set_participant_rate(now, rate);
    }

    /// Sets rate limits of channels. Unknown ids are ignored; a channel goes on undisturbed if its
    /// limit is the one it had.
    pub fn set_rate_limits(&mut self, now: Instant, limits: Vec<(ChannelId, RateLimit)>) {
        for (id, limit) in limits {
            self.channels.set_rate_limit(now, id, limit);
        }
    }
}
