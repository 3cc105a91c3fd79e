//! Interface of a protocol under test.

use std::time::Instant;

use bytes::Bytes;

/// Delivery guarantee of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// In order, until it arrives.
    Reliable,
    /// In any order, never sent twice.
    Lossy,
}

/// A message to send.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// Messages of different streams do not wait for each other.
    pub stream: u16,
    /// The message.
    pub data: Bytes,
    /// Its delivery guarantee.
    pub delivery: Delivery,
}

/// Event of an endpoint.
#[derive(Debug)]
pub enum Event {
    /// Messages can be sent.
    Connected,
    /// A message arrived.
    Message {
        /// The stream it was sent on.
        stream: u16,
        /// The message.
        data: Bytes,
    },
    /// The connection is over.
    Closed,
}

/// One end of a connection: a state machine that never blocks and gets the time with every call.
pub trait Endpoint {
    /// Takes in a packet of the peer.
    fn handle_packet(&mut self, packet: &[u8], now: Instant);

    /// Called when the time of [`poll_timeout`](Self::poll_timeout) has come.
    fn handle_timeout(&mut self, now: Instant);

    /// When [`handle_timeout`](Self::handle_timeout) must be called next.
    fn poll_timeout(&self, now: Instant) -> Option<Instant>;

    /// The next packet for the peer.
    fn poll_packet(&mut self, now: Instant) -> Option<Bytes>;

    /// The next event.
    fn poll_event(&mut self) -> Option<Event>;

    /// Queues a message; the endpoint decides which stream goes first. Only called between [`Event::Connected`] and [`Event::Closed`].
    fn send(&mut self, message: Outgoing, now: Instant);

    /// Bytes accepted for a stream and not yet put on the wire for the first time.
    fn buffered(&self, stream: u16) -> usize;
}
