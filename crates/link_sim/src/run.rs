//! Plays a scenario: the loop of virtual time.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::endpoint::{Delivery, Endpoint, Event, Outgoing};
use crate::link::Link;
use crate::report::Report;
use crate::scenario::Scenario;

/// The stream of the bulk, and of the small messages.
const BULK: u16 = 1;
const SMALL: u16 = 3;
const SMALL_BYTES: usize = 100;
/// Each message begins with its number.
const NUMBER: usize = 8;
/// Time limit of the handshake.
const PATIENCE: Duration = Duration::from_secs(60);
/// Turns in which no time passes before an endpoint counts as broken: one that always wants to be
/// called at once.
const MAX_SPINS: u32 = 100_000;

/// Plays a scenario. `ends` are the sender and the receiver, both of which take `start` for the time
/// of their creation.
///
/// # Panics
/// Messages arrive out of order, doubled or changed, or an endpoint wants to be called without end.
pub fn run(scenario: &Scenario, ends: [Box<dyn Endpoint>; 2], start: Instant, seed: u64) -> Report {
    let links = [2 * seed, 2 * seed + 1].map(|seed| Link::new(scenario.link.clone(), seed));
    let mut run = Run {
        scenario,
        ends,
        links,
        start,
        now: Duration::ZERO,
        flying: BinaryHeap::new(),
        packets: BTreeMap::new(),
        next_packet: 0,
        up: [false; 2],
        began: None,
        small_sent: VecDeque::new(),
        next_small: Duration::MAX,
        bulk_number: 0,
        bulk_expected: 0,
        small_number: 0,
        bulk_unconfirmed: 0,
        confirmations: VecDeque::new(),
        last_bulk: Duration::ZERO,
        report: Report::default(),
    };
    run.play();
    run.finish()
}

struct Run<'a> {
    scenario: &'a Scenario,
    ends: [Box<dyn Endpoint>; 2],
    links: [Link; 2],
    start: Instant,
    /// Virtual time since `start`.
    now: Duration,
    /// Arrivals, with the number of the packet and the end it goes to.
    flying: BinaryHeap<Reverse<(Duration, u64, usize)>>,
    packets: BTreeMap<u64, Bytes>,
    next_packet: u64,
    up: [bool; 2],
    /// When both ends were connected.
    began: Option<Duration>,
    /// Small messages under way: when each was made, and its number.
    small_sent: VecDeque<(Duration, u64)>,
    next_small: Duration,
    bulk_number: u64,
    bulk_expected: u64,
    small_number: u64,
    /// Bytes of bulk that the sending application does not know to have arrived.
    bulk_unconfirmed: usize,
    /// When it will know of how many bytes.
    confirmations: VecDeque<(Duration, usize)>,
    last_bulk: Duration,
    report: Report,
}

