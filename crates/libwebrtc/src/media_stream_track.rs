//! Tracks. They have an identity and an enabled flag, and are always ended.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

use crate::{audio_track::RtcAudioTrack, enum_dispatch, video_track::RtcVideoTrack};

/// Whether a track can still deliver media.
#[derive(Debug, Copy, Clone, PartialEq, Eq)]
pub enum RtcTrackState {
    /// It can.
    Live,
    /// It never will again.
    Ended,
}

/// An audio or a video track.
#[derive(Debug, Clone)]
pub enum MediaStreamTrack {
    /// A video track.
    Video(RtcVideoTrack),
    /// An audio track.
    Audio(RtcAudioTrack),
}

impl MediaStreamTrack {
    enum_dispatch!(
        [Video, Audio];
        pub fn id(self: &Self) -> String;
        pub fn enabled(self: &Self) -> bool;
        pub fn set_enabled(self: &Self, enabled: bool) -> bool;
        pub fn state(self: &Self) -> RtcTrackState;
    );
}

impl From<RtcAudioTrack> for MediaStreamTrack {
    fn from(track: RtcAudioTrack) -> Self {
        Self::Audio(track)
    }
}

impl From<RtcVideoTrack> for MediaStreamTrack {
    fn from(track: RtcVideoTrack) -> Self {
        Self::Video(track)
    }
}

/// What an inert track consists of.
#[derive(Debug, Clone)]
pub(crate) struct InertTrack {
    id: Arc<str>,
    enabled: Arc<AtomicBool>,
}

impl InertTrack {
    pub(crate) fn new(id: &str) -> Self {
        Self {
            id: id.into(),
            enabled: Arc::new(AtomicBool::new(true)),
        }
    }

    pub(crate) fn id(&self) -> String {
        self.id.to_string()
    }

    pub(crate) fn enabled(&self) -> bool {
        self.enabled.load(Ordering::Relaxed)
    }

    pub(crate) fn set_enabled(&self, enabled: bool) -> bool {
        self.enabled.swap(enabled, Ordering::Relaxed) != enabled
    }
}
