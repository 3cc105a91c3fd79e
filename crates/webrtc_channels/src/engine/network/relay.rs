//! One allocation on a TURN server (RFC 8656): an address there at which the peer can reach us.
//!
//! The protocol is the sans-IO crate `turn-client-proto`. Packets of the client travel on one of
//! the UDP sockets, or on a TCP connection of its own, with or without TLS.

use std::collections::{BTreeSet, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use mio::event::Event;
use mio::Registry;
use turn_client_proto::api::{TurnConfig, TurnEvent, TurnPollRet, TurnRecvRet};
use turn_client_proto::prelude::*;
use turn_client_proto::stun::agent::Transmit;
use turn_client_proto::tcp::TurnClientTcp;
use turn_client_proto::types::{AddressFamily, TransportType, TurnCredentials};
use turn_client_proto::udp::TurnClientUdp;

use super::clock::Clock;
use super::servers::Service;
use super::stream::{Outcome, Stream};
use super::turn_frame::{self as frame, NotTurn};

/// A server that has not granted an address after this has failed.
const PATIENCE: Duration = Duration::from_secs(10);
/// Peers that may be reached through one allocation. A server announces a few addresses.
const MAX_PEERS: usize = 32;
/// Packets that wait for the permission to send to their peer.
const MAX_HELD: usize = 32;
/// Bytes read in one turn, so that a flood cannot keep others waiting.
const READ_PER_TURN: usize = 256 * 1024;

turn_client_proto::impl_client!(Client, (Udp, TurnClientUdp), (Tcp, TurnClientTcp));

/// Transport of the client to its server.
enum Carrier {
    /// On the socket at the client's local address.
    Socket,
    Stream(Box<Stream>),
}

/// State of an allocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Pending,
    /// The peer can reach us at this address.
    Granted(SocketAddr),
    /// Refused, unreachable or lost.
    Gone,
}

pub(super) struct Relay {
    client: Client,
    carrier: Carrier,
    pub(super) service: Service,
    pub(super) url: String,
    /// The address of the interface it was asked from.
    pub(super) local: SocketAddr,
    pub(super) server: SocketAddr,
    pub(super) standing: Standing,
    /// The address was made known.
    pub(super) reported: bool,
    granted: Option<SocketAddr>,
    clock: Clock,
    deadline: Option<Instant>,
    give_up_at: Instant,
    /// Peers that channels were asked for.
    channels: BTreeSet<SocketAddr>,
    /// Peers that permissions were asked for.
    permitted: BTreeSet<IpAddr>,
    /// Received part of a message over TCP.
    inbound: BytesMut,
    /// Packets that wait for a permission.
    held: VecDeque<(SocketAddr, Vec<u8>)>,
}

/// Sends a client's packets on a UDP socket.
pub(super) type SendUdp<'a> = &'a mut dyn FnMut(SocketAddr, SocketAddr, &[u8]);

impl Relay {
    /// Asks for an allocation, over the UDP socket at `local` or over a connection.
    pub(super) fn new(
        (service, url): (Service, String),
        (username, password): (&str, &str),
        (local, server): (SocketAddr, SocketAddr),
        stream: Option<Stream>,
        clock: Clock,
        now: Instant,
    ) -> Self {
        let mut config = TurnConfig::new(TurnCredentials::new(username, password));
        // An IPv6 server relays for IPv6; one that cannot says so.
        config.set_address_family(if server.is_ipv6() {
            AddressFamily::IPV6
        } else {
            AddressFamily::IPV4
        });
        let (client, carrier) = match stream {
            Some(stream) => (
                Client::Tcp(TurnClientTcp::allocate(local, server, config)),
                Carrier::Stream(Box::new(stream)),
            ),
            None => (
                Client::Udp(TurnClientUdp::allocate(local, server, config)),
                Carrier::Socket,
            ),
        };
        Self {
            client,
            carrier,
            service,
            url,
            local,
            server,
            standing: Standing::Pending,
            reported: false,
            granted: None,
            clock,
            deadline: Some(now),
            give_up_at: now + PATIENCE,
            channels: BTreeSet::new(),
            permitted: BTreeSet::new(),
            inbound: BytesMut::new(),
            held: VecDeque::new(),
        }
    }

