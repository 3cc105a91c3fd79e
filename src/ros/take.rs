//! The thread that takes messages and gives them to sinks.
//!
//! The middleware's callback puts an entry with new messages into a queue, at most
//! once at a time; one thread works the queue off. An entry gets a bounded number of
//! takes, then goes to the back of the queue, so that one busy topic cannot starve
//! the others. The queue is never longer than the number of subscriptions.

use super::message::RawMessage;
use super::source::{Announce, Source};
use flume::{Receiver, RecvTimeoutError, Sender};
use parking_lot::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::thread::{JoinHandle, ThreadId};
use std::time::{Duration, Instant};
use tracing::warn;

/// Takes of one entry before the next entry's turn.
const BATCH: usize = 32;
/// Time between two looks at each entry without an announcement. A middleware that loses one
/// (between a subscription's creation and its callback) delays that message by this much.
const SWEEP: Duration = Duration::from_secs(1);

/// Receives messages on the take thread. Must be quick and must not wait for anything.
pub(super) type Sink = Box<dyn FnMut(RawMessage) + Send>;

/// Work of the take thread.
enum Work {
    Ready(Arc<Entry>),
    Stop,
}

/// The take thread and its queue.
pub(super) struct TakeThread {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    queue: Sender<Work>,
    entries: Mutex<Vec<Weak<Entry>>>,
    thread: OnceLock<ThreadId>,
}

impl TakeThread {
    pub(super) fn start() -> std::io::Result<Self> {
        let (queue, work) = flume::unbounded();
        let shared = Arc::new(Shared {
            queue,
            entries: Mutex::default(),
            thread: OnceLock::new(),
        });
        let thread = std::thread::Builder::new().name("ros-take".into()).spawn({
            let shared = Arc::clone(&shared);
            move || shared.run(&work)
        })?;
        Ok(Self {
            shared,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// An entry without a source yet.
    pub(super) fn add(&self, topic: &str, sink: Sink) -> Arc<Entry> {
        let entry = Arc::new(Entry {
            topic: topic.to_owned(),
            queued: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            failing: AtomicBool::new(false),
            state: Mutex::new(State { source: None, sink }),
            shared: Arc::clone(&self.shared),
        });
        self.shared.entries.lock().push(Arc::downgrade(&entry));
        entry
    }

    /// Ends the thread and waits for it.
    pub(super) fn stop(&self) {
        // Fails only if the thread is gone already.
        let _ = self.shared.queue.send(Work::Stop);
        if let Some(thread) = self.thread.lock().take() {
            if thread.join().is_err() {
                warn!("the take thread had panicked");
            }
        }
    }
}

impl Shared {
    fn run(&self, work: &Receiver<Work>) {
        let _ = self.thread.set(std::thread::current().id());
        let mut next_sweep = Instant::now() + SWEEP;
        loop {
            match work.recv_deadline(next_sweep) {
                Ok(Work::Ready(entry)) => {
                    if entry.drain() {
                        Entry::enqueue(&entry);
                    }
                }
                Ok(Work::Stop) | Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {}
            }
            if Instant::now() >= next_sweep {
                self.sweep();
                next_sweep = Instant::now() + SWEEP;
            }
        }
        // Queued entries hold the queue's sender, and the queue holds them.
        drop(work.drain());
    }

    fn sweep(&self) {
        let live: Vec<_> = {
            let mut entries = self.entries.lock();
            entries.retain(|entry| entry.strong_count() > 0);
            entries.iter().filter_map(Weak::upgrade).collect()
        };
        for entry in live {
            Entry::enqueue(&entry);
        }
    }
}

/// One subscription as the take thread sees it: a source that may be replaced, and a sink.
pub(super) struct Entry {
    topic: String,
    /// Whether the entry is in the queue.
    queued: AtomicBool,
    /// Set once; the sink is not called again after [`Entry::close`] has returned.
    closed: AtomicBool,
    /// Whether the last take failed, to report a lasting failure once.
    failing: AtomicBool,
    state: Mutex<State>,
    shared: Arc<Shared>,
}

struct State {
    source: Option<Source<Announcer>>,
    sink: Sink,
}

impl Entry {
    /// Announcer of new messages of a source of this entry.
    pub(super) fn announcer(self: &Arc<Self>) -> Arc<Announcer> {
        Arc::new(Announcer {
            entry: Arc::downgrade(self),
        })
    }

    /// Puts a source in place of the one before. A closed entry takes none.
    pub(super) fn install(self: &Arc<Self>, source: Source<Announcer>) {
        // Ending a subscription takes the middleware a while: not under the lock.
        let unused = {
            let mut state = self.state.lock();
            if self.closed.load(Ordering::Acquire) {
                Some(source)
            } else {
                state.source.replace(source)
            }
        };
        drop(unused);
        // What arrived before the callback was in place.
        Self::enqueue(self);
    }

    /// Ends the subscription. The sink is not called again once this has returned; called
    /// from within the sink, it is not called again after it has returned.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        if self.shared.thread.get() == Some(&std::thread::current().id()) && self.state.is_locked()
        {
            // The thread holds the lock itself; it removes the source when the sink returns.
            return;
        }
        let source = self.state.lock().source.take();
        drop(source);
    }

    /// Whether [`Entry::close`] was called.
    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    fn enqueue(this: &Arc<Self>) {
        if !this.queued.swap(true, Ordering::AcqRel) {
            // Fails only after the thread has ended; then nobody takes any more.
            let _ = this.shared.queue.send(Work::Ready(Arc::clone(this)));
        }
    }

    /// Takes what is there, up to [`BATCH`]. True if there may be more.
    fn drain(&self) -> bool {
        // Before the first take: what arrives from now on announces itself again.
        self.queued.store(false, Ordering::Release);
        let mut state = self.state.lock();
        let more = self.drain_batch(&mut state);
        if self.is_closed() {
            let source = state.source.take();
            drop(state);
            drop(source);
            return false;
        }
        more
    }

    fn drain_batch(&self, state: &mut State) -> bool {
        let Some(source) = &state.source else {
            return false;
        };
        for _ in 0..BATCH {
            if self.is_closed() {
                return false;
            }
            match source.take() {
                Ok(Some(message)) => {
                    self.failing.store(false, Ordering::Relaxed);
                    (state.sink)(message);
                }
                Ok(None) => return false,
                Err(problem) => {
                    if !self.failing.swap(true, Ordering::Relaxed) {
                        warn!(topic = self.topic, error = %problem, "cannot take a message");
                    }
                    return false;
                }
            }
        }
        true
    }
}

/// Queues an entry when its source has messages.
pub(super) struct Announcer {
    // Weak, and without effect on the entry's source: `close` takes the source out before the
    // last reference goes, so that a source never ends inside its own callback.
    entry: Weak<Entry>,
}

impl Announce for Announcer {
    fn announce(&self) {
        if let Some(entry) = self.entry.upgrade() {
            Entry::enqueue(&entry);
        }
    }
}
