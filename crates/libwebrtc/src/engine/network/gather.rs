//! Finds the local candidates, and keeps them true while interfaces and servers come and go.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use is::{Candidate, IceError};

use super::ice_tcp::ACTIVE_PORT;
use super::interfaces::local_addresses;
use super::reflexive::{Answer, Query};
use super::relay::{Relay, Standing};
use super::servers::{self, Resolved, Server, Service};
use super::stream::Stream;
use super::{tls, udp, Network};
use crate::engine::shared::{Command, Shared};
use crate::peer_connection::IceCandidateError;
use crate::peer_connection_factory::{
    ContinualGatheringPolicy, IceTransportsType, RtcConfiguration,
};

/// How often the interfaces are looked at, as in the official library. One look takes some 50 µs.
const RESCAN: Duration = Duration::from_secs(2);
/// Allocations at most. Each costs the server a port.
const MAX_RELAYS: usize = 8;
/// Wait before servers that failed are asked again; it doubles up to the longest.
const FIRST_RETRY: Duration = Duration::from_secs(10);
const MAX_RETRY: Duration = Duration::from_secs(300);
/// The error code of servers that cannot be reached or do not do as asked (W3C WebRTC, section 4.8.2).
const SERVER_FAILED: i32 = 701;

/// News about local candidates.
#[derive(Debug)]
pub(in crate::engine) enum NetworkEvent {
    /// The search began, or began anew.
    Gathering,
    /// A candidate to use, with its local preference (RFC 8445, section 5.1.2.1).
    Found(Candidate, u32),
    /// A candidate that does not work any more.
    Lost(Candidate),
    /// A server gave none.
    ServerFailed(IceCandidateError),
    /// All places were asked.
    Gathered,
}

/// What is known of the surroundings.
pub(super) struct Gathering {
    shared: Arc<Shared>,
    servers: Vec<Server>,
    resolved: Vec<Resolved>,
    /// The resolver is asked, for the servers of this many configurations ago.
    resolving: Option<u64>,
    generation: u64,
    policy: IceTransportsType,
    continual: bool,
    started: bool,
    /// Since then [`NetworkEvent::Gathered`] is due.
    under_way: bool,
    /// Addresses in use, in the order of preference.
    locals: Vec<Local>,
    rescan_at: Option<Instant>,
    retry_at: Option<Instant>,
    retry_after: Duration,
    events: VecDeque<NetworkEvent>,
}

/// An address in use.
#[derive(Debug, Clone, Copy)]
struct Local {
    /// Of its UDP socket.
    address: SocketAddr,
    preference: u32,
}

impl Gathering {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            servers: Vec::new(),
            resolved: Vec::new(),
            resolving: None,
            generation: 0,
            policy: IceTransportsType::All,
            continual: true,
            started: false,
            under_way: false,
            locals: Vec::new(),
            rescan_at: None,
            retry_at: None,
            retry_after: FIRST_RETRY,
            events: VecDeque::new(),
        }
    }

    fn found(&mut self, candidate: Result<Candidate, IceError>, preference: u32) {
        match candidate {
            Ok(candidate) => self
                .events
                .push_back(NetworkEvent::Found(candidate, preference)),
            Err(error) => log::warn!("a local candidate cannot be used: {error}"),
        }
    }

    fn lost(&mut self, candidate: Result<Candidate, IceError>) {
        // What could not be made was not found either.
        if let Ok(candidate) = candidate {
            self.events.push_back(NetworkEvent::Lost(candidate));
        }
    }

    fn failed(&mut self, url: &str, local: SocketAddr, reason: &str) {
        log::debug!("ICE server {url} from {}: {reason}", local.ip());
        self.events
            .push_back(NetworkEvent::ServerFailed(IceCandidateError {
                address: local.ip().to_string(),
                port: i32::from(local.port()),
                url: url.to_owned(),
                error_code: SERVER_FAILED,
                error_text: reason.to_owned(),
            }));
    }

    /// The preference of the address a server was asked from.
    fn preference(&self, ip: IpAddr) -> u32 {
        self.locals
            .iter()
            .find(|local| local.address.ip() == ip)
            .map_or(0, |local| local.preference)
    }
}

