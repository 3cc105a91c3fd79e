//! Images and clouds of points of ROS 2 messages, made small enough for a radio link.
//!
//! An [`Image`] is read where it lies in a serialized `sensor_msgs/msg/Image`, a [`CompressedImage`] is decoded. Either becomes an
//! [`RgbImage`] of at most a given size, and then a JPEG ([`jpeg`]) or a frame of an H.264 stream ([`VideoEncoder`]);
//! a [`LosslessImage`] becomes a PNG. [`compressed_image`] and [`compressed_video`] are the messages that carry those. [`AccessUnits`] finds the
//! frames in what another encoder writes, a [`PublishedVideo`] the key frames of what a robot publishes. A [`PointCloud`] is
//! read in the same way and written with fewer points and fields, or as Draco.
//!
//! Nothing here trusts its input: a message that says one size and holds another is an error.

mod access_units;
mod annex_b;
mod cloud;
mod compressed;
mod draco;
mod error;
mod format;
mod image;
mod jpeg;
mod lossless;
mod message;
mod planes;
mod published_video;
mod rgb_image;
mod rows;
mod stream_format;
mod video;

pub use access_units::AccessUnits;
pub use cloud::{PointCloud, Reduction};
pub use compressed::{CompressedImage, Decoded};
pub use error::{CloudError, MediaError};
pub use format::PixelFormat;
pub use image::{Image, Stamp};
pub use jpeg::jpeg;
pub use lossless::LosslessImage;
pub use message::{
    compressed_image, compressed_video, Schema, COMPRESSED_IMAGE, COMPRESSED_POINT_CLOUD,
    COMPRESSED_VIDEO,
};
pub use planes::Planes;
pub use published_video::PublishedVideo;
pub use rgb_image::{RgbImage, Size};
pub use stream_format::{FrameRate, StreamFormat};
pub use video::{Coded, VideoEncoder, VideoSettings};
