//! Declaring the node's parameters.

use super::error::RosError;
use rclrs::{Node, ParameterBuilder, ParameterRange, ParameterVariant};
use std::any::Any;
use std::ops::RangeInclusive;
use std::sync::Arc;

/// Why most parameters are read-only; `ros2 param describe` shows it.
const READ_ONCE: &str = "read once, at the start: restart the node with another value";

/// Declares parameters and keeps them declared as long as it lives.
///
/// Most are read-only. Of those that are not, called live, each change is told on the node's thread.
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
        Ok(texts(&values))
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
        changed: impl Fn(i64) + Send + Sync + 'static,
    ) -> Result<(), RosError> {
        let range = ParameterRange {
            lower: Some(*range.start()),
            upper: Some(*range.end()),
            step: None,
        };
        self.live(
            name,
            |builder| builder.default(default).range(range),
            description,
            move |&value| changed(value),
        )
    }

    /// Declares a string that may be changed while the node runs to what `accept` takes. It says why
    /// if it does not.
    ///
    /// # Errors
    /// As [`Parameters::string`], or the default is not accepted.
    pub fn live_string<E: std::fmt::Display>(
        &mut self,
        name: &str,
        default: &str,
        description: &str,
        accept: impl Fn(&str) -> Result<(), E> + Send + Sync + 'static,
        changed: impl Fn(&str) + Send + Sync + 'static,
    ) -> Result<(), RosError> {
        self.live(
            name,
            |builder| {
                let builder = builder.default(default.into());
                builder.validate(move |value: &Arc<str>| {
                    accept(value).map_err(|reason| reason.to_string())
                })
            },
            description,
            move |value: &Arc<str>| changed(value),
        )
    }

    /// Declares a list of strings as [`Parameters::live_string`] does a string.
    ///
    /// # Errors
    /// As [`Parameters::live_string`].
    pub fn live_strings<E: std::fmt::Display>(
        &mut self,
        name: &str,
        default: &[&str],
        description: &str,
        accept: impl Fn(&[String]) -> Result<(), E> + Send + Sync + 'static,
        changed: impl Fn(&[String]) + Send + Sync + 'static,
    ) -> Result<(), RosError> {
        let default: Arc<[Arc<str>]> = default.iter().map(|&text| text.into()).collect();
        self.live(
            name,
            |builder| {
                let builder = builder.default(default);
                builder.validate(move |list: &Arc<[Arc<str>]>| {
                    accept(&texts(list)).map_err(|reason| reason.to_string())
                })
            },
            description,
            move |list: &Arc<[Arc<str>]>| changed(&texts(list)),
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
            .constraints(READ_ONCE)
            .read_only()
            .map_err(|problem| RosError::Parameter {
                name: name.to_owned(),
                reason: problem.to_string(),
            })?;
        let value = parameter.get();
        self.declared.push(Box::new(parameter));
        Ok(value)
    }

    fn live<T: ParameterVariant + Send + Sync + 'static>(
        &mut self,
        name: &str,
        complete: impl FnOnce(ParameterBuilder<T>) -> ParameterBuilder<T>,
        description: &str,
        changed: impl Fn(&T) + Send + Sync + 'static,
    ) -> Result<(), RosError> {
        let parameter = complete(self.node.declare_parameter(name))
            .description(description)
            .mandatory()
            .map_err(|problem| RosError::Parameter {
                name: name.to_owned(),
                reason: problem.to_string(),
            })?;
        parameter.on_change(changed);
        self.declared.push(Box::new(parameter));
        Ok(())
    }
}

fn texts(list: &[Arc<str>]) -> Vec<String> {
    list.iter().map(ToString::to_string).collect()
}
