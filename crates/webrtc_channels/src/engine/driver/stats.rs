//! Statistics of a connection, in the shape of the W3C's reports.

use std::sync::atomic::Ordering;

use base64::prelude::{Engine, BASE64_STANDARD};
use dimpl::ProtocolVersion;
use sha2::{Digest, Sha256};

use super::{Driver, End};
use crate::engine::channel::Channel;
use crate::engine::dtls::Dtls;
use crate::engine::ice::Clock;
use crate::stats::{self, dictionaries, DtlsRole, DtlsTransportState, RtcStats};

/// There is one transport, for all channels.
const TRANSPORT: &str = "T01";

impl Driver {
    /// Reports about the connection, its transport, candidates, certificates and open channels.
    pub(super) fn stats(&self) -> Vec<RtcStats> {
        let clock = Clock::now();
        let rtc = |id: &str| dictionaries::RtcStats {
            id: id.to_owned(),
            timestamp: clock.microseconds(),
        };
        let (opened, closed) = self.channels.counts();
        let mut reports = vec![RtcStats::PeerConnection(stats::PeerConnectionStats {
            rtc: rtc("P"),
            pc: dictionaries::PeerConnectionStats {
                data_channels_opened: opened,
                data_channels_closed: closed,
            },
        })];
        for (number, channel) in self.channels.iter().enumerate() {
            reports.push(RtcStats::DataChannel(stats::DataChannelStats {
                rtc: rtc(&format!("D{number}")),
                dc: describe(channel),
            }));
        }
        let ice = self.ice.report(TRANSPORT, &clock);
        for (id, local_candidate) in ice.local {
            let rtc = rtc(&id);
            let report = stats::LocalCandidateStats {
                rtc,
                local_candidate,
            };
            reports.push(RtcStats::LocalCandidate(report));
        }
        for (id, remote_candidate) in ice.remote {
            let rtc = rtc(&id);
            let report = stats::RemoteCandidateStats {
                rtc,
                remote_candidate,
            };
            reports.push(RtcStats::RemoteCandidate(report));
        }
        for (id, candidate_pair) in ice.pairs {
            reports.push(RtcStats::CandidatePair(stats::CandidatePairStats {
                rtc: rtc(&id),
                candidate_pair,
            }));
        }
        let certificates = self.certificates();
        let certificate_id = |index: usize| -> String {
            let certificate = certificates.get(index);
            certificate.map_or_else(String::new, |own| format!("CF{}", own.fingerprint))
        };
        for (index, certificate) in certificates.iter().enumerate() {
            reports.push(RtcStats::Certificate(stats::CertificateStats {
                rtc: rtc(&certificate_id(index)),
                certificate: certificate.clone(),
            }));
        }
        reports.push(RtcStats::Transport(stats::TransportStats {
            rtc: rtc(TRANSPORT),
            transport: dictionaries::TransportStats {
                packets_sent: self.wire.sent.packets,
                packets_received: self.wire.received.packets,
                bytes_sent: self.wire.sent.bytes,
                bytes_received: self.wire.received.bytes,
                ice_role: ice.role,
                ice_local_username_fragment: ice.username_fragment,
                dtls_state: Some(self.dtls_state()),
                ice_state: Some(ice.state),
                selected_candidate_pair_id: ice.selected.unwrap_or_default(),
                selected_candidate_pair_changes: ice.changes,
                local_certificate_id: certificate_id(0),
                remote_certificate_id: certificate_id(1),
                dtls_cipher: self.dtls.as_ref().map_or("", Dtls::cipher).to_owned(),
                tls_version: tls_version(self.dtls.as_ref().and_then(Dtls::version)),
                dtls_role: match (&self.dtls, self.dtls_client) {
                    (None, _) => DtlsRole::Unknown,
                    (Some(_), true) => DtlsRole::Client,
                    (Some(_), false) => DtlsRole::Server,
                },
                ..Default::default()
            },
        }));
        reports
    }

    /// The own certificate, and that of the peer.
    fn certificates(&self) -> Vec<dictionaries::CertificateStats> {
        let describe =
            |algorithm: &str, digest: &[u8], certificate: &[u8]| dictionaries::CertificateStats {
                fingerprint: hex(digest),
                fingerprint_algorithm: algorithm.to_owned(),
                base64_certificate: BASE64_STANDARD.encode(certificate),
                ..Default::default()
            };
        let own = &self.certificate.certificate;
        let mut certificates = vec![describe("sha-256", &Sha256::digest(own), own)];
        if let Some(dtls) = &self.dtls {
            let expected = dtls.expected();
            let shown = dtls.peer_certificate().unwrap_or_default();
            certificates.push(describe(&expected.algorithm, &expected.digest, shown));
        }
        certificates
    }

    fn dtls_state(&self) -> DtlsTransportState {
        match &self.dtls {
            _ if self.closing => DtlsTransportState::Closed,
            _ if matches!(self.end, End::ByPeer { .. }) => DtlsTransportState::Closed,
            _ if self.end == End::Failed => DtlsTransportState::Failed,
            None => DtlsTransportState::New,
            Some(dtls) if Dtls::is_connected(dtls) => DtlsTransportState::Connected,
            Some(_) => DtlsTransportState::Connecting,
        }
    }
}

fn describe(channel: &Channel) -> dictionaries::DataChannelStats {
    let (outgoing, incoming) = (&channel.outgoing, &channel.incoming);
    dictionaries::DataChannelStats {
        label: channel.label().to_owned(),
        protocol: channel.init().protocol.clone(),
        data_channel_identifier: channel.id(),
        state: Some(channel.state()),
        messages_sent: outgoing.messages.load(Ordering::Relaxed),
        bytes_sent: outgoing.bytes.load(Ordering::Relaxed),
        messages_received: incoming.messages.load(Ordering::Relaxed),
        bytes_received: incoming.bytes.load(Ordering::Relaxed),
    }
}

/// The version as it is on the wire, in hexadecimal.
fn tls_version(version: Option<ProtocolVersion>) -> String {
    match version {
        Some(ProtocolVersion::DTLS1_2) => "FEFD".to_owned(),
        Some(ProtocolVersion::DTLS1_3) => "FEFC".to_owned(),
        _ => String::new(),
    }
}

/// Upper-case pairs joined by colons, as in session descriptions.
fn hex(digest: &[u8]) -> String {
    let pairs: Vec<_> = digest.iter().map(|byte| format!("{byte:02X}")).collect();
    pairs.join(":")
}
