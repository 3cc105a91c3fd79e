//! Messages on their way into the queues, and what is kept for later subscribers.

use std::collections::BinaryHeap;
use std::time::Instant;

use bytes::Bytes;
use remote_access_protocol::server::StatusLevel;
use remote_access_protocol::ChannelId;
use tracing::warn;

use super::counters::DropReason;
use super::queue::Entry;
use super::status::status;
use super::{ParticipantId, PublisherId, Session};

impl Session {
    /// A message on a channel: a complete MessageData frame. Nothing ever waits for a viewer here.
    pub fn message(
        &mut self,
        now: Instant,
        channel: ChannelId,
        publisher: PublisherId,
        frame: Bytes,
    ) {
        let Some(state) = self.channels.get_mut(&channel) else {
            return;
        };
        if state.subscribers.is_empty() || frame.is_empty() {
            return;
        }
        state.counters.received.count(frame.len());
        if !state.info.latched && !state.limiter.pass(now, frame.len()) {
            self.count_drop(channel, DropReason::RateLimit);
            self.report_soon(now);
            return;
        }
        let entry = state.entry(now, frame);
        if state.info.latched {
            let others = self.latched - state.latched_bytes();
            let room = self.config.latched_budget.saturating_sub(others);
            if !state.keep_latched(publisher, entry.clone(), room) {
                warn!(
                    topic = state.info.channel.topic,
                    bytes = entry.frame.len(),
                    "latched message does not fit the latched budget: later subscribers miss it"
                );
            }
            self.latched = others + state.latched_bytes();
        }
        let subscribers: Vec<ParticipantId> = state.subscribers.iter().copied().collect();
        self.enqueue(now, channel, &subscribers, entry);
        self.keep_queue_budget(now);
    }

    /// Counts a message that no subscriber gets.
    pub(super) fn count_drop(&mut self, channel: ChannelId, reason: DropReason) {
        let Some(state) = self.channels.get(&channel) else {
            return;
        };
        for id in &state.subscribers {
            let participant = self.participants.get_mut(id);
            if let Some(subscription) = participant.and_then(|p| p.subscriptions.get_mut(&channel))
            {
                subscription.queue.drops.count(reason);
            }
        }
    }

    fn enqueue(
        &mut self,
        now: Instant,
        channel: ChannelId,
        subscribers: &[ParticipantId],
        mut entry: Entry,
    ) {
        let Some(state) = self.channels.get(&channel) else {
            return;
        };
        entry.counted = Some(self.queued.count(entry.frame.len()));
        let mut dropped = false;
        for id in subscribers {
            let Some(participant) = self.participants.get_mut(id) else {
                continue;
            };
            let policy = state.policy(&self.config, participant.is_slow());
            if let Some(subscription) = participant.subscriptions.get_mut(&channel) {
                dropped |= subscription.queue.push(entry.clone(), policy);
            }
        }
        for &id in subscribers {
            self.activate(channel, id);
        }
        if dropped {
            self.report_soon(now);
        }
    }

    /// Queues the latched messages of a channel for one subscriber, in place of what waits.
    pub(super) fn replay(&mut self, now: Instant, channel: ChannelId, id: ParticipantId) {
        if let Some(subscription) = self
            .participants
            .get_mut(&id)
            .and_then(|participant| participant.subscriptions.get_mut(&channel))
        {
            subscription.queue.clear();
        }
        let Some(state) = self.channels.get(&channel) else {
            return;
        };
        let missing = state.latched_missing().then(|| {
            let topic = &state.info.channel.topic;
            let text = format!("{topic}: latched messages are missing, the latched budget is full");
            status(StatusLevel::Warning, text, format!("latched-{channel}"))
        });
        for entry in state.replay() {
            self.enqueue(now, channel, &[id], entry);
        }
        self.keep_queue_budget(now);
        self.push_control(now, id, missing.flatten());
    }

    /// Drops the oldest messages of the longest queues once the budget is exceeded.
    ///
    /// It goes on until an eighth of the budget is free, since looking for the longest queues is
    /// too much work to do for every message.
    fn keep_queue_budget(&mut self, now: Instant) {
        let budget = self.config.queue_budget;
        if self.queued.get() <= budget {
            return;
        }
        let goal = budget - budget / 8;
        let mut queues: BinaryHeap<(usize, ParticipantId, ChannelId)> = BinaryHeap::new();
        for (&id, participant) in &self.participants {
            let waiting = participant.subscriptions.iter();
            queues.extend(waiting.map(|(&channel, of)| (of.queue.bytes(), id, channel)));
        }
        while self.queued.get() > goal {
            let Some((bytes @ 1.., id, channel)) = queues.pop() else {
                return;
            };
            let participant = self.participants.get_mut(&id);
            if let Some(subscription) = participant.and_then(|p| p.subscriptions.get_mut(&channel))
            {
                let queue = &mut subscription.queue;
                while queue.bytes() > bytes / 2 && self.queued.get() > goal {
                    queue.drop_front(DropReason::NoMemory);
                }
                queues.push((queue.bytes(), id, channel));
            }
        }
        self.report_soon(now);
    }
}
