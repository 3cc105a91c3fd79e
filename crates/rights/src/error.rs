//! Errors in rights.

use crate::limits::{MAX_PATTERN, MAX_PATTERNS};

/// Reason why rights cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RightsError {
    /// There is no such right.
    #[error(
        "{0:?} is no right; there are watch, all, none, drive, override, and see, publish, call, read, set and \
         assets, each alone for all names or with a regular expression, as 'see=/camera/.*'"
    )]
    Unknown(String),
    /// There are too many patterns.
    #[error("{0} patterns are too many: all rights together may have {MAX_PATTERNS}")]
    TooMany(usize),
    /// A pattern is too long.
    #[error("a pattern of `{right}` has {length} bytes: {MAX_PATTERN} are possible")]
    TooLong {
        /// The right.
        right: &'static str,
        /// Bytes of the pattern.
        length: usize,
    },
    /// A pattern is not a regular expression, or a too complicated one.
    #[error("the pattern {pattern:?} of `{right}` cannot be used: {reason}")]
    Pattern {
        /// The right.
        right: &'static str,
        /// The pattern.
        pattern: String,
        /// Why.
        reason: String,
    },
}
