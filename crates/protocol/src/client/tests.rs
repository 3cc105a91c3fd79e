use super::*;
use proptest::prelude::*;
use serde_json::json;

use crate::frame::FrameDecoder;
use crate::parameter::Parameter;
use crate::{AssetRequestId, CallId, ChannelId, ServiceId};

fn text(json: &str) -> Result<ClientMessage, ClientMessageError> {
    ClientMessage::parse(Frame {
        opcode: Opcode::Text,
        payload: Bytes::copy_from_slice(json.as_bytes()),
    })
}

fn binary(bytes: &[u8]) -> Result<ClientMessage, ClientMessageError> {
    ClientMessage::parse(Frame {
        opcode: Opcode::Binary,
        payload: Bytes::copy_from_slice(bytes),
    })
}

fn through_a_frame(message: &ClientMessage) -> ClientMessage {
    let mut decoder = FrameDecoder::default();
    decoder.push(&message.frame().unwrap());
    ClientMessage::parse(decoder.next_frame().unwrap().unwrap()).unwrap()
}

#[test]
fn both_shapes_of_subscribe_mean_the_same() {
    let expected = ClientMessage::Subscribe(vec![ChannelId(1), ChannelId(u64::MAX)]);
    let ids = text(r#"{"op":"subscribe","channelIds":[1,18446744073709551615]}"#);
    assert_eq!(ids.unwrap(), expected);
    let channels = text(
        r#"{"op":"subscribe","channels":[{"id":1,"requestVideoTrack":true},{"id":18446744073709551615}]}"#,
    );
    assert_eq!(channels.unwrap(), expected);
}

#[test]
fn json_messages_are_those_of_the_protocol() {
    let parameter = Parameter {
        name: "/n.a".into(),
        kind: None,
        value: Some(json!(1)),
    };
    let channel = ClientChannel {
        id: ClientChannelId(7),
        topic: "/cmd_vel".into(),
        encoding: "cdr".into(),
        schema_name: "geometry_msgs/msg/Twist".into(),
        schema_encoding: None,
        schema: None,
    };
    let cases = [
        (
            json!({"op": "subscribe", "channelIds": [1]}),
            ClientMessage::Subscribe(vec![ChannelId(1)]),
        ),
        (
            json!({"op": "unsubscribe", "channelIds": [1]}),
            ClientMessage::Unsubscribe(vec![ChannelId(1)]),
        ),
        (
            json!({"op": "advertise", "channels": [{"id": 7, "topic": "/cmd_vel",
                "encoding": "cdr", "schemaName": "geometry_msgs/msg/Twist"}]}),
            ClientMessage::Advertise(vec![channel]),
        ),
        (
            json!({"op": "unadvertise", "channelIds": [7]}),
            ClientMessage::Unadvertise(vec![ClientChannelId(7)]),
        ),
        (
            json!({"op": "getParameters", "parameterNames": ["/n.a"], "id": "x"}),
            ClientMessage::GetParameters {
                names: vec!["/n.a".into()],
                id: Some("x".into()),
            },
        ),
        (
            json!({"op": "setParameters", "parameters": [{"name": "/n.a", "value": 1}]}),
            ClientMessage::SetParameters {
                parameters: vec![parameter],
                id: None,
            },
        ),
        (
            json!({"op": "subscribeParameterUpdates", "parameterNames": []}),
            ClientMessage::SubscribeParameterUpdates(vec![]),
        ),
        (
            json!({"op": "unsubscribeParameterUpdates", "parameterNames": ["/n.a"]}),
            ClientMessage::UnsubscribeParameterUpdates(vec!["/n.a".into()]),
        ),
        (
            json!({"op": "subscribeConnectionGraph"}),
            ClientMessage::SubscribeConnectionGraph,
        ),
        (
            json!({"op": "unsubscribeConnectionGraph"}),
            ClientMessage::UnsubscribeConnectionGraph,
        ),
        (
            json!({"op": "fetchAsset", "requestId": 3, "uri": "package://a/b"}),
            ClientMessage::FetchAsset {
                request: AssetRequestId(3),
                uri: "package://a/b".into(),
            },
        ),
        (
            json!({"op": "wheel", "topic": "/cmd_vel", "act": "ask"}),
            ClientMessage::Wheel {
                topic: "/cmd_vel".into(),
                act: WheelAct::Ask,
            },
        ),
    ];
    for (json, message) in cases {
        assert_eq!(text(&json.to_string()).unwrap(), message);
        let mut decoder = FrameDecoder::default();
        decoder.push(&message.frame().unwrap());
        let frame = decoder.next_frame().unwrap().unwrap();
        let written: serde_json::Value = serde_json::from_slice(&frame.payload).unwrap();
        assert_eq!(written, json);
    }
}

#[test]
fn binary_messages_have_the_layout_of_the_protocol() {
    let message = binary(&[1, 7, 0, 0, 0, 0xaa, 0xbb]).unwrap();
    let expected = ClientMessage::MessageData {
        channel: ClientChannelId(7),
        message: Bytes::from_static(&[0xaa, 0xbb]),
    };
    assert_eq!(message, expected);
    let call = [
        &[2][..],
        &[3, 0, 0, 0],
        &[4, 0, 0, 0],
        &[3, 0, 0, 0],
        b"cdr",
        b"request",
    ]
    .concat();
    let expected = ClientMessage::ServiceCallRequest(ServicePayload {
        service: ServiceId(3),
        call: CallId(4),
        encoding: "cdr".into(),
        payload: Bytes::from_static(b"request"),
    });
    assert_eq!(binary(&call).unwrap(), expected);
    let timed = ClientMessage::TimedMessageData {
        channel: ClientChannelId(7),
        sent: 8,
        message: Bytes::from_static(b"hello"),
    };
    let bytes = [&[64, 7, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0][..], b"hello"].concat();
    assert_eq!(binary(&bytes).unwrap(), timed);
    for message in [
        message,
        expected,
        timed,
        ClientMessage::Ping { timestamp: 1 },
        ClientMessage::PingAck {
            device_timestamp: 2,
        },
    ] {
        assert_eq!(through_a_frame(&message), message);
    }
}

#[test]
fn ping_may_carry_more_bytes() {
    let mut message = vec![OP_PING];
    message.extend_from_slice(&42u64.to_le_bytes());
    message.extend_from_slice(b"more");
    assert_eq!(
        binary(&message).unwrap(),
        ClientMessage::Ping { timestamp: 42 }
    );
}

#[test]
fn bad_binary_messages_are_told_apart() {
    let error = |bytes: &[u8]| match binary(bytes) {
        Err(ClientMessageError::Binary(error)) => error,
        other => panic!("{other:?}"),
    };
    assert_eq!(error(&[]), BinaryError::Empty);
    let (opcode, length) = (OP_PING, 3);
    assert_eq!(
        error(&[OP_PING, 1, 2]),
        BinaryError::Truncated { opcode, length }
    );
    assert_eq!(error(&[99]), BinaryError::UnknownOpcode(99));
    let (opcode, length) = (OP_SERVICE_CALL_REQUEST, 15);
    assert_eq!(
        error(&[2, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, b'c', b'd']),
        BinaryError::Truncated { opcode, length }
    );
    assert_eq!(
        error(&[2, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0xff]),
        BinaryError::Text(OP_SERVICE_CALL_REQUEST)
    );
}

#[test]
fn bad_text_is_an_error() {
    assert!(matches!(text("{"), Err(ClientMessageError::Json(_))));
    assert!(matches!(
        text(r#"{"op":"fly"}"#),
        Err(ClientMessageError::Json(_))
    ));
    assert!(matches!(
        text(r#"{"op":"subscribe","channelIds":[-1]}"#),
        Err(ClientMessageError::Json(_))
    ));
    let not_utf8 = ClientMessage::parse(Frame {
        opcode: Opcode::Text,
        payload: Bytes::from_static(&[0xff]),
    });
    assert!(matches!(not_utf8, Err(ClientMessageError::Utf8(_))));
    let long = " ".repeat(MAX_TEXT_SIZE + 1);
    assert!(matches!(
        text(&long),
        Err(ClientMessageError::TooLong(size)) if size == MAX_TEXT_SIZE + 1
    ));
}

proptest! {
    #[test]
    fn any_payload_is_survived(
        is_text in any::<bool>(),
        bytes in prop::collection::vec(any::<u8>(), 0..500),
    ) {
        let opcode = if is_text { Opcode::Text } else { Opcode::Binary };
        let _ = ClientMessage::parse(Frame { opcode, payload: bytes.into() });
    }
}
