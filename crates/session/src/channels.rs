//! The robot's channels, who subscribes to them, and the demand that follows.

pub(crate) mod channel;
pub(crate) mod rate_limit;

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

use bytes::Bytes;
use remote_access_protocol::server::ServerMessage;
use remote_access_protocol::ChannelId;
use tracing::warn;

use crate::ids::{ParticipantId, PublisherId};
use crate::message::Message;
use crate::transmit::Event;
use channel::{ChannelInfo, ChannelState};

/// An advertise message holds about this many bytes of schemas at most.
const ADVERTISE_BATCH: usize = 512 * 1024;

/// The robot's channels.
#[derive(Debug)]
pub(crate) struct Channels {
    channels: BTreeMap<ChannelId, ChannelState>,
    /// Bytes of latched messages that all channels keep.
    latched: usize,
    latched_budget: usize,
    events: VecDeque<Event>,
}

/// A message that came from the robot.
#[derive(Debug)]
pub(crate) enum Received {
    /// Nobody gets it.
    Unwanted,
    /// The subscribers miss it, since the channel has a rate limit.
    OverRate,
    /// The subscribers get it.
    Wanted(Message),
}

impl Channels {
    /// `latched_budget` is in bytes.
    pub(crate) fn new(latched_budget: usize) -> Self {
        Self {
            channels: BTreeMap::new(),
            latched: 0,
            latched_budget,
            events: VecDeque::new(),
        }
    }

