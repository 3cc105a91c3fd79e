//! One serialized message as it came from the middleware.

use super::buffer::HeadroomBuffer;
use bytes::Bytes;
use std::fmt;

/// Identifies a publisher while it lives: the first 16 bytes of its middleware gid.
pub type PublisherId = [u8; 16];

/// A serialized (CDR) message, owned, with head room for a header before the payload.
pub struct RawMessage {
    pub(super) buffer: HeadroomBuffer,
    /// The publisher that sent it.
    pub publisher: PublisherId,
    /// When the publisher sent it, in nanoseconds since the Unix epoch, by the publisher's
    /// system clock. 0 if the middleware does not tell.
    pub source_time_ns: u64,
    /// When it arrived, in nanoseconds since the Unix epoch, by this machine's system clock.
    /// Never simulated time.
    pub receive_time_ns: u64,
}

impl RawMessage {
    /// A message that holds a copy of `payload`, from nobody at time 0. None without memory.
    #[must_use]
    pub fn copy_of(payload: &[u8]) -> Option<Self> {
        let buffer = HeadroomBuffer::copy_of(payload)?;
        Some(Self {
            buffer,
            publisher: PublisherId::default(),
            source_time_ns: 0,
            receive_time_ns: 0,
        })
    }

    /// The CDR bytes, with their encapsulation header.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        self.buffer.payload()
    }

    /// `header` followed by the payload, without a copy of the payload.
    ///
    /// # Errors
    /// Gives the message back if `header` is longer than [`super::HEADROOM`].
    // The message is what a caller wants back, and boxing it would cost an allocation to say so.
    #[allow(clippy::result_large_err)]
    pub fn into_frame(self, header: &[u8]) -> Result<Bytes, Self> {
        let Self {
            buffer,
            publisher,
            source_time_ns,
            receive_time_ns,
        } = self;
        buffer
            .with_header(header)
            .map(Bytes::from_owner)
            .map_err(|buffer| Self {
                buffer,
                publisher,
                source_time_ns,
                receive_time_ns,
            })
    }
}

impl fmt::Debug for RawMessage {
    /// The payload is left out: message contents do not belong in a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawMessage")
            .field("bytes", &self.payload().len())
            .field("publisher", &self.publisher)
            .field("source_time_ns", &self.source_time_ns)
            .field("receive_time_ns", &self.receive_time_ns)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ros::HEADROOM;

    #[test]
    fn a_frame_is_the_header_and_the_payload() {
        let message = RawMessage::copy_of(b"cdr").expect("memory");
        let frame = message.into_frame(b"head").expect("fits");
        assert_eq!(&frame[..], b"headcdr");
    }

    #[test]
    fn a_header_that_does_not_fit_gives_the_message_back() {
        let message = RawMessage::copy_of(b"cdr").expect("memory");
        let back = message
            .into_frame(&[0; HEADROOM + 1])
            .expect_err("too long");
        assert_eq!(back.payload(), b"cdr");
    }

    #[test]
    fn debug_output_has_no_payload() {
        let message = RawMessage::copy_of(b"secret").expect("memory");
        let text = format!("{message:?}");
        assert!(
            text.contains("bytes: 6") && !text.contains("secret") && !text.contains("115"),
            "{text}"
        );
    }
}
