//! The error of every call about media.

use webrtc_channels::{RtcError, RtcErrorType};

/// The answer to every call that would send or receive media.
pub(crate) fn media_unsupported(call: &str) -> RtcError {
    RtcError {
        error_type: RtcErrorType::Internal,
        message: format!(
            "{call}: local media is not supported by the pure-Rust libwebrtc; \
             delete the [patch.crates-io] line to use the official library"
        ),
    }
}
