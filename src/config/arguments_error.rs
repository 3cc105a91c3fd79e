//! Errors of the command line and the parameter files it names.

use std::path::PathBuf;

use super::log_level::LogLevelError;
use super::yaml::YamlError;

/// An invalid command line or parameter file. The text says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArgumentsError {
    /// An option that does not exist.
    #[error("unknown argument {0:?}, see --help")]
    Unknown(String),
    /// An option of ROS that does not exist.
    #[error("unknown ROS argument {0:?}; ROS 2 knows -r, -p, --params-file, --log-level and a few others")]
    UnknownRos(String),
    /// Remappings and parameters come after `--ros-args`.
    #[error("{0:?} must follow --ros-args, as in: --ros-args -r old:=new -p parameter:=value")]
    OutsideRos(String),
    /// An option's value is missing.
    #[error("{0} needs a value")]
    NoValue(String),
    /// A malformed remapping.
    #[error("-r {0:?} must have the form old:=new")]
    Remapping(String),
    /// A malformed parameter assignment.
    #[error("-p {0:?} must have the form parameter:=value")]
    Parameter(String),
    /// A parameter's value that cannot be read.
    #[error("-p {name}: {reason}")]
    Value {
        /// The parameter.
        name: String,
        /// Reason.
        reason: YamlError,
    },
    /// A log level that does not exist.
    #[error(transparent)]
    LogLevel(#[from] LogLevelError),
    /// A parameter file that cannot be read.
    #[error("cannot read the parameter file {}: {reason}", path.display())]
    File {
        /// Where it is.
        path: PathBuf,
        /// Reason.
        reason: std::io::Error,
    },
    /// A parameter file that is not valid YAML.
    #[error("parameter file {}: {reason}", path.display())]
    Yaml {
        /// Where it is.
        path: PathBuf,
        /// Reason.
        reason: YamlError,
    },
    /// A parameter file without the structure of ROS 2.
    #[error("parameter file {}: {section} must have the form `{section}: {{ros__parameters: {{parameter: value}}}}`", path.display())]
    Section {
        /// Where it is.
        path: PathBuf,
        /// The name of a node.
        section: String,
    },
}
