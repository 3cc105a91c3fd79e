//! Creates peer connections.

use crate::{
    peer_connection::PeerConnection, rtp_parameters::RtpCapabilities, MediaType, RtcError,
};

pub mod native;

pub use webrtc_channels::configuration::{
    ContinualGatheringPolicy, IceServer, IceTransportsType, RtcConfiguration,
};

/// Creates peer connections. It holds nothing: every connection has its own thread.
#[derive(Debug, Clone, Default)]
pub struct PeerConnectionFactory(());

impl PeerConnectionFactory {
    /// The same as the default: nothing is played out.
    pub fn with_zero_playout_delay() -> Self {
        Self::default()
    }

    /// The same as the default: both options are about media.
    pub fn with_options(_zero_playout_delay: bool, _enable_warp: bool) -> Self {
        Self::default()
    }

    /// Creates a peer connection and starts its thread.
    ///
    /// # Errors
    /// The certificate, the thread or its poll object cannot be created.
    pub fn create_peer_connection(
        &self,
        config: RtcConfiguration,
    ) -> Result<PeerConnection, RtcError> {
        PeerConnection::new(config)
    }

    /// Capabilities to send: none.
    pub fn get_rtp_sender_capabilities(&self, _media_type: MediaType) -> RtpCapabilities {
        RtpCapabilities {
            codecs: Vec::new(),
            header_extensions: Vec::new(),
        }
    }

    /// Capabilities to receive: none.
    pub fn get_rtp_receiver_capabilities(&self, _media_type: MediaType) -> RtpCapabilities {
        RtpCapabilities {
            codecs: Vec::new(),
            header_extensions: Vec::new(),
        }
    }
}
