//! Creates peer connections.

use crate::{
    peer_connection::PeerConnection, rtp_parameters::RtpCapabilities, MediaType, RtcError,
};

pub mod native;

/// A STUN or TURN server.
#[derive(Debug, Clone)]
pub struct IceServer {
    /// Such as `stun:host:port` or `turns:host:port?transport=tcp`.
    pub urls: Vec<String>,
    /// TURN user name.
    pub username: String,
    /// TURN password.
    pub password: String,
}

/// Whether to look for new addresses after the first gathering.
#[derive(Debug, Copy, Clone, PartialEq, Eq)]
pub enum ContinualGatheringPolicy {
    /// No.
    GatherOnce,
    /// Yes.
    GatherContinually,
}

/// Which candidates may be used.
#[derive(Debug, Copy, Clone, PartialEq, Eq)]
pub enum IceTransportsType {
    /// Only those relayed by a TURN server.
    Relay,
    /// All but local addresses.
    NoHost,
    /// All.
    All,
}

/// Settings of a peer connection.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RtcConfiguration {
    /// STUN and TURN servers.
    pub ice_servers: Vec<IceServer>,
    /// Whether to look for new addresses after the first gathering.
    pub continual_gathering_policy: ContinualGatheringPolicy,
    /// Which candidates may be used.
    pub ice_transport_type: IceTransportsType,
    /// Carry SCTP's first packets in the session descriptions. Not supported; it has no effect.
    pub enable_sctp_snap: bool,
}

impl Default for RtcConfiguration {
    fn default() -> Self {
        Self {
            ice_servers: Vec::new(),
            continual_gathering_policy: ContinualGatheringPolicy::GatherContinually,
            ice_transport_type: IceTransportsType::All,
            enable_sctp_snap: false,
        }
    }
}

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

    /// What could be sent: nothing.
    pub fn get_rtp_sender_capabilities(&self, _media_type: MediaType) -> RtpCapabilities {
        RtpCapabilities {
            codecs: Vec::new(),
            header_extensions: Vec::new(),
        }
    }

    /// What could be received: nothing.
    pub fn get_rtp_receiver_capabilities(&self, _media_type: MediaType) -> RtpCapabilities {
        RtpCapabilities {
            codecs: Vec::new(),
            header_extensions: Vec::new(),
        }
    }
}