    pub(crate) fn get(&self, id: ChannelId) -> Option<&ChannelState> {
        self.channels.get(&id)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (ChannelId, &ChannelState)> {
        self.channels.iter().map(|(&id, state)| (id, state))
    }

    pub(crate) fn subscribers(&self, id: ChannelId) -> Vec<ParticipantId> {
        let state = self.channels.get(&id);
        state.map_or_else(Vec::new, |state| {
            state.subscribers.iter().copied().collect()
        })
    }

    /// Adds channels. One whose id is known is ignored: ids are never used twice. Returns the ids
    /// that are new.
    pub(crate) fn add(&mut self, now: Instant, channels: Vec<ChannelInfo>) -> Vec<ChannelId> {
        let mut added = Vec::with_capacity(channels.len());
        for info in channels {
            let id = info.channel.id;
            if let Entry::Vacant(vacant) = self.channels.entry(id) {
                vacant.insert(ChannelState::new(now, info));
                added.push(id);
            }
        }
        added
    }

    /// Notes how the publishers of a channel deliver now.
    pub(crate) fn update(&mut self, id: ChannelId, depth: usize, reliable: bool, latched: bool) {
        if let Some(state) = self.channels.get_mut(&id) {
            state.info.depth = depth;
            state.info.reliable = reliable;
            state.info.latched = latched;
            if !latched {
                self.latched -= state.latched_bytes();
                state.forget_latched();
            }
        }
    }

    /// Removes a channel with its subscriptions. Returns whether it was known.
    pub(crate) fn remove(&mut self, id: ChannelId) -> bool {
        let Some(state) = self.channels.remove(&id) else {
            return false;
        };
        self.latched -= state.latched_bytes();
        self.events.retain(|event| event.channel() != id);
        true
    }

    /// Adds a subscriber. The first one makes the robot's side subscribe; for a later one there may
    /// be latched messages. Returns whether it is the first.
    pub(crate) fn subscribe(&mut self, id: ChannelId, subscriber: ParticipantId) -> bool {
        let Some(state) = self.channels.get_mut(&id) else {
            return false;
        };
        let first = state.subscribers.is_empty();
        state.subscribers.insert(subscriber);
        if first {
            self.events.push_back(Event::Subscribe(id));
        }
        first
    }

    /// Removes a subscriber; the last one ends the robot's subscription.
    pub(crate) fn unsubscribe(&mut self, id: ChannelId, subscriber: ParticipantId) {
        let Some(state) = self.channels.get_mut(&id) else {
            return;
        };
        if state.subscribers.remove(&subscriber) && state.subscribers.is_empty() {
            self.latched -= state.latched_bytes();
            state.forget_latched();
            self.events.push_back(Event::Unsubscribe(id));
        }
    }

    /// Takes a message of the robot, and keeps it for later subscribers if it is latched.
    pub(crate) fn receive(
        &mut self,
        now: Instant,
        id: ChannelId,
        publisher: PublisherId,
        frame: Bytes,
    ) -> Received {
        let Some(state) = self.channels.get_mut(&id) else {
            return Received::Unwanted;
        };
        if state.subscribers.is_empty() || frame.is_empty() {
            return Received::Unwanted;
        }
        state.received.count(frame.len());
        if !state.info.latched && !state.limiter.pass(now, frame.len()) {
            return Received::OverRate;
        }
        let message = state.number(now, frame);
        if state.info.latched {
            let others = self.latched - state.latched_bytes();
            let room = self.latched_budget.saturating_sub(others);
            if !state.keep_latched(publisher, message.clone(), room) {
                warn!(
                    topic = state.info.channel.topic,
                    bytes = message.frame.len(),
                    "latched message does not fit the latched budget: later subscribers miss it"
                );
            }
            self.latched = others + state.latched_bytes();
        }
        Received::Wanted(message)
    }

    /// Notes that subscribers are told about a message that was too large. Returns whether that is
    /// due, with the topic.
    pub(crate) fn too_large(&mut self, now: Instant, id: ChannelId) -> Option<&str> {
        let state = self.channels.get_mut(&id)?;
        state
            .may_tell_too_large(now)
            .then_some(state.info.channel.topic.as_str())
    }

    /// The advertise messages of these channels, several channels to a message.
    pub(crate) fn advertisements(&self, ids: &[ChannelId]) -> Vec<Bytes> {
        let mut frames = Vec::new();
        let mut batch = Vec::new();
        let mut batch_size = 0;
        for state in ids.iter().filter_map(|id| self.channels.get(id)) {
            let channel = state.info.channel.clone();
            batch_size += channel.schema.len();
            batch.push(channel);
            if batch_size > ADVERTISE_BATCH {
                let channels = std::mem::take(&mut batch);
                frames.extend(ServerMessage::Advertise { channels }.frame());
                batch_size = 0;
            }
        }
        if !batch.is_empty() {
            frames.extend(ServerMessage::Advertise { channels: batch }.frame());
        }
        frames
    }

    /// The next thing that the robot's side is to do.
    pub(crate) fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Bytes of latched messages that are kept for later subscribers.
    pub(crate) fn latched_bytes(&self) -> usize {
        self.latched
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use channel::tests::latched;

    const CHANNEL: ChannelId = ChannelId(1);

    fn channels(budget: usize) -> Channels {
        let mut channels = Channels::new(budget);
        let added = channels.add(Instant::now(), vec![latched(1).info]);
        assert_eq!(added, [CHANNEL]);
        channels
    }

    fn receive(channels: &mut Channels, size: usize) -> Received {
        let frame = Bytes::from(vec![0; size]);
        channels.receive(Instant::now(), CHANNEL, PublisherId(1), frame)
    }

    #[test]
    fn demand_begins_with_the_first_subscriber_and_ends_with_the_last() {
        let mut channels = channels(1000);
        assert!(matches!(receive(&mut channels, 10), Received::Unwanted));
        assert!(channels.subscribe(CHANNEL, ParticipantId(1)));
        assert!(!channels.subscribe(CHANNEL, ParticipantId(2)));
        assert!(matches!(receive(&mut channels, 10), Received::Wanted(_)));
        assert_eq!(channels.latched_bytes(), 10);
        channels.unsubscribe(CHANNEL, ParticipantId(1));
        channels.unsubscribe(CHANNEL, ParticipantId(1));
        assert_eq!(channels.latched_bytes(), 10);
        channels.unsubscribe(CHANNEL, ParticipantId(2));
        assert_eq!(channels.latched_bytes(), 0, "kept for nobody");
        assert_eq!(channels.poll_event(), Some(Event::Subscribe(CHANNEL)));
        assert_eq!(channels.poll_event(), Some(Event::Unsubscribe(CHANNEL)));
        assert_eq!(channels.poll_event(), None);
    }

    #[test]
    fn a_channel_that_is_gone_leaves_nothing() {
        let mut channels = channels(1000);
        channels.subscribe(CHANNEL, ParticipantId(1));
        assert!(matches!(receive(&mut channels, 10), Received::Wanted(_)));
        assert!(channels.remove(CHANNEL) && !channels.remove(CHANNEL));
        assert_eq!((channels.latched_bytes(), channels.poll_event()), (0, None));
        assert!(matches!(receive(&mut channels, 10), Received::Unwanted));
    }
}
