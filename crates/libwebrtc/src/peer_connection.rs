//! Peer connections: those of the engine, with the calls about media that `livekit` names.

pub use webrtc_channels::callbacks::{
    IceCandidateError, OnConnectionChange, OnDataChannel, OnIceCandidate, OnIceCandidateError,
    OnIceConnectionChange, OnIceGatheringChange, OnNegotiationNeeded, OnSignalingChange,
};
pub use webrtc_channels::states::{
    IceConnectionState, IceGatheringState, PeerConnectionState, SignalingState,
};

use std::fmt::{Debug, Formatter};
use std::sync::Arc;

use parking_lot::Mutex;
use webrtc_channels::configuration::RtcConfiguration;
use webrtc_channels::peer_connection as engine;

use crate::{
    data_channel::{DataChannel, DataChannelInit},
    error::media_unsupported,
    ice_candidate::IceCandidate,
    media_stream::MediaStream,
    media_stream_track::MediaStreamTrack,
    rtp_receiver::RtpReceiver,
    rtp_sender::RtpSender,
    rtp_transceiver::{RtpTransceiver, RtpTransceiverInit},
    session_description::SessionDescription,
    stats::RtcStats,
    MediaType, RtcError, RtcErrorType,
};

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

/// Never called.
pub type OnTrack = Box<dyn FnMut(TrackEvent) + Send + Sync>;

/// A connection to a peer. Clones are the same connection; when the last one is dropped, it closes.
///
/// All callbacks run on the connection's own thread, one at a time, with no lock held: they may call
/// anything, replace themselves, or drop the connection. A callback that blocks stops it.
#[derive(Clone)]
pub struct PeerConnection {
    inner: engine::PeerConnection,
    transceivers: Arc<Mutex<Vec<RtpTransceiver>>>,
}

