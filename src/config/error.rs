//! Errors of the configuration.

use remote_access_protocol::capability::UnknownCapability;

use super::arguments_error::ArgumentsError;
use super::kinds::ValueError;
use super::unknown::UnknownParameter;
use crate::bridge::RateError;
use crate::media::UnknownCodec;
use crate::ros::{PatternError, RosError};
use remote_access_rights::{KeyError, RightsError};
use remote_access_room::EncryptionKeyError;

/// An invalid configuration. The text says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The command line or a parameter file cannot be understood.
    #[error(transparent)]
    Arguments(#[from] ArgumentsError),
    /// A parameter could not be declared.
    #[error(transparent)]
    Parameter(#[from] RosError),
    /// A parameter has a value of the wrong type or out of range.
    #[error(transparent)]
    Value(#[from] ValueError),
    /// A value is given for a parameter that does not exist.
    #[error(transparent)]
    Unknown(#[from] UnknownParameter),
    /// A parameter is not a valid regular expression.
    #[error("parameter {name}: {reason}")]
    Pattern {
        /// The parameter.
        name: &'static str,
        /// Reason.
        reason: PatternError,
    },
    /// A parameter is not a list of rate limits.
    #[error("parameter {name}: {reason}")]
    Rate {
        /// The parameter.
        name: &'static str,
        /// Reason.
        reason: RateError,
    },
    /// A parameter names a capability that does not exist.
    #[error("parameter {name}: {reason}")]
    Capability {
        /// The parameter.
        name: &'static str,
        /// Reason.
        reason: UnknownCapability,
    },
    /// A parameter names a codec that does not exist.
    #[error("parameter {name}: {reason}")]
    Codec {
        /// The parameter.
        name: &'static str,
        /// Reason.
        reason: UnknownCodec,
    },
    /// A parameter names rights that do not exist or cannot be enforced.
    #[error("parameter {name}: {reason}")]
    Rights {
        /// The parameter.
        name: &'static str,
        /// Reason.
        reason: RightsError,
    },
    /// A parameter is not a public key.
    #[error("parameter {name}: {reason}")]
    GrantKey {
        /// The parameter.
        name: &'static str,
        /// Reason.
        reason: KeyError,
    },
    /// The key for end-to-end encryption cannot be used.
    #[error(transparent)]
    Encryption(#[from] EncryptionKeyError),
    /// A parameter is not a log level.
    #[error("parameter {name}: {reason}")]
    LogLevel {
        /// The parameter.
        name: &'static str,
        /// Reason.
        reason: String,
    },
    /// A parameter is not an address.
    #[error(
        "parameter {name}: {text:?} must be an address with a port, for example 127.0.0.1:9464"
    )]
    Address {
        /// The parameter.
        name: &'static str,
        /// Its value.
        text: String,
    },
    /// A parameter is not a full name.
    #[error("parameter {name}: {text:?} must be a full name, for example /emergency_stop")]
    FullName {
        /// The parameter.
        name: &'static str,
        /// Its value.
        text: String,
    },
    /// A parameter is not a list of timeouts.
    #[error("parameter {name}: {entry:?} must have the form regex=milliseconds, for example /slow/.*=60000")]
    Timeout {
        /// The parameter.
        name: &'static str,
        /// Its value.
        entry: String,
    },
    /// No token is configured, nor a way to get one.
    #[error(
        "no access to a LiveKit server is configured: set LIVEKIT_TOKEN, LIVEKIT_TOKEN_FILE, \
         LIVEKIT_TOKEN_ENDPOINT, or LIVEKIT_API_KEY and LIVEKIT_API_SECRET, in the environment"
    )]
    NoToken,
    /// Only one of key and secret is set.
    #[error("set both LIVEKIT_API_KEY and LIVEKIT_API_SECRET, or LIVEKIT_TOKEN alone")]
    HalfAKey,
    /// The node creates its own tokens, but no room is set.
    #[error("parameter room is empty; set it to the room that the robot should join")]
    NoRoom,
    /// The token endpoint is not an HTTP URL.
    #[error("LIVEKIT_TOKEN_ENDPOINT must be the URL of a token endpoint, beginning with http:// or https://")]
    BadTokenEndpoint,
    /// The URL cannot be that of a LiveKit server.
    #[error("{0:?} is not the URL of a LiveKit server; it must begin with ws://, wss://, http:// or https://")]
    BadUrl(String),
}