impl Network {
    /// Takes over settings. New servers are asked at once if the search has begun.
    pub(in crate::engine) fn configure(&mut self, config: &RtcConfiguration, now: Instant) {
        let gathering = &mut self.gathering;
        gathering.policy = config.ice_transport_type;
        gathering.continual =
            config.continual_gathering_policy == ContinualGatheringPolicy::GatherContinually;
        let servers = servers::parse_servers(&config.ice_servers);
        if servers != gathering.servers {
            gathering.servers = servers;
            gathering.generation += 1;
            gathering.resolved.clear();
            if gathering.started {
                self.regather(now);
            }
        }
    }

    /// Begins to look for candidates, or looks anew: interfaces are listed and servers that gave
    /// nothing are asked again. What is known already stays.
    pub(in crate::engine) fn regather(&mut self, now: Instant) {
        let gathering = &mut self.gathering;
        gathering.started = true;
        gathering.under_way = true;
        gathering.retry_after = FIRST_RETRY;
        gathering.retry_at = None;
        gathering.events.push_back(NetworkEvent::Gathering);
        self.queries.retain(|query| query.answer != Answer::None);
        self.rescan(now);
        self.resolve(now);
    }

    /// Finds the servers' addresses, in a thread of its own if the system's resolver is needed.
    fn resolve(&mut self, now: Instant) {
        let gathering = &mut self.gathering;
        let known = &gathering.resolved;
        let unknown = gathering.servers.iter().filter(|server| {
            !known
                .iter()
                .any(|(known, found)| known == *server && found.is_ok())
        });
        let (literal, named) = servers::resolve_literals(unknown.cloned().collect());
        gathering.resolved.retain(|(_, found)| found.is_ok());
        gathering.resolved.extend(literal);
        if !named.is_empty() && gathering.resolving.is_none() {
            let (shared, generation) = (gathering.shared.clone(), gathering.generation);
            let thread = std::thread::Builder::new()
                .name("libwebrtc-dns".to_owned())
                .spawn(move || {
                    // A connection that closed meanwhile does not need it.
                    let _ = shared.post(Command::Resolved(servers::resolve(named), generation));
                });
            match thread {
                Ok(_) => gathering.resolving = Some(generation),
                Err(error) => log::warn!("ICE servers are not resolved: {error}"),
            }
        }
        self.ask_servers(now);
    }

    /// The resolver answered.
    pub(in crate::engine) fn resolved(
        &mut self,
        answers: Vec<Resolved>,
        generation: u64,
        now: Instant,
    ) {
        self.gathering.resolving = None;
        if generation != self.gathering.generation {
            // The servers are others now.
            return self.resolve(now);
        }
        for (server, found) in answers {
            if let Err(error) = &found {
                let nowhere = SocketAddr::from(([0, 0, 0, 0], 0));
                let reason = format!("its name is not found: {error}");
                self.gathering.failed(&server.url, nowhere, &reason);
                self.schedule_retry(now);
            }
            self.gathering.resolved.push((server, found));
        }
        self.ask_servers(now);
    }

    /// Compares the addresses in use with those the machine has.
    fn rescan(&mut self, now: Instant) {
        let present = local_addresses();
        let gone: Vec<SocketAddr> = self
            .sockets
            .addresses()
            .filter(|address| !present.contains(&address.ip()))
            .collect();
        for address in gone {
            log::info!("the address {} is gone", address.ip());
            self.drop_local(address, now);
        }
        let mut any = false;
        for (rank, ip) in present.into_iter().enumerate() {
            if !self.sockets.addresses().any(|address| address.ip() == ip) {
                any |= self.open(ip, rank);
            }
        }
        let continual = self.gathering.continual;
        self.gathering.rescan_at = continual.then_some(now + RESCAN);
        if any && !self.gathering.resolved.is_empty() {
            self.ask_servers(now);
        }
    }

    fn open(&mut self, ip: IpAddr, rank: usize) -> bool {
        let token = Self::token(&mut self.next_token);
        let address = match self.sockets.open(ip, token, self.poll.registry()) {
            Ok(address) => address,
            Err(error) => {
                // An IPv6 address takes a moment before it can be used; the next look finds it.
                log::debug!("no socket on {ip}: {error}");
                return false;
            }
        };
        // IPv6 first (RFC 8421), then the order of the list.
        let rank = u32::try_from(rank).unwrap_or(0).min(1000);
        let preference = 65_535 - 2 * rank - u32::from(ip.is_ipv4());
        let gathering = &mut self.gathering;
        gathering.locals.push(Local {
            address,
            preference,
        });
        if gathering.policy != IceTransportsType::Relay {
            gathering.found(host(address), preference);
            gathering.found(active_tcp(ip), preference);
        }
        true
    }

