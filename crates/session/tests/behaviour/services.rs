//! Services: advertised to those who may call them, and one answer to each call, always.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;
use remote_access_protocol::client::ClientMessage;
use remote_access_protocol::failure::RequestFailure;
use remote_access_protocol::server::{BinaryMessage, ServerMessage};
use remote_access_protocol::service::{Service, ServicePayload, ServiceSchema};
use remote_access_protocol::{CallId, ServiceId};
use remote_access_session::{
    Encoding, ParticipantId, Request, RequestKey, Rights, ServiceInfo, SessionConfig,
};

use crate::harness::{permissive, Harness};

const TIMEOUT: Duration = Duration::from_secs(3);

fn service(id: u32) -> ServiceInfo {
    let schema = || ServiceSchema {
        encoding: "cdr".into(),
        schema_name: "s".into(),
        schema_encoding: "ros2msg".into(),
        schema: "bool a".repeat(10),
    };
    ServiceInfo {
        service: Service {
            id: ServiceId(id),
            name: format!("/s{id}"),
            service_type: "a/srv/S".into(),
            request: schema(),
            response: schema(),
        },
        timeout: TIMEOUT,
    }
}

fn call(harness: &mut Harness, viewer: u64, service: u32, call: u32, encoding: &str) {
    let request = ServicePayload {
        service: ServiceId(service),
        call: CallId(call),
        encoding: encoding.into(),
        payload: Bytes::from_static(b"request"),
    };
    harness.send(viewer, &ClientMessage::ServiceCallRequest(request));
}

/// The keys of the calls that the robot's side is to make.
fn keys(harness: &mut Harness) -> Vec<RequestKey> {
    let requests = harness.requests().into_iter();
    requests
        .filter_map(|request| match request {
            Request::Call { key, .. } => Some(key),
            _ => None,
        })
        .collect()
}

fn failures(harness: &Harness, viewer: u64) -> Vec<(u32, u32, String)> {
    let messages = harness.messages(viewer).into_iter();
    messages
        .filter_map(|message| match message {
            ServerMessage::ServiceCallFailure {
                service_id,
                call_id,
                message,
            } => Some((service_id.0, call_id.0, message)),
            _ => None,
        })
        .collect()
}

fn responses(harness: &Harness, viewer: u64) -> Vec<ServicePayload> {
    let messages = harness.binaries(viewer).into_iter();
    messages
        .filter_map(|message| match message {
            BinaryMessage::ServiceCallResponse(response) => Some(response),
            _ => None,
        })
        .collect()
}

fn offered(harness: &Harness, viewer: u64) -> Vec<u32> {
    let messages = harness.messages(viewer).into_iter();
    messages
        .flat_map(|message| match message {
            ServerMessage::AdvertiseServices { services } => {
                services.into_iter().map(|service| service.id.0).collect()
            }
            _ => vec![],
        })
        .collect()
}

fn caller() -> Harness {
    let mut harness = Harness::permissive();
    harness
        .session
        .add_services(harness.now, vec![service(1), service(2)]);
    harness.join(1, true);
    harness
}

#[test]
fn those_who_may_call_see_the_services() {
    let mut harness = caller();
    assert_eq!(offered(&harness, 1), [1, 2]);
    harness.join(2, true);
    let now = harness.now;
    harness
        .session
        .set_rights(now, ParticipantId(2), Rights::none(), None);
    harness.pump();
    harness.forget();
    harness
        .session
        .add_services(now, vec![service(2), service(3)]);
    harness.pump();
    assert_eq!(offered(&harness, 1), [3]);
    assert_eq!(offered(&harness, 2), [0u32; 0]);
    harness
        .session
        .remove_services(now, &[ServiceId(3), ServiceId(9)]);
    harness.pump();
    let removed = ServerMessage::UnadvertiseServices {
        service_ids: vec![ServiceId(3)],
    };
    assert_eq!(harness.messages(1).last(), Some(&removed));
    assert_eq!(harness.messages(2), []);
}

