//! Finds the local candidates, and keeps them true while interfaces and servers come and go.
//! Candidates from servers are in [`server_candidates`].

mod candidates;
mod server_candidates;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use self::candidates::{active_tcp, host, reflexive, relayed_candidate};
use super::gathering::{Local, NetworkEvent, FIRST_RETRY};
use super::interfaces::{local_addresses, LocalAddress};
use super::reflexive::{Answer, Query};
use super::relay::Relay;
use super::servers;
use super::{udp, Network};
use crate::configuration::{ContinualGatheringPolicy, IceTransportsType, RtcConfiguration};

/// Time between two looks at the interfaces, as in the official library, where nothing tells of changes.
const RESCAN: Duration = Duration::from_secs(2);
/// Wait after news of the kernel: an interface that comes brings several, and needs a moment.
const SETTLING: Duration = Duration::from_millis(100);

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

    /// Compares the addresses in use with those the machine has.
    fn rescan(&mut self, now: Instant) {
        let present = local_addresses();
        let gone: Vec<SocketAddr> = self
            .sockets
            .addresses()
            .filter(|address| !present.iter().any(|local| local.ip == address.ip()))
            .collect();
        for address in gone {
            log::info!("the address {} is gone", address.ip());
            self.drop_local(address, now);
        }
        let mut any = false;
        for (rank, local) in present.iter().enumerate() {
            let mut known = self.gathering.locals.iter_mut();
            match known.find(|known| known.address.ip() == local.ip) {
                Some(known) if known.device == local.device => {}
                Some(known) => {
                    known.device.clone_from(&local.device);
                    self.sockets
                        .bind_device(known.address, local.device.as_deref());
                }
                None => any |= self.open(local, rank),
            }
        }
        let continual = self.gathering.continual;
        self.gathering.rescan_at = continual.then_some(now + RESCAN);
        if any && !self.gathering.resolved.is_empty() {
            self.ask_servers(now);
        }
    }

    fn open(&mut self, local: &LocalAddress, rank: usize) -> bool {
        let ip = local.ip;
        let token = Self::token(&mut self.next_token);
        let address = match self.sockets.open(ip, token, self.poll.registry()) {
            Ok(address) => address,
            Err(error) => {
                // An IPv6 address takes a moment before it can be used; the next look finds it.
                log::debug!("no socket on {ip}: {error}");
                return false;
            }
        };
        if local.device.is_some() {
            self.sockets.bind_device(address, local.device.as_deref());
        }
        let preference = 65_535 - u32::try_from(rank).unwrap_or(0).min(1000);
        let gathering = &mut self.gathering;
        gathering.locals.push(Local {
            address,
            device: local.device.clone(),
            preference,
        });
        if gathering.policy != IceTransportsType::Relay {
            gathering.found(host(address), preference, None);
            gathering.found(active_tcp(ip), preference, None);
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

    pub(in crate::engine) fn handle_timeout(&mut self, now: Instant) {
        if std::mem::take(&mut self.gathering.has_news) && self.gathering.continual {
            let soon = now + SETTLING;
            let at = self.gathering.rescan_at;
            self.gathering.rescan_at = at.map(|at| at.min(soon));
        }
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

    pub(in crate::engine) fn poll_event(&mut self) -> Option<NetworkEvent> {
        self.gathering.events.pop_front()
    }
}
