//! Statistics reports, in the shape of the W3C's statistics API.
//!
//! Only reports about the connection and its data channels are ever produced here; those about media
//! are plain data, kept so that callers compile.

use serde::Deserialize;
use webrtc_channels::stats::RtcStats as Report;

pub use webrtc_channels::stats::{
    CandidatePairStats, CertificateStats, DataChannelStats, DtlsRole, DtlsTransportState,
    IceCandidatePairState, IceCandidateType, IceRole, IceServerTransportProtocol,
    IceTcpCandidateType, IceTransportState, LocalCandidateStats, PeerConnectionStats,
    RemoteCandidateStats, TransportStats,
};

pub mod dictionaries;

/// One report of [`crate::peer_connection::PeerConnection::get_stats`].
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
#[allow(missing_docs)] // Each variant is the report of that name in the W3C's specification.
pub enum RtcStats {
    Codec(CodecStats),
    InboundRtp(InboundRtpStats),
    OutboundRtp(OutboundRtpStats),
    RemoteInboundRtp(RemoteInboundRtpStats),
    RemoteOutboundRtp(RemoteOutboundRtpStats),
    MediaSource(MediaSourceStats),
    MediaPlayout(MediaPlayoutStats),
    PeerConnection(PeerConnectionStats),
    DataChannel(DataChannelStats),
    Transport(TransportStats),
    CandidatePair(CandidatePairStats),
    LocalCandidate(LocalCandidateStats),
    RemoteCandidate(RemoteCandidateStats),
    Certificate(CertificateStats),
    Stream(StreamStats),
    Track,
}

impl From<Report> for RtcStats {
    fn from(report: Report) -> Self {
        match report {
            Report::PeerConnection(stats) => Self::PeerConnection(stats),
            Report::DataChannel(stats) => Self::DataChannel(stats),
            Report::Transport(stats) => Self::Transport(stats),
            Report::CandidatePair(stats) => Self::CandidatePair(stats),
            Report::LocalCandidate(stats) => Self::LocalCandidate(stats),
            Report::RemoteCandidate(stats) => Self::RemoteCandidate(stats),
            Report::Certificate(stats) => Self::Certificate(stats),
        }
    }
}

/// `QualityLimitationReason` of the W3C's specification.
#[derive(Debug, Default, Copy, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum QualityLimitationReason {
    #[default]
    None,
    Cpu,
    Bandwidth,
    Other,
}

webrtc_channels::reports! {
    CodecStats {
        rtc: RtcStats,
        codec: CodecStats,
    }
    InboundRtpStats {
        rtc: RtcStats,
        stream: RtpStreamStats,
        received: ReceivedRtpStreamStats,
        inbound: InboundRtpStreamStats,
    }
    OutboundRtpStats {
        rtc: RtcStats,
        stream: RtpStreamStats,
        sent: SentRtpStreamStats,
        outbound: OutboundRtpStreamStats,
    }
    RemoteInboundRtpStats {
        rtc: RtcStats,
        stream: RtpStreamStats,
        received: ReceivedRtpStreamStats,
        remote_inbound: RemoteInboundRtpStreamStats,
    }
    RemoteOutboundRtpStats {
        rtc: RtcStats,
        stream: RtpStreamStats,
        sent: SentRtpStreamStats,
        remote_outbound: RemoteOutboundRtpStreamStats,
    }
    MediaSourceStats {
        rtc: RtcStats,
        source: MediaSourceStats,
        audio: AudioSourceStats,
        video: VideoSourceStats,
    }
    MediaPlayoutStats {
        rtc: RtcStats,
        audio_playout: AudioPlayoutStats,
    }
    StreamStats {
        rtc: RtcStats,
        stream: StreamStats,
    }
}
