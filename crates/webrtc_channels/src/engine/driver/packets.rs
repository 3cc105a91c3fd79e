//! Packets on their way between the sockets, ICE, DTLS, SCTP and the channels.

use std::time::Instant;

use super::{Driver, End};
use crate::engine::dtls::{DtlsError, DtlsOutput};
use crate::engine::network::{Path, Received};
use sctp_association::SctpEvent;

/// Socket reads in one turn, so that a flood of packets cannot keep commands waiting.
const READS_PER_TURN: usize = 4;
/// DTLS packets kept until the remote description arrives. A handshake starts with a few.
const MAX_EARLY: usize = 8;

impl Driver {
    pub(super) fn receive(&mut self, index: usize, received: &mut Received) {
        for _ in 0..READS_PER_TURN {
            let Some(local) = self.network.receive(index, received) else {
                return;
            };
            let now = Instant::now();
            for (source, packet) in received.datagrams() {
                if !self.network.intercept(local, source, packet, now) {
                    let path = Path {
                        proto: is::Protocol::Udp,
                        local,
                        remote: source,
                    };
                    self.handle_packet(packet, path, now);
                }
            }
        }
    }

    /// Takes in a packet of the peer.
    pub(super) fn handle_packet(&mut self, packet: &[u8], path: Path, now: Instant) {
        // RFC 7983: the first byte tells the protocols apart.
        match packet.first() {
            Some(0..=3) => self.ice.handle_packet(packet, path, now),
            Some(20..=63) => self.handle_dtls(packet, path, now),
            _ => {}
        }
    }

    pub(super) fn handle_dtls(&mut self, packet: &[u8], path: Path, now: Instant) {
        if self.end != End::NotYet {
            return;
        }
        match &mut self.dtls {
            Some(dtls) => {
                self.wire
                    .received(path, packet.len(), now, self.ice.pairs());
                dtls.handle_packet(packet, now);
                if self.poll_dtls(now) {
                    self.ice.pairs().heard(path, now);
                }
            }
            None if self.early.len() < MAX_EARLY => self.early.push_back((path, packet.to_vec())),
            None => {}
        }
    }

    /// Moves everything that is ready.
    pub(super) fn pump(&mut self, now: Instant) {
        while let Some((path, packet)) = self.ice.poll_transmit(now) {
            self.network.send(path, &packet, now);
        }
        for state in self.ice.poll_states(now) {
            self.enter_ice(state);
        }
        self.poll_dtls(now);
        loop {
            self.handle_sctp_events(now);
            if let Some(sctp) = &mut self.sctp {
                self.channels.feed(sctp.as_mut(), now);
            }
            if !self.send_sctp_packets(now) {
                break;
            }
        }
        self.channels.report();
    }

    /// Takes what DTLS has ready. Its packets wait for a path; the handshake repeats them. Answers
    /// whether there was data of the peer.
    pub(super) fn poll_dtls(&mut self, now: Instant) -> bool {
        let Some(dtls) = self.dtls.as_mut().filter(|_| self.end == End::NotYet) else {
            return false;
        };
        let Some(path) = self.ice.path() else {
            return false;
        };
        let mut any = false;
        let (network, sctp) = (&mut self.network, &mut self.sctp);
        let (wire, pairs) = (&mut self.wire, self.ice.pairs());
        let client = self.dtls_client;
        let outcome = dtls.poll(|output| match output {
            DtlsOutput::Packet(packet) => {
                wire.sent(path, packet.len(), now, pairs);
                network.send(path, packet, now);
            }
            DtlsOutput::Connected => *sctp = Some(sctp_association::new(client, now)),
            DtlsOutput::Data(data) => {
                any = true;
                if let Some(sctp) = sctp {
                    sctp.handle_packet(data, now);
                }
            }
        });
        match outcome {
            Ok(()) => {}
            Err(DtlsError::Closed) => self.ended_by_peer("DTLS", now),
            Err(error) => self.fail(error),
        }
        any
    }

    pub(super) fn handle_sctp_events(&mut self, now: Instant) {
        while let Some(sctp) = &mut self.sctp {
            let Some(event) = sctp.poll_event() else {
                return;
            };
            match event {
                SctpEvent::Connected => {
                    self.channels.connect(self.dtls_client, sctp.as_mut(), now);
                }
                SctpEvent::Message {
                    stream,
                    payload,
                    data,
                } => {
                    self.channels
                        .message(stream, payload, data, sctp.as_mut(), now);
                }
                SctpEvent::Sent { stream, bytes } => self.channels.sent(stream, bytes),
                SctpEvent::StreamReset { stream } => self.channels.stream_reset(stream),
                SctpEvent::Closed => {
                    self.ended_by_peer("the SCTP association", now);
                    return;
                }
            }
        }
    }

    /// Encrypts and queues what SCTP has to send, unless the socket is blocked. Answers whether
    /// there was anything.
    pub(super) fn send_sctp_packets(&mut self, now: Instant) -> bool {
        let mut any = false;
        let (Some(path), Some(dtls)) = (self.ice.path(), &mut self.dtls) else {
            return false;
        };
        if let Some(sctp) = &mut self.sctp {
            let reliable = path.proto == is::Protocol::Tcp;
            sctp.set_path(self.ice.path_changes(), reliable, now);
        }
        let mut outcome = Ok(());
        while outcome.is_ok() && !self.network.is_blocked(path) {
            let Some(packet) = self.sctp.as_mut().and_then(|sctp| sctp.poll_packet(now)) else {
                break;
            };
            any = true;
            let (network, wire) = (&mut self.network, &mut self.wire);
            let pairs = self.ice.pairs();
            let mut received = Vec::new();
            outcome = dtls.send(&packet).and_then(|()| {
                dtls.poll(|output| match output {
                    DtlsOutput::Packet(packet) => {
                        wire.sent(path, packet.len(), now, pairs);
                        network.send(path, packet, now);
                    }
                    DtlsOutput::Data(data) => received.push(data.to_vec()),
                    DtlsOutput::Connected => {}
                })
            });
            for data in received {
                if let Some(sctp) = &mut self.sctp {
                    sctp.handle_packet(&data, now);
                }
            }
        }
        match outcome {
            Ok(()) => {}
            Err(DtlsError::Closed) => self.ended_by_peer("DTLS", now),
            Err(error) => self.fail(error),
        }
        any
    }
}
