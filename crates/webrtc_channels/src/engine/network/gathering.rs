//! State of the search for local candidates.

use std::collections::{HashSet, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use is::{Candidate, IceError};

use super::servers::{Resolved, Server};
use crate::callbacks::IceCandidateError;
use crate::configuration::IceTransportsType;
use crate::engine::resolver::Name;
use crate::engine::shared::Shared;
use crate::stats::IceServerTransportProtocol;

/// Wait before servers that failed are asked again; it doubles up to the longest.
pub(super) const FIRST_RETRY: Duration = Duration::from_secs(10);
/// The error code of servers that cannot be reached or do not do as asked (W3C WebRTC, section 4.8.2).
const SERVER_FAILED: i32 = 701;

/// News about local candidates.
#[derive(Debug)]
pub(in crate::engine) enum NetworkEvent {
    /// The search began, or began anew.
    Gathering,
    /// A candidate to use.
    Found(Found),
    /// A candidate that does not work any more.
    Lost(Candidate),
    /// A server gave none.
    ServerFailed(IceCandidateError),
    /// All places were asked.
    Gathered,
}

/// A local candidate.
#[derive(Debug, Clone)]
pub(in crate::engine) struct Found {
    pub(in crate::engine) candidate: Candidate,
    /// Its local preference (RFC 8445, section 5.1.2.1).
    pub(in crate::engine) preference: u32,
    /// The server that gave it, if one did.
    pub(in crate::engine) server: Option<Origin>,
}

/// The server that a candidate comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::engine) struct Origin {
    pub(in crate::engine) url: String,
    /// Transport to its relay, if it is one.
    pub(in crate::engine) relay: Option<IceServerTransportProtocol>,
}

/// State of the search.
pub(super) struct Gathering {
    pub(super) shared: Arc<Shared>,
    pub(super) servers: Vec<Server>,
    pub(super) resolved: Vec<Resolved>,
    /// Names that the resolver is asked for.
    pub(super) resolving: HashSet<Name>,
    pub(super) policy: IceTransportsType,
    pub(super) continual: bool,
    pub(super) started: bool,
    /// Since then [`NetworkEvent::Gathered`] is due.
    pub(super) under_way: bool,
    /// Addresses in use, in the order of preference.
    pub(super) locals: Vec<Local>,
    pub(super) rescan_at: Option<Instant>,
    /// The kernel told of a change of interfaces.
    pub(super) has_news: bool,
    pub(super) retry_at: Option<Instant>,
    pub(super) retry_after: Duration,
    pub(super) events: VecDeque<NetworkEvent>,
}

/// An address in use.
#[derive(Debug, Clone)]
pub(super) struct Local {
    /// Of its UDP socket.
    pub(super) address: SocketAddr,
    /// The interface that its sockets are bound to.
    pub(super) device: Option<Arc<str>>,
    pub(super) preference: u32,
}

impl Gathering {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            servers: Vec::new(),
            resolved: Vec::new(),
            resolving: HashSet::new(),
            policy: IceTransportsType::All,
            continual: true,
            started: false,
            under_way: false,
            locals: Vec::new(),
            rescan_at: None,
            has_news: false,
            retry_at: None,
            retry_after: FIRST_RETRY,
            events: VecDeque::new(),
        }
    }

    pub(super) fn found(
        &mut self,
        candidate: Result<Candidate, IceError>,
        preference: u32,
        server: Option<Origin>,
    ) {
        match candidate {
            Ok(candidate) => self.events.push_back(NetworkEvent::Found(Found {
                candidate,
                preference,
                server,
            })),
            Err(error) => log::warn!("a local candidate cannot be used: {error}"),
        }
    }

    pub(super) fn lost(&mut self, candidate: Result<Candidate, IceError>) {
        // What could not be made was not found either.
        if let Ok(candidate) = candidate {
            self.events.push_back(NetworkEvent::Lost(candidate));
        }
    }

    pub(super) fn failed(&mut self, url: &str, local: SocketAddr, reason: &str) {
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

    /// The interface that sockets of an address are bound to.
    pub(super) fn device(&self, ip: IpAddr) -> Option<&str> {
        let local = self.locals.iter().find(|local| local.address.ip() == ip);
        local.and_then(|local| local.device.as_deref())
    }

    /// The preference of the address a server was asked from.
    pub(super) fn preference(&self, ip: IpAddr) -> u32 {
        self.locals
            .iter()
            .find(|local| local.address.ip() == ip)
            .map_or(0, |local| local.preference)
    }
}
