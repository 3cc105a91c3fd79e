//! The queue of clients that have responses, which the middleware's callback fills.
#![allow(unsafe_code)]

use flume::Sender;
use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Weak;

/// A client whose responses can be taken.
pub(in crate::ros) trait TakeResponses: Send + Sync {
    /// Takes the responses that have arrived, and gives them to those who wait.
    fn take_responses(&self);
}

/// Queues a client when it has responses.
pub(in crate::ros) struct Announcer {
    client: Weak<dyn TakeResponses>,
    /// Whether it is in the queue.
    queued: AtomicBool,
    queue: Sender<Work>,
}

impl Announcer {
    pub(super) fn new(client: Weak<dyn TakeResponses>, queue: &Sender<Work>) -> Self {
        Self {
            client,
            queued: AtomicBool::new(false),
            queue: queue.clone(),
        }
    }

    /// It has left the queue: what arrives from now on puts it there again.
    pub(super) fn taken(&self) {
        self.queued.store(false, Ordering::Release);
    }
}

/// # Safety
/// `user_data` points to a live [`Announcer`].
pub(in crate::ros) unsafe extern "C" fn on_new_response(
    user_data: *const c_void,
    _number_of_events: usize,
) {
    // SAFETY: as required from the caller.
    let announcer = unsafe { &*user_data.cast::<Announcer>() };
    if !announcer.queued.swap(true, Ordering::AcqRel) {
        // Fails only after the thread has ended. Weak: a client must not end inside its callback.
        let _ = announcer
            .queue
            .send(Work::Ready(Weak::clone(&announcer.client)));
    }
}

/// Work of the thread that takes responses.
pub(in crate::ros) enum Work {
    Ready(Weak<dyn TakeResponses>),
    Stop,
}
