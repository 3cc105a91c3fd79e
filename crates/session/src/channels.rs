//! The robot's channels, who subscribes to them, and the demand that follows.

pub(crate) mod channel;
pub(crate) mod rate_limit;

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use bytes::Bytes;
use remote_access_protocol::server::ServerMessage;
use remote_access_protocol::ChannelId;
use tracing::warn;

use crate::catalogues::Catalogues;
use crate::ids::{ParticipantId, PublisherId};
use crate::message::{Message, VideoFrame};
use crate::permission::{Action, Permission};
use crate::transmit::{Event, Lag};
use channel::{ChannelInfo, ChannelState, Delivery, Demand};
use rate_limit::{RateLimit, RateLimiter};

/// An advertise message holds about this many bytes of schemas at most.
const ADVERTISE_BATCH: usize = 512 * 1024;

/// The robot's channels.
#[derive(Debug)]
pub(crate) struct Channels {
    channels: BTreeMap<ChannelId, ChannelState>,
    /// Bytes of latched messages that all channels keep.
    latched: usize,
    latched_budget: usize,
    /// Time for which a channel stays wanted that nobody subscribes to any more.
    linger: Duration,
    events: VecDeque<Event>,
    /// The channels that are videos.
    videos: BTreeSet<ChannelId>,
    /// The advertise messages of the channels that a group of equal rights sees, once they were asked for.
    catalogue: Catalogues,
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
    pub(crate) fn new(latched_budget: usize, linger: Duration) -> Self {
        Self {
            channels: BTreeMap::new(),
            latched: 0,
            latched_budget,
            linger,
            events: VecDeque::new(),
            videos: BTreeSet::new(),
            catalogue: Catalogues::default(),
        }
    }

    pub(crate) fn get(&self, id: ChannelId) -> Option<&ChannelState> {
        self.channels.get(&id)
    }

