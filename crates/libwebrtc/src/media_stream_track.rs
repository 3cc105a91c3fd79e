//! Tracks. They have an identity and an enabled flag, and are always ended.

pub use crate::inert_track::RtcTrackState;

use crate::{audio_track::RtcAudioTrack, enum_dispatch, video_track::RtcVideoTrack};

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
