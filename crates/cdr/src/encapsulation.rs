//! Header before a message.

/// Bytes of the encapsulation header, which alignment does not count.
pub(crate) const HEADER_SIZE: usize = 4;
