//! Send buffer of the transport: how many bytes it may hold back, so that the choice of what goes
//! out stays late, and the limit of the uplink.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::bucket::TokenBucket;
use crate::config::SLICE_SIZE;

/// Time that bytes may wait in the transport on the robot.
const BUFFER_TIME: Duration = Duration::from_millis(40);
/// The rate is the highest of these spans of time, since data comes in bursts.
const SPAN: Duration = Duration::from_millis(100);
const SPANS: usize = 10;
/// Bytes that wait beyond the limit of the buffer: the slice that exceeded it, and the next one,
/// which was chosen but not taken yet.
const BEYOND: u64 = 2 * SLICE_SIZE as u64;
/// Enough for small messages to share packets.
const MIN_BUFFER: u64 = 4_000;
/// LiveKit's own default, in bytes.
const MAX_BUFFER: u64 = 2 << 20;

/// The rate at which the transport took bytes lately.
#[derive(Debug)]
pub(crate) struct SendBuffer {
    span_start: Instant,
    /// Bytes of each span, the current one last.
    spans: VecDeque<u64>,
    cap: Option<TokenBucket>,
}

/// Traffic that the limit of the uplink lets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Uplink {
    /// Anything.
    Free,
    /// Control messages, and data from this time on.
    Urgent(Instant),
    /// Nothing until this time.
    Busy(Instant),
}

impl SendBuffer {
    /// `cap` is the highest rate in bytes per second.
    pub(crate) fn new(now: Instant, cap: Option<u64>) -> Self {
        let mut buffer = Self {
            cap: None,
            span_start: now,
            spans: VecDeque::from([0]),
        };
        buffer.set_cap(now, cap);
        buffer
    }

    /// Sets the highest rate in bytes per second.
    pub(crate) fn set_cap(&mut self, now: Instant, cap: Option<u64>) {
        self.cap = cap.map(|rate| {
            let rate = rate as f64;
            let burst = (rate * BUFFER_TIME.as_secs_f64()).max(BEYOND as f64);
            TokenBucket::new(now, rate, burst)
        });
    }

    pub(crate) fn on_sent(&mut self, now: Instant, bytes: usize) {
        let mut passed = 0;
        while now.saturating_duration_since(self.span_start) >= SPAN && passed < SPANS {
            self.span_start += SPAN;
            self.spans.push_back(0);
            passed += 1;
        }
        if passed == SPANS {
            self.span_start = now;
        }
        while self.spans.len() > SPANS {
            self.spans.pop_front();
        }
        if let Some(span) = self.spans.back_mut() {
            *span += bytes as u64;
        }
        if let Some(cap) = &mut self.cap {
            cap.charge(bytes as f64);
        }
    }

    /// Traffic that may be sent now.
    pub(crate) fn uplink(&mut self, now: Instant) -> Uplink {
        let Some(cap) = &mut self.cap else {
            return Uplink::Free;
        };
        if cap.has_credit(now) {
            Uplink::Free
        } else if cap.has_urgent_credit(now) {
            Uplink::Urgent(cap.ready_at())
        } else {
            Uplink::Busy(cap.ready_at())
        }
    }

    /// Unsent bytes that the transport may have: what goes out in [`BUFFER_TIME`] at the rate of the
    /// last second.
    pub(crate) fn suggested(&self) -> u64 {
        let busiest = self.spans.iter().copied().max().unwrap_or(0);
        let share = BUFFER_TIME.as_millis() as u64;
        let bytes = busiest * share / SPAN.as_millis() as u64;
        bytes.saturating_sub(BEYOND).clamp(MIN_BUFFER, MAX_BUFFER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(rate: u64, rest: Duration) -> u64 {
        let start = Instant::now();
        let mut buffer = SendBuffer::new(start, None);
        for step in 0..2000 {
            let now = start + Duration::from_millis(step);
            buffer.on_sent(now, (rate / 1000) as usize);
        }
        buffer.on_sent(start + Duration::from_millis(2000) + rest, 0);
        buffer.suggested()
    }

    #[test]
    fn the_buffer_follows_the_rate() {
        assert_eq!(after(625_000, Duration::ZERO), MIN_BUFFER);
        assert_eq!(after(10_000_000, Duration::ZERO), 370_000);
        assert_eq!(after(1_000_000_000, Duration::ZERO), MAX_BUFFER);
    }

    #[test]
    fn beyond_the_limit_control_messages_pass_for_a_while_and_then_nothing() {
        let start = Instant::now();
        let mut buffer = SendBuffer::new(start, Some(1_000_000));
        let mut seen = Vec::new();
        for _ in 0..100 {
            let kind = match buffer.uplink(start) {
                Uplink::Free => "free",
                Uplink::Urgent(at) | Uplink::Busy(at) if at <= start => "too early",
                Uplink::Urgent(_) => "urgent",
                Uplink::Busy(_) => "busy",
            };
            if seen.last() != Some(&kind) {
                seen.push(kind);
            }
            buffer.on_sent(start, 10_000);
        }
        assert_eq!(seen, ["free", "urgent", "busy"]);
    }

    #[test]
    fn a_rate_of_long_ago_counts_no_more() {
        assert_eq!(after(10_000_000, Duration::from_secs(60)), MIN_BUFFER);
    }
}
