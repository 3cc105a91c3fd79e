//! Errors of the configuration.

use remote_access_protocol::capability::UnknownCapability;

use super::arguments_error::ArgumentsError;
use super::kinds::ValueError;
use super::unknown::UnknownParameter;
use crate::bridge::RateError;
use crate::media::UnknownCodec;
use crate::ros::{PatternError, RosError};
use remote_access_rights::{KeyError, RightsError};

/// The configuration is wrong. The text says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The command line or a parameter file cannot be understood.
    #[error(transparent)]
    Arguments(#[from] ArgumentsError),
    /// A parameter could not be declared.
    #[error(transparent)]
    Parameter(#[from] RosError),
    /// A parameter is given a value of another form.
    #[error(transparent)]
    Value(#[from] ValueError),
    /// A value is given for a parameter that does not exist.
    #[error(transparent)]
    Unknown(#[from] UnknownParameter),
    /// A parameter holds something that is no regular expression.
    #[error("parameter {name}: {reason}")]
    Pattern {
        /// The parameter.
        name: &'static str,
        /// Reason.
        reason: PatternError,
    },
    /// A parameter holds something that is no rate limit.
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
        /// What is wrong.
        reason: UnknownCodec,
    },
    /// A parameter names rights that do not exist or cannot be kept.
    #[error("parameter {name}: {reason}")]
    Rights {
        /// The parameter.
        name: &'static str,
        /// What is wrong.
        reason: RightsError,
    },
    /// A parameter holds something that is no key.
    #[error("parameter {name}: {reason}")]
    GrantKey {
        /// The parameter.
        name: &'static str,
        /// What is wrong.
        reason: KeyError,
    },
    /// A parameter holds something that is no level.
    #[error("parameter {name}: {reason}")]
    LogLevel {
        /// The parameter.
        name: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// A parameter holds something that is no address.
    #[error("parameter {name}: {text:?} is not an address with a port, as 127.0.0.1:9464")]
    Address {
        /// The parameter.
        name: &'static str,
        /// Its value.
        text: String,
    },
    /// A parameter holds something that is no full name.
    #[error("parameter {name}: {text:?} is not a full name, as /emergency_stop")]
    FullName {
        /// The parameter.
        name: &'static str,
        /// Its value.
        text: String,
    },
    /// A parameter holds something that is no time limit.
    #[error("parameter {name}: {entry:?} is not of the form regex=milliseconds")]
    Timeout {
        /// The parameter.
        name: &'static str,
        /// Its value.
        entry: String,
    },
    /// Nothing says how to get a token.
    #[error(
        "no access to a LiveKit server is configured: set LIVEKIT_TOKEN, LIVEKIT_TOKEN_FILE, \
         LIVEKIT_TOKEN_ENDPOINT, or LIVEKIT_API_KEY and LIVEKIT_API_SECRET, in the environment"
    )]
    NoToken,
    /// Key and secret do not come together.
    #[error("set both LIVEKIT_API_KEY and LIVEKIT_API_SECRET, or LIVEKIT_TOKEN alone")]
    HalfAKey,
    /// A token is to be minted, but for no room.
    #[error("parameter `room` is empty: name the room that the robot is to join")]
    NoRoom,
    /// The token endpoint has no URL that can be asked.
    #[error("LIVEKIT_TOKEN_ENDPOINT is no URL of a token endpoint: it must begin with http:// or https://")]
    BadTokenEndpoint,
    /// The URL is none of a LiveKit server.
    #[error("{0:?} is no URL of a LiveKit server: it must begin with ws://, wss://, http:// or https://")]
    BadUrl(String),
}
