//! The messages of one channel that wait for one participant.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::counters::{DropReason, Drops};

/// Bytes that a message takes beside its own in each queue that it waits in.
const PLACE: usize = size_of::<Entry>();

/// Bytes of memory that a session's queues take.
#[derive(Clone, Debug, Default)]
pub(super) struct QueuedBytes(Arc<AtomicUsize>);

impl QueuedBytes {
    pub fn get(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// Counts a message of so many bytes until the last clone of what is returned is dropped, and
    /// its place in a queue for each clone.
    pub fn count(&self, bytes: usize) -> Counted {
        self.add(bytes + PLACE);
        let total = self.clone();
        Counted(Arc::new(Message { bytes, total }))
    }

    fn add(&self, bytes: usize) {
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }

    fn subtract(&self, bytes: usize) {
        self.0.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// A message's share of [`QueuedBytes`]. All queues that hold the message share its bytes, since
/// they share the memory too; each has a place for it.
#[derive(Debug)]
pub(super) struct Counted(Arc<Message>);

#[derive(Debug)]
struct Message {
    bytes: usize,
    total: QueuedBytes,
}

impl Clone for Counted {
    fn clone(&self) -> Self {
        self.0.total.add(PLACE);
        Self(self.0.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.total.subtract(PLACE);
    }
}

impl Drop for Message {
    fn drop(&mut self) {
        self.total.subtract(self.bytes);
    }
}

/// A message that waits: a complete frame.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// Position of the message in its channel. Equal numbers are equal messages.
    pub seq: u64,
    pub frame: Bytes,
    pub queued_at: Instant,
    /// `None` while the message is kept for later subscribers, which has its own budget.
    pub counted: Option<Counted>,
}

/// How a channel's messages may wait.
#[derive(Clone, Copy, Debug)]
pub(super) struct QueuePolicy {
    /// Most messages that wait; the oldest is dropped for a new one.
    pub depth: usize,
    /// Age at which a message is dropped, if the channel is periodic.
    pub max_age: Option<Duration>,
    /// Time between the oldest message and the newest above which only the newest is kept, if the
    /// channel is large. Not the oldest one's age: of a few messages that came at once all are wanted.
    pub newest_after: Option<Duration>,
}

/// Bounded queue that drops its oldest message.
#[derive(Debug, Default)]
pub(super) struct MessageQueue {
    entries: VecDeque<Entry>,
    bytes: usize,
    /// Of all messages that were ever dropped here.
    pub drops: Drops,
}

impl MessageQueue {
    /// Adds a message and drops the oldest ones beyond the policy's depth.
    ///
    /// Returns whether something was dropped.
    pub fn push(&mut self, entry: Entry, policy: QueuePolicy) -> bool {
        self.bytes += entry.frame.len();
        self.entries.push_back(entry);
        let mut dropped = false;
        while self.entries.len() > policy.depth.max(1) {
            dropped |= self.drop_front(DropReason::Overtaken);
        }
        dropped
    }

    /// Drops what is older than the policy allows, but never the newest message.
    ///
    /// Returns whether something was dropped.
    pub fn expire(&mut self, now: Instant, policy: QueuePolicy) -> bool {
        let mut dropped = false;
        while self.entries.len() > 1 && self.has_waited(now, policy.max_age) {
            dropped |= self.drop_front(DropReason::TooOld);
        }
        let newest = self.entries.back().map(|entry| entry.queued_at);
        if newest.is_some_and(|newest| self.has_waited(newest, policy.newest_after)) {
            while self.entries.len() > 1 {
                dropped |= self.drop_front(DropReason::Overtaken);
            }
        }
        dropped
    }

    /// Whether the oldest message has waited longer than that.
    fn has_waited(&self, now: Instant, limit: Option<Duration>) -> bool {
        let waited = self
            .front()
            .map(|entry| now.saturating_duration_since(entry.queued_at));
        waited
            .zip(limit)
            .is_some_and(|(waited, limit)| waited > limit)
    }

    /// Drops the oldest message. Returns `false` if there was none.
    pub fn drop_front(&mut self, reason: DropReason) -> bool {
        let dropped = self.pop().is_some();
        if dropped {
            self.drops.count(reason);
        }
        dropped
    }

    pub fn front(&self) -> Option<&Entry> {
        self.entries.front()
    }

    pub fn pop(&mut self) -> Option<Entry> {
        let entry = self.entries.pop_front()?;
        self.bytes -= entry.frame.len();
        Some(entry)
    }

    /// Forgets all messages without counting them as dropped.
    pub fn clear(&mut self) {
        while self.pop().is_some() {}
    }

    pub fn bytes(&self) -> usize {
        self.bytes
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(seq: u64, queued_at: Instant, total: &QueuedBytes) -> Entry {
        Entry {
            seq,
            frame: Bytes::from(vec![0; 10]),
            queued_at,
            counted: Some(total.count(10)),
        }
    }

    #[test]
    fn the_oldest_goes_first() {
        let now = Instant::now();
        let policy = QueuePolicy {
            depth: 2,
            max_age: None,
            newest_after: None,
        };
        let total = QueuedBytes::default();
        let mut queue = MessageQueue::default();
        for seq in 0..5 {
            queue.push(entry(seq, now, &total), policy);
        }
        assert_eq!(queue.bytes(), 20);
        assert_eq!((queue.drops.overtaken, queue.drops.total()), (3, 3));
        assert_eq!(queue.pop().map(|entry| entry.seq), Some(3));
        assert_eq!(queue.pop().map(|entry| entry.seq), Some(4));
        assert!(queue.front().is_none());
        assert_eq!(queue.bytes(), 0);
    }

    #[test]
    fn a_message_in_several_queues_counts_once_and_each_place_does() {
        let now = Instant::now();
        let policy = QueuePolicy {
            depth: 2,
            max_age: None,
            newest_after: None,
        };
        let total = QueuedBytes::default();
        let mut queues = [MessageQueue::default(), MessageQueue::default()];
        let shared = entry(9, now, &total);
        for queue in &mut queues {
            queue.push(shared.clone(), policy);
        }
        drop(shared);
        assert_eq!(total.get(), 10 + 2 * PLACE);
        queues[0].clear();
        assert_eq!(total.get(), 10 + PLACE);
        drop(queues);
        assert_eq!(total.get(), 0);
    }

    #[test]
    fn old_messages_expire_but_the_newest_stays() {
        let start = Instant::now();
        let policy = QueuePolicy {
            depth: 10,
            max_age: Some(Duration::from_secs(1)),
            newest_after: None,
        };
        let total = QueuedBytes::default();
        let mut queue = MessageQueue::default();
        for seq in 0..3 {
            queue.push(entry(seq, start, &total), policy);
        }
        queue.expire(start + Duration::from_millis(900), policy);
        assert_eq!(queue.front().map(|entry| entry.seq), Some(0));
        queue.expire(start + Duration::from_secs(60), policy);
        assert_eq!(queue.front().map(|entry| entry.seq), Some(2));
        assert_eq!((queue.drops.too_old, queue.drops.total()), (2, 2));
    }

    #[test]
    fn of_large_messages_that_keep_coming_the_newest_stays() {
        let start = Instant::now();
        let policy = QueuePolicy {
            depth: 10,
            max_age: Some(Duration::from_secs(2)),
            newest_after: Some(Duration::from_millis(250)),
        };
        let total = QueuedBytes::default();
        let mut queue = MessageQueue::default();
        let mut at = start;
        for seq in 0..3 {
            at = start + Duration::from_millis(125) * seq as u32;
            queue.push(entry(seq, at, &total), policy);
        }
        assert!(!queue.expire(start + Duration::from_secs(1), policy));
        queue.push(entry(3, at + Duration::from_millis(1), &total), policy);
        assert!(queue.expire(at + Duration::from_millis(1), policy));
        assert_eq!(queue.front().map(|entry| entry.seq), Some(3));
        assert_eq!((queue.drops.overtaken, queue.drops.total()), (3, 3));
    }
}
