//! Rate limits of channels.

use std::time::Instant;

use crate::bucket::TokenBucket;

/// Limit of what may be sent of a channel. `None` is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RateLimit {
    /// Messages per second.
    pub messages: Option<f64>,
    /// Bytes per second.
    pub bytes: Option<f64>,
}

/// Holds a channel to its [`RateLimit`].
#[derive(Debug)]
pub(crate) struct RateLimiter {
    messages: Option<TokenBucket>,
    bytes: Option<TokenBucket>,
}

impl RateLimiter {
    /// Messages come evenly; bytes may come a second's worth at a time.
    pub(crate) fn new(now: Instant, limit: RateLimit) -> Self {
        Self {
            messages: limit.messages.map(|rate| TokenBucket::new(now, rate, 1.0)),
            bytes: limit.bytes.map(|rate| TokenBucket::new(now, rate, rate)),
        }
    }

    /// Whether a message of so many bytes may pass now. One that may is counted.
    pub(crate) fn pass(&mut self, now: Instant, bytes: usize) -> bool {
        let ready = |bucket: &mut Option<TokenBucket>| {
            bucket.as_mut().is_none_or(|bucket| bucket.has_credit(now))
        };
        if !ready(&mut self.messages) || !ready(&mut self.bytes) {
            return false;
        }
        if let Some(bucket) = &mut self.messages {
            bucket.charge(1.0);
        }
        if let Some(bucket) = &mut self.bytes {
            bucket.charge(bytes as f64);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn passed(limit: RateLimit, size: usize) -> usize {
        let start = Instant::now();
        let mut limiter = RateLimiter::new(start, limit);
        let at = |step| start + Duration::from_millis(10) * step;
        (0..1000)
            .filter(|&step| limiter.pass(at(step), size))
            .count()
    }

    #[test]
    fn each_of_the_limits_holds() {
        let messages = Some(5.0);
        let bytes = Some(2_000.0);
        let limit = |messages, bytes| RateLimit { messages, bytes };
        assert_eq!(passed(limit(None, None), 1_000), 1_000);
        assert!((50..=52).contains(&passed(limit(messages, None), 1_000)));
        assert!((20..=24).contains(&passed(limit(None, bytes), 1_000)));
        assert!((20..=24).contains(&passed(limit(messages, bytes), 1_000)));
        assert!((50..=52).contains(&passed(limit(messages, bytes), 10)));
    }
}
