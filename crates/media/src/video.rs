//! Frames as a video.

use std::time::Duration;

use rusty_h264::{Encoder, EncoderConfig, Preset, YuvPlanes};

use crate::annex_b::{unit_type, units, IDR};
use crate::error::MediaError;
use crate::planes::Planes;
use crate::stream_format::{FrameRate, StreamFormat};

/// Smallest side of a frame that is encoded, in pixels: one macroblock.
const SMALLEST_SIDE: usize = 16;
/// Least time from one key frame to one that is asked for. A key frame is as large as many other
/// frames, and viewers that fall behind ask for one again and again; one that joins is to see
/// something within half a second.
const KEY_FRAME_PACE: Duration = Duration::from_millis(300);

/// Settings of a video.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VideoSettings {
    /// Bits per second, on average over about a second.
    pub bit_rate: u32,
    /// Longest time from one key frame to the next.
    pub key_frame_interval: Duration,
}

/// A frame of the video.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coded {
    /// Its bytes: H.264, Annex B.
    pub annex_b: Vec<u8>,
    /// Whether decoding can begin with it. Such a one carries the parameter sets.
    pub is_key_frame: bool,
}

/// Encodes frames as H.264, Constrained Baseline: each refers to the one before, or to none.
pub struct VideoEncoder {
    settings: VideoSettings,
    running: Option<Running>,
    wants_key_frame: bool,
    rate: FrameRate,
}

/// An encoder for one format, which it cannot change.
struct Running {
    encoder: Encoder,
    format: StreamFormat,
    key_frame_at: Duration,
}

impl VideoEncoder {
    /// An encoder that begins with a key frame.
    #[must_use]
    pub fn new(settings: VideoSettings) -> Self {
        Self {
            settings,
            running: None,
            wants_key_frame: true,
            rate: FrameRate::default(),
        }
    }

    /// Changes the bit rate. A change that matters begins with a key frame.
    pub fn set_bit_rate(&mut self, bits_per_second: u32) {
        self.settings.bit_rate = bits_per_second;
    }

    /// Makes the next frame a key frame, but no sooner than 0.3 s after the last one.
    pub fn request_key_frame(&mut self) {
        self.wants_key_frame = true;
    }

    /// Encodes a frame that was taken `at`, counted from any moment.
    ///
    /// # Errors
    /// The frame is smaller than 16 × 16 pixels or larger than H.264 allows, or the encoder fails. The
    /// next frame is a key frame then.
    pub fn encode(&mut self, planes: &Planes, at: Duration) -> Result<Coded, MediaError> {
        self.rate.seen(at);
        let (width, height) = (planes.width, planes.height);
        let wanted = StreamFormat {
            width,
            height,
            bit_rate: self.settings.bit_rate,
            frame_rate: self.rate.per_second(),
        };
        let fits = |running: &Running| running.format.serves(&wanted);
        if !self.running.as_ref().is_some_and(fits) {
            self.running = None;
            self.running = Some(start(wanted)?);
            self.wants_key_frame = true;
        }
        let Some(running) = &mut self.running else {
            return Err(MediaError::VideoSize { width, height });
        };
        let since = at.saturating_sub(running.key_frame_at);
        let wanted = self.wants_key_frame && since >= KEY_FRAME_PACE;
        if wanted || since >= self.settings.key_frame_interval || at < running.key_frame_at {
            running.encoder.request_keyframe();
        }
        let half = width / 2;
        let view = YuvPlanes::new(width, height, &planes.y, &planes.u, &planes.v, width, half)
            .ok_or(MediaError::VideoSize { width, height })?;
        let coded = running.encoder.encode_planes(&view);
        let annex_b = match coded {
            Ok(annex_b) => annex_b,
            Err(error) => {
                self.running = None;
                return Err(MediaError::Encoder(format!("{error:?}")));
            }
        };
        let is_key_frame = units(&annex_b).any(|unit| unit_type(unit) == IDR);
        if is_key_frame {
            running.key_frame_at = at;
            self.wants_key_frame = false;
        }
        Ok(Coded {
            annex_b,
            is_key_frame,
        })
    }
}

fn start(format: StreamFormat) -> Result<Running, MediaError> {
    let StreamFormat {
        width,
        height,
        bit_rate,
        frame_rate,
    } = format;
    let wrong_size = MediaError::VideoSize { width, height };
    if width.min(height) < SMALLEST_SIDE {
        return Err(wrong_size);
    }
    let mut config = EncoderConfig::baseline(width, height);
    config.level_idc = level(width, height, frame_rate).ok_or(wrong_size)?;
    config.preset = Preset::Balanced;
    config.bitrate = bit_rate;
    config.framerate = frame_rate;
    config.qp = first_quantizer(width, height, bit_rate, frame_rate);
    // Key frames come when they are asked for.
    config.gop_size = u32::MAX;
    let encoder =
        Encoder::new(config).map_err(|error| MediaError::Encoder(format!("{error:?}")))?;
    Ok(Running {
        encoder,
        format,
        key_frame_at: Duration::ZERO,
    })
}

/// The quantizer that the first frame gets, by the bits that there are for a pixel.
fn first_quantizer(width: usize, height: usize, bit_rate: u32, frame_rate: f32) -> u8 {
    let bits = bit_rate as f32 / frame_rate / (width * height) as f32;
    // Six steps halve the bits; a tenth of a bit for each pixel is well served by 30.
    (30.0 - 6.0 * (bits / 0.1).log2()).clamp(24.0, 40.0) as u8
}

/// The lowest level of H.264 that allows the size and the rate: `level_idc`.
fn level(width: usize, height: usize, frame_rate: f32) -> Option<u8> {
    /// Each level with its most macroblocks in a frame and in a second.
    const LEVELS: [(u8, usize, f32); 8] = [
        (30, 1_620, 40_500.0),
        (31, 3_600, 108_000.0),
        (32, 5_120, 216_000.0),
        (40, 8_192, 245_760.0),
        (42, 8_704, 522_240.0),
        (50, 22_080, 589_824.0),
        (51, 36_864, 983_040.0),
        (52, 36_864, 2_073_600.0),
    ];
    let blocks = width.div_ceil(16) * height.div_ceil(16);
    LEVELS
        .iter()
        .find(|(_, most, in_second)| blocks <= *most && blocks as f32 * frame_rate <= *in_second)
        .map(|(level, ..)| *level)
}
