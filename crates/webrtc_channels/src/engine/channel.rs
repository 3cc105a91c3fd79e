//! The part of a data channel that all threads may touch.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicI32, AtomicU32, AtomicU64, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use parking_lot::Mutex;

use super::callback::Callback;
use crate::data_channel::types::{
    DataBuffer, DataChannelError, DataChannelInit, DataChannelState, OnBufferedAmountChange,
    OnMessage, OnStateChange,
};

/// Bytes that may wait in one channel's send buffer, the limit of the official library.
const MAX_BUFFERED: u64 = 16 * 1024 * 1024;
/// Bytes that may wait for a message callback to be set, the limit of the official library.
const MAX_BACKLOG: usize = 16 * 1024 * 1024;

/// Request of a channel to the thread of its connection.
pub(crate) enum Request {
    /// Close it once everything accepted has been sent.
    Close(Arc<Channel>),
    /// Hand over what waited for a message callback.
    Deliver(Arc<Channel>),
}

/// The connection of a channel, as the channel sees it.
pub(crate) trait Connection: Send + Sync {
    /// Bytes of the largest message that the peer takes.
    fn max_message_size(&self) -> u64;

    /// Makes the thread look at its queues.
    fn wake(&self);

    /// Hands a request to the thread.
    fn request(&self, request: Request);
}

/// A message waiting to be given to SCTP.
pub(super) struct Queued {
    pub(super) data: Bytes,
    pub(super) binary: bool,
    /// When it is to be given up, on a channel whose messages have a lifetime.
    pub(super) expires: Option<Instant>,
}

/// Traffic of a channel.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    pub(super) messages: AtomicU32,
    pub(super) bytes: AtomicU64,
}

