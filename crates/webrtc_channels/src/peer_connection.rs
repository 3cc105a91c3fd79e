//! Peer connections.

mod signaling;

use std::fmt::{Debug, Formatter};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::callbacks::{
    OnConnectionChange, OnDataChannel, OnIceCandidate, OnIceCandidateError, OnIceConnectionChange,
    OnIceGatheringChange, OnNegotiationNeeded, OnSignalingChange,
};
use crate::certificate::Certificate;
use crate::configuration::RtcConfiguration;
use crate::credentials;
use crate::data_channel::{DataChannel, DataChannelInit};
use crate::engine::channel::Channel;
use crate::engine::{self, Command, Rejected, Shared};
use crate::ice_candidate::IceCandidate;
use crate::session_description::SessionDescription;
use crate::states::{IceConnectionState, IceGatheringState, PeerConnectionState, SignalingState};
use crate::stats::RtcStats;
use crate::RtcError;
use signaling::{Effects, Signaling};

/// Wishes for an offer.
#[derive(Debug, Clone, Default)]
pub struct OfferOptions {
    /// Look for a path anew.
    pub ice_restart: bool,
}

/// A connection to a peer. Clones are the same connection; when the last one is dropped, it closes.
///
/// All callbacks run on the connection's own thread, one at a time, with no lock held: they may call
/// anything, replace themselves, or drop the connection. A callback that blocks stops it.
#[derive(Clone)]
pub struct PeerConnection {
    inner: Arc<Inner>,
}

struct Inner {
    shared: Arc<Shared>,
    signaling: Mutex<Signaling>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        // Already closed is as good.
        let _ = self.shared.post(Command::Close);
    }
}

impl From<Rejected> for RtcError {
    fn from(rejected: Rejected) -> Self {
        Self::invalid_state(rejected.to_string())
    }
}

impl PeerConnection {
    /// Creates a connection and starts its thread.
    ///
    /// # Errors
    /// The certificate, the thread or its poll object cannot be created.
    pub fn new(config: RtcConfiguration) -> Result<Self, RtcError> {
        let certificate =
            Certificate::generate().map_err(|error| RtcError::internal(error.to_string()))?;
        let credentials =
            credentials::random().map_err(|error| RtcError::internal(error.to_string()))?;
        let signaling = Signaling::new(credentials.clone(), certificate.fingerprint.clone());
        let shared = engine::spawn(certificate, credentials, config)
            .map_err(|error| RtcError::internal(format!("cannot start the connection: {error}")))?;
        Ok(Self {
            inner: Arc::new(Inner {
                shared,
                signaling: Mutex::new(signaling),
            }),
        })
    }

    /// Passes on what a change of the signaling means for the engine. The lock on the signaling is
    /// held, so that the engine sees changes in their order; posting never blocks.
    fn apply(&self, effects: Effects) -> Result<(), RtcError> {
        for command in effects.commands {
            self.inner.shared.post(command)?;
        }
        Ok(())
    }

    /// Takes over new settings. New ICE servers are asked at once; which candidates may be used
    /// holds for those found from now on.
    ///
    /// # Errors
    /// The connection is closed.
    pub fn set_configuration(&self, config: RtcConfiguration) -> Result<(), RtcError> {
        let command = Command::Configure(Box::new(config));
        Ok(self.inner.shared.post(command)?)
    }

    /// Writes an offer. It takes effect with [`set_local_description`](Self::set_local_description).
    ///
    /// # Errors
    /// The connection is closed.
    pub async fn create_offer(
        &self,
        options: OfferOptions,
    ) -> Result<SessionDescription, RtcError> {
        self.inner
            .signaling
            .lock()
            .create_offer(options.ice_restart)
    }

    /// Writes an answer to the remote offer.
    ///
    /// # Errors
    /// There is no remote offer.
    pub async fn create_answer(&self) -> Result<SessionDescription, RtcError> {
        self.inner.signaling.lock().create_answer()
    }

    /// Puts a local description in force; the first one starts gathering.
    ///
    /// # Errors
    /// It does not fit the signaling state, or cannot be used.
    pub async fn set_local_description(&self, desc: SessionDescription) -> Result<(), RtcError> {
        let mut signaling = self.inner.signaling.lock();
        let effects = signaling.set_local(desc)?;
        self.apply(effects)
    }

    /// Puts a remote description in force; the first complete exchange starts the connection.
    ///
    /// # Errors
    /// It does not fit the signaling state, or cannot be used.
    pub async fn set_remote_description(&self, desc: SessionDescription) -> Result<(), RtcError> {
        let mut signaling = self.inner.signaling.lock();
        let effects = signaling.set_remote(desc)?;
        self.apply(effects)
    }

