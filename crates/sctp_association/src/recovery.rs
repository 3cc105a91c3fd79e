//! Notices losses sooner than the published crate does, and keeps those of the air from its window.
//!
//! The crate sends a lost chunk again when three later ones have arrived, and halves its window. If
//! that copy gets lost too, or nothing comes after it, only its timer is left, which waits a second at
//! least. Here the packets are read on their way out and in, as [RACK] does it: a chunk is lost when
//! one that was sent well after it has arrived. A peer that is silent for a few round trips is probed
//! with the last packet: a path that only paused delivers all that came before it, and nothing
//! happens; one that lost packets tells of a gap.
//!
//! A chunk that was lost without congestion ([`LossCause`]) is taken over: it is sent again from here
//! until it arrives, and the crate reads in the acknowledgements that it has arrived already, so that
//! its window stays as it is. All other losses are left to the crate and its congestion control; when
//! many packets are known to be lost, its timer is let go off early.
//!
//! [RACK]: https://www.rfc-editor.org/rfc/rfc8985

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::loss_cause::LossCause;
use super::path_queue::PathQueue;
use super::wire::{data_chunks, forward_tsn, sacks, with_sack, Sack};
use super::MAX_PACKET;

/// Time by which packets may overtake each other, on top of a share of the round trip.
const REORDERING: Duration = Duration::from_millis(5);
/// Later chunks that have arrived when one is lost (RFC 9260, section 7.2.4).
const LATER: usize = 3;
/// On top of the reordering and a round trip: time for the crate to notice by itself.
const FIRST_LOSS: Duration = Duration::from_millis(20);
/// The round trip that is believed in before one is measured.
const FIRST_RTT: Duration = Duration::from_millis(300);
/// Round trips above this are not believed.
const MAX_RTT: Duration = Duration::from_secs(1);
/// The share of a new round trip in the average (RFC 9260, section 6.3.1).
const ALPHA: u32 = 8;
/// Chunks that are watched: 19 MB. With more than that under way the later ones are left to the crate.
const MAX_CHUNKS: usize = 16 * 1024;
/// Lost packets that are sent again from here. More are left to the crate's timer and slow start.
const FEW: usize = 3;

/// What is known of a chunk, and who sends it again if it is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// It was sent once; nobody has missed it.
    Sent,
    /// It has arrived, this long after it was sent if that is known.
    Arrived(Option<Duration>),
    /// It is the crate's, which has sent it again or is about to.
    Left,
    /// The crate's timer has gone off, and it has not sent it again yet.
    Waiting,
    /// It was taken over: it is sent again from here.
    TakenOver,
    /// It was never sent: the crate gave it up.
    Skipped,
}

#[derive(Debug)]
struct Chunk {
    sent_at: Instant,
    /// Bytes of user data.
    length: usize,
    /// It was sent more than once.
    again: bool,
    state: State,
    /// The packet that it was sent in, if it may be sent as often as it takes.
    packet: Option<Bytes>,
}

impl Chunk {
    /// It is under way, or lost.
    fn is_out(&self) -> bool {
        !matches!(self.state, State::Arrived(_) | State::Skipped)
    }

    /// The crate need not know of it any more.
    fn is_settled(&self) -> bool {
        matches!(self.state, State::Arrived(_) | State::TakenOver)
    }
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

/// What an acknowledgement told.
#[derive(Debug, Default)]
struct News {
    /// Bytes that arrived.
    bytes: usize,
    /// The shortest round trip of those that were sent once.
    round_trip: Option<Duration>,
}

/// Action at a deadline.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Remedy {
    /// Packets to send once more. Their number is small, and the window stays as it is.
    pub(crate) resend: Vec<Bytes>,
    /// Let the crate's timer expire: all that is out is sent again, from a small window.
    pub(crate) time_out: bool,
}

