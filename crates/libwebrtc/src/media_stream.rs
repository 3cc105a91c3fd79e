//! Media streams. None ever exists without media; the type is here to be named.

use std::convert::Infallible;

use crate::{audio_track::RtcAudioTrack, video_track::RtcVideoTrack};

/// A group of tracks of a remote peer. It cannot be constructed.
#[derive(Debug, Clone)]
pub struct MediaStream(Infallible);

impl MediaStream {
    /// The stream's identifier.
    pub fn id(&self) -> String {
        match self.0 {}
    }

    /// Its audio tracks.
    pub fn audio_tracks(&self) -> Vec<RtcAudioTrack> {
        match self.0 {}
    }

    /// Its video tracks.
    pub fn video_tracks(&self) -> Vec<RtcVideoTrack> {
        match self.0 {}
    }
}
