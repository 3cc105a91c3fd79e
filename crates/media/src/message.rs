//! The messages that carry what was encoded.

use remote_access_cdr::Builder;

use crate::error::MediaError;
use crate::image::Stamp;

/// A message type and its definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schema {
    /// The type's name, `package/msg/Type`.
    pub name: &'static str,
    /// Its definition with those of the types that it uses, in the encoding `ros2msg`.
    pub text: &'static str,
}

/// The type of single images.
pub const COMPRESSED_IMAGE: Schema = Schema {
    name: "sensor_msgs/msg/CompressedImage",
    text: include_str!("schemas/compressed_image.msg"),
};

/// The type of frames of a video.
pub const COMPRESSED_VIDEO: Schema = Schema {
    name: "foxglove_msgs/msg/CompressedVideo",
    text: include_str!("schemas/compressed_video.msg"),
};

/// The type of clouds of points.
pub const COMPRESSED_POINT_CLOUD: Schema = Schema {
    name: "foxglove_msgs/msg/CompressedPointCloud",
    text: include_str!("schemas/compressed_point_cloud.msg"),
};

/// Most bytes of a message: what a frame of the protocol holds.
pub(crate) const MOST_BYTES: usize = u32::MAX as usize;

/// A serialized `sensor_msgs/msg/CompressedImage`: `format` says of `data` what it is.
///
/// # Errors
/// It would be larger than 4 GB.
pub fn compressed_image(
    stamp: Stamp,
    frame_id: &str,
    format: &str,
    data: &[u8],
) -> Result<Vec<u8>, MediaError> {
    let mut message = Builder::new(MOST_BYTES);
    message
        .i32(stamp.seconds)?
        .u32(stamp.nanoseconds)?
        .string(frame_id)?
        .string(format)?
        .bytes(data)?;
    Ok(message.finish())
}

/// A serialized `foxglove_msgs/msg/CompressedVideo` with one frame of an H.264 stream.
///
/// # Errors
/// It would be larger than 4 GB.
pub fn compressed_video(
    stamp: Stamp,
    frame_id: &str,
    annex_b: &[u8],
) -> Result<Vec<u8>, MediaError> {
    let mut message = Builder::new(MOST_BYTES);
    message
        .i32(stamp.seconds)?
        .u32(stamp.nanoseconds)?
        .string(frame_id)?
        .bytes(annex_b)?
        .string("h264")?;
    Ok(message.finish())
}

/// A serialized `foxglove_msgs/msg/CompressedPointCloud` with a cloud in Draco's format.
///
/// # Errors
/// It would be larger than 4 GB.
pub(crate) fn compressed_point_cloud(
    stamp: Stamp,
    frame_id: &str,
    draco: &[u8],
) -> Result<Vec<u8>, MediaError> {
    let mut message = Builder::new(MOST_BYTES);
    message
        .i32(stamp.seconds)?
        .u32(stamp.nanoseconds)?
        .string(frame_id)?;
    // The pose: its position, and its orientation with w last.
    for number in [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0] {
        message.f64(number)?;
    }
    message.bytes(draco)?.string("draco")?;
    Ok(message.finish())
}