/// Chunks sent and not acknowledged yet.
#[derive(Debug, Default)]
pub(crate) struct Recovery {
    /// The number of the first chunk in `chunks`.
    first: u32,
    /// Consecutive chunks, from the oldest that has not arrived.
    chunks: VecDeque<Chunk>,
    /// How many of them are taken over.
    taken_over: usize,
    /// When the latest of the chunks that arrived was sent.
    newest: Option<Instant>,
    /// When the oldest chunk became the oldest.
    advanced: Option<Instant>,
    /// When the last remedy was taken.
    tried: Option<Instant>,
    round_trip: Option<Duration>,
    cause: LossCause,
    /// When packets took the path that they take.
    path_since: Option<Instant>,
    /// Nothing that was first sent on it has arrived with all that was sent before.
    is_path_new: bool,
    /// Bytes under way, or lost.
    under_way: usize,
    queue: PathQueue,
}

impl Recovery {
    /// A packet goes out. `limited` says that data in it may be given up: it is not for this side to
    /// send it again.
    pub(crate) fn sent(&mut self, packet: &Bytes, limited: bool, now: Instant) {
        for chunk in data_chunks(packet) {
            if self.chunks.is_empty() {
                self.first = chunk.tsn;
                self.advanced = Some(now);
            }
            let ahead = chunk.tsn.wrapping_sub(self.first) as i32;
            let Ok(index) = usize::try_from(ahead) else {
                continue; // It has arrived meanwhile.
            };
            if let Some(known) = self.chunks.get_mut(index) {
                known.again = true;
                known.sent_at = now;
                if known.is_out() && known.state != State::TakenOver {
                    known.state = State::Left;
                }
                continue;
            }
            if index >= MAX_CHUNKS {
                continue;
            }
            while self.chunks.len() < index {
                self.push(State::Skipped, 0, None, now);
            }
            let packet = (!limited).then(|| packet.clone());
            self.push(State::Sent, chunk.length, packet, now);
        }
    }

    fn push(&mut self, state: State, length: usize, packet: Option<Bytes>, now: Instant) {
        self.under_way += length;
        self.chunks.push_back(Chunk {
            sent_at: now,
            length,
            again: false,
            state,
            packet,
        });
    }

    /// A packet of the peer came in. Returns the packets to be sent again at once. `take_over` says
    /// whether losses may be taken over.
    pub(crate) fn received(&mut self, packet: &[u8], take_over: bool, now: Instant) -> Vec<Bytes> {
        let mut gaps = false;
        let mut news = News::default();
        for sack in sacks(packet) {
            self.acknowledge(&sack, &mut news, now);
            gaps |= !sack.is_plain();
        }
        if let Some(shortest) = self.cause.shortest().filter(|_| news.bytes > 0) {
            // Those of a lone packet may wait for another one.
            let at_once = gaps || news.bytes > MAX_PACKET as usize;
            let round_trip = news.round_trip.filter(|_| at_once);
            let under_way = self.under_way + news.bytes;
            self.queue
                .arrived(news.bytes, round_trip, shortest, under_way, now);
        }
        match gaps && take_over {
            true => self.look_for_losses(now),
            false => Vec::new(),
        }
    }

    /// The packet as the crate is to read it, if it tells of chunks missing that were taken over.
    pub(crate) fn for_crate(&self, packet: &[u8]) -> Option<Bytes> {
        let last = sacks(packet).last()?;
        if self.taken_over == 0 || last.cumulative.wrapping_add(1) != self.first {
            return None;
        }
        let prefix = self.chunks.iter().take_while(|chunk| chunk.is_settled());
        let prefix = prefix.count();
        let mut gaps: Vec<(u16, u16)> = Vec::new();
        for (offset, chunk) in (1..=u16::MAX).zip(self.chunks.range(prefix..)) {
            match gaps.last_mut() {
                _ if !chunk.is_settled() => {}
                Some((_, end)) if *end + 1 == offset => *end = offset,
                _ => gaps.push((offset, offset)),
            }
        }
        let cumulative = last.cumulative.wrapping_add(prefix as u32);
        Some(with_sack(packet, cumulative, &gaps))
    }