    /// Adds a candidate of the peer. Candidates that cannot be used are ignored.
    ///
    /// # Errors
    /// There is no remote description yet, or the connection is closed.
    pub async fn add_ice_candidate(&self, candidate: IceCandidate) -> Result<(), RtcError> {
        let signaling = self.inner.signaling.lock();
        if !signaling.has_remote() {
            return Err(RtcError::invalid_state("the remote description is not set"));
        }
        let line = candidate.candidate();
        if !line.is_empty() {
            self.inner.shared.post(Command::Candidate(line))?;
        }
        Ok(())
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
        check_channel(label, &init)?;
        let channel = Channel::new(self.inner.shared.clone(), label, init);
        self.inner
            .shared
            .post(Command::OpenChannel(channel.clone()))?;
        Ok(DataChannel::new(channel))
    }

    /// Statistics: the connection, its transport, the candidates of both sides, the pair in use, the
    /// certificates, and each channel that is not closed.
    ///
    /// # Errors
    /// The connection is closed.
    pub async fn get_stats(&self) -> Result<Vec<RtcStats>, RtcError> {
        let (answer, stats) = oneshot::channel();
        self.inner.shared.post(Command::Stats(answer))?;
        stats
            .await
            .map_err(|_| RtcError::invalid_state("the connection is closed"))
    }

    /// Closes the connection. Its thread tells the peer, the channels and the callbacks, and ends.
    pub fn close(&self) {
        self.inner.signaling.lock().close();
        // Already closed is as good.
        let _ = self
            .inner
            .shared
            .post(Command::Signaling(SignalingState::Closed));
        let _ = self.inner.shared.post(Command::Close);
    }

    /// Makes the next offer look for a path anew, and asks for that offer.
    pub fn restart_ice(&self) {
        self.inner.signaling.lock().restart_ice();
        // A closed connection needs no offer.
        let _ = self.inner.shared.post(Command::NegotiationNeeded);
    }

    /// State of the whole connection.
    pub fn connection_state(&self) -> PeerConnectionState {
        if self.signaling_state() == SignalingState::Closed {
            return PeerConnectionState::Closed;
        }
        self.inner.shared.status().connection
    }

    /// State of the search for a path.
    pub fn ice_connection_state(&self) -> IceConnectionState {
        self.inner.shared.status().ice
    }

    /// State of the search for local candidates.
    pub fn ice_gathering_state(&self) -> IceGatheringState {
        self.inner.shared.status().gathering
    }

    /// State of the offer/answer exchange.
    pub fn signaling_state(&self) -> SignalingState {
        self.inner.signaling.lock().state()
    }

    /// The local half of the last complete exchange.
    pub fn current_local_description(&self) -> Option<SessionDescription> {
        self.inner.signaling.lock().current_local()
    }

    /// The remote half of the last complete exchange.
    pub fn current_remote_description(&self) -> Option<SessionDescription> {
        self.inner.signaling.lock().current_remote()
    }

    /// Sets, replaces or removes the callback.
    pub fn on_connection_state_change(&self, f: Option<OnConnectionChange>) {
        self.inner.shared.observers.connection.set(f);
    }

    /// Sets, replaces or removes the callback.
    pub fn on_data_channel(&self, f: Option<OnDataChannel>) {
        self.inner.shared.observers.data_channel.set(f);
    }

    /// Sets, replaces or removes the callback.
    pub fn on_ice_candidate(&self, f: Option<OnIceCandidate>) {
        self.inner.shared.observers.candidate.set(f);
    }

    /// Sets, replaces or removes the callback.
    pub fn on_ice_candidate_error(&self, f: Option<OnIceCandidateError>) {
        self.inner.shared.observers.candidate_error.set(f);
    }

    /// Sets, replaces or removes the callback.
    pub fn on_ice_connection_state_change(&self, f: Option<OnIceConnectionChange>) {
        self.inner.shared.observers.ice.set(f);
    }

    /// Sets, replaces or removes the callback.
    pub fn on_ice_gathering_state_change(&self, f: Option<OnIceGatheringChange>) {
        self.inner.shared.observers.gathering.set(f);
    }

    /// Sets, replaces or removes the callback.
    pub fn on_negotiation_needed(&self, f: Option<OnNegotiationNeeded>) {
        self.inner.shared.observers.negotiation.set(f);
    }

    /// Sets, replaces or removes the callback.
    pub fn on_signaling_state_change(&self, f: Option<OnSignalingChange>) {
        self.inner.shared.observers.signaling.set(f);
    }
}

impl Debug for PeerConnection {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PeerConnection")
            .field("state", &self.connection_state())
            .field("ice_state", &self.ice_connection_state())
            .finish()
    }
}

/// Refuses settings that make no channel (W3C WebRTC, section 6.1).
fn check_channel(label: &str, init: &DataChannelInit) -> Result<(), RtcError> {
    let max = usize::from(u16::MAX);
    let fixed = (0..=65_534).contains(&init.id);
    let problem = if label.len() > max || init.protocol.len() > max {
        "label and protocol take at most 65,535 bytes"
    } else if init.max_retransmits.is_some() && init.max_retransmit_time.is_some() {
        "max_retransmits and max_retransmit_time exclude each other"
    } else if init.negotiated && !fixed {
        "a negotiated channel needs an id from 0 to 65534"
    } else if init.id != -1 && !fixed {
        "the id must be from 0 to 65534, or -1"
    } else {
        return Ok(());
    };
    Err(RtcError::internal(problem))
}
