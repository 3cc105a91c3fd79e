//! The states that the application sees.

use super::{Driver, End};
use crate::engine::dtls::Dtls;
use crate::engine::state::{connection_state, Parts};
use crate::states::{IceConnectionState, IceGatheringState, PeerConnectionState};

impl Driver {
    pub(super) fn update_state(&mut self) {
        let state = connection_state(Parts {
            started: self.started,
            ice: self.ice.state(),
            dtls_connected: self.dtls.as_ref().is_some_and(Dtls::is_connected),
            broken: matches!(self.end, End::Failed | End::ByPeer { fails_at: None }),
            was_connected: self.was_connected,
        });
        self.was_connected |= state == PeerConnectionState::Connected;
        self.enter(state);
        if state == PeerConnectionState::Failed {
            self.channels.write_off();
        }
    }

    pub(super) fn enter(&mut self, state: PeerConnectionState) {
        if self.shared.status().connection != state {
            log::debug!("connection {state:?}");
            self.shared
                .update_status(|status| status.connection = state);
            self.shared
                .observers
                .connection
                .call(|callback| callback(state));
        }
    }

    pub(super) fn enter_ice(&mut self, state: IceConnectionState) {
        self.shared.update_status(|status| status.ice = state);
        self.shared.observers.ice.call(|callback| callback(state));
    }

    pub(super) fn enter_gathering(&mut self, state: IceGatheringState) {
        if self.shared.status().gathering == state {
            return;
        }
        self.shared.update_status(|status| status.gathering = state);
        self.shared
            .observers
            .gathering
            .call(|callback| callback(state));
    }
}
