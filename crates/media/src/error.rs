//! Why an image or a cloud cannot be encoded.

use remote_access_cdr::CdrError;
use thiserror::Error;

/// An image cannot be encoded. The text says why, and what would help.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum MediaError {
    /// The message is not one of its type.
    #[error("no sensor_msgs/msg/Image: {0}")]
    Message(#[from] CdrError),
    /// The message is not one of its type.
    #[error("no sensor_msgs/msg/CompressedImage: {0}")]
    CompressedMessage(CdrError),
    /// The format of a compressed image is unknown.
    #[error("compressed images of the format {0:?} are not decoded: JPEG and PNG are")]
    Format(String),
    /// A compressed image is damaged.
    #[error("the image cannot be decoded: {0}")]
    Decoder(String),
    /// The encoding of the pixels is unknown, or is one of measurements that may not be changed.
    #[error(
        "pixels of the encoding {0:?} are not encoded: their values would change, or are not known"
    )]
    Encoding(String),
    /// There is no lossless image file for values of this encoding.
    #[error("pixels of the encoding {0:?} are not made a PNG: those of 8 or 16 bits for each value are; watch the raw topic")]
    NotLossless(String),
    /// The image has no pixels, or too many.
    #[error(
        "an image of {width} × {height} pixels is not encoded: 1 × 1 to {most} pixels in all are"
    )]
    Size {
        /// Pixels in a row.
        width: u32,
        /// Rows.
        height: u32,
        /// Most pixels of an image.
        most: u64,
    },
    /// A row is longer than the step from one to the next.
    #[error("`step` is {step}, but a row of {width} pixels of {encoding} takes {needed} bytes")]
    Step {
        /// Bytes from one row to the next, as the message says.
        step: u32,
        /// Pixels in a row.
        width: u32,
        /// The encoding.
        encoding: PixelName,
        /// Bytes of a row.
        needed: u64,
    },
    /// The message holds less than the image.
    #[error("the image is cut off: {found} bytes for {needed}")]
    CutOff {
        /// Bytes that the message holds.
        found: usize,
        /// Bytes that an image of its size takes.
        needed: u64,
    },
    /// The image is too small or too large for video.
    #[error("{width} × {height} pixels are too few or too many for H.264")]
    VideoSize {
        /// Pixels in a row.
        width: usize,
        /// Rows.
        height: usize,
    },
    /// What should be a video is none.
    #[error("the stream is not H.264 with start codes (Annex B), or stopped within a frame")]
    NotAnnexB,
    /// A frame of a video is too large.
    #[error("a frame of the video has more than {most} bytes")]
    FrameSize {
        /// Most bytes of a frame.
        most: usize,
    },
    /// The encoder failed.
    #[error("the encoder failed: {0}")]
    Encoder(String),
    /// A cloud cannot be encoded.
    #[error(transparent)]
    Cloud(#[from] CloudError),
}

/// A cloud cannot be encoded. The text says why.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum CloudError {
    /// The message is not one of its type.
    #[error("no sensor_msgs/msg/PointCloud2: {0}")]
    Message(CdrError),
    /// A point has too many fields.
    #[error("a point has {0} fields; at most 64 are read")]
    Fields(u32),
    /// A field is of no type that `sensor_msgs/msg/PointField` knows.
    #[error("a field has the datatype {0}; 1 to 8 are known")]
    Datatype(u8),
    /// A field reaches beyond its point.
    #[error("`point_step` is {point_step}, but the field {field:?} ends after {needed} bytes")]
    PointStep {
        /// Bytes of a point, as the message says.
        point_step: u32,
        /// The field.
        field: String,
        /// Bytes up to its end.
        needed: usize,
    },
    /// A row is longer than the step from one to the next.
    #[error("`row_step` is {row_step}, but a row takes {needed} bytes")]
    RowStep {
        /// Bytes from one row to the next, as the message says.
        row_step: u32,
        /// Bytes of a row.
        needed: u64,
    },
    /// The message holds less than the cloud.
    #[error("the cloud is cut off: {found} bytes for {needed}")]
    CutOff {
        /// Bytes that the message holds.
        found: usize,
        /// Bytes that a cloud of its size takes.
        needed: u64,
    },
    /// There are no coordinates.
    #[error("the points have no fields x, y and z of the type FLOAT32")]
    Position,
    /// Draco refuses it.
    #[error("the cloud cannot be encoded: {0}")]
    Draco(String),
    /// The result does not fit a message.
    #[error("the cloud is larger than 4 GB")]
    TooLarge,
}

/// The name of an encoding, as a message has it.
pub(crate) type PixelName = &'static str;
