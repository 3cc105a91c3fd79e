//! Routes to participants: what waits for each, and the streams that lead to them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use remote_access_protocol::ChannelId;

use super::lanes::Lanes;
use super::receiver::Receiver;
use super::source::{PrimarySource, Source, Woken};
use super::streams::Streams;
use crate::class::Class;
use crate::config::SessionConfig;
use crate::counters::{Drops, Traffic};
use crate::ids::{ParticipantId, StreamId};

/// Time until a participant is resynced whose stream or queue failed.
pub(crate) const RESYNC_DELAY: Duration = Duration::from_secs(1);

/// The routes to all participants.
#[derive(Debug)]
pub(crate) struct Routes {
    pub(crate) config: Arc<SessionConfig>,
    pub(crate) receivers: BTreeMap<ParticipantId, Receiver>,
    pub(crate) channels: BTreeMap<ChannelId, ChannelRoutes>,
    pub(crate) streams: Streams,
    /// Bytes of large answers that wait for all participants.
    pub(crate) answer_bytes: usize,
    /// Sources that have something to send, perhaps, and are to take turns.
    pub(crate) woken: Vec<Woken>,
    /// The participants that the last slice went to, if they were several.
    pub(crate) shared_by: Vec<ParticipantId>,
    /// Whether messages were dropped that participants are to be told about.
    pub(crate) dropped: bool,
    /// Whether a video may have broken, or a subscriber of one fell behind.
    pub(crate) video_broke: bool,
}

/// The routes of one channel.
#[derive(Debug, Default)]
pub(crate) struct ChannelRoutes {
    pub(crate) lanes: Lanes,
    /// The participant that pays for what several share.
    payer: Option<ParticipantId>,
    /// Messages on the uplink: one for several participants at once counts once.
    pub(crate) sent: Traffic,
    /// Drops of subscriptions that are over.
    pub(crate) past_drops: Drops,
}

impl Routes {
    pub(crate) fn new(config: Arc<SessionConfig>) -> Self {
        Self {
            config,
            receivers: BTreeMap::new(),
            channels: BTreeMap::new(),
            streams: Streams::default(),
            answer_bytes: 0,
            woken: Vec::new(),
            shared_by: Vec::new(),
            dropped: false,
            video_broke: false,
        }
    }

    pub(crate) fn join(&mut self, now: Instant, id: ParticipantId) {
        let primary = self.streams.open(vec![id], None);
        let receiver = Receiver::new(now, &self.config, primary);
        self.receivers.insert(id, receiver);
    }

    /// Removes a participant. Returns the channels that it subscribed to.
    pub(crate) fn leave(&mut self, id: ParticipantId) -> Vec<ChannelId> {
        let Some(mut receiver) = self.receivers.remove(&id) else {
            return Vec::new();
        };
        self.answer_bytes -= receiver.answers.clear();
        for (channel, subscription) in &receiver.subscriptions {
            self.keep_drops(*channel, &subscription.queue.drops);
        }
        self.end_streams_to(id);
        receiver.subscriptions.into_keys().collect()
    }

    /// Gives a participant new streams in place of the old ones. Returns the channels that it
    /// subscribes to, or `None` if it is unknown.
    pub(crate) fn resync(&mut self, now: Instant, id: ParticipantId) -> Option<Vec<ChannelId>> {
        if !self.receivers.contains_key(&id) {
            return None;
        }
        self.end_streams_to(id);
        let primary = self.streams.open(vec![id], None);
        let receiver = self.receivers.get_mut(&id)?;
        receiver.resync(now, primary);
        Some(receiver.subscriptions.keys().copied().collect())
    }

    /// Resyncs a participant in a while.
    pub(crate) fn resync_later(&mut self, now: Instant, id: ParticipantId) {
        if let Some(receiver) = self.receivers.get_mut(&id) {
            receiver.resync_at.get_or_insert(now + RESYNC_DELAY);
        }
    }

    /// Forgets a stream that could not be opened or written. Its participants are resynced in a
    /// while.
    pub(crate) fn stream_failed(&mut self, now: Instant, stream: StreamId) {
        let Some(stream) = self.streams.fail(stream) else {
            return;
        };
        for channel in self.channels.values_mut() {
            channel.lanes.forget(stream.id);
        }
        for id in stream.destinations {
            self.resync_later(now, id);
        }
    }

    /// Ends a subscription. Returns whether there was one.
    pub(crate) fn unsubscribe(&mut self, channel: ChannelId, id: ParticipantId) -> bool {
        let receiver = self.receivers.get_mut(&id);
        let Some(subscription) = receiver.and_then(|each| each.unsubscribe(channel)) else {
            return false;
        };
        self.keep_drops(channel, &subscription.queue.drops);
        self.end_lanes_to(channel, id);
        true
    }

