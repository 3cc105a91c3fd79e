//! ICE: finds a path to the peer and watches it.
//!
//! The agent is the sans-IO crate `is`. It reports when the path is lost and when it is back, but
//! never gives up; giving up after a while is added here.

mod liveness;
mod nomination;
mod pairs;
mod stats;
mod survival;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

use is::stun::{StunMessage, StunPacket};
use is::{Candidate, CandidateKind, IceAgent, IceAgentEvent, IceCreds, Protocol};

pub(super) use self::pairs::{Count, Pairs};
pub(super) use self::stats::Clock;
use self::survival::{Survival, HURRY};
use super::network::{Found, Path};
use crate::configuration::IceTransportsType;
use crate::states::IceConnectionState;

/// Time for which the peer's consent to get data lasts after its last response (RFC 7675, section
/// 5.1).
const CONSENT: Duration = Duration::from_secs(30);
/// The first check may leave this soon after the previous one.
const PACING: Duration = Duration::from_millis(20);
/// A path that was lost for this long has failed: the application should restart ICE. livekit-server
/// gives a connection up for good after 15 s without a packet; a restart must come before.
const DISCONNECTED_TO_FAILED: Duration = Duration::from_secs(8);
/// Checks that find no path for this long have failed.
const CHECKING_TO_FAILED: Duration = Duration::from_secs(30);

/// Candidates of the peer at most. Each is paired with every local one.
const MAX_REMOTE: usize = 64;

pub(super) struct Ice {
    agent: IceAgent,
    /// The local preference of the candidate that is being added.
    preference: Arc<AtomicU32>,
    /// Local candidates that work.
    locals: Vec<Found>,
    policy: IceTransportsType,
    remote_credentials: Option<IceCreds>,
    path: Option<Path>,
    /// When data began to take that path.
    path_since: Instant,
    /// The peer agrees to get data over it.
    consent: bool,
    survival: Survival,
    /// The state that the agent is in, whatever is thought of its path.
    agent_state: IceConnectionState,
    /// Number of times that data took another path.
    path_changes: u32,
    pairs: Pairs,
    state: IceConnectionState,
    /// When the present state counts as failed, unless it changes.
    fails_at: Option<Instant>,
}

impl Ice {
    pub(super) fn new(credentials: IceCreds, now: Instant) -> Self {
        let mut agent = IceAgent::new(credentials);
        agent.set_timing_advance(PACING);
        let preference = Arc::new(AtomicU32::new(0));
        let next = preference.clone();
        agent.set_local_preference(move |_: &Candidate, _: usize| next.load(Ordering::Relaxed));
        agent.handle_timeout(now);
        Self {
            agent,
            preference,
            locals: Vec::new(),
            policy: IceTransportsType::All,
            remote_credentials: None,
            path: None,
            path_since: now,
            consent: true,
            survival: Survival::default(),
            agent_state: IceConnectionState::New,
            path_changes: 0,
            pairs: Pairs::default(),
            state: IceConnectionState::New,
            fails_at: None,
        }
    }

    /// Which candidates the peer may be told of, from now on.
    pub(super) fn set_policy(&mut self, policy: IceTransportsType) {
        self.policy = policy;
    }

    pub(super) fn state(&self) -> IceConnectionState {
        self.state
    }

    /// Where data may go now. During a restart it is still the old path; a peer that has not
    /// answered for long gets none.
    pub(super) fn path(&self) -> Option<Path> {
        self.path.filter(|_| self.consent)
    }

    /// How often data took another path.
    pub(super) fn path_changes(&self) -> u32 {
        self.path_changes
    }

    /// Traffic of each pair of candidates.
    pub(super) fn pairs(&mut self) -> &mut Pairs {
        &mut self.pairs
    }

    /// Takes over the credentials of a local description; new ones restart ICE. Answers whether
    /// they did: the peer must then be told all candidates anew.
    pub(super) fn set_local_credentials(&mut self, credentials: IceCreds, now: Instant) -> bool {
        let restart = *self.agent.local_credentials() != credentials;
        if restart {
            // Candidates that are gone are not kept: on a machine that roams they would add up.
            self.agent.ice_restart(credentials, false);
            for local in &self.locals {
                self.preference.store(local.preference, Ordering::Relaxed);
                self.agent.add_local_candidate(local.candidate.clone());
            }
            self.remote_credentials = None;
            self.survival.start_over();
            // Data goes on over the old pair until there is a new one.
            self.pairs.retain(|path| Some(*path) == self.path);
            self.agent.handle_timeout(now);
        }
        restart
    }

    /// The candidate lines to tell the peer.
    pub(super) fn local_candidates(&self) -> Vec<String> {
        let locals = self.locals.iter().map(|local| &local.candidate);
        locals
            .filter(|candidate| self.is_announced(candidate))
            .filter_map(|candidate| self.line_of(candidate))
            .collect()
    }

    fn is_announced(&self, candidate: &Candidate) -> bool {
        match self.policy {
            IceTransportsType::All => true,
            IceTransportsType::NoHost => candidate.kind() != CandidateKind::Host,
            IceTransportsType::Relay => candidate.kind() == CandidateKind::Relayed,
        }
    }

