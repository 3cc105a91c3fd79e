//! Messages from a viewer to the robot.

mod json;
mod message;

pub use message::{ClientChannel, ClientMessage, WheelAct};

use bytes::{BufMut, Bytes, BytesMut};

use crate::binary::{BinaryError, Fields};
use crate::frame::{self, Frame, Opcode};
use crate::service::ServicePayload;
use crate::ClientChannelId;

use json::JsonMessage;

/// Longest JSON message from a viewer in bytes, 1 MiB. Parsed JSON takes many times its length in
/// memory, and what can be long has a binary form.
pub const MAX_TEXT_SIZE: usize = 1024 * 1024;

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
    /// A text frame is longer than [`MAX_TEXT_SIZE`].
    #[error("JSON message of {0} bytes is longer than the limit of {MAX_TEXT_SIZE} bytes")]
    TooLong(usize),
    /// A binary message cannot be parsed.
    #[error(transparent)]
    Binary(#[from] BinaryError),
}

impl ClientMessage {
    /// Parses the message that a frame carries. Payloads are shared with the frame, not copied.
    pub fn parse(frame: Frame) -> Result<Self, ClientMessageError> {
        match frame.opcode {
            Opcode::Text if frame.payload.len() > MAX_TEXT_SIZE => {
                Err(ClientMessageError::TooLong(frame.payload.len()))
            }
            Opcode::Text => {
                let text = std::str::from_utf8(&frame.payload)?;
                Ok(serde_json::from_str::<JsonMessage>(text)?.into())
            }
            Opcode::Binary => Ok(parse_binary(frame.payload)?),
        }
    }

    /// The message as a frame, or `None` if it is longer than a frame may be.
    pub fn frame(&self) -> Option<Bytes> {
        let mut binary = BytesMut::new();
        match self {
            Self::MessageData { channel, message } => {
                binary.put_u8(OP_MESSAGE_DATA);
                binary.put_u32_le(channel.0);
                binary.put_slice(message);
            }
            Self::TimedMessageData {
                channel,
                sent,
                message,
            } => {
                binary.put_u8(OP_TIMED_MESSAGE_DATA);
                binary.put_u32_le(channel.0);
                binary.put_u64_le(*sent);
                binary.put_slice(message);
            }
            Self::ServiceCallRequest(request) => {
                binary.put_u8(OP_SERVICE_CALL_REQUEST);
                request.write(&mut binary)?;
            }
            Self::Ping { timestamp } => {
                binary.put_u8(OP_PING);
                binary.put_u64_le(*timestamp);
            }
            Self::PingAck { device_timestamp } => {
                binary.put_u8(OP_PING_ACK);
                binary.put_u64_le(*device_timestamp);
            }
            json => {
                let json = JsonMessage::try_from(json).ok()?;
                return frame::text(&serde_json::to_string(&json).ok()?);
            }
        }
        frame::binary(&binary)
    }
}

const OP_MESSAGE_DATA: u8 = 1;
const OP_SERVICE_CALL_REQUEST: u8 = 2;
const OP_PING: u8 = 4;
const OP_PING_ACK: u8 = 5;
/// None of Foxglove's. A robot that takes it has [`crate::TIMED_MESSAGES_METADATA`].
const OP_TIMED_MESSAGE_DATA: u8 = 64;

fn parse_binary(payload: Bytes) -> Result<ClientMessage, BinaryError> {
    let mut fields = Fields::new(payload)?;
    match fields.opcode() {
        OP_MESSAGE_DATA => Ok(ClientMessage::MessageData {
            channel: ClientChannelId(fields.u32()?),
            message: fields.rest(),
        }),
        OP_TIMED_MESSAGE_DATA => Ok(ClientMessage::TimedMessageData {
            channel: ClientChannelId(fields.u32()?),
            sent: fields.u64()?,
            message: fields.rest(),
        }),
        OP_SERVICE_CALL_REQUEST => Ok(ClientMessage::ServiceCallRequest(ServicePayload::parse(
            fields,
        )?)),
        OP_PING => Ok(ClientMessage::Ping {
            timestamp: fields.u64()?,
        }),
        OP_PING_ACK => Ok(ClientMessage::PingAck {
            device_timestamp: fields.u64()?,
        }),
        other => Err(BinaryError::UnknownOpcode(other)),
    }
}

#[cfg(test)]
mod tests;
