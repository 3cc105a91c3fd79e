//! From JSON to CDR.
//!
//! JSON is worked through where it lies: the value of each field is a slice of the text, so that
//! no tree is built of it. Memory is that of the result.

use std::borrow::Cow;
use std::fmt;

use base64::engine::general_purpose::STANDARD;
use base64::Engine;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::cursor::check_max;
use crate::error::{CdrError, Problem};
use crate::number::{fitting, float};
use crate::types::{Count, Element, Field, MessageType, Scalar};
use crate::writer::Writer;
use crate::Definition;

impl Definition {
    /// Serializes a message given as a JSON object. A field that is not given has the default of
    /// its definition, else it is zero or empty: `{}` is a message as newly made.
    ///
    /// Integers may be strings of digits; floats that are not finite are the strings `NaN`,
    /// `Infinity` and `-Infinity`, or null; bytes (`uint8[]`, `byte[]`, `char[]`) may be base64.
    ///
    /// # Errors
    /// It is no JSON, has an unknown field, does not fit the definition, or makes a message of
    /// more than `limit` bytes.
    pub fn from_json(&self, json: &[u8], limit: usize) -> Result<Vec<u8>, CdrError> {
        let text = std::str::from_utf8(json).map_err(|error| Problem::Json(error.to_string()))?;
        // Whole and valid before any of it counts.
        let value: &RawValue = serde_json::from_str(text).map_err(json_problem)?;
        let mut writer = Writer::new(limit);
        self.encode_message(self.root(), value.get(), &mut writer)?;
        Ok(writer.finish())
    }

    fn encode_message(
        &self,
        of: &MessageType,
        json: &str,
        writer: &mut Writer,
    ) -> Result<(), CdrError> {
        let values = fields(of, json)?;
        for (field, value) in of.fields.iter().zip(values) {
            match value {
                Some(value) => self.encode_field(field, value.get(), writer),
                None => self.encode_default(field, writer),
            }
            .map_err(|error| error.in_field(&field.name))?;
        }
        Ok(())
    }

    /// Default of a field that is not given.
    pub(crate) fn encode_default(
        &self,
        field: &Field,
        writer: &mut Writer,
    ) -> Result<(), CdrError> {
        if let Some(default) = &field.default {
            return self.encode_field(field, default, writer);
        }
        let count = match field.count {
            Count::One => 1,
            Count::Array(length) => length,
            Count::Sequence { .. } => return Ok(writer.length(0)?),
        };
        if let Element::Scalar(scalar) = field.element {
            writer.align(scalar.size())?;
            return Ok(writer.zeros(u64::from(count) * scalar.size() as u64)?);
        }
        // Each writes at least a byte, so that the writer's limit ends this.
        (0..count).try_for_each(|_| match field.element {
            Element::Message(index) => {
                let inner = &self.message(index).fields;
                inner
                    .iter()
                    .try_for_each(|field| self.encode_default(field, writer))
            }
            Element::WString { .. } => Ok(writer.wide_string(&[])?),
            Element::String { .. } | Element::Scalar(_) => Ok(writer.string("")?),
        })
    }

    fn encode_field(&self, field: &Field, json: &str, writer: &mut Writer) -> Result<(), CdrError> {
        match field.count {
            Count::One => self.encode_element(field.element, json, writer),
            Count::Array(length) => {
                let count = self.encode_items(field.element, json, Some(length), writer)?;
                if count != length as usize {
                    let (length, expected) = (count, length);
                    return Err(Problem::Count { length, expected }.into());
                }
                Ok(())
            }
            Count::Sequence { max } => {
                let place = writer.reserve_length()?;
                let count = self.encode_items(field.element, json, max, writer)?;
                Ok(writer.fill_length(place, count)?)
            }
        }
    }

    /// Returns the number of items, of which no more than `max` are allowed.
    fn encode_items(
        &self,
        element: Element,
        json: &str,
        max: Option<u32>,
        writer: &mut Writer,
    ) -> Result<usize, CdrError> {
        if element == Element::Scalar(Scalar::U8) && json.starts_with('"') {
            let bytes = base64(json)?;
            check_max(bytes.len() as u64, max)?;
            writer.raw(&bytes)?;
            return Ok(bytes.len());
        }
        let mut outcome = Ok(());
        let mut count = 0;
        let items = Items(|item: &RawValue| {
            outcome = check_max(count as u64 + 1, max)
                .map_err(CdrError::from)
                .and_then(|()| self.encode_element(element, item.get(), writer))
                .map_err(|error| error.at_index(count));
            count += 1;
            outcome.is_ok()
        });
        let read = items.deserialize(&mut serde_json::Deserializer::from_str(json));
        outcome?;
        read.map_err(|_| Problem::Expected("a list"))?;
        Ok(count)
    }

