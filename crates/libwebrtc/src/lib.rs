//! A pure-Rust drop-in for LiveKit's `libwebrtc` crate, for programs that need data channels only.
//!
//! It has the public API that the `livekit` crate names, so the unchanged `livekit` builds on it
//! through one `[patch.crates-io]` line. Data channels work, by the crate `webrtc_channels`; local
//! media does not, and says so with a clear error. What is here besides names: the encryption of
//! data packets ([`native::frame_cryptor`]).

mod direction;
mod enum_dispatch;
mod error;
mod inert_track;

pub mod audio_frame;
pub mod audio_source;
pub mod audio_stream;
pub mod audio_track;
pub mod data_channel;
pub mod ice_candidate;
pub mod media_stream;
pub mod media_stream_track;
pub mod native;
pub mod peer_connection;
pub mod peer_connection_factory;
pub mod prelude;
pub mod rtp_parameters;
pub mod rtp_receiver;
pub mod rtp_sender;
pub mod rtp_transceiver;
pub mod session_description;
pub mod stats;
pub mod video_source;
pub mod video_track;

pub use webrtc_channels::{RtcError, RtcErrorType};

/// The kind of media a transceiver or a capability query is about.
#[derive(Debug, Copy, Clone, PartialEq, Eq)]
pub enum MediaType {
    /// Sound.
    Audio,
    /// Frames.
    Video,
    /// Data channels.
    Data,
    /// Anything else.
    Unsupported,
}
