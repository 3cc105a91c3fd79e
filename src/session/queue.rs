//! The messages of one channel that wait for one participant.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

/// Bytes that wait in all queues of a session.
#[derive(Clone, Debug, Default)]
pub(super) struct QueuedBytes(Arc<AtomicUsize>);

impl QueuedBytes {
    pub fn get(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// A message that waits: a complete frame.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// Position of the message in its channel. Equal numbers are equal messages.
    pub seq: u64,
    pub frame: Bytes,
    pub queued_at: Instant,
}

/// How a channel's messages may wait.
#[derive(Clone, Copy, Debug)]
pub(super) struct QueuePolicy {
    /// Most messages that wait; the oldest is dropped for a new one.
    pub depth: usize,
    /// Age at which a message is dropped, if the channel is periodic.
    pub max_age: Option<Duration>,
}

/// Bounded queue that drops its oldest message.
#[derive(Debug)]
pub(super) struct MessageQueue {
    entries: VecDeque<Entry>,
    bytes: usize,
    dropped: u64,
    total: QueuedBytes,
}

impl MessageQueue {
    /// The queue counts its bytes in `total` too.
    pub fn new(total: QueuedBytes) -> Self {
        Self {
            entries: VecDeque::new(),
            bytes: 0,
            dropped: 0,
            total,
        }
    }

    /// Adds a message and drops the oldest ones beyond the policy's depth.
    ///
    /// Returns whether something was dropped.
    pub fn push(&mut self, entry: Entry, policy: QueuePolicy) -> bool {
        self.bytes += entry.frame.len();
        self.total.0.fetch_add(entry.frame.len(), Ordering::Relaxed);
        self.entries.push_back(entry);
        let mut dropped = false;
        while self.entries.len() > policy.depth.max(1) {
            dropped |= self.drop_front();
        }
        dropped
    }

    /// Drops what is older than the policy allows, but never the newest message.
    ///
    /// Returns whether something was dropped.
    pub fn expire(&mut self, now: Instant, policy: QueuePolicy) -> bool {
        let Some(max_age) = policy.max_age else {
            return false;
        };
        let mut dropped = false;
        while self.entries.len() > 1
            && self
                .front()
                .is_some_and(|entry| now.saturating_duration_since(entry.queued_at) > max_age)
        {
            dropped |= self.drop_front();
        }
        dropped
    }

    /// Drops the oldest message. Returns `false` if there was none.
    pub fn drop_front(&mut self) -> bool {
        let dropped = self.pop().is_some();
        self.dropped += u64::from(dropped);
        dropped
    }

    pub fn front(&self) -> Option<&Entry> {
        self.entries.front()
    }

    pub fn pop(&mut self) -> Option<Entry> {
        let entry = self.entries.pop_front()?;
        self.bytes -= entry.frame.len();
        self.total.0.fetch_sub(entry.frame.len(), Ordering::Relaxed);
        Some(entry)
    }

    /// Forgets all messages without counting them as dropped.
    pub fn clear(&mut self) {
        while self.pop().is_some() {}
    }

    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Messages dropped since the last call.
    pub fn take_dropped(&mut self) -> u64 {
        std::mem::take(&mut self.dropped)
    }
}

impl Drop for MessageQueue {
    fn drop(&mut self) {
        self.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(seq: u64, queued_at: Instant) -> Entry {
        Entry {
            seq,
            frame: Bytes::from(vec![0; 10]),
            queued_at,
        }
    }

    #[test]
    fn the_oldest_goes_first() {
        let now = Instant::now();
        let policy = QueuePolicy {
            depth: 2,
            max_age: None,
        };
        let total = QueuedBytes::default();
        let mut queue = MessageQueue::new(total.clone());
        for seq in 0..5 {
            queue.push(entry(seq, now), policy);
        }
        assert_eq!(queue.bytes(), 20);
        assert_eq!(queue.take_dropped(), 3);
        assert_eq!(queue.take_dropped(), 0);
        assert_eq!(queue.pop().map(|entry| entry.seq), Some(3));
        assert_eq!(queue.pop().map(|entry| entry.seq), Some(4));
        assert!(queue.front().is_none());
        assert_eq!(queue.bytes(), 0);
        queue.push(entry(9, now), policy);
        assert_eq!(total.get(), 10);
        drop(queue);
        assert_eq!(total.get(), 0);
    }

    #[test]
    fn old_messages_expire_but_the_newest_stays() {
        let start = Instant::now();
        let policy = QueuePolicy {
            depth: 10,
            max_age: Some(Duration::from_secs(1)),
        };
        let mut queue = MessageQueue::new(QueuedBytes::default());
        for seq in 0..3 {
            queue.push(entry(seq, start), policy);
        }
        queue.expire(start + Duration::from_millis(900), policy);
        assert_eq!(queue.front().map(|entry| entry.seq), Some(0));
        queue.expire(start + Duration::from_secs(60), policy);
        assert_eq!(queue.front().map(|entry| entry.seq), Some(2));
        assert_eq!(queue.take_dropped(), 2);
    }
}
