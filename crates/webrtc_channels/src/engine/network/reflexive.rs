//! Asks a STUN server under which address it sees a socket (RFC 8489): a server-reflexive candidate.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use stun_proto::agent::{StunAgent, StunAgentPollRet};
use stun_proto::types::attribute::XorMappedAddress;
use stun_proto::types::message::{Message, MessageWriteVec, BINDING};
use stun_proto::types::prelude::MessageWrite;
use stun_proto::types::TransportType;

use super::clock::Clock;

/// The first repetition comes after this; each further wait doubles. Six requests take 9.5 s.
const FIRST_WAIT: Duration = Duration::from_millis(250);
const MAX_WAIT: Duration = Duration::from_secs(8);
const REPETITIONS: u32 = 5;
const LAST_WAIT: Duration = Duration::from_secs(2);

/// State of a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Pending,
    Mapped(SocketAddr),
    /// There was no answer, or a useless one.
    None,
}

/// One question to one server from one socket.
pub(super) struct Query {
    agent: StunAgent,
    /// The first request, until it is sent.
    first: Option<Vec<u8>>,
    pub(super) url: String,
    pub(super) local: SocketAddr,
    pub(super) server: SocketAddr,
    pub(super) answer: Answer,
    /// The answer was made known.
    pub(super) reported: bool,
    deadline: Option<Instant>,
}

impl Query {
    /// Begins to ask.
    pub(super) fn new(
        url: String,
        local: SocketAddr,
        server: SocketAddr,
        clock: Clock,
        now: Instant,
    ) -> Self {
        let mut agent = StunAgent::builder(TransportType::Udp, local)
            .remote_addr(server)
            .request_retransmits(FIRST_WAIT, MAX_WAIT, REPETITIONS, LAST_WAIT)
            .build();
        let request = Message::builder_request(BINDING, MessageWriteVec::new()).finish();
        let first = match agent.send_request(request, server, clock.to_proto(now)) {
            Ok(transmit) => Some(transmit.data.to_vec()),
            Err(error) => {
                log::debug!("STUN to {server}: {error}");
                None
            }
        };
        let answer = match first {
            Some(_) => Answer::Pending,
            None => Answer::None,
        };
        Self {
            agent,
            first,
            url,
            local,
            server,
            answer,
            reported: false,
            deadline: Some(now),
        }
    }

    pub(super) fn is_pending(&self) -> bool {
        self.answer == Answer::Pending
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.deadline.filter(|_| self.is_pending())
    }

    /// Hands the request to `send` when its time has come.
    pub(super) fn handle_timeout(
        &mut self,
        clock: Clock,
        now: Instant,
        mut send: impl FnMut(&[u8]),
    ) {
        if self.deadline().is_none_or(|at| now < at) {
            return;
        }
        if let Some(first) = self.first.take() {
            send(&first);
        }
        let at = clock.to_proto(now);
        loop {
            match self.agent.poll(at) {
                StunAgentPollRet::WaitUntil(until) => {
                    self.deadline = Some(clock.to_std(until).max(now));
                }
                _ => {
                    self.answer = Answer::None;
                    return;
                }
            }
            let Some(transmit) = self.agent.poll_transmit(at) else {
                return;
            };
            send(transmit.data);
        }
    }

    /// Takes in a packet, if it is the answer.
    pub(super) fn handle_packet(
        &mut self,
        (local, source): (SocketAddr, SocketAddr),
        packet: &[u8],
        clock: Clock,
        now: Instant,
    ) -> bool {
        if !self.is_pending() || local != self.local || source != self.server {
            return false;
        }
        let Ok(message) = Message::from_bytes(packet) else {
            return false;
        };
        let at = clock.to_proto(now);
        let ours = message.is_response()
            && self
                .agent
                .handle_stun_message_with_time(&message, source, at);
        if !ours {
            return false;
        }
        let mapped = message.attribute::<XorMappedAddress>();
        self.answer = match mapped {
            Ok(mapped) => Answer::Mapped(mapped.addr(message.transaction_id())),
            Err(_) => Answer::None,
        };
        true
    }
}
