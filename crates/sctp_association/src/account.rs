//! Counts which user bytes of each stream were put on the wire for the first time.
//!
//! Published SCTP crates report bytes when they are acknowledged, or not at all. What the API means
//! by "buffered" is bytes not sent yet. So the packets are read on their way out: transmission
//! sequence numbers are given out in order, therefore a number above all earlier ones is new data.
//!
//! A message may be given up when only a part of it was sent; what is left never shows on the wire.
//! Pieces of one message follow each other without a gap, so when the next message begins, the one
//! before is over, sent or not. Messages given up before they were ever sent are covered by the
//! crate's own report.

use std::collections::{HashMap, VecDeque};
use std::time::Instant;

use super::wire::{data_chunks, DataChunk};

/// A message that was handed to SCTP.
#[derive(Debug)]
pub struct Accepted {
    /// Bytes handed to SCTP and not yet counted as gone.
    pub left: usize,
    /// They belong to the user, and not to DCEP or to an empty message.
    pub user: bool,
    /// It is delivered in order.
    pub ordered: bool,
    /// Its first piece was put on the wire.
    pub begun: bool,
    /// When it is given up, sent or not.
    pub expires: Option<Instant>,
}

impl Accepted {
    /// A message of the user, in order and never given up.
    pub fn new(bytes: usize) -> Self {
        Self {
            left: bytes,
            user: true,
            ordered: true,
            begun: false,
            expires: None,
        }
    }
}

#[derive(Debug, Default)]
struct Stream {
    messages: VecDeque<Accepted>,
    /// All bytes counted as gone.
    gone: u64,
    /// All bytes acknowledged or given up.
    released: u64,
}

impl Stream {
    /// Counts bytes of the message at this place as gone. Returns those of the user.
    fn take(&mut self, index: usize, bytes: usize) -> usize {
        let Some(message) = self.messages.get_mut(index) else {
            return 0;
        };
        let step = message.left.min(bytes);
        message.left -= step;
        self.gone += step as u64;
        let user = if message.user { step } else { 0 };
        if message.left == 0 {
            self.messages.remove(index);
        }
        user
    }

    /// The place of the message that a piece belongs to.
    fn find(&self, chunk: &DataChunk) -> Option<usize> {
        self.messages.iter().position(|message| match chunk.begins {
            true => !message.begun && message.ordered != chunk.unordered,
            false => message.begun,
        })
    }

    /// Gives up unordered messages whose time is over before their turn. Returns the user's bytes.
    fn pass_over(&mut self, now: Instant) -> usize {
        let mut user = 0;
        while let Some(index) = self.messages.iter().position(|message| {
            !message.begun && !message.ordered && message.expires.is_some_and(|at| at <= now)
        }) {
            user += self.take(index, usize::MAX);
        }
        user
    }
}

/// The accounts of all streams of an association.
#[derive(Debug, Default)]
pub struct Account {
    streams: HashMap<u16, Stream>,
    highest_tsn: Option<u32>,
    /// The stream whose message has begun and may have more pieces to come.
    current: Option<u16>,
    unsent: usize,
}

impl Account {
    /// Bytes accepted and not yet gone, of all streams.
    pub fn unsent(&self) -> usize {
        self.unsent
    }

    /// A message was handed to SCTP.
    pub fn accept(&mut self, stream: u16, message: Accepted) {
        self.unsent += message.left;
        let messages = &mut self.streams.entry(stream).or_default().messages;
        messages.push_back(message);
    }

    /// A packet goes out. Calls back for each stream whose user bytes are on the wire now, or given up.
    pub fn packet(&mut self, packet: &[u8], now: Instant, mut sent: impl FnMut(u16, usize)) {
        for chunk in data_chunks(packet) {
            let is_new = self
                .highest_tsn
                .is_none_or(|highest| (chunk.tsn.wrapping_sub(highest) as i32) > 0);
            if !is_new {
                continue;
            }
            self.highest_tsn = Some(chunk.tsn);
            if chunk.begins {
                self.end_current(&mut sent);
                self.current = Some(chunk.stream);
            }
            let user = self.progress(chunk.stream, |stream| {
                let mut user = 0;
                if chunk.begins && chunk.unordered {
                    user += stream.pass_over(now);
                }
                if let Some(index) = stream.find(&chunk) {
                    stream.messages[index].begun = true;
                    user += stream.take(index, chunk.length);
                }
                user
            });
            if user > 0 {
                sent(chunk.stream, user);
            }
        }
    }

    /// The rest of the message that began last was given up.
    fn end_current(&mut self, sent: &mut impl FnMut(u16, usize)) {
        let Some(id) = self.current.take() else {
            return;
        };
        let user = self.progress(id, |stream| {
            let begun = stream.messages.iter().position(|message| message.begun);
            begun.map_or(0, |index| stream.take(index, usize::MAX))
        });
        if user > 0 {
            sent(id, user);
        }
    }

    /// SCTP reports bytes as acknowledged or given up. Returns the user bytes that are gone by that.
    pub fn release(&mut self, stream: u16, bytes: usize) -> usize {
        self.progress(stream, |stream| {
            stream.released += bytes as u64;
            let mut user = 0;
            while stream.released > stream.gone && !stream.messages.is_empty() {
                let step = usize::try_from(stream.released - stream.gone).unwrap_or(usize::MAX);
                let begun = stream.messages.iter().position(|message| message.begun);
                user += stream.take(begun.unwrap_or(0), step);
            }
            user
        })
    }

    /// The stream is over, with whatever was left on it.
    pub fn remove(&mut self, stream: u16) {
        if let Some(stream) = self.streams.remove(&stream) {
            let left: usize = stream.messages.iter().map(|message| message.left).sum();
            self.unsent -= left;
        }
    }

