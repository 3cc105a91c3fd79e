//! Flow control by acknowledged positions: how much one participant can take.
//!
//! LiveKit's reliable channel is reliable hop by hop only, and the server buffers without bound.
//! So the session counts the bytes that it sent to a participant, marks a position with every
//! Pong, and learns from the PingAck that all bytes before the mark have arrived. It keeps the
//! bytes in flight near the bandwidth times the delay that it measures, and spreads them evenly
//! while a queue stands on the path.

mod liveness;
mod pacer;
mod path_estimate;
mod pings;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::bucket::TokenBucket;
use crate::class::Class;
use liveness::Liveness;
use pacer::Pacer;
use path_estimate::{PathEstimate, ACK_INTERVAL};
use pings::Pings;

/// Smallest window, in bytes: enough for small topics at any round-trip time.
const MIN_WINDOW: u64 = 48 * 1024;
/// Largest window, in bytes: 80 MB/s at the 100 ms between two acknowledgements.
const MAX_WINDOW: u64 = 8 << 20;
/// The window before anything is measured, in bytes.
const INITIAL_WINDOW: u64 = 256 * 1024;
/// A participant that acknowledged nothing for this long, plus two round trips, has stopped to.
const SILENCE: Duration = Duration::from_millis(300);
/// Part of the window that state may use beyond it between two acknowledgements: it need not wait
/// until bulk data makes room.
const STATE_RESERVE: u64 = 8;
/// Part of the window that may be in flight while not every ping needs a Pong.
const CALM: u64 = 4;
/// Time over which the rate of delivery is an average.
const RATE_SPAN: Duration = Duration::from_secs(1);
/// Unanswered marks that are kept. More arrive only if a viewer pings and never acknowledges.
const MAX_MARKS: usize = 64;
/// Beyond what the rate seems to need the window grows by this part of it.
const CAUTION: u64 = 16;

/// A position in what is sent, told to the participant by the stamp of a Pong.
#[derive(Debug)]
struct Mark {
    stamp: u64,
    position: u64,
    sent_at: Instant,
    /// Position acknowledged at that time, and since when.
    acked: u64,
    acked_at: Instant,
}

/// Flow control of one participant.
#[derive(Debug)]
pub(crate) struct FlowControl {
    sent: u64,
    acked: u64,
    marks: VecDeque<Mark>,
    last_stamp: u64,
    window: u64,
    window_was_full: bool,
    /// Bytes sent beyond the window since the last acknowledgement.
    beyond_window: u64,
    path: PathEstimate,
    pacer: Pacer,
    pings: Pings,
    /// When the window last shrank: what follows from that is seen a round trip later.
    shrank: Option<Instant>,
    /// Whether it ever acknowledged anything.
    acknowledges: bool,
    /// When it did last, since the start of the streams.
    last_ack: Option<Instant>,
    started: Instant,
    liveness: Liveness,
    /// Average bytes per second that arrived.
    delivery_rate: f64,
    /// The fixed rate while it does not acknowledge.
    unacknowledged: TokenBucket,
    unacknowledged_rate: u64,
    /// The rate that it gets at most.
    cap: Option<TokenBucket>,
    cap_rate: Option<u64>,
}

/// Figures of the path to a participant, for diagnostics.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figures {
    pub(crate) in_flight: u64,
    pub(crate) window: u64,
    pub(crate) round_trip: Option<Duration>,
    pub(crate) min_round_trip: Option<Duration>,
    pub(crate) delivery_rate: f64,
}

impl FlowControl {
    /// The rates are in bytes per second: `unacknowledged_rate` for a participant that does not
    /// acknowledge, and `cap` for any.
    pub(crate) fn new(now: Instant, unacknowledged_rate: u64, cap: Option<u64>) -> Self {
        Self {
            sent: 0,
            acked: 0,
            marks: VecDeque::new(),
            last_stamp: 0,
            window: INITIAL_WINDOW,
            window_was_full: false,
            beyond_window: 0,
            path: PathEstimate::default(),
            pacer: Pacer::default(),
            pings: Pings::default(),
            shrank: None,
            acknowledges: false,
            last_ack: None,
            started: now,
            liveness: Liveness::new(now),
            delivery_rate: 0.0,
            unacknowledged: TokenBucket::new(
                now,
                unacknowledged_rate as f64,
                INITIAL_WINDOW as f64,
            ),
            unacknowledged_rate,
            cap: cap.map(|rate| TokenBucket::new(now, rate as f64, rate as f64)),
            cap_rate: cap,
        }
    }

    /// Sets the highest rate in bytes per second.
    pub(crate) fn set_cap(&mut self, now: Instant, rate: Option<u64>) {
        self.cap = rate.map(|rate| TokenBucket::new(now, rate as f64, rate as f64));
        self.cap_rate = rate;
    }

    /// Position after the last byte that was sent.
    pub(crate) fn sent(&self) -> u64 {
        self.sent
    }

