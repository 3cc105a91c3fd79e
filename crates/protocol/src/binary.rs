//! Common parts of the binary messages of both directions.

use bytes::{Buf, BufMut, Bytes, BytesMut};

/// Why a binary message cannot be parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BinaryError {
    /// It has no byte at all.
    #[error("binary message is empty")]
    Empty,
    /// It ends before its fields do.
    #[error("binary message with opcode {opcode} is truncated: {length} bytes")]
    Truncated {
        /// The message's opcode.
        opcode: u8,
        /// The message's length in bytes, opcode included.
        length: usize,
    },
    /// A text in it is not UTF-8.
    #[error("binary message with opcode {0} has text that is not UTF-8")]
    Text(u8),
    /// Its opcode is not part of the protocol.
    #[error("unknown binary message opcode {0}")]
    UnknownOpcode(u8),
}

/// Reads the fields of a binary message, little endian.
pub(crate) struct Fields {
    opcode: u8,
    length: usize,
    rest: Bytes,
}

impl Fields {
    /// Reads the opcode.
    pub(crate) fn new(mut payload: Bytes) -> Result<Self, BinaryError> {
        let length = payload.len();
        let opcode = payload.try_get_u8().map_err(|_| BinaryError::Empty)?;
        let rest = payload;
        Ok(Self {
            opcode,
            length,
            rest,
        })
    }

    pub(crate) fn opcode(&self) -> u8 {
        self.opcode
    }

    pub(crate) fn u8(&mut self) -> Result<u8, BinaryError> {
        self.rest.try_get_u8().map_err(|_| self.truncated())
    }

    pub(crate) fn u32(&mut self) -> Result<u32, BinaryError> {
        self.rest.try_get_u32_le().map_err(|_| self.truncated())
    }

    pub(crate) fn u64(&mut self) -> Result<u64, BinaryError> {
        self.rest.try_get_u64_le().map_err(|_| self.truncated())
    }

    /// A text that is preceded by its length.
    pub(crate) fn text(&mut self) -> Result<String, BinaryError> {
        let size = self.u32()? as usize;
        if size > self.rest.len() {
            return Err(self.truncated());
        }
        let text = self.rest.split_to(size);
        match std::str::from_utf8(&text) {
            Ok(text) => Ok(text.to_owned()),
            Err(_) => Err(BinaryError::Text(self.opcode)),
        }
    }

    /// All that is left, shared with the frame.
    pub(crate) fn rest(self) -> Bytes {
        self.rest
    }

    fn truncated(&self) -> BinaryError {
        BinaryError::Truncated {
            opcode: self.opcode,
            length: self.length,
        }
    }
}

/// Writes a text and before it its length. `None` if that does not fit its field.
pub(crate) fn put_text(out: &mut BytesMut, text: &str) -> Option<()> {
    out.put_u32_le(u32::try_from(text.len()).ok()?);
    out.put_slice(text.as_bytes());
    Some(())
}
