//! The published crate `dcsctp`, which formats every packet as text that nobody reads.

use std::time::{Duration, Instant};

use bytes::Bytes;
use dcsctp::api::{
    DcSctpSocket, Message, Options, PpId, SendOptions, SocketEvent, SocketTime, StreamId,
};
use link_sim::{Delivery, Endpoint, Event, Outgoing};

use sctp_association::MAX_PACKET;

/// WebRTC's identifier of binary messages.
const BINARY: PpId = PpId(53);
/// A timeout beyond this is none.
const NEVER: Duration = Duration::from_secs(1 << 30);

/// A socket of `dcsctp`.
pub struct Dcsctp {
    socket: Box<dyn DcSctpSocket>,
    start: Instant,
    packets: std::collections::VecDeque<Bytes>,
    events: std::collections::VecDeque<Event>,
}

impl Dcsctp {
    /// With the limits off, as WebRTC needs it.
    pub fn new(client: bool, start: Instant) -> Self {
        let options = Options {
            max_send_buffer_size: 64 << 20,
            per_stream_send_queue_limit: 64 << 20,
            max_receiver_window_buffer_size: 5 << 20,
            max_burst: 32,
            max_retransmissions: None,
            max_init_retransmits: None,
            max_timer_backoff_duration: Some(Duration::from_secs(1)),
            mtu: MAX_PACKET as usize,
            ..Options::default()
        };
        let mut socket = dcsctp::new_socket(if client { "c" } else { "s" }, &options);
        if client {
            socket.connect();
        }
        Self {
            socket,
            start,
            packets: Default::default(),
            events: Default::default(),
        }
    }

    fn advance(&mut self, now: Instant) {
        let since = now.saturating_duration_since(self.start);
        self.socket.advance_time(SocketTime::zero() + since);
    }

    fn collect(&mut self) {
        while let Some(event) = self.socket.poll_event() {
            match event {
                SocketEvent::SendPacket(packet) => self.packets.push_back(packet.into()),
                SocketEvent::OnConnected() => self.events.push_back(Event::Connected),
                SocketEvent::OnAborted(..) | SocketEvent::OnClosed() => {
                    self.events.push_back(Event::Closed);
                }
                _ => {}
            }
        }
        while let Some(message) = self.socket.get_next_message() {
            self.events.push_back(Event::Message {
                stream: message.stream_id.0,
                data: message.payload.into(),
            });
        }
    }
}

impl Endpoint for Dcsctp {
    fn handle_packet(&mut self, packet: &[u8], now: Instant) {
        self.advance(now);
        self.socket.handle_input(packet);
        self.collect();
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.advance(now);
        self.collect();
    }

    fn poll_timeout(&self, _now: Instant) -> Option<Instant> {
        let at = self.socket.poll_timeout() - SocketTime::zero();
        (at < NEVER).then(|| self.start + at)
    }

    fn poll_packet(&mut self, now: Instant) -> Option<Bytes> {
        if self.packets.is_empty() {
            self.advance(now);
            self.collect();
        }
        self.packets.pop_front()
    }

    fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    fn send(&mut self, message: Outgoing, now: Instant) {
        self.advance(now);
        let mut options = SendOptions::default();
        if message.delivery == Delivery::Lossy {
            options.unordered = true;
            options.max_retransmissions = Some(0);
        }
        let message = Message::new(StreamId(message.stream), BINARY, message.data.to_vec());
        if let Err(error) = self.socket.send(message, &options) {
            panic!("{error:?}");
        }
        self.collect();
    }

    fn buffered(&self, stream: u16) -> usize {
        self.socket.buffered_amount(StreamId(stream))
    }
}
