//! What the driver tells of its session when it is asked.

use crate::session::{Snapshot, ViewerInfo};

/// The session at one moment.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The viewers and what they do.
    pub viewers: Vec<ViewerInfo>,
    /// The session in numbers; its participants are the viewers, in the same order.
    pub snapshot: Snapshot,
}
