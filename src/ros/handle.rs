//! The rcl handle of a subscription, from rclrs's public interface.
//!
//! rclrs 0.8 creates subscriptions for types unknown at compile time, but keeps their
//! `rcl_subscription_t` to itself. It shows it in one place: a wait set hands each
//! ready primitive to a closure, and a primitive shows its handle. So each raw
//! subscription is created on a worker of its own, whose channel puts the new
//! primitive into a wait set beside the worker's guard condition, triggers the guard,
//! waits, and keeps the address. The wait set is thrown away then: messages are
//! announced by the middleware's callback (see `source.rs`), which costs nothing per
//! other subscription, unlike a wait set.
//!
//! rclrs 0.8.0 hands out every primitive of a wait set that woke up, ready or not; the
//! dependency is pinned to that version, and a subscription whose handle does not show
//! fails to be created.

use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use rclrs::{
    Context, DynamicSubscriptionState, ExecutorWorkerOptions, GuardCondition, MessageTypeName,
    Node, PayloadTask, QoSProfile, RclPrimitiveHandle, RclrsError, SubscriptionOptions, WaitSet,
    Waitable, WeakActivityListener, Worker, WorkerChannel,
};
use std::ffi::c_void;
use std::sync::Arc;
use std::time::Duration;

/// Bound of the wait that shows the handle. The guard condition is triggered before, so
/// that it returns at once.
const HANDLE_WAIT: Duration = Duration::from_secs(1);

/// Why a subscription could not be created.
#[derive(Debug, thiserror::Error)]
pub(super) enum HandleError {
    #[error(transparent)]
    Rclrs(#[from] RclrsError),
    /// This rclrs does not show handles in the way described above.
    #[error("rclrs did not show the subscription's handle")]
    NotShown,
}

/// A subscription without an executor, and the address of its `rcl_subscription_t`.
pub(super) struct SubscriptionHandle {
    pointer: HandlePointer,
    /// Owns what `pointer` points to.
    _owner: Arc<DynamicSubscriptionState<Worker<HandleCell>>>,
}

impl SubscriptionHandle {
    /// Creates a subscription on the node.
    pub(super) fn create(
        node: &Node,
        topic: &str,
        message_type: MessageTypeName,
        qos: QoSProfile,
    ) -> Result<Self, HandleError> {
        let cell = HandleCell::default();
        let worker = node.create_worker(cell.clone());
        let mut options = SubscriptionOptions::new(topic);
        options.qos = qos;
        // The callback never runs: nothing executes the primitive.
        let owner = worker.create_dynamic_subscription(
            message_type,
            options,
            |_: &mut HandleCell, _, _| {},
        )?;
        let shown = cell.0.lock().take();
        match shown {
            Some(Ok(pointer)) => Ok(Self {
                pointer,
                _owner: owner,
            }),
            Some(Err(problem)) => Err(problem.into()),
            None => Err(HandleError::NotShown),
        }
    }

    /// The address of the `rcl_subscription_t`, valid as long as `self`.
    pub(super) fn as_ptr(&self) -> *const c_void {
        self.pointer.0
    }
}

#[derive(Clone, Copy)]
struct HandlePointer(*const c_void);

// SAFETY: it is only an address. What is called with it is thread-safe by rcl's
// documentation (take and set callback) and happens under the subscription's lock.
unsafe impl Send for HandlePointer {}
// SAFETY: as above.
unsafe impl Sync for HandlePointer {}

/// Where a [`HandleWorker`] leaves the handle; also the payload that marks such a worker.
#[derive(Clone, Default)]
pub(super) struct HandleCell(Arc<Mutex<Option<Result<HandlePointer, RclrsError>>>>);

/// The channel of a worker that only shows the handle of the one subscription made on it.
pub(super) struct HandleWorker {
    cell: HandleCell,
    context: Context,
    guard: Arc<GuardCondition>,
    /// The guard condition's own waitable, which rclrs adds first.
    guard_waitable: Mutex<Option<Waitable>>,
}

impl HandleWorker {
    pub(super) fn new(cell: HandleCell, options: ExecutorWorkerOptions) -> Self {
        Self {
            cell,
            context: options.context,
            guard: options.guard_condition,
            guard_waitable: Mutex::default(),
        }
    }

    fn show(
        &self,
        guard: Waitable,
        subscription: Waitable,
    ) -> Result<Option<HandlePointer>, RclrsError> {
        let mut wait_set = WaitSet::new(&self.context)?;
        wait_set.add([guard, subscription])?;
        self.guard.trigger()?;
        let mut shown = None;
        wait_set.wait(Some(HANDLE_WAIT), |_, primitive| {
            if let RclPrimitiveHandle::Subscription(handle) = primitive.handle() {
                shown = Some(HandlePointer(std::ptr::from_ref(&*handle).cast()));
            }
            Ok(())
        })?;
        Ok(shown)
    }
}

impl WorkerChannel for HandleWorker {
    fn add_to_wait_set(&self, waitable: Waitable) {
        let guard = self.guard_waitable.lock().take();
        match guard {
            None => *self.guard_waitable.lock() = Some(waitable),
            Some(guard) => {
                let shown = self.show(guard, waitable).transpose();
                *self.cell.0.lock() = shown;
            }
        }
    }

    // A worker made for its handle runs nothing.
    fn add_async_task(&self, _task: BoxFuture<'static, ()>) {}
    fn send_payload_task(&self, _task: PayloadTask) {}
    fn add_activity_listener(&self, _listener: WeakActivityListener) {}
}
