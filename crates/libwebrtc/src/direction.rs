//! Directions of media.

/// Which way media may flow.
#[derive(Debug, Copy, Clone, PartialEq, Eq)]
pub enum RtpTransceiverDirection {
    /// Both ways.
    SendRecv,
    /// To the peer only.
    SendOnly,
    /// From the peer only.
    RecvOnly,
    /// Not now.
    Inactive,
    /// Never again.
    Stopped,
}
