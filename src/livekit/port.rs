//! Where the robot's side meets the driver: messages go in, demand comes out.
//!
//! Nothing here ever waits for a viewer. Messages that the driver does not take in time push out
//! older ones; demand is a state that is looked up, not a queue. Requests of viewers wait in the
//! session until the robot's side takes them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::Arc;

use bytes::Bytes;
use flume::{Receiver, Sender, TrySendError};
use parking_lot::Mutex;
use remote_access_protocol::{ChannelId, ServiceId};

use super::answer::Answer;
use super::report::{Report, Reports};
use remote_access_session::{ChannelInfo, PublisherId, Request, ServiceInfo};

/// Messages that may wait for the driver.
const MAX_MESSAGES: usize = 4096;
/// Bytes of messages that may wait for the driver.
const MAX_BYTES: usize = 64 << 20;
/// Commands that may wait for the driver.
const MAX_COMMANDS: usize = 1024;
/// Requests that may wait for the robot's side. More wait in the session, a share for each viewer.
const MAX_REQUESTS: usize = 16;

/// A change of what the robot offers, or an answer.
#[derive(Debug)]
pub enum Command {
    /// Channels have appeared.
    Add(Vec<ChannelInfo>),
    /// Channels have gone.
    Remove(Vec<ChannelId>),
    /// The publishers of a channel deliver otherwise than before.
    Update {
        /// The channel.
        channel: ChannelId,
        /// History depth of the publishers together.
        depth: usize,
        /// Whether they deliver reliably.
        reliable: bool,
        /// Whether they keep messages for later subscribers.
        latched: bool,
    },
    /// Services have appeared.
    AddServices(Vec<ServiceInfo>),
    /// Services have gone.
    RemoveServices(Vec<ServiceId>),
    /// Something that a viewer asked for.
    Answer(Answer),
    /// Tell of the session as it is now.
    Report(Sender<Report>),
}

/// A message for the viewers.
#[derive(Debug)]
pub enum Message {
    /// A complete MessageData frame.
    Data {
        /// Its channel.
        channel: ChannelId,
        /// Who published it.
        publisher: PublisherId,
        /// The frame.
        frame: Bytes,
    },
    /// A message that is too large to be sent.
    TooLarge {
        /// Its channel.
        channel: ChannelId,
        /// Its size in bytes.
        size: usize,
    },
}

impl Message {
    fn bytes(&self) -> usize {
        match self {
            Self::Data { frame, .. } => frame.len(),
            Self::TooLarge { .. } => 0,
        }
    }
}

/// The robot's side of the driver.
#[derive(Clone, Debug)]
pub struct Port {
    /// Changes of what the robot offers, and answers.
    pub commands: Sender<Command>,
    /// Messages of the channels.
    pub messages: Messages,
    /// The channels that somebody wants.
    pub demand: Demand,
    /// What viewers ask for. Ends when the driver does, after the last requests.
    pub requests: Receiver<Request>,
}

impl Port {
    /// Asks for the session as it is, from anywhere.
    #[must_use]
    pub fn reports(&self) -> Reports {
        Reports(self.commands.clone())
    }
}

/// The driver's side of the port.
#[derive(Debug)]
pub(super) struct PortEnd {
    pub commands: Receiver<Command>,
    pub messages: Messages,
    pub demand: Demand,
    pub requests: Sender<Request>,
}

/// Makes a port. The receiver gets a word whenever the demand has changed.
pub(super) fn port() -> (Port, PortEnd, Receiver<()>) {
    let (commands, command_queue) = flume::bounded(MAX_COMMANDS);
    let messages = Messages::new();
    let (demand, changed) = Demand::new();
    let (requests, request_queue) = flume::bounded(MAX_REQUESTS);
    let end = PortEnd {
        commands: command_queue,
        messages: messages.clone(),
        demand: demand.clone(),
        requests,
    };
    let port = Port {
        commands,
        messages,
        demand,
        requests: request_queue,
    };
    (port, end, changed)
}

/// Bounded queue of messages that drops its oldest.
#[derive(Clone, Debug)]
pub struct Messages {
    sender: Sender<Message>,
    receiver: Receiver<Message>,
    bytes: Arc<AtomicUsize>,
    dropped: Arc<AtomicU64>,
}

impl Messages {
    fn new() -> Self {
        let (sender, receiver) = flume::bounded(MAX_MESSAGES);
        Self {
            sender,
            receiver,
            bytes: Arc::default(),
            dropped: Arc::default(),
        }
    }

