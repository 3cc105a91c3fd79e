//! Two connected peer connections and the usual helpers.
// Each test binary uses a part of this.
#![allow(dead_code)]

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use webrtc_channels::configuration::RtcConfiguration;
use webrtc_channels::data_channel::{DataChannel, DataChannelInit, DataChannelState};
use webrtc_channels::ice_candidate::IceCandidate;
use webrtc_channels::peer_connection::{OfferOptions, PeerConnection};
use webrtc_channels::session_description::SessionDescription;
use webrtc_channels::states::PeerConnectionState;

/// Time until a test gives up. A guard against hanging, not a bound.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Pair {
    pub near: PeerConnection,
    pub far: PeerConnection,
    /// Channels that `far` was told of and that no test has taken.
    pub opened: Arc<Mutex<Vec<DataChannel>>>,
    pub near_states: Arc<Mutex<Vec<PeerConnectionState>>>,
}

pub(crate) fn connection() -> PeerConnection {
    let _ = env_logger::builder().is_test(true).try_init();
    PeerConnection::new(RtcConfiguration::default()).unwrap()
}

impl Pair {
    /// Two connections that know each other's candidates once they exchange descriptions.
    pub(crate) fn new() -> Self {
        let (near, far) = (connection(), connection());
        let opened = Arc::new(Mutex::new(Vec::new()));
        let list = opened.clone();
        far.on_data_channel(Some(Box::new(move |channel| {
            list.lock().unwrap().push(channel)
        })));
        let near_states = Arc::new(Mutex::new(Vec::new()));
        let states = near_states.clone();
        near.on_connection_state_change(Some(Box::new(move |state| {
            states.lock().unwrap().push(state);
        })));
        Self {
            near,
            far,
            opened,
            near_states,
        }
    }

    pub(crate) async fn connected() -> Self {
        let pair = Self::new();
        pair.negotiate(OfferOptions::default(), |sdp| sdp).await;
        until("both are connected", || {
            [&pair.near, &pair.far]
                .iter()
                .all(|pc| pc.connection_state() == PeerConnectionState::Connected)
        })
        .await;
        pair
    }

    /// One exchange, offered by `near`; `change` may forge the answer.
    pub(crate) async fn negotiate(&self, options: OfferOptions, change: impl Fn(String) -> String) {
        let (near_candidates, far_candidates) = (collect(&self.near), collect(&self.far));
        let offer = self.near.create_offer(options).await.unwrap();
        self.near
            .set_local_description(offer.clone())
            .await
            .unwrap();
        self.far.set_remote_description(offer).await.unwrap();
        let answer = self.far.create_answer().await.unwrap();
        self.far
            .set_local_description(answer.clone())
            .await
            .unwrap();
        let forged = change(answer.to_string());
        let answer = SessionDescription::parse(&forged, answer.sdp_type()).unwrap();
        self.near.set_remote_description(answer).await.unwrap();
        trickle(&near_candidates, &self.far).await;
        trickle(&far_candidates, &self.near).await;
    }

    /// Opens a channel from `near` and waits until both ends are open.
    pub(crate) async fn open_channel(
        &self,
        label: &str,
        init: DataChannelInit,
    ) -> (DataChannel, DataChannel) {
        let near = self.near.create_data_channel(label, init).unwrap();
        let mut far = None;
        until("the channel is open", || {
            far = far.take().or_else(|| self.opened.lock().unwrap().pop());
            far.is_some() && near.state() == DataChannelState::Open
        })
        .await;
        (near, far.unwrap())
    }
}

type Candidates = Arc<Mutex<Vec<IceCandidate>>>;

/// Keeps the candidates of a connection.
pub(crate) fn collect(pc: &PeerConnection) -> Candidates {
    let candidates = Candidates::default();
    let list = candidates.clone();
    pc.on_ice_candidate(Some(Box::new(move |candidate| {
        list.lock().unwrap().push(candidate)
    })));
    candidates
}

/// Carries candidates to the peer, once gathering is over.
async fn trickle(candidates: &Candidates, to: &PeerConnection) {
    tokio::time::sleep(Duration::from_millis(100)).await;
    let list = std::mem::take(&mut *candidates.lock().unwrap());
    for candidate in list {
        to.add_ice_candidate(candidate).await.unwrap();
    }
}

/// Waits for a condition.
pub(crate) async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < PATIENCE, "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Sends a message, waiting for room in the buffer.
pub(crate) async fn send(channel: &DataChannel, data: &[u8], binary: bool) {
    let text: Vec<u8>;
    let data = if binary {
        data
    } else {
        text = data.to_vec();
        &text
    };
    until("there is room", || channel.send(data, binary).is_ok()).await;
}

/// Bytes that differ with every seed and are also text.
pub(crate) fn pattern(seed: u32, length: usize) -> Vec<u8> {
    (0..length as u32)
        .map(|i| {
            seed.wrapping_mul(2_654_435_761)
                .wrapping_add(i.wrapping_mul(i).wrapping_add(i / 7))
                >> 9
        })
        .map(|mixed| b'!' + (mixed % 90) as u8)
        .collect()
}
