//! Receivers of media, inert.

use crate::{
    media_stream::MediaStream, media_stream_track::MediaStreamTrack, rtp_parameters::RtpParameters,
    stats::RtcStats, RtcError,
};

/// A receiver that never receives.
#[derive(Debug, Clone)]
pub struct RtpReceiver(());

impl RtpReceiver {
    pub(crate) fn inert() -> Self {
        Self(())
    }

    /// Always `None`.
    pub fn track(&self) -> Option<MediaStreamTrack> {
        None
    }

    /// Always empty.
    pub fn stream_ids(&self) -> Vec<String> {
        Vec::new()
    }

    /// Always empty.
    pub fn streams(&self) -> Vec<MediaStream> {
        Vec::new()
    }

    /// Always empty.
    ///
    /// # Errors
    /// None.
    pub async fn get_stats(&self) -> Result<Vec<RtcStats>, RtcError> {
        Ok(Vec::new())
    }

    /// Always the default.
    pub fn parameters(&self) -> RtpParameters {
        RtpParameters::default()
    }
}
