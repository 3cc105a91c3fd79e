//! The life of connections: states, descriptions, certificates, threads and files.

#[path = "support/pair.rs"]
mod pair;

use std::sync::mpsc::{channel, Receiver};
use std::time::Duration;

use pair::{until, Pair, PATIENCE};
use webrtc_channels::data_channel::{DataChannelInit, DataChannelState};
use webrtc_channels::peer_connection::OfferOptions;
use webrtc_channels::session_description::{SdpType, SessionDescription};
use webrtc_channels::states::{
    IceConnectionState, IceGatheringState, PeerConnectionState, SignalingState,
};
use webrtc_channels::stats::{DtlsTransportState, RtcStats};
use webrtc_channels::RtcErrorType;

#[tokio::test]
async fn states_follow_the_exchange() {
    let pair = Pair::new();
    assert_eq!(pair.near.connection_state(), PeerConnectionState::New);
    assert_eq!(pair.near.signaling_state(), SignalingState::Stable);
    let (tx, signaling) = channel();
    pair.near
        .on_signaling_state_change(Some(Box::new(move |state| tx.send(state).unwrap())));
    pair.negotiate(OfferOptions::default(), |answer| answer)
        .await;
    assert_eq!(
        signaling.recv_timeout(PATIENCE).unwrap(),
        SignalingState::HaveLocalOffer
    );
    assert_eq!(
        signaling.recv_timeout(PATIENCE).unwrap(),
        SignalingState::Stable
    );
    until("it is connected", || {
        pair.near.connection_state() == PeerConnectionState::Connected
            && pair.near.ice_gathering_state() == IceGatheringState::Complete
    })
    .await;
    let states = pair.near_states.lock().unwrap().clone();
    assert_eq!(
        states,
        [
            PeerConnectionState::Connecting,
            PeerConnectionState::Connected
        ]
    );
    pair.near.close();
    assert_eq!(pair.near.connection_state(), PeerConnectionState::Closed);
    assert_eq!(
        signaling.recv_timeout(PATIENCE).unwrap(),
        SignalingState::Closed
    );
    until("ICE is closed", || {
        pair.near.ice_connection_state() == IceConnectionState::Closed
    })
    .await;
    assert!(pair
        .near
        .create_offer(OfferOptions::default())
        .await
        .is_err());
    assert!(pair
        .near
        .create_data_channel("late", DataChannelInit::default())
        .is_err());
}

#[tokio::test]
async fn a_wrong_fingerprint_fails() {
    let pair = Pair::new();
    let near = pair
        .near
        .create_data_channel("never", DataChannelInit::default())
        .unwrap();
    let forge = |answer: String| {
        let lines = answer
            .lines()
            .map(|line| match line.strip_prefix("a=fingerprint:sha-256 ") {
                Some(digest) => {
                    let first = if digest.starts_with("00") { "01" } else { "00" };
                    format!("a=fingerprint:sha-256 {first}{}", &digest[2..])
                }
                None => line.to_owned(),
            });
        lines.map(|line| line + "\r\n").collect()
    };
    pair.negotiate(OfferOptions::default(), forge).await;
    until("it failed", || {
        pair.near.connection_state() == PeerConnectionState::Failed
    })
    .await;
    assert!(near.send(b"secret", true).is_err());
    assert!(!pair
        .near_states
        .lock()
        .unwrap()
        .contains(&PeerConnectionState::Connected));
}

#[tokio::test]
async fn renegotiation_keeps_the_connection() {
    let pair = Pair::connected().await;
    pair.near_states.lock().unwrap().clear();
    let (near, far) = pair.open_channel("kept", DataChannelInit::default()).await;
    for _ in 0..3 {
        pair.negotiate(OfferOptions::default(), |answer| answer)
            .await;
    }
    let (tx, rx) = channel();
    far.on_message(Some(Box::new(move |message| {
        tx.send(message.data.to_vec()).unwrap()
    })));
    pair::send(&near, b"still here", true).await;
    assert_eq!(rx.recv_timeout(PATIENCE).unwrap(), b"still here");
    assert!(pair.near_states.lock().unwrap().is_empty());
}

