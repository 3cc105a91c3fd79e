//! The messages of one channel that wait for one participant.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::counters::{DropReason, Drops};
use crate::message::Message;

/// Policy for the messages of a channel that wait.
#[derive(Clone, Copy, Debug)]
pub(crate) struct QueuePolicy {
    /// Most messages that wait; the oldest is dropped for a new one.
    pub(crate) depth: usize,
    /// Age at which a message is dropped, if the channel is periodic.
    pub(crate) max_age: Option<Duration>,
    /// Time between the oldest message and the newest above which only the newest is kept, if the
    /// channel is large. Not the oldest one's age: of a few messages that came at once all are wanted.
    pub(crate) newest_after: Option<Duration>,
}

/// Bounded queue that drops its oldest message.
#[derive(Debug, Default)]
pub(crate) struct MessageQueue {
    messages: VecDeque<Message>,
    bytes: usize,
    /// Of all messages that were ever dropped here.
    pub(crate) drops: Drops,
}

impl MessageQueue {
    /// Adds a message and drops the oldest ones beyond the policy's depth.
    ///
    /// Returns whether something was dropped.
    pub(crate) fn push(&mut self, message: Message, policy: QueuePolicy) -> bool {
        self.bytes += message.frame.len();
        self.messages.push_back(message);
        let mut dropped = false;
        while self.messages.len() > policy.depth.max(1) {
            dropped |= self.drop_front(DropReason::Overtaken);
        }
        dropped
    }

    /// Drops what is older than the policy allows, but never the newest message.
    ///
    /// Returns whether something was dropped.
    pub(crate) fn expire(&mut self, now: Instant, policy: QueuePolicy) -> bool {
        let mut dropped = false;
        while self.messages.len() > 1 && self.has_waited(now, policy.max_age) {
            dropped |= self.drop_front(DropReason::TooOld);
        }
        let newest = self.messages.back().map(|message| message.queued_at);
        if newest.is_some_and(|newest| self.has_waited(newest, policy.newest_after)) {
            while self.messages.len() > 1 {
                dropped |= self.drop_front(DropReason::Overtaken);
            }
        }
        dropped
    }

    /// Whether the oldest message has waited longer than that.
    fn has_waited(&self, now: Instant, limit: Option<Duration>) -> bool {
        let waited = self
            .front()
            .map(|message| now.saturating_duration_since(message.queued_at));
        waited
            .zip(limit)
            .is_some_and(|(waited, limit)| waited > limit)
    }

    /// Drops the oldest message. Returns `false` if there was none.
    pub(crate) fn drop_front(&mut self, reason: DropReason) -> bool {
        let dropped = self.pop().is_some();
        if dropped {
            self.drops.count(reason);
        }
        dropped
    }

    pub(crate) fn front(&self) -> Option<&Message> {
        self.messages.front()
    }

    pub(crate) fn pop(&mut self) -> Option<Message> {
        let message = self.messages.pop_front()?;
        self.bytes -= message.frame.len();
        Some(message)
    }

    /// Forgets all messages without counting them as dropped.
    pub(crate) fn clear(&mut self) {
        while self.pop().is_some() {}
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn len(&self) -> usize {
        self.messages.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{QueuedBytes, PLACE};
    use bytes::Bytes;

    /// Keeps two messages, however old.
    const TWO: QueuePolicy = QueuePolicy {
        depth: 2,
        max_age: None,
        newest_after: None,
    };

    fn message(seq: u64, queued_at: Instant, total: &QueuedBytes) -> Message {
        Message {
            seq,
            frame: Bytes::from(vec![0; 10]),
            queued_at,
            counted: Some(total.count(10)),
        }
    }

    #[test]
    fn the_oldest_goes_first() {
        let now = Instant::now();
        let total = QueuedBytes::default();
        let mut queue = MessageQueue::default();
        for seq in 0..5 {
            queue.push(message(seq, now, &total), TWO);
        }
        assert_eq!(queue.bytes(), 20);
        assert_eq!((queue.drops.overtaken, queue.drops.total()), (3, 3));
        assert_eq!(queue.pop().map(|message| message.seq), Some(3));
        assert_eq!(queue.pop().map(|message| message.seq), Some(4));
        assert!(queue.front().is_none());
        assert_eq!(queue.bytes(), 0);
    }

    #[test]
    fn a_message_in_several_queues_counts_once_and_each_place_does() {
        let now = Instant::now();
        let total = QueuedBytes::default();
        let mut queues = [MessageQueue::default(), MessageQueue::default()];
        let shared = message(9, now, &total);
        for queue in &mut queues {
            queue.push(shared.clone(), TWO);
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
            queue.push(message(seq, start, &total), policy);
        }
        queue.expire(start + Duration::from_millis(900), policy);
        assert_eq!(queue.front().map(|message| message.seq), Some(0));
        queue.expire(start + Duration::from_secs(60), policy);
        assert_eq!(queue.front().map(|message| message.seq), Some(2));
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
            queue.push(message(seq, at, &total), policy);
        }
        assert!(!queue.expire(start + Duration::from_secs(1), policy));
        queue.push(message(3, at + Duration::from_millis(1), &total), policy);
        assert!(queue.expire(at + Duration::from_millis(1), policy));
        assert_eq!(queue.front().map(|message| message.seq), Some(3));
        assert_eq!((queue.drops.overtaken, queue.drops.total()), (3, 3));
    }
}