#[test]
fn a_response_comes_back_in_the_encoding_of_the_request() {
    for encoding in Encoding::ALL {
        let mut harness = caller();
        call(&mut harness, 1, 2, 77, encoding.name());
        let requests = harness.requests();
        let [Request::Call {
            key,
            service,
            encoding: asked,
            payload,
        }] = &requests[..]
        else {
            panic!("{requests:?}");
        };
        assert_eq!(
            (service.0, *asked, &payload[..]),
            (2, encoding, &b"request"[..])
        );
        let response = Bytes::from_static(b"response");
        harness
            .session
            .service_response(harness.now, *key, Ok(response.clone()));
        harness
            .session
            .service_response(harness.now, *key, Ok(response.clone()));
        harness.pump();
        assert_eq!(
            responses(&harness, 1),
            [ServicePayload {
                service: ServiceId(2),
                call: CallId(77),
                encoding: encoding.name().into(),
                payload: response,
            }]
        );
    }
}

#[test]
fn bad_calls_fail_at_once() {
    let mut harness = caller();
    call(&mut harness, 1, 99, 1, "cdr");
    call(&mut harness, 1, 1, 2, "xml");
    call(&mut harness, 1, 1, 3, "cdr");
    call(&mut harness, 1, 1, 3, "cdr");
    harness.pump();
    assert_eq!(keys(&mut harness).len(), 1);
    let failures = failures(&harness, 1);
    let expected = [
        (99, 1, "there is no such service"),
        (1, 2, "the encoding must be"),
        (1, 3, "is not answered yet"),
    ];
    assert_eq!(failures.len(), expected.len(), "{failures:?}");
    for ((service, call, text), expected) in failures.iter().zip(expected) {
        assert_eq!((*service, *call), (expected.0, expected.1));
        assert!(text.contains(expected.2), "{text}");
    }
}

#[test]
fn a_call_that_is_not_allowed_fails_and_says_why() {
    let mut harness = Harness::new();
    harness.session.add_services(harness.now, vec![service(1)]);
    harness.join(1, false);
    call(&mut harness, 1, 1, 5, "cdr");
    harness.pump();
    assert_eq!(offered(&harness, 1), [0u32; 0]);
    let failures = failures(&harness, 1);
    assert!(failures[0].2.contains("\"services\""), "{failures:?}");
    assert_eq!(harness.requests(), []);
}

#[test]
fn a_service_that_does_not_answer_fails_in_its_time_and_once() {
    let mut harness = caller();
    call(&mut harness, 1, 1, 5, "cdr");
    let key = keys(&mut harness)[0];
    harness.pass(TIMEOUT - Duration::from_millis(10));
    assert_eq!(failures(&harness, 1), []);
    harness.pass(Duration::from_millis(20));
    let text = "no response within 3000 ms".to_owned();
    assert_eq!(failures(&harness, 1), [(1, 5, text)]);
    assert_eq!(harness.requests(), [Request::Overdue(key)]);
    harness
        .session
        .service_response(harness.now, key, Ok(Bytes::new()));
    harness.pump();
    assert_eq!(responses(&harness, 1), []);
}

#[test]
fn calls_are_bounded_for_each_viewer() {
    let mut harness = Harness::with(SessionConfig {
        max_service_calls: 2,
        ..permissive()
    });
    harness.session.add_services(harness.now, vec![service(1)]);
    harness.join(1, true);
    harness.join(2, false);
    for id in 0..3 {
        call(&mut harness, 1, 1, id, "cdr");
    }
    call(&mut harness, 2, 1, 0, "cdr");
    harness.pump();
    let made = keys(&mut harness);
    assert_eq!(made.len(), 3);
    assert!(failures(&harness, 1)[0].2.contains("no more than 2 calls"));
    harness
        .session
        .service_response(harness.now, made[0], Err(RequestFailure::new("no")));
    call(&mut harness, 1, 1, 9, "cdr");
    assert_eq!(keys(&mut harness).len(), 1);
}

