//! Reading CDR.

use crate::encapsulation::HEADER_SIZE;
use crate::error::Problem;
use crate::types::Scalar;

/// A place in a serialized message.
pub(crate) struct Cursor<'a> {
    /// Bytes after the encapsulation header.
    body: &'a [u8],
    at: usize,
    big_endian: bool,
}

impl<'a> Cursor<'a> {
    /// Behind the encapsulation header of a message.
    pub(crate) fn new(message: &'a [u8]) -> Result<Self, Problem> {
        let (header, body) = message
            .split_at_checked(HEADER_SIZE)
            .ok_or(Problem::Encapsulation)?;
        let big_endian = match header {
            [0, 0, ..] => true,
            [0, 1, ..] => false,
            _ => return Err(Problem::Encapsulation),
        };
        Ok(Self {
            body,
            at: 0,
            big_endian,
        })
    }

    /// Bytes read, with the encapsulation header.
    pub(crate) fn position(&self) -> usize {
        HEADER_SIZE + self.at
    }

    pub(crate) fn left(&self) -> usize {
        self.body.len() - self.at
    }

    fn align(&mut self, size: usize) -> Result<(), Problem> {
        let padding = self.at.next_multiple_of(size) - self.at;
        self.bytes(padding).map(|_| ())
    }

    pub(crate) fn bytes(&mut self, length: usize) -> Result<&'a [u8], Problem> {
        let found = self
            .body
            .get(self.at..)
            .and_then(|rest| rest.get(..length))
            .ok_or(Problem::TooShort {
                needed: length as u64,
                left: self.left(),
            })?;
        self.at += length;
        Ok(found)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Problem> {
        self.align(N)?;
        let mut value = [0; N];
        value.copy_from_slice(self.bytes(N)?);
        if self.big_endian {
            value.reverse();
        }
        Ok(value)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Problem> {
        self.array().map(u8::from_le_bytes)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, Problem> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Problem> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, Problem> {
        self.array().map(u64::from_le_bytes)
    }

    pub(crate) fn bool(&mut self) -> Result<bool, Problem> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(Problem::Boolean(other)),
        }
    }

    /// The bytes of `count` scalars, as they are.
    pub(crate) fn scalars(&mut self, scalar: Scalar, count: u32) -> Result<&'a [u8], Problem> {
        // Writers do not align for nothing.
        if count == 0 {
            return Ok(&[]);
        }
        self.align(scalar.size())?;
        let needed = u64::from(count) * scalar.size() as u64;
        let length = usize::try_from(needed).map_err(|_| self.too_short(needed))?;
        self.bytes(length)
    }

    pub(crate) fn too_short(&self, needed: u64) -> Problem {
        Problem::TooShort {
            needed,
            left: self.left(),
        }
    }

    /// The characters of a string without the zero at its end.
    pub(crate) fn string(&mut self, max: Option<u32>) -> Result<&'a [u8], Problem> {
        let length = self.u32()?;
        // Some writers leave the zero of an empty string away.
        if length == 0 {
            return Ok(&[]);
        }
        check_max(u64::from(length) - 1, max)?;
        let bytes = self.bytes(length as usize)?;
        match bytes.split_last() {
            Some((0, text)) if !text.contains(&0) => Ok(text),
            _ => Err(Problem::StringEnd),
        }
    }

    /// The units of a wide string: four bytes each, of which two count.
    pub(crate) fn wide_string(&mut self, max: Option<u32>) -> Result<Wide<'a>, Problem> {
        let length = self.u32()?;
        check_max(u64::from(length), max)?;
        let needed = u64::from(length) * 4;
        let bytes = usize::try_from(needed).map_err(|_| self.too_short(needed))?;
        let units = self.bytes(bytes)?;
        let big_endian = self.big_endian;
        let wide = Wide { units, big_endian };
        if wide.units().any(|unit| unit.is_none()) {
            return Err(Problem::Expected("a character of a wide string"));
        }
        Ok(wide)
    }
}

/// A wide string where it lies.
pub(crate) struct Wide<'a> {
    units: &'a [u8],
    big_endian: bool,
}

impl Wide<'_> {
    /// Its UTF-16 units; none where there is something larger.
    pub(crate) fn units(&self) -> impl Iterator<Item = Option<u16>> + '_ {
        self.units
            .chunks_exact(4)
            .map(|unit| match (self.big_endian, unit) {
                (false, &[low, high, 0, 0]) | (true, &[0, 0, high, low]) => {
                    Some(u16::from_be_bytes([high, low]))
                }
                _ => None,
            })
    }
}

pub(crate) fn check_max(length: u64, max: Option<u32>) -> Result<(), Problem> {
    match max {
        Some(max) if length > u64::from(max) => Err(Problem::TooLong { length, max }),
        _ => Ok(()),
    }
}