    /// The address the peer sees, once there is one.
    pub(super) fn relayed(&self) -> Option<SocketAddr> {
        match self.standing {
            Standing::Granted(address) => Some(address),
            _ => None,
        }
    }

    /// The address that was granted, even if it is lost.
    pub(super) fn was_granted(&self) -> Option<SocketAddr> {
        self.granted
    }

    pub(super) fn is_gone(&self) -> bool {
        self.standing == Standing::Gone
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        let give_up = (self.standing == Standing::Pending).then_some(self.give_up_at);
        self.deadline
            .into_iter()
            .chain(give_up)
            .min()
            .filter(|_| !self.is_gone())
    }

    pub(super) fn is_blocked(&self) -> bool {
        match &self.carrier {
            Carrier::Socket => false,
            Carrier::Stream(stream) => stream.is_blocked(),
        }
    }

    pub(super) fn has_unread(&self) -> bool {
        match &self.carrier {
            Carrier::Socket => false,
            Carrier::Stream(stream) => stream.readable && !self.is_gone(),
        }
    }

    pub(super) fn handle_event(&mut self, event: &Event) -> bool {
        match &mut self.carrier {
            Carrier::Stream(stream) if stream.token == event.token() => {
                stream.handle_event(event);
                true
            }
            _ => false,
        }
    }

    pub(super) fn flush(&mut self) {
        if let Carrier::Stream(stream) = &mut self.carrier {
            stream.flush();
        }
    }

    /// Whether packets from this source on this socket are the server's.
    pub(super) fn owns(&self, local: SocketAddr, source: SocketAddr) -> bool {
        matches!(self.carrier, Carrier::Socket)
            && self.local == local
            && self.server == source
            && !self.is_gone()
    }

    /// Sends a packet to a peer through the server.
    pub(super) fn send(&mut self, peer: SocketAddr, packet: &[u8], now: Instant, udp: SendUdp<'_>) {
        if self.relayed().is_none() {
            return;
        }
        let at = self.clock.to_proto(now);
        if !self.client.have_permission(TransportType::Udp, peer.ip()) {
            if self.permitted.len() < MAX_PEERS && self.permitted.insert(peer.ip()) {
                if let Err(error) = self
                    .client
                    .create_permission(TransportType::Udp, peer.ip(), at)
                {
                    log::debug!("TURN permission for {}: {error}", peer.ip());
                }
                self.transmit(now, udp);
            }
            if self.held.len() < MAX_HELD && self.permitted.contains(&peer.ip()) {
                self.held.push_back((peer, packet.to_vec()));
            }
            return;
        }
        // Checks come first; what follows them is worth the smaller header of a channel.
        let is_check = packet.first().is_some_and(|first| *first <= 3);
        if !is_check && self.channels.len() < MAX_PEERS && self.channels.insert(peer) {
            if let Err(error) = self.client.bind_channel(TransportType::Udp, peer, at) {
                log::debug!("TURN channel for {peer}: {error}");
            }
            self.transmit(now, udp);
        }
        match self.client.send_to(TransportType::Udp, peer, packet, at) {
            Ok(Some(transmit)) => {
                let transmit = transmit.build();
                self.emit(&transmit.data, udp);
            }
            Ok(None) => {}
            Err(error) => log::debug!("TURN to {peer}: {error}"),
        }
    }

    fn emit(&mut self, bytes: &[u8], udp: SendUdp<'_>) {
        match &mut self.carrier {
            Carrier::Socket => udp(self.local, self.server, bytes),
            Carrier::Stream(stream) => {
                // The client does not pad what it puts on a channel; over TCP it must be.
                let padding = &[0; 3][..frame::padding(bytes)];
                if !stream.push(&[bytes, padding]) {
                    log::debug!("packet dropped: the connection to {} is full", self.server);
                }
            }
        }
    }

    /// Sends what the client has ready, and notes when it wants to be called again.
    fn transmit(&mut self, now: Instant, udp: SendUdp<'_>) {
        let at = self.clock.to_proto(now);
        loop {
            let next = match self.client.poll(at) {
                TurnPollRet::WaitUntil(until) => self.clock.to_std(until),
                TurnPollRet::Closed => {
                    self.standing = Standing::Gone;
                    return;
                }
                // TCP towards peers was never asked for.
                _ => now + PATIENCE,
            };
            let Some(transmit) = self.client.poll_transmit(at) else {
                // A client that wants to be called at once is called in the next turn, a little later.
                self.deadline = Some(next.max(now + Duration::from_millis(1)));
                return;
            };
            self.emit(&transmit.data, udp);
        }
    }

