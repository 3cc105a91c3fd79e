//! Notices that something was lost and will not be sent again soon.
//!
//! The published crate sends a lost chunk again when three later ones have arrived. If that copy gets
//! lost too, or nothing comes after it, only its timer is left, which waits a second at least. Here
//! the packets are read on their way out and in, as [RACK] does it: a chunk is lost when one that was
//! sent well after it has arrived. A peer that is silent for a few round trips is probed with the last
//! packet: a path that only paused delivers all that came before it, and nothing happens; one that
//! lost packets tells of a gap. The congestion window is the crate's affair; only when many packets
//! are known to be lost is its timer let go off early.
//!
//! [RACK]: https://www.rfc-editor.org/rfc/rfc8985

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::wire::{data_chunks, sacks, Sack};

/// Time by which packets may overtake each other, on top of a share of the round trip.
const REORDERING: Duration = Duration::from_millis(5);
/// On top of that and a round trip: time for the crate to notice by itself.
const FIRST_LOSS: Duration = Duration::from_millis(20);
/// The round trip that is believed in before one is measured.
const FIRST_RTT: Duration = Duration::from_millis(300);
/// Round trips above this are not believed.
const MAX_RTT: Duration = Duration::from_secs(1);
/// The share of a new round trip in the average (RFC 9260, section 6.3.1).
const ALPHA: u32 = 8;
/// Chunks that are watched: 19 MB. With more than that under way the older ones are left to the crate.
const MAX_CHUNKS: usize = 16 * 1024;
/// Lost packets that are sent again from here. More are left to the crate's timer and slow start.
const FEW: usize = 3;

#[derive(Debug)]
struct Chunk {
    sent_at: Instant,
    /// It was sent more than once.
    again: bool,
    arrived: bool,
    /// The crate is to send it again and has not done so yet.
    waiting: bool,
    /// The packet that it was sent in, if it may be sent as often as it takes.
    packet: Option<Bytes>,
}

/// The crate's own timer for retransmissions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CrateTimer {
    /// It may be let go off.
    Running,
    /// It has gone off since the peer was heard last: the window is small already.
    Expired,
    /// It must not go off early: messages with a lifetime would be given up before their time.
    MustWait,
}

/// Action at a deadline.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Remedy {
    /// Send these packets once more. Their number is small, and the window stays as it is.
    Resend(Vec<Bytes>),
    /// Let the crate's timer expire: all that is out is sent again, from a small window.
    TimeOut,
}

/// Chunks sent and not acknowledged yet.
#[derive(Debug, Default)]
pub(crate) struct Recovery {
    /// The number of the first chunk in `chunks`.
    first: u32,
    /// Consecutive chunks, from the oldest that has not arrived.
    chunks: VecDeque<Chunk>,
    /// When the latest of the chunks that arrived was sent.
    newest: Option<Instant>,
    /// When the oldest chunk became the oldest.
    advanced: Option<Instant>,
    /// When the last remedy was taken.
    tried: Option<Instant>,
    round_trip: Option<Duration>,
    shortest: Option<Duration>,
}

impl Recovery {
    /// A packet goes out. `limited` says that data in it may be given up: it is not for this side to
    /// send it again.
    pub(crate) fn sent(&mut self, packet: &Bytes, limited: bool, now: Instant) {
        for chunk in data_chunks(packet) {
            let index = chunk.tsn.wrapping_sub(self.first) as usize;
            if let Some(known) = self.chunks.get_mut(index) {
                known.again = true;
                known.waiting = false;
                known.sent_at = now;
                continue;
            }
            let ahead = chunk.tsn.wrapping_sub(self.first) as i32;
            if ahead < 0 && !self.chunks.is_empty() {
                continue; // It has arrived meanwhile.
            }
            if index != self.chunks.len() || index >= MAX_CHUNKS {
                self.chunks.clear();
            }
            if self.chunks.is_empty() {
                self.first = chunk.tsn;
                self.advanced = Some(now);
            }
            self.chunks.push_back(Chunk {
                sent_at: now,
                again: false,
                arrived: false,
                waiting: false,
                packet: (!limited).then(|| packet.clone()),
            });
        }
    }