#[tokio::test]
async fn descriptions_in_the_wrong_state_are_refused() {
    let pair = Pair::new();
    let offer = pair
        .near
        .create_offer(OfferOptions::default())
        .await
        .unwrap();
    let answer = SessionDescription::parse(&offer.to_string(), SdpType::Answer).unwrap();
    let error = pair.near.set_remote_description(answer).await.unwrap_err();
    assert_eq!(error.error_type, RtcErrorType::InvalidState);
    assert!(pair.near.create_answer().await.is_err());
    pair.near
        .set_local_description(offer.clone())
        .await
        .unwrap();
    assert!(
        pair.near.set_remote_description(offer).await.is_err(),
        "glare"
    );
    let empty = SessionDescription::parse("v=0\r\n", SdpType::Answer).unwrap();
    let error = pair.near.set_remote_description(empty).await.unwrap_err();
    assert_eq!(error.error_type, RtcErrorType::InvalidSdp);
}

/// The memory of this process, in kB.
fn memory() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// The threads and open files of this process.
fn resources() -> (usize, usize) {
    let count = |path| std::fs::read_dir(path).unwrap().count();
    (count("/proc/self/task"), count("/proc/self/fd"))
}

/// Runs a test in a process of its own: other tests have threads too. Answers whether this is it.
fn is_alone(test: &str) -> bool {
    if std::env::var_os("ALONE").is_some() {
        return true;
    }
    let status = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test])
        .env("ALONE", "1")
        .status()
        .unwrap();
    assert!(status.success());
    false
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

/// Number of sleeps of the connections' threads, and their hundredths of a second of CPU (Linux).
fn work() -> (u64, u64) {
    let mut work = (0, 0);
    for thread in std::fs::read_dir("/proc/self/task").unwrap() {
        let read = |file: &str| {
            let path = thread.as_ref().unwrap().path().join(file);
            std::fs::read_to_string(path).unwrap_or_default()
        };
        if read("comm").trim() == "webrtc" {
            let switches = read("status");
            let switches = switches.lines().filter_map(|line| {
                line.starts_with("voluntary_ctxt_switches")
                    .then(|| line.split_whitespace().last()?.parse::<u64>().ok())
                    .flatten()
            });
            work.0 += switches.sum::<u64>();
            let stat = read("stat");
            let fields = stat.rsplit(')').next().unwrap_or_default();
            let ticks = fields.split_whitespace().skip(11).take(2);
            work.1 += ticks
                .filter_map(|field| field.parse::<u64>().ok())
                .sum::<u64>();
        }
    }
    work
}

#[test]
fn a_connection_with_nothing_to_do_sleeps() {
    if !is_alone("a_connection_with_nothing_to_do_sleeps") {
        return;
    }
    runtime().block_on(async {
        let pair = Pair::connected().await;
        let (near, _far) = pair.open_channel("x", DataChannelInit::default()).await;
        pair::send(&near, b"x", true).await;
        // Checks of the first moments are over.
        tokio::time::sleep(Duration::from_secs(2)).await;
        let (before, began) = (work(), std::time::Instant::now());
        tokio::time::sleep(Duration::from_secs(5)).await;
        let (after, seconds) = (work(), began.elapsed().as_secs_f64());
        let wakes = (after.0 - before.0) as f64 / seconds;
        let cpu = (after.1 - before.1) as f64 / 100.0 / seconds;
        println!(
            "{wakes:.1} times a second, {:.2} % of a core, both ends",
            cpu * 100.0
        );
        assert!(wakes > 0.0, "the threads were not found");
        assert!(wakes < 60.0, "{wakes} times a second");
        assert!(cpu < 0.02, "{cpu} of a core");
    });
}

