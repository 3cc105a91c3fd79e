//! The bit rate of a video, by what its viewers can take.

use std::ops::{Range, RangeInclusive};
use std::time::{Duration, Instant};

use remote_access_session::Lag;

use crate::driver::VideoHint;

/// Part of the bit rate that is kept when viewers cannot keep up.
const LESS: f64 = 0.6;
/// Part of what the slowest viewer can take that video is to need: the rest is for other topics, and
/// for what waits to drain.
const SHARE: f64 = 0.7;
/// Time after a change in which what was encoded before is still on the way, and says nothing new.
const SETTLING: Duration = Duration::from_millis(500);
/// How much the bit rate grows again, and how long all must have kept up for that.
const MORE: f64 = 1.2;
const CALM: Duration = Duration::from_secs(3);
/// How much it grows near the one that was too much last, and what is near.
const LITTLE_MORE: f64 = 1.04;
const NEAR: Range<f64> = 0.8..1.1;

/// Goes down at once when viewers fall behind, and up slowly when they keep up: more slowly where it was too
/// much before, so that it does not run into the same limit every few seconds.
#[derive(Debug)]
pub(super) struct BitRate {
    bounds: RangeInclusive<u32>,
    now: u32,
    /// The one that was too much last, until it was exceeded.
    too_much: Option<f64>,
    /// When it was changed, and when viewers were behind.
    changed: Option<Instant>,
    behind: Instant,
}

impl BitRate {
    /// Begins with the most of `bounds`, in bits per second.
    pub(super) fn new(bounds: RangeInclusive<u32>, now: Instant) -> Self {
        Self {
            now: *bounds.end(),
            bounds,
            too_much: None,
            changed: None,
            behind: now,
        }
    }

    /// The bits per second now.
    pub(super) fn get(&self) -> u32 {
        self.now
    }

    /// The bits per second from now on; `hint` is what viewers need since the last call.
    pub(super) fn update(&mut self, now: Instant, hint: VideoHint) -> u32 {
        let since = |at: Instant| now.saturating_duration_since(at);
        let settled = |time| self.changed.is_none_or(|at| since(at) >= time);
        let current = f64::from(self.now);
        let wanted = if let Some(lag) = hint.behind {
            self.behind = now;
            let can_take = hint.rate.map_or(f64::INFINITY, |rate| rate as f64 * 8.0);
            let wanted = match lag {
                Lag::FramesWait if settled(SETTLING) => (current * LESS).min(can_take * SHARE),
                // What is measured needs no time to settle.
                _ if can_take < current => can_take * SHARE,
                // The queue is that of others: all of the video arrives.
                _ => return self.now,
            };
            let near = if settled(SETTLING) { 1.0 } else { NEAR.start };
            if wanted >= current * near {
                return self.now;
            }
            self.too_much = Some(current);
            wanted
        } else if settled(CALM) && since(self.behind) >= CALM {
            self.more(current)
        } else {
            return self.now;
        };
        let wanted = (wanted.round() as u32).clamp(*self.bounds.start(), *self.bounds.end());
        if wanted != self.now {
            self.now = wanted;
            self.changed = Some(now);
        }
        self.now
    }