    fn encode_element(
        &self,
        element: Element,
        json: &str,
        writer: &mut Writer,
    ) -> Result<(), CdrError> {
        match element {
            Element::Scalar(scalar) => encode_scalar(scalar, json, writer)?,
            Element::String { max } => {
                let text = string(json)?;
                check_max(text.len() as u64, max)?;
                writer.string(&text)?;
            }
            Element::WString { max } => {
                let units: Vec<u16> = string(json)?.encode_utf16().collect();
                check_max(units.len() as u64, max)?;
                writer.wide_string(&units)?;
            }
            Element::Message(index) => self.encode_message(self.message(index), json, writer)?,
        }
        Ok(())
    }
}

fn encode_scalar(scalar: Scalar, json: &str, writer: &mut Writer) -> Result<(), Problem> {
    match scalar {
        Scalar::Bool => match json {
            "true" => writer.number([1]),
            "false" => writer.number([0]),
            _ => Err(Problem::Expected("a boolean")),
        },
        Scalar::I8 => writer.number(fitting::<i8>(json)?.to_le_bytes()),
        Scalar::U8 => writer.number(fitting::<u8>(json)?.to_le_bytes()),
        Scalar::I16 => writer.number(fitting::<i16>(json)?.to_le_bytes()),
        Scalar::U16 => writer.number(fitting::<u16>(json)?.to_le_bytes()),
        Scalar::I32 => writer.number(fitting::<i32>(json)?.to_le_bytes()),
        Scalar::U32 => writer.number(fitting::<u32>(json)?.to_le_bytes()),
        Scalar::I64 => writer.number(fitting::<i64>(json)?.to_le_bytes()),
        Scalar::U64 => writer.number(fitting::<u64>(json)?.to_le_bytes()),
        // Rounds as every language does; what is too large for it is infinite then.
        Scalar::F32 => writer.number((float(json)? as f32).to_le_bytes()),
        Scalar::F64 => writer.number(float(json)?.to_le_bytes()),
    }
}

/// A string that CDR can hold.
fn string(json: &str) -> Result<Cow<'_, str>, Problem> {
    let text = serde_json::from_str::<Text>(json)
        .map_err(|_| Problem::Expected("a string"))?
        .0;
    if text.contains('\0') {
        return Err(Problem::StringEnd);
    }
    Ok(text)
}

#[derive(serde::Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

fn base64(json: &str) -> Result<Vec<u8>, Problem> {
    STANDARD
        .decode(string(json)?.as_bytes())
        .map_err(|_| Problem::Expected("a list of bytes, or their base64"))
}

fn json_problem(error: serde_json::Error) -> Problem {
    Problem::Json(error.to_string())
}

/// The value of each field of a message, in the order of the definition.
fn fields<'a>(of: &MessageType, json: &'a str) -> Result<Vec<Option<&'a RawValue>>, CdrError> {
    let mut outcome = Ok(());
    let visitor = Object {
        of,
        outcome: &mut outcome,
    };
    let read = serde_json::Deserializer::from_str(json).deserialize_map(visitor);
    outcome?;
    read.map_err(|_| Problem::Expected("an object").into())
}

struct Object<'o> {
    of: &'o MessageType,
    outcome: &'o mut Result<(), CdrError>,
}

impl<'de> Visitor<'de> for Object<'_> {
    type Value = Vec<Option<&'de RawValue>>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut values = vec![None; self.of.fields.len()];
        // Objects usually have the order of the definition.
        let mut next = 0;
        while let Some((name, value)) = map.next_entry::<Text, &RawValue>()? {
            let fields = &self.of.fields;
            let found = match fields.get(next) {
                Some(field) if field.name == name.0 => Some(next),
                _ => fields.iter().position(|field| field.name == name.0),
            };
            let problem = match found.map(|at| (at, values[at].replace(value))) {
                Some((at, None)) => {
                    next = at + 1;
                    continue;
                }
                Some((_, Some(_))) => Problem::DuplicateField(name.0.into_owned()),
                None => Problem::UnknownField(name.0.chars().take(80).collect()),
            };
            *self.outcome = Err(problem.into());
            return Err(stop());
        }
        Ok(values)
    }
}

/// Hands each item of a list on, as long as that returns true.
struct Items<F>(F);

impl<'de, F: FnMut(&'de RawValue) -> bool> DeserializeSeed<'de> for Items<F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, F: FnMut(&'de RawValue) -> bool> Visitor<'de> for Items<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        while let Some(item) = items.next_element()? {
            if !self.0(item) {
                return Err(stop());
            }
        }
        Ok(())
    }
}

/// Ends the parser; what it says is replaced by the problem found.
fn stop<E: serde::de::Error>() -> E {
    E::custom("stopped")
}
