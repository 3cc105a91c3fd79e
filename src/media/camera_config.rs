//! How topics of images are offered, as it is configured.

use std::ops::RangeInclusive;
use std::time::Duration;

use remote_access_media::{Size, COMPRESSED_IMAGE};

use super::cloud_config::CloudConfig;
use super::codec::Codec;
use crate::ros::{Patterns, Topic};

/// The type of the topics that have encoded siblings.
const IMAGE: &str = "sensor_msgs/msg/Image";
/// The type of the topics that have a video.
const COMPRESSED: &str = COMPRESSED_IMAGE.name;
/// The type of the topics that have a reduced and a compressed one.
const CLOUD: &str = "sensor_msgs/msg/PointCloud2";
/// Suffix that `image_transport` adds to a topic's name for the images it has encoded as JPEG.
const TRANSPORT_JPEG: &str = "compressed";
/// The one that it adds for depths.
const TRANSPORT_DEPTH: &str = "compressedDepth";

/// How topics of images are offered.
#[derive(Clone, Debug)]
pub struct CameraConfig {
    /// The topics that have siblings.
    pub topics: Patterns,
    /// The topics and siblings that are not offered even if allowed.
    pub denied: Patterns,
    /// The topics of measurements: nothing of theirs may be lost.
    pub lossless: Patterns,
    /// The siblings that they have.
    pub codecs: Vec<Codec>,
    /// The largest image that is encoded; larger ones shrink.
    pub largest_image: Size,
    /// The largest one of a small video.
    pub largest_small: Size,
    /// Most images in a second.
    pub max_rate: Option<u32>,
    /// Quality of JPEG, 1 to 100.
    pub jpeg_quality: u8,
    /// Bits of video in a second.
    pub bit_rates: RangeInclusive<u32>,
    /// Bits of small video in a second.
    pub small_bit_rates: RangeInclusive<u32>,
    /// Longest time between two key frames.
    pub key_frame_interval: Duration,
    /// The program that encodes videos and its arguments; none: the bridge does.
    pub encoder_command: Vec<String>,
    /// How topics of clouds are offered.
    pub clouds: CloudConfig,
}

impl CameraConfig {
    /// Most messages of a sibling in a second.
    pub(super) fn max_rate(&self, codec: Codec) -> Option<u32> {
        match codec {
            Codec::Jpeg | Codec::Video | Codec::VideoSmall | Codec::Png => self.max_rate,
            Codec::Reduced => self.clouds.max_rate,
            Codec::Draco => self.clouds.draco.max_rate,
        }
    }

    /// The largest image of a sibling.
    pub fn largest(&self, codec: Codec) -> Size {
        match codec {
            Codec::VideoSmall => self.largest_small,
            _ => self.largest_image,
        }
    }

    /// Bits in a second of a sibling that is a video.
    pub(super) fn bit_rates(&self, codec: Codec) -> RangeInclusive<u32> {
        match codec {
            Codec::VideoSmall => self.small_bit_rates.clone(),
            _ => self.bit_rates.clone(),
        }
    }

    /// The siblings that a topic is to have. What the robot encodes itself is not encoded again.
    pub(super) fn codecs_of(&self, topic: &Topic, exists: impl Fn(&str) -> bool) -> Vec<Codec> {
        let exists = &exists;
        let name = &topic.name;
        if topic.type_name == CLOUD {
            if !self.clouds.topics.matches(name) {
                return Vec::new();
            }
            // What is reduced already is not reduced again.
            let is_reduced = name.ends_with(&Codec::Reduced.topic(""));
            let wanted = |codec: &Codec| {
                !(exists(&codec.topic(name)) || is_reduced && *codec == Codec::Reduced)
            };
            return self.clouds.codecs.iter().copied().filter(wanted).collect();
        }
        let is_compressed = is_compressed(&topic.type_name);
        let offered = (topic.type_name == IMAGE || is_compressed)
            && self.topics.matches(name)
            && !self.denied.matches(name);
        let is_lossless = self.lossless.matches(name);
        // The video of a raw image needs no decoding.
        let is_served = is_compressed && (is_lossless || raw_name(name).is_some_and(exists));
        if !offered || is_served || name.ends_with(TRANSPORT_DEPTH) {
            return Vec::new();
        }
        let wanted = |codec: &Codec| {
            let sibling = codec.topic(name);
            let made_already = exists(&sibling)
                || *codec == Codec::Jpeg && (is_compressed || exists(&compressed_name(name)));
            // An image that is kept for later viewers does not move.
            let suits = match codec {
                Codec::Video | Codec::VideoSmall => !is_lossless && !topic.qos.transient_local,
                Codec::Png => is_lossless,
                _ => !is_lossless,
            };
            suits && !made_already && !self.denied.matches(&sibling)
        };
        self.codecs.iter().copied().filter(wanted).collect()
    }
}

/// Whether messages of a type are compressed images.
pub(super) fn is_compressed(type_name: &str) -> bool {
    type_name == COMPRESSED
}

/// The name of the topic whose images `image_transport` publishes compressed under this name.
fn raw_name(name: &str) -> Option<&str> {
    name.strip_suffix(TRANSPORT_JPEG)?.strip_suffix('/')
}

/// The name under which `image_transport` publishes the images of a topic compressed.
pub(super) fn compressed_name(name: &str) -> String {
    format!("{name}/{TRANSPORT_JPEG}")
}

/// End of the name of a topic on which the siblings of another one depend.
pub(super) fn endings() -> impl Iterator<Item = &'static str> {
    let siblings = Codec::ALL.into_iter().map(Codec::name);
    siblings.chain([TRANSPORT_JPEG])
}
