//! The executor under the node.
//!
//! rclrs lets a program bring its own [`ExecutorRuntime`]. This one runs the node's
//! own work (parameter services, /clock, graph events) on one thread once it is told to, and gives
//! raw subscriptions and clients a worker that hands out their rcl handle (see `handle.rs`). Futures
//! run on the caller's tokio runtime.

use super::handle::{divert, HandleCell, HandleWorker};
use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use rclrs::{
    ExecutorChannel, ExecutorRuntime, ExecutorWorkerOptions, GuardCondition, PayloadTask,
    RclrsError, SpinConditions, WaitSetRunConditions, WaitSetRunner, Waitable,
    WeakActivityListener, WorkerChannel,
};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::runtime::Handle;
use tracing::error;

/// Pause before the node's thread goes on after an error, so that a lasting one does not spin.
const RETRY: Duration = Duration::from_millis(100);

/// The threads of a node. Clones share them.
#[derive(Clone)]
pub(super) struct Executor {
    shared: Arc<Shared>,
}

struct Shared {
    /// Set once, ends all threads.
    halt: Arc<AtomicBool>,
    /// One per worker, to wake its thread.
    guards: Mutex<Vec<Weak<GuardCondition>>>,
    /// The node's own work until a thread runs it.
    node: Mutex<Option<NodeWork>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    runtime: Handle,
}

impl Executor {
    pub(super) fn new(runtime: Handle) -> Self {
        Self {
            shared: Arc::new(Shared {
                halt: Arc::default(),
                guards: Mutex::default(),
                node: Mutex::default(),
                threads: Mutex::default(),
                runtime,
            }),
        }
    }

    /// Starts the thread of the node that has been created on this executor.
    ///
    /// # Errors
    /// There are no threads left.
    pub(super) fn run_node(&self) -> std::io::Result<()> {
        if let Some(work) = self.shared.node.lock().take() {
            let thread = std::thread::Builder::new().name("ros-node".into());
            let thread = thread.spawn(move || work.run())?;
            self.shared.threads.lock().push(thread);
        }
        Ok(())
    }

    /// Ends all threads and waits for them. Calling it again does nothing.
    pub(super) fn stop(&self) {
        self.shared.halt.store(true, Ordering::Release);
        self.wake_all_wait_sets();
        let threads = std::mem::take(&mut *self.shared.threads.lock());
        for thread in threads {
            if thread.join().is_err() {
                error!("a ROS thread had panicked");
            }
        }
    }

    fn prepare_node_worker(&self, options: ExecutorWorkerOptions) -> Arc<dyn WorkerChannel> {
        let conditions = WaitSetRunConditions {
            only_next_available_work: false,
            stop_time: None,
            context: options.context.clone(),
            halt_spinning: Arc::clone(&self.shared.halt),
        };
        self.shared
            .guards
            .lock()
            .push(Arc::downgrade(&options.guard_condition));
        let runner = WaitSetRunner::new(options);
        let (waitables, tasks) = (runner.waitable_sender(), runner.payload_task_sender());
        let worker = NodeWorker {
            add_waitable: Box::new(move |waitable| {
                // Fails only after the thread has ended; then nothing is waited for any more.
                let _ = waitables.unbounded_send(waitable);
            }),
            add_task: Box::new(move |task| {
                let _ = tasks.unbounded_send(task);
            }),
            listeners: runner.activity_listeners(),
            runtime: self.shared.runtime.clone(),
        };
        let other = self
            .shared
            .node
            .lock()
            .replace(NodeWork { runner, conditions });
        debug_assert!(other.is_none(), "an executor has one node");
        Arc::new(worker)
    }
}

impl ExecutorChannel for Executor {
    fn create_worker(&self, options: ExecutorWorkerOptions) -> Arc<dyn WorkerChannel> {
        match options.payload.downcast_ref::<HandleCell>().cloned() {
            Some(cell) => HandleWorker::new(cell, options),
            None => self.prepare_node_worker(options),
        }
    }

    fn wake_all_wait_sets(&self) {
        self.shared
            .guards
            .lock()
            .retain(|guard| guard.upgrade().is_some_and(|guard| guard.trigger().is_ok()));
    }
}

impl ExecutorRuntime for Executor {
    fn channel(&self) -> Arc<dyn ExecutorChannel> {
        Arc::new(self.clone())
    }

    /// The workers run by themselves: there is nothing to spin.
    fn spin(&mut self, _conditions: SpinConditions) -> Vec<RclrsError> {
        Vec::new()
    }

    fn spin_async(
        self: Box<Self>,
        _conditions: SpinConditions,
    ) -> BoxFuture<'static, (Box<dyn ExecutorRuntime>, Vec<RclrsError>)> {
        Box::pin(async move { (self as Box<dyn ExecutorRuntime>, Vec::new()) })
    }
}

/// What the node's thread runs.
struct NodeWork {
    runner: WaitSetRunner,
    conditions: WaitSetRunConditions,
}

impl NodeWork {
    fn run(mut self) {
        while let Err(problem) = self.runner.run_blocking(self.conditions.clone()) {
            error!(error = %problem, "the ROS node thread failed");
            std::thread::sleep(RETRY);
        }
    }
}

/// The channel to a thread that runs a [`WaitSetRunner`].
struct NodeWorker {
    // Closures, since the senders' crate is no dependency of this one.
    add_waitable: Box<dyn Fn(Waitable) + Send + Sync>,
    add_task: Box<dyn Fn(PayloadTask) + Send + Sync>,
    listeners: Arc<std::sync::Mutex<Vec<WeakActivityListener>>>,
    runtime: Handle,
}

impl WorkerChannel for NodeWorker {
    fn add_async_task(&self, task: BoxFuture<'static, ()>) {
        self.runtime.spawn(task);
    }

    fn add_to_wait_set(&self, waitable: Waitable) {
        if let Some(waitable) = divert(waitable) {
            (self.add_waitable)(waitable);
        }
    }

    fn send_payload_task(&self, task: PayloadTask) {
        (self.add_task)(task);
    }

    fn add_activity_listener(&self, listener: WeakActivityListener) {
        // A panic of another holder leaves a list that is still whole.
        self.listeners
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .push(listener);
    }
}
