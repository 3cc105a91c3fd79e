//! Statistics reports, in the shape of the W3C's statistics API.
//!
//! Only reports about the connection and its data channels are ever produced here.

use serde::Deserialize;

pub mod dictionaries;
mod values;

pub use values::*;

/// One report of [`crate::peer_connection::PeerConnection::get_stats`].
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
#[allow(missing_docs)] // Each variant is the report of that name in the W3C's specification.
pub enum RtcStats {
    PeerConnection(PeerConnectionStats),
    DataChannel(DataChannelStats),
    Transport(TransportStats),
    CandidatePair(CandidatePairStats),
    LocalCandidate(LocalCandidateStats),
    RemoteCandidate(RemoteCandidateStats),
    Certificate(CertificateStats),
}

/// Defines reports that consist of several dictionaries, which are in the module `dictionaries` of whoever calls it.
#[doc(hidden)]
#[macro_export]
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
}
