//! Declaring the node's parameters.

use super::error::RosError;
use rclrs::{MandatoryParameter, Node, ParameterBuilder, ParameterRange, ParameterVariant};
use std::any::Any;
use std::ops::RangeInclusive;
use std::sync::Arc;

/// Declares parameters and keeps them declared as long as it lives.
///
/// Most are read-only: they are read once, and `ros2 param set` refuses to change them.
pub struct Parameters {
    node: Node,
    // Dropping rclrs's parameter undeclares it.
    declared: Vec<Box<dyn Any + Send + Sync>>,
}

impl Parameters {
    pub(super) fn new(node: Node) -> Self {
        Self {
            node,
            declared: Vec::new(),
        }
    }

    /// Declares a read-only string.
    ///
    /// # Errors
    /// The name is taken, or the value given has another type.
    pub fn string(
        &mut self,
        name: &str,
        default: &str,
        description: &str,
    ) -> Result<String, RosError> {
        let value: Arc<str> =
            self.read_only(name, |builder| builder.default(default.into()), description)?;
        Ok(value.to_string())
    }

    /// Declares a read-only list of strings.
    ///
    /// # Errors
    /// As [`Parameters::string`].
    pub fn strings(
        &mut self,
        name: &str,
        default: &[&str],
        description: &str,
    ) -> Result<Vec<String>, RosError> {
        let default: Arc<[Arc<str>]> = default.iter().map(|&text| text.into()).collect();
        let values: Arc<[Arc<str>]> =
            self.read_only(name, |builder| builder.default(default), description)?;
        Ok(values.iter().map(ToString::to_string).collect())
    }

    /// Declares a read-only boolean.
    ///
    /// # Errors
    /// As [`Parameters::string`].
    pub fn boolean(
        &mut self,
        name: &str,
        default: bool,
        description: &str,
    ) -> Result<bool, RosError> {
        self.read_only(name, |builder| builder.default(default), description)
    }

    /// Declares a read-only integer.
    ///
    /// # Errors
    /// As [`Parameters::string`], or the value given is not in `range`.
    pub fn integer(
        &mut self,
        name: &str,
        default: i64,
        range: RangeInclusive<i64>,
        description: &str,
    ) -> Result<i64, RosError> {
        let range = ParameterRange {
            lower: Some(*range.start()),
            upper: Some(*range.end()),
            step: None,
        };
        self.read_only(
            name,
            |builder| builder.default(default).range(range),
            description,
        )
    }

    /// Declares a boolean that may be changed while the node runs.
    ///
    /// # Errors
    /// As [`Parameters::string`].
    pub fn live_boolean(
        &mut self,
        name: &str,
        default: bool,
        description: &str,
    ) -> Result<Live<bool>, RosError> {
        self.live(name, |builder| builder.default(default), description)
    }

    /// Declares an integer that may be changed, within `range`, while the node runs.
    ///
    /// # Errors
    /// As [`Parameters::integer`].
    pub fn live_integer(
        &mut self,
        name: &str,
        default: i64,
        range: RangeInclusive<i64>,
        description: &str,
    ) -> Result<Live<i64>, RosError> {
        let range = ParameterRange {
            lower: Some(*range.start()),
            upper: Some(*range.end()),
            step: None,
        };
        self.live(
            name,
            |builder| builder.default(default).range(range),
            description,
        )
    }

    fn read_only<T: ParameterVariant + Send + Sync + 'static>(
        &mut self,
        name: &str,
        complete: impl FnOnce(ParameterBuilder<T>) -> ParameterBuilder<T>,
        description: &str,
    ) -> Result<T, RosError> {
        let parameter = complete(self.node.declare_parameter(name))
            .description(description)
            .read_only()
            .map_err(|problem| RosError::Parameter {
                name: name.to_owned(),
                reason: problem.to_string(),
            })?;
        let value = parameter.get();
        self.declared.push(Box::new(parameter));
        Ok(value)
    }

    fn live<T: ParameterVariant>(
        &mut self,
        name: &str,
        complete: impl FnOnce(ParameterBuilder<T>) -> ParameterBuilder<T>,
        description: &str,
    ) -> Result<Live<T>, RosError> {
        complete(self.node.declare_parameter(name))
            .description(description)
            .mandatory()
            .map(Live)
            .map_err(|problem| RosError::Parameter {
                name: name.to_owned(),
                reason: problem.to_string(),
            })
    }
}

/// A parameter that may change. Declared as long as it lives.
pub struct Live<T: ParameterVariant>(MandatoryParameter<T>);

impl<T: ParameterVariant> Live<T> {
    /// The value it has now.
    #[must_use]
    pub fn get(&self) -> T {
        self.0.get()
    }
}
