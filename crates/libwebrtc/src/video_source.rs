//! Video sources. They keep their resolution; capturing is not supported.

use crate::enum_dispatch;

/// Size of a frame in pixels.
#[derive(Debug, Clone)]
pub struct VideoResolution {
    /// Pixels per row.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

impl Default for VideoResolution {
    fn default() -> Self {
        Self {
            width: 1280,
            height: 720,
        }
    }
}

/// Target that the bandwidth estimator gives an external encoder.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EncodedRateControl {
    /// Bits per second to aim for.
    pub target_bitrate_bps: u64,
    /// Frames per second to aim for.
    pub framerate_fps: f64,
}

/// Where the frames of a video track come from.
#[non_exhaustive]
#[derive(Debug, Clone)]
pub enum RtcVideoSource {
    /// The application hands in frames.
    Native(native::NativeVideoSource),
}

impl RtcVideoSource {
    enum_dispatch!(
        [Native];
        pub fn video_resolution(self: &Self) -> VideoResolution;
    );
}

/// Sources fed by the application.
pub mod native {
    use super::{EncodedRateControl, VideoResolution};
    use crate::native::packet_trailer::PacketTrailerHandler;

    /// A video source that the application would feed. It accepts no frames.
    #[derive(Debug, Clone, Default)]
    pub struct NativeVideoSource {
        resolution: VideoResolution,
    }

    impl NativeVideoSource {
        /// A source of frames of this size.
        pub fn new(resolution: VideoResolution, _is_screencast: bool) -> Self {
            Self { resolution }
        }

        /// A source of frames that are encoded already.
        pub fn new_encoded(resolution: VideoResolution) -> Self {
            Self { resolution }
        }

        /// Always `false`: no encoder ever asks for a key frame.
        pub fn take_keyframe_request(&self) -> bool {
            false
        }

        /// Always `None`.
        pub fn take_rate_control_request(&self) -> Option<EncodedRateControl> {
            None
        }

        /// Does nothing: there are no packets to add a trailer to.
        pub fn set_packet_trailer_handler(&self, _handler: PacketTrailerHandler) {}

        /// The size it was created with.
        pub fn video_resolution(&self) -> VideoResolution {
            self.resolution.clone()
        }
    }
}
