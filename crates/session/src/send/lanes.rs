//! Lanes: who gets a channel's next message together, and on which stream.
//!
//! A lane carries one channel to one exact set of participants, so that a message goes out once
//! for all of them. Participants that keep up and have got the same messages form one group and
//! share a lane; one that lags behind, or has latched messages to catch up with, is a group of its
//! own until it has caught up. A participant's messages move to another lane only when all bytes
//! of the old lane have arrived, so they are never overtaken.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use remote_access_protocol::ChannelId;

use super::drr::Wait;
use super::queue::QueuePolicy;
use super::receiver::Receiver;
use super::stream::OutgoingStream;
use super::streams::Streams;
use crate::ids::{ParticipantId, StreamId};

/// Lanes of participants that are served on their own, per channel. Those beyond get the channel
/// on their primary stream.
const MAX_LANES: usize = 4;
/// Time between two lanes for a participant that never acknowledges.
const PAUSE: Duration = Duration::from_secs(1);

/// The open lanes of one channel.
#[derive(Debug, Default)]
pub(crate) struct Lanes {
    /// The lanes by their exact, sorted set of destinations.
    streams: BTreeMap<Vec<ParticipantId>, StreamId>,
    /// Turns that the channel had: decides which of its groups comes first.
    turns: usize,
}

/// The subscribers of a channel by how they are served.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    /// Participants that get the same message next, group by group.
    pub(crate) sharing: Vec<Vec<ParticipantId>>,
    /// Participants that are served on their own, and have something to get.
    pub(crate) apart: Vec<ParticipantId>,
    /// Whether messages were dropped that had waited for too long.
    pub(crate) dropped: bool,
}

impl Lanes {
    pub(crate) fn len(&self) -> usize {
        self.streams.len()
    }