impl Traffic {
    fn add(&self, bytes: u64) {
        self.messages.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// State under one lock: a message is only queued while the channel is open.
struct Outbox {
    state: DataChannelState,
    queue: VecDeque<Queued>,
}

/// Received messages that nobody has asked for yet.
#[derive(Default)]
struct Backlog {
    messages: VecDeque<(Bytes, bool)>,
    bytes: usize,
}

pub(crate) struct Channel {
    connection: Arc<dyn Connection>,
    label: String,
    init: DataChannelInit,
    /// The SCTP stream, -1 while it is not chosen.
    id: AtomicI32,
    outbox: Mutex<Outbox>,
    /// Bytes accepted and not yet put on the wire.
    buffered: AtomicU64,
    /// Bytes of those that the application was told are sent.
    written_off: AtomicU64,
    /// Messages accepted to be sent.
    pub(super) outgoing: Traffic,
    /// Messages that arrived.
    pub(super) incoming: Traffic,
    backlog: Mutex<Backlog>,
    pub(crate) on_state_change: Callback<OnStateChange>,
    on_message: Callback<OnMessage>,
    pub(crate) on_buffered_amount_change: Callback<OnBufferedAmountChange>,
}

impl Channel {
    pub(crate) fn new(
        connection: Arc<dyn Connection>,
        label: &str,
        init: DataChannelInit,
    ) -> Arc<Self> {
        Arc::new(Self {
            connection,
            label: label.to_owned(),
            id: AtomicI32::new(init.id),
            init,
            outbox: Mutex::new(Outbox {
                state: DataChannelState::Connecting,
                queue: VecDeque::new(),
            }),
            buffered: AtomicU64::new(0),
            written_off: AtomicU64::new(0),
            outgoing: Traffic::default(),
            incoming: Traffic::default(),
            backlog: Mutex::default(),
            on_state_change: Callback::default(),
            on_message: Callback::default(),
            on_buffered_amount_change: Callback::default(),
        })
    }

    pub(crate) fn label(&self) -> &str {
        &self.label
    }

    pub(super) fn init(&self) -> &DataChannelInit {
        &self.init
    }

    pub(crate) fn id(&self) -> i32 {
        self.id.load(Ordering::Relaxed)
    }

    pub(super) fn set_id(&self, id: u16) {
        self.id.store(i32::from(id), Ordering::Relaxed);
    }

    pub(crate) fn state(&self) -> DataChannelState {
        self.outbox.lock().state
    }

    pub(crate) fn buffered_amount(&self) -> u64 {
        self.buffered.load(Ordering::Acquire)
    }

    pub(crate) fn send(&self, data: &[u8], binary: bool) -> Result<(), DataChannelError> {
        let length = data.len() as u64;
        let limit = self.connection.max_message_size();
        if length > limit {
            return Err(self.too_large(length, limit));
        }
        let lifetime = self.init.max_retransmit_time.map(|milliseconds| {
            Duration::from_millis(u64::try_from(milliseconds).unwrap_or_default())
        });
        {
            let mut outbox = self.outbox.lock();
            // The lock makes this the only writer that adds, so the sum cannot pass the limit.
            if outbox.state != DataChannelState::Open
                || self.buffered.load(Ordering::Acquire) + length > MAX_BUFFERED
            {
                return Err(DataChannelError::Send);
            }
            self.buffered.fetch_add(length, Ordering::AcqRel);
            outbox.queue.push_back(Queued {
                data: Bytes::copy_from_slice(data),
                binary,
                expires: lifetime.map(|lifetime| Instant::now() + lifetime),
            });
        }
        self.outgoing.add(length);
        self.connection.wake();
        Ok(())
    }

    /// Before the descriptions were exchanged the limit is not known, and no channel is open.
    fn too_large(&self, size: u64, limit: u64) -> DataChannelError {
        match self.state() {
            DataChannelState::Open => DataChannelError::TooLarge { size, limit },
            _ => DataChannelError::Send,
        }
    }

    /// Accepts no further message. The thread tells the application and does the rest.
    pub(crate) fn close(self: &Arc<Self>) {
        {
            let mut outbox = self.outbox.lock();
            if matches!(
                outbox.state,
                DataChannelState::Closing | DataChannelState::Closed
            ) {
                return;
            }
            outbox.state = DataChannelState::Closing;
        }
        self.connection.request(Request::Close(self.clone()));
    }

    pub(crate) fn set_on_message(self: &Arc<Self>, callback: Option<OnMessage>) {
        let waiting = callback.is_some() && !self.backlog.lock().messages.is_empty();
        self.on_message.set(callback);
        if waiting {
            self.connection.request(Request::Deliver(self.clone()));
        }
    }

    /// For the thread: the next message to send.
    pub(super) fn pop(&self) -> Option<Queued> {
        self.outbox.lock().queue.pop_front()
    }

    /// For the thread: gives up the messages at the front whose time is over, and returns their
    /// bytes.
    pub(super) fn expire(&self, now: Instant) -> u64 {
        if self.init.max_retransmit_time.is_none() {
            return 0;
        }
        let mut bytes = 0;
        let queue = &mut self.outbox.lock().queue;
        while let Some(Queued {
            data,
            expires: Some(at),
            ..
        }) = queue.front()
        {
            if *at > now {
                break;
            }
            bytes += data.len() as u64;
            queue.pop_front();
        }
        bytes
    }

    /// For the thread: nothing waits to be sent.
    pub(super) fn is_drained(&self) -> bool {
        self.outbox.lock().queue.is_empty()
    }

    /// For the thread: bytes left the buffer.
    pub(super) fn sent(&self, bytes: u64) {
        self.buffered.fetch_sub(bytes, Ordering::AcqRel);
        let told = self.written_off.load(Ordering::Relaxed).min(bytes);
        self.written_off.fetch_sub(told, Ordering::Relaxed);
        self.tell_sent(bytes - told);
    }

    /// For the thread: tells the application that all is sent that waits. It stays queued.
    ///
    /// livekit waits for room in the buffer under a lock that its reconnection takes: on a connection
    /// that has failed there would be none, and so never another connection.
    pub(super) fn write_off(&self) {
        let waiting = self.buffered.load(Ordering::Acquire);
        let told = self.written_off.swap(waiting, Ordering::Relaxed);
        self.tell_sent(waiting.saturating_sub(told));
    }

    fn tell_sent(&self, bytes: u64) {
        if bytes > 0 {
            self.on_buffered_amount_change
                .call(|callback| callback(bytes));
        }
    }

    /// For the thread: tells the application that the channel is closing.
    pub(super) fn announce_closing(&self) {
        self.on_state_change
            .call(|callback| callback(DataChannelState::Closing));
    }

    /// For the thread: sets the state and tells the application. A closed channel stays closed
    /// and lets its callbacks go, since they often hold the channel itself.
    pub(super) fn set_state(&self, state: DataChannelState) {
        {
            let mut outbox = self.outbox.lock();
            let opened_late =
                state == DataChannelState::Open && outbox.state != DataChannelState::Connecting;
            if outbox.state == state || outbox.state == DataChannelState::Closed || opened_late {
                return;
            }
            outbox.state = state;
            if state == DataChannelState::Closed {
                outbox.queue.clear();
            }
        }
        self.on_state_change.call(|callback| callback(state));
        if state == DataChannelState::Closed {
            self.on_state_change.set(None);
            self.on_message.set(None);
            self.on_buffered_amount_change.set(None);
        }
    }

    /// For the thread: hands a message to the application, or keeps it until there is a callback.
    /// Answers `false` if too much is kept, which is the end of the channel.
    pub(super) fn deliver(&self, data: Bytes, binary: bool) -> bool {
        self.incoming.add(data.len() as u64);
        let in_order = self.backlog.lock().messages.is_empty();
        if in_order && self.call_on_message(&data, binary) {
            return true;
        }
        let mut backlog = self.backlog.lock();
        backlog.bytes += data.len();
        backlog.messages.push_back((data, binary));
        backlog.bytes <= MAX_BACKLOG
    }

    /// For the thread: hands over what waited for a callback.
    pub(super) fn deliver_backlog(&self) {
        loop {
            let Some((data, binary)) = self.backlog.lock().messages.pop_front() else {
                return;
            };
            if !self.call_on_message(&data, binary) {
                self.backlog.lock().messages.push_front((data, binary));
                return;
            }
            self.backlog.lock().bytes -= data.len();
        }
    }

    fn call_on_message(&self, data: &[u8], binary: bool) -> bool {
        self.on_message
            .call(|callback| callback(DataBuffer { data, binary }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct NoConnection;

    impl Connection for NoConnection {
        fn max_message_size(&self) -> u64 {
            1_000
        }

        fn wake(&self) {}

        fn request(&self, _: Request) {}
    }

    #[test]
    fn what_was_written_off_is_told_once_and_stays_queued() {
        let channel = Channel::new(Arc::new(NoConnection), "data", DataChannelInit::default());
        channel.set_state(DataChannelState::Open);
        let told: Arc<Mutex<Vec<u64>>> = Arc::default();
        let sink = told.clone();
        channel
            .on_buffered_amount_change
            .set(Some(Box::new(move |bytes| sink.lock().push(bytes))));
        channel.send(&[1; 300], true).expect("open");
        channel.send(&[2; 200], true).expect("open");
        channel.sent(100);
        channel.write_off();
        channel.write_off();
        assert_eq!(*told.lock(), [100, 400]);
        channel.send(&[3; 50], true).expect("open");
        channel.write_off();
        assert_eq!(
            (told.lock().last(), channel.buffered_amount()),
            (Some(&50), 450)
        );
        // The path lives again.
        channel.send(&[4; 70], true).expect("open");
        channel.sent(450);
        channel.sent(70);
        assert_eq!(*told.lock(), [100, 400, 50, 70]);
        assert_eq!(channel.buffered_amount(), 0);
        let sizes: Vec<_> = std::iter::from_fn(|| channel.pop())
            .map(|it| it.data.len())
            .collect();
        assert_eq!(sizes, [300, 200, 50, 70]);
    }
}
