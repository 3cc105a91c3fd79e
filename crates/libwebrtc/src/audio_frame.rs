//! Raw audio samples.

use std::borrow::Cow;

/// A piece of interleaved 16-bit audio.
#[derive(Debug, Clone)]
pub struct AudioFrame<'a> {
    /// Samples, interleaved by channel.
    pub data: Cow<'a, [i16]>,
    /// Samples per second and channel.
    pub sample_rate: u32,
    /// Number of interleaved channels.
    pub num_channels: u32,
    /// Samples of each channel in `data`.
    pub samples_per_channel: u32,
}

impl AudioFrame<'_> {
    /// A frame of silence.
    pub fn new(sample_rate: u32, num_channels: u32, samples_per_channel: u32) -> Self {
        let samples = num_channels as usize * samples_per_channel as usize;
        Self {
            data: vec![0; samples].into(),
            sample_rate,
            num_channels,
            samples_per_channel,
        }
    }
}
