//! Large answers neither block anything nor fill the control queue.

use bytes::Bytes;
use remote_access_protocol::failure::RequestFailure;
use remote_access_protocol::server::BinaryMessage;
use remote_access_session::{ParticipantId, Request, RequestKey, SessionConfig};

use crate::harness::{channel, permissive, Harness, What};

const LARGE: usize = 15 << 20;

/// Viewers that each wait for `count` assets.
fn waiting(many_streams: bool, count: u32) -> (Harness, Vec<RequestKey>) {
    let mut harness = Harness::with(SessionConfig {
        unacknowledged_rate: 1_000_000_000,
        ..permissive()
    });
    harness.add(vec![channel(1)]);
    harness.join(1, many_streams);
    harness.join(2, true);
    for id in [1, 2] {
        harness.subscribe(id, &[1]);
        harness.acknowledge(id);
    }
    for request in 0..count {
        let fetch = format!(r#"{{"op":"fetchAsset","requestId":{request},"uri":"a"}}"#);
        harness.json(1, &fetch);
    }
    let requests = harness.requests().into_iter();
    let keys = requests
        .filter_map(|request| match request {
            Request::FetchAsset { key, .. } => Some(key),
            _ => None,
        })
        .collect();
    (harness, keys)
}

fn assets(harness: &Harness) -> Vec<Result<usize, RequestFailure>> {
    let messages = harness.binaries(1).into_iter();
    messages
        .filter_map(|message| match message {
            BinaryMessage::FetchAssetResponse { result, .. } => Some(result.map(|data| data.len())),
            _ => None,
        })
        .collect()
}

#[test]
fn a_large_answer_lets_data_and_control_of_all_pass() {
    let (mut harness, keys) = waiting(true, 1);
    let file = Bytes::from(vec![0; LARGE]);
    harness.session.asset(harness.now, keys[0], Ok(file));
    for _ in 0..20 {
        harness.step();
    }
    for seq in 0..10 {
        harness.publish(1, seq, 1000);
        harness.ping(1, seq);
        // A few slices are enough for what is small.
        for _ in 0..8 {
            harness.step();
        }
        assert_eq!(harness.seqs(1, 1).len(), seq as usize + 1);
        assert_eq!(harness.seqs(2, 1).len(), seq as usize + 1);
        assert_eq!(harness.pongs(1).last().map(|pong| pong.0), Some(seq));
    }
    assert_eq!(assets(&harness), []);
    harness.acknowledge_all(1);
    assert_eq!(assets(&harness), [Ok(LARGE)]);
    harness.pump();
    let own = harness.streams_of(1).into_iter();
    let spare = own.filter(|stream| {
        harness.received[&1]
            .iter()
            .any(|r| r.stream == *stream && matches!(r.what, What::Other(_)))
    });
    assert_eq!(spare.count(), 0, "the stream of the answer is closed");
}

#[test]
fn one_stream_carries_large_answers_whole() {
    let (mut harness, keys) = waiting(false, 2);
    for key in keys {
        let file = Bytes::from(vec![0; 1 << 20]);
        harness.session.asset(harness.now, key, Ok(file));
    }
    for seq in 0..10 {
        harness.publish(1, seq, 1000);
        harness.acknowledge(1);
        harness.acknowledge(2);
    }
    harness.acknowledge_all(1);
    assert_eq!(assets(&harness), [Ok(1 << 20), Ok(1 << 20)]);
    assert_eq!(harness.seqs(1, 1).len(), 10);
    assert_eq!(harness.seqs(2, 1).len(), 10);
}

#[test]
fn answers_that_find_no_room_fail_and_the_room_comes_back() {
    let (mut harness, keys) = waiting(true, 8);
    for key in &keys {
        let file = Bytes::from(vec![0; LARGE]);
        harness.session.asset(harness.now, *key, Ok(file));
    }
    harness.acknowledge_all(1);
    let answers = assets(&harness);
    assert_eq!(answers.len(), 8);
    let sent = answers.iter().filter(|answer| answer.is_ok()).count();
    assert_eq!(sent, 2, "as many as fit 32 MiB");
    harness.json(1, r#"{"op":"fetchAsset","requestId":9,"uri":"a"}"#);
    let Some(Request::FetchAsset { key, .. }) = harness.requests().pop() else {
        panic!("no request");
    };
    let file = Bytes::from(vec![0; LARGE]);
    harness.session.asset(harness.now, key, Ok(file));
    harness.acknowledge_all(1);
    assert_eq!(assets(&harness).last(), Some(&Ok(LARGE)));
}

#[test]
fn an_answer_that_was_cut_off_is_sent_again() {
    for many_streams in [true, false] {
        let (mut harness, keys) = waiting(many_streams, 1);
        let file = Bytes::from(vec![0; 1 << 20]);
        harness.session.asset(harness.now, keys[0], Ok(file));
        for _ in 0..10 {
            harness.step();
        }
        assert_eq!(assets(&harness), []);
        harness.session.resync(harness.now, ParticipantId(1));
        harness.acknowledge_all(1);
        assert_eq!(assets(&harness), [Ok(1 << 20)]);
    }
}

#[test]
fn a_viewer_that_leaves_frees_its_answers() {
    let (mut harness, keys) = waiting(true, 2);
    for key in &keys {
        let file = Bytes::from(vec![0; LARGE]);
        harness.session.asset(harness.now, *key, Ok(file));
    }
    for round in 0..20 {
        harness.leave(1);
        harness.join(1, true);
        harness.acknowledge(1);
        for request in 0..2 {
            let fetch = format!(r#"{{"op":"fetchAsset","requestId":{request},"uri":"a"}}"#);
            harness.json(1, &fetch);
        }
        let mut taken = 0;
        for request in harness.requests() {
            if let Request::FetchAsset { key, .. } = request {
                let file = Bytes::from(vec![0; LARGE]);
                harness.session.asset(harness.now, key, Ok(file));
                taken += 1;
            }
        }
        assert_eq!(taken, 2);
        assert_eq!(assets(&harness), [], "round {round}: nothing was refused");
    }
}
