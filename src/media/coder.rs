//! A message in, a message out.

use std::time::Instant;

use remote_access_media::{
    compressed_image, compressed_video, jpeg, CompressedImage, Image, MediaError, Planes,
    PointCloud, Reduction, RgbImage, Size, VideoEncoder, VideoSettings,
};
use remote_access_session::VideoFrame;

use super::bit_rate::BitRate;
use super::camera_config::{is_compressed, CameraConfig, Codec};
use crate::driver::VideoHint;

/// Encodes the messages of one topic.
pub(super) enum Coder {
    Images(Box<ImageCoder>),
    Clouds(Reduction),
}

/// Encodes frames.
pub(super) struct ImageCoder {
    /// Whether they come as JPEG or PNG.
    is_compressed: bool,
    largest: Size,
    pixels: RgbImage,
    kind: Kind,
}

enum Kind {
    Jpeg { quality: u8 },
    Video(Box<VideoCoder>),
}

struct VideoCoder {
    encoder: VideoEncoder,
    planes: Planes,
    bit_rate: BitRate,
    /// The number of the next frame.
    number: u64,
    start: Instant,
}

impl Coder {
    /// For messages of the type `source`.
    pub(super) fn new(codec: Codec, source: &str, config: &CameraConfig, now: Instant) -> Self {
        let kind = match codec {
            Codec::Jpeg => Kind::Jpeg {
                quality: config.jpeg_quality,
            },
            Codec::Video => Kind::Video(Box::new(VideoCoder::new(config, now))),
            Codec::Reduced => return Self::Clouds(config.clouds.reduction.clone()),
        };
        Self::Images(Box::new(ImageCoder {
            is_compressed: is_compressed(source),
            largest: config.largest,
            pixels: RgbImage::default(),
            kind,
        }))
    }

    /// The bits per second that are aimed at, of a video.
    pub(super) fn bit_rate(&self) -> Option<u32> {
        match self {
            Self::Images(images) => match &images.kind {
                Kind::Video(video) => Some(video.bit_rate.get()),
                Kind::Jpeg { .. } => None,
            },
            Self::Clouds(_) => None,
        }
    }

    /// The message of the sibling for one of its source that came `at`, with its place in a video.
    pub(super) fn encode(
        &mut self,
        message: &[u8],
        at: Instant,
        hint: VideoHint,
    ) -> Result<(Vec<u8>, Option<VideoFrame>), MediaError> {
        match self {
            Self::Images(images) => images.encode(message, at, hint),
            Self::Clouds(reduction) => {
                let reduced = PointCloud::parse(message)?.reduced(reduction)?;
                Ok((reduced, None))
            }
        }
    }
}

impl ImageCoder {
    fn encode(
        &mut self,
        message: &[u8],
        at: Instant,
        hint: VideoHint,
    ) -> Result<(Vec<u8>, Option<VideoFrame>), MediaError> {
        let (stamp, frame_id) = if self.is_compressed {
            let image = CompressedImage::parse(message)?;
            self.pixels.take_decoded(&image.decode()?, self.largest);
            (image.stamp, image.frame_id)
        } else {
            let image = Image::parse(message)?;
            self.pixels.take(&image, self.largest);
            (image.stamp, image.frame_id)
        };
        match &mut self.kind {
            Kind::Jpeg { quality } => {
                let jpeg = jpeg(&self.pixels, *quality)?;
                let message = compressed_image(stamp, frame_id, &jpeg)?;
                Ok((message, None))
            }
            Kind::Video(video) => {
                let (annex_b, video_frame) = video.encode(&self.pixels, at, hint)?;
                let message = compressed_video(stamp, frame_id, &annex_b)?;
                Ok((message, Some(video_frame)))
            }
        }
    }
}

impl VideoCoder {
    fn new(config: &CameraConfig, now: Instant) -> Self {
        Self {
            encoder: VideoEncoder::new(VideoSettings {
                bit_rate: *config.bit_rates.end(),
                key_frame_interval: config.key_frame_interval,
            }),
            planes: Planes::default(),
            bit_rate: BitRate::new(config.bit_rates.clone(), now),
            number: 0,
            start: now,
        }
    }

    fn encode(
        &mut self,
        pixels: &RgbImage,
        at: Instant,
        hint: VideoHint,
    ) -> Result<(Vec<u8>, VideoFrame), MediaError> {
        self.encoder.set_bit_rate(self.bit_rate.update(at, hint));
        if hint.key_frame {
            self.encoder.request_key_frame();
        }
        self.planes.take(pixels);
        let since = at.saturating_duration_since(self.start);
        let coded = self.encoder.encode(&self.planes, since)?;
        let video_frame = VideoFrame {
            number: self.number,
            is_key_frame: coded.is_key_frame,
        };
        self.number += 1;
        Ok((coded.annex_b, video_frame))
    }
}