    pub(crate) fn streams(&self) -> impl Iterator<Item = StreamId> + '_ {
        self.streams.values().copied()
    }

    /// The lane to exactly this group.
    pub(crate) fn to(&self, group: &[ParticipantId]) -> Option<StreamId> {
        self.streams.get(group).copied()
    }

    /// Forms groups of those that read many streams and have something to get. A different group
    /// comes first each time. Those of different rights share nothing, and nobody does unless that
    /// is allowed: who shares a lane knows the id of its stream, and could write on it.
    pub(crate) fn groups<'a>(
        &mut self,
        now: Instant,
        channel: ChannelId,
        subscribers: impl Iterator<Item = &'a ParticipantId>,
        receivers: &mut BTreeMap<ParticipantId, Receiver>,
        (policy, sharing_allowed): (QueuePolicy, bool),
    ) -> Groups {
        self.turns = self.turns.wrapping_add(1);
        let mut groups = Groups::default();
        let mut sharing: BTreeMap<_, Vec<ParticipantId>> = BTreeMap::new();
        for &id in subscribers {
            let Some(receiver) = receivers.get_mut(&id) else {
                continue;
            };
            if !receiver.many_streams || receiver.resync_at.is_some() {
                continue;
            }
            receiver.update_standing(now);
            if receiver.is_slow() {
                if receiver.front(channel).is_some() {
                    groups.apart.push(id);
                }
                continue;
            }
            if let Some(subscription) = receiver.subscriptions.get_mut(&channel) {
                groups.dropped |= subscription.queue.expire(now, policy);
            }
            if let Some(seq) = receiver.front(channel) {
                let alone = (!sharing_allowed).then_some(id);
                let key = (seq, receiver.group, alone);
                sharing.entry(key).or_default().push(id);
            }
        }
        groups.sharing = sharing.into_values().collect();
        if !groups.sharing.is_empty() {
            let first = self.turns % groups.sharing.len();
            groups.sharing.rotate_left(first);
        }
        groups
    }

    /// The stream for a group's next message, or `None` if a lane is to be opened for it. Lanes
    /// that nobody needs any more are added to `ended`.
    pub(crate) fn choose(
        &mut self,
        channel: ChannelId,
        group: &[ParticipantId],
        receivers: &BTreeMap<ParticipantId, Receiver>,
        is_used_up: impl Fn(StreamId) -> bool,
        ended: &mut Vec<StreamId>,
    ) -> Option<StreamId> {
        if let Some(lane) = self.to(group) {
            if !is_used_up(lane) {
                return Some(lane);
            }
            self.streams.remove(group);
            ended.push(lane);
        }
        self.end_unused(channel, group, receivers, ended);
        let [id] = group else {
            return None;
        };
        let receiver = receivers.get(id)?;
        let primary = receiver.primary;
        let on_primary = receiver.subscriptions.get(&channel)?.lane == Some(primary);
        // One that never acknowledges could not be moved without a risk to the order.
        let stays = on_primary && !receiver.flow.acknowledges();
        (self.streams.len() >= MAX_LANES || stays).then_some(primary)
    }

    /// Ends the lanes that nobody outside of `group` used last.
    fn end_unused(
        &mut self,
        channel: ChannelId,
        group: &[ParticipantId],
        receivers: &BTreeMap<ParticipantId, Receiver>,
        ended: &mut Vec<StreamId>,
    ) {
        let uses = |id: &ParticipantId, lane: StreamId| {
            let receiver = receivers.get(id);
            let subscription = receiver.and_then(|each| each.subscriptions.get(&channel));
            subscription.is_some_and(|subscription| subscription.lane == Some(lane))
        };
        self.end_unless(ended, |destinations, lane| {
            destinations
                .iter()
                .any(|id| !group.contains(id) && uses(id, lane))
        });
    }

    pub(crate) fn add(&mut self, group: Vec<ParticipantId>, lane: StreamId) {
        self.streams.insert(group, lane);
    }

    /// Forgets the lanes that lead to a participant, and returns them.
    pub(crate) fn end_to(&mut self, id: ParticipantId) -> Vec<StreamId> {
        let mut ended = Vec::new();
        self.end_unless(&mut ended, |destinations, _| !destinations.contains(&id));
        ended
    }

    /// Forgets a stream, if it is one of the lanes.
    pub(crate) fn forget(&mut self, stream: StreamId) {
        self.streams.retain(|_, lane| *lane != stream);
    }

    fn end_unless(
        &mut self,
        ended: &mut Vec<StreamId>,
        keep: impl Fn(&[ParticipantId], StreamId) -> bool,
    ) {
        self.streams.retain(|destinations, &mut lane| {
            let keep = keep(destinations, lane);
            if !keep {
                ended.push(lane);
            }
            keep
        });
    }
}

/// Whether a participant's messages of this channel may go on this stream, `None` for a new one,
/// without overtaking those on an earlier one.
pub(crate) fn may_move(
    receiver: &Receiver,
    now: Instant,
    channel: ChannelId,
    to: Option<StreamId>,
    streams: &Streams,
) -> bool {
    let Some(subscription) = receiver.subscriptions.get(&channel) else {
        return false;
    };
    let Some(lane) = subscription.lane.filter(|&lane| to != Some(lane)) else {
        return true;
    };
    // Without acknowledgements nobody knows; a pause makes it likely.
    let arrived = if receiver.flow.acknowledges() {
        receiver.flow.has_arrived(subscription.lane_end)
    } else {
        now.saturating_duration_since(subscription.lane_at) > PAUSE
    };
    arrived && streams.get(lane).is_none_or(OutgoingStream::at_boundary)
}

