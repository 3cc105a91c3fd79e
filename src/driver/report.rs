//! Reports of the session, made when somebody asks.

use std::collections::BTreeMap;

use remote_access_session::{Snapshot, ViewerInfo};

/// How the connection to the room is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ConnectionState {
    /// There is none; it is tried again and again.
    #[default]
    Down,
    /// It was interrupted, and may be resumed.
    Interrupted,
    /// The node is in the room.
    Up,
}

/// The session at one moment.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// How the connection to the room is.
    pub connection: ConnectionState,
    /// Times that the room was joined.
    pub connections: u64,
    /// The viewers and what they do.
    pub viewers: Vec<ViewerInfo>,
    /// The session in numbers; its participants are the viewers, in the same order.
    pub snapshot: Snapshot,
    /// The problems of the robot that viewers are told of: text by name.
    pub problems: BTreeMap<String, String>,
}
