//! Two connections in one process over loopback UDP: everything a data channel must do.

#[path = "support/pair.rs"]
mod pair;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::sync::Arc;

use pair::{pattern, Pair, PATIENCE};
use webrtc_channels::data_channel::{DataChannelInit, DataChannelState};
use webrtc_channels::states::PeerConnectionState;

#[tokio::test]
async fn messages_arrive_both_ways_in_order_and_exact() {
    let pair = Pair::connected().await;
    let (near, far) = pair.open_channel("data", DataChannelInit::default()).await;
    assert_eq!(
        (near.label(), far.label()),
        ("data".to_owned(), "data".to_owned())
    );
    assert_eq!(near.id(), far.id());
    for (from, to) in [(&near, &far), (&far, &near)] {
        let (tx, rx) = channel();
        to.on_message(Some(Box::new(move |message| {
            let _ = tx.send((message.data.to_vec(), message.binary));
        })));
        for i in 0..10_000u32 {
            let message = pattern(i, (i % 300) as usize);
            pair::send(from, &message, i % 2 == 0).await;
        }
        for i in 0..10_000u32 {
            let (data, binary) = rx.recv_timeout(PATIENCE).expect("a message is missing");
            assert_eq!(binary, i % 2 == 0, "message {i}");
            assert!(
                data == pattern(i, (i % 300) as usize),
                "message {i} differs"
            );
        }
    }
}

#[tokio::test]
async fn large_messages_up_to_the_peers_limit() {
    let pair = Pair::connected().await;
    let (near, far) = pair.open_channel("large", DataChannelInit::default()).await;
    let (tx, rx) = channel();
    far.on_message(Some(Box::new(move |message| {
        let _ = tx.send(message.data.to_vec());
    })));
    for size in [1, 1_191, 16_384, 65_536, 100_000, 262_144] {
        let message = pattern(size as u32, size);
        pair::send(&near, &message, true).await;
        let data = rx
            .recv_timeout(PATIENCE)
            .expect("a large message is missing");
        assert!(data == message, "{size} bytes differ");
    }
    assert!(near.send(&vec![0; 262_145], true).is_err());
    assert!(near.send(b"still open", true).is_ok());
}

#[tokio::test]
async fn buffered_amount_sums_exactly_and_pushes_back() {
    let pair = Pair::connected().await;
    let (near, far) = pair
        .open_channel("buffer", DataChannelInit::default())
        .await;
    let received = Arc::new(AtomicU64::new(0));
    let count = received.clone();
    far.on_message(Some(Box::new(move |message| {
        count.fetch_add(message.data.len() as u64, Ordering::SeqCst);
    })));
    let left = Arc::new(AtomicU64::new(0));
    let count = left.clone();
    near.on_buffered_amount_change(Some(Box::new(move |bytes| {
        assert!(bytes > 0);
        count.fetch_add(bytes, Ordering::SeqCst);
    })));
    // Faster than any loopback: sooner or later the buffer is full.
    let message = vec![7; 200_000];
    let (mut accepted, mut refused) = (0u64, 0u64);
    while refused == 0 {
        match near.send(&message, true) {
            Ok(()) => accepted += message.len() as u64,
            Err(_) => refused += 1,
        }
        assert!(near.buffered_amount() <= 16 * 1024 * 1024);
        assert!(accepted < 20_000_000_000, "the buffer never filled");
    }
    for size in [0, 1, 1_163, 1_164, 5_000] {
        while near.send(&vec![1; size], true).is_err() {
            tokio::task::yield_now().await;
        }
        accepted += size as u64;
    }
    pair::until("everything arrived", || {
        received.load(Ordering::SeqCst) == accepted
    })
    .await;
    pair::until("everything was reported", || {
        left.load(Ordering::SeqCst) == accepted
    })
    .await;
    assert_eq!(near.buffered_amount(), 0);
}

#[tokio::test]
async fn negotiated_channels_need_no_announcement() {
    let pair = Pair::connected().await;
    let init = || DataChannelInit {
        negotiated: true,
        id: 77,
        ..DataChannelInit::default()
    };
    let near = pair.near.create_data_channel("n", init()).unwrap();
    let far = pair.far.create_data_channel("f", init()).unwrap();
    pair::until("both are open", || {
        near.state() == DataChannelState::Open && far.state() == DataChannelState::Open
    })
    .await;
    let (tx, rx) = channel();
    far.on_message(Some(Box::new(move |message| {
        let _ = tx.send(message.data.to_vec());
    })));
    pair::send(&near, b"hello", true).await;
    assert_eq!(rx.recv_timeout(PATIENCE).unwrap(), b"hello");
    assert!(
        pair.opened.lock().unwrap().is_empty(),
        "a negotiated channel was announced"
    );
    assert!(pair
        .near
        .create_data_channel("no id", DataChannelInit { id: -1, ..init() })
        .is_err());
}

