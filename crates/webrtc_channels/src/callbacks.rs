//! Callbacks of connections, and what they are told.

use crate::data_channel::DataChannel;
use crate::ice_candidate::IceCandidate;
use crate::states::{IceConnectionState, IceGatheringState, PeerConnectionState, SignalingState};

/// A STUN or TURN server did not answer as it should.
#[derive(Debug, Clone)]
pub struct IceCandidateError {
    /// Local address.
    pub address: String,
    /// Local port.
    pub port: i32,
    /// The server.
    pub url: String,
    /// STUN error code.
    pub error_code: i32,
    /// The server's words.
    pub error_text: String,
}

/// Called with each new connection state.
pub type OnConnectionChange = Box<dyn FnMut(PeerConnectionState) + Send + Sync>;
/// Called with each channel that the peer opens, before its first message.
pub type OnDataChannel = Box<dyn FnMut(DataChannel) + Send + Sync>;
/// Called with each local candidate.
pub type OnIceCandidate = Box<dyn FnMut(IceCandidate) + Send + Sync>;
/// Called when a server fails.
pub type OnIceCandidateError = Box<dyn FnMut(IceCandidateError) + Send + Sync>;
/// Called with each new ICE state.
pub type OnIceConnectionChange = Box<dyn FnMut(IceConnectionState) + Send + Sync>;
/// Called with each new gathering state.
pub type OnIceGatheringChange = Box<dyn FnMut(IceGatheringState) + Send + Sync>;
/// Called when an offer is due.
pub type OnNegotiationNeeded = Box<dyn FnMut(u32) + Send + Sync>;
/// Called with each new signaling state.
pub type OnSignalingChange = Box<dyn FnMut(SignalingState) + Send + Sync>;