#[test]
fn a_thousand_connections_leave_nothing_behind() {
    if !is_alone("a_thousand_connections_leave_nothing_behind") {
        return;
    }
    runtime().block_on(async {
        let cycle = |full: bool| async move {
            let pair = if full {
                Pair::connected().await
            } else {
                Pair::new()
            };
            let (near, far) = if full {
                let (near, far) = pair.open_channel("x", DataChannelInit::default()).await;
                (Some(near), Some(far))
            } else {
                (
                    pair.near
                        .create_data_channel("x", DataChannelInit::default())
                        .ok(),
                    None,
                )
            };
            // Cycles of ownership, as applications make them.
            let own = pair.near.clone();
            pair.near
                .on_data_channel(Some(Box::new(move |_| drop(own.clone()))));
            if let (Some(near), Some(far)) = (near, far) {
                let own = far.clone();
                far.on_message(Some(Box::new(move |message| {
                    let _ = own.send(message.data, true);
                })));
                pair::send(&near, b"x", true).await;
            }
            pair.near.close();
            pair.far.close();
        };
        cycle(true).await;
        until("the threads have ended", || resources().0 <= 2).await;
        let before = resources();
        let mut early = 0;
        for round in 0..500 {
            cycle(round % 8 == 0).await;
            if round == 100 {
                until("the threads have ended", || resources() <= before).await;
                early = memory();
            }
        }
        until("the threads have ended", || resources() <= before).await;
        assert_eq!(resources(), before);
        // 800 connections later: less than 10 kB for each, which is what the allocator's own noise may be.
        let grown = memory().saturating_sub(early);
        println!("memory grew by {grown} kB over 800 connections");
        assert!(grown < 8_000, "{grown} kB");
    });
}

#[test]
fn a_dropped_connection_closes() {
    runtime().block_on(async {
        let Pair { near, far, .. } = Pair::connected().await;
        drop(near);
        until("the peer noticed", || {
            far.connection_state() == PeerConnectionState::Failed
        })
        .await;
    });
}

/// Events at the far end of a pair, in order: its channel's states and its own. `closes` says
/// that it closes its connection when its channel has closed, as an application does that the server
/// tells by other means.
async fn far_events(closes: bool) -> (Pair, Receiver<String>) {
    let pair = Pair::connected().await;
    let (_near, far) = pair.open_channel("x", DataChannelInit::default()).await;
    let (tell, events) = channel();
    let told = tell.clone();
    let own = pair.far.clone();
    far.on_state_change(Some(Box::new(move |state| {
        let _ = tell.send(format!("channel {state:?}"));
        if closes {
            own.close();
        }
    })));
    pair.far
        .on_connection_state_change(Some(Box::new(move |state| {
            let _ = told.send(format!("connection {state:?}"));
        })));
    (pair, events)
}

#[test]
fn an_end_by_the_peer_fails_after_its_channels_have_closed() {
    runtime().block_on(async {
        let (Pair { near, far, .. }, events) = far_events(false).await;
        drop(near);
        assert_eq!(events.recv_timeout(PATIENCE).unwrap(), "channel Closed");
        for _ in 0..2 {
            let stats = far.get_stats().await.unwrap();
            let transport = stats.into_iter().find_map(|report| match report {
                RtcStats::Transport(stats) => stats.transport.dtls_state,
                _ => None,
            });
            assert_eq!(transport, Some(DtlsTransportState::Closed));
            // Before the connection counts as failed, and after.
            until("it failed", || {
                far.connection_state() == PeerConnectionState::Failed
            })
            .await;
        }
        assert_eq!(events.recv_timeout(PATIENCE).unwrap(), "connection Failed");
    });
}

#[test]
fn an_end_by_the_peer_that_is_answered_by_closing_is_no_failure() {
    runtime().block_on(async {
        let (Pair { near, .. }, events) = far_events(true).await;
        near.close();
        let next = || events.recv_timeout(PATIENCE).unwrap();
        assert_eq!([next(), next()], ["channel Closed", "connection Closed"]);
    });
}

#[test]
fn a_callback_that_panics_fails_its_connection() {
    runtime().block_on(async {
        let pair = Pair::connected().await;
        let (near, far) = pair.open_channel("x", DataChannelInit::default()).await;
        near.on_message(Some(Box::new(|_| panic!("the application is at fault"))));
        pair::send(&far, b"x", true).await;
        until("it failed", || {
            pair.near_states
                .lock()
                .unwrap()
                .contains(&PeerConnectionState::Failed)
        })
        .await;
        assert_eq!(pair.near.connection_state(), PeerConnectionState::Failed);
        until("its channel is closed", || {
            near.state() == DataChannelState::Closed
        })
        .await;
    });
}
