//! Audio tracks without media.

use crate::inert_track::{InertTrack, RtcTrackState};

/// An audio track. It carries no media.
#[derive(Debug, Clone)]
pub struct RtcAudioTrack(pub(crate) InertTrack);

impl RtcAudioTrack {
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
}
