//! A text that cannot be read.

use thiserror::Error;

/// A text that is not a session description or not an ICE candidate.
#[derive(Clone, Error, Debug)]
#[error("Failed to parse sdp: {line} - {description}")]
pub struct SdpParseError {
    /// The offending line.
    pub line: String,
    /// What is wrong with it.
    pub description: String,
}
