//! Values of parameters, and how `rcl_interfaces` writes them.

use remote_access_cdr::float_to_json;
use serde_json::{json, Value};

/// The value of a parameter of any node.
#[derive(Debug, Clone, PartialEq)]
pub enum ParameterValue {
    /// Not declared, without a value, or deleted.
    NotSet,
    /// A boolean.
    Bool(bool),
    /// An integer.
    Integer(i64),
    /// A floating point number.
    Double(f64),
    /// A text.
    String(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A list of booleans.
    Bools(Vec<bool>),
    /// A list of integers.
    Integers(Vec<i64>),
    /// A list of floating point numbers.
    Doubles(Vec<f64>),
    /// A list of texts.
    Strings(Vec<String>),
}

impl ParameterValue {
    /// From the JSON of an `rcl_interfaces/msg/ParameterValue`. None if it is none.
    pub(super) fn from_json(value: &Value) -> Option<Self> {
        let list = |name: &str| value.get(name)?.as_array();
        Some(match value.get("type")?.as_u64()? {
            0 => Self::NotSet,
            1 => Self::Bool(value.get("bool_value")?.as_bool()?),
            2 => Self::Integer(integer(value.get("integer_value")?)?),
            3 => Self::Double(double(value.get("double_value")?)?),
            4 => Self::String(value.get("string_value")?.as_str()?.to_owned()),
            5 => Self::Bytes(all(list("byte_array_value")?, |byte| {
                u8::try_from(byte.as_u64()?).ok()
            })?),
            6 => Self::Bools(all(list("bool_array_value")?, Value::as_bool)?),
            7 => Self::Integers(all(list("integer_array_value")?, integer)?),
            8 => Self::Doubles(all(list("double_array_value")?, double)?),
            9 => Self::Strings(all(list("string_array_value")?, |text| {
                text.as_str().map(str::to_owned)
            })?),
            _ => return None,
        })
    }

    /// The JSON of an `rcl_interfaces/msg/ParameterValue`.
    pub(super) fn to_json(&self) -> Value {
        match self {
            Self::NotSet => json!({"type": 0}),
            Self::Bool(value) => json!({"type": 1, "bool_value": value}),
            Self::Integer(value) => json!({"type": 2, "integer_value": value}),
            Self::Double(value) => json!({"type": 3, "double_value": float_to_json(*value)}),
            Self::String(value) => json!({"type": 4, "string_value": value}),
            Self::Bytes(values) => json!({"type": 5, "byte_array_value": values}),
            Self::Bools(values) => json!({"type": 6, "bool_array_value": values}),
            Self::Integers(values) => json!({"type": 7, "integer_array_value": values}),
            Self::Doubles(values) => {
                let values: Vec<_> = values.iter().copied().map(float_to_json).collect();
                json!({"type": 8, "double_array_value": values})
            }
            Self::Strings(values) => json!({"type": 9, "string_array_value": values}),
        }
    }

    /// About how many bytes it has as JSON.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::NotSet | Self::Bool(_) => 8,
            Self::Integer(_) | Self::Double(_) => 20,
            Self::String(text) => text.len(),
            Self::Bytes(values) => values.len() * 2,
            Self::Bools(values) => values.len() * 6,
            Self::Integers(values) => values.len() * 20,
            Self::Doubles(values) => values.len() * 20,
            Self::Strings(values) => values.iter().map(|text| text.len() + 3).sum(),
        }
    }

    /// The same value in the type that `present` has, where numbers or empty lists allow it.
    /// JSON does not tell 5 from 5.0, nor what an empty list is a list of.
    pub(super) fn in_type_of(self, present: &Self) -> Self {
        match (self, present) {
            (Self::Integer(value), Self::Double(_)) => Self::Double(value as f64),
            (Self::Double(value), Self::Integer(_)) => {
                integral(value).map_or(Self::Double(value), Self::Integer)
            }
            (Self::Integers(values), Self::Doubles(_)) => {
                Self::Doubles(values.into_iter().map(|value| value as f64).collect())
            }
            (Self::Doubles(values), Self::Integers(_)) => {
                match values.iter().copied().map(integral).collect() {
                    Some(integers) => Self::Integers(integers),
                    None => Self::Doubles(values),
                }
            }
            (value, Self::Bytes(_)) if value.is_empty_list() => Self::Bytes(Vec::new()),
            (value, Self::Bools(_)) if value.is_empty_list() => Self::Bools(Vec::new()),
            (value, Self::Integers(_)) if value.is_empty_list() => Self::Integers(Vec::new()),
            (value, Self::Doubles(_)) if value.is_empty_list() => Self::Doubles(Vec::new()),
            (value, Self::Strings(_)) if value.is_empty_list() => Self::Strings(Vec::new()),
            (value, _) => value,
        }
    }

    fn is_empty_list(&self) -> bool {
        match self {
            Self::Bytes(values) => values.is_empty(),
            Self::Bools(values) => values.is_empty(),
            Self::Integers(values) => values.is_empty(),
            Self::Doubles(values) => values.is_empty(),
            Self::Strings(values) => values.is_empty(),
            _ => false,
        }
    }
}

