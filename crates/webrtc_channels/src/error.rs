//! The error type of every fallible call of the public API.

use thiserror::Error;

/// Kind of an [`RtcError`].
#[derive(Debug, Copy, Clone, PartialEq, Eq)]
pub enum RtcErrorType {
    /// The engine could not do it (sockets, threads, an unsupported feature).
    Internal,
    /// A session description cannot be used.
    InvalidSdp,
    /// The call does not fit the state of the connection.
    InvalidState,
}

/// A failed call, with a message for people.
#[derive(Error, Debug)]
#[error("an RtcError occurred: {error_type:?} - {message}")]
pub struct RtcError {
    /// Kind of the error.
    pub error_type: RtcErrorType,
    /// Description in words.
    pub message: String,
}

impl RtcError {
    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self {
            error_type: RtcErrorType::Internal,
            message: message.into(),
        }
    }

    pub(crate) fn invalid_sdp(message: impl Into<String>) -> Self {
        Self {
            error_type: RtcErrorType::InvalidSdp,
            message: message.into(),
        }
    }

    pub(crate) fn invalid_state(message: impl Into<String>) -> Self {
        Self {
            error_type: RtcErrorType::InvalidState,
            message: message.into(),
        }
    }
}
