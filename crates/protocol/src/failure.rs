//! Requests that fail.

/// Reason why a request has no response, in plain text for the viewer's user.
///
/// It travels as text: whoever answers a request makes it of an error of its own.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RequestFailure(String);

impl RequestFailure {
    /// The failure with the text of an error.
    pub fn new(error: impl std::fmt::Display) -> Self {
        Self(error.to_string())
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }
}
