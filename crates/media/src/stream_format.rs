//! The format that an encoder of video is started for.

use std::time::Duration;

/// A bit rate or a rate of frames that changed by less than this share is kept: a new one begins
/// with a key frame.
const TOLERANCE: f32 = 0.15;
/// Frames between two measurements of their rate.
const MEASURED: u32 = 15;
/// A longer time between two frames is a pause, not a rate.
const LONGEST_GAP: Duration = Duration::from_secs(2);
/// Rates of frames that are reckoned with.
const FRAME_RATES: std::ops::RangeInclusive<f32> = 0.5..=120.0;

/// The format that an encoder is started for, and keeps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StreamFormat {
    /// Pixels in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Bits per second, on average over about a second.
    pub bit_rate: u32,
    /// Frames per second.
    pub frame_rate: f32,
}

impl StreamFormat {
    /// Whether an encoder that was started for this one will do for another: the size is the same, and
    /// the rates differ by no more than 15 %.
    #[must_use]
    pub fn serves(&self, wanted: &Self) -> bool {
        self.width == wanted.width
            && self.height == wanted.height
            && is_near(self.bit_rate as f32, wanted.bit_rate as f32)
            && is_near(self.frame_rate, wanted.frame_rate)
    }
}

fn is_near(old: f32, new: f32) -> bool {
    (new - old).abs() <= TOLERANCE * old
}

/// The rate of frames, as measured over the last 15 of them; 30 a second until then.
#[derive(Clone, Debug)]
pub struct FrameRate {
    per_second: f32,
    last: Option<Duration>,
    since: Duration,
    frames: u32,
}

impl Default for FrameRate {
    fn default() -> Self {
        Self {
            per_second: 30.0,
            last: None,
            since: Duration::ZERO,
            frames: 0,
        }
    }
}

impl FrameRate {
    /// Frames per second, 0.5 to 120.
    #[must_use]
    pub fn per_second(&self) -> f32 {
        self.per_second
    }

    /// Counts a frame that was taken `at`, counted from any moment.
    pub fn seen(&mut self, at: Duration) {
        let gap = self.last.and_then(|last| at.checked_sub(last));
        self.last = Some(at);
        if gap.is_none_or(|gap| gap > LONGEST_GAP) {
            (self.since, self.frames) = (at, 0);
            return;
        }
        self.frames += 1;
        let time = (at - self.since).as_secs_f32();
        if self.frames < MEASURED || time <= 0.0 {
            return;
        }
        let measured = self.frames as f32 / time;
        self.per_second = measured.clamp(*FRAME_RATES.start(), *FRAME_RATES.end());
        (self.since, self.frames) = (at, 0);
    }
}