impl Run<'_> {
    fn instant(&self) -> Instant {
        self.start + self.now
    }

    fn end(&self) -> Duration {
        match self.began {
            Some(began) => began + self.scenario.time,
            None => PATIENCE,
        }
    }

    fn play(&mut self) {
        let mut spins = 0;
        while self.report.died.is_none() {
            self.act();
            let next = self.next_time();
            let end = self.end();
            if next >= end {
                self.now = end;
                return;
            }
            spins = if next <= self.now { spins + 1 } else { 0 };
            assert!(spins < MAX_SPINS, "time stands still at {:?}", self.now);
            self.now = self.now.max(next);
            self.arrive();
            let now = self.instant();
            for end in &mut self.ends {
                if end.poll_timeout(now).is_some_and(|at| at <= now) {
                    end.handle_timeout(now);
                }
            }
        }
    }

    fn next_time(&self) -> Duration {
        let now = self.instant();
        let timers = self
            .ends
            .iter()
            .filter_map(|end| end.poll_timeout(now))
            .map(|at| at.saturating_duration_since(self.start));
        let arrival = self.flying.peek().map(|Reverse((at, ..))| *at);
        let confirmation = self.confirmations.front().map(|(at, _)| *at);
        timers
            .chain(arrival)
            .chain(confirmation)
            .chain([self.next_small])
            .min()
            .unwrap_or(Duration::MAX)
    }

    /// Everything that is to be done now: events, new messages, packets.
    fn act(&mut self) {
        loop {
            self.take_events();
            if self.began.is_some() && self.report.died.is_none() {
                self.make_messages();
            }
            let mut any = false;
            for from in 0..2 {
                any |= self.send_packets(from);
            }
            if !any {
                return;
            }
        }
    }

    fn send_packets(&mut self, from: usize) -> bool {
        let now = self.instant();
        let mut any = false;
        while let Some(packet) = self.ends[from].poll_packet(now) {
            any = true;
            if let Some(arrival) = self.links[from].send(packet.len(), self.now) {
                self.flying
                    .push(Reverse((arrival, self.next_packet, 1 - from)));
                self.packets.insert(self.next_packet, packet);
                self.next_packet += 1;
            }
        }
        any
    }

    fn arrive(&mut self) {
        while let Some(Reverse((at, number, to))) = self.flying.peek().copied() {
            if at > self.now {
                return;
            }
            self.flying.pop();
            if let Some(packet) = self.packets.remove(&number) {
                let now = self.instant();
                self.ends[to].handle_packet(&packet, now);
            }
        }
    }

    fn take_events(&mut self) {
        for index in 0..2 {
            while let Some(event) = self.ends[index].poll_event() {
                match event {
                    Event::Connected => self.up[index] = true,
                    Event::Message { stream, data } => self.take_message(stream, &data),
                    Event::Closed => self.report.died = Some(self.now),
                }
            }
        }
        if self.up == [true; 2] && self.began.is_none() {
            self.began = Some(self.now);
            self.last_bulk = self.now;
            if self.scenario.traffic.small_every.is_some() {
                self.next_small = self.now;
            }
        }
    }

    fn take_message(&mut self, stream: u16, data: &[u8]) {
        let Some(number) = data.first_chunk::<NUMBER>().copied() else {
            panic!("a message of {} bytes arrived", data.len());
        };
        let number = u64::from_le_bytes(number);
        if stream == SMALL {
            assert_eq!(data.len(), SMALL_BYTES);
            let at = self.small_sent.iter().position(|(_, sent)| *sent == number);
            let Some((made, _)) = at.and_then(|at| self.small_sent.remove(at)) else {
                panic!("small message {number} was not under way");
            };
            let in_order = at == Some(0) || self.scenario.traffic.small_lossy;
            assert!(in_order, "small message {number} overtook another");
            self.report.small_ages.push(self.now - made);
            return;
        }
        assert_eq!(number, self.bulk_expected, "bulk out of order or doubled");
        assert_eq!(data.len(), self.scenario.traffic.bulk_message);
        self.bulk_expected += 1;
        self.report.bulk_bytes += data.len() as u64;
        self.confirmations
            .push_back((self.now + self.scenario.link.delay, data.len()));
        self.report.longest_stall = self.report.longest_stall.max(self.now - self.last_bulk);
        self.last_bulk = self.now;
        let over = self.scenario.link.outage.as_ref().map(|outage| outage.end);
        if let Some(since) = over.and_then(|over| self.now.checked_sub(over)) {
            self.report.recovery.get_or_insert(since);
            if since < Duration::from_secs(10) {
                self.report.bytes_after_outage += data.len() as u64;
            }
        }
    }

    fn make_messages(&mut self) {
        while let Some(&(at, bytes)) = self.confirmations.front() {
            if at > self.now {
                break;
            }
            self.confirmations.pop_front();
            self.bulk_unconfirmed -= bytes;
        }
        let now = self.instant();
        let traffic = &self.scenario.traffic;
        while self.next_small <= self.now {
            let delivery = match traffic.small_lossy {
                true => Delivery::Lossy,
                false => Delivery::Reliable,
            };
            let message = Outgoing {
                stream: SMALL,
                data: numbered(self.small_number, SMALL_BYTES),
                delivery,
            };
            self.ends[0].send(message, now);
            self.small_sent
                .push_back((self.next_small, self.small_number));
            self.small_number += 1;
            self.next_small += traffic.small_every.unwrap_or(Duration::MAX);
        }
        let window = traffic.window.unwrap_or(usize::MAX);
        while self.ends[0].buffered(BULK) < traffic.backlog
            && self.bulk_unconfirmed + traffic.bulk_message <= window
        {
            let message = Outgoing {
                stream: BULK,
                data: numbered(self.bulk_number, traffic.bulk_message),
                delivery: Delivery::Reliable,
            };
            self.ends[0].send(message, now);
            self.bulk_number += 1;
            self.bulk_unconfirmed += traffic.bulk_message;
        }
    }

    fn finish(mut self) -> Report {
        let began = self.began.unwrap_or(self.now);
        let report = &mut self.report;
        if self.began.is_none() {
            report.died.get_or_insert(self.now);
        }
        report.time = self.now - began;
        report.longest_stall = report.longest_stall.max(self.now - self.last_bulk);
        if !self.scenario.traffic.small_lossy {
            let late = self.small_sent.iter();
            report
                .small_ages
                .extend(late.map(|(made, _)| self.now - *made));
        }
        report.small_ages.sort();
        let link = &self.links[0];
        report.wire_bytes = link.sent_bytes();
        report.packets_lost = link.lost();
        report.packets_overflowed = link.overflowed();
        report.longest_queue = link.longest_wait();
        self.report
    }
}

fn numbered(number: u64, bytes: usize) -> Bytes {
    let mut data = vec![7; bytes];
    data[..NUMBER].copy_from_slice(&number.to_le_bytes());
    data.into()
}