    /// Adds a message, at the cost of the oldest ones if there is no room. Never waits.
    pub fn push(&self, message: Message) {
        let size = message.bytes();
        while self.bytes.load(Ordering::Relaxed) + size > MAX_BYTES && self.drop_oldest() {}
        let mut message = message;
        loop {
            self.bytes.fetch_add(size, Ordering::Relaxed);
            match self.sender.try_send(message) {
                Ok(()) => return,
                Err(TrySendError::Full(back)) => {
                    self.bytes.fetch_sub(size, Ordering::Relaxed);
                    self.drop_oldest();
                    message = back;
                }
                Err(TrySendError::Disconnected(_)) => return,
            }
        }
    }

    /// The next message, when there is one.
    pub(super) async fn recv(&self) -> Option<Message> {
        let message = self.receiver.recv_async().await.ok()?;
        self.bytes.fetch_sub(message.bytes(), Ordering::Relaxed);
        Some(message)
    }

    /// The next message, if there is one.
    pub(super) fn try_recv(&self) -> Option<Message> {
        let message = self.receiver.try_recv().ok()?;
        self.bytes.fetch_sub(message.bytes(), Ordering::Relaxed);
        Some(message)
    }

    /// Messages dropped since the last call.
    pub(super) fn take_dropped(&self) -> u64 {
        self.dropped.swap(0, Ordering::Relaxed)
    }

    fn drop_oldest(&self) -> bool {
        let dropped = self.try_recv().is_some();
        self.dropped
            .fetch_add(u64::from(dropped), Ordering::Relaxed);
        dropped
    }
}

/// The channels that have subscribers.
///
/// Each has a number that grows when a channel is wanted anew, so that a quick end and new start
/// is not missed: latched messages come again only to a new ROS subscription.
#[derive(Clone, Debug)]
pub struct Demand {
    wanted: Arc<Mutex<Wanted>>,
    changed: Sender<()>,
}

#[derive(Debug, Default)]
struct Wanted {
    channels: BTreeMap<ChannelId, u64>,
    starts: u64,
}

impl Demand {
    fn new() -> (Self, Receiver<()>) {
        let (changed, receiver) = flume::bounded(1);
        let demand = Self {
            wanted: Arc::default(),
            changed,
        };
        (demand, receiver)
    }

    /// The wanted channels, each with the number of its start.
    #[must_use]
    pub fn wanted(&self) -> BTreeMap<ChannelId, u64> {
        self.wanted.lock().channels.clone()
    }

    pub(super) fn start(&self, channel: ChannelId) {
        let mut wanted = self.wanted.lock();
        wanted.starts += 1;
        let start = wanted.starts;
        wanted.channels.insert(channel, start);
        drop(wanted);
        self.tell();
    }

    pub(super) fn end(&self, channel: ChannelId) {
        self.wanted.lock().channels.remove(&channel);
        self.tell();
    }

    fn tell(&self) {
        // A word that waits already says the same.
        let _ = self.changed.try_send(());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(number: u64, size: usize) -> Message {
        Message::Data {
            channel: ChannelId(number),
            publisher: PublisherId::default(),
            frame: Bytes::from(vec![0; size]),
        }
    }

    fn first(messages: &Messages) -> Option<u64> {
        match messages.try_recv()? {
            Message::Data { channel, .. } => Some(channel.0),
            Message::TooLarge { .. } => None,
        }
    }

    #[test]
    fn the_oldest_messages_make_room_by_number_and_by_bytes() {
        let messages = Messages::new();
        for number in 0..=MAX_MESSAGES as u64 {
            messages.push(message(number, 1));
        }
        assert_eq!(messages.take_dropped(), 1);
        assert_eq!(first(&messages), Some(1));
        messages.push(message(9999, MAX_BYTES));
        assert_eq!(first(&messages), Some(9999));
        assert_eq!(messages.bytes.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn a_quick_end_and_start_is_seen_as_a_new_start() {
        let (demand, changed) = Demand::new();
        demand.start(ChannelId(1));
        let before = demand.wanted()[&ChannelId(1)];
        demand.end(ChannelId(1));
        demand.start(ChannelId(1));
        assert!(demand.wanted()[&ChannelId(1)] > before);
        assert!(changed.try_recv().is_ok());
        assert!(changed.try_recv().is_err());
    }
}