    /// Forgets an address, and all that was reached from it.
    fn drop_local(&mut self, address: SocketAddr, now: Instant) {
        let registry = self.poll.registry();
        let gathering = &mut self.gathering;
        gathering.locals.retain(|local| local.address != address);
        if let Ok(tcp) = active_tcp(address.ip()) {
            self.tcp.remove_local(tcp.addr(), registry);
            gathering.lost(Ok(tcp));
        }
        gathering.lost(host(address));
        for query in self.queries.extract_if(.., |query| query.local == address) {
            if let Answer::Mapped(mapped) = query.answer {
                gathering.lost(reflexive(mapped, address));
            }
        }
        let here = |relay: &mut Relay| relay.local.ip() == address.ip();
        for relay in self.relays.extract_if(.., here) {
            if let Some(relayed) = relay.relayed() {
                gathering.lost(relayed_candidate(relayed, relay.local));
            }
            relay.close(now, &mut udp(&mut self.sockets), registry);
        }
        self.sockets.close(address, registry);
    }

    /// Asks each server from each address that it can be reached from, unless that was done.
    fn ask_servers(&mut self, now: Instant) {
        let locals = self.gathering.locals.clone();
        let resolved = std::mem::take(&mut self.gathering.resolved);
        for (server, found) in &resolved {
            for address in found.iter().flatten() {
                for local in &locals {
                    let local = local.address;
                    let fits = local.is_ipv4() == address.is_ipv4()
                        && local.ip().is_loopback() == address.ip().is_loopback();
                    if fits {
                        self.ask(server, *address, local, now);
                    }
                }
            }
        }
        self.gathering.resolved = resolved;
    }

    fn ask(&mut self, server: &Server, address: SocketAddr, local: SocketAddr, now: Instant) {
        let over_udp = matches!(server.service, Service::Stun | Service::TurnUdp);
        let asked = |query: &Query| query.local == local && query.server == address;
        // A TURN server over UDP is a STUN server too.
        if over_udp
            && self.gathering.policy != IceTransportsType::Relay
            && !self.queries.iter().any(asked)
        {
            let url = server.url.clone();
            self.queries
                .push(Query::new(url, local, address, self.clock, now));
        }
        let asked = |relay: &Relay| {
            relay.url == server.url && relay.local.ip() == local.ip() && relay.server == address
        };
        if server.service == Service::Stun || self.relays.iter().any(asked) {
            return;
        }
        if self.relays.len() >= MAX_RELAYS {
            log::debug!(
                "{} is not asked: {MAX_RELAYS} relays are enough",
                server.url
            );
            return;
        }
        let stream = match self.connect(server, address, local.ip()) {
            Ok(stream) => stream,
            Err(reason) => {
                self.gathering.failed(&server.url, local, &reason);
                self.schedule_retry(now);
                return;
            }
        };
        let from = stream.as_ref().map_or(local, |stream| stream.local);
        self.relays.push(Relay::new(
            (server.service, server.url.clone()),
            (&server.username, &server.password),
            (from, address),
            stream,
            self.clock,
            now,
        ));
    }

    /// The connection that a TURN server over TCP or TLS needs.
    fn connect(
        &mut self,
        server: &Server,
        address: SocketAddr,
        local: IpAddr,
    ) -> Result<Option<Stream>, String> {
        let tls = match server.service {
            Service::Stun | Service::TurnUdp => return Ok(None),
            Service::TurnTcp => None,
            Service::TurnTls => {
                Some(tls::connect(&server.host).map_err(|error| error.to_string())?)
            }
        };
        let token = Self::token(&mut self.next_token);
        Stream::connect(local, address, tls, token, self.poll.registry())
            .map(Some)
            .map_err(|error| error.to_string())
    }

    fn schedule_retry(&mut self, now: Instant) {
        let gathering = &mut self.gathering;
        if gathering.continual && gathering.retry_at.is_none() {
            gathering.retry_at = Some(now + gathering.retry_after);
            gathering.retry_after = (gathering.retry_after * 2).min(MAX_RETRY);
        }
    }

