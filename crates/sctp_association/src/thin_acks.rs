//! Fewer acknowledgements while little comes in.
//!
//! RFC 9260 wants one for every second packet, which is made for packets of full size. A robot gets small
//! ones, a ping from each viewer ten times a second, and its acknowledgements would be most of what each
//! further viewer adds to its uplink. So while all packets are small it is one for two full packets' worth of
//! bytes, as in TCP (RFC 5681, section 4.2), or after a tenth of a second. A large packet is acknowledged as
//! ever: a sender whose window has shrunk to one waits for that. Anything unusual, above all a gap, is told
//! at once.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::wire::{data_chunks, lone_sack};
use super::MAX_PACKET;

/// Bytes of packets with data after which an acknowledgement goes out.
const BYTES: usize = 2 * MAX_PACKET as usize;
/// Larger packets are not small.
const SMALL: usize = 400;
/// Time that one may wait. RFC 9260, section 6.2, allows half a second at most, 200 ms usually.
const WAIT: Duration = Duration::from_millis(100);

#[derive(Debug)]
struct Held {
    packet: Bytes,
    due: Instant,
}

/// The acknowledgements of one association.
#[derive(Debug, Default)]
pub(crate) struct ThinAcks {
    /// Bytes that came since an acknowledgement went out.
    bytes: usize,
    /// When the first data came that the latest acknowledgement does not tell of.
    since: Option<Instant>,
    /// The peer was told of a gap: that it is closed it learns at once.
    gap: bool,
    /// The latest acknowledgement, if it waits.
    held: Option<Held>,
}

impl ThinAcks {
    /// A packet of the peer came in.
    pub(crate) fn received(&mut self, packet: &[u8], now: Instant) {
        if data_chunks(packet).next().is_some() {
            self.bytes += match packet.len() {
                size @ 0..=SMALL => size,
                _ => BYTES,
            };
            self.since.get_or_insert(now);
        }
    }

    /// A packet is about to go out. Returns it unless it is an acknowledgement that waits.
    pub(crate) fn sending(&mut self, packet: Bytes, now: Instant) -> Option<Bytes> {
        let Some(sack) = lone_sack(&packet) else {
            return Some(packet);
        };
        // It says all that the one before said.
        let held = self.held.take().map(|held| held.due);
        let due = held.or(self.since.map(|since| since + WAIT));
        self.since = None;
        let plain = sack.is_plain() && !self.gap;
        match due {
            Some(due) if plain && self.bytes < BYTES && due > now => {
                self.held = Some(Held { packet, due });
                None
            }
            _ => {
                self.gap = sack.gaps().next().is_some();
                self.bytes = 0;
                Some(packet)
            }
        }
    }

    /// When [`Self::take_due`] has something.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.held.as_ref().map(|held| held.due)
    }

    /// The acknowledgement that has waited long enough.
    pub(crate) fn take_due(&mut self, now: Instant) -> Option<Bytes> {
        if self.due()? > now {
            return None;
        }
        self.bytes = 0;
        self.held.take().map(|held| held.packet)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// A packet with one DATA chunk.
    fn data(user: usize) -> Vec<u8> {
        let mut packet = vec![0; 12 + 16 + user];
        packet[14..16].copy_from_slice(&((16 + user) as u16).to_be_bytes());
        packet
    }

    /// A packet with a SACK of so many gaps and duplicates.
    fn sack(cumulative: u32, gaps: u16, duplicates: u16) -> Bytes {
        let more = 4 * usize::from(gaps + duplicates);
        let mut packet = vec![0; 12];
        packet.extend([3, 0]);
        packet.extend(((16 + more) as u16).to_be_bytes());
        packet.extend(cumulative.to_be_bytes());
        packet.extend([0; 4]);
        packet.extend(gaps.to_be_bytes());
        packet.extend(duplicates.to_be_bytes());
        packet.extend(std::iter::repeat_n(1, more));
        packet.into()
    }

    #[test]
    fn acknowledgements_of_small_packets_share_a_tenth_of_a_second() {
        let start = Instant::now();
        let mut acks = ThinAcks::default();
        let (mut sent, mut worst) = (Vec::new(), Duration::ZERO);
        let mut waiting: Option<Instant> = None;
        for step in 0..1000u32 {
            let now = start + step * MS;
            if let Some(packet) = acks.take_due(now) {
                sent.push(packet);
                worst = worst.max(now - waiting.take().unwrap());
            }
            if step % 12 == 0 {
                acks.received(&data(50), now);
                waiting.get_or_insert(now);
            }
            if step % 24 == 0 {
                assert_eq!(acks.sending(sack(step, 0, 0), now), None);
            }
        }
        assert!((8..=10).contains(&sent.len()), "{}", sent.len());
        assert_eq!(worst, WAIT);
        assert!(sent.is_sorted(), "the latest one is sent");
    }

    #[test]
    fn large_packets_are_acknowledged_as_ever() {
        let now = Instant::now();
        let mut acks = ThinAcks::default();
        for number in 0..10 {
            acks.received(&data(1163), now);
            acks.received(&data(50), now);
            assert!(acks.sending(sack(number, 0, 0), now).is_some());
        }
        assert_eq!(acks.due(), None);
    }

    #[test]
    fn many_small_packets_are_acknowledged_before_the_time() {
        let now = Instant::now();
        let mut acks = ThinAcks::default();
        let mut sent = 0;
        for number in 0..100 {
            acks.received(&data(72), now);
            sent += usize::from(acks.sending(sack(number, 0, 0), now).is_some());
        }
        assert_eq!(sent, 100 * 100 / BYTES);
    }

    #[test]
    fn gaps_duplicates_and_the_end_of_a_gap_are_told_at_once() {
        let now = Instant::now();
        let mut acks = ThinAcks::default();
        let mut sends = |packet| {
            acks.received(&data(50), now);
            acks.sending(packet, now).is_some()
        };
        assert!(!sends(sack(1, 0, 0)));
        assert!(sends(sack(1, 1, 0)));
        assert!(sends(sack(3, 0, 0)));
        assert!(!sends(sack(4, 0, 0)));
        assert!(sends(sack(4, 0, 1)));
    }

    #[test]
    fn other_packets_pass() {
        let now = Instant::now();
        let mut acks = ThinAcks::default();
        assert!(acks.sending(data(5).into(), now).is_some());
        assert!(acks.sending(Bytes::from_static(b"short"), now).is_some());
        acks.received(&sack(1, 0, 0), now);
        assert!(acks.sending(sack(1, 0, 0), now).is_some(), "no data came");
        assert_eq!(acks.due(), None);
    }

    #[test]
    fn what_comes_after_the_latest_acknowledgement_waits_no_longer_either() {
        let start = Instant::now();
        let mut acks = ThinAcks::default();
        acks.received(&data(50), start);
        assert_eq!(acks.sending(sack(1, 0, 0), start), None);
        acks.received(&data(50), start + 60 * MS);
        assert!(acks.take_due(start + WAIT).is_some());
        assert_eq!(acks.sending(sack(2, 0, 0), start + WAIT), None);
        assert_eq!(acks.due(), Some(start + 60 * MS + WAIT));
    }
}
