//! Statistics of a connection, in the shape of the W3C's reports.

use std::sync::atomic::Ordering;
use std::time::{SystemTime, UNIX_EPOCH};

use dimpl::ProtocolVersion;
use sha2::{Digest, Sha256};

use super::Driver;
use crate::engine::channel::Channel;
use crate::engine::dtls::Dtls;
use crate::stats::{self, dictionaries, DtlsRole, DtlsTransportState, RtcStats};

/// There is one transport, for all channels.
const TRANSPORT: &str = "T01";

/// Packets of DTLS, both ways.
#[derive(Debug, Default)]
pub(super) struct Wire {
    sent: Count,
    received: Count,
}

#[derive(Debug, Default)]
struct Count {
    packets: u64,
    bytes: u64,
    last: Option<SystemTime>,
}

impl Wire {
    pub(super) fn sent(&mut self, bytes: usize) {
        self.sent.add(bytes);
    }

    pub(super) fn received(&mut self, bytes: usize) {
        self.received.add(bytes);
    }
}

impl Count {
    fn add(&mut self, bytes: usize) {
        self.packets += 1;
        self.bytes += bytes as u64;
        self.last = Some(SystemTime::now());
    }

    /// Milliseconds since 1970, as the specification counts.
    fn last(&self) -> f64 {
        let last = self
            .last
            .and_then(|last| last.duration_since(UNIX_EPOCH).ok());
        last.map_or(0.0, |last| last.as_secs_f64() * 1e3)
    }
}

impl Driver {
    /// Reports about the connection, its transport, candidates, certificates and open channels.
    pub(super) fn stats(&self) -> Vec<RtcStats> {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let rtc = |id: &str| dictionaries::RtcStats {
            id: id.to_owned(),
            // Microseconds, as the official library has it.
            timestamp: i64::try_from(since.as_micros()).unwrap_or(i64::MAX),
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
        let ice = self.ice.report(TRANSPORT);
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
        let selected = ice.pair.as_ref().map(|(id, _)| id.clone());
        if let Some((id, mut pair)) = ice.pair {
            pair.packets_sent = self.wire.sent.packets;
            pair.bytes_sent = self.wire.sent.bytes;
            pair.last_packet_sent_timestamp = self.wire.sent.last();
            pair.packets_received = self.wire.received.packets;
            pair.bytes_received = self.wire.received.bytes;
            pair.last_packet_received_timestamp = self.wire.received.last();
            reports.push(RtcStats::CandidatePair(stats::CandidatePairStats {
                rtc: rtc(&id),
                candidate_pair: pair,
            }));
        }
        let digest = Sha256::digest(&self.certificate.certificate);
        let mut certificates = vec![("sha-256", hex(&digest))];
        if let Some(dtls) = &self.dtls {
            let expected = dtls.expected();
            certificates.push((expected.algorithm.as_str(), hex(&expected.digest)));
        }
        let certificate_ids: Vec<_> = certificates
            .iter()
            .map(|(_, fingerprint)| format!("CF{fingerprint}"))
            .collect();
        for ((algorithm, fingerprint), id) in certificates.iter().zip(&certificate_ids) {
            reports.push(RtcStats::Certificate(stats::CertificateStats {
                rtc: rtc(id),
                certificate: dictionaries::CertificateStats {
                    fingerprint: fingerprint.clone(),
                    fingerprint_algorithm: (*algorithm).to_owned(),
                    ..Default::default()
                },
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
                selected_candidate_pair_id: selected.unwrap_or_default(),
                local_certificate_id: certificate_ids[0].clone(),
                remote_certificate_id: certificate_ids.get(1).cloned().unwrap_or_default(),
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

    fn dtls_state(&self) -> DtlsTransportState {
        match &self.dtls {
            _ if self.closing => DtlsTransportState::Closed,
            _ if self.broken => DtlsTransportState::Failed,
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
