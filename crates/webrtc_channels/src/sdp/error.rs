//! A text that cannot be read.

use thiserror::Error;

/// A text that is not a session description or not an ICE candidate.
#[derive(Clone, Error, Debug)]
#[error("Failed to parse sdp: {line} - {description}")]
pub struct SdpParseError {
    /// The offending line.
    pub line: String,
    /// Reason.
    pub description: String,
}

/// An attribute without which there is no transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(crate) enum MissingAttribute {
    #[error("the remote description has no ICE credentials")]
    IceCredentials,
    #[error("the remote description has no usable fingerprint")]
    Fingerprint,
}
