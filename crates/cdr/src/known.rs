//! Messages whose fields a program knows: field by field, in the order of the definition.

use crate::cursor::Cursor;
use crate::error::{CdrError, Problem};
use crate::writer::Writer;

/// Reads the fields of a message where they lie.
pub struct Reader<'a>(Cursor<'a>);

impl<'a> Reader<'a> {
    /// Begins with the first field of `message`.
    ///
    /// # Errors
    /// It is not plain CDR.
    pub fn new(message: &'a [u8]) -> Result<Self, CdrError> {
        Ok(Self(Cursor::new(message)?))
    }

    /// A `uint8`.
    ///
    /// # Errors
    /// The message ends too early; so with all below.
    pub fn u8(&mut self) -> Result<u8, CdrError> {
        Ok(self.0.u8()?)
    }

    /// A `uint32`.
    ///
    /// # Errors
    /// See [`Self::u8`].
    pub fn u32(&mut self) -> Result<u32, CdrError> {
        Ok(self.0.u32()?)
    }

    /// See [`Self::u8`].
    pub fn u64(&mut self) -> Result<u64, CdrError> {
        Ok(self.0.u64()?)
    }

    /// An `int32`.
    ///
    /// # Errors
    /// See [`Self::u8`].
    pub fn i32(&mut self) -> Result<i32, CdrError> {
        Ok(self.0.u32()?.cast_signed())
    }

    /// A `string`.
    ///
    /// # Errors
    /// See [`Self::u8`]; or it is no UTF-8.
    pub fn string(&mut self) -> Result<&'a str, CdrError> {
        let bytes = self.0.string(None)?;
        let text = std::str::from_utf8(bytes);
        Ok(text.map_err(|_| Problem::Expected("a string in UTF-8"))?)
    }

    /// A sequence of bytes, `uint8[]`.
    ///
    /// # Errors
    /// See [`Self::u8`].
    pub fn bytes(&mut self) -> Result<&'a [u8], CdrError> {
        let length = self.0.u32()?;
        let length = usize::try_from(length).map_err(|_| self.0.too_short(length.into()))?;
        Ok(self.0.bytes(length)?)
    }
}

/// Writes the fields of a message, little endian.
pub struct Builder(Writer);

impl Builder {
    /// Begins a message of at most `limit` bytes.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self(Writer::new(limit))
    }

    /// A `uint8`.
    ///
    /// # Errors
    /// The message becomes larger than allowed; so with all below.
    pub fn u8(&mut self, value: u8) -> Result<&mut Self, CdrError> {
        self.0.number([value])?;
        Ok(self)
    }

    /// A `uint32`.
    ///
    /// # Errors
    /// See [`Self::u8`].
    pub fn u32(&mut self, value: u32) -> Result<&mut Self, CdrError> {
        self.0.number(value.to_le_bytes())?;
        Ok(self)
    }

    /// An `int32`.
    ///
    /// # Errors
    /// See [`Self::u8`].
    pub fn i32(&mut self, value: i32) -> Result<&mut Self, CdrError> {
        self.0.number(value.to_le_bytes())?;
        Ok(self)
    }

    /// A `float64`.
    ///
    /// # Errors
    /// See [`Self::u8`].
    pub fn f64(&mut self, value: f64) -> Result<&mut Self, CdrError> {
        self.0.number(value.to_le_bytes())?;
        Ok(self)
    }

    /// A `string`.
    ///
    /// # Errors
    /// See [`Self::u8`].
    pub fn string(&mut self, text: &str) -> Result<&mut Self, CdrError> {
        self.0.string(text)?;
        Ok(self)
    }

    /// A sequence of bytes, `uint8[]`.
    ///
    /// # Errors
    /// See [`Self::u8`].
    pub fn bytes(&mut self, bytes: &[u8]) -> Result<&mut Self, CdrError> {
        self.0.length(bytes.len())?;
        self.0.raw(bytes)?;
        Ok(self)
    }

    /// The message.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.0.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message() -> Result<Vec<u8>, CdrError> {
        let mut builder = Builder::new(1000);
        builder
            .i32(-2)?
            .string("frame")?
            .u8(9)?
            .u32(7)?
            .bytes(b"abc")?;
        Ok(builder.finish())
    }

    #[test]
    fn what_is_written_is_read() {
        let message = message().expect("fits");
        let mut reader = Reader::new(&message).expect("plain");
        assert_eq!(reader.i32(), Ok(-2));
        assert_eq!(reader.string(), Ok("frame"));
        assert_eq!((reader.u8(), reader.u32()), (Ok(9), Ok(7)));
        assert_eq!(reader.bytes(), Ok(&b"abc"[..]));
        assert!(reader.u8().is_err());
    }

    #[test]
    fn a_message_that_ends_early_or_grows_too_large_is_an_error() {
        let whole = message().expect("fits");
        for length in 0..whole.len() {
            let read = Reader::new(&whole[..length]).and_then(|mut reader| {
                reader.i32()?;
                reader.string()?;
                reader.u8()?;
                reader.u32()?;
                reader.bytes().map(|_| ())
            });
            assert!(read.is_err(), "{length}");
        }
        assert!(Builder::new(10).string("too long").is_err());
    }
}
