//! An SCTP association of this project as one end of a simulated link.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use bytes::Bytes;
use sctp_association::{FairQueue, Message, Payload, Reliability, SctpAssociation, SctpEvent};

use crate::endpoint::{Delivery, Endpoint, Event, Outgoing};

/// The usual weight of a channel.
const WEIGHT: u16 = 256;

/// An association, fed as the WebRTC engine feeds it.
pub struct Association {
    inner: Box<dyn SctpAssociation>,
    /// Bytes that the association may hold without having sent them.
    feed: usize,
    queues: BTreeMap<u16, VecDeque<Message>>,
    buffered: BTreeMap<u16, usize>,
    fair: FairQueue,
}

impl Association {
    /// Starts one end. `longest_wait` is that for a timer, `feed` the bytes that it may hold unsent.
    pub fn new(client: bool, longest_wait: Duration, feed: usize, now: Instant) -> Self {
        Self {
            inner: sctp_association::with_longest_wait(client, longest_wait, now),
            feed,
            queues: BTreeMap::new(),
            buffered: BTreeMap::new(),
            fair: FairQueue::default(),
        }
    }

    /// Starts one end of the crate below alone: it takes all that is sent, and what is lost is left
    /// to it, as on a carrier that loses nothing.
    pub fn alone(client: bool, now: Instant) -> Self {
        let mut end = Self::new(client, Duration::MAX, usize::MAX, now);
        end.inner.set_path(0, true, now);
        end
    }

    fn feed(&mut self, now: Instant) {
        while self.inner.has_room(self.feed) {
            let waiting = self.queues.iter().filter(|(_, queue)| !queue.is_empty());
            let stream = self.fair.choose(waiting.map(|(stream, _)| *stream));
            let queue = stream.and_then(|stream| self.queues.get_mut(&stream));
            let Some(message) = queue.and_then(VecDeque::pop_front) else {
                return;
            };
            self.fair.served(message.stream, message.data.len(), WEIGHT);
            if let Err(error) = self.inner.send(message, now) {
                panic!("{error}");
            }
        }
    }
}

impl Endpoint for Association {
    fn handle_packet(&mut self, packet: &[u8], now: Instant) {
        self.inner.handle_packet(packet, now);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.inner.handle_timeout(now);
    }

    fn poll_timeout(&self, now: Instant) -> Option<Instant> {
        self.inner.poll_timeout(now)
    }

    fn poll_packet(&mut self, now: Instant) -> Option<Bytes> {
        self.feed(now);
        self.inner.poll_packet(now)
    }

    fn poll_event(&mut self) -> Option<Event> {
        loop {
            return Some(match self.inner.poll_event()? {
                SctpEvent::Connected => Event::Connected,
                SctpEvent::Message { stream, data, .. } => Event::Message { stream, data },
                SctpEvent::Closed => Event::Closed,
                SctpEvent::Sent { stream, bytes } => {
                    let buffered = self.buffered.entry(stream).or_default();
                    let Some(left) = buffered.checked_sub(bytes) else {
                        panic!("{bytes} bytes sent of {buffered} that were accepted");
                    };
                    *buffered = left;
                    continue;
                }
                SctpEvent::StreamReset { .. } => continue,
            });
        }
    }

    fn send(&mut self, message: Outgoing, _now: Instant) {
        let (ordered, reliability) = match message.delivery {
            Delivery::Reliable => (true, Reliability::Reliable),
            Delivery::Lossy => (false, Reliability::MaxRetransmits(0)),
        };
        let message = Message {
            stream: message.stream,
            payload: Payload::Binary,
            data: message.data,
            ordered,
            reliability,
        };
        *self.buffered.entry(message.stream).or_default() += message.data.len();
        self.queues
            .entry(message.stream)
            .or_default()
            .push_back(message);
    }

    fn buffered(&self, stream: u16) -> usize {
        self.buffered.get(&stream).copied().unwrap_or(0)
    }
}
