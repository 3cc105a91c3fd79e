//! The values that members of reports take.

use serde::Deserialize;

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
