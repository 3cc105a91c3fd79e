//! Outgoing streams, and the lanes among them.
//!
//! A lane carries one channel to one exact set of participants, so that a message goes out once
//! for all of them. Participants that keep up and have got the same messages form one group and
//! share a lane; one that lags behind, or has latched messages to catch up with, is a group of its
//! own until it has caught up. A participant's messages move to another lane only when all bytes
//! of the old lane have arrived, so they are never overtaken.

use std::collections::BTreeMap;
use std::time::Instant;

use bytes::Bytes;
use remote_access_protocol::ChannelId;

use super::dispatch::Flow;
use super::drr::{Class, Turn};
use super::participant::Participant;
use super::stream::OutgoingStream;
use super::{ParticipantId, Session, StreamId, Transmit};

/// Lanes of participants that are served on their own, per channel. Those beyond get the channel
/// on their primary stream.
const MAX_LANES: usize = 4;

impl Session {
    /// A new stream. The transport opens it at the first write.
    pub(super) fn open_stream(&mut self, destinations: Vec<ParticipantId>) -> StreamId {
        let id = StreamId(self.next_stream);
        self.next_stream += 1;
        self.streams
            .insert(id, OutgoingStream::new(id, destinations));
        id
    }

    /// Forgets a stream at once, whatever is left of it.
    pub(super) fn remove_stream(&mut self, id: StreamId) -> Option<OutgoingStream> {
        let stream = self.streams.remove(&id)?;
        for state in self.channels.values_mut() {
            state.lanes.retain(|_, lane| *lane != id);
        }
        Some(stream)
    }

    /// Ends a stream at its next frame boundary.
    pub(super) fn retire_stream(&mut self, id: StreamId) {
        let Some(stream) = self.streams.get_mut(&id) else {
            return;
        };
        stream.retired = true;
        if !stream.at_boundary() {
            self.turns.insert(Flow::Finish(id), Class::Periodic);
        }
        self.close_if_retired(id);
    }

    pub(super) fn close_if_retired(&mut self, id: StreamId) {
        let done = self
            .streams
            .get(&id)
            .is_some_and(|stream| stream.retired && stream.at_boundary());
        if done && self.streams.remove(&id).is_some_and(|stream| stream.opened) {
            self.outbox.push_back(Transmit::Close { stream: id });
        }
    }

    /// Sends a slice of the frame that a retired stream still has to finish.
    pub(super) fn finish_turn(&mut self, now: Instant, id: StreamId) -> Turn {
        let Some(stream) = self.streams.get(&id) else {
            return Turn::Empty;
        };
        let mut deserted = true;
        let mut credit = false;
        for destination in &stream.destinations {
            if let Some(participant) = self.participants.get_mut(destination) {
                deserted = false;
                credit |= participant.flow.has_credit(now);
            }
        }
        if deserted {
            if self.remove_stream(id).is_some_and(|stream| stream.opened) {
                self.outbox.push_back(Transmit::Close { stream: id });
            }
            return Turn::Empty;
        }
        if credit {
            Turn::Sent(self.write_rest(id))
        } else {
            Turn::Blocked
        }
    }

    /// Ends all streams to a participant. Streams of its own end in the middle of a frame.
    pub(super) fn retire_streams_of(&mut self, id: ParticipantId) {
        let channels: Vec<ChannelId> = self.channels.keys().copied().collect();
        for channel in channels {
            self.retire_lanes_of(channel, id);
        }
        let own: Vec<StreamId> = self
            .streams
            .values()
            .filter(|stream| stream.destinations == [id])
            .map(|stream| stream.id)
            .collect();
        for stream in own {
            self.outbox.retain(|transmit| match transmit {
                Transmit::Write { stream: to, .. } => *to != stream,
                _ => true,
            });
            if self.remove_stream(stream).is_some_and(|old| old.opened) {
                self.outbox.push_back(Transmit::Close { stream });
            }
        }
    }

    /// Ends the lanes of one channel that lead to a participant.
    pub(super) fn retire_lanes_of(&mut self, channel: ChannelId, id: ParticipantId) {
        let Some(state) = self.channels.get_mut(&channel) else {
            return;
        };
        let mut ended = Vec::new();
        state.lanes.retain(|destinations, lane| {
            let keep = !destinations.contains(&id);
            if !keep {
                ended.push(*lane);
            }
            keep
        });
        for lane in ended {
            self.retire_stream(lane);
        }
    }

