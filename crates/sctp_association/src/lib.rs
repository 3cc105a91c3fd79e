//! SCTP associations for WebRTC data channels (RFC 9260, RFC 8831), without I/O.
//!
//! An association gets the time with every call, never blocks, and hands out packets and events when
//! polled; who owns the sockets carries the packets, over DTLS for WebRTC. The protocol is the
//! published crate `rtc-sctp`. Added here is what a lossy uplink needs: what is lost is sent again
//! after a round trip and a bit, without a smaller window if no queue dropped it; a silent peer is
//! tried every 0.2 s, small packets cost few acknowledgements, and [`SctpEvent::Sent`] counts bytes
//! when they leave and not when they arrive.
//!
//! [`SctpAssociation`] is the seam: [`new`] chooses the implementation, and nothing else names it.
//! [`FairQueue`] says which stream's message goes next while several wait.
//!
//! ```
//! use std::time::Instant;
//!
//! use sctp_association::{Message, Payload, Reliability, SctpAssociation, SctpEvent};
//!
//! let now = Instant::now();
//! let mut ends = [sctp_association::new(true, now), sctp_association::new(false, now)];
//! let mut received = None;
//! while received.is_none() {
//!     for end in 0..2 {
//!         while let Some(packet) = ends[end].poll_packet(now) {
//!             ends[1 - end].handle_packet(&packet, now);
//!         }
//!         match ends[end].poll_event() {
//!             Some(SctpEvent::Connected) if end == 0 => {
//!                 let message = Message {
//!                     stream: 0,
//!                     payload: Payload::Text,
//!                     data: "hello".into(),
//!                     ordered: true,
//!                     reliability: Reliability::Reliable,
//!                 };
//!                 ends[end].send(message, now).unwrap();
//!             }
//!             Some(SctpEvent::Message { data, .. }) => received = Some(data),
//!             _ => {}
//!         }
//!     }
//! }
//! assert_eq!(received.unwrap(), "hello");
//! ```

mod account;
mod fair_queue;
#[cfg(any(fuzzing, test))]
#[doc(hidden)]
pub mod fuzzing;
mod loss_cause;
mod path_queue;
mod recovery;
mod rtc_sctp;
mod thin_acks;
mod wire;

pub use account::{Accepted, Account};
pub use fair_queue::FairQueue;

use std::time::{Duration, Instant};

use bytes::Bytes;
use thiserror::Error;

/// Payload protocol identifiers of WebRTC (RFC 8831, section 8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Payload {
    /// A message of the Data Channel Establishment Protocol.
    Dcep,
    /// A message of text.
    Text,
    /// A message of bytes.
    Binary,
    /// An empty text. SCTP cannot carry nothing, so one byte travels and is ignored.
    EmptyText,
    /// Empty binary data; likewise.
    EmptyBinary,
}

/// Reliability of a message (RFC 3758).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reliability {
    /// Until it arrives.
    Reliable,
    /// At most this many retransmissions.
    MaxRetransmits(u32),
    /// At most this many milliseconds.
    MaxLifetime(u32),
}

/// A message to send.
#[derive(Debug, Clone)]
pub struct Message {
    /// The stream, 0 to 65534.
    pub stream: u16,
    /// Payload protocol of the data.
    pub payload: Payload,
    /// The data; empty for the empty payloads.
    pub data: Bytes,
    /// Deliver it after all earlier ordered messages of its stream.
    pub ordered: bool,
    /// Reliability.
    pub reliability: Reliability,
}

/// Event of an association.
#[derive(Debug)]
pub enum SctpEvent {
    /// The handshake is done: messages can be sent.
    Connected,
    /// A message arrived in full.
    Message {
        /// The stream it came on.
        stream: u16,
        /// Payload protocol of the data.
        payload: Payload,
        /// The data.
        data: Bytes,
    },
    /// User bytes of this stream were put on the wire for the first time, or given up. These add up
    /// to the bytes accepted for the stream, without DCEP messages and empty messages.
    Sent {
        /// The stream.
        stream: u16,
        /// Bytes since the last such event.
        bytes: usize,
    },
    /// The peer will send nothing more on this stream; the stream may be used anew.
    StreamReset {
        /// The stream.
        stream: u16,
    },
    /// The association is over.
    Closed,
}

/// A message was not accepted.
#[derive(Debug, Error)]
#[error("SCTP: {0}")]
pub struct SctpError(String);

/// One SCTP association on top of DTLS.
pub trait SctpAssociation: Send {
    /// Takes in a packet of the peer.
    fn handle_packet(&mut self, packet: &[u8], now: Instant);

    /// To be called when the time of [`poll_timeout`](Self::poll_timeout) has come; early calls do
    /// no harm.
    fn handle_timeout(&mut self, now: Instant);

    /// When [`handle_timeout`](Self::handle_timeout) must be called next.
    fn poll_timeout(&self, now: Instant) -> Option<Instant>;

    /// The next packet for the peer, at most [`MAX_PACKET`] bytes.
    fn poll_packet(&mut self, now: Instant) -> Option<Bytes>;

    /// The next event.
    fn poll_event(&mut self) -> Option<SctpEvent>;

    /// Queues a message. Not before [`SctpEvent::Connected`].
    ///
    /// # Errors
    /// The association is over or the stream cannot be used.
    fn send(&mut self, message: Message, now: Instant) -> Result<(), SctpError>;

    /// Ends the outgoing half of a stream, after what is queued on it (RFC 6525).
    fn reset_stream(&mut self, stream: u16, now: Instant);

    /// Whether another message is to be given, while less than `unsent` bytes are accepted and not
    /// yet put on the wire. The caller keeps this small and decides itself which stream goes next.
    /// While a queue stands on the path, what is new waits at the caller.
    fn has_room(&self, unsent: usize) -> bool;

    /// Tells which path packets take. The number changes with the path; what was measured on the
    /// previous one is forgotten. A `reliable` path loses nothing and keeps the order of packets, such
    /// as TCP: once all that was under way before has arrived on it, a peer that does not answer is left
    /// to the timer of the protocol. What is under way when packets begin to take it was lost on the
    /// path before, and is sent again; not at once if that would end the lifetime of a message early.
    fn set_path(&mut self, number: u32, reliable: bool, now: Instant);

    /// Ends the association at once; the next packets tell the peer.
    fn abort(&mut self);
}

/// Bytes of the largest SCTP packet. With DTLS, UDP, IPv6 and a TURN channel around it, it fits the
/// 1280 bytes that every IPv6 path carries: 1280 - 40 - 8 - 4 - 37.
pub const MAX_PACKET: u32 = 1191;

/// Longest time between two attempts at a silent peer, on top of two round trips. Otherwise an
/// outage of ten seconds is followed by five seconds of silence. docs/bench/sctp.md has the figures.
pub const LONGEST_WAIT: Duration = Duration::from_millis(200);

/// An association is given more while it holds less than this many bytes that it has not sent. More
/// would only add to the delay of a small message on another channel (docs/bench/sctp.md); less would
/// keep small messages from sharing a packet.
pub const UNSENT: usize = 4 * 1024;

/// Starts an association: the client sends the first packet, the server waits for it.
pub fn new(client: bool, now: Instant) -> Box<dyn SctpAssociation> {
    with_longest_wait(client, LONGEST_WAIT, now)
}

/// Starts an association that tries a silent peer at least every `longest_wait` plus two round
/// trips, for measurements.
pub fn with_longest_wait(
    client: bool,
    longest_wait: Duration,
    now: Instant,
) -> Box<dyn SctpAssociation> {
    Box::new(rtc_sctp::Association::new(client, longest_wait, now))
}
