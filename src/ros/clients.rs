//! The clients of a node, and the thread that takes the responses of all of them.

use super::client::{ServiceClient, Work};
use super::error::RosError;
use super::type_support::TypeSupports;
use flume::{Receiver, Sender};
use parking_lot::Mutex;
use rclrs::Node;
use std::sync::Arc;
use std::thread::JoinHandle;
use tracing::error;

/// Makes clients, and takes the responses of all of them on a thread.
pub(super) struct Clients {
    node: Node,
    types: Arc<TypeSupports>,
    queue: Sender<Work>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Clients {
    pub(super) fn start(node: Node, types: Arc<TypeSupports>) -> std::io::Result<Self> {
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

    pub(super) fn node(&self) -> &Node {
        &self.node
    }

    pub(super) fn types(&self) -> &TypeSupports {
        &self.types
    }

    pub(super) fn create(&self, name: &str, type_name: &str) -> Result<ServiceClient, RosError> {
        ServiceClient::create(&self.node, &self.types, &self.queue, name, type_name)
    }

    /// Ends the thread and waits for it. Calling it again does nothing.
    pub(super) fn stop(&self) {
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
            client.take_responses();
        }
    }
}