    /// Sends a slice of a channel to one of its groups.
    pub(super) fn channel_turn(&mut self, now: Instant, channel: ChannelId) -> Turn {
        let mut blocked = match self.continue_frame(now, channel) {
            Turn::Empty => false,
            Turn::Blocked => true,
            sent => return sent,
        };
        let groups = self.groups(now, channel);
        for group in groups {
            match self.group_turn(now, channel, group) {
                Turn::Sent(bytes) => return Turn::Sent(bytes),
                Turn::Blocked => blocked = true,
                Turn::Empty => {}
            }
        }
        if blocked {
            Turn::Blocked
        } else {
            Turn::Empty
        }
    }

    /// Goes on with a frame that was begun on one of the channel's lanes.
    fn continue_frame(&mut self, now: Instant, channel: ChannelId) -> Turn {
        let Some(state) = self.channels.get(&channel) else {
            return Turn::Empty;
        };
        let unfinished: Vec<StreamId> = state
            .lanes
            .values()
            .copied()
            .chain(self.borrowed_primaries(channel))
            .filter(|lane| self.streams.get(lane).is_some_and(|s| !s.at_boundary()))
            .collect();
        let mut turn = Turn::Empty;
        for lane in unfinished {
            let Some(stream) = self.streams.get(&lane) else {
                continue;
            };
            let credit = stream.destinations.iter().any(|id| {
                self.participants
                    .get_mut(id)
                    .is_some_and(|participant| participant.flow.has_credit(now))
            });
            if credit {
                return Turn::Sent(self.write_lane(lane, channel));
            }
            turn = Turn::Blocked;
        }
        turn
    }

