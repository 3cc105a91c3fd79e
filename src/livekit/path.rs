//! The network path to the server, from the statistics of the connection.

use std::time::Duration;

use livekit::webrtc::stats::{IceCandidateType, IceServerTransportProtocol, RtcStats};
use livekit::Room;

use crate::driver::{PathKind, PathStats};

/// The path that carries what is sent to viewers. `None` while there is none.
pub(super) async fn measure(room: &Room) -> Option<PathStats> {
    let stats = room.get_stats().await.ok()?;
    path(&stats.publisher_stats)
}

fn path(stats: &[RtcStats]) -> Option<PathStats> {
    let selected = stats.iter().find_map(|each| match each {
        RtcStats::Transport(each) => Some(&each.transport.selected_candidate_pair_id),
        _ => None,
    })?;
    let pair = stats.iter().find_map(|each| match each {
        RtcStats::CandidatePair(each) if each.rtc.id == *selected => Some(&each.candidate_pair),
        _ => None,
    })?;
    let local = stats.iter().find_map(|each| match each {
        RtcStats::LocalCandidate(each) if each.rtc.id == pair.local_candidate_id => {
            Some(&each.local_candidate)
        }
        _ => None,
    })?;
    let kind = match (local.candidate_type, local.relay_protocol) {
        (Some(IceCandidateType::Relay), Some(IceServerTransportProtocol::Tcp)) => {
            PathKind::RelayTcp
        }
        (Some(IceCandidateType::Relay), Some(IceServerTransportProtocol::Tls)) => {
            PathKind::RelayTls
        }
        (Some(IceCandidateType::Relay), _) => PathKind::RelayUdp,
        _ if local.protocol.eq_ignore_ascii_case("tcp") => PathKind::Tcp,
        _ => PathKind::Udp,
    };
    Some(PathStats {
        kind,
        round_trip: Duration::try_from_secs_f64(pair.current_round_trip_time).unwrap_or_default(),
        sent_bytes: pair.bytes_sent,
        received_bytes: pair.bytes_received,
        checks_sent: pair.requests_sent + pair.consent_requests_sent,
        checks_answered: pair.responses_received,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use livekit::webrtc::stats::{CandidatePairStats, LocalCandidateStats, TransportStats};

    fn stats(kind: IceCandidateType, relay: Option<IceServerTransportProtocol>) -> Vec<RtcStats> {
        let mut transport = TransportStats::default();
        transport.transport.selected_candidate_pair_id = "pair".into();
        let mut other = CandidatePairStats::default();
        other.rtc.id = "other".into();
        other.candidate_pair.bytes_sent = 1;
        let mut pair = CandidatePairStats::default();
        pair.rtc.id = "pair".into();
        pair.candidate_pair.local_candidate_id = "local".into();
        pair.candidate_pair.bytes_sent = 2;
        pair.candidate_pair.current_round_trip_time = 0.25;
        let mut local = LocalCandidateStats::default();
        local.rtc.id = "local".into();
        local.local_candidate.candidate_type = Some(kind);
        local.local_candidate.protocol = "udp".into();
        local.local_candidate.relay_protocol = relay;
        vec![
            RtcStats::CandidatePair(other),
            RtcStats::CandidatePair(pair),
            RtcStats::LocalCandidate(local),
            RtcStats::Transport(transport),
        ]
    }

    #[test]
    fn the_path_is_the_selected_pair() {
        let path = path(&stats(IceCandidateType::Host, None)).expect("a path");
        assert_eq!(path.kind, PathKind::Udp);
        assert_eq!(path.sent_bytes, 2);
        assert_eq!(path.round_trip, Duration::from_millis(250));
    }

    #[test]
    fn a_relay_is_told_with_the_way_to_it() {
        let relay = Some(IceServerTransportProtocol::Tls);
        let path = path(&stats(IceCandidateType::Relay, relay)).expect("a path");
        assert_eq!(path.kind, PathKind::RelayTls);
    }
}
