//! The seam between the engine and an SCTP implementation (RFC 9260, RFC 8831).
//!
//! Implementations are sans-IO: they get the time with every call, never block, and hand out packets
//! and events when polled. [`new`] chooses the implementation; nothing else names it.

pub(crate) mod account;
#[cfg(test)]
mod link_tests;
pub(crate) mod published;
mod recovery;
#[cfg(test)]
mod simulated;
mod thin_acks;
mod wire;

use std::time::{Duration, Instant};

use bytes::Bytes;
use thiserror::Error;

/// Payload protocol identifiers of WebRTC (RFC 8831, section 8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Payload {
    /// A message of the Data Channel Establishment Protocol.
    Dcep,
    Text,
    Binary,
    /// An empty text. SCTP cannot carry nothing, so one byte travels and is ignored.
    EmptyText,
    /// Empty binary data; likewise.
    EmptyBinary,
}

/// How hard SCTP tries to deliver a message (RFC 3758).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reliability {
    /// Until it arrives.
    Reliable,
    /// At most this many retransmissions.
    MaxRetransmits(u32),
    /// At most this many milliseconds.
    MaxLifetime(u32),
}

/// A message to send.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) stream: u16,
    pub(crate) payload: Payload,
    pub(crate) data: Bytes,
    pub(crate) ordered: bool,
    pub(crate) reliability: Reliability,
}

/// What an association reports.
#[derive(Debug)]
pub(crate) enum SctpEvent {
    /// The handshake is done: messages can be sent.
    Connected,
    /// A message arrived in full.
    Message {
        stream: u16,
        payload: Payload,
        data: Bytes,
    },
    /// User bytes of this stream were put on the wire for the first time, or given up. These add up
    /// to the bytes accepted for the stream, without DCEP messages and empty messages.
    Sent { stream: u16, bytes: usize },
    /// The peer will send nothing more on this stream; the stream may be used anew.
    StreamReset { stream: u16 },
    /// The association is over.
    Closed,
}

/// A message was not accepted.
#[derive(Debug, Error)]
#[error("SCTP: {0}")]
pub(crate) struct SctpError(String);

/// One SCTP association on top of DTLS.
pub(crate) trait SctpAssociation: Send {
    /// Takes in a packet of the peer.
    fn handle_packet(&mut self, packet: &[u8], now: Instant);

    /// To be called when the time of [`poll_timeout`](Self::poll_timeout) has come; early calls do
    /// no harm.
    fn handle_timeout(&mut self, now: Instant);

    /// When [`handle_timeout`](Self::handle_timeout) must be called next.
    fn poll_timeout(&self, now: Instant) -> Option<Instant>;

    /// The next packet for the peer, at most [`MAX_PACKET`] bytes.
    fn poll_packet(&mut self, now: Instant) -> Option<Bytes>;

    fn poll_event(&mut self) -> Option<SctpEvent>;

    /// Queues a message. Not before [`SctpEvent::Connected`].
    ///
    /// # Errors
    /// The association is over or the stream cannot be used.
    fn send(&mut self, message: Message, now: Instant) -> Result<(), SctpError>;

    /// Ends the outgoing half of a stream, after what is queued on it (RFC 6525).
    fn reset_stream(&mut self, stream: u16, now: Instant);

    /// Bytes accepted and not yet put on the wire. The caller keeps this small and decides itself
    /// which stream goes next.
    fn unsent(&self) -> usize;

    /// Ends the association at once; the next packets tell the peer.
    fn abort(&mut self);
}

/// Bytes of the largest SCTP packet. With DTLS, UDP, IPv6 and a TURN channel around it, it fits the
/// 1280 bytes that every IPv6 path carries: 1280 - 40 - 8 - 4 - 37.
pub(crate) const MAX_PACKET: u32 = 1191;

/// How often a silent peer is tried at least, on top of two round trips. Otherwise an outage of ten
/// seconds is followed by five seconds of silence. docs/bench/sctp.md has the figures.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_millis(200);

/// An association is given more while it holds less than this many bytes that it has not sent. More
/// would only add to the delay of a small message on another channel (docs/bench/sctp.md); less would
/// keep small messages from sharing a packet.
pub(crate) const UNSENT: usize = 4 * 1024;

/// Starts an association: the client sends the first packet, the server waits for it.
pub(crate) fn new(client: bool, now: Instant) -> Box<dyn SctpAssociation> {
    Box::new(published::Association::new(client, LONGEST_WAIT, now))
}
