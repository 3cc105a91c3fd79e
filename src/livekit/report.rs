//! What the driver tells of its session when it is asked.

use std::collections::BTreeMap;

use flume::Sender;

use super::port::Command;
use remote_access_session::{Snapshot, ViewerInfo};

/// How the connection to the room is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Connection {
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
    pub connection: Connection,
    /// Times that the room was joined.
    pub connections: u64,
    /// The viewers and what they do.
    pub viewers: Vec<ViewerInfo>,
    /// The session in numbers; its participants are the viewers, in the same order.
    pub snapshot: Snapshot,
    /// The problems of the robot that viewers are told of: text by name.
    pub problems: BTreeMap<String, String>,
}

/// Asks the driver for reports.
#[derive(Clone, Debug)]
pub struct Reports(pub(super) Sender<Command>);

impl Reports {
    /// The session as it is now, or `None` if the driver is gone.
    pub async fn get(&self) -> Option<Report> {
        let (to, report) = flume::bounded(1);
        self.0.send_async(Command::Report(to)).await.ok()?;
        report.recv_async().await.ok()
    }
}
