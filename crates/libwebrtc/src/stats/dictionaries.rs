//! The members of each report, as the W3C's "Identifiers for WebRTC's Statistics API" names them.
// The names are the documentation: their meaning is defined by that specification.
#![allow(missing_docs)]

use std::collections::HashMap;

use serde::Deserialize;

use super::QualityLimitationReason;

pub use webrtc_channels::stats::dictionaries::{
    CandidatePairStats, CertificateStats, DataChannelStats, IceCandidateStats, PeerConnectionStats,
    RtcStats, TransportStats,
};

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
    CodecStats {
        payload_type: u32,
        transport_id: String,
        mime_type: String,
        clock_rate: u32,
        channels: u32,
        sdp_fmtp_line: String,
    }
    RtpStreamStats {
        ssrc: u32,
        kind: String,
        transport_id: String,
        codec_id: String,
    }
    ReceivedRtpStreamStats {
        packets_received: u64,
        packets_lost: i64,
        jitter: f64,
    }
    InboundRtpStreamStats {
        track_identifier: String,
        mid: String,
        remote_id: String,
        frames_decoded: u32,
        key_frames_decoded: u32,
        frames_rendered: u32,
        frames_dropped: u32,
        frame_width: u32,
        frame_height: u32,
        frames_per_second: f64,
        qp_sum: u64,
        total_decode_time: f64,
        total_inter_frame_delay: f64,
        total_squared_inter_frame_delay: f64,
        pause_count: u32,
        total_pause_duration: f64,
        freeze_count: u32,
        total_freeze_duration: f64,
        last_packet_received_timestamp: f64,
        header_bytes_received: u64,
        packets_discarded: u64,
        fec_bytes_received: u64,
        fec_packets_received: u64,
        fec_packets_discarded: u64,
        bytes_received: u64,
        nack_count: u32,
        fir_count: u32,
        pli_count: u32,
        total_processing_delay: f64,
        estimated_playout_timestamp: f64,
        jitter_buffer_delay: f64,
        jitter_buffer_target_delay: f64,
        jitter_buffer_emitted_count: u64,
        jitter_buffer_minimum_delay: f64,
        total_samples_received: u64,
        concealed_samples: u64,
        silent_concealed_samples: u64,
        concealment_events: u64,
        inserted_samples_for_deceleration: u64,
        removed_samples_for_acceleration: u64,
        audio_level: f64,
        total_audio_energy: f64,
        total_samples_duration: f64,
        frames_received: u64,
        decoder_implementation: String,
        playout_id: String,
        power_efficient_decoder: bool,
        frames_assembled_from_multiple_packets: u64,
        total_assembly_time: f64,
        retransmitted_packets_received: u64,
        retransmitted_bytes_received: u64,
        rtx_ssrc: u32,
        fec_ssrc: u32,
    }
    SentRtpStreamStats {
        packets_sent: u64,
        bytes_sent: u64,
    }
    OutboundRtpStreamStats {
        mid: String,
        media_source_id: String,
        remote_id: String,
        rid: String,
        header_bytes_sent: u64,
        retransmitted_packets_sent: u64,
        retransmitted_bytes_sent: u64,
        rtx_ssrc: u32,
        target_bitrate: f64,
        total_encoded_bytes_target: u64,
        frame_width: u32,
        frame_height: u32,
        frames_per_second: f64,
        frames_sent: u32,
        huge_frames_sent: u32,
        frames_encoded: u32,
        key_frames_encoded: u32,
        qp_sum: u64,
        total_encode_time: f64,
        total_packet_send_delay: f64,
        quality_limitation_reason: QualityLimitationReason,
        quality_limitation_durations: HashMap<String, f64>,
        quality_limitation_resolution_changes: u32,
        nack_count: u32,
        fir_count: u32,
        pli_count: u32,
        encoder_implementation: String,
        power_efficient_encoder: bool,
        active: bool,
        scalibility_mode: String,
    }
    RemoteInboundRtpStreamStats {
        local_id: String,
        round_trip_time: f64,
        total_round_trip_time: f64,
        fraction_lost: f64,
        round_trip_time_measurements: u64,
    }
    RemoteOutboundRtpStreamStats {
        local_id: String,
        remote_timestamp: f64,
        reports_sent: u64,
        round_trip_time: f64,
        total_round_trip_time: f64,
        round_trip_time_measurements: u64,
    }
    MediaSourceStats {
        track_identifier: String,
        kind: String,
    }
    AudioSourceStats {
        audio_level: f64,
        total_audio_energy: f64,
        total_samples_duration: f64,
        echo_return_loss: f64,
        echo_return_loss_enhancement: f64,
        dropped_samples_duration: f64,
        dropped_samples_events: u32,
        total_capture_delay: f64,
        total_samples_captured: u64,
    }
    VideoSourceStats {
        width: u32,
        height: u32,
        frames: u32,
        frames_per_second: f64,
    }
    AudioPlayoutStats {
        kind: String,
        synthesized_samples_duration: f64,
        synthesized_samples_events: u32,
        total_samples_duration: f64,
        total_playout_delay: f64,
        total_samples_count: u64,
    }
    StreamStats {
        id: String,
        stream_identifier: String,
    }
}
