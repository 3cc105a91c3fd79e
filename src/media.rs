//! Images and clouds of points encoded on demand, each watched codec of a topic on a thread of its
//! own.
//!
//! A topic of images or clouds has *siblings*: channels of the same, encoded. Nothing here makes ROS or
//! the driver wait.

mod bit_rate;
mod camera_config;
mod cloud_config;
mod codec;
mod coder;
mod encoding;
mod external_encoder;
mod external_video;
mod rate_gate;
mod siblings;
mod video_frames;

pub use camera_config::CameraConfig;
pub use cloud_config::{CloudConfig, DracoConfig};
pub use codec::{Codec, UnknownCodec};
pub use encoding::{Encoding, EncodingError, Viewers};
pub use siblings::{sources, Change, Siblings};
pub use video_frames::VideoFrames;
