//! Errors of the command that makes tokens.

use std::path::PathBuf;

use remote_access_rights::{KeyError, RightsError};
use remote_access_room::{EncryptionKeyError, MintError};

/// Something is wrong with the command line or the environment.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenToolError {
    /// The command line cannot be understood.
    #[error("{0}, see --help")]
    Arguments(#[from] lexopt::Error),
    /// The room is missing.
    #[error("--room is missing: which room is the robot in?")]
    NoRoom,
    /// There is no key.
    #[error("set LIVEKIT_API_KEY and LIVEKIT_API_SECRET in the environment: those of the LiveKit server")]
    NoKey,
    /// A robot needs an identity that stays.
    #[error("--robot needs --name or --identity: the robot's identity in the room")]
    NoIdentity,
    /// Rights for a robot.
    #[error("rights are for viewers: leave them out with --robot")]
    RobotRights,
    /// The rights are wrong.
    #[error(transparent)]
    Rights(#[from] RightsError),
    /// The token cannot be made.
    #[error(transparent)]
    Mint(#[from] MintError),
    /// The key file cannot be read.
    #[error("cannot read {path} (REMOTE_ACCESS_GRANT_KEY_FILE): {reason}")]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: std::io::Error,
    },
    /// The key for end-to-end encryption cannot be used.
    #[error(transparent)]
    Encryption(#[from] EncryptionKeyError),
    /// The key file holds no key.
    #[error("{path} (REMOTE_ACCESS_GRANT_KEY_FILE): {reason}")]
    Key {
        /// The file.
        path: PathBuf,
        /// Reason.
        reason: KeyError,
    },
}