    /// Position up to which all bytes have arrived, as far as is known.
    pub(crate) fn acked(&self) -> u64 {
        self.acked
    }

    /// Whether all bytes up to `position` have arrived.
    pub(crate) fn has_arrived(&self, position: u64) -> bool {
        position <= self.acked
    }

    /// Whether the participant acknowledges what it gets. Else it is served at a fixed rate.
    pub(crate) fn acknowledges(&self) -> bool {
        self.acknowledges
    }

    /// Whether it has acknowledged something since the start of its streams.
    pub(crate) fn is_measured(&self) -> bool {
        self.last_ack.is_some()
    }

    /// Bytes per second that the path can carry, as far as it was tried; none before the first
    /// acknowledgement.
    pub(crate) fn measured_rate(&self) -> Option<u64> {
        self.is_measured().then(|| self.path.rate() as u64)
    }

    /// Whether a queue stands on the path.
    pub(crate) fn has_path_queue(&self) -> bool {
        self.acknowledges && self.path.has_queue()
    }

    /// Whether a participant that used to acknowledge has stopped doing so.
    pub(crate) fn stopped_acknowledging(&self, now: Instant) -> bool {
        let since = self.last_ack.unwrap_or(self.started);
        let silence = SILENCE + self.pings.spared() + 2 * self.path.rtt();
        self.acknowledges && now.saturating_duration_since(since) > silence
    }

    /// The participant pings. Returns the timestamps of the pings that get their Pongs now.
    /// `watching` is how many watch videos, if it does.
    pub(crate) fn ping(
        &mut self,
        now: Instant,
        timestamp: u64,
        watching: impl FnOnce() -> Option<usize>,
    ) -> Vec<u64> {
        let calm = self.is_measured()
            && self.sent - self.acked < self.window / CALM
            && self.pacer.rate().is_infinite()
            && !self.path.was_late();
        let together = if calm { Pings::together(watching()) } else { 1 };
        self.pings.answer(now, timestamp, together)
    }

    /// An acknowledgement is waited for: the next ping gets its Pong.
    pub(crate) fn hurry(&mut self) {
        self.pings.hurry();
    }

    /// When [`FlowControl::late_pings`] is to be called.
    pub(crate) fn late_pings_at(&self) -> Option<Instant> {
        self.pings.due()
    }

    /// The timestamps of pings that were put off and after which none came.
    pub(crate) fn late_pings(&mut self, now: Instant) -> Vec<u64> {
        self.pings.late(now)
    }

    /// The participant sent something.
    pub(crate) fn on_heard(&mut self, now: Instant) {
        self.liveness.on_heard(now);
    }

    /// Whether a participant that used to acknowledge sends nothing any more, not even pings.
    ///
    /// Unlike [`Self::stopped_acknowledging`] this says nothing about the path to it: while a large frame goes
    /// out on its only stream, it can acknowledge nothing.
    pub(crate) fn stopped_sending(&self, now: Instant) -> bool {
        self.acknowledges && self.liveness.stopped_sending(now)
    }

    /// Whether a participant that has just pinged must have lost something on the way: a server
    /// may drop what a viewer does not take in time, and not every SDK notices.
    pub(crate) fn is_broken(&self, now: Instant) -> bool {
        let in_flight = self.sent - self.acked;
        self.acknowledges && self.liveness.is_broken(now, in_flight, self.path.rate())
    }

    /// Whether data may be sent now.
    pub(crate) fn has_credit(&mut self, now: Instant) -> bool {
        if self.cap.as_mut().is_some_and(|cap| !cap.has_credit(now)) {
            return false;
        }
        if self.acknowledges() {
            let free = self.has_window();
            self.window_was_full |= !free;
            free && self.pacer.has_credit(now)
        } else {
            self.unacknowledged.has_credit(now)
        }
    }

    /// Whether data of this class may be sent now.
    pub(crate) fn has_credit_for(&mut self, now: Instant, class: Class) -> bool {
        let reserved = class == Class::State
            && self.acknowledges
            && (self.has_window() || self.beyond_window < self.window / STATE_RESERVE)
            && self.pacer.has_urgent_credit(now);
        self.has_credit(now) || reserved
    }

    /// Whether the window has room.
    pub(crate) fn has_window(&self) -> bool {
        self.sent - self.acked < self.window
    }

    /// Bytes per second at which data is spread, without bound if it is not.
    pub(crate) fn pacing_rate(&self) -> f64 {
        self.pacer.rate()
    }

    /// Whether control messages may be sent now: they have room beyond the window, not without
    /// bound.
    pub(crate) fn has_control_credit(&self) -> bool {
        !self.acknowledges() || self.sent - self.acked < self.window + MAX_WINDOW
    }

    /// Bytes went out to the participant.
    pub(crate) fn on_sent(&mut self, bytes: usize) {
        if self.sent - self.acked >= self.window {
            self.beyond_window += bytes as u64;
        }
        self.sent += bytes as u64;
        self.pacer.charge(bytes);
        if let Some(cap) = &mut self.cap {
            cap.charge(bytes as f64);
        }
    }

