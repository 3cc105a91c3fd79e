//! The seam between the driver and what carries its bytes to viewers.
//!
//! [`LiveKit`](crate::livekit::LiveKit) is the transport of the product. Connections are polled
//! instead of awaited: the driver waits for several of their sources at once, in its own order of
//! urgency, and nothing is lost when it turns to something else.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;

use super::report::PathStats;
use remote_access_session::{InboundId, ParticipantId, Rights, StreamId, Transmit};

/// A connection in the making.
pub type Connecting<C> = Pin<Box<dyn Future<Output = C> + Send>>;

/// Transport to viewers.
pub trait Transport: Send + 'static {
    /// A connection that it makes.
    type Connection: Connection;

    /// Connects, however long it takes. Called again when the connection has ended; how long to
    /// wait before that is the transport's own business.
    fn connect(&mut self) -> Connecting<Self::Connection>;
}

/// One connection, from its start until [`ConnectionEvent::Ended`].
///
/// Ids of viewers and streams are never used twice, in no later connection either.
pub trait Connection: Send + 'static {
    /// The next change of the connection, or of who is there. Nothing comes after
    /// [`ConnectionEvent::Ended`].
    fn poll_event(&mut self, context: &mut Context<'_>) -> Poll<ConnectionEvent>;

    /// The next thing that a viewer sent.
    fn poll_inbound(&mut self, context: &mut Context<'_>) -> Poll<InboundEvent>;

    /// The end of what [`start`](Self::start) began. Pending if nothing is being sent.
    fn poll_sent(&mut self, context: &mut Context<'_>) -> Poll<Result<(), SendError>>;

    /// Whether something is being sent.
    fn is_sending(&self) -> bool;

    /// Begins to send, unless there is nothing to do. Not to be called while something is being
    /// sent. `buffer`: bytes that may wait in the transport before a write has to wait.
    fn start(&mut self, transmit: Transmit, buffer: u64);

    /// Ends a stream from a viewer. It may have ended already.
    fn end_stream(&mut self, inbound: InboundId);

    /// Measures the network path to the viewers. `None` if there is nothing to tell.
    fn path(&self) -> impl Future<Output = Option<PathStats>> + Send + 'static;

    /// Ends the streams to the viewers and leaves, within a second or two.
    fn leave(self) -> impl Future<Output = ()> + Send;

    /// Gives up a connection that has ended. What is being sent is lost.
    fn abandon(self);
}

/// Rights of a viewer.
#[derive(Clone, Debug)]
pub struct Access {
    /// Its rights.
    pub rights: Rights,
    /// Problem with its grant, if there is one. The viewer is told.
    pub problem: Option<String>,
}

/// A change of the connection, or of who is there.
#[derive(Clone, Debug)]
pub enum ConnectionEvent {
    /// A viewer can receive.
    ViewerJoined {
        /// The viewer. One that leaves and joins again gets a new id.
        id: ParticipantId,
        /// Its identity, shown to people.
        name: String,
        /// Whether what it sends reaches the robot.
        may_send: bool,
        /// Its rights.
        access: Access,
    },
    /// A viewer has gone.
    ViewerLeft(ParticipantId),
    /// The room lets a viewer send data, or does so no more.
    MaySend(ParticipantId, bool),
    /// The rights of a viewer have changed.
    Access(ParticipantId, Access),
    /// The connection is interrupted, and may be resumed.
    Interrupted,
    /// The connection goes on after an interruption, where it was: nothing is lost.
    Resumed,
    /// The connection goes on after an interruption, in another session: data may be lost.
    Restarted,
    /// The connection is over.
    Ended,
}

/// Something that a viewer sent on a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InboundEvent {
    /// The viewer.
    pub viewer: ParticipantId,
    /// The stream.
    pub stream: InboundId,
    /// Data, or the stream's end.
    pub what: Inbound,
}

/// Data on a stream from a viewer, or its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inbound {
    /// The stream was opened.
    Opened {
        /// Whether the viewer declares that it reads many streams.
        many_streams: bool,
    },
    /// Bytes arrived on it.
    Bytes(Bytes),
    /// It has ended.
    Closed,
}

/// A stream to viewers that failed. It is closed by that.
#[derive(Clone, Debug, thiserror::Error)]
#[error("cannot write to a stream: {reason}")]
pub struct SendError {
    /// The stream.
    pub stream: StreamId,
    /// The reason, as the transport gives it.
    pub reason: String,
}