    pub(crate) fn set_rate_limit(&mut self, now: Instant, id: ChannelId, limit: RateLimit) {
        if let Some(state) = self.channels.get_mut(&id) {
            if state.info.rate_limit != limit {
                state.info.rate_limit = limit;
                state.limiter = RateLimiter::new(now, limit);
            }
        }
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
        self.catalogue.clear();
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
    pub(crate) fn update(&mut self, id: ChannelId, delivery: Delivery) {
        if let Some(state) = self.channels.get_mut(&id) {
            state.info.delivery = delivery;
            if !delivery.latched {
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
        self.catalogue.clear();
        self.latched -= state.latched_bytes();
        self.events.retain(|event| event.channel() != id);
        self.videos.remove(&id);
        true
    }

    /// Adds a subscriber. The first one makes the robot's side subscribe, unless it still does.
    /// Returns whether it is to: else there may be latched messages.
    pub(crate) fn subscribe(&mut self, id: ChannelId, subscriber: ParticipantId) -> bool {
        let Some(state) = self.channels.get_mut(&id) else {
            return false;
        };
        state.subscribers.insert(subscriber);
        let first = state.demand == Demand::None;
        state.demand = Demand::Wanted;
        if first {
            self.events.push_back(Event::Subscribe(id));
        } else {
            self.ask_for_key_frame(id);
        }
        first
    }

    /// The channels that are videos, with their subscribers.
    pub(crate) fn videos(&self) -> impl Iterator<Item = (ChannelId, &BTreeSet<ParticipantId>)> {
        let videos = self.videos.iter();
        videos.filter_map(|id| Some((*id, &self.channels.get(id)?.subscribers)))
    }

    /// How many watch videos, if this subscriber does.
    pub(crate) fn watching_videos(&self, subscriber: ParticipantId) -> Option<usize> {
        let watching: BTreeSet<_> = self.videos().flat_map(|(_, ids)| ids).collect();
        watching.contains(&subscriber).then_some(watching.len())
    }

    /// Asks for a key frame, if the channel is a video.
    pub(crate) fn ask_for_key_frame(&mut self, id: ChannelId) {
        let event = Event::KeyFrame(id);
        if self.videos.contains(&id) && !self.events.contains(&event) {
            self.events.push_back(event);
        }
    }

    /// Tells that a subscriber of a video cannot keep up with it. Of those told of before the next
    /// call of [`Self::poll_event`], the slowest counts.
    pub(crate) fn tell_behind(&mut self, id: ChannelId, lag: Lag, rate: Option<u64>) {
        let waiting = self.events.iter_mut().find_map(|event| match event {
            Event::Behind { channel, lag, rate } if *channel == id => Some((lag, rate)),
            _ => None,
        });
        match waiting {
            Some((worst, slowest)) => {
                *worst = lag.max(*worst);
                *slowest = slowest.iter().copied().chain(rate).min();
            }
            None => self.events.push_back(Event::Behind {
                channel: id,
                lag,
                rate,
            }),
        }
    }

    /// Removes a subscriber; a while after the last one the robot's subscription ends.
    pub(crate) fn unsubscribe(&mut self, now: Instant, id: ChannelId, subscriber: ParticipantId) {
        let Some(state) = self.channels.get_mut(&id) else {
            return;
        };
        if state.subscribers.remove(&subscriber) && state.subscribers.is_empty() {
            state.demand = Demand::Lingers(now + self.linger);
        }
    }

    /// Ends the robot's subscriptions that nobody has wanted for a while.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        for (&id, state) in &mut self.channels {
            if state.demand.ends_at().is_some_and(|at| at <= now) {
                state.demand = Demand::None;
                self.latched -= state.latched_bytes();
                state.forget_latched();
                self.events.push_back(Event::Unsubscribe(id));
            }
        }
    }

    pub(crate) fn next_timeout(&self) -> Option<Instant> {
        let states = self.channels.values();
        states.filter_map(|state| state.demand.ends_at()).min()
    }

    /// Takes a message of the robot, and keeps it for later subscribers if it is latched.
    pub(crate) fn receive(
        &mut self,
        now: Instant,
        id: ChannelId,
        publisher: PublisherId,
        frame: Bytes,
        video_frame: Option<VideoFrame>,
    ) -> Received {
        let Some(state) = self.channels.get_mut(&id) else {
            return Received::Unwanted;
        };
        let latched = state.info.delivery.latched;
        let unwanted = state.subscribers.is_empty();
        if state.demand == Demand::None || frame.is_empty() || (unwanted && !latched) {
            return Received::Unwanted;
        }
        state.received.count(frame.len());
        if !latched && !state.limiter.pass(now, frame.len()) {
            return Received::OverRate;
        }
        if video_frame.is_some() {
            self.videos.insert(id);
        }
        let message = state.number(now, frame, video_frame);
        if latched {
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
        if unwanted {
            Received::Unwanted
        } else {
            Received::Wanted(message)
        }
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

    /// Those of the channels that exist and that somebody may see.
    pub(crate) fn seen_by(&self, permission: &Permission, ids: &[ChannelId]) -> Vec<ChannelId> {
        let sees = |id: &&ChannelId| {
            self.channels.get(id).is_some_and(|state| {
                let topic = &state.info.channel.topic;
                permission.check(Action::See { topic }).is_ok()
            })
        };
        ids.iter().filter(sees).copied().collect()
    }

    /// The advertise messages of all channels that somebody may see, shared by those of equal rights.
    pub(crate) fn catalogue(&mut self, permission: &Permission) -> Vec<Bytes> {
        let mut catalogue = std::mem::take(&mut self.catalogue);
        let frames = catalogue.of(permission, || {
            let all: Vec<ChannelId> = self.channels.keys().copied().collect();
            self.advertisements(&self.seen_by(permission, &all))
        });
        self.catalogue = catalogue;
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
    use crate::permission::{Policy, Rights};
    use channel::tests::latched;

    const CHANNEL: ChannelId = ChannelId(1);

    const LINGER: Duration = Duration::from_secs(5);

    fn channels(budget: usize) -> Channels {
        let mut channels = Channels::new(budget, LINGER);
        let added = channels.add(Instant::now(), vec![latched(1).info]);
        assert_eq!(added, [CHANNEL]);
        channels
    }

    fn receive(channels: &mut Channels, size: usize) -> Received {
        let frame = Bytes::from(vec![0; size]);
        channels.receive(Instant::now(), CHANNEL, PublisherId(1), frame, None)
    }

    #[test]
    fn demand_begins_with_the_first_subscriber_and_ends_a_while_after_the_last() {
        let now = Instant::now();
        let mut channels = channels(1000);
        assert!(matches!(receive(&mut channels, 10), Received::Unwanted));
        assert!(channels.subscribe(CHANNEL, ParticipantId(1)));
        assert!(!channels.subscribe(CHANNEL, ParticipantId(2)));
        assert!(matches!(receive(&mut channels, 10), Received::Wanted(_)));
        channels.unsubscribe(now, CHANNEL, ParticipantId(1));
        channels.unsubscribe(now, CHANNEL, ParticipantId(1));
        assert_eq!(channels.next_timeout(), None);
        channels.unsubscribe(now, CHANNEL, ParticipantId(2));
        assert_eq!(channels.next_timeout(), Some(now + LINGER));
        assert_eq!(channels.poll_event(), Some(Event::Subscribe(CHANNEL)));
        channels.handle_timeout(now + LINGER / 2);
        assert_eq!(
            (channels.latched_bytes(), channels.poll_event()),
            (10, None)
        );
        channels.handle_timeout(now + LINGER);
        assert_eq!(channels.latched_bytes(), 0, "kept for nobody");
        assert_eq!(channels.poll_event(), Some(Event::Unsubscribe(CHANNEL)));
        assert_eq!(
            (channels.next_timeout(), channels.poll_event()),
            (None, None)
        );
    }

    #[test]
    fn who_comes_back_soon_finds_the_latest_latched_message() {
        let now = Instant::now();
        let mut channels = channels(1000);
        channels.subscribe(CHANNEL, ParticipantId(1));
        channels.unsubscribe(now, CHANNEL, ParticipantId(1));
        assert!(matches!(receive(&mut channels, 10), Received::Unwanted));
        assert!(!channels.subscribe(CHANNEL, ParticipantId(1)));
        channels.handle_timeout(now + 2 * LINGER);
        assert_eq!(channels.poll_event(), Some(Event::Subscribe(CHANNEL)));
        assert_eq!(channels.poll_event(), None);
        assert_eq!(
            channels.get(CHANNEL).map(|state| state.replay().len()),
            Some(1)
        );
    }

    #[test]
    fn the_catalogue_is_made_once_and_follows_what_there_is() {
        let mut channels = channels(1000);
        let all = Permission::new(Policy::default(), Rights::all());
        let first = channels.catalogue(&all);
        assert_eq!(first[0].as_ptr(), channels.catalogue(&all)[0].as_ptr());
        assert!(channels.catalogue(&Permission::none()).is_empty());
        let mut info = latched(1).info;
        info.channel.id = ChannelId(2);
        channels.add(Instant::now(), vec![info]);
        assert!(channels.catalogue(&all)[0].len() > first[0].len());
        channels.remove(CHANNEL);
        channels.remove(ChannelId(2));
        assert!(channels.catalogue(&all).is_empty());
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
