//! A message in, a message out.

use std::time::{Duration, Instant};

use flume::Receiver;
use remote_access_media::{
    compressed_image, compressed_video, jpeg, Coded, CompressedImage, Image, LosslessImage,
    MediaError, Planes, PointCloud, Reduction, RgbImage, Size, Stamp, VideoEncoder, VideoSettings,
};
use remote_access_session::{PublisherId, VideoFrame};
use thiserror::Error;
use tracing::debug;

use super::bit_rate::BitRate;
use super::camera_config::{is_compressed, CameraConfig};
use super::cloud_config::DracoConfig;
use super::codec::Codec;
use super::external_encoder::{Event, ProgramError};
use super::external_video::ExternalVideo;
use crate::driver::VideoHint;

/// A message is not encoded. The text says why.
#[derive(Debug, Error)]
pub(super) enum CoderError {
    #[error(transparent)]
    Media(#[from] MediaError),
    #[error("camera_encoder_command: {0}")]
    Program(#[from] ProgramError),
}

/// The message of the source that another one is made of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Origin {
    /// When it came, for the channel: nanoseconds of ROS time.
    pub(super) log_time: u64,
    pub(super) publisher: PublisherId,
}

/// A message of the sibling.
pub(super) struct Encoded {
    pub(super) message: Vec<u8>,
    /// Its place in a video.
    pub(super) video_frame: Option<VideoFrame>,
    pub(super) origin: Origin,
}

/// Encodes the messages of one topic.
pub(super) enum Coder {
    Images(Box<ImageCoder>),
    Lossless,
    Reduced(Reduction),
    Draco(DracoConfig),
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
    encoder: Encoder,
    planes: Planes,
    bit_rate: BitRate,
    /// The number of the next frame.
    number: u64,
    start: Instant,
}

enum Encoder {
    Own(Box<VideoEncoder>),
    Program(Box<ExternalVideo<Origin>>),
}

impl Coder {
    /// For messages of the type `source`.
    pub(super) fn new(codec: Codec, source: &str, config: &CameraConfig, now: Instant) -> Self {
        let kind = match codec {
            Codec::Jpeg => Kind::Jpeg {
                quality: config.jpeg_quality,
            },
            Codec::Video | Codec::VideoSmall => {
                Kind::Video(Box::new(VideoCoder::new(config, codec, now)))
            }
            Codec::Png => return Self::Lossless,
            Codec::Reduced => return Self::Reduced(config.clouds.reduction.clone()),
            Codec::Draco => return Self::Draco(config.clouds.draco.clone()),
        };
        Self::Images(Box::new(ImageCoder {
            is_compressed: is_compressed(source),
            largest: config.largest(codec),
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
            Self::Lossless | Self::Reduced(_) | Self::Draco(_) => None,
        }
    }

    /// The message of the sibling for one of its source that came `at`. There is none yet where a
    /// program encodes it: it comes with one of the [`events`](Self::events).
    pub(super) fn encode(
        &mut self,
        message: &[u8],
        origin: Origin,
        at: Instant,
        hint: VideoHint,
    ) -> Result<Option<Encoded>, CoderError> {
        let message = match self {
            Self::Images(images) => return images.encode(message, origin, at, hint),
            Self::Lossless => {
                let image = LosslessImage::parse(message)?;
                compressed_image(image.stamp, image.frame_id, &image.format(), &image.png()?)?
            }
            Self::Reduced(reduction) => PointCloud::parse(message)?.reduced(reduction)?,
            Self::Draco(config) => {
                PointCloud::parse(message)?.draco(&config.reduction, config.step)?
            }
        };
        Ok(Some(Encoded {
            message,
            video_frame: None,
            origin,
        }))
    }

    /// News of the program that encodes, if one runs.
    pub(super) fn events(&mut self) -> Option<Receiver<Event>> {
        let Encoder::Program(program) = &self.video()?.encoder else {
            return None;
        };
        program.events().cloned()
    }

    /// The message that news of the program bring.
    pub(super) fn take(&mut self, event: Event) -> Result<Option<Encoded>, CoderError> {
        self.video().map_or(Ok(None), |video| video.take(event))
    }

    /// Processor time that a program took since this was asked last.
    pub(super) fn take_program_cpu(&mut self) -> Duration {
        match self.video().map(|video| &mut video.encoder) {
            Some(Encoder::Program(program)) => program.take_cpu(),
            Some(Encoder::Own(_)) | None => Duration::ZERO,
        }
    }

    fn video(&mut self) -> Option<&mut VideoCoder> {
        match self {
            Self::Images(images) => match &mut images.kind {
                Kind::Video(video) => Some(video),
                Kind::Jpeg { .. } => None,
            },
            Self::Lossless | Self::Reduced(_) | Self::Draco(_) => None,
        }
    }
}

impl ImageCoder {
    fn encode(
        &mut self,
        message: &[u8],
        origin: Origin,
        at: Instant,
        hint: VideoHint,
    ) -> Result<Option<Encoded>, CoderError> {
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
                Ok(Some(Encoded {
                    message: compressed_image(stamp, frame_id, "jpeg", &jpeg)?,
                    video_frame: None,
                    origin,
                }))
            }
            Kind::Video(video) => {
                video.planes.take(&self.pixels);
                video.encode((stamp, frame_id, origin), at, hint)
            }
        }
    }
}

impl VideoCoder {
    fn new(config: &CameraConfig, codec: Codec, now: Instant) -> Self {
        let bit_rates = config.bit_rates(codec);
        let key_frame_interval = config.key_frame_interval;
        let encoder = if config.encoder_command.is_empty() {
            Encoder::Own(Box::new(VideoEncoder::new(VideoSettings {
                bit_rate: *bit_rates.end(),
                key_frame_interval,
            })))
        } else {
            let command = config.encoder_command.clone();
            Encoder::Program(Box::new(ExternalVideo::new(
                command,
                key_frame_interval,
                now,
            )))
        };
        Self {
            encoder,
            planes: Planes::default(),
            bit_rate: BitRate::new(bit_rates, now),
            number: 0,
            start: now,
        }
    }