    /// The next one above `current`.
    fn more(&mut self, current: f64) -> f64 {
        let Some(too_much) = self.too_much else {
            return current * MORE;
        };
        // Rounded, since `current` is: it would never get there otherwise.
        let (from, to) = ((too_much * NEAR.start).round(), too_much * NEAR.end);
        if current >= to {
            self.too_much = None;
            current * MORE
        } else if current >= from {
            current * LITTLE_MORE
        } else {
            (current * MORE).min(from)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn behind(rate: Option<u64>) -> VideoHint {
        VideoHint {
            behind: Some(Lag::FramesWait),
            rate,
            ..VideoHint::default()
        }
    }

    #[test]
    fn it_goes_down_at_once_and_up_slowly_within_its_bounds() {
        let start = Instant::now();
        let at = |ms: u64| start + Duration::from_millis(ms);
        let mut rate = BitRate::new(200_000..=1_000_000, start);
        let calm = VideoHint::default();
        assert_eq!(rate.update(at(100), behind(None)), 600_000);
        assert_eq!(
            rate.update(at(500), behind(None)),
            600_000,
            "that was sent before"
        );
        assert_eq!(rate.update(at(700), behind(None)), 360_000);
        assert_eq!(rate.update(at(1_300), behind(None)), 216_000);
        assert_eq!(rate.update(at(2_000), behind(None)), 200_000);
        assert_eq!(rate.update(at(4_800), calm), 200_000);
        assert_eq!(rate.update(at(5_100), calm), 208_000);
        assert_eq!(rate.update(at(5_200), calm), 208_000);
        let mut last = 0;
        for second in 0..60 {
            last = rate.update(at(7_000 + 1_000 * second), calm);
        }
        assert_eq!(last, 1_000_000);
    }

    #[test]
    fn it_grows_slowly_near_the_rate_that_was_too_much_and_fast_beyond() {
        let start = Instant::now();
        let mut rate = BitRate::new(100_000..=10_000_000, start);
        rate.now = 1_000_000;
        let mut now = start;
        assert_eq!(rate.update(now, behind(None)), 600_000);
        let mut next = || {
            now += CALM;
            rate.update(now, VideoHint::default())
        };
        assert_eq!([next(), next()], [720_000, 800_000]);
        let slowly: Vec<_> = std::iter::repeat_with(&mut next).take(9).collect();
        for (less, more) in slowly.iter().zip(&slowly[1..]) {
            let growth = f64::from(*more) / f64::from(*less);
            assert!((1.03..1.05).contains(&growth), "{slowly:?}");
        }
        assert!(slowly[8] > 1_100_000, "{slowly:?}");
        let beyond = next();
        assert!(beyond > slowly[8] / 100 * 119, "{beyond} after {slowly:?}");
    }

    #[test]
    fn it_comes_back_from_wherever_it_was() {
        for fallen_to in (200_000..300_000).step_by(997) {
            let start = Instant::now();
            let mut rate = BitRate::new(150_000..=1_500_000, start);
            rate.update(start, behind(Some(fallen_to / 8 + 7)));
            let later = start + SETTLING;
            rate.update(later, behind(None));
            for step in 1..80 {
                rate.update(later + step * CALM, VideoHint::default());
            }
            assert_eq!(rate.get(), 1_500_000, "after {fallen_to}");
        }
    }

    #[test]
    fn what_was_measured_is_reached_in_one_step() {
        let start = Instant::now();
        let mut rate = BitRate::new(150_000..=1_500_000, start);
        let slow = behind(Some(87_500));
        assert_eq!(rate.update(start, slow), 490_000);
        let later = start + Duration::from_millis(600);
        assert_eq!(rate.update(later, behind(Some(1_000_000))), 294_000);
    }

    #[test]
    fn a_queue_on_the_path_counts_if_the_path_carries_less() {
        let start = Instant::now();
        let mut rate = BitRate::new(150_000..=1_500_000, start);
        let queue = |rate| VideoHint {
            behind: Some(Lag::PathQueue),
            ..behind(Some(rate))
        };
        assert_eq!(rate.update(start, queue(600_000)), 1_500_000, "of others");
        assert_eq!(rate.update(start, queue(87_500)), 490_000);
        let soon = start + Duration::from_millis(100);
        assert_eq!(rate.update(soon, queue(80_000)), 490_000, "about the same");
        assert_eq!(rate.update(soon, queue(50_000)), 280_000);
        let later = start + Duration::from_secs(1);
        assert_eq!(rate.update(later, queue(50_000)), 280_000, "all arrives");
        assert_eq!(rate.update(later, queue(34_000)), 190_400);
    }
}
