//! Two connections with a bad network between them.

#[path = "support/pair.rs"]
mod pair;
#[path = "support/relay.rs"]
mod relay;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

use pair::Pair;
use relay::Relay;
use webrtc_channels::data_channel::{DataChannel, DataChannelInit};
use webrtc_channels::states::PeerConnectionState;

async fn connected() -> (Pair, Relay) {
    let pair = Pair::new();
    let relay = Relay::connect(&pair).await;
    pair::until("both are connected", || is_connected(&pair)).await;
    (pair, relay)
}

fn is_connected(pair: &Pair) -> bool {
    [&pair.near, &pair.far]
        .iter()
        .all(|connection| connection.connection_state() == PeerConnectionState::Connected)
}

/// Counts what arrives in order: each message begins with its number.
fn count_in_order(channel: &DataChannel) -> Arc<AtomicU64> {
    let count = Arc::new(AtomicU64::new(0));
    let next = count.clone();
    channel.on_message(Some(Box::new(move |message| {
        let number = u64::from_le_bytes(message.data[..8].try_into().unwrap());
        assert_eq!(
            number,
            next.load(Ordering::SeqCst),
            "out of order, lost or doubled"
        );
        assert_eq!(message.data.len(), 5_000);
        next.store(number + 1, Ordering::SeqCst);
    })));
    count
}

fn numbered(number: u64) -> Vec<u8> {
    let mut message = vec![0; 5_000];
    message[..8].copy_from_slice(&number.to_le_bytes());
    message
}

#[tokio::test]
async fn everything_arrives_through_loss_and_garbage() {
    let (pair, relay) = connected().await;
    let (near, far) = pair
        .open_channel("lossy path", DataChannelInit::default())
        .await;
    relay.loss.store(20, Ordering::Relaxed);
    relay.forge.store(true, Ordering::Relaxed);
    let count = count_in_order(&far);
    for number in 0..1_000 {
        pair::send(&near, &numbered(number), true).await;
    }
    pair::until("everything arrived", || {
        count.load(Ordering::SeqCst) == 1_000
    })
    .await;
    assert!(is_connected(&pair));
}

#[tokio::test]
async fn an_outage_of_ten_seconds_loses_nothing() {
    let (pair, relay) = connected().await;
    let (near, far) = pair
        .open_channel("outage", DataChannelInit::default())
        .await;
    let count = count_in_order(&far);
    pair::send(&near, &numbered(0), true).await;
    pair::until("the first arrived", || count.load(Ordering::SeqCst) == 1).await;
    relay.cut.store(true, Ordering::Relaxed);
    for number in 1..200 {
        pair::send(&near, &numbered(number), true).await;
    }
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(count.load(Ordering::SeqCst), 1);
    relay.cut.store(false, Ordering::Relaxed);
    let over = Instant::now();
    pair::until("the second arrived", || count.load(Ordering::SeqCst) > 1).await;
    println!("first data {:?} after the outage", over.elapsed());
    pair::until("everything arrived", || count.load(Ordering::SeqCst) == 200).await;
    pair::until("it is connected again", || is_connected(&pair)).await;
}

#[tokio::test]
async fn a_dead_path_is_disconnected_then_failed_and_a_restart_revives_it() {
    let (pair, relay) = connected().await;
    let (near, far) = pair
        .open_channel("restart", DataChannelInit::default())
        .await;
    let count = count_in_order(&far);
    relay.cut.store(true, Ordering::Relaxed);
    pair::send(&near, &numbered(0), true).await;
    pair::until("it failed", || {
        pair.near.connection_state() == PeerConnectionState::Failed
    })
    .await;
    let states = std::mem::take(&mut *pair.near_states.lock().unwrap());
    let tail = &states[states.len() - 2..];
    assert_eq!(
        tail,
        [
            PeerConnectionState::Disconnected,
            PeerConnectionState::Failed
        ]
    );
    relay.cut.store(false, Ordering::Relaxed);
    relay.restart_ice(&pair).await;
    pair::until("it is connected again", || is_connected(&pair)).await;
    pair::until("the message arrived", || count.load(Ordering::SeqCst) == 1).await;
}

#[tokio::test]
async fn ice_restarts_while_data_flows() {
    let (pair, relay) = connected().await;
    let (near, far) = pair.open_channel("flow", DataChannelInit::default()).await;
    let count = count_in_order(&far);
    let stop = Arc::new(AtomicBool::new(false));
    let (stopped, sender) = (stop.clone(), near.clone());
    let traffic = tokio::spawn(async move {
        let mut number = 0;
        while !stopped.load(Ordering::Relaxed) {
            pair::send(&sender, &numbered(number), true).await;
            number += 1;
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        number
    });
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_millis(300)).await;
        pair.near_states.lock().unwrap().clear();
        relay.restart_ice(&pair).await;
        pair::until("it is connected again", || {
            let states = pair.near_states.lock().unwrap();
            states.as_slice()
                == [
                    PeerConnectionState::Connecting,
                    PeerConnectionState::Connected,
                ]
        })
        .await;
    }
    stop.store(true, Ordering::Relaxed);
    let sent = traffic.await.unwrap();
    pair::until("everything arrived", || {
        count.load(Ordering::SeqCst) == sent
    })
    .await;
}