    /// Encodes what is in the planes.
    fn encode(
        &mut self,
        (stamp, frame_id, origin): (Stamp, &str, Origin),
        at: Instant,
        hint: VideoHint,
    ) -> Result<Option<Encoded>, CoderError> {
        let before = self.bit_rate.get();
        let bit_rate = self.bit_rate.update(at, hint);
        if bit_rate != before {
            let VideoHint { behind, rate, .. } = hint;
            debug!(
                frame_id,
                ?behind,
                ?rate,
                before,
                bit_rate,
                "another bit rate"
            );
        }
        match &mut self.encoder {
            Encoder::Own(encoder) => {
                encoder.set_bit_rate(bit_rate);
                if hint.key_frame {
                    encoder.request_key_frame();
                }
                let since = at.saturating_duration_since(self.start);
                let coded = encoder.encode(&self.planes, since)?;
                self.message(stamp, frame_id, origin, &coded).map(Some)
            }
            Encoder::Program(program) => {
                if hint.key_frame {
                    program.request_key_frame();
                }
                program.give(&self.planes, bit_rate, (stamp, frame_id, origin), at)?;
                Ok(None)
            }
        }
    }

    fn take(&mut self, event: Event) -> Result<Option<Encoded>, CoderError> {
        let Encoder::Program(program) = &mut self.encoder else {
            return Ok(None);
        };
        let Some((given, coded)) = program.take(event, Instant::now())? else {
            return Ok(None);
        };
        self.message(given.stamp, &given.frame_id, given.origin, &coded)
            .map(Some)
    }

    fn message(
        &mut self,
        stamp: Stamp,
        frame_id: &str,
        origin: Origin,
        coded: &Coded,
    ) -> Result<Encoded, CoderError> {
        let video_frame = VideoFrame {
            number: self.number,
            is_key_frame: coded.is_key_frame,
        };
        self.number += 1;
        Ok(Encoded {
            message: compressed_video(stamp, frame_id, &coded.annex_b)?,
            video_frame: Some(video_frame),
            origin,
        })
    }
}
