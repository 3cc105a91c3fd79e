//! A UDP relay between two connections that can lose, delay and forge packets.
#![allow(dead_code)]

use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::Arc;
use std::time::Duration;

use webrtc_channels::ice_candidate::IceCandidate;
use webrtc_channels::peer_connection::OfferOptions;

use super::pair::{collect, until, Pair};

pub(crate) struct Relay {
    /// No packet passes.
    pub cut: Arc<AtomicBool>,
    /// Lost packets per thousand.
    pub loss: Arc<AtomicU32>,
    /// For each packet that passes, a random one is sent along.
    pub forge: Arc<AtomicBool>,
    stop: Arc<AtomicBool>,
    sides: [SocketAddr; 2],
}

impl Relay {
    /// Carries packets between two real addresses. Each side sees the other at an address here.
    fn start(peers: [SocketAddr; 2]) -> Self {
        let sockets = [0, 1].map(|_| UdpSocket::bind("127.0.0.1:0").unwrap());
        let sides = [&sockets[0], &sockets[1]].map(|socket| socket.local_addr().unwrap());
        let relay = Self {
            cut: Arc::default(),
            loss: Arc::default(),
            forge: Arc::default(),
            stop: Arc::default(),
            sides,
        };
        for from in 0..2 {
            let (inbound, outbound) = (
                sockets[from].try_clone().unwrap(),
                sockets[1 - from].try_clone().unwrap(),
            );
            inbound
                .set_read_timeout(Some(Duration::from_millis(50)))
                .unwrap();
            let destination = peers[1 - from];
            let (cut, loss, forge, stop) = (
                relay.cut.clone(),
                relay.loss.clone(),
                relay.forge.clone(),
                relay.stop.clone(),
            );
            std::thread::spawn(move || {
                let mut random = fastrand::Rng::with_seed(from as u64 + 1);
                let mut buffer = [0; 2048];
                while !stop.load(Ordering::Relaxed) {
                    let Ok((length, _)) = inbound.recv_from(&mut buffer) else {
                        continue;
                    };
                    let lost = random.u32(0..1000) < loss.load(Ordering::Relaxed);
                    if !cut.load(Ordering::Relaxed) && !lost {
                        let _ = outbound.send_to(&buffer[..length], destination);
                    }
                    if forge.load(Ordering::Relaxed) {
                        let length = random.usize(0..200);
                        let mut garbage = buffer[..length].to_vec();
                        for _ in 0..random.usize(1..8) {
                            if length > 0 {
                                garbage[random.usize(0..length)] = random.u8(..);
                            }
                        }
                        let _ = outbound.send_to(&garbage, destination);
                    }
                }
            });
        }
        relay
    }

    /// Connects a pair through a new relay, over loopback only.
    pub(crate) async fn connect(pair: &Pair) -> Self {
        let (near, far) = exchange(pair, OfferOptions::default()).await;
        let relay = Self::start([near, far]);
        relay.announce(pair).await;
        relay
    }

    /// Restarts ICE through the same relay.
    pub(crate) async fn restart_ice(&self, pair: &Pair) {
        exchange(pair, OfferOptions { ice_restart: true }).await;
        self.announce(pair).await;
    }

    /// Tells each connection that the other is at the relay.
    async fn announce(&self, pair: &Pair) {
        for (connection, side) in [(&pair.near, self.sides[0]), (&pair.far, self.sides[1])] {
            let line = format!(
                "candidate:1 1 udp 2130706431 {} {} typ host",
                side.ip(),
                side.port()
            );
            let candidate = IceCandidate::parse("0", 0, &line).unwrap();
            connection.add_ice_candidate(candidate).await.unwrap();
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// One exchange of descriptions. Returns the loopback addresses of both sides.
async fn exchange(pair: &Pair, options: OfferOptions) -> (SocketAddr, SocketAddr) {
    let (near, far) = (collect(&pair.near), collect(&pair.far));
    let offer = pair.near.create_offer(options).await.unwrap();
    pair.near
        .set_local_description(offer.clone())
        .await
        .unwrap();
    pair.far.set_remote_description(offer).await.unwrap();
    let answer = pair.far.create_answer().await.unwrap();
    pair.far
        .set_local_description(answer.clone())
        .await
        .unwrap();
    pair.near.set_remote_description(answer).await.unwrap();
    let mut found = [None, None];
    until("candidates were gathered", || {
        for (slot, candidates) in found.iter_mut().zip([&near, &far]) {
            *slot = slot.or_else(|| candidates.lock().unwrap().iter().find_map(loopback));
        }
        found.iter().all(Option::is_some)
    })
    .await;
    (found[0].unwrap(), found[1].unwrap())
}

fn loopback(candidate: &IceCandidate) -> Option<SocketAddr> {
    let line = candidate.candidate();
    let fields: Vec<_> = line.split(' ').collect();
    let address: SocketAddr = format!("{}:{}", fields[4], fields[5]).parse().ok()?;
    address.ip().is_loopback().then_some(address)
}
