//! Numbers in JSON.

use serde_json::Value;

use crate::error::Problem;

/// The largest integer up to which all are exact in the numbers of JavaScript.
pub(crate) const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;

/// A float as [`crate::Definition::from_json`] reads it: what JSON has no number for is one of the
/// strings `NaN`, `Infinity` and `-Infinity`.
#[must_use]
pub fn float_to_json(value: f64) -> Value {
    match serde_json::Number::from_f64(value) {
        Some(number) => Value::Number(number),
        None => Value::from(non_finite(value)),
    }
}

pub(crate) fn non_finite(value: f64) -> &'static str {
    if value.is_nan() {
        "NaN"
    } else if value > 0.0 {
        "Infinity"
    } else {
        "-Infinity"
    }
}

/// A float from a JSON number, from its text in a string, or from null, which JavaScript writes
/// for what is not finite.
pub(crate) fn float(json: &str) -> Result<f64, Problem> {
    let expected = Problem::Expected("a number");
    match json {
        "null" => Ok(f64::NAN),
        _ => match text(json)? {
            Some(inner) if inner == "NaN" => Ok(f64::NAN),
            Some(inner) if inner == "Infinity" => Ok(f64::INFINITY),
            Some(inner) if inner == "-Infinity" => Ok(f64::NEG_INFINITY),
            Some(inner) => finite(&inner).ok_or(expected),
            None => finite(json).ok_or(expected),
        },
    }
}

fn finite(digits: &str) -> Option<f64> {
    // Rust's own words for what is not finite are none of ours.
    let numeric = digits
        .bytes()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
    digits.parse().ok().filter(|_| numeric)
}

/// An integer from a JSON number or from its digits in a string. A float counts if it is integral.
pub(crate) fn integer(json: &str) -> Result<i128, Problem> {
    let inner = text(json)?;
    let digits = inner.as_deref().unwrap_or(json);
    if let Ok(value) = digits.parse::<i128>() {
        return Ok(value);
    }
    let expected = Problem::Expected("an integer");
    let value = finite(digits).ok_or(expected.clone())?;
    // Larger ones do not fit any type.
    if value.fract() == 0.0 && value.abs() < 1e20 {
        Ok(value as i128)
    } else if value.fract() == 0.0 {
        Err(Problem::Range(shortened(digits)))
    } else {
        Err(expected)
    }
}

/// An integer of type `T`.
pub(crate) fn fitting<T: TryFrom<i128>>(json: &str) -> Result<T, Problem> {
    T::try_from(integer(json)?).map_err(|_| Problem::Range(shortened(json)))
}

fn shortened(digits: &str) -> String {
    digits.chars().take(40).collect()
}

/// The text inside a JSON string; none if it is no string.
fn text(json: &str) -> Result<Option<String>, Problem> {
    if !json.starts_with('"') {
        return Ok(None);
    }
    serde_json::from_str(json)
        .map(Some)
        .map_err(|error| Problem::Json(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_from_numbers_and_strings() {
        assert_eq!(integer("5"), Ok(5));
        assert_eq!(
            integer("\"-9223372036854775808\""),
            Ok(i128::from(i64::MIN))
        );
        assert_eq!(integer("5.0"), Ok(5));
        assert_eq!(integer("1e3"), Ok(1000));
        assert!(integer("5.5").is_err() && integer("null").is_err() && integer("true").is_err());
        assert_eq!(fitting::<u8>("300"), Err(Problem::Range("300".into())));
        assert_eq!(integer("1e300"), Err(Problem::Range("1e300".into())));
    }

    #[test]
    fn floats_that_are_not_finite() {
        assert!(float("null").is_ok_and(f64::is_nan) && float("\"NaN\"").is_ok_and(f64::is_nan));
        assert_eq!(float("\"-Infinity\""), Ok(f64::NEG_INFINITY));
        assert_eq!(float("\"1.5\""), Ok(1.5));
        assert!(float("\"inf\"").is_err() && float("true").is_err() && float("[]").is_err());
    }
}
