//! Messages of channels, and the memory that they take.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

/// A frame's place in its video.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VideoFrame {
    /// Counts the frames of the video. A gap says that one was lost on its way to the session.
    pub number: u64,
    /// Whether decoding can begin with it. Other frames are of no use without the one before.
    pub is_key_frame: bool,
}

/// Bytes that a message takes beside its own in each queue that it waits in.
pub(crate) const PLACE: usize = size_of::<Message>();

/// Bytes of memory that a session's queues take.
#[derive(Clone, Debug, Default)]
pub(crate) struct QueuedBytes(Arc<AtomicUsize>);

impl QueuedBytes {
    pub(crate) fn get(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// Counts a message of so many bytes until the last clone of what is returned is dropped, and
    /// its place in a queue for each clone.
    pub(crate) fn count(&self, bytes: usize) -> Counted {
        self.add(bytes + PLACE);
        let total = self.clone();
        Counted(Arc::new(Shared { bytes, total }))
    }

    fn add(&self, bytes: usize) {
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }

    fn subtract(&self, bytes: usize) {
        self.0.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// A message's share of [`QueuedBytes`]. All queues that hold the message share its bytes, since
/// they share the memory too; each has a place for it.
#[derive(Debug)]
pub(crate) struct Counted(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    bytes: usize,
    total: QueuedBytes,
}

impl Clone for Counted {
    fn clone(&self) -> Self {
        self.0.total.add(PLACE);
        Self(self.0.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.total.subtract(PLACE);
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.total.subtract(self.bytes);
    }
}

/// A message that waits: a complete frame.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    /// Position of the message in its channel. Equal numbers are equal messages.
    pub(crate) seq: u64,
    pub(crate) frame: Bytes,
    pub(crate) queued_at: Instant,
    /// Whether it is of no use to a viewer that did not get the one numbered right before it.
    pub(crate) needs_previous: bool,
    /// `None` while the message is kept for later subscribers, which has its own budget.
    pub(crate) counted: Option<Counted>,
}