    /// A packet of the peer came in.
    pub(crate) fn received(&mut self, packet: &[u8], now: Instant) {
        for sack in sacks(packet) {
            self.acknowledge(&sack, now);
        }
    }

    fn acknowledge(&mut self, sack: &Sack<'_>, now: Instant) {
        let passed = sack.cumulative.wrapping_sub(self.first).wrapping_add(1) as usize;
        if passed > self.chunks.len() {
            return; // An old one, or one about what was never sent.
        }
        for index in 0..passed {
            self.arrived(index, now);
        }
        if passed > 0 {
            self.chunks.drain(..passed);
            self.first = self.first.wrapping_add(passed as u32);
            self.advanced = Some(now);
        }
        // Gaps are counted from the cumulative number; whatever they say, each chunk is looked at
        // once at most.
        let mut index = 0;
        for (start, end) in sack.gaps() {
            index = index.max(usize::from(start).saturating_sub(1));
            while index < usize::from(end).min(self.chunks.len()) {
                self.arrived(index, now);
                index += 1;
            }
        }
    }

    fn arrived(&mut self, index: usize, now: Instant) {
        let Some(chunk) = self.chunks.get_mut(index).filter(|chunk| !chunk.arrived) else {
            return;
        };
        chunk.arrived = true;
        chunk.packet = None;
        let sample = now.saturating_duration_since(chunk.sent_at).min(MAX_RTT);
        // Which copy of one that was sent again has arrived is known only if the later one cannot
        // have.
        if chunk.again {
            if self.shortest.is_some_and(|shortest| sample >= shortest) {
                self.newest = self.newest.max(Some(chunk.sent_at));
            }
            return;
        }
        self.newest = self.newest.max(Some(chunk.sent_at));
        self.shortest = Some(
            self.shortest
                .map_or(sample, |shortest| shortest.min(sample)),
        );
        self.round_trip = Some(match self.round_trip {
            Some(average) => average - average / ALPHA + sample / ALPHA,
            None => sample,
        });
    }

    /// Whether a chunk is lost: one that was sent well after it has arrived.
    fn is_lost(&self, chunk: &Chunk) -> bool {
        let Some((newest, round_trip)) = self.newest.zip(self.round_trip) else {
            return false;
        };
        let slack = round_trip / 4 + REORDERING;
        let slack = match chunk.again {
            true => slack,
            false => slack + round_trip + FIRST_LOSS,
        };
        !chunk.arrived && !chunk.waiting && newest > chunk.sent_at + slack
    }

    /// When something must be done about the oldest chunk, unless the peer acknowledges it before.
    /// `longest` is how long a peer may be silent, on top of two round trips.
    pub(crate) fn deadline(&self, longest: Duration) -> Option<Instant> {
        let oldest = self.chunks.front()?;
        let round_trip = self.round_trip.unwrap_or(FIRST_RTT);
        if self.is_lost(oldest) {
            return Some(oldest.sent_at);
        }
        let since = self.advanced.max(self.tried).max(Some(oldest.sent_at))?;
        Some(since + longest + 2 * round_trip)
    }

    /// Action at the deadline.
    pub(crate) fn remedy(&mut self, timer: CrateTimer, now: Instant) -> Option<Remedy> {
        let in_vain = self.tried > self.advanced;
        self.tried = Some(now);
        let lost: Vec<usize> = (0..self.chunks.len())
            .filter(|index| self.is_lost(&self.chunks[*index]))
            .collect();
        let chosen = match lost.len() {
            0 => (0..self.chunks.len())
                .rev()
                .find(|index| self.chunks[*index].packet.is_some())
                .into_iter()
                .collect(),
            1..=FEW => lost,
            _ if timer == CrateTimer::Running => return Some(self.time_out(now)),
            _ => lost[..FEW].to_vec(),
        };
        let mut packets: Vec<Bytes> = Vec::new();
        for index in chosen {
            let chunk = &mut self.chunks[index];
            chunk.again = true;
            chunk.sent_at = now;
            let Some(packet) = &chunk.packet else {
                continue;
            };
            // Several chunks may have shared a packet.
            if packets.last() != Some(packet) {
                packets.push(packet.clone());
            }
        }
        if !packets.is_empty() {
            return Some(Remedy::Resend(packets));
        }
        // There is nothing to probe with.
        match timer {
            CrateTimer::Expired => Some(self.time_out(now)),
            CrateTimer::Running if in_vain => Some(self.time_out(now)),
            CrateTimer::Running | CrateTimer::MustWait => None,
        }
    }

