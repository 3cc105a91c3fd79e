//! Pacer: spreads bytes evenly while a queue stands on the path, or stood lately.
//!
//! A burst fills the queue of a slow link, and the most urgent message waits behind it. Sent at the rate of the link it leaves the queue empty.

use std::time::{Duration, Instant};

use super::path_estimate::PathEstimate;
use crate::bucket::TokenBucket;
use crate::config::SLICE_SIZE;

/// Bytes are spread for this long after a queue was seen.
const PACED_FOR: Duration = Duration::from_secs(10);
/// Part of the path's rate that is used while a queue stands, so that it drains.
const DRAIN: f64 = 0.8;
/// And while none stands, to see whether the path can carry more.
const PROBE: f64 = 1.1;
/// And while the path is to be drained for a measurement.
const DRAIN_DRY: f64 = 0.3;
/// Time whose bytes may go out at once: blocked messages are looked at again every few milliseconds.
const BURST: Duration = Duration::from_millis(15);

/// The pacer of what goes to a participant.
#[derive(Debug, Default)]
pub(crate) struct Pacer {
    /// `None` is no limit.
    bucket: Option<TokenBucket>,
    /// When a queue was last seen.
    queue_seen: Option<Instant>,
}

impl Pacer {
    /// Bytes per second, without bound if they are not spread.
    pub(crate) fn rate(&self) -> f64 {
        self.bucket
            .as_ref()
            .map_or(f64::INFINITY, TokenBucket::rate)
    }

    /// Whether data may be sent now.
    pub(crate) fn has_credit(&mut self, now: Instant) -> bool {
        let bucket = self.bucket.as_mut();
        bucket.is_none_or(|bucket| bucket.has_credit(now))
    }

    /// Whether state may be sent now.
    pub(crate) fn has_urgent_credit(&mut self, now: Instant) -> bool {
        let bucket = self.bucket.as_mut();
        bucket.is_none_or(|bucket| bucket.has_urgent_credit(now))
    }

    /// Bytes went out.
    pub(crate) fn charge(&mut self, bytes: usize) {
        if let Some(bucket) = &mut self.bucket {
            bucket.charge(bytes as f64);
        }
    }

    /// Follows what is known about the path.
    pub(crate) fn adapt(&mut self, now: Instant, path: &PathEstimate) {
        if path.has_queue() {
            self.queue_seen = Some(now);
        }
        let recent = |at| now.saturating_duration_since(at) < PACED_FOR;
        if !self.queue_seen.is_some_and(recent) {
            self.bucket = None;
            return;
        }
        let part = if path.is_to_be_drained(now) {
            DRAIN_DRY
        } else if path.has_queue() {
            DRAIN
        } else {
            PROBE
        };
        let rate = path.rate() * part;
        let burst = (rate * BURST.as_secs_f64()).max(SLICE_SIZE as f64);
        match &mut self.bucket {
            Some(bucket) => bucket.set_rate(now, rate, burst),
            None => self.bucket = Some(TokenBucket::new(now, rate, burst)),
        }
    }
}
