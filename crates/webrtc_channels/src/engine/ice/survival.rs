//! Keeps a connection alive whose path has died: other pairs are looked for, and take over.

use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use is::{Candidate, CandidateKind, Protocol};

use super::liveness::Verdict;
use super::{Ice, CONSENT};
use crate::engine::network::{Found, Path};
use crate::states::IceConnectionState;

/// Time between checks of a pair, as the agent does it by itself, and while the path is in doubt.
const CALM: Duration = Duration::from_secs(3);
pub(super) const HURRY: Duration = Duration::from_millis(500);
/// A pair over which something came within this time is alive.
const FRESH: Duration = Duration::from_millis(1600);
/// Wait before a local candidate that was dropped for a dead path is tried again; it doubles.
const FIRST_RETURN: Duration = Duration::from_secs(5);
const LAST_RETURN: Duration = Duration::from_secs(80);

/// A local candidate that is out of use, since nothing came back over its pairs.
#[derive(Debug)]
struct Dropped {
    found: Found,
    returns_at: Instant,
    wait: Duration,
}

/// Measures taken against a dead path.
#[derive(Debug, Default)]
pub(super) struct Survival {
    /// Nothing answers on any pair.
    lost: bool,
    dropped: Vec<Dropped>,
}

impl Survival {
    /// Whether the path counts as lost.
    pub(super) fn is_lost(&self) -> bool {
        self.lost
    }

    /// ICE was restarted, with all candidates.
    pub(super) fn start_over(&mut self) {
        *self = Self::default();
    }
}

impl Ice {
    /// Data takes another path.
    pub(super) fn take_path(&mut self, path: Option<Path>, now: Instant) {
        self.path = path;
        self.path_since = now;
        self.consent = true;
        if let Some(path) = path {
            self.pairs.watch(path);
        }
    }

    /// Looks at the path that data takes, and does what can be done without the application.
    pub(super) fn survive(&mut self, now: Instant) {
        let Some(path) = self.path else { return };
        self.consent = self.consent_until(path).is_some_and(|until| now < until);
        self.bring_back(now);
        // Only who controls may choose another pair. Who does not must not give the present one up
        // early either: it would have to be told of it again.
        if !self.agent.controlling() || !(self.is_up() || self.survival.lost) {
            return;
        }
        let verdict = self.pairs.liveness.verdict(now);
        self.agent.set_max_stun_rto(match verdict {
            Verdict::Alive => CALM,
            Verdict::Suspect | Verdict::Dead => HURRY,
        });
        if verdict != Verdict::Dead || !self.pairs.liveness.tries(now) {
            return;
        }
        if self.is_any_alive(now) {
            self.drop_silent(now);
        } else if self.remote_credentials.is_some() {
            log::debug!("nothing answers: the pairs are made anew");
            self.agent.recreate_candidate_pairs();
        }
    }

    /// Takes a verdict over into the state.
    pub(super) fn judge(&mut self, now: Instant, entered: &mut Vec<IceConnectionState>) {
        let dead = self.pairs.liveness.verdict(now) == Verdict::Dead;
        if dead && self.is_up() && !self.is_any_alive(now) {
            self.survival.lost = true;
            self.enter(IceConnectionState::Disconnected, now, entered);
            self.fails_at = self.pairs.liveness.gives_up_at();
        } else if !dead && self.survival.lost {
            self.survival.lost = false;
            self.enter(self.agent_state, now, entered);
        }
    }

    pub(super) fn survival_deadline(&mut self) -> Option<Instant> {
        let consent = self.path.filter(|_| self.consent);
        let consent = consent.and_then(|path| self.consent_until(path));
        let returns = self.survival.dropped.iter().map(|local| local.returns_at);
        let verdict = self.pairs.liveness.deadline();
        returns.chain(verdict).chain(consent).min()
    }

    fn consent_until(&mut self, path: Path) -> Option<Instant> {
        let answered = self.pairs.answered(path).max(Some(self.path_since));
        answered.map(|at| at + CONSENT)
    }

    fn is_up(&self) -> bool {
        matches!(
            self.state,
            IceConnectionState::Connected | IceConnectionState::Completed
        )
    }

    fn is_any_alive(&self, now: Instant) -> bool {
        self.pairs
            .iter()
            .any(|pair| Some(pair.path) != self.path && is_fresh(pair.heard, now))
    }

    /// Stops using the local candidates over which nothing comes back. The agent then takes the best
    /// pair of the others.
    fn drop_silent(&mut self, now: Instant) {
        let alive: Vec<_> = self
            .pairs
            .iter()
            .filter(|pair| is_fresh(pair.heard, now))
            .map(|pair| (pair.path.proto, pair.path.local))
            .collect();
        for found in &self.locals {
            let candidate = &found.candidate;
            let is_dropped = |local: &Dropped| local.found.candidate == *candidate;
            if alive.contains(&sends_from(candidate))
                || self.survival.dropped.iter().any(is_dropped)
            {
                continue;
            }
            let (protocol, address) = sends_from(candidate);
            log::debug!("nothing comes back over {protocol} from {address}");
            self.agent.invalidate_candidate(candidate);
            self.survival.dropped.push(Dropped {
                found: found.clone(),
                returns_at: now + FIRST_RETURN,
                wait: FIRST_RETURN,
            });
        }
    }

    /// Tries again what was dropped a while ago.
    fn bring_back(&mut self, now: Instant) {
        let pairs = &self.pairs;
        let locals = &self.locals;
        self.survival.dropped.retain(|local| {
            let candidate = &local.found.candidate;
            let heard = pairs.iter().any(|pair| {
                (pair.path.proto, pair.path.local) == sends_from(candidate)
                    && is_fresh(pair.heard, now)
            });
            // Interfaces come and go meanwhile.
            let is_known = locals.iter().any(|known| known.candidate == *candidate);
            is_known && !heard
        });
        for local in &mut self.survival.dropped {
            if now < local.returns_at {
                continue;
            }
            local.wait = (local.wait * 2).min(LAST_RETURN);
            local.returns_at = now + local.wait;
            // Its pairs may have been tried in vain before.
            self.agent.invalidate_candidate(&local.found.candidate);
            self.preference
                .store(local.found.preference, Ordering::Relaxed);
            self.agent
                .add_local_candidate(local.found.candidate.clone());
        }
    }
}

/// Base of the paths of a local candidate.
fn sends_from(candidate: &Candidate) -> (Protocol, SocketAddr) {
    let address = match candidate.kind() {
        CandidateKind::Relayed => candidate.addr(),
        _ => candidate.local(),
    };
    (candidate.proto(), address)
}

fn is_fresh(heard: Option<Instant>, now: Instant) -> bool {
    heard.is_some_and(|at| now < at + FRESH)
}