    /// Everything counts as lost and is about to be sent again.
    fn time_out(&mut self, now: Instant) -> Remedy {
        for chunk in self.chunks.iter_mut().filter(|chunk| !chunk.arrived) {
            chunk.again = true;
            chunk.waiting = true;
            chunk.sent_at = now;
        }
        Remedy::TimeOut
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MS: Duration = Duration::from_millis(1);
    const LONGEST: Duration = Duration::from_millis(200);
    /// The numbers start again at zero after it.
    const FIRST: u32 = u32::MAX - 3;

    fn chunk(kind: u8, value: &[u8]) -> Vec<u8> {
        let mut chunk = vec![0; 12];
        chunk.extend([kind, 0]);
        chunk.extend((4 + value.len() as u16).to_be_bytes());
        chunk.extend(value);
        chunk
    }

    fn data(tsn: u32) -> Bytes {
        let mut value = tsn.to_be_bytes().to_vec();
        value.extend([0; 9]);
        chunk(0, &value).into()
    }

    fn sack(cumulative: u32, gaps: &[(u16, u16)]) -> Vec<u8> {
        let mut value = cumulative.to_be_bytes().to_vec();
        value.extend([0; 4]);
        value.extend((gaps.len() as u16).to_be_bytes());
        value.extend([0; 2]);
        for (start, end) in gaps {
            value.extend(start.to_be_bytes());
            value.extend(end.to_be_bytes());
        }
        chunk(3, &value)
    }

    /// Ten chunks, one each millisecond, of which the first was acknowledged after 20 ms.
    fn ten(start: Instant) -> Recovery {
        let mut recovery = Recovery::default();
        for index in 0..10 {
            recovery.sent(&data(FIRST.wrapping_add(index)), false, start + index * MS);
        }
        recovery.received(&sack(FIRST, &[]), start + 20 * MS);
        recovery
    }

    #[test]
    fn a_silent_peer_is_tried_again_and_a_speaking_one_is_not() {
        let start = Instant::now();
        let mut recovery = ten(start);
        let silent = LONGEST + 40 * MS;
        assert_eq!(recovery.deadline(LONGEST), Some(start + 20 * MS + silent));
        recovery.received(&sack(u32::MAX, &[]), start + 23 * MS);
        let due = recovery.deadline(LONGEST).unwrap();
        assert!(due > start + 20 * MS + silent, "it acknowledged some more");
        recovery.received(&sack(5, &[]), start + 30 * MS);
        assert_eq!(recovery.deadline(LONGEST), None, "all has arrived");
    }

    #[test]
    fn a_lost_copy_is_noticed_by_what_was_sent_after_it() {
        let start = Instant::now();
        let mut recovery = ten(start);
        // All but the oldest arrive. The crate sends that one again, and three new ones.
        recovery.received(&sack(FIRST, &[(2, 9)]), start + 29 * MS);
        let again = start + 30 * MS;
        assert!(recovery.deadline(LONGEST).unwrap() > again + 200 * MS);
        recovery.sent(&data(FIRST + 1), false, again);
        for index in 0..3 {
            recovery.sent(&data(6 + index), false, again + 20 * MS);
        }
        assert!(recovery.deadline(LONGEST).unwrap() > again + 200 * MS);
        recovery.received(&sack(FIRST, &[(2, 12)]), again + 30 * MS);
        assert_eq!(recovery.deadline(LONGEST), Some(again), "long overdue");
        let remedy = recovery.remedy(CrateTimer::Running, again + 31 * MS);
        assert_eq!(remedy, Some(Remedy::Resend(vec![data(FIRST + 1)])));
        assert!(recovery.deadline(LONGEST).unwrap() > again + 200 * MS);
    }

    #[test]
    fn a_silent_peer_is_probed_with_the_last_packet() {
        let start = Instant::now();
        let mut recovery = ten(start);
        let now = recovery.deadline(LONGEST).unwrap();
        let remedy = recovery.remedy(CrateTimer::Running, now);
        assert_eq!(remedy, Some(Remedy::Resend(vec![data(5)])));
        assert!(recovery.deadline(LONGEST).unwrap() > now + LONGEST);
        // It arrives, and nothing before it did: all of that is lost.
        recovery.received(&sack(FIRST, &[(9, 9)]), now + 20 * MS);
        assert!(recovery.deadline(LONGEST).unwrap() <= now);
        let rest = |timer| ten_probed(start).remedy(timer, now + 20 * MS);
        assert_eq!(rest(CrateTimer::Running), Some(Remedy::TimeOut));
        let three = (1..4).map(|index| data(FIRST.wrapping_add(index)));
        let resend = Some(Remedy::Resend(three.collect()));
        assert_eq!(rest(CrateTimer::Expired), resend);
        assert_eq!(rest(CrateTimer::MustWait), resend);
    }

    /// The same ten after a probe, which alone arrived.
    fn ten_probed(start: Instant) -> Recovery {
        let mut recovery = ten(start);
        let now = recovery.deadline(LONGEST).unwrap();
        recovery.remedy(CrateTimer::Running, now);
        recovery.received(&sack(FIRST, &[(9, 9)]), now + 20 * MS);
        recovery
    }

    #[test]
    fn what_may_be_given_up_is_not_sent_again_from_here() {
        let start = Instant::now();
        let mut recovery = Recovery::default();
        recovery.sent(&data(1), false, start);
        recovery.received(&sack(1, &[]), start + 20 * MS);
        recovery.sent(&data(2), true, start + 20 * MS);
        let now = recovery.deadline(LONGEST).unwrap();
        assert_eq!(recovery.remedy(CrateTimer::Running, now), None);
        assert!(recovery.deadline(LONGEST).unwrap() > now);
        // A pause is over by now.
        let now = recovery.deadline(LONGEST).unwrap();
        assert_eq!(recovery.remedy(CrateTimer::MustWait, now), None);
        let remedy = recovery.remedy(CrateTimer::Running, now);
        assert_eq!(remedy, Some(Remedy::TimeOut));
    }

    #[test]
    fn packets_that_overtake_each_other_a_little_are_no_loss() {
        let start = Instant::now();
        let mut recovery = ten(start);
        recovery.received(&sack(FIRST, &[(2, 9)]), start + 29 * MS);
        let due = recovery.deadline(LONGEST).unwrap();
        assert!(due > start + 200 * MS, "the crate is to notice that itself");
    }

    proptest! {
        #[test]
        fn whatever_the_peer_says_is_no_harm(
            sent in prop::collection::vec(0u32..40, 0..60),
            said in prop::collection::vec((any::<u32>(), 0u32..40, any::<bool>(), prop::collection::vec(any::<(u16, u16)>(), 0..20)), 0..60),
        ) {
            let start = Instant::now();
            let mut recovery = Recovery::default();
            for (index, tsn) in sent.iter().enumerate() {
                recovery.sent(&data(*tsn), index % 3 == 0, start + index as u32 * MS);
                if let Some((wild, near, is_wild, gaps)) = said.get(index) {
                    let cumulative = if *is_wild { *wild } else { *near };
                    recovery.received(&sack(cumulative, gaps), start + index as u32 * MS);
                }
                prop_assert!(recovery.chunks.len() <= MAX_CHUNKS);
                if recovery.deadline(LONGEST).is_some() {
                    let _ = recovery.remedy(CrateTimer::Running, start + index as u32 * MS);
                }
            }
        }
    }
}