    /// Bytes of data count against the rate of a participant that never acknowledges.
    pub(crate) fn charge(&mut self, bytes: usize) {
        self.unacknowledged.charge(bytes as f64);
    }

    pub(crate) fn figures(&self) -> Figures {
        Figures {
            in_flight: self.sent - self.acked,
            window: self.window,
            round_trip: self.last_ack.map(|_| self.path.rtt()),
            min_round_trip: self.path.min_rtt(),
            delivery_rate: self.delivery_rate,
        }
    }

    /// Takes the participant for one that may never acknowledge, as a new one.
    pub(crate) fn forget_acknowledgements(&mut self) {
        self.acknowledges = false;
    }

    /// Forgets what is on the way: the participant gets new streams.
    ///
    /// Stamps go on increasing, so that a late acknowledgement of an old one is not mistaken. One
    /// that used to acknowledge gets no more than a window until it does so again: it may be dead.
    pub(crate) fn resync(&mut self, now: Instant) {
        self.liveness.resync(now, self.is_broken(now));
        *self = Self {
            last_stamp: self.last_stamp,
            acknowledges: self.acknowledges,
            liveness: self.liveness,
            cap: self.cap.take(),
            ..Self::new(now, self.unacknowledged_rate, self.cap_rate)
        };
    }

    /// Marks the position of a Pong that is written now, before its own bytes are counted.
    ///
    /// `clock_ms` is the robot's clock. Returns the stamp of the Pong, which is strictly greater
    /// than every earlier one.
    pub(crate) fn mark(&mut self, now: Instant, clock_ms: u64) -> u64 {
        let stamp = self.stamp(clock_ms);
        self.liveness.on_pong(now);
        if self.marks.len() == MAX_MARKS {
            self.marks.pop_front();
        }
        self.marks.push_back(Mark {
            stamp,
            position: self.sent,
            sent_at: now,
            acked: self.acked,
            acked_at: self.last_ack.unwrap_or(self.started),
        });
        stamp
    }

    /// The stamp of a Pong that marks nothing, since another one follows at once: what came of both
    /// would be counted twice.
    pub(crate) fn stamp(&mut self, clock_ms: u64) -> u64 {
        self.last_stamp = clock_ms.max(self.last_stamp + 1);
        self.last_stamp
    }

    /// The participant acknowledges the Pong with this stamp. Unknown stamps are ignored.
    pub(crate) fn on_ack(&mut self, now: Instant, stamp: u64) {
        let Ok(index) = self.marks.binary_search_by_key(&stamp, |mark| mark.stamp) else {
            return;
        };
        let Some(mark) = self.marks.drain(..=index).next_back() else {
            return;
        };
        let delivered = mark.position.saturating_sub(self.acked);
        self.acked = self.acked.max(mark.position);
        self.beyond_window = 0;
        self.liveness
            .on_ack(self.marks.front().map(|mark| mark.sent_at));
        let since_last = self
            .last_ack
            .map_or(ACK_INTERVAL, |at| now.saturating_duration_since(at));
        self.last_ack = Some(now);
        self.acknowledges = true;
        self.pings.acknowledged();
        self.average(delivered, since_last);
        // Compared with what was known when the Pong was sent: so acknowledgements that come in
        // bursts say the same as those that come evenly.
        let elapsed = now.saturating_duration_since(mark.acked_at);
        let rate = (self.acked - mark.acked) as f64 / elapsed.as_secs_f64().max(0.001);
        let round_trip = now.saturating_duration_since(mark.sent_at);
        self.path.add(now, round_trip, rate);
        self.adapt(now);
        self.pacer.adapt(now, &self.path);
    }

    fn average(&mut self, delivered: u64, since_last: Duration) {
        let seconds = since_last.as_secs_f64().max(0.001);
        let weight = seconds / (seconds + RATE_SPAN.as_secs_f64());
        self.delivery_rate += weight * (delivered as f64 / seconds - self.delivery_rate);
    }

    /// Adapts the window to what the path can carry.
    fn adapt(&mut self, now: Instant) {
        let settled = |at| now.saturating_duration_since(at) >= self.path.rtt();
        let capacity = self.path.capacity();
        if self.path.has_queue() {
            if self.shrank.is_none_or(settled) {
                self.shrank = Some(now);
                self.window = capacity.clamp(self.window / 2, self.window);
                self.window_was_full = false;
            }
        } else if !self.path.was_late() {
            if self.window_was_full {
                // Beyond what the rate seems to need, carefully: a queue would be seen late.
                let part = if self.window < capacity { 2 } else { CAUTION };
                self.window += self.window / part;
            }
            self.window_was_full = false;
        }
        self.window = self.window.clamp(MIN_WINDOW, MAX_WINDOW);
    }
}

#[cfg(test)]
mod tests;
