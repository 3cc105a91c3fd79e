//! Classes of channels: state, periodic data and bulk.

/// Class of a channel by what it carries. Decides its share of the uplink and how messages wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Class {
    /// Latched topics and small messages: state that people wait for.
    State,
    /// Medium-sized periodic data.
    Periodic,
    /// Large frames: images, point clouds.
    Bulk,
}

impl Class {
    /// Class of a channel whose messages have about `size` bytes.
    pub(crate) fn of(latched: bool, size: usize) -> Self {
        if latched || size <= 8 * 1024 {
            Self::State
        } else if size <= 64 * 1024 {
            Self::Periodic
        } else {
            Self::Bulk
        }
    }
}
