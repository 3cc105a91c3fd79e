//! Everything that carries packets: UDP sockets, TCP connections, TURN servers.
//!
//! The driver sees packets with the [`Path`] they took, and events about local candidates. How to
//! find candidates is in [`gather`].

mod changes;
mod clock;
mod gather;
mod gathering;
mod ice_tcp;
mod interfaces;
mod links;
#[cfg(test)]
mod namespace;
mod reflexive;
mod relay;
mod servers;
mod sockets;
mod stream;
mod tls;
mod turn_frame;

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use is::Protocol;
use mio::{Events, Poll, Token};

use super::shared::Shared;
use changes::Changes;
use clock::Clock;
use gathering::Gathering;
pub(super) use gathering::{Found, NetworkEvent};
use ice_tcp::IceTcp;
use reflexive::Query;
use relay::Relay;
#[cfg(fuzzing)]
pub(super) use servers::parse_servers;
pub(super) use sockets::Received;
use sockets::Sockets;
#[cfg(fuzzing)]
pub(super) use turn_frame::next as next_turn_message;

/// The poll token of the waker; sockets and connections count from 0.
pub(super) const WAKER: Token = Token(usize::MAX);
/// Bytes read from a TCP connection in one call.
const STREAM_READ: usize = 64 * 1024;
/// Packets that may wait between two turns of the driver. TCP is read in larger pieces than the
/// driver takes; what does not fit is dropped, as a full network would do.
const MAX_INBOUND: usize = 4096;

/// The local candidate and the remote address that a packet travels between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Path {
    /// UDP for sockets and relays, TCP for ICE-TCP.
    pub(super) proto: Protocol,
    /// The address of a socket, of a relay, or of a TCP candidate.
    pub(super) local: SocketAddr,
    pub(super) remote: SocketAddr,
}

pub(super) struct Network {
    poll: Poll,
    events: Events,
    next_token: usize,
    clock: Clock,
    sockets: Sockets,
    tcp: IceTcp,
    queries: Vec<Query>,
    relays: Vec<Relay>,
    gathering: Gathering,
    changes: Changes,
    /// Packets that came through relays and TCP connections.
    inbound: VecDeque<(Path, Vec<u8>)>,
    stream_buffer: Vec<u8>,
}

impl Network {
    pub(super) fn new(poll: Poll, shared: Arc<Shared>, now: Instant) -> Self {
        let changes = Changes::watch(poll.registry());
        Self {
            poll,
            events: Events::with_capacity(64),
            next_token: 0,
            clock: Clock::new(now),
            sockets: Sockets::default(),
            tcp: IceTcp::default(),
            queries: Vec::new(),
            relays: Vec::new(),
            gathering: Gathering::new(shared),
            changes,
            inbound: VecDeque::new(),
            stream_buffer: Vec::new(),
        }
    }

    fn token(next: &mut usize) -> Token {
        *next += 1;
        Token(*next - 1)
    }

