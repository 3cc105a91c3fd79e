//! Writing to the robot is off until it is allowed, and viewers are told why.

use remote_access_protocol::capability::Capability;
use remote_access_protocol::server::ServerMessage;
use remote_access_session::{NameRule, ParticipantId, Policy, Request, Rights, SessionConfig};

use crate::harness::{permissive, Harness, What};

fn capabilities(harness: &Harness, id: u64) -> (Vec<Capability>, Vec<String>) {
    let infos = harness.messages(id).into_iter();
    infos
        .filter_map(|message| match message {
            ServerMessage::ServerInfo {
                capabilities,
                supported_encodings,
                ..
            } => Some((capabilities, supported_encodings)),
            _ => None,
        })
        .next_back()
        .expect("a serverInfo")
}

const ADVERTISE: &str = r#"{"op":"advertise","channels":[{"id":1,"topic":"/chat",
    "encoding":"json","schemaName":"std_msgs/msg/String"}]}"#;

#[test]
fn without_rights_every_request_is_refused_with_its_reason() {
    let mut harness = Harness::new();
    harness.join(1, true);
    assert_eq!(capabilities(&harness, 1), (vec![], vec![]));
    let asks = [
        (ADVERTISE, "clientPublish"),
        (
            r#"{"op":"getParameters","parameterNames":[],"id":"x"}"#,
            "parameters",
        ),
        (
            r#"{"op":"setParameters","parameters":[{"name":"/n.a","value":1}]}"#,
            "parameters",
        ),
        (
            r#"{"op":"subscribeParameterUpdates","parameterNames":[]}"#,
            "parametersSubscribe",
        ),
        (r#"{"op":"subscribeConnectionGraph"}"#, "connectionGraph"),
        (
            r#"{"op":"fetchAsset","requestId":1,"uri":"package://a/b.stl"}"#,
            "assets",
        ),
    ];
    for (ask, capability) in asks {
        harness.json(1, ask);
        harness.pump();
        let statuses = harness.statuses(1);
        let last = statuses.last().expect("a status");
        let remedy = format!("add \"{capability}\" to the bridge's parameter `capabilities`");
        assert!(last.contains(&remedy), "{ask}: {last}");
    }
    assert_eq!(harness.requests(), []);
}

#[test]
fn a_refusal_repeated_is_told_once_a_second() {
    let mut harness = Harness::new();
    harness.join(1, true);
    for _ in 0..1000 {
        harness.json(1, r#"{"op":"subscribeConnectionGraph"}"#);
    }
    harness.pump();
    assert_eq!(harness.statuses(1).len(), 1);
    harness.pass(std::time::Duration::from_secs(2));
    harness.json(1, r#"{"op":"subscribeConnectionGraph"}"#);
    harness.pump();
    assert_eq!(harness.statuses(1).len(), 2);
}

#[test]
fn the_greeting_tells_what_is_allowed() {
    let mut harness = Harness::permissive();
    harness.join(1, true);
    let (capabilities, encodings) = capabilities(&harness, 1);
    let wall_clock: Vec<Capability> = Capability::ALL
        .into_iter()
        .filter(|&each| each != Capability::Time)
        .collect();
    assert_eq!(capabilities, wall_clock);
    assert_eq!(encodings, ["cdr", "json"]);
}

#[test]
fn rights_are_each_viewers_own_and_may_change() {
    let mut harness = Harness::with(SessionConfig {
        policy: Policy::new([Capability::ClientPublish], NameRule::all()),
        ..permissive()
    });
    harness.join_with(1, true, Rights::none());
    harness.join_with(2, false, Rights::none());
    let rights = Rights {
        publish: NameRule::all(),
        group: 7,
        ..Rights::none()
    };
    harness
        .session
        .set_rights(harness.now, ParticipantId(1), rights.clone(), None);
    harness.pump();
    assert_eq!(capabilities(&harness, 1).0, [Capability::ClientPublish]);
    // What they are already is no news.
    let greeted = harness.messages(1).len();
    harness
        .session
        .set_rights(harness.now, ParticipantId(1), rights, None);
    harness.pump();
    assert_eq!(harness.messages(1).len(), greeted);
    assert_eq!(capabilities(&harness, 2).0, []);
    harness.json(1, ADVERTISE);
    harness.json(2, ADVERTISE);
    let requests = harness.requests();
    assert!(
        matches!(&requests[..], [Request::Advertise { key, .. }] if key.participant.0 == 1),
        "{requests:?}"
    );

    harness
        .session
        .set_rights(harness.now, ParticipantId(1), Rights::none(), None);
    harness.pump();
    assert_eq!(capabilities(&harness, 1).0, []);
    let requests = harness.requests();
    assert!(
        matches!(&requests[..], [Request::Unadvertise { key }] if key.participant.0 == 1),
        "{requests:?}"
    );
}

#[test]
fn simulated_time_goes_to_those_who_may_have_it_and_the_latest_counts() {
    use remote_access_session::{RobotInfo, Session};
    let robot = RobotInfo {
        simulated_time: true,
        ..RobotInfo::default()
    };
    let mut harness = Harness::new();
    let config = SessionConfig {
        policy: Policy::new([Capability::Time], NameRule::default()),
        ..SessionConfig::default()
    };
    harness.session = Session::new(config, robot, harness.now, 0);
    harness.join(1, true);
    harness.join(2, true);
    harness
        .session
        .set_rights(harness.now, ParticipantId(2), Rights::none(), None);
    harness.pump();
    assert_eq!(capabilities(&harness, 1).0, [Capability::Time]);
    for time in 1..100 {
        harness.session.time(time);
    }
    harness.pump();
    let times = |harness: &Harness, id| {
        let received = harness.received[&id].iter();
        received
            .filter_map(|received| match received.what {
                What::Other(remote_access_protocol::server::BinaryMessage::Time(time)) => {
                    Some(time)
                }
                _ => None,
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(times(&harness, 1), [99]);
    assert_eq!(times(&harness, 2), [0u64; 0]);
    // A simulation may stand still: who comes later, or is allowed later, gets it, too.
    harness.join(3, true);
    harness
        .session
        .set_rights(harness.now, ParticipantId(2), Rights::all(), None);
    harness.pump();
    assert_eq!(times(&harness, 3), [99]);
    assert_eq!(times(&harness, 2), [99]);
}

#[test]
fn who_may_not_send_any_more_writes_nothing_is_told_once_and_may_come_back() {
    let mut harness = Harness::permissive();
    harness.join(1, true);
    harness.join(2, true);
    let allow = |harness: &mut Harness, may_send| {
        let now = harness.now;
        harness
            .session
            .set_may_send(now, ParticipantId(1), may_send);
        harness.pump();
    };
    // What is so already is no news.
    allow(&mut harness, true);
    assert_eq!(harness.statuses(1), [""; 0]);
    harness.json(1, ADVERTISE);
    harness.json(1, r#"{"op":"subscribeConnectionGraph"}"#);
    harness.requests();

    allow(&mut harness, false);
    allow(&mut harness, false);
    let told: Vec<String> = harness.statuses(1);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("canPublishData"), "{told:?}");
    assert_eq!(harness.statuses(2), [""; 0]);
    let announced = capabilities(&harness, 1).0;
    assert!(!announced.contains(&Capability::ClientPublish));
    assert!(!announced.contains(&Capability::Services));
    // Its channel ends; what it only reads goes on.
    let requests = harness.requests();
    assert!(
        matches!(&requests[..], [Request::Unadvertise { key }] if key.participant.0 == 1),
        "{requests:?}"
    );
    // What was on the way when it happened writes nothing either.
    harness.json(1, ADVERTISE);
    harness.json(
        1,
        r#"{"op":"setParameters","parameters":[{"name":"/n.a","value":1}]}"#,
    );
    harness.pump();
    assert_eq!(harness.requests(), []);
    assert_eq!(harness.statuses(1).len(), 3);
    // Whoever is resynced is told again; rights do not change it.
    let others = Rights {
        group: 7,
        ..Rights::all()
    };
    harness
        .session
        .set_rights(harness.now, ParticipantId(1), others, None);
    harness.pump();
    assert_eq!(harness.statuses(1).len(), 4);
    harness.json(1, ADVERTISE);
    assert_eq!(harness.requests(), []);

    allow(&mut harness, true);
    assert_eq!(
        harness.statuses(1).last().map(String::as_str),
        Some("-may-not-send")
    );
    assert!(capabilities(&harness, 1)
        .0
        .contains(&Capability::ClientPublish));
    harness.json(1, ADVERTISE);
    let requests = harness.requests();
    assert!(
        matches!(&requests[..], [Request::Advertise { key, .. }] if key.participant.0 == 1),
        "{requests:?}"
    );
}
