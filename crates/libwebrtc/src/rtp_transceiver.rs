//! Transceivers: a sender and a receiver of media, both inert.

pub use crate::direction::RtpTransceiverDirection;

use std::sync::Arc;

use crate::{
    error::media_unsupported,
    rtp_parameters::{RtpCodecCapability, RtpEncodingParameters},
    rtp_receiver::RtpReceiver,
    rtp_sender::RtpSender,
    RtcError,
};

/// Settings of a new transceiver.
#[derive(Debug, Clone)]
pub struct RtpTransceiverInit {
    /// The direction wanted.
    pub direction: RtpTransceiverDirection,
    /// Streams the track belongs to.
    pub stream_ids: Vec<String>,
    /// Encodings to send.
    pub send_encodings: Vec<RtpEncodingParameters>,
}

/// A transceiver that is never negotiated: it remembers the direction that was asked for.
#[derive(Debug, Clone)]
pub struct RtpTransceiver {
    // Clones are the same transceiver, as in the official crate.
    direction: Arc<RtpTransceiverDirection>,
}

impl RtpTransceiver {
    pub(crate) fn new(direction: RtpTransceiverDirection) -> Self {
        Self {
            direction: Arc::new(direction),
        }
    }

    /// Always `None`: it has no media section.
    pub fn mid(&self) -> Option<String> {
        None
    }

    /// Always `None`: nothing was negotiated.
    pub fn current_direction(&self) -> Option<RtpTransceiverDirection> {
        None
    }

    /// The direction it was created with.
    pub fn direction(&self) -> RtpTransceiverDirection {
        *self.direction
    }

    /// Its inert sender.
    pub fn sender(&self) -> RtpSender {
        RtpSender::inert()
    }

    /// Its inert receiver.
    pub fn receiver(&self) -> RtpReceiver {
        RtpReceiver::inert()
    }

    /// Always fails.
    ///
    /// # Errors
    /// Local media is not supported.
    pub fn set_codec_preferences(&self, _codecs: Vec<RtpCodecCapability>) -> Result<(), RtcError> {
        Err(media_unsupported("set_codec_preferences"))
    }

    /// Does nothing: it never ran.
    ///
    /// # Errors
    /// None.
    pub fn stop(&self) -> Result<(), RtcError> {
        Ok(())
    }
}
