//! Statistics of ICE.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use is::{Candidate, CandidateKind, Protocol};

use super::pairs::Pair;
use super::{is_same, Ice};
use crate::engine::network::Path;
use crate::states::IceConnectionState;
use crate::stats::dictionaries::{CandidatePairStats, IceCandidateStats};
use crate::stats::{
    IceCandidatePairState, IceCandidateType, IceRole, IceTcpCandidateType, IceTransportState,
};

/// Pairs told at most that carried nothing.
const MAX_QUIET: usize = 64;

/// The reports' members, and the identifiers they are known by.
pub(in crate::engine) struct IceReport {
    pub(in crate::engine) local: Vec<(String, IceCandidateStats)>,
    pub(in crate::engine) remote: Vec<(String, IceCandidateStats)>,
    /// Every pair that carried packets, and some that may yet.
    pub(in crate::engine) pairs: Vec<(String, CandidatePairStats)>,
    /// The one of them that data takes.
    pub(in crate::engine) selected: Option<String>,
    /// Number of changes of the pair.
    pub(in crate::engine) changes: u32,
    pub(in crate::engine) role: IceRole,
    pub(in crate::engine) state: IceTransportState,
    pub(in crate::engine) username_fragment: String,
}

/// One moment on both clocks.
pub(in crate::engine) struct Clock {
    instant: Instant,
    since_1970: Duration,
}

impl Clock {
    pub(in crate::engine) fn now() -> Self {
        Self {
            instant: Instant::now(),
            since_1970: SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default(),
        }
    }

    /// Microseconds since 1970, as the official library stamps reports.
    pub(in crate::engine) fn microseconds(&self) -> i64 {
        i64::try_from(self.since_1970.as_micros()).unwrap_or(i64::MAX)
    }

    /// Milliseconds since 1970 of a moment in the past, as the specification counts; 0 for never.
    fn milliseconds(&self, at: Option<Instant>) -> f64 {
        at.map_or(0.0, |at| {
            let ago = self.instant.saturating_duration_since(at);
            self.since_1970.saturating_sub(ago).as_secs_f64() * 1e3
        })
    }
}

impl Ice {
    pub(in crate::engine) fn report(&self, transport: &str, clock: &Clock) -> IceReport {
        let report = |candidate: &Candidate| (id_of(candidate), describe(candidate, transport));
        let local = |candidate: Candidate| self.describe_local(&candidate, transport);
        let remote = |candidate: Candidate| {
            let (id, mut stats) = report(&candidate);
            // Lines seldom say it; the description does.
            if let Some(credentials) = &self.remote_credentials {
                stats.username_fragment.clone_from(&credentials.ufrag);
            }
            (id, stats)
        };
        let quiet: Vec<_> = self.quiet_pairs().into_iter().map(Pair::new).collect();
        let pairs: Vec<_> = self
            .pairs
            .iter()
            .chain(&quiet)
            .map(|pair| (pair.path, self.describe_pair(pair, transport, clock)))
            .collect();
        let selected = pairs.iter().find(|(path, _)| Some(*path) == self.path);
        IceReport {
            local: self.agent.local_candidates().map(local).collect(),
            remote: self.agent.remote_candidates().map(remote).collect(),
            selected: selected.map(|(_, (id, _))| id.clone()),
            pairs: pairs.into_iter().map(|(_, pair)| pair).collect(),
            changes: self.path_changes,
            role: match (self.remote_credentials.is_some(), self.agent.controlling()) {
                (false, _) => IceRole::Unknown,
                (true, true) => IceRole::Controlling,
                (true, false) => IceRole::Controlled,
            },
            state: match self.state {
                IceConnectionState::New => IceTransportState::New,
                IceConnectionState::Checking => IceTransportState::Checking,
                IceConnectionState::Connected => IceTransportState::Connected,
                IceConnectionState::Completed => IceTransportState::Completed,
                IceConnectionState::Failed => IceTransportState::Failed,
                IceConnectionState::Disconnected => IceTransportState::Disconnected,
                IceConnectionState::Closed | IceConnectionState::Max => IceTransportState::Closed,
            },
            username_fragment: self.agent.local_credentials().ufrag.clone(),
        }
    }

    /// Paths that could be tried, and those that nothing was sent on yet.
    fn quiet_pairs(&self) -> Vec<Path> {
        let mut quiet = Vec::new();
        let candidates = self.locals.iter().map(|found| &found.candidate);
        let possible = candidates.flat_map(|local| {
            let remote = self.agent.remote_candidates();
            let remote = remote.filter(|remote| {
                remote.proto() == local.proto() && remote.addr().is_ipv4() == local.addr().is_ipv4()
            });
            remote.map(|remote| Path {
                proto: local.proto(),
                local: base(local),
                remote: remote.addr(),
            })
        });
        for path in self.path.into_iter().chain(possible) {
            if quiet.len() == MAX_QUIET {
                break;
            }
            if !quiet.contains(&path) && !self.pairs.iter().any(|pair| pair.path == path) {
                quiet.push(path);
            }
        }
        quiet
    }

    /// A local candidate, with the server it comes from.
    fn describe_local(
        &self,
        candidate: &Candidate,
        transport: &str,
    ) -> (String, IceCandidateStats) {
        let mut stats = describe(candidate, transport);
        let mut known = self.locals.iter();
        let known = known.find(|known| is_same(&known.candidate, candidate));
        if let Some(server) = known.and_then(|known| known.server.as_ref()) {
            stats.url.clone_from(&server.url);
            stats.relay_protocol = server.relay;
        }
        (id_of(candidate), stats)
    }

