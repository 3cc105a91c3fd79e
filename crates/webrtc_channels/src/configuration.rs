//! Settings of a connection.

use std::sync::Arc;

use parking_lot::RwLock;

/// A STUN or TURN server.
#[derive(Debug, Clone)]
pub struct IceServer {
    /// Such as `stun:host:port` or `turns:host:port?transport=tcp`.
    pub urls: Vec<String>,
    /// TURN user name.
    pub username: String,
    /// TURN password.
    pub password: String,
}

/// Whether to look for new addresses after the first gathering.
#[derive(Debug, Copy, Clone, PartialEq, Eq)]
pub enum ContinualGatheringPolicy {
    /// No.
    GatherOnce,
    /// Yes.
    GatherContinually,
}

/// Which candidates may be used.
#[derive(Debug, Copy, Clone, PartialEq, Eq)]
pub enum IceTransportsType {
    /// Only those relayed by a TURN server.
    Relay,
    /// All but local addresses.
    NoHost,
    /// All.
    All,
}

/// Settings of a peer connection.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RtcConfiguration {
    /// STUN and TURN servers.
    pub ice_servers: Vec<IceServer>,
    /// Whether to look for new addresses after the first gathering.
    pub continual_gathering_policy: ContinualGatheringPolicy,
    /// Which candidates may be used.
    pub ice_transport_type: IceTransportsType,
    /// Carry SCTP's first packets in the session descriptions. Not supported; it has no effect.
    pub enable_sctp_snap: bool,
}

impl Default for RtcConfiguration {
    fn default() -> Self {
        Self {
            ice_servers: Vec::new(),
            continual_gathering_policy: ContinualGatheringPolicy::GatherContinually,
            ice_transport_type: IceTransportsType::All,
            enable_sctp_snap: false,
        }
    }
}

/// Says whether an interface may be used, by its name; `None` leaves it to the default.
pub type InterfaceFilter = Arc<dyn Fn(&str) -> Option<bool> + Send + Sync>;

static INTERFACES: RwLock<Option<InterfaceFilter>> = RwLock::new(None);

/// Sets which network interfaces the connections of this process use from now on. By default all but
/// bridges that join no device of the machine: containers are behind those. Loopback is always used.
pub fn set_interface_filter(filter: InterfaceFilter) {
    *INTERFACES.write() = Some(filter);
}

pub(crate) fn interface_filter() -> Option<InterfaceFilter> {
    INTERFACES.read().clone()
}
