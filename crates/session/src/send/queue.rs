//! The messages of one channel that wait for one participant.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::counters::{DropReason, Drops};
use crate::message::Message;
use crate::transmit::Lag;

/// Messages refused for want of others after which a key frame is asked for again: the last one asked
/// for may have been lost.
const PATIENCE: u32 = 15;

/// Policy for the messages of a channel that wait.
#[derive(Clone, Copy, Debug)]
pub(crate) struct QueuePolicy {
    /// Most messages that wait; the oldest is dropped for a new one.
    pub(crate) depth: usize,
    /// Age at which a message is dropped, if the channel is periodic.
    pub(crate) max_age: Option<Duration>,
    /// Time between the oldest message and the newest above which only the newest is kept, if the
    /// channel is no state. Not the oldest one's age: of a few messages that came at once all are wanted.
    pub(crate) newest_after: Option<Duration>,
    /// Age of the oldest message above which the participant is behind, if its encoder can help.
    pub(crate) late_after: Option<Duration>,
}

/// Events of a queue that matter to videos.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Breaks {
    /// Messages that come may need some that were dropped, or have long been refused for that.
    pub(crate) needs_key_frame: bool,
    /// Messages come faster than the participant can take them.
    pub(crate) behind: Option<Lag>,
}

impl Breaks {
    /// Whether there is something to do about it.
    pub(crate) fn any(self) -> bool {
        self != Self::default()
    }
}

/// Bounded queue that drops its oldest message, with those after it that are of no use without it.
#[derive(Debug, Default)]
pub(crate) struct MessageQueue {
    messages: VecDeque<Message>,
    bytes: usize,
    /// The last message that was queued, unless it or what it needs was dropped since.
    last: Option<u64>,
    /// Events since they were taken last.
    breaks: Breaks,
    /// Messages refused for want of others since one was queued.
    refused: u32,
    /// Of all messages that were ever dropped here.
    pub(crate) drops: Drops,
}

impl MessageQueue {
    /// Adds a message and drops the oldest ones beyond the policy's depth. One that needs another
    /// one which was not queued is dropped itself.
    ///
    /// Returns whether something was dropped.
    pub(crate) fn push(&mut self, message: Message, policy: QueuePolicy) -> bool {
        let follows = self.last.is_some_and(|last| last + 1 == message.seq);
        if message.needs_previous && !follows {
            self.refused += 1;
            self.breaks.needs_key_frame |= self.refused.is_multiple_of(PATIENCE);
            self.drops.count(DropReason::Overtaken);
            return true;
        }
        self.last = Some(message.seq);
        self.refused = 0;
        if self.has_waited(message.queued_at, policy.late_after) {
            self.tell_lag(Lag::FramesWait);
        }
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

    /// Drops the oldest message, and those that need it. Returns `false` if there was none.
    pub(crate) fn drop_front(&mut self, reason: DropReason) -> bool {
        if self.pop().is_none() {
            return false;
        }
        self.drops.count(reason);
        if reason != DropReason::Resync {
            self.tell_lag(Lag::FramesWait);
        }
        while self.front().is_some_and(|next| next.needs_previous) {
            self.pop();
            self.drops.count(reason);
        }
        if self.messages.is_empty() {
            // What comes next may need what was dropped.
            self.last = None;
            self.breaks.needs_key_frame = true;
        }
        true
    }

    /// Drops all messages, and what needs them: the participant is started anew.
    pub(crate) fn restart(&mut self) {
        while self.drop_front(DropReason::Resync) {}
        self.last = None;
    }

    /// The participant falls behind.
    pub(crate) fn tell_lag(&mut self, lag: Lag) {
        self.breaks.behind = self.breaks.behind.max(Some(lag));
    }

    /// Events since [`Self::take_breaks`].
    pub(crate) fn breaks(&self) -> Breaks {
        self.breaks
    }

    /// Takes the events since the last call.
    pub(crate) fn take_breaks(&mut self) -> Breaks {
        std::mem::take(&mut self.breaks)
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
        self.last = None;
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
        late_after: None,
    };

    fn message(seq: u64, queued_at: Instant, total: &QueuedBytes) -> Message {
        Message {
            seq,
            frame: Bytes::from(vec![0; 10]),
            queued_at,
            needs_previous: false,
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

    /// A queue of frames: key frames as `keys` says, the others need the one before.
    fn video(seqs: std::ops::Range<u64>, keys: &[u64], depth: usize) -> MessageQueue {
        let policy = QueuePolicy {
            depth,
            max_age: None,
            newest_after: None,
            late_after: None,
        };
        let total = QueuedBytes::default();
        let mut queue = MessageQueue::default();
        for seq in seqs {
            let message = Message {
                needs_previous: !keys.contains(&seq),
                ..message(seq, Instant::now(), &total)
            };
            queue.push(message, policy);
        }
        queue
    }

    #[test]
    fn frames_that_are_dropped_with_what_they_need_are_counted_too() {
        let queue = video(0..6, &[0, 4], 5);
        assert_eq!((queue.drops.overtaken, queue.drops.total()), (4, 4));
        assert_eq!(seqs(queue), [4, 5]);
    }

    fn seqs(mut queue: MessageQueue) -> Vec<u64> {
        std::iter::from_fn(|| queue.pop())
            .map(|message| message.seq)
            .collect()
    }

    #[test]
    fn a_video_begins_with_a_key_frame_and_is_dropped_up_to_the_next() {
        assert_eq!(seqs(video(3..10, &[0, 6], 100)), [6, 7, 8, 9]);
        assert_eq!(seqs(video(0..8, &[0, 5], 6)), [5, 6, 7]);
        // Without a key frame in the queue all goes, and what comes needs it.
        assert_eq!(seqs(video(0..8, &[0], 6)), [0u64; 0]);
        assert_eq!(seqs(video(0..9, &[0, 8], 6)), [8]);
    }

    #[test]
    fn a_video_that_broke_says_so_once_and_again_if_no_key_frame_comes() {
        let breaks = |mut queue: MessageQueue| {
            let breaks = queue.take_breaks();
            assert_eq!(queue.take_breaks(), Breaks::default());
            (breaks.needs_key_frame, breaks.behind.is_some())
        };
        assert_eq!(breaks(video(0..6, &[0], 6)), (false, false));
        assert_eq!(breaks(video(0..7, &[0], 6)), (true, true));
        assert_eq!(breaks(video(0..7, &[0, 6], 6)), (false, true));
        assert_eq!(breaks(video(1..15, &[], 6)), (false, false));
        assert_eq!(breaks(video(1..16, &[], 6)), (true, false));
    }

    #[test]
    fn nothing_that_was_sent_is_needed_twice_but_a_restart_breaks() {
        let mut queue = video(0..3, &[0], 6);
        queue.clear();
        let delta = |seq| Message {
            needs_previous: true,
            ..message(seq, Instant::now(), &QueuedBytes::default())
        };
        let policy = QueuePolicy {
            depth: 6,
            max_age: None,
            newest_after: None,
            late_after: None,
        };
        assert!(queue.push(delta(3), policy), "what it needs was forgotten");
        let mut queue = video(0..3, &[0], 6);
        while queue.pop().is_some() {}
        assert!(!queue.push(delta(3), policy), "what it needs was sent");
        queue.pop();
        queue.restart();
        assert!(queue.push(delta(4), policy), "what it needs was lost");
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
            late_after: None,
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
            late_after: None,
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
