//! Reports of the session, made when somebody asks.

use std::collections::BTreeMap;
use std::time::Duration;

use remote_access_session::{Snapshot, ViewerInfo};

use super::encoders::EncoderFigures;

/// State of the connection to the room.
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

impl ConnectionState {
    /// Its name in diagnostics and on `~/connection`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Interrupted => "interrupted",
            Self::Down => "down",
        }
    }
}

/// Network path to the server that serves the viewers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathKind {
    /// Directly, by UDP.
    Udp,
    /// Directly, by TCP.
    Tcp,
    /// Through a TURN server that is reached by UDP.
    RelayUdp,
    /// Through a TURN server that is reached by TCP.
    RelayTcp,
    /// Through a TURN server that is reached by TLS.
    RelayTls,
}

impl PathKind {
    /// Its name in diagnostics and metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::RelayUdp => "relay/udp",
            Self::RelayTcp => "relay/tcp",
            Self::RelayTls => "relay/tls",
        }
    }
}

/// The network path to the server that serves the viewers, since it is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathStats {
    /// Kind of the path.
    pub kind: PathKind,
    /// The latest round trip to the server.
    pub round_trip: Duration,
    /// Bytes that were sent on it, with all overhead above UDP or TCP.
    pub sent_bytes: u64,
    /// Bytes that were received on it.
    pub received_bytes: u64,
    /// Connectivity checks that were sent.
    pub checks_sent: u64,
    /// Those of them that were answered. What stays far behind is lost on the way.
    pub checks_answered: u64,
}

/// The session at one moment.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// State of the connection to the room.
    pub connection: ConnectionState,
    /// Times that the room was joined.
    pub connections: u64,
    /// The network path, if there is one.
    pub path: Option<PathStats>,
    /// The viewers and what they do.
    pub viewers: Vec<ViewerInfo>,
    /// The session in numbers; its participants are the viewers, in the same order.
    pub snapshot: Snapshot,
    /// The problems of the robot that viewers are told of: text by name.
    pub problems: BTreeMap<String, String>,
    /// Costs of encoding, by channel.
    pub encoders: BTreeMap<String, EncoderFigures>,
}