    pub(in crate::engine) fn handle_timeout(&mut self, now: Instant) {
        let due = |at: Option<Instant>| at.is_some_and(|at| now >= at);
        if due(self.gathering.rescan_at) {
            self.rescan(now);
        }
        if due(self.gathering.retry_at) {
            self.gathering.retry_at = None;
            self.resolve(now);
        }
        self.tcp.handle_timeout(now, self.poll.registry());
        let (clock, sockets) = (self.clock, &mut self.sockets);
        for query in &mut self.queries {
            let (local, server) = (query.local, query.server);
            query.handle_timeout(clock, now, |packet| udp(sockets)(local, server, packet));
        }
        for relay in &mut self.relays {
            relay.handle_timeout(now, &mut udp(&mut self.sockets));
        }
        self.settle(now);
    }

    pub(in crate::engine) fn poll_timeout(&self) -> Option<Instant> {
        let queries = self.queries.iter().filter_map(Query::deadline);
        let relays = self.relays.iter().filter_map(Relay::deadline);
        let own = [self.gathering.rescan_at, self.gathering.retry_at];
        queries
            .chain(relays)
            .chain(own.into_iter().flatten())
            .chain(self.tcp.poll_timeout())
            .min()
    }

    /// Turns the answers of servers into events.
    fn settle(&mut self, now: Instant) {
        let gathering = &mut self.gathering;
        for query in &mut self.queries {
            if query.is_pending() || std::mem::replace(&mut query.reported, true) {
                continue;
            }
            match query.answer {
                Answer::Mapped(mapped) => {
                    let preference = gathering.preference(query.local.ip()) / 2;
                    gathering.found(reflexive(mapped, query.local), preference);
                }
                _ => gathering.failed(&query.url, query.local, "the STUN server does not answer"),
            }
        }
        let mut failed = false;
        for relay in &mut self.relays {
            let Standing::Granted(address) = relay.standing else {
                continue;
            };
            if !std::mem::replace(&mut relay.reported, true) {
                // UDP before TCP before TLS: each adds delay.
                let below = match relay.service {
                    Service::TurnTls => 4,
                    Service::TurnTcp => 8,
                    Service::Stun | Service::TurnUdp => 16,
                };
                let preference = gathering.preference(relay.local.ip()) / 64 * below;
                gathering.found(relayed_candidate(address, relay.local), preference);
            }
        }
        for relay in self.relays.extract_if(.., |relay| relay.is_gone()) {
            failed = true;
            if let Some(relayed) = relay.was_granted() {
                gathering.lost(relayed_candidate(relayed, relay.local));
            }
            let reason = "the TURN server cannot be reached or refuses";
            gathering.failed(&relay.url, relay.local, reason);
            relay.close(now, &mut udp(&mut self.sockets), self.poll.registry());
        }
        if failed {
            self.schedule_retry(now);
        }
        let open = self.gathering.resolving.is_some()
            || self.queries.iter().any(Query::is_pending)
            || self
                .relays
                .iter()
                .any(|relay| relay.standing == Standing::Pending);
        if self.gathering.under_way && !open {
            self.gathering.under_way = false;
            self.gathering.events.push_back(NetworkEvent::Gathered);
        }
    }

    pub(in crate::engine) fn poll_event(&mut self) -> Option<NetworkEvent> {
        self.gathering.events.pop_front()
    }
}

fn host(address: SocketAddr) -> Result<Candidate, IceError> {
    Candidate::host(address, "udp")
}

fn active_tcp(ip: IpAddr) -> Result<Candidate, IceError> {
    let builder = Candidate::builder()
        .tcp()
        .host(SocketAddr::new(ip, ACTIVE_PORT));
    match "active".parse() {
        Ok(active) => builder.tcptype(active).build(),
        Err(_) => builder.build(),
    }
}

fn reflexive(mapped: SocketAddr, base: SocketAddr) -> Result<Candidate, IceError> {
    Candidate::server_reflexive(mapped, base, "udp")
}

fn relayed_candidate(address: SocketAddr, local: SocketAddr) -> Result<Candidate, IceError> {
    Candidate::relayed(address, local, "udp")
}
