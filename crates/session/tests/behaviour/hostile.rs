//! Hostile and broken bytes end or spare the stream, and never the session.

use remote_access_protocol::frame::{self, FrameError};
use remote_access_session::{InboundError, InboundId, ParticipantId};

use crate::harness::{channel, Harness};

fn viewer() -> Harness {
    let mut harness = Harness::new();
    harness.add(vec![channel(1)]);
    harness.join(1, true);
    harness
}

fn still_works(harness: &mut Harness) {
    harness.subscribe(1, &[1]);
    harness.publish(1, 0, 100);
    harness.pump();
    assert_eq!(harness.seqs(1, 1), [0]);
}

#[test]
fn an_unknown_frame_opcode_ends_the_stream() {
    let mut harness = viewer();
    let error = InboundError::Frame(FrameError::UnknownOpcode(9));
    assert_eq!(harness.bytes(1, &[9]), Err(error));
    let more = frame::text("{}").unwrap();
    assert_eq!(harness.bytes(1, &more), Err(InboundError::Unknown));
    harness.open_inbound(1, true).unwrap();
    still_works(&mut harness);
}

#[test]
fn a_frame_over_16_mib_ends_the_stream_at_its_header() {
    let mut harness = viewer();
    let length = (16u32 << 20) + 1;
    let mut bytes = vec![1];
    bytes.extend_from_slice(&length.to_le_bytes());
    let error = InboundError::Frame(FrameError::TooLong(length));
    assert_eq!(harness.bytes(1, &bytes), Err(error));
}

#[test]
fn bad_text_and_unknown_messages_are_skipped() {
    let mut harness = viewer();
    let bad_utf8 = [1, 2, 0, 0, 0, 0xff, 0xfe];
    harness.bytes(1, &bad_utf8).unwrap();
    let texts = [
        "",
        "{",
        "null",
        r#"{"op":"fly"}"#,
        r#"{"op":"subscribe"}"#,
        r#"{"op":"subscribe","channelIds":["1"]}"#,
        r#"{"op":"subscribe","channelIds":[-1]}"#,
        r#"{"op":"unsubscribe","channelIds":[1.5]}"#,
        r#"{"op":"getParameters","parameterNames":[]}"#,
    ];
    for text in texts {
        harness.json(1, text);
    }
    let deep = "[".repeat(100_000);
    harness.json(1, &deep);
    still_works(&mut harness);
}

#[test]
fn truncated_and_unknown_binary_messages_are_skipped() {
    let mut harness = viewer();
    for message in [&[][..], &[4, 1, 2], &[5], &[1], &[2, 0], &[200, 1, 2, 3]] {
        let frame = frame::binary(message).unwrap();
        harness.bytes(1, &frame).unwrap();
    }
    still_works(&mut harness);
}

#[test]
fn a_frame_may_be_cut_anywhere() {
    let mut harness = viewer();
    let frame = frame::text(r#"{"op":"subscribe","channelIds":[1]}"#).unwrap();
    for byte in frame.iter() {
        harness.bytes(1, &[*byte]).unwrap();
    }
    harness.publish(1, 0, 100);
    harness.pump();
    assert_eq!(harness.seqs(1, 1), [0]);
}

#[test]
fn incomplete_frames_on_many_streams_are_bounded_together() {
    let mut harness = viewer();
    let header = frame::header(frame::Opcode::Binary, frame::MAX_PAYLOAD_SIZE).unwrap();
    let part = vec![0; 10 << 20];
    harness.bytes(1, &header).unwrap();
    harness.bytes(1, &part).unwrap();
    harness.open_inbound(1, true).unwrap();
    harness.bytes(1, &header).unwrap();
    assert_eq!(harness.bytes(1, &part), Err(InboundError::TooMuch));
}

#[test]
fn bytes_of_unknown_streams_and_participants_are_refused() {
    let mut harness = viewer();
    let now = harness.now;
    let session = &mut harness.session;
    let error = Err(InboundError::Unknown);
    assert_eq!(session.inbound_bytes(now, InboundId(99), &[1]), error);
    let stranger = ParticipantId(99);
    let opened = session.inbound_opened(now, stranger, InboundId(98), true);
    assert_eq!(opened, error);
    harness.leave(1);
    assert_eq!(harness.bytes(1, &[1]), Err(InboundError::Unknown));
}
