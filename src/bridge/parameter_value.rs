//! Values of parameters: ROS has ten types, the wire has JSON and a hint.

use base64::prelude::{Engine, BASE64_STANDARD};
use remote_access_protocol::parameter::{Parameter, ParameterType};
use serde_json::{json, Value};

use crate::ros::{ParameterEntry, ParameterValue};

/// A value from a viewer that no parameter can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ValueError {
    #[error("a byte array must be a string of base64")]
    Base64,
    #[error("the value is not of the type that the request names")]
    Type,
    #[error("an integer must fit 64 bits with sign")]
    Integer,
    #[error("the elements of an array must be all of one type: booleans, numbers or strings")]
    Array,
    #[error("a parameter cannot be an object")]
    Object,
}

/// A parameter as viewers get it.
///
/// JSON knows no infinite numbers: they go as the strings that ROS tools write for them.
pub(super) fn to_wire(entry: ParameterEntry) -> Parameter {
    let (kind, value) = match entry.value {
        ParameterValue::NotSet => (None, None),
        ParameterValue::Bool(value) => (None, Some(json!(value))),
        ParameterValue::Integer(value) => (None, Some(json!(value))),
        ParameterValue::Double(value) => (Some(ParameterType::Float64), Some(double(value))),
        ParameterValue::String(value) => (None, Some(json!(value))),
        ParameterValue::Bytes(value) => {
            let text = BASE64_STANDARD.encode(value);
            (Some(ParameterType::ByteArray), Some(json!(text)))
        }
        ParameterValue::Bools(values) => (None, Some(json!(values))),
        ParameterValue::Integers(values) => (None, Some(json!(values))),
        ParameterValue::Doubles(values) => {
            let values = values.into_iter().map(double).collect();
            (
                Some(ParameterType::Float64Array),
                Some(Value::Array(values)),
            )
        }
        ParameterValue::Strings(values) => (None, Some(json!(values))),
    };
    Parameter {
        name: entry.name,
        kind,
        value,
    }
}

fn double(value: f64) -> Value {
    if value.is_nan() {
        json!("nan")
    } else if value.is_infinite() {
        json!(if value > 0.0 { "inf" } else { "-inf" })
    } else {
        json!(value)
    }
}

/// The value that a viewer sends. Numbers that are written as integers are integers, unless the
/// hint says otherwise.
pub(super) fn from_wire(parameter: &Parameter) -> Result<ParameterValue, ValueError> {
    let Some(value) = &parameter.value else {
        return Ok(ParameterValue::NotSet);
    };
    match parameter.kind {
        Some(ParameterType::ByteArray) => {
            let text = value.as_str().ok_or(ValueError::Base64)?;
            let bytes = BASE64_STANDARD.decode(text);
            bytes
                .map(ParameterValue::Bytes)
                .map_err(|_| ValueError::Base64)
        }
        Some(ParameterType::Float64) => from_double(value).map(ParameterValue::Double),
        Some(ParameterType::Float64Array) => {
            let values = value.as_array().ok_or(ValueError::Type)?;
            let values: Result<_, _> = values.iter().map(from_double).collect();
            values.map(ParameterValue::Doubles)
        }
        None => from_json(value),
    }
}

fn from_json(value: &Value) -> Result<ParameterValue, ValueError> {
    Ok(match value {
        Value::Null => ParameterValue::NotSet,
        Value::Bool(value) => ParameterValue::Bool(*value),
        Value::String(text) => ParameterValue::String(text.clone()),
        Value::Number(number) if number.is_f64() => ParameterValue::Double(from_double(value)?),
        Value::Number(_) => ParameterValue::Integer(from_integer(value)?),
        Value::Array(values) => from_array(values)?,
        Value::Object(_) => return Err(ValueError::Object),
    })
}

