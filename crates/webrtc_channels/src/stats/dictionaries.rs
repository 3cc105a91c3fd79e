//! The members of each report, as the W3C's "Identifiers for WebRTC's Statistics API" names them.
// The names are the documentation: their meaning is defined by that specification.
#![allow(missing_docs)]

use serde::Deserialize;

use super::values::{
    DtlsRole, DtlsTransportState, IceCandidatePairState, IceCandidateType, IceRole,
    IceServerTransportProtocol, IceTcpCandidateType, IceTransportState,
};
use crate::data_channel::types::DataChannelState;

/// Defines dictionaries whose members are all public, default to empty and read from camel case.
macro_rules! dictionaries {
    ($($name:ident { $($member:ident: $kind:ty,)* })+) => {
        $(
            #[derive(Debug, Default, Clone, Deserialize)]
            #[serde(rename_all = "camelCase", default)]
            pub struct $name {
                $(pub $member: $kind,)*
            }
        )+
    };
}

dictionaries! {
    RtcStats {
        id: String,
        timestamp: i64,
    }
    PeerConnectionStats {
        data_channels_opened: u32,
        data_channels_closed: u32,
    }
    DataChannelStats {
        label: String,
        protocol: String,
        data_channel_identifier: i32,
        state: Option<DataChannelState>,
        messages_sent: u32,
        bytes_sent: u64,
        messages_received: u32,
        bytes_received: u64,
    }
    TransportStats {
        packets_sent: u64,
        packets_received: u64,
        bytes_sent: u64,
        bytes_received: u64,
        ice_role: IceRole,
        ice_local_username_fragment: String,
        dtls_state: Option<DtlsTransportState>,
        ice_state: Option<IceTransportState>,
        selected_candidate_pair_id: String,
        local_certificate_id: String,
        remote_certificate_id: String,
        tls_version: String,
        dtls_cipher: String,
        dtls_role: DtlsRole,
        srtp_cipher: String,
        selected_candidate_pair_changes: u32,
    }
    CandidatePairStats {
        transport_id: String,
        local_candidate_id: String,
        remote_candidate_id: String,
        state: Option<IceCandidatePairState>,
        nominated: bool,
        packets_sent: u64,
        packets_received: u64,
        bytes_sent: u64,
        bytes_received: u64,
        last_packet_sent_timestamp: f64,
        last_packet_received_timestamp: f64,
        total_round_trip_time: f64,
        current_round_trip_time: f64,
        available_outgoing_bitrate: f64,
        available_incoming_bitrate: f64,
        requests_received: u64,
        requests_sent: u64,
        responses_received: u64,
        responses_sent: u64,
        consent_requests_sent: u64,
        packets_discarded_on_send: u32,
        bytes_discarded_on_send: u64,
    }
    IceCandidateStats {
        transport_id: String,
        address: String,
        port: i32,
        protocol: String,
        candidate_type: Option<IceCandidateType>,
        priority: i32,
        url: String,
        relay_protocol: Option<IceServerTransportProtocol>,
        foundation: String,
        related_address: String,
        related_port: i32,
        username_fragment: String,
        tcp_type: Option<IceTcpCandidateType>,
        network_type: Option<String>,
    }
    CertificateStats {
        fingerprint: String,
        fingerprint_algorithm: String,
        base64_certificate: String,
        issuer_certificate_id: String,
    }
}
