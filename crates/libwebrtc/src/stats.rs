//! Statistics reports, in the shape of the W3C's statistics API.
//!
//! Only reports about the connection and its data channels are ever produced here.

use serde::Deserialize;

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

/// Defines plain enums whose names and values are those of the W3C's specification.
macro_rules! values {
    ($($(#[$attribute:meta])? $case:literal $name:ident {
        $($(#[$value_attribute:meta])? $value:ident,)*
    })+) => {
        $(
            $(#[$attribute])?
            #[doc = concat!("`", stringify!($name), "` of the W3C's specification.")]
            #[derive(Debug, Copy, Clone, PartialEq, Eq, Deserialize)]
            #[serde(rename_all = $case)]
            #[allow(missing_docs)]
            pub enum $name {
                $($(#[$value_attribute])? $value,)*
            }
        )+
    };
}

values! {
    #[derive(Default)]
    "lowercase" QualityLimitationReason {
        #[default]
        None,
        Cpu,
        Bandwidth,
        Other,
    }
    #[derive(Default)]
    "lowercase" IceRole {
        #[default]
        Unknown,
        Controlling,
        Controlled,
    }
    "lowercase" DtlsTransportState {
        New,
        Connecting,
        Connected,
        Closed,
        Failed,
    }
    "lowercase" IceTransportState {
        New,
        Checking,
        Connected,
        Completed,
        Disconnected,
        Failed,
        Closed,
    }
    #[derive(Default)]
    "lowercase" DtlsRole {
        Client,
        Server,
        #[default]
        Unknown,
    }
    "kebab-case" IceCandidatePairState {
        Frozen,
        Waiting,
        InProgress,
        Failed,
        Succeeded,
    }
    "lowercase" IceCandidateType {
        Host,
        Srflx,
        Prflx,
        Relay,
    }
    "lowercase" IceServerTransportProtocol {
        Udp,
        Tcp,
        Tls,
    }
    "lowercase" IceTcpCandidateType {
        Active,
        Passive,
        So,
    }
}

/// Defines reports that consist of several dictionaries.
macro_rules! reports {
    ($($name:ident { $($part:ident: $kind:ident,)* })+) => {
        $(
            #[doc = concat!("`", stringify!($name), "`: the members common to all reports, and its own.")]
            #[derive(Debug, Default, Clone, Deserialize)]
            #[allow(missing_docs)]
            pub struct $name {
                $(#[serde(flatten)] pub $part: dictionaries::$kind,)*
            }
        )+
    };
}

reports! {
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
    PeerConnectionStats {
        rtc: RtcStats,
        pc: PeerConnectionStats,
    }
    DataChannelStats {
        rtc: RtcStats,
        dc: DataChannelStats,
    }
    TransportStats {
        rtc: RtcStats,
        transport: TransportStats,
    }
    CandidatePairStats {
        rtc: RtcStats,
        candidate_pair: CandidatePairStats,
    }
    LocalCandidateStats {
        rtc: RtcStats,
        local_candidate: IceCandidateStats,
    }
    RemoteCandidateStats {
        rtc: RtcStats,
        remote_candidate: IceCandidateStats,
    }
    CertificateStats {
        rtc: RtcStats,
        certificate: CertificateStats,
    }
    StreamStats {
        rtc: RtcStats,
        stream: StreamStats,
    }
}
