//! Video tracks without media.

use crate::inert_track::{InertTrack, RtcTrackState};
use crate::native::packet_trailer::handler::PacketTrailerHandler;

/// A video track. It carries no media.
#[derive(Debug, Clone)]
pub struct RtcVideoTrack(pub(crate) InertTrack);

impl RtcVideoTrack {
    /// The identifier it was created with.
    pub fn id(&self) -> String {
        self.0.id()
    }

    /// Whether the application wants it to carry media.
    pub fn enabled(&self) -> bool {
        self.0.enabled()
    }

    /// Sets the flag; answers whether that changed it.
    pub fn set_enabled(&self, enabled: bool) -> bool {
        self.0.set_enabled(enabled)
    }

    /// Always [`RtcTrackState::Ended`].
    pub fn state(&self) -> RtcTrackState {
        RtcTrackState::Ended
    }

    /// Does nothing: there are no packets to add a trailer to.
    pub fn set_packet_trailer_handler(&self, _handler: PacketTrailerHandler) {}

    /// Always `None`.
    pub fn packet_trailer_handler(&self) -> Option<PacketTrailerHandler> {
        None
    }
}
