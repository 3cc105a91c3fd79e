//! Traffic of each pair of candidates: for statistics, and to notice a path that is dead.
//!
//! The agent tells of one pair, the one that data takes. So its packets are looked at on their way.

use std::time::{Duration, Instant};

use super::liveness::Liveness;
use crate::engine::network::Path;

/// Pairs that are counted at most. A peer may show ever new addresses.
const MAX_PAIRS: usize = 256;
/// Bytes of a STUN message before its transaction identifier, and of that.
const STUN_TRANSACTION: std::ops::Range<usize> = 8..20;

/// Packets of data in one direction.
#[derive(Debug, Default, Clone)]
pub(in crate::engine) struct Count {
    pub(in crate::engine) packets: u64,
    pub(in crate::engine) bytes: u64,
    pub(in crate::engine) last: Option<Instant>,
}

impl Count {
    pub(in crate::engine) fn add(&mut self, bytes: usize, now: Instant) {
        self.packets += 1;
        self.bytes += bytes as u64;
        self.last = Some(now);
    }
}

/// A pair of candidates that carried packets.
#[derive(Debug)]
pub(in crate::engine) struct Pair {
    pub(in crate::engine) path: Path,
    /// Data, without checks.
    pub(in crate::engine) sent: Count,
    pub(in crate::engine) received: Count,
    pub(in crate::engine) requests_sent: u64,
    /// Of these, before the first response came. Those after it ask for consent.
    pub(in crate::engine) first_requests: u64,
    pub(in crate::engine) requests_received: u64,
    pub(in crate::engine) responses_sent: u64,
    pub(in crate::engine) responses_received: u64,
    pub(in crate::engine) round_trip: Duration,
    pub(in crate::engine) total_round_trip: Duration,
    /// When an authenticated packet came last, and when a response did.
    pub(super) heard: Option<Instant>,
    pub(super) answered: Option<Instant>,
    /// The last request, and when it left.
    pub(in crate::engine) asked: Option<([u8; 12], Instant)>,
}

impl Pair {
    pub(super) fn new(path: Path) -> Self {
        Self {
            path,
            sent: Count::default(),
            received: Count::default(),
            requests_sent: 0,
            first_requests: 0,
            requests_received: 0,
            responses_sent: 0,
            responses_received: 0,
            round_trip: Duration::ZERO,
            total_round_trip: Duration::ZERO,
            heard: None,
            answered: None,
            asked: None,
        }
    }
}

/// A message of ICE.
enum Check {
    Request([u8; 12]),
    Response([u8; 12]),
}

impl Check {
    fn read(packet: &[u8]) -> Option<Self> {
        let transaction = packet.get(STUN_TRANSACTION)?.try_into().ok()?;
        match packet {
            [0x00, 0x01, ..] => Some(Self::Request(transaction)),
            [0x01, 0x01, ..] => Some(Self::Response(transaction)),
            _ => None,
        }
    }
}

/// All pairs that carried packets, oldest first.
#[derive(Debug, Default)]
pub(in crate::engine) struct Pairs {
    pairs: Vec<Pair>,
    /// Where the last one was found: most packets take the same pair.
    latest: usize,
    /// The path that data takes, and whether it is alive.
    watched: Option<Path>,
    pub(super) liveness: Liveness,
}

impl Pairs {
    pub(in crate::engine) fn iter(&self) -> impl Iterator<Item = &Pair> {
        self.pairs.iter()
    }

    /// Watches another path from now on.
    pub(super) fn watch(&mut self, path: Path) {
        self.watched = Some(path);
        self.liveness = Liveness::default();
    }

    fn asked(&mut self, path: Path, now: Instant) {
        if self.watched == Some(path) {
            self.liveness.asked(now);
        }
    }

    /// An authenticated packet came over a path.
    pub(in crate::engine) fn heard(&mut self, path: Path, now: Instant) {
        if self.watched == Some(path) {
            self.liveness.heard();
        }
        if let Some(index) = self.find(path) {
            self.pairs[index].heard = Some(now);
        }
    }

    /// When a response came last over a path: the peer's consent to send to it.
    pub(super) fn answered(&mut self, path: Path) -> Option<Instant> {
        let index = self.find(path)?;
        self.pairs[index].answered
    }

    /// Forgets pairs, whose candidates are gone.
    pub(super) fn retain(&mut self, keep: impl Fn(&Path) -> bool) {
        self.pairs.retain(|pair| keep(&pair.path));
    }

