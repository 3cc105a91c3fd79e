//! Arbitrary packets of a peer, for fuzzing.
//!
//! A packet with a wrong checksum or tag is dropped unread. So the chunks are put into packets of a
//! peer that is connected.

use std::time::Instant;

use bytes::Bytes;

use crate::wire::set_checksum;
use crate::{SctpAssociation, SctpEvent};

/// Ports, tag and checksum.
const HEADER: usize = 12;
/// Packets in which two ends must have connected.
const PATIENCE: usize = 100;

/// Hands chunks to both ends of an association, as if the other end had sent them.
pub fn chunks(chunks: &[u8]) {
    let now = Instant::now();
    let mut pair = Pair::connect(now);
    for end in 0..2 {
        pair.deliver(end, chunks, now);
    }
    pair.exchange(now);
}

struct Pair {
    ends: [Box<dyn SctpAssociation>; 2],
    /// The header of the last packet to each end.
    headers: [Option<[u8; HEADER]>; 2],
}

impl Pair {
    fn connect(now: Instant) -> Self {
        let mut pair = Self {
            ends: [true, false].map(|client| crate::new(client, now)),
            headers: [None; 2],
        };
        pair.exchange(now);
        pair
    }

    /// Carries packets until there are none; returns the events of each end.
    fn exchange(&mut self, now: Instant) -> [Vec<SctpEvent>; 2] {
        let mut events = [Vec::new(), Vec::new()];
        for _ in 0..PATIENCE {
            let mut packets: [Vec<Bytes>; 2] = [Vec::new(), Vec::new()];
            for from in 0..2 {
                packets[1 - from].extend(std::iter::from_fn(|| self.ends[from].poll_packet(now)));
                events[from].extend(std::iter::from_fn(|| self.ends[from].poll_event()));
            }
            if packets.iter().all(Vec::is_empty) {
                break;
            }
            for (to, packets) in packets.into_iter().enumerate() {
                for packet in packets {
                    self.headers[to] = packet.first_chunk().copied().or(self.headers[to]);
                    self.ends[to].handle_packet(&packet, now);
                }
            }
        }
        events
    }

    fn deliver(&mut self, to: usize, chunks: &[u8], now: Instant) {
        let header = self.headers[to].expect("two ends that connect send packets");
        self.ends[to].handle_packet(&packet(&header, chunks), now);
    }
}

/// A packet with these chunks and the checksum that it must have.
fn packet(header: &[u8; HEADER], chunks: &[u8]) -> Vec<u8> {
    let mut packet = [header.as_slice(), chunks].concat();
    set_checksum(&mut packet);
    packet
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Message, Payload, Reliability};

    fn message() -> Message {
        Message {
            stream: 0,
            payload: Payload::Binary,
            data: "hello".into(),
            ordered: true,
            reliability: Reliability::Reliable,
        }
    }

    #[test]
    fn chunks_reach_the_association_and_without_their_checksum_they_do_not() {
        let now = Instant::now();
        for spoilt in [false, true] {
            let mut pair = Pair::connect(now);
            pair.ends[0].send(message(), now).unwrap();
            let sent = pair.ends[0].poll_packet(now).unwrap();
            let mut packet = packet(&pair.headers[1].unwrap(), &sent[HEADER..]);
            packet[8] ^= u8::from(spoilt);
            pair.ends[1].handle_packet(&packet, now);
            let event = pair.ends[1].poll_event();
            let arrived = matches!(event, Some(SctpEvent::Message { data, .. }) if data == "hello");
            assert_eq!(arrived, !spoilt);
        }
    }

    #[test]
    fn any_chunks_are_survived() {
        for kind in 0..=255 {
            for length in [0, 3, 4, 5, 16, 200, u16::MAX] {
                let [high, low] = length.to_be_bytes();
                let mut bytes = vec![kind, 7, high, low];
                bytes.extend((0..=255).rev());
                chunks(&bytes);
            }
        }
    }
}
