//! Parts of a track without media, audio or video.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

/// Whether a track can still deliver media.
#[derive(Debug, Copy, Clone, PartialEq, Eq)]
pub enum RtcTrackState {
    /// It can.
    Live,
    /// It never will again.
    Ended,
}

/// Identity and enabled flag of a track without media.
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
