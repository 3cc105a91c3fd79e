//! The queue of messages from the robot's side, which drops its oldest.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::Arc;

use bytes::Bytes;
use flume::{Receiver, Sender, TrySendError};
use remote_access_protocol::ChannelId;
use remote_access_session::{PublisherId, VideoFrame};

/// Messages that may wait for the driver.
const MAX_MESSAGES: usize = 4096;
/// Bytes of messages that may wait for the driver.
const MAX_BYTES: usize = 64 << 20;

/// A message for the viewers.
#[derive(Debug)]
pub enum Message {
    /// A complete MessageData frame.
    Data {
        /// Its channel.
        channel: ChannelId,
        /// Its publisher.
        publisher: PublisherId,
        /// The frame.
        frame: Bytes,
        /// Its place in a video, if it is a frame of one.
        video_frame: Option<VideoFrame>,
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

/// Bounded queue of messages that drops its oldest.
#[derive(Clone, Debug)]
pub struct Messages {
    sender: Sender<Message>,
    receiver: Receiver<Message>,
    bytes: Arc<AtomicUsize>,
    dropped: Arc<AtomicU64>,
}

impl Messages {
    pub(super) fn new() -> Self {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn message(number: u64, size: usize) -> Message {
        Message::Data {
            channel: ChannelId(number),
            publisher: PublisherId::default(),
            frame: Bytes::from(vec![0; size]),
            video_frame: None,
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
}