/// Defines methods that are the engine's own.
macro_rules! forward {
    ($($(#[$attribute:meta])* fn $name:ident($($arg:ident: $kind:ty),*) $(-> $ret:ty)?;)+) => {
        $(
            $(#[$attribute])*
            pub fn $name(&self, $($arg: $kind),*) $(-> $ret)? {
                self.inner.$name($($arg),*)
            }
        )+
    };
}

impl PeerConnection {
    pub(crate) fn new(config: RtcConfiguration) -> Result<Self, RtcError> {
        Ok(Self {
            inner: engine::PeerConnection::new(config)?,
            transceivers: Arc::default(),
        })
    }

    forward! {
        /// Takes over new settings. New ICE servers are asked at once; which candidates may be used
        /// holds for those found from now on.
        ///
        /// # Errors
        /// The connection is closed.
        fn set_configuration(config: RtcConfiguration) -> Result<(), RtcError>;
        /// Closes the connection. Its thread tells the peer, the channels and the callbacks, and ends.
        fn close();
        /// Makes the next offer look for a path anew, and asks for that offer.
        fn restart_ice();
        /// State of the whole connection.
        fn connection_state() -> PeerConnectionState;
        /// State of the search for a path.
        fn ice_connection_state() -> IceConnectionState;
        /// State of the search for local candidates.
        fn ice_gathering_state() -> IceGatheringState;
        /// State of the offer/answer exchange.
        fn signaling_state() -> SignalingState;
        /// The local half of the last complete exchange.
        fn current_local_description() -> Option<SessionDescription>;
        /// The remote half of the last complete exchange.
        fn current_remote_description() -> Option<SessionDescription>;
        /// Sets, replaces or removes the callback.
        fn on_connection_state_change(f: Option<OnConnectionChange>);
        /// Sets, replaces or removes the callback.
        fn on_data_channel(f: Option<OnDataChannel>);
        /// Sets, replaces or removes the callback.
        fn on_ice_candidate(f: Option<OnIceCandidate>);
        /// Sets, replaces or removes the callback.
        fn on_ice_candidate_error(f: Option<OnIceCandidateError>);
        /// Sets, replaces or removes the callback.
        fn on_ice_connection_state_change(f: Option<OnIceConnectionChange>);
        /// Sets, replaces or removes the callback.
        fn on_ice_gathering_state_change(f: Option<OnIceGatheringChange>);
        /// Sets, replaces or removes the callback.
        fn on_negotiation_needed(f: Option<OnNegotiationNeeded>);
        /// Sets, replaces or removes the callback.
        fn on_signaling_state_change(f: Option<OnSignalingChange>);
    }

    /// Accepts limits for media, which have no effect.
    ///
    /// # Errors
    /// The connection is closed, or the limits contradict each other.
    pub fn set_bitrate(&self, settings: BitrateSettings) -> Result<(), RtcError> {
        if self.signaling_state() == SignalingState::Closed {
            return Err(RtcError {
                error_type: RtcErrorType::InvalidState,
                message: "the connection is closed".to_owned(),
            });
        }
        let steps = [
            settings.min_bitrate_bps,
            settings.start_bitrate_bps,
            settings.max_bitrate_bps,
        ];
        if steps.into_iter().flatten().is_sorted() {
            Ok(())
        } else {
            Err(RtcError {
                error_type: RtcErrorType::Internal,
                message: "the bitrates must not decrease from min to start to max".to_owned(),
            })
        }
    }

    /// Writes an offer. It takes effect with [`set_local_description`](Self::set_local_description).
    ///
    /// # Errors
    /// The connection is closed.
    pub async fn create_offer(
        &self,
        options: OfferOptions,
    ) -> Result<SessionDescription, RtcError> {
        let options = engine::OfferOptions {
            ice_restart: options.ice_restart,
        };
        self.inner.create_offer(options).await
    }

    /// Writes an answer to the remote offer.
    ///
    /// # Errors
    /// There is no remote offer.
    pub async fn create_answer(
        &self,
        _options: AnswerOptions,
    ) -> Result<SessionDescription, RtcError> {
        self.inner.create_answer().await
    }

    /// Puts a local description in force; the first one starts gathering.
    ///
    /// # Errors
    /// It does not fit the signaling state, or cannot be used.
    pub async fn set_local_description(&self, desc: SessionDescription) -> Result<(), RtcError> {
        self.inner.set_local_description(desc).await
    }

    /// Puts a remote description in force; the first complete exchange starts the connection.
    ///
    /// # Errors
    /// It does not fit the signaling state, or cannot be used.
    pub async fn set_remote_description(&self, desc: SessionDescription) -> Result<(), RtcError> {
        self.inner.set_remote_description(desc).await
    }

    /// Adds a candidate of the peer. Candidates that cannot be used are ignored.
    ///
    /// # Errors
    /// There is no remote description yet, or the connection is closed.
    pub async fn add_ice_candidate(&self, candidate: IceCandidate) -> Result<(), RtcError> {
        self.inner.add_ice_candidate(candidate).await
    }

    /// Creates a channel. It opens when the connection is up.
    ///
    /// # Errors
    /// The settings contradict each other, or the connection is closed.
    pub fn create_data_channel(
        &self,
        label: &str,
        init: DataChannelInit,
    ) -> Result<DataChannel, RtcError> {
        self.inner.create_data_channel(label, init)
    }

    /// Statistics: the connection, its transport, the candidates of both sides, the pair in use, the
    /// certificates, and each channel that is not closed.
    ///
    /// # Errors
    /// The connection is closed.
    pub async fn get_stats(&self) -> Result<Vec<RtcStats>, RtcError> {
        let reports = self.inner.get_stats().await?;
        Ok(reports.into_iter().map(RtcStats::from).collect())
    }

    /// Always fails.
    ///
    /// # Errors
    /// Local media is not supported.
    pub fn add_track<T: AsRef<str>>(
        &self,
        _track: MediaStreamTrack,
        _streams_ids: &[T],
    ) -> Result<RtpSender, RtcError> {
        Err(media_unsupported("add_track"))
    }

    /// Does nothing: no track was ever added.
    ///
    /// # Errors
    /// None.
    pub fn remove_track(&self, _sender: RtpSender) -> Result<(), RtcError> {
        Ok(())
    }

    /// Always fails.
    ///
    /// # Errors
    /// Local media is not supported.
    pub fn add_transceiver(
        &self,
        _track: MediaStreamTrack,
        _init: RtpTransceiverInit,
    ) -> Result<RtpTransceiver, RtcError> {
        Err(media_unsupported("add_transceiver"))
    }

    /// Adds a transceiver that is never negotiated. It succeeds because `livekit` prepares to
    /// receive media with it before it connects.
    ///
    /// # Errors
    /// None.
    pub fn add_transceiver_for_media(
        &self,
        _media_type: MediaType,
        init: RtpTransceiverInit,
    ) -> Result<RtpTransceiver, RtcError> {
        let transceiver = RtpTransceiver::new(init.direction);
        self.transceivers.lock().push(transceiver.clone());
        Ok(transceiver)
    }

    /// Always empty.
    pub fn senders(&self) -> Vec<RtpSender> {
        Vec::new()
    }

    /// Always empty.
    pub fn receivers(&self) -> Vec<RtpReceiver> {
        Vec::new()
    }

    /// Transceivers of [`add_transceiver_for_media`](Self::add_transceiver_for_media).
    pub fn transceivers(&self) -> Vec<RtpTransceiver> {
        self.transceivers.lock().clone()
    }

    /// Takes a callback that is never called.
    pub fn on_track(&self, _f: Option<OnTrack>) {}
}

impl Debug for PeerConnection {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        self.inner.fmt(f)
    }
}