    /// Takes in a packet of the server from the socket. What peers sent goes to `take`.
    pub(super) fn handle_packet(
        &mut self,
        packet: &[u8],
        now: Instant,
        udp: SendUdp<'_>,
        take: &mut dyn FnMut(SocketAddr, &[u8]),
    ) {
        self.receive(TransportType::Udp, packet, now, take);
        self.work(now, udp);
    }

    fn receive(
        &mut self,
        transport: TransportType,
        bytes: &[u8],
        now: Instant,
        take: &mut dyn FnMut(SocketAddr, &[u8]),
    ) {
        let at = self.clock.to_proto(now);
        let arrived = Transmit::new(bytes, transport, self.server, self.local);
        if let TurnRecvRet::PeerData(data) = self.client.recv(arrived, at) {
            take(data.peer, data.data());
        }
        while let Some(data) = self.client.poll_recv(at) {
            take(data.peer, data.data());
        }
    }

    /// Reads from the connection, if there is one.
    pub(super) fn read(
        &mut self,
        buffer: &mut [u8],
        now: Instant,
        udp: SendUdp<'_>,
        take: &mut dyn FnMut(SocketAddr, &[u8]),
    ) {
        let mut budget = READ_PER_TURN;
        let mut any = false;
        while budget > 0 {
            let Carrier::Stream(stream) = &mut self.carrier else {
                return;
            };
            match stream.read(buffer) {
                Outcome::Data(length) => {
                    any = true;
                    budget = budget.saturating_sub(length);
                    self.inbound.extend_from_slice(&buffer[..length]);
                    loop {
                        match frame::next(&mut self.inbound) {
                            Ok(Some(message)) => {
                                self.receive(TransportType::Tcp, &message, now, take);
                            }
                            Ok(None) => break,
                            Err(NotTurn) => {
                                log::debug!("{} does not speak TURN", self.server);
                                self.standing = Standing::Gone;
                                return;
                            }
                        }
                    }
                }
                Outcome::Pending => break,
                Outcome::Closed => {
                    self.standing = Standing::Gone;
                    return;
                }
            }
        }
        if any {
            self.work(now, udp);
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant, udp: SendUdp<'_>) {
        if self.standing == Standing::Pending && now >= self.give_up_at {
            self.standing = Standing::Gone;
        } else if self.deadline().is_some_and(|at| now >= at) {
            self.work(now, udp);
        }
    }

    /// Works through the client's events and sends what is due.
    fn work(&mut self, now: Instant, udp: SendUdp<'_>) {
        self.transmit(now, udp);
        while let Some(event) = self.client.poll_event() {
            log::debug!("TURN server {}: {event:?}", self.server);
            match event {
                TurnEvent::AllocationCreated(TransportType::Udp, address) => {
                    self.standing = Standing::Granted(address);
                    self.granted = Some(address);
                }
                TurnEvent::AllocationCreateFailed(family) => {
                    log::debug!("TURN server {}: no {family:?} address", self.server);
                    self.standing = Standing::Gone;
                }
                TurnEvent::PermissionCreated(_, ip) => {
                    for (peer, packet) in std::mem::take(&mut self.held) {
                        if peer.ip() == ip {
                            self.send(peer, &packet, now, udp);
                        } else {
                            self.held.push_back((peer, packet));
                        }
                    }
                }
                TurnEvent::PermissionCreateFailed(_, ip) => {
                    log::debug!("TURN server {} does not relay to {ip}", self.server);
                    self.held.retain(|(peer, _)| peer.ip() != ip);
                }
                TurnEvent::ChannelCreateFailed(_, peer) => {
                    log::debug!("TURN server {}: no channel for {peer}", self.server);
                }
                _ => {}
            }
        }
        self.flush();
    }

    /// Gives the allocation back.
    pub(super) fn close(mut self, now: Instant, udp: SendUdp<'_>, registry: &Registry) {
        if self.relayed().is_some() && self.client.delete(self.clock.to_proto(now)).is_ok() {
            self.transmit(now, udp);
        }
        if let Carrier::Stream(stream) = self.carrier {
            stream.close(registry);
        }
    }
}