    /// Primary streams that carry a message of this channel for want of a lane.
    fn borrowed_primaries(&self, channel: ChannelId) -> impl Iterator<Item = StreamId> + '_ {
        let subscribers = self.channels.get(&channel).map(|state| &state.subscribers);
        subscribers.into_iter().flatten().filter_map(move |id| {
            let participant = self.participants.get(id)?;
            let subscription = participant.subscriptions.get(&channel)?;
            let borrowed = subscription.lane == Some(participant.primary)
                && participant.last_on_primary == Some(channel);
            borrowed.then_some(participant.primary)
        })
    }

    /// The channel's groups that have something to send: the participants of a group get the same
    /// message next. A different group comes first each time.
    fn groups(&mut self, now: Instant, channel: ChannelId) -> Vec<Vec<ParticipantId>> {
        let Some(state) = self.channels.get_mut(&channel) else {
            return Vec::new();
        };
        state.turns = state.turns.wrapping_add(1);
        let state = &self.channels[&channel];
        let mut sharing: BTreeMap<u64, Vec<ParticipantId>> = BTreeMap::new();
        let mut groups = Vec::new();
        let mut dropped = false;
        for &id in &state.subscribers {
            let Some(participant) = self.participants.get_mut(&id) else {
                continue;
            };
            if !participant.many_streams || participant.restart_at.is_some() {
                continue;
            }
            participant.update_pace(now);
            let slow = participant.is_slow();
            let policy = state.policy(&self.config, slow);
            if let Some(subscription) = participant.subscriptions.get_mut(&channel) {
                dropped |= subscription.queue.expire(now, policy);
            }
            match participant.front(channel) {
                Some(_) if slow => groups.push(vec![id]),
                Some(seq) => sharing.entry(seq).or_default().push(id),
                None => {}
            }
        }
        groups.extend(sharing.into_values());
        if !groups.is_empty() {
            let first = state.turns % groups.len();
            groups.rotate_left(first);
        }
        if dropped {
            self.report_soon(now);
        }
        groups
    }

    /// Sends a group's next message on the group's lane, if all may take it now.
    fn group_turn(&mut self, now: Instant, channel: ChannelId, group: Vec<ParticipantId>) -> Turn {
        let mut waiting = Vec::new();
        for id in &group {
            if let Some(participant) = self.participants.get_mut(id) {
                if !participant.flow.has_credit(now) {
                    waiting.push(*id);
                }
            }
        }
        if !waiting.is_empty() {
            if waiting.len() < group.len() {
                for id in waiting {
                    if let Some(participant) = self.participants.get_mut(&id) {
                        participant.holds_up_others(now);
                    }
                }
            }
            return Turn::Blocked;
        }
        let choice = self.choose_lane(channel, &group);
        let may_move = group.iter().all(|id| {
            self.participants
                .get(id)
                .is_some_and(|participant| participant.may_move(channel, choice))
        });
        if !may_move {
            return Turn::Blocked;
        }
        let Some(lane) = choice.or_else(|| self.open_lane(channel, group)) else {
            return Turn::Empty;
        };
        match self.streams.get(&lane) {
            Some(stream) if stream.at_boundary() => Turn::Sent(self.write_lane(lane, channel)),
            _ => Turn::Blocked,
        }
    }

    /// The stream for a group's next message, or `None` if a lane is to be opened for it.
    fn choose_lane(&mut self, channel: ChannelId, group: &[ParticipantId]) -> Option<StreamId> {
        if let Some(&lane) = self.channels.get(&channel)?.lanes.get(group) {
            let full = self.streams.get(&lane).is_none_or(|stream| {
                stream.at_boundary() && stream.written() >= self.config.stream_rotate_bytes
            });
            if !full {
                return Some(lane);
            }
            self.end_lane(channel, lane);
        }
        self.end_unused_lanes(channel, group);
        let lanes = self.channels.get(&channel)?.lanes.len();
        match group {
            [id] if lanes >= MAX_LANES => Some(self.participants.get(id)?.primary),
            _ => None,
        }
    }

    fn end_lane(&mut self, channel: ChannelId, lane: StreamId) {
        if let Some(state) = self.channels.get_mut(&channel) {
            state.lanes.retain(|_, id| *id != lane);
        }
        self.retire_stream(lane);
    }

    /// Ends the lanes that nobody outside of `group` used last.
    fn end_unused_lanes(&mut self, channel: ChannelId, group: &[ParticipantId]) {
        let Some(state) = self.channels.get(&channel) else {
            return;
        };
        let used_by = |id: &ParticipantId, lane: StreamId| {
            let participant = self.participants.get(id)?;
            let subscription = participant.subscriptions.get(&channel)?;
            (subscription.lane == Some(lane)).then_some(())
        };
        let unused: Vec<StreamId> = state
            .lanes
            .iter()
            .filter(|(destinations, &lane)| {
                !destinations
                    .iter()
                    .any(|id| !group.contains(id) && used_by(id, lane).is_some())
            })
            .map(|(_, &lane)| lane)
            .collect();
        for lane in unused {
            self.end_lane(channel, lane);
        }
    }

    fn open_lane(&mut self, channel: ChannelId, group: Vec<ParticipantId>) -> Option<StreamId> {
        let lane = self.open_stream(group.clone());
        self.streams.get_mut(&lane)?.channel = Some(channel);
        let state = self.channels.get_mut(&channel)?;
        state.lanes.insert(group, lane);
        Some(lane)
    }

    /// Writes the next slice of the frame that a retired stream has begun.
    fn write_rest(&mut self, id: StreamId) -> usize {
        match self.streams.get(&id).and_then(|stream| stream.channel) {
            Some(channel) => self.write_lane(id, channel),
            None => 0,
        }
    }

    /// Writes the next slice of a lane, or of a primary stream that stands in for one.
    fn write_lane(&mut self, lane: StreamId, channel: ChannelId) -> usize {
        let Some(stream) = self.streams.get_mut(&lane) else {
            return 0;
        };
        let participants = &mut self.participants;
        let destinations = stream.destinations.clone();
        let retired = stream.retired;
        let bytes = stream.slice(|room| {
            if retired {
                return None;
            }
            pop_same(participants, channel, &destinations, room)
        });
        for id in &destinations {
            let Some(participant) = self.participants.get_mut(id) else {
                continue;
            };
            participant.flow.on_sent(bytes.len());
            participant.flow.charge(bytes.len());
            if participant.primary == lane {
                participant.in_control = false;
                participant.last_on_primary = Some(channel);
            }
            let end = participant.flow.sent();
            if let Some(subscription) = participant.subscriptions.get_mut(&channel) {
                subscription.lane = Some(lane);
                subscription.lane_end = end;
            }
        }
        let size = bytes.len();
        self.write(lane, bytes);
        size
    }
}

/// Takes the next message from all destinations, if it is the same for all and fits.
fn pop_same(
    participants: &mut BTreeMap<ParticipantId, Participant>,
    channel: ChannelId,
    destinations: &[ParticipantId],
    room: usize,
) -> Option<Bytes> {
    let mut expected = None;
    for id in destinations {
        let subscription = participants.get(id)?.subscriptions.get(&channel)?;
        let front = subscription.queue.front()?;
        if front.frame.len() > room || *expected.get_or_insert(front.seq) != front.seq {
            return None;
        }
    }
    let mut frame = None;
    for id in destinations {
        let subscription = participants.get_mut(id)?.subscriptions.get_mut(&channel)?;
        frame = subscription.queue.pop().map(|entry| entry.frame);
    }
    frame
}