/// The event that messages wait for which may not move to another stream yet.
pub(crate) fn wait_to_move(receiver: &Receiver, id: ParticipantId, channel: ChannelId) -> Wait {
    let subscription = receiver.subscriptions.get(&channel);
    let on_the_way = subscription.is_some_and(|s| !receiver.flow.has_arrived(s.lane_end));
    if on_the_way && receiver.flow.acknowledges() {
        Wait::Arrival(id, receiver.flow.acked())
    } else {
        Wait::Retry
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::SessionConfig;

    const CHANNEL: ChannelId = ChannelId(7);

    fn receivers(now: Instant, ids: &[u64]) -> BTreeMap<ParticipantId, Receiver> {
        let receiver = |&id: &u64| {
            let primary = StreamId(100 + id);
            let mut receiver = Receiver::new(now, &SessionConfig::default(), primary);
            receiver.many_streams = true;
            receiver.subscribe(now, CHANNEL);
            (ParticipantId(id), receiver)
        };
        ids.iter().map(receiver).collect()
    }

    fn choose(
        lanes: &mut Lanes,
        receivers: &BTreeMap<ParticipantId, Receiver>,
        group: &[u64],
    ) -> (Option<StreamId>, Vec<StreamId>) {
        let group: Vec<ParticipantId> = group.iter().copied().map(ParticipantId).collect();
        let mut ended = Vec::new();
        let choice = lanes.choose(CHANNEL, &group, receivers, |_| false, &mut ended);
        (choice, ended)
    }

    #[test]
    fn a_group_keeps_its_lane_and_lanes_that_nobody_used_last_end() {
        let receivers = receivers(Instant::now(), &[1, 2]);
        let mut lanes = Lanes::default();
        assert_eq!(choose(&mut lanes, &receivers, &[1, 2]), (None, vec![]));
        lanes.add(vec![ParticipantId(1), ParticipantId(2)], StreamId(1));
        let chosen = choose(&mut lanes, &receivers, &[1, 2]);
        assert_eq!(chosen, (Some(StreamId(1)), vec![]));
        let chosen = choose(&mut lanes, &receivers, &[1]);
        assert_eq!(chosen, (None, vec![StreamId(1)]));
    }

    #[test]
    fn a_lane_that_somebody_else_used_last_stays() {
        let mut receivers = receivers(Instant::now(), &[1, 2]);
        let both = [ParticipantId(1), ParticipantId(2)];
        let mut lanes = Lanes::default();
        lanes.add(both.to_vec(), StreamId(1));
        let other = receivers.get_mut(&both[1]).unwrap();
        other.subscriptions.get_mut(&CHANNEL).unwrap().lane = Some(StreamId(1));
        assert_eq!(choose(&mut lanes, &receivers, &[1]), (None, vec![]));
    }

    #[test]
    fn beyond_some_lanes_the_primary_stream_is_used() {
        let ids: Vec<u64> = (1..10).collect();
        let mut receivers = receivers(Instant::now(), &ids);
        let mut lanes = Lanes::default();
        for id in 1..=MAX_LANES as u64 {
            assert_eq!(choose(&mut lanes, &receivers, &[id]), (None, vec![]));
            lanes.add(vec![ParticipantId(id)], StreamId(id));
            let receiver = receivers.get_mut(&ParticipantId(id)).unwrap();
            receiver.subscriptions.get_mut(&CHANNEL).unwrap().lane = Some(StreamId(id));
        }
        let chosen = choose(&mut lanes, &receivers, &[9]);
        assert_eq!(chosen, (Some(StreamId(109)), vec![]));
        assert_eq!(lanes.end_to(ParticipantId(1)), [StreamId(1)]);
        assert_eq!(choose(&mut lanes, &receivers, &[9]), (None, vec![]));
    }

    #[test]
    fn messages_move_to_another_lane_when_those_on_the_old_one_have_arrived() {
        let now = Instant::now();
        let mut receivers = receivers(now, &[1]);
        let streams = Streams::default();
        let receiver = receivers.get_mut(&ParticipantId(1)).unwrap();
        let stamp = receiver.flow.mark(now, 1);
        receiver.flow.on_ack(now, stamp);
        receiver.flow.on_sent(100);
        receiver.sent_on(now, CHANNEL, StreamId(1), false);
        let may_move = |receiver: &Receiver, to| may_move(receiver, now, CHANNEL, to, &streams);
        assert!(may_move(receiver, Some(StreamId(1))), "it stays");
        assert!(!may_move(receiver, None));
        let wait = wait_to_move(receiver, ParticipantId(1), CHANNEL);
        assert_eq!(wait, Wait::Arrival(ParticipantId(1), 0));
        let stamp = receiver.flow.mark(now, 2);
        receiver.flow.on_ack(now, stamp);
        assert!(may_move(receiver, None));
    }
}
