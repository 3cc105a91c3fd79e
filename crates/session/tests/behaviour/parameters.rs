//! Parameters: answers go to the one who asked, changes to those who watch.

use std::time::Duration;

use remote_access_protocol::parameter::Parameter;
use remote_access_protocol::server::ServerMessage;
use remote_access_session::{NameRule, ParticipantId, Request, RequestKey, Rights};
use serde_json::json;

use crate::harness::Harness;

fn parameter(name: &str, value: i64) -> Parameter {
    Parameter {
        name: name.into(),
        kind: None,
        value: Some(json!(value)),
    }
}

fn values(harness: &Harness, viewer: u64) -> Vec<(Option<String>, Vec<Parameter>)> {
    let messages = harness.messages(viewer).into_iter();
    messages
        .filter_map(|message| match message {
            ServerMessage::ParameterValues { parameters, id } => Some((id, parameters)),
            _ => None,
        })
        .collect()
}

fn key(request: &Request) -> RequestKey {
    match request {
        Request::GetParameters { key, .. } | Request::SetParameters { key, .. } => *key,
        other => panic!("{other:?}"),
    }
}

fn viewers() -> Harness {
    let mut harness = Harness::permissive();
    harness.join(1, true);
    harness.join(2, false);
    harness
}

#[test]
fn values_go_to_the_one_who_asked_with_its_id() {
    let mut harness = viewers();
    harness.json(
        1,
        r#"{"op":"getParameters","parameterNames":["/n.a"],"id":"x"}"#,
    );
    let requests = harness.requests();
    let expected = Request::GetParameters {
        key: key(&requests[0]),
        names: vec!["/n.a".into()],
    };
    assert_eq!(requests, [expected]);
    for _ in 0..2 {
        harness.session.parameter_values(
            harness.now,
            key(&requests[0]),
            vec![parameter("/n.a", 1)],
        );
    }
    harness.pump();
    let answer = (Some("x".to_owned()), vec![parameter("/n.a", 1)]);
    assert_eq!(values(&harness, 1), [answer]);
    assert_eq!(values(&harness, 2), []);
}