/// An empty array is one of strings: the parameter client makes it one of the type that the
/// parameter has.
fn from_array(values: &[Value]) -> Result<ParameterValue, ValueError> {
    if values.iter().all(Value::is_string) {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        return Ok(ParameterValue::Strings(
            values.iter().filter_map(text).collect(),
        ));
    }
    if values.iter().all(Value::is_boolean) {
        let values = values.iter().filter_map(Value::as_bool);
        return Ok(ParameterValue::Bools(values.collect()));
    }
    if !values.iter().all(Value::is_number) {
        return Err(ValueError::Array);
    }
    if values.iter().any(Value::is_f64) {
        let values: Result<_, _> = values.iter().map(from_double).collect();
        return values.map(ParameterValue::Doubles);
    }
    let values: Result<_, _> = values.iter().map(from_integer).collect();
    values.map(ParameterValue::Integers)
}

fn from_integer(value: &Value) -> Result<i64, ValueError> {
    value.as_i64().ok_or(ValueError::Integer)
}

fn from_double(value: &Value) -> Result<f64, ValueError> {
    match value {
        Value::Number(number) => number.as_f64().ok_or(ValueError::Type),
        Value::String(text) => match text.as_str() {
            "nan" => Ok(f64::NAN),
            "inf" => Ok(f64::INFINITY),
            "-inf" => Ok(f64::NEG_INFINITY),
            _ => Err(ValueError::Type),
        },
        _ => Err(ValueError::Type),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameter(kind: Option<ParameterType>, value: Value) -> Parameter {
        Parameter {
            name: "/n.a".to_owned(),
            kind,
            value: Some(value),
        }
    }

    #[test]
    fn every_type_keeps_its_value_on_the_way_there_and_back() {
        let values = [
            ParameterValue::NotSet,
            ParameterValue::Bool(true),
            ParameterValue::Integer(i64::MIN),
            ParameterValue::Integer(i64::MAX),
            ParameterValue::Double(1.0),
            ParameterValue::Double(f64::INFINITY),
            ParameterValue::Double(f64::NEG_INFINITY),
            ParameterValue::String("inf".into()),
            ParameterValue::Bytes(vec![0, 255]),
            ParameterValue::Bytes(vec![]),
            ParameterValue::Bools(vec![true, false]),
            ParameterValue::Integers(vec![1, -1]),
            ParameterValue::Doubles(vec![1.0, 2.5, f64::INFINITY]),
            ParameterValue::Doubles(vec![]),
            ParameterValue::Strings(vec!["a".into()]),
        ];
        for value in values {
            let entry = ParameterEntry {
                name: "/n.a".to_owned(),
                value: value.clone(),
            };
            let wire = to_wire(entry);
            let text = serde_json::to_string(&wire).unwrap();
            let wire: Parameter = serde_json::from_str(&text).unwrap();
            assert_eq!(from_wire(&wire), Ok(value), "{text}");
        }
    }

    #[test]
    fn integers_stay_integers_and_the_hint_counts() {
        let cases = [
            (None, json!(1), ParameterValue::Integer(1)),
            (None, json!(1.0), ParameterValue::Double(1.0)),
            (
                Some(ParameterType::Float64),
                json!(1),
                ParameterValue::Double(1.0),
            ),
            (None, json!([1, 2]), ParameterValue::Integers(vec![1, 2])),
            (
                None,
                json!([1, 2.5]),
                ParameterValue::Doubles(vec![1.0, 2.5]),
            ),
            (
                Some(ParameterType::Float64Array),
                json!([1]),
                ParameterValue::Doubles(vec![1.0]),
            ),
        ];
        for (kind, json, value) in cases {
            assert_eq!(from_wire(&parameter(kind, json)), Ok(value));
        }
    }

    #[test]
    fn what_is_no_value_is_refused() {
        let cases = [
            (
                Some(ParameterType::ByteArray),
                json!("*"),
                ValueError::Base64,
            ),
            (
                Some(ParameterType::ByteArray),
                json!([1]),
                ValueError::Base64,
            ),
            (Some(ParameterType::Float64), json!("a"), ValueError::Type),
            (
                Some(ParameterType::Float64Array),
                json!(1),
                ValueError::Type,
            ),
            (None, json!(u64::MAX), ValueError::Integer),
            (None, json!([1, "a"]), ValueError::Array),
            (None, json!([[1]]), ValueError::Array),
            (None, json!([null]), ValueError::Array),
            (None, json!({"a": 1}), ValueError::Object),
        ];
        for (kind, json, error) in cases {
            assert_eq!(from_wire(&parameter(kind, json)), Err(error));
        }
    }
}
