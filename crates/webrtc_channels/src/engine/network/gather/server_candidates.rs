//! Asks STUN and TURN servers for candidates, again after a while where they failed.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use super::candidates::{reflexive, relayed_candidate};
use crate::configuration::IceTransportsType;
use crate::engine::network::gathering::{NetworkEvent, Origin};
use crate::engine::network::reflexive::{Answer, Query};
use crate::engine::network::relay::{Relay, Standing};
use crate::engine::network::servers::{self, Server, Service};
use crate::engine::network::stream::Stream;
use crate::engine::network::tls::TlsError;
use crate::engine::network::{tls, udp, Network};
use crate::engine::resolver::{self, Addresses, Name};
use crate::engine::shared::Command;
use crate::stats::IceServerTransportProtocol;

/// Reason why there is no connection to a TURN server over TCP or TLS.
#[derive(Debug, thiserror::Error)]
enum ConnectError {
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error(transparent)]
    Tcp(#[from] io::Error),
}

/// Longest wait before servers that failed are asked again.
const MAX_RETRY: Duration = Duration::from_secs(300);
/// Allocations at most. Each costs the server a port.
const MAX_RELAYS: usize = 8;

impl Network {
    /// Finds the servers' addresses, by the resolver if they have names.
    pub(super) fn resolve(&mut self, now: Instant) {
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
        for server in named {
            if gathering.resolving.insert(server.name.clone()) {
                let (shared, name) = (gathering.shared.clone(), server.name.clone());
                resolver::look_up(server.name, move |addresses| {
                    // A connection that closed meanwhile does not need it.
                    let _ = shared.post(Command::Resolved(name, addresses));
                });
            }
        }
        self.ask_servers(now);
    }

    /// The resolver answered.
    pub(in crate::engine) fn resolved(&mut self, name: &Name, addresses: Addresses, now: Instant) {
        let gathering = &mut self.gathering;
        gathering.resolving.remove(name);
        let asked: Vec<Server> = gathering
            .servers
            .iter()
            .filter(|server| server.name == *name)
            .cloned()
            .collect();
        for server in asked {
            if let Err(error) = &addresses {
                let nowhere = SocketAddr::from(([0, 0, 0, 0], 0));
                let reason = format!("its name is not found: {error}");
                self.gathering.failed(&server.url, nowhere, &reason);
                self.schedule_retry(now);
            }
            self.gathering.resolved.push((server, addresses.clone()));
        }
        self.ask_servers(now);
    }

    /// Asks each server from each address that it can be reached from, unless that was done.
    pub(super) fn ask_servers(&mut self, now: Instant) {
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
            Err(error) => {
                self.gathering
                    .failed(&server.url, local, &error.to_string());
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
    ) -> Result<Option<Stream>, ConnectError> {
        let tls = match server.service {
            Service::Stun | Service::TurnUdp => return Ok(None),
            Service::TurnTcp => None,
            Service::TurnTls => Some(tls::connect(&server.name.host)?),
        };
        let token = Self::token(&mut self.next_token);
        let local = (local, self.gathering.device(local));
        let stream = Stream::connect(local, address, tls, token, self.poll.registry())?;
        Ok(Some(stream))
    }

    pub(super) fn schedule_retry(&mut self, now: Instant) {
        let gathering = &mut self.gathering;
        if gathering.continual && gathering.retry_at.is_none() {
            gathering.retry_at = Some(now + gathering.retry_after);
            gathering.retry_after = (gathering.retry_after * 2).min(MAX_RETRY);
        }
    }

    /// Turns the answers of servers into events.
    pub(super) fn settle(&mut self, now: Instant) {
        let gathering = &mut self.gathering;
        for query in &mut self.queries {
            if query.is_pending() || std::mem::replace(&mut query.reported, true) {
                continue;
            }
            match query.answer {
                Answer::Mapped(mapped) => {
                    let preference = gathering.preference(query.local.ip()) / 2;
                    let server = Origin {
                        url: query.url.clone(),
                        relay: None,
                    };
                    gathering.found(reflexive(mapped, query.local), preference, Some(server));
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
                let (below, protocol) = match relay.service {
                    Service::TurnTls => (4, IceServerTransportProtocol::Tls),
                    Service::TurnTcp => (8, IceServerTransportProtocol::Tcp),
                    Service::Stun | Service::TurnUdp => (16, IceServerTransportProtocol::Udp),
                };
                let preference = gathering.preference(relay.local.ip()) / 64 * below;
                let server = Origin {
                    url: relay.url.clone(),
                    relay: Some(protocol),
                };
                let candidate = relayed_candidate(address, relay.local);
                gathering.found(candidate, preference, Some(server));
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
        let open = !self.gathering.resolving.is_empty()
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
}
