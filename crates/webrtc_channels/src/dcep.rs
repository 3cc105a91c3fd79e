//! The Data Channel Establishment Protocol (RFC 8832).

use bytes::Bytes;
use thiserror::Error;

use crate::data_channel::types::{DataChannelInit, Priority};

/// Message types (RFC 8832, section 8.2.1).
const ACK: u8 = 0x02;
const OPEN: u8 = 0x03;
/// Bytes of an OPEN message before its label.
const OPEN_HEADER: usize = 12;
/// Set in the channel type of an unordered channel.
const UNORDERED: u8 = 0x80;
const RELIABLE: u8 = 0x00;
const PARTIAL_REXMIT: u8 = 0x01;
const PARTIAL_TIMED: u8 = 0x02;

/// Why bytes are not a DCEP message.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum DcepError {
    #[error("the message is cut off")]
    Truncated,
    #[error("unknown message type {0}")]
    UnknownMessage(u8),
    #[error("unknown channel type {0}")]
    UnknownChannelType(u8),
    #[error("label or protocol is not UTF-8")]
    NotText,
    #[error("label or protocol is longer than 65,535 bytes")]
    TooLong,
}

/// A message of the protocol.
#[derive(Debug, Clone)]
pub(crate) enum Dcep {
    /// The sender opened a channel on the stream that carried the message.
    Open(Open),
    /// The peer knows the channel.
    Ack,
}

/// The properties of a channel being opened.
#[derive(Debug, Clone)]
pub(crate) struct Open {
    pub(crate) label: String,
    pub(crate) init: DataChannelInit,
}

impl Dcep {
    /// Reads a message.
    ///
    /// # Errors
    /// The bytes are not one.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, DcepError> {
        match bytes.first() {
            None => Err(DcepError::Truncated),
            Some(&ACK) => Ok(Self::Ack),
            Some(&OPEN) => Open::parse(bytes).map(Self::Open),
            Some(&other) => Err(DcepError::UnknownMessage(other)),
        }
    }

    /// The acknowledgement of an OPEN message.
    pub(crate) fn ack() -> Bytes {
        Bytes::from_static(&[ACK])
    }
}

impl Open {
    fn parse(bytes: &[u8]) -> Result<Self, DcepError> {
        let header: &[u8; OPEN_HEADER] = bytes.first_chunk().ok_or(DcepError::Truncated)?;
        let [_, kind, p0, p1, r0, r1, r2, r3, l0, l1, q0, q1] = *header;
        let reliability = i32::try_from(u32::from_be_bytes([r0, r1, r2, r3])).unwrap_or(i32::MAX);
        let label_len = usize::from(u16::from_be_bytes([l0, l1]));
        let protocol_len = usize::from(u16::from_be_bytes([q0, q1]));
        let text = bytes
            .get(OPEN_HEADER..OPEN_HEADER + label_len + protocol_len)
            .ok_or(DcepError::Truncated)?;
        let (label, protocol) = text.split_at(label_len);
        let read = |text: &[u8]| {
            std::str::from_utf8(text)
                .map(str::to_owned)
                .map_err(|_| DcepError::NotText)
        };
        let (max_retransmits, max_retransmit_time) = match kind & !UNORDERED {
            RELIABLE => (None, None),
            PARTIAL_REXMIT => (Some(reliability), None),
            PARTIAL_TIMED => (None, Some(reliability)),
            _ => return Err(DcepError::UnknownChannelType(kind)),
        };
        Ok(Self {
            label: read(label)?,
            init: DataChannelInit {
                ordered: kind & UNORDERED == 0,
                max_retransmit_time,
                max_retransmits,
                protocol: read(protocol)?,
                negotiated: false,
                id: -1,
                priority: Some(priority_of(u16::from_be_bytes([p0, p1]))),
            },
        })
    }

    /// Writes the OPEN message.
    ///
    /// # Errors
    /// Label or protocol do not fit.
    pub(crate) fn to_bytes(&self) -> Result<Bytes, DcepError> {
        let init = &self.init;
        let (kind, reliability) = match (init.max_retransmits, init.max_retransmit_time) {
            (Some(count), _) => (PARTIAL_REXMIT, count),
            (None, Some(time)) => (PARTIAL_TIMED, time),
            (None, None) => (RELIABLE, 0),
        };
        let kind = if init.ordered { kind } else { kind | UNORDERED };
        let length = |text: &str| u16::try_from(text.len()).map_err(|_| DcepError::TooLong);
        let mut message = Vec::with_capacity(OPEN_HEADER + self.label.len() + init.protocol.len());
        message.extend([OPEN, kind]);
        message.extend(weight_of(init.priority).to_be_bytes());
        message.extend(reliability.max(0).to_be_bytes());
        message.extend(length(&self.label)?.to_be_bytes());
        message.extend(length(&init.protocol)?.to_be_bytes());
        message.extend(self.label.as_bytes());
        message.extend(init.protocol.as_bytes());
        Ok(message.into())
    }
}

/// Priorities on the wire (RFC 8831, section 6.4).
pub(crate) fn weight_of(priority: Option<Priority>) -> u16 {
    match priority.unwrap_or(Priority::Low) {
        Priority::VeryLow => 128,
        Priority::Low => 256,
        Priority::Medium => 512,
        Priority::High => 1024,
    }
}

fn priority_of(weight: u16) -> Priority {
    match weight {
        0..=128 => Priority::VeryLow,
        129..=256 => Priority::Low,
        257..=512 => Priority::Medium,
        _ => Priority::High,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn writes_the_bytes_of_the_specification() {
        let init = DataChannelInit {
            ordered: false,
            max_retransmits: Some(3),
            protocol: "p".to_owned(),
            ..DataChannelInit::default()
        };
        let bytes = Open {
            label: "ab".to_owned(),
            init,
        }
        .to_bytes()
        .unwrap();
        assert_eq!(
            bytes[..],
            [3, 0x81, 1, 0, 0, 0, 0, 3, 0, 2, 0, 1, b'a', b'b', b'p']
        );
    }

    #[test]
    fn refuses_a_label_that_does_not_fit() {
        let open = Open {
            label: "x".repeat(65_536),
            init: DataChannelInit::default(),
        };
        assert_eq!(open.to_bytes(), Err(DcepError::TooLong));
    }

    proptest! {
        #[test]
        fn reading_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = Dcep::parse(&bytes);
            let mut open = vec![OPEN];
            open.extend(bytes);
            let _ = Dcep::parse(&open);
        }

        #[test]
        fn what_is_written_reads_back(
            label in "\\PC{0,20}", protocol in "\\PC{0,20}", ordered: bool,
            limit in prop::option::of(0..i32::MAX), timed: bool,
        ) {
            let init = DataChannelInit {
                ordered,
                max_retransmits: limit.filter(|_| !timed),
                max_retransmit_time: limit.filter(|_| timed),
                protocol,
                priority: Some(Priority::High),
                ..DataChannelInit::default()
            };
            let bytes = Open { label: label.clone(), init: init.clone() }.to_bytes().unwrap();
            let Ok(Dcep::Open(open)) = Dcep::parse(&bytes) else { panic!("not an OPEN") };
            prop_assert_eq!(open.label, label);
            prop_assert_eq!(format!("{:?}", open.init), format!("{init:?}"));
            for end in 0..bytes.len() {
                prop_assert!(Dcep::parse(&bytes[..end]).is_err());
            }
        }
    }
}
