//! Any bytes from a viewer are survived, cut anywhere: the twin of the fuzz target.

use proptest::prelude::*;
use remote_access_protocol::frame;
use remote_access_session::{Connections, Request, SessionConfig};

use crate::harness::{channel, latched, permissive, Harness};

/// Bytes that get further than random ones do.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let text = prop::sample::select(vec![
        r#"{"op":"subscribe","channelIds":[1,2,99]}"#,
        r#"{"op":"subscribe","channels":[{"id":2}]}"#,
        r#"{"op":"unsubscribe","channelIds":[1,2]}"#,
        r#"{"op":"advertise","channels":[]}"#,
        r#"{"op":"advertise","channels":[{"id":1,"topic":"/cmd_vel","encoding":"cdr","schemaName":"T"},
            {"id":2,"topic":"/a","encoding":"json","schemaName":"T"}]}"#,
        r#"{"op":"unadvertise","channelIds":[1,2,3]}"#,
        r#"{"op":"getParameters","parameterNames":[],"id":"x"}"#,
        r#"{"op":"setParameters","parameters":[{"name":"/n.a","value":[1,{}]}],"id":"y"}"#,
        r#"{"op":"subscribeParameterUpdates","parameterNames":["/n.a"]}"#,
        r#"{"op":"unsubscribeParameterUpdates","parameterNames":[]}"#,
        r#"{"op":"subscribeConnectionGraph"}"#,
        r#"{"op":"wheel","topic":"/cmd_vel","act":"ask"}"#,
        r#"{"op":"wheel","topic":"/cmd_vel","act":"give"}"#,
        r#"{"op":"unsubscribeConnectionGraph"}"#,
        r#"{"op":"fetchAsset","requestId":1,"uri":"package://a/b"}"#,
        "{",
    ]);
    prop_oneof![
        3 => text.prop_map(|text| frame::text(text).unwrap_or_default().to_vec()),
        2 => (4u8..6, any::<u64>()).prop_map(|(opcode, value)| {
            let message = [&[opcode][..], &value.to_le_bytes()].concat();
            frame::binary(&message).unwrap_or_default().to_vec()
        }),
        2 => (1u32..4, any::<u32>()).prop_map(|(channel, call)| {
            let publish = [&[1][..], &channel.to_le_bytes(), b"message"].concat();
            let call = [
                &[2][..],
                &channel.to_le_bytes(),
                &call.to_le_bytes(),
                &3u32.to_le_bytes(),
                b"cdrrequest",
            ]
            .concat();
            let frames = [publish, call].map(|each| frame::binary(&each).unwrap_or_default());
            frames.concat()
        }),
        2 => prop::collection::vec(any::<u8>(), 0..40)
            .prop_map(|bytes| frame::binary(&bytes).unwrap_or_default().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..40),
    ]
}

/// Answers all requests.
fn answer(harness: &mut Harness) {
    let now = harness.now;
    for request in harness.requests() {
        let session = &mut harness.session;
        match request {
            Request::Call { key, payload, .. } => session.service_response(now, key, Ok(payload)),
            Request::GetParameters { key, .. } => session.parameter_values(now, key, vec![]),
            Request::SetParameters { key, parameters } => {
                session.parameter_failed(now, key, "/n.a", "read only");
                session.parameters_changed(now, &parameters);
                session.parameter_values(now, key, parameters);
            }
            Request::WatchGraph(true) => session.connection_graph(now, Connections::default()),
            Request::FetchAsset { key, .. } => {
                session.asset(now, key, Ok(vec![0; 200_000].into()));
            }
            Request::Publish { key, .. } => session.publish_failed(now, key, "it is no message"),
            _ => {}
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_are_survived_and_another_viewer_is_served(
        pieces in prop::collection::vec((piece(), any::<bool>()), 0..40),
        cut in 1usize..50,
        many in any::<bool>(),
    ) {
        let mut harness = Harness::with(SessionConfig {
            stream_rotate_bytes: 10_000,
            ..permissive()
        });
        harness.add(vec![channel(1), latched(2, 1)]);
        harness.join(1, many);
        harness.join(2, true);
        harness.subscribe(2, &[1]);
        for (seq, (bytes, large)) in (0..).zip(pieces) {
            for part in bytes.chunks(cut) {
                if harness.bytes(1, part).is_err() {
                    harness.open_inbound(1, many).unwrap();
                    break;
                }
            }
            // The robot's side answers some requests, and never takes others.
            if large {
                answer(&mut harness);
            }
            harness.acknowledge(2);
            harness.publish(1, seq, if large { 40_000 } else { 100 });
            harness.publish(2, seq, 100);
            harness.pass(std::time::Duration::from_millis(10));
        }
        harness.leave(1);
        harness.acknowledge(2);
        harness.publish(1, 1000, 100);
        harness.acknowledge(2);
        harness.pass(std::time::Duration::from_secs(3));
        prop_assert_eq!(harness.seqs(2, 1).last().copied(), Some(1000));
        harness.leave(2);
        harness.requests();
        prop_assert!(harness.session.viewers().is_empty());
        prop_assert_eq!(harness.open_streams(), 0);
        prop_assert_eq!(harness.session.queued_bytes(), 0);
    }
}
