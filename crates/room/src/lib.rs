//! A LiveKit room as robots and viewers use it.
//!
//! Both join with a token that they are given or mint ([`TokenSource`]), however long it takes
//! ([`RoomConnector`]). A viewer reads the robot's byte streams frame by frame ([`FrameReader`]) and
//! writes to the robot on an [`Uplink`].
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod connect;
mod incoming;
mod reconnect;
mod token;
mod uplink;

pub use connect::{close, Endpoint, RoomConnector};
pub use incoming::{Broken, BufferBudget, FrameReader};
pub use token::{Role, Secret, TokenError, TokenSource};
pub use uplink::{Uplink, UplinkOptions};

/// What a program logs unless it is told otherwise, as a filter of `tracing`. The SDK tells of
/// normal events as warnings.
pub const DEFAULT_LOG: &str = "info,livekit=error,livekit_signaling=error,libwebrtc=warn,\
                               webrtc_channels=warn,\
                               turn_client_proto=error,stun_proto=error";
