//! States, options and callbacks of peer connections.

use crate::{
    data_channel::DataChannel, ice_candidate::IceCandidate, media_stream::MediaStream,
    media_stream_track::MediaStreamTrack, rtp_receiver::RtpReceiver,
    rtp_transceiver::RtpTransceiver,
};

/// State of the whole connection.
#[derive(Debug, Copy, Clone, PartialEq, Eq)]
pub enum PeerConnectionState {
    /// Nothing has started.
    New,
    /// Looking for a path, or securing it.
    Connecting,
    /// Data can flow.
    Connected,
    /// The path is lost; it may come back by itself.
    Disconnected,
    /// It will not come back by itself: restart ICE, or make a new connection.
    Failed,
    /// Closed by this side.
    Closed,
}

/// State of the search for a path.
#[derive(Debug, Copy, Clone, PartialEq, Eq)]
pub enum IceConnectionState {
    /// Nothing has started.
    New,
    /// Trying pairs of candidates.
    Checking,
    /// A path was found; others are still tried.
    Connected,
    /// A path was found and settled on.
    Completed,
    /// No path was found, or it was lost for too long.
    Failed,
    /// The path is lost.
    Disconnected,
    /// Closed by this side.
    Closed,
    /// Not a state; it counts the others.
    Max,
}

/// State of the search for local candidates.
#[derive(Debug, Copy, Clone, PartialEq, Eq)]
pub enum IceGatheringState {
    /// Nothing has started.
    New,
    /// Looking.
    Gathering,
    /// Done.
    Complete,
}

/// State of the offer/answer exchange.
#[derive(Debug, Copy, Clone, PartialEq, Eq)]
pub enum SignalingState {
    /// No exchange is under way.
    Stable,
    /// A local offer waits for its answer.
    HaveLocalOffer,
    /// A remote offer has a preliminary local answer.
    HaveLocalPrAnswer,
    /// A remote offer waits for its answer.
    HaveRemoteOffer,
    /// A local offer has a preliminary remote answer.
    HaveRemotePrAnswer,
    /// The connection is closed.
    Closed,
}

/// Wishes for an offer.
#[derive(Debug, Clone, Default)]
pub struct OfferOptions {
    /// Look for a path anew.
    pub ice_restart: bool,
    /// Ask for audio; without effect.
    pub offer_to_receive_audio: bool,
    /// Ask for video; without effect.
    pub offer_to_receive_video: bool,
}

/// Wishes for an answer: none.
#[derive(Debug, Clone, Default)]
pub struct AnswerOptions {}

/// Limits of the media bandwidth estimator, in bits per second.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BitrateSettings {
    /// Never less than this.
    pub min_bitrate_bps: Option<u64>,
    /// Begin with this.
    pub start_bitrate_bps: Option<u64>,
    /// Never more than this.
    pub max_bitrate_bps: Option<u64>,
}

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

/// A remote track appeared. Never emitted here.
#[derive(Debug, Clone)]
pub struct TrackEvent {
    /// Its receiver.
    pub receiver: RtpReceiver,
    /// Its streams.
    pub streams: Vec<MediaStream>,
    /// The track.
    pub track: MediaStreamTrack,
    /// Its transceiver.
    pub transceiver: RtpTransceiver,
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
/// Never called.
pub type OnTrack = Box<dyn FnMut(TrackEvent) + Send + Sync>;
