//! What a viewer sends to the robot.

use bytes::{Buf, Bytes};
use serde::Deserialize;

use crate::frame::{Frame, Opcode};
use crate::ChannelId;

/// A message from a viewer.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ClientMessage {
    /// Send me the messages of these channels.
    Subscribe(Vec<ChannelId>),
    /// Stop sending the messages of these channels.
    Unsubscribe(Vec<ChannelId>),
    /// Answer with a Pong that echoes `timestamp`.
    Ping {
        /// The viewer's own timestamp, opaque to the robot.
        timestamp: u64,
    },
    /// All that was sent before the Pong with this device timestamp has arrived.
    PingAck {
        /// The device timestamp of the Pong that is acknowledged, in milliseconds.
        device_timestamp: u64,
    },
    /// A message of the protocol that this version does not handle, by name.
    Unhandled(&'static str),
}

/// Why a frame from a viewer was skipped. The stream goes on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientMessageError {
    /// A text frame is not UTF-8.
    #[error("text frame is not UTF-8: {0}")]
    Utf8(#[from] std::str::Utf8Error),
    /// A text frame is not a JSON message of the protocol.
    #[error("cannot parse JSON message: {0}")]
    Json(#[from] serde_json::Error),
    /// A binary frame has no byte at all.
    #[error("binary message is empty")]
    Empty,
    /// A binary message ends before its fixed fields do.
    #[error("binary message with opcode {opcode} is truncated: {length} bytes")]
    Truncated {
        /// The message's opcode.
        opcode: u8,
        /// The message's length in bytes, opcode included.
        length: usize,
    },
    /// A binary message has an opcode that is not part of the protocol.
    #[error("unknown binary message opcode {0}")]
    UnknownOpcode(u8),
}

impl ClientMessage {
    /// Parses the message that a frame carries.
    pub fn parse(frame: Frame) -> Result<Self, ClientMessageError> {
        match frame.opcode {
            Opcode::Text => {
                let text = std::str::from_utf8(&frame.payload)?;
                Ok(serde_json::from_str::<JsonMessage>(text)?.into())
            }
            Opcode::Binary => parse_binary(frame.payload),
        }
    }
}

const OP_MESSAGE_DATA: u8 = 1;
const OP_SERVICE_CALL_REQUEST: u8 = 2;
const OP_PING: u8 = 4;
const OP_PING_ACK: u8 = 5;

fn parse_binary(mut payload: Bytes) -> Result<ClientMessage, ClientMessageError> {
    let length = payload.len();
    let opcode = payload
        .try_get_u8()
        .map_err(|_| ClientMessageError::Empty)?;
    let truncated = |_| ClientMessageError::Truncated { opcode, length };
    match opcode {
        OP_MESSAGE_DATA => Ok(ClientMessage::Unhandled("messageData")),
        OP_SERVICE_CALL_REQUEST => Ok(ClientMessage::Unhandled("serviceCallRequest")),
        OP_PING => Ok(ClientMessage::Ping {
            timestamp: payload.try_get_u64_le().map_err(truncated)?,
        }),
        OP_PING_ACK => Ok(ClientMessage::PingAck {
            device_timestamp: payload.try_get_u64_le().map_err(truncated)?,
        }),
        other => Err(ClientMessageError::UnknownOpcode(other)),
    }
}

/// The JSON form. Only what is handled has fields; serde skips the others' contents.
#[derive(Deserialize)]
#[serde(tag = "op", rename_all = "camelCase")]
enum JsonMessage {
    Subscribe(Subscribe),
    #[serde(rename_all = "camelCase")]
    Unsubscribe {
        channel_ids: Vec<ChannelId>,
    },
    Advertise {},
    Unadvertise {},
    GetParameters {},
    SetParameters {},
    SubscribeParameterUpdates {},
    UnsubscribeParameterUpdates {},
    SubscribeConnectionGraph {},
    UnsubscribeConnectionGraph {},
    FetchAsset {},
}

/// Both shapes of `subscribe`: a list of ids (2.0), or a list of objects (2.2 and later).
#[derive(Deserialize)]
#[serde(untagged)]
enum Subscribe {
    #[serde(rename_all = "camelCase")]
    Ids {
        channel_ids: Vec<ChannelId>,
    },
    Channels {
        channels: Vec<SubscribeChannel>,
    },
}

#[derive(Deserialize)]
struct SubscribeChannel {
    id: ChannelId,
}

impl From<JsonMessage> for ClientMessage {
    fn from(message: JsonMessage) -> Self {
        match message {
            JsonMessage::Subscribe(Subscribe::Ids { channel_ids }) => Self::Subscribe(channel_ids),
            JsonMessage::Subscribe(Subscribe::Channels { channels }) => {
                Self::Subscribe(channels.into_iter().map(|channel| channel.id).collect())
            }
            JsonMessage::Unsubscribe { channel_ids } => Self::Unsubscribe(channel_ids),
            JsonMessage::Advertise {} => Self::Unhandled("advertise"),
            JsonMessage::Unadvertise {} => Self::Unhandled("unadvertise"),
            JsonMessage::GetParameters {} => Self::Unhandled("getParameters"),
            JsonMessage::SetParameters {} => Self::Unhandled("setParameters"),
            JsonMessage::SubscribeParameterUpdates {} => {
                Self::Unhandled("subscribeParameterUpdates")
            }
            JsonMessage::UnsubscribeParameterUpdates {} => {
                Self::Unhandled("unsubscribeParameterUpdates")
            }
            JsonMessage::SubscribeConnectionGraph {} => Self::Unhandled("subscribeConnectionGraph"),
            JsonMessage::UnsubscribeConnectionGraph {} => {
                Self::Unhandled("unsubscribeConnectionGraph")
            }
            JsonMessage::FetchAsset {} => Self::Unhandled("fetchAsset"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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
    fn truncated_and_unknown_binary_messages_are_named() {
        assert!(matches!(binary(&[]), Err(ClientMessageError::Empty)));
        assert!(matches!(
            binary(&[OP_PING, 1, 2]),
            Err(ClientMessageError::Truncated {
                opcode: OP_PING,
                length: 3
            })
        ));
        assert!(matches!(
            binary(&[99]),
            Err(ClientMessageError::UnknownOpcode(99))
        ));
    }

    #[test]
    fn messages_of_later_versions_are_known_by_name() {
        let call = text(r#"{"op":"getParameters","parameterNames":["/a.b"],"id":"1"}"#);
        assert_eq!(call.unwrap(), ClientMessage::Unhandled("getParameters"));
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
}
