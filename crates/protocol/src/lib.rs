//! Frames and messages of Foxglove remote access over LiveKit byte streams.
//!
//! A byte stream on topic [`TOPIC`] carries a sequence of [`frame`]s, cut anywhere by the
//! transport. A text frame holds one JSON message, a binary frame one binary message. The robot
//! sends what [`server`] describes, a viewer what [`client`] describes.
//!
//! The crate does no I/O and knows no clock; the robot's node and the viewer gateway share it.

pub mod binary;
pub mod capability;
pub mod client;
pub mod failure;
pub mod frame;
pub mod parameter;
pub mod server;
pub mod service;

/// LiveKit topic of the byte streams in both directions.
pub const TOPIC: &str = "ws-protocol";

/// Attribute that a viewer sets on its byte stream to say how many streams it can read at once.
pub const STREAMS_ATTRIBUTE: &str = "streams";

/// Value of [`STREAMS_ATTRIBUTE`] of a viewer that reads any number of streams at once.
///
/// Without it the robot sends that viewer everything on one stream.
pub const STREAMS_MANY: &str = "many";

/// Attribute that a viewer sets on its byte stream to say of which of its sessions in the room it is: the
/// server's name for it (`sid`).
///
/// A viewer that comes back under its identity may open its stream before the room tells that its earlier
/// session is over. Without the attribute the stream is taken for one of that session, and ends with it.
pub const SID_ATTRIBUTE: &str = "sid";

/// Attribute of streams and participants that says what they come from.
pub const ROLE_ATTRIBUTE: &str = "role";

/// Attribute of a viewer, set by its access token or by itself on its byte stream, with its signed
/// grant: what it may do.
pub const GRANT_ATTRIBUTE: &str = "grant";

/// Value of [`ROLE_ATTRIBUTE`] of a robot. Robots ignore each other.
pub const ROLE_ROBOT: &str = "robot";

/// Key in a channel's metadata that tells whether its publishers keep messages for later
/// subscribers (in ROS: transient local). Value `true`, or it is missing.
pub const LATCHED_METADATA: &str = "latched";

/// Key in the robot's metadata that tells that it takes messages with the time at which they were
/// sent, and does not obey commands that are too old. Value `true`, or it is missing.
pub const TIMED_MESSAGES_METADATA: &str = "timed_messages";

/// Key in the robot's metadata that tells that viewers can ask each other for the wheel. Value `true`,
/// or it is missing.
pub const WHEEL_METADATA: &str = "wheel";

/// Key in the robot's metadata that names the service or topic of its emergency stop, if it has one.
pub const EMERGENCY_STOP_METADATA: &str = "emergency_stop";

/// Defines an identifier that is a plain number on the wire.
macro_rules! id {
    ($(#[$doc:meta])* $name:ident($number:ty)) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub $number);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{}", self.0)
            }
        }
    };
}

id! {
    /// Identifies a channel that the robot advertises. Unique for the life of the robot's process.
    ChannelId(u64)
}
id! {
    /// Identifies a channel that a viewer publishes on. Chosen by the viewer, unique to it.
    ClientChannelId(u32)
}
id! {
    /// Identifies a service that the robot advertises. Unique for the life of the robot's process.
    ServiceId(u32)
}
id! {
    /// Identifies a call of a service. Chosen by the viewer, which gets it back in the answer.
    CallId(u32)
}
id! {
    /// Identifies a request for an asset. Chosen by the viewer, which gets it back in the answer.
    AssetRequestId(u32)
}
