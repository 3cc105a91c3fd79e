//! Token bucket: lets a rate through, with a burst.

use std::time::{Duration, Instant};

/// A rate and a burst, in any unit: bytes or messages.
///
/// The balance may go below zero, since a large frame goes out whole: the debt is paid off before
/// more may be spent. So the rate holds in the long run.
#[derive(Clone, Debug)]
pub struct TokenBucket {
    rate: f64,
    burst: f64,
    tokens: f64,
    updated: Instant,
}

impl TokenBucket {
    /// `rate` per second, and at most `burst` after a pause. The bucket is full at first.
    #[must_use]
    pub fn new(now: Instant, rate: f64, burst: f64) -> Self {
        Self {
            rate,
            burst,
            tokens: burst,
            updated: now,
        }
    }

    /// Goes on at another rate, with what is there or owed.
    pub fn set_rate(&mut self, now: Instant, rate: f64, burst: f64) {
        self.refill(now);
        self.rate = rate;
        self.burst = burst;
        self.tokens = self.tokens.clamp(-burst, burst);
    }

    /// Tokens per second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.rate
    }

    /// Whether nothing was spent for so long that a new bucket would be the same.
    pub fn is_full(&mut self, now: Instant) -> bool {
        self.refill(now);
        self.tokens >= self.burst
    }

    /// Whether something may be spent now.
    pub fn has_credit(&mut self, now: Instant) -> bool {
        self.refill(now);
        self.tokens > 0.0
    }

    /// Whether something may be spent now, without a refill.
    pub(crate) fn would_have_credit(&self, now: Instant) -> bool {
        let elapsed = now.saturating_duration_since(self.updated).as_secs_f64();
        self.tokens + elapsed * self.rate > 0.0
    }

    /// Spends `amount`, but owes no more than `most`: the rest of a debt is forgiven.
    pub(crate) fn charge_and_forgive(&mut self, now: Instant, amount: f64, most: f64) {
        self.refill(now);
        self.tokens = (self.tokens - amount).max(-most);
    }

    /// Whether the debt is smaller than a burst, for what is urgent.
    pub fn has_urgent_credit(&mut self, now: Instant) -> bool {
        self.refill(now);
        self.tokens > -self.burst
    }

    /// Spends `amount`, also if there is less.
    pub fn charge(&mut self, amount: f64) {
        self.tokens -= amount;
    }

    /// Spends `amount` if anything may be spent now. Returns whether it did.
    pub fn take(&mut self, now: Instant, amount: f64) -> bool {
        let ready = self.has_credit(now);
        if ready {
            self.charge(amount);
        }
        ready
    }

    /// Time at which something may be spent again, if nothing is until then.
    #[must_use]
    pub fn ready_at(&self) -> Instant {
        let debt = (-self.tokens).max(0.0);
        // A rate of nothing must not overflow the time; a microsecond more makes it positive.
        let wait = (debt / self.rate.max(1e-3)).min(3600.0);
        self.updated + Duration::from_secs_f64(wait) + Duration::from_micros(1)
    }

    fn refill(&mut self, now: Instant) {
        let elapsed = now.saturating_duration_since(self.updated).as_secs_f64();
        self.updated = self.updated.max(now);
        self.tokens = (self.tokens + elapsed * self.rate).min(self.burst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_debt_may_be_limited() {
        let start = Instant::now();
        let mut bucket = TokenBucket::new(start, 100.0, 10.0);
        assert!(bucket.would_have_credit(start));
        bucket.charge_and_forgive(start, 1e6, 10.0);
        assert!(!bucket.would_have_credit(start + 100 * MS));
        assert!(bucket.would_have_credit(start + 101 * MS));
        assert!(bucket.has_credit(start + 101 * MS));
    }

    #[test]
    fn a_burst_goes_through_and_then_the_rate() {
        let start = Instant::now();
        let mut bucket = TokenBucket::new(start, 100.0, 10.0);
        let spent =
            |bucket: &mut TokenBucket, now| (0..1000).filter(|_| bucket.take(now, 1.0)).count();
        assert_eq!(spent(&mut bucket, start), 10);
        assert_eq!(spent(&mut bucket, start + 50 * MS), 5);
        assert_eq!(
            spent(&mut bucket, start + 10_000 * MS),
            10,
            "no more after a pause"
        );
    }

    #[test]
    fn a_debt_is_paid_off_and_told_when() {
        let start = Instant::now();
        let mut bucket = TokenBucket::new(start, 100.0, 10.0);
        bucket.charge(15.0);
        assert!(!bucket.has_credit(start));
        assert!(bucket.has_urgent_credit(start));
        let ready = bucket.ready_at();
        assert!(!bucket.has_credit(ready - MS));
        assert!(bucket.has_credit(ready));
        bucket.charge(100.0);
        assert!(!bucket.has_urgent_credit(ready));
    }

    #[test]
    fn what_comes_at_the_rate_goes_through_despite_jitter() {
        let start = Instant::now();
        let mut bucket = TokenBucket::new(start, 5.0, 1.0);
        for index in 0..1000u32 {
            let jitter = (index * 7919 % 190) * MS;
            assert!(
                bucket.take(start + index * 200 * MS + jitter, 1.0),
                "{index}"
            );
        }
    }
}
