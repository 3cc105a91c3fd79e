//! A definition that cannot be used.

use thiserror::Error;

/// Why a definition cannot be used.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum DefinitionError {
    /// A line is none of the `.msg` language, or some words are none of the `.idl` language.
    #[error("cannot read {line:?} in the definition of {of}")]
    Line {
        /// The type it is in.
        of: String,
        /// The line.
        line: String,
    },
    /// A type that a field has is not part of the text.
    #[error("{of} uses {missing}, whose definition is not there")]
    Missing {
        /// The type that uses it.
        of: String,
        /// The type that is missing.
        missing: String,
    },
    /// A type contains itself, or types are nested too deeply.
    #[error("{0} contains itself, or nests too deeply")]
    TooDeep(String),
    /// A default does not fit the field's type.
    #[error("the default of field {field} of {of} does not fit its type: {reason}")]
    Default {
        /// The type.
        of: String,
        /// Its field.
        field: String,
        /// Reason.
        reason: String,
    },
}
