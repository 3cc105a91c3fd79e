//! Defaults of fields, from the `.msg` language to JSON.

use serde_json::Value;

use super::error::DefinitionError;
use super::Definition;
use crate::number::float_to_json;
use crate::types::{Count, Element, Scalar};
use crate::writer::Writer;

/// Bytes that the defaults of one field may take; they come from a file of some lines.
const MAX_DEFAULT: usize = 1 << 20;

/// The JSON that stands for a default. None if it is none of the language.
pub(super) fn to_json(text: &str, element: Element, count: Count) -> Option<String> {
    let value = match count {
        Count::One => one(text, element)?,
        Count::Array(_) | Count::Sequence { .. } => {
            let inside = text.strip_prefix('[')?.strip_suffix(']')?;
            items(inside)?
                .into_iter()
                .map(|item| one(item, element))
                .collect::<Option<Value>>()?
        }
    };
    Some(value.to_string())
}

fn one(text: &str, element: Element) -> Option<Value> {
    match element {
        Element::Scalar(Scalar::Bool) => match text.to_ascii_lowercase().as_str() {
            "true" | "1" => Some(Value::Bool(true)),
            "false" | "0" => Some(Value::Bool(false)),
            _ => None,
        },
        Element::Scalar(Scalar::F32 | Scalar::F64) => Some(float_to_json(text.parse().ok()?)),
        Element::Scalar(Scalar::U64) => text.parse::<u64>().ok().map(Value::from),
        Element::Scalar(_) => text.parse::<i64>().ok().map(Value::from),
        Element::String { .. } | Element::WString { .. } => string(text).map(Value::from),
        Element::Message(_) => None,
    }
}

/// A string with or without quotes; in quotes, a backslash stands before the quote itself.
fn string(text: &str) -> Option<String> {
    for quote in ['"', '\''] {
        if let Some(rest) = text.strip_prefix(quote) {
            let inside = rest.strip_suffix(quote)?;
            return Some(inside.replace(&format!("\\{quote}"), &quote.to_string()));
        }
    }
    Some(text.to_owned())
}

/// Splits at the commas that are in no quotes.
fn items(text: &str) -> Option<Vec<&str>> {
    let mut found = Vec::new();
    let (mut quote, mut escaped, mut start) = (None, false, 0);
    for (at, c) in text.char_indices() {
        match (quote, c) {
            _ if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), _) if open == c => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, ',') => {
                found.push(text[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    let last = text[start..].trim();
    if !last.is_empty() || !found.is_empty() {
        found.push(last);
    }
    quote.is_none().then_some(found)
}

impl Definition {
    /// Makes sure that every default can be encoded, so that messages without a field can.
    pub(super) fn check_defaults(&self) -> Result<(), DefinitionError> {
        for of in self.types.iter() {
            for field in of.fields.iter().filter(|field| field.default.is_some()) {
                let mut scratch = Writer::new(MAX_DEFAULT);
                self.encode_default(field, &mut scratch).map_err(|reason| {
                    DefinitionError::Default {
                        of: of.name.clone(),
                        field: field.name.clone(),
                        reason: reason.to_string(),
                    }
                })?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str, scalar: Scalar) -> Option<String> {
        to_json(text, Element::Scalar(scalar), Count::One)
    }

    #[test]
    fn scalars() {
        assert_eq!(json("True", Scalar::Bool).as_deref(), Some("true"));
        assert_eq!(json("-5", Scalar::I8).as_deref(), Some("-5"));
        assert_eq!(
            json("18446744073709551615", Scalar::U64).as_deref(),
            Some("18446744073709551615")
        );
        assert_eq!(json("nan", Scalar::F64).as_deref(), Some("\"NaN\""));
        assert_eq!(json("1e3", Scalar::F32).as_deref(), Some("1000.0"));
        assert_eq!(json("x", Scalar::I8), None);
    }

    #[test]
    fn strings_and_lists() {
        let element = Element::String { max: None };
        let text = |text: &str| to_json(text, element, Count::One);
        assert_eq!(
            text(r#""Hello'world!""#).as_deref(),
            Some(r#""Hello'world!""#)
        );
        assert_eq!(
            text(r"'Hello\'world!'").as_deref(),
            Some(r#""Hello'world!""#)
        );
        assert_eq!(text("plain").as_deref(), Some("\"plain\""));
        let list = |text: &str| to_json(text, element, Count::Sequence { max: None });
        assert_eq!(
            list(r#"["", "a, b", 'c']"#).as_deref(),
            Some(r#"["","a, b","c"]"#)
        );
        assert_eq!(list("[]").as_deref(), Some("[]"));
        assert_eq!(list("\"x\""), None);
    }

    #[test]
    fn a_default_that_does_not_fit_is_refused() {
        for bad in [
            "uint8 x 300",
            "string<=2 s \"abc\"",
            "int8[2] x [1]",
            "int8[<=1] x [1, 2]",
        ] {
            let error = Definition::parse("p/msg/T", bad).expect_err(bad);
            assert!(
                matches!(error, DefinitionError::Default { .. }),
                "{bad}: {error}"
            );
        }
    }
}