#[test]
fn setting_is_answered_if_an_id_asks_for_it() {
    let mut harness = viewers();
    for (id, answers) in [(r#","id":"y""#, 1), ("", 0)] {
        harness.forget();
        harness.json(
            1,
            &format!(r#"{{"op":"setParameters","parameters":[{{"name":"/n.a","value":2}}]{id}}}"#),
        );
        let requests = harness.requests();
        let Request::SetParameters { parameters, .. } = &requests[0] else {
            panic!("{requests:?}");
        };
        assert_eq!(*parameters, [parameter("/n.a", 2)]);
        let now = harness.now;
        let request = key(&requests[0]);
        harness
            .session
            .parameter_failed(now, request, "/n.a", "read only");
        harness
            .session
            .parameter_values(now, request, vec![parameter("/n.a", 1)]);
        harness.pass(Duration::from_secs(2));
        assert_eq!(values(&harness, 1).len(), answers);
        assert_eq!(harness.statuses(1), ["parameter /n.a: read only"]);
        assert!(harness.statuses(2).is_empty());
    }
}

#[test]
fn reading_goes_without_the_right_to_set() {
    let mut harness = viewers();
    let rights = Rights {
        set: NameRule::default(),
        ..Rights::all()
    };
    harness
        .session
        .set_rights(harness.now, ParticipantId(1), rights, None);
    harness.json(1, r#"{"op":"getParameters","parameterNames":[]}"#);
    harness.json(
        1,
        r#"{"op":"setParameters","parameters":[{"name":"/n.a","value":2}]}"#,
    );
    harness.pump();
    let requests = harness.requests();
    assert!(
        matches!(&requests[..], [Request::GetParameters { .. }]),
        "{requests:?}"
    );
    let statuses = harness.statuses(1);
    assert!(statuses[0].contains("setting parameters is not among this viewer's rights"));
}

#[test]
fn changes_go_to_those_who_watch_them() {
    let mut harness = viewers();
    harness.json(
        1,
        r#"{"op":"subscribeParameterUpdates","parameterNames":["/n.a"]}"#,
    );
    assert_eq!(harness.requests(), [Request::WatchParameters(true)]);
    harness.json(
        2,
        r#"{"op":"subscribeParameterUpdates","parameterNames":[]}"#,
    );
    assert_eq!(harness.requests(), []);
    let changed = [parameter("/n.a", 1), parameter("/n.b", 2)];
    harness.session.parameters_changed(harness.now, &changed);
    harness
        .session
        .parameters_changed(harness.now, &[parameter("/n.b", 3)]);
    harness.pump();
    assert_eq!(values(&harness, 1), [(None, changed[..1].to_vec())]);
    assert_eq!(values(&harness, 2).len(), 2);

    harness.json(
        1,
        r#"{"op":"unsubscribeParameterUpdates","parameterNames":["/n.a"]}"#,
    );
    assert_eq!(harness.requests(), []);
    harness.leave(2);
    assert_eq!(harness.requests(), [Request::WatchParameters(false)]);
}

#[test]
fn a_viewer_that_was_resynced_gets_what_it_watches() {
    let mut harness = viewers();
    harness.json(
        1,
        r#"{"op":"subscribeParameterUpdates","parameterNames":["/n.a"]}"#,
    );
    harness.requests();
    harness.session.resync(harness.now, ParticipantId(1));
    let requests = harness.requests();
    let now = harness.now;
    harness
        .session
        .parameter_values(now, key(&requests[0]), vec![parameter("/n.a", 4)]);
    harness.pump();
    let answer = (None, vec![parameter("/n.a", 4)]);
    assert_eq!(values(&harness, 1).last(), Some(&answer));
}

#[test]
fn requests_are_bounded_and_a_robot_that_does_not_answer_is_told() {
    let mut harness = viewers();
    for _ in 0..100 {
        harness.json(
            1,
            r#"{"op":"getParameters","parameterNames":["/n.a"],"id":"x"}"#,
        );
    }
    harness.pump();
    let asked = harness.requests().len();
    assert!((1..=32).contains(&asked), "{asked}");
    assert!(harness.statuses(1)[0].contains("at once"));
    harness.pass(Duration::from_secs(61));
    assert_eq!(values(&harness, 1).len(), asked);
    assert!(harness
        .statuses(1)
        .iter()
        .any(|text| text.contains("does not answer")));
    harness.requests();
    harness.json(1, r#"{"op":"getParameters","parameterNames":[]}"#);
    assert_eq!(harness.requests().len(), 1);
}

#[test]
fn the_same_name_is_asked_for_once_and_too_many_names_are_refused() {
    let mut harness = viewers();
    let same = vec!["/n.a"; 24_000];
    let get = |names: &serde_json::Value| {
        json!({"op": "getParameters", "parameterNames": names, "id": "x"}).to_string()
    };
    harness.json(1, &get(&json!(same)));
    let requests = harness.requests();
    let Request::GetParameters { names, .. } = &requests[0] else {
        panic!("{requests:?}");
    };
    assert_eq!(*names, ["/n.a"]);

    let many: Vec<String> = (0..10_001).map(|n| format!("/n.p{n}")).collect();
    harness.json(1, &get(&json!(many)));
    harness.pump();
    assert_eq!(harness.requests(), []);
    assert!(harness.statuses(1)[0].contains("no more than 10000 can be named"));
    harness.json(1, &get(&json!(many[1..])));
    assert_eq!(harness.requests().len(), 1);

    harness.pass(Duration::from_secs(2));
    let set: Vec<_> = many.iter().map(|name| parameter(name, 1)).collect();
    harness.json(
        1,
        &json!({"op": "setParameters", "parameters": set}).to_string(),
    );
    harness.pump();
    assert_eq!(harness.requests(), []);
    assert_eq!(harness.statuses(1).len(), 2);
}

/// Requests that a viewer repeats when it is resynced, which the robot remembers.
fn watched(harness: &mut Harness) -> Vec<String> {
    harness.requests();
    harness.session.resync(harness.now, ParticipantId(1));
    match harness.requests().pop() {
        Some(Request::GetParameters { names, .. }) => names,
        other => panic!("{other:?}"),
    }
}

fn watch(harness: &mut Harness, op: &str, names: &[String]) {
    let text = json!({"op": op, "parameterNames": names}).to_string();
    harness.json(1, &text);
    harness.pump();
}

#[test]
fn names_that_are_watched_are_short_and_few_bytes_in_all() {
    let mut harness = viewers();
    let op = "subscribeParameterUpdates";
    let names = ["/n.a".to_owned(), format!("/n.{}", "x".repeat(600))];
    watch(&mut harness, op, &names);
    assert!(harness.statuses(1)[0].contains("1 parameters are not watched"));
    assert_eq!(watched(&mut harness), names[..1]);

    harness.pass(Duration::from_secs(2));
    let long: Vec<String> = (0..5_000).map(|n| format!("/n.{n:0>500}")).collect();
    for names in long.chunks(500) {
        watch(&mut harness, op, names);
    }
    let kept = watched(&mut harness);
    let bytes: usize = kept.iter().map(String::len).sum();
    assert!((1_000_000..=1 << 20).contains(&bytes), "{bytes}");
    assert!(kept.contains(&names[0]));

    // What is watched no more makes room.
    for names in kept.chunks(500) {
        watch(&mut harness, "unsubscribeParameterUpdates", names);
    }
    watch(&mut harness, op, &long[4_000..4_100]);
    assert!(watched(&mut harness).contains(&long[4_099]));
}

#[test]
fn the_id_of_a_request_is_remembered_only_if_it_is_short() {
    let mut harness = viewers();
    let get = json!({"op": "getParameters", "parameterNames": ["/n.a"], "id": "x".repeat(257)});
    harness.json(1, &get.to_string());
    harness.pump();
    assert_eq!(harness.requests(), []);
    assert!(harness.statuses(1)[0].contains("more than 256 bytes"));
}
