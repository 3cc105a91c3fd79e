//! Output of the session: demand to the robot's side and writes to the transport.

use bytes::Bytes;
use remote_access_protocol::ChannelId;

use crate::ids::{ParticipantId, StreamId};

/// How a subscriber falls behind a video.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lag {
    /// A queue stands on the path to it: more is sent than the path carries.
    PathQueue,
    /// Frames wait for it, or were dropped.
    FramesWait,
}

/// Demand for a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The channel has its first subscriber.
    Subscribe(ChannelId),
    /// The channel has lost its last subscriber.
    Unsubscribe(ChannelId),
    /// A subscriber of the video cannot decode it before its next key frame.
    KeyFrame(ChannelId),
    /// Frames of the video come faster than a subscriber can take them.
    Behind {
        /// The video.
        channel: ChannelId,
        /// How the one that is worst off falls behind.
        lag: Lag,
        /// Bytes per second of it that the slowest of them can take, if that was measured.
        rate: Option<u64>,
    },
}

impl Event {
    pub(crate) fn channel(self) -> ChannelId {
        match self {
            Self::Subscribe(channel)
            | Self::Unsubscribe(channel)
            | Self::KeyFrame(channel)
            | Self::Behind { channel, .. } => channel,
        }
    }
}

/// Next step of the transport.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transmit {
    /// Open a byte stream to exactly these participants.
    Open {
        /// The new stream.
        stream: StreamId,
        /// Its destinations, fixed for its life.
        destinations: Vec<ParticipantId>,
    },
    /// Write to an open stream.
    Write {
        /// The stream.
        stream: StreamId,
        /// At most [`SLICE_SIZE`](crate::SLICE_SIZE) bytes.
        data: Bytes,
    },
    /// Close a stream. The last write ended with a whole frame, unless its only participant is
    /// gone or is resynced.
    Close {
        /// The stream.
        stream: StreamId,
    },
}

impl Transmit {
    pub(crate) fn stream(&self) -> StreamId {
        match self {
            Self::Open { stream, .. } | Self::Write { stream, .. } | Self::Close { stream } => {
                *stream
            }
        }
    }
}
