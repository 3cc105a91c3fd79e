//! The binary messages of a robot.

use bytes::{BufMut, Bytes, BytesMut};

use crate::binary::{put_text, BinaryError, Fields};
use crate::client::ClientMessage;
use crate::failure::RequestFailure;
use crate::frame;
use crate::service::ServicePayload;
use crate::{AssetRequestId, ChannelId};

pub(super) const OP_MESSAGE_DATA: u8 = 1;
const OP_TIME: u8 = 2;
const OP_SERVICE_CALL_RESPONSE: u8 = 3;
const OP_FETCH_ASSET_RESPONSE: u8 = 4;
const OP_PONG: u8 = 6;

const ASSET_OK: u8 = 0;
const ASSET_ERROR: u8 = 1;

/// A binary message from the robot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BinaryMessage {
    /// A message of a channel. The robot frames it with [`super::message_data_header`].
    MessageData {
        /// The channel.
        channel: ChannelId,
        /// When the robot received it, in nanoseconds since the epoch of the robot's clock.
        log_time: u64,
        /// The message in the channel's encoding.
        message: Bytes,
    },
    /// The robot's time in nanoseconds.
    Time(u64),
    /// The response to a service call.
    ServiceCallResponse(ServicePayload),
    /// The answer to a request for an asset.
    FetchAssetResponse {
        /// The request.
        request: AssetRequestId,
        /// The file's bytes, or why they cannot be had.
        result: Result<Bytes, RequestFailure>,
    },
    /// The answer to a Ping. It marks a position in what the robot sent.
    Pong {
        /// The viewer's own timestamp, as it came with the Ping.
        timestamp: u64,
        /// The robot's clock in milliseconds; each Pong's is greater than the one before.
        device_timestamp: u64,
    },
}

impl BinaryMessage {
    /// Parses the payload of a binary frame. Payloads are shared with it, not copied.
    pub fn parse(payload: Bytes) -> Result<Self, BinaryError> {
        let mut fields = Fields::new(payload)?;
        match fields.opcode() {
            OP_MESSAGE_DATA => Ok(Self::MessageData {
                channel: ChannelId(fields.u64()?),
                log_time: fields.u64()?,
                message: fields.rest(),
            }),
            OP_TIME => Ok(Self::Time(fields.u64()?)),
            OP_SERVICE_CALL_RESPONSE => {
                Ok(Self::ServiceCallResponse(ServicePayload::parse(fields)?))
            }
            OP_FETCH_ASSET_RESPONSE => {
                let request = AssetRequestId(fields.u32()?);
                let status = fields.u8()?;
                let error = fields.text()?;
                let result = match status {
                    ASSET_OK => Ok(fields.rest()),
                    _ => Err(RequestFailure::new(error)),
                };
                Ok(Self::FetchAssetResponse { request, result })
            }
            OP_PONG => Ok(Self::Pong {
                timestamp: fields.u64()?,
                device_timestamp: fields.u64()?,
            }),
            other => Err(BinaryError::UnknownOpcode(other)),
        }
    }

    /// The acknowledgement that a viewer owes for this message: every Pong gets one.
    #[must_use]
    pub fn acknowledgement(&self) -> Option<ClientMessage> {
        match *self {
            Self::Pong {
                device_timestamp, ..
            } => Some(ClientMessage::PingAck { device_timestamp }),
            Self::MessageData { .. }
            | Self::Time(_)
            | Self::ServiceCallResponse(_)
            | Self::FetchAssetResponse { .. } => None,
        }
    }

    /// The message as a frame, or `None` if it is longer than a frame may be.
    pub fn frame(&self) -> Option<Bytes> {
        let mut out = BytesMut::new();
        match self {
            Self::MessageData {
                channel,
                log_time,
                message,
            } => {
                out.put_u8(OP_MESSAGE_DATA);
                out.put_u64_le(channel.0);
                out.put_u64_le(*log_time);
                out.put_slice(message);
            }
            Self::Time(time) => {
                out.put_u8(OP_TIME);
                out.put_u64_le(*time);
            }
            Self::ServiceCallResponse(response) => {
                out.put_u8(OP_SERVICE_CALL_RESPONSE);
                response.write(&mut out)?;
            }
            Self::FetchAssetResponse { request, result } => {
                out.put_u8(OP_FETCH_ASSET_RESPONSE);
                out.put_u32_le(request.0);
                match result {
                    Ok(data) => {
                        out.put_u8(ASSET_OK);
                        put_text(&mut out, "")?;
                        out.put_slice(data);
                    }
                    Err(error) => {
                        out.put_u8(ASSET_ERROR);
                        put_text(&mut out, error.text())?;
                    }
                }
            }
            Self::Pong {
                timestamp,
                device_timestamp,
            } => {
                out.put_u8(OP_PONG);
                out.put_u64_le(*timestamp);
                out.put_u64_le(*device_timestamp);
            }
        }
        frame::binary(&out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CallId, ServiceId};
    use proptest::prelude::*;

    #[test]
    fn layouts_are_those_of_the_protocol() {
        let data = Bytes::from_static(&[9, 8]);
        let cases: [(BinaryMessage, &[u8]); 6] = [
            (
                BinaryMessage::MessageData {
                    channel: ChannelId(1),
                    log_time: 2,
                    message: data.clone(),
                },
                &[1, 1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 9, 8],
            ),
            (BinaryMessage::Time(3), &[2, 3, 0, 0, 0, 0, 0, 0, 0]),
            (
                BinaryMessage::ServiceCallResponse(ServicePayload {
                    service: ServiceId(1),
                    call: CallId(2),
                    encoding: "cdr".into(),
                    payload: data.clone(),
                }),
                &[
                    3, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, b'c', b'd', b'r', 9, 8,
                ],
            ),
            (
                BinaryMessage::FetchAssetResponse {
                    request: AssetRequestId(5),
                    result: Ok(data),
                },
                &[4, 5, 0, 0, 0, 0, 0, 0, 0, 0, 9, 8],
            ),
            (
                BinaryMessage::FetchAssetResponse {
                    request: AssetRequestId(5),
                    result: Err(RequestFailure::new("no")),
                },
                &[4, 5, 0, 0, 0, 1, 2, 0, 0, 0, b'n', b'o'],
            ),
            (
                BinaryMessage::Pong {
                    timestamp: 7,
                    device_timestamp: 8,
                },
                &[6, 7, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0],
            ),
        ];
        for (message, bytes) in cases {
            let frame = message.frame().unwrap();
            assert_eq!(frame[5..], *bytes);
            assert_eq!(frame[..5], [2, bytes.len() as u8, 0, 0, 0]);
            assert_eq!(
                BinaryMessage::parse(Bytes::copy_from_slice(bytes)).unwrap(),
                message
            );
        }
    }

    proptest! {
        #[test]
        fn any_payload_is_survived(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = BinaryMessage::parse(bytes.into());
        }
    }
}
