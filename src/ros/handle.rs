//! The rcl handles of subscriptions and clients, from rclrs's public interface.
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
//!
//! rclrs puts a client into the wait set of the node's own worker. While [`ClientHandle::create`]
//! runs, that worker gives what it gets from this thread to such a worker of the client's own.
#![allow(unsafe_code)]

use super::any_message::{Opaque, OpaqueService};
use super::type_support::ServiceSupport;
use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use rclrs::{
    Client, ClientOptions, Context, DynamicSubscriptionState, ExecutorWorkerOptions,
    GuardCondition, MessageTypeName, Node, PayloadTask, QoSProfile, RclPrimitiveHandle, RclrsError,
    SubscriptionOptions, WaitSet, Waitable, WeakActivityListener, Worker, WorkerChannel,
};
use std::cell::RefCell;
use std::ffi::c_void;
use std::sync::Arc;
use std::time::Duration;

/// Bound of the wait that shows the handle. The guard condition is triggered before, so
/// that it returns at once.
const HANDLE_WAIT: Duration = Duration::from_secs(1);

/// Why a subscription or a client could not be created.
#[derive(Debug, thiserror::Error)]
pub(super) enum HandleError {
    #[error(transparent)]
    Rclrs(#[from] RclrsError),
    /// This rclrs does not show handles in the way described above.
    #[error("rclrs did not show the handle")]
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
        );
        // Even if it failed: the cell and its worker hold each other.
        let pointer = cell.shown();
        Ok(Self {
            _owner: owner?,
            pointer: pointer?,
        })
    }

    /// The address of the `rcl_subscription_t`, valid as long as `self`.
    pub(super) fn as_ptr(&self) -> *const c_void {
        self.pointer.0
    }
}

/// A service client without an executor, and the address of its `rcl_client_t`.
pub(super) struct ClientHandle {
    pointer: HandlePointer,
    client: Client<OpaqueService>,
}

impl ClientHandle {
    /// Creates a client on the node.
    pub(super) fn create(
        node: &Node,
        service: &str,
        support: &ServiceSupport,
    ) -> Result<Self, HandleError> {
        let cell = HandleCell::default();
        let _worker = node.create_worker(cell.clone());
        DIVERTED.set(Some(cell.clone()));
        let client = Opaque::with_type_support(support.type_support, || {
            node.create_client::<OpaqueService>(ClientOptions::new(service))
        });
        DIVERTED.set(None);
        let pointer = cell.shown();
        Ok(Self {
            client: client?,
            pointer: pointer?,
        })
    }

    /// The address of the `rcl_client_t`, valid as long as `self`.
    pub(super) fn as_ptr(&self) -> *const c_void {
        self.pointer.0
    }

    /// Whether the middleware has connected it to a server.
    pub(super) fn is_ready(&self) -> bool {
        self.client.service_is_ready().unwrap_or(false)
    }
}

thread_local! {
    /// Where what is added to the node's worker goes instead, while a client is created.
    static DIVERTED: RefCell<Option<HandleCell>> = const { RefCell::new(None) };
}

/// Shows the handle of a new client. Gives back what is to be added to the node's worker.
pub(super) fn divert(waitable: Waitable) -> Option<Waitable> {
    let cell = DIVERTED.with_borrow(Clone::clone);
    let worker = cell.and_then(|cell| cell.0.lock().worker.take());
    match worker {
        Some(worker) => {
            worker.add_to_wait_set(waitable);
            None
        }
        None => Some(waitable),
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
pub(super) struct HandleCell(Arc<Mutex<CellState>>);

#[derive(Default)]
struct CellState {
    /// The worker, for what rclrs does not create on it.
    worker: Option<Arc<HandleWorker>>,
    shown: Option<Result<HandlePointer, RclrsError>>,
}

impl HandleCell {
    /// Takes the handle out, and lets the worker go.
    fn shown(&self) -> Result<HandlePointer, HandleError> {
        let state = std::mem::take(&mut *self.0.lock());
        Ok(state.shown.ok_or(HandleError::NotShown)??)
    }
}

/// The channel of a worker that only shows the handle of the one subscription or client made for
/// it.
pub(super) struct HandleWorker {
    cell: HandleCell,
    context: Context,
    guard: Arc<GuardCondition>,
    /// The guard condition's own waitable, which rclrs adds first.
    guard_waitable: Mutex<Option<Waitable>>,
}

impl HandleWorker {
    pub(super) fn new(cell: HandleCell, options: ExecutorWorkerOptions) -> Arc<Self> {
        let worker = Arc::new(Self {
            cell,
            context: options.context,
            guard: options.guard_condition,
            guard_waitable: Mutex::default(),
        });
        worker.cell.0.lock().worker = Some(Arc::clone(&worker));
        worker
    }

    fn show(
        &self,
        guard: Waitable,
        primitive: Waitable,
    ) -> Result<Option<HandlePointer>, RclrsError> {
        let mut wait_set = WaitSet::new(&self.context)?;
        wait_set.add([guard, primitive])?;
        self.guard.trigger()?;
        let mut shown = None;
        wait_set.wait(Some(HANDLE_WAIT), |_, primitive| {
            let pointer = match primitive.handle() {
                RclPrimitiveHandle::Subscription(handle) => std::ptr::from_ref(&*handle).cast(),
                RclPrimitiveHandle::Client(handle) => std::ptr::from_ref(&*handle).cast(),
                _ => return Ok(()),
            };
            shown = Some(HandlePointer(pointer));
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
                self.cell.0.lock().shown = shown;
            }
        }
    }

    // A worker made for its handle runs nothing.
    fn add_async_task(&self, _task: BoxFuture<'static, ()>) {}
    fn send_payload_task(&self, _task: PayloadTask) {}
    fn add_activity_listener(&self, _listener: WeakActivityListener) {}
}
