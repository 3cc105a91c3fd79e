//! What statistics say about ICE.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::SocketAddr;

use is::{Candidate, CandidateKind, Protocol};

use super::Ice;
use crate::peer_connection::IceConnectionState;
use crate::stats::dictionaries::{CandidatePairStats, IceCandidateStats};
use crate::stats::{
    IceCandidatePairState, IceCandidateType, IceRole, IceTcpCandidateType, IceTransportState,
};

/// The reports' members, and the identifiers they are known by.
pub(in crate::engine) struct IceReport {
    pub(in crate::engine) local: Vec<(String, IceCandidateStats)>,
    pub(in crate::engine) remote: Vec<(String, IceCandidateStats)>,
    /// The pair that data takes. The agent does not tell about the others.
    pub(in crate::engine) pair: Option<(String, CandidatePairStats)>,
    pub(in crate::engine) role: IceRole,
    pub(in crate::engine) state: IceTransportState,
    pub(in crate::engine) username_fragment: String,
}

impl Ice {
    pub(in crate::engine) fn report(&self, transport: &str) -> IceReport {
        let report = |candidate: &Candidate| (id_of(candidate), describe(candidate, transport));
        IceReport {
            local: self.agent.local_candidates().map(|c| report(&c)).collect(),
            remote: self.agent.remote_candidates().map(|c| report(&c)).collect(),
            pair: self.pair(transport),
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

    fn pair(&self, transport: &str) -> Option<(String, CandidatePairStats)> {
        let path = self.path?;
        let local = find(self.agent.local_candidates(), path.local);
        let remote = find(self.agent.remote_candidates(), path.remote);
        let (local, remote) = (local.unwrap_or_default(), remote.unwrap_or_default());
        let stats = self.agent.stats();
        let seconds = |time: Option<std::time::Duration>| time.map_or(0.0, |t| t.as_secs_f64());
        let id = format!(
            "CP{}_{}",
            local.trim_start_matches('I'),
            remote.trim_start_matches('I')
        );
        let pair = CandidatePairStats {
            transport_id: transport.to_owned(),
            local_candidate_id: local,
            remote_candidate_id: remote,
            state: Some(match self.state {
                IceConnectionState::Failed => IceCandidatePairState::Failed,
                _ => IceCandidatePairState::Succeeded,
            }),
            nominated: true,
            current_round_trip_time: seconds(self.agent.nominated_pair_rtt()),
            total_round_trip_time: seconds(self.agent.nominated_pair_total_rtt()),
            requests_sent: stats.bind_request_sent,
            requests_received: stats.bind_request_recv,
            responses_received: stats.bind_success_recv,
            // Every valid request is answered.
            responses_sent: stats.bind_request_recv,
            ..CandidatePairStats::default()
        };
        Some((id, pair))
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