fn all<T>(values: &[Value], convert: impl Fn(&Value) -> Option<T>) -> Option<Vec<T>> {
    values.iter().map(convert).collect()
}

/// Large ones are strings of digits.
fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::String(digits) => digits.parse().ok(),
        number => number.as_i64(),
    }
}

/// Those that are not finite are strings.
fn double(value: &Value) -> Option<f64> {
    match value {
        Value::String(text) => text.parse().ok(),
        number => number.as_f64(),
    }
}

fn integral(value: f64) -> Option<i64> {
    // 2^63 is the first that does not fit; it and its negative are floats exactly.
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    (value.fract() == 0.0 && (-LIMIT..LIMIT).contains(&value)).then_some(value as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_goes_there_and_back() {
        for value in [
            ParameterValue::NotSet,
            ParameterValue::Bool(true),
            ParameterValue::Integer(i64::MIN),
            ParameterValue::Double(0.1 + 0.2),
            ParameterValue::Double(f64::NEG_INFINITY),
            ParameterValue::String("é\"".into()),
            ParameterValue::Bytes(vec![0, 255]),
            ParameterValue::Bools(vec![false, true]),
            ParameterValue::Integers(vec![1, i64::MAX]),
            ParameterValue::Doubles(vec![5.0, f64::INFINITY]),
            ParameterValue::Strings(vec![String::new(), "x".into()]),
        ] {
            assert_eq!(ParameterValue::from_json(&value.to_json()), Some(value));
        }
        let digits = json!({"type": 2, "integer_value": "9223372036854775807"});
        assert_eq!(
            ParameterValue::from_json(&digits),
            Some(ParameterValue::Integer(i64::MAX))
        );
        assert_eq!(ParameterValue::from_json(&json!({"type": 77})), None);
    }

    #[test]
    fn numbers_take_the_present_type() {
        use ParameterValue::{Bools, Bytes, Double, Doubles, Integer, Integers, NotSet, Strings};
        let cases = [
            (Integer(5), Double(1.0), Double(5.0)),
            (Double(5.0), Integer(1), Integer(5)),
            (Double(5.5), Integer(1), Double(5.5)),
            (Double(1e300), Integer(1), Double(1e300)),
            (Integer(5), Integer(1), Integer(5)),
            (Double(5.0), NotSet, Double(5.0)),
            (Integers(vec![1]), Doubles(vec![]), Doubles(vec![1.0])),
            (
                Doubles(vec![1.0, 2.0]),
                Integers(vec![]),
                Integers(vec![1, 2]),
            ),
            (
                Doubles(vec![1.0, 2.5]),
                Integers(vec![]),
                Doubles(vec![1.0, 2.5]),
            ),
            (Strings(vec![]), Bytes(vec![1]), Bytes(vec![])),
            (Strings(vec![]), Bools(vec![true]), Bools(vec![])),
            (Strings(vec![]), NotSet, Strings(vec![])),
        ];
        for (given, present, expected) in cases {
            assert_eq!(given.in_type_of(&present), expected);
        }
    }
}
