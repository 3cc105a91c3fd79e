//! States of a connection and its parts.

/// State of the whole connection.
#[derive(Debug, Copy, Clone, PartialEq, Eq)]
pub enum PeerConnectionState {
    /// Nothing has started.
    New,
    /// Looking for a path, or securing it.
    Connecting,
    /// Data can flow.
    Connected,
    /// The path is lost; it may come back by itself.
    Disconnected,
    /// It will not come back by itself: restart ICE, or make a new connection.
    Failed,
    /// Closed by this side.
    Closed,
}

/// State of the search for a path.
#[derive(Debug, Copy, Clone, PartialEq, Eq)]
pub enum IceConnectionState {
    /// Nothing has started.
    New,
    /// Trying pairs of candidates.
    Checking,
    /// A path was found; others are still tried.
    Connected,
    /// A path was found and settled on.
    Completed,
    /// No path was found, or it was lost for too long.
    Failed,
    /// The path is lost.
    Disconnected,
    /// Closed by this side.
    Closed,
    /// Not a state; it counts the others.
    Max,
}

/// State of the search for local candidates.
#[derive(Debug, Copy, Clone, PartialEq, Eq)]
pub enum IceGatheringState {
    /// Nothing has started.
    New,
    /// Looking.
    Gathering,
    /// Done.
    Complete,
}

/// State of the offer/answer exchange.
#[derive(Debug, Copy, Clone, PartialEq, Eq)]
pub enum SignalingState {
    /// No exchange is under way.
    Stable,
    /// A local offer waits for its answer.
    HaveLocalOffer,
    /// A remote offer has a preliminary local answer.
    HaveLocalPrAnswer,
    /// A remote offer waits for its answer.
    HaveRemoteOffer,
    /// A local offer has a preliminary remote answer.
    HaveRemotePrAnswer,
    /// The connection is closed.
    Closed,
}
