//! Frames and messages of Foxglove remote access over LiveKit byte streams.
//!
//! A byte stream on topic [`TOPIC`] carries a sequence of [`frame`]s, cut anywhere by the
//! transport. A text frame holds one JSON message, a binary frame one binary message. The robot
//! sends what [`server`] describes, a viewer what [`client`] describes.
//!
//! The crate does no I/O and knows no clock; the robot's node and the operator's program share it.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

pub mod client;
pub mod frame;
pub mod server;

/// LiveKit topic of the byte streams in both directions.
pub const TOPIC: &str = "ws-protocol";

/// Attribute that a viewer sets on its byte stream to say how many streams it can read at once.
pub const STREAMS_ATTRIBUTE: &str = "streams";

/// Value of [`STREAMS_ATTRIBUTE`] of a viewer that reads any number of streams at once.
///
/// Without it the robot sends that viewer everything on one stream.
pub const STREAMS_MANY: &str = "many";

/// Attribute of streams and participants that says what they come from.
pub const ROLE_ATTRIBUTE: &str = "role";

/// Value of [`ROLE_ATTRIBUTE`] of a robot. Robots ignore each other.
pub const ROLE_ROBOT: &str = "robot";

/// Identifies a channel that the robot advertises. Unique for the life of the robot's process.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct ChannelId(pub u64);

impl std::fmt::Display for ChannelId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)
    }
}