    /// The line of a candidate as the agent has it: with its priority and user fragment.
    fn line_of(&self, candidate: &Candidate) -> Option<String> {
        let known = self
            .agent
            .local_candidates()
            .find(|known| is_same(known, candidate))?;
        let line = known.to_sdp_string();
        Some(line.strip_prefix("a=").unwrap_or(&line).to_owned())
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

    /// Adds a local candidate. Returns its line if the peer is to be told.
    pub(super) fn add_local(&mut self, found: Found) -> Option<String> {
        self.preference.store(found.preference, Ordering::Relaxed);
        // Without a NAT in between, a reflexive candidate is the host candidate again.
        self.agent.add_local_candidate(found.candidate.clone())?;
        let line = self
            .is_announced(&found.candidate)
            .then(|| self.line_of(&found.candidate))
            .flatten();
        self.locals.push(found);
        line
    }

    /// Stops using a local candidate. If data takes it, the next best path takes over.
    pub(super) fn remove_local(&mut self, candidate: &Candidate) {
        self.locals
            .retain(|local| !is_same(&local.candidate, candidate));
        self.pairs.retain(|path| path.local != candidate.addr());
        self.agent.invalidate_candidate(candidate);
    }

    /// Adds what the peer announced. Candidates that cannot be used are ignored.
    pub(super) fn add_remote(&mut self, line: &str) {
        let candidate = match Candidate::from_sdp_string(line) {
            Ok(candidate) => candidate,
            Err(error) => {
                log::debug!("remote candidate {line:?} ignored: {error}");
                return;
            }
        };
        let usable = match candidate.proto() {
            Protocol::Udp => true,
            // This side connects, so the other side must listen (RFC 6544, section 6.2).
            Protocol::Tcp => candidate
                .tcptype()
                .is_some_and(|kind| kind.to_string() == "passive"),
            _ => false,
        };
        if !usable || candidate.addr().port() == 0 {
            log::debug!("remote candidate {line:?} is of no use here");
        } else if self.agent.remote_candidates().count() >= MAX_REMOTE {
            log::warn!("the peer has more than {MAX_REMOTE} candidates; {line:?} is ignored");
        } else {
            self.agent.add_remote_candidate(candidate);
        }
    }

    /// Takes in a STUN packet.
    pub(super) fn handle_packet(&mut self, packet: &[u8], path: Path, now: Instant) {
        match StunMessage::parse(packet) {
            // The agent takes each source of a check for a candidate of the peer.
            Ok(_) if self.has_too_many_sources(path) => {
                log::debug!(
                    "no check is answered from {}: too many sources",
                    path.remote
                );
            }
            Ok(message) => {
                let known = StunPacket {
                    proto: path.proto,
                    source: path.remote,
                    destination: path.local,
                    message,
                };
                if self.agent.handle_packet(now, known) {
                    self.pairs.check_received(path, packet, now);
                }
            }
            Err(error) => log::debug!("bad STUN packet from {}: {error}", path.remote),
        }
    }

    fn has_too_many_sources(&self, path: Path) -> bool {
        let mut remotes = self.agent.remote_candidates();
        remotes.clone().count() >= MAX_REMOTE && remotes.all(|each| each.addr() != path.remote)
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        self.survive(now);
        self.agent.handle_timeout(now);
    }

    pub(super) fn poll_timeout(&mut self) -> Option<Instant> {
        let agent = self.agent.poll_timeout();
        [agent, self.fails_at, self.survival_deadline()]
            .into_iter()
            .flatten()
            .min()
    }

    /// The next packet to send, with the path it must take.
    pub(super) fn poll_transmit(&mut self, now: Instant) -> Option<(Path, Vec<u8>)> {
        let transmit = self.agent.poll_transmit()?;
        let path = Path {
            proto: transmit.proto,
            local: transmit.source,
            remote: transmit.destination,
        };
        let packet = Vec::from(transmit.contents);
        let packet = self.insisting(path, &packet).unwrap_or(packet);
        self.pairs.check_sent(path, &packet, now);
        Some((path, packet))
    }

    /// A check of the path that data takes, so that the peer takes it too after others before.
    fn insisting(&self, path: Path, packet: &[u8]) -> Option<Vec<u8>> {
        let changed = self.path_changes > 1 && self.path == Some(path);
        let peer = self.remote_credentials.as_ref()?;
        (changed && self.agent.controlling())
            .then(|| nomination::numbered(packet, self.path_changes, &peer.pass))
            .flatten()
    }

    /// Works through the agent's events and the failure timer. Returns the states entered since
    /// the last call, oldest first.
    pub(super) fn poll_states(&mut self, now: Instant) -> Vec<IceConnectionState> {
        let mut entered = Vec::new();
        self.judge(now, &mut entered);
        while let Some(event) = self.agent.poll_event() {
            // Not all of them: some hold the password.
            match event {
                IceAgentEvent::NominatedSend {
                    proto,
                    source,
                    destination,
                } => {
                    log::debug!("path: {proto} from {source} to {destination}");
                    let path = Some(Path {
                        proto,
                        local: source,
                        remote: destination,
                    });
                    if self.path != path {
                        self.path_changes += 1;
                        self.take_path(path, now);
                        // The peer learns of it by the next check, for which the agent had fixed a time before.
                        // Another limit makes it look again.
                        // A peer that controls tells of it itself.
                        if self.agent.controlling() {
                            self.agent
                                .set_max_stun_rto(HURRY + Duration::from_millis(1));
                        }
                    }
                }
                IceAgentEvent::IceConnectionStateChange(state) => {
                    self.agent_state = convert(state);
                    if !self.survival.is_lost() {
                        self.enter(self.agent_state, now, &mut entered);
                    }
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
        log::debug!("ICE {state:?}");
        self.state = state;
        self.fails_at = match state {
            IceConnectionState::Checking => Some(now + CHECKING_TO_FAILED),
            IceConnectionState::Disconnected => Some(now + DISCONNECTED_TO_FAILED),
            _ => None,
        };
        entered.push(state);
    }
}

fn is_same(one: &Candidate, other: &Candidate) -> bool {
    one.kind() == other.kind()
        && one.proto() == other.proto()
        && one.addr() == other.addr()
        && one.local() == other.local()
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