#[test]
fn a_service_that_goes_fails_its_calls() {
    let mut harness = caller();
    call(&mut harness, 1, 1, 5, "cdr");
    call(&mut harness, 1, 2, 6, "cdr");
    let made = keys(&mut harness);
    harness
        .session
        .remove_services(harness.now, &[ServiceId(1)]);
    harness.pump();
    assert_eq!(
        failures(&harness, 1),
        [(1, 5, "the service is gone".into())]
    );
    assert_eq!(harness.requests(), [Request::Cancel(made[0])]);
}

#[test]
fn calls_of_a_viewer_that_left_are_cancelled() {
    let mut harness = caller();
    call(&mut harness, 1, 1, 5, "cdr");
    let made = keys(&mut harness);
    harness.leave(1);
    assert_eq!(harness.requests(), [Request::Cancel(made[0])]);
    harness
        .session
        .service_response(harness.now, made[0], Ok(Bytes::new()));
    harness.pump();
    assert_eq!(responses(&harness, 1), []);
}

#[test]
fn a_response_over_the_limit_is_a_failure() {
    let mut harness = caller();
    call(&mut harness, 1, 1, 5, "cdr");
    let key = keys(&mut harness)[0];
    let response = Bytes::from(vec![0; (16 << 20) + 1]);
    harness
        .session
        .service_response(harness.now, key, Ok(response));
    harness.pump();
    assert!(failures(&harness, 1)[0].2.contains("16 MiB"));
}

#[derive(Clone, Debug)]
enum Step {
    Call { service: u32, call: u32 },
    Answer { which: usize, ok: bool, size: usize },
    Pass(u64),
    Remove(u32),
    Resync,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0u32..4, 0u32..6).prop_map(|(service, call)| Step::Call { service, call }),
        4 => (0usize..8, any::<bool>(), 0usize..200_000)
            .prop_map(|(which, ok, size)| Step::Answer { which, ok, size }),
        2 => (0u64..1500).prop_map(Step::Pass),
        1 => (0u32..4).prop_map(Step::Remove),
        1 => Just(Step::Resync),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn each_call_gets_one_answer_whatever_happens(
        steps in prop::collection::vec(step(), 1..60),
        many_streams in any::<bool>(),
    ) {
        let mut harness = Harness::permissive();
        harness.session.add_services(harness.now, (0..3).map(service).collect());
        harness.join(1, many_streams);
        let mut calls: BTreeMap<(u32, u32), usize> = BTreeMap::new();
        let mut open = Vec::new();
        for step in steps {
            match step {
                Step::Call { service, call: id } => {
                    *calls.entry((service, id)).or_default() += 1;
                    call(&mut harness, 1, service, id, "cdr");
                }
                Step::Answer { which, ok, size } => {
                    open.extend(keys(&mut harness));
                    if let Some(key) = open.get(which) {
                        let result = if ok { Ok(vec![0; size].into()) } else { Err(RequestFailure::new("no")) };
                        harness.session.service_response(harness.now, *key, result);
                    }
                }
                Step::Pass(time) => harness.pass(Duration::from_millis(time)),
                Step::Remove(service) => {
                    harness.session.remove_services(harness.now, &[ServiceId(service)]);
                }
                Step::Resync => {
                    harness.pump();
                    harness.session.resync(harness.now, ParticipantId(1));
                }
            }
            harness.acknowledge(1);
        }
        for _ in 0..20 {
            harness.pass(TIMEOUT / 10);
            harness.acknowledge(1);
        }
        let mut answers: BTreeMap<(u32, u32), usize> = BTreeMap::new();
        for (service, call, _) in failures(&harness, 1) {
            *answers.entry((service, call)).or_default() += 1;
        }
        for response in responses(&harness, 1) {
            *answers.entry((response.service.0, response.call.0)).or_default() += 1;
        }
        prop_assert_eq!(answers, calls);
    }
}