    /// Waits until something can be read or written, the waker calls, or the time is over. With
    /// packets left to read it does not wait at all.
    pub(super) fn wait(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        let unread = self.sockets.has_unread()
            || self.tcp.has_unread()
            || self.relays.iter().any(Relay::has_unread);
        let timeout = if unread {
            Some(Duration::ZERO)
        } else {
            timeout
        };
        match self.poll.poll(&mut self.events, timeout) {
            Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
        for event in &self.events {
            if self.changes.take(event) {
                self.gathering.has_news = true;
            } else if !self.sockets.handle_event(event) && !self.tcp.handle_event(event) {
                for relay in &mut self.relays {
                    relay.handle_event(event);
                }
            }
        }
        Ok(())
    }

    /// Number of sockets for [`receive`](Self::receive).
    pub(super) fn sockets(&self) -> usize {
        self.sockets.len()
    }

    /// Reads from the socket with this index. `None` means that it has no more, or does not exist.
    pub(super) fn receive(&mut self, index: usize, into: &mut Received) -> Option<SocketAddr> {
        self.sockets.receive(index, into)
    }

    /// Takes a datagram that came from a STUN or TURN server. Answers `false` if it did not: then
    /// it is the peer's.
    pub(super) fn intercept(
        &mut self,
        local: SocketAddr,
        source: SocketAddr,
        packet: &[u8],
        now: Instant,
    ) -> bool {
        let clock = self.clock;
        for query in &mut self.queries {
            if query.handle_packet((local, source), packet, clock, now) {
                return true;
            }
        }
        let Some(relay) = self.relays.iter_mut().find(|r| r.owns(local, source)) else {
            return false;
        };
        let relayed = relay.relayed();
        let (sockets, inbound) = (&mut self.sockets, &mut self.inbound);
        relay.handle_packet(packet, now, &mut udp(sockets), &mut |peer, data| {
            keep(inbound, relayed, peer, data);
        });
        true
    }

    /// Reads from all TCP connections; [`poll_packet`](Self::poll_packet) follows.
    pub(super) fn read_streams(&mut self, now: Instant) {
        if !self.tcp.has_unread() && !self.relays.iter().any(Relay::has_unread) {
            return;
        }
        self.stream_buffer.resize(STREAM_READ, 0);
        let (sockets, inbound) = (&mut self.sockets, &mut self.inbound);
        let buffer = &mut self.stream_buffer;
        self.tcp
            .read(buffer, self.poll.registry(), |local, remote, packet| {
                if inbound.len() < MAX_INBOUND {
                    let proto = Protocol::Tcp;
                    let path = Path {
                        proto,
                        local,
                        remote,
                    };
                    inbound.push_back((path, packet));
                }
            });
        for relay in &mut self.relays {
            let relayed = relay.relayed();
            relay.read(buffer, now, &mut udp(sockets), &mut |peer, data| {
                keep(inbound, relayed, peer, data);
            });
        }
    }

    /// The next packet that came through a relay or a TCP connection.
    pub(super) fn poll_packet(&mut self) -> Option<(Path, Vec<u8>)> {
        self.inbound.pop_front()
    }

    /// Queues a packet; [`flush`](Self::flush) sends it.
    pub(super) fn send(&mut self, path: Path, packet: &[u8], now: Instant) {
        if path.proto == Protocol::Tcp {
            let next = &mut self.next_token;
            let registry = self.poll.registry();
            let ends = (path.local, path.remote);
            let device = self.gathering.device(path.local.ip());
            self.tcp
                .send(ends, device, packet, now, || Self::token(next), registry);
        } else if !self.sockets.send(path.local, path.remote, packet) {
            let sockets = &mut self.sockets;
            match self
                .relays
                .iter_mut()
                .find(|relay| relay.relayed() == Some(path.local))
            {
                Some(relay) => relay.send(path.remote, packet, now, &mut udp(sockets)),
                None => log::debug!("nothing sends from {}", path.local),
            }
        }
    }

    pub(super) fn flush(&mut self) {
        self.sockets.flush();
        self.tcp.flush();
        for relay in &mut self.relays {
            relay.flush();
        }
    }

    /// Whether packets of this path wait for the kernel, so that more should not be produced.
    pub(super) fn is_blocked(&self, path: Path) -> bool {
        if path.proto == Protocol::Tcp {
            return self.tcp.is_blocked(path.local, path.remote);
        }
        self.sockets.is_blocked(path.local)
            || self.relays.iter().any(|relay| {
                relay.relayed() == Some(path.local)
                    && (relay.is_blocked() || self.sockets.is_blocked(relay.local))
            })
    }

    /// Gives back what servers keep for this connection.
    pub(super) fn close(&mut self, now: Instant) {
        for relay in std::mem::take(&mut self.relays) {
            relay.close(now, &mut udp(&mut self.sockets), self.poll.registry());
        }
        self.flush();
    }
}

/// Sends packets of TURN clients on the sockets.
fn udp(sockets: &mut Sockets) -> impl FnMut(SocketAddr, SocketAddr, &[u8]) + '_ {
    |local, remote, packet| {
        if !sockets.send(local, remote, packet) {
            log::debug!("no socket at {local}");
        }
    }
}

/// Keeps a packet that came through a relay.
fn keep(
    inbound: &mut VecDeque<(Path, Vec<u8>)>,
    relayed: Option<SocketAddr>,
    peer: SocketAddr,
    data: &[u8],
) {
    if let Some(local) = relayed.filter(|_| inbound.len() < MAX_INBOUND) {
        let path = Path {
            proto: Protocol::Udp,
            local,
            remote: peer,
        };
        inbound.push_back((path, data.to_vec()));
    }
}