    /// Lets a stream advance, and counts by how much in all.
    fn progress(&mut self, id: u16, advance: impl FnOnce(&mut Stream) -> usize) -> usize {
        let Some(stream) = self.streams.get_mut(&id) else {
            return 0;
        };
        let before = stream.gone;
        let user = advance(stream);
        self.unsent -= (stream.gone - before) as usize;
        user
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Accepted, Account};

    const BEGINS: u8 = 2;
    const UNORDERED: u8 = 4;

    /// A packet with one DATA chunk of this length.
    fn packet(tsn: u32, stream: u16, length: u16, flags: u8) -> Vec<u8> {
        let mut packet = vec![0; 12];
        packet.extend([0, flags]);
        packet.extend((16 + length).to_be_bytes());
        packet.extend(tsn.to_be_bytes());
        packet.extend(stream.to_be_bytes());
        packet.extend([0; 6]);
        packet.resize(packet.len() + usize::from(length).next_multiple_of(4), 0);
        packet
    }

    fn send(account: &mut Account, packet: &[u8]) -> Vec<(u16, usize)> {
        let mut sent = Vec::new();
        account.packet(packet, Instant::now(), |stream, bytes| {
            sent.push((stream, bytes));
        });
        sent
    }

    fn unordered(bytes: usize) -> Accepted {
        let message = Accepted::new(bytes);
        Accepted {
            ordered: false,
            ..message
        }
    }

    #[test]
    fn counts_each_byte_once_and_skips_what_is_not_the_users() {
        let mut account = Account::default();
        for (bytes, user) in [(10, false), (100, true), (1, false), (50, true)] {
            let message = Accepted::new(bytes);
            account.accept(1, Accepted { user, ..message });
        }
        assert_eq!(account.unsent(), 161);
        let tsn = |index: u32| (u32::MAX - 1).wrapping_add(index);
        assert_eq!(send(&mut account, &packet(tsn(0), 1, 10, BEGINS)), []);
        let first = packet(tsn(1), 1, 60, BEGINS);
        assert_eq!(send(&mut account, &first), [(1, 60)]);
        // A retransmission, then the rest across the wrap of the sequence numbers.
        assert_eq!(send(&mut account, &first), []);
        assert_eq!(send(&mut account, &packet(tsn(2), 1, 40, 0)), [(1, 40)]);
        assert_eq!(account.release(1, 110), 0);
        assert_eq!(account.unsent(), 51);
        // The last message is given up without ever being sent.
        assert_eq!(account.release(1, 51), 50);
        assert_eq!(account.unsent(), 0);
    }

    #[test]
    fn a_removed_stream_leaves_nothing_behind() {
        let mut account = Account::default();
        account.accept(1, Accepted::new(10));
        account.accept(2, Accepted::new(20));
        account.remove(1);
        assert_eq!(account.unsent(), 20);
        assert_eq!(account.release(1, 10), 0);
        assert_eq!(send(&mut account, &packet(7, 1, 10, BEGINS)), []);
    }

    #[test]
    fn what_is_unordered_and_out_of_time_is_passed_over() {
        let now = Instant::now();
        let mut account = Account::default();
        let expired = Accepted {
            expires: now.checked_sub(Duration::from_secs(1)),
            ..unordered(100)
        };
        account.accept(1, expired);
        account.accept(1, unordered(30));
        assert_eq!(
            send(&mut account, &packet(1, 1, 30, BEGINS | UNORDERED)),
            [(1, 130)]
        );
        assert_eq!(account.release(1, 130), 0);
        assert_eq!(account.unsent(), 0);
    }

    /// Messages of several pieces on two streams; some are given up when only a part was sent, with
    /// the rest of the window under way. Whenever a message begins, exactly what was accepted and
    /// neither sent nor given up counts as unsent.
    #[test]
    fn messages_given_up_half_sent_leave_no_debt() {
        for seed in 0..50 {
            let mut random = fastrand::Rng::with_seed(seed);
            let mut account = Account::default();
            // Bytes sent and not released, by stream.
            let mut under_way = [0; 2];
            let (mut reported, mut accepted) = (0, 0);
            let mut tsn = random.u32(..);
            for _ in 0..200 {
                let stream = random.u16(..2);
                let pieces = random.usize(1..6);
                account.accept(stream, unordered(pieces * 1000));
                accepted += pieces * 1000;
                let sent = random.usize(1..=pieces);
                for piece in 0..sent {
                    let flags = UNORDERED | if piece == 0 { BEGINS } else { 0 };
                    for (_, bytes) in send(&mut account, &packet(tsn, stream, 1000, flags)) {
                        reported += bytes;
                    }
                    tsn = tsn.wrapping_add(1);
                    if piece == 0 {
                        assert_eq!(account.unsent(), (pieces - 1) * 1000, "seed {seed}");
                    }
                }
                under_way[usize::from(stream)] += sent * 1000;
                if sent < pieces {
                    // All of it is released at once; what was not sent may take numbers.
                    reported += account.release(stream, pieces * 1000);
                    under_way[usize::from(stream)] -= sent * 1000;
                    tsn = tsn.wrapping_add(random.u32(0..=(pieces - sent) as u32));
                }
                if random.bool() {
                    let acknowledged = under_way[usize::from(stream)] / 2000 * 1000;
                    under_way[usize::from(stream)] -= acknowledged;
                    reported += account.release(stream, acknowledged);
                }
            }
            for (stream, left) in under_way.into_iter().enumerate() {
                reported += account.release(stream as u16, left);
            }
            assert_eq!((account.unsent(), reported), (0, accepted), "seed {seed}");
        }
    }
}
