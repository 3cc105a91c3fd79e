//! Delivery of messages: order, retransmissions, lifetimes, sizes, shares of the link.

#[path = "support/pair.rs"]
mod pair;
#[path = "support/relay.rs"]
mod relay;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use pair::Pair;
use relay::Relay;
use webrtc_channels::data_channel::{DataChannel, DataChannelError, DataChannelInit};
use webrtc_channels::states::PeerConnectionState;

async fn connected() -> (Pair, Relay) {
    let pair = Pair::new();
    let relay = Relay::connect(&pair).await;
    pair::until("both are connected", || {
        [&pair.near, &pair.far]
            .iter()
            .all(|connection| connection.connection_state() == PeerConnectionState::Connected)
    })
    .await;
    (pair, relay)
}

/// The numbers that messages begin with, as they arrive.
fn numbers(channel: &DataChannel) -> Arc<Mutex<Vec<u32>>> {
    let numbers = Arc::new(Mutex::new(Vec::new()));
    let list = numbers.clone();
    channel.on_message(Some(Box::new(move |message| {
        let number = u32::from_le_bytes(message.data[..4].try_into().unwrap());
        list.lock().unwrap().push(number);
    })));
    numbers
}

fn numbered(number: u32, size: usize) -> Vec<u8> {
    let mut message = vec![0; size];
    message[..4].copy_from_slice(&number.to_le_bytes());
    message
}

/// Bytes that left the buffer, as the callback tells.
fn left(channel: &DataChannel) -> Arc<AtomicU64> {
    let left = Arc::new(AtomicU64::new(0));
    let count = left.clone();
    channel.on_buffered_amount_change(Some(Box::new(move |bytes| {
        count.fetch_add(bytes, Ordering::SeqCst);
    })));
    left
}

#[tokio::test]
async fn a_lossy_channel_loses_what_the_link_loses_and_nothing_twice() {
    let (pair, relay) = connected().await;
    for ordered in [false, true] {
        let init = DataChannelInit {
            ordered,
            max_retransmits: Some(0),
            ..DataChannelInit::default()
        };
        let (near, far) = pair.open_channel("lossy", init).await;
        let (arrived, left) = (numbers(&far), left(&near));
        relay.loss.store(100, Ordering::SeqCst);
        for number in 0..400 {
            pair::send(&near, &numbered(number, 1_000), true).await;
        }
        pair::until("everything left", || left.load(Ordering::SeqCst) == 400_000).await;
        assert_eq!(near.buffered_amount(), 0);
        relay.loss.store(0, Ordering::SeqCst);
        // These close the account: what came before has arrived by then or is given up.
        let (reliable, end) = pair
            .open_channel("reliable", DataChannelInit::default())
            .await;
        let ended = numbers(&end);
        pair::send(&reliable, &numbered(0, 4), true).await;
        pair::until("the end arrived", || ended.lock().unwrap().len() == 1).await;
        let arrived = arrived.lock().unwrap().clone();
        let different: BTreeSet<_> = arrived.iter().collect();
        assert_eq!(different.len(), arrived.len(), "a message arrived twice");
        assert!(
            (200..400).contains(&arrived.len()),
            "{} of 400",
            arrived.len()
        );
        assert!(
            !ordered || arrived.is_sorted(),
            "an ordered channel changed the order"
        );
    }
}

#[tokio::test]
async fn messages_whose_time_is_over_are_given_up_and_leave_the_buffer() {
    let (pair, relay) = connected().await;
    let init = DataChannelInit {
        max_retransmit_time: Some(300),
        ..DataChannelInit::default()
    };
    let (near, far) = pair.open_channel("hurried", init).await;
    let (arrived, left) = (numbers(&far), left(&near));
    pair::send(&near, &numbered(0, 1_000), true).await;
    pair::until("the first arrived", || arrived.lock().unwrap().len() == 1).await;
    relay.cut.store(true, Ordering::SeqCst);
    for number in 1..1_001 {
        pair::send(&near, &numbered(number, 1_000), true).await;
    }
    pair::until("everything left", || {
        left.load(Ordering::SeqCst) == 1_001_000
    })
    .await;
    assert_eq!(near.buffered_amount(), 0);
    relay.cut.store(false, Ordering::SeqCst);
    pair::send(&near, &numbered(2_000, 1_000), true).await;
    // It may be given up too while the path comes back.
    let mut next = 2_001;
    while arrived
        .lock()
        .unwrap()
        .last()
        .is_none_or(|last| *last < 2_000)
    {
        pair::send(&near, &numbered(next, 1_000), true).await;
        next += 1;
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        assert!(next < 2_600, "nothing arrived after the outage");
    }
    let arrived = arrived.lock().unwrap().clone();
    assert!(arrived.is_sorted());
    let late = arrived.iter().filter(|n| (1..=1_000).contains(*n)).count();
    assert!(
        late < 200,
        "{late} of 1,000 messages arrived after their time"
    );
}

#[tokio::test]
async fn a_message_larger_than_the_peer_takes_is_refused_with_both_numbers() {
    let pair = Pair::new();
    pair.negotiate(Default::default(), |answer| {
        let smaller = answer.replace("a=max-message-size:262144", "a=max-message-size:1000");
        assert_ne!(smaller, answer, "the answer names no size");
        smaller
    })
    .await;
    let (near, far) = pair.open_channel("small", DataChannelInit::default()).await;
    let arrived = numbers(&far);
    match near.send(&[0; 1_001], true) {
        Err(
            error @ DataChannelError::TooLarge {
                size: 1_001,
                limit: 1_000,
            },
        ) => {
            let text = error.to_string();
            assert!(text.contains("1001") && text.contains("1000"), "{text}");
        }
        other => panic!("{other:?}"),
    }
    pair::send(&near, &numbered(5, 1_000), true).await;
    pair::until("the other arrived", || *arrived.lock().unwrap() == [5]).await;
}

#[tokio::test]
async fn a_small_message_does_not_wait_behind_bulk() {
    let (pair, _relay) = connected().await;
    let (bulk, bulk_far) = pair.open_channel("bulk", DataChannelInit::default()).await;
    let (small, small_far) = pair.open_channel("small", DataChannelInit::default()).await;
    let bulk_arrived = numbers(&bulk_far);
    let before = Arc::new(AtomicU64::new(u64::MAX));
    let (noted, list) = (before.clone(), bulk_arrived.clone());
    small_far.on_message(Some(Box::new(move |_| {
        noted.store(list.lock().unwrap().len() as u64, Ordering::SeqCst);
    })));
    // Nearly all of the buffer, then one that has to pass it.
    for number in 0..1_000 {
        bulk.send(&numbered(number, 15_000), true).unwrap();
    }
    small.send(&numbered(0, 100), true).unwrap();
    let waiting = bulk.buffered_amount();
    pair::until("everything arrived", || {
        bulk_arrived.lock().unwrap().len() == 1_000
    })
    .await;
    let before = before.load(Ordering::SeqCst);
    let sent = 1_000 - waiting / 15_000;
    // What was on its way goes first, up to the receive window of 5 MiB.
    assert!(
        before <= sent + 400,
        "{before} messages came before it, {sent} were sent"
    );
}
