//! Checking a serialized message.

use crate::cursor::{check_max, Cursor};
use crate::encapsulation::HEADER_SIZE;
use crate::error::{CdrError, Problem};
use crate::types::{Count, Element, Field, MessageType, Scalar};
use crate::Definition;

/// Bytes of padding that may follow any message.
const PADDING: usize = 7;

impl Definition {
    /// Checks that `message` is a message of this type: what it says of lengths and bounds holds,
    /// strings end, booleans are 0 or 1, and nothing is missing. Returns how many bytes it takes.
    ///
    /// Bytes behind these are to be cut off: `rmw_serialize` of Fast DDS gives its estimate as a
    /// message's length, and leaves there what was in memory. That estimate counts padding before
    /// the elements of empty sequences, so that it can be too large by what the message takes, no
    /// more; a longer rest is an error.
    ///
    /// Takes time in proportion to the message's bytes and no memory.
    ///
    /// # Errors
    /// Says what is wrong, and where.
    pub fn check(&self, message: &[u8]) -> Result<usize, CdrError> {
        let length = self.measure(message)?;
        let trailing = message.len() - length;
        if trailing > length - HEADER_SIZE + PADDING {
            return Err(Problem::Trailing(trailing).into());
        }
        Ok(length)
    }

    /// As [`Definition::check`], whatever follows the message.
    ///
    /// # Errors
    /// As [`Definition::check`].
    pub fn measure(&self, message: &[u8]) -> Result<usize, CdrError> {
        let mut cursor = Cursor::new(message)?;
        self.check_message(self.root(), &mut cursor)?;
        Ok(cursor.position())
    }

    fn check_message(&self, of: &MessageType, cursor: &mut Cursor) -> Result<(), CdrError> {
        of.fields.iter().try_for_each(|field| {
            self.check_field(field, cursor)
                .map_err(|error| error.in_field(&field.name))
        })
    }

    fn check_field(&self, field: &Field, cursor: &mut Cursor) -> Result<(), CdrError> {
        let count = match field.count {
            Count::One => return self.check_element(field.element, cursor),
            Count::Array(length) => length,
            Count::Sequence { max } => {
                let length = cursor.u32()?;
                check_max(u64::from(length), max)?;
                length
            }
        };
        self.check_fits(field.element, count, cursor)?;
        match field.element {
            Element::Scalar(Scalar::Bool) => {
                let bytes = cursor.scalars(Scalar::Bool, count)?;
                match bytes.iter().find(|byte| **byte > 1) {
                    Some(byte) => Err(Problem::Boolean(*byte).into()),
                    None => Ok(()),
                }
            }
            Element::Scalar(scalar) => {
                cursor.scalars(scalar, count)?;
                Ok(())
            }
            element => (0..count as usize).try_for_each(|index| {
                self.check_element(element, cursor)
                    .map_err(|error| error.at_index(index))
            }),
        }
    }

    fn check_element(&self, element: Element, cursor: &mut Cursor) -> Result<(), CdrError> {
        match element {
            Element::Scalar(Scalar::Bool) => cursor.bool().map(|_| ())?,
            Element::Scalar(scalar) => cursor.scalars(scalar, 1).map(|_| ())?,
            Element::String { max } => cursor.string(max).map(|_| ())?,
            Element::WString { max } => cursor.wide_string(max).map(|_| ())?,
            Element::Message(index) => self.check_message(self.message(index), cursor)?,
        }
        Ok(())
    }

    /// A length that the rest of the message cannot hold is refused before it is worked through.
    pub(crate) fn check_fits(
        &self,
        element: Element,
        count: u32,
        cursor: &Cursor,
    ) -> Result<(), Problem> {
        let needed = self.min_size(element).saturating_mul(u64::from(count));
        if needed > cursor.left() as u64 {
            return Err(cursor.too_short(needed));
        }
        Ok(())
    }
}
