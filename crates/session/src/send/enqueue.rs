//! Messages on their way into the queues of those who subscribe, within a budget of memory.

use std::collections::{BTreeMap, BinaryHeap};

use remote_access_protocol::ChannelId;

use super::policy::policy;
use super::receiver::Receiver;
use super::routes::Routes;
use crate::channels::channel::ChannelState;
use crate::counters::DropReason;
use crate::ids::ParticipantId;
use crate::message::{Message, QueuedBytes};
use crate::transmit::Lag;

/// Queues a message for these participants.
pub(crate) fn enqueue<'a>(
    routes: &mut Routes,
    queued: &QueuedBytes,
    channel: &ChannelState,
    ids: impl Iterator<Item = &'a ParticipantId> + Clone,
    mut message: Message,
) {
    let id = channel.info.channel.id;
    message.counted = Some(queued.count(message.frame.len()));
    for participant in ids.clone() {
        let Some(receiver) = routes.receivers.get_mut(participant) else {
            continue;
        };
        let policy = policy(channel, &routes.config, receiver.is_slow());
        if let Some(subscription) = receiver.subscriptions.get_mut(&id) {
            let queue = &mut subscription.queue;
            routes.dropped |= queue.push(message.clone(), policy);
            if channel.is_video() {
                if receiver.flow.has_path_queue() {
                    queue.tell_lag(Lag::PathQueue);
                }
                // Now, not at its next turn: it may have none for want of credit.
                routes.dropped |= queue.expire(message.queued_at, policy);
                routes.video_broke |= queue.breaks().any();
            }
        }
    }
    for &participant in ids {
        routes.wake(id, channel.class(), participant);
    }
}

/// Queues the latched messages of a channel for one participant, in place of what waits.
pub(crate) fn replay(
    routes: &mut Routes,
    queued: &QueuedBytes,
    channel: &ChannelState,
    id: ParticipantId,
) {
    let receiver = routes.receivers.get_mut(&id);
    let channel_id = &channel.info.channel.id;
    if let Some(subscription) = receiver.and_then(|each| each.subscriptions.get_mut(channel_id)) {
        subscription.queue.clear();
    }
    for message in channel.replay() {
        enqueue(routes, queued, channel, [id].iter(), message);
    }
}

/// Counts a message that no subscriber gets.
pub(crate) fn count_drop(routes: &mut Routes, channel: &ChannelState, reason: DropReason) {
    for id in &channel.subscribers {
        let receiver = routes.receivers.get_mut(id);
        let channel_id = &channel.info.channel.id;
        if let Some(subscription) = receiver.and_then(|each| each.subscriptions.get_mut(channel_id))
        {
            subscription.queue.drops.count(reason);
        }
    }
}

/// Drops the oldest messages of the longest queues once the budget is exceeded. Returns whether
/// some were.
///
/// It goes on until an eighth of the budget is free, since looking for the longest queues is too
/// much work to do for every message.
pub(crate) fn keep_budget(
    receivers: &mut BTreeMap<ParticipantId, Receiver>,
    queued: &QueuedBytes,
    budget: usize,
) -> bool {
    if queued.get() <= budget {
        return false;
    }
    let goal = budget - budget / 8;
    let mut queues: BinaryHeap<(usize, ParticipantId, ChannelId)> = BinaryHeap::new();
    for (&id, receiver) in &*receivers {
        let waiting = receiver.subscriptions.iter();
        queues.extend(waiting.map(|(&channel, of)| (of.queue.bytes(), id, channel)));
    }
    while queued.get() > goal {
        let Some((bytes @ 1.., id, channel)) = queues.pop() else {
            return false;
        };
        let receiver = receivers.get_mut(&id);
        if let Some(subscription) = receiver.and_then(|each| each.subscriptions.get_mut(&channel)) {
            let queue = &mut subscription.queue;
            while queue.bytes() > bytes / 2 && queued.get() > goal {
                queue.drop_front(DropReason::NoMemory);
            }
            queues.push((queue.bytes(), id, channel));
        }
    }
    true
}
