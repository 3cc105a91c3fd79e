//! Writing CDR, little endian.

use crate::encapsulation::HEADER_SIZE;
use crate::error::Problem;

/// A serialized message that grows up to a limit.
pub(crate) struct Writer {
    bytes: Vec<u8>,
    limit: usize,
}

impl Writer {
    /// With the encapsulation header of little-endian plain CDR.
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            bytes: vec![0, 1, 0, 0],
            limit,
        }
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.bytes
    }

    pub(crate) fn raw(&mut self, bytes: &[u8]) -> Result<(), Problem> {
        if self.bytes.len() + bytes.len() > self.limit {
            return Err(Problem::Limit(self.limit));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    pub(crate) fn zeros(&mut self, count: u64) -> Result<(), Problem> {
        let room = self.limit.saturating_sub(self.bytes.len());
        match usize::try_from(count) {
            Ok(count) if count <= room => {
                self.bytes.resize(self.bytes.len() + count, 0);
                Ok(())
            }
            _ => Err(Problem::Limit(self.limit)),
        }
    }

    pub(crate) fn align(&mut self, size: usize) -> Result<(), Problem> {
        let at = self.bytes.len() - HEADER_SIZE;
        self.zeros((at.next_multiple_of(size) - at) as u64)
    }

    /// A number, aligned to its size.
    pub(crate) fn number<const N: usize>(&mut self, little_endian: [u8; N]) -> Result<(), Problem> {
        self.align(N)?;
        self.raw(&little_endian)
    }

    pub(crate) fn length(&mut self, length: usize) -> Result<(), Problem> {
        let length = u32::try_from(length).map_err(|_| Problem::Limit(self.limit))?;
        self.number(length.to_le_bytes())
    }

    pub(crate) fn string(&mut self, text: &str) -> Result<(), Problem> {
        self.length(text.len() + 1)?;
        self.raw(text.as_bytes())?;
        self.raw(&[0])
    }

    pub(crate) fn wide_string(&mut self, units: &[u16]) -> Result<(), Problem> {
        self.length(units.len())?;
        units
            .iter()
            .try_for_each(|unit| self.raw(&u32::from(*unit).to_le_bytes()))
    }

    /// A place for a length that is known later.
    pub(crate) fn reserve_length(&mut self) -> Result<LengthPlace, Problem> {
        self.number([0; 4])?;
        Ok(LengthPlace(self.bytes.len() - 4))
    }

    pub(crate) fn fill_length(&mut self, place: LengthPlace, length: usize) -> Result<(), Problem> {
        let length = u32::try_from(length).map_err(|_| Problem::Limit(self.limit))?;
        if let Some(bytes) = self.bytes.get_mut(place.0..place.0 + 4) {
            bytes.copy_from_slice(&length.to_le_bytes());
        }
        Ok(())
    }
}

/// Where a length goes.
pub(crate) struct LengthPlace(usize);
