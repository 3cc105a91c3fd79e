//! Senders of media, inert.

use crate::{
    error::media_unsupported, media_stream_track::MediaStreamTrack, rtp_parameters::RtpParameters,
    stats::RtcStats, RtcError,
};

/// Which video encoder a sender should prefer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum VideoEncoderBackend {
    /// The library's choice.
    #[default]
    Auto,
    /// Software.
    Software,
    /// Any hardware.
    Hardware,
    /// NVIDIA NVENC.
    Nvenc,
    /// VA-API.
    Vaapi,
    /// Apple VideoToolbox.
    VideoToolbox,
    /// Frames are encoded by the application.
    PreEncoded,
}

impl VideoEncoderBackend {
    /// The encoders of this process: none.
    pub fn list_available() -> impl IntoIterator<Item = Self> {
        Vec::new()
    }
}

/// A sender that never sends.
#[derive(Debug, Clone)]
pub struct RtpSender(());

impl RtpSender {
    pub(crate) fn inert() -> Self {
        Self(())
    }

    /// Always `None`.
    pub fn track(&self) -> Option<MediaStreamTrack> {
        None
    }

    /// Always empty.
    ///
    /// # Errors
    /// None.
    pub async fn get_stats(&self) -> Result<Vec<RtcStats>, RtcError> {
        Ok(Vec::new())
    }

    /// Takes a track away, which it never had.
    ///
    /// # Errors
    /// A track was given: local media is not supported.
    pub fn set_track(&self, track: Option<MediaStreamTrack>) -> Result<(), RtcError> {
        match track {
            Some(_) => Err(media_unsupported("set_track")),
            None => Ok(()),
        }
    }

    /// Always the default.
    pub fn parameters(&self) -> RtpParameters {
        RtpParameters::default()
    }

    /// Always fails.
    ///
    /// # Errors
    /// Local media is not supported.
    pub fn set_parameters(&self, _parameters: RtpParameters) -> Result<(), RtcError> {
        Err(media_unsupported("set_parameters"))
    }

    /// Does nothing: there is no encoder.
    pub fn set_video_encoder_backend(&self, _backend: VideoEncoderBackend) {}
}