    fn describe_pair(
        &self,
        pair: &Pair,
        transport: &str,
        clock: &Clock,
    ) -> (String, CandidatePairStats) {
        let local = find(self.agent.local_candidates(), pair.path.local).unwrap_or_default();
        let remote = find(self.agent.remote_candidates(), pair.path.remote).unwrap_or_default();
        let id = format!(
            "CP{}_{}",
            local.trim_start_matches('I'),
            remote.trim_start_matches('I')
        );
        let stats = CandidatePairStats {
            transport_id: transport.to_owned(),
            local_candidate_id: local,
            remote_candidate_id: remote,
            state: Some(self.state_of(pair, clock.instant)),
            nominated: Some(pair.path) == self.path,
            packets_sent: pair.sent.packets,
            packets_received: pair.received.packets,
            bytes_sent: pair.sent.bytes,
            bytes_received: pair.received.bytes,
            last_packet_sent_timestamp: clock.milliseconds(pair.sent.last),
            last_packet_received_timestamp: clock.milliseconds(pair.received.last),
            current_round_trip_time: pair.round_trip.as_secs_f64(),
            total_round_trip_time: pair.total_round_trip.as_secs_f64(),
            // As in the official library: what comes after the first response asks for consent.
            requests_sent: pair.first_requests,
            consent_requests_sent: pair.requests_sent - pair.first_requests,
            requests_received: pair.requests_received,
            responses_received: pair.responses_received,
            responses_sent: pair.responses_sent,
            ..CandidatePairStats::default()
        };
        (id, stats)
    }

    fn state_of(&self, pair: &Pair, now: Instant) -> IceCandidatePairState {
        let selected = Some(pair.path) == self.path;
        let unanswered = pair
            .asked
            .is_some_and(|(_, left)| now > left + self.agent.ice_timeout());
        match (pair.responses_received, pair.requests_sent) {
            _ if selected && self.state == IceConnectionState::Failed => {
                IceCandidatePairState::Failed
            }
            _ if selected => IceCandidatePairState::Succeeded,
            (0, 0) => IceCandidatePairState::Waiting,
            (0, _) if unanswered => IceCandidatePairState::Failed,
            (0, _) => IceCandidatePairState::InProgress,
            _ => IceCandidatePairState::Succeeded,
        }
    }
}

/// Where packets of a candidate leave from.
fn base(candidate: &Candidate) -> SocketAddr {
    match candidate.kind() {
        CandidateKind::ServerReflexive => candidate.local(),
        _ => candidate.addr(),
    }
}

/// The identifier of the candidate with this address. Several may share a socket; the one whose own
/// address it is comes first.
fn find(
    candidates: impl Iterator<Item = Candidate> + Clone,
    address: SocketAddr,
) -> Option<String> {
    let mut own = candidates.clone().filter(|c| c.addr() == address);
    let mut base = candidates.filter(|c| c.local() == address);
    own.next().or_else(|| base.next()).map(|c| id_of(&c))
}

fn id_of(candidate: &Candidate) -> String {
    let mut hasher = DefaultHasher::new();
    (
        candidate.addr(),
        candidate.local(),
        format!("{:?}", candidate.proto()),
        candidate.kind().to_string(),
    )
        .hash(&mut hasher);
    format!("I{:08x}", hasher.finish() as u32)
}

fn describe(candidate: &Candidate, transport: &str) -> IceCandidateStats {
    let line = candidate.to_sdp_string();
    let after = |word: &str| {
        let mut words = line.split(' ');
        words.find(|w| *w == word)?;
        words.next()
    };
    let foundation = line
        .split(['=', ':', ' '])
        .find(|word| !word.is_empty() && *word != "a" && *word != "candidate");
    let kind = match candidate.kind() {
        CandidateKind::Host => IceCandidateType::Host,
        CandidateKind::ServerReflexive => IceCandidateType::Srflx,
        CandidateKind::PeerReflexive => IceCandidateType::Prflx,
        CandidateKind::Relayed => IceCandidateType::Relay,
    };
    let tcp_type = match after("tcptype") {
        Some("active") => Some(IceTcpCandidateType::Active),
        Some("passive") => Some(IceTcpCandidateType::Passive),
        Some("so") => Some(IceTcpCandidateType::So),
        _ => None,
    };
    IceCandidateStats {
        transport_id: transport.to_owned(),
        address: candidate.addr().ip().to_string(),
        port: i32::from(candidate.addr().port()),
        protocol: match candidate.proto() {
            Protocol::Udp => "udp".to_owned(),
            _ => "tcp".to_owned(),
        },
        candidate_type: Some(kind),
        priority: i32::try_from(candidate.prio()).unwrap_or(i32::MAX),
        foundation: foundation.unwrap_or_default().to_owned(),
        related_address: after("raddr").unwrap_or_default().to_owned(),
        related_port: after("rport")
            .and_then(|port| port.parse().ok())
            .unwrap_or(0),
        username_fragment: candidate.ufrag().unwrap_or_default().to_owned(),
        tcp_type,
        ..IceCandidateStats::default()
    }
}
