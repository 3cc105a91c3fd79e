//! Any bytes from a viewer are survived, cut anywhere: the twin of the fuzz target.

use proptest::prelude::*;
use remote_access_bridge::session::SessionConfig;
use remote_access_protocol::frame;

use crate::session_harness::{channel, latched, Harness};

/// Bytes that get further than random ones do.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let text = prop::sample::select(vec![
        r#"{"op":"subscribe","channelIds":[1,2,99]}"#,
        r#"{"op":"subscribe","channels":[{"id":2}]}"#,
        r#"{"op":"unsubscribe","channelIds":[1,2]}"#,
        r#"{"op":"advertise","channels":[]}"#,
        "{",
    ]);
    prop_oneof![
        3 => text.prop_map(|text| frame::text(text).unwrap_or_default().to_vec()),
        2 => (4u8..6, any::<u64>()).prop_map(|(opcode, value)| {
            let message = [&[opcode][..], &value.to_le_bytes()].concat();
            frame::binary(&message).unwrap_or_default().to_vec()
        }),
        2 => prop::collection::vec(any::<u8>(), 0..40)
            .prop_map(|bytes| frame::binary(&bytes).unwrap_or_default().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..40),
    ]
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
            ..SessionConfig::default()
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
        prop_assert_eq!(harness.open_streams(), 0);
        prop_assert_eq!(harness.session.queued_bytes(), 0);
    }
}