    /// Removes a channel with its subscriptions and lanes.
    pub(crate) fn remove_channel(&mut self, channel: ChannelId) {
        for receiver in self.receivers.values_mut() {
            receiver.forget(channel);
        }
        if let Some(routes) = self.channels.remove(&channel) {
            for lane in routes.lanes.streams() {
                self.retire(lane);
            }
        }
    }

    /// Lets a channel of this class take turns for a participant.
    pub(crate) fn wake(&mut self, channel: ChannelId, class: Class, id: ParticipantId) {
        let Some(receiver) = self.receivers.get_mut(&id) else {
            return;
        };
        let (source, class) = if !receiver.many_streams {
            let source = PrimarySource::Channel(channel);
            receiver.sources.insert(source, class);
            (Source::Participant(id), Class::Periodic)
        } else if receiver.is_slow() {
            (Source::Own(id, channel), class)
        } else {
            (Source::Channel(channel), class)
        };
        self.woken.push(Woken {
            source,
            class,
            receiver: id,
        });
    }

    /// Lets the answers to a participant take turns, if there are any.
    pub(crate) fn wake_answers(&mut self, id: ParticipantId) {
        let Some(receiver) = self.receivers.get_mut(&id) else {
            return;
        };
        if receiver.answers.is_empty() {
            return;
        }
        let (source, class) = if receiver.many_streams {
            (Source::Answers(id), Class::Bulk)
        } else {
            receiver.sources.insert(PrimarySource::Answers, Class::Bulk);
            (Source::Participant(id), Class::Periodic)
        };
        self.woken.push(Woken {
            source,
            class,
            receiver: id,
        });
    }

    /// Ends a stream at its next frame boundary.
    pub(crate) fn retire(&mut self, stream: StreamId) {
        let unfinished = self.streams.retire(stream);
        if let Some(&receiver) = unfinished.and_then(|each| each.destinations.first()) {
            self.woken.push(Woken {
                source: Source::Finish(stream),
                class: Class::Periodic,
                receiver,
            });
        }
    }

    /// The participant that pays for what was woken, and the one that paid for it before.
    ///
    /// A channel that several share is paid by the one that subscribes to the fewest channels: it
    /// would wait for those of the others otherwise.
    pub(crate) fn payer(&mut self, woken: Woken) -> (ParticipantId, Option<ParticipantId>) {
        let Source::Channel(channel) = woken.source else {
            return (woken.receiver, None);
        };
        let receivers = &self.receivers;
        let subscriptions = |id: &ParticipantId| {
            let receiver = receivers.get(id)?;
            let shares = receiver.subscriptions.contains_key(&channel) && !receiver.is_slow();
            shares.then_some(receiver.subscriptions.len())
        };
        let Some(routes) = self.channels.get_mut(&channel) else {
            return (woken.receiver, None);
        };
        let before = routes.payer;
        let stays = before.filter(|payer| match subscriptions(payer) {
            Some(count) => subscriptions(&woken.receiver).is_none_or(|other| count <= other),
            None => false,
        });
        let payer = stays.unwrap_or(woken.receiver);
        routes.payer = Some(payer);
        (payer, before.filter(|&before| before != payer))
    }

    /// Ends all streams to a participant. Streams of its own end in the middle of a frame.
    fn end_streams_to(&mut self, id: ParticipantId) {
        let channels: Vec<ChannelId> = self.channels.keys().copied().collect();
        for channel in channels {
            self.end_lanes_to(channel, id);
        }
        self.streams.close_own(id);
    }

    fn end_lanes_to(&mut self, channel: ChannelId, id: ParticipantId) {
        if let Some(routes) = self.channels.get_mut(&channel) {
            for lane in routes.lanes.end_to(id) {
                self.retire(lane);
            }
        }
    }

    fn keep_drops(&mut self, channel: ChannelId, drops: &Drops) {
        if let Some(routes) = self.channels.get_mut(&channel) {
            routes.past_drops.add(drops);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_those_who_share_a_channel_the_one_with_the_fewest_pays() {
        let now = Instant::now();
        let mut routes = Routes::new(Arc::default());
        let channel = ChannelId(1);
        routes.channels.entry(channel).or_default();
        let [many, few] = [1, 2].map(ParticipantId);
        for (id, count) in [(many, 10), (few, 2)] {
            routes.join(now, id);
            let receiver = routes.receivers.get_mut(&id).unwrap();
            (1..=count).for_each(|number| receiver.subscribe(now, ChannelId(number)));
            let stamp = receiver.flow.mark(now, 1);
            receiver.flow.on_ack(now, stamp);
            assert!(!receiver.is_slow());
        }
        let payer = |receiver, routes: &mut Routes| {
            routes.payer(Woken {
                source: Source::Channel(channel),
                class: Class::Bulk,
                receiver,
            })
        };
        assert_eq!(payer(many, &mut routes), (many, None));
        assert_eq!(payer(few, &mut routes), (few, Some(many)));
        assert_eq!(payer(many, &mut routes), (few, None));
        routes.unsubscribe(channel, few);
        assert_eq!(payer(many, &mut routes), (many, Some(few)));
    }
}
