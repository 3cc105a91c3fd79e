//! From CDR to JSON.

use crate::cursor::{check_max, Cursor};
use crate::error::{CdrError, Problem};
use crate::number::{non_finite, MAX_SAFE_INTEGER};
use crate::types::{Count, Element, Field, MessageType, Scalar};
use crate::Definition;

/// JSON text that grows up to a limit.
struct Text {
    json: Vec<u8>,
    limit: usize,
}

impl Text {
    fn push(&mut self, text: &str) -> Result<(), Problem> {
        if self.json.len() + text.len() > self.limit {
            return Err(Problem::Limit(self.limit));
        }
        self.json.extend_from_slice(text.as_bytes());
        Ok(())
    }

    fn string(&mut self, text: &str) -> Result<(), Problem> {
        let quoted =
            serde_json::to_string(text).map_err(|error| Problem::Json(error.to_string()))?;
        self.push(&quoted)
    }

    fn float(&mut self, value: f64, shortest: String) -> Result<(), Problem> {
        if value.is_finite() {
            self.push(&shortest)
        } else {
            self.string(non_finite(value))
        }
    }

    /// As a string where a JavaScript number would not hold it.
    fn integer(&mut self, value: i128) -> Result<(), Problem> {
        if value.unsigned_abs() <= u128::from(MAX_SAFE_INTEGER) {
            self.push(&value.to_string())
        } else {
            self.string(&value.to_string())
        }
    }
}

impl Definition {
    /// Turns a serialized message into a JSON object.
    ///
    /// Integers beyond ±(2^53 − 1) are strings of digits, floats that are not finite are the
    /// strings `NaN`, `Infinity` and `-Infinity`, bytes are lists of numbers, and strings that are
    /// not UTF-8 have replacement characters. What [`Definition::from_json`] makes of it is the
    /// same message. What follows the message is ignored.
    ///
    /// # Errors
    /// The message does not match the definition, or its JSON has more than `limit` bytes.
    pub fn to_json(&self, message: &[u8], limit: usize) -> Result<Vec<u8>, CdrError> {
        let mut cursor = Cursor::new(message)?;
        let mut text = Text {
            json: Vec::new(),
            limit,
        };
        self.decode_message(self.root(), &mut cursor, &mut text)?;
        Ok(text.json)
    }

    fn decode_message(
        &self,
        of: &MessageType,
        cursor: &mut Cursor,
        text: &mut Text,
    ) -> Result<(), CdrError> {
        let mut before = "{";
        for field in &of.fields {
            text.push(before)?;
            text.push("\"")?;
            // Names of fields are identifiers.
            text.push(&field.name)?;
            text.push("\":")?;
            self.decode_field(field, cursor, text)
                .map_err(|error| error.in_field(&field.name))?;
            before = ",";
        }
        text.push("}")?;
        Ok(())
    }

    fn decode_field(
        &self,
        field: &Field,
        cursor: &mut Cursor,
        text: &mut Text,
    ) -> Result<(), CdrError> {
        let count = match field.count {
            Count::One => return self.decode_element(field.element, cursor, text),
            Count::Array(length) => length,
            Count::Sequence { max } => {
                let length = cursor.u32()?;
                check_max(u64::from(length), max)?;
                length
            }
        };
        self.check_fits(field.element, count, cursor)?;
        text.push("[")?;
        for index in 0..count as usize {
            if index > 0 {
                text.push(",")?;
            }
            self.decode_element(field.element, cursor, text)
                .map_err(|error| error.at_index(index))?;
        }
        text.push("]")?;
        Ok(())
    }

    fn decode_element(
        &self,
        element: Element,
        cursor: &mut Cursor,
        text: &mut Text,
    ) -> Result<(), CdrError> {
        match element {
            Element::Scalar(scalar) => decode_scalar(scalar, cursor, text)?,
            Element::String { max } => {
                text.string(&String::from_utf8_lossy(cursor.string(max)?))?;
            }
            Element::WString { max } => {
                let wide = cursor.wide_string(max)?;
                let characters = char::decode_utf16(wide.units().flatten());
                let string: String = characters
                    .map(|character| character.unwrap_or(char::REPLACEMENT_CHARACTER))
                    .collect();
                text.string(&string)?;
            }
            Element::Message(index) => self.decode_message(self.message(index), cursor, text)?,
        }
        Ok(())
    }
}

fn decode_scalar(scalar: Scalar, cursor: &mut Cursor, text: &mut Text) -> Result<(), Problem> {
    match scalar {
        Scalar::Bool => {
            let value = cursor.bool()?;
            text.push(if value { "true" } else { "false" })
        }
        Scalar::I8 => text.integer((cursor.u8()? as i8).into()),
        Scalar::U8 => text.integer(cursor.u8()?.into()),
        Scalar::I16 => text.integer((cursor.u16()? as i16).into()),
        Scalar::U16 => text.integer(cursor.u16()?.into()),
        Scalar::I32 => text.integer((cursor.u32()? as i32).into()),
        Scalar::U32 => text.integer(cursor.u32()?.into()),
        Scalar::I64 => text.integer((cursor.u64()? as i64).into()),
        Scalar::U64 => text.integer(cursor.u64()?.into()),
        Scalar::F32 => {
            let value = f32::from_bits(cursor.u32()?);
            text.float(value.into(), format!("{value:?}"))
        }
        Scalar::F64 => {
            let value = f64::from_bits(cursor.u64()?);
            text.float(value, format!("{value:?}"))
        }
    }
}
