//! Why a type has no schema.

use super::type_name::{TypeName, TypeNameError};
use std::path::PathBuf;
use thiserror::Error;

/// Why a type has no schema.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum SchemaError {
    /// The name is none of such a type.
    #[error(transparent)]
    Name(#[from] TypeNameError),
    /// The package is not installed here.
    #[error("package {0} is not installed (AMENT_PREFIX_PATH)")]
    NoPackage(String),
    /// The package has no such type.
    #[error("package {package} has no definition of {0}", package = .0.package())]
    NoDefinition(TypeName),
    /// A definition cannot be understood.
    #[error("cannot read the definition of {of}: {reason}")]
    Malformed {
        /// The type it should define.
        of: TypeName,
        /// Reason.
        reason: SchemaTextError,
    },
    /// A definition cannot be read.
    #[error("cannot read {path}: {reason}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Message of the system.
        reason: String,
    },
}

/// Error in the text of a definition.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum SchemaTextError {
    /// An `.idl` file includes something else.
    #[error("includes {0:?}, which is no message")]
    Include(String),
    /// A field of a `.msg` file has no type.
    #[error("{0:?} is no type")]
    FieldType(String),
    /// A `.srv` file does not tell where the response begins.
    #[error("it has no line ---")]
    NoSeparator,
}
