//! Assets: one answer to each request.

use bytes::Bytes;
use remote_access_protocol::failure::RequestFailure;
use remote_access_protocol::server::BinaryMessage;
use remote_access_session::{Request, RequestKey};

use crate::harness::Harness;

fn fetch(harness: &mut Harness, request: u32, uri: &str) {
    harness.json(
        1,
        &format!(r#"{{"op":"fetchAsset","requestId":{request},"uri":"{uri}"}}"#),
    );
}

fn keys(harness: &mut Harness) -> Vec<RequestKey> {
    let requests = harness.requests().into_iter();
    requests
        .filter_map(|request| match request {
            Request::FetchAsset { key, .. } => Some(key),
            _ => None,
        })
        .collect()
}

fn answers(harness: &Harness) -> Vec<(u32, Result<usize, RequestFailure>)> {
    let messages = harness.binaries(1).into_iter();
    messages
        .filter_map(|message| match message {
            BinaryMessage::FetchAssetResponse { request, result } => {
                Some((request.0, result.map(|data| data.len())))
            }
            _ => None,
        })
        .collect()
}

#[test]
fn a_file_or_an_error_comes_back() {
    let mut harness = Harness::permissive();
    harness.join(1, true);
    fetch(&mut harness, 7, "package://a/b.stl");
    fetch(&mut harness, 8, "package://a/c.stl");
    let keys = keys(&mut harness);
    let now = harness.now;
    let file = Bytes::from(vec![0; 1_000_000]);
    harness.session.asset(now, keys[0], Ok(file.clone()));
    harness.session.asset(now, keys[0], Ok(file));
    harness
        .session
        .asset(now, keys[1], Err(RequestFailure::new("no")));
    harness.acknowledge_all(1);
    let mut answers = answers(&harness);
    answers.sort_by_key(|(request, _)| *request);
    assert_eq!(
        answers,
        [(7, Ok(1_000_000)), (8, Err(RequestFailure::new("no")))]
    );
}

#[test]
fn requests_that_are_refused_are_answered_too() {
    let mut harness = Harness::new();
    harness.join(1, false);
    fetch(&mut harness, 7, "package://a/b.stl");
    harness.pump();
    let answers = answers(&harness);
    assert!(
        matches!(&answers[..], [(7, Err(reason))] if reason.text().contains("\"assets\"")),
        "{answers:?}"
    );
}

#[test]
fn requests_are_bounded_and_expire() {
    let mut harness = Harness::permissive();
    harness.join(1, true);
    fetch(&mut harness, 0, &"a".repeat(5000));
    for request in 1..100 {
        fetch(&mut harness, request, "package://a/b.stl");
    }
    let asked = keys(&mut harness).len();
    assert!((1..=16).contains(&asked), "{asked}");
    harness.pump();
    assert_eq!(answers(&harness).len(), 100 - asked);
    harness.pass(std::time::Duration::from_secs(61));
    assert_eq!(answers(&harness).len(), 100);
    assert!(answers(&harness).iter().all(|(_, result)| result.is_err()));
}
