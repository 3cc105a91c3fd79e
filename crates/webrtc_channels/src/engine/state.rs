//! State of the connection, from the states of its parts.

use crate::states::{IceConnectionState, PeerConnectionState};

/// States that the state of a connection depends on, apart from being closed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parts {
    /// A remote description was set.
    pub(super) started: bool,
    pub(super) ice: IceConnectionState,
    pub(super) dtls_connected: bool,
    /// DTLS or SCTP ended for good: only a new connection helps.
    pub(super) broken: bool,
    /// It was connected before.
    pub(super) was_connected: bool,
}

/// The connection's state (W3C WebRTC, section 4.3.3, with one transport).
pub(super) fn connection_state(parts: Parts) -> PeerConnectionState {
    use IceConnectionState as Ice;
    if parts.broken {
        return PeerConnectionState::Failed;
    }
    if !parts.started {
        return PeerConnectionState::New;
    }
    match parts.ice {
        Ice::Failed => PeerConnectionState::Failed,
        Ice::Disconnected if parts.was_connected => PeerConnectionState::Disconnected,
        Ice::Connected | Ice::Completed if parts.dtls_connected => PeerConnectionState::Connected,
        _ => PeerConnectionState::Connecting,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_its_parts() {
        use IceConnectionState as Ice;
        let new = Parts {
            started: false,
            ice: Ice::New,
            dtls_connected: false,
            broken: false,
            was_connected: false,
        };
        let checking = Parts {
            started: true,
            ice: Ice::Checking,
            ..new
        };
        let half = Parts {
            ice: Ice::Connected,
            ..checking
        };
        let up = Parts {
            dtls_connected: true,
            ..half
        };
        let again = Parts {
            ice: Ice::Checking,
            was_connected: true,
            ..up
        };
        let lost = Parts {
            ice: Ice::Disconnected,
            ..again
        };
        let table = [
            (new, PeerConnectionState::New),
            (checking, PeerConnectionState::Connecting),
            (half, PeerConnectionState::Connecting),
            (up, PeerConnectionState::Connected),
            (again, PeerConnectionState::Connecting),
            (lost, PeerConnectionState::Disconnected),
            (
                Parts {
                    was_connected: false,
                    ..lost
                },
                PeerConnectionState::Connecting,
            ),
            (
                Parts {
                    ice: Ice::Failed,
                    ..lost
                },
                PeerConnectionState::Failed,
            ),
            (Parts { broken: true, ..up }, PeerConnectionState::Failed),
        ];
        for (parts, state) in table {
            assert_eq!(connection_state(parts), state, "{parts:?}");
        }
    }
}
