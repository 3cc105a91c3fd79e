//! A link: a queue without bound, a rate, and a delay behind it. What is lost on it comes again, and
//! holds up what is behind it: the channel is reliable and ordered.

use std::collections::VecDeque;

use bytes::Bytes;
use remote_access_session::{ParticipantId, StreamId};

use super::random::Random;

/// Packet in the transport and the server.
#[derive(Clone, Debug)]
pub(crate) struct Packet {
    pub stream: StreamId,
    pub destinations: Vec<ParticipantId>,
    pub what: What,
}

#[derive(Clone, Debug)]
pub(crate) enum What {
    Open,
    Data(Bytes),
    Close,
    /// Nothing: a packet that was lost for good would have come here.
    Gap,
}

impl Packet {
    /// Bytes on the wire: the data and about what LiveKit and SCTP add to a packet.
    pub(crate) fn size(&self) -> u64 {
        match &self.what {
            What::Data(data) => data.len() as u64 + 100,
            _ => 200,
        }
    }
}

#[derive(Debug)]
pub(crate) struct Link {
    /// Bytes per second.
    pub rate: u64,
    /// Microseconds.
    pub delay: u64,
    /// Packets of a thousand that are lost the first time.
    pub loss: u64,
    /// Carries nothing before this time, in microseconds.
    pub stalled_until: u64,
    random: Random,
    waiting: VecDeque<Packet>,
    waiting_bytes: u64,
    /// Bytes that the link could have carried and that count for the packet in front.
    budget: u64,
    travelling: VecDeque<(u64, Packet)>,
}

impl Link {
    pub(crate) fn new(rate: u64, delay: u64) -> Self {
        Self {
            rate,
            delay,
            loss: 0,
            stalled_until: 0,
            random: Random::new(rate ^ delay),
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            budget: 0,
            travelling: VecDeque::new(),
        }
    }

    pub(crate) fn push(&mut self, packet: Packet) {
        self.waiting_bytes += packet.size();
        self.waiting.push_back(packet);
    }

    /// Bytes that wait to be sent.
    pub(crate) fn waiting(&self) -> u64 {
        self.waiting_bytes - self.budget.min(self.waiting_bytes)
    }

    /// Loses all that is on the way for good.
    pub(crate) fn lose_all(&mut self) -> Vec<Packet> {
        let travelling = std::mem::take(&mut self.travelling).into_iter();
        let mut lost: Vec<Packet> = travelling.map(|(_, packet)| packet).collect();
        lost.extend(std::mem::take(&mut self.waiting));
        (self.waiting_bytes, self.budget) = (0, 0);
        lost
    }

    /// Lets `step` microseconds pass that end at `now`, and takes what has arrived by then.
    pub(crate) fn advance(&mut self, now: u64, step: u64) -> Vec<Packet> {
        if now >= self.stalled_until {
            self.budget += self.rate * step / 1_000_000;
        }
        while let Some(packet) = self.waiting.front() {
            let size = packet.size();
            if size > self.budget {
                break;
            }
            self.budget -= size;
            self.waiting_bytes -= size;
            if let Some(packet) = self.waiting.pop_front() {
                let lost = self.random.range(0, 1000) < self.loss;
                // Seen as missing, asked for and sent again.
                let again = if lost { 2 * self.delay + 20_000 } else { 0 };
                let before = self.travelling.back().map_or(0, |&(at, _)| at);
                let at = before.max(now + self.delay + again);
                self.travelling.push_back((at, packet));
            }
        }
        if self.waiting.is_empty() {
            self.budget = 0;
        }
        let arrived = self.travelling.partition_point(|&(at, _)| at <= now);
        self.travelling
            .drain(..arrived)
            .map(|(_, packet)| packet)
            .collect()
    }
}