#[tokio::test]
async fn closing_sends_what_was_accepted_and_frees_the_stream() {
    let pair = Pair::connected().await;
    for round in 0..3 {
        let (near, far) = pair.open_channel("again", DataChannelInit::default()).await;
        let received = Arc::new(AtomicU64::new(0));
        let count = received.clone();
        far.on_message(Some(Box::new(move |message| {
            count.fetch_add(message.data.len() as u64, Ordering::SeqCst);
        })));
        let (tx, rx) = channel();
        near.on_state_change(Some(Box::new(move |state| {
            let _ = tx.send(state);
        })));
        for _ in 0..50 {
            pair::send(&near, &[5; 60_000], true).await;
        }
        near.close();
        assert!(near.send(b"late", true).is_err());
        assert_eq!(
            rx.recv_timeout(PATIENCE).unwrap(),
            DataChannelState::Closing
        );
        assert_eq!(rx.recv_timeout(PATIENCE).unwrap(), DataChannelState::Closed);
        pair::until("the peer closed it too", || {
            far.state() == DataChannelState::Closed
        })
        .await;
        assert_eq!(received.load(Ordering::SeqCst), 3_000_000, "round {round}");
        // The offerer is the DTLS server here, so its first stream is 1.
        assert_eq!(near.id(), 1, "the stream was not freed");
    }
}

#[tokio::test]
async fn lossy_channels_carry_messages() {
    let pair = Pair::connected().await;
    let init = DataChannelInit {
        ordered: false,
        max_retransmits: Some(0),
        protocol: "p".to_owned(),
        ..DataChannelInit::default()
    };
    let (near, far) = pair.open_channel("lossy", init).await;
    let (tx, rx) = channel();
    far.on_message(Some(Box::new(move |message| {
        let _ = tx.send(message.data.to_vec());
    })));
    // Unordered and slow, so that nothing is lost on loopback.
    for i in 0..50u32 {
        pair::send(&near, &pattern(i, 900), true).await;
        assert!(rx.recv_timeout(PATIENCE).unwrap() == pattern(i, 900));
    }
}

#[tokio::test]
async fn messages_wait_for_a_callback() {
    let pair = Pair::connected().await;
    let (near, far) = pair.open_channel("late", DataChannelInit::default()).await;
    for i in 0..100u32 {
        pair::send(&near, &pattern(i, 100), true).await;
    }
    // A second channel shows that the messages of the first have arrived.
    let (_, _) = pair
        .open_channel("marker", DataChannelInit::default())
        .await;
    let (tx, rx) = channel();
    far.on_message(Some(Box::new(move |message| {
        let _ = tx.send(message.data.to_vec());
    })));
    for i in 0..100u32 {
        assert!(
            rx.recv_timeout(PATIENCE).unwrap() == pattern(i, 100),
            "message {i}"
        );
    }
}

#[tokio::test]
async fn a_small_message_does_not_wait_behind_bulk_of_another_channel() {
    let pair = Pair::connected().await;
    let (bulk, bulk_far) = pair.open_channel("bulk", DataChannelInit::default()).await;
    let (small, small_far) = pair.open_channel("small", DataChannelInit::default()).await;
    let before = Arc::new(AtomicU64::new(0));
    let count = before.clone();
    bulk_far.on_message(Some(Box::new(move |message| {
        count.fetch_add(message.data.len() as u64, Ordering::SeqCst);
    })));
    let (tx, rx) = channel();
    small_far.on_message(Some(Box::new(move |_| {
        let _ = tx.send(before.load(Ordering::SeqCst));
    })));
    let message = vec![1; 100_000];
    let mut queued = 0;
    while bulk.send(&message, true).is_ok() {
        queued += message.len() as u64;
    }
    pair::send(&small, b"urgent", true).await;
    let ahead = rx
        .recv_timeout(PATIENCE)
        .expect("the small message is missing");
    assert!(
        ahead < queued - 4_000_000,
        "{ahead} of {queued} bytes were delivered first"
    );
}

#[tokio::test]
async fn callbacks_may_call_anything() {
    let pair = Pair::connected().await;
    let (near, far) = pair
        .open_channel("reenter", DataChannelInit::default())
        .await;
    // The answer is sent, the callback replaced and the connection dropped, all from inside.
    let echo = far.clone();
    far.on_message(Some(Box::new(move |message| {
        let _ = echo.send(message.data, true);
        let again = echo.clone();
        echo.on_message(Some(Box::new(move |message| {
            let _ = again.send(&[message.data, b"!"].concat(), true);
            let _ = (again.buffered_amount(), again.state(), again.label());
        })));
    })));
    let (tx, rx) = channel();
    let own = near.clone();
    near.on_message(Some(Box::new(move |message| {
        let _ = tx.send(message.data.to_vec());
        let _ = own.state();
    })));
    pair::send(&near, b"one", true).await;
    assert_eq!(rx.recv_timeout(PATIENCE).unwrap(), b"one");
    pair::send(&near, b"two", true).await;
    assert_eq!(rx.recv_timeout(PATIENCE).unwrap(), b"two!");

    let Pair {
        near: near_connection,
        far: far_connection,
        ..
    } = pair;
    let (tx, rx) = channel();
    let mut held = Some(near_connection.clone());
    near.on_message(Some(Box::new(move |_| {
        if let Some(connection) = held.take() {
            connection.close();
            drop(connection);
            let _ = tx.send(());
        }
    })));
    drop(near_connection);
    pair::send(&far, b"bye", true).await;
    rx.recv_timeout(PATIENCE)
        .expect("the callback did not return");
    pair::until("the channel is closed", || {
        near.state() == DataChannelState::Closed
    })
    .await;
    pair::until("the peer noticed", || {
        far_connection.connection_state() == PeerConnectionState::Failed
    })
    .await;
}
