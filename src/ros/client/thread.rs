//! The thread that takes the responses of all clients.

use super::super::type_support::TypeSupports;
use super::super::RosError;
use super::{Inner, ServiceClient};
use flume::{Receiver, Sender};
use parking_lot::Mutex;
use rclrs::Node;
use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use tracing::error;

/// Queues a client when it has responses.
pub(super) struct Announcer {
    client: Weak<Inner>,
    /// Whether it is in the queue.
    queued: AtomicBool,
    queue: Sender<Work>,
}

impl Announcer {
    pub(super) fn new(client: &Weak<Inner>, queue: &Sender<Work>) -> Self {
        Self {
            client: Weak::clone(client),
            queued: AtomicBool::new(false),
            queue: queue.clone(),
        }
    }
}

/// # Safety
/// `user_data` points to a live [`Announcer`].
pub(super) unsafe extern "C" fn on_new_response(
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

pub(super) enum Work {
    Ready(Weak<Inner>),
    Stop,
}

/// Makes clients, and takes the responses of all of them on a thread.
pub(in crate::ros) struct Clients {
    node: Node,
    types: Arc<TypeSupports>,
    queue: Sender<Work>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Clients {
    pub(in crate::ros) fn start(node: Node, types: Arc<TypeSupports>) -> std::io::Result<Self> {
        // Bounded by the clients: each is in it once.
        let (queue, work) = flume::unbounded();
        let thread = std::thread::Builder::new()
            .name("ros-client".into())
            .spawn(move || run(&work))?;
        Ok(Self {
            node,
            types,
            queue,
            thread: Mutex::new(Some(thread)),
        })
    }

    pub(in crate::ros) fn node(&self) -> &Node {
        &self.node
    }

    pub(in crate::ros) fn types(&self) -> &TypeSupports {
        &self.types
    }

    pub(in crate::ros) fn create(
        &self,
        name: &str,
        type_name: &str,
    ) -> Result<ServiceClient, RosError> {
        ServiceClient::create(&self.node, &self.types, &self.queue, name, type_name)
    }

    /// Ends the thread and waits for it. Calling it again does nothing.
    pub(in crate::ros) fn stop(&self) {
        let _ = self.queue.send(Work::Stop);
        if let Some(thread) = self.thread.lock().take() {
            if thread.join().is_err() {
                error!("the client thread had panicked");
            }
        }
    }
}

fn run(work: &Receiver<Work>) {
    while let Ok(Work::Ready(client)) = work.recv() {
        if let Some(client) = client.upgrade() {
            // Before the first take: what arrives from now on announces itself again.
            client.announcer.queued.store(false, Ordering::Release);
            client.take_all();
        }
    }
}
