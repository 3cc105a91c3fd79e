//! Counts which user bytes of each stream were put on the wire for the first time.
//!
//! Published SCTP crates report bytes when they are acknowledged, or not at all. What the API means
//! by "buffered" is bytes not sent yet. So the packets are read on their way out: transmission
//! sequence numbers are given out in order, therefore a number above all earlier ones is new data.
//! Messages given up before they were ever sent are covered by the engine's own report.

use std::collections::{HashMap, VecDeque};

use super::wire::data_chunks;

#[derive(Debug)]
struct Accepted {
    /// Bytes handed to SCTP and not yet counted as gone.
    left: usize,
    /// They belong to the user, and not to DCEP or to an empty message.
    user: bool,
}

#[derive(Debug, Default)]
struct Stream {
    messages: VecDeque<Accepted>,
    /// All bytes put on the wire for the first time.
    transmitted: u64,
    /// All bytes acknowledged or given up.
    released: u64,
    /// All bytes counted as gone: the larger of the two.
    gone: u64,
}

/// The accounts of all streams of an association.
#[derive(Debug, Default)]
pub struct Account {
    streams: HashMap<u16, Stream>,
    highest_tsn: Option<u32>,
    unsent: usize,
}

impl Account {
    /// Bytes accepted and not yet gone, of all streams.
    pub fn unsent(&self) -> usize {
        self.unsent
    }

    /// A message was handed to SCTP.
    pub fn accept(&mut self, stream: u16, bytes: usize, user: bool) {
        self.unsent += bytes;
        let messages = &mut self.streams.entry(stream).or_default().messages;
        messages.push_back(Accepted { left: bytes, user });
    }

    /// A packet goes out. Calls back for each stream whose user bytes are on the wire now.
    pub fn packet(&mut self, packet: &[u8], mut sent: impl FnMut(u16, usize)) {
        for chunk in data_chunks(packet) {
            let is_new = self
                .highest_tsn
                .is_none_or(|highest| (chunk.tsn.wrapping_sub(highest) as i32) > 0);
            if is_new {
                self.highest_tsn = Some(chunk.tsn);
                let bytes = self.progress(chunk.stream, |stream| {
                    stream.transmitted += chunk.length as u64;
                });
                if bytes > 0 {
                    sent(chunk.stream, bytes);
                }
            }
        }
    }

    /// SCTP reports bytes as acknowledged or given up. Returns the user bytes that are gone by that.
    pub fn release(&mut self, stream: u16, bytes: usize) -> usize {
        self.progress(stream, |stream| stream.released += bytes as u64)
    }

    /// The stream is over, with whatever was left on it.
    pub fn remove(&mut self, stream: u16) {
        if let Some(stream) = self.streams.remove(&stream) {
            let left: usize = stream.messages.iter().map(|message| message.left).sum();
            self.unsent -= left;
        }
    }

    fn progress(&mut self, id: u16, advance: impl FnOnce(&mut Stream)) -> usize {
        let Some(stream) = self.streams.get_mut(&id) else {
            return 0;
        };
        advance(stream);
        let mut newly = stream.transmitted.max(stream.released) - stream.gone;
        let mut user = 0;
        while newly > 0 {
            let Some(message) = stream.messages.front_mut() else {
                break;
            };
            let step = message
                .left
                .min(usize::try_from(newly).unwrap_or(usize::MAX));
            message.left -= step;
            newly -= step as u64;
            stream.gone += step as u64;
            self.unsent -= step;
            if message.user {
                user += step;
            }
            if message.left == 0 {
                stream.messages.pop_front();
            }
        }
        user
    }
}

#[cfg(test)]
mod tests {
    use super::Account;

    /// A packet with one DATA chunk of this length.
    fn packet(tsn: u32, stream: u16, length: u16) -> Vec<u8> {
        let mut packet = vec![0; 12];
        packet.extend([0, 3]);
        packet.extend((16 + length).to_be_bytes());
        packet.extend(tsn.to_be_bytes());
        packet.extend(stream.to_be_bytes());
        packet.extend([0; 6]);
        packet.resize(packet.len() + usize::from(length).next_multiple_of(4), 0);
        packet
    }

    fn send(account: &mut Account, packet: &[u8]) -> Vec<(u16, usize)> {
        let mut sent = Vec::new();
        account.packet(packet, |stream, bytes| sent.push((stream, bytes)));
        sent
    }

    #[test]
    fn counts_each_byte_once_and_skips_what_is_not_the_users() {
        let mut account = Account::default();
        account.accept(1, 10, false);
        account.accept(1, 100, true);
        account.accept(1, 1, false);
        account.accept(1, 50, true);
        assert_eq!(account.unsent(), 161);
        let start = u32::MAX - 1;
        assert_eq!(send(&mut account, &packet(start, 1, 10)), []);
        assert_eq!(
            send(&mut account, &packet(start.wrapping_add(1), 1, 60)),
            [(1, 60)]
        );
        // A retransmission, then the rest across the wrap of the sequence numbers.
        assert_eq!(
            send(&mut account, &packet(start.wrapping_add(1), 1, 60)),
            []
        );
        assert_eq!(
            send(&mut account, &packet(start.wrapping_add(2), 1, 40)),
            [(1, 40)]
        );
        assert_eq!(account.release(1, 110), 0);
        assert_eq!(account.unsent(), 51);
        // The last message is given up without ever being sent.
        assert_eq!(account.release(1, 51), 50);
        assert_eq!(account.unsent(), 0);
    }

    #[test]
    fn a_removed_stream_leaves_nothing_behind() {
        let mut account = Account::default();
        account.accept(1, 10, true);
        account.accept(2, 20, true);
        account.remove(1);
        assert_eq!(account.unsent(), 20);
        assert_eq!(account.release(1, 10), 0);
        assert_eq!(send(&mut account, &packet(7, 1, 10)), []);
    }
}
