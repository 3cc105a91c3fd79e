//! Errors of messages.

use std::fmt;

use thiserror::Error;

/// A message does not match its definition. The text says where and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CdrError {
    problem: Problem,
    /// The way to the field, innermost first.
    path: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Field(String),
    Index(usize),
}

/// Error without its position.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub(crate) enum Problem {
    #[error("the encapsulation header is not that of plain CDR (XCDR version 1)")]
    Encapsulation,
    #[error("the message ends too early: {needed} bytes are needed, {left} are left")]
    TooShort { needed: u64, left: usize },
    #[error("{0} bytes follow the message")]
    Trailing(usize),
    #[error("{0} is no boolean")]
    Boolean(u8),
    #[error("a string does not end with a zero byte, or has one inside")]
    StringEnd,
    #[error("{length} elements or characters, {max} are allowed")]
    TooLong { length: u64, max: u32 },
    #[error("not {0}")]
    Expected(&'static str),
    #[error("{0} does not fit into the type")]
    Range(String),
    #[error("{length} elements, exactly {expected} are needed")]
    Count { length: usize, expected: u32 },
    #[error("unknown field {0:?}")]
    UnknownField(String),
    #[error("field {0:?} is given twice")]
    DuplicateField(String),
    #[error("no JSON: {0}")]
    Json(String),
    #[error("larger than {0} bytes")]
    Limit(usize),
}

impl CdrError {
    pub(crate) fn in_field(mut self, name: &str) -> Self {
        self.path.push(Step::Field(name.to_owned()));
        self
    }

    pub(crate) fn at_index(mut self, index: usize) -> Self {
        self.path.push(Step::Index(index));
        self
    }
}

impl From<Problem> for CdrError {
    fn from(problem: Problem) -> Self {
        Self {
            problem,
            path: Vec::new(),
        }
    }
}

impl fmt::Display for CdrError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut between = "";
        for step in self.path.iter().rev() {
            match step {
                Step::Field(name) => write!(f, "{between}{name}")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
            between = ".";
        }
        if !self.path.is_empty() {
            f.write_str(": ")?;
        }
        self.problem.fmt(f)
    }
}

impl std::error::Error for CdrError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_says_where() {
        let error = CdrError::from(Problem::Boolean(7))
            .in_field("flag")
            .at_index(3)
            .in_field("list");
        assert_eq!(error.to_string(), "list[3].flag: 7 is no boolean");
        assert_eq!(
            CdrError::from(Problem::Trailing(9)).to_string(),
            "9 bytes follow the message"
        );
    }
}