    fn acknowledge(&mut self, sack: &Sack<'_>, news: &mut News, now: Instant) {
        let passed = sack.cumulative.wrapping_sub(self.first).wrapping_add(1) as i32;
        let Ok(passed) = usize::try_from(passed) else {
            return; // An old one.
        };
        // There may be chunks that are not watched.
        let passed = passed.min(self.chunks.len());
        for index in 0..passed {
            self.arrived(index, news, now);
            let chunk = &self.chunks[index];
            self.is_path_new &= chunk.again || !self.is_of_path(chunk);
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
                self.arrived(index, news, now);
                index += 1;
            }
        }
    }

    fn arrived(&mut self, index: usize, news: &mut News, now: Instant) {
        let Some(chunk) = self.chunks.get_mut(index).filter(|chunk| chunk.is_out()) else {
            return;
        };
        self.taken_over -= usize::from(chunk.state == State::TakenOver);
        self.under_way -= chunk.length;
        news.bytes += chunk.length;
        chunk.packet = None;
        let sample = now.saturating_duration_since(chunk.sent_at).min(MAX_RTT);
        // Which copy of one that was sent again has arrived is known only if the later one cannot
        // have.
        if chunk.again {
            chunk.state = State::Arrived(None);
            // On a new path nothing is measured yet: take it for the later copy.
            if self
                .cause
                .shortest()
                .is_none_or(|shortest| sample >= shortest * 3 / 4)
            {
                self.newest = self.newest.max(Some(chunk.sent_at));
            }
            return;
        }
        chunk.state = State::Arrived(Some(sample));
        self.newest = self.newest.max(Some(chunk.sent_at));
        if !self.is_of_path(&self.chunks[index]) {
            return;
        }
        self.cause.arrived(sample, now);
        news.round_trip = Some(news.round_trip.map_or(sample, |other| other.min(sample)));
        self.round_trip = Some(match self.round_trip {
            Some(average) => average - average / ALPHA + sample / ALPHA,
            None => sample,
        });
    }

    /// Whether a chunk was sent on the path that packets take now.
    fn is_of_path(&self, chunk: &Chunk) -> bool {
        self.path_since.is_none_or(|since| since <= chunk.sent_at)
    }

    /// Time by which a packet may be overtaken without being lost.
    fn slack(&self) -> Duration {
        self.round_trip.unwrap_or(FIRST_RTT) / 4 + REORDERING
    }

    /// Decides about chunks that are missing, and returns the packets of those that are taken over.
    fn look_for_losses(&mut self, now: Instant) -> Vec<Bytes> {
        let slack = self.slack();
        let mut resend: Vec<Bytes> = Vec::new();
        let (mut later, mut shortest) = (0, None::<Duration>);
        for chunk in self.chunks.iter_mut().rev() {
            let overdue = self.newest > Some(chunk.sent_at + slack);
            match chunk.state {
                State::Arrived(sample) => {
                    later += 1;
                    shortest = [shortest, sample].into_iter().flatten().min();
                    continue;
                }
                State::TakenOver if overdue => {}
                State::Sent if later >= LATER || (later > 0 && overdue) => {
                    if self.cause.lost(shortest) || chunk.packet.is_none() {
                        chunk.state = State::Left;
                        continue;
                    }
                    chunk.state = State::TakenOver;
                    self.taken_over += 1;
                }
                _ => continue,
            }
            chunk.again = true;
            chunk.sent_at = now;
            add_packet(&mut resend, chunk);
        }
        resend.reverse();
        resend
    }

    /// Whether a chunk is lost that the crate has had the time to see to: one that was sent well
    /// after it has arrived.
    fn is_lost(&self, chunk: &Chunk) -> bool {
        let Some((newest, round_trip)) = self.newest.zip(self.round_trip) else {
            return false;
        };
        let slack = match chunk.again {
            true => self.slack(),
            false => self.slack() + round_trip + FIRST_LOSS,
        };
        chunk.is_out() && chunk.state != State::Waiting && newest > chunk.sent_at + slack
    }

    /// When something must be done about the oldest chunk, unless the peer acknowledges it before.
    /// `longest` is how long a peer may be silent, on top of two round trips.
    pub(crate) fn deadline(&self, longest: Duration) -> Option<Instant> {
        let oldest = self.chunks.front()?;
        let round_trip = self.round_trip.unwrap_or(FIRST_RTT);
        if self.is_lost(oldest) {
            return Some(oldest.sent_at);
        }
        // On a new path the round trip is that of the old one.
        let round_trip = match self.is_path_new && self.tried > self.advanced {
            true => round_trip.max(FIRST_RTT),
            false => round_trip,
        };
        let since = self.advanced.max(self.tried).max(Some(oldest.sent_at))?;
        since.checked_add(longest.saturating_add(2 * round_trip))
    }

    /// Something has not arrived yet.
    pub(crate) fn is_under_way(&self) -> bool {
        !self.chunks.is_empty()
    }

    /// More is under way than the path carries: what is new had better wait.
    pub(crate) fn is_crowded(&self) -> bool {
        self.queue.is_too_long(self.under_way)
    }

    /// Whether a packet would have the peer give up a chunk that was taken over, of which the crate
    /// believes that it has arrived. The crate sends such a packet again.
    pub(crate) fn forbids(&self, packet: &[u8]) -> bool {
        let Some(end) = forward_tsn(packet).filter(|_| self.taken_over > 0) else {
            return false;
        };
        let passed = end.wrapping_sub(self.first).wrapping_add(1) as i32;
        let passed = usize::try_from(passed).unwrap_or(0);
        let mut passed = self.chunks.iter().take(passed);
        passed.any(|chunk| chunk.state == State::TakenOver)
    }

    /// Packets take another path: what was measured says nothing of it.
    pub(crate) fn path_changed(&mut self, now: Instant) {
        self.path_since = Some(now);
        self.is_path_new = true;
        self.tried = None;
        self.cause = LossCause::default();
        self.queue = PathQueue::default();
    }

    /// Packets took another path, and not all that was sent before has arrived with something that was
    /// first sent since. Packets sent at the change, and the answers to them, may be lost.
    pub(crate) fn is_path_new(&self) -> bool {
        self.is_path_new
    }

    /// Chunks that were taken over have not arrived.
    #[cfg(test)]
    pub(crate) fn has_taken_over(&self) -> bool {
        self.taken_over > 0
    }

    /// Action at the deadline.
    pub(crate) fn remedy(&mut self, timer: CrateTimer, now: Instant) -> Remedy {
        let in_vain = self.tried > self.advanced;
        self.tried = Some(now);
        let lost: Vec<usize> = (0..self.chunks.len())
            .filter(|index| self.is_lost(&self.chunks[*index]))
            .collect();
        let chosen = match lost.len() {
            0 => self.probes(),
            1..=FEW => lost,
            _ if timer == CrateTimer::Running => return self.time_out(now),
            _ => lost[..FEW].to_vec(),
        };
        let mut resend: Vec<Bytes> = Vec::new();
        for index in chosen {
            let chunk = &mut self.chunks[index];
            chunk.again = true;
            chunk.sent_at = now;
            add_packet(&mut resend, chunk);
        }
        // Without a packet there is nothing to probe with.
        let time_out = match timer {
            CrateTimer::Expired => true,
            CrateTimer::Running => in_vain,
            CrateTimer::MustWait => false,
        };
        match resend.is_empty() && time_out {
            true => self.time_out(now),
            false => Remedy {
                resend,
                time_out: false,
            },
        }
    }

    /// The last chunk that may be sent again, and the first if that is up to this side.
    fn probes(&self) -> Vec<usize> {
        let last = self.chunks.iter().rposition(|chunk| chunk.packet.is_some());
        let first = self.chunks.iter().position(Chunk::is_out);
        let first = first.filter(|index| self.chunks[*index].state == State::TakenOver);
        let first = first.filter(|index| Some(*index) != last);
        first.into_iter().chain(last).collect()
    }

    /// Everything counts as lost: the crate is about to send its part again, the rest goes from here.
    pub(crate) fn time_out(&mut self, now: Instant) -> Remedy {
        let mut resend = Vec::new();
        for chunk in self.chunks.iter_mut().filter(|chunk| chunk.is_out()) {
            chunk.again = true;
            chunk.sent_at = now;
            match chunk.state {
                State::TakenOver => add_packet(&mut resend, chunk),
                _ => chunk.state = State::Waiting,
            }
        }
        Remedy {
            resend,
            time_out: self.chunks.iter().any(|it| it.state == State::Waiting),
        }
    }
}

/// Adds the packet of a chunk, unless a neighbour that shares it has added it.
fn add_packet(packets: &mut Vec<Bytes>, chunk: &Chunk) {
    packets.extend(
        chunk
            .packet
            .as_ref()
            .filter(|packet| packets.last() != Some(packet))
            .cloned(),
    );
}
