//! Parameters of the robot.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A parameter, or its new value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Parameter {
    /// Its name, for ROS `/node.parameter`.
    pub name: String,
    /// Type of the value where JSON alone does not tell.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<ParameterType>,
    /// The value. `None`: the parameter is not set, or is to be unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
}

/// Type of the JSON value of a [`Parameter`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ParameterType {
    /// The value is a string of base64.
    ByteArray,
    /// The value is a floating-point number, even if it is written as an integer.
    Float64,
    /// The value is an array of floating-point numbers.
    Float64Array,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn json_is_that_of_the_protocol() {
        let cases = [
            (json!({"name": "/n.a", "value": 1}), None, Some(json!(1))),
            (
                json!({"name": "/n.a", "type": "byte_array", "value": "AAE="}),
                Some(ParameterType::ByteArray),
                Some(json!("AAE=")),
            ),
            (
                json!({"name": "/n.a", "type": "float64", "value": 1.0}),
                Some(ParameterType::Float64),
                Some(json!(1.0)),
            ),
            (
                json!({"name": "/n.a", "type": "float64_array", "value": [1.5]}),
                Some(ParameterType::Float64Array),
                Some(json!([1.5])),
            ),
            (json!({"name": "/n.a"}), None, None),
        ];
        for (json, kind, value) in cases {
            let name = "/n.a".to_owned();
            let parameter = Parameter { name, kind, value };
            assert_eq!(serde_json::to_value(&parameter).unwrap(), json);
            assert_eq!(
                serde_json::from_value::<Parameter>(json).unwrap(),
                parameter
            );
        }
    }
}