    pub(super) fn check_sent(&mut self, path: Path, packet: &[u8], now: Instant) {
        let check = Check::read(packet);
        if let Some(Check::Request(_)) = check {
            self.asked(path, now);
        }
        let Some(pair) = self.at(path) else { return };
        match check {
            Some(Check::Request(transaction)) => {
                pair.requests_sent += 1;
                if pair.responses_received == 0 {
                    pair.first_requests += 1;
                }
                pair.asked = Some((transaction, now));
            }
            Some(Check::Response(_)) => pair.responses_sent += 1,
            None => {}
        }
    }

    /// The agent accepted a packet.
    pub(super) fn check_received(&mut self, path: Path, packet: &[u8], now: Instant) {
        if self.at(path).is_some() {
            self.heard(path, now);
        }
        let Some(pair) = self.at(path) else { return };
        match Check::read(packet) {
            Some(Check::Request(_)) => pair.requests_received += 1,
            Some(Check::Response(transaction)) => {
                pair.responses_received += 1;
                pair.answered = Some(now);
                if let Some((_, left)) = pair.asked.filter(|(asked, _)| *asked == transaction) {
                    pair.round_trip = now.saturating_duration_since(left);
                    pair.total_round_trip += pair.round_trip;
                }
            }
            None => {}
        }
    }

    pub(in crate::engine) fn data_sent(&mut self, path: Path, bytes: usize, now: Instant) {
        self.asked(path, now);
        if let Some(pair) = self.at(path) {
            pair.sent.add(bytes, now);
        }
    }

    /// Data may come from anywhere, so only pairs that checks made known count.
    pub(in crate::engine) fn data_received(&mut self, path: Path, bytes: usize, now: Instant) {
        if let Some(index) = self.find(path) {
            self.pairs[index].received.add(bytes, now);
        }
    }

    fn find(&mut self, path: Path) -> Option<usize> {
        let is_it = |pair: &Pair| pair.path == path;
        if !self.pairs.get(self.latest).is_some_and(is_it) {
            self.latest = self.pairs.iter().position(is_it)?;
        }
        Some(self.latest)
    }

    /// The pair of a path, a new one if need be. `None` if there are too many.
    fn at(&mut self, path: Path) -> Option<&mut Pair> {
        let index = match self.find(path) {
            Some(index) => index,
            None if self.pairs.len() < MAX_PAIRS => {
                self.pairs.push(Pair::new(path));
                self.pairs.len() - 1
            }
            None => return None,
        };
        self.pairs.get_mut(index)
    }
}

#[cfg(test)]
mod tests {
    use is::Protocol;

    use super::*;

    fn path(port: u16) -> Path {
        Path {
            proto: Protocol::Udp,
            local: ([192, 0, 2, 1], 1).into(),
            remote: ([192, 0, 2, 2], port).into(),
        }
    }

    fn message(kind: [u8; 2], transaction: u8) -> Vec<u8> {
        let mut message = vec![transaction; 20];
        message[..2].copy_from_slice(&kind);
        message
    }

    #[test]
    fn each_pair_has_its_own_requests_and_round_trip() {
        let (mut pairs, now) = (Pairs::default(), Instant::now());
        let later = now + Duration::from_millis(30);
        for port in [1, 2] {
            pairs.check_sent(path(port), &message([0, 1], 7), now);
        }
        pairs.check_received(path(1), &message([1, 1], 7), later);
        // Of a request that was never sent.
        pairs.check_received(path(1), &message([1, 1], 8), later + Duration::from_secs(5));
        pairs.check_sent(path(1), &message([0, 1], 9), later);
        pairs.check_received(path(2), &message([0, 1], 1), later);
        pairs.check_sent(path(2), &message([1, 1], 1), later);
        pairs.data_sent(path(1), 100, now);
        pairs.data_received(path(3), 100, now);
        let [one, two] = &pairs.pairs[..] else {
            panic!("{pairs:?}")
        };
        assert_eq!((one.requests_sent, one.first_requests), (2, 1));
        assert_eq!((one.responses_received, one.sent.bytes), (2, 100));
        assert_eq!(one.total_round_trip, Duration::from_millis(30));
        assert_eq!((two.requests_sent, two.responses_received), (1, 0));
        assert_eq!((two.requests_received, two.responses_sent), (1, 1));
        pairs.retain(|kept| *kept == path(2));
        pairs.data_sent(path(2), 5, now);
        assert_eq!(pairs.pairs[0].sent.bytes, 5);
    }

    #[test]
    fn a_peer_of_many_addresses_costs_little() {
        let (mut pairs, now) = (Pairs::default(), Instant::now());
        for port in 0..10_000 {
            pairs.check_received(path(port), &message([0, 1], 1), now);
        }
        assert_eq!(pairs.pairs.len(), MAX_PAIRS);
    }
}
