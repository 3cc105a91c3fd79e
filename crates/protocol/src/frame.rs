//! The framing: `u8 opcode | u32 LE length | payload`.

use bytes::{Buf, Bytes, BytesMut};

/// Size of a frame's header in bytes.
pub const FRAME_HEADER_SIZE: usize = 5;

/// Largest payload of a frame in bytes, 16 MiB. A longer one ends the stream.
pub const MAX_PAYLOAD_SIZE: usize = 16 * 1024 * 1024;

/// Kind of a frame's payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Opcode {
    /// One JSON message, UTF-8.
    Text = 1,
    /// One binary message.
    Binary = 2,
}

/// One complete frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Kind of the payload.
    pub opcode: Opcode,
    /// The payload, at most [`MAX_PAYLOAD_SIZE`] bytes.
    pub payload: Bytes,
}

/// Why a stream cannot be read any further. The stream must be ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// The opcode is none that we know: the other side speaks another protocol version.
    #[error("unknown frame opcode {0}: the sender speaks another protocol version")]
    UnknownOpcode(u8),
    /// The header announces more than [`MAX_PAYLOAD_SIZE`] bytes.
    #[error("frame of {0} bytes is longer than the limit of {MAX_PAYLOAD_SIZE} bytes")]
    TooLong(u32),
}

/// Writes the header of a frame whose payload has `length` bytes.
///
/// Returns `None` if the payload is longer than [`MAX_PAYLOAD_SIZE`].
pub fn header(opcode: Opcode, length: usize) -> Option<[u8; FRAME_HEADER_SIZE]> {
    if length > MAX_PAYLOAD_SIZE {
        return None;
    }
    let [a, b, c, d] = u32::try_from(length).ok()?.to_le_bytes();
    Some([opcode as u8, a, b, c, d])
}

/// Frames a JSON text. Returns `None` if it is longer than [`MAX_PAYLOAD_SIZE`].
pub fn text(json: &str) -> Option<Bytes> {
    framed(Opcode::Text, json.as_bytes())
}

/// Frames a binary message. Returns `None` if it is longer than [`MAX_PAYLOAD_SIZE`].
pub fn binary(message: &[u8]) -> Option<Bytes> {
    framed(Opcode::Binary, message)
}

fn framed(opcode: Opcode, payload: &[u8]) -> Option<Bytes> {
    let header = header(opcode, payload.len())?;
    let mut frame = BytesMut::with_capacity(FRAME_HEADER_SIZE + payload.len());
    frame.extend_from_slice(&header);
    frame.extend_from_slice(payload);
    Some(frame.freeze())
}

/// Cuts a byte stream into frames.
///
/// Memory grows with the bytes that have arrived, never with the length that a header announces.
/// After an error the stream is lost: every further call returns the same error.
#[derive(Debug, Default)]
pub struct FrameDecoder {
    buffer: BytesMut,
    failed: Option<FrameError>,
}

impl FrameDecoder {
    /// Appends bytes as they came from the stream.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.failed.is_none() {
            self.buffer.extend_from_slice(bytes);
        }
    }

    /// Takes the next complete frame, if there is one.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, FrameError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        self.try_next().inspect_err(|&error| {
            self.failed = Some(error);
            self.buffer = BytesMut::new();
        })
    }

    /// Bytes that wait for the rest of their frame.
    pub fn buffered(&self) -> usize {
        self.buffer.len()
    }

    fn try_next(&mut self) -> Result<Option<Frame>, FrameError> {
        let Some(&first) = self.buffer.first() else {
            return Ok(None);
        };
        let opcode = match first {
            1 => Opcode::Text,
            2 => Opcode::Binary,
            other => return Err(FrameError::UnknownOpcode(other)),
        };
        let Some(&[_, a, b, c, d]) = self.buffer.first_chunk::<FRAME_HEADER_SIZE>() else {
            return Ok(None);
        };
        let length = u32::from_le_bytes([a, b, c, d]);
        let size = length as usize;
        if size > MAX_PAYLOAD_SIZE {
            return Err(FrameError::TooLong(length));
        }
        if self.buffer.len() < FRAME_HEADER_SIZE + size {
            return Ok(None);
        }
        self.buffer.advance(FRAME_HEADER_SIZE);
        let payload = self.buffer.split_to(size).freeze();
        if self.buffer.is_empty() {
            // An empty buffer would go on holding the memory of the largest frame so far.
            self.buffer = BytesMut::new();
        }
        Ok(Some(Frame { opcode, payload }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decode_all(decoder: &mut FrameDecoder) -> Result<Vec<Frame>, FrameError> {
        let mut frames = Vec::new();
        while let Some(frame) = decoder.next_frame()? {
            frames.push(frame);
        }
        Ok(frames)
    }

    #[test]
    fn an_unknown_opcode_is_seen_at_the_first_byte_and_stays() {
        let mut decoder = FrameDecoder::default();
        decoder.push(&[3]);
        assert_eq!(decoder.next_frame(), Err(FrameError::UnknownOpcode(3)));
        decoder.push(&text("{}").unwrap());
        assert_eq!(decoder.next_frame(), Err(FrameError::UnknownOpcode(3)));
        assert_eq!(decoder.buffered(), 0);
    }

    #[test]
    fn a_length_over_the_limit_ends_the_stream_before_its_bytes_arrive() {
        let mut decoder = FrameDecoder::default();
        let limit = u32::try_from(MAX_PAYLOAD_SIZE).unwrap();
        decoder.push(&[2]);
        decoder.push(&(limit + 1).to_le_bytes());
        assert_eq!(decoder.next_frame(), Err(FrameError::TooLong(limit + 1)));
    }

    #[test]
    fn a_payload_of_the_limit_passes() {
        let payload = vec![7; MAX_PAYLOAD_SIZE];
        let mut decoder = FrameDecoder::default();
        decoder.push(&binary(&payload).unwrap());
        assert_eq!(decoder.next_frame().unwrap().unwrap().payload, payload);
        assert!(binary(&vec![7; MAX_PAYLOAD_SIZE + 1]).is_none());
    }

    #[test]
    fn a_header_alone_reserves_nothing() {
        let mut decoder = FrameDecoder::default();
        decoder.push(&header(Opcode::Binary, MAX_PAYLOAD_SIZE).unwrap());
        assert_eq!(decoder.next_frame(), Ok(None));
        assert!(decoder.buffer.capacity() < 1024);
    }

    proptest! {
        #[test]
        fn frames_survive_any_cut(
            payloads in prop::collection::vec(
                (any::<bool>(), prop::collection::vec(any::<u8>(), 0..300)), 0..20),
            cut in 1usize..64,
        ) {
            let mut stream = Vec::new();
            let mut expected = Vec::new();
            for (is_text, payload) in payloads {
                let opcode = if is_text { Opcode::Text } else { Opcode::Binary };
                stream.extend_from_slice(&header(opcode, payload.len()).unwrap());
                stream.extend_from_slice(&payload);
                expected.push(Frame { opcode, payload: payload.into() });
            }
            let mut decoder = FrameDecoder::default();
            let mut found = Vec::new();
            for piece in stream.chunks(cut) {
                decoder.push(piece);
                found.extend(decode_all(&mut decoder).unwrap());
            }
            prop_assert_eq!(found, expected);
            prop_assert_eq!(decoder.buffered(), 0);
        }

        #[test]
        fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
            let mut decoder = FrameDecoder::default();
            decoder.push(&bytes);
            let _ = decode_all(&mut decoder);
            prop_assert!(decoder.buffered() <= bytes.len());
        }
    }
}
