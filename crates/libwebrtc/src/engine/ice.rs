//! ICE: finds a path to the peer and watches it.
//!
//! The agent is the sans-IO crate `is`. It reports when the path is lost and when it is back, but
//! never gives up; giving up after a while is added here.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use is::stun::{StunMessage, StunPacket};
use is::{Candidate, IceAgent, IceAgentEvent, IceCreds, Protocol};

use crate::peer_connection::IceConnectionState;

/// The first check may leave this soon after the previous one.
const PACING: Duration = Duration::from_millis(20);
/// A path that was lost for this long has failed: the application should restart ICE.
const DISCONNECTED_TO_FAILED: Duration = Duration::from_secs(15);
/// Checks that find no path for this long have failed.
const CHECKING_TO_FAILED: Duration = Duration::from_secs(30);

/// The local socket and the remote address that data takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Path {
    pub(super) local: SocketAddr,
    pub(super) remote: SocketAddr,
}

pub(super) struct Ice {
    agent: IceAgent,
    remote_credentials: Option<IceCreds>,
    path: Option<Path>,
    state: IceConnectionState,
    /// When the present state counts as failed, unless it changes.
    fails_at: Option<Instant>,
}

impl Ice {
    pub(super) fn new(credentials: IceCreds, now: Instant) -> Self {
        let mut agent = IceAgent::new(credentials);
        agent.set_timing_advance(PACING);
        agent.handle_timeout(now);
        Self {
            agent,
            remote_credentials: None,
            path: None,
            state: IceConnectionState::New,
            fails_at: None,
        }
    }

    pub(super) fn state(&self) -> IceConnectionState {
        self.state
    }

    /// Where data goes now. During a restart it is still the old path.
    pub(super) fn path(&self) -> Option<Path> {
        self.path
    }

    /// Takes over the credentials of a local description; new ones restart ICE. Answers whether
    /// they did: the peer must then be told all candidates anew.
    pub(super) fn set_local_credentials(&mut self, credentials: IceCreds, now: Instant) -> bool {
        let restart = *self.agent.local_credentials() != credentials;
        if restart {
            self.agent.ice_restart(credentials, true);
            self.remote_credentials = None;
            self.agent.handle_timeout(now);
        }
        restart
    }

    /// The candidate lines to tell the peer.
    pub(super) fn local_candidates(&self) -> Vec<String> {
        self.agent
            .local_candidates()
            .map(|candidate| line_of(&candidate))
            .collect()
    }

    /// Takes over the credentials of a remote description. The role is fixed by the first one.
    pub(super) fn set_remote_credentials(&mut self, credentials: IceCreds, controlling: bool) {
        if self.path.is_none() && self.remote_credentials.is_none() {
            self.agent.set_controlling(controlling);
        }
        if self.remote_credentials.as_ref() != Some(&credentials) {
            self.agent.set_remote_credentials(credentials.clone());
            self.remote_credentials = Some(credentials);
        }
    }

    /// Adds a socket's address as a host candidate.
    pub(super) fn add_host(&mut self, address: SocketAddr) {
        match Candidate::host(address, Protocol::Udp) {
            Ok(candidate) => {
                self.agent.add_local_candidate(candidate);
            }
            Err(error) => log::warn!("{address} is no host candidate: {error}"),
        }
    }

    /// Adds what the peer announced. Candidates that cannot be used are ignored.
    pub(super) fn add_remote(&mut self, line: &str) {
        match Candidate::from_sdp_string(line) {
            Ok(candidate) if candidate.proto() == Protocol::Udp => {
                self.agent.add_remote_candidate(candidate);
            }
            Ok(_) => log::debug!("only UDP candidates are used so far: {line}"),
            Err(error) => log::debug!("remote candidate {line:?} ignored: {error}"),
        }
    }

    /// Takes in a STUN packet.
    pub(super) fn handle_packet(
        &mut self,
        packet: &[u8],
        source: SocketAddr,
        destination: SocketAddr,
        now: Instant,
    ) {
        match StunMessage::parse(packet) {
            Ok(message) => {
                let proto = Protocol::Udp;
                self.agent.handle_packet(
                    now,
                    StunPacket {
                        proto,
                        source,
                        destination,
                        message,
                    },
                );
            }
            Err(error) => log::debug!("bad STUN packet from {source}: {error}"),
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        self.agent.handle_timeout(now);
    }

    pub(super) fn poll_timeout(&mut self) -> Option<Instant> {
        self.agent
            .poll_timeout()
            .into_iter()
            .chain(self.fails_at)
            .min()
    }

    /// The next packet to send, with the path it must take.
    pub(super) fn poll_transmit(&mut self) -> Option<(Path, Vec<u8>)> {
        let transmit = self.agent.poll_transmit()?;
        let path = Path {
            local: transmit.source,
            remote: transmit.destination,
        };
        Some((path, transmit.contents.into()))
    }

    /// Works through the agent's events and the failure timer. Returns the states entered since
    /// the last call, oldest first.
    pub(super) fn poll_states(&mut self, now: Instant) -> Vec<IceConnectionState> {
        let mut entered = Vec::new();
        while let Some(event) = self.agent.poll_event() {
            log::debug!("ice: {event:?}");
            match event {
                IceAgentEvent::NominatedSend {
                    source,
                    destination,
                    ..
                } => {
                    self.path = Some(Path {
                        local: source,
                        remote: destination,
                    });
                }
                IceAgentEvent::IceConnectionStateChange(state) => {
                    self.enter(convert(state), now, &mut entered);
                }
                _ => {}
            }
        }
        if self.fails_at.is_some_and(|at| now >= at) {
            self.enter(IceConnectionState::Failed, now, &mut entered);
        }
        entered
    }

    fn enter(
        &mut self,
        state: IceConnectionState,
        now: Instant,
        entered: &mut Vec<IceConnectionState>,
    ) {
        // A failed path that the agent still calls lost stays failed.
        let still_failed =
            self.state == IceConnectionState::Failed && state == IceConnectionState::Disconnected;
        if state == self.state || still_failed {
            return;
        }
        self.state = state;
        self.fails_at = match state {
            IceConnectionState::Checking => Some(now + CHECKING_TO_FAILED),
            IceConnectionState::Disconnected => Some(now + DISCONNECTED_TO_FAILED),
            _ => None,
        };
        entered.push(state);
    }
}

fn line_of(candidate: &Candidate) -> String {
    let line = candidate.to_sdp_string();
    line.strip_prefix("a=").unwrap_or(&line).to_owned()
}

fn convert(state: is::IceConnectionState) -> IceConnectionState {
    match state {
        is::IceConnectionState::New => IceConnectionState::New,
        is::IceConnectionState::Checking => IceConnectionState::Checking,
        is::IceConnectionState::Connected => IceConnectionState::Connected,
        is::IceConnectionState::Completed => IceConnectionState::Completed,
        is::IceConnectionState::Disconnected => IceConnectionState::Disconnected,
    }
}
